"""Runs a program whose standard output is a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
import tty
from collections.abc import Mapping, Sequence

__all__ = ["run_on_terminal"]

_TIMEOUT_SECONDS = 60


def run_on_terminal(command: Sequence[str], variables: Mapping[str, str], columns: int = 0) -> bytes:
    """What a program writes to its standard output, a terminal that changes no byte of it.

    columns    that the terminal says it has; 0: it does not say

    Standard input and error are none. It is a failure if the program does not end, or not with status 0.
    """
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24 if columns else 0, columns, 0, 0))
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
                              env=dict(variables)) as process:
            os.close(theirs)
            theirs = -1
            try:
                output = _read_all(ours, time.monotonic() + _TIMEOUT_SECONDS)
                status = process.wait(timeout=_TIMEOUT_SECONDS)
            except BaseException:
                process.kill()
                raise
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    if status != 0:
        raise AssertionError(f"{command}: exit status {status}\n{output!r}")
    return output


def _read_all(terminal: int, deadline: float) -> bytes:
    output = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            raise AssertionError(f"no end within {_TIMEOUT_SECONDS} s; so far: {output!r}")
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: the last process that had it open is gone
            piece = b""
        if not piece:
            return output
        output += piece
