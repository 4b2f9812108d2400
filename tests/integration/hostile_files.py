"""What somebody with write access to a queue could put there to harm whoever reads it."""

import ctypes
import os
import socket
import stat
from pathlib import Path

from differential.queue_file_writer import Record, encode_records, pointer

__all__ = ["HUGE_BYTES", "exchange", "write_hostile_files"]

HUGE_BYTES = 2 << 30
_ENDLESS_BYTES = 80 << 20  # more than is read of any file
_ARRIVAL = 1_700_000_000
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_hostile_files(queue: Path, outside: Path, domain: bytes) -> tuple[list[Path], list[Path]]:
    """Writes them into a queue's directory; `outside` is a message in a file elsewhere, and mail to `domain` in others.

    Returns those that are messages all the same, with one recipient each, and those that are not to be counted.
    """
    recipient = b"user@" + domain
    start = [Record(b"C", b"%15d" * 6 % (0, 0, 1, 0, 0, 0)), Record(b"T", b"%d 0" % _ARRIVAL),
             Record(b"S", b"sender@" + domain), Record(b"R", recipient)]
    head = encode_records(start)
    end = encode_records([Record(b"M"), Record(b"X"), Record(b"E")])
    messages, others = [], []

    def write(name: str, *parts: bytes) -> Path:
        path = queue / name
        with open(path, "wb") as file:
            for part in parts:
                file.write(part)
        path.chmod(0o700)
        others.append(path)
        return path

    # Records without an end: of a known type, of none, recipients.
    attribute = encode_records([Record(b"A", b"x" * 100)])
    write("ENDLESS0", head, attribute * (_ENDLESS_BYTES // len(attribute)))
    write("ENDLESS1", head, bytes(_ENDLESS_BYTES))
    many = encode_records([Record(b"R", b"user@endless%d.example" % number) for number in range(100_000)])
    write("ENDLESS2", head, many * (_ENDLESS_BYTES // len(many)))
    # 2 GB that take no room, all holes but for the start; and a message whose content is that long.
    for name, contents, message in (("SPARSE0", b"", False), ("SPARSE1", head, False), ("SPARSE2", head, True)):
        path = write(name, contents)
        if message:
            start_of_content = len(head) + len(encode_records([Record(b"M")]))
            size = Record(b"C", b"%15d %15d %15d %15d %15d %15d" % (HUGE_BYTES, start_of_content, 1, 0, HUGE_BYTES, 0))
            path.write_bytes(encode_records([size, *start[1:], Record(b"M")]))
            with open(path, "r+b") as file:
                file.seek(path.stat().st_size + HUGE_BYTES)
                file.write(encode_records([Record(b"X"), Record(b"E")]))
            messages.append(path)
            others.remove(path)
        else:
            os.truncate(path, HUGE_BYTES)
    # Pointers in circles: to itself, backwards over recipients short and long, over nearly all of a large file.
    write("POINTER0", head, encode_records([pointer(len(head))]), end)
    write("POINTER1", head, encode_records([Record(b"R", recipient)] * 100), encode_records([pointer(len(head))]), end)
    write("POINTER2", head, encode_records([Record(b"R", b"x" * 60_000)]), encode_records([pointer(len(head))]), end)
    write("POINTER3", head, encode_records([Record(b"R", b"x" * (1 << 20))]) * 2, encode_records([pointer(len(head))]),
          end)
    write("POINTER4", head, encode_records([pointer(1 << 62)]), end)
    # Lengths that lie.
    write("LENGTH0", head, b"R\xff\xff\xff\xff\xff\xff\x7fuser", end)
    write("LENGTH1", head, b"R\xff\xff\xff\x7fuser", end)
    # What is no regular file.
    os.mkfifo(queue / "FIFO00", 0o700)
    os.mknod(queue / "ZERO00", stat.S_IFCHR | 0o700, os.makedev(1, 5))
    os.mknod(queue / "TTY000", stat.S_IFCHR | 0o700, os.makedev(5, 0))
    os.mknod(queue / "LOOP00", stat.S_IFBLK | 0o700, os.makedev(7, 0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(queue / "SOCKET0"))
    (queue / "LINK00").symlink_to(outside)
    (queue / "LINK01").symlink_to("LINK01")
    (queue / "LINK02").symlink_to("/dev/zero")
    (queue / "DIRECTORY0").symlink_to(outside.parent)
    (queue / "ABCDEF0").mkdir(mode=0o700)
    return messages, others


def exchange(one: Path, other: Path) -> None:
    """Swaps what two names stand for, in one step."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", str(one))
