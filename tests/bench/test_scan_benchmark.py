"""Tests of the scan benchmark's driver, on a queue too small to measure anything."""

import contextlib
import io
import os
import tempfile
import unittest

from bench import scan_benchmark


class ScanBenchmark(unittest.TestCase):
    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = scan_benchmark.main(arguments)
        return status, output.getvalue(), errors.getvalue()

    def test_measures_checks_and_clears_up(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, output, errors = self.run_driver("--files", "500", "--rounds", "2", "--directory", directory)
            self.assertEqual(status, 0, errors)
            self.assertEqual(os.listdir(directory), [])
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if "|" in line]
        self.assertEqual({row[0] for row in cells[2:]} - {"floor, one descriptor table"},
                         {"qshape", "fleetqshape", "floor"})  # fmt: skip
        self.assertEqual({len(row) for row in cells}, {len(cells[0])})

    def test_a_wrong_count_is_no_result(self) -> None:
        queue = scan_benchmark.Queue("/queue", files=3, bytes=1, recipients=4)
        fleetqshape = scan_benchmark.Contestant("fleetqshape", 1, [])
        fleetqshape.check_output(b"  T  5\nTOTAL  4  4\n", queue)
        with self.assertRaises(scan_benchmark.WrongAnswer):
            fleetqshape.check_output(b"  T  5\nTOTAL  3  3\n", queue)
        floor = scan_benchmark.Contestant("floor", 1, [])
        with self.assertRaises(scan_benchmark.WrongAnswer):
            floor.check_output(b'{"files": 2, "bytes": 9}', queue)

    def test_a_program_that_fails_is_no_result(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, _, errors = self.run_driver("--files", "1", "--directory", directory, "--build", "/nonexistent")
            self.assertEqual(os.listdir(directory), [])
        self.assertEqual(status, 1)
        self.assertIn("queue_writer", errors)


if __name__ == "__main__":
    unittest.main()
