"""Operations: what a select asks of one side of a channel, and the gets and puts of a Machine."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, final

from aiochannel._core.machine import Machine
from aiochannel._core.newer_typing import override
from aiochannel._core.resting import BLOCKED, DEFAULT, SPENT, Blocked, Idle
from aiochannel._core.thresholds import SLOW_PUT
from aiochannel._core.waiters import NOBODY, Selection, WaitQueue

T = TypeVar("T")
R = TypeVar("R")
U = TypeVar("U")
V = TypeVar("V")
R_co = TypeVar("R_co", covariant=True)


class Operation(Protocol[R_co]):
    """What a case can do. Nothing here waits, and only `select` calls it.

    `attempt` and `complete` take effect, or raise having changed nothing.
    """

    __slots__ = ()

    def ended(self) -> bool:
        """Return whether the channel is closed, as far as this operation is concerned, for ever."""
        ...

    def attempt(self) -> R_co | Blocked:
        """Carry the operation out if it can go ahead at once; raise ChannelClosed if it has ended."""
        ...

    def park(self, selection: Selection, position: int, /) -> None:
        """Let the select enter the wait queue of this side, for its case at this position.

        Every case has just been tried in this step, so no promise or grant can be waiting for it.
        """
        ...

    def complete(self, selection: Selection, /) -> R_co:
        """Use the promise or grant with which this side woke the select; raise ChannelClosed if it has ended."""
        ...

    def give_back(self, selection: Selection, /) -> None:
        """Give back the promise or grant with which this side woke the select."""
        ...

    def leave(self, selection: Selection, /) -> None:
        """Take away what a select has left here besides its entries in wait queues: it gives up, and was not woken."""
        return

    def map(self, fn: Callable[[R_co], U], /) -> "Operation[U]":
        """Return this operation with `fn(result)` as its result; `fn` runs before it takes effect."""
        ...


class Side(Operation[R_co], Protocol[R_co]):
    """An operation of a channel itself, which `Mapped` can look at before it takes effect."""

    __slots__ = ()

    def hindrance(self) -> Blocked | None:
        """Return why `attempt` would not go ahead, None if it would; raise ChannelClosed if it has ended."""
        ...

    def peek(self) -> R_co | Blocked:
        """Return the result that `attempt` or `complete` is about to have; BLOCKED if there is none any more."""
        ...


class GetOperation(Side[T]):
    """A get."""

    __slots__ = ("_machine",)

    def __init__(self, machine: Machine[T]) -> None:
        self._machine = machine

    @override
    def ended(self) -> bool:
        return self._machine._closed and not self._machine._buffer

    @override
    def hindrance(self) -> Blocked | None:
        machine = self._machine
        if machine._has_item():
            return SPENT if machine._rests_from_gets() else None
        return self._refuse()

    @override
    def peek(self) -> T | Blocked:
        buffer = self._machine._buffer
        return buffer[0] if buffer else BLOCKED

    @override
    def attempt(self) -> T | Blocked:
        machine = self._machine
        buffer = machine._buffer
        if len(buffer) > machine._get_above:
            return buffer.popleft()
        if buffer:
            return SPENT if machine._rests_from_gets() else machine._take()
        return self._refuse() if machine._closed else BLOCKED

    def _refuse(self) -> Blocked:
        """Return why there is nothing to get, or raise ChannelClosed: not without letting other tasks run at times."""
        if self.ended() and Idle.passes():
            return SPENT
        self._machine._check_not_drained()
        return BLOCKED

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        machine = self._machine
        if selection.loop is not machine._loop:
            machine._move_to(selection.loop)
        if machine._receivers is NOBODY:
            machine._receivers = WaitQueue()
        receivers = machine._receivers
        selection.enter(receivers, position)
        machine._put_below = SLOW_PUT
        if machine._senders or machine._closed or len(machine._buffer) > receivers.woken:
            machine._recheck_receiver()

    @override
    def complete(self, selection: Selection, /) -> T:
        return self._machine._use_promise(selection)

    @override
    def give_back(self, selection: Selection, /) -> None:
        if selection.loop is self._machine._loop:
            self._machine._give_back(self._machine._receivers, selection)

    @override
    def map(self, fn: Callable[[T], U], /) -> "Operation[U]":
        return Mapped(self, fn)


class PutOperation(Side[None], Generic[T]):
    """A put of one item."""

    __slots__ = ("_item", "_machine")

    def __init__(self, machine: Machine[T], item: T) -> None:
        self._machine = machine
        self._item = item

    @override
    def ended(self) -> bool:
        return self._machine._closed

    @override
    def hindrance(self) -> Blocked | None:
        machine = self._machine
        if machine._room() > 0:
            return SPENT if machine._rests_from_puts() else None
        return self._refuse()

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        machine = self._machine
        if len(machine._buffer) < machine._put_below:
            machine._buffer.append(self._item)
            return None
        if machine._rests_from_puts():
            return SPENT
        if machine._admit(self._item):
            return None
        return self._refuse()

    def _refuse(self) -> Blocked:
        """Return why there is no room, or raise ChannelClosed: not without letting other tasks run at times."""
        if self._machine._closed and Idle.passes():
            return SPENT
        self._machine._check_open()
        return BLOCKED

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        machine = self._machine
        if selection.loop is not machine._loop:
            machine._move_to(selection.loop)
        if machine._senders is NOBODY:
            machine._senders = WaitQueue()
        selection.enter(machine._senders, position)
        machine._recheck_sender()

    @override
    def complete(self, selection: Selection, /) -> None:
        self._machine._use_grant(selection, self._item)

    @override
    def give_back(self, selection: Selection, /) -> None:
        if selection.loop is self._machine._loop:
            self._machine._give_back(self._machine._senders, selection)

    @override
    def map(self, fn: Callable[[None], U], /) -> "Operation[U]":
        return Mapped(self, fn)


class _Wrapper(Operation[R_co], Generic[R, R_co]):
    """What a changed result leaves as it was."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Operation[R]) -> None:
        self._inner = inner

    @override
    def ended(self) -> bool:
        return self._inner.ended()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        self._inner.park(selection, position)

    @override
    def give_back(self, selection: Selection, /) -> None:
        self._inner.give_back(selection)

    @override
    def leave(self, selection: Selection, /) -> None:
        self._inner.leave(selection)


