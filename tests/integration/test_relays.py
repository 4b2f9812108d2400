"""`fleetqshape relays` and `fleetqshape relays forget`: which relays there are, and how one that is gone for good goes.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_relays
"""

import contextlib
import re
import unittest

from integration.small_fleet import SmallFleet
from support.fleet import Answer, ask
from support.waiting import wait_until

OK, ERROR, USAGE = 0, 1, 2

REPORTING = "fleetqshape: {} is not forgotten: its agent reports; stop that agent first\n"
LAST_HEARD = r"last heard of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+s ago\)"


class FleetTest(unittest.TestCase):
    """A fleet of its own for each test, in which relays are stale soon."""

    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.fleet = SmallFleet(stack, "--stale-after", "1")
        self.aggregator = self.fleet.aggregator

    def relays(self, *arguments: str) -> Answer:
        return self.aggregator.ask("relays", *arguments)

    def forget(self, *arguments: str, variables: dict[str, str] | None = None) -> Answer:
        return ask("relays", "forget", "--server", self.aggregator.query_address, *arguments, variables=variables)

    def rows(self, *arguments: str) -> list[list[str]]:
        """What `relays` says of each, beside the heads."""
        answer = self.relays(*arguments)
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        return [re.split(r"  +", line) for line in answer.stdout.decode().splitlines()[1:]]

    def state(self, cluster: str, host: str) -> str:
        return self.rows("--cluster", cluster, "--host", host)[0][9]

    def end_agent(self, cluster: str, host: str) -> None:
        """Returns when the aggregator knows, too."""
        self.fleet.agents[cluster, host].stop()
        wait_until(lambda: self.forget("--host", host, "--cluster", cluster).stderr !=
                   REPORTING.format(f"{cluster}/{host}/postfix"), 20, "the aggregator knows that the agent is gone")

    def assert_known(self, *expected: str) -> None:
        self.assertEqual(self.fleet.domains(), set(expected))

    def assert_left(self, answer: Answer, stderr: str) -> None:
        self.assertEqual((answer.status, answer.stdout), (ERROR, b""))
        self.assertRegex(answer.stderr, stderr)


