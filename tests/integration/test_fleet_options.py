"""fleetqshape's options for fleets: what fits together, what is said of mistakes, and the exit status.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_fleet_options
"""

import contextlib
import unittest

from integration.small_fleet import ARRIVAL, SmallFleet
from support.fleet import ask, free_address
from support.waiting import wait_until

OK, ERROR, USAGE, INCOMPLETE, THRESHOLD = range(5)


class Mistakes(unittest.TestCase):
    """Each is one line, with the nearest right word where there is one, and status 2. No aggregator is asked."""

    def assert_wrong(self, what: str, *arguments: str, server: bool = True) -> None:
        with self.subTest(arguments=arguments):
            answer = ask(*(["--server", free_address()] if server else []), *arguments)
            self.assertEqual((answer.status, answer.stdout), (USAGE, b""), answer.stderr)
            self.assertRegex(answer.stderr, r"\Afleetqshape: [^\n]*\n\Z")
            self.assertIn(what, answer.stderr)

    def test_nearest_word(self) -> None:
        for what, *arguments in (
                ("unknown option --clsuter: did you mean --cluster?", "--clsuter", "eu", "deferred"),
                ("unknown option --clsuter: did you mean --cluster?", "--clsuter=eu"),
                ("unknown option --odler: did you mean --older?", "deferred", "--odler", "4h"),
                ("unknown option --quux (fleetqshape --help tells)", "--quux"),
                ("unknown option -z", "-z"), ("unknown option -z", "-sz"),
                ("unknown option --\\x1b[31m", "--\x1b[31m"),
                ("unknown option -cluster: did you mean --cluster?", "-cluster", "eu"),
                ("unknown option -sort: did you mean --sort?", "-sort=name"),
                ("unknown queue defered: did you mean deferred?", "defered"),
                ("unknown queue rleays: did you mean relays?", "rleays"),
                ("unknown queue tpo: did you mean top?", "tpo"),
                ("unknown queue inocming: did you mean incoming?", "top", "inocming"),
                ("unknown queue help: did you mean --help?", "help"),
                ("unknown option -5", "-s5"), ("unknown option -5", "--watch", "-5"),
                ("--output jsn: did you mean json?", "--output", "jsn"),
                ("--output xml: there is table, wide, json, csv, prometheus", "--output", "xml"),
                ("--color allways: did you mean always?", "--color", "allways"),
                ("--sort nmae: did you mean name?", "--sort", "nmae"),
                ("--sort spma: did you mean spam?", "--compare", "role=gateway,spam", "--sort", "spma"),
                ("--fail-if totl>5: there is no figure totl: did you mean total?", "--fail-if", "totl>5"),
                ("completion bsh: did you mean bash?", "completion", "bsh"),
        ):
            self.assert_wrong(what, *arguments)

    def test_values(self) -> None:
        for what, *arguments in (
                ("--older 4x: must be a time", "--older", "4x"), ("--older", "--older="),
                ("--younger 1.5h: must be a time", "--younger", "1.5h"),
                ("nothing is younger than --younger 0", "--younger", "0"),
                ("that must be the longer time", "--older", "4h", "--younger", "4h"),
                ("--rows -1: must be", "--rows", "-1"),
                ("--rows many: must be", "--rows", "many"),
                ("--watch 0.4: must be", "--watch=0.4"), ("--watch soon: must be", "--watch=soon"),
                ("--watch 0.1: must be", "--watch", "0.1", "deferred"),
                ("needs two values", "--compare", "role=gateway"), ("is given twice", "--compare", "role=a,a"),
                ("--compare", "--compare", "=a,b"), ("a value must be", "--compare", "role=a,"),
                ("groups of relays are compared", "--compare", "queue"),
                ("--by must be", "--by", "a b"), ("--by needs a value", "--by", ""),
                ("needs a domain", "--to", "."), ("--fail-if total: must be as", "--fail-if", "total"),
                ("--server nonsense: must be HOST:PORT", "--server", "nonsense"),
                ("--role needs a value", "--role", ""), ("--host needs a value", "--host", ""),
                ("--strict must be true or false, not maybe", "--strict=maybe"),
                # An empty value, and not the word that follows.
                ("--by needs a value", "--by=", "host"), ("--role needs a value", "--role=", "deferred"),
                ("--rows needs a value", "--rows=", "5"), ("--older needs a value", "--older=", "4h"),
                ("--sort needs a value", "--sort=", "deferred"), ("--sort needs a value", "--sort", ""),
                ("--output needs a value", "--output", ""), ("--at needs a value", "--at", ""),
                ("--tls-ca needs a value", "--tls-ca", ""), ("--tls-ca needs a value", "--tls-ca=", "deferred"),
                ("--cluster ,: there is nothing before the first comma", "--cluster", ",", "deferred"),
                ("--host mx1,: there is nothing after the last comma", "--host", "mx1,"),
                ("--role a,,b: there is nothing between two commas", "--role=a,,b"),
                ("--to ,: there is nothing", "--to", ",", "deferred"),
                ("--from a.example,: there is nothing", "--from", "a.example,", "deferred"),
                ("--older 4h,: there is nothing", "--older", "4h,"),
                ("--younger ,4h: there is nothing", "--younger", ",4h"),
                ("--fail-if total>many: total is the number that TOTAL shows", "--fail-if", "total>many"),
        ):
            self.assert_wrong(what, *arguments)

    def test_empty_name_of_the_environment(self) -> None:
        """Without it the question would be about all relays."""
        answer = ask("--server", free_address(), "deferred", variables={"FLEETQSHAPE_CLUSTER": ","})
        self.assertEqual((answer.status, answer.stderr), (
            USAGE, "fleetqshape: --cluster ,: there is nothing before the first comma\n"))

    def test_options_that_do_not_fit(self) -> None:
        for what, *arguments in (
                ("-s is about senders", "-s", "--to", "a.example"), ("--from is about", "--to", "a", "--from", "b"),
                ("with --by rows are no domains", "-p", "--by", "host"),
                ("--sort share goes with --compare", "--sort", "share"),
                ("--sort gateway: there is total, name", "--sort", "gateway"),
                ("--output is table or wide then", "--watch", "--output", "json"),
                ("--at stops the time", "--watch", "--at", "1700000000"),
                ("not with --watch", "top", "--fail-if", "total>5"),
                ("--check goes with `fleetqshape relays`", "--check", "deferred"),
                ("none that is about a table", "relays", "--by", "host"),
                ("none that is about a table", "relays", "--watch"),
                ("none that is about a table", "relays", "--fail-if", "total>1"),
                ("nobody is asked", "context", "list", "--context", "eu"),
        ):
            self.assert_wrong(what, *arguments)

    def test_local_files_are_for_qshape_options(self) -> None:
        for option in (["--by", "host"], ["--to", "a.example"], ["--from", "a"], ["--older", "4h"],
                       ["--younger", "4h"], ["--compare", "role"], ["--sort", "name"], ["--rows", "5"],
                       ["--output", "json"], ["--strict"], ["--fail-if", "total>5"], ["--watch"], ["--watch=5"]):
            what = f"{' '.join(option) if 'json' in option else option[0].split('=')[0]} is for questions to an aggregator"
            self.assert_wrong(what, *option, "/nonexistent/deferred", server=False)
            self.assert_wrong(what, "--local", *option, server=False)

    def test_nothing_is_asked_for(self) -> None:
        self.assert_wrong("give --server HOST:PORT", "--older", "4h", server=False)
        self.assert_wrong("give --server HOST:PORT", "top", server=False)


