#!/usr/bin/python3
"""Scans one queue with qshape, with fleetqshape and with a program that only reads files.

    tests/bench/scan_benchmark.py [--files 200000] [--rounds 5] [--directory DIR] [--build DIR] [--seed N]

writes a deferred queue of realistic files (queue_writer.cc) into a new directory below DIR, which should be on a disk
and not in memory, scans it in rounds, removes it, and prints a table in Markdown.

What is compared
    qshape, fleetqshape, and the floor (scan_floor.cc): only getdents64, openat, one read of 4096 bytes and close for
    each file. fleetqshape takes a thread for each processor that it may run on, up to 8, so the number of threads is
    set by the processors that the run is given; the floor gets the same processors and is told the number.

What makes it fair
    Every round runs each program once, every other round in the opposite order, so that whatever else the machine
    does hits all. The files are in the page cache. qshape makes every inode dirty, because reading sets the access
    times; fleetqshape and the floor leave them alone (O_NOATIME). After qshape's runs, what they left to be written is
    written, so that nobody else pays for it.

    On a machine that does other work at the same time, wall times tell little: look at the CPU times.

What keeps it honest
    Before the rounds, the tables of fleetqshape, with and without --compat, are compared with qshape's, all at the
    same pinned clock. In the rounds every table's TOTAL must be the number of recipients that were written, and the
    floor must have read every file. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from differential.oracle import QSHAPE, QshapeOracle, table_difference

MAXIMUM_THREADS = 8
"""fleetqshape uses no more."""
QSHAPE_TIMEOUT_SECONDS = 3600
LEAST_SPEEDUP_OVER_QSHAPE = 10
MOST_OVER_FLOOR = 1.3

_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class WrongAnswer(Exception):
    """A program that is measured did not do its work."""


@dataclass(frozen=True)
class Programs:
    fleetqshape: str
    queue_writer: str
    scan_floor: str

    @staticmethod
    def below(build_directory: str) -> "Programs":
        return Programs(
            os.path.join(build_directory, "bin", "fleetqshape"),
            os.path.join(build_directory, "tests", "queue_writer"),
            os.path.join(build_directory, "tests", "scan_floor"),
        )


@dataclass(frozen=True)
class Queue:
    """What queue_writer wrote."""

    path: str
    files: int
    bytes: int
    recipients: int


@dataclass
class Contestant:
    """One row of the table, and what its runs took, one entry a round."""

    name: str
    threads: int
    command: Sequence[str]
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @property
    def is_floor(self) -> bool:
        return self.name.startswith("floor")

    def check_output(self, output: bytes, queue: Queue) -> None:
        if self.is_floor:
            got, expected = json.loads(output)["files"], queue.files
        else:
            [total] = [line.split()[1] for line in output.splitlines() if line.split()[:1] == [b"TOTAL"]]
            got, expected = int(total), queue.recipients
        if got != expected:
            raise WrongAnswer(f"{self.name}: counted {got}, and {expected} were written")


@contextmanager
def written_queue(programs: Programs, parent: str | None, files: int, seed: int) -> Iterator[Queue]:
    """A queue in a directory that is removed in the end."""
    directory = tempfile.mkdtemp(prefix="scan-benchmark-", dir=parent)
    try:
        command = [programs.queue_writer, directory, str(files), str(seed)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        yield Queue(os.path.join(directory, "deferred"), **json.loads(output))
    finally:
        shutil.rmtree(directory)


def check_tables(programs: Programs, queue: Queue) -> None:
    """Raises WrongAnswer if fleetqshape's tables are not qshape's."""
    now = int(time.time())
    with QshapeOracle(QSHAPE_TIMEOUT_SECONDS) as oracle:
        status, expected, errors = oracle.run([queue.path], now)
    if status != 0 or errors:
        raise WrongAnswer(f"qshape: exit status {status}, {errors.decode(errors='replace')}")
    os.sync()
    for options in (["--compat"], []):
        command = [programs.fleetqshape, *options, "--at", str(now), queue.path]
        actual = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        difference = table_difference(expected, actual)
        if difference is not None:
            raise WrongAnswer(f"{' '.join(command)}: not qshape's table: {difference}")


def run_once(contestant: Contestant, processors: Sequence[int], queue: Queue) -> None:
    """Runs it on the first processors, as many as it has threads, and notes what that took."""
    all_processors = os.sched_getaffinity(0)
    with tempfile.TemporaryFile() as output:
        redirect = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        os.sched_setaffinity(0, processors[: contestant.threads])
        try:
            start = time.perf_counter()
            child = os.posix_spawn(contestant.command[0], contestant.command, os.environ, file_actions=redirect)
            _, status, usage = os.wait4(child, 0)
            wall_seconds = time.perf_counter() - start
        finally:
            os.sched_setaffinity(0, all_processors)
        if status != 0:
            raise WrongAnswer(f"{contestant.name}: exit status {os.waitstatus_to_exitcode(status)}")
        output.seek(0)
        contestant.check_output(output.read(), queue)
    if contestant.command[0] == QSHAPE:
        os.sync()
    contestant.wall_seconds.append(wall_seconds)
    contestant.cpu_seconds.append(usage.ru_utime + usage.ru_stime)


def make_contestants(programs: Programs, queue: Queue, processor_count: int) -> list[Contestant]:
    contestants = [Contestant("qshape", 1, [QSHAPE, queue.path])]
    for threads in sorted({1, min(processor_count, MAXIMUM_THREADS)}):
        floor = [programs.scan_floor, queue.path, str(threads)]
        contestants.append(Contestant("fleetqshape", threads, [programs.fleetqshape, queue.path]))
        contestants.append(Contestant("floor", threads, floor))
        if threads > 1:
            name = "floor, one descriptor table"
            contestants.append(Contestant(name, threads, [*floor, "--shared-descriptors"]))
    return contestants


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over the rounds: both were measured in the same minute."""
    return statistics.median(a / b for a, b in zip(numerators, denominators))


