"""Arrival times for generated spools, chosen so that ages fall on bucket edges.

All times are seconds since 1970, all ages are seconds before the pinned clock.
"""

from __future__ import annotations

import random

BUCKET_TIMES_MINUTES = (5, 1, 0.5, 60, 0.1, 3.7)
"""The values of -t whose edges are hit; the same that the option matrix asks for."""


def _edge_age(rng: random.Random) -> int:
    """An age at the edge of a bucket, or one second to either side of it."""
    tick_seconds = 60 * rng.choice(BUCKET_TIMES_MINUTES)
    if rng.random() < 0.6:
        # 2^20 times 5 minutes is ten years: only broken clocks and tests have such mail.
        edge = tick_seconds * 2 ** rng.randrange(12 if rng.random() < 0.85 else 23)
    else:
        edge = tick_seconds * rng.randrange(1, 25)
    return round(edge) + rng.choice([-1, 0, 0, 1])


class ArrivalTimes:
    """Chooses the arrival times of one spool, as seen from the pinned clock."""

    def __init__(self, rng: random.Random, now: int) -> None:
        self._rng = rng
        self._now = now

    def seconds(self) -> int:
        """A whole second, mostly in the past."""
        rng = self._rng
        kind = rng.choices(["edge", "minutes", "days", "months", "now", "future"], [50, 20, 15, 5, 5, 5])[0]
        if kind == "edge":
            age = _edge_age(rng)
        elif kind == "minutes":
            age = rng.randrange(3600)
        elif kind == "days":
            age = rng.randrange(5 * 86400)
        elif kind == "months":
            age = rng.randrange(400 * 86400)
        else:
            age = 0 if kind == "now" else -rng.choice([1, 60, 299, 300, 301, 86400])
        return max(0, self._now - age)

    def payload(self) -> bytes:
        """A time record's payload as Postfix writes it: seconds, microseconds."""
        return b"%d %d" % (self.seconds(), self._rng.randrange(10**6))

    def _just_inside_an_edge(self) -> bytes:
        """A fraction of a second younger than an edge.

        The smallest fractions are lost where the age is a large number or where its
        logarithm is taken, so that the bucket depends on the exact arithmetic.
        """
        tick_seconds = 60 * self._rng.choice(BUCKET_TIMES_MINUTES)
        edge = self._now - round(tick_seconds * 2 ** self._rng.randrange(23))
        fraction = self._rng.choice([b"0000002", b"0000004", b"000001", b"00001", b"001", b"5"])
        return b"%d.%s 0" % (max(0, edge), fraction)

    def odd_payload(self) -> bytes:
        """A time record's payload that Postfix never writes."""
        rng, seconds, edge = self._rng, self.seconds(), self._now - _edge_age(self._rng)
        if rng.random() < 0.2:
            return self._just_inside_an_edge()
        return rng.choice([
            b"\n%d" % seconds, b"\v%d" % seconds, b"\r\n%d 1" % seconds, b"\f%d" % edge,
            b"", b" ", b" \t ", b" 123", b" %d 5" % seconds, b"\t%d" % seconds, b"abc", b"12abc", b"%dabc 7" % edge,
            b"1e9", b"1e400", b"1.6999e9 0", b"-5", b"-1e300", b"inf", b"-inf", b"nan", b"Infinity", b"INFX", b"0",
            b"0 0", b"00%d 1" % edge, b"+%d 1" % edge, b"%d\n5" % seconds, b"%d,5" % seconds, b"%d\v5" % edge,
            b"%d\xa05" % seconds, b"9999999999 0", b"99999999999999999999 0", b"9223372036854775808", b"0x65530000",
            b"%d\0 12" % seconds, b"1_700_000_000", b"%d.5 0" % edge, b"%d.999999" % (edge - 1),
            b"%d.000001 3" % edge, b".5", b"-", b"+", b".", b"%d" % edge, b"%d " % seconds, b"%d  \t 17" % edge,
            b"--%d" % edge, b"\0", b"%d" % (self._now + 1),
        ])
