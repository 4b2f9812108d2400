"""What an agent costs: the parts start-up, memory and steady-state of agent_benchmark.py."""

import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.bench_fleet import (Progress, Settings, check_state, messages_of, reporting_agent, running_agent, said_by,
                               wait_for_messages)
from bench.bench_relay import BenchRelay, Exporter, Traffic, WrongFigure, file_traffic, mail_traffic
from bench.figures_report import Section
from bench.process_figures import CpuMeter, Memory, cpu_seconds, memory, voluntary_switches
from differential.oracle import QSHAPE
from integration.queue_writing import make_queue_directory
from support.fleet import Aggregator
from support.waiting import wait_until

__all__ = ["measure_memory", "measure_start_up", "measure_steady_state"]

_WARM_UP_SECONDS = 5
_BASE_MEMORY_BYTES = 25_000_000
_MEMORY_BYTES_A_MESSAGE = 110
_MOST_CPU_PERCENT = 2
_MOST_SHARE_OF_EXPORTER = 0.1


def measure_start_up(relay: BenchRelay, settings: Settings, progress: Progress) -> Section:
    section = Section("Start-up", ["", "wall s", "CPU s"])
    files = relay.written.files

    start = time.perf_counter()
    process = subprocess.Popen([QSHAPE, str(relay.queue_directory / "deferred")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    qshape_wall, qshape_cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    counted = [int(line.split()[1]) for line in output.splitlines() if line.split()[:1] == [b"TOTAL"]]
    if counted != [relay.written.recipients]:
        raise WrongFigure(f"qshape counted {counted}, {relay.written.recipients} recipients were written")
    os.sync()  # qshape changes access times: nobody else is to pay for it

    with tempfile.TemporaryDirectory(prefix="agent-benchmark-") as directory:
        postqueue_wall, postqueue_cpu = relay.postqueue(Path(directory) / "postqueue.json")

    with Aggregator() as aggregator, running_agent(aggregator, relay.queue_directory, start_now=False) as agent:
        start = time.perf_counter()
        agent.start()
        agent.wait_for_log(f" holds {files} messages", timeout_seconds=120)
        agent_wall, agent_cpu = time.perf_counter() - start, cpu_seconds(agent.pid)
        wait_for_messages(aggregator, files)
        answered_wall = time.perf_counter() - start
        answered_cpu = cpu_seconds(agent.pid)
        check_state(aggregator, relay)
        aggregator_cpu = cpu_seconds(aggregator.pid)
        said_by(agent)

    section.add("agent, until it knows the queue", f"{agent_wall:.2f}", f"{agent_cpu:.2f}")
    section.add("agent, until answers have it", f"{answered_wall:.2f}", f"{answered_cpu:.2f}")
    section.add("qshape deferred", f"{qshape_wall:.2f}", f"{qshape_cpu:.2f}")
    section.add("postqueue -j and showq", f"{postqueue_wall:.2f}", f"{postqueue_cpu:.2f}")
    section.note(f"The agent knows the queue {qshape_wall / agent_wall:.1f} times as fast as qshape and "
                 f"{postqueue_wall / agent_wall:.1f} times as fast as `postqueue -j`; of CPU time it takes "
                 f"{agent_cpu / qshape_cpu:.1%} and {agent_cpu / postqueue_cpu:.1%}. The aggregator took "
                 f"{aggregator_cpu:.2f} s of CPU, with some questions.")
    return section


def measure_memory(relay: BenchRelay, settings: Settings, progress: Progress) -> Section:
    section = Section("Memory", ["agent", "messages", "resident MB", "proportional MB", "peak MB",
                                 "bytes a message over 25 MB", "of the peak"])  # fmt: skip

    def add(what: str, messages: int, used: Memory) -> None:
        over = [(size - _BASE_MEMORY_BYTES) / messages if messages else 0 for size in (used.resident, used.peak)]
        section.add(what, f"{messages:,}", f"{used.resident / 1e6:.1f}", f"{used.proportional / 1e6:.1f}",
                    f"{used.peak / 1e6:.1f}", *(f"{size:.0f}" if messages else "" for size in over))
        if not messages:
            section.at_most(f"{what}, peak", used.peak / 1e6, _BASE_MEMORY_BYTES / 1e6, " MB", 1)
            return
        section.at_most(f"{what}, bytes a message over 25 MB, resident", over[0], _MEMORY_BYTES_A_MESSAGE, digits=0)
        section.at_most(f"{what}, bytes a message over 25 MB, peak", over[1], _MEMORY_BYTES_A_MESSAGE, digits=0)

    with tempfile.TemporaryDirectory(prefix="agent-benchmark-") as directory:
        empty = make_queue_directory(Path(directory) / "queue")
        with Aggregator() as aggregator, running_agent(aggregator, empty) as agent:
            agent.wait_for_log(" holds 0 messages")
            agent.wait_until_reporting()
            wait_until(lambda: aggregator.ask("deferred").status == 0, 30, "the aggregator knows the relay")
            base = memory(agent.pid)
            add("with an empty queue", 0, base)

    # The queue is listed to be verified within the time, too.
    seconds = max(settings.seconds / 4, 3)
    with reporting_agent(relay, "--verify-interval", str(max(seconds / 2, 1))) as (aggregator, agent):
        full = memory(agent.pid)
        add("when answers have its queue", messages_of(aggregator), full)
        section.note(f"Over an agent with an empty queue: {(full.resident - base.resident) / relay.written.files:.0f} "
                     "bytes a message resident, "
                     f"{(full.proportional - base.proportional) / relay.written.files:.0f} proportional.")
        with file_traffic(relay, settings.rate):
            time.sleep(seconds)
        check_state(aggregator, relay)
        add(f"after {seconds:.0f} s of traffic", messages_of(aggregator), memory(agent.pid))
        if said_by(agent).passes < 2:
            raise WrongFigure("the queue was not listed again")
    return section


def measure_steady_state(relay: BenchRelay, settings: Settings, progress: Progress) -> Section:
    section = Section(
        "Steady state",
        ["traffic", "messages/s", "agent, % of a core", "exporter %", "showq %", "both to the agent",
         "aggregator %", "sleeps/s", "events/s", "files read/s"],
    )  # fmt: skip
    with file_traffic(relay, settings.rate) as traffic:
        costs = _Costs(relay, settings)
    costs.finish(relay, traffic, section, judged=True)
    progress("steady-state with real mail")
    with relay.working_postfix():
        with mail_traffic(relay, settings.rate) as traffic:
            costs = _Costs(relay, settings)
        relay.postfix.quiet(("maildrop", "incoming", "active"), timeout_seconds=60)
        costs.finish(relay, traffic, section, judged=False)
    section.note(f"Over {settings.seconds:g} s of traffic with {relay.written.files:,} messages in deferred; the agent "
                 "with its default settings, but that the queue is listed once within this time to be verified, "
                 "which by default it is every 300 s.")
    if not settings.exporter:
        section.note("Without the exporter.")
    return section


class _Costs:
    """What all cost while traffic is under way. Starts an aggregator, an agent and the exporter, and waits."""

    def __init__(self, relay: BenchRelay, settings: Settings) -> None:
        self._stack = ExitStack()
        with self._stack:
            self._aggregator = self._stack.enter_context(Aggregator())
            start = time.monotonic()
            verify = str(max(settings.seconds, 1))
            self._agent = self._stack.enter_context(
                running_agent(self._aggregator, relay.queue_directory, "--verify-interval", verify))
            # While mail moves there is no moment to compare; later there is.
            wait_until(lambda: messages_of(self._aggregator) >= relay.written.files * 0.99, 120,
                       "the aggregator has the queue", context=self._agent.log)
            time.sleep(_WARM_UP_SECONDS)
            self._measure(relay, settings)
            self._watched_seconds = time.monotonic() - start
            self._kept = self._stack.pop_all()

    def _measure(self, relay: BenchRelay, settings: Settings) -> None:
        agent, aggregator = self._agent.pid, self._aggregator.pid
        with ExitStack() as stack:
            showq: CpuMeter = stack.enter_context(relay.showq_meter())
            exporter = stack.enter_context(Exporter(settings.exporter, relay)) if settings.exporter else None
            before = (cpu_seconds(agent), cpu_seconds(aggregator), voluntary_switches(agent))
            start = time.monotonic()
            time.sleep(settings.seconds)
            after = (cpu_seconds(agent), cpu_seconds(aggregator), voluntary_switches(agent))
            self.seconds = time.monotonic() - start
            self.agent, self.aggregator, self.sleeps = (b - a for a, b in zip(before, after, strict=True))
            self.exporter = self.showq = 0.0
            self.scrapes = []
            if exporter is not None:
                exporter.finish()
                self.exporter, self.showq, self.scrapes = (cpu_seconds(exporter.pid), showq.seconds(),
                                                           exporter.scrape_seconds)
                if exporter.messages < relay.written.files * 0.9:
                    raise WrongFigure(f"the exporter counts {exporter.messages} messages")

    def finish(self, relay: BenchRelay, traffic: Traffic, section: Section, *, judged: bool) -> None:
        """After the traffic: that the agent was right, and the table's row."""
        with self._kept:
            check_state(self._aggregator, relay)
            used = memory(self._agent.pid)
            said = said_by(self._agent)
        if not said.events or not said.files_read or not self.agent or said.passes < 2:
            raise WrongFigure(f"the agent did nothing: {said}, {self.agent} s")
        compared = self.exporter + self.showq

        def percent(seconds: float) -> str:
            return f"{100 * seconds / self.seconds:.2f}"

        section.add(traffic.what, f"{traffic.rate:.0f}" + ("" if traffic.reached else " (too slow)"),
                    percent(self.agent), percent(self.exporter), percent(self.showq),
                    f"{compared / self.agent:.0f} : 1", percent(self.aggregator), f"{self.sleeps / self.seconds:.1f}",
                    f"{said.events / self._watched_seconds:.0f}",
                    f"{(said.files_read - relay.written.files) / self._watched_seconds:.0f}")
        scrapes = f"; {len(self.scrapes)} scrapes of up to {max(self.scrapes):.1f} s" if self.scrapes else ""
        remarks = f" ({traffic.remarks})" if traffic.remarks else ""
        section.note(f"With {traffic.what}{remarks}: {said.overflows} overflows, {said.differences} differences found, "
                     f"{said.passes} listings, {used.resident / 1e6:.0f} MB resident at the end{scrapes}.")
        if judged or traffic.reached:
            section.at_most(f"{traffic.what}, CPU of the agent", 100 * self.agent / self.seconds, _MOST_CPU_PERCENT,
                            "% of a core")
            if self.scrapes:
                section.at_most(f"{traffic.what}, share of the exporter's and showq's", self.agent / compared,
                                _MOST_SHARE_OF_EXPORTER, digits=3)
