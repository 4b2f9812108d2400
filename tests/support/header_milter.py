"""A milter that edits messages as their own headers ask: what makes Postfix write pointer records.

Each `X-Edit:` header of a message is one command; commands run at the end of the message, in order:

    X-Edit: add-recipient ADDRESS         an R record after X
    X-Edit: remove-recipient ADDRESS      its R becomes /
    X-Edit: change-sender ADDRESS         a second S record, reached by a pointer
    X-Edit: add-header NAME VALUE         a header behind a pointer
    X-Edit: insert-header NAME VALUE      the same, before all others
    X-Edit: change-header NAME VALUE      the old header's record becomes a pointer
    X-Edit: delete-header NAME            the same
    X-Edit: replace-body LINES            a new body of that many lines

Other messages pass unchanged. HeaderMilter runs it as a process of its own, because libmilter has process-wide state;
the process ends when its standard input does, so that it cannot outlive a test run that was killed.
"""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

import Milter

from support.waiting import wait_until

MARKER = "X-Edit"
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-milter is built for


class HeaderMilter:
    """The milter process, listening on the socket file `socket_path`, for the length of a `with` block."""

    def __init__(self, socket_path: Path) -> None:
        self.socket_path = socket_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The value for Postfix's smtpd_milters."""
        return f"unix:{self.socket_path}"

    def __enter__(self) -> "HeaderMilter":
        tests = Path(__file__).resolve().parent.parent
        self._process = subprocess.Popen(
            [PYTHON, "-m", "support.header_milter", str(self.socket_path)],
            stdin=subprocess.PIPE, cwd=tests, env={**os.environ, "PYTHONPATH": str(tests)})
        try:
            wait_until(self._is_listening, 20, "the milter listens")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.socket_path.unlink(missing_ok=True)

    def _is_listening(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError("the milter ended before it listened")
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0


class Editor(Milter.Base):
    """One SMTP session; libmilter calls it."""

    def __init__(self) -> None:
        self._commands: list[str] = []

    # The arguments are what python3-milter passes; only some of them matter here.
    def envfrom(self, sender: str, *arguments: str) -> int:
        self._commands = []  # one session may carry several messages
        return Milter.CONTINUE

    def header(self, name: str, value: str) -> int:
        if name.lower() == MARKER.lower():
            self._commands.append(value.strip())
        return Milter.CONTINUE

    def eom(self) -> int:
        for command in self._commands:
            verb, _, rest = command.partition(" ")
            name, _, value = rest.partition(" ")
            if verb == "add-recipient":
                self.addrcpt(f"<{rest}>")
            elif verb == "remove-recipient":
                self.delrcpt(f"<{rest}>")
            elif verb == "change-sender":
                self.chgfrom(f"<{rest}>")
            elif verb == "add-header":
                self.addheader(name, value)
            elif verb == "insert-header":
                self.addheader(name, value, 0)
            elif verb == "change-header":
                self.chgheader(name, 1, value)
            elif verb == "delete-header":
                self.chgheader(name, 1, "")
            elif verb == "replace-body":
                self.replacebody("".join(f"line {line} of the new body\r\n" for line in range(int(rest))))
            else:
                raise ValueError(f"unknown {MARKER} command: {command!r}")
        return Milter.CONTINUE


def main(socket_path: str) -> None:
    def end_with_stdin() -> None:
        sys.stdin.buffer.read()
        os._exit(0)  # libmilter's own way out waits for open sessions

    threading.Thread(target=end_with_stdin, daemon=True).start()
    os.umask(0)  # Postfix's smtpd and cleanup connect as the mail owner
    Milter.factory = Editor
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT
                     | Milter.CHGFROM)
    Milter.runmilter("header-milter", f"unix:{socket_path}", timeout=60)


if __name__ == "__main__":
    main(sys.argv[1])
