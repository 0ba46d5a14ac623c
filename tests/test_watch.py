"""Watch: the current value, versions, readers of their own, and the last value before the close."""

import asyncio
import copy
import gc
import pickle
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Never, TypeVar, cast
from weakref import ref

import pytest

from aiochannel import (
    ChannelClosed,
    ChannelEmpty,
    Receiver,
    Sender,
    Watch,
    WatchStatistics,
    after,
    merge,
    otherwise,
    select,
    select_any,
)
from aiochannel.testing import waits
from aiochannel.watch import _Reader
from tests.budgets import SHIPPED, small_budgets
from tests.conftest import begun, cancelled, settle, waiting, without_gc
from tests.test_channel_loops import another_thread, at_once, new_loop

T = TypeVar("T")

MANY = 3 * SHIPPED.calls


def seen(watch: Watch[T]) -> Receiver[T]:
    """Return a reader that has seen the current value."""
    reader = watch.observe()
    reader.get_nowait()
    return reader


def readers(watch: Watch[int]) -> int:
    return watch.statistics().waiting_receivers


class Value:
    """What can be referred to weakly."""


class Raises:
    def __bool__(self) -> bool:
        raise ValueError("no truth here")


# The value


def test_a_watch_has_its_value_from_the_beginning_and_after_the_close() -> None:
    watch = Watch("first")
    before = watch.value, watch.version
    watch.set("second")
    watch.close()
    assert [("first", 0), ("second", 1)] == [before, (watch.value, watch.version)]


def test_none_is_a_value() -> None:
    watch = Watch[int | None](None)
    assert [None] == [watch.observe().get_nowait()]


@pytest.mark.parametrize("value", [1, float("nan"), Raises()])
def test_a_set_is_a_change_whatever_the_value_is(value: object) -> None:
    watch = Watch(value)
    reader = seen(watch)
    watch.set(value)
    assert (1, value) == (watch.version, reader.get_nowait())


def test_a_set_of_a_closed_watch_raises_and_changes_nothing() -> None:
    watch = Watch(1)
    cause = OSError("disk on fire")
    watch.close(cause)
    with pytest.raises(ChannelClosed, match=r"accepts no more values: closed by close\(\), from OSError") as caught:
        watch.set(2)
    assert (1, 0, cause) == (watch.value, watch.version, caught.value.__cause__)


async def test_a_watch_is_a_sender_whose_put_sets() -> None:
    watch = Watch(0)
    sender: Sender[int] = watch
    numbers = [watch.value]
    await sender.put(1)
    numbers.append(watch.value)
    sender.put_nowait(2)
    numbers.append(watch.value)
    await sender.put_many(iter([3, 4]))
    numbers.append(watch.value)
    await select(sender.on_put(5))
    assert ([0, 1, 2, 4, 5], 5) == ([*numbers, watch.value], watch.version)
    assert (1, 0, False, False) == (sender.maxsize, sender.qsize(), sender.full(), sender.closed())


async def test_of_put_many_a_reader_sees_the_last_value_only() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = await waiting(reader.get())
    await watch.put_many([1, 2, 3])
    assert (3, 3, True) == (await getting, watch.version, reader.empty())


async def test_put_many_whose_items_close_the_watch_raises() -> None:
    watch = Watch(0)

    def items() -> Iterator[int]:
        yield 1
        watch.close()
        yield 2

    with pytest.raises(ChannelClosed):
        await watch.put_many(items())
    assert 1 == watch.value


async def test_the_handle_of_its_sending_side_sets_and_closes() -> None:
    watch = Watch(0, name="limit")
    sender = watch.sender
    await sender.put(1)
    assert (1, True, True) == (watch.value, sender.close(), watch.closed())
    assert not hasattr(sender, "value")
    assert "limit" in repr(sender)


def test_a_value_that_was_replaced_is_freed_at_once() -> None:
    with without_gc():
        value = Value()
        watch, freed = Watch(value), ref(value)
        del value
        watch.set(Value())
        assert freed() is None


def test_the_finalizer_of_a_replaced_value_sees_the_new_one_as_one_version() -> None:
    class Old:
        def __del__(self) -> None:
            found.append(reader.get_nowait())

    watch = Watch[Old | str](Old())
    reader = watch.observe()
    found: list[Old | str] = []
    watch.set("new")
    assert (["new"], True) == (found, reader.empty())


# Reading


async def test_a_new_reader_begins_with_the_current_value() -> None:
    watch = Watch(1)
    watch.set(2)
    reader = watch.observe()
    assert (1, 1, False, 2, 0, True) == (
        reader.maxsize, reader.qsize(), reader.empty(), await reader.get(), reader.qsize(), reader.empty(),
    )  # fmt: skip


async def test_readers_know_nothing_of_each_other() -> None:
    watch = Watch(1)
    first, second = watch.observe(), watch.observe()
    assert (1, 1) == (await first.get(), await second.get())
    watch.set(2)
    assert (2, 2) == (first.get_nowait(), second.get_nowait())


async def test_a_reader_sees_each_version_once() -> None:
    watch = Watch(0)
    reader = watch.observe()
    found = [reader.get_nowait()]
    for number in range(1, 4):
        getting = await waiting(reader.get())
        watch.set(number)
        found.append(await getting)
        with pytest.raises(ChannelEmpty, match="has nothing new"):
            reader.get_nowait()
    assert [0, 1, 2, 3] == found


