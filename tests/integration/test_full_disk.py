"""The aggregator's disk is full: it goes on answering, says so, and takes reports again when there is room.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_full_disk

The disk is a small one in memory, which the test mounts: that takes root.
"""

import contextlib
import errno
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from differential.oracle import table_difference
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, Answer, ask, wait_until_fleet_has
from support.waiting import wait_until

NOW = 1_700_000_000
_DISK = "48m"
_QUEUES = ("incoming", "active", "deferred")
_OPTIONS = ("-b", "20", "-w", "200")
_RECIPIENTS = 500  # of a message
_FULL_SECONDS = 60  # until it is noticed; what the store has set aside has to be used up first
_STUCK_SECONDS = 2  # more than one attempt to go on, of which the first comes after half a second
_AGAIN_SECONDS = 12  # after there is room: attempts come at least every 8 s, and the agent's every 2 s
_PROBLEM = "fleetqshape: the aggregator cannot store reports, its disk is full: make room there"


class AggregatorOnDisk(Aggregator):
    """One that has its data on a disk that is given."""

    def __init__(self, disk: Path) -> None:
        super().__init__(start_now=False)
        self._disk = disk

    @property
    def data_directory(self) -> Path:
        return self._disk / "data"


class FullDisk(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="full-disk-")))
        self.disk = directory / "disk"
        self.filler = self.disk / "filler"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "fleetqshape-test", self.disk], check=True)
        stack.callback(subprocess.run, ["umount", self.disk], check=True)
        self.aggregator = stack.enter_context(AggregatorOnDisk(self.disk))
        self.aggregator.start()
        self.queue_directory = make_queue_directory(directory / "queue")
        self.written = 0
        self.write(20)
        self.agent = stack.enter_context(Agent(self.aggregator, self.queue_directory))
        self.assert_exact(20)

    def write(self, messages: int) -> None:
        """Each has many recipients with names that were not there before: much to report and to store."""
        for _ in range(messages):
            self.written += 1
            recipients = [f"user@{'long-' * 8}name{self.written}-{i}.example" for i in range(_RECIPIENTS)]
            write_message(self.queue_directory / "incoming", f"ABC{self.written:07X}", NOW - self.written, recipients)

    def move(self, source: str, target: str) -> None:
        for file in (self.queue_directory / source).iterdir():
            file.rename(self.queue_directory / target / file.name)

    def fill(self) -> None:
        """Takes all the room that the disk has left."""
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 12))
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    def scan(self) -> bytes:
        answer = ask("--at", str(NOW), *_OPTIONS, *(str(self.queue_directory / queue) for queue in _QUEUES))
        self.assertEqual((answer.status, answer.stderr), (0, ""))
        return answer.stdout

    def ask(self) -> Answer:
        answer = self.aggregator.ask(*_OPTIONS, *_QUEUES, at=NOW)
        self.assertEqual(answer.status, 0, f"{answer.stderr}{self.aggregator.log()}")
        return answer

    def assert_exact(self, timeout_seconds: float) -> Answer:
        return wait_until_fleet_has(self.aggregator, self.scan(), *_OPTIONS, *_QUEUES, at=NOW,
                                    timeout_seconds=timeout_seconds)

    def change_until_it_is_stuck(self) -> Answer:
        """Reports more and more, until answers say that nothing more is stored, and go on saying so.

        A store that has failed opens its files anew, and thereby finds some room that it had kept for itself; what it
        finds is filled, too.
        """
        deadline = time.monotonic() + _FULL_SECONDS
        while True:
            self.assertLess(time.monotonic(), deadline, f"{self.ask().stderr}\n{self.aggregator.log()}")
            for source, target in zip(_QUEUES, (*_QUEUES[1:], _QUEUES[0])):
                self.move(source, target)
            self.write(5)
            self.fill()
            told = time.monotonic()
            while _PROBLEM in (answer := self.ask()).stderr:
                self.fill()
                if time.monotonic() - told > _STUCK_SECONDS:
                    return answer

    def test_it_answers_while_the_disk_is_full_and_is_right_when_there_is_room(self) -> None:
        pid = self.aggregator.pid
        for times in (1, 2):
            self.fill()
            stuck = self.change_until_it_is_stuck()
            self.assertIn(": what it answers is of before", stuck.stderr)
            self.agent.wait_for_log(f" no connection to {self.aggregator.ingest_address}: ", times=times)
            # What comes now is not in the answer, which stays what it was.
            self.write(20)
            self.move("active", "deferred")
            for _ in range(5):
                answer = self.ask()
                self.assertIn(_PROBLEM, answer.stderr)
                self.assertIsNone(table_difference(stuck.stdout, answer.stdout))
            self.assertIsNotNone(table_difference(self.scan(), answer.stdout))
            self.filler.unlink()
            room = time.monotonic()
            self.assert_exact(_AGAIN_SECONDS)
            print(f"exact {time.monotonic() - room:.1f} s after there was room", flush=True)
            wait_until(lambda: self.ask().stderr == "fleetqshape: 1 relay: 1 fresh\n", _AGAIN_SECONDS,
                       "nothing is wrong any more", context=lambda: self.ask().stderr)
        self.assertTrue(self.aggregator.running())
        self.assertEqual(self.aggregator.pid, pid)
        # What was acknowledged before, meanwhile and after is on the disk.
        self.agent.kill()
        self.aggregator.kill()
        self.aggregator.start()
        self.assertIsNone(table_difference(self.scan(), self.ask().stdout))


if __name__ == "__main__":
    unittest.main()
