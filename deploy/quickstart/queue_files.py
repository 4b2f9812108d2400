"""Writes sample queue files as Postfix's cleanup writes them, for quickstart.

A queue file is a sequence of records: a type byte, the payload's length in base 128 (low bits
first), the payload. The records written here, in this order:

    C sizes   T arrival time   A attributes   S sender   R recipient or D delivered recipient
    M   N lines of the message   X   E
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")

_SIZE_FIELD_COUNT = 6
_SIZE_LENGTH = 16 * _SIZE_FIELD_COUNT - 1  # of the payload: right-justified in 15 columns, blanks between
_READY_MODE = 0o700


@dataclass(frozen=True)
class Message:
    """What a sample message's envelope says. An empty sender is the null sender of bounces."""

    arrival_seconds: int
    sender: str
    recipients: Sequence[str]
    delivered: Sequence[str] = ()
    subject: str = "sample"


def _record(kind: bytes, payload: bytes = b"") -> bytes:
    length, head = len(payload), bytearray(kind)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + payload


def encode(message: Message, microseconds: int) -> bytes:
    """The bytes of the queue file."""
    envelope = b"".join((
        _record(b"T", b"%d %d" % (message.arrival_seconds, microseconds)),
        _record(b"A", b"log_message_origin=client.example[192.0.2.25]"),
        _record(b"A", b"rewrite_context=remote"),
        _record(b"S", message.sender.encode()),
        *(_record(b"D", recipient.encode()) for recipient in message.delivered),
        *(_record(b"R", recipient.encode()) for recipient in message.recipients),
        _record(b"M"),
    ))
    sender = message.sender or "MAILER-DAEMON"
    content = b"".join(_record(b"N", line.encode()) for line in (
        "Received: from client.example (client.example [192.0.2.25])", "\tby relay.example (Postfix)",
        f"From: <{sender}>", "To: undisclosed-recipients:;", f"Subject: {message.subject}", "",
        "A sample message of fleetqshape's quickstart. It is never sent."))
    content_offset = len(_record(b"C", bytes(_SIZE_LENGTH))) + len(envelope)
    sizes = (len(content), content_offset, len(message.recipients), 0, len(content), 0)
    size_record = _record(b"C", b" ".join(b"%15d" % size for size in sizes))
    return size_record + envelope + content + _record(b"X") + _record(b"E")


class SampleQueue:
    """The queue directory of a relay that does not exist."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.recipient_count = 0
        self.message_count = 0
        for queue in QUEUES:
            (directory / queue).mkdir(parents=True, mode=0o700)
        for digit in "0123456789ABCDEF":  # hash_queue_names, hash_queue_depth = 1
            (directory / "deferred" / digit).mkdir(mode=0o700)

    def add(self, queue: str, message: Message, retry_seconds: int | None = None) -> None:
        """One more message. A deferred one is tried again at `retry_seconds`, its file's mtime."""
        temporary = self.directory / queue / f"{os.getpid()}.{self.message_count}"
        # Any number below a million will do, as long as the hash directories are filled evenly.
        microseconds = self.message_count * 314_159 % 1_000_000
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, encode(message, microseconds))
            if retry_seconds is not None:
                os.utime(descriptor, (retry_seconds, retry_seconds))
            inode = os.fstat(descriptor).st_ino
            os.fchmod(descriptor, _READY_MODE)
        finally:
            os.close(descriptor)
        queue_id = f"{microseconds:05X}{inode:X}"
        place = f"{queue}/{queue_id[0]}" if queue == "deferred" else queue
        os.rename(temporary, self.directory / place / queue_id)
        self.message_count += 1
        self.recipient_count += len(message.recipients)
