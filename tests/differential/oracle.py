"""Runs the real qshape many times at pinned clocks, and compares tables with its own.

QshapeOracle is the client of qshape_server.pl; the job protocol is described there.

Comparing tables
    Two tables of the same mail need not be equal: qshape leaves rows with the same
    count and the same length of name in the order of perl's hash, which is random.
    normalise_ties() puts such rows in the order of their bytes, and nothing else;
    two tables agree exactly when their normalised forms are equal.

    A table is a sequence of rows of one size. Names are padded or cut to the width
    of their column, counted in bytes, so this holds for names with newlines in them
    as well: rows are cut out by size, never at newlines. The first row holds the
    column heads and has no newline but its last byte. The end of the "T" column is
    where the T of the heads stands. The first row after the heads holds the highest
    count (no row exceeds TOTAL), and before it at least one blank, so its digits tell
    the width of the T column, and that where names end.

    A run of rows with the same T must come in the order of the lengths of their
    names. A padded name shows its length; names that are cut are all longer than
    the column. So within a run, rows of the same visible length are sorted, and all
    rows whose name fills the column. This cannot see a wrong order among the latter,
    which a run with a larger -w does. It would be too strict for a name that begins
    with a blank, whose length is not visible: spools for comparisons have none
    (see odd_addresses.has_ambiguous_name).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from types import TracebackType

QSHAPE = "/usr/sbin/qshape"
_SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "qshape_server.pl")
_ESCAPED = {byte: f"%{byte:02X}" for byte in b"%\t\r\n"}
_MAXIMUM_MEMORY_BYTES = 2 << 30
"""A run that reads in circles collects recipients; it shall not take the machine."""


class RunTimedOut(Exception):
    """The program ran longer than it may: it hangs."""


class ServerFailed(Exception):
    """The server ended, or could not start the program."""


def _encode_field(value: str | bytes) -> bytes:
    raw = os.fsencode(value)
    if any(byte in raw for byte in _ESCAPED):
        return b"".join(_ESCAPED[byte].encode() if byte in _ESCAPED else bytes([byte]) for byte in raw)
    return raw


class ScannerServer:
    """A process that answers the jobs of qshape_server.pl's protocol, one at a time."""

    def __init__(self, command: Sequence[str], timeout_seconds: int = 10) -> None:
        self._timeout_seconds = timeout_seconds
        self._job_count = 0
        # Output goes through files in memory where there are such.
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._directory = tempfile.mkdtemp(prefix="scanner-", dir=parent)
        self._stdout_path = os.path.join(self._directory, "stdout")
        self._stderr_path = os.path.join(self._directory, "stderr")
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (_MAXIMUM_MEMORY_BYTES, _MAXIMUM_MEMORY_BYTES))

    def run(
        self, arguments: Sequence[str | bytes], now: int, cwd: str | bytes | None = None
    ) -> tuple[int, bytes, bytes]:
        """One run: exit status, standard output, standard error. `now` in seconds since 1970.

        A run ended by signal N has the status 128 + N. Raises RunTimedOut or ServerFailed.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        self._job_count += 1
        job_id = b"%d" % self._job_count
        fields = [job_id, b"%d" % now, b"%d" % self._timeout_seconds, _encode_field(cwd or b"")]
        fields += map(_encode_field, (self._stdout_path, self._stderr_path, *arguments))
        try:
            self._process.stdin.write(b"\t".join(fields) + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().rstrip(b"\n").split(b"\t")
        except OSError as error:
            raise ServerFailed(f"the server is gone: {error}") from error
        if len(answer) != 3 or answer[0] != job_id:
            raise ServerFailed(f"not an answer to job {self._job_count}: {answer!r}")
        kind, number = answer[1], int(answer[2])
        if kind == b"timeout":
            raise RunTimedOut(f"no end after {number} s: {list(arguments)!r} at {now}")
        if kind == b"error":
            raise ServerFailed(f"the program was not started: {os.strerror(number)}")
        status = number if kind == b"exit" else 128 + number
        return status, self._read(self._stdout_path), self._read(self._stderr_path)

    @staticmethod
    def _read(path: str) -> bytes:
        with open(path, "rb", buffering=0) as file:
            return file.read()

    def close(self) -> None:
        """Ends the process and removes what it left."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.stdout.close()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> "ScannerServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class QshapeOracle(ScannerServer):
    """The real qshape behind its server."""

    def __init__(self, timeout_seconds: int = 10, program: str = QSHAPE) -> None:
        super().__init__(["/usr/bin/perl", _SERVER, program], timeout_seconds)


class MalformedTable(ValueError):
    """Bytes that qshape can not have printed as a table."""


def _split_rows(table: bytes) -> list[bytes]:
    row_size = table.find(b"\n") + 1
    if row_size == 0 or len(table) % row_size:
        raise MalformedTable(f"{len(table)} bytes are no rows of {row_size} bytes")
    rows = [table[start : start + row_size] for start in range(0, len(table), row_size)]
    if any(not row.endswith(b"\n") for row in rows):
        raise MalformedTable("a row does not end with a newline")
    return rows


def _t_column(rows: list[bytes]) -> tuple[int, int]:
    """Where the column of totals begins and ends. Names end where it begins."""
    heads, first = rows[0], rows[1]
    end = len(heads) - len(heads.lstrip(b" ")) + 1
    if heads[end - 1 : end] != b"T":
        raise MalformedTable("the heads do not begin with T")
    digits = end - len(first[:end].rstrip(b"0123456789"))
    if digits == 0 or digits == end:
        raise MalformedTable("no count below the T")
    return end - (digits + 1 if digits > 2 else 3), end


def normalise_ties(table: bytes) -> bytes:
    """The table with its rows of equal count and equal visible length sorted.

    Empty output (a usage error) is returned as it is. Raises MalformedTable.
    """
    if not table:
        return table
    rows = _split_rows(table)
    if len(rows) < 2:
        raise MalformedTable("heads and nothing else; TOTAL is always printed")
    begin, end = _t_column(rows)
    normalised: list[bytes] = [rows[0]]
    group: list[bytes] = []
    group_key: tuple[bytes, int] | None = None
    for row in rows[1:]:
        key = (row[begin:end], len(row[:begin].lstrip(b" ")))
        if key != group_key:
            normalised += sorted(group)
            group, group_key = [], key
        group.append(row)
    return b"".join(normalised + sorted(group))


def table_difference(expected: bytes, actual: bytes) -> str | None:
    """None if two tables agree but for the order of ties, else what differs first."""
    if expected == actual:
        return None
    wanted = normalise_ties(expected)
    try:
        got = normalise_ties(actual)
    except MalformedTable as error:
        return f"no table: {error}"
    if wanted == got:
        return None
    if not expected or not actual:
        return f"expected {len(expected)} bytes, got {len(actual)}"
    wanted_rows, got_rows = _split_rows(wanted), _split_rows(got)
    for number, (wanted_row, got_row) in enumerate(zip(wanted_rows, got_rows)):
        if wanted_row != got_row:
            return f"row {number}:\n  expected {wanted_row!r}\n  got      {got_row!r}"
    return f"expected {len(wanted_rows)} rows, got {len(got_rows)}"
