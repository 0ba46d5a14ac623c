"""A small channel of its own, right and in a dozen wrong ways: what the explorer must tell apart."""

import asyncio
import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from typing_extensions import override

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
        self.hands: list[str] = []
        self.sleepy = False
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

    async def wait(self, line: dict[asyncio.Future[None], str]) -> str:
        waiter = asyncio.get_running_loop().create_future()
        line[waiter] = ""
        self.settle()
        try:
            await waiter
        except BaseException:
            self.give_up(line, waiter)
            raise
        return line.pop(waiter)

    def give_up(self, line: dict[asyncio.Future[None], str], waiter: asyncio.Future[None]) -> None:
        del line[waiter]
        self.settle()

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
            state = await self.wait(self.gets)
            if state == "told":
                raise self.refuse()
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


class ForgetsPromise(Sketch):
    """A cancelled get keeps the promise it held."""

    @override
    def give_up(self, line: dict[asyncio.Future[None], str], waiter: asyncio.Future[None]) -> None:
        if line[waiter] != "promised":
            super().give_up(line, waiter)


class ForgetsGrant(Sketch):
    """A cancelled put does not pass its slot on."""

    @override
    def give_up(self, line: dict[asyncio.Future[None], str], waiter: asyncio.Future[None]) -> None:
        granted = line.pop(waiter) == "granted"
        if not granted:
            self.settle()


class LeavesWaiters(Sketch):
    """A wait that is cancelled leaves its waiter behind."""

    @override
    def give_up(self, line: dict[asyncio.Future[None], str], waiter: asyncio.Future[None]) -> None:
        if line[waiter]:
            super().give_up(line, waiter)


class Barges(Sketch):
    """A newcomer may take a slot that is granted."""

    @override
    def has_room(self) -> bool:
        return len(self.items) < self.size + len(self.gets)


class Robs(Sketch):
    """A newcomer may take an item that is promised, and the woken get waits again: a queue with wake-ups only."""

    @override
    async def get(self) -> str:
        while not self.items and not self.is_closed:
            await self.wait(self.gets)
        return self.take()

    @override
    def get_nowait(self) -> str:
        if not self.items and not self.is_closed:
            raise ChannelEmpty
        return self.take()


class HandsOver(Sketch):
    """The item is in the hands of a woken get, and lost with it."""

    @override
    def wake(self, line: dict[asyncio.Future[None], str], state: str) -> bool:
        woken = super().wake(line, state)
        if woken and state == "promised":
            self.hands.append(self.items.popleft())
        return woken

    @override
    def give_up(self, line: dict[asyncio.Future[None], str], waiter: asyncio.Future[None]) -> None:
        if line[waiter] == "promised":
            self.hands.pop(0)
        super().give_up(line, waiter)

    @override
    def unpromised(self) -> int:
        return len(self.items)

    @override
    def take(self) -> str:
        return self.hands.pop(0) if self.hands else super().take()


class AcceptsAfterClose(Sketch):
    """A granted put does not look again whether the channel has been closed."""

    @override
    async def put(self, item: str) -> None:
        if self.is_closed:
            raise self.refuse()
        if not self.has_room():
            await self.wait(self.puts)
        self.items.append(item)
        self.settle()


class ClosesTooSoon(Sketch):
    """Close tells every waiting get at once, though a promised item may come back."""

    @override
    def close(self, cause: BaseException | None = None) -> bool:
        closed = super().close(cause)
        while self.wake(self.gets, "told"):
            pass
        return closed


class JoinsTooSoon(Sketch):
    """A promised item counts as taken for a join."""

    @override
    def settle(self) -> None:
        super().settle()
        while self.is_closed and self.unpromised() <= 0 and self.wake(self.joins, "told"):
            pass


class ForgetsRoom(Sketch):
    """A get that begins to wait is room, and the sender that waits for it is not told."""

    @override
    async def wait(self, line: dict[asyncio.Future[None], str]) -> str:
        if line is self.gets:
            self.sleepy = True
        return await super().wait(line)

    @override
    def settle(self) -> None:
        if self.sleepy:
            self.sleepy = False
        else:
            super().settle()


class LastComeFirstServed(Sketch):
    """The waiter that came last is woken first."""

    @override
    def wake(self, line: dict[asyncio.Future[None], str], state: str) -> bool:
        for waiter in reversed(line):
            if not waiter.done():
                line[waiter] = state
                waiter.set_result(None)
                return True
        return False


class PutsAnyway(Sketch):
    """A cancelled put has put its item if it had been granted a slot."""

    @override
    async def put(self, item: str) -> None:
        if self.is_closed or self.has_room():
            self.append(item)
            return
        try:
            await self.wait(self.puts)
        finally:
            if len(self.items) < self.size:
                self.append(item)


class StacksItems(Sketch):
    """The youngest item leaves first."""

    @override
    def take(self) -> str:
        self.items.rotate()
        return super().take()


class MissesJoin(Sketch):
    """A join that waits is not told when the last item leaves."""

    @override
    def take(self) -> str:
        joins, self.joins = self.joins, {}
        item = super().take()
        self.joins = joins
        return item


class CountsReceiversTwice(Sketch):
    """Two items may be put for one receiver at hand."""

    @override
    def has_room(self) -> bool:
        return len(self.items) + self.count(self.puts, "granted") < self.size + 2 * len(self.gets)


class Mutters(Sketch):
    """An exception is left in a future that nobody asks."""

    @override
    def close(self, cause: BaseException | None = None) -> bool:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter.set_exception(self.refuse())
        return super().close(cause)


class HoldsOn(Sketch):
    """A channel that once had a waiter refers to itself."""

    @override
    async def wait(self, line: dict[asyncio.Future[None], str]) -> str:
        self.wake_later = self.settle
        return await super().wait(line)
