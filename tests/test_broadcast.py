"""Broadcast, Subscription and Lag: the rules of docs/contract.md and the hard cases, by name.

What must hold under every schedule is in tests/broadcast.
"""

import asyncio
import copy
import gc
import math
import pickle
import sys
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import permutations, product
from typing import Never

import pytest

from aiochannel import (
    Broadcast,
    BroadcastStatistics,
    ChannelClosed,
    ChannelEmpty,
    ChannelFull,
    ChannelLagged,
    Lag,
    Receiver,
    Sender,
    Subscription,
    TaskGroup,
    otherwise,
    select,
)
from aiochannel._core import machine
from aiochannel._core.machine import Machine
from aiochannel.feeds import Feed
from aiochannel.testing import explore
from tests.broadcast.__main__ import main
from tests.broadcast.chance import play
from tests.broadcast.programs import PROGRAMS
from tests.budgets import small_budgets
from tests.conftest import cancelled, settle, waiting, without_gc
from tests.test_channel_loops import at_once, new_loop


def rest(subscription: Subscription[int]) -> list[int]:
    """Take what there is."""
    taken: list[int] = []
    with suppress(ChannelEmpty, ChannelClosed):
        while True:
            taken.append(subscription.get_nowait())
    return taken


# Exact put


async def test_every_subscription_gets_every_item_in_the_same_order() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one, hub.subscribe() as two:
        await hub.put(1)
        hub.put_nowait(2)
        await hub.put_many([3, 4])
        await select(hub.on_put(5))
        assert [1, 2, 3, 4, 5] == rest(one) == rest(two)


async def test_a_cancelled_put_went_to_nobody() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(0) as two:
        hub.put_nowait(1)
        assert await cancelled(await waiting(hub.put(2)))
        assert [1] == rest(one) == rest(two)


async def test_a_granted_put_that_is_cancelled_went_to_nobody_and_the_next_one_is_granted() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(0) as two:
        hub.put_nowait(1)
        granted, behind = await waiting(hub.put(2)), await waiting(hub.put(3))
        one.get_nowait()
        granted.cancel()
        await behind
        assert [3] == rest(one)
        assert [1, 3] == rest(two)


async def test_a_granted_put_that_finds_the_broadcast_closed_went_to_nobody() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = await waiting(hub.put(2))
        one.get_nowait()
        hub.close()
        with pytest.raises(ChannelClosed):
            await granted
        assert [] == rest(one)


async def test_a_granted_put_returns_if_all_have_left_and_is_unheard() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = await waiting(hub.put(2))
        one.get_nowait()
    await granted
    assert 1 == hub.statistics().unheard


async def test_put_many_keeps_what_was_accepted() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one:
        items = iter([1, 2, 3, 4])
        assert await cancelled(await waiting(hub.put_many(items)))
        assert [1, 2] == rest(one)
        assert [4] == list(items)


async def test_a_select_that_takes_another_case_has_put_nothing() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        assert (1, None) == await select(hub.on_put(2), otherwise(), biased=True)
        assert [1] == rest(one)


async def test_a_mapped_put_that_fails_puts_nothing() -> None:
    hub = Broadcast[int](1)

    def fail(_: None) -> Never:
        raise ValueError("map")

    with hub.subscribe() as one:
        with pytest.raises(ValueError, match="map"):
            await select(hub.on_put(1).map(fail))
        assert [] == rest(one)


# Room


async def test_a_put_waits_for_the_slowest() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as fast, hub.subscribe() as slow:
        await hub.put_many([1, 2])
        assert [1, 2] == rest(fast)
        assert hub.full()
        with pytest.raises(ChannelFull):
            hub.put_nowait(3)
        put = await waiting(hub.put(3))
        assert 1 == slow.get_nowait()
        await put
        assert [3] == rest(fast)
        assert [2, 3] == rest(slow)


async def test_a_receiver_that_waits_is_room() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        getting = await waiting(one.get())
        hub.put_nowait(1)
        hub.put_nowait(2)
        assert hub.full()
        assert 1 == await getting
        assert [2] == rest(one)


async def test_a_receiver_that_begins_to_wait_is_room_for_a_put_that_waits() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe() as two:
        hub.put_nowait(1)
        put = await waiting(hub.put(2))
        assert [1] == rest(one)
        assert not put.done()
        assert 1 == await two.get()
        await put
        assert 2 == await two.get()


async def test_a_cancelled_receiver_leaves_one_item_more_than_maxsize_at_most() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(2) as slow:
        getting = await waiting(one.get())
        hub.put_nowait(1)
        hub.put_nowait(2)
        assert await cancelled(getting)
        assert 2 == one.qsize()
        assert [1, 2] == rest(slow)
        put = await waiting(hub.put(3))
        assert 1 == one.get_nowait()
        await settle()
        assert not put.done()
        assert 2 == one.get_nowait()
        await put
        assert [3] == rest(one) == rest(slow)


async def test_a_subscription_has_the_room_that_it_asks_for() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe(3) as three, hub.subscribe(0) as unbounded:
        assert (3, 0) == (three.maxsize, unbounded.maxsize)
        for item in range(3):
            hub.put_nowait(item)
        with pytest.raises(ChannelFull):
            hub.put_nowait(3)


async def test_puts_that_wait_are_served_in_their_order() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(0)
        puts = [await waiting(hub.put(item)) for item in (1, 2, 3)]
        assert 0 == await one.get()
        with pytest.raises(ChannelFull):
            hub.put_nowait(9)
        assert [1, 2, 3] == [await one.get() for _ in puts]


async def test_the_only_obstacle_leaves_and_all_puts_go_ahead_in_order() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe(0) as other, hub.subscribe():
        hub.put_nowait(0)
        puts = [await waiting(hub.put(item)) for item in (1, 2)]
    await asyncio.gather(*puts)
    with pytest.raises(ChannelClosed):
        other.get_nowait()


async def test_an_obstacle_whose_block_fails_holds_up_nobody_and_closes_nothing() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe(0) as other:
        end = hub.subscribe()
        hub.put_nowait(0)
        puts = [await waiting(hub.put(item)) for item in (1, 2)]
        with pytest.raises(ValueError, match="failed"), end:
            raise ValueError("failed")
        await asyncio.gather(*puts)
        assert not hub.closed()
        assert [0, 1, 2] == rest(other)


async def test_a_put_goes_ahead_of_a_select_that_could_only_give_to_itself() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as rx:
        await hub.put(0)
        granted = await waiting(hub.put(1))
        asyncio.get_running_loop().call_soon(hub.put_nowait, 2)  # before the task of the granted put runs
        assert 0 == rx.get_nowait()
        assert (1, 2) == await select(hub.on_put(3), rx.on_get())
        await granted
        assert 1 == rx.get_nowait()


