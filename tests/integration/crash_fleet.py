"""Three relays with busy queues, two aggregators, and a proxy in each of their connections: a fleet to be broken."""

import contextlib
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from differential.oracle import table_difference
from integration.queue_traffic import QUEUES, QueueTraffic, counters_shown
from support.faulty_proxy import FaultyProxy
from support.fleet import Agent, Aggregator, Answer, ask
from support.waiting import wait_until

__all__ = ["CrashFleet", "CrashingAggregator"]

HOSTS = ("relay1", "relay2", "relay3")
_AXES = (("-b", "20", "-w", "200"), ("-s", "-b", "20", "-w", "200"))
_COVERAGE = f"fleetqshape: {len(HOSTS)} relays: {len(HOSTS)} fresh\n"
_INTERVAL_SECONDS = 0.05  # the agents'
_ANSWER_SECONDS = 30
_LOG_LINES = 40


class CrashingAggregator(Aggregator):
    """An aggregator that can be ended while it starts."""

    def start_for(self, seconds: float) -> None:
        """Starts it and kills it so much later, whether it is ready or not."""
        self._launch(self._command())
        time.sleep(seconds)
        self.kill()

    def _command(self) -> list[str]:
        return ["--data-directory", str(self.data_directory), "--ingest-listen", self.ingest_address,
                "--query-listen", self.query_address]


class CrashFleet:
    """From `with` to the block's end. Its traffic is paused at first.

    resting  so many messages that nothing happens to are deferred at each relay
    """

    def __init__(self, rng: random.Random, resting: int) -> None:
        self._stack = contextlib.ExitStack()
        self._rng = rng
        self._resting = resting
        self.aggregators: list[CrashingAggregator] = []
        self.agents: dict[str, Agent] = {}
        self.proxies: dict[tuple[str, int], FaultyProxy] = {}  # by the relay's host and the aggregator's number
        self.highest: dict[tuple[str, int], int] = {}  # the counter that was shown, in the same way
        self.samples = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crashes-")))
            self.traffic = stack.enter_context(QueueTraffic(directory, HOSTS, self._rng, self._resting))
            self.aggregators = [stack.enter_context(CrashingAggregator()) for _ in range(2)]
            for host in HOSTS:
                proxies = [stack.enter_context(FaultyProxy(one.ingest_address)) for one in self.aggregators]
                self.proxies |= {(host, number): proxy for number, proxy in enumerate(proxies)}
                queue_directory = self.traffic.queues[host].directory
                self.agents[host] = stack.enter_context(Agent(proxies, queue_directory, host=host,
                                                              interval_seconds=_INTERVAL_SECONDS))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()

    def proxies_of(self, number: int) -> list[FaultyProxy]:
        """Those in front of an aggregator."""
        return [proxy for (_, other), proxy in self.proxies.items() if other == number]

    # What is shown while the queues change.

    def sample(self, number: int) -> dict[str, int]:
        """Each relay's counter as an aggregator shows it: never one that is older than what it has shown before."""
        answer = self.aggregators[number].ask("hold", "-w", "200")
        if answer.status != 0:
            raise AssertionError(f"aggregator {number} does not answer: {answer.stderr}")
        shown = counters_shown(answer.stdout)
        self.samples += 1
        for host, counter in shown.items():
            before = self.highest.get((host, number), 0)
            if counter < before:
                raise AssertionError(f"aggregator {number} shows {host} as of {counter}; it has shown {before}")
            if counter > self.traffic.queues[host].counter:
                raise AssertionError(f"aggregator {number} shows {host} as of {counter}, which is yet to come")
            self.highest[host, number] = counter
        return shown

    def sample_for(self, seconds: float, numbers: Sequence[int]) -> None:
        """Samples these aggregators in turn, which must be running."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for number in numbers:
                self.sample(number)

    def assert_kept(self, number: int) -> None:
        """That an aggregator, which no agent reaches, has of each relay what it had shown before it was killed."""
        before = {host: self.highest[host, number] for host in HOSTS}
        shown = self.sample(number)
        if missing := {host: counter for host, counter in before.items() if shown.get(host, 0) < counter}:
            raise AssertionError(f"aggregator {number} had shown {missing} before it was killed, and shows {shown}")

    # What is shown when they stand still.

    def expected(self, at: int) -> dict[tuple[str, tuple[str, ...]], bytes]:
        """For each queue and axis, the table of a fresh scan of all queue directories."""
        tables = {}
        for queue in QUEUES:
            paths = [str(self.traffic.queues[host].directory / queue) for host in HOSTS]
            for options in _AXES:
                answer = ask("--at", str(at), *options, *paths)
                if answer.status != 0 or answer.stderr:
                    raise AssertionError(f"a scan of {queue}: exit status {answer.status}: {answer.stderr}")
                tables[queue, options] = answer.stdout
        return tables

    def assert_exact(self, deadline: float) -> float:
        """That all aggregators say what is there, at the latest at a time of the monotonic clock.

        Returns when they did. The traffic must be paused.
        """
        at = int(time.time())
        expected = self.expected(at)
        for aggregator in self.aggregators:
            for (queue, options), table in expected.items():
                self._wait_for_table(aggregator, table, (*options, queue), at, deadline)
        exact = time.monotonic()
        for number in range(len(self.aggregators)):
            shown, true = self.sample(number), {host: queue.counter for host, queue in self.traffic.queues.items()}
            if shown != true:
                raise AssertionError(f"aggregator {number} shows the counters {shown}, not {true}")
        return exact

    def assert_keeps_exactly(self, number: int) -> None:
        """That an aggregator which was exact when it was killed, and which no agent reaches, is exact at once."""
        at = int(time.time())
        for (queue, options), table in self.expected(at).items():
            answer = self.aggregators[number].ask(*options, queue, at=at)
            difference = answer.stderr if answer.status != 0 else table_difference(table, answer.stdout)
            if difference:
                raise AssertionError(f"aggregator {number}, by itself, of {queue} {options}: {difference}")

    @staticmethod
    def _wait_for_table(aggregator: Aggregator, table: bytes, arguments: Sequence[str], at: int,
                        deadline: float) -> None:
        answer = Answer(0, b"", "")

        def difference() -> str | None:
            nonlocal answer
            answer = aggregator.ask(*arguments, at=at)
            if answer.status != 0 or answer.stderr != _COVERAGE:
                return f"exit status {answer.status}: {answer.stderr}"
            return table_difference(table, answer.stdout)

        wait_until(lambda: difference() is None, max(deadline - time.monotonic(), 0.0),
                   f"{' '.join(arguments)} is exact", interval_seconds=0.02, context=lambda: (
                       f"{difference()}\na fresh scan:\n{table.decode()}the fleet:\n{answer.stdout.decode()}"
                       f"{answer.stderr}"))

    # What is told of it.

    def logs(self) -> dict[str, str]:
        """What each program has written in all its runs."""
        programs = {**{f"aggregator {number}": one for number, one in enumerate(self.aggregators)}, **self.agents}
        return {name: "".join(f"-- {path.stem}\n{path.read_text(errors='backslashreplace')}" for path in sorted(
                    one.directory.glob("run-*.stderr"), key=lambda path: int(path.stem.removeprefix("run-"))))
                for name, one in programs.items()}

    def log_tails(self) -> str:
        return "\n".join(f"== {name}\n" + "\n".join(log.splitlines()[-_LOG_LINES:])
                         for name, log in self.logs().items())

    def wait_until_first_exact(self) -> None:
        self.assert_exact(time.monotonic() + _ANSWER_SECONDS)
