"""A gatherer by itself: a signal handler in the middle of a batch. `contract/test_batches.py` has the rest."""

import asyncio
import gc
import math
import weakref
from collections.abc import Callable, Sized
from contextlib import closing
from functools import partial
from typing import Never

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelFull
from aiochannel._core.gathering import Gatherer
from aiochannel._core.machine import BUDGET, Machine
from aiochannel._core.waiters import WaitQueue
from tests.conftest import begun, cancelled, filled, waiting
from tests.test_interrupted_calls import act_once, act_once_after, interrupt_once, used
from tests.test_waiters import InterruptedWhenWoken, Interruption, Waiter


class Items(Sized):
    """So many items; a signal handler may act where they are counted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.acts: Callable[[], object] = int

    @override
    def __len__(self) -> int:
        self.acts()
        return self.count


class Source:
    def __init__(self, items: Items) -> None:
        self._buffer: Sized = items
        self._closed = False

    def _trust(self, gatherer: Gatherer, /) -> None:
        """Promise nothing in advance."""


def gathering(count: int, limit: int) -> tuple[Items, WaitQueue, Gatherer]:
    """Return a gatherer that was promised so many items and waits for more."""
    items, queue = Items(count), WaitQueue()
    gatherer = Gatherer(Source(items), 60)
    assert gatherer.enter(queue, limit)
    return items, queue, gatherer


async def test_a_batch_that_a_signal_handler_fills_just_before_it_waits_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = filled(1)
    with monkeypatch.context() as patch:
        act_once(patch, Gatherer, "enter", lambda: channel.put_nowait(2))
        getting = channel.get_many(2, within=60)
        with pytest.raises(StopIteration) as returned:
            getting.send(None)
    assert ([1, 2], 0) == (returned.value.value, channel.statistics().waiting_receivers)


@pytest.mark.parametrize("behind", [0, 1])
async def test_a_batch_whose_time_is_up_behind_another_waiter_is_woken_and_passed_over(behind: int) -> None:
    _, queue, gatherer = gathering(2, 5)
    queue.appendleft(asyncio.Future())  # put back by an interrupted wake-up
    for _ in range(behind):
        cancelled: asyncio.Future[WaitQueue] = asyncio.Future()
        cancelled.cancel()
        queue.append(cancelled)
    queue.stale = behind
    gatherer.conclude()
    assert (True, 2, 0) == (gatherer.done(), gatherer.promised, queue.further)
    assert (2 + behind, 1) == (len(queue), queue.waiting())


async def test_a_batch_that_a_signal_handler_cancels_as_its_time_is_up_leaves_the_queue() -> None:
    items, queue, gatherer = gathering(2, 5)
    items.acts = gatherer.waiter.cancel
    gatherer.conclude()
    assert (True, 0, 0) == (gatherer.waiter.cancelled(), len(queue), queue.further)
    gatherer.leave()
    assert (0, 2) == (queue.waiting(), gatherer.promised)


# Its counts


def counts(gatherer: Gatherer, queue: WaitQueue) -> tuple[int, int, int, int]:
    """Return what is promised and asked for: by the gatherer, and in its queue."""
    return gatherer.promised, gatherer.wants, queue.woken, queue.further


@pytest.mark.parametrize("there", [1, 2])
async def test_a_batch_that_enters_is_promised_what_nobody_was_promised(there: int) -> None:
    queue = WaitQueue()
    queue.woken, queue.further = 3, 4
    gatherer = Gatherer(Source(Items(3 + there)), 60)
    assert gatherer.enter(queue, 6)
    assert (there, 6 - there, 3 + there, 9 - there) == counts(gatherer, queue)


async def test_a_batch_that_enters_while_more_is_promised_than_there_is_takes_nothing_from_it() -> None:
    queue = WaitQueue()
    queue.woken = 3
    gatherer = Gatherer(Source(Items(1)), 60)
    assert gatherer.enter(queue, 2)
    assert (0, 2, 3, 1) == counts(gatherer, queue)


@pytest.mark.parametrize("missing", [1, 2])
async def test_a_batch_whose_time_is_up_gives_back_what_is_missing(missing: int) -> None:
    items, queue, gatherer = gathering(6, 20)
    queue.woken, queue.further = 9, 18  # 3 and 5 of others
    items.count = 9 - missing
    gatherer.conclude()
    assert (6 - missing, 0, 9 - missing, 5) == counts(gatherer, queue)


async def test_a_batch_whose_time_is_up_while_an_item_is_put_is_not_promised_it() -> None:
    items, queue, gatherer = gathering(2, 5)
    items.count = 3
    gatherer.conclude()
    assert (2, 0, 2, 0) == counts(gatherer, queue)


async def test_a_batch_that_is_filled_takes_back_what_it_asks_for() -> None:
    items, queue, gatherer = gathering(2, 4)
    queue.further += 5
    for _ in range(2):
        items.count += 1
        queue.promise(items)
    assert (4, 0, 4, 5) == counts(gatherer, queue)
    assert (True, 0) == (gatherer.done(), len(queue))


async def test_a_batch_that_is_drained_takes_back_what_it_asks_for() -> None:
    items, queue, gatherer = gathering(2, 4)
    queue.further += 5
    items.count = 0
    queue.wake_all()
    assert (0, 0, 0, 5) == counts(gatherer, queue)
    gatherer.leave()
    assert (0, 0, 0, 5) == counts(gatherer, queue)


async def test_a_batch_that_leaves_takes_back_what_it_asks_for() -> None:
    _, queue, gatherer = gathering(2, 5)
    queue.further += 4
    gatherer.leave()
    assert (2, 0, 2, 4) == counts(gatherer, queue)
    assert (0, 0) == (len(queue), queue.stale)


# A signal handler runs in the middle


async def test_a_batch_that_is_cancelled_when_its_time_is_up_counts_until_its_task_runs() -> None:
    _, queue, gatherer = gathering(2, 5)
    gatherer.waiter.cancel()
    gatherer.conclude()
    assert (2, 3, 2, 2) == counts(gatherer, queue)


async def test_a_batch_that_a_signal_handler_fills_as_its_time_is_up_is_left_as_it_is() -> None:
    items, queue, gatherer = gathering(2, 3)
    other = Waiter()
    queue.append(other)
    queue.further += 5
    items.acts = partial(queue.promise, Items(3))
    gatherer.conclude()
    assert (3, 0, 3, 5) == counts(gatherer, queue)
    assert ([other], 0) == (list(queue), queue.stale)


async def test_a_batch_that_is_interrupted_while_it_leaves_can_leave_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _, queue, gatherer = gathering(2, 5)
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "discard")
        with pytest.raises(KeyboardInterrupt):
            gatherer.leave()
    gatherer.leave()
    assert (2, 0, 2, 0) == counts(gatherer, queue)
    assert (0, 0) == (len(queue), queue.stale)


async def test_a_batch_that_was_woken_before_the_interruption_keeps_its_promises() -> None:
    items, queue, gatherer = gathering(2, 3)
    gatherer.waiter = InterruptedWhenWoken()
    items.count = 3
    with pytest.raises(Interruption):
        queue.promise(items)
    assert (3, 0, 3, 0) == counts(gatherer, queue)
    assert (0, 0) == (len(queue), queue.stale)


async def test_a_batch_that_is_cancelled_while_its_wake_up_is_interrupted_has_not_taken_the_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cancel_and_raise() -> None:
        gatherer.waiter.cancel()
        gatherer.leave()
        raise Interruption

    items, queue, gatherer = gathering(2, 3)
    items.count = 3
    with monkeypatch.context() as patch:
        act_once(patch, Gatherer, "set_result", cancel_and_raise)
        with pytest.raises(Interruption):
            queue.promise(items)
    assert (2, 0, 2, 0) == counts(gatherer, queue)
    assert (0, 0) == (len(queue), queue.stale)


@pytest.mark.parametrize("behind", [0, 1])
async def test_a_batch_that_is_back_with_its_promise_when_it_is_interrupted_keeps_both(
    behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, queue, gatherer = gathering(1, 4)
    queue.extend(Waiter() for _ in range(behind))
    items.count = 2
    with monkeypatch.context() as patch:
        interrupt_once(patch, Source, "_trust")
        with pytest.raises(KeyboardInterrupt):
            queue.promise(items)
    assert (2, 2, 2, 1) == counts(gatherer, queue)
    assert (True, 1 + behind) == (queue[0] is gatherer, len(queue))


# Its time


async def test_a_batch_without_a_limit_of_time_sets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    def call_later(*_: object) -> Never:
        raise AssertionError("a timer")

    queue, gatherer = WaitQueue(), Gatherer(Source(Items(1)), math.inf)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "call_later", call_later)
        assert gatherer.enter(queue, 3)
        queue.promise(Items(2))
    assert (2, 1, 2, 0) == counts(gatherer, queue)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("interrupted", [False, True])
async def test_the_time_of_a_batch_from_which_a_signal_handler_takes_all_runs_anew_from_the_next_item(
    interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def when_its_time_is_up() -> None:
        if interrupted:
            raise TimeoutError

    loop, raised = asyncio.get_running_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: raised.append(type(context["exception"])))
    channel = filled(1)
    with monkeypatch.context() as patch:
        act_once_after(patch, Gatherer, "_start", channel.get_nowait)
        act_once(patch, Gatherer, "conclude", when_its_time_is_up)
        batch = await waiting(channel.get_many(2, within=1))
        await asyncio.sleep(5)
    channel.put_nowait(2)
    assert ([2], 6.0) == (await batch, loop.time())
    assert [TimeoutError] * interrupted == raised


async def test_a_batch_that_is_full_keeps_nothing_until_its_time_would_be_up() -> None:
    async def batch() -> weakref.ref[Channel[int]]:
        channel = filled(1, 2)
        getting = await waiting(channel.get_many(3, within=3600))
        channel.put_nowait(3)
        assert [1, 2, 3] == await getting
        return weakref.ref(channel)

    channel = await batch()
    gc.collect()
    assert channel() is None


def test_a_channel_moves_to_another_loop_after_a_batch_whose_time_is_up() -> None:
    async def batch() -> list[int]:
        getting = await waiting(channel.get_many(3, within=0))
        channel.put_nowait(1)
        return await getting

    channel: Channel[int] = Channel()
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    with closing(first), closing(second):
        assert [1] == first.run_until_complete(batch())
        assert [1] == second.run_until_complete(batch())


async def test_a_signal_handler_finds_a_batch_that_goes_back_with_what_it_still_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items, queue, gatherer = gathering(1, 4)
    items.count = 2
    found: list[tuple[int, int, int, int]] = []
    with monkeypatch.context() as patch:
        act_once_after(patch, WaitQueue, "appendleft", lambda: found.append(counts(gatherer, queue)))
        queue.promise(items)
    assert [(2, 2, 2, 1)] == found


# It is promised items in advance


@pytest.mark.parametrize("found", [0, 1])
@pytest.mark.parametrize("limit", [3, 4])
async def test_puts_for_a_batch_that_has_its_first_item_wake_nobody(
    limit: int, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = filled(*range(found), maxsize=1)
    batch = await waiting(channel.get_many(limit, within=60))
    await channel.put_many(range(found, 1))
    with monkeypatch.context() as patch:
        patch.delattr(Gatherer, "set_result")
        for item in range(1, limit - 1):
            channel.put_nowait(item)
            assert 0 == channel.qsize()
    channel.put_nowait(limit - 1)
    assert list(range(limit)) == await batch


async def test_the_puts_of_one_call_for_a_batch_that_has_its_first_item_go_in_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel(1)
    batch = await waiting(channel.get_many(9, within=60))
    admitted: list[int] = []
    admit = channel._admit

    def note(_: object, item: int) -> bool:
        admitted.append(item)
        return admit(item)

    monkeypatch.setattr(Machine, "_admit", note)
    await channel.put_many(list(range(9)))
    assert ([*range(9)], [0, 8]) == (await batch, admitted)


async def test_puts_for_a_batch_wake_nobody_though_another_receiver_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    channel: Channel[int] = Channel(1)
    batch, get = await waiting(channel.get_many(3, within=60)), await waiting(channel.get())
    channel.put_nowait(0)
    with monkeypatch.context() as patch:
        patch.delattr(Gatherer, "set_result")
        channel.put_nowait(1)
    await channel.put_many([2, 3])
    assert ([0, 1, 2], 3) == (await batch, await get)


async def test_a_put_is_not_for_a_batch_where_slots_are_granted() -> None:
    channel = Channel[int].rendezvous()
    puts = [channel.put(item) for item in range(4)]
    for put in puts:
        put.send(None)
    batch = await begun(channel.get_many(4, within=60))
    with pytest.raises(StopIteration):
        puts[0].send(None)
    with pytest.raises(ChannelFull):
        channel.put_nowait(4)
    for put in puts[1:]:
        with pytest.raises(StopIteration):
            put.send(None)
    assert [0, 1, 2, 3] == await batch


async def test_a_batch_behind_a_batch_that_was_woken_takes_none_of_its_items() -> None:
    channel: Channel[int] = Channel(1)
    first = await waiting(channel.get_many(2, within=60))
    second = await waiting(channel.get_many(3, within=60))
    await channel.put_many([0, 1, 2])
    assert [0, 1] == await first
    await channel.put_many([3, 4])
    assert [2, 3, 4] == await second


async def test_the_puts_of_one_call_for_a_batch_leave_the_slots_that_are_granted() -> None:
    channel = Channel[int].rendezvous()
    puts = [channel.put(item) for item in range(3)]
    for put in puts:
        put.send(None)
    batch = await begun(channel.get_many(9, within=60))
    with pytest.raises(StopIteration):
        puts[0].send(None)
    putting = channel.put_many(list(range(10, 20)))
    putting.send(None)
    for put in puts[1:]:
        with pytest.raises(StopIteration):
            put.send(None)
    assert ([0, *range(10, 16), 1, 2], []) == (await batch, list(channel))
    putting.close()


async def test_a_put_is_not_for_a_batch_behind_another_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    first: asyncio.Future[WaitQueue] = asyncio.Future()
    channel = filled(0)
    with monkeypatch.context() as patch:
        # A signal handler has put it back.
        act_once_after(patch, Machine, "_recheck_receiver", lambda: channel._receivers.appendleft(first))
        batch = await waiting(channel.get_many(3, within=60))
    channel.put_nowait(1)
    assert (True, False) == (first.done(), batch.done())
    await cancelled(batch)


async def test_a_batch_that_a_signal_handler_fills_when_it_has_entered_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = filled(1)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_recheck_receiver", lambda: channel.put_nowait(2))
        getting = channel.get_many(2, within=60)
        with pytest.raises(StopIteration) as returned:
            getting.send(None)
    assert ([1, 2], 0) == (returned.value.value, channel.statistics().waiting_receivers)


async def test_a_signal_handler_takes_nothing_that_a_batch_has_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def take() -> None:
        with pytest.raises(ChannelEmpty):
            channel.get_nowait()
        refused.append(True)

    refused: list[bool] = []
    channel: Channel[int] = await used(Channel())
    channel.put_nowait(2)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_recheck_receiver", take)
        batch = await waiting(channel.get_many(2, within=60))
    channel.put_nowait(3)
    assert ([2, 3], [True]) == (await batch, refused)


async def test_a_signal_handler_puts_nothing_for_a_batch_of_a_closed_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    def put() -> None:
        with pytest.raises(ChannelClosed):
            channel.put_nowait(2)
        refused.append(True)

    refused: list[bool] = []
    channel: Channel[int] = Channel()
    get = channel.get()
    get.send(None)
    batch = await waiting(channel.get_many(3, within=60))
    channel.put_nowait(1)
    channel.close()
    with monkeypatch.context() as patch:
        act_once(patch, asyncio.get_running_loop(), "call_soon", put)
        get.close()
    assert ([1], [True]) == (await batch, refused)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("limit", [BUDGET - 1, BUDGET, BUDGET + 1, BUDGET + 2, 2 * BUDGET + 1])
@pytest.mark.parametrize("call", ["put", "put_many"])
async def test_a_batch_larger_than_what_goes_ahead_in_a_row_is_filled(call: str, limit: int) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get_many(limit, within=60))
    if call == "put_many":
        await channel.put_many(range(limit))
    else:
        for item in range(limit):
            await channel.put(item)
    assert (list(range(limit)), 0.0) == (await getting, asyncio.get_running_loop().time())


async def test_a_batch_from_which_a_signal_handler_takes_all_waits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled(1)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_take_many", channel.get_nowait)
        batch = await waiting(channel.get_many(1))
    channel.put_nowait(2)
    assert [2] == await batch


async def test_a_batch_that_was_all_there_and_from_which_a_signal_handler_takes_all_waits_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill() -> None:
        channel.put_nowait(1)
        channel.put_nowait(2)

    channel: Channel[int] = Channel()
    with monkeypatch.context() as patch:
        act_once(patch, Gatherer, "enter", fill)
        act_once(patch, Machine, "_take_many", channel.get_many_nowait)
        batch = await waiting(channel.get_many(2, within=60))
    await channel.put_many([3, 4])
    assert [3, 4] == await batch


async def test_a_batch_of_a_drained_channel_is_refused_in_any_loop() -> None:
    with closing(asyncio.new_event_loop()) as other:
        channel: Channel[int] = Channel(loop=other)
        channel.close()
        with pytest.raises(ChannelClosed):
            await channel.get_many(2, within=60)


async def test_a_batch_that_wants_more_than_was_granted_is_room() -> None:
    channel = Channel[int].rendezvous()
    put = channel.put(0)
    put.send(None)
    batch = await begun(channel.get_many(3, within=60))
    assert not channel.full()
    with pytest.raises(StopIteration):
        put.send(None)
    await channel.put_many([1, 2])
    assert [0, 1, 2] == await batch
