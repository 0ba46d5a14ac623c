"""select beside a plain get, and beside what asyncio offers in its place: `wait` over tasks that get."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import process_time_ns as now
from typing import Final

from aiochannel import Channel, select, select_any
from benchmarks.running import Workload
from tools.peers import OURS

PLAIN: Final = "a plain get"
IDIOM: Final = "asyncio.wait"
TIDY: Final = "asyncio.wait, nothing left"
OFFERED: Final = 2_000
LOST: Final = f"items lost of {OFFERED:,}, by a consumer of two queues that gives up now and then"
Get = Callable[[], Awaitable[object]]


def select_of(arms: int, ready: str) -> str:
    return f"select, {arms} arms, {ready} ready"


async def first_of(queues: Sequence[asyncio.Queue[int]]) -> list[int]:
    """Get from the first queue that has an item, as it is usually written: every task that got one counts.

    The cancelled tasks wait on their queues until the loop has run them.
    """
    tasks = [asyncio.create_task(queue.get()) for queue in queues]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    return [task.result() for task in done]


async def first_of_tidy(queues: Sequence[asyncio.Queue[int]]) -> list[int]:
    """Do the same and leave nothing waiting on any queue, as select does."""
    tasks = [asyncio.create_task(queue.get()) for queue in queues]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
    return [task.result() for task in tasks if not task.cancelled()]


def made(kind: str, arms: int) -> tuple[Sequence[Channel[int] | asyncio.Queue[int]], Get]:
    """Return so many queues, and what gets from any of them.

    Programs write `select` for a few cases and `select_any` for many, so that is what is measured.
    """
    if kind in (IDIOM, TIDY):
        queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(arms)]
        return queues, partial(first_of if kind == IDIOM else first_of_tidy, queues)
    channels: list[Channel[int]] = [Channel() for _ in range(arms)]
    cases = [channel.on_get() for channel in channels]
    if kind == PLAIN:
        return channels, channels[0].get
    return channels, partial(select, *cases[:2]) if arms == 2 else partial(select_any, cases)


async def ready(kind: str, arms: int, filled: int, count: int) -> float:
    queues, get = made(kind, arms)
    for queue in queues[:filled]:
        for item in range(count):
            queue.put_nowait(item)
    start = now()
    for _ in range(count):
        await get()
    return (now() - start) / count


async def waiting(kind: str, arms: int, count: int) -> float:
    """Put an item on each queue in turn, once the consumer waits again."""
    queues, get = made(kind, arms)
    received = 0

    async def consume() -> None:
        nonlocal received
        for _ in range(count):
            await get()
            received += 1

    consumer = asyncio.create_task(consume())
    await asyncio.sleep(0)
    start = now()
    for item in range(count):
        queues[item % arms].put_nowait(item)
        while received <= item:  # noqa: ASYNC110  # an event would be measured
            await asyncio.sleep(0)
    cost = (now() - start) / count
    await consumer
    return cost


async def lost(kind: str) -> float:
    """Count the items that are lost where the time is up at one step of a get or another."""
    queues, get = made(kind, 2)
    received = 0

    async def consume() -> None:
        nonlocal received
        found = await get()
        received += len(found) if isinstance(found, list) else 1

    for item in range(OFFERED):
        consumer = asyncio.create_task(consume())
        for _ in range(2):
            await asyncio.sleep(0)
        queues[item % 2].put_nowait(item)
        for _ in range(item % 10):
            await asyncio.sleep(0)
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
    await asyncio.sleep(0)
    return OFFERED - received - sum(queue.qsize() for queue in queues)


def selects() -> list[Workload]:
    found = [Workload(LOST, {kind: partial(lost, kind) for kind in (OURS, IDIOM, TIDY)}, "items", 0)]
    for arms in (2, 10, 100):
        count, slow = 10_000 // arms + 500, 4_000 // arms + 20
        plans = ((PLAIN, 1, 5_000), (OURS, arms, count), (IDIOM, arms, slow), (TIDY, arms, slow))
        runs = {
            "one": {kind: partial(ready, kind, number, 1, count) for kind, number, count in plans},
            "all": {kind: partial(ready, kind, number, number, count) for kind, number, count in plans[:2]},
            "none": {kind: partial(waiting, kind, number, count) for kind, number, count in plans},
        }
        found += [Workload(select_of(arms, word), each) for word, each in runs.items()]
    return found
