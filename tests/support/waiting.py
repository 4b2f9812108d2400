"""Waiting on a condition, never on a duration."""

import time
from typing import Callable, TypeVar

T = TypeVar("T")


class WaitTimeout(AssertionError):
    """The condition did not hold before its deadline: the test fails, it does not err."""


def wait_until(
    predicate: Callable[[], T],
    timeout_seconds: float,
    what: str,
    *,
    context: Callable[[], str] | None = None,
    interval_seconds: float = 0.01,
) -> T:
    """Polls `predicate` until it returns something true, and returns that.

    After `timeout_seconds` raises WaitTimeout, which names `what` was waited for, the last value seen and, if given,
    the `context` (a log's tail, say), taken at that moment.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            message = f"not within {timeout_seconds:g} s: {what} (last seen: {value!r})"
            raise WaitTimeout(message + (f"\n{context()}" if context else ""))
        time.sleep(interval_seconds)
