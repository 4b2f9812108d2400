"""A simulated fleet and a real aggregator: the answers are what the relays hold, whatever happens in between.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_simulate

FLEETQSHAPE_TEST_SEED chooses another fleet.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.fleet import Aggregator, environment, free_address, program
from support.simulated_fleet import Simulation, simulate
from support.waiting import wait_until

SEED = int(os.environ.get("FLEETQSHAPE_TEST_SEED", "1"))
QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
FLEET = ("--relays", "200", "--messages", "30000", "--rate", "300", "--domains", "2000", "--odd-names",
         "--seed", str(SEED))  # fmt: skip


class Simulate(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simulate-")))
        self.expected = self.directory / "expected"
        self.stack = stack

    def assert_answers(self, aggregator: Aggregator) -> None:
        """That the fleet answers, byte for byte, as the simulator counted."""
        at = int((self.expected / "at").read_text())
        for queue in QUEUES:
            for kind, options in (("recipients", ()), ("senders", ("-s",))):
                with self.subTest(queue=queue, kind=kind):
                    answer = aggregator.ask(*options, queue, at=at)
                    self.assertEqual(answer.status, 0, answer.stderr)
                    self.assertEqual(answer.stdout, (self.expected / f"{queue}.{kind}").read_bytes())

    def test_nothing_is_lost_when_the_aggregator_is_killed(self) -> None:
        aggregator = self.stack.enter_context(Aggregator("--metrics-listen", "127.0.0.1:0"))
        with Simulation("--aggregator", aggregator.ingest_address, *FLEET, "--interval", "0.5", "--duration", "8",
                        "--expect", str(self.expected)) as simulation:
            for relays in (100, 200):
                # Once while the fleet comes, once when it is there.
                wait_until(lambda: len(aggregator.ask("relays").stdout.splitlines()) >= relays, 60,
                           f"{relays} relays report", context=aggregator.log)
                aggregator.kill()
                aggregator.start()
            status, figures = simulation.result()
        self.assertEqual(status, 0, figures)
        self.assertEqual(figures["reports_lost"], 0)
        self.assertEqual(figures["agents_never_connected"], 0)
        self.assertEqual(figures["agents_waiting"], 0)
        self.assertEqual(figures["snapshot_requests"], 0)
        self.assertGreaterEqual(figures["connections"], 400)
        self.assertGreater(figures["reports_acknowledged"], 1000)
        self.assert_answers(aggregator)

    def test_a_store_that_was_lost_is_noticed(self) -> None:
        aggregator = self.stack.enter_context(Aggregator())
        with Simulation("--aggregator", aggregator.ingest_address, "--relays", "20", "--messages", "1000", "--rate",
                        "50", "--interval", "0.2", "--duration", "10", "--expect", str(self.expected)) as simulation:  # fmt: skip
            # Those that have only come lose nothing yet.
            wait_until(lambda: aggregator.ask("relays").stdout.count(b" fresh ") >= 20, 60, "20 relays report")
            aggregator.kill()
            shutil.rmtree(aggregator.data_directory)
            aggregator.start()
            wait_until(lambda: len(aggregator.ask("relays").stdout.splitlines()) > 20, 60, "they report again")
            status, figures = simulation.result()
        self.assertEqual(status, 1, figures)
        # Of each relay once, unless its first report was on its way.
        self.assertIn(figures["reports_lost"], range(1, 21))
        self.assert_answers(aggregator)  # all the same

    def test_a_fleet_is_stored_as_an_aggregator_would(self) -> None:
        store = self.directory / "store"
        answer = simulate("--load-store", str(store), *FLEET, "--expect", str(self.expected))
        self.assertEqual(answer.status, 0, answer.stderr)
        self.assertRegex(answer.stdout, rb"\Aloaded 200 relays with 30000 messages and \d+ names in [\d.]+ s\n\Z")
        checked = subprocess.run([program("fleetqshape-aggregator"), "--check", str(store)], capture_output=True,
                                 env=environment(), timeout=60, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertRegex(checked.stdout, rb"(?m)^sound: 200 relays, .* 30000 messages,")
        again = simulate("--load-store", str(store), *FLEET)
        self.assertEqual(again.status, 1)
        self.assertRegex(again.stderr, r"\Afleetqshape-simulate: there are relays in this store; [^\n]*\n\Z")
        aggregator = self.stack.enter_context(Aggregator(start_now=False))
        store.rename(aggregator.data_directory)
        aggregator.start()
        self.assert_answers(aggregator)

    def test_two_processes_share_a_fleet(self) -> None:
        aggregator = self.stack.enter_context(Aggregator())
        run = ("--aggregator", aggregator.ingest_address, "--messages", "1000", "--interval", "0.2", "--duration", "1",
               "--relays", "30")  # fmt: skip
        with Simulation(*run) as first, Simulation(*run, "--first-relay", "30") as second:
            for simulation in (first, second):
                status, figures = simulation.result()
                self.assertEqual(status, 0, figures)
        self.assertEqual(len(aggregator.ask("relays").stdout.splitlines()), 1 + 60)

    def test_an_aggregator_that_is_not_there(self) -> None:
        answer = simulate("--aggregator", free_address(), "--relays", "3", "--patience", "1", "--duration", "1")
        self.assertEqual(answer.status, 1)
        self.assertRegex(answer.stdout, rb"agents +0 of 3 connected, 3 never")

    def test_terminated(self) -> None:
        aggregator = self.stack.enter_context(Aggregator())
        with Simulation("--aggregator", aggregator.ingest_address, "--relays", "10", "--messages", "500", "--interval",
                        "0.2", "--duration", "3600") as simulation:  # fmt: skip
            wait_until(lambda: len(aggregator.ask("relays").stdout.splitlines()) > 10, 60, "10 relays report")
            simulation.terminate()
            status, figures = simulation.result()
        self.assertEqual((status, figures["agents_waiting"]), (0, 0), figures)

    def test_wrong_usage(self) -> None:
        for what, *arguments in (
                ("give one of --aggregator and --load-store",),
                ("give one of", "--aggregator", "a:1", "--load-store", "b"),
                ("--aggregator must be HOST:PORT", "--aggregator", "nonsense"),
                ("--relays must be", "--load-store", "b", "--relays", "0"),
                ("--gateways must be", "--load-store", "b", "--gateways", "1.5"),
                ("--rate must be", "--load-store", "b", "--rate", "-1"),
                ("--domains must be", "--load-store", "b", "--domains", "1"),
                ("--interval must be", "--aggregator", "a:1", "--interval", "0"),
                ("--output", "--aggregator", "a:1", "--output", "xml"), ("--nonsense", "--nonsense")):
            with self.subTest(arguments=arguments):
                answer = simulate(*arguments)
                self.assertEqual((answer.status, answer.stdout), (2, b""))
                self.assertTrue(re.fullmatch(rf"fleetqshape-simulate: [^\n]*{re.escape(what)}[^\n]*\n", answer.stderr),
                                answer.stderr)

    def test_more_relays_than_files(self) -> None:
        answer = simulate("--aggregator", "127.0.0.1:1", "--relays", "1000000")
        self.assertEqual(answer.status, 1)
        self.assertRegex(answer.stderr, "the limit is [0-9]+; raise it, or share the fleet")


if __name__ == "__main__":
    unittest.main()
