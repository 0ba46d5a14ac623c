"""A batch by size or by time: `get_many(limit, within=seconds)`."""

import asyncio
import contextlib
import math
from collections.abc import Iterable

import pytest

from aiochannel import ChannelClosed, ChannelEmpty, ChannelFull
from tests.budgets import SHIPPED
from tests.conftest import cancelled, settle, waiting
from tests.contract.kinds import (
    WAITING_PUTS,
    Kind,
    Sides,
    every_kind,
    put,
    that_abort,
    that_buffer_all,
    that_fill,
    that_fill_on_time,
    that_keep_all,
    that_keep_all_on_time,
)

virtual = pytest.mark.virtual_clock


def in_order(items: Iterable[object]) -> list[object]:
    """Return the items in one order, whatever order the kind has."""
    return sorted(items, key=repr)


def now() -> float:
    return asyncio.get_running_loop().time()


async def put_all(channel: Sides, *items: object) -> None:
    for item in items:
        await channel.tx.put(item)


# When it returns


@every_kind
@pytest.mark.parametrize("call", WAITING_PUTS)
@pytest.mark.parametrize("others", [0, 1])
async def test_puts_for_a_large_batch_let_other_tasks_run(channel: Sides, call: str, others: int) -> None:
    """So its time is up when it is up, however fast the items come."""
    getting = await waiting(channel.rx.get_many(10 * SHIPPED.calls, within=60))
    gets = [await waiting(channel.rx.get()) for _ in range(others)]
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "ran")
    for item in range(2 * SHIPPED.calls):
        await put(call, channel.tx, item)
    assert ["ran"] == ran
    for task in (*gets, getting):
        await cancelled(task)


@virtual
@that_keep_all
async def test_a_batch_waits_for_its_first_item_without_limit(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(3, within=1))
    await asyncio.sleep(100)
    await channel.tx.put(7)
    assert ([7], 101.0) == (await getting, now())


@virtual
@that_keep_all
async def test_a_batch_returns_at_once_when_it_is_full(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(3, within=1))
    await put_all(channel, 1, 2, 3)
    assert ([1, 2, 3], 0.0) == (in_order(await getting), now())


@virtual
@that_keep_all
async def test_the_time_of_a_batch_runs_from_its_first_item_and_no_later_item_moves_it(channel: Sides) -> None:
    """Others move the deadline with each item."""

    async def get() -> tuple[list[object], float]:
        return in_order(await channel.rx.get_many(9, within=1)), now()

    getting = await waiting(get())
    await asyncio.sleep(5)
    for item in range(4):
        await channel.tx.put(item)
        await asyncio.sleep(0.3)
    assert ([0, 1, 2, 3], 6.0) == await getting


