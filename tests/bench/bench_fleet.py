"""The fleet of agent_benchmark.py: an aggregator and one agent, with their default settings, and what they say."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.bench_relay import BenchRelay, WrongFigure
from support.fleet import Agent, Aggregator
from support.waiting import wait_until

__all__ = ["AgentSaid", "Progress", "Settings", "check_state", "running_agent", "said_by", "table_of",
           "wait_for_messages", "wait_for_state"]

Progress = Callable[[str], None]
QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
_STATE_SECONDS = 120


@dataclass(frozen=True)
class Settings:
    """What the command line says of all measurements."""

    seconds: float  # of each measurement with traffic
    rate: float  # messages a second
    samples: int  # of latency
    exporter: str  # its program; empty: none


@dataclass(frozen=True)
class AgentSaid:
    """What an agent said at its end that it had done."""

    snapshots: int
    deltas: int
    bytes: int  # of reports
    files_read: int
    passes: int  # listings of the whole queue
    events: int
    overflows: int
    differences: int  # that only a listing found


def running_agent(aggregator: Aggregator, queue_directory: Path, *options: str, start_now: bool = True) -> Agent:
    """With the program's own interval; to be used with `with`."""
    return Agent(aggregator, queue_directory, *options, interval_seconds=None, start_now=start_now)


def said_by(agent: Agent) -> AgentSaid:
    """Stops it. Raises WrongFigure if it was not watching the queue."""
    agent.stop()
    log = agent.log()
    line = next((line for line in log.splitlines() if " stopping: " in line), "")

    def number(name: str) -> int:
        found = re.search(rf"(?:sent|read|[,;]|in) (\d+) {name}", line)
        if not found:
            raise WrongFigure(f"the agent did not say how many {name}\n{log}")
        return int(found[1])

    if "cannot watch" in log:
        raise WrongFigure(f"the agent could not watch the queue\n{log}")
    return AgentSaid(number("snapshots"), number("deltas"), number("bytes"), number("files"), number("passes"),
                     number("events"), number("overflows"), number("differences"))


def table_of(aggregator: Aggregator, *options: str) -> dict[bytes, int]:
    """Rows and their sums, over all queues; TOTAL is one of them. Empty if there is no answer yet."""
    answer = aggregator.ask("-b", "1", "-w", "255", *options, *QUEUES)
    rows = (line.split() for line in answer.stdout.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def messages_of(aggregator: Aggregator) -> int:
    return table_of(aggregator, "-s").get(b"TOTAL", 0)


def wait_for_state(aggregator: Aggregator, relay: BenchRelay) -> None:
    """Waits until answers have every message that is on the disk."""
    wait_for_messages(aggregator, relay.messages())


def wait_for_messages(aggregator: Aggregator, expected: int) -> None:
    wait_until(lambda: messages_of(aggregator) == expected, _STATE_SECONDS,
               f"the aggregator has {expected} messages", context=aggregator.log, interval_seconds=0.02)


def check_state(aggregator: Aggregator, relay: BenchRelay) -> None:
    """After traffic: that answers have what is on the disk; of a queue nobody touched since the start, recipients."""
    wait_for_state(aggregator, relay)
    if relay.messages() == relay.written.files:
        recipients = table_of(aggregator).get(b"TOTAL", 0)
        if recipients != relay.written.recipients:
            raise WrongFigure(f"answers have {recipients} recipients, {relay.written.recipients} were written")


@contextlib.contextmanager
def reporting_agent(relay: BenchRelay, *options: str) -> Iterator[tuple[Aggregator, Agent]]:
    """An aggregator, and an agent that has reported the whole queue to it."""
    with Aggregator() as aggregator, running_agent(aggregator, relay.queue_directory, *options) as agent:
        wait_for_state(aggregator, relay)
        yield aggregator, agent
