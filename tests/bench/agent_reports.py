"""What an agent says and when: the parts wire and latency of agent_benchmark.py."""

import json
import math
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.bench_fleet import (Progress, Settings, check_state, reporting_agent, running_agent, said_by, table_of,
                               wait_for_state)
from bench.bench_relay import BenchRelay, WrongFigure, file_traffic
from bench.counting_proxy import CountingProxy
from bench.figures_report import Section
from support.fleet import Aggregator

__all__ = ["measure_latency", "measure_wire", "quantile"]

_WARM_UP_SECONDS = 5
_SNAPSHOT_BYTES_A_RECIPIENT = 4
_LEAST_TIMES_LESS = 50
_SCRAPE_SECONDS = 15
_MOST_LATENCY_SECONDS = 1.5
_PROTOCOL_BYTES = 4096  # a stream's beginning: HTTP/2's and gRPC's headers, hello and welcome
_COMPRESSIONS = {"gzip -6": ["gzip", "-6", "--stdout"], "zstd -3": ["zstd", "-3", "--stdout", "--quiet"]}


def measure_wire(relay: BenchRelay, settings: Settings, progress: Progress) -> Section:
    section = Section("Bytes on the wire", ["", "bytes", "gzip -6 to it", "zstd -3 to it"])
    with tempfile.TemporaryDirectory(prefix="agent-benchmark-") as directory:
        listing = Path(directory) / "postqueue.json"
        relay.postqueue(listing)
        plain = listing.stat().st_size
        compressed = {name: _compressed_size(command, listing) for name, command in _COMPRESSIONS.items()}

    with ExitStack() as stack:
        aggregator = stack.enter_context(Aggregator())
        proxy = stack.enter_context(CountingProxy(aggregator.ingest_address))
        agent = stack.enter_context(running_agent(proxy, relay.queue_directory))
        wait_for_state(aggregator, relay)
        check_state(aggregator, relay)
        time.sleep(1)  # for the acknowledgement
        snapshot = proxy.passed()
        names = (table_of(aggregator).keys() | table_of(aggregator, "-s").keys()) - {b"TOTAL"}
        with file_traffic(relay, settings.rate) as traffic:
            time.sleep(_WARM_UP_SECONDS)
            before, start = proxy.passed(), time.monotonic()
            time.sleep(settings.seconds)
            passed, seconds = proxy.passed() - before, time.monotonic() - start
        check_state(aggregator, relay)
        said = said_by(agent)
        total = proxy.passed()
    if said.snapshots != 1 or not said.deltas or not passed.up:
        raise WrongFigure(f"the agent reported otherwise than expected: {said}, {passed}")
    # The agent counts its reports, the proxy all.
    if not said.bytes < total.up < 1.1 * said.bytes + _PROTOCOL_BYTES + 200 * said.deltas:
        raise WrongFigure(f"the agent counted {said.bytes} bytes, {total} passed")

    hour = passed.both * 3600 / seconds

    def add(what: str, size: float, times: float) -> None:
        section.add(what, f"{size:,.0f}", *(f"{other * times / size:,.1f}" for other in compressed.values()))

    recipients = relay.written.recipients
    name_bytes = sum(map(len, names))
    add("snapshot", snapshot.up, 1)
    add("an hour of traffic, to a listing every 15 s", hour, 3600 / _SCRAPE_SECONDS)
    add("an hour of traffic, to a listing every 1 s", hour, 3600)
    section.add("`postqueue -j` once", f"{plain:,}", *(f"{size:,} bytes" for size in compressed.values()))
    section.note(
        f"Payload of TCP as a proxy between agent and aggregator counts it. Snapshot: {recipients:,} recipients, "
        f"{relay.written.files:,} messages' senders, {len(names):,} names of {name_bytes:,} bytes: "
        f"{(snapshot.up - name_bytes) / recipients:.2f} bytes a recipient without the names; the acknowledgements "
        f"took {snapshot.down:,} bytes back. The hour, both ways, is scaled from {seconds:.0f} s, in which "
        f"{traffic.rate:.0f} messages a second passed and {passed.up:,} bytes went up and {passed.down:,} down; the "
        f"agent's own count of its reports: {said.bytes:,} bytes, {said.deltas} deltas and the snapshot. The queue has "
        "no logs in defer, so `postqueue -j` has no reasons for delays, and is shorter than a real one.")
    limit = _SNAPSHOT_BYTES_A_RECIPIENT * recipients + name_bytes
    section.at_most("snapshot, 4 bytes a recipient and each name once", snapshot.up, limit, " bytes", 0)
    least = min(compressed.values())
    section.at_least("an hour, times less than the smaller listing every 15 s (every 1 s: "
                     f"{least * 3600 / hour:,.0f})", least * 3600 / _SCRAPE_SECONDS / hour, _LEAST_TIMES_LESS)
    return section


def measure_latency(relay: BenchRelay, settings: Settings, progress: Progress) -> Section:
    section = Section("From a change on the disk to an answer", ["samples", "p50 ms", "p90 ms", "p99 ms", "max ms"])
    with reporting_agent(relay) as (aggregator, agent):
        with file_traffic(relay, settings.rate) as traffic:
            time.sleep(_WARM_UP_SECONDS)
            command = [relay.programs / "latency_probe", aggregator.query_address, relay.queue_directory,
                       str(settings.samples), str(settings.seconds), str(relay.seed)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        check_state(aggregator, relay)
        said_by(agent)
    probe = json.loads(output)
    milliseconds = sorted(probe["milliseconds"])
    if probe["missing"] or len(milliseconds) != settings.samples or milliseconds[0] <= 0:
        raise WrongFigure(f"latency: {probe}")
    quantiles = [quantile(milliseconds, share) for share in (0.5, 0.9, 0.99)]
    section.add(f"{len(milliseconds)}", *(f"{value:.0f}" for value in (*quantiles, milliseconds[-1])))
    section.note(f"While {traffic.rate:.0f} messages a second passed. From the fchmod by which a message is complete "
                 f"to the first answer that has it; asked {probe['answers']:,} times, every 10 ms, the slowest answer "
                 f"took {probe['most_milliseconds_an_answer']:.0f} ms. At the default interval (1 s).")
    section.at_most("99% within", quantiles[-1] / 1000, _MOST_LATENCY_SECONDS, " s")
    return section


def quantile(ordered: list[float], share: float) -> float:
    """The least value that at least this share of them does not exceed."""
    return ordered[max(math.ceil(len(ordered) * share), 1) - 1]


def _compressed_size(command: list[str], file: Path) -> int:
    with open(file, "rb") as content:
        size = len(subprocess.run(command, stdin=content, check=True, stdout=subprocess.PIPE).stdout)
    if not size:
        raise WrongFigure(f"{command[0]}: nothing")
    return size
