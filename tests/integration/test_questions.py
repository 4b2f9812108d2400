"""--to, --from, --older, --younger, --by, --compare, --sort and --rows, asked of real agents' queues, against a count of
the same mail by the test.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_questions
"""

import contextlib
import json
import os
import random
import tempfile
import unittest
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator
from support.waiting import wait_until

NOW = 1_700_000_000
MINUTE, HOUR, DAY = 60, 3600, 86400
RELAYS = (("eu", "gw1", "gateway"), ("eu", "spam1", "spam-relay"), ("us", "gw2", "gateway"))
RECIPIENTS = ("gmail.example", "mail.gmail.example", "notgmail.example", "outlook.example", "bank.example")
SENDERS = ("shop.example", "news.shop.example", "company.example")
QUEUES = ("active", "deferred", "hold")


@dataclass(frozen=True)
class Mail:
    cluster: str
    host: str
    role: str
    queue: str
    sender: str
    recipients: tuple[str, ...]
    age: int


def is_of(domain: str, wanted: Iterable[str]) -> bool:
    return any(domain == one or (one.startswith(".") and domain.endswith(one)) for one in wanted)


class Questions(unittest.TestCase):
    """The tests only read."""

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        seed = int(os.environ.get("FLEETQSHAPE_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"FLEETQSHAPE_TEST_SEED={seed}")
        rng = random.Random(seed)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="questions-")))
        cls.aggregator = stack.enter_context(Aggregator())
        cls.mail: list[Mail] = []
        for cluster, host, role in RELAYS:
            queue_directory = make_queue_directory(directory / host)
            for number in range(60):
                # Ages at the limits of the questions, too.
                age = rng.choice((0, 30 * MINUTE - 1, 30 * MINUTE, 4 * HOUR, 4 * HOUR + 1, rng.randrange(3 * DAY)))
                mail = Mail(cluster, host, role, rng.choice(QUEUES), rng.choice(SENDERS),
                            tuple(rng.choices(RECIPIENTS, k=rng.randrange(1, 4))), age)
                write_message(queue_directory / mail.queue, f"ABC{number:06X}", NOW - age,
                              [f"user{place}@{domain}" for place, domain in enumerate(mail.recipients)],
                              sender=f"user@{mail.sender}")
                cls.mail.append(mail)
            stack.enter_context(Agent(cls.aggregator, queue_directory, cluster=cluster, host=host,
                                      labels={"role": role}))
        wait_until(lambda: cls.total() == sum(len(mail.recipients) for mail in cls.mail), 20, "all is reported")

    @classmethod
    def total(cls) -> int:
        answer = cls.aggregator.ask(*QUEUES, "--output", "json", at=NOW)
        return json.loads(answer.stdout)["groups"][0]["total"]["count"] if answer.status == 0 else -1

    def ask(self, *arguments: str) -> Any:
        answer = self.aggregator.ask(*arguments, "--output", "json", at=NOW)
        self.assertEqual(answer.status, 0, answer.stderr)
        return json.loads(answer.stdout)

    def assert_rows(self, wanted: Counter[str], *arguments: str) -> None:
        with self.subTest(arguments=arguments):
            answer = self.ask(*arguments)
            rows = {row["name"]: row["cells"][0]["count"] for row in answer["rows"]}
            self.assertEqual({name: count for name, count in rows.items() if count}, dict(wanted))
            self.assertEqual(answer["groups"][0]["total"]["count"], wanted.total())

    def recipients(self, holds: Callable[[Mail], bool] = lambda mail: True,
                   to: Iterable[str] = (".example",)) -> Counter[str]:
        return Counter(domain for mail in self.mail if holds(mail) for domain in mail.recipients if is_of(domain, to))

    def senders(self, holds: Callable[[Mail], bool] = lambda mail: True) -> Counter[str]:
        return Counter(mail.sender for mail in self.mail if holds(mail))

    def rows_by(self, key: Callable[[Mail], str], holds: Callable[[Mail], bool] = lambda mail: True,
                to: Iterable[str] = (".example",)) -> Counter[str]:
        return Counter(key(mail) for mail in self.mail if holds(mail) for domain in mail.recipients
                       if is_of(domain, to))

    def test_queues(self) -> None:
        self.assert_rows(self.recipients(), *QUEUES)
        self.assert_rows(self.recipients(lambda mail: mail.queue == "active"))
        self.assert_rows(self.senders(lambda mail: mail.queue != "active"), "-s", "hold", "deferred")

    def test_to(self) -> None:
        for words, wanted in ((["--to", "gmail.example"], ["gmail.example"]),
                              (["--to", "GMAIL.example"], ["gmail.example"]),
                              (["--to", ".gmail.example"], [".gmail.example"]),
                              (["--to", "gmail.example", "--to", ".gmail.example"], ["gmail.example", ".gmail.example"]),
                              (["--to", "bank.example,outlook.example"], ["bank.example", "outlook.example"])):
            self.assert_rows(self.recipients(to=wanted), *words, *QUEUES)

    def test_from(self) -> None:
        for words, wanted in ((["--from", "shop.example"], ["shop.example"]),
                              (["--from", ".shop.example", "--from", "company.example"],
                               [".shop.example", "company.example"])):
            self.assert_rows(self.senders(lambda mail, wanted=wanted: is_of(mail.sender, wanted)), *words, *QUEUES)

    def test_ages(self) -> None:
        for words, youngest, oldest in ((["--older", "4h"], 4 * HOUR, 1 << 40), (["--younger", "30m"], 0, 30 * MINUTE),
                                        (["--older", "30m", "--younger", "4h"], 30 * MINUTE, 4 * HOUR),
                                        (["--older", "30m", "--older", "1d"], DAY, 1 << 40),
                                        (["--younger", "1d", "--younger", "1h30m"], 0, 90 * MINUTE)):
            self.assert_rows(self.recipients(lambda mail, a=youngest, b=oldest: a <= mail.age < b), *words, *QUEUES)

    def test_rows_by(self) -> None:
        def is_old(mail: Mail) -> bool:
            return mail.age >= 4 * HOUR
        for key, of in (("host", lambda mail: mail.host), ("cluster", lambda mail: mail.cluster),
                        ("relay", lambda mail: f"{mail.cluster}/{mail.host}/postfix"),
                        ("queue", lambda mail: mail.queue), ("role", lambda mail: mail.role),
                        ("instance", lambda mail: "postfix")):
            self.assert_rows(self.rows_by(of), "--by", key, *QUEUES)
            self.assert_rows(self.rows_by(of, is_old, ["gmail.example"]), "--by", key, "--older", "4h", "--to",
                             "gmail.example", *QUEUES)

    def test_selections(self) -> None:
        self.assert_rows(self.recipients(lambda mail: mail.cluster == "eu" and mail.role == "gateway"), "--cluster", "eu",
                         "--select", "role in (gateway,other)", *QUEUES)
        self.assert_rows(self.rows_by(lambda mail: mail.host, lambda mail: mail.host != "gw1"), "--by", "host", "--select",
                         "host!=gw1", *QUEUES)

    def test_groups(self) -> None:
        for key, groups, of in (("role", ["gateway", "spam-relay"], lambda mail: mail.role),
                                ("cluster=us,eu", ["us", "eu"], lambda mail: mail.cluster),
                                ("host", ["gw1", "gw2", "spam1"], lambda mail: mail.host)):
            counts = [self.recipients(lambda mail, name=name, of=of: of(mail) == name) for name in groups]
            ages = [sorted(mail.age for mail in self.mail if of(mail) == name for _ in mail.recipients)
                    for name in groups]
            with self.subTest(key=key):
                answer = self.ask("--compare", key, *QUEUES)
                self.assertEqual([group["name"] for group in answer["groups"]], groups)
                totals = [group["total"] for group in answer["groups"]]
                self.assertEqual([total["count"] for total in totals], [count.total() for count in counts])
                self.assertEqual([total["oldest_age_seconds"] for total in totals], [of_group[-1] for of_group in ages])
                self.assertEqual([total["median_age_seconds"] for total in totals],
                                 [of_group[len(of_group) // 2] for of_group in ages])
                self.assertEqual({row["name"]: [cell["count"] for cell in row["cells"]] for row in answer["rows"]},
                                 {name: [count[name] for count in counts] for name in self.recipients()})

    def test_orders(self) -> None:
        groups = ["gateway", "spam-relay"]
        counts = [self.recipients(lambda mail, name=name: mail.role == name) for name in groups]

        def shares(name: str) -> list[float]:
            return [count[name] / count.total() for count in counts]
        keys: dict[str, Callable[[str], Any]] = {
            "share": lambda name: -round(abs(shares(name)[0] - shares(name)[1]), 12),
            "total": lambda name: -sum(count[name] for count in counts),
            "spam-relay": lambda name: -counts[1][name],
            "gateway": lambda name: -counts[0][name],
            "name": lambda name: name,
        }
        for order, key in keys.items():
            for how in ([] if order == "share" else ["--sort", order], ["--sort", order]):
                names = [row["name"] for row in self.ask("--compare", "role", *how, *QUEUES)["rows"]]
                self.assertEqual([key(name) for name in names], sorted(map(key, names)), how)
                first = [row["name"] for row in self.ask("--compare", "role", *how, "--rows", "2", *QUEUES)["rows"]]
                self.assertEqual(first, names[:2], how)
        self.assertEqual({row["name"] for row in self.ask("--compare", "role", "--sort", "ratio", *QUEUES)["rows"]},
                         set(RECIPIENTS))


if __name__ == "__main__":
    unittest.main()
