"""Programs that are killed and networks that fail, one after the other, while the queues are busy: nothing is lost.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_crashes

Three agents report through proxies to two aggregators. In each round something is killed by SIGKILL, and mostly other
things fail at the same time: connections go silent in one or both directions, are reset, refused or slow; programs
stand still. Then the traffic rests, and within 5 s of the last fault each aggregator answers exactly what a fresh scan
of the queue directories finds. While it runs, what an aggregator has once shown of a relay it shows ever after: no
answer goes back. Some rounds let an aggregator start where no agent reaches it, so that it answers from its disk alone.

FLEETQSHAPE_FIRST_SEED chooses another run. FLEETQSHAPE_LONG_TESTS makes it 200 rounds instead of 12.
"""

import collections
import os
import random
import time
import unittest

from integration.crash_fleet import CrashFleet
from integration.fleet_faults import draw_faults

SEED = int(os.environ.get("FLEETQSHAPE_FIRST_SEED", "1"))
_LONG = bool(os.environ.get("FLEETQSHAPE_LONG_TESTS"))
_ROUNDS = 200 if _LONG else 12
_LONGEST_FAULT_SECONDS = 12.0 if _LONG else 4.0
_RESTARTS = 40 if _LONG else 5
_RESTING = 600  # deferred messages of a relay: an outage does not change most of its queue
_EXACT_SECONDS = 5  # after the last fault


