"""Programs written for aiochannel 0.2.2 and 1.4.1 go on working.

First every call that the pages of these versions show, as they show it; then what the tests of 0.2.2 (tests/ of its
source distribution) ask for, where that does not reach into private attributes.
"""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Never

import pytest

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelFull
from tests.conftest import settle, waiting

# The pages


async def test_the_basics_of_the_page() -> None:
    my_channel: Channel[str] = Channel(100, asyncio.get_event_loop())
    await my_channel.put("my item")
    my_item = await my_channel.get()
    assert "my item" == my_item
    joining = await waiting(my_channel.join())
    my_channel.close()
    await joining
    with pytest.raises(ChannelClosed):
        await my_channel.put("late")
    assert my_channel.closed()


@pytest.mark.virtual_clock
async def test_the_example_of_the_page() -> None:
    my_channel: Channel[str] = Channel(100)
    await my_channel.put("my item")
    assert "my item" == await my_channel.get()
    asyncio.get_event_loop().call_later(0.1, my_channel.close)
    await my_channel.join()
    assert my_channel.closed()


def test_put_nowait_of_the_page() -> None:
    """ "This either returns None, or raises ChannelClosed or ChannelFull"."""
    my_channel: Channel[int] = Channel(1)
    calls: list[Callable[[], object]] = [lambda: my_channel.put_nowait(1)]
    assert [None] == [call() for call in calls]
    with pytest.raises(ChannelFull):
        my_channel.put_nowait(2)
    my_channel.close()
    with pytest.raises(ChannelClosed):
        my_channel.put_nowait(3)


def test_get_nowait_of_the_page() -> None:
    """ "This either returns the next item from the channel or raises ChannelEmpty or ChannelClosed"."""
    my_channel: Channel[int] = Channel()
    my_channel.put_nowait(1)
    assert 1 == my_channel.get_nowait()
    with pytest.raises(ChannelEmpty):
        my_channel.get_nowait()
    my_channel.close()
    with pytest.raises(ChannelClosed):
        my_channel.get_nowait()


async def test_the_iteration_of_the_page() -> None:
    channel: Channel[int] = Channel()
    await channel.put_many([1, 2])
    channel.close()
    taken = []
    async for item in channel:
        taken.append(item)  # noqa: PERF401  # as the page shows it
    assert ([1, 2], True, True) == (taken, channel.closed(), channel.empty())


async def test_the_loop_that_the_page_says_an_iteration_equals() -> None:
    channel: Channel[int] = Channel()
    await channel.put_many([1, 2])
    channel.close()
    taken = []
    while True:
        try:
            data = await channel.get()
        except ChannelClosed:
            break
        taken.append(data)
    assert [1, 2] == taken


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("aiochannel", ["Channel", "ChannelClosed", "ChannelEmpty", "ChannelFull"]),
        ("aiochannel.channel", ["Channel"]),
        ("aiochannel.errors", ["ChannelClosed", "ChannelEmpty", "ChannelFull"]),
    ],
)
def test_names_are_imported_from_where_they_were(module: str, names: list[str]) -> None:
    assert [True] * len(names) == [hasattr(importlib.import_module(module), name) for name in names]


def test_the_snapshot_of_1_4() -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(1)
    channel.put_nowait(2)
    assert ([1, 2], 2) == (list(channel), channel.qsize())


# The tests of 0.2.2


@pytest.mark.parametrize("by", ["keyword", "position", "nothing"])
async def test_construct(by: str) -> None:
    loop = asyncio.get_running_loop()
    unbounded = {"keyword": Channel[int](loop=loop), "position": Channel[int](0, loop), "nothing": Channel[int]()}[by]
    assert (0, False, True) == (unbounded.maxsize, unbounded.full(), unbounded.empty())
    assert [1, 1] == [Channel[int](1, loop=loop).maxsize, Channel[int](maxsize=1, loop=loop).maxsize]


def test_repr_and_str() -> None:
    channel: Channel[int] = Channel()
    assert f"<Channel at 0x{id(channel):02x} maxsize=0 qsize=0>" == repr(channel)
    assert "<Channel maxsize=0 qsize=0>" == str(channel)


async def test_put_get() -> None:
    test_item = {"foo": "bar"}
    channel: Channel[dict[str, str]] = Channel(1)
    await channel.put(test_item)
    assert (1, True, False) == (channel.qsize(), channel.full(), channel.empty())
    assert test_item is await channel.get()
    assert (0, False, True) == (channel.qsize(), channel.full(), channel.empty())


async def test_fifo_ordering() -> None:
    channel: Channel[str] = Channel(3)
    for item in ("first", "second", "third"):
        await channel.put(item)
    assert channel.full()
    taken = []
    while not channel.empty():
        taken.append(await channel.get())
    assert ["first", "second", "third"] == taken


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("side", ["get", "put"])
async def test_blocking_calls_throw_channel_closed(side: str, count: int) -> None:
    channel: Channel[object] = Channel(1)
    if side == "put":
        channel.put_nowait("foo")

    def call() -> Coroutine[object, Never, object]:
        return channel.put("bar") if side == "put" else channel.get()

    tasks = [await waiting(call()) for _ in range(count)]
    channel.close()
    await settle()
    assert {ChannelClosed} == {type(task.exception()) for task in tasks}


async def test_join() -> None:
    channel: Channel[int] = Channel(1_000)
    for item in range(1_000):
        channel.put_nowait(item)
    joining = await waiting(channel.join())
    for item in range(1_000):
        if item == 500:
            channel.close()
        await channel.get()
    await joining


def test_double_close() -> None:
    channel: Channel[int] = Channel(1)
    states = [channel.closed()]
    for _ in range(2):
        channel.close()
        states.append(channel.closed())
    assert [False, True, True] == states


@pytest.mark.parametrize("side", ["get", "put"])
async def test_cancel(side: str) -> None:
    channel: Channel[object] = Channel(1)
    if side == "put":
        channel.put_nowait("foo")
    waits = await waiting(channel.put("bar") if side == "put" else channel.get())
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits


async def test_getter_already_done() -> None:
    channel: Channel[str] = Channel(2)
    tasks = [await waiting(channel.get()) for _ in range(2)]
    channel.put_nowait("foo")
    channel.put_nowait("foo")
    assert ["foo", "foo"] == await asyncio.gather(*tasks)


def test_get_nowait_raises_closed() -> None:
    channel: Channel[str] = Channel(1)
    channel.put_nowait("foo")
    channel.close()
    assert "foo" == channel.get_nowait()
    with pytest.raises(ChannelClosed):
        channel.get_nowait()


async def test_async_iterator_aborts_not_raises() -> None:
    async def add_up() -> int:
        return 1 + sum([item async for item in channel])

    channel: Channel[int] = Channel()
    adding = await waiting(add_up())
    channel.close()
    await settle()
    assert 1 == adding.result()


async def test_simple_usage() -> None:
    """The example of 0.2.2: a producer, a pump and a consumer over channels of size 1."""

    async def produce(out: Channel[int]) -> None:
        for item in range(1_000):
            await out.put(item)
        out.close()

    async def pump(inp: Channel[int], out: Channel[int]) -> None:
        while True:
            try:
                item = await inp.get()
            except ChannelClosed:
                break
            await out.put(item)
        out.close()

    async def consume(inp: Channel[int]) -> int:
        total = 0
        while True:
            try:
                total += await inp.get()
            except ChannelClosed:
                return total

    inp, out = Channel[int](1), Channel[int](1)
    _, _, total = await asyncio.gather(produce(inp), pump(inp, out), consume(out))
    assert sum(range(1_000)) == total
