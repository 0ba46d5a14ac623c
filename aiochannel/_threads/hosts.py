"""Hosts and bells: how a call that waits is told, in its thread or in its event loop."""

from _thread import allocate_lock
from abc import abstractmethod
from asyncio import AbstractEventLoop, Future, _get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import Final, final
from weakref import ref

from aiochannel._core.newer_typing import override


class Bell:
    """Tells one call that it has to look again; ringing it twice does no harm."""

    __slots__ = ()

    @abstractmethod
    def gone(self) -> bool:
        """Return whether the call cannot be told any more: its task was cancelled, or its loop has ended."""

    @abstractmethod
    def ring(self) -> None:
        """Tell the call. Whoever calls this holds the lock of the channel."""

    @abstractmethod
    def now(self) -> float:
        """Return the time by the clock of the call."""


@final
class NoBell(Bell):
    """The bell of a call that has stopped waiting: what is left in a queue of it keeps nothing alive."""

    __slots__ = ()

    @override
    def gone(self) -> bool:
        return True

    @override
    def ring(self) -> None:
        """Nobody hears it."""

    @override
    def now(self) -> float:
        return monotonic()


NO_BELL: Final = NoBell()


@final
class ThreadBell(Bell):
    """Tells a thread, which waits for `lock`."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.lock.acquire()

    @override
    def gone(self) -> bool:
        return False

    @override
    def ring(self) -> None:
        with suppress(RuntimeError):  # it has been rung, and the thread has not looked yet
            self.lock.release()

    @override
    def now(self) -> float:
        return monotonic()


class LoopBell(Bell):
    """Tells something in an event loop: at once in the thread of that loop, and else when the loop runs its host."""

    __slots__ = ("host",)

    def __init__(self, host: "Host") -> None:
        self.host = host

    @override
    def ring(self) -> None:
        host = self.host
        if _get_running_loop() is host.loop:
            self.tell()
        else:
            host.rung.append(self)
            host.errands.append(host.ask)

    @abstractmethod
    def tell(self) -> None:
        """Tell it, in the thread of its loop, unless it was told before."""

    @override
    def now(self) -> float:
        loop = self.host.loop
        return monotonic() if loop is None else loop.time()


@final
class TaskBell(LoopBell):
    """Tells a task, which waits for `future`."""

    __slots__ = ("future",)

    def __init__(self, host: "Host", future: Future[None]) -> None:
        super().__init__(host)
        self.future = future

    @override
    def gone(self) -> bool:
        return self.future.cancelled() or self.host.ended

    @override
    def tell(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def _guard(ended: Callable[[], None]) -> AsyncGenerator[None, None]:
    """Call `ended` when the event loop closes its generators, which it does before it waits for its threads."""
    try:
        yield
    finally:
        ended()


def _start(guard: AsyncGenerator[None, None]) -> None:
    step: Coroutine[object, None, None] = guard.__anext__()
    with suppress(StopIteration):
        step.send(None)


def _stop(guard: AsyncGenerator[None, None]) -> None:
    step: Coroutine[object, None, None] = guard.aclose()
    with suppress(StopIteration, RuntimeError):  # RuntimeError: the loop is closing it
        step.send(None)


@final
class Host:
    """An event loop that uses a channel, as long as it lasts.

    All that is to be told in the loop goes through `rung`, by one wake-up of the loop until it has run. The guard, a
    suspended generator of the loop, says when the loop ends.
    """

    __slots__ = ("__weakref__", "_ended", "_guard", "calls", "ended", "errands", "loop", "pending", "rung")

    def __init__(
        self,
        loop: AbstractEventLoop | None,
        errands: deque[Callable[[], object]],
        ended: "Callable[[], Callable[[Host], None] | None]",
    ) -> None:
        self.loop = loop
        self.errands = errands
        self.rung: deque[LoopBell] = deque()
        self.pending: bool = False
        """Whether the loop has been asked to run this and has not yet."""
        self.ended: bool = False
        self.calls: int = 0
        """How many awaited calls have not let other tasks run, since one has."""
        self._ended = ended
        self._guard: AsyncGenerator[None, None] | None = None

    def watch(self) -> None:
        """Learn from now on when the loop ends."""
        me = ref(self)

        def ended() -> None:
            host = me()
            if host is not None:
                host.end()

        self._guard = _guard(ended)
        _start(self._guard)

    def end(self) -> None:
        """The loop has ended, or is closing its generators."""
        ended = self._ended()
        if ended is not None:
            ended(self)

    def ask(self) -> None:
        """Let the loop run this, unless it is about to."""
        if self.pending or self.loop is None:
            return
        self.pending = True
        try:
            self.loop.call_soon_threadsafe(self.run)
        except RuntimeError:  # it is closed
            self.end()

    def run(self) -> None:
        """Tell what is to be told in this loop."""
        self.pending = False  # first: what is rung from here on asks again
        rung = self.rung
        while rung:
            rung.popleft().tell()

    def __del__(self) -> None:
        guard = self._guard
        if guard is not None:
            _stop(guard)  # or else the loop would make a task for it


NO_HOST: Final = Host(None, deque(), lambda: None)
"""Stands for a host where no event loop runs."""
