"""`fleetqshape --compat` prints what qshape prints, on the queues of a real Postfix."""

from __future__ import annotations

import os
import time
import unittest

from differential.comparison import Comparison
from differential.option_matrix import option_matrix
from support.private_postfix import QUEUES, PrivatePostfix
from support.queue_scenarios import EVERYTHING, aged_batches, build_everything
from support.smtp_sink import SmtpSink


class CompatOnPostfixTest(unittest.TestCase):
    def _compare(self, postfix: PrivatePostfix, seed: int) -> None:
        """Each queue and all of them, with every combination of options, now and hours later."""
        paths = [os.path.join(postfix.queue_directory, queue) for queue in QUEUES]
        with Comparison() as comparison:
            for number, options in enumerate(option_matrix(seed, odd_values=False)):
                now = int(time.time()) + (0, 400, 3600, 86400)[number % 4]
                for queues in ([path] for path in paths):
                    self.assertIsNone(comparison.difference([*options, *queues], now), f"{options} {queues}")
                self.assertIsNone(comparison.difference([*options, *paths], now), str(options))

    def test_everything_with_short_ids(self) -> None:
        with SmtpSink() as sink, PrivatePostfix(sink.port, **EVERYTHING) as postfix:
            build_everything(postfix, sink)
            self._compare(postfix, seed=1)

    def test_everything_with_long_ids_and_two_hash_levels(self) -> None:
        options = {**EVERYTHING, "long_queue_ids": True, "hash_queue_depth": 2}
        with SmtpSink() as sink, PrivatePostfix(sink.port, **options) as postfix:
            build_everything(postfix, sink)
            self._compare(postfix, seed=2)

    def test_aged_mail_in_a_flat_queue(self) -> None:
        with SmtpSink() as sink, PrivatePostfix(sink.port, hash_queue_depth=0) as postfix:
            aged_batches(postfix)
            self._compare(postfix, seed=3)


if __name__ == "__main__":
    unittest.main()
