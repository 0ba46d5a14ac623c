"""Gatherer: a get that waits for a batch, by size or by time."""

from asyncio import Future, InvalidStateError, TimerHandle
from collections.abc import Sized
from math import inf
from typing import Protocol, final

from aiochannel._core.newer_typing import override
from aiochannel._core.waiters import NOBODY, Compound, Waiter, WaitQueue


class Source(Protocol):
    """What a gatherer needs of a machine."""

    @property
    def _buffer(self) -> Sized: ...

    @property
    def _closed(self) -> bool: ...

    def _trust(self, gatherer: "Gatherer", /) -> None:
        """Promise a gatherer in advance what it still asks for, but for the last item."""
        ...


@final
class Gatherer(Compound):
    """An entry of the wait queue of receivers that is woken once, for many promises.

    With each promise it goes back to the front of the queue, until it has as many as it asks for, its time is up, or
    the channel closes. Its time runs from the first item. It is room for all the items that it still asks for: the
    queue counts those beyond the first one as `further`. What it is promised stays in the buffer until its task takes
    it.

    Once it has an item, it may be promised further ones in advance, so that their puts wake nobody. Then more is
    promised than there is in the buffer: the difference is missing. When it stops, it gives back what is missing.
    """

    __slots__ = ("_queue", "_source", "_timer", "_within", "promised", "waiter", "wants")

    def __init__(self, source: Source, within: float) -> None:
        self.waiter: Waiter = Future()
        self.promised: int = 0
        """How many items are promised to it. Whoever uses the promises, or gives them back, sets this to 0."""
        self.wants: int = 0
        """How many further items it asks for while it is in the queue; 0 when it is not."""
        self._source = source
        self._within = within
        self._queue: WaitQueue = NOBODY
        self._timer: TimerHandle | None = None

    def enter(self, queue: WaitQueue, limit: int) -> bool:
        """Enter the queue and return True, or return False: as many items as it asks for are there already.

        The items that nobody was promised are promised to it.
        """
        if len(self._source._buffer) > queue.woken:
            self._start()
        self._queue = queue
        # No signal handler runs before it has entered.
        ready = len(self._source._buffer) - queue.woken
        if ready >= limit:
            return False
        if ready > 0:
            queue.woken += ready
            self.promised = ready
        self.wants = limit - self.promised
        queue.further += self.wants - 1
        queue.append(self)
        return True

    def _start(self) -> None:
        """Let its time run."""
        if self._within < inf:
            self._timer = self.waiter.get_loop().call_later(self._within, self._end)

    def _end(self) -> None:
        self._timer = None
        self.conclude()

    def conclude(self) -> None:
        """Wake it with what it was promised, if that is anything: no more will come, or not in time."""
        if self.waiter.done():  # cancelled; until its task runs it counts as before
            return
        queue = self._queue
        missing = queue.woken - len(self._source._buffer)
        # No signal handler runs from here on, until it is woken.
        if self.promised and self.wants:
            if missing > 0:
                queue.woken -= missing
                self.promised -= missing
                self.wants += missing
                queue.further += missing
            queue.further -= self.wants - 1
            self.wants = 0
            if queue[0] is self:
                del queue[0]
            else:
                queue.stale += 1
            try:  # noqa: SIM105  # `suppress` is a call
                self.waiter.set_result(queue)
            except InvalidStateError:  # cancelled by a signal handler since the look
                pass

    def leave(self) -> None:
        """Stop: leave the queue, if it is still there. If a signal handler raises, call it again.

        What it was promised has to be given back then.
        """
        if self._timer is not None:
            self._timer.cancel()
        queue = self._queue
        if self.wants:
            queue.discard(self)
            # No signal handler has run since the return.
            queue.further -= self.wants - 1
            self.wants = 0

    def done(self) -> bool:
        """Return whether it has stopped waiting."""
        return self.waiter.done()

    @override
    def woken_by(self, queue: WaitQueue) -> bool:
        return not self.waiter.cancelled()  # it is done

    def set_result(self, queue: WaitQueue, /) -> None:
        """Take a promise, and go back to the front or be woken; or be woken without one, since the channel is drained.

        Raises InvalidStateError if it was cancelled, and has not taken the promise then.
        """
        source = self._source
        if self._timer is None and source._buffer:
            self._start()
        if self.waiter.done():
            raise InvalidStateError  # until its task runs it counts as before
        # No signal handler runs from here on, until it is back or woken.
        promised, wants = self.promised, self.wants
        if not source._buffer:
            queue.woken = 0  # what was promised in advance will not come
            self.promised = 0
        elif self.wants > 1:
            self.promised += 1
            self.wants -= 1
            queue.further -= 1
            queue.appendleft(self)
            source._trust(self)
            if source._closed:  # perhaps since this began: then the close has not found it in the queue
                self.waiter.get_loop().call_soon(self.conclude)
            return
        else:
            self.promised += 1
        queue.further -= wants - 1
        self.wants = 0
        try:
            self.waiter.set_result(queue)
        except InvalidStateError:  # cancelled by a signal handler since the look
            queue.further += wants - 1
            self.promised, self.wants = promised, wants
            raise
