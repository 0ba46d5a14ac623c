"""Programs at random over one channel: processes that put, withdraw, are cancelled, fail, and lose their connections.

What every call was told is noted, and compared with what was received in the end.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from random import Random

from aiochannel import ChannelClosed, ChannelFull, otherwise, select
from aiochannel.remote import RemoteReceiver, RemoteSender, Undelivered
from aiochannel.testing import run
from tests.remote.world import World


class Failed(Exception):  # what a worker does, on purpose
    """A worker has failed."""


class Program:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.stored: set[int] = set()
        """Items whose puts have returned."""
        self.never: set[int] = set()
        """Items that are not stored: so a call has said."""
        self.received: Counter[int] = Counter()
        """How often each was received by a worker that did not fail with it."""
        self.seen: dict[int, list[int]] = {}
        """The items of each sender, in the order in which they were first given to a worker."""
        self.faulty = False
        self.numbers = iter(range(10**6))
        self.world = World()

    async def main(self) -> None:
        maxsize = self.chance.choice([0, 1, 2, 5])
        senders, workers = self.chance.randint(1, 3), self.chance.randint(1, 3)
        channels = [await self.world.channel(maxsize, tries=999, lease=9) for _ in range(senders + workers + 1)]
        self.faulty = self.chance.random() < 0.7
        if self.faulty:
            rate = self.chance.choice([0.02, 0.1, 0.3])
            kinds = ["request", "reply", "stale"]
            self.world.lose_always(self.chance.choice(kinds) if self.chance.random() < rate else "" for _ in range(500))
        working = [asyncio.create_task(self.work(channel.receiver())) for channel in channels[:workers]]
        sending = [asyncio.create_task(self.send(channel.sender())) for channel in channels[workers:-1]]
        if self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.random())
            await channels[-1].close(EOFError())
        await asyncio.gather(*sending)
        await channels[-1].close()
        await asyncio.gather(*working)
        await channels[-1].join()
        self.judge(await channels[-1].size())
        for broker in self.world.brokers:
            broker.faults = iter(())
        await self.world.stack.aclose()

    def judge(self, rest: int) -> None:
        received = set(self.received)
        assert not rest, f"{rest} items are left"
        assert not self.stored - received, f"lost: {self.stored - received}"
        assert not self.never & received, f"received, and said not to be stored: {self.never & received}"
        if not self.faulty:
            assert {1} >= set(self.received.values()), f"received twice: {self.received.most_common(3)}"

    # Senders

    async def send(self, tx: RemoteSender[int]) -> None:
        with suppress(ChannelClosed):
            for _ in range(self.chance.randint(1, 12)):
                await self.put(tx, self.chance.randrange(8))
                if self.chance.random() < 0.3:
                    await asyncio.sleep(self.chance.random() / 20)
        try:
            await tx.flush()
        except Undelivered as undelivered:
            self.never.update(item for item in undelivered.items if isinstance(item, int))
            for item in undelivered.items:
                self.stored.discard(item) if isinstance(item, int) else None

    async def put(self, tx: RemoteSender[int], way: int) -> None:
        item = next(self.numbers)
        try:
            if way <= 2:
                await tx.put(item)
            elif way == 3:
                async with asyncio.timeout(self.chance.random() / 10):
                    await tx.put(item)
            elif way == 4:
                batch = [item, *(next(self.numbers) for _ in range(3))]
                await tx.put_many(batch)
                self.stored.update(batch)
            elif way == 5:
                tx.put_nowait(item)
            elif way == 6:
                submission = tx.submit(item)
                await asyncio.sleep(self.chance.choice([0, self.chance.random() / 10]))
                if await submission.withdraw():
                    self.never.add(item)
                    return
            else:
                position, _ = await select(tx.on_put(item), otherwise())
                if position == 1:
                    self.never.add(item)
                    return
        except (TimeoutError, ChannelFull):
            return
        except ChannelClosed:
            if way != 4:
                self.never.add(item)
            raise
        self.stored.add(item)

    # Receivers

    async def work(self, rx: RemoteReceiver[int]) -> None:
        while True:
            ended = asyncio.create_task(self.some(rx))
            with suppress(Failed):
                await ended
                return

    async def some(self, rx: RemoteReceiver[int]) -> None:
        """Receive until the channel is drained, or fail."""
        while True:
            try:
                items = await self.get(rx)
            except ChannelClosed:
                return
            except TimeoutError:
                continue
            if self.chance.random() < 0.3:
                await asyncio.sleep(self.chance.random() / 20)
            if items and self.chance.random() < 0.1:
                raise Failed
            self.received.update(items)

    async def get(self, rx: RemoteReceiver[int]) -> list[int]:
        match self.chance.randrange(6):
            case 0:
                return list(await rx.get_many(3, within=self.chance.random() / 10))
            case 1:
                _, item = await select(rx.on_get())
                return [item]
            case 2:
                async with asyncio.timeout(self.chance.random() / 20):
                    return [await rx.get()]
            case 3:
                async with rx.receive() as delivery:
                    await asyncio.sleep(self.chance.random() / 50)
                    if self.chance.random() < 0.1:
                        raise Failed
                self.received[delivery.item] += 1
                return []
            case _:
                return [await rx.get()]


def play(seed: int) -> None:
    """Run a program, and see that nothing is lost, invented, or received twice without a fault."""
    run(Program(seed).main())
