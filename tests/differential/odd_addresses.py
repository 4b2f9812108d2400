"""Mail addresses for generated spools: ordinary ones, families of subdomains, odd bytes."""

from __future__ import annotations

import random
import re

_AMBIGUOUS_NAME = re.compile(rb"(?:\A|[@.\n])[ +]")


def has_ambiguous_name(address: bytes) -> bool:
    """Whether the name of this address may begin with a blank or a plus sign.

    qshape pads names with blanks and marks cut ones with "+", so that the length of
    such a name cannot be told from the table; yet rows of one count are in the
    order of that length. Generated spools have no such names, so that the order of
    all others can be checked without exception.
    """
    return _AMBIGUOUS_NAME.search(address) is not None


def _label(rng: random.Random, shortest: int = 1, longest: int = 10) -> bytes:
    length = rng.randint(shortest, longest)
    return bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz0123456789-", k=length))


def _special_names() -> list[bytes]:
    """Names that mean something to qshape, or look so."""
    return [
        b"TOTAL", b"user@TOTAL", b"user@total", b"Total", b"mailer-daemon", b"MAILER-DAEMON",
        b"user@mailer-daemon", b"user@MAILER-DAEMON", b"MAILER-DAEMON@", b"user@T", b"root", b"user@0", b"0",
    ]


def _at_signs(rng: random.Random, domain: bytes) -> list[bytes]:
    return [
        b"postmaster", b"", b"user@", b"@", b"@@", b"@" + domain, b"a@b@" + domain, b'"a@b"@' + domain,
        b"@relay.example:user@" + domain, b"user%" + domain, b"relay!user", b"user@@" + domain, domain + b"@",
    ]


def _newlines(rng: random.Random, domain: bytes) -> list[bytes]:
    return [
        b"us\ner@" + domain, b"user\n@" + domain, b"user@" + domain + b"\n", b"user@\n" + domain,
        b"user@one\n" + domain, b"\n", b"\n\n", b"user@\n", b"user@a.b\n" + domain + b".", b"a@b\nc@" + domain,
        b"user@.a\n." + domain, b"user@a.b.c\nd.e.f." + domain, b"x\r\n@" + domain + b".\n", b"user@.\n",
    ]


def _bytes_that_are_no_letters(rng: random.Random, domain: bytes) -> list[bytes]:
    random_bytes = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 12)))
    return [
        b"user@nul\0" + domain, b"\0", b"us\0er@" + domain, b"user@" + bytes([rng.randrange(1, 32)]) + domain,
        b"user@\x1b[31mred\x1b[0m." + domain, b"user@\x1b]0;title\x07" + domain, b"user@" + domain + b"\x7f",
        b"user@tab\t" + domain, b"user@inner blank." + domain, b"user@" + domain + b" ", b"user@%s%n%100d." + domain,
        b"user@$1\\." + domain, b"user@<b>&amp;\"'," + domain, b"user@" + random_bytes,
    ]


def _not_ascii(rng: random.Random, domain: bytes) -> list[bytes]:
    return [
        "user@bücher.".encode() + domain, "user@BÜCHER.ÄÖÜ.Example".encode(), "ÿ@例え.テスト".encode(),
        "user@\u202egnp.example".encode(), "user@İstanbul.example".encode(), b"user@\xff\xfe." + domain,
        b"user@\xc4\xd6\xdc." + domain, b"user@\xc0\xaf." + domain, b"user@\xed\xa0\x80." + domain,
        b"user@\x85\xa0." + domain, b"user@xn--bcher-kva." + domain, b"user@\xe2\x82", "𝔘@𝔘.example".encode(),
    ]


def _dots(rng: random.Random, domain: bytes) -> list[bytes]:
    dots = b"." * rng.randint(1, 7)
    return [
        b"user@" + dots, dots, b"user@" + dots + domain, b"user@" + domain + dots, b"user@" + dots + domain + dots,
        b"user@a" + dots + domain, domain.replace(b".", dots), b"user@" + domain.replace(b".", b".."),
        b"user@.com", b"user@..com", b"user@...com", b"user@" + dots + b"com" + dots, b"us..er@" + domain,
    ]


