"""A private Postfix instance for tests.

    with SmtpSink() as sink, PrivatePostfix(sink.port) as postfix:
        postfix.send("alice@here.example", ["ok@there.example", "defer@there.example"])
        postfix.quiet()
        postfix.queue_files("deferred")  # one file: ok's record is D, defer's is still R

It is Debian's Postfix with configuration, queue, data and log in a temporary directory. It listens on a free port of
127.0.0.1, hands all its mail to one port of 127.0.0.1, asks no name server and no syslog, and writes nothing outside
its directory. It needs root, as Postfix does. Nothing moves by itself: a deferred message is tried again by flush().
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from support.header_milter import HeaderMilter
from support.postfix_configuration import HOSTNAME, PostfixOptions, backdate, hash_settings, write_main, write_master
from support.waiting import WaitTimeout, wait_until

__all__ = ["HOSTNAME", "QUEUES", "PrivatePostfix"]

QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
_PROGRAMS = (Path("/usr/lib/postfix/sbin"), Path("/usr/sbin"))  # daemons; commands such as postsuper
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class PrivatePostfix:
    """One instance, from `with` to the block's end; the block's end stops it and removes its directory.

    relay_port        the port of 127.0.0.1 that gets all mail that is not for HOSTNAME
    long_queue_ids    enable_long_queue_ids
    hash_queue_depth  0 to 2; 0 is a hash_queue_names that names no queue, as Postfix has no depth 0
    aliases           local alias to destinations, for recipients at HOSTNAME (alias_maps)
    virtual_aliases   address to destinations, for every recipient (virtual_alias_maps)
    milter            whether smtpd asks a HeaderMilter
    settings          further main.cf parameters, which win over the fixture's own
    services          further master.cf lines

    Not for use by several threads at once.
    """

    def __init__(self, relay_port: int, **options: Any) -> None:
        self._options = PostfixOptions(relay_port, **options)
        self._cleanup = contextlib.ExitStack()
        self._faketime_files: list[Path] = []
        self.smtpd_port = 0  # chosen anew at every start()

    def __enter__(self) -> "PrivatePostfix":
        if os.geteuid() != 0:
            raise RuntimeError("a private Postfix needs root: its master starts programs as the mail owner")
        with contextlib.ExitStack() as stack:
            self.directory = stack.enter_context(_temporary_directory())
            self.config_directory = self.directory / "config"
            self.queue_directory = self.directory / "queue"
            self.maillog = self.directory / "log" / "maillog"
            for name in ("config", "queue", "log", "data"):
                (self.directory / name).mkdir(mode=0o755)
            shutil.chown(self.directory / "data", "postfix")
            # postsuper logs as the mail owner, and by itself while the mail system, with its logger, is stopped.
            self.maillog.touch()
            shutil.chown(self.maillog, "postfix")
            milters = ""
            if self._options.milter:
                milters = stack.enter_context(HeaderMilter(self.directory / "milter")).endpoint
            write_main(self.directory, self._options, milters)
            stack.callback(self.stop)
            self.start()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    # The mail system.

    def start(self, clock_offset_seconds: int = 0) -> None:
        """Starts the mail system; returns when it listens.

        With a clock offset, all of it runs that many seconds beside the real time (negative: in the past) until it is
        stopped, and mail that comes in by SMTP gets such an arrival time. Mail handed in by sendmail() gets the real
        time all the same: postdrop runs with its group's rights, and such programs take no preloaded library.
        """
        for attempts_left in (4, 3, 2, 1, 0):
            self.smtpd_port = _free_port()
            write_master(self.directory, self._options, self.smtpd_port)
            code, output = self._start_once(clock_offset_seconds)
            if code == 0:
                return
            # Another process may have taken the port between our choice and Postfix's bind.
            if attempts_left == 0 or "Address already in use" not in self.log_tail():
                raise RuntimeError(f"postfix did not start: {output}\n{self.log_tail()}")

    def stop(self) -> None:
        """Stops the mail system and leaves the queue as it is; does nothing if it is stopped already."""
        if self.processes():
            # `postfix abort` sends what `postfix stop` sends, but does not go on to look once a second.
            self.run("postfix", "abort", check=False)
            try:
                wait_until(self._ended, 10, "Postfix's processes end", context=self.log_tail)
            except WaitTimeout:
                for pid in self.processes():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                wait_until(self._ended, 10, "Postfix's processes are gone after SIGKILL")
        for file in self._faketime_files:
            file.unlink(missing_ok=True)
        self._faketime_files.clear()

    def running(self) -> bool:
        return "master" in self.processes().values()

    def processes(self) -> dict[int, str]:
        """Process id to program of this instance's daemons and commands: Postfix's programs in our queue directory."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                program, directory = Path(os.readlink(entry / "exe")), Path(os.readlink(entry / "cwd"))
            except OSError:  # it ended meanwhile, or is a kernel thread
                continue
            if program.parent in _PROGRAMS and directory.is_relative_to(self.queue_directory):
                found[int(entry.name)] = program.name
        return found

    def reload(self) -> None:
        """Makes the running mail system read its configuration again; returns when all of it has.

        To be called when Postfix is quiet: a daemon that is delivering goes on with the old configuration until then.
        """
        old = {pid for pid, program in self.processes().items() if program != "master"}
        self.run("postfix", "reload")
        wait_until(lambda: old.isdisjoint(self.processes()), 20, "the old daemons end", context=self.situation)

    def configure(self, **settings: str) -> None:
        """Changes main.cf. Takes effect at the next start() or reload()."""
        self.run("postconf", "-e", *(f"{name}={value}" for name, value in settings.items()))
        backdate(self.config_directory / "main.cf")

    def configure_hash(self, depth: int, names: Sequence[str] = ("deferred", "defer")) -> None:
        """Changes how queues are hashed; at the next start() Postfix moves the files that are in the wrong place."""
        self.configure(**hash_settings(depth, names))

    def setting(self, name: str) -> str:
        """The value of a main.cf parameter, expanded."""
        return self.run("postconf", "-xh", name).stdout.strip()

    # Mail in.

    def send(self, sender: str, recipients: Sequence[str], *, headers: Sequence[str] = (),
             body: str = "text\n") -> None:
        """One message by SMTP (swaks), to exactly these recipients; an empty sender is the null sender.

        Returns when Postfix has it in its queue. swaks knows no SMTPUTF8: queue_scenarios.utf8_mail() does.
        """
        lines = [f"From: <{sender or 'MAILER-DAEMON'}>", "To: undisclosed-recipients:;", "Subject: test", *headers]
        self.run("swaks", "--server", "127.0.0.1", "--port", str(self.smtpd_port), "--helo", "client.test",
                 "--from", sender or "<>", "--to", ",".join(recipients), "--data", "-", "--silent", "2",
                 input="\n".join([*lines, "", body]))

    def send_many(self, sender: str, recipient: str, *, messages: int, recipients: int = 1, numbered: bool = False,
                  sessions: int = 4, length_bytes: int = 200) -> None:
        """Many messages by smtp-source. Of several recipients, those after the first get a number in front.

        `numbered` puts a number that never comes back in front of every recipient instead.
        """
        self.run("smtp-source", "-4", "-f", sender or "<>", "-t", recipient, "-m", str(messages), "-r", str(recipients),
                 "-s", str(min(sessions, messages)), "-l", str(length_bytes), "-M", "client.test",
                 *(["-N"] if numbered else []), f"127.0.0.1:{self.smtpd_port}")

    def sendmail(self, sender: str, recipients: Sequence[str] = (), *, headers: Sequence[str] = (),
                 body: str = "text\n") -> None:
        """One message by the sendmail command; it stays in maildrop while the mail system is stopped.

        Without recipients, they are taken from the headers (sendmail -t).
        """
        self.run("sendmail", "-i", "-f", sender or "<>", *(recipients or ["-t"]),
                 input="\n".join(["Subject: test", *headers, "", body]))

    # What a postmaster does.

    def flush(self, *, wait: bool = True, timeout_seconds: float = 30) -> None:
        """Tries all deferred mail again; with `wait`, returns when each such message was tried and all is quiet."""
        before = self._deferred_changes()
        self.run("postqueue", "-f")
        if wait:
            # qmgr takes the messages when it gets to them. Each try renames the file, which changes its ctime.
            wait_until(lambda: before.isdisjoint(self._deferred_changes()), timeout_seconds,
                       "every deferred message is tried", context=self.situation)
            self.quiet(timeout_seconds=timeout_seconds)

    def hold(self, *ids: str) -> None:
        self._postsuper("-h", ids)

    def release(self, *ids: str) -> None:
        """Moves held mail to deferred."""
        self._postsuper("-H", ids)

    def requeue(self, *ids: str) -> None:
        """Moves mail to maildrop and, if the mail system runs, wakes pickup, which otherwise looks once a minute."""
        self._postsuper("-r", ids)
        if self.running():
            self.kick("pickup", "W")

    def kick(self, service: str, request: str) -> None:
        """Sends a request, such as pickup's W to look into maildrop, to a service that is woken so (postkick)."""
        # If the service hangs up before it was told, postkick ends by SIGPIPE.
        wait_until(lambda: self.run("postkick", "public", service, request, check=False).returncode == 0, 10,
                   f"{service} takes {request}", context=self.situation)

    def delete(self, *ids: str) -> None:
        self._postsuper("-d", ids)

    def expire(self, *ids: str) -> None:
        """Marks mail to be returned at its next try (force-expire); it stays where it is until then."""
        self._postsuper("-e", ids)

    # What is in the queue.

    def queue_files(self, queue: str) -> list[Path]:
        """The messages of a queue, at any depth, sorted; not Postfix's temporary files, whose names have a dot."""
        return sorted(Path(directory, name) for directory, _, names in os.walk(self.queue_directory / queue)
                      for name in names if name.isalnum())

    def ids(self, queue: str) -> list[str]:
        """The queue ids of a queue's messages, sorted."""
        return sorted(file.name for file in self.queue_files(queue))

    def counts(self) -> dict[str, int]:
        """How many messages each queue has; not one consistent moment if mail moves meanwhile."""
        return {queue: len(self.queue_files(queue)) for queue in QUEUES}

    def listing(self) -> list[dict[str, Any]]:
        """What `postqueue -j` prints: one object a message."""
        return [json.loads(line) for line in self.run("postqueue", "-j").stdout.splitlines()]

    def quiet(self, queues: Iterable[str] = ("maildrop", "incoming", "active"), *, timeout_seconds: float = 30) -> None:
        """Waits until these queues are empty, which means that Postfix is doing nothing with any message."""
        queues = tuple(queues)
        # Mail moves in the order in which the queues are read, so it is not missed on its way; except that the last
        # step of a message may put a new one (a bounce, a forwarded copy) into incoming. Later looks find that one.
        wait_until(lambda: not any(self.queue_files(queue) for _ in range(3) for queue in queues), timeout_seconds,
                   f"{', '.join(queues)} are empty", context=self.situation)

    def wait_for(self, *, timeout_seconds: float = 30, **counts: int) -> None:
        """Waits until the queues named have exactly so many messages: wait_for(active=2, incoming=3)."""
        wait_until(lambda: all(len(self.queue_files(queue)) == count for queue, count in counts.items()),
                   timeout_seconds, f"the queues have {counts}", context=self.situation)

    def situation(self) -> str:
        """What a failed wait shows: the counts and the log's end."""
        return f"queues: {self.counts()}\n{self.log_tail()}"

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.maillog.read_text(errors="replace").splitlines()[-lines:])

    # Commands.

    def run(self, program: str, *arguments: str, input: str = "", check: bool = True,
            timeout_seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a program with this instance's configuration (MAIL_CONFIG); raises with its output if it fails."""
        done = subprocess.run([program, *arguments], input=input, capture_output=True, encoding="utf-8",
                              timeout=timeout_seconds, env=self._environment(), cwd=self.directory)
        if check and done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)}: exit {done.returncode}: {done.stdout}{done.stderr}\n"
                               f"{self.log_tail()}")
        return done

    def shared_memory_files(self) -> list[Path]:
        """What libfaketime keeps outside of our directory while the clock is offset; stop() removes it."""
        return [file for file in self._faketime_files if file.exists()]

    def _ended(self) -> bool:
        # master may fork a daemon after /proc was listed and be gone before it is looked at; a daemon forks none.
        return not any(self.processes() for _ in range(2))

    def _environment(self) -> dict[str, str]:
        return {"PATH": _PATH, "LANG": "C.UTF-8", "MAIL_CONFIG": str(self.config_directory)}

    def _start_once(self, clock_offset_seconds: int) -> tuple[int, str]:
        environment = self._environment()
        if clock_offset_seconds:
            library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
            if library is None:
                raise RuntimeError("no libfaketime: install Debian's package faketime")
            # Not the faketime command: it takes away what the daemons share as soon as `postfix start` is done.
            environment |= {"LD_PRELOAD": str(library), "FAKETIME": f"{clock_offset_seconds:+d}",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with open(self.directory / "log" / "start", "w+", encoding="utf-8") as output:  # no pipe: daemons may keep it
            process = subprocess.Popen(["postfix", "start"], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, env=environment, cwd=self.directory)
            if clock_offset_seconds:  # libfaketime never removes these; later processes inherit the first one's
                self._faketime_files += [Path(f"/dev/shm/faketime_shm_{process.pid}"),
                                         Path(f"/dev/shm/sem.faketime_sem_{process.pid}")]
            try:
                code = process.wait(timeout=60)
            except BaseException:
                process.kill()
                process.wait()
                raise
            output.seek(0)
            return code, output.read()

    def _postsuper(self, action: str, ids: Sequence[str]) -> None:
        if not ids:
            raise ValueError("postsuper without a queue id would do nothing")
        self.run("postsuper", action, "-", input="".join(f"{queue_id}\n" for queue_id in ids))

    def _deferred_changes(self) -> set[tuple[str, int]]:
        changes = set()
        for file in self.queue_files("deferred"):
            with contextlib.suppress(FileNotFoundError):
                changes.add((file.name, file.stat().st_ctime_ns))
        return changes


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextlib.contextmanager
def _temporary_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="private-postfix-") as name:
        os.chmod(name, 0o755)  # Postfix's daemons pass through it as the mail owner
        yield Path(name)
