"""Threads and tasks of two loops that put and get as fast as they can, time out, are cancelled, and come to an end."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from aiochannel import ChannelClosed, ThreadChannel, select

Item = tuple[str, int]
PATIENCE = 60.0
"""A thread that has not ended after so many seconds hangs."""


class Stress(NamedTuple):
    items: int
    gave_up: int
    """Calls that ran out of time, or were cancelled."""
    faults: tuple[str, ...]


class Party:
    """One producer or consumer, and what it has put for sure and got."""

    def __init__(self, name: str, channel: ThreadChannel[Item]) -> None:
        self.name = name
        self.channel = channel
        self.chance = random.Random(name)
        self.put: list[Item] = []
        self.got: list[Item] = []
        self.gave_up = 0
        self.failed: BaseException | None = None

    def wait(self) -> float:
        return self.chance.choice((0.0, 1e-4, 1e-3, 1.0))

    def guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ChannelClosed:
            pass
        except BaseException as error:
            self.failed = error

    def produce_in_thread(self) -> None:
        tx = self.channel.blocking.sender
        for number in range(1 << 30):
            try:
                tx.put((self.name, number), self.wait())
            except TimeoutError:
                self.gave_up += 1
            else:
                self.put.append((self.name, number))

    def consume_in_thread(self) -> None:
        rx = self.channel.blocking
        while True:
            try:
                if self.chance.random() < 0.5:
                    self.got.append(rx.get(self.wait()))
                else:
                    self.got += rx.get_many(3, self.wait(), within=self.chance.choice((None, 0, 1e-4)))
            except TimeoutError:
                self.gave_up += 1

    async def produce(self) -> None:
        tx = self.channel.sender
        for number in range(1 << 30):
            try:
                async with asyncio.timeout(self.wait()):
                    if number % 2:
                        await tx.put((self.name, number))
                    else:
                        await select(tx.on_put((self.name, number)))
                    self.put.append((self.name, number))
            except TimeoutError:
                self.gave_up += 1

    async def consume(self) -> None:
        rx = self.channel.receiver
        while True:
            kind = self.chance.randrange(3)
            try:
                async with asyncio.timeout(self.wait()):
                    if kind == 0:
                        self.got.append(await rx.get())
                    elif kind == 1:
                        self.got.append((await select(rx.on_get()))[1])
                    else:
                        self.got += await rx.get_many(3, within=self.chance.choice((None, 0, 1e-4)))
            except TimeoutError:
                self.gave_up += 1


def stress(maxsize: int, seconds: float) -> Stress:
    """Run 2 and 2 threads, and 2 and 2 tasks in each of two loops, for so long; -1 is a rendezvous."""
    channel: ThreadChannel[Item] = ThreadChannel.rendezvous() if maxsize < 0 else ThreadChannel(maxsize)
    parties = [
        Party(name, channel) for name in ("p1", "p2", "c1", "c2", "A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4")
    ]
    p1, p2, c1, c2, *tasks = parties
    works: list[Callable[[], None]] = [
        *[lambda p=party: p.guarded(p.produce_in_thread) for party in (p1, p2)],
        *[lambda c=party: c.guarded(c.consume_in_thread) for party in (c1, c2)],
        lambda: _loop(tasks[:4]),
        lambda: _loop(tasks[4:]),
    ]
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    channel.close()
    for thread in threads:
        thread.join(PATIENCE)
    faults = [f"{thread.name} hangs" for thread in threads if thread.is_alive()]
    faults += [f"{party.name} failed: {party.failed!r}" for party in parties if party.failed is not None]
    faults += compare(parties, list(channel))
    return Stress(sum(len(party.got) for party in parties), sum(party.gave_up for party in parties), tuple(faults))


def _loop(parties: list[Party]) -> None:
    async def main() -> None:
        p1, p2, c1, c2 = parties
        works = (p1.produce(), p2.produce(), c1.consume(), c2.consume())
        for party, ended in zip(parties, await asyncio.gather(*works, return_exceptions=True), strict=True):
            if not isinstance(ended, ChannelClosed):
                party.failed = ended

    asyncio.run(main())


def compare(parties: list[Party], left: list[Item]) -> list[str]:
    """Return what was lost, doubled, invented or reordered."""
    put = {item for party in parties for item in party.put}
    got = [item for party in parties for item in party.got]
    faults = [f"{len(got) - len(set(got))} items were received twice"] if len(set(got)) < len(got) else []
    if lost := put.difference(got):
        faults.append(f"{len(lost)} items were accepted and are lost, such as {min(lost)}")
    if invented := set(got) - put:
        faults.append(f"{len(invented)} items were received and never accepted, such as {min(invented)}")
    if left:
        faults.append(f"{len(left)} items are in a drained channel")
    for party in parties:
        newest: dict[str, int] = {}
        for producer, number in party.got:
            if number < newest.get(producer, -1):
                faults.append(f"{party.name} got item {number} of {producer} after {newest[producer]}")
                break
            newest[producer] = number
    return faults
