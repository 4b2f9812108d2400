"""Names from the mail cannot write to the terminal: they are escaped, but for --compat into a pipe.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_hostile_names
"""

import contextlib
import tempfile
import unicodedata
import unittest
from pathlib import Path

from differential.oracle import QshapeOracle, table_difference
from integration.pseudo_terminal import run_on_terminal
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, ask, environment, program, wait_until_fleet_has

NOW = 1_700_000_000
# What stands in the address, and what is to be shown of it.
NAMES = (
    (b"\x1b[31mred.example", "\\x1b[31mred.example"),
    (b"\x1b]0;title\x07.example", "\\x1b]0;title\\x07.example"),
    (b"two\nlines.example", "two\\x0alines.example"),
    (b"back\rspace\x08.example", "back\\x0dspace\\x08.example"),
    (b"delete\x7f.example", "delete\\x7f.example"),
    (b"broken\xff\xfe.example", "broken\\xff\\xfe.example"),
    (b"overlong\xc0\xaf.example", "overlong\\xc0\\xaf.example"),
    (b"surrogate\xed\xa0\x80.example", "surrogate\\xed\\xa0\\x80.example"),
    ("\u202egpj.example".encode(), "\\xe2\\x80\\xaegpj.example"),
    ("isolate\u2066.example".encode(), "isolate\\xe2\\x81\\xa6.example"),
    ("c1\u009b31m.example".encode(), "c1\\xc2\\x9b31m.example"),
    ("zero\u200bwidth.example".encode(), "zero\\xe2\\x80\\x8bwidth.example"),
    ("bücher.例子".encode(), "bücher.例子"),  # nothing wrong with these
)


class HostileNames(unittest.TestCase):
    """One message for each name, as sender and as recipient, so often that no two rows tie; the tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-")))
        queue_directory = make_queue_directory(directory)
        cls.queue = str(queue_directory / "deferred")
        messages = 0
        for count, (name, _) in enumerate(NAMES, 1):
            for _ in range(count):
                messages += 1
                write_message(queue_directory / "deferred", f"ABC{messages:06X}", NOW, [b"user@" + name],
                              sender=b"user@" + name)
        cls.oracle = stack.enter_context(QshapeOracle())
        cls.aggregator = stack.enter_context(Aggregator())
        cls.agent = stack.enter_context(Agent(cls.aggregator, queue_directory))
        first = ask("--at", str(NOW), "-w", "200", cls.queue)
        wait_until_fleet_has(cls.aggregator, first.stdout, "-w", "200", "deferred", at=NOW)

    def assert_harmless(self, output: bytes) -> None:
        """That it is text in which every character is what it seems to be, in lines of one row each."""
        text = output.decode("utf-8")  # fails if it is broken
        bad = [character for character in text.replace("\n", "")
               if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        self.assertEqual(bad, [])
        self.assertEqual(text.count("\n"), 2 + len(NAMES))  # heads, TOTAL

    def assert_shows(self, output: bytes) -> None:
        self.assert_harmless(output)
        rows = {row.split()[0]: int(row.split()[1]) for row in output.decode().splitlines()[2:]}
        self.assertEqual(rows, {shown: count for count, (_, shown) in enumerate(NAMES, 1)})

    def test_fleet_answer(self) -> None:
        for options in ([], ["-s"]):
            answer = self.aggregator.ask("-w", "200", *options, "deferred", at=NOW)
            self.assertEqual((answer.status, answer.stderr), (0, "fleetqshape: 1 relay: 1 fresh\n"))
            self.assert_shows(answer.stdout)

    def test_local_answer(self) -> None:
        for options in ([], ["-s"]):
            answer = ask("-v", "-w", "200", *options, self.queue)
            self.assertEqual(answer.status, 0)
            self.assert_shows(answer.stdout)

    def test_names_that_are_cut(self) -> None:
        for width in range(81, 96):
            self.assert_harmless(ask("-b", "24", "-w", str(width), self.queue).stdout)
            self.assert_harmless(self.aggregator.ask("-b", "24", "-w", str(width), "deferred").stdout)

    def test_parents_of_hostile_names(self) -> None:
        answer = ask("-p", "-m", "1", "-w", "200", self.queue)
        answer.stdout.decode("utf-8")
        self.assertNotIn(b"\x1b", answer.stdout)
        self.assertNotIn(b"\x1b", self.aggregator.ask("-p", "-m", "1", "deferred").stdout)

    def test_compat_into_a_pipe_is_raw_as_qshape_is(self) -> None:
        for options in ([], ["-s"], ["-w", "200"]):
            expected = self.oracle.run([*options, self.queue], NOW)[1]
            answer = ask("--compat", "--at", str(NOW), *options, self.queue)
            self.assertIsNone(table_difference(expected, answer.stdout))
            self.assertIn(b"\x1b[31mred.example", answer.stdout)

    def test_compat_on_a_terminal_is_escaped(self) -> None:
        screen = run_on_terminal([program("fleetqshape"), "--compat", "-N", "0", "-w", "200", self.queue],
                                 environment(TERM="xterm"))
        self.assert_shows(screen)

    def test_fleet_answer_on_a_terminal_is_escaped(self) -> None:
        screen = run_on_terminal([program("fleetqshape"), "--server", self.aggregator.query_address, "-w", "200",
                                  "deferred"], environment(TERM="xterm"))
        self.assert_shows(screen)

    def test_logs_have_no_name(self) -> None:
        for log in (self.agent.log(), self.aggregator.log()):
            self.assertNotIn("red.example", log)


if __name__ == "__main__":
    unittest.main()
