"""A TCP proxy that breaks connections in the ways a network does.

What is sent into a silence arrives after it when TCP would have sent it once more: later, the longer the silence was.

    with FaultyProxy(aggregator.ingest_address) as proxy, Agent(proxy, queue_directory) as agent:
        proxy.silence()  # a partition: neither end hears of the other, nor that it is gone
        proxy.heal()
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from support.fleet import free_address

__all__ = ["FaultyProxy"]

_COMMAND_SECONDS = 30
_PIECE_BYTES = 1 << 16
# When TCP sends again for the first time. From then on each time is twice as long as the one before.
_CONNECT_AGAIN_SECONDS = 1.0
_SEND_AGAIN_SECONDS = 0.2


class FaultyProxy:
    """From `with` to the block's end; stands in an aggregator's place for support.fleet.Agent.

    Its functions are for one thread, and return when what they say is so.
    """

    def __init__(self, target_address: str) -> None:
        host, _, port = target_address.rpartition(":")
        self._target = (host, int(port))
        self.ingest_address = free_address()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-proxy", daemon=True)
        self._up, self._down = asyncio.Event(), asyncio.Event()  # set while that direction passes
        self._delay_seconds = 0.0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_COMMAND_SECONDS)
        self._loop.close()

    def silence(self, *, up: bool = True, down: bool = True) -> None:
        """Nothing passes from the agent (up) or to it (down), nor word of an end; nobody gets a new connection."""
        self._run(self._silence(up, down))

    def delay(self, seconds: float) -> None:
        """What passes takes that much longer."""
        self._run(self._set_delay(seconds))

    def reset(self) -> None:
        """Both ends of each connection are told that it is broken. New ones work."""
        self._run(self._reset())

    def refuse(self) -> None:
        """Both ends of each connection are told that it is broken, and new ones are refused."""
        self._run(self._refuse())

    def heal(self) -> None:
        """All is well again, and what was held back arrives when it is sent once more."""
        self._run(self._heal())

    # Below, all runs in the loop.

    def _run(self, command: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(command, self._loop).result(_COMMAND_SECONDS)

    async def _silence(self, up: bool, down: bool) -> None:
        if up:
            self._up.clear()
        if down:
            self._down.clear()

    async def _set_delay(self, seconds: float) -> None:
        self._delay_seconds = seconds

    async def _reset(self) -> None:
        for writer in list(self._writers):
            _break(writer)

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._reset()

    async def _heal(self) -> None:
        self._delay_seconds = 0.0
        self._up.set()
        self._down.set()
        if self._server is None:
            host, _, port = self.ingest_address.rpartition(":")
            self._server = await asyncio.start_server(self._serve, host, int(port))

    async def _end(self) -> None:
        await self._refuse()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        with self._kept(near_writer):
            # To connect takes both directions.
            await self._pass(_CONNECT_AGAIN_SECONDS, self._up, self._down)
            if near_writer.is_closing():
                return
            try:
                far_reader, far_writer = await asyncio.open_connection(*self._target)
            except OSError:
                return
            with self._kept(far_writer):
                if near_writer.is_closing():  # by reset(), meanwhile
                    return
                await asyncio.gather(self._copy(near_reader, far_writer, self._up),
                                     self._copy(far_reader, near_writer, self._down))
                for writer in (near_writer, far_writer):
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()  # all is sent

    @contextlib.contextmanager
    def _kept(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            _break(writer)  # which is nothing new to an end that has closed it

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        try:
            while data := await reader.read(_PIECE_BYTES):
                await self._pass(_SEND_AGAIN_SECONDS, gate)
                writer.write(data)
                await writer.drain()
            await self._pass(_SEND_AGAIN_SECONDS, gate)
            if not writer.is_closing():
                writer.write_eof()
        except OSError:
            await self._pass(_SEND_AGAIN_SECONDS, gate)
            _break(writer)

    async def _pass(self, again_seconds: float, *gates: asyncio.Event) -> None:
        """Returns when something that set out now would have arrived."""
        loop = asyncio.get_running_loop()
        next_try = loop.time()
        while not all(gate.is_set() for gate in gates):
            next_try += again_seconds
            again_seconds *= 2
            await asyncio.sleep(next_try - loop.time())
        await asyncio.sleep(self._delay_seconds)


def _break(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by RST."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
