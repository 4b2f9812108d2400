"""fleetqshape's command line: where it finds its server, which relays it asks for, and what it says when it can't.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_command_line
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
from collections.abc import Mapping
from pathlib import Path

from integration.small_fleet import SmallFleet
from support.fleet import Aggregator, Answer, ask, environment, free_address, program
from support.waiting import wait_until

OK, ERROR, USAGE, INCOMPLETE, THRESHOLD = range(5)


class OneLiner:
    """A server that says one thing to each who connects, and hangs up."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return "127.0.0.1:%d" % self._socket.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    connection.sendall(self._words)


class Failures(unittest.TestCase):
    """Each failure is one line on standard error, nothing on standard output, and the status that --help says."""

    def assert_fails(self, status: int, what: str, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        with self.subTest(arguments=arguments, variables=variables):
            answer = ask(*arguments, variables=variables)
            self.assertEqual((answer.status, answer.stdout), (status, b""), answer.stderr)
            self.assertRegex(answer.stderr, r"\Afleetqshape: [^\n]*\n\Z")
            self.assertIn(what, answer.stderr)

    def test_help_tells_the_statuses(self) -> None:
        answer = ask("--help")
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        self.assertIn(b"Exit status: 0 answered, 1 error, 2 wrong usage, 3 answered but not from every relay",
                      b" ".join(answer.stdout.split()))

    def test_help_fits_on_a_terminal(self) -> None:
        lines = ask("--help").stdout.decode().splitlines()
        self.assertEqual([line for line in lines if len(line) >= 80], [])
        self.assertIn("usually of port 7778", " ".join(" ".join(lines).split()))

    def test_version(self) -> None:
        answer = ask("--version")
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        self.assertRegex(answer.stdout, rb"\Afleetqshape \d+\.\d+\.\d+\n\Z")

    def test_no_server(self) -> None:
        self.assert_fails(USAGE, "give --server HOST:PORT", "deferred")
        self.assert_fails(USAGE, "give --server HOST:PORT")

    def test_unreachable_aggregator(self) -> None:
        address = free_address()
        refused = f"no aggregator answers at {address} (connection refused: nothing listens there): is it running"
        self.assert_fails(ERROR, refused, "--server", address, "deferred")
        self.assert_fails(ERROR, refused, "--server", address, "relays")
        self.assert_fails(ERROR, refused, "--server", address, "relays", "forget", "--host", "mx1")
        # Without a network there is no name server, either.
        self.assert_fails(ERROR, "no aggregator answers at relay.invalid:7777 (the", "--server", "relay.invalid:7777")

    def test_what_grpc_says_is_for_those_who_ask(self) -> None:
        address = free_address()
        for server in (address, "relay.invalid:7777"):
            plain = ask("--server", server, "deferred").stderr
            verbose = ask("--server", server, "deferred", "-v").stderr
            for word in ("gRPC", "UNKNOWN", "C-ares", "ARES", "DNS", "addresses"):
                self.assertNotIn(word, plain)
            self.assertTrue(verbose.startswith(plain.rstrip("\n") + " [gRPC: "), verbose)
            self.assertEqual(verbose.count("\n"), 1)

    def test_somebody_else_listens(self) -> None:
        for first_words in (b"", b"220 mx.example ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            with OneLiner(first_words) as address:
                self.assert_fails(ERROR, f"no aggregator answers at {address} (somebody is there, but breaks the "
                                         "connection off)", "--server", address, "deferred")

    def test_server_that_is_no_aggregator(self) -> None:
        with Aggregator() as aggregator:
            self.assert_fails(ERROR, f"{aggregator.ingest_address} does not know this question: is this the aggregator's "
                                     "ingest address (its query address is needed), or is the aggregator of another "
                                     "version than this command", "--server", aggregator.ingest_address, "deferred")

    def test_bad_server_address(self) -> None:
        for address, meant in (("nonsense", "nonsense"), ("host:", "host"), (":7777", "agg1.example.com"),
                               ("host:port", "host"), ("host:99999", "host"), ("1.2.3.4", "1.2.3.4"),
                               ("1.2.3.4:5:6", "agg1.example.com"), ("::1", "[::1]"), ("[::1]", "[::1]"),
                               ("5", "agg1.example.com"), ("a b", "agg1.example.com")):
            self.assert_fails(USAGE, f"--server {address}: must be HOST:PORT, as {meant}:7778 (7778 is the usual port for "
                                     "questions)", "--server", address)
        self.assert_fails(USAGE, "--server x: must be HOST:PORT, as x:7778", variables={"FLEETQSHAPE_SERVER": "x"})

    def test_no_relay_at_all(self) -> None:
        with Aggregator() as aggregator:
            self.assert_fails(ERROR, "no relay has reported yet", "--server", aggregator.query_address)

    def test_unknown_queue(self) -> None:
        address = free_address()
        self.assert_fails(USAGE, "unknown queue defered: did you mean deferred?", "--server", address, "deferred", "defered")
        self.assert_fails(USAGE, "unknown queue corrupt", "--server", address, "corrupt")

    def test_bad_select(self) -> None:
        for select in ("=gateway", "role=", "role=gateway,", "role in gateway"):
            self.assert_fails(USAGE, "must be KEY=VALUE", "--server", free_address(), "--select", select)

    def test_relays_is_no_queue(self) -> None:
        address = free_address()
        for words in (["deferred"], ["forgot"], ["forget", "deferred"], ["relays"]):
            self.assert_fails(USAGE, "it is `fleetqshape relays` or", "--server", address, "relays", *words)
        self.assert_fails(USAGE, "unknown queue relays", "--server", address, "deferred", "relays")
        for options in (["-s"], ["-b", "3"], ["-n0"], ["--at", "1700000000"]):
            self.assert_fails(USAGE, "none that is about a table", "--server", address, "relays", *options)
            self.assert_fails(USAGE, "none that is about a table", "--server", address, "relays", "forget", "--host",
                              "mx1", *options)

    def test_standard_output_that_is_full(self) -> None:
        with Aggregator() as aggregator:
            for words in (["--help"], ["--version"], ["completion", "zsh"], ["--local", "/nonexistent"],
                          ["--server", aggregator.query_address, "--config", "/dev/null", "context", "list"]):
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([program("fleetqshape"), *words], stdin=subprocess.DEVNULL, stdout=full,
                                          stderr=subprocess.PIPE, timeout=60, env=environment(), check=False)
                self.assertEqual(done.returncode, ERROR, words)
                self.assertTrue(done.stderr.decode().endswith(
                    "fleetqshape: cannot write to standard output: No space left on device\n"), done.stderr)

    def test_reader_that_goes_away(self) -> None:
        for words in (["--help"], ["--version"], ["completion", "zsh"], ["--config", "/dev/null", "context", "list"]):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([program("fleetqshape"), *words], stdin=subprocess.DEVNULL, stdout=writer,
                                  stderr=subprocess.PIPE, timeout=60, env=environment(), check=False)
            os.close(writer)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""), words)

    def test_forgetting_needs_a_choice(self) -> None:
        address = free_address()
        self.assert_fails(USAGE, "which relays are to be forgotten?", "--server", address, "relays", "forget")
        self.assert_fails(USAGE, "which relays are to be forgotten?", "--server", address, "relays", "forget",
                          "--stranded", variables={"FLEETQSHAPE_CLUSTER": "eu"})
        self.assert_fails(USAGE, "--stranded goes with", "--server", address, "--stranded", "deferred")
        self.assert_fails(USAGE, "--stranded goes with", "--server", address, "--stranded", "relays")
        self.assert_fails(USAGE, "--stranded goes with", "--stranded", "/var/spool/postfix/deferred")

    def test_relays_of_nobody(self) -> None:
        address = free_address()
        self.assert_fails(USAGE, "give --server HOST:PORT", "relays")
        self.assert_fails(ERROR, f"no aggregator answers at {address}", "--server", address, "relays")
        self.assert_fails(ERROR, f"no aggregator answers at {address}", "--server", address, "relays", "forget",
                          "--host", "mx1")
        with Aggregator() as aggregator:
            for words in (["relays"], ["relays", "forget", "--host", "mx1"]):
                self.assert_fails(ERROR, "no relay has reported yet", "--server", aggregator.query_address, *words)

    def test_unknown_option_and_missing_value(self) -> None:
        self.assert_fails(USAGE, "--nonsense", "--nonsense")
        self.assert_fails(USAGE, "-z", "-pz", "deferred")
        self.assert_fails(USAGE, "-w", "-w")

    def test_compat_without_local(self) -> None:
        self.assert_fails(USAGE, "--compat counts this machine's queue files", "--compat", "--server", free_address())

    def test_choice_of_relays_with_local_files(self) -> None:
        for option, value in (("--cluster", "eu"), ("--host", "mx1"), ("--role", "gateway"), ("--select", "a=b")):
            self.assert_fails(USAGE, "choose relays of a fleet", option, value, "/var/spool/postfix/deferred")
            self.assert_fails(USAGE, "choose relays of a fleet", option, value, "--local")
            self.assert_fails(USAGE, "choose relays of a fleet", option, value, "-c", "/etc/postfix")

    def test_bad_times_and_sizes(self) -> None:
        for at in ("now", "-5", "0", "1e99"):
            self.assert_fails(USAGE, "--at", "--at", at, "/nonexistent")
        self.assert_fails(USAGE, "-b", "-b", "1e9", "/nonexistent")
        self.assert_fails(USAGE, "-w", "-w", "1e9", "/nonexistent")

    def test_bad_configuration_file(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "config.toml"
            self.assert_fails(USAGE, f"there is no configuration file {file}", "--config", str(file), "/nonexistent")
            self.assert_fails(USAGE, f"cannot read the configuration file {directory}: Is a directory", "--config",
                              directory, "/nonexistent")
            default = Path(directory, "fleetqshape", "config.toml")
            default.mkdir(parents=True)
            self.assert_fails(USAGE, f"cannot read the configuration file {default}: Is a directory", "/nonexistent",
                              variables={"XDG_CONFIG_HOME": directory})
            for text in ("nonsense = 1\n", "[server\n", "[section]\nserver = \"127.0.0.1:7777\"\n"):
                file.write_text(text, encoding="utf-8")
                self.assert_fails(USAGE, "", "--config", str(file), "/nonexistent")
            file.write_text("stranded = true\n", encoding="utf-8")
            self.assert_fails(USAGE, "line 1: stranded is for the command line only", "--config",
                              str(file), "--server", free_address(), "relays", "forget", "--host", "mx1")


class Server(unittest.TestCase):
    """--server, else FLEETQSHAPE_SERVER, else the configuration file."""

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-")))
        self.good = stack.enter_context(Aggregator()).query_address
        self.bad = free_address()

    def configure(self, server: str) -> None:
        file = self.directory / ".config" / "fleetqshape" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'server = "{server}"\n', encoding="utf-8")

    def reached(self, *arguments: str, **variables: str) -> bool:
        """Whether the question got to the aggregator, which has no relays, and not to where nobody is."""
        answer = ask(*arguments, "deferred", variables={"HOME": str(self.directory), **variables})
        reached, missed = "no relay has reported" in answer.stderr, f"answers at {self.bad}" in answer.stderr
        self.assertEqual((reached + missed, answer.status), (1, ERROR), answer.stderr)
        return reached

    def test_from_the_command_line(self) -> None:
        self.assertTrue(self.reached("--server", self.good))
        self.assertTrue(self.reached(f"--server={self.good}"))

    def test_from_the_environment(self) -> None:
        self.assertTrue(self.reached(FLEETQSHAPE_SERVER=self.good))

    def test_from_the_file_in_the_home_directory(self) -> None:
        self.configure(self.good)
        self.assertTrue(self.reached())

    def test_from_the_file_in_the_configuration_directory(self) -> None:
        self.configure(self.good)
        self.assertTrue(self.reached(HOME="/nonexistent", XDG_CONFIG_HOME=str(self.directory / ".config")))

    def test_from_a_file_that_is_named(self) -> None:
        self.configure(self.bad)
        file = self.directory / "other.toml"
        file.write_text(f'server = "{self.good}"\n', encoding="utf-8")
        self.assertTrue(self.reached("--config", str(file)))
        self.assertTrue(self.reached(FLEETQSHAPE_CONFIG=str(file)))

    def test_configuration_directory_wins_over_home(self) -> None:
        self.configure(self.bad)
        other = self.directory / "other" / "fleetqshape"
        other.mkdir(parents=True)
        (other / "config.toml").write_text(f'server = "{self.good}"\n', encoding="utf-8")
        self.assertTrue(self.reached(XDG_CONFIG_HOME=str(other.parent)))

    def test_environment_wins_over_the_file(self) -> None:
        self.configure(self.bad)
        self.assertTrue(self.reached(FLEETQSHAPE_SERVER=self.good))
        self.configure(self.good)
        self.assertFalse(self.reached(FLEETQSHAPE_SERVER=self.bad))

    def test_command_line_wins_over_both(self) -> None:
        self.configure(self.bad)
        self.assertTrue(self.reached("--server", self.good, FLEETQSHAPE_SERVER=self.bad))
        self.configure(self.good)
        self.assertFalse(self.reached("--server", self.bad, FLEETQSHAPE_SERVER=self.good))

    def test_web_proxy_is_not_asked(self) -> None:
        proxy = f"http://{self.bad}"
        self.assertTrue(self.reached("--server", self.good, http_proxy=proxy, https_proxy=proxy, grpc_proxy=proxy))


