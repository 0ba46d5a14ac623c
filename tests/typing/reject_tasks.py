"""Awaits that were forgotten, and iteration of the wrong kind."""

import asyncio
from collections.abc import Sequence

from aiochannel import Channel, Receiver, Sender, select, select_any


async def forgotten(channel: Channel[int], tx: Sender[int], rx: Receiver[int]) -> None:
    channel.put(1)  # E: await forgotten before put of a channel
    channel.get()  # E: await forgotten before get of a channel
    channel.put_many([1])  # E: await forgotten before put_many of a channel
    channel.get_many(3)  # E: await forgotten before get_many of a channel
    channel.join()  # E: await forgotten before join of a channel
    anext(rx)  # E !zuban: await forgotten before anext
    anext(channel)  # E !zuban: await forgotten before anext
    tx.put(1)  # E: await forgotten before put of a sender
    tx.put_many([1])  # E: await forgotten before put_many of a sender
    tx.join()  # E: await forgotten before join of a sender
    rx.get()  # E: await forgotten before get of a receiver
    rx.get_many(3)  # E: await forgotten before get_many of a receiver
    rx.join()  # E: await forgotten before join of a receiver
    channel.sender.put(1)  # E: await forgotten before put of a channel's sender
    channel.receiver.get()  # E: await forgotten before get of a channel's receiver
    select(channel.on_get())  # E !zuban: await forgotten before select
    select_any([channel.on_get()])  # E: await forgotten before select_any


async def coroutine_taken_for_its_result(rx: Receiver[int], tx: Sender[int]) -> None:
    _number: int = rx.get()  # E: a forgotten await in an assignment
    _double = 2 * rx.get()  # E: a forgotten await in an expression
    for _ in rx.get_many(3):  # E: a forgotten await in a loop
        pass
    await tx.put(rx.get())  # E: a forgotten await in an argument
    await tx.put_many(rx.get_many(3))  # E: a forgotten await before a batch that is passed on
    if rx.get():  # E !pyrefly !zuban: a forgotten await in a condition
        pass


async def nothing_to_wait_for(channel: Channel[int]) -> None:
    await channel.get_nowait()  # E: await before get_nowait
    await channel.put_nowait(1)  # E: await before put_nowait
    await channel.close()  # E: await before close
    await channel.full()  # E: await before full
    await channel.get_many_nowait(3)  # E: await before get_many_nowait


async def wrong_loop(channel: Channel[int], rx: Receiver[int]) -> None:
    for _ in rx:  # E: for instead of async for over a receiver
        pass
    for _ in channel.receiver:  # E: for instead of async for over a channel's receiver
        pass
    list(rx)  # E: list() of a receiver
    len(channel)  # E: len() of a channel
    channel[0]  # E: a channel indexed


async def wrong_result(channel: Channel[int], rx: Receiver[str]) -> None:
    _text: str = await asyncio.wait_for(channel.get(), 1)  # E: the result of wait_for taken for another type
    _task: asyncio.Task[str] = asyncio.create_task(channel.get())  # E: a task of another type assigned
    _both: tuple[str, int] = await asyncio.gather(channel.get(), rx.get())  # E: the results of gather swapped
    _many: Sequence[str] = await asyncio.gather(channel.get(), channel.get())  # E: results of gather of another type


async def put_gives_nothing(tx: Sender[int]) -> None:
    _accepted = await tx.put(1)  # E !pyright !basedpyright !pyrefly !ty: the result of put, which has none, kept


def not_in_a_coroutine(channel: Channel[int]) -> None:
    await channel.get()  # E: await outside a coroutine
    async for _ in channel:  # E: async for outside a coroutine
        pass
