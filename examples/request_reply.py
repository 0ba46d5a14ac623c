"""A server that answers requests: each request brings the sending side of the channel for its reply.

python examples/request_reply.py
"""

import asyncio
from dataclasses import dataclass

from aiochannel import Channel, ChannelClosed, Receiver, Sender


@dataclass(frozen=True)
class Request:
    """A word to count."""

    word: str


@dataclass(frozen=True)
class Reply:
    """How often the server has seen the word, this time included."""

    count: int


async def serve(requests: Receiver[tuple[Request, Sender[Reply]]]) -> None:
    """Answer until the requests end. The counts belong to this task alone, and so need no lock."""
    counts: dict[str, int] = {}
    async for request, replies in requests:
        counts[request.word] = counts.get(request.word, 0) + 1
        try:
            replies.put_nowait(Reply(counts[request.word]))
        except ChannelClosed:
            print(f"nobody waits for {request.word!r} any more")


async def ask(requests: Sender[tuple[Request, Sender[Reply]]], word: str) -> int:
    """Send a request and wait for its reply; close the reply's channel if the caller gives up."""
    reply: Channel[Reply] = Channel(1)
    try:
        await requests.put((Request(word), reply.sender))
        return (await reply.get()).count
    finally:
        reply.close()


async def main() -> None:
    """Ask three times, and give up on a fourth answer before it comes."""
    requests: Channel[tuple[Request, Sender[Reply]]] = Channel(10)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(requests.receiver))
        with requests.open_sender() as tx:
            for word in ("spam", "eggs", "spam"):
                print(word, await ask(tx, word))
            given_up: Channel[Reply] = Channel(1)
            await tx.put((Request("ham"), given_up.sender))
            given_up.close()


if __name__ == "__main__":
    asyncio.run(main())
