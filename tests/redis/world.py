"""Hubs of one server, as processes of their own would have them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from aiochannel.redis import Hub, RemoteChannel, RemoteReceiver, RemoteSender, connect
from tests.redis.client import Client
from tests.redis.proxy import Proxy, between
from tests.servers import Server

NAMES = count()
SOON = 20.0
"""Seconds that nothing here takes, on the slowest machine."""


class World:
    """The hubs of a test, and a channel name that is new."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.stack = AsyncExitStack()
        self.hubs: list[Hub] = []
        self.name = f"jobs-{next(NAMES)}"

    async def hub(self, url: str = "", *, patience: float = SOON) -> Hub:
        self.hubs.append(await self.stack.enter_async_context(connect(url or self.server.url, patience=patience)))
        return self.hubs[-1]

    async def channel(
        self, maxsize: int = 0, *, url: str = "", patience: float = SOON, tries: int = 5, lease: float = 30.0
    ) -> RemoteChannel[int]:
        """Return the channel, as another process has it open."""
        hub = await self.hub(url, patience=patience)
        return await hub.channel(self.name, int, maxsize=maxsize, tries=tries, lease=lease)

    async def ends(
        self, maxsize: int = 0, *, url: str = "", lease: float = 30.0
    ) -> tuple[RemoteSender[int], RemoteReceiver[int]]:
        """Return a sending and a receiving end, each in a process of its own."""
        sending = await self.channel(maxsize, url=url, lease=lease)
        receiving = await self.channel(maxsize, url=url, lease=lease)
        return sending.sender(), receiving.receiver()

    async def proxy(self) -> Proxy:
        return await self.stack.enter_async_context(between(self.server))

    def client(self) -> Client:
        """Return a client that sees what the keys hold."""
        client = Client(self.server.socket)
        self.stack.callback(client.close)
        return client

    def key_names(self) -> list[str]:
        return [f"aiochannel:{{{self.name}}}{kind}" for kind in ("", ":q", ":p", ":h", ":w", ":l", ":s", ":z", ":d")]


@asynccontextmanager
async def world_of(server: Server) -> AsyncIterator[World]:
    """Have hubs; they are left without a word when the test ends, whatever it has left in them."""
    world = World(server)
    try:
        yield world
    finally:
        await asyncio.wait_for(world.stack.__aexit__(EOFError, EOFError(), None), SOON)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so at the server."""
    async with asyncio.timeout(SOON):
        while not await holds():  # noqa: ASYNC110  # nobody tells us
            await asyncio.sleep(0.01)
