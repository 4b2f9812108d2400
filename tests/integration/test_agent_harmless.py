"""The agent only reads: what it asks of the kernel, and with how few rights it works.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_harmless

The first is seen with strace (Debian's package of that name), on a queue where messages move as Postfix moves them.
"""

import contextlib
import os
import random
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Aggregator, ask, wait_until_fleet_has
from support.postfix_configuration import backdate
from support.started_agent import MAIL_OWNER, NOBODY, READ_SEARCH_ONLY, StartedAgent, list_relays, run_agent
from support.system_calls import Call, read_trace, trace_command
from support.waiting import wait_until

SEED = int(os.environ.get("FLEETQSHAPE_TEST_SEED", "1"))
ARRIVAL = 1_700_000_000
AT = ARRIVAL + 4000
QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")

# What may be done with something below the queue directory.
_LOOKS = {"open", "openat", "openat2", "stat", "lstat", "newfstatat", "statx", "statfs", "access", "faccessat",
          "faccessat2", "readlink", "inotify_add_watch"}
# What may be done with anything: the agent's own descriptors, memory and log.
_OWN = {"write", "writev", "mmap", "munmap", "mprotect", "brk", "madvise", "mremap", "fcntl", "exit_group", "execve",
        "getcwd", "ioctl", "fadvise64", "membarrier", "mlock"}
# What the agent opens elsewhere: libraries, what the C library and gRPC read of the system, Postfix's configuration.
_EXPECTED = re.compile(
    r"/etc/(ld\.so\.(cache|preload)|nsswitch\.conf|resolv\.conf|hosts|host\.conf|gai\.conf|services|protocols|passwd"
    r"|group|localtime|ssl/openssl\.cnf)"
    r"|(/usr)?/lib/.*|/usr/share/zoneinfo/.*|/usr/lib/locale/.*|/sys/(devices/system/cpu|fs/cgroup|kernel/mm)/.*"
    r"|/proc/(self|\d+)/.*|/proc/(stat|meminfo|cpuinfo|filesystems|sys/.*)|/dev/(null|u?random|tty)")


class Traffic:
    """Moves messages through a queue as Postfix does: temporary names, modes, renames, hash directories."""

    def __init__(self, queue_directory: Path) -> None:
        self._directory = queue_directory
        self._rng = random.Random(SEED)
        self._written = 0

    def step(self) -> None:
        action = self._rng.choice((self._arrive, self._arrive, self._activate, self._defer, self._deliver, self._hold))
        action()

    def _arrive(self) -> None:
        self._written += 1
        queue = self._rng.choice(("incoming", "incoming", "maildrop"))
        directory = self._directory / queue
        recipients = [f"user@domain{self._rng.randrange(9)}.example" for _ in range(self._rng.randint(1, 3))]
        file = write_message(directory, f"{self._written:06X}.1234", ARRIVAL + self._rng.randrange(4000), recipients,
                             mode=0o600)
        file = file.rename(directory / f"{self._rng.randrange(16):X}{self._written:09X}")
        file.chmod(0o744 if queue == "maildrop" else 0o700)

    def _activate(self) -> None:
        for file in self._some("incoming", "deferred"):
            file.rename(self._directory / "active" / file.name)

    def _defer(self) -> None:
        for file in self._some("active"):
            with open(file, "r+b") as contents:  # a recipient is done
                offset = contents.read().find(b"R\x14user@")
                if offset > 0 and self._rng.random() < 0.5:
                    contents.seek(offset)
                    contents.write(b"D")
            hashed = self._directory / "deferred" / file.name[0]
            hashed.mkdir(mode=0o700, exist_ok=True)
            os.utime(file, (AT, AT + 3600))
            file.rename(hashed / file.name)

    def _deliver(self) -> None:
        for file in self._some("active", "maildrop"):
            file.unlink()
        for hashed in (self._directory / "deferred").iterdir():
            with contextlib.suppress(OSError):
                hashed.rmdir()

    def _hold(self) -> None:
        for file in self._some("deferred"):
            file.rename(self._directory / "hold" / file.name)

    def _some(self, *queues: str) -> list[Path]:
        files = sorted(file for queue in queues for file in (self._directory / queue).rglob("*") if file.is_file())
        return self._rng.sample(files, min(len(files), 2))


