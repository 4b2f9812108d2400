"""An agent or an aggregator that ends, in whichever way, and starts again changes no answer.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_restarts

FLEETQSHAPE_TEST_SEED chooses another order of events for the test that draws one.
"""

import contextlib
import os
import random
import shutil
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from differential.oracle import QshapeOracle
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, wait_until_fleet_has

SEED = int(os.environ.get("FLEETQSHAPE_TEST_SEED", "1"))
NOW = 1_700_000_000
QUEUES = ("hold", "incoming", "active", "deferred")
HOSTS = ("one", "two")


class Relay:
    """A queue that changes, and its agent."""

    def __init__(self, host: str, directory: Path, agent: Agent) -> None:
        self.host = host
        self.directory = directory
        self.agent = agent
        self._written = 0

    def change(self, rng: random.Random, changes: int = 12) -> None:
        """New messages, messages that move to another queue, and messages that are gone."""
        for _ in range(changes):
            files = sorted(file for file in self.directory.rglob("*") if file.is_file())
            kind = rng.choice(("new", "new", "move", "delete"))
            if kind == "new" or not files:
                self._written += 1
                name = f"ABC{self._written:07X}"
                recipients = [f"user@domain{rng.randrange(8)}.example" for _ in range(rng.randint(1, 3))]
                write_message(self.directory / rng.choice(QUEUES), name, NOW - rng.randrange(100_000), recipients,
                              sender=f"sender@domain{rng.randrange(8)}.example")
            elif kind == "move":
                file = rng.choice(files)
                file.rename(self.directory / rng.choice(QUEUES) / file.name)
            else:
                rng.choice(files).unlink()


