"""Order, promises and grants, room, cancellation: what tasks that wait on a channel can rely on."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Never

import pytest

from aiochannel import Channel, ChannelEmpty, ChannelFull, select
from tests.conftest import cancelled, settle, waiting, within


def filled(*items: int, maxsize: int = 0) -> Channel[int]:
    channel: Channel[int] = Channel(maxsize)
    for item in items:
        channel.put_nowait(item)
    return channel


# Order


async def test_waiting_gets_are_promised_items_in_the_order_in_which_they_began() -> None:
    channel: Channel[int] = Channel()
    tasks = [await waiting(channel.get()) for _ in range(5)]
    await channel.put_many(range(5))
    assert [0, 1, 2, 3, 4] == await asyncio.gather(*tasks)


async def test_waiting_puts_are_granted_room_in_the_order_in_which_they_began() -> None:
    channel: Channel[int] = Channel(1)
    tasks = [asyncio.create_task(channel.put(item)) for item in range(6)]
    await settle()
    assert list(range(6)) == [await channel.get() for _ in range(6)]
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("maxsize", [0, 1, 2, 7])
async def test_a_stream_arrives_complete_and_in_order(maxsize: int) -> None:
    async def produce() -> None:
        for item in range(100):
            await channel.put(item)
        channel.close()

    channel: Channel[int] = Channel(maxsize)
    producing = asyncio.create_task(produce())
    assert list(range(100)) == [item async for item in channel]
    await producing


async def test_a_stream_through_a_rendezvous_arrives_complete_and_in_order() -> None:
    channel: Channel[int] = Channel.rendezvous()
    producing = asyncio.create_task(channel.put_many(range(100)))
    assert list(range(100)) == [await channel.get() for _ in range(100)]
    await producing


@pytest.mark.parametrize("maxsize", [1, 3])
async def test_batches_arrive_complete_and_in_order(maxsize: int) -> None:
    channel: Channel[int] = Channel(maxsize)
    producing = asyncio.create_task(channel.put_many(range(50)))
    taken: list[int] = []
    while len(taken) < 50:
        taken += await channel.get_many(7)
    assert list(range(50)) == taken
    await producing


async def test_get_many_waits_for_the_first_item_and_then_takes_what_is_there() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get_many(3))
    await channel.put_many([1, 2, 3, 4])
    assert [1, 2, 3] == await getting
    assert [4] == list(channel)


async def test_get_many_leaves_what_is_promised_to_others() -> None:
    channel: Channel[int] = Channel()
    batch, single = await waiting(channel.get_many(9)), await waiting(channel.get())
    await channel.put_many([1, 2, 3])
    assert [[1, 2], 3] == [await batch, await single]


async def test_get_many_makes_room_for_as_many_as_it_takes() -> None:
    channel = filled(0, 1, maxsize=2)
    tasks = [await waiting(channel.put(item)) for item in (2, 3, 4)]
    assert [0, 1] == channel.get_many_nowait(5)
    await settle()
    assert [True, True, False] == [task.done() for task in tasks]
    assert [2, 3] == channel.abort()
    await asyncio.wait(tasks)
    assert tasks[2].exception() is not None


async def test_two_senders_and_two_receivers_on_one_slot_all_go_ahead() -> None:
    channel: Channel[int] = Channel(1)
    putting = [asyncio.create_task(channel.put_many([item] * 20)) for item in range(2)]
    getting = [asyncio.create_task(channel.get()) for _ in range(40)]
    await settle()
    await asyncio.gather(*putting, *getting)
    assert 20 == sum(task.result() for task in getting)


# Promised and granted, while the woken task has not run yet


async def test_a_promised_item_is_nobody_elses() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    assert (0, True, 0) == (channel.qsize(), channel.empty(), channel.statistics().qsize)
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    assert [] == channel.get_many_nowait(1)
    assert 7 == await getting


async def test_a_new_get_waits_while_the_only_item_is_promised() -> None:
    channel: Channel[int] = Channel()
    first = await waiting(channel.get())
    channel.put_nowait(1)
    second = await waiting(channel.get())
    assert 1 == first.result()
    channel.put_nowait(2)
    assert 2 == await second


async def test_with_more_items_than_promises_a_newcomer_takes_the_oldest() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    await channel.put_many([1, 2])
    assert (1, 1) == (channel.qsize(), channel.get_nowait())
    assert 2 == await getting


async def test_a_granted_slot_is_not_room() -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(channel.put(1))
    channel.get_nowait()
    assert channel.full()
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)
    await putting
    assert [1] == list(channel)


async def test_a_new_put_waits_while_the_only_slot_is_granted() -> None:
    channel = filled(0, maxsize=1)
    first = await waiting(channel.put(1))
    channel.get_nowait()
    second = await waiting(channel.put(2))
    await first
    assert [1, 2] == [channel.get_nowait(), await channel.get()]
    await second


async def test_a_woken_receiver_never_waits_again() -> None:
    """Items pass by in great number: the one that was promised first takes one of the first."""
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(0)
    for item in range(1, 1_000):
        channel.put_nowait(item)
        assert item - 1 == channel.get_nowait()
    assert 999 == await getting


# A receiver at hand is room


async def test_a_waiting_receiver_is_room_for_one_more() -> None:
    channel: Channel[int] = Channel(1)
    getting = await waiting(channel.get())
    channel.put_nowait(1)
    assert not channel.full()
    channel.put_nowait(2)
    assert channel.full()
    with pytest.raises(ChannelFull):
        channel.put_nowait(3)
    assert 1 == await getting
    assert [2] == list(channel)


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_room_is_maxsize_and_as_many_as_wait(count: int) -> None:
    channel: Channel[int] = Channel(2)
    tasks = [await waiting(channel.get()) for _ in range(count)]
    for item in range(count + 2):
        channel.put_nowait(item)
    assert channel.full()
    assert list(range(count)) == await asyncio.gather(*tasks)


async def test_a_receiver_that_has_run_is_no_room_any_more() -> None:
    channel: Channel[int] = Channel(1)
    getting = await waiting(channel.get())
    channel.put_nowait(1)
    await getting
    channel.put_nowait(2)
    assert channel.full()


async def test_a_cancelled_receiver_is_no_room_any_more() -> None:
    channel: Channel[int] = Channel(1)
    getting = await waiting(channel.get())
    assert await cancelled(getting)
    channel.put_nowait(1)
    assert channel.full()


async def test_a_put_that_was_granted_for_a_receiver_goes_ahead_when_that_is_cancelled() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = await waiting(channel.put(7))
    getting = channel.get()
    getting.send(None)
    getting.close()
    await putting
    assert (1, True, 7) == (channel.qsize(), channel.full(), channel.get_nowait())


async def test_what_is_accepted_beyond_maxsize_is_bounded_by_the_receivers_that_waited() -> None:
    channel: Channel[int] = Channel(1)
    tasks = [await waiting(channel.get()) for _ in range(3)]
    for item in range(4):
        channel.put_nowait(item)
    for task in tasks:
        task.cancel()
    await settle()
    assert (4, True) == (channel.qsize(), channel.full())
    putting = await waiting(channel.put(4))
    assert [0, 1, 2] == channel.get_many_nowait(3)
    await settle()
    assert not putting.done()
    assert 3 == channel.get_nowait()
    await putting


# Rendezvous


async def test_a_rendezvous_is_full_unless_a_receiver_waits() -> None:
    channel: Channel[int] = Channel.rendezvous()
    assert (0, True, True) == (channel.maxsize, channel.full(), channel.empty())
    getting = await waiting(channel.get())
    assert not channel.full()
    channel.put_nowait(7)
    assert channel.full()
    assert 7 == await getting


async def test_put_nowait_on_a_rendezvous_needs_a_receiver() -> None:
    channel: Channel[int] = Channel.rendezvous()
    with pytest.raises(ChannelFull):
        channel.put_nowait(1)


async def test_a_put_on_a_rendezvous_waits_for_a_receiver() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = await waiting(channel.put(7))
    assert 7 == await channel.get()
    await putting


async def test_get_nowait_on_a_rendezvous_takes_nothing_from_a_waiting_put() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = await waiting(channel.put(7))
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    assert await cancelled(putting)
    assert channel.empty()


async def test_get_nowait_on_a_rendezvous_finds_what_a_cancelled_receiver_left() -> None:
    channel: Channel[int] = Channel.rendezvous()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    assert await cancelled(getting)
    assert (1, 7) == (channel.qsize(), channel.get_nowait())


async def test_each_receiver_of_a_rendezvous_meets_one_sender() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = [await waiting(channel.put(item)) for item in range(3)]
    assert [0, 1] == [await channel.get() for _ in range(2)]
    await settle()
    assert [True, True, False] == [task.done() for task in putting]
    assert await cancelled(putting[2])


# Cancelling


async def test_a_cancelled_get_takes_nothing() -> None:
    channel: Channel[int] = Channel()
    assert await cancelled(await waiting(channel.get()))
    channel.put_nowait(7)
    assert 7 == channel.get_nowait()


async def test_a_cancelled_put_puts_nothing() -> None:
    channel = filled(0, maxsize=1)
    assert await cancelled(await waiting(channel.put(1)))
    assert 0 == channel.get_nowait()
    await settle()
    assert channel.empty()


async def test_the_promise_of_a_cancelled_get_passes_to_the_next() -> None:
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    channel.put_nowait(7)
    first.cancel()
    await settle()
    assert (True, 7) == (first.cancelled(), second.result())


async def test_an_item_whose_receiver_is_cancelled_stays_at_its_place() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    await channel.put_many([1, 2])
    assert await cancelled(getting)
    assert [1, 2] == [channel.get_nowait(), channel.get_nowait()]


async def test_the_grant_of_a_cancelled_put_passes_to_the_next() -> None:
    channel = filled(0, maxsize=1)
    first, second = await waiting(channel.put(1)), await waiting(channel.put(2))
    channel.get_nowait()
    first.cancel()
    await settle()
    assert (True, True, [2]) == (first.cancelled(), second.done(), list(channel))


async def test_the_grant_of_the_last_cancelled_put_is_room_again() -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(channel.put(1))
    channel.get_nowait()
    assert await cancelled(putting)
    channel.put_nowait(2)
    assert [2] == list(channel)


async def test_a_waiter_cancelled_in_the_same_step_is_passed_over() -> None:
    """It has not run yet, so it still stands in line."""
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    first.cancel()
    channel.put_nowait(7)
    await settle()
    assert (True, 7) == (first.cancelled(), second.result())


async def test_a_sender_cancelled_in_the_same_step_is_passed_over() -> None:
    channel = filled(0, maxsize=1)
    first, second = await waiting(channel.put(1)), await waiting(channel.put(2))
    first.cancel()
    channel.get_nowait()
    await settle()
    assert (True, True, [2]) == (first.cancelled(), second.done(), list(channel))


async def test_an_item_put_when_every_waiter_was_cancelled_in_the_same_step_stays() -> None:
    channel: Channel[int] = Channel()
    tasks = [await waiting(channel.get()) for _ in range(2)]
    for task in tasks:
        task.cancel()
    channel.put_nowait(7)
    assert (1, 7) == (channel.qsize(), channel.get_nowait())
    await settle()
    assert 0 == channel.statistics().waiting_receivers


async def test_close_passes_over_those_cancelled_in_the_same_step() -> None:
    full, empty = filled(0, maxsize=1), Channel[int]()
    tasks = [await waiting(full.put(1)), await waiting(full.join()), await waiting(empty.get())]
    for task in tasks:
        task.cancel()
    empty.close()
    full.abort()
    await settle()
    assert [True] * 3 == [task.cancelled() for task in tasks]


@pytest.mark.parametrize("position", range(3))
async def test_one_of_several_waiting_gets_can_be_cancelled(position: int) -> None:
    channel: Channel[int] = Channel()
    tasks = [await waiting(channel.get()) for _ in range(3)]
    assert await cancelled(tasks.pop(position))
    await channel.put_many([1, 2])
    assert [1, 2] == await asyncio.gather(*tasks)


@pytest.mark.parametrize("position", range(3))
async def test_one_of_several_waiting_puts_can_be_cancelled(position: int) -> None:
    channel = filled(0, maxsize=1)
    items = [1, 2, 3]
    tasks = [await waiting(channel.put(item)) for item in items]
    assert await cancelled(tasks.pop(position))
    del items[position]
    assert [0, *items] == [await channel.get() for _ in range(3)]
    await asyncio.gather(*tasks)


async def test_a_cancelled_put_many_puts_no_further_item() -> None:
    channel: Channel[int] = Channel(2)
    assert await cancelled(await waiting(channel.put_many(range(9))))
    assert [0, 1] == channel.abort()


async def test_a_cancelled_get_many_takes_nothing() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get_many(3))
    await channel.put_many([1, 2])
    assert await cancelled(getting)
    assert [1, 2] == list(channel)


async def test_async_for_goes_on_after_a_cancelled_step() -> None:
    channel: Channel[int] = Channel()
    iterator = aiter(channel)

    async def step() -> int:
        return await anext(iterator)

    getting = await waiting(step())
    channel.put_nowait(7)
    assert await cancelled(getting)
    assert 7 == await anext(iterator)


async def test_a_waiting_call_that_is_closed_is_as_good_as_cancelled() -> None:
    channel: Channel[int] = Channel()
    getting = channel.get()
    getting.send(None)
    channel.put_nowait(7)
    getting.close()
    assert 7 == channel.get_nowait()


def random_order(count: int) -> list[int]:
    return random.Random(2015).sample(range(count), count)


@pytest.mark.parametrize(
    "order",
    [list, lambda indices: list(reversed(indices)), lambda indices: random_order(len(indices))],
    ids=["oldest first", "newest first", "random"],
)
@pytest.mark.parametrize("side", ["get", "put", "join"])
async def test_cancelled_waits_leave_nothing_behind(side: str, order: Callable[[range], list[int]]) -> None:
    def call() -> Coroutine[object, Never, object]:
        match side:
            case "get":
                return empty.get()
            case "put":
                return full.put(1)
            case _:
                return full.join()

    empty, full = Channel[int](), filled(0, maxsize=1)
    tasks = [asyncio.create_task(call()) for _ in range(1_000)]
    await settle()
    for index in order(range(1_000)):
        tasks[index].cancel()
    await settle()
    assert [True] * 1_000 == [task.cancelled() for task in tasks]
    assert (0, 0) == (empty.statistics().waiting_receivers, full.statistics().waiting_senders)
    assert ([0], True) == (list(full), full.full())
    assert [] == [*empty._receivers, *full._senders, *full._joiners]


@pytest.mark.parametrize("side", ["get", "put", "join", "select"])
def test_a_wait_whose_coroutine_is_closed_leaves_nothing_behind(side: str) -> None:
    """As when a task is destroyed while it waits: nobody has cancelled its future."""

    async def close_one_of_three() -> None:
        empty, full = Channel[int](), filled(0, maxsize=1)
        calls: dict[str, Callable[[], Coroutine[object, None, object]]] = {
            "get": empty.get,
            "put": lambda: full.put(1),
            "join": full.join,
            "select": lambda: select(empty.on_get(), full.on_put(1)),
        }
        first = await waiting(calls[side]())
        closing = calls[side]()
        assert isinstance(closing.send(None), asyncio.Future)
        last = await waiting(calls[side]())
        closing.close()
        lines = [*empty._receivers, *full._senders, *full._joiners]
        assert (4 if side == "select" else 2) == len(lines)
        assert not any(each.done() for each in lines)
        assert await cancelled(first)
        assert await cancelled(last)

    asyncio.run(close_one_of_three())


# Timeouts


@pytest.mark.virtual_clock
@pytest.mark.parametrize("style", ["wait_for", "timeout"])
async def test_a_get_that_times_out_takes_nothing(style: str) -> None:
    channel: Channel[int] = Channel()
    with pytest.raises(TimeoutError):
        await within(1, style, channel.get())
    assert 0 == channel.statistics().waiting_receivers
    channel.put_nowait(7)
    assert 7 == channel.get_nowait()


@pytest.mark.virtual_clock
@pytest.mark.parametrize("style", ["wait_for", "timeout"])
async def test_a_put_that_times_out_puts_nothing(style: str) -> None:
    channel = filled(0, maxsize=1)
    with pytest.raises(TimeoutError):
        await within(1, style, channel.put(1))
    assert ([0], 0) == (list(channel), channel.statistics().waiting_senders)


# All together


@pytest.mark.parametrize("maxsize", [0, 1, 3])
@pytest.mark.parametrize("seed", range(3))
async def test_random_cancels_lose_duplicate_and_reorder_nothing(maxsize: int, seed: int) -> None:
    """Producers know what was accepted and consumers what they took; both are cancelled at random."""
    chance = random.Random(seed)
    channel: Channel[tuple[int, int]] = Channel(maxsize) if maxsize else Channel.rendezvous()
    accepted: list[tuple[int, int]] = []
    taken: list[tuple[int, int]] = []

    async def produce(producer: int) -> None:
        for count in range(1_000):
            await channel.put((producer, count))
            accepted.append((producer, count))

    async def consume() -> None:
        while True:
            taken.append(await channel.get())

    producers = [asyncio.create_task(produce(producer)) for producer in range(4)]
    consumers = [asyncio.create_task(consume()) for _ in range(3)]
    for step in range(400):
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            consumers.pop(chance.randrange(3)).cancel()
            consumers.append(asyncio.create_task(consume()))
        if chance.random() < 0.1:
            producers.pop(0).cancel()
            producers.append(asyncio.create_task(produce(4 + step)))
    for task in producers:
        task.cancel()
    await settle()
    channel.close()
    await channel.join()
    await asyncio.wait(consumers)
    assert sorted(accepted) == sorted(taken)
    for producer in {producer for producer, _ in accepted}:
        sequence = [count for sender, count in taken if sender == producer]
        assert list(range(len(sequence))) == sequence
    statistics = channel.statistics()
    assert (0, 0, 0) == (statistics.qsize, statistics.waiting_senders, statistics.waiting_receivers)
