"""A ClickHouse server of one's own (Debian's clickhouse-server), with a temporary directory, on the loopback only.

    with ClickHouse("clickhouse-server", Path("/var/tmp"), threads=2) as server:
        server.run("CREATE TABLE t (a UInt32) ENGINE = Log")
        server.insert("t", file_of_tab_separated_lines)
        server.ask("SELECT sum(a) FROM t").rows

The end of the block kills it and removes its directory; if this process is killed, the kernel kills it.
"""

import http.client
import json
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlencode

from support.fleet import free_address
from support.waiting import wait_until

__all__ = ["ClickHouse", "ClickHouseAnswer", "ClickHouseError"]

_START_SECONDS = 60
_REQUEST_SECONDS = 900

_CONFIGURATION = """<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http_port}</http_port>
  <tcp_port>{tcp_port}</tcp_port>
  <path>{directory}/data/</path>
  <tmp_path>{directory}/tmp/</tmp_path>
  <users_config>{directory}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>536870912</mark_cache_size>
  <uncompressed_cache_size>4294967296</uncompressed_cache_size>
</yandex>
"""

_USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_threads>{threads}</max_threads></default></profiles>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
  <quotas><default/></quotas>
</yandex>
"""


class ClickHouseError(Exception):
    """It did not start, or a statement failed."""


@dataclass(frozen=True)
class ClickHouseAnswer:
    rows: list[list[Any]]
    totals: list[Any]  # of GROUP BY ... WITH TOTALS; else empty
    seconds: float  # as the server itself measures, without the way to it


class ClickHouse:
    """`threads`: how many a statement may use."""

    def __init__(self, program: str, directory: Path, threads: int) -> None:
        self._program = program
        self._parent = directory
        self._threads = threads
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clickhouse-", dir=self._parent)))
            self._host, _, self._port = free_address().partition(":")
            ports = {"http_port": self._port, "tcp_port": free_address().rpartition(":")[2]}
            (directory / "config.xml").write_text(_CONFIGURATION.format(directory=directory, **ports))
            (directory / "users.xml").write_text(_USERS.format(threads=self._threads))
            self._log = directory / "log"
            with open(self._log, "wb") as log:
                self._process = stack.enter_context(subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", self._program, f"--config-file={directory}/config.xml"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory))  # fmt: skip
            stack.callback(self._process.kill)  # it has nothing to keep
            wait_until(self._answers, _START_SECONDS, "ClickHouse answers", context=self._said)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cleanup.close()

    def run(self, statement: str) -> None:
        self._post(statement.encode())

    def insert(self, table: str, lines: IO[bytes]) -> None:
        """Lines with a column's value each between tabs."""
        self._post(lines, query=f"INSERT INTO {table} FORMAT TabSeparated")

    def ask(self, query: str, **settings: int) -> ClickHouseAnswer:
        answer = json.loads(self._post(f"{query} FORMAT JSONCompact".encode(), output_format_json_quote_64bit_integers=0,
                                       **settings))  # fmt: skip
        return ClickHouseAnswer(answer["data"], answer.get("totals", []), answer["statistics"]["elapsed"])

    def _post(self, body: bytes | IO[bytes], **parameters: str | int) -> bytes:
        connection = http.client.HTTPConnection(self._host, int(self._port), timeout=_REQUEST_SECONDS)
        try:
            connection.request("POST", f"/?{urlencode(parameters)}", body, encode_chunked=True,
                               headers={} if isinstance(body, bytes) else {"Transfer-Encoding": "chunked"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ClickHouseError(answer.decode(errors="backslashreplace").strip())
        return answer

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ClickHouseError(f"ClickHouse ended\n{self._said()}")
        try:
            self.run("SELECT 1")
        except OSError:
            return False
        return True

    def _said(self) -> str:
        return self._log.read_text(errors="backslashreplace")
