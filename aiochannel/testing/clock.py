"""An event loop whose time jumps, and that ends a program which nothing can wake.

Where another loop would sleep, this one moves its time to the next timer. If there is no timer, every task waits for
another, and the loop raises `Deadlock` instead of hanging.

Time passes as usual, and nothing is called a deadlock, while something outside the loop may still call back:

    a call in a thread          that `run_in_executor` or `asyncio.to_thread` began and that has not returned
    a thread                    that was started after the loop was made, or that has called the loop before
    a socket, a pipe, a child   that is registered with the selector, or has a thread that waits for it
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from time import monotonic
from typing import Final, Literal, Protocol, TypeVar, TypeVarTuple, cast

from aiochannel._core.newer_typing import override
from aiochannel.testing.waits import Deadlock, awaited, waiter_of, waits

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

JUMPS: Final = 500
"""The main task is looked at each time it has not moved in so many jumps."""
NAP: Final = 0.02
"""For how many seconds to sleep before looking again whether something is still outside."""


class _Selector(Protocol):
    select: Callable[[float | None], list[object]]

    def get_map(self) -> Mapping[int, object]: ...


class _Call(Protocol):
    def done(self) -> bool: ...


class Loop(asyncio.SelectorEventLoop):
    """An asyncio event loop whose time moves only when every task waits, and then at once to the next timer.

    It is a loop factory for `asyncio.Runner`, pytest-asyncio and anyio. Where nothing can wake a task any more, running
    the loop raises `Deadlock`.
    """

    _selector: _Selector
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._now = 0.0
        self._calls: list[_Call] = []
        self._callers: set[threading.Thread] = set()
        self._older_threads = frozenset(threading.enumerate())
        self._main: asyncio.Task[object] | None = None
        self._main_waiter: asyncio.Future[object] | None = None
        self._stood: dict[asyncio.Task[object], asyncio.Future[object] | None] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._jumps = 0
        super().__init__()
        self._own_files = len(self._selector.get_map())
        self._sleep = self._selector.select
        self._selector.select = self._select
        # Its threads stay idle after a call, and must then not count as threads that may call back.
        self._idle_name = f"asyncio-{id(self):x}"
        self.set_default_executor(ThreadPoolExecutor(thread_name_prefix=self._idle_name))

    @override
    def time(self) -> float:
        """Return the loop's own time, in seconds from 0."""
        return self._now

    @override
    def close(self) -> None:
        """Close the loop."""
        if not self.is_closed():
            del self._selector.select  # so that they do not refer to each other
        super().close()

    @override
    def run_until_complete(self, future: Generator[object, None, T] | Awaitable[T]) -> T:
        """Run until the future is done, and return its result.

        Raises:
            Deadlock: nothing can wake the tasks that wait.
        """
        self._main = future if isinstance(future, asyncio.Task) else None
        return super().run_until_complete(cast("Awaitable[T]", future))  # a generator, on 3.11 only

    # What is outside.

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Call a function in a thread or a process. Until it has returned, time passes as usual."""
        future = super().run_in_executor(executor, func, *args)
        self._calls.append(future)
        return future

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Do the same as `call_soon`, from any thread."""
        self._callers.add(threading.current_thread())
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _is_waited_for(self) -> bool:
        """Return whether something outside the loop may still call back."""
        self._calls = [call for call in self._calls if not call.done()]
        return bool(self._calls) or len(self._selector.get_map()) > self._own_files or any(self._threads())

    def _threads(self) -> Generator[threading.Thread, None, None]:
        here = threading.current_thread()
        if here is not threading.main_thread():
            yield threading.main_thread()
        for thread in threading.enumerate():
            known = thread in self._older_threads and thread not in self._callers
            if thread is not here and not known and not thread.name.startswith(self._idle_name):
                yield thread

    # Time.

    def _select(self, timeout: float | None) -> list[object]:
        """Return the files that are ready, in place of a selector that sleeps until there is one or the time is up."""
        events = self._sleep(0)
        if timeout == 0:
            return events
        left = timeout
        while not events and self._sleeps(timeout):
            begun = monotonic()
            events = self._sleep(NAP if left is None else min(left, NAP))
            passed = monotonic() - begun
            self._now += passed
            if left is not None:
                left -= passed
                if left <= 0:
                    return events
        events = events or self._sleep(0)  # a thread may have called, and ended, since the last look
        if not events:
            if timeout is None:
                raise Deadlock(waits(self))
            self._jump()
        return events

    def _sleeps(self, timeout: float | None) -> bool:
        return self._is_waited_for()

    def _jump(self) -> None:
        self._now = max(self._now, self._scheduled[0].when())
        waiter = None if self._main is None else waiter_of(self._main)
        if waiter is None or waiter is not self._main_waiter:
            self._main_waiter = waiter
            self._jumps = 0
        self._jumps += 1
        if self._jumps % JUMPS == 0 and self._is_stuck():
            raise Deadlock(waits(self))

    def _is_stuck(self) -> bool:
        """Return whether neither the main task nor any task that it waits for has moved since this was last asked.

        A timer that was there already may be what one of them waits for.
        """
        assert self._main is not None
        pending, group = [self._main], {self._main}
        while pending:
            found = awaited(pending.pop()) - group
            group |= found
            pending.extend(found)
        stood, self._stood = self._stood, {task: waiter_of(task) for task in group}
        older, self._timers = self._timers, [timer for timer in self._scheduled if not timer.cancelled()]
        # Timers of equal time are equal.
        remaining = {id(timer) for timer in older} & {id(timer) for timer in self._timers}
        return stood == self._stood and not remaining


class _LoopInRealTime(Loop):
    """An event loop that sleeps, and that ends a program which nothing can wake."""

    def __init__(self) -> None:
        super().__init__()
        self._signals: set[int] = set()

    @override
    def time(self) -> float:
        return monotonic()

    @override
    def _sleeps(self, timeout: float | None) -> bool:
        return timeout is not None or bool(self._signals) or self._is_waited_for()

    @override
    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        super().add_signal_handler(sig, callback, *args)
        self._signals.add(sig)

    @override
    def remove_signal_handler(self, sig: int) -> bool:
        self._signals.discard(sig)
        return super().remove_signal_handler(sig)


def run(main: Coroutine[object, object, T], /, *, clock: Literal["virtual", "real"] = "virtual") -> T:
    """Run a coroutine as `asyncio.run` does; a program that nothing can wake is an error, and does not hang.

    With the virtual clock, time moves only when every task waits, and then at once to the next timer. A main task that
    waits beside others that only sleep, again and again, is given up after a thousand jumps. With the real clock, the
    program sleeps, and is given up when there is neither a timer nor anything outside that may call back.

    Raises:
        Deadlock: nothing can wake the tasks that wait; it says where each waits, and on what.
    """
    with asyncio.Runner(loop_factory=Loop if clock == "virtual" else _LoopInRealTime) as runner:
        return runner.run(main)
