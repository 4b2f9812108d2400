"""Queue files written by hand, where a test needs mail that no Postfix would take, or an exact arrival time."""

import os
from collections.abc import Sequence
from pathlib import Path

from differential import queue_file_writer as writer
from differential.queue_file_writer import Record

__all__ = ["make_queue_directory", "write_message"]


def make_queue_directory(directory: Path) -> Path:
    """An empty queue directory, as Postfix makes it."""
    for queue in ("maildrop", "hold", "incoming", "active", "deferred"):
        (directory / queue).mkdir(parents=True, mode=0o700)
    return directory


def write_message(queue: Path, name: str, arrival: int, recipients: Sequence[str | bytes], *,
                  sender: str | bytes = "sender@here.example", mode: int = 0o700) -> Path:
    """One message in a queue's directory, in the form that cleanup(8) writes; `arrival` in seconds since 1970."""
    records = [
        Record(b"C", b" " * 95),
        Record(b"T", b"%d 0" % arrival),
        Record(b"S", os.fsencode(sender)),
        *(Record(b"R", os.fsencode(recipient)) for recipient in recipients),
        Record(b"M"),
        Record(b"N", b"Subject: test"),
        Record(b"X"),
        Record(b"E"),
    ]
    records[0].payload = writer.size_payload(records)
    # As Postfix does it: the mode says that the file is whole.
    path = queue / name
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(writer.encode_records(records))
    path.chmod(mode)
    return path
