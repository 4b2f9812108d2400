"""Tests of the ingest benchmark, with a fleet too small to measure anything."""

import contextlib
import io
import os
import tempfile
import unittest

from bench import ingest_benchmark


class IngestBenchmark(unittest.TestCase):
    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = ingest_benchmark.main(arguments)
        return status, output.getvalue(), errors.getvalue()

    def test_measures_and_clears_up(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, output, errors = self.run_driver("--relays", "5", "--messages", "200", "--changes", "50",
                                                     "--reports", "3", "--rounds", "2", "--directory", directory)  # fmt: skip
            self.assertEqual(status, 0, errors)
            self.assertEqual(os.listdir(directory), [])
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if "|" in line]
        self.assertEqual({len(row) for row in rows}, {9})
        self.assertEqual([row[0] for row in rows if "aggregator" in row[0] or "RocksDB" in row[0]],
                         2 * list(ingest_benchmark._NAMES.values()))
        self.assertIn("30 reports of 5", output)  # 50 changes or some more

    def test_a_program_that_fails_is_no_result(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, output, _ = self.run_driver("--relays", "0", "--directory", directory)
            self.assertEqual((status, output), (1, ""))
            status, output, _ = self.run_driver("--directory", directory, "--build", "/nonexistent")
            self.assertEqual((status, output), (1, ""))
            self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main()
