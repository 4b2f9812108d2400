"""fleetqshape on this machine's queue files: which files it reads, and that it prints what qshape prints.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_local_answers
"""

import contextlib
import time
import unittest

from differential.oracle import QshapeOracle, table_difference
from support import queue_scenarios as scenarios
from support.fleet import Answer, ask
from support.private_postfix import PrivatePostfix
from support.smtp_sink import SmtpSink


class LocalAnswers(unittest.TestCase):
    """One real queue, Postfix stopped; the tests only read. It has nothing that qshape does not count."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        sink = stack.enter_context(SmtpSink())
        cls.postfix = stack.enter_context(PrivatePostfix(sink.port))
        scenarios.on_hold(cls.postfix)
        scenarios.half_delivered(cls.postfix)
        scenarios.many_subdomains(cls.postfix)
        scenarios.active_and_incoming(cls.postfix, sink)
        cls.postfix.stop()
        cls.oracle = stack.enter_context(QshapeOracle())
        cls.at = int(time.time()) + 1000

    def path(self, queue: str) -> str:
        return str(self.postfix.queue_directory / queue)

    def assert_as_qshape_of(self, answer: Answer, *arguments: str, stderr: str = "") -> None:
        """That an answer is a success and has the table that qshape prints for `arguments`."""
        status, expected, _ = self.oracle.run(arguments, self.at)
        self.assertEqual(status, 0)
        self.assertEqual((answer.status, answer.stderr), (0, stderr))
        self.assertIsNone(table_difference(expected, answer.stdout))

    def ask(self, *arguments: str, **variables: str) -> Answer:
        return ask("--at", str(self.at), *arguments, variables=variables)

    def test_absolute_path(self) -> None:
        for queue in ("hold", "incoming", "active", "deferred"):
            self.assert_as_qshape_of(self.ask(self.path(queue)), self.path(queue))
            self.assert_as_qshape_of(self.ask("--compat", self.path(queue)), self.path(queue))

    def test_absolute_path_needs_no_postconf(self) -> None:
        self.assert_as_qshape_of(self.ask(self.path("deferred"), PATH="/nonexistent"), self.path("deferred"))

    def test_configuration_directory(self) -> None:
        directory = str(self.postfix.config_directory)
        for options in ([], ["--compat"], ["-s"]):
            switches = [option for option in options if option != "--compat"]
            self.assert_as_qshape_of(self.ask("-c", directory, *options, "deferred"),
                                     "-c", directory, *switches, "deferred")

    def test_configuration_directory_wins_over_the_environment(self) -> None:
        answer = self.ask("-c", str(self.postfix.config_directory), "deferred", MAIL_CONFIG="/nonexistent")
        self.assert_as_qshape_of(answer, self.path("deferred"))

    def test_local_with_the_configuration_from_the_environment(self) -> None:
        answer = self.ask("--local", "deferred", MAIL_CONFIG=str(self.postfix.config_directory))
        self.assert_as_qshape_of(answer, self.path("deferred"))

    def test_incoming_and_active_unless_given(self) -> None:
        answer = self.ask("-c", str(self.postfix.config_directory))
        self.assert_as_qshape_of(answer, self.path("incoming"), self.path("active"))
        self.assertNotIn(b" 0    0", answer.stdout.splitlines()[1][:50])

    def test_several_queues_by_name_and_by_path(self) -> None:
        answer = self.ask("--local", "hold", self.path("deferred"), "active",
                          MAIL_CONFIG=str(self.postfix.config_directory))
        self.assert_as_qshape_of(answer, self.path("hold"), self.path("deferred"), self.path("active"))

    def test_an_absolute_path_makes_names_local_too(self) -> None:
        answer = self.ask(self.path("hold"), "deferred", MAIL_CONFIG=str(self.postfix.config_directory))
        self.assert_as_qshape_of(answer, self.path("hold"), self.path("deferred"))

    def test_expanded_queue_directory(self) -> None:
        self.postfix.configure(queue_directory="$config_directory/../queue")
        self.addCleanup(self.postfix.configure, queue_directory=str(self.postfix.queue_directory))
        directory = str(self.postfix.config_directory)
        self.assert_as_qshape_of(self.ask("-c", directory, "deferred"), self.path("deferred"))
        # qshape would not expand it, and look for a directory of that name.
        answer = self.ask("-c", directory, "--compat", "deferred")
        self.assertEqual((answer.status, answer.stdout), (1, b""))
        self.assertRegex(answer.stderr, r"\Afleetqshape: 'queue_directory' variable expansion not supported: .*\n\Z")

    def test_missing_directory_is_a_warning(self) -> None:
        missing = self.path("missing")
        warning = f"fleetqshape: warning: cannot read {missing}: No such file or directory\n"
        self.assert_as_qshape_of(self.ask(missing), missing, stderr=warning)
        self.assert_as_qshape_of(self.ask(missing, self.path("hold")), self.path("hold"), stderr=warning)
        answer = self.ask("-c", str(self.postfix.config_directory), "missing", "hold")
        self.assert_as_qshape_of(answer, self.path("hold"), stderr=warning)

    def test_relays_is_a_queue_as_any_other(self) -> None:
        warnings = "".join(f"fleetqshape: warning: cannot read {self.path(name)}: No such file or directory\n"
                           for name in ("relays", "forget"))
        answer = self.ask("-c", str(self.postfix.config_directory), "relays", "forget", "hold")
        self.assert_as_qshape_of(answer, self.path("hold"), stderr=warnings)
        answer = self.ask("--local", "relays", "forget", "hold", MAIL_CONFIG=str(self.postfix.config_directory))
        self.assert_as_qshape_of(answer, self.path("hold"), stderr=warnings)

    def test_plain_file(self) -> None:
        file = str(self.postfix.queue_files("deferred")[0])
        for options in ([], ["--compat"]):
            self.assert_as_qshape_of(self.ask(*options, file), file)

    def test_directory_named_twice_counts_once_and_twice_with_compat(self) -> None:
        hold = self.path("hold")
        self.assert_as_qshape_of(self.ask(hold, hold), hold)
        self.assert_as_qshape_of(self.ask("--compat", hold, hold), hold, hold)

    def test_bundled_options(self) -> None:
        for options in (["-ps"], ["-pm2"], ["-lb3", "-t", "0.5"], ["-psm", "1", "-w100"], ["-b3", "-b", "4"]):
            for compat in ([], ["--compat"]):
                self.assert_as_qshape_of(self.ask(*compat, *options, self.path("deferred")),
                                         *options, self.path("deferred"))

    def test_value_that_is_no_number_is_a_warning(self) -> None:
        answer = self.ask("-m", "many", "-t", "soon", self.path("deferred"))
        self.assert_as_qshape_of(answer, self.path("deferred"),
                                 stderr="fleetqshape: warning: -m many: not a number, using 5\n"
                                        "fleetqshape: warning: -t soon: not a number, using 5\n")


if __name__ == "__main__":
    unittest.main()
