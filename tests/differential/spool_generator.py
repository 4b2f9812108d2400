#!/usr/bin/python3
"""Writes a queue directory full of ordinary and odd files, the same for the same seed.

As a program:  spool_generator.py --seed N --directory DIR [--now UNIXTIME]
From a test:   spool = generate_spool(seed, directory, now)

The directory gets the queues maildrop, hold, incoming, active and deferred. What is
in them, and in which sizes, depends on the seed alone (and `now`, from which ages
are counted). File modes are set exactly, whatever the umask; no root is needed.
"""

from __future__ import annotations

import argparse
import os
import random
import stat
import sys
from dataclasses import dataclass, field

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from differential import queue_file_writer as writer
from differential.arrival_times import ArrivalTimes
from differential.bounded_reading import read_queue_file
from differential.odd_addresses import AddressBook, has_ambiguous_name
from differential.odd_queue_files import ODDITIES, FileParts
from differential.queue_file_writer import Envelope

QUEUES = (b"maildrop", b"hold", b"incoming", b"active", b"deferred")
DEFAULT_NOW = 1_700_000_000

# Modes that a queue's files have or might have; qshape wants 0700 under the mask 0733.
_READY_MODES = [0o700] * 30 + [0o740, 0o744, 0o4700]
_ODD_MODES = [0o600, 0o710, 0o750, 0o400, 0o777, 0o000, 0o720, 0o701, 0o702, 0o1700, 0o2700, 0o500, 0o704, 0o760]
# The ones with most ways to be odd come more often.
_ODDITY_CHOICES = [*ODDITIES, "odd time", "odd time", "odd size", "odd pointer"]
_SHORT_NAME_LETTERS = b"0123456789ABCDEF"
_LONG_NAME_LETTERS = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"


@dataclass
class Spool:
    """What was written."""

    seed: int
    directory: str
    now: int
    file_count: int = 0
    oddities: dict[str, int] = field(default_factory=dict)
    """How many files there are of each kind."""
    dropped_count: int = 0
    """Files that were made and not written, because qshape might never finish them."""
    plain_files: list[str] = field(default_factory=list)
    """Some queue files, to be given as arguments themselves."""

    def queue_path(self, queue: str) -> str:
        return os.path.join(self.directory, queue)


