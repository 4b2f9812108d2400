"""The aggregator's metrics, as Prometheus and its tool take them, and under clients that mean no good.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_metrics
"""

import contextlib
import json
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from integration.small_fleet import SmallFleet
from support.fleet import Aggregator, environment, free_address
from support.waiting import wait_until

MANUAL_PAGE = Path(__file__).resolve().parents[2] / "docs/man/fleetqshape-aggregator.8"
# Far below the server's own time-outs, and beyond what a loaded machine takes.
AT_ONCE_SECONDS = 5


def get(address: str, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=AT_ONCE_SECONDS) as response:
        return response.read().decode()


def scrape(aggregator: Aggregator) -> dict[str, float]:
    """The samples by name, labels included, without what all names begin with."""
    samples = re.findall(r"^fleetqshape_aggregator_(\S+) (\S+)$", get(aggregator.metrics_address), re.M)
    return {name: float(value) for name, value in samples}


def connect(address: str, text: bytes = b"") -> socket.socket:
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=AT_ONCE_SECONDS)
    connection.sendall(text)
    return connection


class Metrics(unittest.TestCase):
    """A fleet whose aggregator has metrics."""

    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.fleet = SmallFleet(self.stack, "--metrics-listen", "127.0.0.1:0", "--stale-after", "1")
        self.aggregator = self.fleet.aggregator

    def wait_for(self, **expected: float) -> None:
        wait_until(lambda: expected.items() <= scrape(self.aggregator).items(), 20, f"the metrics have {expected}",
                   context=lambda: get(self.aggregator.metrics_address))

    def test_promtool_finds_nothing_to_say(self) -> None:
        done = subprocess.run(["promtool", "check", "metrics"], input=get(self.aggregator.metrics_address),
                              capture_output=True, encoding="utf-8", timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_values_follow_the_fleet(self) -> None:
        before = time.time()
        self.wait_for(connected_relays=3, open_streams=3, snapshots_total=3, store_works=1)
        values = scrape(self.aggregator)
        self.assertGreaterEqual(values["reports_total"], 3)
        self.assertGreaterEqual(values["cells_total"], 6, "a sender and a recipient each")
        self.assertGreaterEqual(values["batches_total"], 1)
        self.assertTrue(before - 120 < values["start_time_seconds"] <= time.time())
        for name in ("failed_batches_total", "unstored_reports_total", "damaged_relays_total", "held_report_bytes"):
            self.assertEqual(values[name], 0, name)

        self.fleet.agents["eu", "mx2"].stop()
        self.wait_for(**{"connected_relays": 2, "open_streams": 2, 'relays{freshness="stale"}': 1})
        self.aggregator.ask("relays", "forget", "--host", "mx2", "--stranded")
        self.wait_for(**{"forgotten_relays_total": 1, 'relays{freshness="stale"}': 0})

    def test_nothing_of_the_relays_or_their_mail_is_told(self) -> None:
        text = get(self.aggregator.metrics_address)
        for word in ("mx1", "mx2", "gateway", "example", "eu", "us\""):
            self.assertNotIn(word, re.sub(r"^# .*", "", text, flags=re.M))

    def test_manual_page_has_each_metric(self) -> None:
        served = re.findall(r"^# TYPE fleetqshape_aggregator_(\S+)", get(self.aggregator.metrics_address), re.M)
        section = re.search(r"^\.Sh METRICS\n(.*?)^\.Sh ", MANUAL_PAGE.read_text(encoding="utf-8"), re.M | re.S)[1]
        items = [item.replace(r"\(dq", '"') for item in re.findall(r"^\.It Li (.*)$", section, re.M)]
        alerts = [item for item in items if "fleetqshape_aggregator_" in item]
        self.assertEqual(sorted(served), sorted(set(items) - set(alerts)))

        self.assertNotEqual(alerts, [])
        for alert in alerts:
            self.assertIn(re.search(r"fleetqshape_aggregator_(\w+)", alert)[1], served)
        rules = [{"alert": f"Alert{number}", "expr": alert} for number, alert in enumerate(alerts)]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(json.dumps({"groups": [{"name": "alerts", "rules": rules}]}))  # which is YAML, too
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, encoding="utf-8",
                                  timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_other_requests(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            get(self.aggregator.metrics_address, "/")
        self.assertEqual(caught.exception.code, 404)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(f"http://{self.aggregator.metrics_address}/metrics",
                                                          method="DELETE"), timeout=AT_ONCE_SECONDS)
        self.assertEqual(caught.exception.code, 405)

    def test_bad_clients_disturb_neither_scrapes_nor_the_end(self) -> None:
        address = self.aggregator.metrics_address
        clients = [connect(address, text) for text in 200 * [b""] + 50 * [b"GET /metrics HTTP/1.1\r\nHost: x\r\n"] +
                   50 * [b"POST /metrics HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf"]]
        for client in clients:
            self.addCleanup(client.close)
        self.assertIn("reports_total", scrape(self.aggregator))
        self.assertEqual(self.aggregator.ask("deferred").status, 0)
        sockets = [link for link in Path("/proc", str(self.aggregator.pid), "fd").iterdir()
                   if str(link.readlink()).startswith("socket:")]
        self.assertLess(len(sockets), 200, "most of them were let go")
        began = time.monotonic()
        self.aggregator.stop()
        self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)


class RealPrometheus(unittest.TestCase):
    @contextlib.contextmanager
    def prometheus(self, target: str) -> Iterator[str]:
        """A Prometheus that scrapes the target; yields its address."""
        address = free_address()
        with tempfile.TemporaryDirectory(prefix="prometheus-") as directory:
            configuration = Path(directory, "prometheus.yml")
            configuration.write_text(
                "global: {scrape_interval: 100ms}\n"
                f"scrape_configs: [{{job_name: fleetqshape, static_configs: [{{targets: ['{target}']}}]}}]\n",
                encoding="utf-8")
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "prometheus", f"--config.file={configuration}",
                 f"--storage.tsdb.path={directory}/data", f"--web.listen-address={address}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
            try:
                yield address
            finally:
                process.kill()
                process.wait()

    def test_scrapes(self) -> None:
        with Aggregator("--metrics-listen", "127.0.0.1:0") as aggregator, \
                self.prometheus(aggregator.metrics_address) as address:
            def value(expression: str) -> str | None:
                with contextlib.suppress(OSError):
                    answer = json.loads(get(address, "/api/v1/query?query=" + urllib.parse.quote(expression)))
                    found = answer["data"]["result"]
                    return found[0]["value"][1] if found else None
                return None
            for expression, expected in (("up", "1"), ("fleetqshape_aggregator_store_works", "1"),
                                         ("sum(fleetqshape_aggregator_relays)", "0"),
                                         ("changes(fleetqshape_aggregator_start_time_seconds[1m])", "0")):
                wait_until(lambda: value(expression) == expected, 30, f"{expression} is {expected}")


if __name__ == "__main__":
    unittest.main()
