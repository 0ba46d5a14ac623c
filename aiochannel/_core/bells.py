"""Bells: what a task waits for without taking anything, such as the close of a channel."""

from abc import abstractmethod
from asyncio import Future, get_running_loop
from collections.abc import Callable
from enum import IntEnum
from typing import Generic, TypeVar, final

from typing_extensions import override

from aiochannel._core.machine import Machine
from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.waiters import NOBODY, Selection, Waiter, WaitQueue

T = TypeVar("T")
U = TypeVar("U")


class Bell(IntEnum):
    """What can be waited for."""

    CLOSED = 0
    DRAINED = 1
    SUBSCRIBED = 2
    UNSUBSCRIBED = 3


class Belled(Machine[T]):
    """A machine with bells. A bell wakes all its waiters, and they take nothing."""

    __slots__ = ("_bells",)

    _bells: list[WaitQueue]

    @abstractmethod
    def _has_rung(self, bell: Bell) -> bool:
        """Return whether nobody has to wait for it now."""

    async def _wait_for(self, bell: Bell) -> None:
        if self._has_rung(bell):
            return
        loop = get_running_loop()
        waiter: Waiter = Future()
        queue = NOBODY
        try:
            if loop is not self._loop:
                self._move_to(loop)
            queue = self._queue_of(bell)
            queue.append(waiter)
            if self._has_rung(bell):  # a signal handler may have run since the look
                queue.wake_all()
            await waiter
        except BaseException:
            self._withdraw(queue, waiter)
            raise

    def _queue_of(self, bell: Bell) -> WaitQueue:
        if self._bells[bell] is NOBODY:
            self._bells[bell] = WaitQueue()
        return self._bells[bell]

    @override
    def _has_waiters(self) -> bool:
        return super()._has_waiters() or any(self._bells)

    @override
    def _forget_waiters(self) -> None:
        forgotten, self._bells = self._bells, [NOBODY] * len(Bell)
        super()._forget_waiters()
        # The last reference to a task may go with its waiter, as in `Machine`.
        del forgotten


@final
class CloseOperation(Side[None], Generic[T]):
    """Waiting until a machine is closed."""

    __slots__ = ("_machine",)

    def __init__(self, machine: Belled[T]) -> None:
        self._machine = machine

    @override
    def ended(self) -> bool:
        return False

    @override
    def hindrance(self) -> Blocked | None:
        if not self._machine._closed:
            return BLOCKED
        return SPENT if Idle.passes() else None

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        return self.hindrance()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        machine = self._machine
        if selection.loop is not machine._loop:
            machine._move_to(selection.loop)
        queue = machine._queue_of(Bell.CLOSED)
        selection.enter(queue, position)
        if machine._closed:  # a signal handler may have closed it since the look
            queue.wake_all()

    @override
    def complete(self, selection: Selection, /) -> None:
        """Nothing is left to do."""

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing was given."""

    @override
    def map(self, fn: Callable[[None], U], /) -> Operation[U]:
        return Mapped(self, fn)
