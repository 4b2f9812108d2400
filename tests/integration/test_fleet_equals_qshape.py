"""The fleet's answers equal the real qshape's, for every combination of options, on three real Postfix queues.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_fleet_equals_qshape

The sum of three relays is what qshape prints for all their directories in one call. The fleet counts what Postfix
counts; where qshape does not (maildrop, force-expired messages), test_correct_counting.py says what is true, and these
queues have none. FLEETQSHAPE_TEST_SEED changes the options' values.
"""

import contextlib
import os
import random
import time
import unittest
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from differential.option_matrix import option_matrix
from differential.oracle import QshapeOracle
from support import queue_scenarios as scenarios
from support.fleet import Agent, Aggregator, wait_until_fleet_has
from support.private_postfix import PrivatePostfix
from support.smtp_sink import SmtpSink, Verdict

SEED = int(os.environ.get("FLEETQSHAPE_TEST_SEED", "1"))
LONG_DOMAIN = "mail-exchanger-with-a-long-name.department.of.some.university.example"
# Seconds after the last arrival: so that the same mail falls into other buckets.
LATER = (0, 0, 61, 299, 1500, 3600, 5 * 3600, 3 * 86400)
QUESTIONS = (["deferred"], ["deferred"], ["hold"], [], ["hold", "incoming", "active", "deferred"])


@dataclass
class Relay:
    host: str
    postfix: PrivatePostfix


@dataclass
class Question:
    options: list[str]
    queues: list[str]
    relays: list[Relay]
    at: int