async def test_room_that_is_granted_to_two_puts_is_nobody_elses() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as rx:
        await hub.put_many([0, 1])
        granted = [await waiting(hub.put(item)) for item in (2, 3)]
        assert [0, 1] == rx.get_many_nowait()
        with pytest.raises(ChannelFull):
            hub.put_nowait(4)
        await asyncio.gather(*granted)
        assert [2, 3] == rx.get_many_nowait()


async def test_a_batch_that_waits_is_room_beside_what_is_granted() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as first, hub.subscribe() as second:
        await hub.put(0)
        assert 0 == first.get_nowait()
        batch = await waiting(first.get_many(4, within=100))
        granted = [await waiting(hub.put(item)) for item in (1, 2)]
        other = asyncio.create_task(second.get_many(5, within=100))  # which is room for both
        asyncio.get_running_loop().call_soon(hub.put_nowait, 3)  # before their tasks run, unless tasks are eager
        await asyncio.gather(*granted)
        hub.close()
        assert ([1, 2, 3], [0, 1, 2, 3]) == (sorted(await batch), sorted(await other))


async def test_a_get_that_is_cancelled_is_no_room_beside_what_is_granted() -> None:
    hub = Broadcast[int](1)
    full: list[bool] = []

    def put() -> None:
        with pytest.raises(ChannelFull):
            hub.put_nowait(10)
        full.append(True)

    with hub.subscribe() as first, hub.subscribe() as second:
        await hub.put(0)
        assert 0 == first.get_nowait()
        gets = [await waiting(first.get()) for _ in range(10)]
        granted = [await waiting(hub.put(item)) for item in range(1, 10)]
        other = asyncio.create_task(second.get_many(20, within=100))  # which is room for all
        for get in gets[4:6]:
            get.cancel()
        asyncio.get_running_loop().call_soon(put)  # when these have gone, and before the tasks of the puts run
        await asyncio.gather(*granted)
        hub.close()
        assert list(range(10)) == await other
        got = [get.result() for get in [*gets[:4], *gets[6:]]]
    assert [True] == full
    assert list(range(1, 9)) == got


async def test_every_put_without_a_subscriber_is_counted() -> None:
    hub = Broadcast[int](1)
    for item in range(3):
        hub.put_nowait(item)
        await hub.put(item)
    assert 6 == hub.statistics().unheard


async def test_without_a_subscriber_a_put_goes_ahead() -> None:
    hub = Broadcast[int](1)
    await hub.put_many([1, 2, 3])
    assert 3 == hub.statistics().unheard
    assert not hub.full()
    with hub.subscribe() as late:
        assert [] == rest(late)


async def test_the_first_put_is_unheard_where_nobody_is_subscribed() -> None:
    hub = Broadcast[int]()
    await hub.put(1)
    assert 1 == hub.statistics().unheard


async def test_a_put_is_unheard_again_when_the_last_subscriber_has_left() -> None:
    hub = Broadcast[int]()
    with hub.subscribe():
        hub.put_nowait(1)
    await hub.put(2)
    assert 1 == hub.statistics().unheard


async def test_who_subscribes_while_a_put_is_granted_gets_its_item_once() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = await waiting(hub.put(2))
        one.get_nowait()
        with hub.subscribe() as late:
            await granted
            assert [2] == rest(one) == rest(late)


async def test_a_select_that_is_the_only_room_is_not_matched_with_itself() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = hub.put(2)
        granted.send(None)
        one.get_nowait()  # it is granted, and does not run yet
        both = await waiting(select(hub.on_put(3), one.on_get()))
        with pytest.raises(StopIteration):
            granted.send(None)
        assert (1, 2) == await both
        assert [] == rest(one)


async def test_a_select_that_was_passed_over_is_granted_when_another_receiver_begins_to_wait() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe(0), hub.subscribe() as one:
        hub.put_nowait(1)
        granted = hub.put(2)
        granted.send(None)
        one.get_nowait()
        both = await waiting(select(hub.on_put(3), one.on_get()))
        getting = asyncio.create_task(one.get())
        assert ((0, None), 3) == (await both, await getting)
        with pytest.raises(StopIteration):
            granted.send(None)
        assert [2] == rest(one)


