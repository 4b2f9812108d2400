"""A fleet of real processes on this machine: an aggregator, agents, and questions to them.

    with Aggregator() as aggregator, Agent(aggregator, postfix.queue_directory, host="gate1") as agent:
        wait_until_fleet_has(aggregator, expected_table, "deferred", "--host", "gate1")
        agent.stop()
        agent.counters().snapshots  # 1

Each program has a temporary directory for its data and logs, listens on 127.0.0.1, and gets none of the caller's
environment but what sanitizers need. The block's end stops it and removes its directory; if the test process itself
is killed, the kernel kills it.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from differential.oracle import table_difference
from support.waiting import wait_until

__all__ = ["Agent", "AgentCounters", "Aggregator", "Answer", "ask", "environment", "free_address", "program",
           "wait_until_fleet_has"]

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30
_STOP_SECONDS = 20
_ASK_SECONDS = 60


def program(name: str) -> str:
    """The path of one of our programs in the build under test."""
    build = os.environ.get("FLEETQSHAPE_BUILD_DIRECTORY") or str(_ROOT / "build")
    return str(Path(build) / "bin" / name)


def environment(**variables: str) -> dict[str, str]:
    """An environment for a program: the same on every machine, with these variables added."""
    sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent",
            **sanitizers, **variables}


def free_address() -> str:
    """A free HOST:PORT that stays free: the system gives such ports to nobody who does not ask for them by number."""
    first_automatic = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    choose = random.SystemRandom()
    while True:
        port = choose.randrange(10000, first_automatic) if first_automatic > 11000 else 0
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            return f"127.0.0.1:{probe.getsockname()[1]}"


@dataclass(frozen=True)
class Answer:
    """What one run of a program gave."""

    status: int
    stdout: bytes
    stderr: str


def ask(*arguments: str | bytes, variables: Mapping[str, str] | None = None, cwd: str | None = None) -> Answer:
    """Runs fleetqshape once, in an environment of its own with these `variables`."""
    done = subprocess.run([program("fleetqshape"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=_ASK_SECONDS, env=environment(**(variables or {})), cwd=cwd, check=False)
    return Answer(done.returncode, done.stdout, done.stderr.decode(errors="backslashreplace"))


class _Program:
    """One of our programs as a process, which may be started and ended several times."""

    def __init__(self, name: str, start_now: bool = True) -> None:
        self._name = name
        self._start_now = start_now
        self._cleanup = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._runs = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{self._name}-")))
            stack.callback(self.kill)
            if self._start_now:
                self.start()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    def start(self) -> None:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self._name} is not running"
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ends it as systemd does, by SIGTERM. It is a failure if it does not end, or not with status 0."""
        status = self._end(signal.SIGTERM)
        if status != 0:
            raise AssertionError(f"{self._name}: exit status {status} after SIGTERM\n{self.log()}")

    def kill(self) -> None:
        """Ends it by SIGKILL, without a chance to do anything about it; does nothing if it is not running."""
        if self.running():
            self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Stops it where it is, by SIGSTOP, until resume(); returns when none of its threads runs."""
        os.kill(self.pid, signal.SIGSTOP)
        threads = Path("/proc", str(self.pid), "task")
        wait_until(lambda: all("\nState:\tT" in (thread / "status").read_text() for thread in threads.iterdir()), 10,
                   f"{self._name} is suspended")

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        """What the last run wrote to standard error so far."""
        return self._output("stderr").read_text(errors="backslashreplace") if self._runs else ""

    def wait_for_log(self, text: str, *, times: int = 1, timeout_seconds: float = _START_SECONDS) -> None:
        """Waits until so many lines of the last run's log have `text`."""
        self._wait_for_output("stderr", text, times, timeout_seconds)

    def _launch(self, arguments: Sequence[str]) -> None:
        if self.running():
            raise AssertionError(f"{self._name} is running already")
        self._runs += 1
        command = ["setpriv", "--pdeathsig", "KILL", "--", program(self._name), *arguments]
        with open(self._output("stdout"), "wb") as stdout, open(self._output("stderr"), "wb") as stderr:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                             env=environment(), cwd=self.directory)

    def _wait_for_output(self, stream: str, text: str, times: int = 1, timeout_seconds: float = _START_SECONDS) -> str:
        """Waits for so many whole lines with `text` on a stream of the last run, and returns the last of them."""
        def line() -> str | None:
            ended = not self.running()
            lines = self._output(stream).read_text(errors="backslashreplace").splitlines(keepends=True)
            found = [line.rstrip("\n") for line in lines if text in line and line.endswith("\n")]
            if len(found) < times and ended:
                raise AssertionError(f"{self._name} ended without {text!r} on {stream}\n{self.log()}")
            return found[times - 1] if len(found) >= times else None
        return wait_until(line, timeout_seconds, f"{self._name} writes {text!r}", context=self.log) or ""

    def _output(self, stream: str) -> Path:
        return self.directory / f"run-{self._runs}.{stream}"

    def _end(self, kind: signal.Signals) -> int:
        assert self._process is not None, f"{self._name} was not started"
        self._process.send_signal(kind)
        try:
            return self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self._name}: still there {_STOP_SECONDS} s after {kind.name}\n{self.log()}") \
                from None


