"""A small channel of its own, right and with five faults: what the explorer must tell apart.

The faults show that a run is played, recorded and judged; test_checks.py holds each check to a record made by hand.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from typing_extensions import override

from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull

Waiter = asyncio.Future[None]


class SketchStatistics(NamedTuple):
    qsize: int
    waiting_senders: int
    waiting_receivers: int
    open_senders: int
    open_receivers: int
    closed: bool


class Sketch:
    """Put, get, close and join of the contract, written for reading and without regard to speed."""

    def __init__(self, maxsize: int = 0) -> None:
        self.size = maxsize or math.inf
        self.items: deque[str] = deque()
        self.gets: dict[Waiter, str] = {}  # who waits, and what woke it: promised, granted or told
        self.puts: dict[Waiter, str] = {}
        self.joins: dict[Waiter, str] = {}
        self.is_closed = False

    def count(self, line: dict[Waiter, str], state: str) -> int:
        return list(line.values()).count(state)

    def unpromised(self) -> int:
        return len(self.items) - self.count(self.gets, "promised")

    def has_room(self) -> bool:
        return len(self.items) + self.count(self.puts, "granted") < self.size + len(self.gets)

    def drained(self) -> bool:
        return self.is_closed and not self.items

    def wake(self, line: dict[Waiter, str], state: str) -> bool:
        for waiter in line:
            if not waiter.done():
                line[waiter] = state
                waiter.set_result(None)
                return True
        return False

    def settle(self) -> None:
        while self.unpromised() > 0 and self.wake(self.gets, "promised"):
            pass
        while (self.is_closed or self.has_room()) and self.wake(self.puts, "granted"):
            pass
        while self.drained() and (self.wake(self.gets, "told") or self.wake(self.joins, "told")):
            pass

    async def wait(self, line: dict[Waiter, str]) -> str:
        waiter = asyncio.get_running_loop().create_future()
        line[waiter] = ""
        self.settle()
        try:
            await waiter
        except BaseException:
            self.give_up(line, waiter)
            raise
        return line.pop(waiter)

    def give_up(self, line: dict[Waiter, str], waiter: Waiter) -> None:
        del line[waiter]
        self.settle()

    def append(self, item: str) -> None:
        if self.is_closed:
            raise ChannelClosed("closed")
        self.items.append(item)
        self.settle()

    def take(self) -> str:
        if not self.items:
            raise ChannelClosed("closed")
        item = self.items.popleft()
        self.settle()
        return item

    async def put(self, item: str) -> None:
        if not self.is_closed and not self.has_room():
            await self.wait(self.puts)
        self.append(item)

    def put_nowait(self, item: str) -> None:
        if not self.is_closed and not self.has_room():
            raise ChannelFull
        self.append(item)

    async def put_many(self, items: Iterable[str]) -> None:
        for item in items:
            await self.put(item)

    async def get(self) -> str:
        if self.unpromised() <= 0 and not self.drained() and await self.wait(self.gets) == "told":
            raise ChannelClosed("closed")
        return self.take()

    def get_nowait(self) -> str:
        if self.unpromised() <= 0 and not self.drained():
            raise ChannelEmpty
        return self.take()

    def close(self, cause: BaseException | None = None) -> bool:
        assert cause is None
        closes, self.is_closed = not self.is_closed, True
        self.settle()
        return closes

    async def join(self) -> None:
        if not self.drained():
            await self.wait(self.joins)

    def qsize(self) -> int:
        return self.unpromised()

    def empty(self) -> bool:
        return self.unpromised() <= 0

    def full(self) -> bool:
        return not self.has_room()

    def statistics(self) -> SketchStatistics:
        puts, gets = self.count(self.puts, ""), self.count(self.gets, "")
        return SketchStatistics(self.qsize(), puts, gets, 0, 0, self.is_closed)


class ForgetsPromise(Sketch):
    """A cancelled get keeps the promise it held."""

    @override
    def give_up(self, line: dict[Waiter, str], waiter: Waiter) -> None:
        if line[waiter] != "promised":
            super().give_up(line, waiter)


class ForgetsGrant(Sketch):
    """A cancelled put does not pass its slot on."""

    @override
    def give_up(self, line: dict[Waiter, str], waiter: Waiter) -> None:
        if line.pop(waiter) != "granted":
            self.settle()


class Barges(Sketch):
    """A newcomer may take a slot that is granted."""

    @override
    def has_room(self) -> bool:
        return len(self.items) < self.size + len(self.gets)


class ForgetsRoom(Sketch):
    """A get that begins to wait is room, and the sender that waits for it is not woken."""

    asleep = False

    @override
    async def wait(self, line: dict[Waiter, str]) -> str:
        self.asleep = line is self.gets
        return await super().wait(line)

    @override
    def settle(self) -> None:
        if not self.asleep:
            super().settle()
        self.asleep = False


class Leaks(Sketch):
    """A channel that once had a waiter refers to itself, and leaves an exception in a future that nobody awaits."""

    @override
    async def wait(self, line: dict[Waiter, str]) -> str:
        self.wake_later = self.settle
        unheard = asyncio.get_running_loop().create_future()
        unheard.set_exception(ChannelClosed("closed"))
        return await super().wait(line)
