"""Time as channels, so that a timeout or a heartbeat is one more case of a select.

A timer has a small channel inside. Every look at the timer first moves what is due, by the loop's clock, into that
channel. So a timer is ready from the moment when it is due, although a task that never waits does not let the loop run.

The loop has a call scheduled for a timer only while a task waits on it. The call refers to the timer, and so to the
waiters: the loop keeps them, as it keeps a task that sleeps. When no task waits any more the call is cancelled, so a
timer that is dropped leaves nothing behind.

Times are those of the loop's clock, in seconds. No timer is ever closed.
"""

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop, sleep
from collections.abc import AsyncIterator, Callable, Sequence
from math import floor, isfinite, isnan
from typing import Final, Generic, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time, seconds
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import GetOperation, Operation
from aiochannel._core.resting import Blocked
from aiochannel._core.waiters import Selection, Waiter
from aiochannel.cases import Case
from aiochannel.channel import Channel
from aiochannel.protocols import Receiver
from aiochannel.selection import select

R_co = TypeVar("R_co", covariant=True)
U = TypeVar("U")

SHORTEST: Final = 1e-9
"""The shortest interval of a tick: a nanosecond, the resolution of the clocks."""


def after(delay: float, /) -> Receiver[float]:
    """Return a receiver that gets one item, the loop's time at which `delay` seconds have passed.

    Returns at once, and needs a running event loop. The item is there from that time on, whether the loop has run or
    not. A delay of 0 or less has passed already; one of infinity, or longer than every float, never passes.

    Raises:
        TypeError: `delay` is not a real number.
        ValueError: `delay` is nan.
        RuntimeError: no event loop is running.
    """
    number = seconds("delay", delay)
    if isnan(number):
        raise ValueError("delay must be a number of seconds, not nan")
    loop = get_running_loop()  # asyncio's; trio has channels of its own
    return _Timer(_Items(f"after({number})", loop), loop, max(number, 0.0), None)


def tick(interval: float, /) -> Receiver[float]:
    """Return a receiver that gets the loop's time every `interval` seconds, first after one interval.

    Returns at once, and needs a running event loop. Ticks keep to multiples of the interval, and an item is the time of
    its tick. A tick is there from that time on, whether the loop has run or not. There is no backlog: a receiver that
    comes late finds the latest tick only. An interval of less than a nanosecond counts as a nanosecond.

    Raises:
        TypeError: `interval` is not a real number.
        ValueError: `interval` is not above 0, or not finite as a float.
        RuntimeError: no event loop is running.
    """
    number = seconds("interval", interval)
    if not (isfinite(number) and number > 0):
        raise ValueError(f"interval must be a finite number of seconds above 0, not {number}")
    loop = get_running_loop()  # asyncio's; trio has channels of its own
    number = max(number, SHORTEST)
    return _Timer(_Items(f"tick({number})", loop), loop, number, number)


@final
class _Items(Channel[float]):
    """The items that are due and were not received yet. Messages show it as its timer."""

    __slots__ = ()

    def __init__(self, name: str, loop: AbstractEventLoop) -> None:
        super().__init__(0, loop, name=name)

    def awaited(self) -> bool:
        """Return whether a task waits for an item."""
        return self._receivers.waiting() > 0

    @override
    def __repr__(self) -> str:
        return f"<{self._name} at {id(self):#x}>"


