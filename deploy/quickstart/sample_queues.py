"""The backlogs of quickstart's three sample relays: what a bad morning looks like."""

from __future__ import annotations

import random
from pathlib import Path

from queue_files import Message, SampleQueue

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SEED = 20  # the same backlog at every run, but for its age


class _Backlog:
    """Fills one relay's queue."""

    def __init__(self, directory: Path, now: int, seed: int) -> None:
        self.queue = SampleQueue(directory)
        self._now = now
        self._random = random.Random(seed)

    def add(self, queue: str, count: int, domain: str, ages: tuple[float, float], *,
            sender: str = "", recent: float = 1.0, subject: str = "sample") -> None:
        """So many messages to mailboxes at a domain, with ages in seconds between the two.

        `recent`: 1 spreads the ages evenly, more gathers them at the young end.
        """
        youngest, oldest = ages
        for _ in range(count):
            age = youngest + (oldest - youngest) * self._random.random() ** recent
            recipients = [self._mailbox(domain)]
            if self._random.random() < 0.08:
                recipients.append(self._mailbox(domain))
            delivered = [self._mailbox("partner.example")] if self._random.random() < 0.05 else []
            message = Message(int(self._now - age), sender, recipients, delivered, subject)
            retry = None
            if queue == "deferred":  # Postfix waits as long as the message is old, within limits
                retry = self._now + int(self._random.random() * min(max(age, 300), 4000))
            self.queue.add(queue, message, retry)

    def _mailbox(self, domain: str) -> str:
        return f"user{self._random.randrange(10_000)}@{domain}"


def _gateway(backlog: _Backlog, busy: float) -> None:
    """A relay for the company's own mail, nearly clean: some greylisting, a few full mailboxes."""
    for domain, count, oldest in (("gmail.example", 14, 3 * _HOUR), ("outlook.example", 11, 5 * _HOUR),
                                  ("university.example", 6, 40 * _MINUTE), ("bank.example", 4, 2 * _HOUR),
                                  ("supplier.example", 3, 2 * _DAY)):
        for sender in ("sales@company.example", "billing@company.example"):
            backlog.add("deferred", round(count * busy), domain, (_MINUTE, oldest), sender=sender,
                        recent=2)
    for domain, count in (("gmail.example", 5), ("outlook.example", 4), ("customer.example", 2)):
        backlog.add("active", round(count * busy), domain, (0, 30), sender="news@company.example")
    backlog.add("incoming", 2, "customer.example", (0, 3), sender="sales@company.example")
    backlog.add("hold", 2, "press.example", (_HOUR, 2 * _DAY), sender="press@company.example")


def _spam_relay(backlog: _Backlog) -> None:
    """A relay for mail that looks like spam: everything that goes wrong goes wrong here."""
    # A destination whose servers are gone. Mail for it piles up evenly, until it is five days old.
    backlog.add("deferred", 1300, "dead-shop.example", (2 * _MINUTE, 4.9 * _DAY),
                sender="orders@market.example", subject="Your order")
    # A provider that has begun to slow us down: most of it young, and more all the time.
    backlog.add("deferred", 1500, "gmail.example", (_MINUTE, 7 * _HOUR), sender="offers@deals.example",
                recent=1.5, subject="Offers")
    backlog.add("deferred", 260, "gmail.example", (_MINUTE, 9 * _HOUR), sender="news@company.example")
    backlog.add("deferred", 320, "outlook.example", (_MINUTE, 10 * _HOUR), sender="offers@deals.example")
    # A dictionary attack last night: its bounces go to senders that never existed, at many hosts.
    for host in range(1, 9):
        backlog.add("deferred", 60 + 12 * host, f"mx{host}.forged.example", (7 * _HOUR, 15 * _HOUR),
                    subject="Undelivered Mail Returned to Sender")
    for domain, count in (("university.example", 25), ("bank.example", 12), ("customer.example", 9)):
        backlog.add("deferred", count, domain, (_MINUTE, _DAY), sender="list@community.example", recent=3)
    # The active queue is filling: the slow provider's mail, retried, before a burst of fresh mail.
    backlog.add("active", 1400, "gmail.example", (_MINUTE, 6 * _HOUR), sender="offers@deals.example")
    backlog.add("active", 180, "dead-shop.example", (_HOUR, 4 * _DAY), sender="orders@market.example")
    backlog.add("active", 900, "webmail.example", (5, 9 * _MINUTE), sender="promo@burst.example", recent=2)
    backlog.add("incoming", 350, "webmail.example", (0, 2 * _MINUTE), sender="promo@burst.example")
    backlog.add("hold", 20, "customer.example", (_HOUR, 3 * _DAY), sender="promo@phish.example")


def write_sample_queues(directories: dict[str, Path], now: int) -> dict[str, SampleQueue]:
    """Writes the queues of the relays gw1, gw2 and spam1 into these directories."""
    queues = {}
    for seed, (relay, directory) in enumerate(directories.items(), _SEED):
        backlog = _Backlog(directory, now, seed)
        if relay == "spam1":
            _spam_relay(backlog)
        else:
            _gateway(backlog, busy=1.0 if relay == "gw1" else 0.6)
        queues[relay] = backlog.queue
    return queues
