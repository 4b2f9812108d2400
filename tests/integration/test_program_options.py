"""The options of the agent and the aggregator: command line, environment, TOML file; and what they refuse.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_program_options
"""

import contextlib
import re
import socket
import subprocess
import tempfile
import unittest
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from integration.queue_writing import make_queue_directory
from support.fleet import Agent, Aggregator, environment, free_address, program
from support.waiting import wait_until

ERROR, USAGE = 1, 2
AGENT, AGGREGATOR = "fleetqshape-agent", "fleetqshape-aggregator"


class TestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="options-")))

    def file(self, text: str) -> str:
        path = self.directory / "options.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def assert_refused(self, name: str, status: int, what: str, *arguments: str,
                       variables: Mapping[str, str] | None = None) -> None:
        """That it ends at once with one line that has `what` in it."""
        with self.subTest(arguments=arguments, variables=variables):
            done = subprocess.run([program(name), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                                  encoding="utf-8", timeout=20, env=environment(**(variables or {})), check=False)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
            self.assertRegex(done.stderr, rf"\A{name}: [^\n]*\n\Z")
            self.assertIn(what, done.stderr)

    @contextlib.contextmanager
    def running(self, name: str, *arguments: str, **variables: str) -> Iterator[Callable[[], str]]:
        """Runs a program; yields a function that reads its output so far. At the end SIGTERM must end it cleanly."""
        output = self.directory / "output"
        with open(output, "wb") as file:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", program(name), *arguments],
                                       stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                       env=environment(**variables))
        try:
            yield lambda: output.read_text(encoding="utf-8")
        finally:
            process.terminate()
            try:
                status = process.wait(timeout=20)
            finally:
                process.kill()
        self.assertEqual(status, 0, output.read_text(encoding="utf-8"))

    def ready_line(self, output: Callable[[], str]) -> str:
        return wait_until(lambda: next((line for line in output().splitlines() if line.startswith("ready ")), None), 20,
                          "the aggregator is ready", context=output)


