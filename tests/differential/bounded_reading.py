"""Reads a queue file as far as needed to know that qshape's reading of it ends.

qshape follows pointer records without a bound, and a size of 2^64 - n leads it back
by n bytes, so some files would hang it. Postfix gives up after 10,000 backward
jumps. The generator keeps only files that stay far from both. This is a guard for
the generator, not an oracle: nothing is compared with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAXIMUM_BACKWARD_JUMPS = 9000
_MAXIMUM_STEPS = 100_000
_DECIMAL = re.compile(rb"[ \t\n\r\f\v]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_INFINITE = re.compile(rb"[ \t\n\r\f\v]*\+?(?:inf|1\.?#inf)", re.IGNORECASE)
_SIZE = re.compile(rb"[ \t\n\r\f\v]*(\d+)[ \t\n\r\f\v]+\d+[ \t\n\r\f\v]+\d+")


@dataclass
class Reading:
    """What one reading did."""

    ends: bool = True
    backward_jumps: int = 0
    addresses: list[bytes] = field(default_factory=list)
    """All senders and recipients that were passed, of a message that counts or not."""


def pointer_target(payload: bytes) -> int | None:
    """The offset that a pointer leads to; None if it is not followed."""
    if _INFINITE.match(payload):
        return -1
    number = _DECIMAL.match(payload)
    if number is None or float(number[1]) <= 0:
        return None
    text = number[1]
    value = int(text) if re.fullmatch(rb"\+?\d+", text) else int(min(float(text), 2.0**64))
    return as_signed_offset(value)


def as_signed_offset(value: int) -> int:
    """A number as perl gives it to lseek: clipped to 64 bits, then read as signed."""
    value = min(value, 2**64 - 1)
    return value - 2**64 if value >= 2**63 else value


class _Reader:
    """Follows the records of one file and notices when it comes by twice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._steps = 0
        self._last_target = 0
        self._states_after_jumps: set[tuple[int, bool, bool]] = set()
        self.reading = Reading()

    def next_record(self) -> tuple[bytes, bytes] | None:
        self._steps += 1
        if self._steps > _MAXIMUM_STEPS:
            self.reading.ends = False
            return None
        data, start = self._data, self._position
        kind = data[start : start + 1]
        if kind in (b"", b"0"):
            return None
        length, position = 0, start + 1
        for shift in (0, 7, 14):
            if position >= len(data):
                break
            byte = data[position]
            position += 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            if shift == 14:
                return None
        payload = data[position : position + length]
        self._position = position + length
        return (kind, payload) if len(payload) == length else None

    def jump(self, target: int, has_sender: bool, in_content: bool) -> bool:
        """Moves to a target. False if that fails or would go round for ever."""
        if target < 0:
            return False
        if target <= self._position or target <= self._last_target:
            self.reading.backward_jumps += 1
            state = (target, has_sender, in_content)
            if state in self._states_after_jumps or self.reading.backward_jumps > MAXIMUM_BACKWARD_JUMPS:
                self.reading.ends = False
                return False
            self._states_after_jumps.add(state)
        self._position = self._last_target = target
        return True

    def skip(self, offset: int, has_sender: bool) -> bool:
        return self.jump(self._position + offset, has_sender, in_content=False)


def _skip_content(reader: _Reader, content_length: int | None) -> bool:
    """From behind `M` to behind `X`. False if the reading stops on the way."""
    if content_length is not None:
        if not reader.skip(as_signed_offset(content_length), has_sender=True):
            return False
        record = reader.next_record()
        return record is not None and record[0] == b"X"
    while (record := reader.next_record()) is not None and record[0] in b"NLp":
        target = pointer_target(record[1]) if record[0] == b"p" else None
        if target is not None and not reader.jump(target, has_sender=True, in_content=True):
            return False
    return record is not None and record[0] == b"X"


def read_queue_file(data: bytes) -> Reading:
    """Follows qshape's way through a queue file."""
    reader = _Reader(data)
    first = reader.next_record()
    content_length = None
    has_sender = False
    if first is None or first[0] not in b"CSF":
        return reader.reading
    if first[0] == b"C" and (size := _SIZE.match(first[1])):
        content_length = int(size[1])
    if first[0] == b"S":
        reader.reading.addresses.append(first[1])
        has_sender = True
    while (record := reader.next_record()) is not None:
        kind, payload = record
        target = pointer_target(payload) if kind == b"p" else None
        if target is not None and not reader.jump(target, has_sender, in_content=False):
            break
        if kind in b"SR":
            reader.reading.addresses.append(payload)
            has_sender = has_sender or kind == b"S"
        elif kind == b"E" or (kind == b"M" and not (has_sender and _skip_content(reader, content_length))):
            break
    return reader.reading
