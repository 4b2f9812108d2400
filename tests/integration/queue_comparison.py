"""What an agent has reported of a queue, beside what is there: fresh scans of it, and the real qshape."""

import contextlib
import json
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from differential.oracle import QshapeOracle, table_difference
from support.fleet import Aggregator, ask
from support.postfix_churn import Listing
from support.private_postfix import QUEUES
from support.started_agent import list_relays, run_agent
from support.waiting import WaitTimeout, wait_until

__all__ = ["QueueComparison"]

# By recipients in columns of half a minute, so that a test's mail is told apart; by senders reaching back for hours.
_AXES = (("-l", "-t", "0.5", "-b", "20"), ("-s", "-t", "0.25", "-b", "12"))
_COVERAGE = "fleetqshape: 1 relay: 1 fresh\n"
_INSTANCE = "postfix"
_GROUP_EXECUTE = 0o010  # postsuper -e: "force-expire"


class QueueComparison:
    """Compares one queue directory with the answers of an aggregator that has its relay and no other.

    list_queue  lists all files in the queue; while two listings are equal, nothing has changed
    """

    def __init__(self, stack: contextlib.ExitStack, aggregator: Aggregator, queue_directory: Path,
                 list_queue: Callable[[], Listing]) -> None:
        self._aggregator = aggregator
        self._queue_directory = queue_directory
        self._list_queue = list_queue
        self._oracle = stack.enter_context(QshapeOracle())
        self.longest_wait_seconds = 0.0  # for an answer to be right

    def assert_equal(self, *, files: bool = False, timeout_seconds: float = 10) -> bool:
        """Compares each queue by recipients and by senders; with `files`, also how many files do not count, by cause.

        False if the queue changed meanwhile, which makes the comparison worth nothing. Raises AssertionError, with both
        sides, if an answer is not right within the time. File counts come with the next report of mail, or late.
        """
        before = self._list_queue()
        try:
            self._compare(before, files, time.monotonic() + timeout_seconds)
        except (AssertionError, FileNotFoundError):
            if self._list_queue() != before:
                return False
            raise
        return self._list_queue() == before

    def _compare(self, listing: Listing, files: bool, deadline: float) -> None:
        at = int(time.time())
        expected = {(queue, options): self._scan(queue, options, at) for queue in QUEUES for options in _AXES}
        expected_files = self._scan_files()
        for (queue, options), table in expected.items():
            if queue != "maildrop":  # qshape cannot read what is there
                self._compare_with_qshape(queue, options, listing, at, table)
        for (queue, options), table in expected.items():
            self._wait(lambda: self._table_difference(queue, options, at, table), listing, deadline)
        if files:
            self._wait(lambda: self._file_difference(expected_files), listing, deadline)

    def _wait(self, difference: Callable[[], str | None], listing: Listing, deadline: float) -> None:
        """Waits until there is no difference, or the queue is another."""
        asked = time.monotonic()
        try:
            wait_until(lambda: difference() is None or self._list_queue() != listing, max(deadline - asked, 0.1),
                       "the fleet is right", interval_seconds=0.005)
        except WaitTimeout:
            raise AssertionError(difference() or "the fleet is right, but late") from None
        self.longest_wait_seconds = max(self.longest_wait_seconds, time.monotonic() - asked)

    # What is there.

    def _scan(self, queue: str, options: tuple[str, ...], at: int) -> bytes:
        answer = ask("--at", str(at), *options, str(self._queue_directory / queue))
        if answer.status != 0 or answer.stderr:
            raise AssertionError(f"fleetqshape {queue}: exit status {answer.status}: {answer.stderr}")
        return answer.stdout

    def _scan_files(self) -> dict[str, int]:
        """Of files that do not count, or are odd: what they are, and how many."""
        answer = run_agent("--once", "--queue-directory", str(self._queue_directory))
        if answer.status != 0:
            raise AssertionError(f"fleetqshape-agent --once: exit status {answer.status}: {answer.stderr}")
        return json.loads(answer.stdout)["relays"][0]["files"]

    def _compare_with_qshape(self, queue: str, options: tuple[str, ...], listing: Listing, at: int,
                             scanned: bytes) -> None:
        directory = self._queue_directory / queue
        with tempfile.TemporaryDirectory(prefix="unmarked-") as unmarked:
            # It passes over messages that are marked to expire: it gets copies without that mark.
            for path, (_, mode, _, _) in listing.items():
                if stat.S_ISREG(mode) and mode & _GROUP_EXECUTE and path.is_relative_to(directory):
                    shutil.copyfile(path, Path(unmarked, path.name))
                    Path(unmarked, path.name).chmod(0o700)
            _, table, warnings = self._oracle.run([*options, str(directory), unmarked], at)
        if warnings or (difference := table_difference(table, scanned)):
            raise AssertionError(f"{queue} {' '.join(options)} at {at}: {warnings!r} {difference}\n"
                                 f"qshape:\n{_text(table)}a fresh scan:\n{_text(scanned)}")

    # What the fleet says.

    def _table_difference(self, queue: str, options: tuple[str, ...], at: int, scanned: bytes) -> str | None:
        answer = self._aggregator.ask(*options, queue, at=at)
        if answer.status != 0 or answer.stderr != _COVERAGE:
            return f"{queue}: exit status {answer.status}: {answer.stderr}"
        difference = table_difference(scanned, answer.stdout)
        return difference and (f"{queue} {' '.join(options)} at {at}: {difference}\n"
                               f"a fresh scan:\n{_text(scanned)}the fleet:\n{_text(answer.stdout)}")

    def _file_difference(self, scanned: dict[str, int]) -> str | None:
        told = {what: int(count) for what, count in list_relays(self._aggregator)[_INSTANCE]["files"].items()}
        return None if told == scanned else f"files:\na fresh scan: {scanned}\nthe fleet:    {told}"


def _text(table: bytes) -> str:
    return table.decode(errors="backslashreplace")
