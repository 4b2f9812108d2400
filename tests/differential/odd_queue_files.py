"""Queue files that no Postfix would write, or that only a crash leaves behind.

ODDITIES maps a name to a function that makes the bytes of one file. A file made
here may make qshape read in circles for ever; the caller drops those with
bounded_reading.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from differential import queue_file_writer as writer
from differential.arrival_times import ArrivalTimes
from differential.odd_addresses import AddressBook
from differential.queue_file_writer import Envelope, Record

_KNOWN_TYPES = b"CTcFILSDRO/WAK>fdMLNwXreEPpV<iomn"
_MAXIMUM_RECORD_LENGTH = 2097151


class FileParts:
    """What the makers draw from: random numbers, addresses, times, ordinary files."""

    def __init__(self, rng: random.Random, addresses: AddressBook, times: ArrivalTimes) -> None:
        self.rng = rng
        self.addresses = addresses
        self.times = times

    def envelope(self) -> Envelope:
        rng = self.rng
        recipients = [self.addresses.address() for _ in range(rng.choices([1, 2, 3, 8, 0], [60, 15, 10, 5, 3])[0])]
        extracted = [self.addresses.address() for _ in range(rng.choices([0, 1, 3], [85, 10, 5])[0])]
        return Envelope(self.times.payload(), self.addresses.sender(), recipients, extracted)

    def ordinary(self) -> list[Record]:
        """The records of an ordinary file: of any queue, but mostly cleanup's."""
        style = self.rng.choices(["cleanup", "time", "sender", "full"], [85, 5, 5, 5])[0]
        if style == "cleanup":
            return writer.cleanup_records(self.rng, self.envelope())
        return writer.maildrop_records(self.rng, self.envelope(), style)

    def cleanup(self) -> list[Record]:
        return writer.cleanup_records(self.rng, self.envelope())


