"""Channels that drop items instead of letting puts wait, beside what programs do by hand with a queue."""

import asyncio
from functools import partial
from time import process_time_ns as now
from typing import Final

from aiochannel import Channel, Overflow
from benchmarks.running import Workload
from tools.peers import OURS

BY_HAND: Final = "asyncio.Queue, by hand"
ROOM: Final = "a put that has room"
CONFLATED: Final = "put_nowait into a full channel, maxsize 1"
DROPS: Final = "put_nowait into a full channel, maxsize 100"
INCOMING: Final = "put_nowait that is dropped itself, maxsize 100"


async def room(count: int) -> float:
    put = Channel[int]().put_nowait
    start = now()
    for item in range(count):
        put(item)
    return (now() - start) / count


async def ours(maxsize: int, overflow: Overflow, count: int) -> float:
    channel = Channel[int](maxsize, overflow=overflow)
    await channel.put_many(range(maxsize))
    put = channel.put_nowait
    start = now()
    for item in range(count):
        put(item)
    return (now() - start) / count


async def by_hand(maxsize: int, overflow: Overflow, count: int) -> float:
    queue = asyncio.Queue[int](maxsize)
    for item in range(maxsize):
        queue.put_nowait(item)
    full, get, put = queue.full, queue.get_nowait, queue.put_nowait
    start = now()
    if overflow is Overflow.DROP_INCOMING:
        for item in range(count):
            if not full():
                put(item)
    else:
        for item in range(count):
            if full():
                get()
            put(item)
    return (now() - start) / count


def dropping() -> list[Workload]:
    count = 20_000
    plans = [
        (CONFLATED, 1, Overflow.DROP_OLDEST),
        (DROPS, 100, Overflow.DROP_OLDEST),
        (INCOMING, 100, Overflow.DROP_INCOMING),
    ]
    return [
        Workload(
            name,
            {
                OURS: partial(ours, maxsize, overflow, count),
                BY_HAND: partial(by_hand, maxsize, overflow, count),
                ROOM: partial(room, count),
            },
        )
        for name, maxsize, overflow in plans
    ]
