"""The two sides of a channel at a server in this process."""

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aiochannel.remote.broker import Busy, Closed, Drained, Fetched, Receipt, Stored
from aiochannel.remote.errors import LeaseLost
from aiochannel.remote.memory import Code, Items, MemoryChannel, PutReply, TakeReply

if TYPE_CHECKING:
    from aiochannel.remote.memory_broker import MemoryBroker


class MemorySender:
    """A sending end at a server in this process: a SenderPort."""

    def __init__(self, broker: "MemoryBroker", name: str, sender: str) -> None:
        self.sender: str = sender
        self.name: str = name
        self.stored: int = 0
        """The number of the last item that was told to be stored."""
        self._broker = broker
        self._base = self._known = self._count = 0
        self._withdrawn: set[int] = set()
        self._told: Callable[[int], object] = int  # nobody asks yet
        self._change: Future[None] | None = None

    async def store(self, items: Sequence[bytes], told: Callable[[int], None], /, *, known: int = 0) -> None:
        """As `SenderPort.store`."""
        if not known:
            self._base = self._known
        self._withdrawn = {index for index in self._withdrawn if index < known}
        self._count, self._told = len(items), told
        first = self._base + 1
        epoch = self._broker.epoch
        while True:
            reply = await self._broker.call_on(self.name, lambda channel: self._put(channel, first, items, epoch))
            if isinstance(reply, str):
                raise Busy(reply)
            if reply.code is Code.GAP:
                raise self._broker.lose(self.name, "has forgotten items that it had stored")
            self.note(reply.stored)
            if reply.code is Code.CLOSED:
                raise Closed(max(0, self.stored - self._base), self._broker.states[self.name].cause)
            self._known = max(self._known, reply.known)
            while not self._broker.state(self.name).closed and not self._is_done():
                self._change = self._broker.pending()
                await self._change
            if self._is_done():
                return

    def _put(self, channel: MemoryChannel, first: int, items: Sequence[bytes], epoch: int) -> PutReply | str:
        return self._broker.server.refusal or channel.put(self.sender, first, items, epoch)

    def _is_done(self) -> bool:
        return all(index in self._withdrawn for index in range(max(0, self.stored - self._base), self._count))

    def note(self, stored: int) -> None:
        """Note how far this sender's items are stored."""
        if stored > self.stored:
            self.stored = stored
            self._told(max(0, stored - self._base))
        self.wake()

    def wake(self) -> None:
        """Let a call that waits look again."""
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    async def resume(self) -> int:
        """As `SenderPort.resume`."""
        epoch = self._broker.epoch
        reply = await self._broker.call_on(self.name, lambda channel: channel.put(self.sender, 1, (), epoch))
        if reply.known < self._base:
            raise self._broker.lose(self.name, "has forgotten items that it had stored")
        self.note(reply.stored)
        self._known = reply.known
        return self._known - self._base

    async def withdraw(self, index: int, /) -> bool:
        """As `SenderPort.withdraw`."""
        number, epoch = self._base + index + 1, self._broker.epoch
        never = await self._broker.call_on(self.name, lambda channel: channel.withdraw(self.sender, number, epoch))
        if never:
            self._withdrawn.add(index)
            self.wake()
        return never

    async def leave(self) -> None:
        """As `SenderPort.leave`."""
        del self._broker.senders[self.sender]
        epoch = self._broker.epoch
        await self._broker.say(self.name, lambda channel: channel.forget_sender(self.sender, epoch))


class MemoryReceiver:
    """A receiving end at a server in this process: a ReceiverPort."""

    def __init__(self, broker: "MemoryBroker", name: str) -> None:
        self.name: str = name
        self.receiver: int = 0
        """Its number at the server; 0: not registered."""
        self._broker = broker
        self._next: Receipt = 1
        self._asked = False
        """Whether it may wait at the server, or hold what it was not told of."""
        self._come: list[Stored] = []
        self._puts_wait = False
        self._arrival: Future[None] | None = None
        self._untold: LeaseLost | None = None

    async def fetch(self, limit: int, size: int, done: Sequence[Receipt], /) -> Fetched:
        """As `ReceiverPort.fetch`."""
        self._check_lease()
        if not self.receiver:
            hub, epoch = self._broker.hub, self._broker.epoch
            self.receiver = await self._broker.call_on(self.name, lambda channel: channel.register(hub, epoch))
        if self._come:
            await self.settle(done)
        else:
            again, self._asked = self._asked, True
            reply = await self._take(limit, size, done, again=again)
            self.accept(Items(self.receiver, self._next, reply.items, reply.puts_wait), self.name)
        while not self._come:
            state = self._broker.state(self.name)
            if state.drained:
                raise Drained(state.cause)
            self._arrival = self._broker.pending()
            await self._arrival
        items, self._come = self._come[:limit], self._come[limit:]
        return Fetched(items, self._puts_wait)

    async def _take(self, limit: int, size: int, done: Sequence[Receipt], *, again: bool = False) -> TakeReply:
        receiver, first, epoch = self.receiver, self._next, self._broker.epoch
        reply = await self._broker.call_on(
            self.name, lambda channel: channel.take(receiver, first, limit, size, done, epoch, again=again)
        )
        if reply.code is Code.NO_LEASE:
            raise self.lose(receiver)
        return reply

    def accept(self, push: Items, name: str) -> None:
        """Note items that have come for a receiver of a channel, by a reply, by a push, or by both."""
        fresh = [
            Stored(item.payload, item.sender, item.number, item.attempt, receipt)
            for receipt, item in enumerate(push.items, push.first)
            if receipt >= self._next and push.receiver == self.receiver and name == self.name
        ]
        if fresh:
            self._asked = False
            self._next = fresh[-1].receipt + 1
            self._puts_wait = push.puts_wait
            self._come += fresh
            self.wake()

    def wake(self) -> None:
        """Let a fetch that waits look again."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def lose(self, receiver: int) -> LeaseLost:
        """Note that a lease is lost, tell a fetch that waits, and return the error that says so."""
        error = LeaseLost(f"a receiver of {self._broker.title(self.name)} has lost its lease")
        if receiver == self.receiver:
            self.receiver = 0
            self._come.clear()
            self._asked = False
            if self._arrival is not None and not self._arrival.done():
                self._arrival.set_exception(error)
        return error

    def lose_unasked(self, receiver: int) -> None:
        """Note that a lease is lost; the fetch that waits says so, or else the next call."""
        waits = self._arrival is not None and not self._arrival.done()
        if receiver == self.receiver:
            error = self.lose(receiver)
            self._untold = None if waits else error

    def _check_lease(self) -> None:
        error, self._untold = self._untold, None
        if error is not None:
            raise error

    async def settle(self, done: Sequence[Receipt], /) -> None:
        """As `ReceiverPort.settle`."""
        self._check_lease()
        if self.receiver and done:
            await self._take(0, 0, done)

    async def give_back(self, which: Sequence[Receipt], /, *, count: bool, reason: str, delay: float | None) -> None:
        """As `ReceiverPort.give_back`."""
        self._check_lease()
        receiver, epoch = self.receiver, self._broker.epoch
        code = await self._broker.call_on(
            self.name, lambda channel: channel.back(receiver, which, epoch, count=count, reason=reason, delay=delay)
        )
        if receiver and code is Code.NO_LEASE:
            raise self.lose(receiver)

    async def leave(self) -> None:
        """As `ReceiverPort.leave`."""
        receiver, epoch = self.receiver, self._broker.epoch
        self._broker.receivers.remove(self)
        await self._broker.say(self.name, lambda channel: channel.end_lease(receiver, epoch))
