"""A rate limiter, after "Go by Example": a token every interval, and a bucket that lets a burst through.

python examples/rate_limit.py
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiochannel import Channel, ChannelClosed, Receiver, otherwise, select, tick

INTERVAL = 0.05


@asynccontextmanager
async def rate(interval: float, burst: int) -> AsyncIterator[Receiver[None]]:
    """Give a receiver that gets `burst` tokens at once and one more every `interval` seconds, never saving up more."""
    tokens: Channel[None] = Channel(burst)
    await tokens.put_many([None] * burst)

    async def refill() -> None:
        async for _ in tick(interval):
            try:
                await select(tokens.on_put(None), otherwise())  # a full bucket stays full
            except ChannelClosed:
                return

    async with asyncio.TaskGroup() as group:
        refilling = group.create_task(refill())
        try:
            yield tokens.receiver
        finally:
            refilling.cancel()


async def main() -> None:
    """Serve seven requests: a burst of three, and then one an interval."""
    now = asyncio.get_running_loop().time
    requests: Channel[int] = Channel()
    await requests.put_many(range(1, 8))
    requests.close()
    async with rate(INTERVAL, burst=3) as tokens:
        start = now()
        async for request in requests:
            await tokens.get()
            print(f"request {request} after {round((now() - start) / INTERVAL)} intervals")


if __name__ == "__main__":
    asyncio.run(main())
