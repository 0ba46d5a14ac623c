"""Waiters: who waits on one side of a channel, in the order in which they began."""

from abc import abstractmethod
from asyncio import AbstractEventLoop, Future, InvalidStateError
from collections import deque
from collections.abc import Sized
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, final

from aiochannel._core.newer_typing import override


class Waiting(Protocol):
    """An entry of a wait queue: the future of a task that waits, or a select, which waits in several queues."""

    def done(self) -> bool:
        """Return whether it has stopped waiting here: it was cancelled, or woken."""
        ...

    def set_result(self, queue: "WaitQueue", /) -> None:
        """Wake it for this queue, which has just removed it."""
        ...


@final
class WaitQueue(deque[Waiting]):
    """The waiters of one side, the first one at the left, and who of them was woken and has not run yet.

    Waiters are woken from the left. A waiter that was cancelled has to go in O(1) wherever it is, so it is not searched
    for: it stays, done, until it comes to the left end and is passed over, or until more than half of the entries are
    such. Then they are all removed. So removal costs O(1) on average, and cancelled entries are never more than the
    waiters. It is a deque so that "does anybody wait?" needs no call; nobody but this module uses the rest of a deque.

    `stale`: entries that were cancelled and are still here. Below zero for a moment when a cancelled entry is popped
    before its task has run and reported it. Others only read it.

    `further`: how many items the gatherers here ask for, beyond one each. One that waits for three is room for three.

    `woken`: how many were woken with a claim, a promise or a grant, and have not used it yet. Who uses it subtracts it.
    An abort takes all that is promised: then it is 0.

    Signal handlers: CPython may run one after a call, on entry to a function and where a loop turns, and nowhere else.
    So `del self[0]` removes a waiter here, not `popleft`, and nothing is called between that and the wake-up. And the
    condition of a loop is inside it: a handler may run between `while condition` and the body.
    """

    __slots__ = ("further", "stale", "woken")

    def __init__(self) -> None:
        super().__init__()
        self.stale: int = 0
        self.further: int = 0
        self.woken: int = 0

    def waiting(self) -> int:
        """Return how many wait. A waiter that was cancelled counts until its task has run."""
        return len(self) - self.stale

    def promise(self, items: Sized) -> None:
        """Promise each item that nobody was promised to the first waiter that was not cancelled, and wake it."""
        while True:
            if len(items) <= self.woken or not self:  # in this order: a signal handler may run after `len`
                break
            first = self[0]
            del self[0]
            self.woken += 1
            try:
                first.set_result(self)
            except InvalidStateError:  # cancelled
                if self.woken:
                    self.woken -= 1
                self.stale -= 1
            except BaseException:  # raised by a signal handler
                self._put_back(first)
                raise
        if self.stale:
            self.tidy()

    def grant(self, bound: int, items: Sized, receivers: "WaitQueue") -> None:
        """Grant what room there is to the waiters, first come, first served, and wake them.

        If the only room is a receiver, a select that is this receiver is passed over: it must not be matched with
        itself. It is then the last here. That costs it nothing, since it is woken only when nobody else waits.
        """
        passed_over = 0
        while self:
            room = (len(receivers) if receivers else 0) + receivers.woken - len(items) - self.woken + bound
            room += receivers.further - receivers.stale
            # The last is asked last: a signal handler may run after `len`.
            if room <= 0 or (passed_over and passed_over >= len(self)) or not self:
                break
            first = self[0]
            if room == 1 and receivers:
                its_own = isinstance(first, Chooser) and first.waits_in(receivers)
                if not self or self[0] is not first:  # a signal handler has woken it
                    continue
                if its_own:
                    passed_over += 1
                    self.rotate(-1)
                    continue
            del self[0]
            self.woken += 1
            try:
                first.set_result(self)
            except InvalidStateError:  # cancelled
                self.woken -= 1
                self.stale -= 1
                continue
            except BaseException:  # raised by a signal handler
                self._put_back(first)
                raise
            if room == 1:
                break
        if self.stale:
            self.tidy()

    def _put_back(self, waiting: Waiting) -> None:
        """Take the claim from a waiter that was removed, unless this queue has woken it."""
        if self._restore(waiting) and self.woken:
            self.woken -= 1

    def _restore(self, waiting: Waiting) -> bool:
        """Return whether this queue has removed a waiter and not woken it; let it wait again if it still does."""
        if self and self[0] is waiting:  # a gatherer, which is back with its promise
            return False
        if not waiting.done():
            self.appendleft(waiting)
        elif isinstance(waiting, Compound) and not waiting.woken_by(self):
            self.stale -= 1  # as it has reported
        else:
            return False
        return True

    def wake_all(self) -> None:
        """Remove and wake all waiters, without a claim."""
        while True:
            if not self:
                break
            first = self[0]
            del self[0]
            try:
                first.set_result(self)
            except InvalidStateError:  # cancelled
                self.stale -= 1
            except BaseException:  # raised by a signal handler
                self._restore(first)
                raise

    def discard(self, waiting: Waiting) -> None:
        """Remove a waiter that was cancelled, or that does not go on to wait; it may have been passed over already."""
        if self.stale:
            self.tidy()
        # No signal handler runs between a change and the return.
        if self and self[0] is waiting:
            del self[0]
        elif self and self[-1] is waiting:
            del self[-1]
        elif waiting.done():
            self.stale += 1
        else:
            with suppress(ValueError):  # it had not entered yet
                self.remove(waiting)

    def tidy(self) -> None:
        """Remove the cancelled entries if they are, or are about to be, more than half of all."""
        if self.stale * 2 + 2 > len(self):
            entries = list(self)
            waiting = [each for each in entries if not each.done()]
            removed = len(entries) - len(waiting)
            # A signal handler may have woken some, even after the last `len`: then there is nothing to do.
            if len(self) == len(entries) and self and self[0] is entries[0]:
                self.stale -= removed
                deque.__init__(self, waiting)


