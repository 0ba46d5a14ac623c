"""Calls that block a thread. Each is its sections, with one wait in between."""

import sys
from asyncio import _get_running_loop
from collections.abc import Iterable
from math import inf
from threading import TIMEOUT_MAX
from time import monotonic
from typing import Final, TypeVar

from aiochannel._core.arguments import seconds
from aiochannel._core.resting import BLOCKED
from aiochannel._core.waiters import WaitQueue
from aiochannel._threads.hosts import ThreadBell
from aiochannel._threads.sections import Sections
from aiochannel._threads.waits import Gathering, Wait

T = TypeVar("T")

SLICE: Final = 0.1 if sys.platform == "win32" and sys.version_info < (3, 14) else 1.0
"""For how long a thread waits before it looks for closed loops. There no signal can interrupt it, so it looks often."""


def deadline_of(timeout: float | None) -> float:
    """Return the time at which a call has to stop waiting; `inf`: never, `-inf`: before it begins."""
    if timeout is None:
        return inf
    number = seconds("timeout", timeout)
    if not number >= 0:  # nan is not
        raise ValueError(f"timeout must be a number of seconds >= 0, not {timeout!r}")
    return monotonic() + number if number else -inf


def may_wait(channel: Sections[T], deadline: float) -> None:
    """Refuse to wait, if the time is up, or if that would block an event loop."""
    if deadline == -inf:
        raise out_of_time(channel)
    if _get_running_loop() is not None:
        raise RuntimeError(
            f"this call on {channel!r} would block the event loop that runs in this thread: "
            "await the call of the channel itself, or call it in another thread"
        )


def out_of_time(channel: Sections[T]) -> TimeoutError:
    """Return the error of a call whose time is up."""
    return TimeoutError(f"{channel!r} did not let the call go ahead in time")


def block(channel: Sections[T], wait: Wait, bell: ThreadBell, deadline: float) -> bool:
    """Wait until the bell has rung, and return True; False: the time is up."""
    while not wait.claimed:
        rest = min(deadline - monotonic(), SLICE, TIMEOUT_MAX)
        if rest <= 0:
            return False
        if bell.lock.acquire(timeout=rest):
            return True
        channel._look_at_loops()
    return True


def put(channel: Sections[T], item: T, deadline: float) -> None:
    """Put an item for which there was no room."""
    channel._check_open()
    may_wait(channel, deadline)
    bell = ThreadBell()
    wait = Wait(channel._senders, bell)
    if channel._begin_put(wait, item):
        return
    try:
        block(channel, wait, bell, deadline)
        accepted = channel._end_put(wait, item)
    except BaseException:
        wait.left = True
        try:
            channel._quit(wait)
        except BaseException:
            channel._quit(wait)
            raise
        raise
    if not accepted:
        channel._check_open()
        raise out_of_time(channel)


def put_many(channel: Sections[T], items: Iterable[T], deadline: float) -> None:
    """Put all the items."""
    if isinstance(items, (list, tuple, range)):
        done = 0
        while done < len(items):
            done = channel._offer_many(items, done)
            if done < len(items):
                put(channel, items[done], deadline)
                done += 1
        return
    for item in items:
        if not channel._offer(item):
            put(channel, item, deadline)


def get(channel: Sections[T], deadline: float) -> T:
    """Get an item where there was none."""
    channel._check_not_drained()
    may_wait(channel, deadline)
    bell = ThreadBell()
    wait = Wait(channel._receivers, bell)
    item = channel._begin_get(wait)
    if item is not BLOCKED:
        return item
    try:
        block(channel, wait, bell, deadline)
        item = channel._end_get(wait)
    except BaseException:
        wait.left = True
        try:
            channel._quit(wait)
        except BaseException:
            channel._quit(wait)
            raise
        raise
    if item is not BLOCKED:
        return item
    channel._check_not_drained()
    raise out_of_time(channel)


def get_many(channel: Sections[T], asks: int, limit: int, within: float, deadline: float) -> list[T]:
    """Get a batch of at most `limit` items; it waits for as many as it asks for, or until its time is up."""
    while True:
        channel._check_not_drained()
        may_wait(channel, deadline)
        bell = ThreadBell()
        wait = Gathering(channel._receivers, bell, channel)
        if channel._begin_batch(wait, asks):
            items = channel._poll_many(limit)
            if items:  # here: where a loop turns a signal handler could raise
                return items
            continue
        try:
            gather(channel, wait, bell, within, deadline)
            items = channel._poll_many(limit, wait)
        except BaseException:
            wait.left = True
            try:
                channel._quit(wait)
            except BaseException:
                channel._quit(wait)
                raise
            raise
        if items:
            return items
        if not wait.claimed:
            raise out_of_time(channel)


def gather(channel: Sections[T], wait: Gathering, bell: ThreadBell, within: float, deadline: float) -> None:
    """Wait for the first item, and until the batch is complete or its time is up."""
    if wait.started is None:
        block(channel, wait, bell, deadline)
    if wait.started is not None:
        while block(channel, wait, bell, wait.started + within) and not wait.claimed:
            pass  # told of the first item


def watch(channel: Sections[T], queue: WaitQueue, deadline: float) -> None:
    """Wait for the close, or for the last item."""
    bell = ThreadBell()
    wait = Wait(queue, bell)
    if channel._is_over(queue):
        return
    may_wait(channel, deadline)
    if channel._begin_watch(wait):
        return
    try:
        channel._check_not_orphaned(queue)
        block(channel, wait, bell, deadline)
        channel._quit(wait)
    except BaseException:
        wait.left = True
        try:
            channel._quit(wait)
        except BaseException:
            channel._quit(wait)
            raise
        raise
    if not wait.claimed:
        raise out_of_time(channel)
    channel._check_not_orphaned(queue)
