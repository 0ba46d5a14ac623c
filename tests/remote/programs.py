"""Small programs over one remote channel, for the explorer: each actor is a process, and may be cancelled at any step.

Connections are cut at any step, and come back. In the end another process takes what is left, and what every call was
told is compared with what was received.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial

from aiochannel import ChannelClosed, select
from aiochannel.remote import Hub, RemoteChannel, RemoteReceiver, RemoteSender
from aiochannel.testing import Run
from tests.remote.world import URL, Broker

Program = Callable[[Run], None]


class Scene:
    """One channel, the processes that use it, and what they were told."""

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.brokers: dict[str, Broker] = {}
        self.stored: set[int] = set()
        self.never: set[int] = set()
        self.received: Counter[int] = Counter()

    def hub(self, name: str) -> Hub:
        self.brokers[name] = Broker(URL)
        return Hub(self.brokers[name], 30)

    async def open(self, hub: Hub) -> RemoteChannel[int]:
        return await hub.channel("jobs", int, maxsize=self.maxsize, tries=99)

    def cut(self, name: str) -> None:
        """Cut the connection of a process, if there is one."""
        if name in self.brokers and self.brokers[name].up:
            self.brokers[name].cut(0.05)

    def actor(self, run: Run, name: str, step: Callable[[RemoteChannel[int]], Coroutine[object, object, None]]) -> None:
        async def live() -> None:
            with suppress(TimeoutError):  # another was cancelled, for which this one waits
                async with self.hub(name) as hub, asyncio.timeout(60):
                    await step(await self.open(hub))

        run.actor(name, live, expect=(ChannelClosed,))

    async def put(self, channel: RemoteChannel[int], *items: int) -> None:
        async with channel.sender() as tx:
            for item in items:
                await self.put_one(tx, item)

    async def put_one(self, tx: RemoteSender[int], item: int) -> None:
        try:
            await tx.put(item)
        except ChannelClosed:
            self.never.add(item)
            raise
        self.stored.add(item)

    async def withdraw(self, channel: RemoteChannel[int], item: int) -> None:
        async with channel.sender() as tx:
            submission = tx.submit(item)
            if await submission.withdraw():
                self.never.add(item)
            else:
                self.stored.add(item)

    async def get(self, channel: RemoteChannel[int], count: int) -> None:
        async with channel.receiver() as rx:
            for _ in range(count):
                item = await rx.get()
                self.received[item] += 1

    async def select(self, channel: RemoteChannel[int], other: int) -> None:
        async with channel.sender() as tx, channel.receiver() as rx:
            position, item = await select(rx.on_get(), tx.on_put(other))
            if position == 0:
                assert item is not None
                self.received[item] += 1
            await tx.flush()
            (self.never if position == 0 else self.stored).add(other)

    async def close(self, channel: RemoteChannel[int]) -> None:
        await channel.close()

    async def judge(self) -> None:
        """Take what is left, and compare."""
        async with self.hub("judge") as hub:
            channel = await self.open(hub)
            await channel.close()
            with suppress(ChannelClosed):
                await self.rest(channel.receiver())
            await channel.join()
        received = set(self.received)
        assert not self.stored - received, f"lost: {self.stored - received}"
        assert not self.never & received, f"received, and said not to be stored: {self.never & received}"

    async def rest(self, rx: RemoteReceiver[int]) -> None:
        async for item in rx:
            self.received[item] += 1


def _scene(run: Run, maxsize: int, *cuts: str) -> Scene:
    scene = Scene(maxsize)
    for name in cuts:
        run.event(f"cut {name}", partial(scene.cut, name))
    run.afterwards(scene.judge)
    return scene


def put_and_get(run: Run) -> None:
    """A put waits for the room that a get makes; each loses its connection at any step."""
    scene = _scene(run, 1, "P", "G")
    scene.actor(run, "P", lambda channel: scene.put(channel, 1, 2))
    scene.actor(run, "G", lambda channel: scene.get(channel, 1))


def two_senders(run: Run) -> None:
    """Two senders wait for one slot."""
    scene = _scene(run, 1, "P")
    scene.actor(run, "P", lambda channel: scene.put(channel, 1, 2))
    scene.actor(run, "Q", lambda channel: scene.put(channel, 11))
    scene.actor(run, "G", lambda channel: scene.get(channel, 2))


def withdraw(run: Run) -> None:
    """An item is withdrawn while room is made for it."""
    scene = _scene(run, 1, "W")
    scene.actor(run, "P", lambda channel: scene.put(channel, 1))
    scene.actor(run, "W", lambda channel: scene.withdraw(channel, 2))
    scene.actor(run, "G", lambda channel: scene.get(channel, 1))


def close(run: Run) -> None:
    """The channel is closed while a put and a get wait."""
    scene = _scene(run, 1, "P")
    scene.actor(run, "P", lambda channel: scene.put(channel, 1, 2, 3))
    scene.actor(run, "G", lambda channel: scene.get(channel, 3))
    scene.actor(run, "C", scene.close)


def selecting(run: Run) -> None:
    """A select puts or gets."""
    scene = _scene(run, 1, "S")
    scene.actor(run, "P", lambda channel: scene.put(channel, 1))
    scene.actor(run, "S", lambda channel: scene.select(channel, 2))
    scene.actor(run, "G", lambda channel: scene.get(channel, 1))


PROGRAMS: dict[str, Program] = {each.__name__: each for each in (put_and_get, two_senders, withdraw, close, selecting)}
