"""Waits: the entries of the wait queues of a channel between threads."""

from asyncio import InvalidStateError
from collections.abc import Callable, Sized
from typing import Protocol, final

from aiochannel._core.newer_typing import override
from aiochannel._core.waiters import Chooser, Compound, Selection, WaitQueue
from aiochannel._threads.hosts import Bell, Host, LoopBell


class Wait(Compound):
    """A call that waits, of a task or of a thread.

    `claimed` and the counts change under the lock of the channel only. `left` is set by the call itself when it stops.
    From the waits in the order in which they began, all wait queues and all counts can be derived.
    """

    __slots__ = ("bell", "claimed", "left", "queue")

    def __init__(self, queue: WaitQueue, bell: Bell) -> None:
        self.queue = queue
        self.bell = bell
        self.claimed: bool = False
        """Whether it was woken, with a promise or a grant or without, and has not gone on yet."""
        self.left: bool = False

    def done(self) -> bool:
        """Return whether it has stopped waiting."""
        return self.claimed or self.left or self.bell.gone()

    def set_result(self, queue: WaitQueue, /) -> None:
        """Claim it.

        Raises InvalidStateError if it cannot be claimed any more.
        """
        if self.done():
            raise InvalidStateError
        self.claimed = True
        self.bell.ring()

    @override
    def woken_by(self, queue: WaitQueue) -> bool:
        return self.claimed

    def claims(self) -> int:
        """Return how many claims it holds."""
        return int(self.claimed)

    def further(self) -> int:
        """Return how many items it asks for beyond one."""
        return 0

    def runs_in(self, host: object) -> bool:
        """Return whether it is a task of this event loop that waits."""
        return isinstance(self.bell, LoopBell) and self.bell.host is host

    def told(self) -> bool:
        """Return whether its bell has to have been rung."""
        return self.claimed


class Source(Protocol):
    """What a batch needs of its channel."""

    @property
    def _buffer(self) -> Sized: ...

    _closed: bool


class Gathering(Wait):
    """A get that waits for a batch.

    With each promise it goes back to the front of the queue, until it has as many as it asks for or the channel closes.
    Its call is told of the first promise, so that it can look at the time, and of the last. It is room for all the
    items that it still asks for: the queue counts those beyond the first one as `further`.
    """

    __slots__ = ("_source", "promised", "started", "wants")

    def __init__(self, queue: WaitQueue, bell: Bell, source: Source) -> None:
        super().__init__(queue, bell)
        self._source = source
        self.promised: int = 0
        self.wants: int = 0
        """How many further items it asks for while it is in the queue."""
        self.started: float | None = None
        """When its first item was there."""

    def enter(self, limit: int) -> None:
        """Take the items that nobody was promised as promised, fewer than the limit, and enter the queue."""
        queue = self.queue
        ready = len(self._source._buffer) - queue.woken
        if ready > 0:
            self.started = self.bell.now()
            self.promised = ready
            queue.woken += ready
        self.wants = limit - self.promised
        queue.further += self.wants - 1
        queue.append(self)

    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        if self.done():
            raise InvalidStateError
        first = self.started is None and bool(self._source._buffer)
        if first:
            self.started = self.bell.now()
        # No signal handler runs from here on, until it is back or claimed.
        if self._source._buffer:
            self.promised += 1
            self.wants -= 1
            if self.wants and not self._source._closed:
                queue.further -= 1
                queue.appendleft(self)
                if first:
                    self.bell.ring()
                return
            queue.further -= self.wants
        else:
            queue.further -= self.wants - 1
        self.wants = 0
        self.claimed = True
        self.bell.ring()

    def conclude(self) -> None:
        """Wake it with what it was promised: no more will come. It is the first in its queue."""
        if self.promised and not self.done():
            # No signal handler runs before it is claimed.
            del self.queue[0]
            self.queue.further -= self.wants - 1
            self.wants = 0
            self.claimed = True
            self.bell.ring()

    @override
    def claims(self) -> int:
        return self.promised

    @override
    def further(self) -> int:
        return self.wants - 1 if self.wants else 0

    @override
    def told(self) -> bool:
        return self.claimed or self.started is not None


@final
class Ticket(Wait, Chooser):
    """What a select has in the queue of one side of a channel between threads; a thread may claim it.

    The select itself is in `line`, a queue of its own, and is woken by that in its loop.
    """

    __slots__ = ("_siblings", "drop", "position")

    drop: Callable[[object], None]
    """What calls `_drop` when the select is done."""

    def __init__(self, queue: WaitQueue, bell: Bell, position: int, siblings: "list[Ticket]") -> None:
        super().__init__(queue, bell)
        self.position = position
        """That of the case for which it waits."""
        self._siblings = siblings
        """What the same select has on this channel."""

    @override
    def waits_in(self, queue: WaitQueue) -> bool:
        return any(each.queue is queue and not each.done() for each in self._siblings)


@final
class SelectBell(LoopBell):
    """Tells a select."""

    __slots__ = ("_selection", "line")

    def __init__(self, host: Host, selection: Selection) -> None:
        super().__init__(host)
        self._selection = selection
        self.line = WaitQueue()

    @override
    def gone(self) -> bool:
        return self._selection.done() or self.host.ended

    @override
    def tell(self) -> None:
        self.line.wake_all()
