"""Writes Postfix queue files, record by record, from their published format.

A queue file is a sequence of records. A record is one type byte, the length of its
payload in base 128 (low bits first, the eighth bit says that more follow), and the
payload. Nothing here checks that a file makes sense: the callers want files that
make none, too. All offsets and lengths are bytes from the start of the file.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

POINTER_WIDTH = 15
"""Postfix writes a pointer's value right-justified in so many columns."""


def encode_length(length: int) -> bytes:
    """The shortest base 128 form of a length."""
    encoded = bytearray()
    while True:
        low_bits, length = length & 0x7F, length >> 7
        if not length:
            encoded.append(low_bits)
            return bytes(encoded)
        encoded.append(low_bits | 0x80)


def encode_padded_length(length: int, byte_count: int) -> bytes:
    """A length spread over more bytes than it needs (0x81 0x00 for 1)."""
    encoded = bytearray()
    for _ in range(byte_count - 1):
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length & 0x7F)
    return bytes(encoded)


@dataclass
class Record:
    """One record. `length`, if given, is written in place of the true one."""

    kind: bytes
    payload: bytes = b""
    length: bytes | None = None

    def encode(self) -> bytes:
        length = encode_length(len(self.payload)) if self.length is None else self.length
        return self.kind + length + self.payload


def encode_records(records: list[Record]) -> bytes:
    return b"".join(record.encode() for record in records)


def offset_of(records: list[Record], index: int) -> int:
    """Where the record with this index starts."""
    return sum(len(record.encode()) for record in records[:index])


def pointer(offset: int = 0) -> Record:
    """A pointer as Postfix writes it; 0 is the dummy that points nowhere."""
    return Record(b"p", b"%*d" % (POINTER_WIDTH, offset))


def find(records: list[Record], kind: bytes) -> int | None:
    """Index of the first record of this type."""
    return next((i for i, record in enumerate(records) if record.kind == kind), None)


@dataclass
class Envelope:
    """What a message says of itself, as bytes, in the form of the record payloads."""

    arrival: bytes
    sender: bytes
    recipients: list[bytes] = field(default_factory=list)
    extracted_recipients: list[bytes] = field(default_factory=list)
    """Recipients after the content, as for `sendmail -t` and always-bcc."""


def size_payload(records: list[Record], field_count: int = 6) -> bytes:
    """The payload of the size record `C` for these records.

    Its first number is the distance from the end of `M` to the start of `X`, which
    is what a reader skips. Fields: content size, data offset, recipients, queue
    manager flags, content length, SMTPUTF8 flags; older versions wrote fewer.
    """
    message, extracted = find(records, b"M"), find(records, b"X")
    if message is None or extracted is None:
        content_length = data_offset = 0
    else:
        data_offset = offset_of(records, message + 1)
        content_length = offset_of(records, extracted) - data_offset
    recipient_count = sum(record.kind == b"R" for record in records)
    fields = [content_length, data_offset, recipient_count, 0, content_length, 0]
    return b" ".join(b"%15d" % number for number in fields[:field_count])


def content_records(rng: random.Random) -> list[Record]:
    """A few header and body lines; now and then a line that is cut in two (L, N)."""
    lines = [Record(b"N", b"Received: by relay.example (Postfix)"), Record(b"N", b"Subject: %d" % rng.randrange(10**6))]
    if rng.random() < 0.5:
        lines.append(pointer())  # room for a milter's header
    lines.append(Record(b"N"))
    for _ in range(rng.randrange(4)):
        # Body text that looks like records catches a reader that does not skip it.
        text = rng.choice([b"hello", b"R\x05trap!E\x00", b"X\x00E\x00", b"." * rng.randrange(300)])
        if rng.random() < 0.15:
            lines.append(Record(b"L", text))
        lines.append(Record(b"N", text))
    return lines


def recipient_records(rng: random.Random, recipients: list[bytes]) -> list[Record]:
    """`R` records with what cleanup puts around them; some done, some cancelled."""
    records = []
    for recipient in recipients:
        if rng.random() < 0.3:
            records.append(Record(b"A", b"dsn_orig_rcpt=rfc822;someone@original.example"))
        if rng.random() < 0.5:
            records.append(Record(b"O", rng.choice([recipient, b"someone@original.example"])))
        kind = rng.choices([b"R", b"D", b"/"], [88, 9, 3])[0]
        records.append(Record(kind, recipient))
    return records


