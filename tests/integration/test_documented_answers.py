"""README shows what the command really prints: its examples are asked of a fleet with fixed mail, and compared.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_documented_answers
    PYTHONPATH=tests /usr/bin/python3 -m integration.test_documented_answers --write    puts in what is printed now

An example is an indented line "$ fleetqshape ...", and the indented lines that follow are what it prints to standard
output and then to standard error; of `relays`, what it prints on a terminal of 100 columns. Only those below the
heading "What it looks like" are examples.
"""

import re
import shlex
import sys
import unittest
from pathlib import Path

from integration.pseudo_terminal import run_on_terminal
from support.fleet import environment, program
from support.sample_fleet import SampleFleet

README = Path(__file__).resolve().parents[2] / "README.md"
INDENT = "    "
COMMAND = INDENT + "$ fleetqshape "
HEADING = "## What it looks like\n"
# What another run prints otherwise: times, how long ago a report came, versions, small differences of clocks.
CHANGING = ((r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2025-11-22 08:26:40 UTC"), (r"(?<= )\d+s(?= )", "0s"),
            (r"[+-]0\.\ds", "+0.0s"), (r"\d+\.\d+\.\d+, \d+\.\d+\.\d+", "0.1.0, 3.7.11"))


def what_is_said(fleet: SampleFleet, command: str) -> str:
    """What the command prints, as lines of an example."""
    arguments = shlex.split(command.removeprefix(COMMAND))
    if "relays" in arguments:
        said = run_on_terminal([program("fleetqshape"), "--server", fleet.aggregator.query_address, *arguments],
                               environment(TERM="dumb"), columns=100).decode()
    else:
        answer = fleet.ask(*arguments)
        said = answer.stdout.decode() + answer.stderr
    for pattern, instead in CHANGING:
        said = re.sub(pattern, instead, said)
    return "".join((INDENT + line).rstrip() + "\n" for line in said.splitlines())


def section(text: str) -> tuple[int, int]:
    start = text.index(HEADING)
    return start, text.index("\n## ", start)


def examples(text: str) -> list[tuple[str, str]]:
    """Commands, and what follows each."""
    found: list[tuple[str, str]] = []
    start, end = section(text)
    for line in text[start:end].splitlines(keepends=True):
        if line.startswith(COMMAND):
            found.append((line.rstrip("\n"), ""))
        elif found and line.startswith(INDENT):
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def with_answers(text: str, fleet: SampleFleet) -> str:
    """The text with what is printed now under each command."""
    start, end = section(text)
    lines: list[str] = []
    for line in text[start:end].splitlines(keepends=True):
        if line.startswith(COMMAND):
            lines += [line, what_is_said(fleet, line.rstrip("\n"))]
        elif not (line.startswith(INDENT) and lines):
            lines.append(line)
    return text[:start] + "".join(lines) + text[end:]


class Readme(unittest.TestCase):
    maxDiff = None

    def test_examples_are_what_is_printed(self) -> None:
        text = README.read_text(encoding="utf-8")
        found = examples(text)
        self.assertGreater(len(found), 3)
        with SampleFleet() as fleet:
            for command, said in found:
                with self.subTest(command=command.strip()):
                    self.assertEqual(what_is_said(fleet, command), said)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        with SampleFleet() as sample:
            README.write_text(with_answers(README.read_text(encoding="utf-8"), sample), encoding="utf-8")
    else:
        unittest.main()
