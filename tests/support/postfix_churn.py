"""Drives a private Postfix at random: mail comes and is delivered or deferred in part, postmasters do what they do.

    with SmtpSink() as sink, PrivatePostfix(sink.port, **PostfixChurn.options(sink)) as postfix:
        churn = PostfixChurn(postfix, sink, random.Random(1))
        while True:
            churn.step()  # returns at once: Postfix may be busy with what it did
            churn.rest()  # returns when Postfix rests, with mail in any queue

The operations and their sizes follow from the random source. Which messages they hit does so only as far as Postfix
gives the same ids again.
"""

import contextlib
import os
import random
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from support import queue_scenarios as scenarios
from support.private_postfix import HOSTNAME, QUEUES, PrivatePostfix
from support.smtp_sink import SmtpSink, Verdict
from support.waiting import WaitTimeout, wait_until

__all__ = ["Listing", "PostfixChurn"]

# The queues' directories and all below them: path to inode, mode, size (bytes) and ctime (nanoseconds). A directory's
# ctime also tells of what came and went.
Listing = dict[Path, tuple[int, int, int, int]]

_ACTIVE_LIMIT = 5  # messages in active; when it is full of stalled ones, mail stays in incoming
_MOST_MESSAGES = 100  # with more, none come in
_AGES_SECONDS = (600, 2400, 3 * 3600)
_DOMAINS = [f"domain{number}.example" for number in range(6)]
# Recipients of it stall in one SMTP transaction, in the order of their local parts: head, middle, tail.
_STALLED = "stalled.example"
_HASHED = (("deferred", "defer"), ("hold", "deferred"), ("incoming", "active", "deferred"),
           ("incoming", "active", "deferred", "hold", "defer", "bounce"))
_MOVABLE = ("hold", "incoming", "active", "deferred")


