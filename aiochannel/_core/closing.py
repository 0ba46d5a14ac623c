"""Closable: what is closed once, for ever, and who waits for that."""

from asyncio import AbstractEventLoop

from aiochannel._core.loops import LoopBound
from aiochannel._core.waiters import NOBODY, WaitQueue


class Closable(LoopBound):
    """What can be closed."""

    __slots__ = ("_closed", "_closers")

    _closed: bool
    _closers: WaitQueue
    """The wait queue of `wait_closed`, and of selects."""

    def _closers_in(self, loop: AbstractEventLoop) -> WaitQueue:
        """Return the queue of who waits for the close, for a task of this loop."""
        if loop is not self._loop:
            self._move_to(loop)
        if self._closers is NOBODY:
            self._closers = WaitQueue()
        return self._closers
