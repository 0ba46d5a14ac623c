"""What a waiter costs, at several numbers of waiters: the cost of each should not depend on how many there are."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from time import process_time_ns as now
from typing import Final

from benchmarks.running import PER_WAITER, Workload, over
from tools.peers import COROUTINES, FUTURES, HANDLES, TRIO, UNBOUNDED, Peer, offered

ORDERS: Final = ("in order", "reversed", "shuffled")


class TooManyError(Exception):
    """The peer does not let so many wait."""


async def waiters(peer: Peer, count: int, what: str, order: str = "in order") -> float:
    """Let tasks wait in get, then end their waiting, and measure until the last of them has ended.

    A timeout is measured from the moment when the deadline of each is found to have passed.
    """
    ends = peer.make(UNBOUNDED)
    get = offered(ends.get)
    offered({"close": ends.close, "wake": ends.put_nowait}.get(what, get))  # before any task waits
    scopes: list[asyncio.Timeout] = []

    async def wait() -> None:
        await get()

    async def expire() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as scope:
                scopes.append(scope)
                await get()

    tasks = [asyncio.create_task(expire() if what == "timeout" else wait()) for _ in range(count)]
    for _ in range(3):  # a peer may take more than one step until it waits
        await asyncio.sleep(0)
    if any(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise TooManyError
    places = list(range(count))[:: -1 if order == "reversed" else 1]
    if order == "shuffled":
        Random(1).shuffle(places)
    going = [tasks[place] for place in places]
    late = [scopes[place] for place in places if scopes]
    passed = asyncio.get_running_loop().time()
    start = now()
    match what:
        case "cancel":
            for task in going:
                task.cancel()
        case "timeout":
            for scope in late:
                scope.reschedule(passed)
        case "close":
            offered(ends.close)()
        case _:
            put = offered(ends.put_nowait)
            for item in range(count):
                put(item)
    while not all(task.done() for task in reversed(tasks)):  # noqa: ASYNC110  # no event costs less
        await asyncio.sleep(0)
    cost = (now() - start) / count
    await asyncio.gather(*tasks, return_exceptions=True)
    return cost


def per_waiter(peers: Sequence[Peer], sizes: Sequence[int]) -> list[Workload]:
    peers = [peer for peer in peers if peer.name not in {TRIO, HANDLES, COROUTINES}]
    closable = [peer for peer in peers if peer.name != FUTURES]
    found: list[Workload] = []
    for size in sizes:
        runs = {"close": over(closable, waiters, size, "close"), "wake": over(peers, waiters, size, "wake")}
        for order in ORDERS:
            runs |= {f"{what}, {order}": over(peers, waiters, size, what, order) for what in ("cancel", "timeout")}
        found += [Workload(f"{name}: {size:,}", each, PER_WAITER, 4_000 / size) for name, each in runs.items()]
    return found