@final
class _Timer:
    """A receiver of one item after a delay and, with an interval, of one at each interval from then on."""

    __slots__ = ("__weakref__", "_call", "_first", "_interval", "_items", "_loop", "_next", "_number")

    def __init__(self, items: _Items, loop: AbstractEventLoop, delay: float, interval: float | None) -> None:
        self._items = items
        self._loop = loop
        self._interval = interval
        self._first = loop.time() + delay
        self._number = 0
        """The number of the next tick; the first one has 0."""
        self._next: float | None = self._first
        """The time of the next item, or None if none will come."""
        self._call: TimerHandle | None = None
        """The loop's call for the next item. It is scheduled while a task waits."""

    # The clock

    def look(self) -> None:
        """Move the item that is due, if any, into the channel."""
        if self._next is not None and (now := self._loop.time()) >= self._next:
            self._fall_due(now)

    def _fire(self, time: float) -> None:
        self._call = None
        self._fall_due(max(time, self._loop.time()))  # a loop may call a clock's resolution early

    def _fall_due(self, now: float) -> None:
        # A tick that nobody received is out of date.
        if out_of_date := self._items.qsize():
            self._items.get_many_nowait(out_of_date)
        if self._interval is None:
            self._items.put_nowait(self._first)
            self._next = None
        else:
            # Never below the number of the next tick, for a call that comes early: no tick comes twice.
            number = max(self._number, floor((now - self._first) / self._interval))
            self._items.put_nowait(self._first + number * self._interval)
            self._number = number + 1
            self._next = self._first + self._number * self._interval
        self._cancel_call()
        if self._items.awaited():
            self._schedule_call()

    # Waiting

    def wait(self, selection: Selection) -> None:
        """Schedule a call for a select that has entered the wait queue, and cancel it when no task waits any more."""
        self._schedule_call()
        selection.waiter.add_done_callback(self._waiter_done)

    def _waiter_done(self, waiter: Waiter) -> None:
        if waiter.cancelled():
            # Its task removes it from the wait queue, and runs before this call.
            self._loop.call_soon(self._cancel_idle_call)
        else:
            self._cancel_idle_call()

    def _cancel_idle_call(self) -> None:
        if not self._items.awaited():
            self._cancel_call()

    def _schedule_call(self) -> None:
        if self._call is None and self._next is not None:
            self._call = self._loop.call_at(self._next, self._fire, self._next)

    def _cancel_call(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None

    # What a receiver has

    @property
    def maxsize(self) -> int:
        return 1

    def qsize(self) -> int:
        self.look()
        return self._items.qsize()

    def empty(self) -> bool:
        self.look()
        return self._items.empty()

    def closed(self) -> bool:
        return self._items.closed()

    async def get(self) -> float:
        await self._let_others_run()
        _, time = await select(self.on_get())
        return time

    def get_nowait(self) -> float:
        self.look()
        return self._items.get_nowait()

    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[float]:
        # There is never more than one item, so no batch waits for a second one.
        batch_limit(limit)
        batch_time(within)
        return [await self.get()]

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[float]:
        self.look()
        return self._items.get_many_nowait(limit)

    async def _let_others_run(self) -> None:
        # A task that comes late to every tick never waits; without this it would freeze the loop.
        if not self.empty():
            await sleep(0)

    def __aiter__(self) -> AsyncIterator[float]:
        return self

    async def __anext__(self) -> float:
        return await self.get()

    async def join(self) -> None:
        await self._items.join()

    def on_get(self) -> Case[float]:
        return Case(_LookFirst(self, GetOperation(self._items)))

    @override
    def __repr__(self) -> str:
        return repr(self._items)

    @override
    def __reduce__(self) -> str:
        return self._items.__reduce__()


@final
class _LookFirst(Operation[R_co], Generic[R_co]):
    """An operation on the items that are due. It looks at the clock before it is attempted."""

    __slots__ = ("_inner", "_timer")

    def __init__(self, timer: _Timer, inner: Operation[R_co]) -> None:
        self._timer = timer
        self._inner = inner

    @override
    def ended(self) -> bool:
        return self._inner.ended()

    @override
    def attempt(self) -> R_co | Blocked:
        self._timer.look()
        return self._inner.attempt()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        self._inner.park(selection, position)
        self._timer.wait(selection)

    @override
    def complete(self, selection: Selection, /) -> R_co:
        return self._inner.complete(selection)

    @override
    def give_back(self, selection: Selection, /) -> None:
        self._inner.give_back(selection)

    @override
    def map(self, fn: Callable[[R_co], U], /) -> Operation[U]:
        # An item that becomes due while `fn` runs must not take the place of the item that `fn` was given.
        return _LookFirst(self._timer, self._inner.map(fn))