class AgentOptions(TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.aggregator = self.stack.enter_context(Aggregator())
        self.queue_directory = make_queue_directory(self.directory / "queue")
        self.required = ["--aggregator", self.aggregator.ingest_address, "--queue-directory", str(self.queue_directory)]

    def assert_reports_as(self, cluster: str, host: str, instance: str, *labels: str) -> None:
        selects = [f"cluster={cluster}", f"host={host}", f"instance={instance}", *labels]
        wait_until(lambda: self.aggregator.ask("--select", ",".join(selects)).status == 0, 20,
                   f"a relay with {selects} reports", context=lambda: self.aggregator.ask().stderr)

    def test_from_the_command_line(self) -> None:
        with self.running(AGENT, *self.required, "--cluster", "eu", "--host", "mx1", "--instance", "out",
                          "--label", "role=gateway", "--label", "rack=7"):
            self.assert_reports_as("eu", "mx1", "out", "role=gateway", "rack=7")

    def assert_reports_to_both(self, another: Aggregator, *arguments: str, **variables: str) -> None:
        with self.running(AGENT, *self.required[2:], *arguments, **variables) as output:
            # Both may know the relay from before.
            wait_until(lambda: output().count(" reporting to ") >= 2, 20, "the relay reports to both", context=output)
            for aggregator in (self.aggregator, another):
                wait_until(lambda: aggregator.ask().status == 0, 20, "a relay reports", context=output)

    def test_several_aggregators(self) -> None:
        with Aggregator() as another:
            addresses = [self.aggregator.ingest_address, another.ingest_address]
            self.assert_reports_to_both(another, "--aggregator", addresses[0], "--aggregator", addresses[1])
            self.assert_reports_to_both(another, "--aggregator", ",".join(addresses))
            self.assert_reports_to_both(another, FLEETQSHAPE_AGENT_AGGREGATOR=",".join(addresses))
            self.assert_reports_to_both(another, "--config",
                                        self.file(f'aggregator = ["{addresses[0]}", "{addresses[1]}"]\n'))

    def test_defaults(self) -> None:
        with self.running(AGENT, *self.required):
            self.assert_reports_as("default", socket.gethostname(), "postfix")

    def test_from_a_file(self) -> None:
        file = self.file(f'aggregator = "{self.aggregator.ingest_address}"\n'
                         f'queue-directory = "{self.queue_directory}"\n'
                         'cluster = "eu"\nhost = "mx1"\ninstance = "out"\n'
                         'label = ["role=gateway", "rack=7"]\ninterval = 0.5\n# a comment\n')
        with self.running(AGENT, "--config", file):
            self.assert_reports_as("eu", "mx1", "out", "role=gateway", "rack=7")

    def test_from_the_environment(self) -> None:
        with self.running(AGENT, FLEETQSHAPE_AGENT_AGGREGATOR=self.aggregator.ingest_address,
                          FLEETQSHAPE_AGENT_QUEUE_DIRECTORY=str(self.queue_directory), FLEETQSHAPE_AGENT_CLUSTER="eu",
                          FLEETQSHAPE_AGENT_HOST="mx1", FLEETQSHAPE_AGENT_INSTANCE="out",
                          FLEETQSHAPE_AGENT_LABEL="role=gateway,rack=7", FLEETQSHAPE_AGENT_INTERVAL="0.5",
                          FLEETQSHAPE_AGENT_HEARTBEAT_INTERVAL="5", FLEETQSHAPE_AGENT_LOG_LEVEL="debug"):
            self.assert_reports_as("eu", "mx1", "out", "role=gateway", "rack=7")

    def test_command_line_before_environment_before_file(self) -> None:
        file = self.file('cluster = "file"\nhost = "file"\ninstance = "file"\n')
        with self.running(AGENT, *self.required, "--config", file, "--cluster", "line",
                          FLEETQSHAPE_AGENT_CLUSTER="environment", FLEETQSHAPE_AGENT_HOST="environment"):
            self.assert_reports_as("line", "environment", "file")

    def test_file_that_the_environment_names(self) -> None:
        self.assert_refused(AGENT, USAGE, "/nonexistent", *self.required,
                            variables={"FLEETQSHAPE_AGENT_CONFIG": "/nonexistent"})
        with self.running(AGENT, *self.required, FLEETQSHAPE_AGENT_CONFIG=self.file('cluster = "file"\n')):
            self.assert_reports_as("file", socket.gethostname(), "postfix")

    def test_refused(self) -> None:
        self.assert_refused(AGENT, USAGE, "--aggregator is required")
        self.assert_refused(AGENT, ERROR, "cannot open /nonexistent/main.cf", *self.required[:2], "--postfix",
                            "/nonexistent")
        for what, *arguments in (
                ("--aggregator must be HOST:PORT", "--aggregator", "nonsense"),
                ("--aggregator must be HOST:PORT", "--aggregator", "mx1:1,nonsense"),
                ("--aggregator ,: there is nothing before the first comma", "--aggregator", ",", "--cluster", "eu"),
                ("--label a=b,: there is nothing after the last comma", "--label", "a=b,", "--interval", "2"),
                ("--aggregator mx1:1 is given twice", "--aggregator", "mx1:1", "--aggregator", "mx1:1"),
                ("--aggregator MX1:1 is given twice", "--aggregator", "mx1:1,mx2:1,MX1:1"),
                ("--cluster must be", "--cluster", "a b"), ("--cluster must be", "--cluster", ""),
                ("--host must be", "--host", "\x1b[31m"), ("--instance must be", "--instance", "a/b"),
                ("--instance names the only", "--queue-directory", "/b", "--instance", "one"),
                ("two instances are named", "--queue-directory", "a=/b", "--queue-directory", "a=/c"),
                ("an absolute path", "--queue-directory", "a=b"), ("--postfix is auto or", "--postfix", "here"),
                ("--verify-interval must be", "--verify-interval", "0"), ("--check", "--once", "--check"),
                ("--label role", "--label", "role"), ("--label role=", "--label", "role="),
                ("there is --host", "--label", "host=mx1"),
                ("--interval must be", "--interval", "0"), ("--interval", "--interval", "often"),
                ("--heartbeat-interval must be", "--heartbeat-interval", "-1"),
                ("--log-level", "--log-level", "loud"), ("--nonsense", "--nonsense"), ("extra", "extra"),
        ):
            others = self.required[2:] if arguments[0] == "--aggregator" else self.required
            self.assert_refused(AGENT, USAGE, what, *others, *arguments)
        self.assert_refused(AGENT, USAGE, "--interval", *self.required,
                            variables={"FLEETQSHAPE_AGENT_INTERVAL": "often"})
        self.assert_refused(AGENT, USAGE, "nonsense", *self.required, "--config", self.file("nonsense = 1\n"))
        self.assert_refused(AGENT, USAGE, "--cluster", *self.required, "--config", self.file('cluster = "a b"\n'))
        self.assert_refused(AGENT, USAGE, "/nonexistent", *self.required, "--config", "/nonexistent")

    def test_queue_that_was_never_read_is_not_reported_as_an_empty_one(self) -> None:
        missing = self.directory / "missing"
        with self.running(AGENT, *self.required[:2], "--queue-directory", str(missing), "--interval", "0.05",
                          "--heartbeat-interval", "0.05", "--host", "mx1") as output:
            wait_until(lambda: str(missing) in output(), 20, "the agent says that it cannot read its queue")
            with Agent(self.aggregator, make_queue_directory(self.directory / "another"), host="another"):
                wait_until(lambda: self.aggregator.ask("--host", "another").status == 0, 20, "another agent reports")
                self.assertNotIn("1 fresh", self.aggregator.ask("--host", "mx1").stderr)
            make_queue_directory(missing)
            wait_until(lambda: self.aggregator.ask("--host", "mx1").stderr == "fleetqshape: 1 relay: 1 fresh\n", 20,
                       "the queue is reported once it is there", context=output)


class AggregatorOptions(TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.data = str(self.directory / "data")
        self.any_ports = ["--ingest-listen", "127.0.0.1:0", "--query-listen", "127.0.0.1:0"]

    def test_ports_that_the_system_chooses_are_printed(self) -> None:
        with self.running(AGGREGATOR, "--data-directory", self.data, *self.any_ports) as output:
            self.assertRegex(self.ready_line(output),
                             r"\Aready ingest=127\.0\.0\.1:[1-9]\d+ query=127\.0\.0\.1:[1-9]\d+\Z")

    def test_metrics_only_where_asked_for(self) -> None:
        required = ["--data-directory", self.data, *self.any_ports]
        with self.running(AGGREGATOR, *required, "--metrics-listen", "localhost:0") as output:
            self.assertRegex(self.ready_line(output), r" query=127\.0\.0\.1:[1-9]\d+ metrics=localhost:[1-9]\d+\Z")
        metrics = free_address()
        for arguments, variables in (
                (["--config", self.file(f'metrics-listen = "{metrics}"\n')], {}),
                ([], {"FLEETQSHAPE_AGGREGATOR_METRICS_LISTEN": metrics})):
            with self.running(AGGREGATOR, *required, *arguments, **variables) as output:
                self.assertRegex(self.ready_line(output), rf" metrics={re.escape(metrics)}\Z")
        with self.running(AGGREGATOR, *required, FLEETQSHAPE_AGGREGATOR_METRICS_LISTEN="") as output:
            self.assertNotIn("metrics", self.ready_line(output))

    def test_from_a_file(self) -> None:
        ingest, query = free_address(), free_address()
        file = self.file(f'data-directory = "{self.data}"\ningest-listen = "{ingest}"\nquery-listen = "{query}"\n'
                         "stale-after = 5\n")
        with self.running(AGGREGATOR, "--config", file) as output:
            self.assertEqual(self.ready_line(output), f"ready ingest={ingest} query={query}")

    def test_from_the_environment(self) -> None:
        ingest, query = free_address(), free_address()
        with self.running(AGGREGATOR, FLEETQSHAPE_AGGREGATOR_DATA_DIRECTORY=self.data,
                          FLEETQSHAPE_AGGREGATOR_INGEST_LISTEN=ingest, FLEETQSHAPE_AGGREGATOR_QUERY_LISTEN=query,
                          FLEETQSHAPE_AGGREGATOR_STALE_AFTER="5") as output:
            self.assertEqual(self.ready_line(output), f"ready ingest={ingest} query={query}")

    def test_refused_options(self) -> None:
        self.assert_refused(AGGREGATOR, USAGE, "--data-directory is required", *self.any_ports)
        self.assert_refused(AGGREGATOR, USAGE, "--ingest-listen is required", "--data-directory", self.data)
        required = ["--data-directory", self.data, *self.any_ports[:2]]
        self.assert_refused(AGGREGATOR, USAGE, "--query-listen must be", *required, "--query-listen", "127.0.0.1")
        required += self.any_ports[2:]
        self.assert_refused(AGGREGATOR, USAGE, "--metrics-listen must be", *required, "--metrics-listen", "9100")
        self.assert_refused(AGGREGATOR, USAGE, "--stale-after", *required, "--stale-after", "0")
        self.assert_refused(AGGREGATOR, USAGE, "--stale-after", *required,
                            variables={"FLEETQSHAPE_AGGREGATOR_STALE_AFTER": "soon"})
        for seconds in ("59", "-1", "315360001"):
            self.assert_refused(AGGREGATOR, USAGE, "--forget-after must be", *required, "--forget-after", seconds)
        self.assert_refused(AGGREGATOR, USAGE, "--forget-after must be", *required, "--stale-after", "100",
                            variables={"FLEETQSHAPE_AGGREGATOR_FORGET_AFTER": "99"})
        self.assert_refused(AGGREGATOR, USAGE, "nonsense", *required, "--config", self.file("nonsense = 1\n"))

    def test_data_directory_that_cannot_be_used(self) -> None:
        (self.directory / "a-file").touch()
        for name in ("a-file", "not/there"):
            path = str(self.directory / name)
            self.assert_refused(AGGREGATOR, ERROR, path, "--data-directory", path, *self.any_ports)

    def test_data_directory_in_use(self) -> None:
        with Aggregator() as other:
            self.assert_refused(AGGREGATOR, ERROR, "in use", "--data-directory", str(other.data_directory),
                                *self.any_ports)

    def test_port_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for option, other in (("--ingest-listen", "--query-listen"), ("--query-listen", "--ingest-listen")):
                self.assert_refused(AGGREGATOR, ERROR, f"cannot listen on {address}", "--data-directory", self.data,
                                    option, address, other, "127.0.0.1:0")
            self.assert_refused(AGGREGATOR, ERROR, f"cannot listen on {address} for metrics: Address already in use",
                                "--data-directory", self.data, *self.any_ports, "--metrics-listen", address)


if __name__ == "__main__":
    unittest.main()
