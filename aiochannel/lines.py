"""Lines: who waits on one side of a channel, in the order in which they began.

Those that wait are woken from the front. Any of them may be cancelled and has to leave in O(1), wherever it stands. It
is not searched for: it stays in the line, done, until it comes to the front and is passed over, or until more than half
of the line are such. Then they are all removed. So leaving costs O(1) on average, and those that have left are never
more than those that wait.
"""

from asyncio import Future
from collections import deque
from typing import Final, Protocol, TypeAlias, final


class Waiting(Protocol):
    """What stands in a line: the future of a task that waits, or a select, which stands in several."""

    def done(self) -> bool:
        """Tell whether it has stopped waiting here: it was cancelled, or woken by another line."""
        ...

    def set_result(self, line: "Line", /) -> None:
        """Wake it, for this line, from which it has been taken."""
        ...


@final
class Line(deque[Waiting]):
    """Those that wait, the first one at the left.

    `gone` is how many in it have said that they left, minus how many were taken out before they could say it.
    """

    __slots__ = ("gone",)

    def __init__(self) -> None:
        super().__init__()
        self.gone: int = 0

    def waiting(self) -> int:
        """Return how many wait. One that was cancelled counts until its task has run."""
        return len(self) - self.gone

    def leave(self, waiting: Waiting) -> None:
        """Let one leave that has stopped waiting, and that may have been passed over already.

        It is done, unless its coroutine was closed.
        """
        if self and self[0] is waiting:
            self.popleft()
        elif self and self[-1] is waiting:
            self.pop()
        elif waiting.done():
            self.gone += 1
        else:
            self.remove(waiting)
        if self.gone:
            self.tidy()

    def tidy(self) -> None:
        """Remove those that have left if they are more than half of the line."""
        if self.gone * 2 > len(self):
            waiting = [each for each in self if not each.done()]
            self.gone -= len(self) - len(waiting)
            self.clear()
            self.extend(waiting)

    def wake_all(self) -> None:
        """Take everyone out and wake them."""
        woken = list(self)
        self.clear()
        for each in woken:
            if each.done():
                self.gone -= 1
            else:
                each.set_result(self)


Waiter: TypeAlias = Future[Line]
"""What a task waits on. Its result is the line that woke it."""

NOBODY: Final = Line()
"""The line of every side on which nobody has waited yet; it stays empty."""
