"""On a terminal: redraws while counting (-N), a limited number of rows (-n), the same as qshape's.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_terminal
"""

import contextlib
import random
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from differential.oracle import QSHAPE, table_difference
from integration.pseudo_terminal import run_on_terminal
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, ask, environment, program, wait_until_fleet_has

NOW = 1_700_000_000
CLEAR = subprocess.run(["clear"], env=environment(TERM="xterm"), capture_output=True, check=True).stdout
MANY_MESSAGES = 2500
DOMAINS = 40


def qshape_on_terminal(*arguments: str, term: str = "xterm") -> bytes:
    """Under faketime, with files' times as they are."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(NOW))
    return run_on_terminal(["faketime", "-f", clock, QSHAPE, *arguments],
                           environment(TERM=term, NO_FAKE_STAT="1", LC_ALL="C"))


def ours_on_terminal(*arguments: str, term: str = "xterm") -> bytes:
    return run_on_terminal([program("fleetqshape"), "--at", str(NOW), *arguments], environment(TERM=term))


class OnATerminal(unittest.TestCase):
    """Two queues: `small` has 1 message to the first domain, 2 to the second, and so on, so that no two rows tie and it
    is certain which rows are shown; `large` has many. The tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="terminal-")))
        rng = random.Random(1)
        cls.small = make_queue_directory(directory / "small") / "deferred"
        cls.large = make_queue_directory(directory / "large") / "deferred"
        small = [domain for domain in range(1, 25) for _ in range(domain)]
        large = [1 + int((index * 0.64) ** 0.5) for index in range(MANY_MESSAGES)]  # each domain has more than the last
        for queue, domains in ((cls.small, small), (cls.large, large)):
            for number, domain in enumerate(domains):
                write_message(queue, f"ABC{number:06X}", NOW - rng.randrange(100_000), [f"u@domain{domain}.example"],
                              sender=f"u@sender{domain}.example")
        cls.small_messages = len(small)

    def assert_same_screens(self, queue: Path, *arguments: str, redraws: int, term: str = "xterm") -> None:
        """That qshape and we draw so many tables, and that the last one is the same."""
        theirs = qshape_on_terminal(*arguments, str(queue), term=term)
        self.assertEqual(theirs.count(CLEAR), redraws)
        for compat in (["--compat"], []):
            with self.subTest(arguments=arguments, compat=compat):
                ours = ours_on_terminal(*compat, *arguments, str(queue), term=term)
                self.assertEqual(ours.count(CLEAR), redraws)
                self.assertEqual(ours.startswith(CLEAR), redraws > 0)
                self.assertIsNone(table_difference(theirs.split(CLEAR)[-1], ours.split(CLEAR)[-1]))

    def test_redraws_after_so_many_messages(self) -> None:
        self.assert_same_screens(self.small, "-N", "10", "-n", "5", redraws=self.small_messages // 10 + 1)
        self.assert_same_screens(self.small, "-N", "300", "-n", "5", redraws=self.small_messages // 300 + 1)
        self.assert_same_screens(self.small, "-N", "1", redraws=self.small_messages + 1)

    def test_more_than_there_are(self) -> None:
        self.assert_same_screens(self.small, "-N", "5000", "-n", "500", redraws=1)

    def test_no_redraws(self) -> None:
        self.assert_same_screens(self.small, "-N", "0", redraws=0)
        self.assert_same_screens(self.small, "-N", "0", "-n", "3", redraws=0)
        self.assert_same_screens(self.small, "-N", "0", "-n", "0", redraws=0)

    def test_defaults(self) -> None:
        self.assert_same_screens(self.small, redraws=1)
        self.assert_same_screens(self.large, redraws=MANY_MESSAGES // 1000 + 1)

    def test_default_shows_twenty_rows_with_total(self) -> None:
        table = ours_on_terminal(str(self.small)).split(CLEAR)[-1]
        self.assertEqual(table.count(b"\n"), 1 + 20)
        self.assertIn(b" TOTAL ", table)

    def test_with_other_options(self) -> None:
        self.assert_same_screens(self.small, "-N", "50", "-n", "7", "-w", "120", "-b", "6", "-t", "1.5", "-l", "-s",
                                 redraws=self.small_messages // 50 + 1)
        self.assert_same_screens(self.small, "-N", "0", "-n", "9", "-p", "-m", "3", redraws=0)

    def test_values_that_do_not_count(self) -> None:
        self.assert_same_screens(self.small, "-N", "-3", "-n", "-3", redraws=0)

    def test_every_screen_is_a_table(self) -> None:
        screens = ours_on_terminal("--compat", "-N", "10", "-n", "5", str(self.small)).split(CLEAR)[1:]
        totals = []
        for screen in screens:
            rows = screen.decode().splitlines()
            self.assertEqual(rows[0].split()[0], "T")
            self.assertLessEqual(len(rows), 6)
            totals.append(int(rows[1].split()[1]))
        self.assertEqual(totals, sorted(totals))
        self.assertEqual(totals[-1], self.small_messages)

    def test_terminal_that_cannot_clear(self) -> None:
        for term in ("dumb", "no-such-terminal", ""):
            theirs = qshape_on_terminal("-N", "100", "-n", "5", str(self.small), term=term)
            ours = ours_on_terminal("--compat", "-N", "100", "-n", "5", str(self.small), term=term)
            self.assertNotIn(b"\x1b", theirs + ours, term)
            self.assertEqual(theirs.count(b" T "), ours.count(b" T "), term)

    def test_not_a_terminal(self) -> None:
        answer = ask("--at", str(NOW), "-N", "10", "-n", "5", str(self.small), variables={"TERM": "xterm"})
        self.assertNotIn(CLEAR, answer.stdout)
        self.assertEqual(answer.stdout.count(b"\n"), 2 + 24)

    def test_fleet_answer_has_the_limit_of_rows_and_no_redraws(self) -> None:
        with Aggregator() as aggregator, Agent(aggregator, self.small.parent):
            whole = ask("--at", str(NOW), str(self.small)).stdout
            wait_until_fleet_has(aggregator, whole, "deferred", at=NOW)
            for options, rows in (([], 20), (["-n", "5"], 5), (["-n", "0"], 25), (["-n", "500"], 25)):
                screen = ours_on_terminal("--server", aggregator.query_address, *options, "deferred")
                self.assertEqual(screen.splitlines(), whole.splitlines()[:1 + rows], options)


if __name__ == "__main__":
    unittest.main()
