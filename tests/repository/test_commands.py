"""quickstart, run-tests and the installer: their usage, and what they count."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import run_tests  # noqa: E402
import steps  # noqa: E402

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="x" tests="8">
  <testcase name="good" status="run"><system-out>fine</system-out></testcase>
  <testcase name="module" status="run"><system-out>Ran 3 tests\n\nOK (skipped=2)\n</system-out></testcase>
  <testcase name="bad" status="fail"><failure message=""/><system-out>said
why
</system-out></testcase>
  <testcase name="left out" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
  <testcase name="cased" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
  <testcase name="switched off" status="disabled"/>
  <testcase name="not built" status="notrun"><skipped message="Unable to find executable"/></testcase>
</testsuite>
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    # From elsewhere: the commands find the project themselves.
    return subprocess.run([str(ROOT / command[0]), *command[1:]], cwd="/", stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)


class Usage(unittest.TestCase):
    def test_help(self) -> None:
        for command in ("quickstart", "run-tests"):
            for option in ("-h", "--help"):
                with self.subTest(command=command, option=option):
                    done = run(command, option)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))
                    self.assertTrue(done.stdout.startswith(f"usage: ./{command} ["), done.stdout)

    def test_wrong_usage_is_one_line_and_does_nothing(self) -> None:
        for command in (["quickstart", "--twice"], ["quickstart", "--once", "x"], ["quickstart", ""],
                        ["run-tests", "everything"]):
            with self.subTest(command=command):
                done = run(*command)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                self.assertRegex(done.stderr, rf"\A{command[0]}: what is .*usage: .*\n\Z")
                self.assertEqual(1, done.stderr.count("\n"))

    def test_installer_names_an_unknown_list(self) -> None:
        for arguments in ([], ["nonsense"], ["../packages"]):
            with self.subTest(arguments=arguments):
                done = run("tools/install-packages", *arguments)
                self.assertEqual((1, ""), (done.returncode, done.stdout))
                self.assertRegex(done.stderr, r"\Ainstall-packages: .+\n\Z")

    def test_commands_can_be_run(self) -> None:
        for command in ("quickstart", "run-tests", ".ci/run", "tools/install-packages"):
            self.assertTrue(os.access(ROOT / command, os.X_OK), command)


class Counting(unittest.TestCase):
    def read(self, text: str) -> run_tests.Tally:
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory, "report.xml")
            report.write_text(text, encoding="utf-8")
            return run_tests.read_report(report, "p: ")

    def test_every_ending_is_counted_once(self) -> None:
        tally = self.read(REPORT)
        self.assertEqual(["p: good", "p: module"], tally.passed)
        self.assertEqual(["p: bad", "p: not built"], tally.failed)
        self.assertEqual({"p: bad": "said\nwhy", "p: not built": ""}, tally.last_words)
        self.assertEqual(["2 inside p: module", "p: left out", "p: cased", "p: switched off"],
                         tally.skipped)

    def test_no_report_is_a_failure(self) -> None:
        self.assertEqual(1, len(self.read("<testsuite").failed))
        self.assertEqual(1, len(run_tests.read_report(Path("/nonexistent/report.xml")).failed))


class LongSteps(unittest.TestCase):
    """A step that fails says what the command said; one that ends well does not."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.log = Path(directory.name, "logs", "step.log")
        self.said: list[str] = []
        real = steps.say
        self.addCleanup(setattr, steps, "say", real)
        steps.say = lambda text="": self.said.append(text)

    def test_success(self) -> None:
        steps.run_step("Trying", ["sh", "-c", "echo words; echo more >&2"], self.log)
        self.assertEqual(["Trying ...", "    done in 0 s"], self.said)
        self.assertEqual("words\nmore\n", self.log.read_text())

    def test_failure(self) -> None:
        script = "for i in $(seq 100); do echo line $i; done; echo FAILED: x.o; echo why; exit 3"
        with self.assertRaisesRegex(steps.StepFailed, r"^Trying: failed after 0 s; .*step\.log$"):
            steps.run_step("Trying", ["sh", "-c", script], self.log)
        self.assertIn("    | FAILED: x.o", self.said)
        self.assertEqual("    | why", self.said[-1])
        self.assertLess(len(self.said), 50)


if __name__ == "__main__":
    unittest.main()
