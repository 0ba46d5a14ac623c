"""Ends, handles and waits that go leave a channel as it should be, and nothing of themselves."""

import asyncio
import gc
import random
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Never
from weakref import ref

import pytest

from aiochannel import ChannelClosed, Receiver, Sender, select
from tests.conftest import cancelled, settle, waiting, without_gc
from tests.contract.kinds import (
    GETS,
    PUTS,
    Kind,
    Sides,
    every_end,
    every_end_that_needs_no_leaving,
    every_kind,
    get,
    put,
    that_buffer,
    that_count_receivers,
    that_count_senders,
    that_fill,
    that_let_go,
    that_need_no_leaving,
    those,
)


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Have the garbage collector look at nothing that is there already, so that it is quick."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def cause_of(channel: Sides) -> BaseException | None:
    """Return the cause with which the channel was closed."""
    with pytest.raises(ChannelClosed) as caught:
        channel.rx.get_nowait()
    return caught.value.__cause__


# Counted ends


@every_end
def test_the_channel_closes_when_the_last_end_leaves(channel: Sides, side: str) -> None:
    with channel.open_end(side):
        with channel.open_end(side):
            assert 2 == channel.ends()
        assert (1, False) == (channel.ends(), channel.tx.closed())
    assert (0, True) == (channel.ends(), channel.tx.closed())


@every_end
def test_an_end_counts_from_the_moment_it_is_opened(channel: Sides, side: str) -> None:
    later = channel.open_end(side)
    with channel.open_end(side):
        pass
    assert (1, False) == (channel.ends(), channel.tx.closed())
    with later:
        pass
    assert channel.tx.closed()


@every_end
def test_an_end_that_is_dropped_without_being_entered_leaves(channel: Sides, side: str) -> None:
    end = channel.open_end(side)
    assert not channel.tx.closed()
    del end
    assert (0, True) == (channel.ends(), channel.tx.closed())


@every_end
def test_an_end_that_was_entered_and_is_dropped_does_not_leave(stocked: Sides, side: str) -> None:
    """Whoever enters by hand leaves by hand; the handle goes on working."""
    handle = stocked.open_end(side).__enter__()  # by hand is what is tested
    assert (len(stocked.inside), 1, False) == (handle.qsize(), stocked.ends(), handle.closed())
    assert stocked.inside == [stocked.rx.get_nowait() for _ in stocked.inside]


@every_end
def test_an_end_left_by_an_exception_gives_it_as_the_cause(channel: Sides, side: str) -> None:
    crash = OSError("disk on fire")
    with pytest.raises(OSError, match="disk on fire"), channel.open_end(side):
        raise crash
    assert crash is cause_of(channel)


@every_end
def test_of_several_ends_left_by_exceptions_the_first_gives_the_cause(channel: Sides, side: str) -> None:
    crashes = [OSError("first"), OSError("second")]
    opened = [channel.open_end(side) for _ in range(3)]
    for end, crash in zip(opened, crashes, strict=False):
        with pytest.raises(OSError, match=str(crash)), end:
            raise crash
    assert not channel.tx.closed()
    with opened[2]:
        pass
    assert crashes[0] is cause_of(channel)


@that_count_senders
def test_a_plain_close_does_not_hide_the_crash_of_an_end_that_left_before(channel: Sides) -> None:
    crash = OSError("disk on fire")
    other = channel.open_sender()
    with pytest.raises(OSError, match="disk on fire"), channel.open_sender():
        raise crash
    with other as tx:
        tx.close()
    assert crash is cause_of(channel)


@that_count_senders
def test_the_crash_of_an_end_after_close_comes_too_late(channel: Sides) -> None:
    def produce() -> None:
        with channel.open_sender() as tx:
            tx.close()
            raise OSError("late")

    with pytest.raises(OSError, match="late"):
        produce()
    assert cause_of(channel) is None


@those(lambda kind: kind.fills and "sender" in kind.counts)
async def test_an_end_whose_task_is_cancelled_leaves_with_that_as_the_cause(kind: Kind, channel: Sides) -> None:
    async def produce() -> None:
        with channel.open_sender() as tx:
            while True:
                await tx.put(1)

    assert await cancelled(await waiting(produce()))
    assert [1] * int(kind.capacity) == [channel.rx.get_nowait() for _ in range(int(kind.capacity))]
    assert isinstance(cause_of(channel), asyncio.CancelledError)


