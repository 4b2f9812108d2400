"""The agent's --once and --check: what it would report, and what it can and cannot read.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_inspection
"""

import contextlib
import json
import math
import shutil
import tempfile
import time
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from differential.oracle import QshapeOracle
from integration.queue_writing import make_queue_directory, write_message
from support import queue_scenarios as scenarios
from support.fleet import Answer, ask
from support.private_postfix import QUEUES, PrivatePostfix
from support.smtp_sink import SmtpSink
from support.started_agent import MAIL_OWNER, NOBODY, READ_SEARCH_ONLY, run_agent

ARRIVAL = 1_700_000_000
COLUMNS = 11  # T and qshape's ten buckets


def table(text: bytes) -> dict[str, list[int]]:
    """Name to the columns of a table."""
    rows = [line.rsplit(None, COLUMNS) for line in text.decode().splitlines()[1:]]
    return {row[0].lstrip(): [int(column) for column in row[1:]] for row in rows}


def table_of(shape: list[Mapping[str, Any]], now: int) -> dict[str, list[int]]:
    """The same from the arrivals that --once tells."""
    rows = {"TOTAL": [0] * COLUMNS}
    for domain in shape:
        row = [0] * COLUMNS
        for arrival in domain["arrivals"]:
            units = (now - arrival) / 300
            bucket = 1 if units < 1 else 2 + int(math.log(units) / math.log(2))
            row[0] += 1
            row[min(bucket, COLUMNS - 1)] += 1
        rows[domain["name"]] = row
        rows["TOTAL"] = [sum(columns) for columns in zip(rows["TOTAL"], row)]
    return rows


def state(answer: Answer) -> Any:
    """The only relay in what --once printed."""
    [relay] = json.loads(answer.stdout.decode("utf-8", errors="strict"))["relays"]
    return relay


