"""A ThreadChannel beside janus, culsans, queue.Queue and `run_coroutine_threadsafe`, by the clock, as threads wait.

Tasks run in the loop of the run, threads beside it; between two loops, each has a thread of its own.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from importlib import import_module
from time import perf_counter_ns as now
from typing import Final, Never, Protocol

from aiochannel import Channel, ThreadChannel
from benchmarks.running import Workload
from tools.peers import OURS, STDLIB, Peer

JANUS: Final = "janus"
CULSANS: Final = "culsans"
QUEUE: Final = "queue.Queue"
MARSHALLED: Final = "run_coroutine_threadsafe"
BETWEEN_TASKS: Final = "ThreadChannel: put, get, nobody waits"

COUNT: Final = 10_000
SIZES: Final = (1, 10, 100, 1_000, 0)
THREAD_SIZES: Final = (1, 10, 100, 0)
LOOP_SIZES: Final = (1, 100, 0)


class Blocked(Protocol):
    def put(self, item: int, /) -> object: ...
    def get(self) -> object: ...


class Awaited(Protocol):
    async def put(self, item: int, /) -> object: ...
    async def get(self) -> object: ...


class Both(Protocol):
    """What janus and culsans have."""

    @property
    def sync_q(self) -> Blocked: ...
    @property
    def async_q(self) -> Awaited: ...


class Ours:
    """A ThreadChannel as janus has it."""

    def __init__(self, maxsize: int) -> None:
        channel: ThreadChannel[int] = ThreadChannel(maxsize, outlives_loops=True)
        self.sync_q: Blocked = channel.blocking
        self.async_q: Awaited = channel


class Marshalled:
    """A Channel to which each item of a thread comes through the event loop."""

    def __init__(self, maxsize: int) -> None:
        channel: Channel[int] = Channel(maxsize)
        loop = asyncio.get_running_loop()
        self.async_q: Awaited = channel

        class Through:
            def put(self, item: int, /) -> object:
                return asyncio.run_coroutine_threadsafe(channel.put(item), loop).result()

            def get(self) -> object:
                return asyncio.run_coroutine_threadsafe(channel.get(), loop).result()

        self.sync_q: Blocked = Through()


Make = Callable[[int], Both]
Run = Coroutine[object, Never, float]
Starter = Callable[[], Run]


def sized(title: str, maxsize: int) -> str:
    return f"{title}, maxsize {maxsize}" if maxsize else f"{title}, unbounded"


def to_task(maxsize: int) -> str:
    return sized("thread to task", maxsize)


def to_thread(maxsize: int) -> str:
    return sized("task to thread", maxsize)


def threads_only(pairs: int, maxsize: int) -> str:
    return sized(f"{pairs} to {pairs} threads", maxsize)


def loop_to_loop(maxsize: int) -> str:
    return sized("loop to loop", maxsize)


async def in_threads(*works: Callable[[], object]) -> float:
    """Run the works in threads, and return the nanoseconds an item."""

    def measured() -> float:
        threads = [threading.Thread(target=work) for work in works]
        start = now()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (now() - start) / COUNT

    return await asyncio.to_thread(measured)


async def thread_to_task(make: Make, maxsize: int) -> float:
    both = make(maxsize)
    start = now()
    thread = asyncio.create_task(asyncio.to_thread(put_all, both.sync_q, COUNT))
    await aget_all(both.async_q)
    await thread
    return (now() - start) / COUNT


async def task_to_thread(make: Make, maxsize: int) -> float:
    both = make(maxsize)
    start = now()
    thread = asyncio.create_task(asyncio.to_thread(get_all, both.sync_q, COUNT))
    await aput_all(both.async_q)
    await thread
    return (now() - start) / COUNT


def put_all(tx: Blocked, count: int) -> None:
    for item in range(count):
        tx.put(item)


def get_all(rx: Blocked, count: int) -> None:
    for _ in range(count):
        rx.get()


async def aput_all(tx: Awaited) -> None:
    for item in range(COUNT):
        await tx.put(item)


async def aget_all(rx: Awaited) -> None:
    for _ in range(COUNT):
        await rx.get()


def blocking(maxsize: int) -> Blocked:
    return Ours(maxsize).sync_q


async def between_threads(make: Callable[[int], Blocked], maxsize: int, pairs: int) -> float:
    both, each = make(maxsize), COUNT // pairs
    works: list[Callable[[], object]] = [lambda: put_all(both, each), lambda: get_all(both, each)]
    return await in_threads(*works * pairs)


async def between_loops(make: Make, maxsize: int) -> float:
    both = make(maxsize)
    return await in_threads(lambda: asyncio.run(aput_all(both.async_q)), lambda: asyncio.run(aget_all(both.async_q)))


async def alone(make: Callable[[], Awaited]) -> float:
    both = make()
    start = now()
    for item in range(COUNT):
        await both.put(item)
        await both.get()
    return (now() - start) / COUNT


def over(measure: Callable[[Make, int], Run], makes: Mapping[str, Make], maxsize: int) -> dict[str, Starter]:
    return {name: partial(measure, make, maxsize) for name, make in makes.items()}


def threads(peers: Sequence[Peer]) -> list[Workload]:
    there = {peer.name for peer in peers}
    both: dict[str, Make] = {OURS: Ours}
    for name in (JANUS, CULSANS):
        if name in there:
            both[name] = import_module(name).Queue
    makes: dict[str, Make] = {**both, MARSHALLED: Marshalled}
    loops = {name: make for name, make in both.items() if name != JANUS}  # which refuses a second loop
    blocked: dict[str, Callable[[int], Blocked]] = {OURS: blocking, QUEUE: queue.Queue[int]}
    return [
        *(Workload(to_task(size), over(thread_to_task, makes, size)) for size in SIZES),
        *(Workload(to_thread(size), over(task_to_thread, makes, size)) for size in SIZES),
        *(
            Workload(
                threads_only(pairs, size),
                {name: partial(between_threads, make, size, pairs) for name, make in blocked.items()},
            )
            for pairs in (1, 4)
            for size in THREAD_SIZES
        ),
        *(Workload(loop_to_loop(size), over(between_loops, loops, size)) for size in LOOP_SIZES),
        Workload(
            BETWEEN_TASKS,
            {OURS: partial(alone, ThreadChannel[int]), STDLIB: partial(alone, asyncio.Queue[int])},
        ),
    ]
