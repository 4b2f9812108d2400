"""Tests of the Postfix fixture itself: does each scenario make the state that it claims?

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v support.test_private_postfix

They ask Postfix's own programs, qshape and postqueue, and look into the queue files. They need root. Nothing in them is
random, so there is no seed.
"""

import re
import stat
import subprocess
import time
import unittest
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from support import private_postfix
from support import queue_scenarios as scenarios
from support.private_postfix import HOSTNAME, QUEUES, PrivatePostfix
from support.smtp_sink import SmtpSink, Verdict
from support.waiting import WaitTimeout, wait_until

SHORT_ID = re.compile(r"\A[0-9A-F]{6,}\Z")
LONG_ID = re.compile(r"\A[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+\Z")


def qshape(postfix: PrivatePostfix, *arguments: str) -> dict[str, list[int]]:
    """The real qshape's table; the last argument is a queue. Name to counts, of which the first is the total."""
    *options, queue = arguments
    done = subprocess.run(["/usr/sbin/qshape", *options, str(postfix.queue_directory / queue)], capture_output=True,
                          check=True, text=True)
    if "No such file" in done.stderr:
        raise AssertionError(f"qshape: {done.stderr}")
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return {name: [int(count) for count in counts] for name, *counts in rows}


def totals(postfix: PrivatePostfix, *arguments: str) -> dict[str, int]:
    return {name: counts[0] for name, counts in qshape(postfix, *arguments).items()}


def file_of(postfix: PrivatePostfix, queue: str, queue_id: str) -> Path:
    [file] = [file for file in postfix.queue_files(queue) if file.name == queue_id]
    return file


def payloads(records: Sequence[scenarios.Record], kind: str) -> list[str]:
    return [record.payload.decode() for record in records if record.kind == kind]


def jumps(records: Sequence[scenarios.Record]) -> list[int]:
    """Where the pointer records that point anywhere point to."""
    return [int(payload) for payload in payloads(records, "p") if int(payload) > 0]


