"""A simulator as a process.

    with Simulation("--aggregator", aggregator.ingest_address, "--relays", "20") as simulation:
        simulation.wait_for("running: ")
        status, figures = simulation.result()

It gets none of the caller's environment but what sanitizers need. The block's end kills it if it still runs; if the
test process itself is killed, the kernel kills it.
"""

import json
import subprocess
import tempfile
from types import TracebackType
from typing import Any, Self

from support.fleet import Answer, environment, program
from support.waiting import wait_until

__all__ = ["Simulation", "simulate"]

_RUN_SECONDS = 90


def simulate(*arguments: str, timeout_seconds: float = _RUN_SECONDS) -> Answer:
    """Runs it to its end."""
    done = subprocess.run([program("fleetqshape-simulate"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout_seconds, env=environment(), check=False)
    return Answer(done.returncode, done.stdout, done.stderr.decode())


class Simulation:
    """Runs with --output json."""

    def __init__(self, *arguments: str) -> None:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", program("fleetqshape-simulate"), *arguments, "--output", "json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, env=environment())  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._errors.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        """What it wrote to standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="backslashreplace")

    def wait_for(self, text: str, timeout_seconds: float = 60) -> None:
        """Waits until a line of its log has the text."""
        def found() -> bool:
            ended = self._process.poll() is not None
            if text in self.log():
                return True
            if ended:
                raise AssertionError(f"the simulator ended without {text!r}\n{self.log()}")
            return False
        wait_until(found, timeout_seconds, f"the simulator writes {text!r}", context=self.log)

    def terminate(self) -> None:
        self._process.terminate()

    def result(self, timeout_seconds: float = _RUN_SECONDS) -> tuple[int, dict[str, Any]]:
        """Its exit status and figures, once it has ended."""
        output, _ = self._process.communicate(timeout=timeout_seconds)
        return self._process.returncode, json.loads(output)
