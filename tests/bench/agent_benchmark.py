#!/usr/bin/python3
"""What an agent costs and how fast it is, beside others that look at the same queue.

    tests/bench/agent_benchmark.py [start-up] [memory] [wire] [latency] [steady-state]
        [--files 200000] [--seconds 120] [--rate 500] [--samples 300] [--directory DIR] [--build DIR] [--seed N]

starts a Postfix of its own with a long deferred queue (support/private_postfix.py, queue_writer.cc) in a new directory
below DIR, an aggregator and agents, measures one part after the other, removes everything, and prints tables in
Markdown. It takes root, the packages of `tools/install-packages bench` and about 15 minutes.

start-up        from the agent's start until it knows the queue, beside qshape and `postqueue -j`
memory          of an agent with an empty and with the long queue
wire            bytes for a snapshot and for an hour of traffic, beside shipping compressed `postqueue -j`
latency         from a change on the disk until an answer has it, while mail passes through
steady-state    CPU time while mail passes through, beside Debian's prometheus-postfix-exporter

Mail that passes through is, except in one row of steady-state, queue_traffic.cc: the file operations of Postfix at
an exact rate, which leaves messages in active for as long as deliveries to the Internet take. Real mail comes from
smtp-source, and is discarded at once.

Each part checks that its figures mean something; exit status 1 if not. A missed aim is printed, and is no error.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.agent_costs import measure_memory, measure_start_up, measure_steady_state
from bench.agent_reports import measure_latency, measure_wire
from bench.bench_fleet import Settings
from bench.bench_relay import BenchRelay, WrongFigure
from bench.figures_report import describe_machine
from support.waiting import WaitTimeout

_SOURCE = Path(__file__).resolve().parents[2]
_PARTS = {
    "start-up": measure_start_up,
    "memory": measure_memory,
    "wire": measure_wire,
    "latency": measure_latency,
    "steady-state": measure_steady_state,
}


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures what an agent costs and how fast it is.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(_PARTS)} (all)")
    parser.add_argument("--files", type=int, default=200_000, help="messages in deferred (200000)")
    parser.add_argument("--seconds", type=float, default=120, help="of traffic, for each measurement (120)")
    parser.add_argument("--rate", type=float, default=500, help="messages a second (500)")
    parser.add_argument("--samples", type=int, default=300, help="of latency (300)")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"),
                        help="where the queue is, about 8 KB a file; on a disk (/var/tmp)")
    parser.add_argument("--build", type=Path, help="the build's directory (build)",
                        default=Path(os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY", _SOURCE / "build")))
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    parser.add_argument("--exporter", default="prometheus-postfix-exporter",
                        help="the exporter's program; none: leave it out")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(_PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.parts = [part for part in _PARTS if part in options.parts or not options.parts]
    return options


def find_exporter(name: str) -> str:
    """Its path; empty if it is to be left out."""
    if name == "none":
        return ""
    path = shutil.which(name)
    if path is None:
        raise WrongFigure(f"no {name}: run tools/install-packages bench, or leave it out with --exporter none")
    return path


def progress(text: str) -> None:
    print(f"agent_benchmark: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    build = options.build.resolve()
    before = os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY")
    os.environ["FLEETQSHAPE_BUILD_DIRECTORY"] = str(build)  # support.fleet takes its programs from there
    try:
        exporter = find_exporter(options.exporter) if "steady-state" in options.parts else ""
        machine = describe_machine(options.directory)
        settings = Settings(options.seconds, options.rate, options.samples, exporter)
        progress(f"writing {options.files} queue files (seed {options.seed})")
        with BenchRelay(build, options.directory, options.files, options.seed) as relay:
            written = relay.written
            print(f"{written.files:,} messages in deferred, {written.bytes / 1e6:,.0f} MB, {written.recipients:,} "
                  f"recipients, in the page cache; {machine}", flush=True)
            for part in options.parts:
                progress(part)
                print(f"\n{_PARTS[part](relay, settings, progress).markdown()}", flush=True)
    except (WrongFigure, WaitTimeout, AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        progress(str(error))
        return 1
    finally:
        if before is None:
            del os.environ["FLEETQSHAPE_BUILD_DIRECTORY"]
        else:
            os.environ["FLEETQSHAPE_BUILD_DIRECTORY"] = before
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is stopped and removed
    sys.exit(main())
