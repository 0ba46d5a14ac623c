"""Bytes for each channel, waiter and buffered item, as Python's own allocator counts them."""

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from resource import getpagesize
from time import process_time_ns as now
from typing import Final

from benchmarks.running import BYTES, Workload, over
from tools.peers import COROUTINES, HANDLES, TRIO, UNBOUNDED, Peer, offered, ours, stdlib

IDLE: Final = "idle channel"
MILLION: Final = ("GB", "seconds to make", "seconds to drop")


async def _bytes(count: int, make: Callable[[], Awaitable[object]], *, steps: int = 0) -> float:
    """Measure what `make` leaves behind, after so many steps of the event loop."""

    def in_use() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    kept: list[object] = [None] * count
    tracemalloc.start()
    before = in_use()
    for number in range(count):
        kept[number] = await make()
    for _ in range(steps):
        await asyncio.sleep(0)
    used = in_use() - before
    tracemalloc.stop()
    for task in kept:
        if isinstance(task, asyncio.Task):
            task.cancel()
    if steps:
        await asyncio.sleep(0)
    return round(used / count)


async def idle(peer: Peer, count: int) -> float:
    async def make() -> object:
        return peer.create(10)

    await make()  # what is made once for all
    return await _bytes(count, make)


async def waiter(peer: Peer, count: int) -> float:
    get = offered(peer.make(UNBOUNDED).get)

    async def wait() -> None:
        await get()

    async def make() -> object:
        return asyncio.create_task(wait())

    return await _bytes(count, make, steps=3)


async def item(peer: Peer, count: int) -> float:
    put = offered(peer.make(UNBOUNDED).put)
    return await _bytes(count, lambda: put(1))


async def million(peer: Peer, figure: str) -> float:
    """Return one of the figures of 1,000,000 channels, in resident memory."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()

    before, start = resident(), now()
    made = [peer.create(10) for _ in range(1_000_000)]
    used, full = resident() - before, now()
    del made
    return {MILLION[0]: used / 1e9, MILLION[1]: (full - start) / 1e9, MILLION[2]: (now() - full) / 1e9}[figure]


def memory(peers: Sequence[Peer]) -> list[Workload]:
    channels = [peer for peer in peers if not peer.name.startswith("limit")]
    waiting = [peer for peer in peers if peer.name not in {TRIO, HANDLES, COROUTINES}]
    buffering = [peer for peer in channels if peer.name != HANDLES]
    return [
        Workload(IDLE, over(channels, idle, 1_000), BYTES, 0),
        Workload("task that waits in get", over(waiting, waiter, 1_000), BYTES, 0),
        Workload("buffered item", over(buffering, item, 10_000), BYTES, 0),
    ]


def millions() -> list[Workload]:
    return [
        Workload(f"1,000,000 channels, {figure}", over([ours(), stdlib()], million, figure), figure, 0)
        for figure in MILLION
    ]
