"""quickstart's three sample relays, with real agents, for documents: the same mail at every run.

    with SampleFleet() as fleet:
        fleet.ask("deferred", "--compare", "role")
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from support.fleet import Agent, Aggregator, Answer
from support.waiting import wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy" / "quickstart"))

from sample_queues import write_sample_queues  # noqa: E402

__all__ = ["NOW", "SampleFleet"]

NOW = 1_763_800_000
"""The time that ages are measured at."""

_RELAYS = (("gw1", "eu", "gateway", 20_000), ("gw2", "us", "gateway", 20_000), ("spam1", "eu", "spam-relay", 2_500))
_QUEUES = ("maildrop", "hold", "incoming", "active", "deferred")


class SampleFleet:
    """Two gateways, nearly clean, and a spam relay in trouble, whose active queue may hold 2,500 messages."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sample-fleet-")))
            queues = write_sample_queues({host: directory / host for host, *_ in _RELAYS}, NOW)
            self.aggregator = stack.enter_context(Aggregator())
            for host, cluster, role, active_limit in _RELAYS:
                config = directory / f"{host}-config"
                config.mkdir()
                (config / "main.cf").write_text(
                    f"compatibility_level = 3.6\nqueue_directory = {directory / host}\n"
                    f"qmgr_message_active_limit = {active_limit}\n", encoding="utf-8")
                stack.enter_context(Agent(self.aggregator, directory / host, "--postfix", str(config), cluster=cluster,
                                          host=host, labels={"role": role}))
            self._recipients = sum(queue.recipient_count for queue in queues.values())
            wait_until(self._is_complete, 30, "the aggregator has all of the sample relays")
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    def ask(self, *arguments: str) -> Answer:
        return self.aggregator.ask(*arguments, at=None if "relays" in arguments else NOW)

    def _is_complete(self) -> bool:
        rows = self.ask(*_QUEUES).stdout.decode().splitlines()
        return len(rows) > 1 and rows[1].split()[:2] == ["TOTAL", str(self._recipients)]
