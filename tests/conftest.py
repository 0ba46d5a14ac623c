"""Which event loops the async tests run on, and what they share.

Every async test runs on asyncio, on asyncio with eager tasks where Python has them, and on uvloop. One that is marked
`virtual_clock` runs on the loop of `aiochannel.testing`, whose time moves only when every task waits, and then at once
to the next timer: nothing sleeps, and a test in which every task waits for ever fails with a Deadlock that says where.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Never, TypeVar

import pytest

from aiochannel import Channel
from aiochannel.testing import Loop

T = TypeVar("T")


def filled(*items: int, maxsize: int = 0) -> Channel[int]:
    """Return a channel that contains the items."""
    channel: Channel[int] = Channel(maxsize)
    for item in items:
        channel.put_nowait(item)
    return channel


async def settle() -> None:
    """Let every task that can run do so until none can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def waiting(coroutine: Coroutine[object, Never, T]) -> asyncio.Task[T]:
    """Start a task, and see that it waits."""
    task = asyncio.create_task(coroutine)
    await settle()
    assert not task.done(), f"{task!r} should wait"
    return task


async def begun(coroutine: Coroutine[object, Never, T]) -> asyncio.Task[T]:
    """Start a task that takes its first step before any task that this step wakes; nothing else may be ready to run."""
    started = False

    async def start() -> T:
        nonlocal started
        started = True
        return await coroutine

    task = asyncio.create_task(start())
    if not started:  # an eager task has
        await asyncio.sleep(0)
    return task


async def cancelled(task: asyncio.Task[T]) -> bool:
    """Cancel a task, and tell whether it ended by that."""
    task.cancel()
    await settle()
    return task.cancelled()


@contextmanager
def without_gc() -> Iterator[None]:
    """Leave freeing to reference counts."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def within(seconds: float, style: str, call: Coroutine[object, Never, T]) -> T:
    """Give a call a deadline in one of the two styles that asyncio has."""
    if style == "wait_for":
        return await asyncio.wait_for(call, seconds)
    async with asyncio.timeout(seconds):
        return await call


class ClockedLoop(Loop):
    """A loop whose time a test can move on, too."""

    def pass_time(self, seconds: float) -> None:
        """Move the time on without letting the loop run, as a step of a task does."""
        self._now += seconds


LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def _eager(factory: LoopFactory) -> Mapping[str, LoopFactory]:
    """Return the factory's eager variant, where Python has eager tasks."""
    if sys.version_info >= (3, 12):

        def eager() -> asyncio.AbstractEventLoop:
            loop = factory()
            loop.set_task_factory(asyncio.eager_task_factory)
            return loop

        return {"eager": eager}
    return {}


def _uvloop() -> Mapping[str, LoopFactory]:
    if sys.platform == "win32":
        return {}
    from uvloop import new_event_loop  # noqa: PLC0415  # not there on Windows

    return {"uvloop": new_event_loop}


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    if item.get_closest_marker("virtual_clock"):
        return {"asyncio": ClockedLoop, **_eager(ClockedLoop)}
    return {"asyncio": asyncio.new_event_loop, **_eager(asyncio.new_event_loop), **_uvloop()}


def pytest_configure(config: pytest.Config) -> None:
    # A shell has background jobs ignore SIGINT, and that is inherited. Tests send it, to themselves and to programs.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "virtual_clock: run on asyncio loops whose time moves only when all tasks wait")