def cleanup_records(rng: random.Random, envelope: Envelope) -> list[Record]:
    """A message as the cleanup daemon writes it to the incoming queue."""
    records = [
        Record(b"C", b" " * 95),
        Record(b"T", envelope.arrival),
        Record(b"A", b"log_message_origin=unknown[192.0.2.25]"),
        Record(b"A", b"rewrite_context=%s" % rng.choice([b"local", b"remote"])),
    ]
    if rng.random() < 0.2:
        records.append(Record(b"A", b"create_time=1700000000"))
    if rng.random() < 0.2:
        records.append(Record(b"F", b"Full Name"))
    records.append(Record(b"S", envelope.sender))
    if rng.random() < 0.1:
        records.append(Record(b"W", b"%15d" % 1700000000))
    records += recipient_records(rng, envelope.recipients)
    records.append(pointer())
    records.append(Record(b"M"))
    records += content_records(rng)
    records += [pointer(), Record(b"X")]
    if rng.random() < 0.3:
        records.append(Record(b"r", b"receipt@return.example"))
        records.append(Record(b"e", b"errors@return.example"))
    records.append(Record(b"A", b"inspect=1"))
    records += recipient_records(rng, envelope.extracted_recipients)
    records += [pointer(), Record(b"E")]
    records[0].payload = size_payload(records, rng.choice([6, 6, 6, 5]))
    return records


def maildrop_records(rng: random.Random, envelope: Envelope, style: str) -> list[Record]:
    """A message as a local submission command writes it to maildrop.

    Styles: "time" (today's: T first), "sender" (old: S first), "full" (old: F, S).
    """
    records = []
    if style == "time":
        records += [Record(b"T", envelope.arrival), Record(b"A", b"rewrite_context=local")]
    if style == "full" or (style == "time" and rng.random() < 0.5):
        records.append(Record(b"F", b"Full Name"))
    records.append(Record(b"S", envelope.sender))
    if rng.random() < 0.3:
        records.append(Record(b"A", b"encoding=8bit"))
    records += [Record(b"R", recipient) for recipient in envelope.recipients]
    records.append(Record(b"M"))
    # The clients of maildrop know no pointers.
    records += [record for record in content_records(rng) if record.kind != b"p"]
    records.append(Record(b"X"))
    records += [Record(b"R", recipient) for recipient in envelope.extracted_recipients]
    records.append(Record(b"E"))
    return records


def append_recipients(rng: random.Random, records: list[Record], recipients: list[bytes]) -> None:
    """Adds recipients as a milter does: behind the end, reached through pointers.

    The dummy pointer after the last recipient becomes one to behind `E`; there the
    recipients stand, each followed by a pointer: to the next one or back to where
    the first pointer was followed.
    """
    message = find(records, b"M")
    if message is None or message == 0 or records[message - 1].kind != b"p" or not recipients:
        return
    come_back = offset_of(records, message)
    records[message - 1].payload = pointer(offset_of(records, len(records))).payload
    for i, recipient in enumerate(recipients):
        last = i == len(recipients) - 1
        records.append(Record(b"R" if rng.random() < 0.9 else b"D", recipient))
        if last:
            records.append(pointer(come_back))
        elif rng.random() < 0.5:
            records.append(pointer())
            records[-1] = pointer(offset_of(records, len(records)))


def append_ladder(records: list[Record], recipients: list[bytes]) -> None:
    """Adds recipients behind `E`, to be visited from the last to the first.

    Every step but the first is a backward jump, so there are len(recipients) of
    them: bounded, but as many as one likes.
    """
    message = find(records, b"M")
    if message is None or message == 0 or records[message - 1].kind != b"p" or not recipients:
        return
    target = offset_of(records, message)
    position = offset_of(records, len(records))
    start_of_step = position
    for recipient in recipients:
        start_of_step = position
        step = [Record(b"R", recipient), pointer(target)]
        records += step
        target = start_of_step
        position += sum(len(record.encode()) for record in step)
    records[message - 1].payload = pointer(start_of_step).payload
