"""Calls that a task awaits. Each is its sections, with one wait in between; see `blocked` for their twins."""

from asyncio import Future, get_running_loop
from collections.abc import Iterable
from math import inf
from typing import TypeVar

from aiochannel._core.resting import BLOCKED, PAUSE
from aiochannel._core.waiters import WaitQueue
from aiochannel._threads.hosts import Host, TaskBell
from aiochannel._threads.sections import Sections
from aiochannel._threads.waits import Gathering, Wait

T = TypeVar("T")


def bell_in(host: Host) -> TaskBell:
    """Return a bell for a call of the running loop."""
    return TaskBell(host, Future(loop=get_running_loop()))


async def rest(host: Host) -> None:
    """Let other tasks run."""
    host.calls = 0
    await PAUSE


async def put(channel: Sections[T], item: T, host: Host) -> None:
    """Put an item for which there was no room."""
    bell = bell_in(host)
    wait = Wait(channel._senders, bell)
    if channel._begin_put(wait, item):
        return
    try:
        await bell.future
        accepted = channel._end_put(wait, item)
    except BaseException:
        wait.left = True
        try:
            channel._quit(wait)
        except BaseException:
            channel._quit(wait)
            raise
        raise
    host.calls = 0
    if not accepted:
        channel._check_open()


async def put_many(channel: Sections[T], items: Iterable[T], host: Host) -> None:
    """Put all the items."""
    if isinstance(items, (list, tuple, range)):
        done = 0
        while done < len(items):
            before = done
            done = channel._offer_many(items, done)
            host.calls += done - before
            if done < len(items):
                await put(channel, items[done], host)
                done += 1
        return
    for item in items:
        host.calls += 1
        if not channel._offer(item):
            await put(channel, item, host)


async def get(channel: Sections[T], host: Host) -> T:
    """Get an item where there was none."""
    bell = bell_in(host)
    wait = Wait(channel._receivers, bell)
    item = channel._begin_get(wait)
    if item is not BLOCKED:
        return item
    try:
        await bell.future
        host.calls = 0
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
    raise channel._drained_error()


async def get_many(channel: Sections[T], asks: int, limit: int, within: float, host: Host) -> list[T]:
    """Get a batch of at most `limit` items; it waits for as many as it asks for, or until its time is up."""
    while True:
        channel._check_not_drained()
        bell = bell_in(host)
        wait = Gathering(channel._receivers, bell, channel)
        if channel._begin_batch(wait, asks):
            items = channel._poll_many(limit)
            if items:  # here: where a loop turns a signal handler could raise
                return items
            continue
        try:
            if wait.started is None:
                await bell.future
            if wait.started is not None and not wait.claimed:
                await _gather(channel, wait, bell, wait.started + within)
            host.calls = 0
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


async def _gather(channel: Sections[T], wait: Gathering, bell: TaskBell, deadline: float) -> None:
    """Wait until a batch is complete, or until its time is up."""
    loop = get_running_loop()
    future: Future[None] = Future(loop=loop)
    bell.future = future
    if wait.claimed:  # perhaps before it could be told by this future
        return
    timer = None if deadline == inf else loop.call_at(deadline, bell.tell)
    try:
        await future
    finally:
        if timer is not None:
            timer.cancel()


async def watch(channel: Sections[T], queue: WaitQueue, host: Host) -> None:
    """Wait for the close, or for the last item."""
    if channel._is_over(queue):
        return
    bell = bell_in(host)
    wait = Wait(queue, bell)
    if channel._begin_watch(wait):
        return
    try:
        channel._check_not_orphaned(queue)
        await bell.future
        channel._quit(wait)
    except BaseException:
        wait.left = True
        try:
            channel._quit(wait)
        except BaseException:
            channel._quit(wait)
            raise
        raise
    channel._check_not_orphaned(queue)
