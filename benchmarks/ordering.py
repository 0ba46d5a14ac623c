"""A channel whose best item leaves first, beside the priority queue of asyncio."""

import asyncio
from functools import partial
from random import Random
from time import process_time_ns as now
from typing import Final

from aiochannel import PriorityChannel
from benchmarks.running import Workload
from tools.peers import OURS

HEAP: Final = "asyncio.PriorityQueue"
BUFFERED: Final = 1_000
ORDERED: Final = f"put, get by priority, {BUFFERED:,} items buffered"
ORDERED_NOWAIT: Final = f"put_nowait, get_nowait by priority, {BUFFERED:,} items buffered"

Item = tuple[float, int]


def made(kind: str) -> PriorityChannel[Item] | asyncio.PriorityQueue[Item]:
    queue = PriorityChannel[Item](key=lambda item: item[0]) if kind == OURS else asyncio.PriorityQueue[Item]()
    for item in items(BUFFERED, seed=0):
        queue.put_nowait(item)
    return queue


def items(count: int, seed: int) -> list[Item]:
    chance = Random(seed)
    return [(chance.random(), number) for number in range(count)]


async def awaited(kind: str, count: int) -> float:
    queue = made(kind)
    put, get, given = queue.put, queue.get, items(count, seed=1)
    start = now()
    for item in given:
        await put(item)
        await get()
    return (now() - start) / count


async def nowait(kind: str, count: int) -> float:
    queue = made(kind)
    put, get, given = queue.put_nowait, queue.get_nowait, items(count, seed=1)
    start = now()
    for item in given:
        put(item)
        get()
    return (now() - start) / count


def ordering() -> list[Workload]:
    return [
        Workload(name, {kind: partial(measure, kind, 10_000) for kind in (OURS, HEAP)})
        for name, measure in ((ORDERED, awaited), (ORDERED_NOWAIT, nowait))
    ]
