"""A process of the soak: python -m tests.redis.soaker produce|consume URL NAME SEED.

It says on standard output what it does, a line an event, with the items:

    try     these are about to be put
    stored  their put has returned
    never   their put was withdrawn, so nobody may receive them
    got     they were received
    lost    the channel or items of it are lost; the process ends

What was tried and never said to be stored may be received or not. A producer ends when its standard input does, a
consumer when the channel is drained.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count
from random import Random
from threading import Thread

from aiochannel import ChannelClosed, ChannelFull
from aiochannel.redis import ChannelLost, LeaseLost, RemoteChannel, RemoteReceiver, RemoteSender, Undelivered, connect

PATIENCE = 60.0
"""Seconds, far more than any fault of the soak lasts: a call that gives up has failed."""


def say(event: str, items: Sequence[str] = ()) -> None:
    print(event, *items, flush=True)  # a crash loses nothing that was said


class Producer:
    """Puts new items in several ways, until it is told to stop."""

    def __init__(self, tx: RemoteSender[str], random: Random, prefix: str) -> None:
        self.tx = tx
        self.random = random
        self.names = (f"{prefix}-{number}" for number in count())

    def fresh(self, number: int) -> list[str]:
        items = [next(self.names) for _ in range(number)]
        say("try", items)
        return items

    async def may_be_cancelled(self, put: Awaitable[None], items: Sequence[str]) -> None:
        seconds = self.random.choice([None, None, 0.001, 0.01, 0.1])
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await put
            say("stored", items)

    async def one(self) -> None:
        (item,) = self.fresh(1)
        await self.may_be_cancelled(self.tx.put(item), [item])

    async def several(self) -> None:
        items = self.fresh(self.random.randrange(1, 40))
        await self.may_be_cancelled(self.tx.put_many(items), items)

    async def submitted(self) -> None:
        (item,) = self.fresh(1)
        try:
            submission = self.tx.submit(item)
        except ChannelFull:
            say("never", [item])
            return
        await asyncio.sleep(0.01 * self.random.random())
        say("never" if await submission.withdraw() else "stored", [item])

    async def by_outbox(self) -> None:
        accepted = []
        with suppress(ChannelFull):
            while True:
                (item,) = self.fresh(1)
                self.tx.put_nowait(item)
                accepted.append(item)
        say("never", [item])
        await self.tx.flush()
        say("stored", accepted)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.random.choice([self.one, self.one, self.several, self.submitted, self.by_outbox])()
            await asyncio.sleep(0.02 * self.random.random())


class Failure(Exception):
    pass


class Consumer:
    """Receives items in one of several ways, until the channel is drained."""

    def __init__(self, rx: RemoteReceiver[str], random: Random) -> None:
        self.rx = rx
        self.random = random

    async def work(self) -> None:
        await asyncio.sleep(0.004 * self.random.random())

    async def by_iteration(self) -> None:
        async for item in self.rx:
            say("got", [item])
            await self.work()
        raise ChannelClosed

    async def in_little_time(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02 * self.random.random()):
                item = await self.rx.get()
            say("got", [item])
            await self.work()

    async def in_batches(self) -> None:
        say("got", await self.rx.get_many(20, within=0.01))
        await self.work()

    async def failing(self) -> None:
        with suppress(Failure, LeaseLost):
            async with self.rx.receive() as delivery:
                say("got", [delivery.item])
                await self.work()
                if self.random.random() < 0.1:
                    raise Failure

    async def by_delivery(self) -> None:
        async for delivery in self.rx.deliveries():
            say("got", [delivery.item])
            await self.work()
            with suppress(LeaseLost):
                if self.random.random() < 0.1:
                    await delivery.release(0.05)
                else:
                    await delivery.ack()
        raise ChannelClosed

    async def run(self) -> None:
        ways: list[Callable[[], Awaitable[None]]] = [
            self.by_iteration, self.in_little_time, self.in_batches, self.failing, self.by_delivery
        ]  # fmt: skip
        way = self.random.choice(ways)
        with suppress(ChannelClosed):
            while True:
                await way()


async def produce(channel: RemoteChannel[str], random: Random, prefix: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_the_end_of_input() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    Thread(target=wait_for_the_end_of_input, daemon=True).start()
    async with asyncio.TaskGroup() as tasks, channel.sender() as first, channel.sender() as second:
        putting = [
            tasks.create_task(Producer(tx, random, f"{prefix}.{number}").run(stop))
            for number, tx in enumerate([first, first, second])
        ]
        await asyncio.wait(putting)


async def consume(channel: RemoteChannel[str], random: Random) -> None:
    async with channel.receiver() as rx, asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(Consumer(rx, random).run())


async def main() -> None:
    doing, url, name, seed = sys.argv[1:]
    logging.getLogger("aiochannel.remote").setLevel(logging.ERROR)  # leases are lost all the time here
    random = Random(seed)
    try:
        async with connect(url, patience=PATIENCE) as hub:
            channel = await hub.existing(name, str)
            await (produce(channel, random, seed) if doing == "produce" else consume(channel, random))
    except* (ChannelLost, Undelivered):  # the second is what an outbox says then
        say("lost")


if __name__ == "__main__":
    asyncio.run(main())