class _SpoolWriter:
    """Holds the choices that are made once for a spool."""

    def __init__(self, seed: int, directory: str, now: int) -> None:
        self._rng = rng = random.Random(seed)
        self._directory = os.fsencode(directory)
        self.spool = Spool(seed, directory, now)
        size = rng.choices(["empty", "small", "medium", "large"], [5, 80, 12, 3])[0]
        self._file_count = {
            "empty": 0,
            "small": rng.randint(5, 60),
            "medium": rng.randint(60, 200),
            "large": rng.randint(500, 900),
        }[size]
        # A few names make wide counts, many make long tables with many ties.
        domain_count = rng.choice([1, 3, 10, 40]) if size != "large" else rng.choice([3, 60, 400])
        self._odd_file_share = rng.choice([0.0, 0.1, 0.4, 0.8])
        addresses = AddressBook(rng, domain_count, rng.choice([0.0, 0.05, 0.3, 0.7]))
        self._parts = FileParts(rng, addresses, ArrivalTimes(rng, now))
        self._is_list_server = rng.random() < (0.5 if size == "large" else 0.04)
        self._has_long_names = rng.random() < 0.3
        self._hash_depth = rng.choice([0, 1, 1, 2, 3])
        self._regular_files: list[bytes] = []

    # Contents

    def _ordinary_envelope(self) -> Envelope:
        envelope = self._parts.envelope()
        if self._is_list_server and self._rng.random() < 0.2:
            envelope.recipients += [self._parts.addresses.address() for _ in range(self._rng.randint(20, 60))]
        return envelope

    def _ordinary_content(self, queue: bytes) -> bytes:
        rng, envelope = self._rng, self._ordinary_envelope()
        if queue == b"maildrop":
            style = rng.choices(["time", "sender", "full"], [70, 15, 15])[0]
            return writer.encode_records(writer.maildrop_records(rng, envelope, style))
        return writer.encode_records(writer.cleanup_records(rng, envelope))

    def _content(self, queue: bytes) -> bytes:
        """The bytes of a file that qshape reads to an end, and whose names can be compared."""
        rng, spool = self._rng, self.spool
        while True:
            kind = rng.choice(_ODDITY_CHOICES) if rng.random() < self._odd_file_share else "ordinary"
            data = self._ordinary_content(queue) if kind == "ordinary" else ODDITIES[kind](self._parts)
            reading = read_queue_file(data)
            if reading.ends and not any(map(has_ambiguous_name, reading.addresses)):
                spool.oddities[kind] = spool.oddities.get(kind, 0) + 1
                return data
            spool.dropped_count += 1

    # Names

    def _good_name(self) -> bytes:
        rng = self._rng
        if rng.random() < 0.03:
            word = rng.choice([b"abcdef", b"000000", b"deferred", b"Z" * 200, b"MAILERDAEMON"])
            return word + b"%d" % rng.randrange(1000)
        if self._has_long_names:
            return bytes(rng.choices(_LONG_NAME_LETTERS, k=10)) + b"z" + bytes(rng.choices(_LONG_NAME_LETTERS, k=4))
        return bytes(rng.choices(_SHORT_NAME_LETTERS, k=rng.randint(6, 13)))

    def _odd_name(self) -> bytes:
        """A name that Postfix gives to no message; two of these pass qshape's pattern all the same."""
        rng, name = self._rng, self._good_name()
        return rng.choice([
            name[:5], name[:1], b"%d.%d" % (rng.randrange(10**6), rng.randrange(10**5)), name + b".tmp", b"." + name,
            name + b"_1", b"#" + name, name + b"#", name + b"\n", name + b"\n\n", b"\n" + name, b"x\n" + name,
            name + b" ", name[:3] + b"-" + name[3:], "ÄÖÜäöü".encode(), name + b"\xff", b"\xe9" + name, name + b"~",
            name + b"\r", name[:6], b"core",
        ])

    def _hashed_directory(self, queue: bytes, name: bytes) -> bytes:
        """The directory for a name: mostly as Postfix hashes it, now and then another."""
        rng = self._rng
        path = os.path.join(self._directory, queue)
        depth = self._hash_depth if queue == b"deferred" or rng.random() < 0.1 else 0
        if rng.random() < 0.03:
            odd_directories = [b"ABCDEF0123", b"sub dir", b"new\nline", b"\xff\xfe", b".hidden", b"a.b", b"0" * 100]
            path = os.path.join(path, rng.choice(odd_directories))
            depth = rng.randrange(3)
        for i in range(depth):
            letter = name[i : i + 1]
            path = os.path.join(path, letter if letter.isalnum() else b"0")
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
        except (FileExistsError, NotADirectoryError):  # a file with a short name stands there
            return os.path.join(self._directory, queue)
        return path

    # Files

    def _place(self, path: bytes, data: bytes) -> bool:
        """Writes one file with its mode and mtime. False if the name is taken."""
        rng = self._rng
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except (FileExistsError, NotADirectoryError):
            return False
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mtime is the arrival time of old maildrop files, and a retry time elsewhere.
        mtime_nanoseconds = self._parts.times.seconds() * 10**9 + rng.choice([0, 0, 1, 500_000_000, 999_999_999])
        os.utime(path, ns=(mtime_nanoseconds, mtime_nanoseconds))
        os.chmod(path, rng.choice(_READY_MODES if rng.random() < 0.9 else _ODD_MODES))
        return True

    def _write_file(self, queue: bytes) -> None:
        name = self._good_name() if self._rng.random() < 0.93 else self._odd_name()
        path = os.path.join(self._hashed_directory(queue, name), name)
        if self._place(path, self._content(queue)):
            self._regular_files.append(path)
            self.spool.file_count += 1

    def _write_special_entry(self, queue: bytes) -> None:
        """Something that is no regular file, or a second name of one."""
        rng, name = self._rng, self._good_name()
        directory = self._hashed_directory(queue, name)
        path = os.path.join(directory, name)
        links = ["link to file", "link to directory", "loop", "dangling", "hard link"]
        kind = rng.choice([*links, "fifo", "socket", "directory"])
        if os.path.lexists(path):
            return
        if kind == "link to file" and self._regular_files:
            os.symlink(os.path.abspath(rng.choice(self._regular_files)), path)
        elif kind == "link to directory":
            os.symlink(rng.choice([b".", b"..", b"../incoming"]), path)
        elif kind == "loop":
            os.symlink(name, path)
        elif kind == "dangling":
            os.symlink(b"nothing-here", path)
        elif kind in ("fifo", "socket"):
            os.mknod(path, (stat.S_IFIFO if kind == "fifo" else stat.S_IFSOCK) | 0o700)
            os.chmod(path, 0o700)
        elif kind == "directory":
            os.mkdir(path, 0o700)
            self._place(os.path.join(path, self._good_name()), self._content(queue))
        elif kind == "hard link" and self._regular_files:
            os.link(rng.choice(self._regular_files), path)

    def write(self) -> Spool:
        rng = self._rng
        for queue in QUEUES:
            os.makedirs(os.path.join(self._directory, queue), mode=0o700, exist_ok=True)
        queues = rng.choices(QUEUES, [2, 1, 3, 3, 8], k=self._file_count)
        # Now and then most of the mail is in one queue, so that its counts get wide.
        if rng.random() < 0.3:
            favourite = rng.choice(QUEUES)
            queues = [favourite if rng.random() < 0.8 else queue for queue in queues]
        for queue in queues:
            self._write_file(queue)
            if rng.random() < 0.05:
                self._write_special_entry(queue)
        sample = rng.sample(self._regular_files, min(3, len(self._regular_files)))
        self.spool.plain_files = [os.fsdecode(path) for path in sample]
        return self.spool


def generate_spool(seed: int, directory: str, now: int = DEFAULT_NOW) -> Spool:
    """Writes the spool of this seed into a directory, which is made if need be."""
    return _SpoolWriter(seed, directory, now).write()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=None, help="any integer; a random one if absent")
    parser.add_argument("--directory", required=True, help="where to write; made if need be")
    parser.add_argument("--now", type=int, default=DEFAULT_NOW, help="the clock of ages, seconds since 1970")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}", flush=True)
    spool = generate_spool(seed, arguments.directory, arguments.now)
    print(f"{spool.file_count} files in {spool.directory}, clock {spool.now}")
    for kind, count in sorted(spool.oddities.items()):
        print(f"{count:6} {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
