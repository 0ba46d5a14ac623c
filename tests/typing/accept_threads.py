"""ThreadChannel and its sides for threads."""

from collections.abc import Iterator
from typing import assert_type

from aiochannel import (
    Blocking,
    BlockingReceiver,
    BlockingSender,
    Case,
    ChannelStatistics,
    End,
    Receiver,
    Sender,
    ThreadChannel,
)


class Animal: ...


class Dog(Animal): ...


async def tasks(channel: ThreadChannel[int]) -> None:
    assert_type(await channel.get(), int)
    assert_type(await channel.get_many(3, within=0.1), list[int])
    assert_type(channel.get_many_nowait(), list[int])
    assert_type(channel.sender, Sender[int])
    assert_type(channel.receiver, Receiver[int])
    assert_type(channel.split(), tuple[Sender[int], Receiver[int]])
    assert_type(channel.open_sender(), End[Sender[int]])
    assert_type(channel.open_receiver(), End[Receiver[int]])
    assert_type(channel.blocking, Blocking[int])
    assert_type(channel.statistics(), ChannelStatistics)
    assert_type(channel.on_get(), Case[int])
    assert_type(channel.abort(), list[int])
    _receiver: Receiver[int] = channel
    _sender: Sender[bool] = channel
    async for item in channel:
        assert_type(item, int)


def threads(channel: ThreadChannel[int]) -> None:
    blocking = channel.blocking
    assert_type(blocking.get(), int)
    assert_type(blocking.get(0.5), int)
    assert_type(blocking.get(timeout=None), int)
    assert_type(blocking.get_many(3, 1.0, within=0.1), list[int])
    assert_type(blocking.get_many_nowait(), list[int])
    assert_type(blocking.sender, BlockingSender[int])
    assert_type(blocking.receiver, BlockingReceiver[int])
    assert_type(blocking.close(), bool)
    assert_type(iter(blocking), Iterator[int])
    with blocking.open_sender() as tx:
        assert_type(tx, BlockingSender[int])
        tx.put(1, 0.5)
        tx.put_many(range(3), timeout=1)
    with blocking.open_receiver() as rx:
        assert_type(rx, BlockingReceiver[int])
        for item in rx:
            assert_type(item, int)


def variance(channel: ThreadChannel[Animal], dogs: ThreadChannel[Dog]) -> None:
    _sender: BlockingSender[Dog] = channel.blocking
    _receiver: BlockingReceiver[Animal] = dogs.blocking
    _both: ThreadChannel[str] = ThreadChannel(3, outlives_loops=True, name="texts")
    assert_type(ThreadChannel[int].rendezvous(), ThreadChannel[int])
