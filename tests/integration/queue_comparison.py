"""What an agent has reported of a queue, beside what is there: a fresh scan of it, and the real qshape."""

import contextlib
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from differential.oracle import QshapeOracle, table_difference
from support.fleet import Aggregator, Answer, ask
from support.postfix_churn import Listing
from support.private_postfix import QUEUES
from support.waiting import WaitTimeout, wait_until

__all__ = ["QueueComparison"]

# Columns of half a minute, so that a test's mail is told apart, and wider ones that reach back for hours.
_AXES = (["-l", "-t", "0.5", "-b", "20"], ["-s", "-t", "0.25", "-b", "12"])
_COVERAGE = "fleetqshape: 1 relay: 1 fresh\n"
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

    def assert_equal(self, timeout_seconds: float = 10) -> bool:
        """Compares each queue by recipients and by senders.

        False if the queue changed meanwhile, which makes the comparison worth nothing. Raises AssertionError, with both
        tables, if an answer is not right within the time.
        """
        before = self._list_queue()
        began = time.monotonic()
        try:
            self._compare(before, began + timeout_seconds)
        except (AssertionError, FileNotFoundError):
            if self._list_queue() != before:
                return False
            raise
        return self._list_queue() == before

    def _compare(self, listing: Listing, deadline: float) -> None:
        at = int(time.time())
        expected = {(queue, number): self._scan(queue, options, at)
                    for queue in QUEUES for number, options in enumerate(_AXES)}
        for queue in QUEUES:
            if queue != "maildrop":  # qshape cannot read what is there
                self._compare_with_qshape(queue, listing, at, [expected[queue, number] for number in range(len(_AXES))])
        for (queue, number), table in expected.items():
            self._compare_with_fleet(queue, _AXES[number], at, table, listing, deadline)

    def _scan(self, queue: str, options: list[str], at: int) -> bytes:
        answer = ask("--at", str(at), *options, str(self._queue_directory / queue))
        if answer.status != 0 or answer.stderr:
            raise AssertionError(f"fleetqshape {queue}: exit status {answer.status}: {answer.stderr}")
        return answer.stdout

    def _compare_with_qshape(self, queue: str, listing: Listing, at: int, expected: list[bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="unmarked-") as unmarked:
            # It passes over messages that are marked to expire: it gets copies without that mark.
            for path, (_, mode, _, _) in listing.items():
                if stat.S_ISREG(mode) and mode & _GROUP_EXECUTE and path.is_relative_to(self._queue_directory / queue):
                    shutil.copyfile(path, Path(unmarked, path.name))
                    Path(unmarked, path.name).chmod(0o700)
            for options, table in zip(_AXES, expected):
                _, theirs, warnings = self._oracle.run([*options, str(self._queue_directory / queue), unmarked], at)
                if warnings or (difference := table_difference(theirs, table)):
                    raise AssertionError(f"{queue} {options}, qshape and a local scan: {warnings!r} {difference}\n"
                                         f"{_text(theirs)}\n{_text(table)}")

    def _compare_with_fleet(self, queue: str, options: list[str], at: int, expected: bytes, listing: Listing,
                            deadline: float) -> None:
        answer = Answer(0, b"", "")

        def right() -> bool:
            nonlocal answer
            answer = self._aggregator.ask(*options, queue, at=at)
            return answer.status == 0 and answer.stderr == _COVERAGE and not table_difference(expected, answer.stdout)

        asked = time.monotonic()
        try:
            wait_until(lambda: right() or self._list_queue() != listing, max(deadline - asked, 0.1), "the fleet is right",
                       interval_seconds=0.005)
        except WaitTimeout as error:
            raise AssertionError(f"{queue} {options} at {at}: the fleet's answer is wrong: exit status {answer.status}, "
                                 f"{answer.stderr}\n{table_difference(expected, answer.stdout)}\n"
                                 f"on the disk:\n{_text(expected)}the fleet:\n{_text(answer.stdout)}") from error
        self.longest_wait_seconds = max(self.longest_wait_seconds, time.monotonic() - asked)


def _text(table: bytes) -> str:
    return table.decode(errors="backslashreplace")