class Fleet:
    """Three relays with an agent each, and the aggregator and the real qshape to be asked about them."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.sink = stack.enter_context(SmtpSink())
        self.aggregator = stack.enter_context(Aggregator())
        self._oracle = stack.enter_context(QshapeOracle(timeout_seconds=30))
        self._pool = stack.enter_context(ThreadPoolExecutor(1))
        self._round = 0
        self.relays = []
        for host, options in (("one", scenarios.EVERYTHING),
                              ("two", {"long_queue_ids": True, "hash_queue_depth": 2}),
                              ("three", {"hash_queue_depth": 0})):
            postfix = stack.enter_context(PrivatePostfix(self.sink.port, **options))
            stack.enter_context(Agent(self.aggregator, postfix.queue_directory, host=host))
            self.relays.append(Relay(host, postfix))

    def fill(self) -> None:
        """Every scenario on the first relay, which is stopped then; mail to some of the same names on the others."""
        one, two, three = (relay.postfix for relay in self.relays)
        made = scenarios.build_everything(one, self.sink)
        one.delete(made.expired_deferred, made.expired_held)
        scenarios.aged_batches(two, (40 * 60, 26 * 3600))
        for postfix in (two, three):
            scenarios.many_subdomains(postfix)
            scenarios.on_hold(postfix, messages=2)
            scenarios.many_senders(postfix, domains=3)
            scenarios.half_delivered(postfix)
            postfix.send("ok@here.example", [f"defer@{LONG_DOMAIN}", f"defer@sub.{LONG_DOMAIN}"])
            postfix.quiet()
        scenarios.utf8_mail(three)
        # Parents that are shown only because of names on several relays.
        two.send("ok@here.example", [f"defer@{host}.few.example" for host in "bcd"])
        three.send("ok@here.example", [f"defer@{host}.few.example" for host in "def"])
        two.quiet()
        three.quiet()

    def assert_equals_qshape(self) -> None:
        """Each of the 128 combinations for the three relays together; for single relays see _questions."""
        questions = list(self._questions())
        self._round += 1
        expectations = self._pool.map(self._expected, questions)  # qshape runs while the fleet is asked
        for question, expected in zip(questions, expectations):
            hosts = [word for relay in question.relays for word in ("--host", relay.host)]
            answer = wait_until_fleet_has(self.aggregator, expected, *question.options, *hosts, *question.queues,
                                          at=question.at)
            count = len(question.relays)
            coverage = f"fleetqshape: {count} relay{'' if count == 1 else 's'}: {count} fresh\n"
            if answer.stderr != coverage:
                raise AssertionError(f"expected {coverage!r}, got {answer.stderr!r}")

    def _questions(self) -> Iterator[Question]:
        rng = random.Random(f"{SEED} {self._round}")
        last_arrival = int(time.time())
        for number, options in enumerate(option_matrix(rng.randrange(2**32), odd_values=False)):
            selections = [self.relays]
            # In the first round every combination for the relay with all scenarios, then a quarter for another one.
            if self._round == 0 or number % 4 == self._round % 4:
                selections.append([self.relays[self._round % len(self.relays)]])
            for relays in selections:
                yield Question(options, rng.choice(QUESTIONS), relays, last_arrival + rng.choice(LATER))

    def _expected(self, question: Question) -> bytes:
        queues = question.queues or ["incoming", "active"]
        paths = [str(relay.postfix.queue_directory / queue) for queue in queues for relay in question.relays]
        status, table, warnings = self._oracle.run([*question.options, *paths], question.at)
        if status != 0 or warnings:
            raise AssertionError(f"qshape: exit status {status}: {warnings!r}")
        return table


class FleetEqualsQshape(unittest.TestCase):
    """One test: each step builds on the queues that the one before it left."""

    def setUp(self) -> None:
        print(f"seed {SEED}", flush=True)
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.fleet = Fleet(stack)
        self.one, self.two, self.three = (relay.postfix for relay in self.fleet.relays)

    def test_for_all_options_while_mail_moves(self) -> None:
        steps = (self.all_scenarios, self.new_mail_and_one_relay_restarted, self.held_released_requeued_and_deleted,
                 self.some_delivered_some_returned, self.one_relay_full_and_one_empty)
        for step in steps:
            step()
            try:
                self.fleet.assert_equals_qshape()
            except AssertionError as error:
                raise AssertionError(f"after {step.__name__} (seed {SEED}): {error}") from error

    def all_scenarios(self) -> None:
        self.fleet.fill()
        self.assertGreater(self.one.counts()["active"], 0)
        self.assertGreater(self.one.counts()["incoming"], 0)

    def new_mail_and_one_relay_restarted(self) -> None:
        self.fleet.sink.set_domain("stalled.example", Verdict.DEFER)
        self.one.start()
        self.one.quiet()
        for number, relay in enumerate(self.fleet.relays, 1):
            relay.postfix.send_many("ok@news.example", "defer@burst.example", messages=20 * number, recipients=number)
            relay.postfix.quiet()

    def held_released_requeued_and_deleted(self) -> None:
        for postfix in (self.one, self.two, self.three):
            deferred, held = postfix.ids("deferred"), postfix.ids("hold")
            postfix.release(*held[:1])
            postfix.hold(*deferred[:5])
            postfix.requeue(*deferred[5:9])
            postfix.delete(*deferred[9:12])
            postfix.quiet()

    def some_delivered_some_returned(self) -> None:
        self.fleet.sink.set_domain("same.example", Verdict.ACCEPT)
        self.fleet.sink.set_domain("burst.example", Verdict.REFUSE)  # returned: ok@news.example gets bounces
        self.fleet.sink.set_domain("few.example", Verdict.ACCEPT)
        before = sum(self.totals())
        for postfix in (self.one, self.two, self.three):
            postfix.flush()
        self.assertLess(sum(self.totals()), before)

    def one_relay_full_and_one_empty(self) -> None:
        self.fleet.sink.accept_all()
        self.three.flush()
        self.three.delete(*self.three.ids("hold"))
        self.assertEqual(sum(self.three.counts().values()), 0)
        # Last: its mail stays only as long as the sink decides by recipient.
        scenarios.active_and_incoming(self.two, self._stalling_again())

    def _stalling_again(self) -> SmtpSink:
        self.fleet.sink.set_domain("stalled.example", None)
        return self.fleet.sink

    def totals(self) -> Sequence[int]:
        return [sum(relay.postfix.counts().values()) for relay in self.fleet.relays]


if __name__ == "__main__":
    unittest.main()
