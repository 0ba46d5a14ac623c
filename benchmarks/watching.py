"""Watch and Call beside what asyncio and a peer offer in their place."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from time import process_time_ns as now
from typing import Final, Never

from aiochannel import Call, Channel, Watch, call
from benchmarks.running import Workload
from tools.peers import FUTURES, OURS

CONDITION: Final = "asyncio.Condition"
CACHE: Final = "frequenz-channels"
TWO_CHANNELS: Final = "two channels of maxsize 1"
QUEUE_AND_FUTURE: Final = "asyncio.Queue with a Future"

SET: Final = "Watch, set, nobody waits"
ROUND_TRIP: Final = "Call, a round trip"
READERS: Final = (1, 10, 100)
SETS: Final = 100

Set = Callable[[int], Coroutine[object, Never, object]]


def waking(readers: int) -> str:
    return f"Watch, set, {readers} wait"


def telling(readers: int) -> str:
    return f"Watch, until {readers} have the value"


# Setting


async def set_alone(count: int) -> float:
    watch = Watch(0)
    change = watch.set
    start = now()
    for number in range(count):
        change(number)
    return (now() - start) / count


async def wake(subject: str, readers: int) -> float:
    """Measure a set alone, without the tasks that it wakes, by the waiter; and the same of bare futures."""
    spent = 0
    for _ in range(SETS):
        watch = Watch(0)
        futures: list[asyncio.Future[None]] = [asyncio.Future() for _ in range(readers)]
        tasks = [asyncio.create_task(second(watch) if subject == OURS else wait(each)) for each in futures]
        await asyncio.sleep(0)
        start = now()
        if subject == OURS:
            watch.set(1)
        else:
            for future in futures:
                future.set_result(None)
        spent += now() - start
        await asyncio.gather(*tasks)
    return spent / SETS / readers


async def second(watch: Watch[int]) -> None:
    reader = watch.observe()
    reader.get_nowait()
    await reader.get()


async def wait(future: asyncio.Future[None]) -> None:
    await future


# Telling readers


async def tell(make: Callable[[int, list[int]], Set], readers: int, count: int) -> float:
    """Set a value, and go on when every reader has it, again and again."""
    told = [0]
    change = make(readers, told)
    for _ in range(3):
        await asyncio.sleep(0)
    start = now()
    for number in range(1, count + 1):
        await change(number)
        while told[0] < number * readers:  # noqa: ASYNC110  # an event would be measured
            await asyncio.sleep(0)
    cost = (now() - start) / count / readers
    await end_readers()
    return cost


async def end_readers() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def by_watch(readers: int, told: list[int]) -> Set:
    watch = Watch(0)

    async def read() -> None:
        reader = watch.observe()
        await reader.get()
        while True:
            await reader.get()
            told[0] += 1

    async def change(number: int) -> None:
        watch.set(number)

    kept.extend(asyncio.create_task(read()) for _ in range(readers))
    return change


def by_condition(readers: int, told: list[int]) -> Set:
    """A version beside the value, so that no reader misses a set, and no reader works while it holds the lock."""
    condition = asyncio.Condition()
    current = (0, 0)

    async def get(seen: int) -> tuple[int, int]:
        async with condition:
            await condition.wait_for(lambda: current[0] != seen)
            return current

    async def read() -> None:
        version = 0
        while True:
            version, _ = await get(version)
            told[0] += 1

    async def change(number: int) -> None:
        nonlocal current
        async with condition:
            current = (current[0] + 1, number)
            condition.notify_all()

    kept.extend(asyncio.create_task(read()) for _ in range(readers))
    return change


def by_cache(readers: int, told: list[int]) -> Set:
    """Keep the latest value in a task for each reader, which then has to be asked: nobody is woken."""
    module = import_module("frequenz.channels")
    channel = module.Broadcast(name="")
    caches = [module.LatestValueCache(channel.new_receiver()) for _ in range(readers)]
    send = channel.new_sender().send

    async def change(number: int) -> None:
        await send(number)
        while not (caches[-1].has_value() and caches[-1].get() == number):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0)
        told[0] += readers

    return change


def by_futures(readers: int, told: list[int]) -> Set:
    futures: list[asyncio.Future[int]] = []

    async def read() -> None:
        while True:
            future: asyncio.Future[int] = asyncio.Future()
            futures.append(future)
            await future
            told[0] += 1

    async def change(number: int) -> None:
        waiting = futures[:]
        futures.clear()
        for future in waiting:
            future.set_result(number)

    kept.extend(asyncio.create_task(read()) for _ in range(readers))
    return change


kept: list[asyncio.Task[None]] = []
"""So that nobody collects a reader."""


# Calling


async def round_trip(ask: Callable[[], tuple[Coroutine[object, Never, object], Set]], count: int) -> float:
    """Send a request and wait for its answer, again and again, between two tasks."""
    serve, send = ask()
    serving = asyncio.create_task(serve)
    await asyncio.sleep(0)
    start = now()
    for number in range(count):
        await send(number)
    cost = (now() - start) / count
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return cost


def by_call() -> tuple[Coroutine[object, Never, object], Set]:
    calls: Channel[Call[int, int]] = Channel(1)

    async def serve() -> None:
        async for each in calls:
            with each:
                each.reply(each.request)

    return serve(), partial(call, calls)


def by_two_channels() -> tuple[Coroutine[object, Never, object], Set]:
    requests: Channel[int] = Channel(1)
    replies: Channel[int] = Channel(1)

    async def serve() -> None:
        async for request in requests:
            await replies.put(request)

    async def ask(number: int) -> int:
        await requests.put(number)
        return await replies.get()

    return serve(), ask


def by_hand() -> tuple[Coroutine[object, Never, object], Set]:
    """What is usually written; a caller that goes away is seen, a server that goes away is not."""
    requests: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue(1)

    async def serve() -> None:
        while True:
            request, answer = await requests.get()
            try:
                result = request
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

    async def ask(number: int) -> int:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await requests.put((number, answer))
        return await answer

    return serve(), ask


def watches() -> list[Workload]:
    tellers = {OURS: by_watch, CONDITION: by_condition, CACHE: by_cache, FUTURES: by_futures}
    trips = {OURS: by_call, TWO_CHANNELS: by_two_channels, QUEUE_AND_FUTURE: by_hand}
    return [
        Workload(SET, {OURS: partial(set_alone, 100_000)}, "ns a set"),
        *(
            Workload(
                waking(n), {subject: partial(wake, subject, n) for subject in (OURS, FUTURES)}, "ns a waiter, woken"
            )
            for n in READERS
        ),
        *(
            Workload(
                telling(n),
                {subject: partial(tell, make, n, 2_000 // n) for subject, make in tellers.items()},
                "ns a reader",
            )
            for n in READERS
        ),
        Workload(
            ROUND_TRIP, {subject: partial(round_trip, make, 5_000) for subject, make in trips.items()}, "ns a trip"
        ),
    ]
