"""An agent finds the Postfix instances of its host, follows what changes in them, and reports each as a relay.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_instances
"""

import base64
import contextlib
import os
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from differential.oracle import QshapeOracle
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Aggregator, environment, wait_until_fleet_has
from support.postfix_configuration import backdate
from support.private_postfix import PrivatePostfix
from support.smtp_sink import SmtpSink
from support.started_agent import StartedAgent, list_relays, run_agent
from support.waiting import wait_until

ARRIVAL = 1_700_000_000
AT = ARRIVAL + 4000
_SECONDS = 20
# Makes a directory the one in which Postfix's programs look for the primary instance, for one command.
_INSTALL = 'mount --bind "$0" /etc/postfix && exec "$@"'


class Instance:
    """A configuration directory and a queue directory, without a mail system."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.settings = {"compatibility_level": "3.6", "queue_directory": f"{directory}/queue",
                         "data_directory": f"{directory}/data", **settings}
        (directory / "config").mkdir(parents=True)
        make_queue_directory(directory / "queue")
        self.configure()

    @property
    def config(self) -> str:
        return str(self.directory / "config")

    @property
    def queue(self) -> Path:
        return Path(self.settings["queue_directory"].replace("$data_directory", self.settings["data_directory"]))

    def configure(self, **settings: str) -> None:
        """As postconf -e: main.cf is replaced in one step."""
        self.settings |= settings
        text = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        new = self.directory / "config" / "main.cf.new"
        new.write_text(text, encoding="utf-8")
        backdate(new)
        new.rename(self.directory / "config" / "main.cf")

    def write(self, name: str, domain: str, queue: str = "deferred", mode: int = 0o700) -> Path:
        return write_message(self.queue / queue, name, ARRIVAL, [f"user@{domain}"], mode=mode)


class Instances(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="instances-")))
        self.aggregator = self.stack.enter_context(Aggregator())
        self.oracle = self.stack.enter_context(QshapeOracle())
        self.primary = Instance(self.directory / "primary")
        self.out = Instance(self.directory / "out", multi_instance_name="postfix-out")
        self.primary.write("ABCDEF1", "one.example")
        self.out.write("ABCDEF1", "two.example")
        self.out.write("ABCDEF2", "two.example", "hold")

    def name_instances(self, *instances: Instance) -> None:
        self.primary.configure(multi_instance_directories=" ".join(instance.config for instance in instances))

    def agent(self, *options: str, **how: Any) -> StartedAgent:
        return self.stack.enter_context(StartedAgent(self.aggregator, "--host", "mx1", *options, **how))

    def relays(self) -> dict[str, dict[str, Any]]:
        return list_relays(self.aggregator)

    def connected(self) -> set[str]:
        return {name for name, relay in self.relays().items() if relay["connected"]}

    def wait_for_relays(self, agent: StartedAgent, names: Iterable[str]) -> None:
        wait_until(lambda: self.connected() == set(names), _SECONDS, f"the relays {names} are connected",
                   context=lambda: f"{self.connected()}\n{agent.log()}", interval_seconds=0.1)

    def assert_table(self, instance: str, queue_directory: Path, *queues: str) -> None:
        """That a relay's answer is what qshape says of a directory."""
        for queue in queues or ("hold", "incoming", "active", "deferred"):
            expected = self.oracle.run([str(queue_directory / queue)], AT)[1]
            wait_until_fleet_has(self.aggregator, expected, "--select", f"instance={instance}", queue, at=AT)

    def test_auto_finds_what_postmulti_lists(self) -> None:
        third = Instance(self.directory / "third")  # without a name of its own
        self.name_instances(self.out, third)
        listed = self.installed("postmulti", "-l").splitlines()
        config = {line.split()[-1]: line.split()[0] for line in listed}
        self.assertEqual(config, {"/etc/postfix": "-", self.out.config: "postfix-out", third.config: "-"})
        names = [config[self.out.config], Path(third.config).name, "postfix"]
        for options, how in (([], {"wrapper": self.install()}), (["--postfix", "auto"], {"wrapper": self.install()}),
                             (["--postfix", self.primary.config], {}),
                             (["--postfix", "auto"], {"variables": {"MAIL_CONFIG": self.primary.config}})):
            with self.subTest(options=options, how=how):
                agent = self.agent(*options, **how)
                self.wait_for_relays(agent, names)
                self.assert_table("postfix", self.primary.queue)
                self.assert_table("postfix-out", self.out.queue)
                agent.stop()
                self.wait_for_relays(agent, [])

    def install(self) -> list[str]:
        return ["unshare", "-m", "sh", "-c", _INSTALL, self.primary.config]

    def installed(self, *command: str) -> str:
        """What a command prints where the primary instance is the installed one."""
        done = subprocess.run([*self.install(), *command], env=environment(), capture_output=True, timeout=_SECONDS,
                              encoding="utf-8", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_real_instances_with_their_mail(self) -> None:
        sink = self.stack.enter_context(SmtpSink())
        out = self.stack.enter_context(PrivatePostfix(sink.port, settings={"multi_instance_name": "postfix-out"}))
        first = self.stack.enter_context(PrivatePostfix(
            sink.port, settings={"multi_instance_directories": str(out.config_directory)}))
        agent = self.agent("--postfix", str(first.config_directory))
        self.wait_for_relays(agent, ["postfix", "postfix-out"])
        for postfix, messages in ((first, 3), (out, 5)):
            postfix.send_many("ok@here.example", "defer@there.example", messages=messages)
            postfix.quiet()
        for instance, postfix in (("postfix", first), ("postfix-out", out)):
            for queue in ("deferred", "incoming"):
                path = str(postfix.queue_directory / queue)
                now = int(max(file.stat().st_ctime for file in postfix.queue_files("deferred"))) + 100
                wait_until_fleet_has(self.aggregator, self.oracle.run(["-s", path], now)[1], "-s", "--select",
                                     f"instance={instance}", queue, at=now)
            self.assertEqual(self.relays()[instance]["settings"]["minimal_backoff_seconds"], str(10 * 86400))

    def test_instance_that_is_added_and_one_that_is_removed(self) -> None:
        self.name_instances(self.out)
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix", "postfix-out"])
        third = Instance(self.directory / "third", multi_instance_name="postfix-in")
        third.write("ABCDEF1", "three.example")
        self.name_instances(self.out, third)
        self.wait_for_relays(agent, ["postfix", "postfix-out", "postfix-in"])
        self.assert_table("postfix-in", third.queue)
        self.name_instances(third)
        self.wait_for_relays(agent, ["postfix", "postfix-in"])
        self.assertIn("instance postfix-out is gone", agent.log())
        # The others went on: a change there is seen, and no stream began anew.
        self.primary.write("ABCDEF2", "more.example")
        self.assert_table("postfix", self.primary.queue)
        self.name_instances(self.out, third)
        self.wait_for_relays(agent, ["postfix", "postfix-out", "postfix-in"])
        self.assert_table("postfix-out", self.out.queue)
        self.assertEqual(agent.log().count(" reporting to "), 4)

    def test_queue_directory_that_changes(self) -> None:
        self.name_instances(self.out)
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix", "postfix-out"])
        self.assert_table("postfix-out", self.out.queue)
        make_queue_directory(self.directory / "other" / "queue")
        self.out.configure(data_directory=str(self.directory / "other"), queue_directory="$data_directory/queue")
        self.out.write("ABCDEF3", "moved.example")
        self.assertTrue((self.directory / "other" / "queue" / "deferred" / "ABCDEF3").exists())
        self.assert_table("postfix-out", self.out.queue)
        self.assert_table("postfix", self.primary.queue)

    def test_settings_are_reported_and_change(self) -> None:
        self.primary.configure(qmgr_message_active_limit="123", minimal_backoff_time="7m", queue_run_delay="2m",
                               maximal_queue_lifetime="3d", bounce_queue_lifetime="1d",
                               qmgr_message_recipient_limit="456", maximal_backoff_time="2h")
        self.name_instances(self.out)
        version = self.installed("postconf", "-h", "mail_version").strip()
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix", "postfix-out"])
        expected = {"active_limit": 123, "recipient_limit": 456, "minimal_backoff_seconds": 420,
                    "maximal_backoff_seconds": 7200, "queue_run_delay_seconds": 120,
                    "maximal_queue_lifetime_seconds": 3 * 86400, "bounce_queue_lifetime_seconds": 86400}
        self.wait_for_settings("postfix", expected)
        self.assertIn(version, mail_version(self.relays()["postfix"]))
        self.wait_for_settings("postfix-out", {"active_limit": 20000, "minimal_backoff_seconds": 300})
        self.out.configure(qmgr_message_active_limit="77")
        self.primary.configure(minimal_backoff_time="$queue_run_delay", queue_run_delay="90s")
        self.wait_for_settings("postfix", expected | {"minimal_backoff_seconds": 90, "queue_run_delay_seconds": 90})
        self.wait_for_settings("postfix-out", {"active_limit": 77})
        # What Postfix refuses is logged, and changes nothing.
        self.out.configure(qmgr_message_active_limit="many")
        agent.wait_for_log("Postfix refuses qmgr_message_active_limit = many")
        self.wait_for_settings("postfix-out", {"active_limit": 77})
        self.assertEqual(agent.log().count(" reporting to "), 2)

    def wait_for_settings(self, instance: str, expected: dict[str, int]) -> None:
        def settings() -> dict[str, int]:
            told = self.relays().get(instance, {}).get("settings") or {}  # with the first report
            return {name: int(told.get(name, -1)) for name in expected}
        wait_until(lambda: settings() == expected, _SECONDS, f"{instance} has {expected}",
                   context=lambda: str(settings()), interval_seconds=0.1)

    def test_files_are_reported_by_cause(self) -> None:
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix"])
        self.wait_for_files(force_expired=0)
        queue = self.primary.queue
        self.primary.write("ABCDEF02", "odd.example", "incoming", mode=0o600)
        self.primary.write("ABCDEF03", "odd.example", mode=0o710)
        self.primary.write("ABCDEF04", "odd.example", mode=0o740)
        foreign = self.primary.write("ABCDEF05", "odd.example", "hold")
        foreign.write_text("no queue file", encoding="ascii")
        damaged = self.primary.write("ABCDEF06", "odd.example", "hold")
        damaged.write_bytes(damaged.read_bytes()[:-4])
        done = self.primary.write("ABCDEF07", "odd.example", "active")
        done.write_bytes(done.read_bytes().replace(b"R\x10user@", b"D\x10user@"))
        self.wait_for_files(being_written=1, force_expired=1, group_readable=1, foreign=1, damaged=1, no_recipients=1)
        messages = {entry["queue"]: int(entry["messages"]) for entry in self.relays()["postfix"]["queues"]}
        self.assertEqual(sum(messages.values()), 3, messages)
        # And they go as they came.
        for file in queue.rglob("ABCDEF0*"):
            file.unlink()
        self.wait_for_files(force_expired=0)

    def test_further_name_of_a_message_is_reported_and_goes(self) -> None:
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix"])
        first = self.primary.queue / "deferred" / "ABCDEF1"
        for gone in (1, 0):
            names = [first, self.primary.queue / "hold" / "ABCDEF8"]
            names[1].hardlink_to(first)
            self.wait_for_files(linked=1)
            names[gone].unlink()
            self.wait_for_files(linked=0)
            self.assert_table("postfix", self.primary.queue)

    def wait_for_files(self, **expected: int) -> None:
        def files() -> dict[str, int]:
            return {name: int(count) for name, count in (self.relays()["postfix"]["files"] or {}).items()}
        causes = ("being_written", "unreadable", "no_recipients", "foreign", "damaged", "linked", "force_expired",
                  "group_readable")
        wanted = {name: expected.get(name, 0) for name in causes}
        wait_until(lambda: files() == wanted, _SECONDS, f"the files are {wanted}", context=lambda: str(files()),
                   interval_seconds=0.1)

    def test_queue_directories_that_are_named(self) -> None:
        third = make_queue_directory(self.directory / "third")
        write_message(third / "deferred", "ABCDEF9", ARRIVAL, ["user@three.example"])
        self.name_instances(self.out)
        # One named, one known to Postfix by another path, one that is nobody's.
        link = self.directory / "link"
        link.symlink_to(self.out.queue)
        agent = self.agent("--postfix", self.primary.config, "--queue-directory", f"first={self.primary.queue}",
                           "--queue-directory", str(link), "--queue-directory", f"third={third}")
        self.wait_for_relays(agent, ["first", "postfix-out", "third"])
        for name, queue in (("first", self.primary.queue), ("postfix-out", self.out.queue), ("third", third)):
            self.assert_table(name, queue)
        relays = self.relays()
        self.assertEqual({name: bool(relay.get("settings")) for name, relay in relays.items()},
                         {"first": True, "postfix-out": True, "third": False})

    def test_what_is_wrong_with_an_instance_leaves_the_others(self) -> None:
        self.primary.configure(multi_instance_directories=f"/nonexistent {self.out.config}, {self.out.config}")
        agent = self.agent("--postfix", self.primary.config)
        self.wait_for_relays(agent, ["postfix", "postfix-out"])
        for text in ("left out the Postfix instance /nonexistent: ", "its name, postfix-out, is that of"):
            self.assertIn(text, agent.log())
        # A main.cf that is gone for a while changes nothing.
        os.rename(self.directory / "primary" / "config" / "main.cf", self.directory / "main.cf")
        agent.wait_for_log("the relays stay as they were")
        self.primary.write("ABCDEF5", "later.example")
        self.assert_table("postfix", self.primary.queue)
        shutil.move(self.directory / "main.cf", self.directory / "primary" / "config" / "main.cf")
        self.name_instances()
        self.wait_for_relays(agent, ["postfix"])

    def test_no_postfix(self) -> None:
        answer = run_agent("--aggregator", self.aggregator.ingest_address, "--postfix", "/nonexistent")
        self.assertEqual(answer.status, 1)
        self.assertIn("/nonexistent/main.cf", answer.stderr)
        self.assertIn("name a queue directory instead", answer.stderr)

    def test_two_directories_of_one_name(self) -> None:
        for options in (["a=/one", "a=/two"], ["/one", "/two"]):
            words = [word for option in options for word in ("--queue-directory", option)]
            answer = run_agent("--aggregator", self.aggregator.ingest_address, "--postfix", "/nonexistent", *words)
            self.assertNotEqual(answer.status, 0)
            self.assertRegex(answer.stderr, "two (instances|queue directories)")


def mail_version(relay: dict[str, Any]) -> str:
    """Postfix's version, which is bytes, so in base64."""
    return base64.b64decode(relay["settings"]["mail_version"]).decode()


if __name__ == "__main__":
    unittest.main()
