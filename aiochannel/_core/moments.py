"""Moments: what a select may wait for beside items. From some moment on the case can go ahead, and it takes nothing."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from typing_extensions import override

from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.waiters import Selection, WaitQueue

U = TypeVar("U")


class Moment(Side[None]):
    """It has never ended: what it waits for may have happened long ago."""

    __slots__ = ()

    @abstractmethod
    def has_come(self) -> bool:
        """Return whether it has happened."""

    @abstractmethod
    def queue(self, selection: Selection, /) -> WaitQueue:
        """Return the wait queue that is woken when it happens, for a select in this loop."""

    @override
    def ended(self) -> bool:
        return False

    @override
    def hindrance(self) -> Blocked | None:
        if not self.has_come():
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
        queue = self.queue(selection)
        selection.enter(queue, position)
        if self.has_come():  # a signal handler has run since the attempt
            queue.wake_all()

    @override
    def complete(self, selection: Selection, /) -> None:
        """Nothing is taken."""

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing was promised."""

    @override
    def map(self, fn: Callable[[None], U], /) -> Operation[U]:
        return Mapped(self, fn)