@that_count_receivers
async def test_items_stay_when_the_last_receiving_end_leaves(stocked: Sides) -> None:
    with stocked.open_receiver():
        pass
    assert (True, stocked.inside) == (stocked.tx.closed(), await stocked.rest())


@those(lambda kind: kind.fills and "receiver" in kind.counts)
async def test_senders_that_wait_learn_that_the_last_receiving_end_left(full: Sides) -> None:
    with full.open_receiver():
        putting = await waiting(full.tx.put_many([1, 2]))
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


@those(lambda kind: kind.capacity > 0 and "sender" in kind.counts)
def test_the_other_side_may_outlive_an_end(channel: Sides) -> None:
    with channel.open_sender() as tx:
        tx.put_nowait(1)
    assert 1 == channel.rx.get_nowait()


@every_end
def test_an_end_that_left_cannot_be_entered_again(channel: Sides, side: str) -> None:
    """async-channel: a weak sender could come back after close."""
    end, other = channel.open_end(side), channel.open_end(side)
    with end:
        pass
    with pytest.raises(ChannelClosed, match="has left"), end:
        pass
    assert (1, False) == (channel.ends(), channel.tx.closed())
    del other


@every_end
def test_an_end_that_is_inside_cannot_be_entered_again(channel: Sides, side: str) -> None:
    end = channel.open_end(side)
    with end:
        with pytest.raises(RuntimeError, match="was entered before"), end:
            pass
        assert (1, False) == (channel.ends(), channel.tx.closed())
    assert (0, True) == (channel.ends(), channel.tx.closed())


@that_count_senders
async def test_a_sending_end_that_left_refuses_every_call(channel: Sides) -> None:
    other = channel.open_sender()
    with channel.open_sender() as tx:
        pass
    calls: list[Coroutine[object, Never, object]] = [put(call, tx, 1) for call in PUTS]
    for refused in [*calls, tx.put_many([]), tx.join()]:
        with pytest.raises(ChannelClosed, match=r"this end, a .*, has left"):
            await refused
    with pytest.raises(ChannelClosed, match=r"this end, a .*, has left"):
        tx.close(cause=OSError())
    assert (False, True, 1) == (channel.tx.closed(), channel.rx.empty(), channel.ends())
    with other as still:
        assert 1 == await passed(still, channel.rx)


@that_count_receivers
async def test_a_receiving_end_that_left_refuses_every_call(stocked: Sides) -> None:
    other = stocked.open_receiver()
    with stocked.open_receiver() as rx:
        pass

    async def step() -> object:
        return await anext(aiter(rx))

    calls = [get(call, rx) for call in GETS]
    for refused in [*calls, step(), rx.join()]:
        with pytest.raises(ChannelClosed, match=r"this end, a .*, has left"):
            await refused
    with pytest.raises(ChannelClosed, match=r"this end, a .*, has left"):
        rx.get_many_nowait()
    assert 1 == stocked.ends()
    with other as still:
        assert stocked.inside == [still.get_nowait() for _ in stocked.inside]
        assert 1 == await passed(stocked.tx, still)


async def passed(tx: Sender[object], rx: Receiver[object]) -> object:
    """Put 1, and return what a get that waits has got by that."""
    getting = await waiting(rx.get())
    tx.put_nowait(1)
    return await getting


@every_end
def test_an_end_that_left_can_still_be_looked_at(kind: Kind, stocked: Sides, side: str) -> None:
    with stocked.open_end(side) as handle:
        pass
    assert (stocked.tx.maxsize, len(stocked.inside), True) == (handle.maxsize, handle.qsize(), handle.closed())


@those(lambda kind: kind.fills and "sender" in kind.counts)
async def test_what_an_end_began_before_it_left_goes_on(full: Sides) -> None:
    async def send(tx: Sender[object]) -> None:
        await tx.put(1_000)

    other = full.open_sender()
    with full.open_sender() as tx:
        putting = await waiting(send(tx))
    assert [*full.inside, 1_000] == [await full.rx.get() for _ in [*full.inside, putting]]
    await putting
    del other


# Iterating


@every_kind
async def test_async_for_takes_the_items_in_order_and_ends_with_the_channel(stocked: Sides) -> None:
    stocked.tx.close()
    assert stocked.inside == [item async for item in stocked.rx]
    assert stocked.rx.empty()


