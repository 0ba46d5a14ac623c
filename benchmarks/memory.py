"""Bytes per channel, per waiter and per buffered item, as Python's own allocator counts them."""

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence

from benchmarks.subjects import COROUTINES, HANDLES, TRIO, UNBOUNDED, Subject, offered
from benchmarks.workloads import Workload, over

IDLE = "idle channel"
WAITER = "task that waits in get"
ITEM = "buffered item"
ONCE = 0.0
"""Memory does not vary from round to round."""


def _in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def idle(subject: Subject, count: int) -> float:
    subject.create(10)
    tracemalloc.start()
    made: list[object] = [None] * count
    before = _in_use()
    for number in range(count):
        made[number] = subject.create(10)
    used = _in_use() - before
    tracemalloc.stop()
    return used / count


async def waiter(subject: Subject, count: int) -> float:
    get = offered(subject.make(UNBOUNDED).get)

    async def wait() -> None:
        await get()

    tasks: list[asyncio.Task[None] | None] = [None] * count
    tracemalloc.start()
    before = _in_use()
    for number in range(count):
        tasks[number] = asyncio.create_task(wait())
    for _ in range(3):
        await asyncio.sleep(0)
    used = _in_use() - before
    tracemalloc.stop()
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.sleep(0)
    return used / count


async def item(subject: Subject, count: int) -> float:
    put = offered(subject.make(UNBOUNDED).put)
    tracemalloc.start()
    before = _in_use()
    for _ in range(count):
        await put(1)
    used = _in_use() - before
    tracemalloc.stop()
    return used / count


def memory(subjects: Sequence[Subject]) -> list[Workload]:
    channels = [subject for subject in subjects if not subject.name.startswith("limit")]
    waiting = [subject for subject in subjects if subject.name not in {TRIO, HANDLES, COROUTINES}]
    buffering = [subject for subject in channels if subject.name != HANDLES]
    return [
        Workload(IDLE, over(channels, idle, 1_000), "bytes", rounds=ONCE),
        Workload(WAITER, over(waiting, waiter, 1_000), "bytes", rounds=ONCE),
        Workload(ITEM, over(buffering, item, 10_000), "bytes", rounds=ONCE),
    ]
