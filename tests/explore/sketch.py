"""A small channel of its own, right and in a dozen wrong ways: what the explorer must tell apart."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull


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
        self.gets: dict[asyncio.Future[None], str] = {}
        self.puts: dict[asyncio.Future[None], str] = {}
        self.joins: dict[asyncio.Future[None], str] = {}
        self.is_closed = False
        self.cause: BaseException | None = None

    def count(self, line: dict[asyncio.Future[None], str], state: str) -> int:
        return list(line.values()).count(state)

    def unpromised(self) -> int:
        return len(self.items) - self.count(self.gets, "promised")

    def has_room(self) -> bool:
        return len(self.items) + self.count(self.puts, "granted") < self.size + len(self.gets)

    def wake(self, line: dict[asyncio.Future[None], str], state: str) -> bool:
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
        if self.is_closed and not self.items:
            while self.wake(self.gets, "told") or self.wake(self.joins, "told"):
                pass

    async def wait(self, line: dict[asyncio.Future[None], str]) -> None:
        waiter = asyncio.get_running_loop().create_future()
        line[waiter] = ""
        self.settle()
        try:
            await waiter
        except BaseException:
            del line[waiter]
            self.settle()
            raise
        del line[waiter]

    def refuse(self) -> ChannelClosed:
        error = ChannelClosed("closed")
        error.__cause__ = self.cause
        return error

    def append(self, item: str) -> None:
        if self.is_closed:
            raise self.refuse()
        self.items.append(item)
        self.settle()

    def take(self) -> str:
        if not self.items:
            raise self.refuse()
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
        if self.unpromised() <= 0 and not (self.is_closed and not self.items):
            await self.wait(self.gets)
        return self.take()

    def get_nowait(self) -> str:
        if self.unpromised() <= 0 and not (self.is_closed and not self.items):
            raise ChannelEmpty
        return self.take()

    def close(self, cause: BaseException | None = None) -> bool:
        if self.is_closed:
            return False
        self.is_closed, self.cause = True, cause
        self.settle()
        return True

    async def join(self) -> None:
        if not (self.is_closed and not self.items):
            await self.wait(self.joins)

    def qsize(self) -> int:
        return self.unpromised()

    def empty(self) -> bool:
        return self.unpromised() <= 0

    def full(self) -> bool:
        return not self.has_room()

    def closed(self) -> bool:
        return self.is_closed

    def statistics(self) -> SketchStatistics:
        puts, gets = self.count(self.puts, ""), self.count(self.gets, "")
        return SketchStatistics(self.qsize(), puts, gets, 0, 0, self.is_closed)


Make = Callable[[int], Sketch]
