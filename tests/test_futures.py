"""on_done: a future or a task as a case of a select."""

import asyncio
import gc
from collections.abc import Awaitable
from contextlib import closing
from typing import cast
from weakref import ref

import pytest

from aiochannel import Channel, ChannelClosed, on_done, otherwise, select, select_any
from aiochannel._core.operations import Never
from aiochannel._core.waiters import Selection
from tests.conftest import cancelled, settle, waiting


def future() -> asyncio.Future[int]:
    return asyncio.get_running_loop().create_future()


def callbacks(of: asyncio.Future[int]) -> int:
    """Return how many callbacks a future has."""
    return len(of._callbacks or ())  # no other way to see them


async def test_a_select_waits_for_a_future() -> None:
    done, idle = future(), Channel[str]()
    selecting = await waiting(select(idle.on_get(), on_done(done)))
    done.set_result(7)
    assert (1, 7) == await selecting
    assert (0, 0) == (callbacks(done), idle.statistics().waiting_receivers)


async def test_a_select_waits_for_a_task() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert (0, 7) == await select(on_done(asyncio.create_task(work())))


async def test_a_future_that_is_done_can_go_ahead_at_once_and_again() -> None:
    done = future()
    assert (1, None) == await select(on_done(done), otherwise())
    done.set_result(7)
    for _ in range(3):
        assert (0, 7) == await select(on_done(done), otherwise())


async def test_the_error_of_a_future_comes_out_of_the_select_that_takes_it() -> None:
    failed, error = future(), KeyError("missing")
    selecting = await waiting(select(on_done(failed)))
    failed.set_exception(error)
    with pytest.raises(KeyError) as caught:
        await selecting
    assert error is caught.value
    with pytest.raises(KeyError):
        await select(on_done(failed), otherwise())
    with pytest.raises(KeyError):
        await select(on_done(failed).map(str).or_closed("closed"))


async def test_a_cancelled_future_does_not_look_like_a_cancelled_select() -> None:
    gone = future()
    selecting = await waiting(select(on_done(gone)))
    gone.cancel()
    with pytest.raises(asyncio.InvalidStateError, match="was cancelled"):
        await selecting
    with pytest.raises(asyncio.InvalidStateError, match="was cancelled"):
        await select(on_done(gone).map(str), otherwise())


async def test_or_closed_stands_for_a_cancelled_future() -> None:
    gone = future()
    selecting = await waiting(select(on_done(gone).or_closed("cancelled")))
    gone.cancel()
    assert (0, "cancelled") == await selecting
    assert (0, "cancelled") == await select(on_done(gone).map(str).or_closed("cancelled"))


async def test_a_result_is_mapped() -> None:
    done = future()
    selecting = await waiting(select(on_done(done).map(str)))
    done.set_result(7)
    assert (0, "7") == await selecting
    assert (0, "8") == await select(on_done(done).map(lambda value: str(value + 1)))


async def test_a_select_that_takes_another_case_leaves_no_callback_and_cancels_nothing() -> None:
    other, channel = future(), Channel[int]()
    selecting = await waiting(select(channel.on_get(), on_done(other)))
    assert 1 == callbacks(other)
    channel.put_nowait(3)
    assert (0, 3) == await selecting
    assert (0, False) == (callbacks(other), other.done())


async def test_a_cancelled_select_leaves_no_callback_and_cancels_nothing() -> None:
    other, channel = future(), Channel[int]()
    assert await cancelled(await waiting(select(on_done(other), channel.on_get())))
    assert (0, False, 0) == (callbacks(other), other.done(), channel.statistics().waiting_receivers)


async def test_a_select_that_is_refused_while_it_begins_to_wait_leaves_no_callback() -> None:
    other = future()
    with closing(asyncio.new_event_loop()) as loop:
        elsewhere = Channel[int](1, loop)
        with pytest.raises(RuntimeError, match="was made for the event loop"):
            await select(on_done(other), elsewhere.on_get(), biased=True)
    await settle()
    assert 0 == callbacks(other)