@virtual
@that_buffer_all
async def test_the_time_of_a_batch_that_finds_an_item_runs_at_once(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    assert ([1], 2.0) == (await channel.rx.get_many(9, within=2), now())


@virtual
@that_keep_all
async def test_a_batch_of_1_is_a_get(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(1, within=9))
    await channel.tx.put(1)
    assert ([1], 0.0) == (await getting, now())


@virtual
@that_buffer_all
async def test_within_0_takes_what_is_there(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    assert ([1], 0.0) == (await channel.rx.get_many(9, within=0), now())


@virtual
@that_buffer_all
async def test_within_0_does_not_let_others_run_where_an_item_is_there(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    with pytest.raises(StopIteration) as returned:
        channel.rx.get_many(9, within=0).send(None)
    assert [1] == returned.value.value


@virtual
@that_keep_all
async def test_within_0_takes_what_comes_in_the_step_of_the_first_item(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(9, within=0))
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    assert ([1, 2], 0.0) == (in_order(await getting), now())


@virtual
@that_keep_all
async def test_within_infinity_waits_for_the_limit(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(2, within=math.inf))
    await channel.tx.put(1)
    await asyncio.sleep(1e6)
    assert not getting.done()
    await channel.tx.put(2)
    assert [1, 2] == in_order(await getting)


@virtual
@that_keep_all
async def test_a_close_ends_a_batch_at_once(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(9, within=5))
    await put_all(channel, 1, 2)
    channel.tx.close()
    assert ([1, 2], 0.0) == (in_order(await getting), now())
    with pytest.raises(ChannelClosed):
        await channel.rx.get_many(9, within=5)


@virtual
@that_keep_all
async def test_a_close_ends_a_batch_before_another_receiver(channel: Sides) -> None:
    batch, get = await waiting(channel.rx.get_many(9, within=5)), await waiting(channel.rx.get())
    await channel.tx.put(1)
    channel.tx.close()
    assert ([1], 0.0) == (await batch, now())
    with pytest.raises(ChannelClosed):
        await get


@virtual
@that_buffer_all
async def test_a_batch_of_a_closed_channel_takes_what_is_left_at_once(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    channel.tx.close()
    assert ([1], 0.0) == (await channel.rx.get_many(9, within=5), now())


@every_kind
async def test_a_batch_that_waits_for_its_first_item_learns_of_the_close(channel: Sides) -> None:
    cause = OSError()
    getting = await waiting(channel.rx.get_many(9, within=5))
    channel.tx.close(cause)
    with pytest.raises(ChannelClosed) as caught:
        await getting
    assert cause is caught.value.__cause__


@virtual
@that_buffer_all
async def test_a_batch_can_be_full_when_its_time_is_up(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(2, within=1))
    await channel.tx.put(1)
    asyncio.get_running_loop().call_later(1, channel.tx.put_nowait, 2)
    got = await getting
    assert [1, 2] == in_order([*got, *await channel.rest()])


@virtual
@that_keep_all
async def test_the_time_of_a_batch_does_not_run_for_an_item_that_is_promised_to_another(channel: Sides) -> None:
    async def put_and_get() -> tuple[list[object], float]:
        channel.tx.put_nowait(0)
        return list(await channel.rx.get_many(9, within=1)), now()

    get = await waiting(channel.rx.get())
    batch = await waiting(put_and_get())
    assert 0 == await get
    await asyncio.sleep(0.5)
    await channel.tx.put(1)
    assert ([1], 1.5) == await batch


@virtual
@that_buffer_all
async def test_what_is_promised_to_another_does_not_make_a_batch_full(channel: Sides) -> None:
    async def put_and_get() -> list[object]:
        channel.tx.put_nowait(0)
        channel.tx.put_nowait(1)
        return list(await channel.rx.get_many(2, within=1))

    get = await waiting(channel.rx.get())
    batch = await waiting(put_and_get())
    await channel.tx.put(2)
    assert (0, [1, 2]) == (await get, in_order(await batch))


@virtual
@that_keep_all
async def test_a_batch_after_a_batch_has_its_own_time(channel: Sides) -> None:
    async def put() -> None:
        for item in range(6):
            await channel.tx.put(item)
            await asyncio.sleep(1)
        channel.tx.close()

    putting = asyncio.create_task(put())
    sizes: list[int] = []
    while len(sizes) < 3:
        sizes.append(len(await channel.rx.get_many(9, within=1.5)))
    await putting
    assert [2, 2, 2] == sizes


# Its place, and its room


@virtual
@that_fill
async def test_a_batch_larger_than_the_channel_is_filled(kind: Kind) -> None:
    """Puts that wait already fill it at once."""
    channel = kind.make()
    limit = int(kind.capacity) + 4
    putting = [asyncio.create_task(channel.tx.put(item)) for item in range(limit)]
    await settle()
    assert (in_order(range(limit)), 0.0) == (in_order(await channel.rx.get_many(limit, within=5)), now())
    assert all(task.done() for task in putting)


@virtual
@that_fill
async def test_a_batch_is_room_for_what_it_still_asks_for(kind: Kind) -> None:
    channel = kind.make()
    getting = await waiting(channel.rx.get_many(3, within=5))
    count = 0
    while not channel.tx.full():
        channel.tx.put_nowait(count)
        count += 1
    with pytest.raises(ChannelFull):
        channel.tx.put_nowait(-1)
    assert 3 + kind.capacity == count
    assert 3 == len(await getting)
    assert kind.capacity == len(await channel.rest())


def fill(channel: Sides) -> int:
    """Return how many items it accepts."""
    count = 0
    with contextlib.suppress(ChannelFull):
        while True:
            channel.tx.put_nowait(count)
            count += 1
    return count


@virtual
@that_fill
async def test_after_a_batch_that_was_larger_the_channel_has_its_room(kind: Kind) -> None:
    channel = kind.make()
    limit = int(kind.capacity) + 4
    getting = await waiting(channel.rx.get_many(limit, within=5))
    await put_all(channel, *range(limit))
    await getting
    assert kind.capacity == fill(channel)


@virtual
@that_fill_on_time
async def test_a_batch_whose_time_is_up_is_no_room(kind: Kind) -> None:
    channel = kind.make()
    getting = await waiting(channel.rx.get_many(9, within=1))
    await channel.tx.put(-1)
    counts: list[int] = []
    asyncio.get_running_loop().call_later(1, lambda: counts.append(fill(channel)))  # before its task runs
    assert -1 in await getting
    assert [kind.capacity] == counts


@virtual
@that_keep_all_on_time
async def test_an_item_that_comes_when_the_time_of_a_batch_is_up_goes_to_the_next_receiver(channel: Sides) -> None:
    batch = await waiting(channel.rx.get_many(9, within=1))
    get = await waiting(channel.rx.get())
    await channel.tx.put(1)
    asyncio.get_running_loop().call_later(1, channel.tx.put_nowait, 2)
    assert ([1], 2) == (await batch, await get)


@virtual
@that_keep_all
async def test_a_batch_that_begins_behind_a_batch_takes_nothing_from_it(channel: Sides) -> None:
    first = await waiting(channel.rx.get_many(3, within=5))
    await channel.tx.put(1)
    second = await waiting(channel.rx.get_many(3, within=5))
    await put_all(channel, 2, 3, 4, 5, 6)
    assert ([1, 2, 3], [4, 5, 6]) == (in_order(await first), in_order(await second))


@pytest.mark.parametrize("promised", [0, 1])
@virtual
@that_keep_all
async def test_a_batch_that_gives_up_takes_no_promise_of_another(channel: Sides, promised: int) -> None:
    get, batch = channel.rx.get(), channel.rx.get_many(3, within=5)
    for each in (get, batch):
        each.send(None)
    for _ in range(1 + promised):
        channel.tx.put_nowait(1)
    batch.close()
    assert [1] * promised == channel.rx.get_many_nowait()
    with pytest.raises(StopIteration) as returned:
        get.send(None)
    assert 1 == returned.value.value


@virtual
@that_keep_all
async def test_nobody_overtakes_a_batch(channel: Sides) -> None:
    batch = await waiting(channel.rx.get_many(2, within=5))
    get = await waiting(channel.rx.get())
    channel.tx.put_nowait(1)
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    assert (0, True) == (channel.rx.qsize(), channel.rx.empty())
    await settle()
    assert not get.done()
    channel.tx.put_nowait(2)
    channel.tx.put_nowait(3)
    assert ([1, 2], 3) == (in_order(await batch), await get)


@virtual
@that_buffer_all
async def test_nobody_takes_what_a_batch_has_found(channel: Sides) -> None:
    channel.tx.put_nowait(1)
    batch = await waiting(channel.rx.get_many(2, within=5))
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    channel.tx.put_nowait(2)
    assert [1, 2] == in_order(await batch)


@virtual
@that_keep_all
async def test_a_batch_behind_a_get_is_full_when_it_has_what_it_asks_for(channel: Sides) -> None:
    get, batch = await waiting(channel.rx.get()), await waiting(channel.rx.get_many(3, within=5))
    await put_all(channel, 1, 2)
    assert 1 == await get
    await put_all(channel, 3, 4)
    assert ([2, 3, 4], 0.0) == (in_order(await batch), now())


@virtual
@that_keep_all
async def test_batches_and_a_get_are_served_in_their_order(channel: Sides) -> None:
    first = await waiting(channel.rx.get_many(2, within=5))
    get = await waiting(channel.rx.get())
    second = await waiting(channel.rx.get_many(2, within=5))
    await put_all(channel, 1, 2, 3, 4, 5)
    assert ([1, 2], 3, [4, 5]) == (in_order(await first), await get, in_order(await second))


@virtual
@that_keep_all
async def test_one_batch_counts_as_one_waiting_receiver(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(9, within=5))
    assert (0, 1) == channel.waiters()
    await channel.tx.put(1)
    assert (0, 1) == channel.waiters()
    await getting
    assert (0, 0) == channel.waiters()


@virtual
@that_keep_all
async def test_a_batch_is_woken_once(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(3, within=5))
    for item in range(2):
        await channel.tx.put(item)
        await settle()
        assert not getting.done()
    await channel.tx.put(2)
    assert 3 == len(await getting)


# Cancelled


@virtual
@that_keep_all
async def test_a_cancelled_batch_has_taken_nothing(channel: Sides) -> None:
    """Others keep what they have collected, or lose it."""
    getting = await waiting(channel.rx.get_many(3, within=5))
    await put_all(channel, 1, 2)
    assert await cancelled(getting)
    assert (2, False, (0, 0)) == (channel.rx.qsize(), channel.rx.empty(), channel.waiters())
    assert [1, 2] == in_order(await channel.rest())


@virtual
@that_keep_all
async def test_a_batch_that_is_cancelled_when_it_is_full_has_taken_nothing(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(2, within=5))
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    assert await cancelled(getting)
    assert [1, 2] == in_order(await channel.rest())


@virtual
@that_keep_all
async def test_a_batch_that_is_cancelled_when_its_time_is_up_has_taken_nothing(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(2, within=5))
    channel.tx.put_nowait(1)
    asyncio.get_running_loop().call_later(5, getting.cancel)
    await asyncio.wait([getting])
    assert getting.cancelled()
    assert [1] == await channel.rest()


@virtual
@that_keep_all
async def test_what_a_cancelled_batch_was_promised_goes_to_the_next_one(channel: Sides) -> None:
    first = await waiting(channel.rx.get_many(5, within=5))
    second = await waiting(channel.rx.get_many(5, within=5))
    for item in range(3):
        channel.tx.put_nowait(item)
    first.cancel()
    await settle()
    channel.tx.close()
    assert [0, 1, 2] == in_order(await second)


@virtual
@that_keep_all
async def test_what_a_batch_was_promised_goes_to_all_who_wait(channel: Sides) -> None:
    batch = await waiting(channel.rx.get_many(5, within=5))
    gets = [await waiting(channel.rx.get()) for _ in range(2)]
    for item in range(2):
        channel.tx.put_nowait(item)
    assert await cancelled(batch)
    assert [0, 1] == in_order([await get for get in gets])


@virtual
@that_keep_all
async def test_a_promise_that_comes_back_to_a_batch_of_a_closed_channel_ends_it(channel: Sides) -> None:
    get = await waiting(channel.rx.get())
    batch = await waiting(channel.rx.get_many(5, within=5))
    channel.tx.put_nowait(1)
    channel.tx.close()
    get.cancel()
    assert ([1], 0.0) == (await batch, now())


@virtual
@that_fill
async def test_a_cancelled_batch_is_no_room(kind: Kind) -> None:
    channel = kind.make()
    assert await cancelled(await waiting(channel.rx.get_many(3, within=5)))
    count = 0
    while not channel.tx.full():
        channel.tx.put_nowait(count)
        count += 1
    assert kind.capacity == count


@virtual
@that_keep_all
async def test_the_time_of_a_cancelled_batch_does_nothing(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(3, within=5))
    channel.tx.put_nowait(1)
    assert await cancelled(getting)
    later = await waiting(channel.rx.get_many(3, within=9))
    await asyncio.sleep(6)
    assert not later.done()
    assert ([1], 9.0) == (await later, now())


# Closed and aborted


@virtual
@that_abort
async def test_abort_takes_what_a_batch_was_promised(kind: Kind) -> None:
    if kind.loses:
        pytest.skip("a put displaces")
    channel = kind.make()
    getting = await waiting(channel.rx.get_many(5, within=5))
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    assert [1, 2] == in_order(channel.abort())
    with pytest.raises(ChannelClosed):
        await getting
    assert (0, 0) == channel.waiters()


@virtual
@that_abort
async def test_abort_takes_what_a_cancelled_batch_was_promised(kind: Kind) -> None:
    channel = kind.make()
    getting = await waiting(channel.rx.get_many(5, within=5))
    channel.tx.put_nowait(1)
    getting.cancel()
    assert [1] == channel.abort()
    await settle()
    assert (0, (0, 0)) == (channel.rx.qsize(), channel.waiters())


@virtual
@that_abort
async def test_abort_takes_what_a_get_and_a_cancelled_batch_were_promised(kind: Kind) -> None:
    if kind.loses:
        pytest.skip("a put displaces")
    channel = kind.make()
    get, batch = await waiting(channel.rx.get()), await waiting(channel.rx.get_many(5, within=5))
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    batch.cancel()
    assert [1, 2] == in_order(channel.abort())
    with pytest.raises(ChannelClosed):
        await get
    assert (0, (0, 0)) == (channel.rx.qsize(), channel.waiters())


@virtual
@that_abort
async def test_abort_takes_what_a_full_batch_has_not_taken_yet(kind: Kind) -> None:
    channel = kind.make()
    getting = await waiting(channel.rx.get_many(2, within=5))
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    assert [1, 2] == in_order(channel.abort())
    with pytest.raises(ChannelClosed):
        await getting


# What is refused


@pytest.mark.parametrize("wrong", ["1", object(), [1], 1j])
@every_kind
async def test_the_time_of_a_batch_must_be_a_number(kind: Kind, wrong: float) -> None:
    channel = kind.make()
    with pytest.raises(TypeError, match="within must be a number of seconds"):
        await channel.rx.get_many(1, within=wrong)
    assert (0, 0) == channel.waiters()


@pytest.mark.parametrize("wrong", [-1, -math.inf, math.nan])
@every_kind
async def test_the_time_of_a_batch_must_not_be_negative(kind: Kind, wrong: float) -> None:
    channel = kind.make()
    with pytest.raises(ValueError, match="within must be a number of seconds >= 0"):
        await channel.rx.get_many(1, within=wrong)
    assert (0, 0) == channel.waiters()
