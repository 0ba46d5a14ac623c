"""Moments: what is waited for without taking anything."""

import asyncio

import pytest
from typing_extensions import override

from aiochannel._core.moments import Moment
from aiochannel._core.waiters import Selection, WaitQueue
from tests.conftest import cancelled, waiting
from tests.test_interrupted_calls import interrupt_once


class Sudden(Moment):
    """A signal handler makes it come while somebody enters the queue."""

    __slots__ = ("entered",)

    def __init__(self) -> None:
        self.entered = WaitQueue()

    @override
    def has_come(self) -> bool:
        return bool(self.entered)

    @override
    def queue_in(self, loop: asyncio.AbstractEventLoop, /) -> WaitQueue:
        return self.entered


class Late(Sudden):
    """It never comes."""

    __slots__ = ()

    @override
    def has_come(self) -> bool:
        return False


async def test_a_select_for_a_moment_that_has_come_meanwhile_is_woken() -> None:
    selection = Selection(asyncio.get_running_loop())
    Sudden().park(selection, 0)
    assert (True, 0) == (selection.claimed(), selection.position)


async def test_a_wait_for_a_moment_that_has_come_meanwhile_ends_at_once() -> None:
    moment = Sudden()
    await moment.wait()
    assert 0 == len(moment.entered)


async def test_a_wait_that_is_cancelled_leaves_the_queue() -> None:
    moment = Late()
    wait = await waiting(moment.wait())
    assert 1 == moment.entered.waiting()
    assert await cancelled(wait)
    assert 0 == moment.entered.waiting()


async def test_a_wait_that_is_interrupted_as_it_leaves_the_queue_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Late()
    wait = moment.wait()
    wait.send(None)
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "discard")
        with pytest.raises(KeyboardInterrupt):
            wait.close()
    assert 0 == moment.entered.waiting()


async def test_a_wait_whose_coroutine_is_closed_leaves_the_queue() -> None:
    moment = Late()
    wait = moment.wait()
    wait.send(None)
    wait.close()
    assert 0 == len(moment.entered)


async def test_waits_end_in_the_order_in_which_they_began() -> None:
    async def wait(name: str) -> None:
        await moment.wait()
        ended.append(name)

    ended: list[str] = []
    moment = Late()
    waits = [await waiting(wait(name)) for name in ("first", "second")]
    moment.entered.wake_all()
    await asyncio.wait(waits)
    assert ["first", "second"] == ended


async def test_a_wait_that_is_cancelled_when_woken_leaves_nothing() -> None:
    moment = Late()
    wait = await waiting(moment.wait())
    moment.entered.wake_all()
    assert await cancelled(wait)
    assert (0, 0) == (len(moment.entered), moment.entered.stale)