async def test_puts_behind_selects_that_are_passed_over_are_granted_the_room_that_these_are() -> None:
    hub = Broadcast[int](1, replay=1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = [hub.put(2), hub.put(4)]
        granted[0].send(None)
        one.get_nowait()
        with hub.subscribe():  # it holds what is replayed
            first = await waiting(select(hub.on_put(3), one.on_get()))
            granted[1].send(None)
        second = await waiting(select(hub.on_put(5), one.on_get()))
        assert 2 == hub._senders.woken
        for put in granted:
            with pytest.raises(StopIteration):
                put.send(None)
        assert ((1, 2), (1, 4)) == (await first, await second)


async def test_a_select_that_was_passed_over_is_granted_when_the_puts_before_it_are_cancelled() -> None:
    hub = Broadcast[int](1, replay=1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = [hub.put(2), hub.put(4)]
        granted[0].send(None)
        one.get_nowait()
        with hub.subscribe():  # it holds what is replayed
            both = await waiting(select(hub.on_put(3), one.on_get()))
            granted[1].send(None)
        for put in granted:
            put.close()
        assert (0, None) == await both
        assert [3] == rest(one)


async def test_a_select_that_gets_where_no_put_waits_is_granted_a_slot_beside_another() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one, hub.subscribe(1, lag=Lag.SKIP) as lossy:
        await hub.put_many([1, 2])
        granted = hub.put(3)
        granted.send(None)
        assert ([2], 1) == (rest(lossy), one.get_nowait())
        both = await waiting(select(hub.on_put(4), lossy.on_get()))
        assert 2 == one.get_nowait()
        assert (0, None) == await both
        with pytest.raises(StopIteration):
            granted.send(None)
        assert [4, 3] == rest(one)


async def test_a_put_that_waits_looks_at_each_subscription_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    bound = vars(Machine)["_bound"]

    def look(feed: Feed[int]) -> object:
        looks.append(feed)
        return bound.__get__(feed)

    hub = Broadcast[int](1)
    ends = [hub.subscribe() for _ in range(30)]
    subscriptions = [end.__enter__() for end in ends]
    hub.put_nowait(1)
    putting = await waiting(hub.put(2))
    monkeypatch.setattr(Feed, "_bound", property(look, bound.__set__), raising=False)
    for subscription in reversed(subscriptions):
        subscription.get_nowait()
    await putting
    assert len(looks) <= 5 * len(ends)


async def test_a_cancelled_get_in_the_middle_of_others_is_no_slot_for_puts_that_wait() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        other = hub.subscribe()
        hub.put_nowait(0)
        assert 0 == one.get_nowait()
        getting = [await waiting(one.get()) for _ in range(5)]
        putting = [await waiting(hub.put(item)) for item in range(6)]
        assert await cancelled(getting[2])
        other.leave()
        assert 5 == hub._senders.woken
        await asyncio.gather(*getting[:2], *getting[3:], *putting[:5])
        assert [4, 5] == [await one.get() for _ in range(2)]


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_every_subscription_of_three_is_waited_for(order: tuple[int, int, int]) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe() as two, hub.subscribe() as three:
        hub.put_nowait(1)
        putting = await waiting(hub.put(2))
        for number in order:
            assert not putting.done()
            (one, two, three)[number].get_nowait()
            await settle()
        await putting


async def test_one_slot_is_granted_to_one_put() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        putting = [await waiting(hub.put(item)) for item in (2, 3, 4)]
        assert 1 == one.get_nowait()
        await settle()
        assert [True, False, False] == [put.done() for put in putting]
        assert [2, 3, 4] == [await one.get() for _ in range(3)]


async def test_room_beside_a_granted_slot_is_for_anybody_and_the_slot_is_not() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one:
        await hub.put_many([1, 2])
        granted = hub.put(3)
        granted.send(None)
        assert [1, 2] == rest(one)
        hub.put_nowait(4)
        with pytest.raises(ChannelFull):
            hub.put_nowait(5)
        with pytest.raises(StopIteration):
            granted.send(None)
        assert [4, 3] == rest(one)


async def test_who_comes_is_waited_for_at_once() -> None:
    hub = Broadcast[int]()
    with hub.subscribe():
        hub.put_nowait(1)
        with hub.subscribe(1) as late:
            hub.put_nowait(2)
            with pytest.raises(ChannelFull):
                hub.put_nowait(3)
            assert [2] == rest(late)


async def test_a_subscription_that_has_dropped_and_was_emptied_holds_no_more_than_before() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.SKIP) as one, hub.subscribe():
        await hub.put_many([1, 2, 3])
        assert [2, 3] == rest(one)
        for item in range(4, 9):
            await hub.put(item)
        assert [7, 8] == rest(one)


async def test_a_select_that_was_passed_over_is_granted_when_there_is_other_room() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe() as two:
        hub.put_nowait(1)
        one.get_nowait()
        both = await waiting(select(hub.on_put(2), one.on_get()))
        assert 1 == two.get_nowait()
        assert (0, None) == await both
        assert [2] == rest(one) == rest(two)


async def test_qsize_is_that_of_the_slowest_for_which_puts_wait() -> None:
    hub = Broadcast[int](3)
    assert 0 == hub.qsize()
    with hub.subscribe(0) as unbounded, hub.subscribe(9, lag=Lag.SKIP), hub.subscribe() as three, hub.subscribe(2):
        hub.put_nowait(1)
        assert 1 == hub.qsize()
        hub.put_nowait(2)
        unbounded.get_nowait()
        three.get_nowait()
        assert 2 == hub.qsize() == hub.statistics().slowest
    with hub.subscribe() as fewer, hub.subscribe(4):
        fewer.closed()
        for item in range(3):
            hub.put_nowait(item)
        fewer.get_nowait()
        assert 3 == hub.qsize()  # as much room as the other one, and more items


async def test_the_slowest_has_the_least_room_and_of_such_the_most_items() -> None:
    for one_size, other_size, one_taken, other_taken in product((3, 4, 6), (3, 4, 6), range(4), range(4)):
        hub = Broadcast[int]()
        with hub.subscribe(one_size) as one, hub.subscribe(1, lag=Lag.SKIP), hub.subscribe(other_size) as other:
            await hub.put_many(range(3))
            one.get_many_nowait(one_taken) if one_taken else ()
            other.get_many_nowait(other_taken) if other_taken else ()
            _, items = min((size - rx.qsize(), -rx.qsize()) for size, rx in ((one_size, one), (other_size, other)))
            assert -items == hub.qsize()


async def test_a_cancelled_get_in_the_middle_of_others_is_no_room() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(0)
        assert 0 == one.get_nowait()
        getting = [await waiting(one.get()) for _ in range(5)]
        assert await cancelled(getting[2])
        for room in range(5, 0, -1):
            assert room == hub._room()
            hub.put_nowait(room)
        assert hub.full()


async def test_a_batch_that_waits_is_room_for_all_that_it_asks_for() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        getting = await waiting(one.get_many(3, within=math.inf))
        for item in range(4):
            assert 4 - item == hub._room()
            hub.put_nowait(item)
        assert hub.full()
        assert [0, 1, 2] == await getting


async def test_a_closed_broadcast_is_full_when_a_subscription_is() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(1, lag=Lag.SKIP):
        hub.put_nowait(1)
        hub.close()
        assert hub.full()
        with pytest.raises(ChannelClosed):
            hub.put_nowait(2)
        one.get_nowait()
        assert not hub.full()


# Lag


async def test_raise_tells_once_how_many_were_missed_before_anything_behind_the_gap() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2, 3, 4, 5])
        with pytest.raises(ChannelLagged) as caught:
            await one.get()
        assert 3 == caught.value.missed
        assert ChannelClosed not in type(caught.value).__mro__
        assert [4, 5] == rest(one)
        assert 3 == hub.statistics().missed


async def test_a_batch_takes_what_is_behind_the_gap_once_it_was_told() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(4, lag=Lag.RAISE) as one:
        await hub.put_many(range(6))
        with pytest.raises(ChannelLagged):
            one.get_many_nowait()
        assert [2, 3] == await one.get_many(2)
        assert [4, 5] == one.get_many_nowait()


async def test_no_function_is_given_what_is_behind_the_gap_before_it_was_told() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2])
        given: list[int] = []
        with pytest.raises(ChannelLagged):
            await select(one.on_get().map(given.append))
        assert [] == given


async def get(call: str, one: Subscription[int]) -> object:
    match call:
        case "get":
            return await one.get()
        case "get_many":
            return await one.get_many(2)
        case "next":
            return await anext(one)
        case "get_nowait":
            return one.get_nowait()
        case "select":
            return await select(one.on_get())
        case "map":
            return await select(one.on_get().map(str))
        case _:
            return await select(one.on_get().or_closed(None))


@pytest.mark.parametrize("call", ["get", "get_many", "next", "get_nowait", "select", "map", "or_closed"])
async def test_every_kind_of_get_tells_and_takes_nothing(call: str) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2])
        with pytest.raises(ChannelLagged):
            await get(call, one)
        assert [2] == rest(one)
        assert 0 == one.missed()


async def test_iterating_goes_on_after_the_report() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2, 3])
        hub.close()
        with pytest.raises(ChannelLagged):
            async for _ in one:
                pass
        assert [2, 3] == [item async for item in one]


