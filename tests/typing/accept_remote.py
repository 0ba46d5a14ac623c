"""Remote channels: a remote end stands wherever a Sender or a Receiver is asked for."""

from collections.abc import AsyncIterator, Sequence
from ssl import create_default_context
from typing import Literal, assert_type

from aiochannel import Channel, Receiver, Sender, merge, select
from aiochannel.redis import connect as connect_server
from aiochannel.remote import (
    JSON,
    MSGPACK,
    DeadLetter,
    Delivery,
    Format,
    Hub,
    HubStatistics,
    ReceiverStatistics,
    RemoteChannel,
    RemoteReceiver,
    RemoteSender,
    RemoteStatistics,
    SenderStatistics,
    Submission,
    connect,
)


class Animal:
    pass


class Dog(Animal):
    pass


async def the_type_alone_decides(hub: Hub) -> None:
    assert_type(await hub.channel("jobs", int), RemoteChannel[int])
    assert_type(await hub.channel("jobs", int | None, maxsize=9, tries=3, lease=9.0), RemoteChannel[int | None])
    assert_type(await hub.channel("jobs", list[int], format=JSON), RemoteChannel[list[int]])
    assert_type(await hub.existing("jobs", Dog), RemoteChannel[Dog])
    assert_type(await hub.names(), list[str])
    assert_type(hub.statistics(), HubStatistics)
    _: Format = MSGPACK


async def one_channel(jobs: RemoteChannel[int]) -> None:
    assert_type(jobs.sender(outbox=3), RemoteSender[int])
    assert_type(jobs.receiver(prefetch=3, ack="get"), RemoteReceiver[int])
    assert_type(await jobs.size(), int)
    assert_type(await jobs.statistics(), RemoteStatistics)
    assert_type(await jobs.peek(3), Sequence[int])
    assert_type(await jobs.close(ValueError()), bool)
    assert_type(await jobs.abort(), int)
    assert_type(await jobs.dead_letters(), Sequence[DeadLetter[int]])
    assert_type(await jobs.revive("a-1", "a-2"), int)
    await jobs.join()


async def a_sending_end(tx: RemoteSender[int]) -> None:
    await tx.put(1)
    await tx.put_many(range(3))
    tx.put_nowait(1)
    assert_type(tx.submit(1), Submission)
    assert_type(await tx.submit(1).withdraw(), bool)
    assert_type(await tx.aclose(), bool)
    assert_type(tx.close(), bool)
    assert_type(tx.statistics(), SenderStatistics)
    await tx.flush()
    async with tx as entered:
        assert_type(entered, RemoteSender[int])


async def a_receiving_end(rx: RemoteReceiver[int]) -> None:
    assert_type(await rx.get(), int)
    assert_type(await rx.get_many(3, within=1.0), Sequence[int])
    assert_type(rx.get_nowait(), int)
    assert_type(rx.get_many_nowait(), Sequence[int])
    assert_type(await anext(rx), int)
    assert_type(rx.statistics(), ReceiverStatistics)
    assert_type(rx.deliveries(), AsyncIterator[Delivery[int]])
    async for number in rx:
        assert_type(number, int)
    async for delivery in rx.deliveries():
        assert_type(delivery.item, int)
        assert_type(delivery.id, str)
        await delivery.release(delay=3.0)
    async with rx.receive() as received:
        assert_type(received, Delivery[int])
    async with rx as entered:
        assert_type(entered, RemoteReceiver[int])


async def collect(rx: Receiver[Animal]) -> list[Animal]:
    return [animal async for animal in rx]


async def count(tx: Sender[Dog]) -> None:
    await tx.put(Dog())


async def ends_are_senders_and_receivers(animals: RemoteChannel[Animal], dogs: RemoteChannel[Dog]) -> None:
    await count(animals.sender())
    await count(dogs.sender())
    assert_type(await collect(dogs.receiver()), list[Animal])
    _receivers: list[Receiver[Animal]] = [animals.receiver(), dogs.receiver(), Channel[Animal]()]
    _senders: list[Sender[Dog]] = [animals.sender(), dogs.sender(), Channel[Animal]()]


async def ends_in_a_select(jobs: RemoteChannel[int], names: Channel[str]) -> None:
    result = await select(jobs.receiver().on_get(), names.on_get(), jobs.sender().on_put(3))
    assert_type(result, tuple[Literal[0], int] | tuple[Literal[1], str] | tuple[Literal[2], None])
    async for number in merge(jobs.receiver(), Channel[int]()):
        assert_type(number, int)


async def connecting() -> None:
    async with connect("memory:", patience=3) as hub:
        assert_type(hub, Hub)
    async with connect_server("redis://localhost", prefix="mine", credentials=token) as hub:
        assert_type(hub, Hub)
    async with connect_server("rediss://localhost", ssl=create_default_context()) as hub:
        assert_type(await hub.existing("jobs", Dog), RemoteChannel[Dog])


async def token() -> tuple[str, str]:
    return "user", "token"