def _odd_pointer(parts: FileParts) -> bytes:
    rng, records = parts.rng, parts.cleanup()
    pointers = [i for i, record in enumerate(records) if record.kind == b"p"]
    if rng.random() < 0.5:
        index = rng.choice(pointers)
    else:
        index = rng.randrange(2, len(records))
        records.insert(index, writer.pointer())
    target_index = rng.randrange(len(records) + 1)
    # The value gets a fixed width first, so that the offsets don't move with it.
    records[index].payload = b" " * 24
    target = writer.offset_of(records, target_index) + rng.choice([0, 0, 0, 0, 1, -1])
    end = writer.offset_of(records, len(records))
    value = rng.choice([
        b"%d" % target, b"%d" % target, b"%d" % target, b"%15d" % target, b"%d.9" % target, b"%de0" % target,
        b"+%d" % target, b"%d.5e1" % (target // 10), b"%.6e" % target, b"%dxyz" % target, b"\t\n%d" % target,
        b"000%d" % target, b"%d 77" % target, b"0", b"", b"-1", b"-%d" % target, b"abc", b"x%d" % target, b"0.5",
        b"1e2", b"1e1", b"0x40", b"%d" % end, b"%d" % (end + 1000), b"99999999999", b"1e18", b"9223372036854775807",
        b"9223372036854775808", b"18446744073709551615", b"1e30", b"inf", b"nan", b"-0.9",
    ])
    records[index].payload = value.ljust(24) if rng.random() < 0.5 else value.rjust(24)
    if rng.random() < 0.2:
        # Without a size, a reader follows the pointers in the content as well.
        records[0].payload = b"no numbers".ljust(95)
    return writer.encode_records(records)


def _odd_size(parts: FileParts) -> bytes:
    rng, records = parts.rng, parts.cleanup()
    length = int(records[0].payload.split()[0])
    numbers = rng.choice([
        b"%d 1 1", b"%15d %15d", b"%d", b"%d 1 x", b" \t%d\n1\v1", b"%d 1 1x", b"-%d 1 1", b"+%d 1 1", b"%d.5 1 1",
        b"00%d 1 1 1 1 1 1 1", b"%d\xa01 1 1", b"x%d 1 1", b"%d 1 1 1 abc",
    ])
    near = length + rng.choice([-3, -2, -1, 0, 0, 1, 2, 3])
    payload = rng.choice([
        numbers.replace(b"%15d", b"%d").replace(b"%d", b"%d" % max(0, near)),
        b"%15d %15d %15d" % (max(0, near), 1, 1), b"", b"0 0 0", b"0 0 0 0 0 0", b"18446744073709551615 1 1",
        b"18446744073709551616 1 1", b"%d 1 1" % (2**64 - rng.randint(1, 40)), b"%d 1 1" % (2**64 + length),
        b"9223372036854775807 1 1", b"9223372036854775808 1 1", b"9" * 40 + b" 1 1", b"2147483648 1 1",
        b"4294967296 1 1", b"1 2 3", b"abc def ghi",
    ])
    records[0].payload = payload
    return writer.encode_records(records)


def _size_that_leads_back(parts: FileParts) -> bytes:
    """A size of 2^64 - n, which perl's seek takes for -n, with an `X` to find there."""
    rng, records = parts.rng, parts.cleanup()
    message = writer.find(records, b"M")
    assert message is not None
    recipients = [Record(b"R", parts.addresses.address()), Record(b"E")]
    if rng.random() < 0.3:
        # Sizes of 2^64 and more are all -1: `X` is the last byte of M, its length comes next.
        records[0].payload = b"%d 1 1" % (2**64 + rng.choice([-1, 0, 1, 10**9, 10**30]))
        records[message].payload = b"X"
        return writer.encode_records(records[: message + 1]) + b"\0" + writer.encode_records(recipients)
    n = rng.randint(1, 5)
    records[0].payload = b"%d 1 1" % (2**64 - n)
    # The last n bytes of M are the record X; for n = 1 it has no room for its length.
    last_bytes = b"X" if n == 1 else Record(b"X", b"x" * (n - 2)).encode()
    records[message].payload = rng.choice([b"", b"\0", b"X\0\0"]) + last_bytes
    return writer.encode_records(records[: message + 1] + recipients)


def _odd_time(parts: FileParts) -> bytes:
    records = parts.cleanup()
    records[1].payload = parts.times.odd_payload()
    return writer.encode_records(records)


def _truncated(parts: FileParts) -> bytes:
    data = writer.encode_records(parts.ordinary())
    return data[: parts.rng.randrange(len(data))]


def _truncated_near_a_record(parts: FileParts) -> bytes:
    """Cut after a type byte, inside a length, or just before or after a payload."""
    records = parts.ordinary()
    index = parts.rng.randrange(len(records))
    if parts.rng.random() < 0.4:
        index = len(records) - 1
    record = records[index]
    if parts.rng.random() < 0.4:
        record.length = writer.encode_padded_length(len(record.payload), parts.rng.randint(1, 4))
    end = writer.offset_of(records, index) + parts.rng.randrange(6)
    return writer.encode_records(records)[:end]


def _no_end(parts: FileParts) -> bytes:
    return writer.encode_records([record for record in parts.ordinary() if record.kind != b"E"])


def _odd_length(parts: FileParts) -> bytes:
    rng, records = parts.rng, parts.ordinary()
    record = rng.choice(records)
    if rng.random() < 0.3:
        # Lengths of one, two and three bytes.
        payload = b"x@" + b"long" * rng.choice([31, 32, 33, 4095, 4096, 5000, 40000])
        record = Record(rng.choice([b"A", b"R", b"N", b"L"]), payload)
        records.insert(rng.randrange(1, len(records)), record)
    true_length = len(record.payload)
    record.length = rng.choice([
        writer.encode_padded_length(true_length, rng.choice([2, 3, 3, 4])),
        writer.encode_length(true_length + rng.randint(1, 300)), writer.encode_length(max(0, true_length - 1)),
        writer.encode_length(_MAXIMUM_RECORD_LENGTH), b"\xff\xff\xff\x7f", b"\x80\x80\x80", b"\x80\x80\x80\x00", b"",
        None, None,
    ])
    return writer.encode_records(records)


def _odd_types(parts: FileParts) -> bytes:
    rng, records = parts.rng, parts.ordinary()
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice([b"0", b"0", b"1", b"\0", b"\xff", b"\n", b" ", bytes([rng.randrange(256)]), b"w", b"Z"])
        if rng.random() < 0.5:
            rng.choice(records).kind = kind
        else:
            records.insert(rng.randrange(len(records) + 1), Record(kind, rng.choice([b"", b"0", b"payload", b"5"])))
    return writer.encode_records(records)


def _rearranged(parts: FileParts) -> bytes:
    """Records dropped, doubled, exchanged or put in where they don't belong."""
    rng, records = parts.rng, parts.ordinary()
    for _ in range(rng.randint(1, 4)):
        i, j = rng.randrange(len(records)), rng.randrange(len(records))
        action = rng.choice(["drop", "double", "exchange", "insert", "move"])
        if action == "drop" and len(records) > 1:
            del records[i]
        elif action == "double":
            records.insert(j, Record(records[i].kind, records[i].payload))
        elif action == "exchange":
            records[i], records[j] = records[j], records[i]
        elif action == "insert":
            kind = bytes([rng.choice(_KNOWN_TYPES)])
            records.insert(i, Record(kind, rng.choice([b"", parts.addresses.address(), parts.times.payload()])))
        else:
            records.insert(j, records.pop(i))
    return writer.encode_records(records)


def _odd_senders(parts: FileParts) -> bytes:
    """No sender, several senders, senders after the content."""
    rng, records = parts.rng, parts.ordinary()
    choice = rng.randrange(4)
    if choice in (0, 3):
        records = [record for record in records if record.kind != b"S"]
    if choice == 3:
        # Too late for a reader that wants to know the sender before the content.
        records.insert(-1, Record(b"S", parts.addresses.sender()))
    for _ in range(choice % 3):
        records.insert(rng.randrange(2, len(records)), Record(b"S", parts.addresses.sender()))
    return writer.encode_records(records)


def _bare(parts: FileParts) -> bytes:
    """An envelope without content, in which anything may be missing."""
    rng, addresses = parts.rng, parts.addresses
    time = rng.choice([parts.times.payload(), parts.times.payload(), b"", b" \t", b" 5"])
    envelope = [Record(b"S", addresses.sender()), Record(b"R", addresses.address())]
    records = [Record(b"C", b"1 2"), Record(b"T", time), *envelope]
    return writer.encode_records([record for record in records if rng.random() < 0.8] + [Record(b"E")])


def _without_size(parts: FileParts) -> bytes:
    """A size record without three numbers: readers go through the content instead."""
    rng, records = parts.rng, parts.cleanup()
    records[0].payload = rng.choice([b"", b"1 2", b"?"])
    message = writer.find(records, b"M")
    assert message is not None
    if rng.random() < 0.5:
        line = Record(rng.choice([b"w", b"A", b"R", b"L", b"X", b"E", b"S"]), parts.addresses.address())
        records.insert(message + rng.randint(1, 3), line)
    return writer.encode_records(records)


def _appended_recipients(parts: FileParts) -> bytes:
    records = parts.cleanup()
    writer.append_recipients(parts.rng, records, [parts.addresses.address() for _ in range(parts.rng.randint(1, 6))])
    return writer.encode_records(records)


def _ladder(parts: FileParts) -> bytes:
    """Many backward jumps, though far fewer than the 10,000 that Postfix allows."""
    records = parts.cleanup()
    step_count = parts.rng.choices([1, 3, 40, 600], [50, 30, 18, 2])[0]
    writer.append_ladder(records, [parts.addresses.address() for _ in range(step_count)])
    return writer.encode_records(records)


def _odd_first_record(parts: FileParts) -> bytes:
    rng, records = parts.rng, parts.ordinary()
    kind = bytes([rng.choice(_KNOWN_TYPES + b"0\0\xff")])
    if rng.random() < 0.5:
        records.insert(rng.randrange(2), Record(kind, rng.choice([b"", b"0 0 0", parts.addresses.sender()])))
    else:
        records[rng.randrange(2)].kind = kind
    return writer.encode_records(records)


def _changed_bytes(parts: FileParts) -> bytes:
    rng, data = parts.rng, bytearray(writer.encode_records(parts.ordinary()))
    for _ in range(rng.randint(1, 5)):
        position = rng.randrange(len(data))
        one_bit_changed = data[position] ^ 1 << rng.randrange(8)
        data[position] = rng.choice([one_bit_changed, rng.randrange(256), rng.choice(_KNOWN_TYPES)])
    return bytes(data)


def _no_queue_file(parts: FileParts) -> bytes:
    """Empty, text, zeros, noise, or a single record."""
    rng = parts.rng
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    kind = bytes([rng.choice(_KNOWN_TYPES)])
    return rng.choice([
        b"", b"", b"<user@example.com>: host mail.example.com said: 450\n", b"\0" * rng.randrange(1, 9000), noise,
        kind, kind + b"\0", kind + b"\x85", b"0", b"E\0" * 4,
    ])


def _odd_maildrop(parts: FileParts) -> bytes:
    records = writer.maildrop_records(parts.rng, parts.envelope(), parts.rng.choice(["time", "sender", "full"]))
    if parts.rng.random() < 0.3:
        record = Record(parts.rng.choice([b"F", b"T", b"C", b"S"]), parts.times.odd_payload())
        records.insert(parts.rng.randrange(len(records)), record)
    return writer.encode_records(records)


ODDITIES: dict[str, Callable[[FileParts], bytes]] = {
    "odd pointer": _odd_pointer,
    "odd size": _odd_size,
    "size that leads back": _size_that_leads_back,
    "odd time": _odd_time,
    "truncated": _truncated,
    "truncated near a record": _truncated_near_a_record,
    "no end": _no_end,
    "odd length": _odd_length,
    "odd types": _odd_types,
    "rearranged": _rearranged,
    "odd senders": _odd_senders,
    "bare": _bare,
    "without size": _without_size,
    "appended recipients": _appended_recipients,
    "ladder of pointers": _ladder,
    "odd first record": _odd_first_record,
    "changed bytes": _changed_bytes,
    "no queue file": _no_queue_file,
    "odd maildrop": _odd_maildrop,
}