async def test_lagging_again_before_the_report_is_one_report() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2])
        await hub.put_many([3, 4])
        with pytest.raises(ChannelLagged) as caught:
            one.get_nowait()
        assert 3 == caught.value.missed
        assert [4] == rest(one)


async def test_missed_tells_so_that_no_get_raises() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2])
        assert 1 == one.missed()
        assert [2] == rest(one)
        assert 0 == one.missed()


async def test_an_item_that_is_promised_is_not_dropped() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        gets = [await waiting(one.get()), await waiting(one.get_many(5))]
        for item in range(1, 6):
            hub.put_nowait(item)  # 1 and 2 are promised, and 5 is kept
        assert [1, [2]] == await asyncio.gather(*gets)
        with pytest.raises(ChannelLagged) as caught:
            await one.get()
        assert 2 == caught.value.missed
        assert [5] == rest(one)


async def test_a_promise_that_comes_back_is_told_of_first() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        getting = await waiting(one.get())
        for item in (1, 2, 3):
            hub.put_nowait(item)
        assert await cancelled(getting)
        with pytest.raises(ChannelLagged):
            await one.get()
        assert [1, 3] == rest(one)


async def test_skip_drops_silently_and_missed_counts() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.SKIP) as one:
        await hub.put_many([1, 2, 3])
        assert 2 == await one.get()
        await hub.put_many([4, 5, 6])
        assert [5, 6] == rest(one)
        assert 3 == one.missed()
        assert 0 == one.missed()


async def test_a_subscription_that_lags_delays_no_put_and_counts_again_when_it_has_room() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.SKIP) as one:
        for item in range(5):
            await hub.put(item)
            assert not hub.full()
        assert [4] == rest(one)
        await hub.put_many([5, 6])
        assert [6] == rest(one)
        await hub.put(7)
        assert [7] == rest(one)


async def test_a_subscription_that_counts_again_makes_no_room_in_others() -> None:
    hub = Broadcast[int](3)
    with hub.subscribe() as one, hub.subscribe(2, lag=Lag.SKIP) as lossy:
        await hub.put_many([1, 2, 3])
        assert ([2, 3], 1) == (rest(lossy), one.get_nowait())
        hub.put_nowait(4)
        with pytest.raises(ChannelFull):
            hub.put_nowait(5)


@pytest.mark.parametrize("lag", [Lag.RAISE, Lag.SKIP])
async def test_a_subscription_that_lagged_ends_with_the_broadcast(lag: Lag) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=lag) as one:
        await hub.put_many([1, 2])
        hub.close()
        assert 1 == one.missed()
        assert [2] == [item async for item in one]
        for call in (one.get_nowait, one.get_many_nowait):
            with pytest.raises(ChannelClosed):
                call()


async def test_a_put_that_was_granted_drops_what_a_subscription_has_no_room_for() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as waited_for, hub.subscribe(1, lag=Lag.SKIP) as one:
        hub.put_nowait(1)
        put = await waiting(hub.put(2))
        waited_for.get_nowait()
        await put
        assert [2] == rest(one)
        assert 1 == one.missed()


async def test_puts_that_were_granted_drop_what_several_subscriptions_have_no_room_for() -> None:
    hub = Broadcast[int](1)
    with (
        hub.subscribe(3, lag=Lag.SKIP) as three,
        hub.subscribe() as one,
        hub.subscribe(2, lag=Lag.SKIP) as two,
        hub.subscribe(2, lag=Lag.DISCONNECT) as cut_off,
    ):
        hub.put_nowait(1)
        for putting in [await waiting(hub.put(item)) for item in (2, 3, 4)]:
            one.get_nowait()
            await putting
        assert ([2, 3, 4], [3, 4], [1, 2]) == (rest(three), rest(two), rest(cut_off))
        assert (1, 2, 4) == (three.missed(), two.missed(), hub.statistics().missed)
        assert (4, 3) == (one.get_nowait(), hub.subscribers)


async def test_puts_that_were_granted_drop_what_the_only_subscription_that_drops_has_no_room_for() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(2, lag=Lag.SKIP) as two:
        hub.subscribe().leave()
        hub.put_nowait(1)
        for putting in [await waiting(hub.put(item)) for item in (2, 3)]:
            one.get_nowait()
            await putting
        assert [2, 3] == rest(two)


async def test_what_is_replayed_no_more_is_not_kept() -> None:
    hub = Broadcast[int](replay=2)
    with hub.subscribe():
        for item in range(9):
            await hub.put(item)
        assert [7, 8] == list(hub._history)


async def test_a_clone_of_a_subscription_has_its_size() -> None:
    hub = Broadcast[int](3)
    with hub.subscribe(2) as one, hub.subscribe(2).clone() as other:
        assert 2 == one.maxsize == other.maxsize


async def test_only_a_put_drops_what_a_cancelled_get_has_left_too_many() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.SKIP) as one, hub.subscribe(1, lag=Lag.DISCONNECT) as two:
        gets = [await waiting(one.get()), await waiting(two.get())]
        await hub.put_many([1, 2])
        for getting in gets:
            getting.cancel()
        await settle()
        assert 2 == one.qsize() == two.qsize()
        hub.put_nowait(3)
        assert [3] == rest(one)
        assert 2 == one.missed()
        assert [1, 2] == rest(two)


async def test_disconnect_cuts_off_after_what_it_holds() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.DISCONNECT) as one, hub.subscribe() as other:
        await hub.put_many([1, 2])
        assert 2 == hub.subscribers
        await hub.put(3)
        assert 1 == hub.subscribers
        assert [1, 2] == [await one.get(), await one.get()]
        with pytest.raises(ChannelClosed, match="was cut off") as caught:
            await one.get()
        assert isinstance(caught.value.__cause__, ChannelLagged)
        assert 1 == caught.value.__cause__.missed == one.missed()
        with pytest.raises(ChannelClosed):
            async for _ in one:
                pass
        assert [1, 2, 3] == rest(other)
        assert 1 == hub.statistics().missed
        assert not hub.closed()


async def test_who_is_cut_off_when_its_receiver_is_woken_gets_the_item_and_then_the_end() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT) as one:
        getting = await waiting(one.get())
        for item in (1, 2, 3):
            hub.put_nowait(item)
        await hub.wait_unsubscribed()
        assert 1 == await getting
        assert 2 == await one.get()
        with pytest.raises(ChannelClosed):
            await one.get()


async def test_a_subscription_that_waits_misses_nothing() -> None:
    with Broadcast[int]().subscribe() as one:
        assert 0 == one.missed()


# Replay


async def test_a_new_subscription_begins_with_what_is_replayed() -> None:
    hub = Broadcast[int](replay=2)
    await hub.put_many([1, 2, 3])
    with hub.subscribe() as one:
        await hub.put(4)
        assert [2, 3, 4] == rest(one)


