"""The long steps of quickstart and run-tests: what is done is said, with times, and kept in a log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project."""

_SIGN_OF_LIFE_SECONDS = 15
_LOG_TAIL_LINES = 40
_LINE_WIDTH = 100


class StepFailed(Exception):
    """A step's command failed; its output's end has been shown. The message is one line."""


class Stopped(BaseException):
    """A signal asks this program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


class _Hold:
    """Whether signals wait for the end of a `signals_held`, and the one that does."""

    depth = 0
    waiting: int | None = None


def stop_on_signals() -> None:
    """From now on Ctrl-C, SIGTERM and a closed terminal raise Stopped, once."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _frame: object) -> None:
        for each in numbers:  # what cleans up must not be stopped on its way
            signal.signal(each, signal.SIG_IGN)
        if _Hold.depth:
            _Hold.waiting = number
        else:
            raise Stopped(number)

    for number in numbers:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, stop)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Stopped is raised at the end of the block, not within: for starting a process and noting it.

    Popen that is interrupted leaves a process behind that nobody knows of.
    """
    _Hold.depth += 1
    try:
        yield
    finally:
        _Hold.depth -= 1
        number = _Hold.waiting
        if number is not None and not _Hold.depth:
            _Hold.waiting = None
            raise Stopped(number)


def say(text: str = "") -> None:
    print(text, flush=True)


def available_processors() -> int:
    return len(os.sched_getaffinity(0))


def build_jobs() -> int:
    """So many compilers at once: one a processor, as long as each has a gigabyte of memory."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30
    return max(1, min(available_processors(), gigabytes))


def run_step(title: str, command: Sequence[str], log: Path) -> None:
    """Runs a command in the project's root, with its output in `log`; raises StepFailed."""
    say(f"{title} ...")
    started = next_sign = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output, _process(command, output) as process:
        while process.poll() is None:
            next_sign += _SIGN_OF_LIFE_SECONDS
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, next_sign - time.monotonic()))
                break
            say(f"    {time.monotonic() - started:3.0f} s  {_last_line(log)}")
    seconds = time.monotonic() - started
    if process.returncode != 0:
        _show_failure(log)
        raise StepFailed(f"{title}: failed after {seconds:.0f} s; all of the output is in {log}")
    say(f"    done in {seconds:.0f} s")


def fail(program: str, message: str, exit_status: int = 1) -> int:
    """Prints an error to standard error, behind what was said so far; returns the exit status."""
    sys.stdout.flush()
    print(f"{program}: {message}", file=sys.stderr, flush=True)
    return exit_status


@contextlib.contextmanager
def _process(command: Sequence[str], output: object) -> Iterator[subprocess.Popen[bytes]]:
    # A process group of its own: Ctrl-C reaches this program only, which then ends all of them.
    process = None
    try:
        with signals_held():
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        yield process
    finally:
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _tail(log: Path, line_count: int) -> list[str]:
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 200 * max(line_count, 5)))
        return file.read().decode(errors="replace").splitlines()[-line_count:]


def _last_line(log: Path) -> str:
    lines = _tail(log, 1)
    return lines[0][:_LINE_WIDTH] if lines else "no output yet"


def _show_failure(log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines()
    # The first error says most, and may be far from the end.
    marks = ("FAILED:", "CMake Error")
    first = next((i for i, line in enumerate(lines) if line.startswith(marks)), len(lines))
    shown = lines[min(first, max(0, len(lines) - _LOG_TAIL_LINES)):]
    for line in shown[:2 * _LOG_TAIL_LINES]:
        say(f"    | {line}")
