"""An event loop whose every step is taken by hand.

The ready queue is first in, first out, as on any event loop, and nothing runs until `run` is told to. Time stands still
until `tick` moves it to the next timer. Tasks and futures are asyncio's own.

The loops of `aiochannel.testing` ask before each step of asyncio's own loop. This one is told, as a step needs that is
taken at once, or out of its turn; and it costs half as much.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TypeVar, TypeVarTuple

from typing_extensions import override

from tests.model.record import CoroutineLike, Recorder

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class ScriptedLoop(asyncio.AbstractEventLoop):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.ready: deque[asyncio.Handle] = deque()
        self.timers: list[asyncio.TimerHandle] = []
        self.clock = 0.0
        self.eager = False
        self.complaints: list[str] = []

    def run(self) -> None:
        """Run the first callback that is ready."""
        # Never held in a variable: a traceback would keep the frame, the frame the callback, and that its task.
        if self.ready[0].cancelled():
            self.ready.popleft()
        else:
            self.ready.popleft()._run()

    def bring_forward(self, place: int) -> None:
        """Let the callback at this place be the next one."""
        handle = self.ready[place]
        del self.ready[place]
        self.ready.appendleft(handle)

    def tick(self) -> None:
        """Move time to the earliest timer, and make it ready."""
        timer = self.next_timer()
        assert timer is not None
        heapq.heappop(self.timers)
        self.clock = max(self.clock, timer.when())
        self.ready.append(timer)

    def next_timer(self) -> asyncio.TimerHandle | None:
        while self.timers and self.timers[0].cancelled():
            heapq.heappop(self.timers)
        return self.timers[0] if self.timers else None

    # What tasks, futures and timeouts ask of a loop.

    @override
    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        return handle

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    @override
    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self.timers, timer)
        return timer

    @override
    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.clock + delay, callback, *args, context=context)

    @override
    def create_future(self) -> asyncio.Future[object]:
        return asyncio.Future(loop=self)

    @override
    def create_task(
        self, coro: CoroutineLike[T], *, name: object = None, context: Context | None = None, **_: object
    ) -> asyncio.Task[T]:
        return self.recorder.task(self, coro, eager=self.eager)

    @override
    def time(self) -> float:
        return self.clock

    @override
    def get_debug(self) -> bool:
        return False

    @override
    def is_closed(self) -> bool:
        return False

    @override
    def is_running(self) -> bool:
        return True

    @override
    def call_exception_handler(self, context: dict[str, object]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the heap until its turn."""
