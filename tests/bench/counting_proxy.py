"""A TCP proxy that counts what passes between an agent and its aggregator."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

__all__ = ["CountingProxy", "Passed"]


@dataclass(frozen=True)
class Passed:
    """Bytes of TCP's payload."""

    up: int  # from the agent
    down: int

    @property
    def both(self) -> int:
        return self.up + self.down

    def __sub__(self, other: "Passed") -> "Passed":
        return Passed(self.up - other.up, self.down - other.down)


class CountingProxy:
    """From `with` to the block's end; stands in an aggregator's place for support.fleet.Agent."""

    def __init__(self, ingest_address: str) -> None:
        host, _, port = ingest_address.rpartition(":")
        self._target = (host, int(port))
        self._up = 0
        self._down = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counting-proxy", daemon=True)
        self.ingest_address = ""

    def __enter__(self) -> "CountingProxy":
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError("the proxy's thread did not start within 10 s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def passed(self) -> Passed:
        """So far."""
        return Passed(self._up, self._down)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._copy(reader, far_writer, up=True), self._copy(far_reader, writer, up=False))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if up:
                    self._up += len(data)
                else:
                    self._down += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        host, port = server.sockets[0].getsockname()
        self.ingest_address = f"{host}:{port}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()
