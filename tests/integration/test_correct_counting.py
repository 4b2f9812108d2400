"""What Postfix has queued and qshape does not see is counted: maildrop, and messages marked to expire.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_correct_counting
"""

import contextlib
import subprocess
import unittest
from pathlib import Path

from differential.oracle import QSHAPE, table_difference
from support import queue_scenarios as scenarios
from support.fleet import Agent, Aggregator, Answer, ask, wait_until_fleet_has
from support.private_postfix import QUEUES, PrivatePostfix
from support.smtp_sink import SmtpSink
from support.waiting import wait_until

MAILDROP_MESSAGES = 4
EXPIRED_DOMAIN = "expired.example"


def counts(table: bytes) -> dict[str, int]:
    """Name to total."""
    rows = [line.split() for line in table.decode().splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows}


class CorrectCounting(unittest.TestCase):
    """One queue with every scenario in it, Postfix stopped; the tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        sink = stack.enter_context(SmtpSink())
        cls.postfix = stack.enter_context(PrivatePostfix(sink.port, **scenarios.EVERYTHING))
        cls.made = scenarios.build_everything(cls.postfix, sink)
        cls.made.maildrop += scenarios.in_maildrop(cls.postfix, MAILDROP_MESSAGES - len(cls.made.maildrop))
        cls.aggregator = stack.enter_context(Aggregator())
        stack.enter_context(Agent(cls.aggregator, cls.postfix.queue_directory))
        wait_until(lambda: cls.aggregator.ask("maildrop").stderr == "fleetqshape: 1 relay: 1 fresh\n", 20,
                   "the aggregator has a first report")

    def queue(self, name: str) -> str:
        return str(self.postfix.queue_directory / name)

    def local(self, *arguments: str) -> Answer:
        answer = ask(*arguments, variables={"MAIL_CONFIG": str(self.postfix.config_directory)})
        self.assertEqual(answer.status, 0, answer.stderr)
        return answer

    def correct_answers(self, *options: str, queue: str) -> list[dict[str, int]]:
        """The ways to ask that count correctly: all are to say the same."""
        answers = [self.local(*options, self.queue(queue)), self.local(*options, "--local", queue),
                   self.local(*options, "-c", str(self.postfix.config_directory), queue),
                   self.aggregator.ask(*options, queue)]
        return [counts(answer.stdout) for answer in answers]

    def test_maildrop_is_counted_by_recipient(self) -> None:
        for totals in self.correct_answers(queue="maildrop"):
            # Two recipients a message, one of each domain; two batches use the same numbers.
            self.assertEqual(totals, {"TOTAL": 2 * MAILDROP_MESSAGES, "dropped.example": 2 * MAILDROP_MESSAGES})

    def test_maildrop_is_counted_by_sender(self) -> None:
        for totals in self.correct_answers("-s", queue="maildrop"):
            self.assertEqual(totals, {"TOTAL": 4, "job0.example": 2, "job1.example": 2})

    def test_force_expired_messages_are_counted_where_they_are(self) -> None:
        for queue, expired in (("deferred", self.made.expired_deferred), ("hold", self.made.expired_held)):
            [file] = [file for file in self.postfix.queue_files(queue) if file.name == expired]
            self.assertEqual(file.stat().st_mode & 0o777, 0o710)
            for totals in self.correct_answers(queue=queue):
                self.assertEqual(totals[EXPIRED_DOMAIN], 1)

    def test_every_message_of_every_queue_counts_once_by_sender(self) -> None:
        for queue, messages in self.postfix.counts().items():
            for totals in self.correct_answers("-s", queue=queue):
                self.assertEqual(totals["TOTAL"], messages, queue)
        for answer in (self.local("-s", *map(self.queue, QUEUES)), self.aggregator.ask("-s", *QUEUES)):
            self.assertEqual(counts(answer.stdout)["TOTAL"], sum(self.postfix.counts().values()))

    def test_recipients_are_those_that_postqueue_lists(self) -> None:
        for queue in ("hold", "deferred"):
            listed = sum(len(message["recipients"]) for message in self.listing() if message["queue_name"] == queue)
            for totals in self.correct_answers(queue=queue):
                self.assertEqual(totals["TOTAL"], listed, queue)

    def listing(self) -> list[dict[str, list[str]]]:
        # postqueue asks showq, which runs here as postqueue starts it when the mail system is down.
        return self.postfix.listing()

    def test_fleet_and_local_print_the_same_table(self) -> None:
        at = max(int(path.stat().st_ctime) for path in self.postfix.queue_directory.rglob("*"))
        for queue in QUEUES:
            for options in ([], ["-s"], ["-p", "-m", "2"]):
                local = self.local(*options, "--at", str(at), self.queue(queue))
                wait_until_fleet_has(self.aggregator, local.stdout, *options, queue, at=at)

    def test_compat_counts_as_qshape_does(self) -> None:
        for queue in QUEUES:
            for options in ([], ["-s"]):
                theirs = subprocess.run([QSHAPE, "-b", "1", *options, self.queue(queue)], check=True,
                                        capture_output=True).stdout
                for path in ([self.queue(queue)], ["--local", queue]):
                    ours = self.local("--compat", "-b", "1", *options, *path).stdout
                    self.assertIsNone(table_difference(theirs, ours), f"{options} {path}")

    def test_compat_misses_what_qshape_misses(self) -> None:
        self.assertEqual(counts(self.local("--compat", self.queue("maildrop")).stdout), {"TOTAL": 0})
        for queue in ("deferred", "hold"):
            self.assertNotIn(EXPIRED_DOMAIN, counts(self.local("--compat", self.queue(queue)).stdout))

    def explained(self, *arguments: str) -> dict[str, int]:
        """What -v says: the reason to how many."""
        lines = self.local("-v", *arguments).stderr.splitlines()
        return {what: int(count) for what, count in (line.removeprefix("fleetqshape: ").rsplit(": ", 1)
                                                     for line in lines)}

    def test_verbose_says_what_qshape_would_have_missed(self) -> None:
        explained = self.explained(self.queue("deferred"))
        self.assertEqual(explained.pop("messages counted"), self.postfix.counts()["deferred"])
        [(what, count)] = explained.items()
        self.assertIn("force-expired", what)
        self.assertEqual(count, 1)
        explained = self.explained(self.queue("maildrop"))
        self.assertEqual(explained.pop("messages counted"), MAILDROP_MESSAGES)
        [(what, count)] = explained.items()
        self.assertIn("maildrop", what)
        self.assertEqual(count, MAILDROP_MESSAGES)

    def test_verbose_says_what_compat_missed(self) -> None:
        explained = self.explained("--compat", self.queue("deferred"))
        self.assertEqual(explained.pop("messages counted"), self.postfix.counts()["deferred"] - 1)
        [(what, count)] = explained.items()
        self.assertIn("mode", what)
        self.assertEqual(count, 1)

    def test_temporary_and_unready_files_are_not_counted(self) -> None:
        deferred = Path(self.queue("deferred"))
        source = self.postfix.queue_files("deferred")[0].read_bytes()
        before = counts(self.aggregator.ask("-s", "deferred").stdout)["TOTAL"]
        self.addCleanup(self.wait_for_total, before)
        for name, mode in (("123456.789", 0o700), ("AAAAAA1", 0o600), ("AAAAAA2", 0o400)):
            path = deferred / name
            self.addCleanup(path.unlink)
            path.write_bytes(source)
            path.chmod(mode)
        # A marker that is counted, so that the agent has looked at the rest too: it lists a directory whole.
        marker = deferred / "AAAAAA3"
        self.addCleanup(marker.unlink)
        marker.write_bytes(source)
        marker.chmod(0o700)
        self.wait_for_total(before + 1)
        self.assertEqual(counts(self.local("-s", self.queue("deferred")).stdout)["TOTAL"], before + 1)

    def wait_for_total(self, messages: int) -> None:
        wait_until(lambda: counts(self.aggregator.ask("-s", "deferred").stdout)["TOTAL"] == messages, 20,
                   f"the fleet has {messages} deferred messages")


if __name__ == "__main__":
    unittest.main()