def _literals(rng: random.Random, domain: bytes) -> list[bytes]:
    last = rng.randint(1, 9)
    return [
        b"user@[192.0.2.%d]" % last, b"user@[IPv6:2001:db8::%d]" % last, b"user@192.0.2.%d" % last,
        b"user@[192.0.2.%d]." % last + domain, b"user@[]", b"user@[.%d.]" % last, b"user@#123",
    ]


def _long_names(rng: random.Random, domain: bytes) -> list[bytes]:
    deep = b".".join(_label(rng, 1, 3) for _ in range(rng.randint(20, 120)))
    long_label = _label(rng, 60, 400)
    # Two names that end alike print alike when they are cut.
    return [
        b"user@" + long_label + b"." + domain, long_label, b"user@" + deep + b"." + domain, b"user@" + deep,
        b"user@..." + long_label + b"." + domain, b"user@host." + long_label + b".example",
        b"user@" + b"x" * rng.randint(17, 90), b"user@" + b"y" * rng.randint(300, 330) + b"." + domain,
        b"user@" + _label(rng, 1, 200) + b".a-name-that-is-cut-in-the-middle-of-an-80-column-table.example",
    ]


class AddressBook:
    """Chooses the addresses of one spool.

    `odd_share` is the share of odd addresses, 0 to 1. `domain_count` is how many
    ordinary domains there are; few domains make high counts, many make ties.
    """

    def __init__(self, rng: random.Random, domain_count: int, odd_share: float) -> None:
        self._rng = rng
        self._odd_share = odd_share
        self._domains = [self._new_domain() for _ in range(max(1, domain_count))]
        self._weights = [1.0 / (i + 1) ** rng.choice([0, 0.5, 1.2]) for i in range(len(self._domains))]
        self._families = [self._new_family() for _ in range(rng.randint(1, 5))]

    def _new_domain(self) -> bytes:
        rng = self._rng
        labels = [_label(rng) for _ in range(rng.choices([0, 1, 2, 3], [1, 12, 4, 1])[0])]
        return b".".join([*labels, rng.choice([b"example", b"com", b"test", b"co.uk", b"org", b"de"])])

    def _new_family(self) -> tuple[bytes, int]:
        """A parent domain, and how many names stand directly below it.

        The sizes lie around the thresholds that -m takes, 5 first of all.
        """
        # The long one is cut to ".+" and its end.
        long_parent = b"a-very-long-label-that-goes-on-and-on-to-the-edge-of-the-paper.customers.provider.example"
        known_parents = [b"example.com", b"mail.example.org", b"a.b", b"pool.isp.example", long_parent]
        parent = self._rng.choice([*known_parents, self._new_domain()])
        return parent, self._rng.choice([1, 2, 3, 4, 5, 5, 6, 7, 9, 10, 11, 15])

    def _family_member(self) -> bytes:
        rng = self._rng
        parent, size = rng.choice(self._families)
        name = b"h%d.%s" % (rng.randrange(size), parent)
        while rng.random() < 0.25:
            name = b"%s.%s" % (rng.choice([b"x", b"y", b"z", b"mx"]), name)
        # A name with a dot in front coincides with the name of a parent.
        if rng.random() < 0.04:
            name = b"..." + parent
        return name

    def domain(self) -> bytes:
        if self._rng.random() < 0.35:
            return self._family_member()
        return self._rng.choices(self._domains, self._weights)[0]

    def odd_address(self) -> bytes:
        rng, domain = self._rng, self.domain()
        makers = [_at_signs, _newlines, _bytes_that_are_no_letters, _not_ascii, _dots, _literals, _long_names]
        while True:
            choice = rng.randrange(len(makers) + 1)
            address = rng.choice(_special_names() if choice == len(makers) else makers[choice](rng, domain))
            if not has_ambiguous_name(address):
                return address

    def address(self) -> bytes:
        rng = self._rng
        if rng.random() < self._odd_share:
            return self.odd_address()
        domain = self.domain()
        if rng.random() < 0.1:
            domain = rng.choice([domain.upper(), domain.title(), domain + b"."])
        local_part = rng.choice([b"user", b"some.one", b"User+tag", b"owner-list", b"u%d" % rng.randrange(100)])
        return local_part + b"@" + domain

    def sender(self) -> bytes:
        """A sender; empty for a bounce."""
        return b"" if self._rng.random() < 0.15 else self.address()
