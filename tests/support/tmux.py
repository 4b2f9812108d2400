"""A terminal with a shell in it, as a person has one: tmux, with a server of its own.

    with Tmux(columns=80, lines=24) as terminal:
        terminal.type("fleetqshape top", "Enter")
        terminal.wait_for("TOTAL")
        terminal.type("q")
"""

import contextlib
import re
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Callable, Self

from support.fleet import environment
from support.waiting import wait_until

__all__ = ["PROMPT", "Tmux"]

PROMPT = "ready> "
_WAIT_SECONDS = 30


class Tmux:
    """The shell is bash, with job control and nobody's start-up files; `variables` are added to its environment."""

    def __init__(self, *, columns: int = 80, lines: int = 24, **variables: str) -> None:
        self._size = (columns, lines)
        self._variables = variables

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tmux-"))
            self._socket = str(Path(directory, "socket"))
            # Not as a daemon: it ends with the test, however that ends.
            server = stack.enter_context(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "tmux", "-D", "-S", self._socket, "-f", "/dev/null"],
                stdin=subprocess.DEVNULL, env=environment(TERM="xterm-256color", **self._variables), cwd=directory))
            stack.callback(server.terminate)
            # Its socket is there before it listens.
            wait_until(lambda: self._run("show-options", "-s").returncode == 0, _WAIT_SECONDS, "tmux listens")
            self._tmux("set-option", "-g", "default-terminal", "tmux-256color")
            columns, lines = self._size
            self._tmux("new-session", "-d", "-x", str(columns), "-y", str(lines),
                       f"exec env PS1='{PROMPT}' bash --norc --noprofile -i")
            self._tmux("set-option", "-g", "status", "off")
            self.resize(columns, lines)
            self.wait_for(PROMPT.rstrip())
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    def type(self, *keys: str) -> None:
        """Keys by name, as Enter, C-c or Up; what is no name is typed as it is."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self, *, styles: bool = False) -> str:
        """What is on the screen; `styles`: with the escape sequences that made it so."""
        return self._tmux("capture-pane", "-p", *(["-e"] if styles else []))

    def all_text(self) -> str:
        """The screen and all that scrolled off it, without the empty lines at the end."""
        return self._tmux("capture-pane", "-p", "-S", "-").rstrip("\n")

    def on_alternate_screen(self) -> bool:
        return self._tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def cursor_is_shown(self) -> bool:
        return self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def wait_for(self, pattern: str) -> str:
        """Waits until the screen has a match of the regular expression; ^ and $ are a line's. Returns the screen."""
        expression = re.compile(pattern, re.MULTILINE)
        return self.wait_until(lambda screen: expression.search(screen) is not None, f"the screen has {pattern!r}")

    def wait_until(self, holds: Callable[[str], bool], what: str) -> str:
        seen = ""

        def look() -> bool:
            nonlocal seen
            seen = self.screen()
            return holds(seen)

        wait_until(look, _WAIT_SECONDS, what, context=lambda: seen, interval_seconds=0.03)
        return seen

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["tmux", "-S", self._socket, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=_WAIT_SECONDS, env=environment(TERM="xterm-256color"), check=False)

    def _tmux(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"tmux {arguments}: {done.stderr.decode(errors='backslashreplace')}")
        return done.stdout.decode(errors="backslashreplace")
