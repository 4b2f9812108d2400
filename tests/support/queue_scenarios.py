"""Named states of a Postfix queue, each made by real mail.

A scenario drives a running PrivatePostfix, returns when the state is there and nothing moves, and returns the queue
ids of the messages that it is about. Recipients whose local part starts with `defer` stay in the queue, those with `ok`
leave it, those with `refuse` are returned (see SmtpSink). build_everything() makes them all in one queue.
"""

import smtplib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from support.private_postfix import HOSTNAME, PrivatePostfix
from support.smtp_sink import SmtpSink

T = TypeVar("T")

# The options with which a PrivatePostfix can do every scenario: PrivatePostfix(sink.port, **EVERYTHING).
EVERYTHING: Mapping[str, Any] = {
    "milter": True,
    "aliases": {"team": ["defer.ann@one.example", "defer.bob@two.example", "ok.carl@one.example"]},
    "virtual_aliases": {"list@virtual.example": ["defer.dora@three.example", "defer.emil@three.example"]},
}


def half_delivered(postfix: PrivatePostfix) -> str:
    """One message with five recipients: two delivered (R became D), one refused (D as well), two deferred (R)."""
    before = set(postfix.ids("deferred"))
    postfix.send("ok.sender@here.example", ["ok.one@first.example", "defer.two@first.example", "refuse@first.example",
                                            "ok.three@second.example", "defer.four@second.example"])
    return _only(_settled(postfix, before))


def stuck_bounce(postfix: PrivatePostfix) -> str:
    """A bounce, so from the null sender, that its recipient's server defers; the message it answers is gone."""
    before = set(postfix.ids("deferred"))
    postfix.send("defer.bounces@news.example", ["refuse@nowhere.example"])
    return _only(_settled(postfix, before))


def null_sender(postfix: PrivatePostfix) -> str:
    """A message that came in with the null sender, as other servers' bounces do."""
    before = set(postfix.ids("deferred"))
    postfix.send("", ["defer.postmaster@third.example"])
    return _only(_settled(postfix, before))


def on_hold(postfix: PrivatePostfix, messages: int = 3) -> list[str]:
    """Mail in the hold queue."""
    ids = _defer_many(postfix, "ok.spam@bulk.example", "defer@held.example", messages)
    postfix.hold(*ids)
    return ids


def force_expired(postfix: PrivatePostfix) -> tuple[str, str]:
    """Mail marked by `postsuper -e` (mode 0710) and still in the queue: one message in deferred, one in hold."""
    deferred, held = _defer_many(postfix, "ok.late@here.example", "defer@expired.example", 2)
    postfix.hold(held)
    postfix.expire(deferred, held)
    return deferred, held