async def test_a_set_wakes_every_reader_that_waits() -> None:
    watch = Watch(0)
    tasks = [await waiting(seen(watch).get()) for _ in range(5)]
    watch.set(1)
    assert [1] * 5 == await asyncio.gather(*tasks)


async def test_set_twice_before_the_woken_reader_runs_is_seen_once_as_the_second() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = await waiting(reader.get())
    watch.set(1)
    watch.set(2)
    assert (2, True) == (await getting, reader.empty())


async def test_a_woken_task_that_is_cancelled_leaves_the_value_to_the_next_of_its_reader() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first, second = await waiting(reader.get()), await waiting(reader.get())
    watch.set(1)
    assert (True, 1) == (await cancelled(first), await second)


async def test_a_woken_task_that_is_cancelled_leaves_the_value_to_the_next_get_where_nobody_waits() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = await waiting(reader.get())
    watch.set(1)
    assert (True, 1) == (await cancelled(getting), reader.get_nowait())


async def test_get_nowait_takes_nothing_that_a_task_was_woken_for() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = await waiting(reader.get())
    watch.set(1)
    assert (0, True) == (reader.qsize(), reader.empty())
    with pytest.raises(ChannelEmpty):
        reader.get_nowait()
    assert 1 == await getting


async def test_a_get_that_comes_after_a_task_was_woken_waits_for_the_next_value() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first = await waiting(reader.get())
    watch.set(1)
    second = asyncio.create_task(reader.get())
    await settle()
    assert (1, False) == (first.result(), second.done())
    watch.set(2)
    assert 2 == await second


async def test_a_suspended_get_that_is_closed_behind_another_is_promised_nothing() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first = await waiting(reader.get())
    dropped = reader.get()
    dropped.send(None)
    last = await waiting(reader.get())
    dropped.close()
    watch.set(1)
    assert 1 == await first
    watch.set(2)
    assert 2 == await last


async def test_a_get_waits_behind_a_select_on_its_reader() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first, second = await waiting(select(reader.on_get())), await waiting(reader.get())
    watch.set(1)
    await settle()
    assert ((0, 1), False) == (first.result(), second.done())
    watch.set(2)
    assert 2 == await second


async def test_a_get_that_comes_before_a_woken_one_runs_waits_for_the_next_value() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first = await waiting(reader.get())
    watch.set(1)
    second = reader.get()
    second.send(None)
    assert 1 == await first
    watch.set(2)
    with pytest.raises(StopIteration) as taken:
        second.send(None)
    assert 2 == taken.value.value


async def test_of_two_tasks_on_one_reader_exactly_one_gets_a_version_first_come_first_served() -> None:
    watch = Watch(0)
    reader = seen(watch)
    tasks = [await waiting(reader.get()) for _ in range(3)]
    found: list[list[bool]] = []
    for number in range(1, 4):
        watch.set(number)
        await settle()
        found.append([task.done() for task in tasks])
    assert [[True, False, False], [True, True, False], [True] * 3] == found
    assert [1, 2, 3] == [task.result() for task in tasks]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_set_in_the_step_of_a_cancellation_reaches_the_tasks_that_are_left(when: str, place: int) -> None:
    watch = Watch(0)
    reader = seen(watch)
    tasks = [await waiting(reader.get()) for _ in range(3)]
    if when == "before":
        watch.set(1)
    tasks[place].cancel()
    if when == "after":
        watch.set(1)
    await settle()
    assert [n == place for n in range(3)] == [task.done() and task.cancelled() for task in tasks]
    watch.set(2)
    await settle()
    left = [task.result() for task in tasks if not task.cancelled()]
    assert ([1, 2], 0) == (left, readers(watch))


async def test_a_value_set_after_the_only_waiting_task_was_cancelled_can_be_taken_at_once() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = await waiting(reader.get())
    getting.cancel()
    watch.set(1)
    assert 1 == reader.get_nowait()
    await settle()
    assert (True, 0) == (getting.cancelled(), readers(watch))


async def test_many_cancelled_tasks_of_one_reader_are_removed_before_the_next_set() -> None:
    watch = Watch(0)
    reader = seen(watch)
    tasks = [await waiting(reader.get()) for _ in range(20)]
    for task in tasks[1:-1]:
        task.cancel()
    await settle()
    assert 2 == readers(watch)
    watch.set(1)
    watch.set(2)
    await settle()
    watch.set(3)
    assert [2, 3] == [await tasks[0], await tasks[-1]]


@pytest.mark.parametrize("limit", [1, 5])
async def test_get_many_gets_the_one_value_that_there_is(limit: int) -> None:
    watch = Watch(0)
    reader = _Reader(watch)
    found = [await reader.get_many(limit), await reader_after_set(watch, reader.get_many(limit, within=60))]
    assert [[0], [1]] == found


async def reader_after_set(watch: Watch[int], call: Coroutine[object, Never, T]) -> T:
    """Let a call wait, and then set the Watch to 1."""
    task = await waiting(call)
    watch.set(1)
    return await task


