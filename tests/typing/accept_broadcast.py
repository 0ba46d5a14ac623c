"""Broadcast, Subscription and Lag."""

from collections.abc import AsyncIterator, Sequence
from typing import assert_type

from aiochannel import (
    Broadcast,
    BroadcastStatistics,
    Case,
    ChannelLagged,
    End,
    Lag,
    Receiver,
    Sender,
    Subscription,
    TaskGroup,
    merge,
    select,
)


async def putting(prices: Broadcast[int]) -> None:
    assert_type(await prices.put(1), None)
    assert_type(prices.put_nowait(1), None)
    await prices.put_many([1, 2])
    assert_type(prices.on_put(1), Case[None])
    assert_type(prices.sender, Sender[int])
    with prices.open_sender() as tx:
        assert_type(tx, Sender[int])
    assert_type(prices.subscribers, int)
    await prices.wait_subscribed()
    await prices.wait_unsubscribed()
    await prices.wait_closed()
    assert_type(prices.on_close(), Case[None])
    assert_type(prices.close(ValueError()), bool)


async def subscribing(prices: Broadcast[int]) -> None:
    assert_type(prices.subscribe(), End[Subscription[int]])
    with prices.subscribe(10, lag=Lag.RAISE) as rx:
        assert_type(rx, Subscription[int])
        assert_type(await rx.get(), int)
        assert_type(await rx.get_many(3), Sequence[int])
        assert_type(rx.on_get(), Case[int])
        assert_type(rx.missed(), int)
        async for price in rx:
            assert_type(price, int)
    async with prices.subscribe(lag=Lag.SKIP) as rx:
        assert_type(merge(rx, rx), AsyncIterator[int])


def as_sides(prices: Broadcast[int], rx: Subscription[bool]) -> tuple[Sender[bool], Receiver[int], Subscription[int]]:
    return prices, rx, rx


async def listen(end: End[Subscription[str]]) -> None:
    with end as news:
        async for text in news:
            assert_type(text, str)


async def tasks(news: Broadcast[str]) -> None:
    async with TaskGroup() as group:
        group.start_soon(listen, news.subscribe())


async def lagging(rx: Subscription[int]) -> int:
    try:
        return await rx.get()
    except ChannelLagged as lagged:
        return assert_type(lagged.missed, int)


async def selecting(prices: Broadcast[int], rx: Subscription[str]) -> None:
    match await select(prices.on_put(1), rx.on_get(), prices.on_close()):
        case (1, text):
            assert_type(text, str)
        case _:
            pass


def looking(prices: Broadcast[int]) -> BroadcastStatistics:
    assert_type(prices.statistics().slowest, int)
    assert_type(prices.statistics().name, str | None)
    return prices.statistics()


def making() -> Broadcast[bytes]:
    made: Broadcast[bytes] = Broadcast(10, replay=2, name="frames")
    assert_type(Broadcast[str](), Broadcast[str])
    return made
