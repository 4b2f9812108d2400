"""A queue that does not change costs nothing, and its table ages all the same.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_ages_advance
"""

import contextlib
import time
import unittest

from differential.option_matrix import option_matrix
from differential.oracle import QshapeOracle
from support import queue_scenarios as scenarios
from support.fleet import Agent, Aggregator, wait_until_fleet_has
from support.private_postfix import PrivatePostfix
from support.smtp_sink import SmtpSink

HOUR = 3600


class AgesAdvance(unittest.TestCase):
    def test_an_hour_later_without_a_cell_sent(self) -> None:
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(SmtpSink())
            postfix = stack.enter_context(PrivatePostfix(sink.port))
            scenarios.aged_batches(postfix, (7 * HOUR, 40 * 60), messages=5)
            scenarios.half_delivered(postfix)
            postfix.quiet()
            oracle = stack.enter_context(QshapeOracle())
            aggregator = stack.enter_context(Aggregator())
            agent = stack.enter_context(Agent(aggregator, postfix.queue_directory, "--heartbeat-interval", "0.1",
                                              "--no-watch"))

            now = int(time.time())
            tables = set()
            for options in ([], *list(option_matrix(1, odd_values=False))[::8]):
                for later in (0, HOUR, 2 * HOUR, 24 * HOUR):
                    status, expected, _ = oracle.run([*options, str(postfix.queue_directory / "deferred")], now + later)
                    self.assertEqual(status, 0)
                    wait_until_fleet_has(aggregator, expected, *options, "deferred", at=now + later)
                    if not options:
                        tables.add(expected)
            self.assertEqual(len(tables), 4, "the moments were chosen so that each has another table")

            agent.stop()
            counters = agent.counters()
            self.assertGreater(counters.passes, 10)
            self.assertEqual((counters.snapshots, counters.deltas), (1, 0))
            # Each batch's and the half delivered message's sender and recipients: the snapshot, and nothing since.
            self.assertEqual(counters.cells, 2 * 5 * 2 + 1 + 2)


if __name__ == "__main__":
    unittest.main()