class Forgetting(FleetTest):
    def test_relay_that_is_gone_with_mail_in_its_queue(self) -> None:
        self.assert_left(self.forget("--host", "mx2"), "\\A" + REPORTING.format("eu/mx2/postfix") + "\\Z")
        self.assert_left(self.forget("--host", "mx2", "--stranded"), "\\A" + REPORTING.format("eu/mx2/postfix") + "\\Z")
        self.end_agent("eu", "mx2")

        wait_until(lambda: self.state("eu", "mx2") == "stranded", 20, "the relay is stale")
        answer = self.aggregator.ask("--host", "mx2", "deferred")
        self.assertRegex(answer.stderr, r"\Afleetqshape: 1 relay: 0 fresh, 1 stale \(eu/mx2/postfix silent for \d+s, "
                                        r"1 message\); 1 message is stranded on a host that nobody hears of\n\Z")
        self.assert_left(self.forget("--host", "mx2"),
                         r"\Afleetqshape: eu/mx2/postfix is not forgotten: its queues held 1 message when it was heard "
                         r"of last, \d+s ago; see to it on that host, or give --stranded .*\n\Z")
        self.assert_known("mx1.eu", "mx2.eu", "mx1.us")

        answer = self.forget("--host", "mx2", "--stranded")
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        self.assertRegex(answer.stdout.decode(), rf"\Aeu/mx2/postfix forgotten: {LAST_HEARD}, 1 message\n\Z")
        self.assertIn("relay eu/mx2/postfix is forgotten: ipv4:127.0.0.1:", self.aggregator.log())
        self.assert_known("mx1.eu", "mx1.us")
        self.assertIn("no relay has host mx2; there is: mx1", self.aggregator.ask("--host", "mx2", "deferred").stderr)
        self.assert_left(self.forget("--host", "mx2"), "no relay has host mx2; there is: mx1")

        self.aggregator.stop()
        self.aggregator.start()
        self.assert_known("mx1.eu", "mx1.us")
        agent = self.fleet.agents["eu", "mx2"]
        agent.start()
        wait_until(lambda: self.fleet.domains() == {"mx1.eu", "mx2.eu", "mx1.us"}, 20, "the relay is back")
        agent.stop()
        self.assertEqual(agent.counters().snapshots, 1)

    def test_agent_that_lives_on_through_a_restart_of_the_aggregator_is_not_forgotten(self) -> None:
        self.aggregator.kill()
        self.aggregator.start()
        self.fleet.agents["eu", "mx1"].wait_until_reporting(times=2)
        self.assert_left(self.forget("--cluster", "eu", "--host", "mx1", "--stranded"), "its agent reports")
        self.assert_known("mx1.eu", "mx2.eu", "mx1.us")

    def test_relay_whose_queues_are_empty_goes_without_more_words(self) -> None:
        for file in self.fleet.queue_directories["us", "mx1"].rglob("ABC*"):
            file.unlink()
        wait_until(lambda: self.fleet.domains() == {"mx1.eu", "mx2.eu"}, 20, "the message is gone")
        self.fleet.agents["us", "mx1"].stop()
        answer = wait_until(lambda: self.gone("--cluster", "us"), 20, "the relay is forgotten")
        self.assertEqual(answer.stderr, "")
        self.assertRegex(answer.stdout.decode(), rf"\Aus/mx1/postfix forgotten: {LAST_HEARD}, 0 messages\n\Z")
        self.assertIn("no relay has cluster us", self.relays("--cluster", "us").stderr)

    def gone(self, *arguments: str) -> Answer | None:
        answer = self.forget(*arguments)
        return answer if answer.status == OK else None

    def test_some_are_forgotten_and_some_are_left(self) -> None:
        self.end_agent("us", "mx1")
        answer = self.forget("--select", "role=gateway", "--stranded")
        self.assertEqual(answer.status, ERROR)
        self.assertRegex(answer.stdout.decode(), r"\Aus/mx1/postfix forgotten: [^\n]*\n\Z")
        self.assertEqual(answer.stderr, REPORTING.format("eu/mx1/postfix"))
        self.assert_known("mx1.eu", "mx2.eu")

    def test_only_the_command_line_says_which_and_what(self) -> None:
        self.end_agent("eu", "mx2")
        chosen = {"FLEETQSHAPE_CLUSTER": "eu", "FLEETQSHAPE_HOST": "mx2", "FLEETQSHAPE_STRANDED": "true"}
        answer = self.forget(variables=chosen)
        self.assertEqual((answer.status, answer.stdout), (USAGE, b""))
        self.assertRegex(answer.stderr, r"\Afleetqshape: which relays are to be forgotten\? [^\n]*\n\Z")
        self.assert_left(self.forget("--host", "mx2", variables=chosen), "--stranded")
        # What the environment chooses still narrows it down.
        self.assert_left(self.forget("--host", "mx1", "--stranded", variables={"FLEETQSHAPE_CLUSTER": "asia"}),
                         "no relay has cluster asia")
        self.assert_known("mx1.eu", "mx2.eu", "mx1.us")


class Listing(FleetTest):
    def test_each_relay_has_a_line(self) -> None:
        answer = self.relays()
        self.assertEqual((answer.status, answer.stderr), (OK, ""))
        head, *lines = answer.stdout.decode().splitlines()
        self.assertEqual(head.split(), ["cluster", "host", "instance", "role", "maildrop", "hold", "incoming", "active",
                                        "deferred", "state", "lag", "full", "clock", "skipped", "last", "report",
                                        "agent,", "Postfix"])
        column = head.index("state")
        self.assertEqual({line[column:column + 8].strip() in ("fresh", "stranded") for line in lines}, {True}, lines)
        self.assertEqual([row[:9] for row in self.rows()],
                         [["eu", "mx1", "postfix", "gateway", "0", "0", "0", "0", "1"],
                          ["eu", "mx2", "postfix", "spam", "0", "0", "0", "0", "1"],
                          ["us", "mx1", "postfix", "gateway", "0", "0", "0", "0", "1"]])
        self.assertEqual([row[1] for row in self.rows("--role", "spam")], ["mx2"])

    def test_a_relay_that_is_gone_becomes_stale(self) -> None:
        self.fleet.agents["us", "mx1"].kill()
        wait_until(lambda: self.state("us", "mx1") == "stranded", 20, "the relay is stale, with its message")
        self.fleet.agents["us", "mx1"].start()
        wait_until(lambda: self.state("us", "mx1") == "fresh", 20, "the relay is fresh again")

    def test_no_match_is_an_error(self) -> None:
        answer = self.relays("--cluster", "asia")
        self.assertEqual((answer.status, answer.stdout), (ERROR, b""))
        self.assertEqual(answer.stderr, "fleetqshape: no relay has cluster asia; there is: eu, us\n")


if __name__ == "__main__":
    unittest.main()
