"""The whole program: an aggregator on a store of a fleet, and the command that asks it."""

import csv
import io
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.process_figures import Memory, memory
from support.fleet import Aggregator, environment, program
from support.simulated_fleet import simulate
from support.waiting import wait_until

__all__ = ["ProgramFigures", "WrongAnswer", "measure_program"]

QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
_FLEET = ("incoming", "active", "deferred")
_START_SECONDS = 120

_ID_BYTES = 4  # of a name in a relay's table
_NAME_BYTES = 28  # of what is known of a name in the fleet's table (name_pages.h)
_INDEX_BYTES = 8  # of a name in its index: 5, at a load of 7/16 to 7/8


class WrongAnswer(Exception):
    """There is nothing to report."""


@dataclass(frozen=True)
class ProgramFigures:
    """Times are wall times in seconds, from fork to exit for the command; memory is in bytes."""

    relays: int
    messages: int
    relay_names: int  # the relays' tables of names together
    fleet_names: int
    ready: float  # from fork until the aggregator listens
    first_answer: float  # until the first answer that is exact
    start_cpu: float
    loaded: Memory  # when it has answered once
    asked: Memory  # when all questions were asked
    base: Memory  # of one that has no relays
    name_bytes: float  # estimated
    top: list[float]  # 20 rows
    parents: list[float]
    by_host: list[float]
    compare: list[float]
    all_rows: list[float]
    rows: int  # of that answer

    @property
    def bytes_a_message(self) -> float:
        return (self.loaded.resident - self.base.resident - self.name_bytes) / self.messages


def measure_program(relays: int, messages: int, domains: int, seed: int, rounds: int,
                    progress: Callable[[str], None]) -> ProgramFigures:
    """Raises WrongAnswer if an answer is not what was loaded."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="query-benchmark-")))
        empty = stack.enter_context(Aggregator())
        empty.ask("--rows", "20", *_FLEET)
        base = memory(empty.pid)
        empty.stop()
        aggregator = stack.enter_context(Aggregator(start_now=False))
        progress(f"loading a store with {messages:,} messages")
        loaded = _load(aggregator.data_directory, directory / "expected", relays, messages, domains, seed)
        at = int((directory / "expected" / "at").read_text())
        progress("starting an aggregator on it")
        begin = time.perf_counter()
        aggregator.start(_START_SECONDS)
        ready = time.perf_counter() - begin
        wait_until(lambda: _total(aggregator, at) == loaded.messages, _START_SECONDS, "an exact answer",
                   context=aggregator.log, interval_seconds=0.002)
        first_answer = time.perf_counter() - begin
        used = memory(aggregator.pid)
        start_cpu = time.clock_gettime((~aggregator.pid << 3) | 2)
        _check(aggregator, directory / "expected", at)
        names = _names(aggregator)
        progress("asking it")
        ask = [program("fleetqshape"), "--server", aggregator.query_address]
        times = {name: [_seconds([*ask, *options, *_FLEET]) for _ in range(rounds)] for name, options in (
            ("top", ("--rows", "20")), ("parents", ("--rows", "20", "-p")), ("by_host", ("--rows", "20", "--by", "host")),
            ("compare", ("--rows", "20", "--compare", "role")))}  # fmt: skip
        return ProgramFigures(
            loaded.relays, loaded.messages, loaded.names, len(names), ready, first_answer, start_cpu, used,
            memory(aggregator.pid), base, loaded.names * _ID_BYTES + sum(map(_bytes_of_name, names)),
            all_rows=[_seconds([*ask, *_FLEET]) for _ in range(max(3, rounds // 10))],
            rows=len(_rows(aggregator, *_FLEET)), **times)  # fmt: skip


@dataclass(frozen=True)
class _Loaded:
    relays: int
    messages: int
    names: int


def _load(store: Path, expected: Path, relays: int, messages: int, domains: int, seed: int) -> _Loaded:
    answer = simulate("--load-store", str(store), "--expect", str(expected), "--relays", str(relays), "--messages",
                      str(messages), "--domains", str(domains), "--no-forged-names", "--seed", str(seed),
                      timeout_seconds=1800)  # fmt: skip
    if answer.status != 0:
        raise WrongAnswer(f"the simulator ended with status {answer.status}: {answer.stderr}")
    words = answer.stdout.decode().split()  # loaded 5 relays with 7 messages and 9 names in 0.1 s
    return _Loaded(int(words[1]), int(words[4]), int(words[7]))


def _total(aggregator: Aggregator, at: int) -> int:
    """Messages: each has one sender. 0 if there is no answer."""
    answer = aggregator.ask("-s", "-b", "1", "--rows", "1", *QUEUES, at=at)
    words = [line.split() for line in answer.stdout.splitlines()]
    return next((int(line[1]) for line in words if line[:1] == [b"TOTAL"]), 0)


def _check(aggregator: Aggregator, expected: Path, at: int) -> None:
    for queue in QUEUES:
        for kind, options in (("recipients", ()), ("senders", ("-s",))):
            answer = aggregator.ask(*options, queue, at=at)
            if answer.stdout != (expected / f"{queue}.{kind}").read_bytes():
                raise WrongAnswer(f"the answer for {queue}, {kind}, is not what was loaded\n{answer.stderr}")


def _rows(aggregator: Aggregator, *arguments: str) -> list[str]:
    """Names, without TOTAL's. The first line has the heads: row,name,..."""
    answer = aggregator.ask("--output", "csv", *arguments)
    if answer.status != 0:
        raise WrongAnswer(f"exit status {answer.status}: {answer.stderr}")
    lines = list(csv.reader(io.StringIO(answer.stdout.decode())))
    return [line[1] for line in lines[1:] if line[0] == "row"]


def _names(aggregator: Aggregator) -> set[str]:
    return {name for options in ((), ("-s",)) for name in _rows(aggregator, *options, *QUEUES)}


def _bytes_of_name(name: str) -> int:
    """In the fleet's table: with its index, and a piece of memory of its own (malloc's, from 32 bytes in steps of 16)."""
    return _NAME_BYTES + _INDEX_BYTES + max(32, -(-(len(name.encode()) + 4 + 8) // 16) * 16)


def _seconds(command: Sequence[str]) -> float:
    """From fork to exit, with standard output to nowhere."""
    devnull = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1, 2)]
        begin = time.perf_counter()
        pid = os.posix_spawn(command[0], command, environment(), file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        seconds = time.perf_counter() - begin
    finally:
        os.close(devnull)
    if status != 0:
        raise WrongAnswer(f"{' '.join(command)}: exit status {status}")
    return seconds