@every_kind
async def test_async_for_over_a_drained_channel_ends_again_and_again(channel: Sides) -> None:
    channel.tx.close()
    assert [[], []] == [[item async for item in channel.rx] for _ in range(2)]


@that_buffer
async def test_leaving_an_async_for_takes_no_more_than_was_yielded(stocked: Sides) -> None:
    async for item in stocked.rx:
        assert stocked.inside[0] == item
        break
    assert stocked.inside[1:] == await stocked.rest()


@that_buffer
async def test_the_iterator_of_a_channel_can_be_asked_step_by_step(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    iterator = aiter(channel.rx)
    assert 1 == await anext(iterator)
    channel.tx.close()
    assert "end" == await anext(iterator, "end")


# Waits that end


def calls_that_wait(empty: Sides, full: Sides) -> dict[str, Callable[[], Coroutine[object, None, object]]]:
    return {
        "get": empty.rx.get,
        "put": lambda: full.tx.put(1),
        "join": full.tx.join,
        "select": lambda: select(empty.rx.on_get(), full.tx.on_put(1)),
    }


every_wait = pytest.mark.parametrize("call", ["get", "put", "join", "select"])


def living() -> tuple[int, int]:
    """Return how many futures there are that are not tasks, and how many objects at all."""
    gc.collect()
    objects = gc.get_objects()
    return sum(type(each) is asyncio.Future for each in objects), len(objects)


@that_fill
@every_wait
def test_cancelled_waits_leave_nothing_behind(kind: Kind, call: str) -> None:
    """In whatever order they are cancelled."""

    async def cancel_some(order: list[int]) -> None:
        tasks = [asyncio.create_task(calls[call]()) for _ in order]
        await settle()
        for index in order:
            tasks[index].cancel()
        await settle()
        assert {True} == {task.cancelled() for task in tasks}
        assert ((0, 0), (0, 0), True) == (empty.waiters(), full.waiters(), full.tx.full())

    async def cancel_many() -> None:
        oldest_first = list(range(200))
        newest_first = oldest_first[::-1]
        shuffled = random.Random(2015).sample(oldest_first, 200)
        await cancel_some(shuffled)
        futures, objects = living()
        for order in (oldest_first, newest_first, shuffled, oldest_first, newest_first, shuffled):
            await cancel_some(order)
        futures_now, objects_now = living()
        assert futures == futures_now
        assert objects_now - objects < 100
        assert full.inside == await full.rest()

    empty, full = kind.make(), kind.full()
    calls = calls_that_wait(empty, full)
    with only_new_objects():
        asyncio.run(cancel_many())


@that_fill
@every_wait
def test_a_wait_whose_coroutine_is_closed_leaves_nothing_behind(kind: Kind, call: str) -> None:
    """As when a task is destroyed while it waits: nobody has cancelled its future."""

    async def close_one_of_three() -> None:
        first = await waiting(calls[call]())
        closing = calls[call]()
        waiter = closing.send(None)
        assert isinstance(waiter, asyncio.Future)
        last = await waiting(calls[call]())
        watched = ref(waiter)
        closing.close()
        del closing, waiter
        assert watched() is None
        assert left[call] == (empty.waiters(), full.waiters())
        assert await cancelled(first)
        assert await cancelled(last)
        assert ((0, 0), (0, 0)) == (empty.waiters(), full.waiters())

    empty, full = kind.make(), kind.full()
    calls = calls_that_wait(empty, full)
    left = {"get": ((0, 2), (0, 0)), "put": ((0, 0), (2, 0)), "join": ((0, 0), (0, 0)), "select": ((0, 2), (2, 0))}
    asyncio.run(close_one_of_three())


@pytest.mark.virtual_clock
@that_fill
async def test_waits_that_time_out_leave_nothing_behind(kind: Kind, full: Sides) -> None:
    """aiochannel 1.4.1: every cancelled wait stayed until the next traffic, for ever on an idle channel."""
    empty = kind.make()

    async def time_out(call: Coroutine[object, Never, object]) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, 1)

    await asyncio.gather(*(time_out(call) for _ in range(200) for call in (empty.rx.get(), full.tx.put(1))))
    assert ((0, 0), (0, 0)) == (empty.waiters(), full.waiters())


