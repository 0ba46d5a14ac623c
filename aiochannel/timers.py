"""Time as channels, so that a timeout or a heartbeat is one more case of a select.

A timer is kept going by its receiver: when the receiver is dropped, it is taken off the event loop. Times are those of
the loop's clock, in seconds. Neither channel is ever closed.
"""

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from math import floor, isfinite, isnan
from typing import final
from weakref import finalize, ref

from aiochannel.channel import Channel
from aiochannel.protocols import Receiver


def after(delay: float, /) -> Receiver[float]:
    """Return a receiver that gets one item, the loop's time, when `delay` seconds have passed.

    Returns at once, and needs a running event loop. A delay of 0 or less has passed already.

    Raises:
        ValueError: `delay` is not a number.
        RuntimeError: no event loop is running.
    """
    if isnan(delay):
        raise ValueError("delay must be a number of seconds, not nan")
    loop = get_running_loop()
    channel: Channel[float] = Channel(1, loop)
    timer = loop.call_later(max(delay, 0), _fire, loop, ref(channel))
    finalize(channel, timer.cancel).atexit = False
    return channel.receiver


def _fire(loop: AbstractEventLoop, target: "ref[Channel[float]]") -> None:
    channel = target()
    assert channel is not None  # its finalizer has cancelled this timer
    channel.put_nowait(loop.time())


def tick(interval: float, /) -> Receiver[float]:
    """Return a receiver that gets the loop's time every `interval` seconds, first after one interval.

    Returns at once, and needs a running event loop. There is no backlog: a receiver that comes late finds the latest
    tick only, and ticks that a busy loop has missed are left out. Ticks keep to multiples of the interval.

    Raises:
        ValueError: `interval` is not a finite number above 0.
        RuntimeError: no event loop is running.
    """
    if not (isfinite(interval) and interval > 0):
        raise ValueError(f"interval must be a finite number of seconds above 0, not {interval!r}")
    loop = get_running_loop()
    channel: Channel[float] = Channel(1, loop)
    finalize(channel, _Ticker(loop, interval, ref(channel)).stop).atexit = False
    return channel.receiver


@final
class _Ticker:
    __slots__ = ("_interval", "_loop", "_multiple", "_start", "_target", "_timer")

    def __init__(self, loop: AbstractEventLoop, interval: float, target: "ref[Channel[float]]") -> None:
        self._loop = loop
        self._interval = interval
        self._start = loop.time()
        self._target = target
        self._multiple = 1
        self._timer = self._schedule()

    def _schedule(self) -> TimerHandle:
        return self._loop.call_at(self._start + self._multiple * self._interval, self._fire)

    def _fire(self) -> None:
        channel = self._target()
        assert channel is not None  # its finalizer has cancelled this timer
        now = self._loop.time()
        while not channel.empty():
            channel.get_nowait()  # a tick that nobody took is out of date
        channel.put_nowait(now)
        # A timer may fire a clock's resolution early: the same tick must not come twice.
        self._multiple = max(self._multiple, floor((now - self._start) / self._interval)) + 1
        self._timer = self._schedule()

    def stop(self) -> None:
        self._timer.cancel()
