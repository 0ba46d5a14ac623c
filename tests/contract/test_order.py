"""Items leave in their order, waiters are served in theirs, and nobody overtakes a promise or a grant."""

import asyncio

import pytest

from aiochannel import ChannelClosed, ChannelEmpty, ChannelFull
from tests.conftest import begun, cancelled, settle, waiting
from tests.contract.kinds import (
    Kind,
    Sides,
    every_kind,
    that_buffer,
    that_buffer_all,
    that_fill,
    that_keep_all,
    those,
)

that_hold_two_all = those(lambda kind: kind.capacity >= 2 and not kind.loses)


# Items


@those(lambda kind: kind.capacity >= 4)
async def test_items_leave_in_order_whatever_the_calls(kind: Kind, channel: Sides) -> None:
    await channel.tx.put(3)
    channel.tx.put_nowait(1)
    await channel.tx.put_many([2, 4])
    assert kind.order([3, 1, 2, 4]) == [channel.rx.get_nowait(), await channel.rx.get(), *await channel.rx.get_many(9)]


@that_keep_all
@pytest.mark.parametrize("call", ["put", "put_many"])
async def test_a_stream_arrives_complete_and_in_order(channel: Sides, call: str) -> None:
    async def produce() -> None:
        if call == "put_many":
            await channel.tx.put_many(range(100))
        else:
            for item in range(100):
                await channel.tx.put(item)
        channel.tx.close()

    producing = asyncio.create_task(produce())
    assert list(range(100)) == [item async for item in channel.rx]
    await producing


@that_keep_all
async def test_batches_arrive_complete_and_in_order(channel: Sides) -> None:
    producing = asyncio.create_task(channel.tx.put_many(range(50)))
    taken: list[object] = []
    while len(taken) < 50:
        taken += await channel.rx.get_many(7)
    assert list(range(50)) == taken
    await producing


