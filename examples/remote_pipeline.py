"""The pipeline of the README, in two terminals: its functions, unchanged, over a Redis or Valkey server.

    python examples/remote_pipeline.py measure                     # waits for words
    python examples/remote_pipeline.py produce                     # in another terminal, or on another machine

Each takes --url, redis://localhost:6379 by default. It does not matter which one is started first. The channel is
deleted when its words are measured, so the program can be run again. It needs aiochannel[redis].
"""

import argparse
import asyncio

from aiochannel import Receiver, Sender
from aiochannel.redis import connect


async def produce(words: Sender[str]) -> None:
    for word in ("typed", "closable", "channels"):
        await words.put(word)  # waits while the channel is full
    words.close()


async def measure(words: Receiver[str]) -> None:
    async for word in words:  # ends when the channel is closed and drained
        print(len(word))


async def main(part: str, url: str) -> None:
    async with connect(url) as hub:
        words = await hub.channel("words", str, maxsize=1)
        if part == "produce":
            async with words.sender() as words_tx:
                await produce(words_tx)
        else:
            async with words.receiver() as words_rx:
                await measure(words_rx)
            await words.delete()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="remote_pipeline", description="Send words between two processes.")
    parser.add_argument("part", choices=["produce", "measure"])
    parser.add_argument("--url", default="redis://localhost:6379")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.part, arguments.url))