class Aggregator(_Program):
    """An aggregator. Its data directory and its addresses stay the same for all its runs.

    With --metrics-listen among the options, metrics_address is where the last run serves them; else it is empty.

    options      further options of the program
    start_now    False: it has its addresses, and starts with start()
    """

    def __init__(self, *options: str, start_now: bool = True) -> None:
        super().__init__("fleetqshape-aggregator", start_now)
        self._options = options
        self.ingest_address = free_address()
        self.query_address = free_address()
        self.metrics_address = ""

    @property
    def data_directory(self) -> Path:
        return self.directory / "data"

    def start(self, timeout_seconds: float = _START_SECONDS) -> None:
        """Returns when it listens."""
        self._launch(["--data-directory", str(self.data_directory), "--ingest-listen", self.ingest_address,
                      "--query-listen", self.query_address, *self._options])
        line = self._wait_for_output("stdout", "ready ", timeout_seconds=timeout_seconds)
        ready, _, self.metrics_address = line.partition(" metrics=")
        if ready != f"ready ingest={self.ingest_address} query={self.query_address}":
            raise AssertionError(f"the aggregator's first line: {ready!r}")

    def ask(self, *arguments: str, at: int | None = None) -> Answer:
        """What fleetqshape answers, asked at this aggregator."""
        return ask("--server", self.query_address, *([] if at is None else ["--at", str(at)]), *arguments)


@dataclass(frozen=True)
class AgentCounters:
    """What an agent said at its end that it had done."""

    snapshots: int
    deltas: int
    cells: int
    passes: int  # looks at the whole queue
    overflows: int  # of the kernel's event queue
    differences: int  # messages of which no event had told


class Agent(_Program):
    """An agent, with the relay's name and labels. It looks at the queue twenty times a second.

    aggregator        the one that it reports to, or several
    options           further options of the program
    interval_seconds  its --interval; None: as the program has it by default
    start_now         False: it starts with start()
    """

    def __init__(self, aggregator: Aggregator | Sequence[Aggregator], queue_directory: str | Path, *options: str,
                 cluster: str = "test", host: str = "relay", labels: Mapping[str, str] | None = None,
                 interval_seconds: float | None = 0.05, start_now: bool = True) -> None:
        super().__init__("fleetqshape-agent", start_now)
        labelled = [word for key, value in (labels or {}).items() for word in ("--label", f"{key}={value}")]
        # What else has an ingest_address, such as a proxy, will do for an aggregator.
        aggregators = aggregator if isinstance(aggregator, Sequence) else [aggregator]
        self._arguments = [*(word for one in aggregators for word in ("--aggregator", one.ingest_address)),
                           "--queue-directory", str(queue_directory), "--cluster", cluster, "--host", host,
                           "--instance", "postfix",
                           *([] if interval_seconds is None else ["--interval", str(interval_seconds)]),
                           *labelled, *options]

    def start(self) -> None:
        """Returns when it runs, and so takes signals; it may not have read its queue yet."""
        self._launch(self._arguments)
        self.wait_for_log(" watching ")

    def wait_until_reporting(self, times: int = 1) -> None:
        """Waits until this run was welcomed by an aggregator, so many times."""
        self.wait_for_log(" reporting to ", times=times)

    def sent_to(self, aggregator: Aggregator) -> tuple[int, int]:
        """Snapshots and deltas that the last run, which must have been stopped, sent to one of several aggregators."""
        found = re.search(rf" to {re.escape(aggregator.ingest_address)}: sent (\d+) snapshots, (\d+) deltas,",
                          self.log())
        if not found:
            raise AssertionError(f"the agent did not say what it sent\n{self.log()}")
        return int(found[1]), int(found[2])

    def counters(self) -> AgentCounters:
        """Of the last run, which must have been stopped."""
        found = re.search(r" stopping: sent (\d+) snapshots, (\d+) deltas, (\d+) cells.* in (\d+) passes;"
                          r".* (\d+) overflows, (\d+) differences", self.log())
        if not found:
            raise AssertionError(f"the agent did not say what it sent\n{self.log()}")
        return AgentCounters(*map(int, found.groups()))


def wait_until_fleet_has(aggregator: Aggregator, expected: bytes, *arguments: str, at: int | None = None,
                         timeout_seconds: float = 20) -> Answer:
    """Asks until the table is `expected` (but for the order of ties), and returns that answer.

    Agents look at their queues now and then, so a true answer may be a moment old: it counts that it comes.
    """
    last = Answer(0, b"", "")

    def difference() -> str | None:
        nonlocal last
        last = aggregator.ask(*arguments, at=at)
        if last.status != 0:
            return f"exit status {last.status}: {last.stderr}"
        return table_difference(expected, last.stdout)

    def context() -> str:
        return (f"{difference()}\nexpected:\n{expected.decode(errors='backslashreplace')}"
                f"got:\n{last.stdout.decode(errors='backslashreplace')}{last.stderr}\n{aggregator.log()}")

    wait_until(lambda: difference() is None, timeout_seconds,
               f"the fleet has the expected table for {' '.join(arguments)} at {at}", context=context,
               interval_seconds=0.02)
    return last
