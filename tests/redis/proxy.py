"""What can go wrong between a hub and its server, byte by byte, on purpose."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

from tests.servers import Server

CALL = b"EVALSHA"


class Proxy:
    """Listens on a port, and passes on what it likes.

    Each write of a client that has a call takes the next of `faults`: "request" cuts the connection instead, "reply"
    passes the call on and cuts instead of the reply, "stale" cuts, and passes the call on when `release` says so, long
    after the client has another connection. Nothing passes on the first `hole` connections.
    """

    def __init__(self, server: Server) -> None:
        self.faults: Iterator[str] = iter(())
        self.hole = 0
        self.refuses = False
        self.connections = 0
        self.cuts = 0
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._held: list[tuple[asyncio.StreamWriter, bytes]] = []
        self._open = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        if self.refuses:
            client_out.close()
            return
        self.connections += 1
        number = self.connections
        try:
            server_in, server_out = await asyncio.open_unix_connection(str(self._server.socket))
        except OSError:
            client_out.close()
            return
        self._writers |= {client_out, server_out}
        reply_is_lost = asyncio.Event()
        up = asyncio.create_task(self.pass_on(client_in, server_out, client_out, reply_is_lost, number, calls=True))
        down = asyncio.create_task(self.pass_on(server_in, client_out, server_out, reply_is_lost, number, calls=False))
        for task in (up, down):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
        reply_is_lost: asyncio.Event,
        number: int,
        *,
        calls: bool,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(2**16):
                fault = next(self.faults, "") if calls and CALL in data else ""
                if number <= self.hole:
                    await self._open.wait()
                if fault == "stale":
                    self._held.append((target, data))
                    self.cuts += 1
                    other.transport.abort()
                    return
                if fault == "request" or (not calls and reply_is_lost.is_set()):
                    self.cuts += 1
                    break
                if fault == "reply":
                    reply_is_lost.set()
                target.write(data)
                await target.drain()
        if not any(held is target for held, _ in self._held):
            target.transport.abort()
        other.transport.abort()

    def release(self) -> None:
        """Let the server have what was held back."""
        held, self._held = self._held, []
        for writer, data in held:
            writer.write(data)

    def cut(self) -> None:
        """Lose every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def dig(self, *, for_new_ones: bool = True) -> None:
        """Let nothing pass on the connections that there are, and on new ones."""
        self.hole = 10**9 if for_new_ones else self.connections
        self._open.clear()

    def fill(self) -> None:
        """Let all that was kept pass."""
        self.hole = 0
        self._open.set()


@asynccontextmanager
async def between(server: Server, tls: SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a server; clients reach it over TLS if it has a context for that."""
    proxy = Proxy(server)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls)
    name: tuple[str, int] = listening.sockets[0].getsockname()
    proxy.url = f"{'rediss' if tls else 'redis'}://127.0.0.1:{name[1]}"
    try:
        yield proxy
    finally:
        listening.close()
        proxy.fill()
        proxy.cut()
        for task in tuple(proxy._tasks):
            task.cancel()
        await asyncio.gather(*proxy._tasks, return_exceptions=True)
        for writer, _ in proxy._held:
            writer.transport.abort()