class PostfixChurn:
    """Not for use by several threads at once. Expects that nobody else changes what Postfix or the sink do."""

    @staticmethod
    def options(sink: SmtpSink) -> dict[str, Any]:
        """The options of the PrivatePostfix that is driven."""
        transports = f"gone.example=discard:, down.example=smtp:[127.0.0.1]:1, {_STALLED}=slow:[127.0.0.1]:{sink.port}"
        return {**scenarios.EVERYTHING, "services": ["slow unix - - n - - smtp"],
                "settings": {"transport_maps": f"inline:{{{transports}}}",
                             "qmgr_message_active_limit": str(_ACTIVE_LIMIT),
                             # A qmgr that finds a directory gone, because a reload moves files, ends and comes back.
                             "service_throttle_time": "1s"}}

    def __init__(self, postfix: PrivatePostfix, sink: SmtpSink, rng: random.Random) -> None:
        self._postfix = postfix
        self._sink = sink
        self._rng = rng
        self._running = True
        self._stalling = 0
        self._untried: set[tuple[str, int]] = set()  # deferred before a flush that may not have come to it: id, ctime
        self._deck: list[Callable[[], str | None]] = []
        self.done: Counter[str] = Counter()  # operations by name

    # What happens. Each operation returns what it did, or None if there was nothing to do.

    def step(self) -> str:
        """Does one operation and says what it was. Of a deck of all operations each comes up before any does again."""
        if not self._running and self._rng.random() < 0.4:
            return self._counted(self._start)
        while True:
            if not self._deck:
                self._deck = [operation for operation, cards in self._cards() for _ in range(cards)]
                self._rng.shuffle(self._deck)
            if what := self._counted(self._deck.pop()):
                return what

    def _cards(self) -> Iterable[tuple[Callable[[], str | None], int]]:
        return ((self._send_one, 6), (self._send_many, 4), (self._submit, 4), (self._send_stalling, 4),
                (self._answer, 5), (self._change_verdict, 4), (self._flush, 3), (self._flush_one, 3), (self._hold, 3),
                (self._release, 3), (self._requeue, 3), (self._delete, 3), (self._expire, 2), (self._damage, 1),
                (self._all, 2), (self._reload, 1), (self._stop, 2), (self._change_ids, 1), (self._change_hash, 2))

    def _counted(self, operation: Callable[[], str | None]) -> str | None:
        what = operation()
        if what is None:
            return None
        name = operation.__name__.strip("_")
        self.done[name] += 1
        return f"{name}: {what}"

    def _send_one(self) -> str | None:
        if not self._may_send():
            return None
        recipients = self._recipients(8)
        headers = []
        if self._rng.random() < 0.3:  # the milter's commands: the file gets pointer records
            headers = ["X-Edit: add-recipient defer.added@late.example", "X-Edit: add-header X-Last added",
                       f"X-Edit: remove-recipient {recipients[0]}"]
        self._postfix.send(self._sender(), recipients, headers=headers)
        return " ".join([*recipients, *headers])

    def _send_many(self) -> str | None:
        if not self._may_send():
            return None
        messages, recipients = self._rng.randint(1, 15), self._rng.randint(1, 4)
        recipient = self._recipient()
        self._postfix.send_many(self._sender(), recipient, messages=messages, recipients=recipients)
        return f"{messages} messages to {recipients} {recipient}"

    def _submit(self) -> str | None:
        """Mail from the sendmail command, which stays in maildrop while Postfix is stopped."""
        if self._full():
            return None
        messages = [self._recipients(4) for _ in range(self._rng.randint(1, 3))]
        for recipients in messages:
            self._postfix.sendmail(self._sender(), recipients)
        return f"{messages}"

    def _send_stalling(self) -> str | None:
        """Mail that stays in active: of some of its recipients the sink says nothing."""
        if not self._may_send() or len(self._sink.waiting) > _ACTIVE_LIMIT:
            return None
        self._stalling += 1
        recipients = [f"{part}{self._stalling}@{_STALLED}" for part in ("head", "middle", "tail")]
        for recipient, verdict in zip(recipients, (Verdict.STALL, Verdict.REFUSE, Verdict.STALL)):
            self._sink.set_local_part(recipient.partition("@")[0], verdict)
        recipients = recipients[:self._rng.choice((1, 3, 3))] + self._recipients(3)
        self._postfix.send(self._sender(), recipients)
        return " ".join(recipients)

    def _answer(self) -> str | None:
        """The sink answers a stalled recipient."""
        if not self._sink.waiting:
            return None
        address = self._rng.choice(self._sink.waiting)
        verdict = self._rng.choice((Verdict.ACCEPT, Verdict.DEFER, Verdict.REFUSE))
        self._sink.set_local_part(address.partition("@")[0], verdict)
        return f"{verdict.name} {address}"

    def _change_verdict(self) -> str:
        domain = self._rng.choice(_DOMAINS)
        verdict = self._rng.choice((None, Verdict.ACCEPT, Verdict.ACCEPT, Verdict.DEFER, Verdict.REFUSE))
        self._sink.set_domain(domain, verdict)
        return f"{domain} {verdict and verdict.name}"

    def _flush(self) -> str | None:
        if not self._running:
            return None
        deferred = self._deferred(self.listing())
        self._postfix.run("postqueue", "-f")
        self._untried |= deferred
        return f"{len(deferred)} messages"

    def _flush_one(self) -> str | None:
        ids = self._some("deferred", most=3)
        if not ids or not self._running:
            return None
        for queue_id in ids:
            self._postfix.run("postqueue", "-i", queue_id)
        return " ".join(ids)

    def _hold(self) -> str | None:
        return self._with_some(self._postfix.hold, "incoming", "active", "active", "deferred")

    def _release(self) -> str | None:
        return self._with_some(self._postfix.release, "hold")

    def _requeue(self) -> str | None:
        return self._with_some(self._postfix.requeue, *_MOVABLE)

    def _delete(self) -> str | None:
        return self._with_some(self._postfix.delete, *_MOVABLE, most=50 if self._full() else 10)

    def _expire(self) -> str | None:
        return self._with_some(self._postfix.expire, "deferred", "hold")

    def _damage(self) -> str | None:
        """A file that Postfix moves to the directory corrupt when it comes to it; until then it counts as before."""
        files = self._postfix.queue_files("deferred")
        if not files:
            return None
        damaged = self._rng.choice(files)
        with damaged.open("r+b") as file:
            file.seek(2 + 16)  # in the first record, behind the content's length: where it begins
            file.write(b"0".rjust(15))
        return damaged.name

    def _all(self) -> str | None:
        """Something with ALL, in one queue or in all."""
        action = self._rng.choice(("-h", "-H", "-H", "-r", "-d", "-e", "-f"))
        queues = self._rng.choice(([], ["deferred"], ["hold"], ["active"])) if action != "-H" else []
        if not self._postfix.queue_files(queues[0] if queues else "hold" if action == "-H" else "deferred"):
            return None
        self._postfix.run("postsuper", action, "ALL", *queues)
        if self._running:
            self._postfix.kick("pickup", "W")
        return " ".join([action, *queues])

    def _reload(self) -> str | None:
        if not self._running:
            return None
        self._postfix.run("postfix", "reload")
        self._untried.clear()  # the new qmgr knows nothing of a flush
        return "-"

    def _stop(self) -> str | None:
        if not self._running:
            return None
        self._postfix.stop()
        self._running = False
        self._untried.clear()
        return "-"

    def _start(self) -> str:
        # In the past: so that messages have different ages.
        age = self._rng.choice((0, 0, *_AGES_SECONDS))
        self._postfix.start(clock_offset_seconds=-age)
        self._running = True
        return f"{age} s ago"

    def _change_ids(self) -> str:
        """Short or long queue ids; a start or a reload gives short names to the files that have long ones."""
        long_ids = self._rng.choice(("yes", "no"))
        self._postfix.configure(enable_long_queue_ids=long_ids)
        return f"{'long' if long_ids == 'yes' else 'short'}, {self._apply_settings()}"

    def _change_hash(self) -> str:
        depth, names = self._rng.randrange(3), self._rng.choice(_HASHED)
        self._postfix.configure_hash(depth, names)
        return f"{depth} {' '.join(names)}, {self._apply_settings()}"

    def rename_to_and_fro(self, times: int) -> str:
        """Renames a message that Postfix does not look at so many times; it has its name again then.

        One of its places is the queue's own directory, since a new hash directory may be unknown to who watches. To be
        called at rest.
        """
        queue = next((queue for queue in ("hold", "deferred") if self._postfix.queue_files(queue)), None)
        if queue is None:
            raise ValueError("rename_to_and_fro() without a message in hold or deferred")
        file = self._rng.choice(self._postfix.queue_files(queue))
        places = (file, self._postfix.queue_directory / queue / (file.name + "X"))
        for number in range(times + times % 2):
            os.rename(places[number % 2], places[1 - number % 2])
        return f"renamed {file.relative_to(self._postfix.queue_directory)} {times} times"

    def hold_or_release_one(self) -> str:
        """What a watcher has to report, whatever else it has; there must be a message in hold or deferred."""
        if held := self._postfix.ids("hold"):
            self._postfix.release(held[0])
            return f"released {held[0]}"
        [deferred, *_] = self._postfix.ids("deferred")
        self._postfix.hold(deferred)
        return f"held {deferred}"

    def keep_one(self) -> None:
        """Sees to it that there is a message in hold or deferred, and comes to rest."""
        if not self._running:
            self._counted(self._start)
        while not self._postfix.queue_files("hold") and not self._postfix.queue_files("deferred"):
            self._postfix.send(self._sender(), ["x@down.example"])
            self._postfix.run("postsuper", "-h", "ALL")
            self.rest()

    # Rest.

    def rest(self, timeout_seconds: float = 75) -> None:
        """Waits until Postfix has done what it can: what is in active or incoming waits for the sink, or for those.

        Postfix does not always come to rest by itself after all that is done to it: its queue manager ends when a hash
        directory goes while it is read (master starts another one after a minute), and a message may be passed over
        for as long as a delivery agent of before a reload has it. Restarted, it looks at everything anew.
        """
        def wait() -> None:
            wait_until(self._at_rest, timeout_seconds, "Postfix rests", context=self._situation, interval_seconds=0.02)

        try:
            wait()
        except WaitTimeout:
            self._stop()
            self._start()
            wait()

    def listing(self) -> Listing:
        """All that is in the queues. Two that are equal say that nothing changed between them."""
        found: Listing = {}
        for queue in QUEUES:
            for directory, _, names in os.walk(self._postfix.queue_directory / queue):
                for path in (Path(directory), *(Path(directory, name) for name in names)):
                    with contextlib.suppress(FileNotFoundError):
                        status = path.lstat()
                        found[path] = (status.st_ino, status.st_mode, status.st_size, status.st_ctime_ns)
        return found

    def _at_rest(self) -> bool:
        if not self._running:
            return True
        if "postsuper" in self._postfix.processes().values():  # postfix reload leaves one behind
            return False
        before = self.listing()
        waiting = self._sink.waiting
        files = {queue: self._postfix.queue_files(queue) for queue in ("maildrop", "incoming", "active")}
        if files["maildrop"] or not all(self._is_stalled(file, waiting) for file in files["active"]):
            return False
        if len(waiting) < _ACTIVE_LIMIT:
            # After a reload a delivery agent of before may have a message in its hands, and qmgr passes it over.
            if any(self._left(file).isdisjoint(waiting) for file in files["incoming"]):
                # It passed over this one earlier; or the message is from the future, as Postfix runs in the past.
                self._postfix.kick("qmgr", "IA")
                return False
            if not self._untried.isdisjoint(self._deferred(before)):
                return False
            self._untried.clear()
        return self.listing() == before

    def _is_stalled(self, file: Path, waiting: Sequence[str]) -> bool:
        """Whether all of the message's recipients who are not done are deferred or stalled."""
        left = self._left(file)
        return not left.isdisjoint(waiting) and all(address.endswith("@" + _STALLED) for address in left)

    def _left(self, file: Path) -> set[str]:
        """The message's recipients who are neither done nor deferred; none if the file is gone."""
        try:
            left = {record.payload.decode() for record in scenarios.records(file) if record.kind == "R"}
            logs = [log for log in self._postfix.queue_files("defer") if log.name == file.name]
            return left - {line.removeprefix("recipient=") for log in logs for line in log.read_text().splitlines()}
        except (FileNotFoundError, IndexError):  # gone meanwhile, or before it was whole
            return set()

    def _situation(self) -> str:
        files = [file for queue in ("incoming", "active") for file in self._postfix.queue_files(queue)]
        moving = [f"{file.parent.name}/{file.name}: {sorted(self._left(file))}" for file in files]
        return "\n".join([f"waiting: {self._sink.waiting}", f"untried: {self._untried}", *moving,
                          self._postfix.situation()])

    # Helpers.

    def _may_send(self) -> bool:
        return self._running and not self._full()

    def _full(self) -> bool:
        return sum(self._postfix.counts().values()) > _MOST_MESSAGES

    def _sender(self) -> str:
        return self._rng.choice(("", f"defer@{self._domain()}", *(f"ok@{self._domain()}" for _ in range(4))))

    def _domain(self) -> str:
        return self._rng.choice(_DOMAINS)

    def _recipient(self) -> str:
        """Of a message that is delivered, returned, or deferred in one of several ways."""
        return self._rng.choice((f"ok@{self._domain()}", f"defer@{self._domain()}", f"defer@{self._domain()}",
                                 "x@gone.example", "x@down.example", f"refuse@{self._domain()}"))

    def _recipients(self, most: int) -> list[str]:
        aliases = (f"team@{HOSTNAME}", "list@virtual.example")
        some = [self._recipient() for _ in range(self._rng.randint(1, most))]
        if self._rng.random() < 0.2:
            some.append(self._rng.choice(aliases))
        return list(dict.fromkeys(some))

    def _some(self, *queues: str, most: int = 10) -> list[str]:
        """Ids of messages in one of the queues that have any."""
        filled = [ids for queue in queues if (ids := self._postfix.ids(queue))]
        if not filled:
            return []
        ids = self._rng.choice(filled)
        return self._rng.sample(ids, min(self._rng.randint(1, most), len(ids)))

    def _with_some(self, act: Callable[..., None], *queues: str, most: int = 10) -> str | None:
        ids = self._some(*queues, most=most)
        if not ids:
            return None
        act(*ids)
        return " ".join(ids)

    def _apply_settings(self) -> str:
        """Makes Postfix see main.cf, also that files are moved to where they belong now."""
        if not self._running:
            self._postfix.run("postsuper")
            return "postsuper"
        if self._rng.random() < 0.5:
            self._reload()
            return "reload"
        self._stop()
        return f"restart {self._start()}"

    def _deferred(self, listing: Listing) -> set[tuple[str, int]]:
        root = self._postfix.queue_directory / "deferred"
        return {(path.name, ctime) for path, (_, mode, _, ctime) in listing.items()
                if stat.S_ISREG(mode) and path.is_relative_to(root)}
