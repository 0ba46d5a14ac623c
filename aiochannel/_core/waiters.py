"""Waiters: who waits on one side of a channel, in the order in which they began."""

from asyncio import AbstractEventLoop, Future, InvalidStateError
from collections import deque
from typing import Final, Protocol, TypeAlias, final


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
    """The waiters of one side, the first one at the left.

    Waiters are woken from the left. A waiter that was cancelled has to go in O(1) wherever it is, so it is not searched
    for: it stays, done, until it comes to the left end and is passed over, or until more than half of the entries are
    such. Then they are all removed. So removal costs O(1) on average, and cancelled entries are never more than the
    waiters. It is a deque so that "does anybody wait?" needs no call; nobody but this module uses the rest of a deque.

    `stale`: entries that were cancelled and are still here. Below zero for a moment when a cancelled entry is popped
    before its task has run and reported it. Others only read it.
    """

    __slots__ = ("stale",)

    def __init__(self) -> None:
        super().__init__()
        self.stale: int = 0

    def waiting(self) -> int:
        """Return how many wait. A waiter that was cancelled counts until its task has run."""
        return len(self) - self.stale

    def wake_first(self) -> bool:
        """Remove and wake the first waiter that was not cancelled; return whether there was one."""
        while self:
            try:
                self.popleft().set_result(self)
            except InvalidStateError:  # cancelled
                self.stale -= 1
            else:
                if self.stale:
                    self._tidy()
                return True
        return False

    def wake_first_without(self, partners: "WaitQueue") -> bool:
        """Do the same, but pass over a select that waits in `partners` too: it must not be matched with itself.

        It is then the last here. That costs it nothing, since it is woken only when nobody else waits.
        """
        passed_over: list[Waiting] = []
        while self and isinstance(self[0], Selection) and self[0].waits_in(partners):
            passed_over.append(self.popleft())
        woken = self.wake_first()
        self.extend(passed_over)
        return woken

    def wake_all(self) -> None:
        """Remove and wake all waiters."""
        woken = list(self)
        self.clear()
        for each in woken:
            if each.done():
                self.stale -= 1
            else:
                each.set_result(self)

    def discard(self, waiting: Waiting) -> None:
        """Remove a waiter that was cancelled, or whose coroutine was closed; it may have been passed over already."""
        if self and self[0] is waiting:
            self.popleft()
        elif self and self[-1] is waiting:
            self.pop()
        elif waiting.done():
            self.stale += 1
        else:
            self.remove(waiting)
        if self.stale:
            self._tidy()

    def _tidy(self) -> None:
        """Remove the cancelled entries if they are more than half of all."""
        if self.stale * 2 > len(self):
            waiting = [each for each in self if not each.done()]
            self.stale -= len(self) - len(waiting)
            self.clear()
            self.extend(waiting)


Waiter: TypeAlias = Future[WaitQueue]
"""What a task waits on. Its result is the queue that woke it."""

NOBODY: Final = WaitQueue()
"""The queue of every side on which nobody has waited yet; it stays empty."""


@final
class Selection:
    """A select that waits: one waiter in the queues of several sides, until one of them wakes it."""

    __slots__ = ("_entered", "loop", "position", "waiter")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop: AbstractEventLoop = loop
        self.waiter: Future[None] = Future()
        self.position: int = -1
        """The position of the case for which it was woken."""
        self._entered: list[tuple[WaitQueue, int]] = []
        """The queues that it entered, each with the position of its case."""

    def done(self) -> bool:
        """Return whether it has stopped waiting."""
        return self.waiter.done()

    def enter(self, queue: WaitQueue, position: int) -> None:
        """Enter a queue for the case at this position, unless it is there for another case.

        All entering of a select happens in one step, so it would be the last there.
        """
        if not queue or queue[-1] is not self:
            self._entered.append((queue, position))
            queue.append(self)

    def set_result(self, queue: WaitQueue, /) -> None:
        """Wake it for the case of this queue, and remove it from all other queues in the same step."""
        for each, position in self._entered:
            if each is queue:
                self.position = position
                break
        self.waiter.set_result(None)
        for each, _ in self._entered:
            if each is queue:
                continue
            if len(each) == 1:
                each.popleft()  # the most frequent case of `discard`
            else:
                each.discard(self)
                self._entered = []  # for the reason given in `withdraw`

    def woken(self) -> bool:
        """Return whether a queue has woken it, so that it holds a promise or grant."""
        return self.waiter.done() and not self.waiter.cancelled()

    def withdraw(self) -> None:
        """Leave all queues."""
        # It may stay, done, in a queue for a while, and must not keep the waiters of other queues alive.
        entered, self._entered = self._entered, []
        for queue, _ in entered:
            queue.discard(self)

    def waits_in(self, queue: WaitQueue) -> bool:
        """Return whether it waits in this queue."""
        return not self.done() and any(each is queue for each, _ in self._entered)
