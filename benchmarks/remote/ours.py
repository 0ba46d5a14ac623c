"""The ends of this package, as a program uses them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiochannel import ChannelFull
from aiochannel.redis import RemoteChannel, connect
from benchmarks.remote.plans import NAME, Plan, PutSide, Ready, Seen

OUTBOX = 1_024


@asynccontextmanager
async def channel(plan: Plan, name: str = NAME) -> AsyncIterator[RemoteChannel[str]]:
    async with connect(plan.url) as hub:
        yield await hub.channel(name, str, maxsize=plan.maxsize)


@asynccontextmanager
async def putting(plan: Plan) -> AsyncIterator[PutSide]:
    async with channel(plan) as jobs, jobs.sender(outbox=OUTBOX) as tx:
        yield PutSide(tx.put, tx.put_many, tx.put_nowait, tx.flush)


async def taking(plan: Plan, seen: Seen, ready: Ready) -> None:
    pause = plan.pause
    async with channel(plan) as jobs, jobs.receiver() as rx:
        ready()
        async for item in rx:
            if pause:
                await asyncio.sleep(pause)
            seen(item)


async def all_nowait(side: PutSide, item: str, count: int) -> None:
    """Put so many items without waiting; when the outbox is full, wait until it is empty."""
    put, flush = side.put_nowait, side.flush
    assert put is not None
    assert flush is not None
    for _ in range(count):
        try:
            put(item)
        except ChannelFull:
            await flush()
            put(item)
    await flush()
