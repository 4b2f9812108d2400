"""An agent that reports to several aggregators: one that is down, or does not answer, costs the others nothing.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_several_aggregators
"""

import contextlib
import socket
import tempfile
import time
import unittest
from pathlib import Path

from differential.oracle import QshapeOracle
from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Agent, Aggregator, wait_until_fleet_has
from support.started_agent import list_relays
from support.waiting import wait_until

NOW = 1_700_000_000
_INTERVAL = 0.05  # the agent's
_PROMPT = 2  # seconds; much less than any timeout by which one could have waited for another
_NOTICED = 8  # seconds after which an end that says nothing any more is given up
_AGAIN = 5  # seconds in which a relay is reported again after the last fault, and some for a busy machine
_SLACK = 3


class SeveralAggregators(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="several-")))
        self.queue_directory = make_queue_directory(directory / "queue")
        self.oracle = self.stack.enter_context(QshapeOracle())
        self.one = self.stack.enter_context(Aggregator())
        self.two = self.stack.enter_context(Aggregator(start_now=False))
        self.written = 0
        self.change(20)

    def start_agent(self) -> Agent:
        return self.stack.enter_context(Agent([self.two, self.one], self.queue_directory, interval_seconds=_INTERVAL))

    def address_of_two(self) -> tuple[str, int]:
        host, port = self.two.ingest_address.split(":")
        return host, int(port)

    def change(self, messages: int = 3, recipients: int = 1) -> None:
        """New mail, and some of what is there moves or goes."""
        for _ in range(messages):
            self.written += 1
            addresses = [f"user@domain{self.written % 7 + 100 * i}.example" for i in range(recipients)]
            write_message(self.queue_directory / "deferred", f"ABC{self.written:07X}", NOW - 60 * self.written,
                          addresses)
        files = sorted((self.queue_directory / "deferred").iterdir())
        files[0].rename(self.queue_directory / "active" / files[0].name)
        files[1].unlink()

    def assert_answers(self, aggregator: Aggregator, timeout_seconds: float = _PROMPT) -> bytes:
        """That it says of the queue what qshape does, soon. Returns the table."""
        paths = [str(self.queue_directory / queue) for queue in ("deferred", "active")]
        expected = self.oracle.run(["-b", "20", *paths], NOW)[1]
        return wait_until_fleet_has(aggregator, expected, "-b", "20", "deferred", "active", at=NOW,
                                    timeout_seconds=timeout_seconds).stdout

    def assert_both_answer(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        tables = {self.assert_answers(aggregator, max(deadline - time.monotonic(), 0.1))
                  for aggregator in (self.one, self.two)}
        self.assertEqual(len(tables), 1)

    def assert_one_goes_on(self, rounds: int = 5) -> None:
        """That the first aggregator's answers follow the queue, whatever the second one does."""
        for _ in range(rounds):
            self.change()
            self.assert_answers(self.one)

    def start_agent_and_suspend_two(self) -> Agent:
        self.two.start()
        agent = self.start_agent()
        self.assert_both_answer(20)
        self.two.suspend()
        # Far more than the connection takes in: what is on its way stays in the agent.
        self.change(300, recipients=500)
        self.assert_answers(self.one, 20)
        return agent

    def test_one_that_was_never_there(self) -> None:
        agent = self.start_agent()
        self.assert_answers(self.one)
        self.assert_one_goes_on()
        agent.wait_for_log(f" no connection to {self.two.ingest_address}: ")
        self.two.start()
        self.assert_both_answer(_AGAIN + _SLACK)
        agent.stop()
        self.assertEqual(agent.sent_to(self.one)[0], 1, agent.log())
        self.assertEqual(agent.sent_to(self.two)[0], 1, agent.log())

    def test_one_that_is_killed(self) -> None:
        self.two.start()
        agent = self.start_agent()
        self.assert_both_answer(20)
        for _ in range(2):
            self.two.kill()
            self.assert_one_goes_on()
            self.two.start()
            self.assert_both_answer(_AGAIN + _SLACK)
        agent.stop()
        for aggregator in (self.one, self.two):
            self.assertEqual(agent.sent_to(aggregator)[0], 1, agent.log())

    def test_one_that_stands_still(self) -> None:
        agent = self.start_agent_and_suspend_two()
        self.assert_one_goes_on()
        # It is given up, and tried again; nobody has to wait for that.
        agent.wait_for_log(f" no connection to {self.two.ingest_address}: ", timeout_seconds=_NOTICED + _SLACK)
        self.assert_one_goes_on()
        self.two.resume()
        self.assert_both_answer(_AGAIN + _SLACK)
        agent.stop()
        self.assertEqual(agent.sent_to(self.one)[0], 1, agent.log())

    def test_one_that_takes_connections_and_says_nothing(self) -> None:
        with socket.create_server(self.address_of_two()):  # nobody accepts
            agent = self.start_agent()
            self.assert_answers(self.one)
            self.assert_one_goes_on()
            agent.wait_for_log(f" no connection to {self.two.ingest_address}: ")
            self.assert_one_goes_on()
        self.two.start()
        self.assert_both_answer(_AGAIN + _SLACK)

    def test_both_are_told_of_file_counts_and_renewed_names(self) -> None:
        self.two.start()
        agent = self.start_agent()
        self.assert_both_answer(20)
        names = 5000  # as many as are worth forgetting
        files = [write_message(self.queue_directory / "hold", f"DEF{number:07X}", NOW, [f"user@gone{number}.example"])
                 for number in range(names)]
        for aggregator in (self.one, self.two):
            wait_until(lambda: f"TOTAL {names}" in " ".join(aggregator.ask("hold", at=NOW).stdout.decode().split()),
                       20, "all names are reported")
        for file in files:
            file.unlink()
        (self.queue_directory / "incoming" / "ABCDEF0").write_bytes(b"")
        self.change()
        self.assert_both_answer(20)
        for aggregator in (self.one, self.two):
            wait_until(lambda: list_relays(aggregator)["postfix"]["files"]["being_written"] == "1", 20,
                       "the file that is being written is told of")
        agent.stop()
        for aggregator in (self.one, self.two):
            self.assertGreaterEqual(agent.sent_to(aggregator)[0], 2, agent.log())

    def test_agent_that_ends_while_one_stands_still(self) -> None:
        agent = self.start_agent_and_suspend_two()
        begun = time.monotonic()
        agent.stop()
        self.assertLess(time.monotonic() - begun, 3, agent.log())

    def test_all_of_it_ends_while_nobody_is_there(self) -> None:
        self.one.kill()
        agent = self.start_agent()
        agent.wait_for_log(f" no connection to {self.one.ingest_address}: ")
        agent.wait_for_log(f" no connection to {self.two.ingest_address}: ")
        self.one.start()
        self.two.start()
        self.assert_both_answer(_AGAIN + _SLACK)
        agent.stop()
        wait_until(lambda: not agent.running(), 5, "the agent has ended")


if __name__ == "__main__":
    unittest.main()
