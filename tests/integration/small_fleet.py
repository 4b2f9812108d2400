"""A fleet of three relays with one message each, to ask questions about relays rather than about mail."""

import contextlib
import tempfile
from pathlib import Path

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator
from support.waiting import wait_until

__all__ = ["ARRIVAL", "SmallFleet"]

ARRIVAL = 1_700_000_000  # of every message, in seconds since 1970


class SmallFleet:
    """Relays (cluster, host, role): (eu, mx1, gateway), (eu, mx2, spam) and (us, mx1, gateway).

    Each has one deferred message, to the domain HOST.CLUSTER.example. Everything is stopped when `stack` is closed.
    """

    def __init__(self, stack: contextlib.ExitStack, *aggregator_options: str) -> None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="small-fleet-")))
        self.aggregator = stack.enter_context(Aggregator(*aggregator_options))
        self.agents: dict[tuple[str, str], Agent] = {}
        self.queue_directories: dict[tuple[str, str], Path] = {}
        for cluster, host, role in (("eu", "mx1", "gateway"), ("eu", "mx2", "spam"), ("us", "mx1", "gateway")):
            queue_directory = make_queue_directory(directory / f"{cluster}-{host}")
            write_message(queue_directory / "deferred", "ABCDEF1", ARRIVAL, [f"user@{host}.{cluster}.example"])
            agent = Agent(self.aggregator, queue_directory, cluster=cluster, host=host,
                          labels={"role": role, "rack": f"{cluster}-{role}"})
            self.queue_directories[cluster, host] = queue_directory
            self.agents[cluster, host] = stack.enter_context(agent)
        wait_until(lambda: self.domains() == {"mx1.eu", "mx2.eu", "mx1.us"}, 20, "all three relays have reported")

    def domains(self, *arguments: str) -> set[str]:
        """The relays that an answer shows, as HOST.CLUSTER."""
        rows = self.aggregator.ask(*arguments, "deferred").stdout.decode().splitlines()[2:]
        return {row.split()[0].removesuffix(".example") for row in rows}
