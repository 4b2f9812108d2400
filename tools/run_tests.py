"""Builds everything and runs every test; ./run-tests calls it when all packages are there.

    /usr/bin/python3 tools/run_tests.py [--long] [--quick] -- [ctest's options]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from steps import (ROOT, StepFailed, Stopped, available_processors, build_jobs, fail, run_step, say,
                   signals_held, stop_on_signals)

_UNIT_TESTS = ("-L", "^unit$")
"""ctest's selection of the GoogleTest cases (tests/CMakeLists.txt gives them this label)."""


_LAST_WORDS_LINES = 60


@dataclass
class Tally:
    """How tests ended, by name."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    last_words: dict[str, str] = field(default_factory=dict)
    """The end of what a failed test printed."""

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.last_words |= other.last_words


@dataclass(frozen=True)
class Build:
    """A CMake preset and its build directory."""

    preset: str
    directory: Path
    what: str

    def make(self) -> None:
        """Configures and builds all of it; raises StepFailed."""
        logs = self.directory / "log"
        run_step(f"Configuring {self.directory.name}/ ({self.what})",
                 ["cmake", "--preset", self.preset, "-DBUILD_TESTING=ON"], logs / "configure.log")
        run_step(f"Building {self.directory.name}/", ["cmake", "--build", str(self.directory),
                                                      "--parallel", str(build_jobs())],
                 logs / "build.log")

    def test(self, ctest_options: list[str], prefix: str = "") -> Tally:
        """Runs its tests; their names get the prefix."""
        say(f"Testing {self.directory.name}/ with ctest ...")
        report = self.directory / "log" / "tests.xml"
        report.unlink(missing_ok=True)
        started = time.monotonic()
        status = _run_as_root(["ctest", "--test-dir", str(self.directory), "--output-on-failure",
                               "--no-tests=ignore", "--parallel", str(available_processors()),
                               "--output-junit", str(report), *ctest_options], self.directory)
        say(f"    done in {time.monotonic() - started:.0f} s")
        tally = read_report(report, prefix)
        if status != 0 and not tally.failed:
            tally.failed.append(f"{prefix}ctest itself (exit status {status})")
        return tally


RELEASE = Build("release", ROOT / "build", "g++, optimized")
SANITIZED = Build("asan-ubsan", ROOT / "build-asan-ubsan",
                  "clang, address and undefined-behaviour sanitizers")


def read_report(report: Path, prefix: str = "") -> Tally:
    """What ctest wrote with --output-junit. A test that could not be started has failed."""
    tally = Tally()
    try:
        suite = ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError) as error:
        tally.failed.append(f"{prefix}ctest's report ({error})")
        return tally
    for case in suite.iter("testcase"):
        name, status = prefix + case.get("name", "?"), case.get("status")
        reason = case.find("skipped")
        asked_to_skip = reason is not None and reason.get("message", "").startswith("SKIP_")
        if status == "run":
            tally.passed.append(name)
            # A module of unittest cases is one test to ctest.
            inside = re.search(r"^OK \(.*?skipped=(\d+)", case.findtext("system-out", ""), re.M)
            if inside:
                tally.skipped.append(f"{inside[1]} inside {name}")
        elif status == "disabled" or asked_to_skip:
            tally.skipped.append(name)
        else:
            tally.failed.append(name)
            printed = case.findtext("system-out", "").rstrip().splitlines()
            tally.last_words[name] = "\n".join(printed[-_LAST_WORDS_LINES:])
    return tally


def _run_as_root(command: list[str], build_directory: Path) -> int:
    """Runs ctest: a Postfix, even a private one, can be started by root only."""
    if os.geteuid() == 0:
        return _run(command, process_group=0)
    say("    (The tests start Postfix, which needs root: sudo runs them.)")
    kept = [f"{name}={value}" for name, value in os.environ.items()
            if name.startswith(("FLEETQSHAPE_", "PYTHON"))]
    try:
        return _run(["sudo", "env", *kept, *command])
    finally:  # so that the next build by this user can write there
        owner = f"{os.getuid()}:{os.getgid()}"
        subprocess.run(["sudo", "-n", "chown", "-R", owner, str(build_directory / "Testing"),
                        str(build_directory / "log")], check=False)


def _run(command: list[str], process_group: int | None = None) -> int:
    """Runs a command on this terminal. With a group of its own the tests end with ctest; without
    one (sudo must be able to ask for a password) the terminal's Ctrl-C reaches all of them."""
    process = None
    try:
        with signals_held():
            process = subprocess.Popen(command, cwd=ROOT, stdin=None if process_group is None
                                       else subprocess.DEVNULL, process_group=process_group)
        return process.wait()
    finally:
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if process_group is None:
                    subprocess.run(["sudo", "-n", "kill", str(process.pid)], check=False)
                else:
                    os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _run_all(quick: bool, ctest_options: list[str]) -> Tally:
    tally = Tally()
    builds = [RELEASE] if quick else [RELEASE, SANITIZED]
    made = []
    for build in builds:
        try:
            build.make()
            made.append(build)
        except StepFailed as error:
            fail("run-tests", str(error))
            tally.failed.append(f"the build in {build.directory.name}/")
    if RELEASE in made:
        tally.add(RELEASE.test(ctest_options))
    if SANITIZED in made:
        tally.add(SANITIZED.test([*_UNIT_TESTS, *ctest_options], "sanitized: "))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="run-tests")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("ctest_options", nargs="*")
    arguments = parser.parse_args()
    if arguments.long:
        os.environ["FLEETQSHAPE_LONG_TESTS"] = "1"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # the tests may run as root in another user's tree
    stop_on_signals()
    started = time.monotonic()
    try:
        tally = _run_all(arguments.quick, arguments.ctest_options)
    except Stopped as stopped:
        return fail("run-tests", f"stopped by {stopped}", stopped.exit_status)

    say()
    for name, words in tally.last_words.items():  # where they are found: at the end of a long output
        say(f"---- {name}, its last words:\n{words}\n")
    for title, names in (("Skipped", tally.skipped), ("Failed", tally.failed)):
        for name in names:
            say(f"{title}: {name}")
    say(f"{time.monotonic() - started:.0f} s in all.")
    if not tally.passed and not tally.failed:
        fail("run-tests", "no test was run")
    say(f"{len(tally.passed)} passed, {len(tally.failed)} failed")
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
