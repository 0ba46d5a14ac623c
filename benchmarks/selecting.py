"""select beside a plain get, and beside what asyncio offers in its place: `wait` over tasks that get."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from time import process_time_ns as now
from typing import Never

from aiochannel import Channel, select, select_any
from benchmarks.subjects import OURS
from benchmarks.workloads import Run, Workload

PLAIN = "a plain get"
IDIOM = "asyncio.wait"
TIDY = "asyncio.wait, nothing left"
ARMS = (2, 10, 100)


def one_ready(arms: int) -> str:
    return f"select, {arms} arms, one ready"


def all_ready(arms: int) -> str:
    return f"select, {arms} arms, all ready"


def blocking(arms: int) -> str:
    return f"select, {arms} arms, none ready"


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


FirstOf = Callable[[Sequence[asyncio.Queue[int]]], Coroutine[object, Never, list[int]]]
IDIOMS: dict[str, FirstOf] = {IDIOM: first_of, TIDY: first_of_tidy}


def _channels(arms: int, ready: int, items: int) -> list[Channel[int]]:
    channels: list[Channel[int]] = [Channel() for _ in range(arms)]
    for channel in channels[:ready]:
        for item in range(items):
            channel.put_nowait(item)
    return channels


async def get_ready(count: int) -> float:
    (channel,) = _channels(1, 1, count)
    start = now()
    for _ in range(count):
        await channel.get()
    return (now() - start) / count


# Programs write `select` for a few cases and `select_any` for many, so that is what is measured.


async def select_ready(arms: int, ready: int, count: int) -> float:
    cases = [channel.on_get() for channel in _channels(arms, ready, count)]
    start = now()
    if len(cases) == 2:
        first, second = cases
        for _ in range(count):
            await select(first, second)
    else:
        for _ in range(count):
            await select_any(cases)
    return (now() - start) / count


async def idiom_ready(first_of: FirstOf, arms: int, count: int) -> float:
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(arms)]
    for item in range(count):
        queues[0].put_nowait(item)
    start = now()
    for _ in range(count):
        await first_of(queues)
    return (now() - start) / count


class Handshake:
    """A producer that puts an item on each queue in turn, once the consumer waits again."""

    def __init__(self, queues: "Sequence[Channel[int] | asyncio.Queue[int]]", count: int) -> None:
        self.received = 0
        self._queues = queues
        self._count = count

    async def produce(self) -> None:
        for item in range(self._count):
            self._queues[item % len(self._queues)].put_nowait(item)
            while self.received <= item:  # noqa: ASYNC110  # an event would be measured
                await asyncio.sleep(0)

    async def measure(self, consumer: asyncio.Task[None]) -> float:
        await asyncio.sleep(0)
        start = now()
        await self.produce()
        cost = (now() - start) / self._count
        await consumer
        return cost


async def get_blocking(count: int) -> float:
    channels = _channels(1, 0, 0)
    get = channels[0].get
    shaken = Handshake(channels, count)

    async def consume() -> None:
        for _ in range(count):
            await get()
            shaken.received += 1

    return await shaken.measure(asyncio.create_task(consume()))


async def select_blocking(arms: int, count: int) -> float:
    channels = _channels(arms, 0, 0)
    cases = [channel.on_get() for channel in channels]
    shaken = Handshake(channels, count)

    async def consume() -> None:
        if len(cases) == 2:
            first, second = cases
            for _ in range(count):
                await select(first, second)
                shaken.received += 1
        else:
            for _ in range(count):
                await select_any(cases)
                shaken.received += 1

    return await shaken.measure(asyncio.create_task(consume()))


async def idiom_blocking(first_of: FirstOf, arms: int, count: int) -> float:
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(arms)]
    shaken = Handshake(queues, count)

    async def consume() -> None:
        while shaken.received < count:
            shaken.received += len(await first_of(queues))

    return await shaken.measure(asyncio.create_task(consume()))


def selects() -> list[Workload]:
    found: list[Workload] = []
    for arms in ARMS:
        count, slow = 10_000 // arms + 500, 4_000 // arms + 20
        plain: dict[str, Run] = {PLAIN: partial(get_ready, 10_000)}
        found += (
            Workload(
                one_ready(arms),
                {
                    **plain,
                    OURS: partial(select_ready, arms, 1, count),
                    **{name: partial(idiom_ready, first_of, arms, slow) for name, first_of in IDIOMS.items()},
                },
            ),
            Workload(all_ready(arms), plain | {OURS: partial(select_ready, arms, arms, count)}),
            Workload(
                blocking(arms),
                {
                    PLAIN: partial(get_blocking, 5_000),
                    OURS: partial(select_blocking, arms, count),
                    **{name: partial(idiom_blocking, first_of, arms, slow) for name, first_of in IDIOMS.items()},
                },
            ),
        )
    return found


async def lost_items(count: int) -> dict[str, int]:
    """Count the items that are lost when a consumer of two queues gives up now and then, as under a timeout."""

    async def by_select() -> list[int]:
        return [(await select_any(cases))[1]]

    found: dict[str, int] = {}
    for name, first_of in IDIOMS.items():
        queues: list[asyncio.Queue[int]] = [asyncio.Queue(), asyncio.Queue()]
        found[name] = await _lost(queues, partial(first_of, queues), count)
    channels: list[Channel[int]] = [Channel(), Channel()]
    cases = [channel.on_get() for channel in channels]
    return found | {OURS: await _lost(channels, by_select, count)}


async def _lost(
    queues: "Sequence[Channel[int] | asyncio.Queue[int]]",
    get: Callable[[], Coroutine[object, Never, list[int]]],
    count: int,
) -> int:
    received = 0

    async def consume() -> None:
        nonlocal received
        received += len(await get())

    for item in range(count):
        consumer = asyncio.create_task(consume())
        for _ in range(2):
            await asyncio.sleep(0)
        queues[item % 2].put_nowait(item)
        for _ in range(item % 10):  # the time is up at this step or another
            await asyncio.sleep(0)
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
    await asyncio.sleep(0)
    return count - received - sum(queue.qsize() for queue in queues)