class Crashes(unittest.TestCase):
    def setUp(self) -> None:
        print(f"seed {SEED}", flush=True)
        self.rng = random.Random(SEED)
        self.fleet = CrashFleet(self.rng, _RESTING)
        self.enterContext(self.fleet)
        self.rounds: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self.seconds: list[float] = []  # from the last fault of a round until all is exact
        self.fleet.wait_until_first_exact()

    def test_any_fault(self) -> None:
        kinds = (self.several_faults, self.several_faults, self.several_faults, self.several_faults,
                 self.aggregator_that_starts_alone, self.aggregator_that_starts_alone_after_a_rest,
                 self.aggregator_that_is_killed_as_it_starts)
        self.run_rounds([kinds[number % len(kinds)] for number in range(_ROUNDS)])
        for name, log in self.fleet.logs().items():
            self.assertNotRegex(log, "asks for a snapshot|damaged|terminate called|no event had told", name)

    def test_aggregator_that_is_killed_gets_no_snapshot(self) -> None:
        self.run_rounds([self.aggregator_that_is_back_soon] * _RESTARTS)
        for host, agent in self.fleet.agents.items():
            agent.stop()
            for number in range(len(self.fleet.aggregators)):
                snapshots, deltas = agent.sent_to(self.fleet.proxies[host, number])
                self.assertEqual(snapshots, 1, f"{host} to aggregator {number}\n{self.fleet.log_tails()}")
                self.assertGreater(deltas, _RESTARTS)

    def run_rounds(self, kinds: list) -> None:
        began = time.monotonic()
        for number, kind in enumerate(kinds, 1):
            self.happened: list[str] = []
            try:
                over = kind()
                self.seconds.append(self.fleet.assert_exact(over + _EXACT_SECONDS) - over)
            except AssertionError as error:
                raise AssertionError(f"seed {SEED}, round {number}, {kind.__name__}: {error}\n\n" + "\n".join(
                    self.happened) + f"\n\n{self.fleet.log_tails()}\n{self.summary(began)}") from error
            self.rounds[kind.__name__] += 1
            if number % 10 == 0:
                print(self.summary(began), flush=True)
        print(self.summary(began), flush=True)

    def summary(self, began: float) -> str:
        ordered = sorted(self.seconds) or [0.0]
        percentile = ordered[max(-(-99 * len(ordered) // 100) - 1, 0)]
        return (f"{len(self.seconds)} rounds in {time.monotonic() - began:.0f} s: {dict(self.rounds)}; "
                f"faults: {dict(self.faults)}; {self.fleet.traffic.changes} changes, {self.fleet.samples} samples; "
                f"exact after {ordered[len(ordered) // 2]:.2f} s (median), {percentile:.2f} s (99th percentile), "
                f"{ordered[-1]:.2f} s (largest)")

    # Rounds. Each returns when its last fault was over, and leaves the traffic paused.

    def several_faults(self) -> float:
        self.fleet.traffic.resume()
        faults = draw_faults(self.fleet, self.rng, _LONGEST_FAULT_SECONDS)
        running = [number for number in range(len(self.fleet.aggregators))
                   if not any(fault.touches(number) for fault in faults)]
        self.busy()
        events = [(fault.begins_at, "begins", fault.begin, fault) for fault in faults]
        events += [(fault.begins_at + fault.seconds, "ends", fault.end, fault) for fault in faults]
        over = began = time.monotonic()
        for at, what, act, fault in sorted(events, key=lambda event: event[0]):  # which keeps begins before ends
            self.pass_time(began + at, running)
            over = time.monotonic()
            self.note(f"{what}: {fault.name}")
            act()
            self.faults[fault.kind] += what == "begins"
        self.fleet.traffic.pause()
        return over

    def aggregator_that_is_back_soon(self) -> float:
        number = self.kill_a_busy_one()
        self.pass_time(time.monotonic() + self.rng.random() * 0.5, [1 - number])
        over = time.monotonic()
        self.fleet.aggregators[number].start()
        self.fleet.traffic.pause()
        return over

    def aggregator_that_starts_alone(self) -> float:
        number = self.kill_a_busy_one()
        self.cut_off(number)
        self.fleet.aggregators[number].start()
        self.fleet.assert_kept(number)
        return self.let_in(number)

    def aggregator_that_starts_alone_after_a_rest(self) -> float:
        """Here all that it should have is known."""
        number = self.rng.randrange(len(self.fleet.aggregators))
        self.cut_off(number)
        self.kill(number)
        self.fleet.aggregators[number].start()
        self.fleet.assert_keeps_exactly(number)
        self.fleet.traffic.resume()
        return self.let_in(number)

    def aggregator_that_is_killed_as_it_starts(self) -> float:
        number = self.kill_a_busy_one()
        for _ in range(self.rng.randint(1, 4)):
            seconds = self.rng.random() * 0.25
            self.note(f"aggregator {number} is started for {seconds:.2f} s")
            self.fleet.aggregators[number].start_for(seconds)
            self.faults["kill as it starts"] += 1
        over = time.monotonic()
        self.fleet.aggregators[number].start()
        self.fleet.traffic.pause()
        return over

    # What they are made of.

    def busy(self) -> None:
        """The traffic goes on for a while that nobody can foresee."""
        self.fleet.sample_for(0.2 + self.rng.random() * 0.5, range(len(self.fleet.aggregators)))
        time.sleep(self.rng.random() * 0.05)

    def pass_time(self, until: float, numbers: list[int]) -> None:
        """The faults last; what is not touched by them answers."""
        if numbers:
            self.fleet.sample_for(until - time.monotonic(), numbers)
        time.sleep(max(until - time.monotonic(), 0.0))

    def kill_a_busy_one(self) -> int:
        number = self.rng.randrange(len(self.fleet.aggregators))
        self.fleet.traffic.resume()
        self.busy()
        for _ in range(3):
            self.fleet.sample(number)
        self.kill(number)
        return number

    def kill(self, number: int) -> None:
        self.note(f"aggregator {number} is killed")
        self.fleet.aggregators[number].kill()
        self.faults["kill of an aggregator"] += 1

    def cut_off(self, number: int) -> None:
        for proxy in self.fleet.proxies_of(number):
            proxy.refuse()

    def let_in(self, number: int) -> float:
        over = time.monotonic()
        for proxy in self.fleet.proxies_of(number):
            proxy.heal()
        self.fleet.traffic.pause()
        return over

    def note(self, what: str) -> None:
        self.happened.append(f"{time.strftime('%H:%M:%S')} {what}")


if __name__ == "__main__":
    unittest.main()
