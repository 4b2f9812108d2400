"""Starts and stops the programs of quickstart's fleet."""

from __future__ import annotations

import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steps import signals_held

_READY_SECONDS = 30
_STOP_SECONDS = 10
_LOG_TAIL_LINES = 15


class FleetError(Exception):
    """A program of the fleet did not do what it should. The message says which, and its last words."""


@dataclass(frozen=True)
class Relay:
    """A sample relay: where it belongs, and its queue directory."""

    host: str
    cluster: str
    role: str
    queue_directory: Path


class _Program:
    """A running program; its standard error goes to a log."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]):
        self.name = name
        self._log = log
        with open(log, "wb") as errors:
            # A session of its own: Ctrl-C is for quickstart, which stops the programs in order.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=errors, env=environment, start_new_session=True)

    def first_line(self) -> str:
        """What it prints first; raises FleetError if that does not come."""
        readable, _, _ = select.select([self.process.stdout], [], [], _READY_SECONDS)
        line = self.process.stdout.readline().decode(errors="replace").strip() if readable else ""
        if not line:
            raise FleetError(f"{self.name} did not start.{self.last_words()}")
        return line

    def last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "".join(f"\n    | {line}" for line in lines) or " It said nothing."

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Fleet:
    """An aggregator and an agent for each relay, from `with` to the block's end."""

    def __init__(self, programs: Path, directory: Path, relays: Sequence[Relay],
                 environment: Mapping[str, str]) -> None:
        self._bin = programs
        self._directory = directory
        self._relays = relays
        self._environment = environment
        self._running: list[_Program] = []
        self.ingest_address = ""
        self.query_address = ""

    def __enter__(self) -> Fleet:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def check(self) -> None:
        """Raises FleetError if a program has ended."""
        for program in self._running:
            status = program.process.poll()
            if status is not None:
                raise FleetError(f"{program.name} ended (status {status}).{program.last_words()}")

    def wait_for_recipients(self, expected: int, timeout_seconds: float) -> None:
        """Waits until the aggregator counts so many recipients in all queues of all relays."""
        command = [str(self._bin / "fleetqshape"), "--server", self.query_address,
                   "maildrop", "hold", "incoming", "active", "deferred"]
        deadline = time.monotonic() + timeout_seconds
        while True:
            self.check()
            done = subprocess.run(command, capture_output=True, text=True, env=self._environment)
            total = re.search(r"^ *TOTAL +(\d+)", done.stdout, re.M)
            if total and int(total[1]) == expected:
                return
            if time.monotonic() > deadline:
                raise FleetError(f"the aggregator should count {expected} recipients within "
                                 f"{timeout_seconds:.0f} s, but says: {done.stdout}{done.stderr}")
            time.sleep(0.1)

    def _start(self) -> None:
        aggregator = self._run("fleetqshape-aggregator", "aggregator",
                               "--data-directory", str(self._directory / "aggregator"),
                               "--ingest-listen", "127.0.0.1:0", "--query-listen", "127.0.0.1:0")
        line = aggregator.first_line()
        ready = re.fullmatch(r"ready ingest=(\S+) query=(\S+)", line)
        if not ready:
            raise FleetError(f"the aggregator said {line!r}, not where it listens")
        self.ingest_address, self.query_address = ready.groups()
        for relay in self._relays:
            self._run("fleetqshape-agent", f"agent-{relay.host}",
                      "--aggregator", self.ingest_address, "--cluster", relay.cluster,
                      "--host", relay.host, "--label", f"role={relay.role}",
                      "--queue-directory", str(relay.queue_directory))

    def _run(self, program: str, name: str, *options: str) -> _Program:
        with signals_held():
            started = _Program(name, [str(self._bin / program), *options], self._directory / f"{name}.log",
                               self._environment)
            self._running.append(started)
        return started

    def _stop(self) -> None:
        while self._running:  # agents before the aggregator
            self._running.pop().stop()