class Harmless(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="harmless-")))
        self.directory.chmod(0o755)
        self.queue_directory = make_queue_directory(self.directory / "queue")
        self.aggregator = self.stack.enter_context(Aggregator())
        (self.directory / "config").mkdir(mode=0o755)
        main_cf = self.directory / "config" / "main.cf"
        main_cf.write_text(f"compatibility_level = 3.6\nqueue_directory = {self.queue_directory}\n", encoding="utf-8")
        backdate(main_cf)
        self.options = ("--queue-directory", str(self.queue_directory), "--postfix", str(main_cf.parent))

    def agent(self, *options: str, **how: object) -> StartedAgent:
        return self.stack.enter_context(StartedAgent(self.aggregator, *self.options, *options, **how))

    def assert_answers(self) -> None:
        """That the fleet says of each queue what a scan of it says."""
        for queue in QUEUES:
            expected = ask("--at", str(AT), str(self.queue_directory / queue))
            self.assertEqual((expected.status, expected.stderr), (0, ""))
            wait_until_fleet_has(self.aggregator, expected.stdout, queue, at=AT)

    def give_to_mail_owner(self, *files: Path) -> None:
        for file in files or self.queue_directory.rglob("*"):
            shutil.chown(file, "postfix", "postfix")

    def below_queue(self, path: str) -> bool:
        return Path(path.removesuffix(" (deleted)")).is_relative_to(self.queue_directory)


class SystemCalls(Harmless):
    def trace(self) -> list[Call]:
        """Everything that an agent does that watches, verifies, lists, reports and ends."""
        traffic = Traffic(self.queue_directory)
        for _ in range(100):
            traffic.step()
        calls = []
        for number, options in enumerate((["--verify-interval", "1"], ["--no-watch"])):
            output = self.directory / f"trace{number}"
            agent = self.agent(*options, wrapper=trace_command(output))
            for _ in range(6):
                self.assert_answers()
                for _ in range(60):
                    traffic.step()
            self.assert_answers()
            pid = agent.pid
            agent.stop()
            self.assertGreaterEqual(agent.counters().passes, 2)
            calls += read_trace(output, pid)
        return calls

    def test_it_only_reads(self) -> None:
        calls = self.trace()
        self.assert_only_reads_below_the_queue_directory(calls)
        self.assert_expected_elsewhere(calls)

    def assert_only_reads_below_the_queue_directory(self, calls: list[Call]) -> None:
        below = [call for call in calls
                 if any(self.below_queue(path) for path in [*call.paths, *filter(None, [call.result])])]
        # The trace has what it is about.
        names = {call.name for call in below}
        self.assertLessEqual({"openat", "openat2", "newfstatat"}, names)
        opened = [call for call in below if call.name.startswith("open")]
        files = [call for call in opened if "O_DIRECTORY" not in call.line]
        self.assertGreater(len(files), 100)
        self.assertTrue(any(re.search(r'"deferred/\w"', call.line) for call in opened), "no hash directory was opened")
        self.assertLessEqual({Path(call.program).name for call in below}, {"", "fleetqshape-agent"})

        for call in below:
            self.assertIn(call.name, _LOOKS, call.line)
        for call in opened:
            self.assertIn("O_RDONLY", call.line)
            self.assertNotRegex(call.line, r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE|EXCL)\b|O_PATH")
            self.assertIn("O_CLOEXEC", call.line)
            # The queue directory itself may be a link.
            if call.paths[-1] != str(self.queue_directory):
                self.assertIn("O_NOFOLLOW", call.line)
        for call in files:
            self.assertEqual(call.name, "openat", call.line)
            self.assertIn("O_NONBLOCK", call.line)
            self.assertIn("O_NOCTTY", call.line)
            self.assertRegex(call.arguments[1], r'^"[A-Za-z0-9]{6,}"$', call.line)  # no path that could be swapped
        for call in opened:
            if call not in files and call.paths[-1] != str(self.queue_directory):
                self.assertEqual(call.name, "openat2", call.line)
                for flag in ("RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_MAGICLINKS", "RESOLVE_NO_XDEV"):
                    self.assertIn(flag, call.line)
        for call in below:
            if "stat" in call.name and call.paths[-1] != str(self.queue_directory) and call.name != "statfs":
                self.assertRegex(call.line, "AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH")

    def expected(self, call: Call) -> bool:
        path = call.paths[-1]
        return _EXPECTED.fullmatch(path) is not None or Path(path).is_relative_to(self.directory / "config") or \
            (Path(call.program).name == "postconf" and Path(path).is_relative_to("/etc/postfix"))

    def assert_expected_elsewhere(self, calls: list[Call]) -> None:
        programs = set()
        for call in calls:
            if any(self.below_queue(path) for path in call.paths):
                continue
            self.assertIn(call.name, _LOOKS | _OWN, call.line)
            if call.name == "execve":
                programs.add(Path(call.paths[0]).name)
            elif call.name == "fcntl":
                self.assertNotRegex(call.line, r"F_(OFD_)?SETLK|F_SETLEASE|F_NOTIFY")
            elif call.name == "ioctl":
                self.assertRegex(call.line, r"TCGETS|FIONBIO|FIOCLEX|SIOC|TIOCGWINSZ|FIONREAD")
            elif call.name in ("mmap", "mprotect"):
                shared = "MAP_SHARED" in call.line and "PROT_WRITE" in call.line
                self.assertFalse(shared and any(call.paths), call.line)
            elif call.name.startswith("open"):
                self.assertNotRegex(call.line, r"O_(CREAT|TRUNC|APPEND|TMPFILE|EXCL)\b")
                self.assertTrue(self.expected(call), call.line)
                if re.search(r"O_(WRONLY|RDWR)\b", call.line):
                    self.assertIn(call.paths[-1], ("/dev/null", "/dev/tty"))
        self.assertLessEqual(programs, {"fleetqshape-agent", "postconf", "strace"})
        self.assertIn("fleetqshape-agent", programs)


