"""Tests of the query benchmark, with a fleet too small to measure anything."""

import contextlib
import io
import os
import shutil
import tempfile
import unittest
from unittest import mock

from bench import query_benchmark
from bench.clickhouse_cells import Table, same_answer

CLICKHOUSE = "clickhouse-server"
SMALL = ("--relays", "20", "--messages", "5000", "--domains", "500", "--rounds", "8", "--scale", "0.002,0.01",
         "--reports", "100", "--bandwidth-megabytes", "8")  # fmt: skip


class QueryBenchmark(unittest.TestCase):
    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        output, errors = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors),
              mock.patch.dict(os.environ), mock.patch.object(tempfile, "tempdir", tempfile.tempdir)):
            status = query_benchmark.main(arguments)
        return status, output.getvalue(), errors.getvalue()

    def test_measures_checks_and_clears_up(self) -> None:
        # Its package starts a service, so it is not one of those that the tests install.
        clickhouse = CLICKHOUSE if shutil.which(CLICKHOUSE) else "none"
        with tempfile.TemporaryDirectory() as directory:
            status, output, errors = self.run_driver(*SMALL, "--directory", directory, "--clickhouse", clickhouse)
            self.assertEqual(status, 0, errors)
            self.assertEqual(os.listdir(directory), [])
        self.assertEqual(output.count("### "), 3 if clickhouse == "none" else 4, output)
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if "|" in line]
        heads = [row[0] for row in rows]
        for head in ("the default: top 20", "compare roles", "floor", "--rows 20 --by host"):
            self.assertIn(head, heads)
        scale = [heads.index(messages) for messages in ("2,000", "5,000", "10,000")]
        self.assertEqual(scale, sorted(scale))
        self.assertIn("5,000 messages, 20 relays, ", output)
        self.assertIn("from the start to the first exact answer", output)

    def test_a_program_that_is_not_there_is_no_result(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            for arguments in (("--build", "/nonexistent", "--clickhouse", "none"), ("--clickhouse", "no-such-server"),
                              ("program", "--build", "/nonexistent", "--clickhouse", "none")):
                status, output, errors = self.run_driver(*SMALL, "--directory", directory, *arguments)
                self.assertEqual((status, output), (1, ""), errors)
                self.assertEqual(os.listdir(directory), [])

    def test_another_answer_is_no_result(self) -> None:
        table = Table([5, 3, 2], [("a.example", [3, 1, 2]), ("b.example", [1, 1, 0])])
        tie = Table([5, 3, 2], [("a.example", [3, 1, 2]), ("c.example", [1, 1, 0])])
        self.assertTrue(same_answer(table, tie))
        for other in (Table([5, 2, 3], table.rows), Table(table.total, table.rows[:1]),
                      Table(table.total, [("a.example", [3, 2, 1]), table.rows[1]]),
                      Table(table.total, [("c.example", [3, 1, 2]), table.rows[1]]),
                      Table(table.total, [table.rows[0], ("b.example", [2, 2, 0])])):
            self.assertFalse(same_answer(table, other), other)


if __name__ == "__main__":
    unittest.main()
