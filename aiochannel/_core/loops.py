"""LoopBound: what belongs to one event loop at a time, the loop of the tasks that wait on it."""

from abc import abstractmethod
from asyncio import AbstractEventLoop
from threading import get_ident


class LoopBound:
    """The event loop of whatever has waiters; it may change while nobody waits."""

    __slots__ = ("_loop", "_pinned", "_thread")

    _loop: AbstractEventLoop | None
    _thread: int
    """The thread in which a task of the loop first waited."""
    _pinned: AbstractEventLoop | None
    """The only loop that it may belong to, if one was given."""

    @abstractmethod
    def _has_waiters(self) -> bool:
        """Return whether a task waits."""

    @abstractmethod
    def _has_woken(self) -> bool:
        """Return whether a task was woken and has not run yet."""

    @abstractmethod
    def _forget_waiters(self) -> None:
        """Forget all waiters, promises and grants: their tasks never run again."""

    def _move_to(self, loop: AbstractEventLoop) -> None:
        """Belong to another loop, whose tasks may wait from now on."""
        if self._pinned is not None and self._pinned is not loop:
            raise RuntimeError(
                f"{self!r} was made for the event loop {self._pinned!r}; a task of {loop!r} cannot wait on it"
            )
        self._forget_closed_loop()
        if self._has_waiters() or self._has_woken():
            raise RuntimeError(f"tasks of the event loop {self._loop!r} wait on {self!r}; a task of {loop!r} cannot")
        self._loop = loop
        self._thread = get_ident()

    def _check_loop(self) -> None:
        """Refuse to wake a task, before anything has changed, where its event loop would refuse it."""
        self._forget_closed_loop()
        if self._loop is not None and self._has_waiters() and self._loop.get_debug():
            self._loop.call_soon(bool).cancel()  # refused in any thread but the loop's

    def _is_elsewhere(self) -> bool:
        """Return whether this is another thread than that of its tasks."""
        return self._loop is not None and self._thread != get_ident()

    def _forget_closed_loop(self) -> None:
        """Forget the waiters of a loop that was closed."""
        if self._loop is not None and self._loop.is_closed():
            self._loop = None
            self._forget_waiters()
