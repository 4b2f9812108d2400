"""What the command prints, in every form: real agents, a real aggregator, and the readers that each form is for.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_answer_outputs
"""

import base64
import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from integration.pseudo_terminal import run_on_terminal
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, Answer, ask, environment, program
from support.sample_fleet import NOW, SampleFleet
from support.waiting import wait_until

OK, ERROR, USAGE, INCOMPLETE = 0, 1, 2, 3
COLOR = re.compile(rb"\x1b\[[0-9;]*m")
HOSTILE = (b"evil\x1b[2j.example", b"=cmd.example", b"two\r\nrow,total,,9.example", b"q\"uote,\\.example",
           b"broken\xff.example", "bücher.example".encode(), b"xn--bcher-kva.example",
           "\u202eelpmaxe.\u2066.example".encode())


def on_terminal(arguments: list[str], columns: int, term: str = "xterm-256color", **variables: str) -> bytes:
    """What is written to a terminal of so many columns."""
    return run_on_terminal([program("fleetqshape"), *arguments], environment(TERM=term, **variables), columns)


class SampleFleetTest(unittest.TestCase):
    """The sample fleet; the tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.fleet = stack.enter_context(SampleFleet())
        cls.server = ["--server", cls.fleet.aggregator.query_address]

    def ask(self, *arguments: str) -> Answer:
        answer = self.fleet.ask(*arguments)
        self.assertEqual(answer.status, OK, answer.stderr)
        return answer


class Tables(SampleFleetTest):
    def test_color_changes_no_text(self) -> None:
        for arguments in (["deferred"], ["deferred", "--compare", "role"], ["active", "--by", "host"],
                          ["-w", "140", "--compare", "role", "deferred"], ["deferred", "--output", "wide"], ["relays"]):
            with self.subTest(arguments=arguments):
                plain = self.ask(*arguments, "--color", "never").stdout
                colored = self.ask(*arguments, "--color", "always").stdout
                if "relays" in arguments:  # times pass
                    plain, colored = (re.sub(rb"\d", b"0", text) for text in (plain, re.sub(COLOR, b"", colored)))
                else:
                    self.assertNotEqual(plain, colored)
                self.assertEqual(re.sub(COLOR, b"", colored), plain)
                self.assertNotIn(b"\x1b", plain)

    def test_heat_map(self) -> None:
        rows = json.loads(self.ask("deferred", "--output", "json").stdout)["rows"]
        cells = [count for row in rows for count in row["cells"][0]["ages"]]
        lines = self.ask("deferred", "--color", "always").stdout.splitlines()[2:]
        # The hottest are those with half of the largest at least; zeros are dim.
        hot = [int(cell) for line in lines for cell in re.findall(rb"\x1b\[1;38;5;231;48;5;160m(\d+)\x1b\[0m", line)]
        self.assertEqual(sorted(hot), sorted(count for count in cells if 2 * count >= max(cells)))
        dim = [cell for line in lines for cell in re.findall(rb"\x1b\[38;5;244m([0 ]+)\x1b\[0m", line)]
        self.assertEqual(sum(cell.count(b"0") for cell in dim), cells.count(0))

    def test_color_is_for_terminals_that_have_it_and_people_who_want_it(self) -> None:
        question = [*self.server, "--at", str(NOW), "deferred"]
        self.assertIn(b"\x1b[", on_terminal(question, 100))
        for term, variables in (("dumb", {}), ("xterm", {}), ("xterm-256color", {"NO_COLOR": "1"}), ("nonsense", {})):
            self.assertNotIn(b"\x1b", on_terminal(question, 100, term, **variables), (term, variables))
        self.assertIn(b"\x1b[", on_terminal(question, 100, "xterm", COLORTERM="truecolor"))
        self.assertIn(b"\x1b[", on_terminal([*question, "--color", "always"], 100, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", on_terminal([*question, "--color", "never"], 100))

    def test_terminals_of_any_width(self) -> None:
        for arguments in (["deferred"], ["deferred", "--compare", "role"], ["active", "--by", "host"], ["relays"]):
            for columns in (1, 5, 20, 40, 79, 100):
                at = [] if arguments == ["relays"] else ["--at", str(NOW)]
                screen = on_terminal([*self.server, *at, *arguments, "--color", "never"], columns)
                longest = max(map(len, screen.decode().splitlines()))
                self.assertLessEqual(longest, columns, (arguments, columns, screen.decode()))

    def test_narrow_terminals_leave_out_ages_rather_than_names(self) -> None:
        for columns in (26, 40, 60, 79):
            screen = on_terminal([*self.server, "--at", str(NOW), "deferred", "--color", "never"], columns).decode()
            self.assertIn("university.example", screen, columns)
            # The oldest mail is what stays.
            head = screen.splitlines()[0].split()
            self.assertEqual(head, ["T", *"5 10 20 40 80 160 320 640 1280 1280+".split()[11 - len(head):]], columns)

    def test_rows_by_host_tell_how_full_active_is(self) -> None:
        lines = [line.split() for line in self.ask("active", "--by", "host").stdout.decode().splitlines()]
        self.assertEqual(lines[0][:2], ["T", "full"])
        self.assertEqual({line[0]: line[2] for line in lines[1:]},
                         {"TOTAL": "5%", "spam1": "99%", "gw1": "<1%", "gw2": "<1%"})
        self.assertNotIn("full", self.ask("deferred", "--by", "host").stdout.decode())

    def test_rows_that_are_cut_off_are_told(self) -> None:
        whole = self.ask("deferred").stdout.splitlines()
        answer = self.ask("deferred", "--rows", "3")
        self.assertEqual(answer.stdout.splitlines(), whole[:5])
        rest = sum(int(row.split()[1]) for row in whole[5:])
        self.assertIn(f"and {len(whole) - 5} more rows with {rest:,} recipients: --rows 0 shows all\n", answer.stderr)

    def test_a_reader_that_goes_away_ends_it_quietly(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        for output in ("table", "json", "csv"):
            done = subprocess.run([program("fleetqshape"), *self.server, "deferred", "--output", output],
                                  stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""))
        os.close(writer)


class ForPrograms(SampleFleetTest):
    def json(self, *arguments: str) -> dict:
        return json.loads(self.ask(*arguments, "--output", "json").stdout)

    def test_json_says_what_the_table_says(self) -> None:
        table = [line.split() for line in self.ask("deferred").stdout.decode().splitlines()[1:]]
        answer = self.json("deferred")
        self.assertEqual((answer["version"], answer["kind"], answer["at_seconds"]), (1, "table", NOW))
        self.assertEqual(answer["age_limits_seconds"][:3] + answer["age_limits_seconds"][-1:], [300, 600, 1200, None])
        total = answer["groups"][0]["total"]
        rows = [["TOTAL", total["count"], *total["ages"]]]
        rows += [[row["name"], row["cells"][0]["count"], *row["cells"][0]["ages"]] for row in answer["rows"]]
        self.assertEqual([[str(cell) for cell in row] for row in rows], table)
        self.assertEqual(answer["coverage"]["fresh"], 3)
        self.assertEqual(answer["question"]["queues"], ["deferred"])
        self.assertGreater(total["oldest_age_seconds"], total["median_age_seconds"])

    def test_json_of_a_comparison(self) -> None:
        answer = self.json("deferred", "--compare", "role", "--rows", "2")
        self.assertEqual([(group["name"], group["relays"]) for group in answer["groups"]],
                         [("gateway", 2), ("spam-relay", 1)])
        self.assertEqual({len(row["cells"]) for row in answer["rows"]}, {2})
        self.assertEqual(len(answer["rows"]) + answer["cut_off"]["rows"], answer["rows_in_all"])
        counts = sum(cell["count"] for row in answer["rows"] for cell in row["cells"]) + answer["cut_off"]["count"]
        self.assertEqual(counts, sum(group["total"]["count"] for group in answer["groups"]))

    def test_csv_is_read_by_a_reader_of_csv(self) -> None:
        answer = self.json("deferred", "--compare", "role")
        rows = list(csv.DictReader(io.StringIO(self.ask("deferred", "--compare", "role", "--output", "csv")
                                               .stdout.decode(), newline="")))
        cells = [("TOTAL", group["name"], str(group["total"]["count"])) for group in answer["groups"]]
        cells += [(row["name"], group["name"], str(cell["count"])) for row in answer["rows"]
                  for group, cell in zip(answer["groups"], row["cells"], strict=True)]
        self.assertEqual([(row["name"], row["group"], row["count"]) for row in rows], cells)

    def test_promtool_finds_nothing_to_say(self) -> None:
        for arguments in (["deferred"], ["-s", "deferred", "--compare", "role"], ["active", "--by", "host"], ["relays"]):
            text = self.ask(*arguments, "--output", "prometheus").stdout.decode()
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, encoding="utf-8",
                                  timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), arguments)

    def test_series_are_bounded(self) -> None:
        def series(*arguments: str) -> int:
            text = self.ask("deferred", "--output", "prometheus", *arguments).stdout.decode()
            return len(re.findall(r"^fleetqshape_recipients\{", text, re.M))
        self.assertEqual(series("--rows", "2"), 2)
        self.assertEqual(series(), len(self.json("deferred")["rows"]))

    def test_relays(self) -> None:
        relays = self.json("relays")["relays"]
        self.assertEqual([(relay["host"], relay["state"], relay["active_limit"], relay["messages"]["active"])
                          for relay in relays],
                         [("gw1", "fresh", 20000, 11), ("spam1", "fresh", 2500, 2480), ("gw2", "fresh", 20000, 6)])
        lines = list(csv.DictReader(io.StringIO(self.ask("relays", "--output", "csv").stdout.decode(), newline="")))
        self.assertEqual([line["labels"] for line in lines], ["role=gateway", "role=spam-relay", "role=gateway"])

    def test_check(self) -> None:
        answer = self.fleet.ask("relays", "--check")
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        self.assertEqual(answer.stdout, b"OK - 3 relays fresh | fresh=3 stale=0 missing=0 stranded_messages=0 skewed=0 "
                                        b"skipped_files=0\n")


class Hostile(unittest.TestCase):
    """Names that try to be more than names, in every output."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        queues = make_queue_directory(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-"))))
        for number, name in enumerate(HOSTILE):
            write_message(queues / "deferred", f"ABC{number:06X}", NOW, [b"user@" + name])
        cls.queue = str(queues / "deferred")
        cls.aggregator = stack.enter_context(Aggregator("--stale-after", "1"))
        cls.agent = stack.enter_context(Agent(cls.aggregator, queues, labels={"role": "gateway"}))
        wait_until(lambda: cls.aggregator.ask("deferred").stdout.count(b"\n") == 2 + len(HOSTILE), 20, "all are there")

    def output(self, *arguments: str) -> str:
        answer = self.aggregator.ask("deferred", *arguments, at=NOW)
        self.assertEqual(answer.status, OK, answer.stderr)
        text = answer.stdout.decode()
        self.assertEqual([c for c in text if (ord(c) < 0x20 and c not in "\r\n") or ord(c) in range(0x202a, 0x206a)], [],
                         arguments)
        return text

    def test_text(self) -> None:
        for arguments in ([], ["--output", "wide"], ["--unicode"], ["-w", "120"]):
            self.assertEqual(self.output(*arguments).count("\n"), 2 + len(HOSTILE), arguments)

    def test_unicode(self) -> None:
        self.assertEqual(self.output().count("xn--bcher-kva.example"), 1)
        self.assertEqual(self.output("--unicode").count("bücher.example"), 2)
        self.assertEqual(len({len(line) for line in self.output("--unicode").splitlines()}), 1)
        self.assertIn("bücher.example", ask("--unicode", "--at", str(NOW), self.queue).stdout.decode())

    def test_json(self) -> None:
        rows = json.loads(self.output("--output", "json"))["rows"]
        names = {base64.b64decode(row["name_base64"]) if "name_base64" in row else row["name"].encode() for row in rows}
        self.assertEqual(names, set(HOSTILE))

    def test_csv(self) -> None:
        text = self.output("--output", "csv")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        self.assertEqual(len(rows), 2 + len(HOSTILE))
        self.assertEqual(text.count("\r\n"), len(rows))
        self.assertEqual([cell for row in rows for cell in row if cell[:1] in tuple("=+-@")], [])

    def test_prometheus(self) -> None:
        done = subprocess.run(["promtool", "check", "metrics"], input=self.output("--output", "prometheus"),
                              capture_output=True, encoding="utf-8", timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_zz_check_tells_of_relays_that_are_gone(self) -> None:
        self.agent.kill()
        wait_until(lambda: self.aggregator.ask("relays", "--check").status == INCOMPLETE, 20, "the relay is stale")
        answer = self.aggregator.ask("relays", "--check")
        self.assertRegex(answer.stdout.decode(), r"\AUNKNOWN - 0 of 1 relay fresh: test/relay/postfix stranded for \d+s \| "
                                                 r"fresh=0 stale=1 missing=0 stranded_messages=8 skewed=0 skipped_files=0\n\Z")


if __name__ == "__main__":
    unittest.main()