@pytest.mark.parametrize(
    ("limit", "within", "error"),
    [
        (0, None, ValueError),
        ("1", None, TypeError),
        (1, -1, ValueError),
        (1, float("nan"), ValueError),
        (1, "", TypeError),
    ],
)
async def test_get_many_refuses_a_wrong_limit_or_time_and_takes_nothing(
    limit: int, within: float, error: type[Exception]
) -> None:
    reader = _Reader(Watch(0))
    with pytest.raises(error):
        await reader.get_many(limit, within=within)
    assert 0 == reader.get_nowait()


async def test_merge_reads_from_two_watches() -> None:
    names, numbers = Watch("a"), Watch(1)
    names.close()
    numbers.close()
    merged: AsyncIterator[str | int] = merge(names.observe(), numbers.observe())
    assert {"a", 1} == {item async for item in merged}


# Closing


def test_close_returns_whether_it_did_it_and_the_first_cause_stays() -> None:
    watch = Watch(0)
    first = OSError("first")
    assert [True, False] == [watch.close(first), watch.close(OSError("second"))]
    with pytest.raises(ChannelClosed) as caught:
        watch.set(1)
    assert first is caught.value.__cause__


CALLS: dict[str, Callable[[Receiver[int]], Coroutine[object, Never, object]]] = {}


def call(function: Callable[[Receiver[int]], Coroutine[object, Never, object]]) -> None:
    CALLS[function.__name__] = function


@call
async def get(reader: Receiver[int]) -> object:
    return await reader.get()


@call
async def get_nowait(reader: Receiver[int]) -> object:
    return reader.get_nowait()


@call
async def get_many(reader: Receiver[int]) -> object:
    return (await reader.get_many(3))[0]


@call
async def a_select(reader: Receiver[int]) -> object:
    return (await select(reader.on_get()))[1]


@call
async def a_mapped_select(reader: Receiver[int]) -> object:
    return (await select(reader.on_get().map(lambda value: value)))[1]


@pytest.mark.parametrize("name", CALLS)
async def test_a_reader_gets_the_last_value_once_and_then_the_end(name: str) -> None:
    watch = Watch(0)
    reader = watch.observe()
    cause = OSError("disk on fire")
    watch.close(cause)
    found = [await CALLS[name](reader)]
    with pytest.raises(ChannelClosed, match=r"has seen the last value: closed by close\(\), from OSError") as caught:
        await CALLS[name](reader)
    assert ([0], cause, True) == (found, caught.value.__cause__, reader.closed())


async def test_async_for_gets_the_last_value_and_ends() -> None:
    watch = Watch(0)
    reader = watch.observe()
    watch.close()
    assert [[0], []] == [[value async for value in reader] for _ in range(2)]


async def test_async_for_raises_a_cause_after_the_last_value() -> None:
    watch = Watch(0)
    iterator = aiter(watch.observe())
    watch.close(OSError("disk on fire"))
    found = [await anext(iterator)]
    with pytest.raises(ChannelClosed):
        await anext(iterator)
    assert [0] == found


@pytest.mark.parametrize("order", [["set", "close"], ["set", "settle", "close"], ["set", "set", "close"]])
async def test_a_waiting_reader_gets_what_was_set_before_the_close(order: list[str]) -> None:
    watch = Watch(0)

    async def follow() -> list[int]:
        return [value async for value in watch.observe()]

    following = await waiting(follow())
    for number, word in enumerate(order):
        match word:
            case "set":
                watch.set(number)
            case "close":
                watch.close()
            case _:
                await settle()
    assert [0, watch.value] == await following


async def test_close_ends_every_waiting_get() -> None:
    watch = Watch(0)
    shared = seen(watch)
    tasks = [await waiting(shared.get()), await waiting(shared.get()), await waiting(seen(watch).get())]
    watch.close()
    await settle()
    assert [ChannelClosed] * 3 == [type(task.exception()) for task in tasks]


async def test_close_wakes_readers_in_the_order_in_which_they_began_to_wait() -> None:
    watch = Watch(0)
    ended: list[int] = []

    async def follow(number: int) -> None:
        async for _ in watch.observe():
            pass
        ended.append(number)

    tasks = [await waiting(follow(number)) for number in range(3)]
    watch.close()
    await asyncio.gather(*tasks)
    assert [0, 1, 2] == ended


async def test_close_refuses_the_gets_of_a_reader_in_the_order_in_which_they_began_to_wait() -> None:
    watch = Watch(0)
    reader = seen(watch)
    ended: list[int] = []

    async def get_one(number: int) -> None:
        with pytest.raises(ChannelClosed):
            await reader.get()
        ended.append(number)

    tasks = [await waiting(get_one(number)) for number in range(3)]
    watch.close()
    await asyncio.gather(*tasks)
    assert [0, 1, 2] == ended


async def test_joins_end_in_the_order_in_which_they_began() -> None:
    watch = Watch(0)
    reader = seen(watch)
    ended: list[int] = []

    async def join(number: int) -> None:
        await reader.join()
        ended.append(number)

    tasks = [await waiting(join(number)) for number in range(3)]
    watch.close()
    await asyncio.gather(*tasks)
    assert [0, 1, 2] == ended


async def test_a_get_behind_a_woken_one_is_told_the_end_when_nothing_can_come_back() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first, second = await waiting(reader.get()), await waiting(reader.get())
    watch.set(1)
    watch.close()
    assert not second.done()
    await settle()
    assert (1, ChannelClosed) == (first.result(), type(second.exception()))