class Rights(Harmless):
    def write(self, number: int, queue: str = "deferred") -> Path:
        file = write_message(self.queue_directory / queue, f"ABC{number:07X}", ARRIVAL,
                             [f"user@domain{number}.example"], mode=0o600)
        self.give_to_mail_owner(file)
        file.chmod(0o700)
        return file

    def assert_watches(self, agent: StartedAgent) -> None:
        """That changes are told by inotify, in old and in new directories."""
        self.assert_answers()
        first = self.write(1)
        self.assert_answers()
        # Postfix makes it as its owner: no moment in which the agent may not read it.
        made = self.queue_directory / "made"
        made.mkdir(mode=0o700)
        self.give_to_mail_owner(made)
        made.rename(self.queue_directory / "deferred" / "A")
        first.rename(self.queue_directory / "deferred" / "A" / first.name)
        self.write(2, "active")
        self.assert_answers()
        (self.queue_directory / "deferred" / "A" / first.name).unlink()
        self.assert_answers()
        agent.stop()
        self.assertEqual(agent.counters().passes, 1, agent.log())
        self.assertNotIn("cannot", agent.log())

    def test_mail_owner(self) -> None:
        self.write(3, "hold")
        self.give_to_mail_owner()
        agent = self.agent(privileges=MAIL_OWNER)
        status = agent.proc("status")
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertNotEqual(status["Uid"].split()[1], "0")
        self.assert_watches(agent)

    def test_any_user_with_no_capability_but_to_read_and_search(self) -> None:
        self.write(3, "hold")
        self.give_to_mail_owner()
        agent = self.agent(privileges=READ_SEARCH_ONLY)
        status = agent.proc("status")
        self.assertEqual(int(status["CapEff"], 16), 1 << 2)  # CAP_DAC_READ_SEARCH
        self.assertEqual(status["Uid"].split(), ["65534"] * 4)
        self.assert_watches(agent)

    def test_the_capability_opens_a_queue_directory_that_is_closed_itself(self) -> None:
        self.write(1)
        self.give_to_mail_owner()
        self.queue_directory.chmod(0o700)
        agent = self.agent(privileges=READ_SEARCH_ONLY)
        agent.wait_for_log(f"{self.queue_directory} holds 1 messages", timeout_seconds=5)

    def test_nobody_reports_nothing(self) -> None:
        self.write(3, "hold")
        agent = self.agent(privileges=NOBODY)
        agent.wait_for_log("cannot list the whole queue: ")
        self.assertIn("nothing is reported before", agent.log())
        self.assertEqual(list_relays(self.aggregator), {})
        # What was in its way goes away.
        for queue in QUEUES:
            (self.queue_directory / queue).chmod(0o755)
        (self.queue_directory / "hold" / "ABC0000003").chmod(0o704)
        self.assert_answers()

    def test_single_files_that_may_not_be_read(self) -> None:
        self.write(1)
        self.give_to_mail_owner()
        shutil.chown(self.write(2), "root", "root")
        agent = self.agent(privileges=MAIL_OWNER)

        def unreadable() -> str | None:
            relay = list_relays(self.aggregator).get("postfix")
            return relay["files"]["unreadable"] if relay and relay.get("files") else None

        wait_until(lambda: unreadable() == "1", 20, "it is reported that a file can't be read", context=agent.log)
        expected = ask("--at", str(AT), str(self.queue_directory / "deferred" / "ABC0000001"))
        wait_until_fleet_has(self.aggregator, expected.stdout, "deferred", at=AT)
        self.give_to_mail_owner()
        self.assert_answers()

    def test_once_leaves_access_times_alone(self) -> None:
        file = self.write(1)
        self.give_to_mail_owner()
        os.utime(file, ns=(1_000_000_000, 4_000_000_000_000_000_000))  # mtime in the future: relatime would write
        before = file.stat()
        self.assertEqual(run_agent("--once", *self.options, privileges=MAIL_OWNER).status, 0)
        after = file.stat()
        self.assertEqual((after.st_atime_ns, after.st_mtime_ns, after.st_ctime_ns, after.st_mode),
                         (before.st_atime_ns, before.st_mtime_ns, before.st_ctime_ns, before.st_mode))


if __name__ == "__main__":
    unittest.main()
