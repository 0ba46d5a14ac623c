"""What programs do all day.

To add a workload, write a coroutine function that takes a peer and returns nanoseconds for each operation, and add it
to `everyday`. What a peer does not offer raises NotOfferedError, and leaves that peer out.
"""

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from time import process_time_ns as now
from typing import Final

from aiochannel import Channel
from benchmarks.running import Workload, over
from tools.peers import FUTURES, OURS, UNBOUNDED, Job, Peer, offered, ours

ITEM_BY_ITEM: Final = "item by item"
WAITS: Final = "1 to 1, maxsize 1, how often it waits"


async def nowait(peer: Peer, count: int) -> float:
    ends = peer.make(UNBOUNDED)
    put, get = offered(ends.put_nowait), offered(ends.get_nowait)
    start = now()
    for item in range(count):
        put(item)
        get()
    return (now() - start) / count


async def awaited(peer: Peer, count: int) -> float:
    ends = peer.make(UNBOUNDED)
    put, get = offered(ends.put), offered(ends.get)
    start = now()
    for item in range(count):
        await put(item)
        await get()
    return (now() - start) / count


async def iterate(peer: Peer, count: int) -> float:
    ends = peer.make(UNBOUNDED)
    put, items = offered(ends.put), offered(ends.items)
    for item in range(count):
        await put(item)
    left = count
    start = now()
    async for _ in items:
        left -= 1
        if not left:
            break
    return (now() - start) / count


async def stream(peer: Peer, capacity: float, producers: int, consumers: int, count: int) -> float:
    """Measure so many producers and consumers, each a task of its own, on one queue; making the tasks included."""
    ends = peer.make(capacity)
    put, get = offered(ends.put), offered(ends.get)

    async def produce() -> None:
        for item in range(count // producers):
            await put(item)

    async def consume() -> None:
        for _ in range(count // consumers):
            await get()

    start = now()
    await peer.together([produce] * producers + [consume] * consumers)
    return (now() - start) / count


async def pipeline(peer: Peer, stages: int, count: int) -> float:
    """Measure tasks in a row that hand on what they get: nanoseconds for each item and stage."""
    queues = [peer.make(10) for _ in range(stages + 1)]
    gets, puts = [offered(queue.get) for queue in queues], [offered(queue.put) for queue in queues]

    async def source() -> None:
        put = puts[0]
        for item in range(count):
            await put(item)

    async def hand_on(get: Callable[[], Awaitable[object]], put: Callable[[object], Awaitable[object]]) -> None:
        for item in range(count):
            await get()
            await put(item)

    async def sink() -> None:
        get = gets[-1]
        for _ in range(count):
            await get()

    start = now()
    await peer.together([source, *[partial(hand_on, *each) for each in zip(gets, puts[1:], strict=False)], sink])
    return (now() - start) / (count * (stages + 1))


async def creation(peer: Peer, count: int) -> float:
    start = now()
    made = [peer.create(10) for _ in range(count)]
    cost = (now() - start) / count
    del made
    return cost


async def ping_pong(count: int) -> float:
    """Measure two tasks that wake each other by one future for each wait."""
    waiting: list[asyncio.Future[None]] = []

    async def player() -> None:
        for _ in range(count // 2):
            waiter: asyncio.Future[None] = asyncio.Future()
            if waiting:
                waiting.pop().set_result(None)
            waiting.append(waiter)
            await waiter
        if waiting:
            waiting.pop().set_result(None)

    start = now()
    await asyncio.gather(player(), player())
    return (now() - start) / count


async def batches(count: int, capacity: int, limit: int) -> float:
    channel: Channel[int] = Channel(capacity)
    batch = range(limit)

    async def produce() -> None:
        for _ in range(count // limit):
            await channel.put_many(batch)

    async def consume() -> None:
        left = count // limit * limit
        while left:
            left -= len(await channel.get_many(limit))

    start = now()
    await asyncio.gather(produce(), consume())
    return (now() - start) / count


@types.coroutine
def _counting(job: Job, waits: list[object]) -> Generator[object, None, None]:
    for waited in job().__await__():
        waits.append(waited)
        yield waited


async def waits_per_item(count: int) -> float:
    """Count how often producer and consumer wait for each item, 1 to 1 at maxsize 1."""
    waits: list[object] = []

    async def counted(job: Job) -> None:
        await _counting(job, waits)

    async def together(jobs: Iterable[Job]) -> None:
        await asyncio.gather(*map(counted, jobs))

    await stream(replace(ours(), together=together), 1, 1, 1, count)
    return len(waits) / count


def everyday(peers: Sequence[Peer]) -> list[Workload]:
    queues = [peer for peer in peers if not peer.name.startswith("limit")]
    streams: list[tuple[str, float, int, int, int]] = [
        *((f"1 to 1, maxsize {capacity}", capacity, 1, 1, 5_000) for capacity in (1, 10, 100)),
        ("1 to 1, unbounded", UNBOUNDED, 1, 1, 10_000),
        ("1 to 1, rendezvous", 0, 1, 1, 5_000),
        ("1,000 to 1, maxsize 10", 10, 1_000, 1, 10_000),
        ("1 to 1,000, maxsize 10", 10, 1, 1_000, 10_000),
        ("50 to 50, maxsize 10", 10, 50, 50, 5_000),
    ]
    return [
        Workload("put_nowait, get_nowait", over(peers, nowait, 20_000)),
        Workload("put, get, nobody waits", over(peers, awaited, 20_000)),
        Workload("async for, nobody waits", over(peers, iterate, 20_000)),
        *(Workload(name, over(peers, stream, capacity, *numbers)) for name, capacity, *numbers in streams),
        Workload("pipeline of 10 stages, maxsize 10", over(peers, pipeline, 10, 500), "ns an item and stage"),
        Workload("creation", over(queues, creation, 2_000), "ns a channel"),
        *(
            Workload(
                f"batches of 64, {title}",
                {
                    OURS: partial(batches, 12_800, size, 64),
                    ITEM_BY_ITEM: partial(stream, ours(), size or UNBOUNDED, 1, 1, 12_800),
                },
            )
            for title, size in (("unbounded", 0), ("maxsize 64", 64))
        ),
        Workload("one wait", {FUTURES: partial(ping_pong, 10_000)}, "ns a wait"),
        Workload(WAITS, {OURS: partial(waits_per_item, 2_000)}, "waits an item"),
    ]
