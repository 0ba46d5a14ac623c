"""What a user of asyncio.Queue relies on holds for a Channel.

The behaviours are those that CPython tests in the classes QueueBasicTests, QueueGetTests and QueuePutTests of
Lib/test/test_asyncio/test_queues.py (3.11 to 3.13), under the names that they have there. Left out are those about
private attributes, formats and a float as maxsize.
"""

import asyncio

import pytest

from aiochannel import Channel, ChannelEmpty, ChannelFull
from tests.conftest import settle, waiting


def full(item: object = "first") -> Channel[object]:
    channel: Channel[object] = Channel(1)
    channel.put_nowait(item)
    return channel


# QueueBasicTests


def test_generic_alias() -> None:
    assert Channel is Channel[int]().__class__


async def test_empty() -> None:
    channel: Channel[int] = Channel()
    seen = [channel.empty()]
    await channel.put(1)
    seen.append(channel.empty())
    await channel.get()
    assert [True, False, True] == [*seen, channel.empty()]


async def test_full() -> None:
    bounded: Channel[int] = Channel(maxsize=1)
    await bounded.put(1)
    assert (False, True) == (Channel[int]().full(), bounded.full())


async def test_order() -> None:
    channel: Channel[int] = Channel()
    for item in (1, 3, 2):
        await channel.put(item)
    assert [1, 3, 2] == [await channel.get() for _ in range(3)]


async def test_maxsize() -> None:
    channel: Channel[int] = Channel(maxsize=2)
    have_been_put: list[int] = []

    async def put() -> None:
        for item in range(3):
            await channel.put(item)
            have_been_put.append(item)

    putting = await waiting(put())
    assert (2, [0, 1]) == (channel.maxsize, have_been_put)
    assert 0 == await channel.get()
    await asyncio.sleep(0)
    assert [0, 1, 2] == have_been_put
    assert [1, 2] == [await channel.get(), await channel.get()]
    assert putting.done()


# QueueGetTests


async def test_blocking_get() -> None:
    assert "first" == await full().get()


async def test_get_with_putters() -> None:
    channel = full()
    putting = await waiting(channel.put("second"))
    assert "first" == await channel.get()
    await asyncio.sleep(0)
    assert putting.done()


@pytest.mark.virtual_clock
async def test_blocking_get_wait() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    asyncio.get_running_loop().call_later(0.01, channel.put_nowait, 1)
    assert 1 == await getting


def test_nonblocking_get() -> None:
    assert "first" == full().get_nowait()


def test_nonblocking_get_exception() -> None:
    with pytest.raises(ChannelEmpty):
        Channel[int]().get_nowait()


async def test_get_cancelled_race() -> None:
    channel: Channel[str] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    first.cancel()
    await asyncio.sleep(0)
    assert first.done()
    await channel.put("a")
    await asyncio.sleep(0)
    assert "a" == second.result()


async def test_get_with_waiting_putters() -> None:
    channel: Channel[str] = Channel(1)
    putting = [asyncio.create_task(channel.put(item)) for item in "ab"]
    assert ["a", "b"] == [await channel.get(), await channel.get()]
    await asyncio.gather(*putting)


async def test_why_are_getters_waiting() -> None:
    channel: Channel[int] = Channel(1)

    async def consume() -> None:
        for _ in range(5):
            await channel.get()

    async def produce() -> None:
        for item in range(5):
            await channel.put(item)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(produce()), group.create_task(consume())]
    assert [None, None] == [task.result() for task in tasks]


@pytest.mark.virtual_clock
async def test_cancelled_getters_not_being_held_in_self_getters() -> None:
    channel: Channel[int] = Channel(5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.get(), 0.1)
    assert 0 == channel.statistics().waiting_receivers


# QueuePutTests


async def test_blocking_put() -> None:
    channel: Channel[int] = Channel()
    await channel.put(1)
    assert 1 == await channel.get()


@pytest.mark.virtual_clock
async def test_blocking_put_wait() -> None:
    channel: Channel[int] = Channel(1)

    async def put() -> None:
        await channel.put(1)
        await channel.put(2)

    putting = await waiting(put())
    asyncio.get_running_loop().call_later(0.01, channel.get_nowait)
    await putting
    assert [2] == list(channel)


def test_nonblocking_put() -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(1)
    assert 1 == channel.get_nowait()


async def test_get_cancel_drop_one_pending_reader() -> None:
    channel: Channel[int] = Channel()
    reader = await waiting(channel.get())
    channel.put_nowait(1)
    channel.put_nowait(2)
    reader.cancel()
    await settle()
    first = await channel.get() if reader.cancelled() else reader.result()
    assert 1 == first


async def test_get_cancel_drop_many_pending_readers() -> None:
    """In a Channel the order is defined: the readers that are left get the items in the order in which they wait."""
    channel: Channel[int] = Channel()
    readers = [await waiting(channel.get()) for _ in range(3)]
    channel.put_nowait(1)
    channel.put_nowait(2)
    readers[0].cancel()
    await settle()
    assert readers[0].cancelled()
    assert {1, 2} == {reader.result() for reader in readers[1:]}


async def test_put_cancel_drop() -> None:
    channel = full(1)
    writer = await waiting(channel.put(2))
    assert 1 == channel.get_nowait()
    writer.cancel()
    await settle()
    if writer.cancelled():
        await channel.put(2)
    assert (2, 0) == (channel.get_nowait(), channel.qsize())


def test_nonblocking_put_exception() -> None:
    with pytest.raises(ChannelFull):
        full().put_nowait("second")


async def test_put_cancelled() -> None:
    """A put that need not wait is done before it could be cancelled."""
    channel: Channel[int] = Channel()
    putting = asyncio.create_task(channel.put(1))
    assert 1 == await channel.get()
    assert putting.done()
    assert not putting.cancel()


async def test_put_cancelled_race() -> None:
    channel: Channel[str] = Channel(1)
    tasks = [asyncio.create_task(channel.put(item)) for item in ("a", "b", "X")]
    await asyncio.sleep(0)
    assert [True, False, False] == [task.done() for task in tasks]
    tasks[2].cancel()
    await asyncio.sleep(0)
    assert tasks[2].done()
    assert "a" == channel.get_nowait()
    await asyncio.sleep(0)
    assert "b" == channel.get_nowait()
    await tasks[1]


async def test_put_with_waiting_getters() -> None:
    channel: Channel[str] = Channel()
    getting = await waiting(channel.get())
    await channel.put("a")
    assert "a" == await getting


async def test_why_are_putters_waiting() -> None:
    """Four puts that begin before two get_nowait: all of them end."""
    channel: Channel[int] = Channel(2)

    async def get() -> None:
        await asyncio.sleep(0)
        for _ in range(channel.qsize()):
            channel.get_nowait()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(get()), *(group.create_task(channel.put(item)) for item in range(4))]
    assert [None] * 5 == [task.result() for task in tasks]
    assert 2 == channel.qsize()


async def test_cancelled_puts_not_being_held_in_self_putters() -> None:
    channel = full()
    putting = await waiting(channel.put("second"))
    assert 1 == channel.statistics().waiting_senders
    putting.cancel()
    await settle()
    assert (True, 0) == (putting.cancelled(), channel.statistics().waiting_senders)


async def test_cancelled_put_silence_value_error_exception() -> None:
    """A put that is cancelled after get_nowait has woken it ends by CancelledError, and by nothing else."""
    channel = full()
    putting = await waiting(channel.put("second"))
    channel.get_nowait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