async def test_a_woken_get_cancelled_after_the_close_leaves_the_last_value_to_the_next() -> None:
    watch = Watch(0)
    reader = seen(watch)
    first, second, third = [await waiting(reader.get()) for _ in range(3)]
    watch.set(1)
    watch.close()
    first.cancel()
    await settle()
    assert (True, 1, ChannelClosed) == (first.cancelled(), second.result(), type(third.exception()))


async def test_a_get_cancelled_in_the_step_of_the_close_is_cancelled() -> None:
    watch = Watch(0)
    tasks = [await waiting(seen(watch).get()), await waiting(watch.wait_closed())]
    for task in tasks:
        task.cancel()
    watch.close()
    await settle()
    assert [True, True] == [task.cancelled() for task in tasks]


async def test_the_cause_must_be_an_exception() -> None:
    watch = Watch(0)
    with pytest.raises(TypeError, match="the cause must be an exception or None"):
        watch.close(cast("BaseException", "x"))
    assert not watch.closed()


@pytest.mark.parametrize("name", ["wait_closed", "join"])
async def test_waiting_for_the_close_ends_with_it_though_no_reader_has_seen_the_last_value(name: str) -> None:
    watch = Watch(0)
    reader = watch.observe()
    wait = watch.wait_closed if name == "wait_closed" else watch.join
    tasks = [await waiting(wait()), await waiting(wait())]
    watch.close(OSError("no error for those who wait"))
    await asyncio.gather(*tasks)
    await at_once(wait())
    assert 1 == reader.qsize()


async def test_a_cancelled_wait_for_the_close_leaves_nothing() -> None:
    watch = Watch(0)
    assert await cancelled(await waiting(watch.wait_closed()))
    assert await cancelled(await waiting(select(watch.on_close())))
    assert not watch._has_waiters()
    watch.close()


async def test_a_wait_for_the_close_that_is_cancelled_when_woken_ends_cancelled() -> None:
    watch = Watch(0)
    first, second = await waiting(watch.wait_closed()), await waiting(watch.wait_closed())
    watch.close()
    first.cancel()
    await settle()
    assert (True, None) == (first.cancelled(), second.result())


async def test_select_on_close_goes_ahead_when_the_watch_closes() -> None:
    watch = Watch(0)
    selecting = await waiting(select(watch.on_close().map(lambda _: "closed"), seen(watch).on_get()))
    watch.close()
    assert (0, "closed") == await selecting
    assert (0, None) == await select(watch.on_close().or_closed("never"))


async def test_close_tells_a_select_first_by_on_close_and_then_by_get() -> None:
    watch = Watch(0)
    selecting = await waiting(select(seen(watch).on_get(), watch.on_close()))
    watch.close()
    assert (1, None) == await selecting


async def test_the_join_of_a_reader_ends_when_the_last_value_was_seen() -> None:
    watch = Watch(0)
    reader, other = watch.observe(), watch.observe()
    joining = await waiting(reader.join())
    watch.set(1)
    watch.close()
    await settle()
    assert not joining.done()
    other.get_nowait()
    await settle()
    assert not joining.done()
    assert 1 == reader.get_nowait()
    await joining
    await at_once(reader.join())


async def test_the_join_of_a_reader_that_has_seen_all_ends_with_the_close() -> None:
    watch = Watch(0)
    joining = await waiting(seen(watch).join())
    watch.close()
    await joining


async def test_the_join_of_a_reader_ends_when_the_woken_task_has_run() -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting, joining = await waiting(reader.get()), await waiting(reader.join())
    watch.set(1)
    watch.close()
    assert 1 == await getting
    await joining


# Selecting


async def test_a_select_on_two_readers_of_one_watch_takes_from_one_and_leaves_nothing_on_the_other() -> None:
    watch = Watch(0)
    both = [seen(watch), seen(watch)]
    selecting = await waiting(select_any([reader.on_get() for reader in both], biased=True))
    watch.set(1)
    place, value = await selecting
    assert (1, [0, 1], 0) == (value, sorted(reader.qsize() for reader in both), readers(watch))
    assert (1, True) == (both[1 - place].get_nowait(), both[place].empty())


@pytest.mark.virtual_clock
async def test_a_select_on_a_reader_that_is_won_by_a_timer_leaves_nothing_on_the_reader() -> None:
    watch = Watch(0)
    reader = seen(watch)
    place, _ = await select(reader.on_get(), after(1).on_get())
    watch.set(1)
    assert (1, 1) == (place, reader.get_nowait())


@pytest.mark.virtual_clock
async def test_a_reader_on_which_a_select_has_waited_is_freed_at_once() -> None:
    watch = Watch(0)
    with without_gc():
        reader = seen(watch)
        await select(reader.on_get(), after(1).on_get())
        await settle()
        freed = ref(reader)
        del reader
        assert (None, False) == (freed(), bool(watch._known or watch._quiet))


async def test_a_get_behind_a_select_that_left_is_woken_by_the_next_set() -> None:
    watch, other = Watch(0), Watch(0)
    reader, elsewhere = seen(watch), seen(other)
    selecting = await waiting(select(reader.on_get(), elsewhere.on_get()))
    getting = await waiting(reader.get())
    other.set(5)
    watch.set(1)
    assert ((1, 5), 1) == (await selecting, await getting)


