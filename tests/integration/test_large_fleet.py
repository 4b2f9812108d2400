"""What fleetqshape says of a fleet that is too large to be named: 40 relays of a simulated fleet, all of them silent.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_large_fleet
"""

import contextlib
import tempfile
import unittest
from pathlib import Path

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, Answer
from support.simulated_fleet import simulate
from support.waiting import wait_until

OK, INCOMPLETE = 0, 3
RELAYS = 40
ARRIVAL = 1_700_000_000


class LargeFleet(unittest.TestCase):
    """The tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.aggregator = stack.enter_context(Aggregator("--stale-after", "1", start_now=False))
        loaded = simulate("--load-store", str(cls.aggregator.data_directory), "--relays", str(RELAYS), "--messages",
                          "4000", "--clusters", "3")
        assert loaded.status == OK, loaded.stderr
        cls.aggregator.start()
        wait_until(lambda: f"{RELAYS} relays: 0 fresh, {RELAYS} stale" in cls.aggregator.ask("deferred").stderr, 20,
                   "all relays are stale")

    def ask(self, *arguments: str) -> Answer:
        answer = self.aggregator.ask(*arguments)
        self.assertEqual(answer.status, OK, answer.stderr)
        return answer

    def test_a_few_of_those_that_are_stale_are_named(self) -> None:
        line = self.ask("deferred").stderr.splitlines()[0]
        self.assertRegex(line, r" 40 stale \(([^,]+/postfix silent for [^,]+, \d+ messages?(, )?){5} and 35 more: "
                               r"`fleetqshape relays` lists them\)")
        self.assertLess(len(line), 450)

    def test_check_names_a_few_too(self) -> None:
        answer = self.aggregator.ask("relays", "--check")
        self.assertEqual((answer.status, answer.stderr), (INCOMPLETE, ""))
        self.assertRegex(answer.stdout.decode(), r"\AUNKNOWN - 0 of 40 relays fresh: ([^,]+ stranded for \w+, ){5}and "
                                                 r"35 more \| fresh=0 stale=40 ")

    def test_comparing_too_many_groups_says_what_to_ask_instead(self) -> None:
        note = ("fleetqshape: these are 40 groups: --by host in place of --compare host makes one row of each, "
                "--compare host=A,B compares some\n")
        self.assertIn(note, self.ask("deferred", "--compare", "host", "--rows", "1").stderr)
        for arguments in (["--compare", "role"], ["--compare", "cluster"], ["--compare", "host", "--output", "wide"],
                          ["--compare", "host", "--output", "json"]):
            self.assertNotIn("these are", self.ask("deferred", "--rows", "1", *arguments).stderr, arguments)
        self.assertEqual(len(self.ask("deferred", "--by", "host").stdout.splitlines()), 2 + RELAYS)

    def test_a_host_that_is_not_there_has_no_nearest_one(self) -> None:
        # Another number is another host.
        answer = self.aggregator.ask("deferred", "--host", "gw99")
        self.assertRegex(answer.stderr, r"\Afleetqshape: no relay has host gw99; there is: (\w+, ){20}\.\.\.\n\Z")


class Backlog(unittest.TestCase):
    """What --help says under "What is stuck?" and "Where is it?", done by somebody who knows qshape: which host holds the
    backlog of a fleet, and for whom?"""

    def test_host_and_destination_are_found(self) -> None:
        with contextlib.ExitStack() as stack:
            aggregator = stack.enter_context(Aggregator(start_now=False))
            loaded = simulate("--load-store", str(aggregator.data_directory), "--relays", str(RELAYS - 1), "--messages",
                              "4000", "--clusters", "3")
            self.assertEqual(loaded.status, OK, loaded.stderr)
            aggregator.start()
            directory = make_queue_directory(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backlog-"))))
            for number in range(2000):
                write_message(directory / "deferred", f"ABC{number:06X}", ARRIVAL,
                              ["user@stuck.example" if number % 10 else f"user@other{number}.example"])
            stack.enter_context(Agent(aggregator, directory, cluster="sim2", host="mta77", labels={"role": "gateway"}))
            wait_until(lambda: f"{RELAYS} relays: " in aggregator.ask("deferred").stderr, 20, "it has reported")

            def first_row(*arguments: str) -> list[str]:
                return aggregator.ask("deferred", *arguments, "--rows", "2").stdout.decode().splitlines()[2].split()
            by_host = first_row("--by", "host")
            self.assertEqual(by_host[:2], ["mta77", "2000"])
            for_whom = first_row("--host", by_host[0])
            self.assertEqual(for_whom[:2], ["stuck.example", "1800"])
            elsewhere = aggregator.ask("deferred", "--to", for_whom[0], "--by", "host").stdout.decode().splitlines()[2:]
            self.assertEqual(elsewhere[0].split()[:2], ["mta77", "1800"])
            self.assertEqual({line.split()[1] for line in elsewhere[1:]}, {"0"})


if __name__ == "__main__":
    unittest.main()
