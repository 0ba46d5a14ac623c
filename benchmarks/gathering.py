"""Batches by size or time, beside the same by hand: `asyncio.timeout` around one get after the other.

By hand a cancelled call loses the items that it has taken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import process_time_ns as now
from typing import Final

from aiochannel import Channel, ChannelClosed
from benchmarks.running import Workload
from tools.peers import OURS

ONE_BY_ONE: Final = "gets within a timeout"
SIZES: Final = ((64, 64), (64, 10), (64, 0), (1_000, 100))
WITHIN: Final = 1.0

Collect = Callable[[Channel[int], int], Awaitable[list[int]]]


def collected(limit: int, maxsize: int) -> str:
    return f"within a time, {limit:,} at most, {f'maxsize {maxsize}' if maxsize else 'unbounded'}"


def ours(channel: Channel[int], limit: int) -> Awaitable[list[int]]:
    return channel.get_many(limit, within=WITHIN)


async def by_hand(channel: Channel[int], limit: int) -> list[int]:
    items = [await channel.get()]
    try:
        async with asyncio.timeout(WITHIN):
            while len(items) < limit:
                items.append(await channel.get())
    except (TimeoutError, ChannelClosed):
        pass
    return items


async def collecting(collect: Collect, maxsize: int, limit: int, count: int) -> float:
    channel: Channel[int] = Channel(maxsize)

    async def produce() -> None:
        for item in range(count):
            await channel.put(item)
        channel.close()

    async def consume() -> None:
        left = count
        while left:
            left -= len(await collect(channel, limit))

    start = now()
    await asyncio.gather(consume(), produce())
    return (now() - start) / count


def gathering() -> list[Workload]:
    return [
        Workload(
            collected(limit, maxsize),
            {
                name: partial(collecting, how, maxsize, limit, 12_800)
                for name, how in ((OURS, ours), (ONE_BY_ONE, by_hand))
            },
        )
        for limit, maxsize in SIZES
    ]