async def test_a_select_that_left_is_passed_over_by_a_set() -> None:
    watch, other = Watch(0), Watch(0)
    reader, elsewhere = seen(watch), seen(other)
    getting = [await waiting(select(reader.on_get(), elsewhere.on_get())) for _ in range(4)]
    getting[1].cancel()
    watch.set(1)
    other.set(5)
    await settle()
    assert {(0, 1), (1, 5)} == {getting[0].result(), getting[2].result()}
    watch.set(2)
    assert (0, 2) == await getting[3]


async def test_a_woken_select_that_is_cancelled_leaves_the_value() -> None:
    watch = Watch(0)
    reader = seen(watch)
    selecting = await waiting(select(reader.on_get()))
    watch.set(1)
    assert (True, 1) == (await cancelled(selecting), reader.get_nowait())


@pytest.mark.parametrize("waits_first", [True, False])
async def test_a_value_whose_mapping_raises_is_unseen_still(waits_first: bool) -> None:
    watch = Watch(0)
    reader = seen(watch) if waits_first else watch.observe()
    selecting = asyncio.create_task(select(reader.on_get().map(lambda value: 1 // value)))
    await settle()
    if waits_first:
        watch.set(0)
        await settle()
    assert isinstance(selecting.exception(), ZeroDivisionError)
    assert 0 == reader.get_nowait()


async def test_a_select_puts_into_a_watch() -> None:
    watch = Watch(0)
    assert (0, "set") == await select(watch.on_put(1).map(lambda _: "set"))
    assert 1 == watch.value


async def test_a_select_that_puts_into_a_closed_watch_raises() -> None:
    watch = Watch(0)
    watch.close()
    with pytest.raises(ChannelClosed):
        await select(watch.on_put(1))
    with pytest.raises(ChannelClosed):
        await select(watch.on_put(1).map(lambda _: 1 // 0))
    assert (0, None) == await select(watch.on_put(1).or_closed(None))


async def test_a_select_with_otherwise_sees_whether_there_is_a_new_value() -> None:
    watch = Watch(0)
    reader = watch.observe()
    assert [(0, 0), (1, None)] == [await select(reader.on_get(), otherwise()) for _ in range(2)]


# Waiting for a value


async def test_wait_for_looks_at_the_current_value_first() -> None:
    watch = Watch(3)
    assert 3 == await at_once(watch.wait_for(lambda value: value > 2))


async def test_wait_for_returns_the_first_value_that_fits() -> None:
    watch = Watch(0)
    task = await waiting(watch.wait_for(lambda value: value > 2))
    for number in range(1, 6):
        watch.set(number)
        await settle()
    assert 3 == await task


async def test_wait_for_does_not_see_a_value_that_is_replaced_before_it_runs() -> None:
    watch = Watch(0)
    task = await waiting(watch.wait_for(lambda value: value == 1))
    watch.set(1)
    watch.set(2)
    await settle()
    assert not task.done()
    watch.set(1)
    assert 1 == await task


async def test_wait_for_looks_at_the_last_value_and_then_raises_with_the_cause() -> None:
    watch = Watch(0)
    fits, fits_not = (
        await waiting(watch.wait_for(lambda value: value == 1)),
        await waiting(watch.wait_for(lambda value: value == 2)),
    )
    cause = OSError("disk on fire")
    watch.set(1)
    watch.close(cause)
    await settle()
    assert (1, cause) == (fits.result(), (fits_not.exception() or cause).__cause__)


async def test_what_the_predicate_raises_comes_out_of_wait_for() -> None:
    watch = Watch(0)
    with pytest.raises(ZeroDivisionError):
        await watch.wait_for(lambda value: 1 // value)
    assert 0 == readers(watch)


async def test_a_predicate_may_set_the_watch() -> None:
    watch = Watch(0)

    def raise_it(value: int) -> bool:
        if value < 5:
            watch.set(value + 1)
        return value == 5

    assert (5, 5) == (await watch.wait_for(raise_it), watch.version)


# Letting other tasks run


async def set_and_get(watch: Watch[int], reader: Receiver[int]) -> None:
    watch.set(1)
    await reader.get()


async def set_and_select(watch: Watch[int], reader: Receiver[int]) -> None:
    watch.set(1)
    await select(reader.on_get())


ENDLESS: dict[str, Callable[[Watch[int], Receiver[int]], Coroutine[object, Never, object]]] = {
    "put": lambda watch, _: watch.put(1),
    "put_many": lambda watch, _: watch.put_many([1]),
    "select put": lambda watch, _: select(watch.on_put(1)),
    "select mapped put": lambda watch, _: select(watch.on_put(1).map(str)),
    "get": set_and_get,
    "select get": set_and_select,
    "get of new readers": lambda watch, _: watch.observe().get(),
    "wait_for": lambda watch, _: watch.wait_for(lambda value: True),
}
ENDED: dict[str, Callable[[Watch[int], Receiver[int]], Coroutine[object, Never, object]]] = {
    "select put or_closed": lambda watch, _: select(watch.on_put(1).or_closed(None)),
    "select get or_closed": lambda _, reader: select(reader.on_get().or_closed(None)),
    "select on_close": lambda watch, _: select(watch.on_close()),
    "select mapped on_close": lambda watch, _: select(watch.on_close().map(str)),
}


@pytest.mark.parametrize("name", [*ENDLESS, *ENDED])
async def test_another_task_runs_beside_calls_that_never_wait(name: str) -> None:
    watch = Watch(0)
    reader = seen(watch)
    if name in ENDED:
        watch.close()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    for _ in range(MANY):
        await (ENDLESS | ENDED)[name](watch, reader)
    assert ["ran"] == others


@pytest.mark.parametrize("raising", ["put", "get", "mapped put", "mapped get"])
async def test_a_select_that_finds_the_watch_closed_lets_other_tasks_run(raising: str) -> None:
    watch = Watch(0)
    reader = seen(watch)
    watch.close()
    case = {
        "put": watch.on_put(1),
        "get": reader.on_get().map(lambda _: None),
        "mapped put": watch.on_put(1).map(lambda _: None),
        "mapped get": reader.on_get().map(lambda _: None),
    }[raising]
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    for _ in range(MANY):
        with pytest.raises(ChannelClosed):
            await select(case)
    assert ["ran"] == others


async def test_a_get_that_has_to_wait_begins_at_once_though_it_is_time_to_rest() -> None:
    watch = Watch(0)
    reader = watch.observe()
    for number in range(MANY):
        watch.set(number)
    reader.get_nowait()
    getting = await begun(reader.get())
    assert 1 == readers(watch)
    assert await cancelled(getting)


async def test_a_put_that_is_cancelled_while_others_run_has_set_nothing() -> None:
    with small_budgets():
        watch = Watch(0)
        task = asyncio.create_task(repeat_put(watch))
        for _ in range(5):
            await asyncio.sleep(0)
        value = watch.value
        task.cancel()
        await asyncio.sleep(0)
        assert (value, True) == (watch.value, task.cancelled())


async def repeat_put(watch: Watch[int]) -> None:
    for number in range(1, 1_000):
        await watch.put(number)


# What it shows


async def test_statistics_show_the_version_and_who_waits() -> None:
    watch = Watch(0, name="limit")
    shared = seen(watch)
    tasks: list[asyncio.Task[object]] = [
        await waiting(shared.get()),
        await waiting(shared.get()),
        await waiting(select(seen(watch).on_get())),
    ]
    watch.version  # noqa: B018  # looking changes nothing
    before = watch.statistics()
    watch.set(1)
    assert [
        WatchStatistics(version=0, waiting_receivers=3, closed=False, name="limit"),
        WatchStatistics(version=1, waiting_receivers=1, closed=False, name="limit"),
    ] == [before, watch.statistics()]
    watch.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert WatchStatistics(version=1, waiting_receivers=0, closed=True, name="limit") == watch.statistics()


def test_a_watch_and_its_readers_say_what_they_are() -> None:
    watch = Watch("secret", name="limit")
    watch.set("other")
    assert "<Watch 'limit' version=1>" == str(watch)
    assert f"<Watch 'limit' at {id(watch):#x} version=1>" == repr(watch)
    assert f"<reader of {watch!r}>" == repr(watch.observe())
    watch.close()
    assert "<Watch version=0 closed>" == str(closed_watch())
    assert "closed" in str(watch)


def closed_watch() -> Watch[int]:
    watch = Watch(0)
    watch.close()
    return watch


async def test_a_list_of_waits_names_the_watch() -> None:
    watch = Watch(0, name="limit")
    task = await waiting(seen(watch).get())
    assert "<Watch 'limit' version=0>" in " ".join(str(wait) for wait in waits())
    task.cancel()


def test_neither_a_watch_nor_a_reader_can_be_copied_or_pickled() -> None:
    watch = Watch(0)
    for thing in (watch, watch.observe()):
        for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot pickle or copy"):
                attempt(thing)


def test_a_wrong_loop_or_name_is_refused() -> None:
    with pytest.raises(TypeError, match="loop must be an event loop or None"):
        Watch(0, cast("asyncio.AbstractEventLoop", 5))
    with pytest.raises(TypeError, match="name must be a str or None"):
        Watch(0, name=cast("str", 5))


# What is dropped


async def test_a_reader_whose_task_was_cancelled_is_known_to_nobody() -> None:
    watch = Watch(0)
    with without_gc():
        reader = seen(watch)
        assert await cancelled(await waiting(reader.get()))
        assert await cancelled(await waiting(reader.join()))
        freed = ref(reader)
        del reader
        assert (None, False) == (freed(), bool(watch._known or watch._quiet))


async def test_a_reader_that_has_got_a_value_by_waiting_is_known_to_nobody() -> None:
    watch = Watch(0)
    with without_gc():
        reader = seen(watch)
        task = await waiting(reader.get())
        watch.set(1)
        await task
        freed = ref(reader)
        del reader, task
        assert (None, False) == (freed(), bool(watch._known or watch._quiet))


async def test_a_reader_that_is_dropped_with_a_promise_keeps_the_watch_right() -> None:
    watch = Watch(0)
    reader = seen(watch)
    task = await waiting(reader.get())
    watch.set(1)
    del reader
    assert 1 == await task


def test_a_suspended_get_that_is_dropped_leaves_nothing() -> None:
    async def suspend() -> None:
        reader = seen(watch)
        for woken in (False, True):
            coroutine = reader.get()
            coroutine.send(None)
            if woken:
                watch.set(1)
            coroutine.close()
        assert 1 == reader.get_nowait()

    watch = Watch(0)
    asyncio.run(suspend())
    assert not watch._known


# Event loops and threads


@contextmanager
def abandoned(*calls: Coroutine[object, Never, object]) -> Iterator[None]:
    """Let calls wait in a loop that is then closed; their tasks are kept until the end."""
    with new_loop() as loop:
        tasks = [loop.create_task(each) for each in calls]
        loop.run_until_complete(settle())
    yield
    tasks.clear()


def lose_promised(watch: Watch[int], *calls: Coroutine[object, Never, object]) -> list[asyncio.Task[object]]:
    """Let calls wait in a loop, set the Watch to 1, and close the loop before they run; return their tasks."""

    def wake_and_stop() -> None:
        watch.set(1)
        loop.stop()

    with new_loop() as loop:
        tasks = [loop.create_task(each) for each in calls]
        loop.run_until_complete(settle())
        loop.call_soon(wake_and_stop)
        loop.run_forever()
    return tasks


MODULE: Watch[int] = Watch(0)


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_watch_of_a_module_works_in_one_loop_after_another(attempt: int) -> None:
    async def use() -> int:
        reader = seen(MODULE)
        task = await waiting(reader.get())
        MODULE.set(attempt)
        return await task

    assert attempt == asyncio.run(use())


def test_a_watch_forgets_the_readers_of_a_loop_that_was_closed() -> None:
    watch = Watch(0)
    reader = seen(watch)
    with abandoned(reader.get(), reader.get(), select(reader.on_get()), reader.join(), watch.wait_closed()):
        assert 0 == readers(watch)
        watch.set(1)
        assert 1 == asyncio.run(at_once(reader.get()))
        watch.close()
    assert not watch._known


def test_a_watch_keeps_nothing_of_a_loop_that_was_closed() -> None:
    watch = Watch(0)
    with abandoned(seen(watch).get(), select(seen(watch).on_get()), seen(watch).join()):
        assert (0, {}, {}) == (readers(watch), watch._known, watch._quiet)


def test_every_reader_of_a_loop_that_was_closed_goes_on_in_another() -> None:
    async def go_on() -> list[int]:
        tasks = [await waiting(reader.get()) for reader in shared]
        joins = [await waiting(reader.join()) for reader in shared]
        watch.set(1)
        watch.close()
        await asyncio.gather(*joins)
        return await asyncio.gather(*tasks)

    watch = Watch(0)
    shared = [seen(watch), seen(watch)]
    with abandoned(*[reader.get() for reader in shared], *[reader.join() for reader in shared]):
        assert [1, 1] == asyncio.run(go_on())


def test_a_get_that_was_cancelled_in_a_loop_that_was_closed_is_counted_in_no_other() -> None:
    async def look() -> None:
        tasks = [await waiting(reader.get()) for _ in range(2)]
        getting.close()
        assert 2 == readers(watch)
        for task in tasks:
            task.cancel()

    def cancel_and_stop() -> None:
        lost.cancel()
        loop.stop()

    watch = Watch(0)
    reader = seen(watch)
    getting = reader.get()
    with new_loop() as loop:
        lost = loop.create_task(getting)
        loop.run_until_complete(settle())
        loop.call_soon(cancel_and_stop)
        loop.run_forever()
    asyncio.run(look())


@pytest.mark.parametrize("thread", [False, True])
def test_a_woken_get_of_a_loop_that_was_closed_ends_and_wakes_nobody_there(thread: bool) -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting = reader.get()
    tasks = lose_promised(watch, getting, reader.get())
    with ThreadPoolExecutor(1) as pool:
        (pool.submit(getting.close).result if thread else getting.close)()
    assert (0, 1) == (readers(watch), reader.get_nowait())
    tasks.clear()


@pytest.mark.parametrize("name", CALLS)
def test_a_value_promised_in_a_loop_that_was_closed_can_be_taken(name: str) -> None:
    watch = Watch(0)
    reader = seen(watch)
    (task,) = lose_promised(watch, reader.get())
    assert 1 == asyncio.run(at_once(CALLS[name](reader)))
    assert not task.done()


def test_a_value_promised_in_a_loop_that_was_closed_is_counted() -> None:
    watch = Watch(0)
    reader = seen(watch)
    (task,) = lose_promised(watch, reader.get())
    assert (1, False, False) == (reader.qsize(), reader.empty(), task.done())


WAITS: dict[str, Callable[[Watch[int], Receiver[int]], Coroutine[object, Never, object]]] = {
    "get": lambda _, reader: reader.get(),
    "select get": lambda _, reader: select(reader.on_get()),
    "join": lambda _, reader: reader.join(),
    "wait_closed": lambda watch, _: watch.wait_closed(),
    "select on_close": lambda watch, _: select(watch.on_close()),
}


@pytest.mark.parametrize("first", WAITS)
def test_a_wait_in_a_second_loop_is_refused_whatever_the_first_waits_for(first: str) -> None:
    watch = Watch(0)
    reader, other = seen(watch), seen(watch)
    with new_loop() as loop:
        task = loop.create_task(WAITS[first](watch, reader))
        loop.run_until_complete(settle())
        for wait in WAITS.values():
            with pytest.raises(RuntimeError, match="wait on"):
                asyncio.run(at_once(wait(watch, other)))
        task.cancel()
        loop.run_until_complete(settle())
        asyncio.run(at_once(watch.observe().get()))


def test_a_wait_in_a_second_loop_is_refused_while_a_task_of_the_first_waits() -> None:
    watch = Watch(0)
    reader, other = seen(watch), seen(watch)
    calls: list[Callable[[], Coroutine[object, Never, object]]] = [
        other.get,
        other.join,
        watch.wait_closed,
        lambda: select(other.on_get()),
        lambda: select(watch.on_close()),
    ]
    for woken in (False, True):
        with new_loop() as loop:
            task = loop.create_task(reader.get())
            loop.run_until_complete(settle())
            if woken:
                watch.set(1)
                other.get_nowait()
            for each in calls:
                with pytest.raises(RuntimeError, match="wait on"):
                    asyncio.run(at_once(each()))
            task.cancel()
            loop.run_until_complete(settle())


async def test_a_wait_in_another_loop_than_the_one_given_is_refused() -> None:
    with new_loop() as loop:
        watch = Watch(0, loop)
        with pytest.raises(RuntimeError, match="was made for the event loop"):
            await seen(watch).get()


async def test_a_reader_that_has_seen_the_last_value_tells_it_in_any_loop() -> None:
    with new_loop() as loop:
        watch = Watch(0, loop)
        reader = seen(watch)
        watch.close()
        await reader.join()
        with pytest.raises(ChannelClosed):
            await reader.get()


@pytest.mark.parametrize("debug", [False, True])
async def test_a_call_from_another_thread_that_would_wake_a_task_is_refused_and_changes_nothing(debug: bool) -> None:
    watch = Watch(0)
    reader = seen(watch)
    getting, joining = await waiting(reader.get()), await waiting(seen(watch).join())
    with another_thread(debug) as there:
        for each in (lambda: watch.set(1), lambda: watch.put_nowait(1), watch.close):
            assert isinstance(there(each), RuntimeError)
    assert (0, False, False) == (watch.value, watch.closed(), getting.done())
    watch.close()
    await joining
    assert isinstance((await asyncio.gather(getting, return_exceptions=True))[0], ChannelClosed)


async def test_a_set_from_another_thread_that_wakes_nobody_is_not_refused() -> None:
    watch = Watch(0)
    joining = await waiting(seen(watch).join())
    with another_thread(False) as there:
        assert [None, None] == [there(lambda: watch.set(1)), there(lambda: watch.put_nowait(2))]
    assert 2 == watch.value
    assert await cancelled(joining)


@pytest.mark.parametrize("closed", [False, True])
async def test_a_get_from_another_thread_that_completes_no_join_is_not_refused(closed: bool) -> None:
    watch = Watch(0)
    joined, reader = watch.observe(), watch.observe()
    joining = await waiting(joined.join())
    if closed:
        watch.close()
    with another_thread(False) as there:
        assert there((reader if closed else joined).get_nowait) is None
    assert not joining.done()
    assert await cancelled(joining)


async def test_a_get_from_another_thread_that_would_complete_a_join_is_refused() -> None:
    watch = Watch(0)
    reader = watch.observe()
    joining = await waiting(reader.join())
    watch.close()
    with another_thread(False) as there:
        assert isinstance(there(reader.get_nowait), RuntimeError)
    assert 0 == reader.get_nowait()
    await joining


@pytest.mark.parametrize("debug", [False, True])
async def test_a_suspended_get_that_is_closed_in_another_thread_passes_its_value_on(debug: bool) -> None:
    watch = Watch(0)
    reader = seen(watch)
    coroutine = reader.get()
    coroutine.send(None)
    second = await waiting(reader.get())
    watch.set(1)
    with another_thread(debug) as there:
        assert there(coroutine.close) is None
    assert 1 == await second


async def test_a_second_close_from_another_thread_is_not_refused() -> None:
    watch = Watch(0)
    reader = watch.observe()
    joining = await waiting(reader.join())
    watch.close()
    with another_thread(False) as there:
        assert there(watch.close) is None
    reader.get_nowait()
    await joining


def test_traffic_does_not_add_up() -> None:
    async def use() -> None:
        for number in range(300):
            reader = watch.observe()
            await reader.get()
            task = asyncio.create_task(reader.get())
            await asyncio.sleep(0)
            if number % 2:
                task.cancel()
            else:
                watch.set(number)
            await asyncio.gather(task, return_exceptions=True)

    watch = Watch(0)
    asyncio.run(use())
    gc.collect()
    assert (0, 0) == (len(watch._known), len(watch._quiet))


async def test_get_many_nowait_gets_the_value_that_the_reader_has_not_seen() -> None:
    watch = Watch(7)
    reader = watch.observe()
    assert ([7], []) == (reader.get_many_nowait(), reader.get_many_nowait(3))
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        reader.get_many_nowait(0)
    watch.close()
    with pytest.raises(ChannelClosed):
        reader.get_many_nowait()
