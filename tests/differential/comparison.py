"""The real qshape and `fleetqshape --compat`, each behind its server, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType

from differential.oracle import QshapeOracle, RunTimedOut, ScannerServer, table_difference

_BUILD_DIRECTORY = os.environ.get(
    "FLEETQSHAPE_BUILD_DIRECTORY", os.path.join(os.path.dirname(__file__), "..", "..", "build")
)


class Comparison:
    """Runs both programs with the same arguments at the same clock."""

    def __init__(self) -> None:
        self._oracle = QshapeOracle()
        self._ours = ScannerServer([os.path.join(_BUILD_DIRECTORY, "tests", "scanner_server")])

    def difference(self, arguments: Sequence[str], now: int) -> str | None:
        """What differs between the two tables, or None. `now` in seconds since 1970."""
        try:
            status, expected, _ = self._oracle.run(arguments, now)
            our_status, actual, errors = self._ours.run(arguments, now)
        except RunTimedOut as error:
            return str(error)
        if status != our_status:
            return f"exit status {our_status} instead of {status}: {os.fsdecode(errors)}"
        return table_difference(expected, actual)

    def close(self) -> None:
        self._oracle.close()
        self._ours.close()

    def __enter__(self) -> "Comparison":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
