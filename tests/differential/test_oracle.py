"""Tests of the differential tests' own tools: do they run qshape unaltered, and can a comparison fail?

Run from the project's root:  PYTHONPATH=tests /usr/bin/python3 -m unittest -v differential.test_oracle
Needs Debian's packages postfix (for qshape), perl and faketime.
"""

from __future__ import annotations

import collections
import os
import random
import stat
import subprocess
import tempfile
import time
import unittest

from differential import queue_file_writer as writer
from differential.bounded_reading import read_queue_file
from differential.odd_addresses import has_ambiguous_name
from differential.odd_queue_files import ODDITIES
from differential.option_matrix import option_matrix
from differential.oracle import (
    QSHAPE,
    MalformedTable,
    QshapeOracle,
    RunTimedOut,
    ServerFailed,
    normalise_ties,
    table_difference,
)
from differential.queue_file_writer import Envelope, Record
from differential.spool_generator import DEFAULT_NOW, QUEUES, generate_spool

NOW = DEFAULT_NOW


def run_plain(arguments: list[str], now: int, cwd: str | None = None) -> tuple[int, bytes, bytes]:
    """qshape itself, started as a user would, under faketime's clock."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C", "NO_FAKE_STAT": "1"}
    command = ["faketime", "-f", clock, QSHAPE, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


def write_queue_file(directory: str, name: str, records: list[Record] | bytes) -> str:
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(records if isinstance(records, bytes) else writer.encode_records(records))
    os.chmod(path, 0o700)
    return path


def message(age_seconds: int, *recipients: bytes) -> list[Record]:
    """A small deterministic message of the given age."""
    return [
        Record(b"C", b"?"),
        Record(b"T", b"%d 0" % (NOW - age_seconds)),
        Record(b"S", b"sender@sender.example"),
        *(Record(b"R", recipient) for recipient in recipients),
        Record(b"M"),
        Record(b"X"),
        Record(b"E"),
    ]


class TestCase(unittest.TestCase):
    """A temporary directory and an oracle for each test class."""

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.oracle = QshapeOracle()
        cls.addClassCleanup(cls.oracle.close)

    def make_directory(self, name: str | None = None) -> str:
        if name is None:
            return tempfile.mkdtemp(dir=self.directory)
        path = os.path.join(tempfile.mkdtemp(dir=self.directory), name)
        os.mkdir(path)
        return path


class ServerRunsQshapeUnaltered(TestCase):
    """The server and plain runs give the same status, table and warnings."""

    def assert_same_run(self, arguments: list[str], now: int = NOW, cwd: str | None = None) -> tuple[int, bytes, bytes]:
        with self.subTest(arguments=arguments, cwd=cwd):
            plain, served = run_plain(arguments, now, cwd), self.oracle.run(arguments, now, cwd)
            self.assertEqual(plain[0], served[0], "exit status")
            self.assertIsNone(table_difference(plain[1], served[1]))
            self.assertEqual(sorted(plain[2].split(b"\n")), sorted(served[2].split(b"\n")), "warnings")
        return served

    def test_generated_spools(self) -> None:
        for seed in (3, 14, 15, 92, 653):
            spool = generate_spool(seed, self.make_directory(), NOW)
            chosen = random.Random(seed).sample(list(option_matrix(seed)), 8)
            for i, arguments in enumerate(chosen):
                queues = [spool.queue_path(os.fsdecode(QUEUES[(i + j) % len(QUEUES)])) for j in range(2)]
                self.assert_same_run([*arguments, *queues], NOW + i)
            self.assert_same_run(["-s", *spool.plain_files, spool.queue_path("maildrop") + "/"])

    def test_usage_and_failures(self) -> None:
        empty = self.make_directory()
        for arguments, status in [
            (["-h"], 255), (["-z"], 255), (["-spz", empty], 255), (["-b"], 1), (["--version"], 1),
            (["--help", empty], 0), (["/nonexistent"], 0), ([empty, "/nonexistent"], 0), (["-b", "", empty], 0),
            (["-b", "abc", "-t", "5x", empty], 0), (["-c", "/nonexistent", "incoming"], 1), (["--", empty], 0),
            (["-m2", "-pst1", empty], 0), (["-N", "5", "-n", "1", empty], 0),
        ]:
            self.assertEqual(self.assert_same_run(arguments)[0], status, arguments)

    def test_working_directory_and_odd_arguments(self) -> None:
        # Every byte that the protocol has to escape, and the names of no other place.
        queue = self.make_directory("a b%41\tc\nd\xe4")
        write_queue_file(queue, "ABCDEF1", message(10, b"user@there.example"))
        output = self.assert_same_run([queue], cwd=queue)[1]
        self.assertIn(b"there.example", output)
        self.assert_same_run(["", queue], cwd=self.directory)
        with self.assertRaises(ServerFailed):
            self.oracle.run([queue], NOW, cwd="/nonexistent")

    def test_clock(self) -> None:
        queue = self.make_directory()
        write_queue_file(queue, "ABCDEF1", message(300, b"user@there.example"))
        tables = [self.assert_same_run(["-b", "3", queue], NOW + late)[1] for late in (-1, 0, 299, 300)]
        cells = [table.splitlines()[1].split()[1:] for table in tables]
        buckets = [[int(cell) for cell in row].index(1, 1) for row in cells]
        self.assertEqual(buckets, [1, 2, 2, 3])

    def test_modification_time_is_the_true_one(self) -> None:
        queue = self.make_directory()
        path = write_queue_file(queue, "ABCDEF1", b"S\0R\x03a@bE\0")
        os.utime(path, (NOW - 600, NOW - 600))
        output = self.assert_same_run(["-b", "4", queue])[1]
        self.assertEqual(output.splitlines()[1].split()[1:], [b"1", b"0", b"0", b"1", b"0"])

    def test_a_hang_is_reported_and_survived(self) -> None:
        queue = self.make_directory()
        records = message(10, b"user@there.example")
        records.insert(3, writer.pointer(writer.offset_of(records, 3)))
        write_queue_file(queue, "ABCDEF1", records)
        with QshapeOracle(timeout_seconds=1) as oracle:
            with self.assertRaises(RunTimedOut):
                oracle.run([queue], NOW)
            self.assertEqual(oracle.run([self.make_directory()], NOW)[0], 0)


class ComparisonsCanFail(TestCase):
    """table_difference() accepts exchanged ties and nothing else."""

    COUNTS = {
        b"one.example": 3, b"two.example": 3, b"longer.example": 3, b"most.example": 12, b"n\ne.example": 3,
        b"x" * 90 + b".a": 1, b"x" * 95 + b".b": 1,
    }

    def setUp(self) -> None:
        queue = self.make_directory()
        for i, (name, count) in enumerate(self.COUNTS.items()):
            write_queue_file(queue, f"ABCDEF{i}", message(i * 100, *[b"user@" + name] * count))
        self.table = self.oracle.run([queue], NOW)[1]
        size = self.table.index(b"\n") + 1
        self.rows = [self.table[i : i + size] for i in range(0, len(self.table), size)]

    def row(self, name: bytes) -> int:
        return next(i for i, row in enumerate(self.rows) if name in row)

    def exchanged(self, one: bytes, other: bytes) -> bytes:
        rows, i, j = list(self.rows), self.row(one), self.row(other)
        rows[i], rows[j] = rows[j], rows[i]
        return b"".join(rows)

    def test_ties_may_be_exchanged(self) -> None:
        for one, other in [(b"one.", b"two."), (b"one.", b"n\ne."), (b"x.a", b"x.b")]:
            altered = self.exchanged(one, other)
            self.assertNotEqual(altered, self.table)
            self.assertEqual(normalise_ties(altered), normalise_ties(self.table))
            self.assertIsNone(table_difference(self.table, altered))

    def test_nothing_else_may_be_exchanged(self) -> None:
        for one, other in [
            (b"one.", b"most."), (b"one.", b"longer."), (b"TOTAL", b"most."), (b"longer.", b"x.a"), (b" T ", b"TOTAL"),
        ]:
            self.assertIsNotNone(table_difference(self.table, self.exchanged(one, other)), (one, other))

    def test_every_changed_byte_is_seen(self) -> None:
        for position in range(len(self.table)):
            for byte in b" 0x\n":
                if self.table[position] != byte:
                    altered = self.table[:position] + bytes([byte]) + self.table[position + 1 :]
                    self.assertIsNotNone(table_difference(self.table, altered), (position, byte))

    def test_every_missing_or_doubled_row_is_seen(self) -> None:
        for i, row in enumerate(self.rows):
            self.assertIsNotNone(table_difference(self.table, b"".join(self.rows[:i] + self.rows[i + 1 :])))
            self.assertIsNotNone(table_difference(self.table, b"".join(self.rows[:i] + [row] + self.rows[i:])))

    def test_every_missing_byte_is_seen(self) -> None:
        for position in range(len(self.table)):
            self.assertIsNotNone(table_difference(self.table, self.table[:position] + self.table[position + 1 :]))
            self.assertIsNotNone(table_difference(self.table, self.table[:position]))
        self.assertIsNotNone(table_difference(b"", self.table))

    def test_no_table(self) -> None:
        for text in (b"\n", b"usage", b"T 5\n", b" T 5\n a 1\nb", b"   T  5\nTOTAL   \n"):
            with self.assertRaises(MalformedTable):
                normalise_ties(text)

    def test_every_table_of_qshape_can_be_read(self) -> None:
        spool = generate_spool(27, self.make_directory(), NOW)
        for arguments in option_matrix(1):
            output = self.oracle.run([*arguments, spool.queue_path("deferred")], NOW)[1]
            self.assertEqual(sorted(normalise_ties(output)), sorted(output), arguments)


class GeneratedSpools(TestCase):
    """Spools are reproducible, odd in every way that they should be, and readable to an end."""

    @staticmethod
    def snapshot(directory: str) -> list[tuple[object, ...]]:
        entries: list[tuple[object, ...]] = []
        for parent, directories, files in os.walk(os.fsencode(directory)):
            for name in sorted(directories + files):
                path = os.path.join(parent, name)
                status = os.lstat(path)
                relative = os.path.relpath(path, os.fsencode(directory))
                if not stat.S_ISREG(status.st_mode):
                    entries.append((relative, status.st_mode))
                    continue
                os.chmod(path, 0o700)  # some are unreadable, unless for root
                with open(path, "rb") as file:
                    entries.append((relative, status.st_mode, status.st_nlink, status.st_mtime_ns, file.read()))
        return sorted(entries, key=lambda entry: entry[0])  # type: ignore[arg-type, return-value]

    def test_same_seed_same_spool(self) -> None:
        for seed in range(12):
            one, other = self.make_directory(), self.make_directory()
            generate_spool(seed, one, NOW)
            generate_spool(seed, other, NOW)
            self.assertEqual(self.snapshot(one), self.snapshot(other), seed)
        different = self.make_directory()
        generate_spool(1000, different, NOW)
        self.assertNotEqual(self.snapshot(one), self.snapshot(different))

    def test_variety_and_an_end(self) -> None:
        oddities: collections.Counter[str] = collections.Counter()
        kinds: set[int] = set()
        modes: set[int] = set()
        depths: set[int] = set()
        sizes: list[int] = []
        for seed in range(100, 160):
            directory = self.make_directory()
            spool = generate_spool(seed, directory, NOW)
            oddities.update(spool.oddities)
            sizes.append(spool.file_count)
            for entry in self.snapshot(directory):
                mode = entry[1]
                assert isinstance(mode, int) and isinstance(entry[0], bytes)
                kinds.add(stat.S_IFMT(mode))
                if stat.S_ISREG(mode):
                    modes.add(stat.S_IMODE(mode))
                    depths.add(entry[0].count(b"/") - 1)
                    reading = read_queue_file(entry[4])  # type: ignore[arg-type]
                    self.assertTrue(reading.ends)
                    self.assertFalse(any(map(has_ambiguous_name, reading.addresses)))
            self.assertEqual(self.oracle.run([spool.queue_path(os.fsdecode(queue)) for queue in QUEUES], NOW)[0], 0)
        self.assertEqual(set(oddities), {"ordinary", *ODDITIES})
        self.assertEqual(kinds, {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK})
        self.assertLessEqual({0o600, 0o700, 0o710, 0o740, 0o744, 0o750, 0o400, 0o4700, 0o777, 0o000}, modes)
        self.assertLessEqual({0, 1, 2, 3}, depths)
        self.assertLessEqual(min(sizes), 5)
        self.assertGreaterEqual(max(sizes), 400)

    def test_the_guard_knows_what_hangs(self) -> None:
        """Files that hang qshape, by pointer or by size, and one that almost does."""
        start = message(10, b"user@there.example")[:4]
        end = writer.offset_of(start, len(start))
        ladder = writer.cleanup_records(random.Random(1), Envelope(b"%d 0" % NOW, b"a@b", [b"c@d"]))
        writer.append_ladder(ladder, [b"u@step.example"] * 2000)
        back = [Record(b"C", b"%d 1 1" % (2**64 - 4)), *start[1:], Record(b"X"), Record(b"M")]
        cases = {
            "itself": ([*start, writer.pointer(end)], False),
            "fraction": ([*start, Record(b"p", b"0.5")], False),
            "to the start": ([*start, Record(b"p", b"\t1e0 x"), *start], True),
            "size": (back, False),
            "ladder": (ladder, True),
        }
        for name, (records, ends) in cases.items():
            with self.subTest(name), QshapeOracle(timeout_seconds=1) as oracle:
                queue = self.make_directory()
                write_queue_file(queue, "ABCDEF1", records)
                self.assertEqual(read_queue_file(writer.encode_records(records)).ends, ends)
                if ends:
                    oracle.run([queue], NOW)
                else:
                    self.assertRaises(RunTimedOut, oracle.run, [queue], NOW)

    def test_option_matrix(self) -> None:
        lists = list(option_matrix(7))
        self.assertEqual(lists, list(option_matrix(7)))
        self.assertNotEqual(lists, list(option_matrix(8)))
        combinations = {
            frozenset(word[:2] for word in words if word[:1] == "-" and word[1:2].isalpha()) for words in lists
        }
        self.assertEqual(len(lists), 128)
        self.assertEqual(len(combinations), 128)


if __name__ == "__main__":
    unittest.main()
