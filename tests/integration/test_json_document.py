"""docs/json.md: its questions are asked of a real fleet, and the answers have the members that its examples have.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_json_document
"""

import contextlib
import json
import re
import shlex
import tempfile
import unittest
from pathlib import Path
from typing import Any

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator
from support.waiting import wait_until

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "json.md"
ARRIVAL = 1_700_000_000
# Their members are names that people choose.
FREE = {"labels"}
# May be null, as the document says.
NULLABLE = {"min_age_seconds", "max_age_seconds", "compare", "max_rows", "age_limits_seconds[]", "problem",
            "median_age_seconds", "oldest_age_seconds", "messages", "active_limit", "active_percent",
            "postfix_version"}


def kind_of(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def differences(documented: Any, real: Any, place: str = "") -> list[str]:
    """Where the shape of an answer is not that of the example."""
    name = place.rsplit(".", 1)[-1]
    if None in (documented, real) and name in NULLABLE:
        return []
    if isinstance(documented, dict) and isinstance(real, dict):
        if name in FREE:
            return []
        found = [f"{place}.{key} is in the {where} only" for key in documented.keys() ^ real.keys()
                 for where in ["document" if key in documented else "answer"]]
        for key in documented.keys() & real.keys():
            found += differences(documented[key], real[key], f"{place}.{key}")
        return found
    if isinstance(documented, list) and isinstance(real, list):
        if documented and not real:
            return [f"{place} is empty: the test asks too little"]
        return [one for element in real for one in differences((documented or [element])[0], element, f"{place}[]")]
    if kind_of(documented) != kind_of(real):
        return [f"{place} is {kind_of(documented)} in the document, {kind_of(real)} in the answer"]
    return []


def examples(text: str) -> list[tuple[list[str], Any]]:
    """Command lines, without the program's name, and what they print."""
    return [(shlex.split(command), json.loads(answer))
            for command, answer in re.findall(r"^    fleetqshape ([^\n]*)\n\n```json\n(.*?)^```$", text, re.M | re.S)]


class JsonDocument(unittest.TestCase):
    """Three relays, one of them silent, with a message each. The tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="json-")))
        cls.text = DOCUMENT.read_text(encoding="utf-8")
        cls.aggregator = stack.enter_context(Aggregator("--stale-after", "1"))
        for host, role in (("gw1", "gateway"), ("gw2", "gateway"), ("spam1", "spam-relay")):
            queue_directory = make_queue_directory(directory / host)
            for number, domain in enumerate(("gmail.example", f"{host}.example")):
                write_message(queue_directory / "deferred", f"ABCDEF{number}", ARRIVAL, [f"user@{domain}"])
            agent = stack.enter_context(Agent(cls.aggregator, queue_directory, cluster="eu", host=host,
                                              labels={"role": role, "site": "fra1"}))
            wait_until(lambda host=host: f"{host}.example" in cls.aggregator.ask("deferred").stdout.decode(), 20,
                       f"{host} has reported")
            if host == "gw2":
                agent.kill()
        wait_until(lambda: "stale" in cls.aggregator.ask("deferred", "--host", "gw2").stderr, 20, "gw2 is stale")

    def answer(self, arguments: list[str]) -> Any:
        answer = self.aggregator.ask(*arguments)
        self.assertEqual(answer.status, 0, answer.stderr)
        return json.loads(answer.stdout)

    def test_examples_have_the_members_that_answers_have(self) -> None:
        found = examples(self.text)
        self.assertEqual([answer["kind"] for _, answer in found], ["table", "relays"])
        for arguments, documented in found:
            with self.subTest(arguments=arguments):
                self.assertEqual(differences(documented, self.answer(arguments)), [])

    def test_examples_are_of_the_question_above_them(self) -> None:
        arguments, documented = examples(self.text)[0]
        self.assertEqual(self.answer(arguments)["question"], documented["question"])

    def test_members_that_are_explained_are_there(self) -> None:
        tables = self.text.split("## Relays")
        for (arguments, _), explained, inside in zip(examples(self.text), tables, ([], ["relays"]), strict=True):
            answer = self.answer(arguments)
            for place in inside:
                answer = answer[place][0]
            for first_cell in re.findall(r"^\| ([^|]*`[^|]*) \|", explained, re.M):
                parent: list[str] = []
                for name in re.findall(r"`([a-z_.\[\]]+)`", first_cell):
                    # "coverage.relays, fresh": the second one is of the same parent.
                    path = name.split(".") if "." in name else [*parent, name]
                    parent = path[:-1]
                    value = answer
                    for step in path:
                        self.assertIn(step.removesuffix("[]"), value, f"{name}: {first_cell}")
                        value = value[step.removesuffix("[]")]
                        value = value[0] if step.endswith("[]") else value


if __name__ == "__main__":
    unittest.main()
