#!/usr/bin/python3
"""How fast questions about a large fleet are answered, beside ClickHouse with the same cells, and what they take.

    tests/bench/query_benchmark.py [PART ...] [--relays 1000] [--messages 10000000] [--domains 200000] [--rounds 200]
        [--scale 1,3,30] [--reports 2000] [--threads 2] [--clickhouse PROGRAM] [--directory DIR] [--build DIR]
        [--seed N]

prints tables in Markdown. With the defaults it takes about ten minutes, 4 GB of memory and 3 GB of disk.

engine      QueryEngine, in one process with a fleet in memory (query_benchmark.cc): from a question to its rows and
            TOTAL. Also while reports come in, and with --scale million messages. Beside it ClickHouse (Debian's
            clickhouse-server; --clickhouse none leaves it out), which answers the default question from the same cells
            in the ways of clickhouse_cells.py: the best one counts, as the server itself measures it.
program     fleetqshape-aggregator, started on a store that fleetqshape-simulate made, and fleetqshape: from fork to
            exit, with its output to nowhere.

What bounds it
    The floor is a pass over the same arrivals in as many threads that does nothing but sum them up; memory_bandwidth.cc
    measures how fast the machine reads memory. An answer has to read 4 bytes an arrival.

What makes it fair
    Both have the same cells, ages measured at the same moment, all that they need in memory, and --threads threads.

What keeps it honest
    ClickHouse's TOTAL and rows have to equal the engine's; the aggregator's first answer has to have all messages, and
    its tables to equal, byte for byte, those that the simulator counted message by message. Else there is no result,
    and the status is 1. The memory of names is an estimate: 4 bytes an id in a relay's table, and for each of the
    fleet's names 28 bytes, its place in an index, and its bytes as malloc keeps them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.clickhouse import ClickHouseError
from bench.clickhouse_cells import Table, Way, ask_clickhouse, same_answer
from bench.figures_report import Section, describe_machine
from bench.query_program import ProgramFigures, WrongAnswer, measure_program

PARTS = ("engine", "program")
LEAST_TIMES_CLICKHOUSE = 50
MOST_P50_MILLISECONDS = 8
MOST_P99_MILLISECONDS = 25
MOST_TIMES_DEFAULT = 3
MOST_TIMES_P99_WITH_REPORTS = 2
MOST_TIMES_LINEAR = 1.1
"""The cost of a message, in each step of --scale: a tenth more for what the measurement leaves uncertain."""
MOST_COMMAND_MILLISECONDS = 60
MOST_ALL_ROWS_SECONDS = 1.5
MOST_BYTES_A_MESSAGE = 24
MOST_START_SECONDS = 5

_SOURCE = Path(__file__).resolve().parents[2]
_CLICKHOUSE = "clickhouse-server"
_CLICKHOUSE_ROUNDS = 5
_ARRIVAL_BYTES = 4


@dataclass
class Run:
    """Of query_benchmark.cc: what it printed."""

    messages: int = 0
    questions: dict[str, dict[str, float]] = field(default_factory=dict)
    whole: dict[str, float] = field(default_factory=dict)
    answer: Table | None = None


def run_engine(options: argparse.Namespace, messages: int, rounds: int, *more: str) -> Run:
    progress(f"engine: {messages:,} messages {' '.join(more)}")
    run = Run(messages)
    for line in _lines([*_engine(options, messages), "--rounds", str(rounds), *more]):
        if "rows" in line:
            run.answer = Table(line["total"], [(row[0], row[1:]) for row in line["rows"]])
        elif "question" in line:
            run.questions[line["question"]] = line
        else:
            run.whole = line
    return run


def _engine(options: argparse.Namespace, messages: int) -> list[str]:
    return [str(options.build / "tests" / "query_benchmark"), "--relays", str(options.relays), "--messages",
            str(messages), "--domains", str(options.domains), "--threads", str(options.threads), "--seed",
            str(options.seed)]  # fmt: skip


def _lines(command: Sequence[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_clickhouse(options: argparse.Namespace, engine: Run, at_seconds: int) -> list[Way]:
    command = [*_engine(options, options.messages), "--at", str(at_seconds), "--dump", "/dev/stdout"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as cells:
        try:
            assert cells.stdout is not None and engine.answer is not None
            ways = ask_clickhouse(options.clickhouse, options.directory, cells.stdout, at_seconds, options.threads,
                                  _CLICKHOUSE_ROUNDS, progress)
        finally:
            cells.kill()
    for way in ways:
        if not same_answer(way.answer, engine.answer):
            raise WrongAnswer(f"{way.table}, {way.query}: {way.answer}\nThe engine: {engine.answer}")
    return ways


def engine_section(run: Run, reports: Run, bandwidth: Sequence[dict[str, Any]]) -> Section:
    section = Section("Questions, in the engine", ["question", "best ms", "p50 ms", "p99 ms", "to the default, p50",
                                                   "to the floor, p50", "p99 ms with reports"])
    top, floor = run.questions["top"], run.questions["floor"]
    for name, one in run.questions.items():
        section.add("the default: top 20" if name == "top" else name, f"{one['best']:.2f}", f"{one['p50']:.2f}",
                    f"{one['p99']:.2f}", f"{one['p50'] / top['p50']:.2f}", f"{one['p50'] / floor['p50']:.2f}",
                    f"{reports.questions[name]['p99']:.2f}")
    section.note(f"{run.messages:,} messages, {run.whole['bytes_per_message']:.1f} bytes each with their names; "
                 f"{reports.whole['reports_per_second']:,.0f} reports a second of 100 changes in the last column. The "
                 f"floor only sums the arrivals: {_gigabytes(run, 'floor'):.1f} GB/s, and the default question reads "
                 f"them at {_gigabytes(run, 'top'):.1f} GB/s. Memory: "
                 + ", ".join(f"{one['bytes_per_second'] / 1e9:.1f} GB/s by {one['threads']} "
                             f"thread{'s'[:one['threads'] - 1]}" for one in bandwidth) + ".")
    section.at_most("the default question, p50", top["p50"], MOST_P50_MILLISECONDS, " ms")
    section.at_most("p99", top["p99"], MOST_P99_MILLISECONDS, " ms")
    for name in ("parents", "by host", "compare roles"):
        section.at_most(f"{name}, times the default question", run.questions[name]["p50"] / top["p50"],
                        MOST_TIMES_DEFAULT)
    section.at_most("p99 with reports, times that without", reports.questions["top"]["p99"] / top["p99"],
                    MOST_TIMES_P99_WITH_REPORTS)
    return section


def scale_section(runs: Sequence[Run]) -> Section:
    section = Section("By the number of messages", ["messages", "p50 ms", "p99 ms", "p50, ns a message", "floor ms, p50",
                                                    "read at GB/s", "bytes a message, with names"])
    for run in runs:
        top = run.questions["top"]
        section.add(f"{run.messages:,}", f"{top['p50']:.2f}", f"{top['p99']:.2f}", f"{_nanoseconds(run):.3f}",
                    f"{run.questions['floor']['p50']:.2f}", f"{_gigabytes(run, 'top'):.1f}",
                    f"{run.whole['bytes_per_message']:.1f}")
    steps = [_nanoseconds(after) / _nanoseconds(before) for before, after in zip(runs, runs[1:])]
    if steps:
        section.at_most("the cost of a message, times that with fewer messages, largest step", max(steps),
                        MOST_TIMES_LINEAR)
    return section


def _nanoseconds(run: Run) -> float:
    return run.questions["top"]["p50"] * 1e6 / run.messages


def _gigabytes(run: Run, name: str) -> float:
    """A second, at which the arrivals are read."""
    return run.messages * _ARRIVAL_BYTES / (run.questions[name]["p50"] / 1000) / 1e9


def clickhouse_section(ways: Sequence[Way], engine: Run) -> Section:
    top = engine.questions["top"]
    section = Section("ClickHouse, the default question", ["table and query", "bytes a cell on disk", "best ms",
                                                           "median ms", "best to the engine's p50"])
    for way in ways:
        section.add(f"{way.table}, {way.query}", f"{way.bytes / engine.messages:.1f}", f"{way.best_seconds * 1000:.0f}",
                    f"{way.median_seconds * 1000:.0f}", f"{way.best_seconds * 1000 / top['p50']:.1f}")
    # The same cells, ordered for the question, which is asked in one query, with the settings as they come.
    section.at_least(f"ClickHouse ({ways[0].table}, {ways[0].query}), best, to the engine's p50",
                     ways[0].best_seconds * 1000 / top["p50"], LEAST_TIMES_CLICKHOUSE, digits=1)
    section.at_least("ClickHouse, best of all ways, to the engine's p50",
                     min(way.best_seconds for way in ways) * 1000 / top["p50"], LEAST_TIMES_CLICKHOUSE, digits=1)
    return section


def program_section(one: ProgramFigures) -> Section:
    section = Section("The whole program", ["fleetqshape, from fork to exit", "best ms", "median ms"])
    for name, seconds in (("--rows 20", one.top), ("--rows 20 -p", one.parents), ("--rows 20 --by host", one.by_host),
                          ("--rows 20 --compare role", one.compare), (f"all {one.rows:,} rows", one.all_rows)):
        section.add(name, f"{min(seconds) * 1000:.1f}", f"{median(seconds) * 1000:.1f}")
    section.note(f"{one.messages:,} messages, {one.relays:,} relays, {one.relay_names:,} names of relays, "
                 f"{one.fleet_names:,} of the fleet. The aggregator listens {one.ready:.2f} s after it was started, and "
                 f"used {one.start_cpu:.2f} s of CPU time by its first answer. Resident: "
                 f"{one.loaded.resident / 1e6:.0f} MB then, {one.asked.resident / 1e6:.0f} MB after all questions, "
                 f"{one.loaded.peak / 1e6:.0f} MB at most; {one.base.resident / 1e6:.0f} MB of it without a fleet, and "
                 f"names take about {one.name_bytes / 1e6:.0f} MB.")
    section.at_most("the top 20, from fork to exit, median", median(one.top) * 1000, MOST_COMMAND_MILLISECONDS, " ms", 1)
    section.at_most("all rows, median", median(one.all_rows), MOST_ALL_ROWS_SECONDS, " s")
    section.at_most("from the start to the first exact answer", one.first_answer, MOST_START_SECONDS, " s")
    section.at_most("memory of a message, over names and base", one.bytes_a_message, MOST_BYTES_A_MESSAGE, " bytes", 1)
    return section


def sections(options: argparse.Namespace) -> list[Section]:
    done = []
    if "engine" in options.parts:
        bandwidth = _lines([str(options.build / "tests" / "memory_bandwidth"), str(options.bandwidth_megabytes)])
        at_seconds = int(time.time())
        run = run_engine(options, options.messages, options.rounds, "--at", str(at_seconds), "--print-answer")
        reports = run_engine(options, options.messages, options.rounds, "--reports", str(options.reports))
        others = [run_engine(options, round(millions * 1e6), max(options.rounds // 4, 1)) for millions in options.scale]
        done.append(engine_section(run, reports, bandwidth))
        done.append(scale_section(sorted([run, *others], key=lambda one: one.messages)))
        if options.clickhouse != "none":
            done.append(clickhouse_section(run_clickhouse(options, run, at_seconds), run))
    if "program" in options.parts:
        done.append(program_section(measure_program(options.relays, options.messages, options.domains, options.seed,
                                                    max(options.rounds // 4, 1), progress)))
    return done


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures how fast questions about a large fleet are answered.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--relays", type=int, default=1000, help="of the fleet (1000)")
    parser.add_argument("--messages", type=int, default=10_000_000, help="in all queues (10000000)")
    parser.add_argument("--domains", type=int, default=200_000, help="that there are (200000)")
    parser.add_argument("--rounds", type=int, default=200, help="of all questions (200)")
    parser.add_argument("--scale", type=_numbers, default=[1.0, 3.0, 30.0],
                        help="other numbers of messages, in millions (1,3,30)")
    parser.add_argument("--reports", type=int, default=2000, help="a second (2000)")
    parser.add_argument("--threads", type=int, default=2, help="of the engine and of ClickHouse (2)")
    parser.add_argument("--bandwidth-megabytes", type=int, default=1024, help="to measure memory with (1024)")
    parser.add_argument("--clickhouse", default=_CLICKHOUSE, help="the server's program; none: leave it out")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="on a disk (/var/tmp)")
    parser.add_argument("--build", type=Path, help="the build's directory (build)",
                        default=Path(os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY", _SOURCE / "build")))
    parser.add_argument("--seed", type=int, default=1, help="of the fleet (1)")
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no such part: {part}")
    options.parts = options.parts or list(PARTS)
    return options


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",") if number]


def progress(text: str) -> None:
    print(f"query_benchmark: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    tempfile.tempdir = str(options.directory)  # of all that is started
    os.environ["FLEETQSHAPE_BUILD_DIRECTORY"] = str(options.build)
    machine = describe_machine(options.directory)
    try:
        if options.clickhouse != "none" and shutil.which(options.clickhouse) is None:
            raise WrongAnswer(f"no {options.clickhouse}: run tools/install-packages bench, or leave it out with "
                              "--clickhouse none")
        parts = [section.markdown() for section in sections(options)]
    except (OSError, AssertionError, WrongAnswer, ClickHouseError, subprocess.SubprocessError) as error:
        progress(str(error))
        return 1
    print(f"{options.relays:,} relays, {options.messages:,} messages, {options.domains:,} domains; {machine}\n")
    print("\n\n".join(parts))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is stopped and removed
    sys.exit(main())
