"""Tests of the streams benchmark, with a fleet too small to measure anything."""

import contextlib
import io
import os
import tempfile
import unittest
from unittest import mock

from bench import streams_benchmark


class StreamsBenchmark(unittest.TestCase):
    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        output, errors = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors),
              mock.patch.dict(os.environ), mock.patch.object(tempfile, "tempdir", tempfile.tempdir)):
            status = streams_benchmark.main(arguments)
        return status, output.getvalue(), errors.getvalue()

    def test_measures_and_clears_up(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, output, errors = self.run_driver("--agents", "20", "--interval", "0.2", "--seconds", "2",
                                                     "--directory", directory)  # fmt: skip
            self.assertEqual(status, 0, errors)
            self.assertEqual(os.listdir(directory), [])
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if "|" in line]
        self.assertEqual({len(row) for row in rows}, {13})
        self.assertEqual((rows[2][0], rows[2][10]), ("20", "0"))
        self.assertGreater(int(rows[2][1]), 5)  # reports a second; mail comes by the second
        self.assertIn("20 agents of 20 wanted", output)
        self.assertIn("reports lost: 0 (aim: at most 0): **met**", output)

    def test_a_program_that_fails_is_no_result(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            status, output, _ = self.run_driver("--directory", directory, "--build", "/nonexistent")
            self.assertEqual((status, output), (1, ""))
            status, output, errors = self.run_driver("--directory", directory, "--agents", "2", "--interval", "0")
            self.assertEqual((status, output), (1, ""), errors)
            self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main()
