"""A put that returns has put its item once, one that raises has not put it; and so for a get."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import cast

import pytest

from aiochannel import ChannelClosed, ChannelEmpty, ChannelFull
from tests.conftest import begun, cancelled, settle, waiting, within
from tests.contract.kinds import (
    GETS,
    PUTS,
    WAITING_GETS,
    WAITING_PUTS,
    Kind,
    Sides,
    every_kind,
    get,
    put,
    that_buffer,
    that_buffer_all,
    that_fill,
    that_fill_a_buffer,
    that_keep_all,
    those,
)

FALSY = [None, 0, "", False, (), ChannelClosed(), StopAsyncIteration()]

every_style = pytest.mark.parametrize("style", ["wait_for", "timeout"])


async def passed(channel: Sides, item: object) -> object:
    """Put an item and get one, in whatever order the channel wants."""
    putting = asyncio.create_task(channel.tx.put(item))
    taken = await channel.rx.get()
    await putting
    return taken


# Items


@that_buffer
async def test_every_object_is_an_item(channel: Sides) -> None:
    for item in FALSY:
        await channel.tx.put(item)
        assert item is channel.rx.get_nowait()
        channel.tx.put_nowait(item)
        assert item is await channel.rx.get()


@every_kind
async def test_every_object_is_an_item_for_a_waiting_get(channel: Sides) -> None:
    """anyio took falsy items for none."""
    for item in FALSY:
        getting = await waiting(channel.rx.get())
        channel.tx.put_nowait(item)
        assert item is await getting


@that_buffer
async def test_what_is_put_is_got_once(channel: Sides) -> None:
    for putting, getting in product(PUTS, GETS):
        await put(putting, channel.tx, 7)
        assert 1 == channel.rx.qsize()
        assert (putting, getting, 7) == (putting, getting, await get(getting, channel.rx))
        assert (0, True) == (channel.rx.qsize(), channel.rx.empty())


@every_kind
async def test_a_waiting_get_takes_what_is_put_once(channel: Sides) -> None:
    for putting, getting in product(PUTS, WAITING_GETS):
        task = await waiting(get(getting, channel.rx))
        await put(putting, channel.tx, 7)
        assert (putting, getting, 7) == (putting, getting, await task)
        assert (0, True) == (channel.rx.qsize(), channel.rx.empty())


@that_fill
async def test_a_waiting_put_puts_its_item_once(kind: Kind) -> None:
    for call in WAITING_PUTS:
        full = kind.full()
        putting = await waiting(put(call, full.tx, 1_000))
        first = await full.rx.get()
        await putting
        assert (call, [*full.inside, 1_000]) == (call, [first, *await full.rest()])


# A put that raises


@that_fill
async def test_put_nowait_without_room_is_refused_and_puts_nothing(full: Sides) -> None:
    with pytest.raises(ChannelFull):
        full.tx.put_nowait(1_000)
    assert full.inside == await full.rest()


@that_fill
async def test_a_put_cancelled_while_it_waits_puts_nothing(kind: Kind) -> None:
    """culsans before 0.9: a caller could not tell whether it had."""
    for call in WAITING_PUTS:
        full = kind.full()
        assert await cancelled(await waiting(put(call, full.tx, 1_000)))
        assert (call, (0, 0), True) == (call, full.waiters(), full.tx.full())
        assert (call, full.inside) == (call, await full.rest())


@that_fill
async def test_a_put_cancelled_after_its_grant_puts_nothing_and_leaves_the_room(kind: Kind) -> None:
    """A woken put that is cancelled ends by that, and by nothing else, as CPython asks of a Queue."""
    for call in WAITING_PUTS:
        full = kind.full()
        putting = await waiting(put(call, full.tx, 1_000))
        getting = await begun(full.rx.get())
        assert await cancelled(putting), call
        full.tx.put_nowait(2_000)
        assert (call, [*full.inside, 2_000]) == (call, [await getting, *await full.rest()])


@that_fill
async def test_the_grant_of_a_cancelled_put_passes_to_the_next(full: Sides) -> None:
    first, second = await waiting(full.tx.put(1_000)), await waiting(full.tx.put(2_000))
    getting = await begun(full.rx.get())
    first.cancel()
    await settle()
    assert (True, True) == (first.cancelled(), second.done())
    assert [*full.inside, 2_000] == [await getting, *await full.rest()]


@that_fill_a_buffer
async def test_a_put_cancelled_in_the_step_that_makes_room_is_passed_over(full: Sides) -> None:
    first, second = await waiting(full.tx.put(1_000)), await waiting(full.tx.put(2_000))
    first.cancel()
    taken = full.rx.get_nowait()
    await settle()
    assert (True, True) == (first.cancelled(), second.done())
    assert [*full.inside, 2_000] == [taken, *await full.rest()]


@that_fill
async def test_a_waiting_put_whose_coroutine_is_closed_puts_nothing(kind: Kind) -> None:
    for call in WAITING_PUTS:
        full = kind.full()
        putting = put(call, full.tx, 1_000)
        putting.send(None)
        assert (call, (1, 0)) == (call, full.waiters())
        putting.close()
        assert (call, (0, 0)) == (call, full.waiters())
        assert (call, full.inside) == (call, await full.rest())


@that_fill
async def test_a_put_that_close_refuses_puts_nothing(kind: Kind) -> None:
    """frequenz.channels put the item of a sender that had waited at close, once the channel was drained."""
    for call in WAITING_PUTS:
        full = kind.full()
        putting = await waiting(put(call, full.tx, 1_000))
        full.tx.close()
        await settle()
        assert isinstance(putting.exception(), ChannelClosed), call
        assert (call, full.inside) == (call, await full.rest())
        await settle()
        assert (call, 0, True) == (call, full.rx.qsize(), full.rx.empty())


@that_fill
async def test_a_put_that_close_refuses_after_its_grant_puts_nothing(kind: Kind) -> None:
    for call in WAITING_PUTS:
        full = kind.full()
        putting = await waiting(put(call, full.tx, 1_000))
        getting = await begun(full.rx.get())
        full.tx.close()
        await settle()
        assert isinstance(putting.exception(), ChannelClosed), call
        taken = [] if getting.exception() else [getting.result()]
        assert (call, full.inside) == (call, [*taken, *await full.rest()])


@pytest.mark.virtual_clock
@that_fill
@every_style
async def test_a_put_that_times_out_puts_nothing(full: Sides, style: str) -> None:
    with pytest.raises(TimeoutError):
        await within(1, style, full.tx.put(1_000))
    assert (0, 0) == full.waiters()
    assert full.inside == await full.rest()


@every_kind
async def test_a_put_that_need_not_wait_is_done_before_it_could_be_cancelled(channel: Sides) -> None:
    putting = asyncio.create_task(channel.tx.put(1))
    assert 1 == await channel.rx.get()
    assert putting.done()
    assert not putting.cancel()


@every_kind
async def test_a_put_does_not_raise_once_its_item_was_received(channel: Sides) -> None:
    """anyio, on a stream without a buffer."""
    putting = asyncio.create_task(channel.tx.put(7))
    assert 7 == await channel.rx.get()
    channel.tx.close()
    await putting


# A get that raises


@every_kind
async def test_get_nowait_without_an_item_is_refused(channel: Sides) -> None:
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    assert 7 == await passed(channel, 7)


@that_fill
async def test_get_nowait_takes_nothing_from_a_waiting_put(full: Sides) -> None:
    putting = await waiting(full.tx.put(1_000))
    taken = [full.rx.get_nowait() for _ in full.inside]
    with pytest.raises(ChannelEmpty):
        full.rx.get_nowait()
    assert await cancelled(putting)
    assert (list(full.inside), True) == (taken, full.rx.empty())


@every_kind
async def test_a_get_cancelled_while_it_waits_takes_nothing(channel: Sides) -> None:
    for call in WAITING_GETS:
        assert await cancelled(await waiting(get(call, channel.rx))), call
        assert (call, (0, 0)) == (call, channel.waiters())
        assert (call, 7) == (call, await passed(channel, 7))


@every_kind
async def test_a_get_cancelled_in_the_step_of_the_put_takes_nothing(channel: Sides) -> None:
    """anyio memory streams on a native task.cancel(), tornado.queues (tornadoweb/tornado#2826), Kotlin by contract."""
    for putting, getting, afterwards in product(PUTS, WAITING_GETS, GETS):
        task = await waiting(get(getting, channel.rx))
        await put(putting, channel.tx, 7)
        assert await cancelled(task), (putting, getting)
        assert (putting, getting, 1) == (putting, getting, channel.rx.qsize())
        assert (putting, getting, 7) == (putting, getting, await get(afterwards, channel.rx))


@every_kind
async def test_async_for_goes_on_after_a_cancelled_step(channel: Sides) -> None:
    iterator = aiter(channel.rx)

    async def step() -> object:
        return await anext(iterator)

    getting = await waiting(step())
    channel.tx.put_nowait(7)
    assert await cancelled(getting)
    assert 7 == await anext(iterator)


@every_kind
async def test_the_promise_of_a_cancelled_get_passes_to_the_next(channel: Sides) -> None:
    """asyncio.Semaphore lost such a wake-up for years (python/cpython#90155)."""
    first, second = await waiting(channel.rx.get()), await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    first.cancel()
    await settle()
    assert (True, 7) == (first.cancelled(), second.result())


@every_kind
async def test_a_get_cancelled_in_the_step_before_the_put_is_passed_over(channel: Sides) -> None:
    """It has not run yet, so nothing but its future says that it was cancelled."""
    first, second = await waiting(channel.rx.get()), await waiting(channel.rx.get())
    first.cancel()
    channel.tx.put_nowait(7)
    await settle()
    assert (True, 7) == (first.cancelled(), second.result())


@every_kind
async def test_an_item_put_when_every_get_was_cancelled_in_the_same_step_stays(channel: Sides) -> None:
    tasks = [await waiting(channel.rx.get()) for _ in range(2)]
    for task in tasks:
        task.cancel()
    channel.tx.put_nowait(7)
    assert (1, 7) == (channel.rx.qsize(), channel.rx.get_nowait())
    await settle()
    assert ([True, True], (0, 0)) == ([task.cancelled() for task in tasks], channel.waiters())


@every_kind
async def test_a_waiting_get_whose_coroutine_is_closed_takes_nothing(channel: Sides) -> None:
    for call in WAITING_GETS:
        getting = get(call, channel.rx)
        getting.send(None)
        channel.tx.put_nowait(7)
        getting.close()
        assert (call, 7) == (call, channel.rx.get_nowait())


@pytest.mark.virtual_clock
@every_kind
@every_style
async def test_a_get_that_times_out_takes_nothing(channel: Sides, style: str) -> None:
    with pytest.raises(TimeoutError):
        await within(1, style, channel.rx.get())
    assert (0, 0) == channel.waiters()
    assert 7 == await passed(channel, 7)


# Batches


@those(lambda kind: kind.capacity >= 3)
async def test_get_many_takes_what_is_there_up_to_its_limit(kind: Kind) -> None:
    for limit in (1, 2, 3, 99):
        stocked = kind.holding(3)
        assert stocked.inside[:limit] == await stocked.rx.get_many(limit)
        assert stocked.inside[limit:] == await stocked.rest()


@that_buffer_all
async def test_a_cancelled_get_many_takes_nothing(channel: Sides) -> None:
    getting = await waiting(channel.rx.get_many(3))
    await channel.tx.put_many([1, 2])
    assert await cancelled(getting)
    assert [1, 2] == await channel.rest()


@every_kind
async def test_a_batch_with_a_wrong_limit_is_refused_and_takes_nothing(stocked: Sides) -> None:
    for no_int in (True, 1.5, "1", None):
        with pytest.raises(TypeError, match="limit must be an int"):
            await stocked.rx.get_many(cast("int", no_int))
    for too_small in (0, -1):
        with pytest.raises(ValueError, match="limit must be an int >= 1"):
            await stocked.rx.get_many(too_small)
    assert stocked.inside == await stocked.rest()


@those(lambda kind: kind.capacity >= 5)
async def test_put_many_takes_any_iterable(kind: Kind, channel: Sides) -> None:
    await channel.tx.put_many("abc")
    await channel.tx.put_many(character.upper() for character in "de")
    assert kind.order("abcDE") == await channel.rest()


@every_kind
async def test_put_many_of_nothing_does_nothing(channel: Sides) -> None:
    await channel.tx.put_many([])
    assert (True, []) == (channel.rx.empty(), await channel.rest())


@that_buffer
async def test_put_many_keeps_what_was_accepted_when_its_iterable_raises(channel: Sides) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await channel.tx.put_many(items())
    assert [1] == await channel.rest()


@that_fill
@pytest.mark.parametrize("end", ["cancel", "close"])
async def test_put_many_keeps_what_was_accepted_and_puts_no_further_item(kind: Kind, channel: Sides, end: str) -> None:
    accepted = int(kind.capacity)
    items = iter(range(accepted + 9))
    putting = await waiting(channel.tx.put_many(items))
    if end == "cancel":
        assert await cancelled(putting)
    else:
        channel.tx.close()
        await settle()
        assert isinstance(putting.exception(), ChannelClosed)
    assert kind.order(range(accepted)) == await channel.rest()
    assert accepted + 1 == next(items)


@that_fill
async def test_a_cancelled_put_many_of_a_sequence_puts_no_further_item(kind: Kind, channel: Sides) -> None:
    accepted = int(kind.capacity)
    assert await cancelled(await waiting(channel.tx.put_many(range(accepted + 7))))
    assert kind.order(range(accepted)) == await channel.rest()


# Races and random programs


@pytest.mark.virtual_clock
@that_buffer_all
@every_style
@pytest.mark.parametrize(("order", "rounds"), [("deadline first", 20), ("put first", 20), ("random", 300)])
async def test_a_deadline_that_races_the_put_loses_nothing(channel: Sides, style: str, order: str, rounds: int) -> None:
    """anyio on Python 3.11 lost every item where the deadline and the put fell in one step."""
    chance = random.Random(3)
    loop = asyncio.get_running_loop()
    taken: list[object] = []
    for item in range(rounds):
        offset = {"deadline first": 1e-10, "put first": -1e-10, "random": chance.uniform(-1e-9, 1e-9)}[order]
        loop.call_at(loop.time() + 1 + offset, channel.tx.put_nowait, item)
        with suppress(TimeoutError):
            taken.append(await within(1, style, channel.rx.get()))
            continue
        await asyncio.sleep(0.5)
        while not channel.rx.empty():
            taken.append(channel.rx.get_nowait())
    assert list(range(rounds)) == taken


@pytest.mark.virtual_clock
@that_keep_all
async def test_deadlines_on_a_free_running_producer_lose_and_reorder_nothing(channel: Sides) -> None:
    """asyncio.Queue.get under wait_for (python/asyncio#201)."""
    chance = random.Random(5)

    async def produce() -> None:
        for item in range(200):
            await asyncio.sleep(chance.choice([0, 0.5, 1]))
            await channel.tx.put(item)
        channel.tx.close()

    producing = asyncio.create_task(produce())
    taken: list[object] = []
    while True:
        try:
            taken.append(await asyncio.wait_for(channel.rx.get(), chance.choice([0, 0.5, 1])))
        except TimeoutError:
            continue
        except ChannelClosed:
            break
    await producing
    assert list(range(200)) == taken


@that_keep_all
async def test_random_cancels_of_consumers_lose_no_item_of_a_batch(channel: Sides) -> None:
    """.NET's BoundedChannel lost about one in a million."""
    chance = random.Random(9)
    taken: list[object] = []

    async def consume() -> None:
        while True:
            taken.append(await channel.rx.get())

    async def produce() -> None:
        for start in range(0, 2_000, 100):
            await channel.tx.put_many(range(start, start + 100))
            await asyncio.sleep(0)

    producing = asyncio.create_task(produce())
    consumers = [asyncio.create_task(consume()) for _ in range(2)]
    while not producing.done():
        await asyncio.sleep(0)
        if chance.random() < 0.3:
            consumers.pop(0).cancel()
            consumers.append(asyncio.create_task(consume()))
    channel.tx.close()
    await channel.rx.join()
    await settle()
    assert list(range(2_000)) == sorted(taken, key=hash)


@that_keep_all
@pytest.mark.parametrize("seed", range(3))
async def test_random_cancels_lose_duplicate_and_reorder_nothing(kind: Kind, channel: Sides, seed: int) -> None:
    """Producers know what was accepted and consumers what they took; both are cancelled at random."""
    chance = random.Random(seed)
    accepted: list[object] = []
    taken: list[object] = []

    async def produce(producer: int) -> None:
        for count in range(100):
            await channel.tx.put(producer * 100 + count)
            accepted.append(producer * 100 + count)
            if count % 10 == 9:
                await asyncio.sleep(0)

    async def consume() -> None:
        while True:
            taken.append(await channel.rx.get())

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
    channel.tx.close()
    await channel.rx.join()
    await asyncio.wait(consumers)
    assert Counter(accepted) == Counter(taken)
    assert (0, (0, 0)) == (channel.rx.qsize(), channel.waiters())
    expected: Counter[object] = Counter()
    for item in taken:
        assert isinstance(item, int)
        producer, count = divmod(item, 100)
        assert expected[producer] == count
        expected[producer] += 1
