"""A small SMTP server for tests: where all of a private Postfix's outgoing mail ends.

What it answers to a recipient is decided by the recipient's local part (digits in front of it are skipped, because
smtp-source numbers its recipients that way):

    ok...       250  accepted and counted
    defer...    450  tried again later
    refuse...   550  returned to the sender
    stall...    no answer until the verdict changes: the message stays in Postfix's active queue
    any other   the default verdict, Verdict.ACCEPT

and can be changed while mail flows, by local part, by domain, or for everybody. A domain's verdict goes before a
local part's, and accept_all() before both.
"""

import asyncio
import contextlib
import enum
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session


class Verdict(enum.Enum):
    ACCEPT = "250 2.1.5 accepted"
    DEFER = "450 4.2.1 try again later"
    REFUSE = "550 5.1.1 no such user"
    STALL = "stall"


class SmtpSink:
    """Runs in a thread of its own, on a free port of 127.0.0.1, from `with SmtpSink() as sink:` to the block's end.

    All methods may be called from any thread.
    """

    def __init__(self, default: Verdict = Verdict.ACCEPT) -> None:
        self._default = default
        self._lock = threading.Lock()  # guards the five below
        self._by_prefix = {"ok": Verdict.ACCEPT, "defer": Verdict.DEFER, "refuse": Verdict.REFUSE,
                           "stall": Verdict.STALL}
        self._by_domain: dict[str, Verdict] = {}
        self._all: Verdict | None = None
        self._accepted: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()  # used in the loop's thread only
        self._thread = threading.Thread(target=self._run, name="smtp-sink", daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> "SmtpSink":
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError("the SMTP sink's thread did not start within 10 s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        if self._thread.is_alive():
            raise RuntimeError("the SMTP sink's thread did not end within 10 s")

    # What it answers.

    def set_local_part(self, prefix: str, verdict: Verdict) -> None:
        """From now on the verdict for local parts that start with `prefix` (the longest prefix wins)."""
        with self._lock:
            self._by_prefix[prefix.lower()] = verdict
        self._wake_stalled()

    def set_domain(self, domain: str, verdict: Verdict | None) -> None:
        """From now on the verdict for all of `domain`; None: local parts decide again."""
        with self._lock:
            if verdict is None:
                self._by_domain.pop(domain.lower(), None)
            else:
                self._by_domain[domain.lower()] = verdict
        self._wake_stalled()

    def accept_all(self) -> None:
        """From now on every recipient is accepted, so that what was deferred finishes at the next flush."""
        self._set_all(Verdict.ACCEPT)

    def decide_by_recipient(self) -> None:
        """Ends accept_all()."""
        self._set_all(None)

    def verdict(self, address: str) -> Verdict:
        """What a recipient would be answered now."""
        local_part, _, domain = address.lower().rpartition("@")
        local_part = local_part.lstrip("0123456789")
        with self._lock:
            if self._all is not None:
                return self._all
            if domain in self._by_domain:
                return self._by_domain[domain]
            prefixes = [prefix for prefix in self._by_prefix if local_part.startswith(prefix)]
            return self._by_prefix[max(prefixes, key=len)] if prefixes else self._default

    # What it took.

    @property
    def accepted(self) -> Counter[str]:
        """How many messages each recipient address got: a copy."""
        with self._lock:
            return Counter(self._accepted)

    @property
    def accepted_recipients(self) -> int:
        return self.accepted.total()

    @property
    def waiting(self) -> list[str]:
        """The recipient addresses that wait for an answer now (Verdict.STALL), sorted."""
        with self._lock:
            return sorted(self._waiting.elements())

    # The server, in the loop's thread. The method names are aiosmtpd's hooks.

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,
                          options: list[str]) -> str:
        with self._counted_as_waiting(address):
            while (verdict := self.verdict(address)) is Verdict.STALL:
                self._changed.clear()
                if self.verdict(address) is Verdict.STALL:  # it may have changed just before clear()
                    await self._changed.wait()
        if verdict is Verdict.ACCEPT:
            envelope.rcpt_tos.append(address)
        return verdict.value

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        with self._lock:
            self._accepted.update(envelope.rcpt_tos)
        return "250 2.0.0 taken"

    @contextlib.contextmanager
    def _counted_as_waiting(self, address: str) -> Iterator[None]:
        """Also ends when the client goes away."""
        with self._lock:
            self._waiting[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[address] -= 1

    def _set_all(self, verdict: Verdict | None) -> None:
        with self._lock:
            self._all = verdict
        self._wake_stalled()

    def _wake_stalled(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    def _protocol(self) -> SMTP:
        return SMTP(self, enable_SMTPUTF8=True, hostname="sink.test", timeout=3600, loop=self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(self._protocol, sock=self._socket))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()