class RealQueue(unittest.TestCase):
    """A queue that Postfix filled, in all its five parts. Postfix is stopped; the tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        sink = stack.enter_context(SmtpSink())
        cls.postfix = postfix = stack.enter_context(PrivatePostfix(sink.port))
        cls.oracle = stack.enter_context(QshapeOracle())
        scenarios.half_delivered(postfix)
        scenarios.null_sender(postfix)
        scenarios.on_hold(postfix)
        scenarios.many_senders(postfix, domains=3)
        scenarios.active_and_incoming(postfix, sink)
        postfix.stop()
        scenarios.in_maildrop(postfix)
        cls.options = ("--queue-directory", str(postfix.queue_directory), "--postfix", str(postfix.config_directory))
        # Any user may come as far as the queues, which are the mail owner's, as where Postfix is installed.
        postfix.directory.chmod(0o755)

    def test_once_has_the_counts_of_qshape_and_of_fleetqshape(self) -> None:
        relay = state(run_agent("--once", *self.options))
        now = int(time.time()) + 400  # so that not all is in the first bucket
        for queue in QUEUES:
            for axis, option in (("recipient_domains", []), ("sender_domains", ["-s"])):
                with self.subTest(queue=queue, axis=axis):
                    ours = table_of(relay["queues"][queue][axis], now)
                    path = str(self.postfix.queue_directory / queue)
                    scan = ask("--at", str(now), "-w", "200", *option, path)
                    self.assertEqual(ours, table(scan.stdout))
                    self.assertGreater(ours["TOTAL"][0], 0)
                    if queue != "maildrop":  # of which qshape counts nothing
                        self.assertEqual(ours, table(self.oracle.run(["-w", "200", *option, path], now)[1]))

    def test_once_adds_up(self) -> None:
        answer = run_agent("--once", *self.options)
        self.assertEqual((answer.status, answer.stderr), (0, ""))
        relay = state(answer)
        self.assertEqual({queue: relay["queues"][queue]["messages"] for queue in QUEUES}, self.postfix.counts())
        self.assertEqual(relay["messages"], sum(self.postfix.counts().values()))
        for queue in QUEUES:
            shape = relay["queues"][queue]["recipient_domains"]
            self.assertEqual(relay["queues"][queue]["recipients"], sum(len(domain["arrivals"]) for domain in shape))

    def test_once_says_which_relay_it_is_and_how_it_is_set(self) -> None:
        relay = state(run_agent("--once", *self.options, "--cluster", "eu", "--host", "mx1", "--label", "role=gateway"))
        self.assertEqual((relay["cluster"], relay["host"], relay["instance"]), ("eu", "mx1", "postfix"))
        self.assertEqual(relay["labels"], {"role": "gateway"})
        self.assertEqual(relay["queue_directory"], str(self.postfix.queue_directory))
        for name in ("qmgr_message_active_limit", "mail_version"):
            self.assertEqual(str(relay["settings"][name]), self.postfix.setting(name))
        self.assertEqual(relay["settings"]["minimal_backoff_time"], 10 * 86400)

    def test_once_says_the_same_to_the_mail_owner_and_with_the_capability(self) -> None:
        expected = state(run_agent("--once", *self.options))
        for privileges in (MAIL_OWNER, READ_SEARCH_ONLY):
            answer = run_agent("--once", *self.options, privileges=privileges)
            self.assertEqual(answer.status, 0, answer.stderr)
            self.assertEqual(state(answer)["queues"].keys(), expected["queues"].keys())
            self.assertEqual(state(answer)["messages"], expected["messages"])

    def test_once_without_rights_names_each_queue_on_stderr_and_fails(self) -> None:
        answer = run_agent("--once", *self.options, privileges=NOBODY)
        self.assertEqual(answer.status, 1)
        self.assertIn(f"cannot list {self.postfix.queue_directory}/", answer.stderr)
        self.assertIn("Permission denied", answer.stderr)
        self.assertEqual(state(answer)["messages"], 0)

    def test_check_is_content_with_a_sound_queue(self) -> None:
        messages = sum(self.postfix.counts().values())
        for privileges in ((), MAIL_OWNER, READ_SEARCH_ONLY):
            with self.subTest(privileges=privileges):
                answer = run_agent("--check", *self.options, privileges=privileges)
                said = answer.stdout.decode()
                self.assertIn(f"instance postfix: {self.postfix.queue_directory}\n", said)
                self.assertIn(" ok       all queues can be listed", said)
                self.assertIn(f"{messages} messages are counted", said)
                self.assertIn("inotify tells of changes", said)
                self.assertNotIn("PROBLEM", said)
                self.assertEqual((answer.status, answer.stderr), (0, ""))

    def test_check_without_rights_says_what_to_do(self) -> None:
        answer = run_agent("--check", *self.options, privileges=NOBODY)
        said = answer.stdout.decode()
        self.assertEqual(answer.status, 1, said)
        self.assertRegex(said, f" PROBLEM .* listed: {self.postfix.queue_directory}/maildrop: Permission denied")
        self.assertNotIn(" ok       all queues can be listed", said)
        for word in ("user id 65534", "Permission denied", "mail_owner", "CAP_DAC_READ_SEARCH", "leave the modes"):
            self.assertIn(word, said)


class WrittenQueue(unittest.TestCase):
    """Queues with what no Postfix would put there."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="inspection-")
        self.addCleanup(directory.cleanup)
        Path(directory.name).chmod(0o755)
        self.queue_directory = make_queue_directory(Path(directory.name) / "queue")
        self.options = ("--queue-directory", str(self.queue_directory), "--postfix", directory.name)

    def write(self, number: int, domain: bytes = b"there.example", mode: int = 0o700, queue: str = "deferred") -> Path:
        return write_message(self.queue_directory / queue, f"ABC{number:07X}", ARRIVAL, [b"user@" + domain],
                             sender=b"sender@" + domain, mode=mode)

    def check(self) -> tuple[int, str]:
        answer = run_agent("--check", *self.options)
        return answer.status, answer.stdout.decode()

    def test_once_is_json_whatever_bytes_stand_in_names(self) -> None:
        names = [b"a%cz.example" % byte for byte in range(256)]
        names += [b'"}],"x":[{', b"\xf0\x9f\x98", b"\xed\xa0\x80.example", b"\xe2\x80\xae.example", b"\\u0000", b"\\",
                  "bücher.example".encode(), b"x" * 2000]
        for number, name in enumerate(names):
            self.write(number, name)
        answer = run_agent("--once", *self.options)
        self.assertEqual(answer.status, 0, answer.stderr)
        self.assertNotRegex(answer.stdout.decode("utf-8", errors="strict"), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        relay = state(answer)
        self.assertEqual(relay["messages"], len(names))
        scan = ask("--at", str(ARRIVAL + 60), "-w", "9000", str(self.queue_directory / "deferred"))
        for axis in ("recipient_domains", "sender_domains"):
            shape = relay["queues"]["deferred"][axis]
            self.assertEqual(sum(len(domain["arrivals"]) for domain in shape), len(names))
            listed = {domain["name"] for domain in shape}
            self.assertIn("bücher.example", listed)
            self.assertIn(r"a\x1bz.example", listed)
            self.assertIn(r"\xe2\x80\xae.example", listed)
            # As the command shows them, but for the one that is longer than what is reported, and outer blanks.
            expected = {name for name in table(scan.stdout) if len(name) < 300 and name != "TOTAL"}
            self.assertEqual({name for name in listed if len(name) < 300}, expected)

    def test_once_tells_what_is_not_counted_and_why(self) -> None:
        self.write(1)
        self.write(2, mode=0o600, queue="incoming")
        self.write(3, mode=0o710)
        self.write(4, mode=0o740)
        (self.queue_directory / "hold" / "ABC0000005").write_text("no queue file", encoding="ascii")
        (self.queue_directory / "hold" / "ABC0000005").chmod(0o700)
        whole = self.write(6, queue="hold")
        whole.write_bytes(whole.read_bytes()[:-4])
        done = self.write(7, queue="active")
        done.write_bytes(done.read_bytes().replace(b"R\x12user@", b"D\x12user@"))
        (self.queue_directory / "hold" / "ABC0000008").hardlink_to(self.queue_directory / "deferred" / "ABC0000001")
        relay = state(run_agent("--once", *self.options))
        self.assertEqual(relay["messages"], 3)
        self.assertEqual(relay["files"], {"being_written": 1, "unreadable": 0, "no_recipients": 1, "foreign": 1,
                                          "damaged": 1, "linked": 1, "force_expired": 1, "group_readable": 1})

    def test_once_prints_the_rest_if_a_queue_cannot_be_listed(self) -> None:
        self.write(1, queue="hold")
        (self.queue_directory / "deferred").rmdir()
        (self.queue_directory / "deferred").touch()
        answer = run_agent("--once", *self.options)
        self.assertEqual(answer.status, 1)
        self.assertIn(f"cannot list {self.queue_directory}/deferred: ", answer.stderr)
        self.assertEqual(state(answer)["queues"]["hold"]["messages"], 1)

    def test_no_queue_directory(self) -> None:
        shutil.rmtree(self.queue_directory)
        once, check = (run_agent(mode, *self.options) for mode in ("--once", "--check"))
        self.assertEqual((once.status, check.status), (1, 1))
        self.assertIn(f"cannot list {self.queue_directory}: No such file", once.stderr)
        self.assertRegex(check.stdout.decode(), f" PROBLEM .* listed: {self.queue_directory}: No such file")
        self.assertIn("postconf queue_directory", check.stdout.decode())

    def test_check_points_out_modes_that_mean_something_to_postfix(self) -> None:
        self.write(1)
        self.assertEqual(self.check()[0], 0)
        odd = [self.write(2, mode=0o750), self.write(3, mode=0o750, queue="hold"), self.write(4, mode=0o740)]
        status, said = self.check()
        self.assertEqual(status, 1, said)
        self.assertIn("PROBLEM  2 queue files are group-executable and 3 group-readable", said)
        for word in ("chmod g-rx", "postsuper -e", "postqueue -i", "4 messages are counted"):
            self.assertIn(word, said)
        self.assertEqual([file.stat().st_mode & 0o777 for file in odd], [0o750, 0o750, 0o740])  # it only says so

    def test_check_tells_files_that_may_not_be_read_from_queues(self) -> None:
        for queue in QUEUES:
            (self.queue_directory / queue).chmod(0o755)
        self.write(1, mode=0o704)
        self.write(2)
        answer = run_agent("--check", *self.options, privileges=NOBODY)
        said = answer.stdout.decode()
        self.assertEqual(answer.status, 1, said)
        self.assertIn(" PROBLEM  1 queue files may not be read", said)
        self.assertIn("CAP_DAC_READ_SEARCH", said)
        self.assertIn("1 messages are counted", said)

    def test_neither_needs_an_aggregator_or_postfix(self) -> None:
        self.write(1)
        for mode in ("--once", "--check"):
            answer = run_agent(mode, "--queue-directory", str(self.queue_directory),
                               variables={"MAIL_CONFIG": "/nonexistent"})
            self.assertEqual(answer.status, 0, answer.stderr)
            self.assertIn("settings are not known", answer.stderr)

    def test_not_both(self) -> None:
        self.assertEqual(run_agent("--once", "--check", *self.options).status, 2)


if __name__ == "__main__":
    unittest.main()