class Restarts(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="restarts-")))
        self.rng = random.Random(SEED)
        self.oracle = stack.enter_context(QshapeOracle())
        self.aggregator = stack.enter_context(Aggregator(start_now=False))
        self.relays = []
        for host in HOSTS:
            queue_directory = make_queue_directory(directory / host)
            agent = stack.enter_context(Agent(self.aggregator, queue_directory, host=host, start_now=False))
            self.relays.append(Relay(host, queue_directory, agent))
        self.change_queues()

    def change_queues(self) -> None:
        for relay in self.relays:
            relay.change(self.rng)

    def start_everything(self) -> None:
        self.aggregator.start()
        for relay in self.relays:
            relay.agent.start()
        self.assert_answers()

    def assert_answers(self) -> None:
        """That the fleet says of the relays, together and each alone, what qshape says of their queues now."""
        for options in (["-b", "20", "-w", "200"], ["-s", "-l"]):
            for some in (self.relays, *([relay] for relay in self.relays)):
                self.assert_answer(options, some, QUEUES)
            for queue in QUEUES:
                self.assert_answer(options, self.relays, [queue])

    def assert_answer(self, options: Sequence[str], relays: Sequence[Relay], queues: Sequence[str]) -> None:
        hosts = [word for relay in relays for word in ("--host", relay.host)]
        paths = [str(relay.directory / queue) for relay in relays for queue in queues]
        expected = self.oracle.run([*options, *paths], NOW)[1]
        wait_until_fleet_has(self.aggregator, expected, *options, *hosts, *queues, at=NOW)

    def end(self, what: Agent | Aggregator, how: str) -> None:
        if how == "killed":
            what.kill()
        else:
            what.stop()

    def test_agent_that_is_started_again(self) -> None:
        self.start_everything()
        for how in ("stopped", "killed"):
            for changed in (False, True):
                with self.subTest(how=how, changed=changed):
                    self.end(self.relays[0].agent, how)
                    if changed:
                        self.change_queues()
                    self.relays[0].agent.start()
                    self.assert_answers()

    def test_queue_that_is_empty_when_the_agent_comes_back(self) -> None:
        self.start_everything()
        self.relays[0].agent.kill()
        for file in self.relays[0].directory.rglob("*"):
            if file.is_file():
                file.unlink()
        self.relays[0].agent.start()
        self.assert_answers()

    def test_aggregator_answers_from_its_disk_while_agents_are_gone(self) -> None:
        self.start_everything()
        for _ in range(2):  # beside the snapshots there are deltas on the disk
            self.change_queues()
            self.assert_answers()
        for relay in self.relays:
            relay.agent.kill()
        for how in ("stopped", "killed"):
            with self.subTest(how=how):
                self.end(self.aggregator, how)
                self.aggregator.start()
                self.assert_answers()

    def test_aggregator_that_comes_back_gets_no_new_snapshot(self) -> None:
        self.start_everything()
        for how in ("stopped", "killed"):
            self.end(self.aggregator, how)
            self.aggregator.start()
            # A change that arrives shows that the agents are connected again, without which they could send nothing.
            self.change_queues()
            self.assert_answers()
        for relay in self.relays:
            relay.agent.stop()
            counters = relay.agent.counters()
            self.assertEqual(counters.snapshots, 1, relay.agent.log())
            self.assertGreaterEqual(counters.deltas, 2)
            self.assertNotIn("asks for a snapshot", relay.agent.log())

    def test_aggregator_that_comes_back_to_an_unchanged_queue_gets_nothing(self) -> None:
        self.start_everything()
        self.end(self.aggregator, "stopped")
        self.aggregator.start()
        for relay in self.relays:
            relay.agent.wait_until_reporting(times=2)
        self.assert_answers()
        for relay in self.relays:
            relay.agent.stop()
            counters = relay.agent.counters()
            self.assertEqual((counters.snapshots, counters.deltas), (1, 0), relay.agent.log())

    def test_changes_while_the_aggregator_is_gone_arrive(self) -> None:
        self.start_everything()
        for how in ("stopped", "killed"):
            with self.subTest(how=how):
                self.end(self.aggregator, how)
                self.change_queues()
                self.aggregator.start()
                self.assert_answers()

    def test_aggregator_killed_in_the_middle_of_reports(self) -> None:
        self.start_everything()
        for _ in range(4):
            for relay in self.relays:
                relay.change(self.rng, 60)
            self.aggregator.kill()
            self.aggregator.start()
        self.assert_answers()

    def test_both_gone_and_back_in_any_order(self) -> None:
        self.start_everything()
        agent = self.relays[0].agent
        for first, second in ((agent, self.aggregator), (self.aggregator, agent)):
            for start_first, start_second in ((first, second), (second, first)):
                for how in ("stopped", "killed"):
                    with self.subTest(first=type(first).__name__, start=type(start_first).__name__, how=how):
                        self.end(first, how)
                        self.change_queues()
                        self.end(second, how)
                        self.change_queues()
                        start_first.start()
                        self.change_queues()
                        start_second.start()
                        self.assert_answers()

    def test_agent_that_is_there_before_its_aggregator(self) -> None:
        for relay in self.relays:
            relay.agent.start()
            relay.agent.wait_for_log(" no connection to ")
        self.change_queues()
        self.aggregator.start()
        self.assert_answers()

    def test_aggregator_that_lost_its_disk_gets_a_snapshot(self) -> None:
        self.start_everything()
        self.aggregator.kill()
        shutil.rmtree(self.aggregator.data_directory)
        self.aggregator.start()
        self.assert_answers()
        for relay in self.relays:
            relay.agent.stop()
            self.assertEqual(relay.agent.counters().snapshots, 2)

    def test_any_order_of_events(self) -> None:
        print(f"seed {SEED}", flush=True)
        self.start_everything()
        programs = [self.aggregator, *(relay.agent for relay in self.relays)]
        for _ in range(25):
            if self.rng.random() < 0.4:
                self.rng.choice(self.relays).change(self.rng, 5)
                continue
            program = self.rng.choice(programs)
            if program.running():
                self.end(program, self.rng.choice(("stopped", "killed")))
            else:
                program.start()
        for program in programs:
            if not program.running():
                program.start()
        self.assert_answers()


if __name__ == "__main__":
    unittest.main()