class BuildEverything(unittest.TestCase):
    """One queue with every scenario in it, Postfix stopped; the tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.etc_before = etc_postfix()
        cls.sink = cls.enterClassContext(SmtpSink())
        cls.postfix = cls.enterClassContext(PrivatePostfix(cls.sink.port, **scenarios.EVERYTHING))
        cls.began = int(time.time())
        cls.made = scenarios.build_everything(cls.postfix, cls.sink)
        cls.listing = {message["queue_id"]: message for message in cls.postfix.listing()}

    def records(self, queue_id: str, queue: str = "deferred") -> list[scenarios.Record]:
        return scenarios.records(file_of(self.postfix, queue, queue_id))

    def left(self, queue_id: str) -> set[str]:
        """The recipients that postqueue says are still to be delivered."""
        return {recipient["address"] for recipient in self.listing[queue_id]["recipients"]}

    def test_postfix_is_stopped_and_every_queue_has_mail(self) -> None:
        self.assertFalse(self.postfix.running())
        self.assertEqual({queue for queue, count in self.postfix.counts().items() if count}, set(QUEUES))

    def test_nothing_is_written_to_etc_postfix(self) -> None:
        self.assertEqual(etc_postfix(), self.etc_before)

    def test_postqueue_and_qshape_agree_on_every_queue_but_maildrop(self) -> None:
        for queue in ("hold", "incoming", "active", "deferred"):
            with self.subTest(queue):
                seen = [message for message in self.listing.values()
                        if message["queue_name"] == queue and not message["forced_expire"]]
                self.assertEqual(totals(self.postfix, "-s", queue)["TOTAL"], len(seen))
                self.assertEqual(totals(self.postfix, queue)["TOTAL"], sum(len(m["recipients"]) for m in seen))

    def test_half_delivered(self) -> None:
        records = self.records(self.made.half_delivered)
        self.assertEqual(set(payloads(records, "D")),
                         {"ok.one@first.example", "ok.three@second.example", "refuse@first.example"})
        self.assertEqual(set(payloads(records, "R")), {"defer.two@first.example", "defer.four@second.example"})
        self.assertEqual(self.left(self.made.half_delivered), set(payloads(records, "R")))
        counts = totals(self.postfix, "deferred")
        self.assertEqual((counts["first.example"], counts["second.example"]), (1, 1))
        self.assertEqual(self.sink.accepted["ok.one@first.example"], 1)
        self.assertEqual(self.sink.accepted["ok.sender@here.example"], 1, "the bounce for refuse@")

    def test_null_senders(self) -> None:
        for queue_id in (self.made.stuck_bounce, self.made.null_sender):
            self.assertEqual(payloads(self.records(queue_id), "S"), [""])
        self.assertEqual(payloads(self.records(self.made.stuck_bounce), "R"), ["defer.bounces@news.example"])
        self.assertNotIn("nowhere.example", totals(self.postfix, "deferred"), "the original is gone")
        self.assertEqual(totals(self.postfix, "-s", "deferred")["MAILER-DAEMON"], 2)

    def test_hold(self) -> None:
        self.assertEqual(totals(self.postfix, "hold"), {"TOTAL": 3, "held.example": 3})
        self.assertEqual(set(self.postfix.ids("hold")), {*self.made.held, self.made.expired_held})

    def test_force_expired(self) -> None:
        for queue, queue_id in (("deferred", self.made.expired_deferred), ("hold", self.made.expired_held)):
            file = file_of(self.postfix, queue, queue_id)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o710)
            self.assertTrue(self.listing[queue_id]["forced_expire"])
            self.assertEqual(payloads(scenarios.records(file), "R"), ["defer@expired.example"])
            self.assertNotIn("expired.example", totals(self.postfix, queue), "qshape does not count it")

    def test_utf8(self) -> None:
        records = self.records(self.made.utf8)
        self.assertEqual(payloads(records, "S"), ["jürgen@münchen.example"])
        self.assertEqual(set(payloads(records, "R")), {"defer.käthe@bücher.example", "defer.用户@例子.example"})
        self.assertEqual(totals(self.postfix, "deferred")["bücher.example"], 1)

    def test_aliases(self) -> None:
        original, forwarded = (self.records(queue_id) for queue_id in self.made.aliases)
        self.assertEqual(payloads(original, "D"), [f"team@{HOSTNAME}"])
        self.assertEqual(payloads(original, "R"), ["defer.dora@three.example", "defer.emil@three.example"])
        self.assertIn("list@virtual.example", payloads(original, "O"))
        self.assertEqual(payloads(forwarded, "D"), ["ok.carl@one.example"])
        self.assertEqual(payloads(forwarded, "R"), ["defer.ann@one.example", "defer.bob@two.example"])
        self.assertEqual(set(payloads(forwarded, "O")), {f"team@{HOSTNAME}"})

    def test_milter(self) -> None:
        records = self.records(self.made.milter_edited)
        self.assertGreaterEqual(len(jumps(records)), 4)
        self.assertEqual(payloads(records, "/"), ["defer.removed@edited.example"])
        content_end = next(record.offset_bytes for record in records if record.kind == "X")
        behind = [record for record in records if record.offset_bytes > content_end]
        self.assertEqual(payloads(behind, "R"), ["defer.added@late.example"])
        self.assertEqual(payloads(behind, "S"), ["ok.new@after.example"])
        self.assertEqual(payloads(records, "S"), ["ok.new@after.example"])
        text = payloads(records, "N")
        self.assertIn("X-First: inserted", text)
        self.assertIn("X-Last: added", text)
        self.assertIn("Subject: changed", text)
        self.assertIn("line 199 of the new body", text)
        self.assertNotIn("short", text)
        self.assertFalse([line for line in text if line.startswith("From:")])
        self.assertEqual(self.left(self.made.milter_edited),
                         {"defer.kept@edited.example", "defer.added@late.example"})
        self.assertEqual(totals(self.postfix, "deferred")["late.example"], 1)
        self.assertNotIn("before.example", totals(self.postfix, "-s", "deferred"))

    def test_mail_without_commands_passes_the_milter_unchanged(self) -> None:
        self.assertEqual(jumps(self.records(self.made.half_delivered)), [])

    def test_recipients_from_headers(self) -> None:
        records = self.records(self.made.from_headers)
        after = records[[record.kind for record in records].index("X"):]
        self.assertEqual(payloads(records, "R"), ["defer.to@header.example", "defer.cc@header.example"])
        self.assertEqual(payloads(after, "R"), payloads(records, "R"))
        self.assertEqual(totals(self.postfix, "deferred")["header.example"], 2)

    def test_senders(self) -> None:
        counts = totals(self.postfix, "-s", "deferred")
        self.assertEqual([counts[f"sender{number}.example"] for number in range(1, 7)], [1, 2, 3, 4, 5, 6])
        self.assertEqual(totals(self.postfix, "deferred")["same.example"], len(self.made.senders))

    def test_subdomains(self) -> None:
        counts = totals(self.postfix, "-p", "deferred")
        self.assertEqual((counts[".eu.corp.example"], counts[".corp.example"]), (5, 17))
        self.assertEqual((counts["a.corp.example"], counts["corp.example"]), (7, 1))
        self.assertNotIn(".few.example", counts)

    def test_short_and_long_ids(self) -> None:
        self.assertRegex(self.made.short_id, SHORT_ID)
        self.assertRegex(self.made.long_id, LONG_ID)
        self.assertEqual(totals(self.postfix, "deferred")["ids.example"], 2)

    def test_ages(self) -> None:
        self.assertEqual(set(self.made.aged), {3 * 3600, 40 * 60})
        for age, ids in self.made.aged.items():
            self.assertEqual(len(ids), 4)
            for queue_id in ids:
                arrival = int(payloads(self.records(queue_id), "T")[0].split()[0])
                self.assertAlmostEqual(arrival, self.began - age, delta=60)
        # The buckets end at 5, 10, 20, 40, 80, 160, 320 minutes.
        table = qshape(self.postfix, "deferred")
        self.assertEqual(table[f"age{3 * 3600}.example"], [4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0])
        self.assertEqual(table[f"age{40 * 60}.example"], [4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0])

    def test_active_and_incoming(self) -> None:
        self.assertEqual(totals(self.postfix, "-s", "active"), {"TOTAL": 3, "fast.example": 3})
        self.assertEqual(totals(self.postfix, "-s", "incoming"), {"TOTAL": 4, "slow.example": 4})
        self.assertEqual(totals(self.postfix, "incoming"), {"TOTAL": 8, "stalled.example": 8})

    def test_maildrop(self) -> None:
        self.assertEqual(len(self.made.maildrop), 2)
        for queue_id in self.made.maildrop:
            records = self.records(queue_id, "maildrop")
            self.assertEqual(records[0].kind, "T")
            self.assertEqual(len(payloads(records, "R")), 2)
            self.assertEqual(self.listing[queue_id]["queue_name"], "maildrop")
        self.assertEqual(totals(self.postfix, "maildrop"), {"TOTAL": 0}, "qshape cannot read them")


class Moving(unittest.TestCase):
    """What moves mail does, on Postfixes that run."""

    def setUp(self) -> None:
        self.sink = self.enterContext(SmtpSink())

    def start(self, **options: object) -> PrivatePostfix:
        return self.enterContext(PrivatePostfix(self.sink.port, **options))

    def test_everything_is_delivered_in_the_end(self) -> None:
        postfix = self.start(**scenarios.EVERYTHING)
        made = scenarios.build_everything(postfix, self.sink)
        self.sink.accept_all()
        postfix.start()
        postfix.flush()
        self.assertEqual(postfix.counts(), {queue: 4 if queue == "hold" else 0 for queue in QUEUES})
        self.assertEqual(self.sink.accepted["defer.two@first.example"], 1)
        self.assertEqual(self.sink.accepted["ok.one@first.example"], 1, "not delivered twice")
        self.assertEqual(self.sink.accepted["defer.0@dropped.example"], 1)
        self.assertEqual(self.sink.accepted["defer@expired.example"], 0, "returned, not delivered")
        self.assertEqual(self.sink.accepted["stall@stalled.example"], len(made.active) + len(made.incoming))

    def test_postsuper(self) -> None:
        postfix = self.start()
        postfix.send_many("ok@here.example", "defer@there.example", messages=4)
        postfix.quiet()
        held, requeued, deleted, _ = postfix.ids("deferred")
        postfix.hold(held)
        self.assertEqual(postfix.ids("hold"), [held])
        postfix.release(held)
        self.assertEqual(postfix.ids("hold"), [])
        postfix.delete(deleted)
        self.assertEqual(len(postfix.ids("deferred")), 3)
        [arrival] = payloads(scenarios.records(file_of(postfix, "deferred", requeued)), "T")
        postfix.requeue(requeued)
        wait_until(lambda: requeued not in postfix.ids("deferred"), 10, "pickup has it", context=postfix.situation)
        postfix.quiet()
        self.assertEqual(len(postfix.ids("deferred")), 3)
        arrivals = [payloads(scenarios.records(file), "T")[0] for file in postfix.queue_files("deferred")]
        self.assertIn(arrival.split()[0], [kept.split()[0] for kept in arrivals], "it keeps its arrival time")

    def test_hash_depths(self) -> None:
        for long_queue_ids in (False, True):
            postfix = self.start(long_queue_ids=long_queue_ids, hash_queue_depth=2)
            postfix.send_many("ok@here.example", "defer@there.example", messages=5)
            postfix.quiet()
            for depth in (2, 0, 1):
                with self.subTest(long_queue_ids=long_queue_ids, depth=depth):
                    if depth != 2:
                        scenarios.at_hash_depth(postfix, depth)
                    files = postfix.queue_files("deferred")
                    self.assertEqual(len(files), 5)
                    for file in files:
                        self.assertRegex(file.name, LONG_ID if long_queue_ids else SHORT_ID)
                        self.assertEqual(len(file.relative_to(postfix.queue_directory / "deferred").parts), depth + 1)
                    self.assertEqual(totals(postfix, "deferred"), {"TOTAL": 5, "there.example": 5})
        with self.assertRaises(ValueError):
            PrivatePostfix(self.sink.port, hash_queue_depth=3).__enter__()

    def test_two_side_by_side(self) -> None:
        one, two = self.start(), self.start()
        one.send("ok@here.example", ["defer@only-in-one.example"])
        two.sendmail("ok@here.example", ["1defer@only-in-two.example", "2defer@only-in-two.example"])
        for postfix in (one, two):
            postfix.wait_for(deferred=1)
        one.stop()
        self.assertTrue(two.running())
        self.assertEqual(totals(one, "deferred"), {"TOTAL": 1, "only-in-one.example": 1})
        self.assertEqual(totals(two, "deferred"), {"TOTAL": 2, "only-in-two.example": 2})

    def test_sink_changes_its_mind(self) -> None:
        postfix = self.start()
        self.sink.set_domain("down.example", Verdict.DEFER)
        postfix.send("", ["ok@down.example", "ok@up.example"])
        postfix.quiet()
        self.assertEqual(self.sink.accepted, {"ok@up.example": 1})
        self.sink.set_domain("down.example", None)
        postfix.flush()
        self.assertEqual(self.sink.accepted, {"ok@up.example": 1, "ok@down.example": 1})
        self.sink.set_local_part("ok.but", Verdict.REFUSE)
        self.assertIs(self.sink.verdict("12OK.But@up.example"), Verdict.REFUSE)

    def test_nothing_is_left_after_an_exception(self) -> None:
        with self.assertRaises(KeyError):
            with PrivatePostfix(self.sink.port, milter=True) as postfix:
                postfix.stop()
                postfix.start(clock_offset_seconds=-60)
                shared = postfix.shared_memory_files()
                raise KeyError
        self.assertEqual(postfix.processes(), {})
        self.assertFalse(postfix.directory.exists())
        self.assertEqual(len(shared), 2)
        self.assertFalse([file for file in shared if file.exists()])

    def test_a_configuration_that_does_not_start(self) -> None:
        postfix = PrivatePostfix(self.sink.port, services=["no service at all"])
        with self.assertRaisesRegex(RuntimeError, "postfix did not start"):
            postfix.__enter__()
        self.assertEqual(postfix.processes(), {})
        self.assertFalse(postfix.directory.exists())

    def test_a_port_that_was_taken_meanwhile(self) -> None:
        free = private_postfix._free_port()
        with mock.patch.object(private_postfix, "_free_port", side_effect=[self.sink.port, free]):
            postfix = self.start()
        self.assertEqual(postfix.smtpd_port, free)
        postfix.send("ok@here.example", ["ok@there.example"])

    def test_a_wait_that_fails_says_what_and_why(self) -> None:
        with self.assertRaisesRegex(WaitTimeout, r"not within 0\.05 s: pigs fly \(last seen: 0\)\nno wind"):
            wait_until(lambda: 0, 0.05, "pigs fly", context=lambda: "no wind")


def etc_postfix() -> list[tuple[str, int]]:
    """The names and ctimes (nanoseconds) of what is in /etc/postfix."""
    return sorted((str(path), path.lstat().st_ctime_ns) for path in Path("/etc/postfix").rglob("*"))


if __name__ == "__main__":
    unittest.main()
