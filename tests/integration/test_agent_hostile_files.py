"""A hostile file costs the agent a bounded read, and nothing leads it out of the queue directory.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_hostile_files
"""

import contextlib
import re
import tempfile
import time
import unittest
from pathlib import Path

from integration.hostile_files import exchange, write_hostile_files
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Aggregator, ask, wait_until_fleet_has
from support.started_agent import StartedAgent
from support.waiting import wait_until

ARRIVAL = 1_700_000_000
AT = ARRIVAL + 4000
QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
SECRET = "secret.example"
MEGABYTE = 1 << 20
# common/postfix/record_reader.h.
_BOUND = re.compile(r"kMaxBytesRead = int64_t\{(\d+)\} << (\d+);")


def most_bytes_read() -> int:
    """How much the agent reads of a file at most."""
    header = Path(__file__).resolve().parents[2] / "common" / "postfix" / "record_reader.h"
    found = _BOUND.search(header.read_text(encoding="utf-8"))
    assert found, "record_reader.h names no kMaxBytesRead"
    bound = int(found[1]) << int(found[2])
    assert bound <= 64 * MEGABYTE, "that is no bound"
    return bound


class HostileFiles(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-")))
        self.queue_directory = make_queue_directory(self.directory / "queue")
        self.outside = self.directory / "outside"
        self.outside.mkdir()
        self.aggregator = self.stack.enter_context(Aggregator())
        self.written = 0

    def agent(self, *options: str) -> StartedAgent:
        return self.stack.enter_context(
            StartedAgent(self.aggregator, "--queue-directory", str(self.queue_directory), *options))

    def write(self, directory: Path) -> Path:
        self.written += 1
        return write_message(directory, f"ABC{self.written:07X}", ARRIVAL, ["user@there.example"])

    def counts(self, *queues: str) -> dict[str, int]:
        """What the fleet has: domain to recipients."""
        answer = self.aggregator.ask("-b", "1", *queues, at=AT)
        rows = [line.split() for line in answer.stdout.decode().splitlines()[1:]]
        return {row[0]: int(row[1]) for row in rows if row[0] != "TOTAL"}

    def wait_until_there(self, recipients: int) -> None:
        """Waits until the fleet has so many recipients of ours in deferred, and nobody else's."""
        expected = ask("--at", str(AT), *(str(file) for file in sorted(self.queue_directory.glob("deferred/ABC0*"))))
        self.assertEqual(int(expected.stdout.split()[12]), recipients)  # TOTAL's T, behind the heads
        wait_until_fleet_has(self.aggregator, expected.stdout, "deferred", at=AT)

    def assert_answers(self) -> None:
        """That the fleet says of each queue what a scan of it says."""
        for queue in QUEUES:
            expected = ask("--at", str(AT), str(self.queue_directory / queue))
            self.assertEqual((expected.status, expected.stderr), (0, ""))
            wait_until_fleet_has(self.aggregator, expected.stdout, queue, at=AT)

    def test_they_cost_a_bounded_read_and_little_memory_when_watched(self) -> None:
        self.read_them(["--verify-interval", "1"])

    def test_they_cost_a_bounded_read_and_little_memory_when_listed(self) -> None:
        self.read_them(["--no-watch", "--interval", "0.5"])

    def read_them(self, options: list[str]) -> None:
        watched = "--no-watch" not in options
        deferred = self.queue_directory / "deferred"
        secret = write_message(self.outside, "ABCDEF1234", ARRIVAL, [f"user@{SECRET}"])
        self.write(deferred)
        agent = self.agent(*options)
        self.wait_until_there(1)
        read_before = int(agent.proc("io")["rchar"])
        messages, others = write_hostile_files(deferred, secret, b"there.example")
        for message in messages:
            message.rename(deferred / f"ABC0{message.name}")
        self.write(deferred)
        self.wait_until_there(2 + len(messages))
        read = int(agent.proc("io")["rchar"]) - read_before
        # Each large file once or twice, because an event may come while it is still being written; without inotify as
        # long as another change could go unnoticed, at every look.
        large = [file for file in others if file.stat().st_size > MEGABYTE]
        self.assertLess(read, (2 if watched else 6) * len(large) * most_bytes_read())
        self.assertGreater(read, most_bytes_read() // 2)
        self.assertLess(int(agent.proc("status")["VmHWM"].split()[0]) * 1024, 300 * MEGABYTE)

        # Once they are settled they are not read again and again. Without inotify each of these changes is seen by
        # another look at all of the queue; with it, a verification comes every second.
        settled = max(file.stat().st_ctime for file in others) + 2.5
        wait_until(lambda: time.time() > settled, 10, "the kernel's clock has moved on")
        until = time.monotonic() + (2.5 if watched else 0)
        rounds = 0
        while rounds < 5 or time.monotonic() < until:
            rounds += 1
            self.write(deferred)
            self.wait_until_there(2 + len(messages) + rounds)
            if rounds == 1:
                read_before = int(agent.proc("io")["rchar"])
        self.assertLess(int(agent.proc("io")["rchar"]) - read_before, 8 * MEGABYTE)
        self.assertNotIn(SECRET, self.counts(*QUEUES))
        self.assertEqual(self.counts("hold"), {})
        agent.stop()
        self.assertGreaterEqual(agent.counters().passes, 2)

    def test_directories_and_files_swapped_for_links_while_they_are_watched(self) -> None:
        self.swap([])

    def test_directories_and_files_swapped_for_links_while_they_are_listed(self) -> None:
        self.swap(["--no-watch"])

    def swap(self, options: list[str]) -> None:
        hashed = self.queue_directory / "deferred" / "A"
        hashed.mkdir(mode=0o700)
        files = [self.write(hashed) for _ in range(20)]
        # Outside are valid queue files: of the names that stand in the queue, and of others.
        (self.outside / "A").mkdir()
        for name in [*(file.name for file in files), "ABCDEF1234", "ABCDEF1235"]:
            for directory in (self.outside, self.outside / "A"):
                write_message(directory, name, ARRIVAL, [f"user@{SECRET}"])
        links = {hashed: self.outside / "A", self.queue_directory / "deferred": self.outside,
                 files[0]: self.outside / files[0].name}
        spares = {}
        for number, (place, target) in enumerate(links.items()):
            spares[place] = self.directory / f"spare{number}"
            spares[place].symlink_to(target)
        agent = self.agent("--verify-interval", "1", *options)
        self.assert_answers()
        seen: set[str] = set()
        asked = 0
        began = time.monotonic()
        swaps = 0
        while swaps < 400 or asked < 10:
            for place, spare in spares.items():
                exchange(place, spare)
                swaps += 1
                # Something to look at, in the directory that is now the other's.
                with contextlib.suppress(FileNotFoundError):
                    files[1].chmod(0o600)
                    files[1].chmod(0o700)
                exchange(place, spare)
                files[2].chmod(0o700)
            if time.monotonic() - began > 0.2 * asked:  # several answers while it goes on
                asked += 1
                seen |= self.counts(*QUEUES).keys()
        # And each of them for so long that the agent has to come upon it, when it watches all that is there.
        for place, spare in spares.items():
            self.write(hashed)
            self.assert_answers()
            exchange(place, spare)
            fresh = write_message(self.queue_directory / "hold", f"SEEN{swaps:06X}", ARRIVAL, ["user@after.example"])
            wait_until_fleet_has(self.aggregator, ask("--at", str(AT), str(fresh.parent)).stdout, "hold", at=AT)
            seen |= self.counts(*QUEUES).keys()
            fresh.unlink()
            exchange(place, spare)
        self.assert_answers()
        seen |= self.counts(*QUEUES).keys()
        self.assertNotIn(SECRET, seen)
        self.assertLessEqual(seen, {"there.example", "after.example"})
        agent.stop()
        self.assertNotIn(SECRET, agent.log())


if __name__ == "__main__":
    unittest.main()