@that_fill
async def test_close_while_waiters_are_cancelled_makes_no_noise(kind: Kind, full: Sides) -> None:
    """Exceptions that were set on futures, and never retrieved."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    empty = kind.make()
    with only_new_objects():
        tasks = [await waiting(full.tx.put(1_000)), await waiting(empty.rx.get()), await waiting(empty.rx.join())]
        full.tx.close()
        empty.tx.close()
        for task in tasks:
            task.cancel()
        await settle()
        del task
        tasks.clear()
        gc.collect()
    assert [] == complaints


# What is dropped


class Item:
    pass


async def use_plainly(channel: Sides) -> None:
    putting = asyncio.create_task(channel.tx.put(1))
    await channel.rx.get()
    await putting


async def use_waiting(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    await channel.tx.put(1)
    await getting


async def use_cancelled(channel: Sides) -> None:
    assert await cancelled(await waiting(channel.rx.get()))
    assert await cancelled(await waiting(channel.rx.join()))


async def use_closed(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    channel.tx.close(OSError("raised nowhere, so it has no traceback"))
    await settle()
    assert isinstance(getting.exception(), ChannelClosed)


async def use_select(channel: Sides) -> None:
    selecting = await waiting(select(channel.rx.on_get(), channel.rx.on_get().map(str)))
    channel.tx.put_nowait(1)
    await selecting
    assert await cancelled(await waiting(select(channel.rx.on_get(), channel.rx.on_get())))


@that_need_no_leaving
async def test_a_dropped_channel_is_freed_at_once(kind: Kind) -> None:
    for use in (use_plainly, use_waiting, use_cancelled, use_closed, use_select):
        with without_gc():
            channel = kind.make()
            await use(channel)
            await settle()
            dropped: list[ref[object]] = [ref(channel.tx), ref(channel.rx)]
            del channel
            assert (use, None, None) == (use, *[each() for each in dropped])


@every_end_that_needs_no_leaving
def test_a_dropped_channel_with_ends_is_freed_at_once(kind: Kind, side: str) -> None:
    with without_gc():
        channel = kind.make()
        with channel.open_end(side):
            pass
        channel.open_end(side)
        dropped: list[ref[object]] = [ref(channel.tx), ref(channel.rx)]
        del channel
        assert [None, None] == [each() for each in dropped]


@every_kind
def test_a_channel_dropped_with_items_makes_no_noise(kind: Kind) -> None:
    """anyio: ResourceWarning."""
    with only_new_objects(), warnings.catch_warnings(action="error"):
        channel = kind.stocked()
        if "sender" in kind.counts:
            channel.open_sender()
        del channel
        gc.collect()


@that_let_go
async def test_an_item_is_released_when_it_is_taken(channel: Sides) -> None:
    item = Item()
    watched = ref(item)
    getting = await waiting(channel.rx.get())
    channel.tx.put_nowait(item)
    del item
    await settle()
    assert watched() is getting.result()
    with without_gc():
        del getting
        assert watched() is None


@that_fill
async def test_the_item_of_a_cancelled_put_is_released(full: Sides) -> None:
    item = Item()
    watched = ref(item)
    putting = await waiting(full.tx.put(item))
    with without_gc():
        del item
        assert await cancelled(putting)
        del putting
        await settle()
        assert watched() is None


@that_fill
@pytest.mark.parametrize("end", ["cancelled", "claimed"])
async def test_the_item_of_a_select_that_left_is_released_while_others_wait(kind: Kind, full: Sides, end: str) -> None:
    stop = kind.make()
    item = Item()
    watched = ref(item)
    others = [await waiting(full.tx.put(1))]
    selecting = await waiting(select(full.tx.on_put(item), stop.rx.on_get()))
    others.append(await waiting(full.tx.put(2)))
    del item
    if end == "cancelled":
        assert await cancelled(selecting)
    else:
        stop.tx.put_nowait(1)
        assert (1, 1) == await selecting
    with without_gc():
        del selecting
        await settle()
        assert (2, 0) == full.waiters()
        assert watched() is None
    full.tx.close()
    await asyncio.gather(*others, return_exceptions=True)


@that_fill
async def test_idle_channels_keep_nothing_of_a_select_that_ended(kind: Kind, full: Sides) -> None:
    """core.async kept the handlers, and with them large state, until traffic came by."""
    stop, busy = kind.make(), kind.make()
    item = Item()
    watched = ref(item)
    selecting = await waiting(select(stop.rx.on_get(), busy.rx.on_get(), full.tx.on_put(item)))
    busy.tx.put_nowait(1)
    await selecting
    del item, selecting
    await settle()
    assert watched() is None
