#!/usr/bin/python3
"""What the streams of a large fleet cost an aggregator: CPU time, memory, and whether a report is lost.

    tests/bench/streams_benchmark.py [--agents 10000] [--interval 5] [--seconds 60] [--rate N] [--messages N]
        [--directory DIR] [--build DIR] [--seed N]

starts an aggregator and fleetqshape-simulate, with as many agents as the limit on open files allows and not more than
--agents, waits until all have reported their queues, measures for --seconds, and prints a table in Markdown. With the
defaults it takes about two minutes, and 2 GB of memory. Each agent has a connection and a stream of its own, as real
ones have, and reports at each interval what changed: with the default rate, a message a second and agent, there are
hardly any in which nothing does.

What is measured
    CPU       user and system time of the aggregator's process, as the kernel counts it, over the wall time.
    memory    what is resident at the end of the measurement (VmRSS), less what is resident in an aggregator that was
              started on the store that the first one leaves: the same relays, and nobody connected. What is left is
              the streams', and all that reports leave behind: parsed messages, RocksDB's buffers.
    lost      as the simulator counts them: reports that were acknowledged and that the aggregator then did not have.

What keeps it honest
    The simulator ends with status 0 only if each agent came through, all reports were acknowledged and none was lost;
    else there is no result, and the status is 1. The simulator runs on the same machine. While other programs take
    the processors, CPU time still tells, latency does not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.figures_report import Section, describe_machine
from bench.process_figures import cpu_seconds, memory
from support.fleet import Aggregator
from support.simulated_fleet import Simulation

MOST_CORES = 1
MOST_KILOBYTES_AN_AGENT = 120

_SOURCE = Path(__file__).resolve().parents[2]
_START_SECONDS = 600
_SPARE_FILES = 500  # of the aggregator's, for its store


class WrongResult(Exception):
    """There is nothing to report."""


@dataclass(frozen=True)
class Measurement:
    agents: int
    seconds: float
    cpu_seconds: float
    simulator_cpu_seconds: float
    connected_bytes: int  # resident
    base_bytes: int
    reports: int  # acknowledged meanwhile, on the average
    figures: dict[str, Any]  # of the simulator, over its whole run


def possible_agents(wanted: int) -> int:
    """Lets this process and its children open as many files as they may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return wanted if most == resource.RLIM_INFINITY else max(1, min(wanted, most - _SPARE_FILES))


def measure(options: argparse.Namespace, agents: int) -> Measurement:
    with contextlib.ExitStack() as stack:
        aggregator = stack.enter_context(Aggregator())
        simulation = stack.enter_context(Simulation(
            "--aggregator", aggregator.ingest_address, "--relays", str(agents), "--interval", str(options.interval),
            "--messages", str(options.messages or 100 * agents), "--rate", str(options.rate or agents), "--duration",
            str(options.seconds + 5), "--print", "1", "--patience", "120", "--seed", str(options.seed)))  # fmt: skip
        simulation.wait_for("running: ", timeout_seconds=_START_SECONDS)
        progress(f"{agents} agents have reported their queues")
        reports = _acknowledged(simulation)
        start, cpu, other = time.monotonic(), cpu_seconds(aggregator.pid), cpu_seconds(simulation.pid)
        time.sleep(options.seconds)
        seconds = time.monotonic() - start
        cpu, other = cpu_seconds(aggregator.pid) - cpu, cpu_seconds(simulation.pid) - other
        connected = memory(aggregator.pid).resident
        reports = _acknowledged(simulation) - reports
        status, figures = simulation.result(timeout_seconds=_START_SECONDS)
        if status != 0:
            raise WrongResult(f"the simulator ended with status {status}: {figures}")
        aggregator.stop()
        aggregator.start()
        return Measurement(agents, seconds, cpu, other, connected, memory(aggregator.pid).resident, reports, figures)


def _acknowledged(simulation: Simulation) -> int:
    line = simulation.log().splitlines()[-1]
    return int(line.split(" reports acknowledged")[0].split()[-1])


def report_of(one: Measurement, options: argparse.Namespace) -> str:
    section = Section("Streams", [
        "agents", "reports/s", "aggregator, cores", "CPU µs a report", "resident MB", "base MB", "KB an agent",
        "simulator, cores", "acknowledged: half within ms", "99% within ms", "lost", "sent again", "streams ended",
    ])  # fmt: skip
    cores = one.cpu_seconds / one.seconds
    kilobytes = (one.connected_bytes - one.base_bytes) / one.agents / 1000
    figures = one.figures
    section.add(
        f"{one.agents:,}", f"{one.reports / one.seconds:,.0f}", f"{cores:.2f}",
        f"{one.cpu_seconds / max(one.reports, 1) * 1e6:.0f}", f"{one.connected_bytes / 1e6:.0f}",
        f"{one.base_bytes / 1e6:.0f}", f"{kilobytes:.0f}", f"{one.simulator_cpu_seconds / one.seconds:.2f}",
        f"{figures['latency_p50_milliseconds']}", f"{figures['latency_p99_milliseconds']}",
        f"{figures['reports_lost']}", f"{figures['reports_resent']}", f"{figures['streams_ended']}")  # fmt: skip
    deltas = max(figures["deltas"], 1)
    section.note(f"A report each {options.interval:g} s, measured for {one.seconds:.0f} s; "
                 f"{figures['messages']:,} messages at the end, {figures['report_bytes'] / deltas:,.0f} bytes a report "
                 "with the first ones, which are whole queues. Base: the same relays, nobody connected.")
    section.at_most(f"{one.agents:,} agents, cores", cores, MOST_CORES)
    section.at_most("memory of a connected agent", kilobytes, MOST_KILOBYTES_AN_AGENT, " KB", 0)
    section.at_most("reports lost", figures["reports_lost"], 0, digits=0)
    return section.markdown()


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures what the streams of a large fleet cost an aggregator.")
    parser.add_argument("--agents", type=int, default=10_000, help="at most (10000)")
    parser.add_argument("--interval", type=float, default=5, help="seconds between an agent's reports (5)")
    parser.add_argument("--seconds", type=float, default=60, help="to measure for (60)")
    parser.add_argument("--rate", type=float, default=0, help="messages a second over the fleet (as many as agents)")
    parser.add_argument("--messages", type=int, default=0, help="in all queues at the start (100 an agent)")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="on a disk (/var/tmp)")
    parser.add_argument("--build", type=Path, help="the build's directory (build)",
                        default=Path(os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY", _SOURCE / "build")))
    parser.add_argument("--seed", type=int, default=1, help="of the fleet (1)")
    return parser.parse_args(arguments)


def progress(text: str) -> None:
    print(f"streams_benchmark: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    tempfile.tempdir = str(options.directory)  # of all that is started
    os.environ["FLEETQSHAPE_BUILD_DIRECTORY"] = str(options.build)
    machine = describe_machine(options.directory)
    agents = possible_agents(options.agents)
    try:
        measured = measure(options, agents)
    except (OSError, AssertionError, WrongResult) as error:
        progress(str(error))
        return 1
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    print(f"{agents:,} agents of {options.agents:,} wanted, with a limit of {limit:,} open files; {machine}\n")
    print(report_of(measured, options))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is stopped and removed
    sys.exit(main())
