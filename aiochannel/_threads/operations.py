"""Operations: what select asks of a side of a channel between threads.

A thread cannot touch the wait queues of ordinary channels, nor wake a select. So a select has a ticket in the queue
here, which a thread may claim. The bell of the ticket tells the select in its loop. If the select waits there still, it
is woken for this case; if another channel was first, or it was cancelled, what the ticket was given passes on.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar, final

from aiochannel._core.machine import BUDGET
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.waiters import Selection, WaitQueue
from aiochannel._threads.hosts import Host
from aiochannel._threads.sections import Sections
from aiochannel._threads.waits import SelectBell, Ticket

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
U = TypeVar("U")


def _spends(host: Host) -> bool:
    """Count a select that need not wait; return whether it should let other tasks run."""
    host.calls += 1
    if host.calls < BUDGET:
        return False
    host.calls = 0
    return True


class _Case(Side[R_co], Generic[T, R_co]):
    """What the three operations have in common."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Sections[T]) -> None:
        self._channel = channel

    @property
    @abstractmethod
    def _queue(self) -> WaitQueue:
        """The queue in which it waits."""

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        if selection.done():  # another thread has just let another case go ahead
            return
        channel = self._channel
        tickets = channel._tickets.setdefault(selection, [])
        bell = SelectBell(channel._here(), selection)
        ticket = Ticket(self._queue, bell, position, tickets)

        def drop(_: object) -> None:
            self._drop(selection)

        ticket.drop = drop
        # The loop calls this before the task of the select goes on.
        selection.waiter.add_done_callback(drop)
        tickets.append(ticket)
        selection.enter(bell.line, position)
        channel._begin_ticket(ticket)

    def _drop(self, selection: Selection) -> None:
        """Give back what the select was given for other cases than the one for which it was woken."""
        tickets = self._channel._tickets.get(selection)
        if tickets is not None and not self._keep(tickets, selection.position if selection.claimed() else -1):
            del self._channel._tickets[selection]

    def _keep(self, tickets: list[Ticket], position: int) -> list[Ticket]:
        """Keep only the ticket of the case at this position, if it is here."""
        for ticket in tickets:
            if ticket.position != position:
                self._channel._quit(ticket)
        tickets[:] = [ticket for ticket in tickets if ticket.position == position]
        return tickets

    def _ticket(self, selection: Selection) -> Ticket:
        """Return the ticket for which the select was woken."""
        tickets = self._keep(self._channel._tickets.pop(selection), selection.position)
        return tickets.pop()

    @override
    def give_back(self, selection: Selection, /) -> None:
        self._keep(self._channel._tickets.pop(selection, []), -1)

    @override
    def leave(self, selection: Selection, /) -> None:
        for ticket in self._channel._tickets.get(selection, []):
            selection.waiter.remove_done_callback(ticket.drop)
        self._drop(selection)

    @override
    def map(self, fn: Callable[[R_co], U], /) -> Operation[U]:
        return Mapped(self, fn)


@final
class GetOperation(_Case[T, T]):
    """A get."""

    __slots__ = ()

    @property
    @override
    def _queue(self) -> WaitQueue:
        return self._channel._receivers

    @override
    def ended(self) -> bool:
        return self._channel._drained()

    @override
    def hindrance(self) -> Blocked | None:
        if self._channel._unpromised():
            return SPENT if _spends(self._channel._here()) else None
        return self._refuse()

    @override
    def peek(self) -> T | Blocked:
        try:
            return self._channel._buffer[0]
        except IndexError:
            return BLOCKED

    @override
    def attempt(self) -> T | Blocked:
        if _spends(self._channel._here()):
            return SPENT
        item = self._channel._poll()
        return self._refuse() if item is BLOCKED else item

    def _refuse(self) -> Blocked:
        """Return why there is nothing to get, or raise ChannelClosed: not without letting other tasks run at times."""
        if self.ended() and Idle.passes():
            return SPENT
        self._channel._check_not_drained()
        return BLOCKED

    @override
    def complete(self, selection: Selection, /) -> T:
        item = self._channel._end_get(self._ticket(selection))
        if item is BLOCKED:
            raise self._channel._drained_error()
        return item


@final
class PutOperation(_Case[T, None]):
    """A put of one item."""

    __slots__ = ("_item",)

    def __init__(self, channel: Sections[T], item: T) -> None:
        super().__init__(channel)
        self._item = item

    @property
    @override
    def _queue(self) -> WaitQueue:
        return self._channel._senders

    @override
    def ended(self) -> bool:
        return self._channel._closed

    @override
    def hindrance(self) -> Blocked | None:
        if not self._channel._closed and not self._channel._locked(self._channel._is_full):
            return SPENT if _spends(self._channel._here()) else None
        return self._refuse()

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        if _spends(self._channel._here()):
            return SPENT
        return None if self._channel._offer(self._item) else self._refuse()

    def _refuse(self) -> Blocked:
        """Return why there is no room, or raise ChannelClosed: not without letting other tasks run at times."""
        if self._channel._closed and Idle.passes():
            return SPENT
        self._channel._check_open()
        return BLOCKED

    @override
    def complete(self, selection: Selection, /) -> None:
        if not self._channel._end_put(self._ticket(selection), self._item):
            self._channel._check_open()


@final
class CloseOperation(_Case[T, None]):
    """Waiting for the close."""

    __slots__ = ()

    @property
    @override
    def _queue(self) -> WaitQueue:
        return self._channel._closers

    @override
    def ended(self) -> bool:
        return False

    @override
    def hindrance(self) -> Blocked | None:
        return None if self._channel._closed else BLOCKED

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        if not self._channel._closed:
            return BLOCKED
        return SPENT if Idle.passes() else None

    @override
    def complete(self, selection: Selection, /) -> None:
        self._channel._quit(self._ticket(selection))
