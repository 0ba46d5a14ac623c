"""Event loops that ask before each step.

Both are asyncio's own loop, with its `_run_once`: handles run first in, first out. Two parts are replaced: the queue of
handles asks before it gives one away, and the selector asks instead of sleeping. So nothing happens here that could not
happen on a plain loop. `ExploredLoop` has no files, and costs little to make. `RealLoop` is a SelectorEventLoop, for
the schedules that are played again.

Whatever reaches outside the process is refused: a schedule could not decide when it answers.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context
from functools import partial
from typing import Final, NoReturn, Protocol, TypeVar, TypeVarTuple, cast

from aiochannel._core.newer_typing import override

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Ts = TypeVarTuple("Ts")

NETWORK: Final = (
    "add_reader", "add_writer", "connect_accepted_socket", "create_connection", "create_datagram_endpoint",
    "create_server", "create_unix_connection", "create_unix_server", "getaddrinfo", "getnameinfo", "sendfile",
    "sock_accept", "sock_connect", "sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into", "sock_sendall",
    "sock_sendfile", "sock_sendto", "start_tls",
)  # fmt: skip
PROCESSES: Final = ("connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell")
SIGNALS: Final = ("add_signal_handler",)


class NotExplored(RuntimeError):
    """The program does what no schedule can decide about. The message says what to put in its place."""


class Asked(Protocol):
    """One run of a program, as the loops see it."""

    now: float

    def before_handle(self) -> None:
        """Decide what happens before the first of the handles that are ready."""
        ...

    def before_select(self) -> None:
        """Decide what happens at the end of an iteration, where the loop would look for timers and for input."""
        ...

    def call_outside(self, function: Callable[[], T], /) -> asyncio.Future[T]:
        """Call a function when the schedule says so."""
        ...

    def refuse(self, reason: str, /) -> NotExplored:
        """Note that the program does what it must not do, and return the error."""
        ...

    def complain(self, context: dict[str, object], /) -> None:
        """Note what the loop is told of an exception that nobody handles."""
        ...


class _HasLoop(Protocol):
    _number: int

    def get_loop(self) -> asyncio.AbstractEventLoop: ...


class _Numbered:
    """Hashed in the order in which they are put into a set, so that it has the same order in every run."""

    __slots__ = ()

    @override
    def __hash__(self: _HasLoop) -> int:
        try:
            return self._number
        except AttributeError:
            self._number = _next_number(self.get_loop())
            return self._number


class Future(_Numbered, asyncio.Future[T]):
    """A future of an asking loop."""

    __slots__ = ("_number",)


class Task(_Numbered, asyncio.Task[T]):
    """A task of an asking loop."""

    __slots__ = ("_number",)


def _next_number(loop: asyncio.AbstractEventLoop) -> int:
    assert isinstance(loop, AskingLoop)
    loop.numbers += 1
    return loop.numbers


class _MakesTask(Protocol[T_co]):
    def __call__(self, coro: object, /, *, loop: object, **options: object) -> asyncio.Task[T_co]: ...


def _make_task(
    loop: asyncio.AbstractEventLoop,
    coro: Generator[object, None, T] | Coroutine[object, object, T],
    /,
    **options: object,
) -> asyncio.Task[T]:
    # Each Python has its own options, and hands them on.
    return cast("_MakesTask[T]", Task)(coro, loop=loop, **options)


# The loops.


class _Ready(deque[asyncio.Handle]):
    """The handles that are ready."""

    __slots__ = ("play",)

    play: Asked

    @override
    def popleft(self) -> asyncio.Handle:
        if not self[0].cancelled():
            self.play.before_handle()
        return super().popleft()


class _Selector(Protocol):
    select: Callable[[float | None], list[object]]


class AskingLoop(asyncio.BaseEventLoop):
    """What both loops have in common."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _selector: _Selector

    def __init__(self, play: Asked, *, eager: bool) -> None:
        super().__init__()
        self.play = play
        self.numbers = 0
        self._thread = threading.get_ident()
        ready = _Ready()
        ready.play = play
        self._ready = ready
        self.set_task_factory(partial(_make_task, eager_start=True) if eager else _make_task)

    def ready(self) -> int:
        """Return how many handles are ready."""
        return len(self._ready)

    def has_timers(self) -> bool:
        """Return whether a timer is pending."""
        return bool(self._scheduled) and any(not timer.cancelled() for timer in self._scheduled)

    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the pending timers, the next one first."""
        return sorted(timer for timer in self._scheduled if not timer.cancelled())

    def bring_forward(self, timer: asyncio.TimerHandle) -> None:
        """Make a timer ready before others that are due earlier."""
        self._scheduled.remove(timer)
        self._scheduled.sort()  # what is sorted is a heap, too
        self._ready.append(timer)

    @override
    def time(self) -> float:
        return self.play.now

    def tasks(self) -> set[asyncio.Task[object]]:
        """Return the tasks that have not ended."""
        tasks: set[asyncio.Task[object]] = asyncio.all_tasks(self)
        return tasks

    @override
    def create_future(self) -> asyncio.Future[object]:
        return Future(loop=self)

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if threading.get_ident() != self._thread:
            raise self.play.refuse("a thread calls the event loop: stand in for it with `await run.outside(value)`")
        return self.call_soon(callback, *args, context=context)

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        return self.play.call_outside(lambda: func(*args))

    @override
    def default_exception_handler(self, context: dict[str, object]) -> None:
        self.play.complain(context)


def _refusal(name: str, reason: str) -> Callable[[AskingLoop], NoReturn]:
    def refuse(self: AskingLoop, *_args: object, **_options: object) -> NoReturn:
        raise self.play.refuse(f"loop.{name} {reason}")

    return refuse


for _names, _reason in (
    (NETWORK, "reaches the network: stand in for the answer with `await run.outside(value)`"),
    (PROCESSES, "reaches another process: stand in for the answer with `await run.outside(value)`"),
    (SIGNALS, "waits for a signal: stand in for it with `run.event(name, handler)`"),
):
    for _name in _names:
        setattr(AskingLoop, _name, _refusal(_name, _reason))


class ExploredLoop(AskingLoop):
    """A loop without files, which costs little to make."""

    def __init__(self, play: Asked, *, eager: bool) -> None:
        super().__init__(play, eager=eager)
        self._selector = _NoSelector(play)

    def _process_events(self, event_list: list[object]) -> None:
        """Do nothing: there are no files."""


class _NoSelector:
    def __init__(self, play: Asked) -> None:
        def select(timeout: float | None) -> list[object]:
            play.before_select()
            return []

        self.select: Callable[[float | None], list[object]] = select


class RealLoop(AskingLoop, asyncio.SelectorEventLoop):
    """A selector loop, which also knows whose turn each handle is."""

    def __init__(self, play: Asked, *, eager: bool) -> None:
        self._owners: dict[asyncio.Handle, asyncio.Task[object] | str] = {}
        super().__init__(play, eager=eager)
        self._look = self._selector.select
        self._selector.select = self._select

    def _select(self, timeout: float | None) -> list[object]:
        self.play.before_select()
        return self._look(0)

    @override
    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        task: object = getattr(callback, "__self__", None)
        name: object = getattr(callback, "__qualname__", callback)
        self._owners[handle] = task if isinstance(task, asyncio.Task) else f"callback {name}"
        return handle

    def next_owner(self) -> asyncio.Task[object] | str:
        """Return the task that the next handle lets go on, or else what the handle calls."""
        handle = next(each for each in self._ready if not each.cancelled())
        return self._owners.pop(handle, "a timer")

    @override
    def close(self) -> None:
        del self._selector.select  # so that they do not refer to each other
        super().close()
