"""Every subscriber gets every item: a broadcast beside the broadcast of a peer, and beside one queue for each.

The peer drops items where a subscriber is slow, so it is given a limit that is never reached: it is not held to the
maxsize. A list of queues puts one after the other, so a cancelled put has gone to some of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib import import_module
from time import process_time_ns as now
from typing import Final

from aiochannel import Broadcast
from benchmarks.running import Workload
from tools.peers import OURS, Peer

QUEUES: Final = "a list of asyncio.Queues"
PEER: Final = "frequenz-channels"
NUMBERS: Final = (1, 10, 100, 1_000)

Put = Callable[[int], Awaitable[object]]
Get = Callable[[], Awaitable[object]]
Make = Callable[[int, int, int], tuple[Put, list[Get]]]


def heard_by(number: int, maxsize: int) -> str:
    return f"broadcast, maxsize {maxsize}: {number:,} subscribers"


def unread(number: int) -> str:
    return f"broadcast, nobody reads: {number:,} subscribers"


def ours(number: int, maxsize: int, _: int) -> tuple[Put, list[Get]]:
    hub = Broadcast[int](maxsize)
    return hub.put, [hub.subscribe().__enter__().get for _ in range(number)]


def queues(number: int, maxsize: int, _: int) -> tuple[Put, list[Get]]:
    made = [asyncio.Queue[int](maxsize) for _ in range(number)]

    async def put(item: int) -> None:
        for queue in made:
            await queue.put(item)

    return put, [queue.get for queue in made]


def frequenz(number: int, _: int, count: int) -> tuple[Put, list[Get]]:
    hub = import_module("frequenz.channels").Broadcast(name="")
    return hub.new_sender().send, [hub.new_receiver(limit=count + 1).receive for _ in range(number)]


async def stream(make: Make, number: int, maxsize: int, count: int) -> float:
    """Measure one producer, and one consumer for each subscription."""
    put, gets = make(number, maxsize, count)

    async def consume(get: Get) -> None:
        for _ in range(count):
            await get()

    async def produce() -> None:
        for item in range(count):
            await put(item)

    start = now()
    await asyncio.gather(*map(consume, gets), produce())
    return (now() - start) / count / number


async def put_alone(make: Make, number: int, count: int) -> float:
    put, _ = make(number, 0, count)
    start = now()
    for item in range(count):
        await put(item)
    return (now() - start) / count


def broadcasts(peers: Sequence[Peer]) -> list[Workload]:
    makes: dict[str, Make] = {OURS: ours, QUEUES: queues}
    if any(peer.name == PEER for peer in peers):
        makes[PEER] = frequenz
    return [
        *(
            Workload(
                heard_by(number, maxsize),
                {
                    name: partial(stream, make, number, maxsize, max(50, count // number))
                    for name, make in makes.items()
                },
                "ns an item and subscriber",
            )
            for maxsize, count in ((100, 50_000), (1, 10_000))
            for number in NUMBERS
        ),
        *(
            Workload(
                unread(number),
                {name: partial(put_alone, make, number, max(100, 50_000 // number)) for name, make in makes.items()},
                "ns a put",
            )
            for number in NUMBERS
        ),
    ]
