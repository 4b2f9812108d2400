"""What can go wrong in a CrashFleet, with a beginning and an end."""

import functools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from integration.crash_fleet import HOSTS, CrashFleet
from support.fleet import Agent, Aggregator

__all__ = ["Fault", "draw_faults"]


@dataclass(frozen=True)
class Fault:
    """begins_at in seconds from the round's beginning; aggregator: the number of the one that it strikes itself."""

    kind: str
    name: str
    begins_at: float
    seconds: float
    begin: Callable[[], None]
    end: Callable[[], None]
    aggregator: int | None = None

    def touches(self, number: int) -> bool:
        """True if that aggregator does not answer meanwhile."""
        return self.aggregator == number


def draw_faults(fleet: CrashFleet, rng: random.Random, longest_seconds: float) -> list[Fault]:
    """Some program is killed; others may stand still or be killed, too, and some connections fail."""
    programs: list[str | int] = [*HOSTS, 0, 1]
    rng.shuffle(programs)
    faults = [_kill(fleet, programs.pop(), rng)]
    while programs and rng.random() < 0.3:
        draw = _kill if rng.random() < 0.5 else functools.partial(_suspension, longest_seconds=longest_seconds)
        faults.append(draw(fleet, programs.pop(), rng))
    connections = list(fleet.proxies)
    rng.shuffle(connections)
    if rng.random() < 0.7:
        for _ in range(rng.choice((1, 1, 2, 3, 6))):
            faults.append(_broken_connection(fleet, connections.pop(), rng, longest_seconds))
    return faults


def _kill(fleet: CrashFleet, which: str | int, rng: random.Random) -> Fault:
    program = _program(fleet, which)
    kind = "kill of an agent" if isinstance(which, str) else "kill of an aggregator"
    return _fault(kind, which, rng, rng.choice((0.0, 0.0, rng.random() * 0.3, rng.random() * 3)), program.kill,
                  program.start)


def _suspension(fleet: CrashFleet, which: str | int, rng: random.Random, longest_seconds: float) -> Fault:
    program = _program(fleet, which)
    return _fault("stand-still", which, rng, _long(rng, longest_seconds), program.suspend, program.resume)


def _broken_connection(fleet: CrashFleet, which: tuple[str, int], rng: random.Random,
                       longest_seconds: float) -> Fault:
    proxy = fleet.proxies[which]
    seconds = _long(rng, longest_seconds)
    kinds: dict[str, Callable[[], None]] = {
        "silence": proxy.silence,
        "silence from the agent": functools.partial(proxy.silence, down=False),
        "silence to the agent": functools.partial(proxy.silence, up=False),
        "refusal": proxy.refuse,
        "reset": proxy.reset,
        "delay": functools.partial(proxy.delay, 0.02 + rng.random() * 0.3),
    }
    kind = rng.choice(("silence", *kinds))
    return _fault(kind, f"{which[0]} to {which[1]}", rng, 0.0 if kind == "reset" else seconds, kinds[kind], proxy.heal)


def _fault(kind: str, which: str | int, rng: random.Random, seconds: float, begin: Callable[[], None],
           end: Callable[[], None]) -> Fault:
    return Fault(kind, f"{kind} ({which}), {seconds:.2f} s", rng.random(), seconds, begin, end,
                 which if isinstance(which, int) else None)


def _program(fleet: CrashFleet, which: str | int) -> Agent | Aggregator:
    return fleet.agents[which] if isinstance(which, str) else fleet.aggregators[which]


def _long(rng: random.Random, longest_seconds: float) -> float:
    """From 0.2 s; as many between 0.5 and 1 as between 5 and 10."""
    return 0.2 * math.exp(rng.random() * math.log(longest_seconds / 0.2))
