"""The cursor of a reader by itself: a signal handler that raises while it wakes, and what no call can arrange."""

import asyncio
from asyncio import Future

import pytest
from typing_extensions import override

from aiochannel import Watch, select
from aiochannel._core.versions import Cursor
from aiochannel._core.waiters import Waiter, WaitQueue
from tests.conftest import settle, waiting
from tests.test_channel_loops import new_loop


class Interruption(BaseException):
    """What a signal handler raises."""


class Interrupted(Future[WaitQueue]):
    """A waiter at which a signal handler raises once, before or after it is woken."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        when, self.when = self.when, ""
        if when == "before":
            raise Interruption
        super().set_result(queue)
        if when == "after":
            raise Interruption


every_moment = pytest.mark.parametrize("when", ["before", "after"])


def cursor_of(watch: Watch[int]) -> Cursor[int]:
    """Return the cursor of a reader that has seen the current value."""
    cursor: Cursor[int] = Cursor(watch)
    assert watch.value == cursor._take()
    return cursor


def enter(cursor: Cursor[int], *waiters: Waiter) -> None:
    for waiter in waiters:
        cursor._enqueue(waiter, asyncio.get_running_loop())


# A signal handler that raises


@every_moment
async def test_a_set_that_is_interrupted_wakes_every_reader_all_the_same(when: str) -> None:
    watch = Watch(0)
    cursors = [cursor_of(watch) for _ in range(3)]
    waiters: list[Waiter] = [Interrupted(when), Interrupted(""), Interrupted("")]
    for cursor, waiter in zip(cursors, waiters, strict=True):
        enter(cursor, waiter)
    with pytest.raises(Interruption):
        watch.set(1)
    assert [True] * 3 == [waiter.done() for waiter in waiters]
    assert [1] * 3 == [cursor._use_promise(waiter) for cursor, waiter in zip(cursors, waiters, strict=True)]


@every_moment
async def test_a_set_that_is_interrupted_promises_its_value_to_one_task_of_a_reader(when: str) -> None:
    watch = Watch(0)
    cursor = cursor_of(watch)
    first, second, third = Interrupted(""), Interrupted(when), Interrupted("")
    enter(cursor, first, second, third)
    first.cancel()
    with pytest.raises(Interruption):
        watch.set(1)
    assert (True, False) == (second.done(), third.done())
    assert 1 == cursor._use_promise(second)


@every_moment
async def test_a_close_that_is_interrupted_tells_everybody_all_the_same(when: str) -> None:
    watch = Watch(0)
    waiters: list[Waiter] = [Interrupted(when), Interrupted(""), Interrupted("")]
    loop = asyncio.get_running_loop()
    for waiter in waiters[:2]:
        watch._closers_in(loop).append(waiter)
    enter(cursor_of(watch), waiters[2])
    with pytest.raises(Interruption):
        watch.close()
    assert [True] * 3 == [waiter.done() for waiter in waiters]


@every_moment
async def test_a_get_of_the_last_value_that_is_interrupted_completes_every_join(when: str) -> None:
    watch = Watch(0)
    cursor: Cursor[int] = Cursor(watch)
    waiters = [Interrupted(when), Interrupted("")]
    for waiter in waiters:
        cursor._enqueue_joiner(waiter, asyncio.get_running_loop())
    watch.close()
    with pytest.raises(Interruption):
        cursor._take()
    assert [True, True] == [waiter.done() for waiter in waiters]


async def test_a_get_that_is_interrupted_while_it_gives_up_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Cursor[int], queue: WaitQueue, waiter: Waiter) -> None:
        monkeypatch.undo()
        raise Interruption

    watch = Watch(0)
    reader = watch.observe()
    reader.get_nowait()
    getting = reader.get()
    getting.send(None)
    monkeypatch.setattr(Cursor, "_withdraw", interrupted)
    with pytest.raises(Interruption):
        getting.close()
    assert 0 == watch.statistics().waiting_receivers


# A signal handler that calls


async def test_a_first_waiter_that_a_signal_handler_takes_does_not_enter_the_queue() -> None:
    class Taken(Cursor[int]):
        """A signal handler runs where the queue is made, and takes the waiter."""

        __slots__ = ()

        @override
        def _own_queue(self) -> WaitQueue:
            self._first = None
            return super()._own_queue()

    cursor = Taken(Watch(0))
    cursor._first = Interrupted("")
    assert 0 == len(cursor._line_up())


async def test_a_promise_that_passed_on_while_it_was_made_stays_with_the_next() -> None:
    class Leaves(Future[WaitQueue]):
        """A signal handler closes the coroutine that waits, just when it is woken."""

        @override
        def set_result(self, queue: WaitQueue, /) -> None:
            self.cancel()
            cursor._give_back(self)
            super().set_result(queue)

    watch = Watch(0)
    cursor = cursor_of(watch)
    leaves, second, third = Leaves(), Interrupted(""), Interrupted("")
    cursor._own_queue().append(leaves)
    enter(cursor, second, third)
    watch.set(1)
    assert (True, False, second) == (second.done(), third.done(), cursor._woken)


# Loops


def test_a_select_of_a_loop_that_was_left_gives_nothing_back() -> None:
    async def go_on() -> int:
        task = await waiting(reader.get())
        watch.set(2)
        selecting.close()
        await settle()
        return await task

    watch = Watch(0)
    reader = watch.observe()
    reader.get_nowait()
    selecting = select(reader.on_get())

    def wake_and_stop() -> None:
        selecting.send(None)
        watch.set(1)
        loop.stop()

    with new_loop() as loop:
        loop.call_soon(wake_and_stop)
        loop.run_forever()
    assert 1 == reader.get_nowait()
    assert 2 == asyncio.run(go_on())
