"""Broadcast, Subscription and Lag, used wrongly."""

from aiochannel import Broadcast, Lag, Receiver, Sender, Subscription


async def putting(prices: Broadcast[int]) -> None:
    await prices.put("1")  # E: an item of the wrong type put into a broadcast
    prices.put_nowait(None)  # E: None put into a broadcast of ints
    await prices.get()  # E: get on a broadcast
    async for _ in prices:  # E: a broadcast iterated
        pass
    prices.on_get()  # E: on_get on a broadcast
    prices.close("why")  # E: a broadcast closed with a str
    prices.subscribers()  # E: subscribers called
    prices.abort()  # E: abort on a broadcast


async def subscribing(prices: Broadcast[int]) -> None:
    prices.subscribe(lag="raise")  # E: lag given as a str
    prices.subscribe(1, Lag.RAISE)  # E: lag given by position
    await prices.subscribe().get()  # E: get on a subscription that was not entered
    with prices.subscribe() as rx:
        _price: str = await rx.get()  # E: an item of a subscription taken for another type
        await rx.put(1)  # E: put on a subscription
        rx.close()  # E: close on a subscription
        rx.missed = 3  # E: missed assigned


def as_sides(prices: Broadcast[int], rx: Subscription[int], plain: Receiver[int]) -> None:
    _receiver: Receiver[int] = prices  # E: a broadcast taken for a receiver
    _sender: Sender[str] = prices  # E: a broadcast taken for a sender of another type
    _text: Subscription[str] = rx  # E: a subscription taken for one of another type
    _subscription: Subscription[int] = plain  # E: a receiver taken for a subscription
    _tx: Sender[int] = rx  # E: a subscription taken for a sender


def making() -> None:
    Broadcast[int](replay="2")  # E: replay given as a str
    Broadcast[int](1, None, 2)  # E: replay given by position
    Broadcast[int](name=1)  # E: name given as an int
