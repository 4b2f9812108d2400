"""Whatever happens in a real Postfix, the agent that watches it knows its queue exactly whenever Postfix rests.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_churn

Mail comes in, is deferred, delivered in part, tried again, held, released, requeued, deleted, expired; Postfix is
reloaded, restarted, and hashes its queues otherwise; all at random (support/postfix_churn.py). At each quiet point the
fleet's answer is compared with a fresh scan and with qshape. The agent never lists the queue to verify what it knows:
an event that it missed stays missed. From time to time it is stopped until the kernel has thrown events away.

FLEETQSHAPE_FIRST_SEED chooses another run. FLEETQSHAPE_LONG_TESTS makes it 500 quiet points instead of 40.
"""

import contextlib
import os
import random
import signal
import time
import unittest
from pathlib import Path

from integration.queue_comparison import QueueComparison
from support.fleet import Agent, Aggregator
from support.postfix_churn import PostfixChurn
from support.private_postfix import PrivatePostfix
from support.smtp_sink import SmtpSink
from support.waiting import wait_until

SEED = int(os.environ.get("FLEETQSHAPE_FIRST_SEED", "1"))
QUIET_POINTS = 500 if os.environ.get("FLEETQSHAPE_LONG_TESTS") else 40
POINTS_BETWEEN_OVERFLOWS = 20
POINTS_BETWEEN_FILE_COUNTS = 8
STEPS = (1, 4)  # between two quiet points
KEPT_EVENTS = Path("/proc/sys/fs/inotify/max_queued_events")


class AgentChurn(unittest.TestCase):
    def setUp(self) -> None:
        print(f"seed {SEED}", flush=True)
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.rng = random.Random(SEED)
        self.sink = stack.enter_context(SmtpSink())
        self.postfix = stack.enter_context(PrivatePostfix(self.sink.port, **PostfixChurn.options(self.sink)))
        self.aggregator = stack.enter_context(Aggregator())
        self.agent = stack.enter_context(Agent(
            self.aggregator, self.postfix.queue_directory, "--postfix", str(self.postfix.config_directory),
            "--verify-interval", "86400"))
        self.churn = PostfixChurn(self.postfix, self.sink, self.rng)
        self.comparison = QueueComparison(stack, self.aggregator, self.postfix.queue_directory, self.churn.listing)
        self.history: list[str] = []
        self.repeated = 0

    def test_agent_is_right_at_every_quiet_point(self) -> None:
        began = time.monotonic()
        overflows = 0
        for number in range(1, QUIET_POINTS + 1):
            if number % POINTS_BETWEEN_OVERFLOWS == 0:
                self.lose_events()
                overflows += 1
            else:
                self.steps()
            self.compare(number)
            if number % POINTS_BETWEEN_FILE_COUNTS == 0:
                self.churn.keep_one()
                self.history.append(self.churn.hold_or_release_one())
                self.compare(number, files=True)
        self.agent.stop()
        seconds = time.monotonic() - began
        print(f"{QUIET_POINTS} quiet points in {seconds:.0f} s, {overflows} overflows, {self.repeated} comparisons "
              f"repeated, answers right within {self.comparison.longest_wait_seconds:.2f} s\n"
              f"{dict(self.churn.done)}\n{self.agent.log()}", flush=True)
        self.assert_watched(overflows)

    def steps(self) -> None:
        for _ in range(self.rng.randint(*STEPS)):
            self.history.append(self.churn.step())

    def compare(self, number: int, *, files: bool = False) -> None:
        """That the agent is right now; when Postfix does something after all, it is compared again."""
        deadline = time.monotonic() + 60
        try:
            self.churn.rest()
            while not self.comparison.assert_equal(files=files):
                self.repeated += 1
                self.assertLess(time.monotonic(), deadline, "Postfix does not rest")
                self.churn.rest()
        except AssertionError as error:
            raise AssertionError(f"quiet point {number}, seed {SEED}: {error}\n\nwhat happened, last of all:\n"
                                 + "\n".join(self.history[-20:])
                                 + f"\n\n{self.postfix.situation()}\n\n{self.agent.log()}") from error
        self.history.append(f"-- quiet point {number}")

    def lose_events(self) -> None:
        """Things happen before, while and after the kernel has no room for more events."""
        self.churn.keep_one()
        self.agent.suspend()
        self.steps()
        self.churn.rest()
        self.churn.keep_one()
        self.history.append(self.churn.rename_to_and_fro(int(KEPT_EVENTS.read_text(encoding="ascii")) + 100))
        self.steps()
        self.churn.rest()
        self.agent.resume()

    def assert_watched(self, overflows: int) -> None:
        """That the agent knew what it knew from watching, and listed the queue no more often than it had to."""
        counters = self.agent.counters()
        self.assertGreaterEqual(counters.overflows, overflows)
        self.assertEqual(counters.differences, 0)
        self.assertNotRegex(self.agent.log(), "cannot (watch|list)|no event had told|asks for a snapshot")


if __name__ == "__main__":
    unittest.main()