async def test_a_finalizer_of_what_is_replayed_no_more_puts_behind_the_item_that_displaces_it() -> None:
    hub = Broadcast[object](replay=1)

    class Last:
        def __del__(self) -> None:
            hub.put_nowait("from the finalizer")

    with hub.subscribe() as one, hub.subscribe() as two:
        hub.put_nowait(Last())
        for each in (one, two):
            each.get_nowait()
        hub.put_nowait("next")
        assert ["next", "from the finalizer"] == await one.get_many(5) == await two.get_many(5)
        with hub.subscribe() as late:
            assert ["from the finalizer"] == await late.get_many(5)


async def test_replayed_items_take_room() -> None:
    hub = Broadcast[int](2, replay=2)
    await hub.put_many([1, 2])
    with hub.subscribe(), hub.subscribe(0) as other:
        put = await waiting(hub.put(3))
    await put
    with hub.subscribe() as late:
        assert [2, 3] == rest(late)
        with pytest.raises(ChannelClosed):
            other.get_nowait()


def test_what_could_not_hold_the_replayed_items_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold the 3 replayed"):
        Broadcast[int](2, replay=3)
    with pytest.raises(ValueError, match="cannot hold the 2 replayed"):
        Broadcast[int](1, replay=2)
    with pytest.raises(ValueError, match="cannot hold the 2 replayed"):
        Broadcast[int](replay=2).subscribe(1)
    with pytest.raises(ValueError, match="cannot hold the 3 replayed"):
        Broadcast[int](replay=3).subscribe(2)


# Closing


async def test_close_lets_each_subscription_drain_on_its_own() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one, hub.subscribe() as two:
        await hub.put_many([1, 2])
        assert hub.close()
        assert not hub.close()
        assert [1, 2] == [item async for item in one]
        assert [1, 2] == [item async for item in two]
        with pytest.raises(ChannelClosed, match=r"closed by close\(\)"):
            await one.get()


async def test_a_cause_reaches_every_subscription_and_every_put() -> None:
    hub = Broadcast[int](1)
    cause = ValueError("why")
    with hub.subscribe() as one:
        hub.put_nowait(1)
        put = await waiting(hub.put(2))
        hub.close(cause)
        for call in (put, hub.put(3), hub.put_many([3])):
            with pytest.raises(ChannelClosed) as caught:
                await call
            assert cause is caught.value.__cause__
        assert 1 == await one.get()
        with pytest.raises(ChannelClosed, match="from ValueError"):
            await anext(one)


async def test_a_closed_broadcast_accepts_nothing_although_there_was_space() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        await hub.put(1)
        hub.close()
        for put in (hub.put(2), hub.put_many([2])):
            with pytest.raises(ChannelClosed):
                await put
        with pytest.raises(ChannelClosed):
            hub.put_nowait(2)
        assert [1] == rest(one)


async def test_a_close_refuses_puts_that_wait_before_it_tells_who_waits_for_it() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe():
        hub.put_nowait(1)
        told: list[str] = []
        closing = await waiting(hub.wait_closed())
        closing.add_done_callback(lambda _: told.append("closed"))
        putting = await waiting(hub.put(2))
        putting.add_done_callback(lambda _: told.append("refused"))
        hub.close()
        await asyncio.wait([closing, putting])
        assert (["refused", "closed"], ChannelClosed) == (told, type(putting.exception()))


async def test_gets_that_wait_are_told_of_the_close() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        getting = await waiting(one.get())
        hub.close()
        with pytest.raises(ChannelClosed):
            await getting


async def test_a_get_of_a_closed_subscription_waits_while_an_item_is_promised_to_another() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        first = one.get()
        first.send(None)
        hub.put_nowait(1)
        hub.close()
        second = await waiting(one.get())
        first.close()
        assert 1 == await second


async def test_subscribing_after_the_close_gives_the_replay_and_the_end() -> None:
    hub = Broadcast[int](replay=1)
    await hub.put_many([1, 2])
    hub.close()
    with hub.subscribe() as one:
        assert [2] == [item async for item in one]


async def test_join_waits_for_those_who_have_not_left() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as drains:
        with hub.subscribe():
            await hub.put(1)
            hub.close()
            join = await waiting(hub.join())
            assert 1 == drains.get_nowait()
            await settle()
            assert not join.done()
        await join
        await hub.join()


async def test_join_before_anybody_has_subscribed() -> None:
    hub = Broadcast[int]()
    join = await waiting(hub.join())
    assert not await cancelled(await waiting(hub.join())) or not join.done()
    hub.close()
    await join


async def test_a_subscription_is_joined_when_it_is_drained() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one, hub.subscribe():
        await hub.put(1)
        join = await waiting(one.join())
        hub.close()
        one.get_nowait()
        await join


async def test_wait_closed_and_on_close_tell_of_the_close_drained_or_not() -> None:
    hub = Broadcast[int]()
    with hub.subscribe():
        await hub.put(1)
        wait = await waiting(hub.wait_closed())
        chosen = await waiting(select(hub.on_close().map(lambda _: "closed")))
        other = await waiting(select(hub.on_close()))
        assert await cancelled(other)
        assert (1, None) == await select(hub.on_close(), otherwise(), biased=True)
        hub.close()
        await wait
        assert (0, "closed") == await chosen
        assert (0, None) == await select(hub.on_close())
        assert (0, "late") == await select(hub.on_close().map(lambda _: "late"))
        await hub.wait_closed()


async def test_a_select_that_is_told_of_the_close_is_no_more_when_it_is_cancelled() -> None:
    hub = Broadcast[int]()
    chosen = await waiting(select(hub.on_close()))
    hub.close()
    assert await cancelled(chosen)


async def test_selecting_a_closed_broadcast_lets_others_run() -> None:
    hub = Broadcast[int]()
    hub.close()
    ran = asyncio.create_task(asyncio.sleep(0))
    with small_budgets():
        for _ in range(8):
            await select(hub.on_close())
    assert ran.done()


# Counted


async def test_a_subscription_counts_from_the_call() -> None:
    hub = Broadcast[int]()
    end = hub.subscribe()
    await hub.put(1)
    with end as one:
        assert [1] == rest(one)


async def test_a_subscription_that_is_dropped_without_being_entered_leaves() -> None:
    hub = Broadcast[int](1)
    with without_gc():
        end = hub.subscribe()
        hub.put_nowait(1)
        put = await waiting(hub.put(2))
        del end
        await put
    assert 0 == hub.subscribers