@that_buffer_all
async def test_an_item_whose_receiver_is_cancelled_stays_at_its_place(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    await channel.tx.put_many([1, 2])
    assert await cancelled(getting)
    assert [1, 2] == [channel.rx.get_nowait(), channel.rx.get_nowait()]


# Waiters


@that_keep_all
async def test_waiting_gets_are_promised_items_in_the_order_in_which_they_began(channel: Sides) -> None:
    tasks = [await waiting(channel.rx.get()) for _ in range(5)]
    await channel.tx.put_many(range(5))
    assert [0, 1, 2, 3, 4] == await asyncio.gather(*tasks)


@every_kind
async def test_an_item_wakes_the_first_receiver_only(channel: Sides) -> None:
    """tokio: spurious wake-ups."""
    tasks = [await waiting(channel.rx.get()) for _ in range(5)]
    for served in range(5):
        channel.tx.put_nowait(served)
        await settle()
        assert [True] * (served + 1) + [False] * (4 - served) == [task.done() for task in tasks]
        assert (0, 4 - served) == channel.waiters()
    assert [0, 1, 2, 3, 4] == [task.result() for task in tasks]


@that_fill
async def test_waiting_puts_are_granted_room_in_the_order_in_which_they_began(full: Sides) -> None:
    tasks = [await waiting(full.tx.put(1_000 + item)) for item in range(5)]
    taken = [await full.rx.get() for _ in [*full.inside, *tasks]]
    assert [*full.inside, 1_000, 1_001, 1_002, 1_003, 1_004] == taken
    await asyncio.gather(*tasks)


@that_keep_all
async def test_the_promises_of_cancelled_gets_pass_on_in_order(channel: Sides) -> None:
    """CPython asks of a Queue that both items arrive; here their order is defined."""
    tasks = [await waiting(channel.rx.get()) for _ in range(3)]
    channel.tx.put_nowait(1)
    channel.tx.put_nowait(2)
    tasks[0].cancel()
    await settle()
    assert (True, 1, 2) == (tasks[0].cancelled(), tasks[1].result(), tasks[2].result())


@that_keep_all
async def test_one_of_several_waiting_gets_can_be_cancelled(channel: Sides) -> None:
    for position in range(3):
        tasks = [await waiting(channel.rx.get()) for _ in range(3)]
        assert await cancelled(tasks.pop(position))
        assert (0, 2) == channel.waiters()
        await channel.tx.put_many([1, 2])
        assert (position, [1, 2]) == (position, await asyncio.gather(*tasks))


@that_fill
async def test_one_of_several_waiting_puts_can_be_cancelled(kind: Kind) -> None:
    """Swift's AsyncChannel: cancelling one send ended all."""
    for position in range(3):
        full, items = kind.full(), [1_000, 1_001, 1_002]
        tasks = [await waiting(full.tx.put(item)) for item in items]
        assert await cancelled(tasks.pop(position))
        assert (2, 0) == full.waiters()
        del items[position]
        assert [*full.inside, *items] == [await full.rx.get() for _ in [*full.inside, *items]]
        await asyncio.gather(*tasks)


@that_keep_all
async def test_the_gets_that_remain_after_many_were_cancelled_keep_their_order(channel: Sides) -> None:
    tasks = [await waiting(channel.rx.get()) for _ in range(12)]
    for position, task in enumerate(tasks):
        if position % 4:
            task.cancel()
    await settle()
    assert (0, 3) == channel.waiters()
    await channel.tx.put_many([1, 2, 3])
    assert [1, 2, 3] == await asyncio.gather(*tasks[::4])


@that_fill
async def test_the_puts_that_remain_after_many_were_cancelled_keep_their_order(full: Sides) -> None:
    tasks = [await waiting(full.tx.put(1_000 + item)) for item in range(12)]
    for position, task in enumerate(tasks):
        if position % 4:
            task.cancel()
    await settle()
    assert (3, 0) == full.waiters()
    expected = [*full.inside, 1_000, 1_004, 1_008]
    assert expected == [await full.rx.get() for _ in expected]
    await asyncio.gather(*tasks[::4])


@that_keep_all
async def test_two_senders_and_two_receivers_all_go_ahead(channel: Sides) -> None:
    putting = [asyncio.create_task(channel.tx.put_many([item] * 20)) for item in range(2)]
    getting = [asyncio.create_task(channel.rx.get()) for _ in range(40)]
    await settle()
    await asyncio.gather(*putting, *getting)
    assert 20 == sum(task.result() == 1 for task in getting)


@that_buffer
async def test_calls_that_need_not_wait_let_nobody_else_run(channel: Sides) -> None:
    steps: list[str] = []
    asyncio.get_running_loop().call_soon(steps.append, "somebody else ran")
    await channel.tx.put(1)
    await channel.rx.get()
    await channel.tx.put_many([2])
    await channel.rx.get_many(1)
    channel.tx.close()
    await channel.tx.join()
    await channel.rx.join()
    assert [] == steps


# Promised and granted, while the woken task has not run yet


@every_kind
async def test_a_promised_item_is_nobody_elses(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    assert (0, True) == (channel.rx.qsize(), channel.rx.empty())
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    assert 7 == await getting


@every_kind
async def test_a_new_get_waits_while_the_only_item_is_promised(channel: Sides) -> None:
    first = await waiting(channel.rx.get())
    channel.tx.put_nowait(1)
    second = await waiting(channel.rx.get())
    assert 1 == first.result()
    channel.tx.put_nowait(2)
    assert 2 == await second


@every_kind
async def test_a_woken_get_is_served_before_later_ones(channel: Sides) -> None:
    """asyncio.Queue, aiochannel 1.4.1, culsans: robbed, it went to the back of the queue."""
    served: list[str] = []

    async def get(name: str) -> None:
        await channel.rx.get()
        served.append(name)

    tasks = [await waiting(get("first")), await waiting(get("second"))]
    channel.tx.put_nowait(1)
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    await settle()
    channel.tx.put_nowait(2)
    await asyncio.gather(*tasks)
    assert ["first", "second"] == served


@every_kind
async def test_a_waiting_get_does_not_starve(channel: Sides) -> None:
    """aiochannel 1.4.1, asyncio.Queue, culsans: a loop of put_nowait and get_nowait took every item from it."""

    async def churn() -> None:
        for item in range(1_000):
            channel.tx.put_nowait(item)
            try:
                channel.rx.get_nowait()
            except ChannelEmpty:
                return
            await asyncio.sleep(0)

    getting = await waiting(channel.rx.get())
    await churn()
    assert 0 == await getting


@that_buffer_all
async def test_with_more_items_than_promises_a_newcomer_takes_the_oldest(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    await channel.tx.put_many([1, 2])
    assert (1, 1) == (channel.rx.qsize(), channel.rx.get_nowait())
    assert 2 == await getting


@that_buffer_all
async def test_a_woken_receiver_never_waits_again(channel: Sides) -> None:
    """Items pass by in great number: the one that was promised first takes one of the first."""
    getting = await waiting(channel.rx.get())
    channel.tx.put_nowait(0)
    for item in range(1, 1_000):
        channel.tx.put_nowait(item)
        assert item - 1 == channel.rx.get_nowait()
    assert 999 == await getting


@that_fill
async def test_a_granted_slot_is_not_room(full: Sides) -> None:
    """aiochannel 1.4.1, and asyncio.Queue (python/cpython#83055): a newcomer overtook the woken put."""
    putting = await waiting(full.tx.put(1_000))
    getting = await begun(full.rx.get())
    assert full.tx.full()
    with pytest.raises(ChannelFull):
        full.tx.put_nowait(2_000)
    await putting
    assert [*full.inside, 1_000] == [await getting, *await full.rest()]


@that_fill
async def test_a_new_put_waits_while_the_only_slot_is_granted(full: Sides) -> None:
    """gevent's semaphore: a woken task was served after a later one."""
    first = await waiting(full.tx.put(1_000))
    getting = await begun(full.rx.get())
    second = await waiting(full.tx.put(2_000))
    await first
    taken = [await getting, *[await full.rx.get() for _ in [*full.inside, second]]]
    assert [*full.inside, 1_000, 2_000] == taken
    await second


@that_hold_two_all
async def test_get_many_waits_for_the_first_item_and_then_takes_what_is_there(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(2))
    await channel.tx.put_many([1, 2, 3])
    assert [1, 2] == await getting
    assert [3] == await channel.rest()


@that_buffer_all
async def test_get_many_leaves_what_is_promised_to_others(channel: Sides) -> None:
    batch, single = await waiting(channel.rx.get_many(9)), await waiting(channel.rx.get())
    await channel.tx.put_many([1, 2, 3])
    assert [[1, 2], 3] == [list(await batch), await single]


@those(lambda kind: kind.fills and kind.capacity >= 2)
async def test_get_many_makes_room_for_as_many_as_it_takes(full: Sides) -> None:
    tasks = [await waiting(full.tx.put(1_000 + item)) for item in range(3)]
    assert full.inside[:2] == await full.rx.get_many(2)
    await settle()
    assert [True, True, False] == [task.done() for task in tasks]
    assert [*full.inside[2:], 1_000, 1_001] == await full.rest()
    await settle()
    assert isinstance(tasks[2].exception(), ChannelClosed)


@those(lambda kind: kind.fills and kind.capacity >= 2)
async def test_two_get_nowait_in_one_step_make_room_for_two(full: Sides) -> None:
    """CPython asks this of a Queue in test_why_are_putters_waiting."""
    tasks = [await waiting(full.tx.put(1_000 + item)) for item in range(2)]
    assert full.inside[:2] == [full.rx.get_nowait(), full.rx.get_nowait()]
    await asyncio.gather(*tasks)
    assert [*full.inside[2:], 1_000, 1_001] == await full.rest()


# A receiver that waits is room


@that_fill
async def test_room_is_the_capacity_and_as_many_as_wait(kind: Kind) -> None:
    for count in (1, 2, 5):
        channel = kind.make()
        tasks = [await waiting(channel.rx.get()) for _ in range(count)]
        numbers = range(int(kind.capacity) + count)
        for item in numbers:
            assert not channel.tx.full()
            channel.tx.put_nowait(item)
        assert channel.tx.full()
        with pytest.raises(ChannelFull):
            channel.tx.put_nowait(1_000)
        assert list(numbers) == [*await asyncio.gather(*tasks), *await channel.rest()]


@that_fill
@pytest.mark.parametrize("end", ["got", "cancelled"])
async def test_a_receiver_that_waits_no_more_is_no_room(kind: Kind, channel: Sides, end: str) -> None:
    getting = await waiting(channel.rx.get())
    if end == "got":
        channel.tx.put_nowait(0)
        assert 0 == await getting
    else:
        assert await cancelled(getting)
    for item in range(int(kind.capacity)):
        channel.tx.put_nowait(item)
    assert channel.tx.full()
    with pytest.raises(ChannelFull):
        channel.tx.put_nowait(1_000)


@that_fill
async def test_what_is_accepted_is_bounded_by_the_capacity_and_the_receivers_that_waited(
    kind: Kind, channel: Sides
) -> None:
    tasks = [await waiting(channel.rx.get()) for _ in range(3)]
    numbers = range(int(kind.capacity) + 3)
    for item in numbers:
        channel.tx.put_nowait(item)
    for task in tasks:
        task.cancel()
    await settle()
    assert (len(numbers), True) == (channel.rx.qsize(), channel.tx.full())
    putting = await waiting(channel.tx.put(1_000))
    assert [0, 1, 2] == [channel.rx.get_nowait() for _ in tasks]
    await settle()
    assert not putting.done()
    assert [*numbers[3:], 1_000] == [await channel.rx.get() for _ in [*numbers[3:], putting]]
    await putting


# Looking


@that_fill
async def test_qsize_empty_and_full_follow_the_items(kind: Kind, channel: Sides) -> None:
    for count in range(int(kind.capacity)):
        assert (count, count == 0, False) == (channel.tx.qsize(), channel.rx.empty(), channel.tx.full())
        channel.tx.put_nowait(count)
    assert (kind.capacity, kind.capacity == 0, True) == (channel.rx.qsize(), channel.rx.empty(), channel.tx.full())


@those(lambda kind: not kind.fills)
async def test_a_channel_in_which_no_put_waits_is_never_full(channel: Sides) -> None:
    for item in range(1_000):
        assert not channel.tx.full()
        channel.tx.put_nowait(item)
    assert not channel.tx.full()


@that_fill
async def test_a_closed_channel_is_as_full_as_before(kind: Kind, channel: Sides) -> None:
    for count in range(int(kind.capacity)):
        stocked = kind.holding(count)
        stocked.tx.close()
        assert not stocked.tx.full()
    full = kind.holding(kind.capacity)
    full.tx.close()
    assert full.tx.full()


@every_kind
async def test_waiters_are_counted(channel: Sides) -> None:
    tasks = [await waiting(channel.rx.get()) for _ in range(3)]
    assert (0, 3) == channel.waiters()
    for item in range(3):
        channel.tx.put_nowait(item)
        await settle()
    await asyncio.gather(*tasks)
    assert (0, 0) == channel.waiters()