class Relays(unittest.TestCase):
    """Which relays an answer covers; the tests only ask."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.fleet = SmallFleet(stack)

    def ask(self, *arguments: str) -> Answer:
        return self.fleet.aggregator.ask(*arguments, "deferred")

    def test_selections_and_their_coverage(self) -> None:
        for arguments, relays in (
                ([], {"mx1.eu", "mx2.eu", "mx1.us"}),
                (["--cluster", "eu"], {"mx1.eu", "mx2.eu"}),
                (["--cluster", "eu", "--cluster", "us"], {"mx1.eu", "mx2.eu", "mx1.us"}),
                (["--host", "mx1"], {"mx1.eu", "mx1.us"}),
                (["--host", "mx1", "--cluster", "us"], {"mx1.us"}),
                (["--role", "spam"], {"mx2.eu"}),
                (["--role", "spam", "--role", "gateway"], {"mx1.eu", "mx2.eu", "mx1.us"}),
                (["--select", "role=gateway,cluster=eu"], {"mx1.eu"}),
                (["--select", "rack=us-gateway"], {"mx1.us"}),
                (["--select", "instance=postfix", "--select", "host=mx2"], {"mx2.eu"}),
        ):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.fleet.domains(*arguments), relays)
                count = f"{len(relays)} relay{'' if len(relays) == 1 else 's'}: {len(relays)} fresh"
                answer = self.ask(*arguments)
                self.assertEqual((answer.status, answer.stderr), (OK, f"fleetqshape: {count}\n"))

    def test_examples_of_the_help_are_right_usage(self) -> None:
        examples = re.findall(r"^  fleetqshape (\S.*?)(?:  .*)?$", ask("--help").stdout.decode(), re.M)
        self.assertGreater(len(examples), 15)
        for example in examples:
            answer = ask(*shlex.split(example), variables={"FLEETQSHAPE_SERVER": self.fleet.aggregator.query_address})
            if "top" in example or "--watch" in example:
                self.assertIn("draws on a terminal", answer.stderr, example)
            elif "forget" in example:
                self.assertIn("its agent reports", answer.stderr, example)
            elif "/var/spool/postfix" in example or "--local" in example:
                self.assertIn(answer.status, (OK, ERROR), (example, answer.stderr))
            elif "--fail-if" in example:
                self.assertEqual(answer.status, THRESHOLD, (example, answer.stderr))
            else:
                self.assertEqual(answer.status, OK, (example, answer.stderr))

    def test_queue_after_a_selection_is_a_queue(self) -> None:
        self.assertEqual(self.fleet.aggregator.ask("--cluster", "eu", "hold").status, OK)

    def test_negated_condition_that_leaves_nothing_out_is_told(self) -> None:
        for select, what in (
                ("role!=gatway", "--select role!=gatway leaves no relay out: no relay has role gatway: did you mean "
                                 "gateway? There is: gateway, spam"),
                ("rol!=spam", "--select rol!=spam leaves no relay out: no relay has a label rol: did you mean role? "
                              "There is: rack, role"),
                ("cluster notin (eu,ue)", "--select cluster!=ue leaves no relay out: no relay has cluster ue: did you "
                                          "mean eu? There is: eu, us"),
                ("!draining", "--select !draining leaves no relay out: no relay has a label draining; there is: rack, "
                              "role")):
            with self.subTest(select=select):
                line = f"fleetqshape: {what}\n"
                answer = self.ask("--select", select)
                self.assertEqual((answer.status, answer.stderr.count("\n")), (OK, 2))
                self.assertTrue(answer.stderr.endswith(line), answer.stderr)
                self.assertIn(b"TOTAL", answer.stdout)
                relays = self.fleet.aggregator.ask("relays", "--select", select)
                self.assertEqual((relays.status, relays.stderr), (OK, line))
                # There it would take what was to stay.
                forget = self.fleet.aggregator.ask("relays", "forget", "--select", select)
                self.assertEqual((forget.status, forget.stdout, forget.stderr),
                                 (ERROR, b"", f"fleetqshape: nothing was forgotten: {what}\n"))
        for arguments, variables in ((["--select", "role!=spam,cluster!=us"], {}),
                                     ([], {"FLEETQSHAPE_SELECT": "!draining"})):
            answer = ask("--server", self.fleet.aggregator.query_address, "deferred", *arguments, variables=variables)
            self.assertEqual((answer.status, answer.stderr.count("\n")), (OK, 1), answer.stderr)

    def test_no_match_says_what_there_is(self) -> None:
        for arguments, what in ((["--cluster", "asia"], "no relay has cluster asia; there is: eu, us"),
                                (["--cluster", "uus"], "no relay has cluster uus: did you mean us? There is: eu, us"),
                                (["--role", "gatway"], "no relay has role gatway: did you mean gateway? There is: "
                                                       "gateway, spam"),
                                (["--select", "rol=gateway"], "no relay has a label rol: did you mean role? There is: "
                                                              "rack, role"),
                                (["--by", "rakc"], "no relay has a label rakc: did you mean rack? There is: rack, role"),
                                (["--by", "hots"], "no relay has a label hots: did you mean host? There is: rack, role"),
                                (["--by", "queu"], "no relay has a label queu; there is: rack, role (did you mean "
                                                   "queue?)"),
                                (["--compare", "rol"], "no relay has a label rol: did you mean role?"),
                                (["--compare", "role=gatway,spam"], "no relay has role gatway: did you mean gateway?"),
                                (["--host", "mx9"], "no relay has host mx9; there is: mx1, mx2"),
                                (["--role", "archive"], "no relay has role archive; there is: gateway, spam"),
                                (["--select", "colour=red"], "no relay has a label colour"),
                                (["--cluster", "us", "--host", "mx2"], "no relay matches all of the conditions")):
            with self.subTest(arguments=arguments):
                answer = self.ask(*arguments)
                self.assertEqual((answer.status, answer.stdout), (ERROR, b""))
                self.assertRegex(answer.stderr, r"\Afleetqshape: [^\n]*\n\Z")
                self.assertIn(what, answer.stderr)


class StaleRelays(unittest.TestCase):
    def test_silent_relay_is_named_and_stays_in_the_answer(self) -> None:
        with contextlib.ExitStack() as stack:
            fleet = SmallFleet(stack, "--stale-after", "1")
            fleet.agents["eu", "mx2"].kill()
            # The others heartbeat each ten seconds only, and may be silent too.
            one = wait_until(lambda: self.stale(fleet, "--host", "mx2"), 20, "the dead relay is called stale")
            self.assertRegex(one, r"\Afleetqshape: 1 relay: 0 fresh, 1 stale \(eu/mx2/postfix silent for \d+s, "
                                  r"1 message\); 1 message is stranded on a host that nobody hears of\n\Z")
            self.assertEqual(fleet.domains("--host", "mx2"), {"mx2.eu"})
            fleet.agents["eu", "mx2"].start()
            wait_until(lambda: fleet.aggregator.ask("--host", "mx2").stderr == "fleetqshape: 1 relay: 1 fresh\n", 20,
                       "the relay is fresh again")

    def stale(self, fleet: SmallFleet, *arguments: str) -> str | None:
        answer = fleet.aggregator.ask(*arguments, "deferred")
        return answer.stderr if "stale" in answer.stderr else None


if __name__ == "__main__":
    unittest.main()