@final
class Mapped(_Wrapper[R, U], Generic[R, U]):
    """An operation whose result is put through `fn` before it takes effect."""

    __slots__ = ("_fn", "_side")

    def __init__(self, side: Side[R], fn: Callable[[R], U]) -> None:
        super().__init__(side)
        self._side = side
        self._fn = fn

    @override
    def attempt(self) -> U | Blocked:
        side = self._side
        if hindrance := side.hindrance():
            return hindrance
        item = side.peek()
        if isinstance(item, Blocked):
            return item
        result = self._fn(item)
        # `fn`, or a signal handler, may have changed the channel: this looks again.
        taken = side.attempt()
        if isinstance(taken, Blocked):
            return taken
        return result if taken is item else self._fn(taken)

    @override
    def complete(self, selection: Selection, /) -> U:
        side = self._side
        if side.ended():
            side.complete(selection)  # raises ChannelClosed
        item = side.peek()
        if isinstance(item, Blocked):
            return self._fn(side.complete(selection))  # raises ChannelClosed
        result = self._fn(item)
        taken = side.complete(selection)
        return result if taken is item else self._fn(taken)

    @override
    def map(self, fn: Callable[[U], V], /) -> "Operation[V]":
        own = self._fn
        return Mapped(self._side, lambda result: fn(own(result)))


@final
class OrClosed(_Wrapper[R, R | U], Generic[R, U]):
    """An operation whose result is `instead()` once it has ended."""

    __slots__ = ("_instead",)

    def __init__(self, inner: Operation[R], instead: Callable[[], U]) -> None:
        super().__init__(inner)
        self._instead = instead

    @override
    def attempt(self) -> R | U | Blocked:
        if self.ended():
            return SPENT if Idle.passes() else self._instead()
        return self._inner.attempt()

    @override
    def complete(self, selection: Selection, /) -> R | U:
        return self._instead() if self.ended() else self._inner.complete(selection)

    @override
    def map(self, fn: Callable[[R | U], V], /) -> "Operation[V]":
        instead = self._instead
        return OrClosed(self._inner.map(fn), lambda: fn(instead()))


@final
class Never(Operation[R]):
    """What can never go ahead: a case that is switched off."""

    __slots__ = ()

    @override
    def ended(self) -> bool:
        return False

    @override
    def attempt(self) -> Blocked:
        return BLOCKED

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        """Enter no queue."""

    @override
    def complete(self, selection: Selection, /) -> R:
        raise AssertionError("nothing wakes it")

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing has woken it."""

    @override
    def map(self, fn: Callable[[R], U], /) -> "Operation[U]":
        return Never()


@final
class Default(Operation[R]):
    """Go's default: never blocked, and taken last. A select that has one does not wait, so nothing parks it."""

    __slots__ = ("_result",)

    def __init__(self, result: Callable[[], R]) -> None:
        self._result = result

    @override
    def ended(self) -> bool:
        return False

    @override
    def attempt(self) -> Blocked:
        return DEFAULT

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        """Enter no queue."""

    @override
    def complete(self, selection: Selection, /) -> R:
        return self._result()

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing has woken it."""

    @override
    def map(self, fn: Callable[[R], U], /) -> "Operation[U]":
        own = self._result
        return Default(lambda: fn(own()))
