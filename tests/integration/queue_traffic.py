"""Mail that comes to the queues of relays, moves through them and leaves, without a Postfix.

Files come and go as Postfix moves them, some hundred times a second. Each relay also has a counter in its queue, that
tells how old a picture of the queue is: a few messages on hold for the domains nN.HOST.example, of which N only grows.
"""

import os
import random
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from integration.queue_writing import make_queue_directory, write_message

__all__ = ["QUEUES", "QueueTraffic", "RelayQueue", "counters_shown"]

QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")
_NEXT = {"maildrop": ("incoming",), "incoming": ("active", "active", "active", "hold"),
         "active": ("deferred", "deferred", "gone"), "deferred": ("active", "active", "gone"), "hold": ("deferred",)}
_MOVING = 400  # messages of a relay that come, move and go, about
_COUNTERS_KEPT = 3  # the older ones go later, so that a listing finds one at any time
_CHANGES_A_COUNT = 8
_CHANGES_PER_SECOND = 300
_PACE_SECONDS = 0.01
_COUNTER_ROW = re.compile(rb"^ *n(\d+)\.(\S+)\.example ", re.M)


def counters_shown(table: bytes) -> dict[str, int]:
    """Of each relay the highest counter that a table of recipients on hold shows."""
    shown: dict[str, int] = {}
    for number, host in _COUNTER_ROW.findall(table):
        shown[host.decode()] = max(shown.get(host.decode(), 0), int(number))
    return shown


class RelayQueue:
    """One relay's queue directory and what is in it.

    resting  so many messages are deferred all the time
    """

    def __init__(self, host: str, directory: Path, rng: random.Random, resting: int) -> None:
        self.host = host
        self.directory = make_queue_directory(directory)
        for digit in "0123456789ABCDEF":  # hash_queue_depth 1
            (directory / "deferred" / digit).mkdir(mode=0o700)
        self.counter = 0
        self._rng = rng
        self._written = 0
        self._changes = 0
        self._mail: dict[str, tuple[str, list[str]]] = {}  # queue and recipients
        self._counters: list[Path] = []
        for _ in range(resting):
            self._write("deferred")
        self.count()

    def change(self) -> None:
        """One message comes, moves or goes; now and then the counter counts."""
        self._changes += 1
        if self._changes % _CHANGES_A_COUNT == 0:
            self.count()
        wanted = 0.5 if len(self._mail) < _MOVING else 0.2
        if not self._mail or self._rng.random() < wanted:
            queue = self._rng.choice(("incoming", "incoming", "incoming", "maildrop"))
            name, recipients = self._write(queue)
            self._mail[name] = (queue, recipients)
            return
        name = self._rng.choice(list(self._mail))
        queue, recipients = self._mail.pop(name)
        path, target = self._path(queue, name), self._rng.choice(_NEXT[queue])
        if target == "gone":
            path.unlink()
        elif queue == "maildrop":  # cleanup writes it anew
            name, recipients = self._write(target)
            path.unlink()
            self._mail[name] = (target, recipients)
        else:
            if (queue, target) == ("active", "deferred"):
                self._deliver_in_part(path, recipients)
                retry = time.time() + self._rng.randrange(300, 4000)
                os.utime(path, (retry, retry))
            path.rename(self._path(target, name))
            self._mail[name] = (target, recipients)

    def count(self) -> None:
        self.counter += 1
        name = f"F0000{self.counter:07X}"
        self._counters.append(write_message(self.directory / "hold", name, int(time.time()),
                                            [f"user@n{self.counter}.{self.host}.example"]))
        if len(self._counters) > _COUNTERS_KEPT:
            self._counters.pop(0).unlink()

    def _write(self, queue: str) -> tuple[str, list[str]]:
        self._written += 1
        name = f"{self._rng.randrange(1_000_000):05X}{self._written:07X}"
        count = self._rng.choice((1, 1, 1, 3))
        recipients = [f"user{i}@domain{self._rng.randrange(200)}.example" for i in range(count)]
        write_message(self._path(queue, name).parent, name, int(time.time()) - self._rng.randrange(100_000), recipients,
                      sender=f"sender@origin{self._rng.randrange(20)}.example")
        return name, recipients

    def _path(self, queue: str, name: str) -> Path:
        return self.directory / queue / (name[0] if queue == "deferred" else "") / name

    @staticmethod
    def _deliver_in_part(path: Path, recipients: list[str]) -> None:
        """Marks one recipient, but the last one, as Postfix does: the record's type becomes another in its place."""
        if len(recipients) < 2:
            return
        address = recipients.pop().encode()
        with open(path, "r+b") as file:
            file.seek(file.read().index(b"R" + bytes([len(address)]) + address))
            file.write(b"D")


class QueueTraffic:
    """Changes the queues, in a thread, between resume() and pause()."""

    def __init__(self, directory: Path, hosts: tuple[str, ...], rng: random.Random, resting: int) -> None:
        self.queues: Mapping[str, RelayQueue] = {
            host: RelayQueue(host, directory / host, random.Random(rng.random()), resting) for host in hosts}
        self.changes = 0
        self._rng = random.Random(rng.random())
        self._lock = threading.Lock()  # held while paused, and by the thread while it changes something
        self._lock.acquire()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue-traffic", daemon=True)
        self._problem: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stopped.set()
        if self._lock.locked():
            self._lock.release()
        self._thread.join()

    def resume(self) -> None:
        self._lock.release()

    def pause(self) -> None:
        """Returns when the queues stand still."""
        self._lock.acquire()
        if self._problem:
            raise AssertionError(f"the traffic failed: {self._problem!r}") from self._problem

    def _run(self) -> None:
        queues = list(self.queues.values())
        while not self._stopped.wait(_PACE_SECONDS):
            with self._lock:
                if self._stopped.is_set() or self._problem:
                    continue
                try:
                    for _ in range(int(_CHANGES_PER_SECOND * _PACE_SECONDS)):
                        self._rng.choice(queues).change()
                        self.changes += 1
                except Exception as problem:  # told by pause()
                    self._problem = problem
