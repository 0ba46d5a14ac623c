"""What is measured: each workload is a name and, for each subject, a coroutine function that returns a cost.

To add a workload, write a coroutine function that takes a subject and returns nanoseconds per operation, and add it to
`everyday`. Whatever a subject does not offer raises NotOfferedError, and leaves that subject out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time_ns as now
from typing import Concatenate, Never, ParamSpec

from aiochannel import Channel
from benchmarks.subjects import FUTURES, OURS, RENDEZVOUS, UNBOUNDED, Job, Subject, offered

P = ParamSpec("P")
Run = Callable[[], Coroutine[object, Never, float]]
PER_ITEM = "ns an item"


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    runs: Mapping[str, Run]
    unit: str = PER_ITEM
    size: int = 0
    """How many wait, where the workload is measured at several sizes."""
    rounds: float = 1.0
    """Share of the rounds that the runner is asked for."""


def over(
    subjects: Iterable[Subject],
    measure: Callable[Concatenate[Subject, P], Coroutine[object, Never, float]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> dict[str, Run]:
    return {subject.name: partial(measure, subject, *args, **kwargs) for subject in subjects}


async def nowait(subject: Subject, count: int) -> float:
    ends = subject.make(UNBOUNDED)
    put, get = offered(ends.put_nowait), offered(ends.get_nowait)
    start = now()
    for item in range(count):
        put(item)
        get()
    return (now() - start) / count


async def awaited(subject: Subject, count: int) -> float:
    ends = subject.make(UNBOUNDED)
    put, get = offered(ends.put), offered(ends.get)
    start = now()
    for item in range(count):
        await put(item)
        await get()
    return (now() - start) / count


async def stream(subject: Subject, capacity: float, producers: int, consumers: int, count: int) -> float:
    """Measure so many producers and consumers, each a task of its own, on one queue; making the tasks included."""
    ends = subject.make(capacity)
    put, get = offered(ends.put), offered(ends.get)

    async def produce() -> None:
        for item in range(count // producers):
            await put(item)

    async def consume() -> None:
        for _ in range(count // consumers):
            await get()

    start = now()
    await subject.together([produce] * producers + [consume] * consumers)
    return (now() - start) / count


async def iterate(subject: Subject, count: int) -> float:
    ends = subject.make(UNBOUNDED)
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


async def pipeline(subject: Subject, stages: int, count: int) -> float:
    """Measure tasks in a row that hand on what they get: nanoseconds per item and stage."""
    queues = [subject.make(10) for _ in range(stages + 1)]

    async def source() -> None:
        put = offered(queues[0].put)
        for item in range(count):
            await put(item)

    def stage(number: int) -> Job:
        get, put = offered(queues[number].get), offered(queues[number + 1].put)

        async def hand_on() -> None:
            for item in range(count):
                await get()
                await put(item)

        return hand_on

    async def sink() -> None:
        get = offered(queues[stages].get)
        for _ in range(count):
            await get()

    start = now()
    await subject.together([source, *[stage(number) for number in range(stages)], sink])
    return (now() - start) / (count * (stages + 1))


async def creation(subject: Subject, count: int) -> float:
    start = now()
    made = [subject.create(10) for _ in range(count)]
    cost = (now() - start) / count
    del made
    return cost


async def ping_pong(count: int) -> float:
    """Measure two tasks that wake each other by one future per wait: nanoseconds per wait."""
    waiting: list[asyncio.Future[None]] = []

    async def player() -> None:
        for _ in range(count // 2):
            waiter: asyncio.Future[None] = asyncio.Future()
            if waiting:
                waiting.pop().set_result(None)
            waiting.append(waiter)
            await waiter
        for waiter in waiting:
            waiter.set_result(None)
        waiting.clear()

    start = now()
    await asyncio.gather(player(), player())
    return (now() - start) / count


async def single(count: int, capacity: int) -> float:
    """Measure what `batches` does, item by item."""
    channel: Channel[int] = Channel(capacity)

    async def produce() -> None:
        for item in range(count):
            await channel.put(item)

    async def consume() -> None:
        for _ in range(count):
            await channel.get()

    start = now()
    await asyncio.gather(produce(), consume())
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


def everyday(subjects: Sequence[Subject]) -> list[Workload]:
    """Return what programs do all day, for every subject that offers it."""
    queues = [subject for subject in subjects if not subject.name.startswith("limit")]
    return [
        Workload("put_nowait, get_nowait", over(subjects, nowait, 20_000)),
        Workload("put, get, nobody waits", over(subjects, awaited, 20_000)),
        Workload("async for, nobody waits", over(subjects, iterate, 20_000)),
        *(
            Workload(f"1 to 1, maxsize {capacity}", over(subjects, stream, capacity, 1, 1, 5_000))
            for capacity in (1, 10, 100)
        ),
        Workload("1 to 1, unbounded", over(subjects, stream, UNBOUNDED, 1, 1, 10_000)),
        Workload("1 to 1, rendezvous", over(subjects, stream, RENDEZVOUS, 1, 1, 5_000)),
        Workload("1,000 to 1, maxsize 10", over(subjects, stream, 10, 1_000, 1, 10_000)),
        Workload("1 to 1,000, maxsize 10", over(subjects, stream, 10, 1, 1_000, 10_000)),
        Workload("50 to 50, maxsize 10", over(subjects, stream, 10, 50, 50, 5_000)),
        Workload("pipeline of 10 stages, maxsize 10", over(subjects, pipeline, 10, 500), "ns an item and stage"),
        Workload("creation", over(queues, creation, 2_000), "ns a channel"),
        *(
            Workload(
                f"batches of 64, {title}",
                {
                    OURS: partial(batches, 12_800, capacity, 64),
                    "item by item": partial(single, 12_800, capacity),
                },
            )
            for title, capacity in (("unbounded", 0), ("maxsize 64", 64))
        ),
        Workload("one wait", {FUTURES: partial(ping_pong, 10_000)}, "ns a wait"),
    ]
