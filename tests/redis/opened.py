"""A broker of one channel, as the ends have it, without the ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from aiochannel.redis.broker import RedisBroker
from aiochannel.redis.wire import open_wire, parse
from aiochannel.remote.broker import Gone, Settings, State
from tests.redis.world import SOON, World
from tests.servers import Server

SETTINGS = Settings(3, 5, 30.0, "msgpack")


class Open(RedisBroker):
    """A broker of one channel, and what it has told."""

    def __init__(self, server: Server, name: str) -> None:
        address = parse(server.url)
        super().__init__(address.where, lambda: open_wire(address, None, None), "aiochannel")
        self.name = name
        self.states: list[State] = []
        self.link = self._link
        self.server = server

    async def start(self) -> None:
        await self.enter()
        await self.connected()
        await self.open(self.name, SETTINGS, self.states.append)

    async def connect_again(self, world: World) -> None:
        """Lose the connection, and have the next one."""
        before = self.link.epoch
        world.client()("SCRIPT", "FLUSH")
        with pytest.raises(Gone):
            await self.names_of_scripts()
        async with asyncio.timeout(SOON):
            await self.connected()
        assert before + 1 == self.link.epoch

    async def names_of_scripts(self) -> None:
        await self.size(self.name)


@asynccontextmanager
async def opened(server: Server, name: str) -> AsyncIterator[Open]:
    """Have a broker that is entered, and has the channel open."""
    made = Open(server, name)
    await made.start()
    try:
        yield made
    finally:
        made.abandon()


def ignore(_: object) -> None:
    """Take no notice."""