def utf8_mail(postfix: PrivatePostfix) -> str:
    """SMTPUTF8 mail: sender, local part and domain are not ASCII, and the domain is not in its xn-- form."""
    before = set(postfix.ids("deferred"))
    message = "From: <>\r\nSubject: Grüße\r\n\r\nBlütenstaub\r\n".encode()
    with smtplib.SMTP("127.0.0.1", postfix.smtpd_port, local_hostname="client.test", timeout=30) as client:
        client.sendmail("jürgen@münchen.example", ["defer.käthe@bücher.example", "defer.用户@例子.example"],
                        message, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    return _only(_settled(postfix, before))


def alias_mail(postfix: PrivatePostfix) -> tuple[str, str]:
    """One message to a local and to a virtual alias: what is left of it, and the copy that local(8) forwarded.

    The recipients that aliases made have O records that differ from their R records. Needs EVERYTHING's aliases.
    """
    before = set(postfix.ids("deferred"))
    postfix.send("ok.sender@here.example", [f"team@{HOSTNAME}", "list@virtual.example"])
    ids = _settled(postfix, before)
    forwarded = [queue_id for queue_id in ids if b"ann@one" in _file(postfix, "deferred", queue_id).read_bytes()]
    return _only([queue_id for queue_id in ids if queue_id not in forwarded]), _only(forwarded)


def recipients_from_headers(postfix: PrivatePostfix) -> str:
    """A message from `sendmail -t`: its recipients are known only after its content, so their R records follow X."""
    before = set(postfix.ids("deferred"))
    postfix.sendmail("ok.sender@here.example", headers=["To: defer.to@header.example", "Cc: defer.cc@header.example"])
    return _only(_settled(postfix, before))


def milter_edited(postfix: PrivatePostfix) -> str:
    """A message edited in all ways that a milter has; its recipients are defer.kept@ and defer.added@.

    Its file has pointer records to what is new, all of that behind the file's first E record, and a removed recipient
    (/). Needs a milter.
    """
    before = set(postfix.ids("deferred"))
    postfix.send("ok.old@before.example", ["defer.kept@edited.example", "defer.removed@edited.example"], headers=[
        "X-Edit: add-recipient defer.added@late.example",
        "X-Edit: remove-recipient defer.removed@edited.example",
        "X-Edit: change-sender ok.new@after.example",
        "X-Edit: insert-header X-First inserted",
        "X-Edit: add-header X-Last added",
        "X-Edit: change-header Subject changed",
        "X-Edit: delete-header From",
        "X-Edit: replace-body 200",
    ], body="short\n")
    return _only(_settled(postfix, before))


def many_senders(postfix: PrivatePostfix, domains: int = 6) -> list[str]:
    """One recipient domain, many sender domains: 1 message from the first, 2 from the second, and so on."""
    ids = []
    for number in range(1, domains + 1):
        ids += _defer_many(postfix, f"ok@sender{number}.example", "defer@same.example", number)
    return ids


def many_subdomains(postfix: PrivatePostfix) -> list[str]:
    """Recipients in enough subdomains for qshape -p to show .corp.example (6) and .eu.corp.example (5)."""
    before = set(postfix.ids("deferred"))
    hosts = [f"{host}.corp.example" for host in ("a", "b", "c", "d", "e", "f")]
    hosts += [f"{host}.eu.corp.example" for host in ("a", "b", "c", "d", "e")]
    hosts += ["corp.example", "a.few.example", "b.few.example"]
    postfix.send("ok@here.example", [f"defer@{host}" for host in hosts])
    postfix.send_many("ok@here.example", "defer@a.corp.example", messages=2, recipients=3)
    return _settled(postfix, before)


def short_and_long_ids(postfix: PrivatePostfix) -> tuple[str, str]:
    """Two messages in one queue, with a short id and with a long one; afterwards the setting is as it was."""
    setting, ids = postfix.setting("enable_long_queue_ids"), []
    for long_ids in ("no", "yes"):
        postfix.configure(enable_long_queue_ids=long_ids)
        postfix.reload()
        ids += _defer_many(postfix, "ok@here.example", "defer@ids.example", 1)
    postfix.configure(enable_long_queue_ids=setting)
    postfix.reload()
    return ids[0], ids[1]


def at_hash_depth(postfix: PrivatePostfix, depth: int, names: Sequence[str] = ("deferred", "defer")) -> None:
    """Restarts Postfix with another hash depth (0 to 2); it moves the files that it has."""
    postfix.stop()
    postfix.configure_hash(depth, names)
    postfix.start()
    postfix.quiet()


def aged_batches(postfix: PrivatePostfix, ages_seconds: Iterable[int] = (3 * 3600, 40 * 60),
                 messages: int = 4) -> dict[int, list[str]]:
    """For each age a batch of deferred messages that arrived so long ago; Postfix runs at the real time afterwards.

    Postfix is restarted for each age with its clock behind. The result's keys are the ages.
    """
    batches = {}
    for age in ages_seconds:
        postfix.stop()
        postfix.start(clock_offset_seconds=-age)
        batches[age] = _defer_many(postfix, "ok@here.example", f"defer@age{age}.example", messages)
    postfix.stop()
    postfix.start()
    postfix.quiet()
    return batches


def active_and_incoming(postfix: PrivatePostfix, sink: SmtpSink, active: int = 3,
                        incoming: int = 4) -> tuple[list[str], list[str]]:
    """Mail that stays in active, because the sink does not answer, and in incoming, because active is full.

    Both stay until the verdict for stalled.example changes, and in their queues when Postfix is stopped; when it is
    started again it moves active to incoming. Other mail cannot pass meanwhile. Expects that Postfix is quiet. The
    limit of active is as it was from the next start() on.
    """
    sink.decide_by_recipient()
    limit = postfix.setting("qmgr_message_active_limit")
    postfix.configure(qmgr_message_active_limit=str(active))
    postfix.reload()
    postfix.send_many("ok@fast.example", "stall@stalled.example", messages=active)
    postfix.wait_for(active=active, incoming=0)
    postfix.send_many("ok@slow.example", "stall@stalled.example", messages=incoming, recipients=2)
    postfix.wait_for(active=active, incoming=incoming)
    # Not before: a queue manager that is slow to start again would read it.
    postfix.configure(qmgr_message_active_limit=limit)
    return postfix.ids("active"), postfix.ids("incoming")


def in_maildrop(postfix: PrivatePostfix, messages: int = 2) -> list[str]:
    """Mail from the sendmail command that waits in maildrop, because Postfix is stopped; it must be already."""
    if postfix.running():
        raise ValueError("in_maildrop() with Postfix running: pickup would take the mail")
    before = set(postfix.ids("maildrop"))
    for number in range(messages):
        postfix.sendmail(f"ok.cron@job{number}.example", [f"defer.{number}@dropped.example", "ok@dropped.example"])
    return [queue_id for queue_id in postfix.ids("maildrop") if queue_id not in before]


@dataclass
class Everything:
    """Queue ids by what build_everything() made of them."""

    half_delivered: str
    stuck_bounce: str
    null_sender: str
    held: list[str]
    expired_deferred: str
    expired_held: str
    utf8: str
    aliases: tuple[str, str]
    from_headers: str
    milter_edited: str
    senders: list[str]
    subdomains: list[str]
    short_id: str
    long_id: str
    aged: dict[int, list[str]] = field(default_factory=dict)
    active: list[str] = field(default_factory=list)
    incoming: list[str] = field(default_factory=list)
    maildrop: list[str] = field(default_factory=list)


def build_everything(postfix: PrivatePostfix, sink: SmtpSink) -> Everything:
    """Every scenario in one queue. Leaves Postfix stopped, so that nothing moves; all five queues have mail.

    Needs PrivatePostfix(sink.port, **EVERYTHING) with empty queues. Start Postfix again and call sink.accept_all(),
    then flush(), and all but hold is delivered or returned.
    """
    aged = aged_batches(postfix)
    short_id, long_id = short_and_long_ids(postfix)
    expired_deferred, expired_held = force_expired(postfix)
    made = Everything(
        half_delivered=half_delivered(postfix),
        stuck_bounce=stuck_bounce(postfix),
        null_sender=null_sender(postfix),
        held=on_hold(postfix),
        expired_deferred=expired_deferred,
        expired_held=expired_held,
        utf8=utf8_mail(postfix),
        aliases=alias_mail(postfix),
        from_headers=recipients_from_headers(postfix),
        milter_edited=milter_edited(postfix),
        senders=many_senders(postfix),
        subdomains=many_subdomains(postfix),
        short_id=short_id,
        long_id=long_id,
        aged=aged,
    )
    made.active, made.incoming = active_and_incoming(postfix, sink)
    postfix.stop()
    made.maildrop = in_maildrop(postfix)
    return made


class Record(NamedTuple):
    kind: str
    payload: bytes
    offset_bytes: int  # where in the file the record begins


def records(file: Path) -> list[Record]:
    """A queue file's records in the order in which Postfix reads them, pointers followed, to E."""
    data, position = file.read_bytes(), 0
    found: list[Record] = []
    while not found or found[-1].kind != "E":
        kind, offset, length, shift = chr(data[position]), position, 0, 0
        while True:
            position += 1
            length |= (data[position] & 0x7F) << shift
            shift += 7
            if data[position] < 0x80:
                break
        payload = data[position + 1:position + 1 + length]
        position += 1 + length
        found.append(Record(kind, payload, offset))
        if kind == "p" and int(payload) > 0:
            position = int(payload)
    return found


def _settled(postfix: PrivatePostfix, before: set[str]) -> list[str]:
    """Waits until Postfix rests; which messages are in deferred and were not in `before`."""
    postfix.quiet()
    return [queue_id for queue_id in postfix.ids("deferred") if queue_id not in before]


def _defer_many(postfix: PrivatePostfix, sender: str, recipient: str, messages: int) -> list[str]:
    before = set(postfix.ids("deferred"))
    postfix.send_many(sender, recipient, messages=messages)
    ids = _settled(postfix, before)
    if len(ids) != messages:
        raise AssertionError(f"{messages} messages to {recipient}, {len(ids)} in deferred\n{postfix.situation()}")
    return ids


def _file(postfix: PrivatePostfix, queue: str, queue_id: str) -> Path:
    return _only([file for file in postfix.queue_files(queue) if file.name == queue_id])


def _only(items: Sequence[T]) -> T:
    if len(items) != 1:
        raise AssertionError(f"one expected, got {items!r}")
    return items[0]
