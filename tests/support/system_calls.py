"""What a process asked of the kernel, as strace(1) wrote it down.

    wrapper = trace_command(directory / "trace")
    ...  # start the process with it, end it
    for call in read_trace(directory / "trace", pid): ...
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.waiting import wait_until

__all__ = ["Call", "read_trace", "trace_command"]

# All that take a path, and those on a descriptor that could change a file or keep others from it.
_TRACED = ("%file,%memory,fchmod,fchown,ftruncate,fallocate,flock,fcntl,fsetxattr,fremovexattr,futimesat,utimensat,"
           "write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,copy_file_range,ioctl,open_by_handle_at,"
           "io_uring_setup,fsync,fdatasync,sync_file_range,fadvise64,exit_group")
_CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\w+)(?P<rest>.*)$")
_DESCRIPTOR = re.compile(r"^(?:AT_FDCWD|\d+)<(?P<path>.*)>$")


@dataclass(frozen=True)
class Call:
    """One system call.

    program  what the process runs, by its last execve
    paths    the absolute paths it names, by its descriptors and by its strings, not resolved further
    result   the path of the descriptor that it returned, if it did
    """

    program: str
    name: str
    arguments: list[str]
    paths: list[str]
    result: str | None
    line: str


def trace_command(output: Path) -> list[str]:
    """A command to put in front of another, which replaces itself by that one; `output` begins the files' names."""
    return ["strace", "-D", "-ff", "-y", "-q", "-s", "300", "-e", f"trace={_TRACED}", "-e", "signal=none",
            "-o", str(output), "--"]


def read_trace(output: Path, pid: int) -> Iterator[Call]:
    """The calls of all threads and children of a process that was traced, once strace is through with it."""
    wait_until(lambda: "+++ exited" in _tail(Path(f"{output}.{pid}")) or "+++ killed" in _tail(Path(f"{output}.{pid}")),
               20, "strace has seen the end")
    for file in sorted(output.parent.glob(f"{output.name}.*")):
        program = ""
        for line in file.read_text(errors="backslashreplace").splitlines():
            found = _CALL.match(line)
            if not found:
                continue
            call = _parse(program, found)
            if call.name == "execve" and found["result"] == "0":
                program = call.paths[0]
            yield call


def _tail(file: Path) -> str:
    return file.read_text(errors="backslashreplace")[-200:] if file.exists() else ""


def _parse(program: str, found: "re.Match[str]") -> Call:
    arguments = _split(found["arguments"])
    paths = []
    base = ""
    for argument in arguments:
        descriptor = _DESCRIPTOR.match(argument)
        if descriptor:
            base = descriptor["path"]
            paths.append(base)
        elif argument.startswith('"'):
            text = argument.rstrip(".").strip('"')
            if found["name"].startswith(("write", "pwrite")):
                continue
            paths.append(os.path.normpath(text if text.startswith("/") else f"{base or '?'}/{text}"))
    result = re.match(r"^<(.*?)>", found["rest"])
    return Call(program, found["name"], arguments, paths, result[1] if result else None, found.string)


def _split(text: str) -> list[str]:
    """Arguments, which commas separate outside of strings, braces, brackets and descriptors' paths."""
    parts, depth, quoted, start = [], 0, False, 0
    for i, character in enumerate(text):
        if character == '"' and text[i - 1:i] != "\\":
            quoted = not quoted
        elif not quoted and character in "{[<(":
            depth += 1
        elif not quoted and character in "}]>)" and not text.startswith("->", i - 1):
            depth -= 1
        elif not quoted and depth == 0 and text.startswith(", ", i):
            parts.append(text[start:i])
            start = i + 2
    return [*parts, text[start:]] if text else []
