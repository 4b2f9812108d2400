"""What the agent tells a service manager (sd_notify(3)): that it is ready, how it goes, that it is alive, that it ends.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_agent_service
"""

import contextlib
import re
import socket
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from integration.queue_writing import make_queue_directory, write_message
from support.fleet import Aggregator
from support.started_agent import StartedAgent
from support.waiting import wait_until

ARRIVAL = 1_700_000_000
MESSAGES = 300
_SECONDS = 20


class ServiceManager:
    """The other end of NOTIFY_SOCKET: keeps what came, with the time that it came at."""

    def __init__(self, stack: contextlib.ExitStack, directory: Path) -> None:
        self.path = str(directory / "notify")
        self._socket = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))
        self._socket.bind(self.path)
        self.messages: list[tuple[float, str]] = []

    def take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.messages.append((time.monotonic(), self._socket.recv(65536).decode("utf-8")))

    def lines(self) -> list[str]:
        self.take()
        return [line for _, message in self.messages for line in message.splitlines()]

    def times(self, line: str) -> list[float]:
        self.take()
        return [at for at, message in self.messages if line in message.splitlines()]

    def wait_for(self, line: str, context: Callable[[], str]) -> None:
        """Waits for a line that a regular expression matches from its start to its end."""
        wait_until(lambda: any(re.fullmatch(line, one) for one in self.lines()), _SECONDS, f"it is told {line}",
                   context=lambda: f"{self.lines()}\n{context()}")


class AgentAsService(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="service-")))
        self.queue_directory = make_queue_directory(directory / "queue")
        for number in range(MESSAGES):
            self.write(number)
        self.aggregator = self.stack.enter_context(Aggregator(start_now=False))
        self.manager = ServiceManager(self.stack, directory)

    def write(self, number: int) -> Path:
        return write_message(self.queue_directory / "deferred", f"ABC{number:07X}", ARRIVAL, ["user@there.example"])

    def agent(self, *options: str, wrapper: tuple[str, ...] = (), **variables: str) -> StartedAgent:
        return self.stack.enter_context(StartedAgent(
            self.aggregator, "--queue-directory", str(self.queue_directory), *options, wrapper=wrapper,
            variables={"NOTIFY_SOCKET": self.manager.path} | variables))

    def test_ready_when_the_queue_was_looked_at_with_the_number_of_messages(self) -> None:
        agent = self.agent()
        self.manager.wait_for("READY=1", agent.log)
        self.assertEqual(len(self.manager.times("READY=1")), 1)
        # It is ready without an aggregator, and says so together with what it saw.
        [ready] = [message for _, message in self.manager.messages if "READY=1" in message]
        self.assertRegex(ready, f"(?m)^STATUS={MESSAGES} messages in 1 instances; 1 seen whole; reporting to 0 of 1 aggregators$")

    def test_status_follows_what_happens(self) -> None:
        agent = self.agent()
        self.manager.wait_for("READY=1", agent.log)
        self.aggregator.start()
        self.manager.wait_for(f"STATUS={MESSAGES} messages .* reporting to 1 of 1 aggregators", agent.log)
        self.write(MESSAGES)
        self.manager.wait_for(f"STATUS={MESSAGES + 1} messages .*", agent.log)
        for number in range(2):  # removals alone: nothing new to read
            (self.queue_directory / "deferred" / f"ABC{number:07X}").unlink()
        self.manager.wait_for(f"STATUS={MESSAGES - 1} messages .*", agent.log)
        self.aggregator.kill()
        self.manager.wait_for("STATUS=.* reporting to 0 of 1 aggregators", agent.log)
        self.assertEqual(self.manager.lines().count("READY=1"), 1)

    def test_queue_that_cannot_be_listed_is_told_by_the_status(self) -> None:
        (self.queue_directory / "hold").rmdir()
        (self.queue_directory / "hold").touch()
        agent = self.agent()
        self.manager.wait_for("READY=1", agent.log)
        self.manager.wait_for(f"STATUS={MESSAGES} messages in 1 instances; 0 seen whole; .*", agent.log)

    def test_stopping(self) -> None:
        agent = self.agent()
        self.manager.wait_for("READY=1", agent.log)
        self.assertEqual(self.manager.times("STOPPING=1"), [])
        agent.stop()
        self.assertEqual(len(self.manager.times("STOPPING=1")), 1)
        self.assertEqual(self.manager.lines()[-1], "STOPPING=1")

    def test_watchdog_while_nothing_happens(self) -> None:
        self.aggregator.start()
        limit = 4.0
        # Nothing is there to do: no change, and no heartbeat.
        agent = self.agent("--heartbeat-interval", "3600", WATCHDOG_USEC=str(int(limit * 1e6)),
                           wrapper=("sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"))
        self.manager.wait_for("READY=1", agent.log)
        began = time.monotonic()

        def alive() -> list[float]:
            times = self.manager.times("WATCHDOG=1")
            latest = times[-1] if times else began
            self.assertLess(time.monotonic() - latest, limit, f"systemd would have killed it\n{agent.log()}")
            return times

        wait_until(lambda: alive()[-1:] > [began + 1.5 * limit], _SECONDS, "the agent says that it is alive")

    def test_no_watchdog_for_another_process(self) -> None:
        agent = self.agent(WATCHDOG_USEC="1000000", WATCHDOG_PID="1")
        self.manager.wait_for("READY=1", agent.log)
        self.write(MESSAGES)
        self.manager.wait_for(f"STATUS={MESSAGES + 1} messages .*", agent.log)
        agent.stop()
        self.assertEqual(self.manager.times("WATCHDOG=1"), [])

    def test_nobody_listens(self) -> None:
        agent = self.agent(NOTIFY_SOCKET="/nonexistent/notify")
        agent.wait_for_log(f" holds {MESSAGES} messages")
        agent.stop()


if __name__ == "__main__":
    unittest.main()
