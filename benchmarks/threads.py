"""A ThreadChannel beside janus, culsans, queue.Queue and `run_coroutine_threadsafe`: `python -m benchmarks.threads`.

Wall clock, since threads wait for each other. A round measures each subject once, so that whatever slows the machine
down slows all of them; what is printed are medians, and how many times as long a peer takes.
"""

import asyncio
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Final, Protocol

from aiochannel import Channel, ThreadChannel
from tools.peers import OURS, STDLIB

COUNT: Final = 10_000
ROUNDS: Final = 5


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


def in_threads(*works: Callable[[], object]) -> float:
    """Run the works in threads, and return for how long."""
    threads = [threading.Thread(target=work) for work in works]
    start = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - start


def with_loop(make: Make, maxsize: int, *, to_task: bool) -> float:
    async def main() -> float:
        both = make(maxsize)
        start = perf_counter()
        if to_task:
            thread = asyncio.create_task(asyncio.to_thread(put_all, both.sync_q, COUNT))
            await aget_all(both.async_q)
        else:
            thread = asyncio.create_task(asyncio.to_thread(get_all, both.sync_q, COUNT))
            await aput_all(both.async_q)
        await thread
        return perf_counter() - start

    return asyncio.run(main())


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


def between_threads(make: Callable[[int], Blocked], maxsize: int, pairs: int) -> float:
    both, each = make(maxsize), COUNT // pairs
    works: list[Callable[[], object]] = [lambda: put_all(both, each), lambda: get_all(both, each)]
    return in_threads(*works * pairs)


def between_loops(make: Make, maxsize: int) -> float:
    both = make(maxsize)
    return in_threads(lambda: asyncio.run(aput_all(both.async_q)), lambda: asyncio.run(aget_all(both.async_q)))


def alone(make: Callable[[], Awaited]) -> float:
    async def main() -> float:
        both = make()
        start = perf_counter()
        for item in range(COUNT):
            await both.put(item)
            await both.get()
        return perf_counter() - start

    return asyncio.run(main())


def installed() -> dict[str, Make]:
    """Return those of the peers that are installed."""
    found: dict[str, Make] = {}
    for name in ("janus", "culsans"):
        try:
            made: Make = import_module(name).Queue
        except ImportError:
            continue
        found[name] = made
    return found


def row(title: str, subjects: Mapping[str, Callable[[], float]]) -> None:
    """Measure and print one line."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(ROUNDS):
        for name, measure in subjects.items():
            taken[name].append(measure())
    ours = median(taken.pop(OURS))
    ratios = ", ".join(f"{name} {median(each) / ours:.2f}" for name, each in taken.items())
    print(f"{title:28} {ours / COUNT * 1e9:7,.0f} ns an item; times as long: {ratios}", flush=True)


def main() -> int:
    peers = installed()
    both: dict[str, Make] = {OURS: Ours, **peers}
    makes: dict[str, Make] = {**both, "run_coroutine_threadsafe": Marshalled}
    for to_task, title in ((True, "thread to task"), (False, "task to thread")):
        for maxsize in (1, 10, 100, 1000, 0):
            measures = {name: partial(with_loop, make, maxsize, to_task=to_task) for name, make in makes.items()}
            row(f"{title}, {maxsize or 'unbounded'}", measures)
    threads: dict[str, Callable[[int], Blocked]] = {OURS: blocking, "queue.Queue": queue.Queue[int]}
    for pairs in (1, 4):
        for maxsize in (1, 10, 100, 0):
            measures = {name: partial(between_threads, make, maxsize, pairs) for name, make in threads.items()}
            row(f"{pairs} to {pairs} threads, {maxsize or 'unbounded'}", measures)
    loops = {name: make for name, make in both.items() if name != "janus"}  # which refuses a second loop
    for maxsize in (1, 100, 0):
        measures = {name: partial(between_loops, make, maxsize) for name, make in loops.items()}
        row(f"loop to loop, {maxsize or 'unbounded'}", measures)
    tasks: dict[str, Callable[[], Awaited]] = {OURS: ThreadChannel[int], STDLIB: asyncio.Queue[int]}
    row("put, get, nobody waits", {name: partial(alone, make) for name, make in tasks.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