async def test_a_handle_whose_subscription_has_left_refuses() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        hub.put_nowait(1)
    for refused in (one.get_nowait, one.on_get, one.missed):
        with pytest.raises(ChannelClosed, match="has left"):
            refused()
    for call in (one.get(), one.get_many(1), one.join()):
        with pytest.raises(ChannelClosed, match="has left"):
            await call
    assert (0, True) == (one.qsize(), one.closed())


@pytest.mark.parametrize("promised", [False, True])
async def test_a_get_that_waits_is_told_that_its_subscription_has_left(promised: bool) -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        getting = await waiting(one.get())
        if promised:
            hub.put_nowait(1)
    with pytest.raises(ChannelClosed, match="its subscription has left"):
        await getting


async def test_a_case_made_before_the_subscription_left_is_closed() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        case = one.on_get()
    assert (0, "left") == await select(case.or_closed("left"))
    with pytest.raises(ChannelClosed):
        await select(case)


async def test_who_was_cut_off_and_leaves_holds_nothing() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT) as one:
        await hub.put_many([1, 2])
        assert 1 == one.qsize()
        get, behind = await one.get(), asyncio.create_task(one.get())
        assert 1 == get
        with pytest.raises(ChannelClosed):
            await behind
    assert 0 == one.qsize()


async def test_what_a_subscription_held_is_freed_when_it_has_left() -> None:
    class Item:
        def __del__(self) -> None:
            left.append((feed.closed(), hub.subscribers))

    left: list[tuple[bool, int]] = []
    hub = Broadcast[Item]()
    with hub.subscribe():
        (feed,) = hub._feeds
        hub.put_nowait(Item())
    assert [(True, 0)] == left


async def test_a_subscription_leaves_with_its_task() -> None:
    hub = Broadcast[int]()
    received: list[int] = []

    async def listen(end: object) -> None:
        await asyncio.sleep(0)

    async with TaskGroup() as tasks:
        tasks.start_soon(listen, hub.subscribe())
        assert 1 == hub.subscribers
    assert 0 == hub.subscribers
    assert [] == received


async def test_the_last_sending_end_closes() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        with hub.open_sender() as first, hub.open_sender() as second:
            await first.put(1)
            await second.put(2)
            assert 2 == hub.statistics().open_senders
        assert [1, 2] == [item async for item in one]
        with pytest.raises(ChannelClosed, match=r"the last sending end \(of 2\) left"):
            one.get_nowait()


async def test_a_sending_end_that_fails_is_the_cause() -> None:
    hub = Broadcast[int]()
    cause = ValueError("failed")
    with hub.subscribe() as one:
        with pytest.raises(ValueError, match="failed"), hub.open_sender():
            raise cause
        with pytest.raises(ChannelClosed) as caught:
            await one.get()
        assert cause is caught.value.__cause__


async def test_the_sender_handle_has_the_sending_side_only() -> None:
    hub = Broadcast[int](3)
    sender = hub.sender
    with hub.subscribe() as one:
        await sender.put(1)
        assert (3, 1, False, False) == (sender.maxsize, sender.qsize(), sender.full(), sender.closed())
        assert not isinstance(sender, Receiver)
        assert isinstance(hub, Sender)
        assert isinstance(one, Subscription)
        assert not hasattr(hub, "get")
        assert [1] == rest(one)


# Who is there


async def test_wait_subscribed_and_wait_unsubscribed() -> None:
    hub = Broadcast[int]()
    await hub.wait_unsubscribed()
    waits = [await waiting(hub.wait_subscribed()) for _ in range(2)]
    assert await cancelled(await waiting(hub.wait_subscribed()))
    with hub.subscribe():
        await asyncio.gather(*waits)
        await hub.wait_subscribed()
        gone = [await waiting(hub.wait_unsubscribed()) for _ in range(2)]
    await asyncio.gather(*gone)


async def test_nobody_is_unsubscribed_while_somebody_is_subscribed() -> None:
    hub = Broadcast[int]()
    with hub.subscribe():
        gone = await waiting(hub.wait_unsubscribed())
        hub.subscribe().leave()
        await settle()
        assert not gone.done()
    await gone


async def test_wait_subscribed_raises_on_a_closed_broadcast_without_subscribers() -> None:
    hub = Broadcast[int]()
    wait = await waiting(hub.wait_subscribed())
    hub.close(ValueError("why"))
    with pytest.raises(ChannelClosed):
        await wait
    with pytest.raises(ChannelClosed):
        await hub.wait_subscribed()
    with hub.subscribe():
        await hub.wait_subscribed()


async def test_who_comes_and_leaves_in_one_step_may_not_be_met() -> None:
    hub = Broadcast[int]()
    waits = [await waiting(hub.wait_subscribed()) for _ in range(2)]
    hub.subscribe().leave()
    await asyncio.gather(*waits)
    assert 0 == hub.subscribers


# Awaited calls let others run


def rests(call: Coroutine[object, None, object]) -> int:
    """Play a call that need not wait, and return how often it lets others run."""
    times = 0
    with suppress(StopIteration):
        while True:
            call.send(None)
            times += 1
    return times


@pytest.mark.parametrize("subscribed", [True, False])
async def test_one_put_in_so_many_lets_others_run(monkeypatch: pytest.MonkeyPatch, subscribed: bool) -> None:
    monkeypatch.setattr(machine, "BUDGET", 4)
    hub = Broadcast[int]()
    end = hub.subscribe()
    if not subscribed:
        end.leave()
    assert [0, 0, 0, 0, 1, 0, 0, 0, 1, 0] == [rests(hub.put(item)) for item in range(10)]


async def test_a_batch_that_finds_room_is_put_in_one_step_and_the_next_one_lets_others_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "BUDGET", 4)
    hub = Broadcast[int]()
    with hub.subscribe():
        assert [0, 0, 1, 0, 1, 0] == [rests(hub.put_many(range(size))) for size in (1, 5, 1, 1, 1, 1)]


async def test_awaited_puts_that_need_not_wait_let_others_run() -> None:
    for subscribed in (True, False):
        hub = Broadcast[int]()
        end = hub.subscribe()
        if not subscribed:
            end.leave()
        ran = asyncio.create_task(asyncio.sleep(0))
        with small_budgets():
            for item in range(4):
                await hub.put(item)
        assert ran.done()


async def test_batches_that_need_not_wait_let_others_run_between_them() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        ran = asyncio.create_task(asyncio.sleep(0))
        with small_budgets():
            await hub.put_many([1, 2, 3])
            await hub.put_many([4])
            await hub.put_many([5])
        assert ran.done()
        assert [1, 2, 3, 4, 5] == rest(one)


async def test_selects_that_put_let_others_run() -> None:
    hub = Broadcast[int]()
    with hub.subscribe():
        ran = asyncio.create_task(asyncio.sleep(0))
        with small_budgets():
            for item in range(4):
                await select(hub.on_put(item))
        assert ran.done()


