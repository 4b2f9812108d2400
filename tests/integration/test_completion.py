"""Completion in bash, zsh and fish, with a real aggregator.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_completion
"""

import contextlib
import subprocess
import tempfile
import unittest
from pathlib import Path

from integration.queue_writing import make_queue_directory
from integration.small_fleet import SmallFleet
from support.fleet import Agent, Aggregator, ask, environment, free_address, program
from support.tmux import Tmux
from support.waiting import wait_until

PATH = f"{Path(program('fleetqshape')).parent}:/usr/sbin:/usr/bin:/sbin:/bin"


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.fleet = SmallFleet(stack)
        cls.server = cls.fleet.aggregator.query_address
        cls.home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-")))
        cls.file = cls.home / "config.toml"
        cls.file.write_text(f'context = "prod"\n[contexts.prod]\nserver = "{cls.server}"\n'
                            f'[contexts.staging]\nserver = "{free_address()}"\n', encoding="utf-8")
        cls.scripts: dict[str, Path] = {}
        for shell in ("bash", "zsh", "fish"):
            answer = ask("completion", shell)
            assert (answer.status, answer.stderr) == (0, "")
            cls.scripts[shell] = cls.home / f"completion.{shell}"
            cls.scripts[shell].write_bytes(answer.stdout)

    def run_shell(self, *command: str) -> list[str]:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60,
                              check=False, env=environment(PATH=PATH, HOME=str(self.home),
                                                           FLEETQSHAPE_CONFIG=str(self.file)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def words(self, *words: str, **variables: str) -> list[str]:
        answer = ask("__complete", *words, variables={"FLEETQSHAPE_CONFIG": str(self.file), **variables})
        self.assertEqual((answer.status, answer.stderr), (0, ""))
        return answer.stdout.decode().splitlines()

    def bash(self, line: str) -> list[str]:
        """What bash offers for the end of this line."""
        return self.run_shell("bash", "--norc", "-c", f'. {self.scripts["bash"]}; COMP_LINE=$1 COMP_POINT=${{#1}}; '
                              '_fleetqshape fleetqshape; printf "%s\\n" "${COMPREPLY[@]}"', "bash", line)

    def test_words_that_are_known(self) -> None:
        self.assertEqual(self.words("def"), ["deferred"])
        self.assertEqual(self.words("--clu"), ["--cluster"])
        self.assertEqual(self.words("--output", ""), ["csv", "json", "prometheus", "table", "wide"])
        self.assertEqual(self.words("context", "use", ""), ["prod", "staging"])
        self.assertEqual(self.words("--context", "s"), ["staging"])

    def test_words_that_the_aggregator_knows(self) -> None:
        self.assertEqual(self.words("--cluster", ""), ["eu", "us"])
        self.assertEqual(self.words("--cluster=eu,u"), ["--cluster=eu,us"])
        self.assertEqual(self.words("--cluster", "us", "--host", ""), ["mx1"])
        self.assertEqual(self.words("--role", "s"), ["spam"])
        self.assertEqual(self.words("--select", "r"), ["rack", "role"])
        self.assertEqual(self.words("--select", "role=g"), ["role=gateway"])
        self.assertEqual(self.words("deferred", "--compare", "role=gateway,"), ["role=gateway,gateway",
                                                                                "role=gateway,spam"])
        self.assertIn("rack", self.words("--by", ""))

    def test_silent_without_an_aggregator(self) -> None:
        self.assertEqual(self.words("--cluster", "", FLEETQSHAPE_SERVER=free_address()), [])
        self.assertEqual(self.words("--context", "staging", "--cluster", ""), [])
        self.assertEqual(self.words("--context", "none", "--cluster", ""), [])
        self.assertEqual(self.words("--cluster", "", FLEETQSHAPE_CONFIG="/nonexistent"), [])

    def test_bash(self) -> None:
        self.assertEqual(self.bash("fleetqshape def"), ["deferred"])
        self.assertEqual(self.bash("fleetqshape deferred --cluster "), ["eu", "us"])
        # bash has broken the word at "=" and replaces what is behind it.
        self.assertEqual(self.bash("fleetqshape --cluster=e"), ["eu"])
        self.assertEqual(self.bash("fleetqshape --select role=s"), ["spam"])
        self.assertEqual(self.bash("fleetqshape --config "), [""])

    def test_zsh(self) -> None:
        self.run_shell("zsh", "-n", str(self.scripts["zsh"]))
        # compadd works in a line editor only; here it prints.
        got = self.run_shell("zsh", "-f", "-c", 'compdef() { :; }; compadd() { shift; print -l -- "$@"; }; '
                             f'. {self.scripts["zsh"]}; words=(fleetqshape deferred --cluster ""); CURRENT=4; '
                             "_fleetqshape")
        self.assertEqual(got, ["eu", "us"])

    def test_fish(self) -> None:
        self.run_shell("fish", "-n", str(self.scripts["fish"]))
        got = self.run_shell("fish", "--no-config", "-c", f'source {self.scripts["fish"]}; '
                             "complete -C 'fleetqshape deferred --cluster '")
        self.assertEqual(got, ["eu", "us"])
        self.assertEqual(self.run_shell("fish", "--no-config", "-c", f'source {self.scripts["fish"]}; '
                                        "complete -C 'fleetqshape def'"), ["deferred"])


class InTerminals(unittest.TestCase):
    """Keys in real shells: what the line is after a Tab. Two relays, with names that shells break words at."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shells-")))
        aggregator = stack.enter_context(Aggregator())
        for host, role in (("mx:one", "gateway"), ("mx:two", "spam-relay")):
            stack.enter_context(Agent(aggregator, make_queue_directory(directory / host), host=host,
                                      labels={"role": role, "rack": f"fra:{role}"}))
        wait_until(lambda: "2 relays: 2 fresh" in aggregator.ask("deferred").stderr, 20, "both relays have reported")
        cls.variables = {"HOME": str(directory), "FLEETQSHAPE_SERVER": aggregator.query_address}
        cls.scripts = directory
        for shell in ("bash", "zsh", "fish"):
            (directory / f"completion.{shell}").write_bytes(ask("completion", shell).stdout)

    def assert_completes(self, terminal: Tmux, typed: str, wanted: str) -> None:
        terminal.type("C-l")
        terminal.wait_until(lambda screen: "fleetqshape" not in screen, "the line is empty")
        terminal.type("-l", typed)
        terminal.wait_until(lambda screen: typed in screen, f"the line is {typed}")
        terminal.type("Tab")
        terminal.wait_until(lambda screen: wanted in screen, f"the line becomes {wanted}")
        terminal.type("C-e", "C-u")

    def complete_all(self, terminal: Tmux) -> None:
        for typed, wanted in (("fleetqshape def", "fleetqshape deferred"),
                              ("fleetqshape deferred --rol", "fleetqshape deferred --role"),
                              ("fleetqshape deferred --role s", "fleetqshape deferred --role spam-relay"),
                              ("fleetqshape --cluster=te", "fleetqshape --cluster=test"),
                              ("fleetqshape --role gateway,s", "fleetqshape --role gateway,spam-relay"),
                              ("fleetqshape --host mx:o", "fleetqshape --host mx:one"),
                              ("fleetqshape --select role=g", "fleetqshape --select role=gateway"),
                              ("fleetqshape --select rack=fra:g", "fleetqshape --select rack=fra:gateway"),
                              ("fleetqshape --select 'role in (g", "fleetqshape --select 'role in (gateway"),
                              ("fleetqshape --select 'role in (gateway,s",
                               "fleetqshape --select 'role in (gateway,spam-relay"),
                              ("fleetqshape --select 'rack=fra:s", "fleetqshape --select 'rack=fra:spam-relay"),
                              ("fleetqshape --select 'role in (gateway)' --host mx:o",
                               "fleetqshape --select 'role in (gateway)' --host mx:one"),
                              ("fleetqshape context u", "fleetqshape context use")):
            self.assert_completes(terminal, typed, wanted)

    def test_bash(self) -> None:
        with Tmux(columns=120, **self.variables) as terminal:
            terminal.type(f"PATH={PATH}; . {self.scripts}/completion.bash", "Enter")
            self.complete_all(terminal)

    def test_zsh(self) -> None:
        with Tmux(columns=120, **self.variables) as terminal:
            terminal.type(f"exec env PATH={PATH} PS1='zsh> ' zsh -f", "Enter")
            terminal.wait_for("^zsh>")
            terminal.type(f"autoload -U compinit; compinit -D; . {self.scripts}/completion.zsh", "Enter")
            terminal.wait_for("(?s)completion.zsh.*^zsh>$")
            self.complete_all(terminal)

    def test_fish(self) -> None:
        with Tmux(columns=120, **self.variables) as terminal:
            terminal.type(f"exec env PATH={PATH} fish --no-config -C 'function fish_prompt; echo -n \"fish> \"; end; "
                          f"set -g fish_autosuggestion_enabled 0; source {self.scripts}/completion.fish'", "Enter")
            terminal.wait_for("^fish>")
            self.complete_all(terminal)


if __name__ == "__main__":
    unittest.main()
