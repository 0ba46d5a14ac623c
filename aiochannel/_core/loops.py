"""LoopBound: what belongs to one event loop at a time, the loop of the tasks that wait on it."""

import os
from abc import abstractmethod
from asyncio import AbstractEventLoop
from functools import partial
from threading import get_ident
from typing import Final

_FORKS: Final[list[None]] = []
"""One entry for each time that this process, or one before it, was forked: the tasks from before do not run here."""

if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no forks
    os.register_at_fork(after_in_child=partial(_FORKS.append, None))


class LoopBound:
    """The event loop of whatever has waiters; it may change while nobody waits."""

    __slots__ = ("_forks", "_loop", "_pinned", "_thread")

    _loop: AbstractEventLoop | None
    _thread: int
    """The thread in which a task of the loop first waited."""
    _forks: int
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
        self._forget_lost_loop()
        if self._has_waiters() or self._has_woken():
            raise RuntimeError(f"tasks of the event loop {self._loop!r} wait on {self!r}; a task of {loop!r} cannot")
        # What was cancelled in the other loop, and has not run yet, must not be counted in this one.
        self._forget_waiters()
        self._thread = get_ident()
        self._forks = len(_FORKS)
        self._loop = loop

    def _check_loop(self) -> None:
        """Refuse to wake a task, before anything has changed, from a thread in which its event loop does not run."""
        self._forget_lost_loop()
        if self._is_elsewhere() and self._has_waiters():
            raise RuntimeError(
                f"{self!r} is not thread-safe, and tasks of another thread wait on it; from this thread use "
                "asyncio.run_coroutine_threadsafe(channel.put(item), loop), or make it a ThreadChannel"
            )

    def _is_elsewhere(self) -> bool:
        """Return whether this is another thread than that of its tasks."""
        return self._loop is not None and self._thread != get_ident()

    def _forget_lost_loop(self) -> None:
        """Forget the waiters of a loop that was closed, or that runs on in the process from which this was forked."""
        if self._loop is not None and (self._loop.is_closed() or self._forks != len(_FORKS)):
            self._loop = None
            self._forget_waiters()
