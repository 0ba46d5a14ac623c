"""What only the channel itself has, and the calls of earlier versions."""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Iterator, Sequence
from typing import assert_type

from typing_extensions import override

from aiochannel import (
    Channel,
    ChannelClosed,
    ChannelEmpty,
    ChannelError,
    ChannelFull,
    ChannelStatistics,
    Overflow,
    PriorityChannel,
    Receiver,
    Sender,
    __version__,
)


async def batches(channel: Channel[int]) -> None:
    assert_type(await channel.get_many(10), list[int])
    assert_type(await channel.get_many(10, within=0.5), list[int])
    assert_type(channel.get_many_nowait(10), list[int])
    assert_type(channel.get_many_nowait(), list[int])
    await channel.put_many(range(3))
    await channel.put_many({1: "one"})
    assert_type(channel.abort(), list[int])
    assert_type(channel.abort(OSError("gone")), list[int])
    assert_type(channel.abort(cause=None), list[int])


def looked_at(channel: Channel[int]) -> None:
    assert_type(channel.maxsize, int)
    assert_type(channel.qsize(), int)
    assert_type(channel.empty(), bool)
    assert_type(channel.full(), bool)
    assert_type(channel.closed(), bool)
    assert_type(iter(channel), Iterator[int])
    assert_type(list(channel), list[int])
    assert_type(channel.snapshot(), list[int])
    assert_type(repr(channel), str)
    assert_type(channel.close(), bool)


def statistics(channel: Channel[int]) -> None:
    seen = channel.statistics()
    assert_type(seen, ChannelStatistics)
    assert_type(seen.qsize + seen.maxsize, int)
    assert_type(seen.waiting_senders + seen.waiting_receivers, int)
    assert_type(seen.open_senders + seen.open_receivers, int)
    assert_type(seen.closed, bool)
    assert_type(seen.name, str | None)
    assert_type(seen.dropped, int)


def heard(item: int) -> str:
    return str(item)


def overflow(policy: Overflow) -> None:
    assert_type(Channel[int](1, overflow=policy), Channel[int])
    assert_type(Channel[int](1, None, overflow=Overflow.DROP_OLDEST, on_drop=heard), Channel[int])
    assert_type(Channel[int](1, overflow=Overflow.REPLACE_NEWEST, on_drop=print), Channel[int])
    assert_type(Channel(1, overflow=Overflow.DROP_INCOMING, on_drop=heard), Channel[int])
    wider: Channel[bool] = Channel(1, overflow=policy, on_drop=heard)
    assert_type(wider, Channel[bool])
    _text: str = policy.value


def length(item: str) -> int:
    return len(item)


async def priorities(channel: PriorityChannel[str]) -> None:
    assert_type(PriorityChannel[str](10, key=length), PriorityChannel[str])
    assert_type(PriorityChannel(key=length), PriorityChannel[str])
    assert_type(PriorityChannel[str](key=lambda item: -len(item)), PriorityChannel[str])
    assert_type(PriorityChannel[float](0, None, key=float), PriorityChannel[float])
    sender: Sender[str] = channel
    receiver: Receiver[str] = channel
    await sender.put(await receiver.get())
    assert_type(await channel.get(), str)
    assert_type(await channel.get_many(2), list[str])
    assert_type(channel.abort(), list[str])
    assert_type(channel.statistics(), ChannelStatistics)
    assert_type(channel.split(), tuple[Sender[str], Receiver[str]])
    with channel.open_sender() as tx:
        assert_type(tx, Sender[str])
    assert_type(list(channel), list[str])
    assert_type(channel.snapshot(), list[str])


def errors(full: ChannelFull, empty: ChannelEmpty, closed: ChannelClosed) -> Sequence[ChannelError]:
    return [full, empty, closed]


class Measured(Channel[int]):
    """A subclass that overrides with the types it inherits."""

    def __init__(self, maxsize: int = 0, loop: AbstractEventLoop | None = None) -> None:
        super().__init__(maxsize, loop)
        self.puts: int = 0

    @override
    async def put(self, item: int, /) -> None:
        self.puts += 1
        await super().put(item)

    @override
    async def get(self) -> int:
        return await super().get()


async def earlier_versions() -> None:
    channel: Channel[str] = Channel(100, loop=asyncio.get_running_loop())
    await channel.put("first")
    channel.put_nowait("second")
    assert_type(await channel.get(), str)
    assert_type(channel.get_nowait(), str)
    async for item in channel:
        assert_type(item, str)
    channel.close()
    await channel.join()


def named() -> None:
    _a: Channel[str] = Channel(name="texts")
    _b = Channel[str].rendezvous(name="texts")
    _c: Channel[str] = Channel[str].rendezvous(asyncio.get_running_loop(), "texts")


VERSION: str = __version__
MODULE_LEVEL: Channel[int] = Channel()
