"""Contexts: fleets that the configuration file names, and the one that is current.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_contexts
"""

import contextlib
import os
import stat
import tempfile
import unittest
from pathlib import Path

from integration.small_fleet import SmallFleet
from support.fleet import Answer, ask, free_address

OK, ERROR, USAGE = 0, 1, 2


class Contexts(unittest.TestCase):
    """Two contexts: one with a fleet, one where nobody is."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.fleet = SmallFleet(stack)
        cls.good = cls.fleet.aggregator.query_address
        cls.bad = free_address()

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-")))
        self.file = self.home / ".config" / "fleetqshape" / "config.toml"
        self.file.parent.mkdir(parents=True)
        self.text = (f'# Fleets.\ncontext = "eu"  # mine\n\n[contexts.eu]\nserver = "{self.good}"\ncluster = "eu"\n'
                     f'description = "Frankfurt"\n\n[contexts.spam]\nserver = ["{self.bad}", "{self.good}"]\n'
                     'select = "role in (spam)"\n\n[contexts.away]\n'
                     f'server = "{self.bad}"\n')
        self.file.write_text(self.text, encoding="utf-8")

    def ask(self, *arguments: str, **variables: str) -> Answer:
        return ask(*arguments, variables={"HOME": str(self.home), **variables})

    def relays(self, *arguments: str, **variables: str) -> set[str]:
        answer = self.ask("deferred", *arguments, **variables)
        self.assertEqual(answer.status, OK, answer.stderr)
        return {row.split()[0].removesuffix(".example") for row in answer.stdout.decode().splitlines()[2:]}

    def assert_fails(self, answer: Answer, what: str, status: int = USAGE) -> None:
        self.assertEqual((answer.status, answer.stdout), (status, b""), answer.stderr)
        self.assertRegex(answer.stderr, r"\Afleetqshape: [^\n]*\n\Z")
        self.assertIn(what, answer.stderr)

    def test_line_before_environment_before_context_before_top_level(self) -> None:
        self.assertEqual(self.relays(), {"mx1.eu", "mx2.eu"})
        self.assertEqual(self.relays("--context", "spam"), {"mx2.eu"})
        self.assertEqual(self.relays(FLEETQSHAPE_CONTEXT="spam"), {"mx2.eu"})
        self.assertEqual(self.relays("--context", "eu", FLEETQSHAPE_CONTEXT="away"), {"mx1.eu", "mx2.eu"})
        self.assertEqual(self.relays(FLEETQSHAPE_CLUSTER="us"), {"mx1.us"})
        self.assertEqual(self.relays("--cluster", "us", "--context", "eu"), {"mx1.us"})
        self.assertEqual(self.relays("--context", "away", "--server", self.good), {"mx1.eu", "mx2.eu", "mx1.us"})
        self.file.write_text(f'server = "{self.bad}"\ncluster = "us"\ncontext = "here"\n'
                             f'[contexts.here]\nserver = "{self.good}"\n[contexts.eu]\nserver = "{self.good}"\n'
                             'cluster = "eu"\n', encoding="utf-8")
        self.assertEqual(self.relays(), {"mx1.us"})
        self.assertEqual(self.relays("--context", "eu"), {"mx1.eu", "mx2.eu"})
        # None at all: the top level.
        self.assert_fails(self.ask("--context", "", "deferred"), f"no aggregator answers at {self.bad}", ERROR)
        self.assert_fails(self.ask("deferred", FLEETQSHAPE_CONTEXT=""), f"no aggregator answers at {self.bad}", ERROR)

    def test_second_server_is_asked_when_the_first_is_away(self) -> None:
        answer = self.ask("deferred", "--context", "spam")
        self.assertEqual(answer.status, OK)
        lines = answer.stderr.splitlines()
        self.assertEqual(len(lines), 2, answer.stderr)
        self.assertIn(f"no aggregator answers at {self.bad}", lines[0])
        self.assertEqual(lines[1], "fleetqshape: 1 relay: 1 fresh")
        other = free_address()
        self.assert_fails(self.ask("deferred", "--server", f"{self.bad},{other}"),
                          f"no aggregator answers at {self.bad}", ERROR)
        self.assertIn(f"answers at {other}", self.ask("deferred", "--server", f"{self.bad},{other}").stderr)

    def test_list(self) -> None:
        answer = self.ask("context", "list")
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        lines = answer.stdout.decode().splitlines()
        self.assertEqual(lines[0].split(), ["context", "server", "relays"])
        self.assertEqual([line.split()[:2] for line in lines[1:]],
                         [["away", self.bad], ["*", "eu"], ["spam", f"{self.bad},{self.good}"]])
        self.assertIn("--cluster eu", lines[2])
        self.assertIn("Frankfurt", lines[2])
        self.assertEqual(self.ask("context").stdout, answer.stdout)

    def test_use_changes_one_key(self) -> None:
        self.file.chmod(0o640)
        self.assertEqual(self.ask("context", "use", "spam"), Answer(OK, b"", ""))
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.text.replace('"eu"  # mine', '"spam"  # mine'))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o640)
        self.assertEqual(self.relays(), {"mx2.eu"})
        self.assertEqual([path.name for path in self.file.parent.iterdir()], ["config.toml"])

    def test_use_follows_a_link(self) -> None:
        target = self.home / "dotfiles.toml"
        self.file.rename(target)
        self.file.symlink_to(target)
        self.assertEqual(self.ask("context", "use", "away").status, OK)
        self.assertTrue(self.file.is_symlink())
        self.assertIn('context = "away"', target.read_text(encoding="utf-8"))

    def test_use_adds_the_key(self) -> None:
        text = self.text.replace('context = "eu"  # mine\n', "")
        self.file.write_text(text, encoding="utf-8")
        self.assertEqual(self.ask("context", "use", "eu").status, OK)
        self.assertEqual(self.file.read_text(encoding="utf-8"), f'context = "eu"\n{text}')

    def test_use_of_a_file_that_cannot_be_written(self) -> None:
        os.symlink("/proc/self/mounts", self.home / "unwritable.toml")
        answer = self.ask("--config", str(self.home / "unwritable.toml"), "context", "use", "eu")
        self.assertEqual(answer.stdout, b"")
        self.assertIn(answer.status, (ERROR, USAGE))

    def test_wrong_current_context_can_be_mended(self) -> None:
        self.file.write_text(self.text.replace('"eu"  # mine', '"gone"  # mine'), encoding="utf-8")
        self.assert_fails(self.ask("deferred"), "unknown context gone; there is: away, eu, spam")
        self.assertEqual(self.ask("context", "list").status, OK)
        self.assertEqual(self.ask("context", "use", "eu").status, OK)
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.text)

    def test_mistakes(self) -> None:
        self.assert_fails(self.ask("deferred", "--context", "spma"), "unknown context spma: did you mean spam?")
        self.assert_fails(self.ask("context", "use", "spma"), "unknown context spma: did you mean spam?")
        self.assert_fails(self.ask("context", "lst"), "did you mean list?")
        self.assert_fails(self.ask("context", "use"), "it is `fleetqshape context list` or")
        self.assert_fails(self.ask("context", "list", "eu"), "it is `fleetqshape context list` or")
        self.file.write_text('[contexts.eu]\nserver = "x:1"\nclutser = "eu"\n', encoding="utf-8")
        self.assert_fails(self.ask("deferred"), f"{self.file}: line 3: unknown key clutser of a context: did you mean "
                                                "cluster?")
        self.file.write_text('servr = "x:1"\n', encoding="utf-8")
        self.assert_fails(self.ask("deferred"), "line 1: unknown key servr: did you mean server?")
        for server, shown, meant in (("5", "5", "agg1.example.com"), ('"agg1"', "agg1", "agg1"),
                                     ('["x:1", "agg2:99999"]', "agg2:99999", "agg2"), ('""', '""', "agg1.example.com")):
            what = f"the server {shown}: must be HOST:PORT, as {meant}:7778 (7778 is the usual port for questions)"
            for commands in (["deferred"], ["context", "list"], ["context", "use", "eu"]):
                self.file.write_text(f'[contexts.eu]\nserver = {server}\n', encoding="utf-8")
                self.assert_fails(self.ask(*commands), f"{self.file}: line 2: in the context eu {what}")
                self.file.write_text(f'server = {server}\n[contexts.eu]\n', encoding="utf-8")
                self.assert_fails(self.ask(*commands), f"{self.file}: line 1: {what}")
        self.file.unlink()
        self.assert_fails(self.ask("deferred", "--context", "eu"), "unknown context eu: contexts stand in the")
        without = self.ask("context", "list")
        self.assertEqual((without.status, without.stdout), (0, b""))
        self.assertEqual(without.stderr, f"fleetqshape: there are no contexts: there is no file {self.file}\n")


if __name__ == "__main__":
    unittest.main()
