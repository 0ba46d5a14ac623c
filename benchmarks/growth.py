"""What a waiter costs, at several numbers of waiters: the cost of each should not depend on how many there are."""

import asyncio
from collections.abc import Sequence
from random import Random
from time import process_time_ns as now
from typing import TypeVar

from benchmarks.subjects import COROUTINES, FUTURES, HANDLES, TRIO, UNBOUNDED, Ends, Subject, offered
from benchmarks.workloads import Workload, over

T = TypeVar("T")
ORDERS = ("in order", "reversed", "shuffled")


class TooManyError(Exception):
    """The subject does not let so many wait."""


def arranged(things: Sequence[T], order: str) -> list[T]:
    found = list(things)
    if order == "reversed":
        found.reverse()
    elif order == "shuffled":
        Random(1).shuffle(found)
    return found


async def _waiting_tasks(ends: Ends, count: int) -> list[asyncio.Task[None]]:
    get = offered(ends.get)

    async def wait() -> None:
        await get()

    return await _settled([asyncio.create_task(wait()) for _ in range(count)])


async def _settled(tasks: list[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    for _ in range(3):  # a peer may take more than one step until it waits
        await asyncio.sleep(0)
    if any(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise TooManyError
    return tasks


async def _finish(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all have ended, as cheaply as it goes: all of them are ready to run."""
    while not all(task.done() for task in reversed(tasks)):  # noqa: ASYNC110  # no event costs less
        await asyncio.sleep(0)
    for task in tasks:
        if not task.cancelled():
            task.exception()


async def cancel(subject: Subject, count: int, order: str) -> float:
    tasks = await _waiting_tasks(subject.make(UNBOUNDED), count)
    going = arranged(tasks, order)
    start = now()
    for task in going:
        task.cancel()
    await _finish(tasks)
    return (now() - start) / count


async def expire(subject: Subject, count: int, order: str) -> float:
    """Measure gets under `asyncio.timeout`, from the moment when the deadline of each is found to have passed."""
    get = offered(subject.make(UNBOUNDED).get)
    scopes: list[asyncio.Timeout] = []

    async def wait() -> None:
        try:
            async with asyncio.timeout(None) as scope:
                scopes.append(scope)
                await get()
        except TimeoutError:
            pass

    tasks = await _settled([asyncio.create_task(wait()) for _ in range(count)])
    going = arranged(scopes, order)
    passed = asyncio.get_running_loop().time()
    start = now()
    for scope in going:
        scope.reschedule(passed)
    await _finish(tasks)
    return (now() - start) / count


async def close(subject: Subject, count: int) -> float:
    ends = subject.make(UNBOUNDED)
    shut = offered(ends.close)
    tasks = await _waiting_tasks(ends, count)
    start = now()
    shut()
    await _finish(tasks)
    return (now() - start) / count


async def wake(subject: Subject, count: int) -> float:
    ends = subject.make(UNBOUNDED)
    put = offered(ends.put_nowait)
    tasks = await _waiting_tasks(ends, count)
    start = now()
    for item in range(count):
        put(item)
    await _finish(tasks)
    return (now() - start) / count


def per_waiter(subjects: Sequence[Subject], sizes: Sequence[int]) -> list[Workload]:
    subjects = [subject for subject in subjects if subject.name not in {TRIO, HANDLES, COROUTINES}]
    closable = [subject for subject in subjects if subject.name != FUTURES]
    unit = "ns a waiter"
    found: list[Workload] = []
    for size in sizes:
        rounds = min(1.0, 4_000 / size)
        for order in ORDERS:
            found += (
                Workload(f"cancel, {order}", over(subjects, cancel, size, order), unit, size, rounds),
                Workload(f"timeout, {order}", over(subjects, expire, size, order), unit, size, rounds),
            )
        found += (
            Workload("close", over(closable, close, size), unit, size, rounds),
            Workload("wake", over(subjects, wake, size), unit, size, rounds),
        )
    return found