async def test_a_select_that_is_cancelled_when_its_future_is_done_has_taken_nothing_else() -> None:
    done, channel = future(), Channel[int]()
    selecting = await waiting(select(on_done(done), channel.on_get()))
    done.set_result(7)
    channel.put_nowait(3)
    assert await cancelled(selecting)
    assert [3] == list(channel)
    assert 3 == channel.get_nowait()


async def test_the_first_of_two_futures_is_taken() -> None:
    first, second = future(), future()
    selecting = await waiting(select(on_done(first), on_done(second)))
    second.set_result(2)
    await settle()
    first.set_result(1)
    assert (1, 2) == await selecting
    assert (0, 0) == (callbacks(first), callbacks(second))


async def test_two_selects_wait_for_one_future() -> None:
    done = future()
    selecting = [await waiting(select(on_done(done))) for _ in range(2)]
    done.set_result(7)
    assert [(0, 7), (0, 7)] == [await each for each in selecting]


async def test_a_select_beside_a_future_hears_of_a_close() -> None:
    other, channel = future(), Channel[int]()
    selecting = await waiting(select(on_done(other), channel.on_get()))
    channel.close()
    with pytest.raises(ChannelClosed):
        await selecting
    assert 0 == callbacks(other)


async def test_a_loop_over_a_future_that_is_done_lets_other_tasks_run() -> None:
    done = future()
    done.set_result(7)
    stopped = False

    async def stop() -> None:
        nonlocal stopped
        stopped = True

    stopping = asyncio.create_task(stop())
    for _ in range(1000):
        await select(on_done(done))
    assert stopped
    await stopping


async def test_what_waited_for_a_future_is_not_kept_by_it() -> None:
    other = future()
    task = await waiting(select(on_done(other)))
    assert await cancelled(task)
    kept = ref(task)
    del task
    gc.collect()
    assert kept() is None


async def test_a_future_of_another_loop_is_refused_where_the_select_would_wait() -> None:
    with closing(asyncio.new_event_loop()) as loop:
        elsewhere = loop.create_future()
        with pytest.raises(RuntimeError, match="belongs to another event loop"):
            await select(on_done(elsewhere))


async def test_only_a_future_or_a_task_is_taken() -> None:
    async def work() -> None: ...

    coroutine = work()
    wrongs: list[Awaitable[object] | object] = [coroutine, 7, None, work]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="on_done takes a future or a task"):
            on_done(cast("asyncio.Future[object]", wrong))
    await coroutine


# Cases that are switched off


async def test_a_case_that_is_switched_off_never_goes_ahead() -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(1)
    assert (1, None) == await select(channel.on_get().when(False), otherwise())
    other: Channel[int] = Channel()
    selecting = await waiting(select(channel.on_get().when(False), channel.on_put(2).when(False), other.on_get()))
    other.put_nowait(3)
    assert (2, 3) == await selecting
    assert [1] == list(channel)


async def test_a_case_that_is_switched_on_is_as_it_was() -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(1)
    assert (0, 1) == await select(channel.on_get().when(True))


async def test_a_case_that_is_switched_off_may_be_changed() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    off = channel.on_get().when(False)
    for case in off.map(str), off.or_closed("closed"), off.when(True), otherwise().when(False):
        assert (1, None) == await select_any([case, otherwise()])


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_select_of_which_all_cases_are_switched_off_is_refused(count: int) -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(1)
    with pytest.raises(ValueError, match="not switched off"):
        await select_any([channel.on_get().when(False)] * count)


@pytest.mark.parametrize("wrong", [1, None, "yes", lambda: True], ids=["int", "None", "str", "function"])
def test_the_flag_must_be_a_bool(wrong: bool) -> None:
    with pytest.raises(TypeError, match="the flag must be a bool"):
        Channel[int]().on_get().when(wrong)


async def test_nothing_completes_a_case_that_is_switched_off() -> None:
    with pytest.raises(AssertionError):
        Never[int]().complete(Selection(asyncio.get_running_loop()))
