"""quickstart's fleet: real programs on its sample queues, and nothing left of them afterwards."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "quickstart"))

from sample_queues import write_sample_queues  # noqa: E402

RUNNING = "Ctrl-C stops it."


class Quickstart(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        build = os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY") or str(ROOT / "build")
        self.programs = Path(build) / "bin"

    def start(self, *options: str, programs: Path | None = None) -> subprocess.Popen[bytes]:
        (self.directory / "tmp").mkdir()
        self.output = self.directory / "output"
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools"), "TMPDIR": str(self.directory / "tmp"),
                       "FLEETQSHAPE_CLUSTER": "nowhere", "FLEETQSHAPE_AGENT_INTERVAL": "nonsense"}
        with open(self.output, "wb") as output:
            process = subprocess.Popen(
                ["/usr/bin/python3", "-B", str(ROOT / "deploy/quickstart/quickstart.py"), *options,
                 "--programs", str(programs or self.programs)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment,
                cwd="/", start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def programs_running(self) -> list[str]:
        """Command lines that name our temporary directory."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{self.directory}/tmp/" in command:
                found.append(command.replace("\0", " "))
        return found

    def fleet_of(self, process: subprocess.Popen[bytes]) -> list[int]:
        """The programs that it started itself (an agent runs postconf now and then)."""
        return [int(pid) for pid in
                Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]

    def assert_nothing_left(self) -> None:
        self.assertEqual([], self.programs_running())
        self.assertEqual([], os.listdir(self.directory / "tmp"))

    def test_once(self) -> None:
        process = self.start("--once")
        self.assertEqual(0, process.wait(120), self.said())
        self.assert_nothing_left()
        said = self.said()
        self.assertIn("$ fleetqshape deferred\n", said)
        self.assertIn("\nfleetqshape: 3 relays: 3 fresh\n", said)
        self.assertRegex(said, r"\$ fleetqshape deferred --cluster eu\n[^$]*\nfleetqshape: 2 relays: 2 fresh\n")
        self.assertRegex(said, r"\$ fleetqshape -s deferred\n[^$]*\n *MAILER-DAEMON +\d+ ")
        self.assertRegex(said, r"\$ fleetqshape -p deferred\n[^$]*\n *\.forged\.example +\d+ ")
        self.assertRegex(said, r"\$ fleetqshape /\S+/gw1/deferred\n *T +5 +10 [^$]*\n *TOTAL +\d+ ")
        self.assertNotIn(RUNNING, said)

    def test_runs_until_a_signal(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                process = self.start()
                wait_until(lambda: RUNNING in self.said() or process.poll() is not None, 120,
                           "quickstart has asked its questions", context=self.said)
                self.assertEqual(4, len(self.fleet_of(process)), self.said())
                # The question as shown, asked from outside.
                server = re.search(r"export FLEETQSHAPE_SERVER=(\S+)", self.said())[1]
                done = subprocess.run([self.programs / "fleetqshape", "deferred"], capture_output=True,
                                      text=True, env={"FLEETQSHAPE_SERVER": server}, timeout=60)
                self.assertEqual("fleetqshape: 3 relays: 3 fresh\n", done.stderr)
                process.send_signal(number)
                self.assertEqual(0, process.wait(60), self.said())
                self.assert_nothing_left()
                os.rmdir(self.directory / "tmp")

    def test_a_signal_while_it_starts(self) -> None:
        process = self.start()
        wait_until(self.programs_running, 60, "the first program runs", context=self.said)
        process.send_signal(signal.SIGTERM)
        # A fast machine may have come to the end of the questions meanwhile.
        self.assertIn(process.wait(60), (0, 128 + signal.SIGTERM), self.said())
        self.assert_nothing_left()

    def test_a_signal_while_a_program_is_forked(self) -> None:
        # Popen that sends the signal when it has forked and the caller does not know of it yet.
        code = """
import os, signal, subprocess, sys
class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        if command[0].endswith("-agent"):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(100): pass  # the interpreter calls the handler between instructions
subprocess.Popen = Popen
sys.argv[0] = "quickstart"
import quickstart
sys.exit(quickstart.main())
"""
        (self.directory / "tmp").mkdir()
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "-c", code, "--once", "--programs", str(self.programs)],
            env={**os.environ, "PYTHONPATH": f"{ROOT}/tools:{ROOT}/deploy/quickstart",
                 "TMPDIR": str(self.directory / "tmp")}, capture_output=True, text=True, timeout=120)
        self.assertEqual(128 + signal.SIGTERM, done.returncode, done.stdout + done.stderr)
        self.assertIn("stopped by SIGTERM", done.stderr)
        self.assert_nothing_left()

    def test_an_agent_that_fails_is_shown(self) -> None:
        programs = self.directory / "programs"
        programs.mkdir()
        for name in ("fleetqshape", "fleetqshape-aggregator"):
            (programs / name).symlink_to(self.programs / name)
        agent = programs / "fleetqshape-agent"
        agent.write_text("#!/bin/sh\necho no such luck >&2\nexit 7\n")
        agent.chmod(0o755)
        process = self.start("--once", programs=programs)
        self.assertEqual(1, process.wait(60), self.said())
        self.assertRegex(self.said(), r"quickstart: agent-\w+ ended \(status 7\)\.\n +\| no such luck")
        self.assert_nothing_left()


class SampleQueues(unittest.TestCase):
    def test_qshape_counts_every_recipient(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            directories = {relay: Path(name, relay) for relay in ("gw1", "gw2", "spam1")}
            queues = write_sample_queues(directories, now=1_700_000_000)
            for relay, queue in queues.items():
                done = subprocess.run(
                    ["/usr/sbin/qshape", *(f"{queue.directory}/{each}" for each in os.listdir(queue.directory))],
                    capture_output=True, text=True, timeout=60, check=True)
                total = re.search(r"^ *TOTAL +(\d+)", done.stdout, re.M)
                self.assertEqual(queue.recipient_count, int(total[1]), f"{relay}: {done.stdout}{done.stderr}")
            self.assertGreater(sum(queue.message_count for queue in queues.values()), 5000)


if __name__ == "__main__":
    unittest.main()
