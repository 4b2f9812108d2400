"""What processes cost, from the kernel. CPU times are in seconds, memory in bytes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["CpuMeter", "Memory", "children_named", "cpu_seconds", "memory", "voluntary_switches"]

_SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED
_SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Memory:
    resident: int
    proportional: int  # shared pages by the number of processes that share them
    peak: int  # the most that was resident, ever


def cpu_seconds(pid: int) -> float:
    """User and system time so far, without that of children: as /proc/PID/stat has it, but to the nanosecond."""
    return time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK)  # what clock_getcpuclockid(3) gives


def memory(pid: int) -> Memory:
    status = _kilobytes(Path(f"/proc/{pid}/status"))
    return Memory(status["VmRSS"] * 1024, _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))["Pss"] * 1024,
                  status["VmHWM"] * 1024)


def voluntary_switches(pid: int) -> int:
    """How often a thread of the process went to sleep by itself."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count


def children_named(parent: int, name: str) -> Callable[[], Iterator[int]]:
    """A function that finds the children of a process that have this name now."""
    def find() -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError):
                if (entry / "comm").read_text().strip() == name and int(_stat(int(entry.name))[1]) == parent:
                    yield int(entry.name)
    return find


class CpuMeter:
    """The CPU time of processes that come and go, from `with` on.

    It looks four times a second: right for processes that stay idle for longer before they end, as Postfix's daemons
    do (max_idle, 100 s); of others, the last moments are missed.
    """

    def __init__(self, find: Callable[[], Iterator[int]]) -> None:
        self._find = find
        self._first: dict[tuple[int, str], float] = {}
        self._last: dict[tuple[int, str], float] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="cpu-meter", daemon=True)

    def __enter__(self) -> "CpuMeter":
        self._look()
        self._first = dict(self._last)  # what they had used before does not count
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def seconds(self) -> float:
        self._look()
        with self._lock:
            return sum(last - self._first.get(process, 0) for process, last in self._last.items())

    def processes(self) -> int:
        """How many there were."""
        with self._lock:
            return len(self._last)

    def _run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._lock:
            for pid in self._find():
                with suppress(OSError):
                    started = _stat(pid)[19]  # ids are used again
                    self._last[pid, started] = cpu_seconds(pid)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except ProcessLookupError as error:
        raise FileNotFoundError(*error.args) from error
    return text[text.rindex(")") + 2:].split()


def _kilobytes(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}
