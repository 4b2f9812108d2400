"""--watch and top, in a real terminal (tmux), with a real aggregator and agents.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_watch
"""

import contextlib
import itertools
import os
import re
import signal
import unittest
from pathlib import Path

from integration.queue_writing import write_message
from integration.small_fleet import ARRIVAL, SmallFleet
from support.fleet import ask, free_address, program
from support.tmux import PROMPT, Tmux
from support.waiting import wait_until

GREY = "\x1b[38;5;244m"


class Watching(unittest.TestCase):
    """Each test has a fleet and a terminal of its own."""

    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.fleet = SmallFleet(self.stack)
        self.terminal = self.stack.enter_context(Tmux(columns=100, lines=24))
        self.numbers = itertools.count(0xABCD00)

    def command(self, *arguments: str, servers: str | None = None) -> str:
        return " ".join([program("fleetqshape"), "--server", servers or self.fleet.aggregator.query_address,
                         *arguments])

    def watch(self, *arguments: str, servers: str | None = None, first: str = "TOTAL") -> str:
        """Starts it, and returns the first screen with that on it."""
        if not any(argument == "top" or argument.startswith("--watch") for argument in arguments):
            arguments = (*arguments, "--watch")
        self.terminal.type(self.command(*arguments, servers=servers), "Enter")
        return self.terminal.wait_for(first)

    def add_mail(self, relay: tuple[str, str], domain: str | bytes, *, queue: str = "deferred") -> None:
        address = b"user@" + (domain if isinstance(domain, bytes) else domain.encode())
        write_message(self.fleet.queue_directories[relay] / queue, f"{next(self.numbers):X}", ARRIVAL, [address])

    def assert_left(self, text_before: str = "") -> None:
        """That the terminal is the shell's again, as it was but for the shell's own lines."""
        self.terminal.wait_for(rf"^{PROMPT.strip()}$")
        self.assertFalse(self.terminal.on_alternate_screen())
        self.assertTrue(self.terminal.cursor_is_shown())
        self.assertNotIn("TOTAL", self.terminal.all_text())
        self.assertTrue(self.terminal.all_text().startswith(text_before), self.terminal.all_text())
        self.terminal.type("echo changed=$(stty -a | grep -cwe -icanon -e -echo -e -onlcr)", "Enter")
        self.terminal.wait_for("^changed=0$")

    def pid(self) -> int:
        """Of the program in the terminal."""
        ours = program("fleetqshape").encode()
        server = self.fleet.aggregator.query_address.encode()

        def find() -> int:
            for process in Path("/proc").iterdir():
                with contextlib.suppress(OSError):
                    words = (process / "cmdline").read_bytes().split(b"\0")
                    if process.name.isdigit() and words[0] == ours and server in words:
                        return int(process.name)
            return 0

        return wait_until(find, 10, "the program runs")

    def test_drawn_in_place_on_the_alternate_screen(self) -> None:
        self.terminal.type("seq 100", "Enter")
        self.terminal.wait_for(r"^100$")
        before = self.terminal.all_text()
        screen = self.watch("top", "--watch=0.5")
        self.assertTrue(self.terminal.on_alternate_screen())
        self.assertFalse(self.terminal.cursor_is_shown())
        lines = screen.splitlines()
        self.assertEqual(lines[0], "fleetqshape  recipients by domain in incoming, active, deferred")
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  every 0\.5s  by total$")
        self.assertEqual(lines[2], "3 relays: 3 fresh")
        self.assertRegex(lines[4], r" TOTAL +3 ")
        self.assertTrue(lines[23].startswith("q quit  ? help  s senders  1-5 queues"), lines[23])
        first_time = lines[1].split("  ")[0]
        self.terminal.wait_until(lambda now: "TOTAL" in now and first_time not in now, "it is drawn again")
        self.terminal.type("q")
        self.assert_left(before)

    def test_growth(self) -> None:
        self.watch("deferred", "--watch=0.5", first=r"^ +0 +0 .*mx1\.eu\.example")
        for _ in range(2):
            self.add_mail(("us", "mx1"), "new.example")
        self.terminal.wait_for(r"^ +0 +\+2 +TOTAL +5 ")
        self.terminal.wait_for(r"^ +0 +\+2 +new\.example +2 ")
        self.terminal.wait_for(r"^ +0 +0 +mx1\.eu\.example +1 ")
        # By growth the row with the longer name, and a mail less, would be the last one.
        for _ in range(5):
            self.add_mail(("eu", "mx1"), "large.example")
        self.terminal.wait_for(r"large\.example +5 ")
        self.terminal.type("r")
        self.terminal.wait_for(r"^ +0 +0 +TOTAL +10 ")
        self.add_mail(("us", "mx1"), "new.example")
        self.terminal.wait_for(r"^ +0 +\+1 +new\.example +3 ")
        self.assertRegex(self.terminal.screen(), r"(?s)large\.example.*new\.example")
        self.terminal.type("g")
        self.terminal.wait_for(r"by growth since the first picture$")
        self.assertRegex(self.terminal.screen(), r"(?s)new\.example.*large\.example")
        self.terminal.type("t")
        self.terminal.wait_for(r"by total$")

    def test_keys(self) -> None:
        self.watch("deferred", first=r"mx2\.eu\.example")
        terminal = self.terminal
        terminal.type("s")
        terminal.wait_for(r"^fleetqshape  messages by sender domain in deferred$")
        terminal.wait_for(r"here\.example +3 ")
        terminal.type("s")
        terminal.wait_for(r"mx2\.eu\.example +1 ")
        terminal.type("2")
        terminal.wait_for(r"in hold, deferred$")
        terminal.type("5")
        terminal.wait_for(r"in hold$")
        terminal.wait_for(r"TOTAL +0 ")
        terminal.type("2")
        terminal.wait_for(r"^hold is the only queue")
        terminal.type("5", "2")
        terminal.wait_for(r"TOTAL +3 ")
        terminal.type("c")
        terminal.wait_for(r"in deferred  cluster eu$")
        terminal.wait_for(r"TOTAL +2 ")
        terminal.type("c")
        terminal.wait_for(r"in deferred  cluster us$")
        terminal.wait_for(r"TOTAL +1 ")
        terminal.type("c")
        terminal.wait_for(r"in deferred$")
        terminal.wait_for(r"TOTAL +3 ")
        terminal.type("p")
        terminal.wait_for(r"PAUSED  every 2s")
        terminal.type(" ")
        terminal.wait_for(r"UTC  every 2s")
        terminal.type("+")
        terminal.wait_for(r"every 5s")
        terminal.type("-", "-", "-")
        terminal.wait_for(r"every 0\.5s")
        terminal.type("?")
        terminal.wait_for(r"^fleetqshape: keys$")
        terminal.type("x")
        terminal.wait_for(r"TOTAL +3 ")
        terminal.type("Down", "Down")
        terminal.type("q")
        self.assert_left()

    def test_paused_it_asks_no_more(self) -> None:
        self.watch("deferred", "--watch=0.5")
        self.terminal.type("p")
        self.terminal.wait_for("PAUSED")
        self.add_mail(("eu", "mx1"), "later.example")
        wait_until(lambda: b"later.example" in self.fleet.aggregator.ask("deferred").stdout, 20, "the mail is counted")
        self.assertNotIn("later.example", self.terminal.screen())
        self.terminal.type("p")
        self.terminal.wait_for(r"later\.example")

    def test_another_size(self) -> None:
        for number in range(30):
            self.add_mail(("eu", "mx1"), f"domain{number}.example")
        wait_until(lambda: b"domain29" in self.fleet.aggregator.ask("deferred").stdout, 20, "the mail is counted")
        self.watch("deferred", "--watch=0.5", first=r"rows 1-\d\d of 33")
        self.terminal.resize(120, 50)
        screen = self.terminal.wait_until(lambda now: now.count(".example") == 33, "there is room for all rows")
        self.assertTrue(screen.splitlines()[49].startswith("q quit"))
        for columns, lines in ((20, 10), (5, 3), (1, 1), (250, 6)):
            self.terminal.resize(columns, lines)
            # On a few columns that may be the spaces before a name.
            self.terminal.wait_until(lambda now: now.count("\n") == lines and (now.strip() != "" or columns < 20),
                                     f"something is on {columns} x {lines}")
        self.terminal.resize(20, 12)
        self.terminal.wait_for(r"TOTAL 33")
        self.terminal.resize(80, 24)
        self.terminal.wait_for(r"^q quit.*p pause$")
        self.terminal.wait_for(r"rows 1-\d\d of 33")
        self.terminal.type("NPage")
        self.terminal.wait_for(r"rows 1\d-\d\d of 33")
        self.terminal.type("q")
        self.assert_left()

    def test_lost_aggregator_comes_back(self) -> None:
        self.watch("deferred", "--watch=0.5", first=r"3 relays: 3 fresh")
        self.assertNotRegex(self.terminal.screen(styles=True), re.escape(GREY) + "[^\x1b]*mx1.eu.example")
        self.fleet.aggregator.kill()
        screen = self.terminal.wait_for(r"^no answer since .* UTC \(\d+s\): no aggregator answers at")
        self.assertRegex(screen, r"mx1\.eu\.example +1 ")
        self.assertRegex(self.terminal.screen(styles=True), "\x1b\\[[0-9;]*38;5;244m[^\x1b]*mx1.eu.example")
        self.terminal.type("?")
        self.terminal.wait_for(r"^fleetqshape: keys$")
        self.terminal.type("?")
        self.fleet.aggregator.start()
        self.terminal.wait_until(lambda now: "no answer since" not in now and "3 relays: 3 fresh" in now,
                                 "the answers are back")
        self.terminal.type("q")
        self.assert_left()

    def test_aggregator_that_hangs(self) -> None:
        self.watch("deferred", "--watch=0.5", first=r"3 relays: 3 fresh")
        self.fleet.aggregator.suspend()
        self.addCleanup(self.fleet.aggregator.resume)
        self.terminal.wait_for(r"no answer for \ds")
        self.terminal.type("?")
        self.terminal.wait_for(r"^fleetqshape: keys$")
        self.terminal.type("x", "p")
        self.terminal.wait_for(r"PAUSED")
        self.terminal.type("q")
        self.assert_left()

    def test_several_servers(self) -> None:
        gone = free_address()
        self.watch("deferred", "--watch=0.5", servers=f"{gone},{self.fleet.aggregator.query_address}",
                   first=rf"no aggregator answers at {gone}")
        self.terminal.wait_for(r"TOTAL +3 ")

    def test_signals(self) -> None:
        for kind, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(kind.name):
                self.watch("deferred")
                if kind == signal.SIGINT:
                    self.terminal.type("C-c")
                else:
                    os.kill(self.pid(), kind)
                self.terminal.wait_until(lambda now: "TOTAL" not in now, "the table is gone")
                self.assertFalse(self.terminal.on_alternate_screen())
                self.terminal.type("echo status=$?", "Enter")
                self.terminal.wait_for(rf"^status={status}$")
                self.terminal.type("clear", "Enter")

    def test_stopped_and_continued(self) -> None:
        self.watch("deferred", "--watch=0.5")
        self.terminal.type("C-z")
        self.terminal.wait_for(r"Stopped")
        self.assertFalse(self.terminal.on_alternate_screen())
        self.assertTrue(self.terminal.cursor_is_shown())
        self.terminal.resize(60, 20)
        self.terminal.type("fg", "Enter")
        self.terminal.wait_for(r"TOTAL +3 ")
        self.assertTrue(self.terminal.on_alternate_screen())
        self.assertEqual(len(self.terminal.screen().splitlines()), 20)
        self.terminal.type("s")
        self.terminal.wait_for(r"messages by sender")
        self.terminal.type("q")
        self.assert_left()

    def test_names_that_are_hostile_or_wide(self) -> None:
        self.add_mail(("eu", "mx1"), b"evil\x1b[2J\x1b[31m.example")
        self.add_mail(("eu", "mx1"), "例子.example")
        screen = self.watch("deferred", first="例子")
        screen = self.terminal.wait_for(r"evil\\x1b\[2j\\x1b\[31m\.example +1 ")
        lines = screen.splitlines()
        ends = {len(line) + sum(character in "例子" for character in line) for line in lines if ".example" in line}
        self.assertEqual(len(ends), 1, screen)

    def test_other_tables(self) -> None:
        self.add_mail(("eu", "mx1"), "busy.example", queue="active")
        for arguments, wanted in ((["active", "--by", "relay"], r" full "), (["deferred", "--by", "host"], r"mx2 +1 "),
                                  (["deferred", "--compare", "role"], r"gateway \(2 relays\)"),
                                  (["deferred", "--output", "wide"], r" median +oldest ")):
            with self.subTest(arguments):
                self.watch(*arguments, first=wanted)
                self.terminal.type("q")
                self.terminal.wait_until(lambda now: "TOTAL" not in now, "the table is gone")

    def test_without_a_first_answer_it_ends(self) -> None:
        for arguments, line in (((["top"]), "no aggregator answers at"),
                                (["top", "--cluster", "nowhere"], "nowhere"),
                                (["top", "--by", "hots"], "hots")):
            with self.subTest(arguments):
                servers = free_address() if arguments == ["top"] else None
                self.watch(*arguments, servers=servers, first=rf"^fleetqshape: .*{line}")
                self.terminal.type("echo status=$?", "Enter")
                self.terminal.wait_for(r"^status=1$")
                self.assertFalse(self.terminal.on_alternate_screen())
                self.terminal.type("clear", "Enter")

    def test_without_colour(self) -> None:
        self.watch("deferred", "--color", "never")
        self.assertNotIn("38;5;", self.terminal.screen(styles=True))

    def test_no_terminal(self) -> None:
        self.terminal.resize(200, 24)
        answer = self.fleet.aggregator.ask("top")
        self.assertEqual((answer.status, answer.stdout), (2, b""))
        self.assertEqual(answer.stderr, "fleetqshape: --watch draws on a terminal, and standard output is none: leave it "
                                        "out for one answer, or ask `fleetqshape deferred`\n")
        self.terminal.type(self.command("top", "</dev/null"), "Enter")
        self.terminal.wait_for(r"^fleetqshape: --watch draws on a terminal, and standard input is none: leave")
        for term, line in (("no-such-terminal", "TERM is no-such-terminal"), ("dumb", "TERM is dumb"),
                           ("''", "TERM is not set")):
            self.terminal.type(f"TERM={term} {self.command('top')}; echo status=$?", "Enter")
            self.terminal.wait_until(lambda now: re.search(rf"{line}\s+status=2", now) is not None, line)

    def test_this_machine(self) -> None:
        answer = ask("--local", "--watch", "deferred")
        self.assertEqual(answer.status, 2)
        self.assertRegex(answer.stderr, r"^fleetqshape: --watch is for questions to an aggregator.*\n$")


if __name__ == "__main__":
    unittest.main()
