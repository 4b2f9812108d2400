#!/usr/bin/python3
"""How fast the aggregator takes the reports of a fleet, beside RocksDB alone with the same bytes.

    tests/bench/ingest_benchmark.py [--relays 1000] [--messages 10000] [--changes 1000] [--reports 12] [--rounds 6]
        [--threads 2] [--directory DIR] [--build DIR] [--seed N]

makes the reports of a fleet (report_source.h), lets the aggregator's engine and RocksDB take them in rounds
(ingest_benchmark.cc), in a new directory below DIR, which has to be on a disk, and prints a table in Markdown. It takes
about three minutes, 4 GB of memory and 3 GB of disk.

What is compared
    engine      IngestEngine on the store, as the aggregator has them, without gRPC: from a report's bytes until it is
                acknowledged. It parses each report, checks its digest, makes the new state and writes it, synced. Each
                relay has one report in flight.
    merge, put  RocksDB alone, opened as the store opens it: the bytes of the sections and names that are in the
                reports, under the same keys, in batches of as many reports as the engine's, each synced, from memory
                where all is ready. As merge operands for the store's merge operator, as the store writes them: the aim
                is a share of their speed. Or as puts, of which the last one of a section is all that stays: no store
                can do with that, but it is the least that RocksDB can do with these bytes.

Two speeds
    burst       from the first report until the last is acknowledged, or synced: how fast reports are taken as long as
                RocksDB's files need not be put in order. A merge operand costs most when that is done.
    sustained   until nothing is left to do in the background either, over all rounds: what can be kept up for days. An
                aggregator that falls behind with that has to wait in the end.

What makes it fair
    All are threads of one process and take the same reports in the same round, in every other round in the opposite
    order. Before each turn the process has nothing left to do.

    On a machine that does other work at the same time, wall times tell little: look at the CPU times.

What keeps it honest
    A report that is not acknowledged ends the benchmark: exit status 1. The bytes written are what the kernel counts
    for the process (write_bytes in /proc/self/io): the log, and what is flushed and compacted until the process is idle,
    over all rounds. So is all CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.figures_report import Section, describe_machine

LEAST_CHANGES_A_SECOND = 2_000_000
LEAST_SHARE_OF_ROCKSDB = 60
"""In percent, sustained."""

_SOURCE = Path(__file__).resolve().parents[2]
_NAMES = {"engine": "the aggregator's engine", "merge": "RocksDB alone, merge operands", "put": "RocksDB alone, puts"}


@dataclass(frozen=True)
class Turn:
    """One contestant took the reports of one round; round 0 are the snapshots."""

    contestant: str
    round: int
    reports: int
    changes: int
    received_bytes: int
    batches: int
    wall_seconds: float
    cpu_seconds: float
    all_wall_seconds: float
    all_cpu_seconds: float
    written_bytes: int


def run(options: argparse.Namespace, directory: str) -> list[Turn]:
    command = [str(options.build / "tests" / "ingest_benchmark"), "--directory", directory]
    for name in ("relays", "messages", "changes", "reports", "rounds", "threads", "seed"):
        command += [f"--{name}", str(getattr(options, name))]
    turns = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                turns.append(Turn(**json.loads(line)))
                progress(f"round {turns[-1].round} of {options.rounds}: {turns[-1].contestant}")
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return turns


def of(turns: Sequence[Turn], name: str) -> list[Turn]:
    return [turn for turn in turns if turn.contestant == name]


def sustained(turns: Sequence[Turn]) -> float:
    """Changes a second, with what is done in the background."""
    return sum(turn.changes for turn in turns) / sum(turn.all_wall_seconds for turn in turns)


def burst_share(turns: Sequence[Turn], name: str, other: str) -> float:
    """The median over the rounds, in percent: both were measured in the same minute."""
    others = {turn.round: turn.wall_seconds for turn in of(turns, other)}
    return 100 * statistics.median(others[turn.round] / turn.wall_seconds for turn in of(turns, name))


def sustained_share(turns: Sequence[Turn], name: str, other: str) -> float:
    """In percent, over all rounds: what is put in order, and when, differs from one to the next."""
    return 100 * sustained(of(turns, name)) / sustained(of(turns, other))


def section_of(title: str, turns: Sequence[Turn]) -> Section:
    section = Section(title, [
        "who", "changes/s, burst: best round", "median", "sustained", "CPU s a million changes, burst: best round",
        "sustained", "% of the merge operands' speed, burst", "sustained", "bytes written a byte received",
    ])  # fmt: skip
    for name, text in _NAMES.items():
        own = of(turns, name)
        changes = sum(turn.changes for turn in own)
        section.add(
            text,
            f"{max(turn.changes / turn.wall_seconds for turn in own):,.0f}",
            f"{statistics.median(turn.changes / turn.wall_seconds for turn in own):,.0f}",
            f"{sustained(own):,.0f}",
            f"{min(turn.cpu_seconds / turn.changes for turn in own) * 1e6:.3f}",
            f"{sum(turn.all_cpu_seconds for turn in own) / changes * 1e6:.3f}",
            f"{burst_share(turns, name, 'merge'):.1f}",
            f"{sustained_share(turns, name, 'merge'):.1f}",
            f"{sum(turn.written_bytes for turn in own) / sum(turn.received_bytes for turn in own):.2f}",
        )
    return section


def report_of(turns: Sequence[Turn]) -> str:
    deltas = [turn for turn in turns if turn.round > 0]
    engine = of(deltas, "engine")
    section = section_of("Deltas", deltas)
    reports = sum(turn.reports for turn in engine)
    changes = sum(turn.changes for turn in engine)
    received = sum(turn.received_bytes for turn in engine)
    section.note(f"{reports:,} reports of {changes / reports:,.0f} changes and {received / reports:,.0f} bytes, "
                 f"{reports / sum(turn.batches for turn in engine):,.0f} a batch on the average.")
    section.note(f"Of the puts' speed the engine has {burst_share(deltas, 'engine', 'put'):.1f} % in a burst, "
                 f"{sustained_share(deltas, 'engine', 'put'):.1f} % sustained.")
    section.at_least("changes applied and synced a second, sustained", sustained(engine), LEAST_CHANGES_A_SECOND)
    section.at_least("to RocksDB alone with the same bytes as merge operands, sustained",
                     sustained_share(deltas, "engine", "merge"), LEAST_SHARE_OF_ROCKSDB, " %", 1)
    snapshots = section_of("Snapshots", [turn for turn in turns if turn.round == 0])
    return f"{section.markdown()}\n\n{snapshots.markdown()}"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures how fast the aggregator takes reports.")
    parser.add_argument("--relays", type=int, default=1000, help="that report (1000)")
    parser.add_argument("--messages", type=int, default=10_000, help="in the queues of each (10000)")
    parser.add_argument("--changes", type=int, default=1000, help="in a report, at least (1000)")
    parser.add_argument("--reports", type=int, default=12, help="of each relay in a round (12)")
    parser.add_argument("--rounds", type=int, default=6, help="after the snapshots (6)")
    parser.add_argument("--threads", type=int, default=2, help="that parse reports, as gRPC's do (2)")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="on a disk (/var/tmp)")
    parser.add_argument("--build", type=Path, help="the build's directory (build)",
                        default=Path(os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY", _SOURCE / "build")))
    parser.add_argument("--seed", type=int, default=1, help="of the reports (1)")
    return parser.parse_args(arguments)


def progress(text: str) -> None:
    print(f"ingest_benchmark: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    machine = describe_machine(options.directory)
    try:
        with tempfile.TemporaryDirectory(prefix="ingest-benchmark-", dir=options.directory) as directory:
            turns = run(options, directory)
    except (OSError, subprocess.CalledProcessError) as error:
        progress(str(error))
        return 1
    print(f"{options.relays:,} relays with {options.messages:,} messages each, {options.rounds} rounds; {machine}\n")
    print(report_of(turns))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is stopped and removed
    sys.exit(main())