def rows_of(contestants: Sequence[Contestant]) -> list[list[str]]:
    [qshape] = [one for one in contestants if one.name == "qshape"]
    floors = {one.threads: one for one in contestants if one.name == "floor"}
    rows = []
    for one in contestants:
        floor = floors[one.threads]
        rows.append([
            one.name,
            str(one.threads),
            f"{min(one.wall_seconds):.3f}",
            f"{statistics.median(one.wall_seconds):.3f}",
            f"{min(one.cpu_seconds):.3f}",
            f"{min(one.wall_seconds) / min(floor.wall_seconds):.2f}",
            f"{median_ratio(one.wall_seconds, floor.wall_seconds):.2f}",
            f"{min(one.cpu_seconds) / min(floor.cpu_seconds):.2f}",
            f"{min(qshape.wall_seconds) / min(one.wall_seconds):.1f}",
        ])
    return rows


def markdown_table(contestants: Sequence[Contestant]) -> str:
    heads = [
        "program", "threads", "wall s, min", "wall s, median", "CPU s, min", "to the floor: wall, of minima",
        "wall, median of rounds", "CPU, of minima", "times faster than qshape",
    ]  # fmt: skip
    rows = rows_of(contestants)
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    lines = [heads, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])], *rows]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |" for line in lines
    )


def verdict(contestants: Sequence[Contestant]) -> str:
    """The two aims, and whether they were met."""
    [qshape] = [one for one in contestants if one.name == "qshape"]
    floors = {one.threads: one for one in contestants if one.name == "floor"}
    lines = []
    for one in contestants:
        if one.name != "fleetqshape":
            continue
        over_floor = min(one.wall_seconds) / min(floors[one.threads].wall_seconds)
        speedup = min(qshape.wall_seconds) / min(one.wall_seconds)
        threads = f"{one.threads} thread{'s' if one.threads > 1 else ''}"
        lines.append(
            f"{threads}: {speedup:.1f} times faster than qshape (aim: {LEAST_SPEEDUP_OVER_QSHAPE}, "
            f"{'met' if speedup >= LEAST_SPEEDUP_OVER_QSHAPE else 'missed'}), {over_floor:.2f} times the floor "
            f"(aim: at most {MOST_OVER_FLOOR}, {'met' if over_floor <= MOST_OVER_FLOOR else 'missed'})"
        )
    return "\n".join(lines)


def describe(queue: Queue, processor_count: int, rounds: int) -> str:
    """Where and over what the numbers were taken."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    mount = subprocess.run(
        ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", queue.path],
        check=False, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return (
        f"{queue.files:,} files, {queue.bytes / 1e6:,.0f} MB ({queue.bytes // queue.files:,} bytes a file), "
        f"{queue.recipients:,} recipients, in the page cache, on {mount or 'an unknown file system'}; "
        f"{rounds} rounds; {processor_count} processors ({models[0] if models else os.uname().machine}), "
        f"Linux {os.uname().release}, load {os.getloadavg()[0]:.1f}"
    )


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Scans one queue with qshape, fleetqshape and a program that only reads files."
    )
    parser.add_argument("--files", type=int, default=200_000, help="queue files (200000)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (5)")
    parser.add_argument("--directory", help="where the queue is written, about 8 KB a file; on a disk (/var/tmp)",
                        default="/var/tmp")  # fmt: skip
    parser.add_argument("--build", help="the build's directory (build)",
                        default=os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY", os.path.join(_SOURCE, "build")))  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of the queue's files (1)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    programs = Programs.below(os.path.abspath(options.build))
    processors = sorted(os.sched_getaffinity(0))

    def progress(text: str) -> None:
        print(f"scan_benchmark: {text}", file=sys.stderr, flush=True)

    try:
        progress(f"writing {options.files} queue files (seed {options.seed})")
        with written_queue(programs, options.directory, options.files, options.seed) as queue:
            progress("comparing the tables")
            check_tables(programs, queue)
            contestants = make_contestants(programs, queue, len(processors))
            for number in range(options.rounds):
                progress(f"round {number + 1} of {options.rounds}")
                for contestant in contestants if number % 2 == 0 else reversed(contestants):
                    run_once(contestant, processors, queue)
            print(describe(queue, len(processors), options.rounds))
            print()
            print(markdown_table(contestants))
            print()
            print(verdict(contestants))
    except (WrongAnswer, OSError, subprocess.CalledProcessError) as error:
        print(f"scan_benchmark: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
