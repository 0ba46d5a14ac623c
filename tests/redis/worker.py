"""A process of its own, for tests that kill one: python -m tests.redis.worker DOING URL NAME [COUNT]."""

import asyncio
import sys

from aiochannel.redis import RemoteChannel, connect


async def consume(channel: RemoteChannel[int], _: int) -> None:
    """Receive items, and say each before it is acknowledged."""
    async with channel.receiver() as rx:
        async for item in rx:
            print(item, flush=True)
            await asyncio.sleep(0.002)


async def hold(channel: RemoteChannel[int], _: int) -> None:
    """Receive one item, and never be done with it."""
    async with channel.receiver() as rx:
        print(await rx.get(), flush=True)
        await asyncio.sleep(1000)


async def produce(channel: RemoteChannel[int], count: int) -> None:
    """Put items."""
    async with channel.sender() as tx:
        for item in range(count):
            await tx.put(item)


async def main() -> None:
    doing, url, name, *count = sys.argv[1:]
    async with connect(url) as hub:
        channel = await hub.existing(name, int)
        await {"consume": consume, "hold": hold, "produce": produce}[doing](channel, int(*count))


if __name__ == "__main__":
    asyncio.run(main())