@pytest.mark.parametrize("lag", [Lag.WAIT, Lag.RAISE])
async def test_gets_of_a_long_backlog_let_others_run(lag: Lag) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(9 if lag is Lag.RAISE else 0, lag=lag) as one, small_budgets():
        for item in range(10):
            hub.put_nowait(item)
        assert (lag is Lag.RAISE) == one.missed()
        ran = asyncio.create_task(asyncio.sleep(0))
        for _ in range(9):
            await one.get()
        assert ran.done()


# One loop at a time


def test_it_goes_on_in_another_loop() -> None:
    hub = Broadcast[int](1)
    end = hub.subscribe()

    async def leave_all_waiting() -> None:
        hub.put_nowait(1)
        with end as one:
            _ = [asyncio.create_task(hub.put(item)) for item in (2, 3)]
            _ = [asyncio.create_task(hub.wait_closed())]
            await settle()
            one.get_nowait()  # one put is granted, and does not run any more
            raise SystemExit

    loop = asyncio.new_event_loop()
    kept = hub.subscribe(5)
    task = loop.create_task(leave_all_waiting())
    with pytest.raises(SystemExit):
        loop.run_until_complete(task)
    loop.close()

    async def go_on() -> list[int]:
        with kept as one:
            await hub.put(4)
            getting = await waiting(_after(one, 2))
            await hub.put(5)
            return await getting

    assert [4, 5] == asyncio.run(go_on())


async def _after(one: Subscription[int], count: int) -> list[int]:
    assert 1 == await one.get()
    return [await one.get() for _ in range(count)]


@pytest.mark.parametrize("granted", [True, False])
def test_full_forgets_a_closed_loop(*, granted: bool) -> None:
    """A slot that was granted there is room again, and a get that was woken there is none any more."""
    hub = Broadcast[int](1)
    end = hub.subscribe()
    rx = end.__enter__()

    async def begin() -> None:
        call: asyncio.Task[None] | asyncio.Task[int]
        if granted:
            hub.put_nowait(1)
            call = asyncio.create_task(hub.put(2))
            await settle()
            rx.get_nowait()
        else:
            call = asyncio.create_task(rx.get())
            await settle()
            hub.put_nowait(1)
        asyncio.get_running_loop().stop()
        del call

    loop = asyncio.new_event_loop()
    task = loop.create_task(begin())
    loop.run_forever()
    loop.close()
    assert granted == (not hub.full())
    del task, loop
    gc.collect()
    end.leave()


def test_a_granted_put_and_a_woken_get_of_a_closed_loop_are_forgotten() -> None:
    hub = Broadcast[int](1)
    one, two = hub.subscribe(), hub.subscribe()

    async def wake() -> None:
        getting = asyncio.create_task(two.__enter__().get())
        await settle()
        hub.put_nowait(1)  # wakes the get
        put = asyncio.create_task(hub.put(2))
        await asyncio.sleep(0)
        one.__enter__().get_nowait()  # grants the put
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.stop)
        del getting, put

    loop = asyncio.new_event_loop()
    loop.run_until_complete(wake())
    loop.close()
    del loop
    gc.collect()
    one.leave()
    two.leave()

    async def again() -> list[int]:
        with hub.subscribe() as late:
            await hub.put(3)
            return rest(late)

    assert [3] == asyncio.run(again())


async def test_a_put_in_another_thread_wakes_nobody() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        hub.put_nowait(1)
        assert 1 == one.get_nowait()
        getting = await waiting(one.get())
        hub.put_nowait(1)  # from now on there is space for more puts
        assert 1 == await getting
        getting = await waiting(one.get())
        for put in (hub.put_nowait, lambda item: asyncio.run(hub.put(item))):
            with pytest.raises(RuntimeError, match="not thread-safe"):
                await asyncio.to_thread(put, 2)
        hub.put_nowait(3)
        assert 3 == await getting


async def test_a_subscription_may_wait_in_the_loop_of_its_broadcast_only() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe() as two:
        getting = await waiting(one.get())

        def elsewhere() -> list[BaseException]:
            async def wait() -> list[BaseException]:
                found: list[BaseException] = []
                for call in (two.get(), hub.join()):
                    try:
                        await call
                    except RuntimeError as error:
                        found.append(error)
                for refused in (lambda: hub.put_nowait(1), hub.close, two.get_nowait):
                    try:
                        refused()
                    except RuntimeError as error:
                        found.append(error)
                    except ChannelEmpty:
                        pass
                try:
                    await hub.put(1)
                except RuntimeError as error:
                    found.append(error)
                return found

            return asyncio.run(wait())

        found = await asyncio.to_thread(elsewhere)
        assert 6 == len(found)
        assert [] == rest(two)
        hub.put_nowait(2)
        assert 2 == await getting


def waits_of(hub: Broadcast[int], one: Subscription[int]) -> dict[str, Coroutine[object, Never, object]]:
    """Return a call of each kind, which has to wait where the broadcast is full and one item was taken from `one`."""
    return {
        "put": hub.put(3),
        "get": one.get(),
        "select": select(one.on_get()),
        "wait_unsubscribed": hub.wait_unsubscribed(),
        "join": hub.join(),
        "join of a subscription": one.join(),
        "wait_closed": hub.wait_closed(),
    }


WAITS = ["put", "get", "select", "wait_unsubscribed", "join", "join of a subscription", "wait_closed"]


def only(name: str, calls: dict[str, Coroutine[object, Never, object]]) -> Coroutine[object, Never, object]:
    chosen = calls.pop(name)
    for call in calls.values():
        call.close()
    return chosen


@pytest.mark.parametrize("name", WAITS)
def test_a_given_loop_is_the_only_one(name: str) -> None:
    loop = asyncio.new_event_loop()
    hub = Broadcast[int](1, loop)
    with hub.subscribe() as one, hub.subscribe():
        hub.put_nowait(1)
        one.get_nowait()
        with pytest.raises(RuntimeError, match="was made for"):
            asyncio.run(only(name, waits_of(hub, one)))
    with pytest.raises(RuntimeError, match="was made for"):
        asyncio.run(hub.wait_subscribed())
    loop.close()


@pytest.mark.parametrize("name", WAITS)
async def test_who_waits_keeps_every_other_loop_away(name: str) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe():
        hub.put_nowait(1)
        one.get_nowait()
        wait = await waiting(only(name, waits_of(hub, one)))
        with pytest.raises(RuntimeError, match="wait on"):
            await asyncio.to_thread(asyncio.run, hub.wait_closed())
        assert await cancelled(wait)
    wait = await waiting(hub.wait_subscribed())
    with pytest.raises(RuntimeError, match="wait on"):
        await asyncio.to_thread(asyncio.run, hub.wait_closed())
    assert await cancelled(wait)


