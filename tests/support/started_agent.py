"""An agent that is started in a way of the test's own: as another user, under another program, or once.

    with StartedAgent(aggregator, "--postfix", "auto", privileges=MAIL_OWNER) as agent: ...
    run_agent("--once", "--queue-directory", directory, privileges=NOBODY).status
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.fleet import Agent, Aggregator, Answer, environment, program

__all__ = ["MAIL_OWNER", "NOBODY", "READ_SEARCH_ONLY", "StartedAgent", "list_relays", "run_agent"]

# Options of setpriv(1).
MAIL_OWNER = ("--reuid", "postfix", "--regid", "postfix", "--clear-groups", "--inh-caps", "-all")
_NOBODY_IDS = ("--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
NOBODY = (*_NOBODY_IDS, "--inh-caps", "-all")
READ_SEARCH_ONLY = (*_NOBODY_IDS, "--inh-caps", "-all,+dac_read_search", "--ambient-caps", "+dac_read_search")

_SECONDS = 60


class StartedAgent(Agent):
    """An agent that gets no other options than `options`, --aggregator, and --interval 0.05 if they have none.

    privileges  options of setpriv(1)
    wrapper     a command in front of the agent's; it is to replace itself by the agent (exec)
    variables   of its environment, beside those that every program of a test gets
    """

    def __init__(self, aggregator: Aggregator, *options: str, privileges: Sequence[str] = (),
                 wrapper: Sequence[str] = (), variables: Mapping[str, str] | None = None,
                 start_now: bool = True) -> None:
        super().__init__(aggregator, "", start_now=start_now)
        interval = () if "--interval" in options else ("--interval", "0.05")
        self._arguments = ["--aggregator", aggregator.ingest_address, *interval, *options]
        self._privileges = tuple(privileges)
        self._wrapper = tuple(wrapper)
        self._variables = dict(variables or {})

    def _launch(self, arguments: Sequence[str]) -> None:
        if self.running():
            raise AssertionError(f"{self._name} is running already")
        self._runs += 1
        command = ["setpriv", "--pdeathsig", "KILL", *self._privileges, "--", *self._wrapper, program(self._name),
                   *arguments]
        with open(self._output("stdout"), "wb") as stdout, open(self._output("stderr"), "wb") as stderr:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                             env=environment(**self._variables), cwd="/")

    def proc(self, name: str) -> dict[str, str]:
        """A file of "name: value" lines in /proc/PID."""
        lines = Path("/proc", str(self.pid), name).read_text(encoding="ascii").splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def run_agent(*arguments: str, privileges: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Answer:
    """Runs an agent that ends by itself (--once, --check)."""
    command = ["setpriv", *privileges, "--", program("fleetqshape-agent"), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
                          env=environment(**(variables or {})), cwd="/", check=False)
    return Answer(done.returncode, done.stdout, done.stderr.decode(errors="backslashreplace"))


def list_relays(aggregator: Aggregator) -> dict[str, dict[str, Any]]:
    """The aggregator's ListRelays: instance to RelayStatus, numbers of 64 bits as strings. For one host."""
    helper = Path(program("fleetqshape")).parents[1] / "tests" / "list_relays"
    done = subprocess.run([str(helper), aggregator.query_address], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=_SECONDS, env=environment(), check=False)
    if done.returncode != 0:
        if b"no relay" in done.stderr:
            return {}
        raise AssertionError(done.stderr.decode(errors="backslashreplace"))
    return {relay["instance"]: relay for relay in json.loads(done.stdout)["relays"]}
