"""A server that answers calls, and owns its state without a lock.

python examples/request_reply.py
"""

import asyncio

from aiochannel import Call, Channel, Receiver, call


async def serve(calls: Receiver[Call[str, int]]) -> None:
    """Answer how often each word was asked for, this time included, until the calls end."""
    counts: dict[str, int] = {}
    async for each in calls:
        with each:
            counts[each.request] = counts.get(each.request, 0) + 1
            if not each.reply(counts[each.request]):
                print(f"nobody waits for {each.request!r} any more")


async def main() -> None:
    """Ask three times, and give up on a fourth answer before it comes."""
    calls: Channel[Call[str, int]] = Channel(10)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(calls.receiver))
        with calls.open_sender() as tx:
            for word in ("spam", "eggs", "spam"):
                print(word, await call(tx, word))
            given_up = group.create_task(call(tx, "ham"))
            await asyncio.sleep(0)  # it has put its call
            given_up.cancel()


if __name__ == "__main__":
    asyncio.run(main())