def leave_waiting(call: Coroutine[object, Never, object]) -> "asyncio.Task[object]":
    """Let a task wait in a loop of another thread, which is closed."""

    def wait_for_ever() -> "asyncio.Task[object]":
        with new_loop() as loop:
            task = loop.create_task(call)
            loop.run_until_complete(settle())
            return task

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(wait_for_ever).result()


@pytest.mark.parametrize("name", WAITS)
def test_who_waits_in_a_closed_loop_of_another_thread_is_forgotten(name: str) -> None:
    hub = Broadcast[int](1)
    other = hub.subscribe()
    with hub.subscribe() as one:
        hub.put_nowait(1)
        one.get_nowait()
        task = leave_waiting(only(name, waits_of(hub, one)))
        other.leave()
        hub.put_nowait(5)
        assert 5 == one.get_nowait()
    hub.close()
    asyncio.run(hub.join())
    assert not task.done()


def test_who_joins_in_a_closed_loop_what_was_cut_off_is_forgotten() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT) as one:
        hub.put_nowait(1)
        hub.put_nowait(2)
        task = leave_waiting(one.join())
        assert 1 == one.get_nowait()
    assert not task.done()


def test_who_waits_for_a_subscriber_in_a_closed_loop_is_forgotten() -> None:
    hub = Broadcast[int](1)
    task = leave_waiting(hub.wait_subscribed())
    with hub.subscribe():
        hub.put_nowait(1)
    assert not task.done()


async def test_a_subscription_in_another_thread_is_refused_while_somebody_waits_for_one() -> None:
    hub = Broadcast[int]()
    wait = await waiting(hub.wait_subscribed())
    with pytest.raises(RuntimeError, match="not thread-safe"):
        await asyncio.to_thread(hub.subscribe)
    assert 0 == hub.subscribers
    with hub.subscribe():
        await wait


@pytest.mark.parametrize("name", ["put", "get"])
async def test_who_was_woken_keeps_every_other_loop_away(name: str) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        if name == "put":
            hub.put_nowait(1)
        woken = hub.put(2) if name == "put" else one.get()
        woken.send(None)
        if name == "put":
            one.get_nowait()
        else:
            hub.put_nowait(2)
        with pytest.raises(RuntimeError, match="wait on"):
            await asyncio.to_thread(asyncio.run, hub.wait_closed())
        with pytest.raises(StopIteration):
            woken.send(None)


async def test_a_grant_of_a_broadcast_that_was_closed_keeps_no_loop_away() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(0):  # the second one holds an item
        hub.put_nowait(1)
        granted = hub.put(2)
        granted.send(None)
        one.get_nowait()
        hub.close()
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(asyncio.run, at_once(hub.join()))
        with pytest.raises(ChannelClosed):
            granted.send(None)


async def test_a_subscription_collected_in_another_thread_leaves_in_the_loop() -> None:
    hub = Broadcast[int](1)
    ends = [hub.subscribe()]
    hub.put_nowait(1)
    put = await waiting(hub.put(2))
    thread = threading.Thread(target=ends.clear)
    thread.start()
    thread.join()
    await put
    assert 0 == hub.subscribers


async def test_it_is_freed_at_once_when_all_have_left() -> None:
    with without_gc():
        hub = Broadcast[int](1)
        with hub.subscribe() as one:
            hub.put_nowait(1)
            await one.get()
        gone = weakref.ref(hub)
        del hub, one
        assert gone() is None


async def test_a_subscription_that_leaves_keeps_no_items() -> None:
    class Item:
        pass

    with without_gc():
        hub = Broadcast[Item]()
        item = Item()
        gone = weakref.ref(item)
        with hub.subscribe() as one:
            hub.put_nowait(item)
            del item
            assert gone() is not None
        assert gone() is None
        assert 0 == one.qsize()


# Names and arguments


async def test_it_shows_what_it_is() -> None:
    hub = Broadcast[int](3, name="news")
    with hub.subscribe(), hub.subscribe(1, lag=Lag.SKIP) as one:
        assert "<Broadcast 'news' maxsize=3 subscribers=2>" == str(hub)
        assert "<Subscription maxsize=1 qsize=0 lag=SKIP>" in str(one) or "lag=SKIP" in repr(one)
        hub.close()
    assert f"<Broadcast at {id(hub):#x} maxsize=3 subscribers=0 closed>" == repr(hub).replace(" 'news'", "")
    assert str(Broadcast[int]()) == "<Broadcast maxsize=0 subscribers=0>"
    assert BroadcastStatistics(3, 0, 0, 0, 0, 0, 0, closed=True, name="news") == hub.statistics()


async def test_it_is_neither_pickled_nor_copied() -> None:
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        pickle.dumps(Broadcast[int]())
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        copy.copy(Broadcast[int]())


def test_a_lag_error_is_pickled_with_its_number() -> None:
    error = pickle.loads(pickle.dumps(ChannelLagged("text", 3)))
    assert ("text", 3) == (str(error), error.missed)


@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1", None])
def test_a_number_that_is_none_is_refused(wrong: object) -> None:
    make: object = Broadcast
    assert callable(make)
    with pytest.raises(TypeError, match="maxsize must be an int >= 0"):
        make(wrong)
    with pytest.raises(TypeError, match="replay must be an int >= 0"):
        make(replay=wrong)
    subscribe: object = Broadcast[int]().subscribe
    assert callable(subscribe)
    if wrong is not None:
        with pytest.raises(TypeError, match="maxsize must be an int >= 0"):
            subscribe(wrong)


def test_other_arguments_that_do_not_fit_are_refused() -> None:
    make: object = Broadcast
    subscribe: object = Broadcast[int](1).subscribe
    assert callable(make)
    assert callable(subscribe)
    with pytest.raises(TypeError, match="loop must be"):
        make(1, "loop")
    with pytest.raises(TypeError, match="name must be"):
        make(name=1)
    with pytest.raises(TypeError, match="lag must be a Lag"):
        subscribe(lag="raise")
    with pytest.raises(ValueError, match="needs a maxsize"):
        Broadcast[int]().subscribe(lag=Lag.SKIP)


async def test_a_cause_must_be_an_exception() -> None:
    close: object = Broadcast[int]().close
    assert callable(close)
    with pytest.raises(TypeError):
        close("why")


# Every schedule


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("eager", sorted({False, sys.version_info >= (3, 12)}))
def test_every_schedule_of_a_hard_case(name: str, eager: bool) -> None:
    explore(PROGRAMS[name], budget=40, eager=eager).check()


def test_programs_at_random() -> None:
    for seed in range(60):
        play(seed, 4).check()


def test_the_long_run_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--program", "1", "--schedules", "20"])
    assert "nothing wrong" in capsys.readouterr().out
