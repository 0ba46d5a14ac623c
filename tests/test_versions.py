"""The cursor of a reader by itself: a signal handler that raises while it wakes, and what no call can arrange."""

import asyncio
from asyncio import Future

import pytest
from typing_extensions import override

from aiochannel import Watch, select
from aiochannel._core.resting import BLOCKED
from aiochannel._core.versions import Cursor
from aiochannel._core.waiters import Waiter, Waiting, WaitQueue
from tests.conftest import settle, waiting
from tests.test_channel_loops import at_once, new_loop


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


async def test_a_set_that_is_interrupted_tells_nobody_of_a_close() -> None:
    watch = Watch(0)
    closing = Interrupted("")
    watch._closers_in(asyncio.get_running_loop()).append(closing)
    enter(cursor_of(watch), Interrupted("before"))
    with pytest.raises(Interruption):
        watch.set(1)
    assert not closing.done()


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


def interrupt_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a signal handler raise where a method of cursors, or of wait queues, is entered next."""

    def interrupted(*_: object) -> None:
        monkeypatch.undo()
        raise Interruption

    monkeypatch.setattr(Cursor if hasattr(Cursor, name) else WaitQueue, name, interrupted)


@pytest.mark.parametrize("where", ["_withdraw", "_give_back"])
@pytest.mark.parametrize("call", ["get", "join"])
async def test_a_call_that_is_interrupted_while_it_gives_up_gives_up(
    call: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(0)
    reader = watch.observe()
    reader.get_nowait()
    waits = reader.get() if call == "get" else reader.join()
    waits.send(None)
    interrupt_once(where, monkeypatch)
    with pytest.raises(Interruption):
        waits.close()
    assert (0, {}) == (watch.statistics().waiting_receivers, watch._known)


@pytest.mark.parametrize("where", ["_withdraw", "discard", "_give_back"])
async def test_a_get_in_a_queue_that_is_interrupted_while_it_gives_up_is_counted_once(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(0)
    reader = watch.observe()
    reader.get_nowait()
    tasks = [await waiting(reader.get()) for _ in range(4)]
    tasks[1].cancel()
    interrupt_once(where, monkeypatch)
    await settle()
    assert (Interruption, 3) == (type(tasks[1].exception()), watch.statistics().waiting_receivers)
    for task in tasks:
        task.cancel()
    await settle()
    assert (0, {}) == (watch.statistics().waiting_receivers, watch._known)


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


async def test_a_join_ends_if_a_signal_handler_closes_behind_its_look(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue = Cursor._enqueue_joiner

    def close_first(self: Cursor[int], waiter: Waiter, loop: asyncio.AbstractEventLoop) -> None:
        watch.close()
        enqueue(self, waiter, loop)

    watch = Watch(0)
    reader = watch.observe()
    reader.get_nowait()
    monkeypatch.setattr(Cursor, "_enqueue_joiner", close_first)
    await at_once(reader.join())
    assert not watch._known


async def test_a_waiter_that_enters_the_queue_is_counted_once() -> None:
    class Looked(WaitQueue):  # type: ignore[misc]  # final, but here a signal handler has to run in it
        """A signal handler counts who waits."""

        @override
        def appendleft(self, waiting: Waiting, /) -> None:
            super().appendleft(waiting)
            found.append(cursor._waiting())

    found: list[int] = []
    cursor: Cursor[int] = Cursor(Watch(0))
    cursor._first, cursor._queue = Interrupted(""), Looked()
    cursor._line_up()
    assert [1] == found


async def test_a_join_does_not_end_where_a_signal_handler_takes_the_value_of_an_open_watch() -> None:
    class Taken(Cursor[int]):
        """A signal handler gets, once, while nobody is found to promise the value to."""

        __slots__ = ()

        @override
        def _promise(self) -> None:
            super()._promise()
            if not handled:
                handled.append(True)
                self._take()

    handled: list[bool] = []
    cursor, joining = Taken(Watch(0)), Interrupted("")
    cursor._enqueue_joiner(joining, asyncio.get_running_loop())
    cursor._wake_next()
    assert (0, False) == (cursor._seen, joining.done())


async def test_a_promise_that_passed_on_before_a_signal_handler_raised_stays_with_the_next() -> None:
    class PassesOn(Interrupted):
        @override
        def set_result(self, queue: WaitQueue, /) -> None:
            cursor._give_back(self)
            super().set_result(queue)

    watch = Watch(0)
    cursor = cursor_of(watch)
    first, second = PassesOn("before"), Interrupted("")
    cursor._own_queue().append(first)
    enter(cursor, second)
    with pytest.raises(Interruption):
        watch.set(1)
    assert (True, 1) == (second.done(), cursor._use_promise(second))


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


@pytest.mark.parametrize("alone", [True, False])
async def test_a_signal_handler_takes_nothing_where_a_set_has_not_come_to_a_waiter(alone: bool) -> None:
    class Takes(Future[WaitQueue]):
        """A signal handler gets by the next reader."""

        @override
        def set_result(self, queue: WaitQueue, /) -> None:
            super().set_result(queue)
            found.append((second._take(), second._is_unseen()))

    found: list[object] = []
    watch = Watch(0)
    first, second = cursor_of(watch), cursor_of(watch)
    waiter = Interrupted("")
    enter(first, Takes())
    if alone:
        enter(second, waiter)
    else:  # as a select
        second._own_queue().append(waiter)
        watch._known[second] = None
        second._wake_next()
    watch.set(1)
    assert ([(BLOCKED, False)], 1) == (found, second._use_promise(waiter))


async def test_a_set_leaves_a_promise_alone_that_a_signal_handler_has_made() -> None:
    class Wakes(Future[WaitQueue]):
        """A signal handler wakes the waiter of the next cursor, where another one begins to wait."""

        @override
        def set_result(self, queue: WaitQueue, /) -> None:
            super().set_result(queue)
            second._wake_next()
            enter(second, late)

    watch = Watch(0)
    first, second = cursor_of(watch), cursor_of(watch)
    early, late = Interrupted(""), Interrupted("")
    enter(first, Wakes())
    enter(second, early)
    watch.set(1)
    assert (True, False, 1) == (early.done(), late.done(), second._use_promise(early))


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
