"""Gatherer: a get that waits for a batch, by size or by time."""

from asyncio import Future, InvalidStateError, TimerHandle
from collections.abc import Sized
from math import inf
from typing import Protocol, final

from typing_extensions import override

from aiochannel._core.waiters import NOBODY, Compound, Waiter, WaitQueue


class Source(Protocol):
    """What a gatherer looks at of a machine."""

    @property
    def _buffer(self) -> Sized: ...
    @property
    def _closed(self) -> bool: ...


@final
class Gatherer(Compound):
    """An entry of the wait queue of receivers that is woken once, for many promises.

    With each promise it goes back to the front of the queue, until it has as many as it asks for, its time is up, or
    the channel closes. Its time runs from the first promise. It is room for all the items that it still asks for: the
    queue counts those beyond the first one as `further`. What it is promised stays in the buffer until its task takes
    it.
    """

    __slots__ = ("_entered", "_queue", "_source", "_timer", "_wants", "_within", "promised", "waiter")

    def __init__(self, source: Source, within: float) -> None:
        self.waiter: Waiter = Future()
        self.promised: int = 0
        """How many items are promised to it. Whoever uses the promises, or gives them back, sets this to 0."""
        self._source = source
        self._queue: WaitQueue = NOBODY
        self._within = within
        self._timer: TimerHandle | None = None
        self._entered = False
        """Whether it has still to say that it leaves."""
        self._wants: int = 0
        """How many further items it asks for while it is in the queue."""

    def enter(self, queue: WaitQueue, limit: int) -> bool:
        """Enter the queue and return True, or return False: as many items as it asks for are there already.

        The items that nobody was promised are promised to it.
        """
        if self._source._buffer:
            self._start()
        self._queue = queue
        # No signal handler runs before it has entered.
        ready = len(self._source._buffer) - queue.woken
        if ready >= limit:
            return False
        queue.woken += ready
        self.promised = ready
        self._wants = limit - ready
        queue.further += self._wants - 1
        self._entered = True
        queue.append(self)
        return True

    def _start(self) -> None:
        """Let its time run, unless it does."""
        if self._timer is None and self._within < inf:
            self._timer = self.waiter.get_loop().call_later(self._within, self._end)

    def _end(self) -> None:
        self._timer = None
        self.conclude()

    def conclude(self) -> None:
        """Wake it with what it was promised, if that is anything: no more will come, or not in time."""
        if self.waiter.done():  # cancelled; until its task runs it counts as before
            return
        queue = self._queue
        # No signal handler runs before it is woken.
        if self.promised and self._wants:
            queue.further -= self._wants - 1
            self._wants = 0
            self._entered = False
            if queue and queue[0] is self:
                del queue[0]
            else:
                queue.stale += 1
            try:  # noqa: SIM105  # `suppress` is a call
                self.waiter.set_result(queue)
            except InvalidStateError:  # cancelled by a signal handler since the look
                pass

    def leave(self) -> None:
        """Stop: leave the queue, if it is still there. If a signal handler raises, call it again."""
        if self._timer is not None:
            self._timer.cancel()
        queue = self._queue
        if self._entered:
            queue.discard(self)
            # No signal handler runs from the return on.
            self._entered = False
            if self._wants:
                queue.further -= self._wants - 1
                self._wants = 0

    def done(self) -> bool:
        """Return whether it has stopped waiting."""
        return self.waiter.done()

    @override
    def woken_by(self, queue: WaitQueue) -> bool:
        return self.waiter.done() and not self.waiter.cancelled()

    def set_result(self, queue: WaitQueue, /) -> None:
        """Take a promise, and go back to the front or be woken; or be woken without one, since the channel is drained.

        Raises InvalidStateError if it was cancelled. Then it has not taken the promise.
        """
        if self._wants > 1 and self._source._buffer:
            self._start()
        if self.waiter.done():  # cancelled; until its task runs it counts as before
            raise InvalidStateError
        # No signal handler runs from here on, until it is back or woken.
        promise = 1 if self._source._buffer else 0
        self.promised += promise
        if promise and self._wants > 1:
            self._wants -= 1
            queue.further -= 1
            queue.appendleft(self)
            if self._source._closed:  # perhaps since this began: then the close has not found it in the queue
                self.waiter.get_loop().call_soon(self.conclude)
            return
        queue.further -= self._wants - 1
        self._wants = 0
        self._entered = False
        self.waiter.set_result(queue)