Waiter: TypeAlias = Future[WaitQueue]
"""What a task waits on. Its result is the queue that woke it."""

NOBODY: Final = WaitQueue()
"""The queue of every side on which nobody has waited yet; it stays empty."""


class Compound:
    """A waiter that is more than a future: a signal handler may raise while it is told that it was woken."""

    __slots__ = ()

    @abstractmethod
    def woken_by(self, queue: WaitQueue) -> bool:
        """Return whether this queue has woken it."""


class Chooser(Compound):
    """A select that waits, or a part of it: it may wait in the queues of both sides of one channel."""

    __slots__ = ()

    @abstractmethod
    def waits_in(self, queue: WaitQueue) -> bool:
        """Return whether the select waits in this queue."""


@final
class Selection(Chooser):
    """A select that waits: one waiter in the queues of several sides, until one of them wakes it."""

    __slots__ = ("entered", "loop", "position", "waiter")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop: AbstractEventLoop = loop
        self.waiter: Waiter = Future()
        self.position: int = -1
        """The position of the case for which it was woken."""
        self.entered: list[tuple[WaitQueue, int]] = []
        """The queues that it entered, each with the position of its case."""

    def done(self) -> bool:
        """Return whether it has stopped waiting."""
        return self.waiter.done()

    def enter(self, queue: WaitQueue, position: int) -> None:
        """Enter a queue for the case at this position, unless it is there for another case.

        All entering of a select happens in one step, so it would be the last there.
        """
        if not queue or queue[-1] is not self:
            self.entered += [(queue, position)]  # no call: no signal handler runs between this and the next
            queue.append(self)

    def set_result(self, queue: WaitQueue, /) -> None:
        """Wake it for the case of this queue, and remove it from all other queues in the same step."""
        self.waiter.set_result(queue)
        self.withdraw(queue)

    def claimed(self) -> bool:
        """Return whether a queue has woken it."""
        return self.waiter.done() and not self.waiter.cancelled()

    @override
    def woken_by(self, queue: WaitQueue) -> bool:
        return self.claimed() and self.waiter.result() is queue

    def withdraw(self, woken_by: WaitQueue | None = None) -> None:
        """Leave all queues, but for the one that has removed it already; if a signal handler raises, call it again.

        It is done. It may stay in a queue for a while, and must not keep the waiters of other queues alive.
        """
        entered = self.entered
        while True:
            if not entered:
                break
            # This is `WaitQueue.discard`, but that no signal handler runs between the queue and the entry.
            queue, position = entered[-1]
            if queue is woken_by and self.position < 0:
                self.position = position
            elif queue and queue[-1] is self:
                del queue[-1]
            elif queue and queue[0] is self:
                del queue[0]
            else:
                queue.stale += 1
            del entered[-1]
            if queue.stale:
                queue.tidy()

    @override
    def waits_in(self, queue: WaitQueue) -> bool:
        return not self.done() and any(each is queue for each, _ in self.entered)
