"""Moments: what a task waits for without taking anything, by itself or in a select, such as the close of a channel."""

from abc import abstractmethod
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from typing import Generic, TypeVar, final

from aiochannel._core.closing import Closable
from aiochannel._core.machine import Machine
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.waiters import NOBODY, Selection, Waiter, WaitQueue

T = TypeVar("T")
U = TypeVar("U")


class Moment(Side[None]):
    """A case that can go ahead once it has come. It has never ended: it may have come long ago."""

    __slots__ = ()

    @abstractmethod
    def has_come(self) -> bool:
        """Return whether it has come."""

    @abstractmethod
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        """Return the wait queue that is woken when it comes, for a task of this loop."""

    async def wait(self) -> None:
        """Wait until it has come. A call that is cancelled leaves nothing behind."""
        if self.has_come():
            return
        loop = get_running_loop()  # asyncio's; trio has channels of its own
        waiter: Waiter = Future()
        queue = NOBODY
        try:
            queue = self.queue_in(loop)
            queue.append(waiter)
            if self.has_come():  # a signal handler has run since the look
                queue.wake_all()
            await waiter
        except BaseException:
            if not waiter.done() or waiter.cancelled():
                try:
                    queue.discard(waiter)
                except BaseException:  # raised by a signal handler
                    queue.discard(waiter)
                    raise
            raise

    @override
    def ended(self) -> bool:
        return False

    @override
    def hindrance(self) -> Blocked | None:
        return None if self.has_come() else BLOCKED

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        if not self.has_come():
            return BLOCKED
        return SPENT if Idle.passes() else None

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        queue = self.queue_in(selection.loop)
        selection.enter(queue, position)
        if self.has_come():  # a signal handler has run since the attempt
            queue.wake_all()

    @override
    def complete(self, selection: Selection, /) -> None:
        """Nothing is taken."""

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing was given."""

    @override
    def map(self, fn: Callable[[None], U], /) -> Operation[U]:
        return Mapped(self, fn)


@final
class Closed(Moment):
    """It comes when something is closed."""

    __slots__ = ("_closable",)

    def __init__(self, closable: Closable) -> None:
        self._closable = closable

    @override
    def has_come(self) -> bool:
        return self._closable._closed

    @override
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        return self._closable._closers_in(loop)


@final
class Drained(Moment, Generic[T]):
    """It comes when a machine is closed and drained."""

    __slots__ = ("_machine",)

    def __init__(self, machine: Machine[T]) -> None:
        self._machine = machine

    @override
    def has_come(self) -> bool:
        return self._machine._is_drained()

    @override
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        return self._machine._joiners_in(loop)
