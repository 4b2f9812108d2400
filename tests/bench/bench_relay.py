"""The relay that agent_benchmark.py measures at: a private Postfix with a long deferred queue, traffic through it, and
Debian's prometheus-postfix-exporter beside it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from bench.process_figures import CpuMeter, children_named
from support.fleet import free_address
from support.private_postfix import PrivatePostfix
from support.waiting import wait_until

__all__ = ["BenchRelay", "Exporter", "WrongFigure", "file_traffic", "mail_traffic"]

# What works at the queue by itself; queue_traffic takes the place of it.
_WORKERS = "qmgr/unix pickup/unix"
_MAIL_SETTINGS = {
    "default_transport": "discard:",
    "relay_transport": "discard:",
    "transport_maps": "inline:{ {.deferred.example = smtp:[127.0.0.1]:9} }",  # where nobody listens
    "minimal_backoff_time": "30s",
    "maximal_backoff_time": "30s",
    "queue_run_delay": "30s",
    "master_service_disable": _WORKERS,
}
_OLD_RETRY_SECONDS = 4000  # maximal_backoff_time: each old deferred message is tried again so often
_SCRAPE_SECONDS = 15
_BATCHES_A_SECOND = 10
_MOST_BATCHES = 20


class WrongFigure(Exception):
    """What was measured does not mean what it should."""


@dataclass(frozen=True)
class Written:
    """What queue_writer wrote."""

    files: int
    bytes: int
    recipients: int


class BenchRelay:
    """From `with` to the block's end; then all of it is gone.

    build      the build's directory
    parent     where the queue's directory is made
    files      messages in deferred, which nobody tries again for a day

    Postfix runs, with showq, and without those that would touch the queue: see working_postfix().
    """

    def __init__(self, build: Path, parent: Path, files: int, seed: int) -> None:
        self.programs = build / "tests"
        self._parent = parent
        self._files = files
        self.seed = seed
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> "BenchRelay":
        with contextlib.ExitStack() as stack:
            with _temporary_files_below(self._parent):
                self.postfix = stack.enter_context(PrivatePostfix(9, settings=_MAIL_SETTINGS))  # port 9: discard
            self.queue_directory = self.postfix.queue_directory
            self.postfix.stop()
            self.written = self._fill()
            self.postfix.start()
            count = len(self.postfix.queue_files("deferred"))
            if count != self._files:
                raise WrongFigure(f"{count} files in deferred, {self._files} were written")
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    @property
    def master_pid(self) -> int:
        [pid] = [pid for pid, name in self.postfix.processes().items() if name == "master"]
        return pid

    def showq_meter(self) -> CpuMeter:
        return CpuMeter(children_named(self.master_pid, "showq"))

    def messages(self) -> int:
        """On the disk, in all queues."""
        return sum(self.postfix.counts().values())

    def postqueue(self, output: Path) -> tuple[float, float]:
        """`postqueue -j` into a file; its wall time, and the CPU time of it and of showq."""
        environment = {"PATH": "/usr/sbin:/usr/bin", "MAIL_CONFIG": str(self.postfix.config_directory)}
        with open(output, "wb") as file, self.showq_meter() as showq:
            start = time.perf_counter()
            process = subprocess.Popen(["postqueue", "-j"], stdout=file, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - start
            cpu = usage.ru_utime + usage.ru_stime + showq.seconds()
        with open(output, "rb") as file:
            lines = sum(1 for _ in file)
        if process.returncode != 0 or lines != self._files:
            raise WrongFigure(f"postqueue -j: exit status {process.returncode}, {lines} messages of {self._files}")
        return wall, cpu

    @contextlib.contextmanager
    def working_postfix(self) -> Iterator[None]:
        """Within the block, Postfix works as it does everywhere."""
        self._restart(master_service_disable="")
        try:
            yield
        finally:
            self._restart(master_service_disable=_WORKERS)

    def _restart(self, **settings: str) -> None:
        self.postfix.stop()
        self.postfix.configure(**settings)
        self.postfix.start()

    def _fill(self) -> Written:
        """Takes deferred's place, its files written on the same file system."""
        deferred = self.queue_directory / "deferred"
        with tempfile.TemporaryDirectory(dir=self.postfix.directory) as staging:
            command = [self.programs / "queue_writer", staging, str(self._files), str(self.seed)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            owner = deferred.stat()
            for directory, _, names in os.walk(Path(staging) / "deferred"):
                for name in (".", *names):
                    os.chown(os.path.join(directory, name), owner.st_uid, owner.st_gid)
            shutil.rmtree(deferred)
            (Path(staging) / "deferred").rename(deferred)
        return Written(**json.loads(output))


@dataclass
class Traffic:
    """What passed, and in how many seconds: known when the traffic has ended."""

    what: str
    asked: float
    seconds: float = 0
    messages: int = 0
    remarks: str = ""

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def reached(self) -> bool:
        return self.rate >= 0.95 * self.asked

    def check(self) -> None:
        if not self.reached:
            raise WrongFigure(f"{self.what}: {self.rate:.0f} messages a second passed, {self.asked:g} were to")


@contextlib.contextmanager
def file_traffic(relay: BenchRelay, rate: float) -> Iterator[Traffic]:
    """The file operations of Postfix, by queue_traffic; in the end the queue is as it was."""
    traffic = Traffic("the file operations of Postfix", rate)
    before = relay.messages()
    command = [relay.programs / "queue_traffic", relay.queue_directory, str(rate),
               str(before / _OLD_RETRY_SECONDS), str(relay.seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield traffic
        if process.poll() is not None:
            raise WrongFigure(f"queue_traffic ended with status {process.returncode}")
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    done = json.loads(output)
    traffic.seconds, traffic.messages = done["seconds"], done["arrived"]
    traffic.remarks = (f"{done['delivered']:,} delivered, {done['deferrals']:,} times deferred, "
                       f"{done['retries'] + done['old_retries']:,} retries")
    after = relay.messages()
    if after != before or not done["delivered"]:
        raise WrongFigure(f"queue_traffic: {output!r}, {before} messages before, {after} after it")
    traffic.check()


@contextlib.contextmanager
def mail_traffic(relay: BenchRelay, rate: float) -> Iterator[Traffic]:
    """Real mail through a working_postfix(), by smtp-source; a tenth is deferred, the rest discarded.

    Whether the rate was reached is for the caller to look at. What was deferred stays in the queue.
    """
    traffic = Traffic("real mail", rate)
    ended = threading.Event()
    sent = [0, 0]  # messages, failed batches

    def send() -> None:
        running: list[subprocess.Popen[bytes]] = []
        batch = max(round(rate / _BATCHES_A_SECOND), 1)
        due = time.monotonic()
        number = 0
        while not ended.is_set():
            for process in [process for process in running if process.poll() is not None]:
                running.remove(process)
                sent[0 if process.returncode == 0 else 1] += batch if process.returncode == 0 else 1
            if len(running) < _MOST_BATCHES and time.monotonic() >= due:
                due = max(due + batch / rate, time.monotonic() - 1)
                number += 1
                kind = "deferred" if number % 10 == 0 else "delivered"
                running.append(subprocess.Popen(
                    ["smtp-source", "-4", "-d", "-f", f"sender@mail{number % 1000}.example", "-t",
                     f"user@mail{number % 1777}.{kind}.example", "-m", str(batch), "-s", str(min(batch, 2)),
                     "-l", "4000", "-M", "client.test", f"127.0.0.1:{relay.postfix.smtpd_port}"],
                    stderr=subprocess.DEVNULL))
            ended.wait(0.01)
        for process in running:
            process.wait(timeout=60)

    thread = threading.Thread(target=send, name="mail-traffic", daemon=True)
    start = time.monotonic()
    thread.start()
    try:
        yield traffic
        traffic.seconds, traffic.messages = time.monotonic() - start, sent[0]
    finally:
        ended.set()
        thread.join()
    if sent[1] or not sent[0]:
        raise WrongFigure(f"smtp-source: {sent[1]} batches failed, {sent[0]} messages sent\n{relay.postfix.log_tail()}")


@dataclass
class Exporter:
    """prometheus-postfix-exporter, from `with` to the block's end, scraped every 15 s."""

    program: str
    relay: BenchRelay
    scrape_seconds: list[float] = field(default_factory=list)
    problem: str = ""
    messages: float = 0  # as the last scrape says
    pid: int = 0

    def __enter__(self) -> "Exporter":
        address = free_address()
        command = ["setpriv", "--pdeathsig", "KILL", "--", self.program, f"--web.listen-address={address}",
                   f"--postfix.showq_path={self.relay.queue_directory}/public/showq",
                   f"--postfix.logfile_path={self.relay.postfix.maillog}"]
        self._url = f"http://{address}/metrics"
        self._ended = threading.Event()
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self._process.pid
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)
        try:
            wait_until(lambda: _connects(address), 20, "the exporter listens")
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._process.terminate()
        self._process.wait(timeout=20)

    def finish(self) -> None:
        """No further scrape; returns when the one under way has ended. Raises WrongFigure if one failed."""
        self._ended.set()
        self._thread.join()
        if self.problem or not self.scrape_seconds:
            raise WrongFigure(f"the exporter: {self.problem or 'no scrape'}")

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(due - time.monotonic(), 0)):
            start = time.monotonic()
            try:
                with urllib.request.urlopen(self._url, timeout=300) as answer:
                    text = answer.read().decode()
                self.messages = sum(float(line.split()[-1]) for line in text.splitlines()
                                    if line.startswith("postfix_showq_message_size_bytes_count"))
                if "postfix_up{" in text and not any(line.startswith("postfix_up{") and line.endswith(" 1")
                                                     for line in text.splitlines()):
                    self.problem = "it cannot read showq"
            except (OSError, ValueError) as error:
                self.problem = str(error)
                return
            self.scrape_seconds.append(time.monotonic() - start)
            due = max(due + _SCRAPE_SECONDS, time.monotonic())


def _connects(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/", timeout=5):
        return True
    return False


@contextlib.contextmanager
def _temporary_files_below(directory: Path) -> Iterator[None]:
    before = tempfile.tempdir
    tempfile.tempdir = str(directory)
    try:
        yield
    finally:
        tempfile.tempdir = before