class Statuses(unittest.TestCase):
    """--strict and --fail-if; three relays with a message each."""

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.fleet = SmallFleet(stack, "--stale-after", "1")

    def assert_ends(self, status: int, what: str, *arguments: str) -> None:
        answer = self.fleet.aggregator.ask("deferred", *arguments)
        self.assertEqual(answer.status, status, answer.stderr)
        self.assertIn(b"TOTAL", answer.stdout)
        self.assertIn(what, answer.stderr)

    def test_total(self) -> None:
        self.assert_ends(OK, "", "--fail-if", "total>3")
        self.assert_ends(THRESHOLD, "fleetqshape: --fail-if total>=3: it is 3\n", "--fail-if", "total>=3")
        self.assert_ends(THRESHOLD, "--fail-if total>2: it is 3", "--fail-if", "total>5", "--fail-if", "total>2")
        self.assert_ends(OK, "", "--fail-if", "total>1", "--host", "mx2")

    def test_oldest(self) -> None:
        at = ["--at", str(ARRIVAL + 4 * 3600)]
        self.assert_ends(OK, "", *at, "--fail-if", "oldest>4h")
        self.assert_ends(THRESHOLD, "fleetqshape: --fail-if oldest>=4h: it is 4h\n", *at, "--fail-if", "oldest>=4h")
        self.assert_ends(THRESHOLD, "--fail-if oldest>3h59m: it is 4h", *at, "--fail-if", "oldest>3h59m")
        # No mail has no age.
        self.assert_ends(OK, "", *at, "--fail-if", "oldest>=0", "--to", "nobody.example")

    def test_relays_that_are_silent(self) -> None:
        self.fleet.agents["eu", "mx2"].kill()
        wait_until(lambda: "stale" in self.fleet.aggregator.ask("--host", "mx2").stderr, 20, "the relay is stale")
        self.assert_ends(OK, "1 stale", "--host", "mx2")
        self.assert_ends(INCOMPLETE, "fleetqshape: --strict: this is not the present state of every relay\n",
                         "--strict", "--host", "mx2")
        self.assert_ends(THRESHOLD, "--strict: this is not", "--strict", "--fail-if", "total>=1", "--host", "mx2")


class OptionsOfQshape(unittest.TestCase):
    """Any order of options and queues."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.fleet = SmallFleet(stack)

    def test_any_order(self) -> None:
        at = str(ARRIVAL + 100)
        for same in (
                (["-s", "--cluster", "eu", "deferred"], ["deferred", "--cluster", "eu", "-s"],
                 ["--cluster=eu", "deferred", "-s"], ["-s", "--cluster", "eu", "--", "deferred"]),
                (["-p", "-m", "2", "deferred"], ["-pm2", "deferred"], ["deferred", "-m2", "-p"]),
                (["-b", "10", "-t", "5", "deferred"], ["-b10", "deferred", "-t", "5"], ["deferred", "-t5", "-b10"]),
                (["-l", "-s", "-p", "deferred", "hold"], ["deferred", "-ps", "hold", "-l"],
                 ["-lsp", "deferred", "hold"]),
        ):
            answers = {self.fleet.aggregator.ask("--at", at, *arguments).stdout for arguments in same}
            self.assertEqual(len(answers), 1, same)
            self.assertTrue(next(iter(answers)).split())

    def test_selector(self) -> None:
        for selector, relays in (("role in (gateway,spam),cluster=eu", {"mx1.eu", "mx2.eu"}),
                                 ("role notin (gateway)", {"mx2.eu"}), ("role==spam", {"mx2.eu"}),
                                 ("role!=gateway", {"mx2.eu"}), ("rack", {"mx1.eu", "mx2.eu", "mx1.us"}),
                                 ("!draining,cluster!=eu", {"mx1.us"})):
            with self.subTest(selector=selector):
                self.assertEqual(self.fleet.domains("--select", selector), relays)


if __name__ == "__main__":
    unittest.main()
