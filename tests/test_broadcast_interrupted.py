"""Each repair of a broadcast: what a signal handler does in the middle of a call, at the place where it matters.

`tests/interrupts` plays whole scenarios at every place.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Never, TypeVar

import pytest
from typing_extensions import override

from aiochannel import (
    Broadcast,
    Channel,
    ChannelClosed,
    ChannelEmpty,
    ChannelFull,
    ChannelLagged,
    Lag,
    Subscription,
    feeds,
    select,
)
from aiochannel._core.machine import Machine
from aiochannel._core.waiters import Selection, Waiter, WaitQueue
from aiochannel.feeds import Feed
from tests.conftest import cancelled, waiting

T = TypeVar("T")


class Interrupted(asyncio.Future[WaitQueue]):
    """A waiter whose first wake-ups are interrupted by Ctrl-C."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self.times = times

    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        if self.times:
            self.times -= 1
            raise KeyboardInterrupt
        super().set_result(queue)


def feed_of(hub: Broadcast[int], number: int = 0) -> Feed[int]:
    return hub._feeds[number]


def waits_to_get(feed: Feed[int], times: int = 1) -> Interrupted:
    waiter = Interrupted(times)
    feed._enqueue_receiver(waiter, asyncio.get_running_loop())
    return waiter


def once(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    handler: Callable[[], object],
    *,
    before: bool = False,
    of: type[object] = Broadcast,
) -> None:
    """Let a signal handler run once, at the beginning or at the end of a method of the hub, or of another class."""
    original: Callable[[*tuple[object, ...]], object] = getattr(of, name)
    left = [handler]

    def method(*args: object) -> object:
        if before and left:
            left.pop()()
        result = original(*args)
        if not before and left:
            left.pop()()
        return result

    monkeypatch.setattr(of, name, method)


def interrupt() -> Never:
    raise KeyboardInterrupt


def put_all(hub: Broadcast[int], *items: int) -> None:
    for item in items:
        hub.put_nowait(item)


def step(coroutine: Coroutine[object, None, T]) -> None:
    with pytest.raises(KeyboardInterrupt):
        coroutine.send(None)


@pytest.mark.parametrize("call", ["put", "put_nowait"])
async def test_a_put_that_is_interrupted_after_the_delivery_wakes_everybody(call: str) -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one, hub.subscribe() as two:
        hub._move_to(asyncio.get_running_loop())
        hub.put_nowait(0)
        assert [0, 0] == [one.get_nowait(), two.get_nowait()]
        waiter = waits_to_get(feed_of(hub, 0))
        getting = await waiting(two.get())
        if call == "put":
            step(hub.put(1))
        else:
            with pytest.raises(KeyboardInterrupt):
                hub.put_nowait(1)
        assert waiter.done()
        assert 1 == await getting


async def test_a_granted_put_that_is_interrupted_again_and_again_is_made_once() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe(0) as other:
        hub.put_nowait(1)
        put = hub.put(2)
        put.send(None)
        one.get_nowait()  # it is granted
        waiter = waits_to_get(feed_of(hub), times=2)
        step(put)
        assert waiter.done()
        assert 0 == hub._senders.woken
        assert [1, 2] == await other.get_many(5)


async def test_a_granted_put_that_is_interrupted_leaves_the_grant_of_another_as_it_is() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one, hub.subscribe(0) as other:
        await hub.put_many([1, 2])
        first = hub.put(3)
        first.send(None)
        second = await waiting(hub.put(4))
        assert [1, 2] == await one.get_many(2)  # both are granted
        waiter = waits_to_get(feed_of(hub))
        step(first)
        assert (True, 1) == (waiter.done(), hub._senders.woken)
        await second
        assert [1, 2, 3, 4] == await other.get_many(5)


async def test_a_granted_put_that_is_interrupted_after_the_delivery_has_used_its_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deliver(delivery: Iterable[object]) -> Never:
        monkeypatch.undo()
        deque(delivery, 0)
        raise KeyboardInterrupt

    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        put = hub.put(2)
        put.send(None)
        one.get_nowait()
        monkeypatch.setattr("aiochannel.hub.any", deliver, raising=False)
        step(put)
        assert (0, 2) == (hub._senders.woken, one.get_nowait())


async def test_a_slot_that_a_handler_lets_be_granted_while_a_put_measures_is_not_used_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = hub.put(2)
        granted.send(None)
        one.get_nowait()
        both = await waiting(select(hub.on_put(3), one.on_get()))
        getting = one.get()
        once(monkeypatch, "_measure", lambda: getting.send(None))  # so the select has room beside itself
        with pytest.raises(ChannelFull):
            hub.put_nowait(4)
        assert (0, None) == await both
        with pytest.raises(StopIteration, match="3"):
            getting.send(None)
        with pytest.raises(StopIteration):
            granted.send(None)
        assert 2 == one.get_nowait()


async def test_a_select_that_is_granted_room_as_a_signal_handler_closes_and_raises_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def close_and_raise() -> Never:
        hub.close()
        raise KeyboardInterrupt

    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        selecting = await waiting(select(hub.on_put(2)))
        once(monkeypatch, "set_result", close_and_raise, before=True, of=Selection)
        with pytest.raises(KeyboardInterrupt):
            one.get_nowait()
        assert 0 == hub.statistics().waiting_senders
        with pytest.raises(ChannelClosed):
            await selecting


async def test_a_put_that_is_interrupted_while_it_gives_back_gives_back_all_the_same() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        coroutine = hub.put(2)
        coroutine.send(None)
        one.get_nowait()  # it is granted
        behind = Interrupted()
        hub._enqueue_sender(behind, asyncio.get_running_loop())
        with pytest.raises(KeyboardInterrupt):
            coroutine.close()
        assert behind.done()
        assert 1 == hub._senders.woken


async def test_a_signal_handler_that_puts_while_the_history_is_cut_takes_nothing_from_it() -> None:
    class History(deque[int]):
        @override
        def __len__(self) -> int:
            length = super().__len__()
            if handlers:
                handlers.pop()()
            return length

    hub = Broadcast[int](replay=2)
    handlers: list[Callable[[], None]] = []
    hub._buffers[0] = hub._history = History()
    for item in range(3):
        hub.put_nowait(item)
    handlers.append(lambda: hub.put_nowait(4))
    hub.put_nowait(3)
    with hub.subscribe() as late:
        assert [3, 4] == late.get_many_nowait()


async def test_a_subscription_that_is_interrupted_before_it_counts_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int]()
    once(monkeypatch, "_forget_history", interrupt, before=True)
    with pytest.raises(KeyboardInterrupt):
        hub.subscribe()
    gc.collect()
    assert 0 == hub.subscribers
    hub.put_nowait(1)
    assert 1 == hub.statistics().unheard


async def test_a_subscription_that_is_interrupted_when_it_counts_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int]()
    once(monkeypatch, "_shut_space", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hub.subscribe()
    gc.collect()
    assert 0 == hub.subscribers


async def test_a_subscription_that_is_interrupted_before_it_has_an_end_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(*_: object) -> Never:
        raise KeyboardInterrupt

    monkeypatch.setattr("aiochannel.broadcast.End", make)
    hub = Broadcast[int]()
    with pytest.raises(KeyboardInterrupt):
        hub.subscribe()
    assert 0 == hub.subscribers


async def test_what_an_interrupted_put_has_left_too_many_is_not_replayed() -> None:
    hub = Broadcast[int](replay=1)
    with hub.subscribe():
        hub.put_nowait(1)
        waiter = waits_to_get(feed_of(hub), times=0)
        assert waiter.done()
        for item in (2, 3):
            feed_of(hub)._enqueue_receiver(Interrupted(), asyncio.get_running_loop())
            with pytest.raises(KeyboardInterrupt):
                hub.put_nowait(item)
        with hub.subscribe(1) as late:
            assert [3] == late.get_many_nowait()


async def test_a_grant_of_a_handler_in_the_middle_of_another_grants_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        putting = [hub.put(item) for item in (2, 3)]
        for put in putting:
            put.send(None)
        once(monkeypatch, "_is_obstructed", hub._grant)
        one.get_nowait()
        assert 1 == hub._senders.woken
        for put in putting:
            put.close()


async def test_a_close_of_a_handler_in_the_middle_of_a_grant_refuses_the_put(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        putting = await waiting(hub.put(2))
        once(monkeypatch, "_is_obstructed", hub.close)
        assert 1 == one.get_nowait()
        with pytest.raises(ChannelClosed):
            await putting
        assert 0 == hub._senders.woken


async def test_room_that_a_handler_gives_after_a_put_has_looked_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        once(monkeypatch, "_is_obstructed", one.get_nowait)
        await hub.put(2)
        assert 2 == one.get_nowait()


async def test_an_item_that_a_handler_puts_while_another_is_promised_is_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        getting = [await waiting(one.get()) for _ in range(3)]
        once(monkeypatch, "_become_due", lambda: hub.put_nowait(2), before=True, of=Feed)
        hub.put_nowait(1)
        assert [1, 2] == [await getting[0], await getting[1]]
        hub.put_nowait(3)
        assert 3 == await getting[2]


async def test_selects_that_get_and_are_given_up_leave_one_note_with_the_hub() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        for _ in range(3):
            assert await cancelled(await waiting(select(one.on_get())))
        feed = feed_of(hub)
        assert [feed] == hub._due
        hub.put_nowait(1)
        assert [] == hub._due
    feed._become_due()  # as a get does that has waited when it left
    assert [] == hub._due


async def test_gets_that_wait_behind_one_that_an_interrupted_put_has_woken_are_woken_by_the_next_put() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(), hub.subscribe(2, lag=Lag.SKIP) as lossy:
        waiter = waits_to_get(feed_of(hub))
        getting = [await waiting(lossy.get()) for _ in range(2)]
        with pytest.raises(KeyboardInterrupt):
            hub.put_nowait(1)
        assert waiter.done()
        hub.put_nowait(2)
        assert [1, 2] == await asyncio.gather(*getting)


async def test_cutting_off_that_is_interrupted_cuts_off() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT) as one:
        hub._move_to(loop := asyncio.get_running_loop())
        hub.put_nowait(1)
        waiter = Interrupted()
        hub._leavers_in(loop).append(waiter)
        with pytest.raises(KeyboardInterrupt):
            hub.put_nowait(2)
        assert (0, True) == (hub.subscribers, one.closed())
        assert [1] == one.get_many_nowait()
        with pytest.raises(ChannelClosed) as caught:
            one.get_nowait()
        assert isinstance(caught.value.__cause__, ChannelLagged)


async def test_an_item_that_is_promised_is_not_taken_by_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    def handler() -> None:
        with pytest.raises(ChannelEmpty):
            one.get_nowait()

    hub = Broadcast[int]()
    with hub.subscribe() as one:
        assert await cancelled(await waiting(one.get()))
        hub.put_nowait(0)
        assert 0 == one.get_nowait()  # from now on gets take at once
        getting = await waiting(one.get())
        once(monkeypatch, "promise", handler, of=WaitQueue)
        hub.put_nowait(1)
        assert 1 == await getting


async def test_a_get_that_a_handler_finds_due_is_woken_by_the_next_put() -> None:
    class Due(list[Feed[int]]):
        @override
        def append(self, feed: Feed[int], /) -> None:
            super().append(feed)
            hub.put_nowait(1)
            taken.append(one.get_nowait())

    hub = Broadcast[int]()
    taken: list[int] = []
    with hub.subscribe() as one:
        hub._due = Due()
        getting = await waiting(one.get())
        hub.put_nowait(2)
        assert ([1], 2) == (taken, await getting)


async def test_leaving_that_is_interrupted_leaves() -> None:
    hub = Broadcast[int]()
    end = hub.subscribe()
    waiter = waits_to_get(feed_of(hub), times=2)
    with pytest.raises(KeyboardInterrupt):
        end.leave()
    assert waiter.done()
    assert 0 == hub.subscribers


@pytest.mark.parametrize("where", ["sender", "receiver", "closer"])
async def test_a_close_that_is_interrupted_tells_everybody(where: str) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        if where == "sender":
            hub.put_nowait(1)
        loop = asyncio.get_running_loop()
        waiter = Interrupted()
        if where == "sender":
            hub._enqueue_sender(waiter, loop)
        elif where == "receiver":
            feed_of(hub)._enqueue_receiver(waiter, loop)
        else:
            hub._move_to(loop)
            hub._closers_in(loop).append(waiter)
        closed = await waiting(hub.wait_closed())
        with pytest.raises(KeyboardInterrupt):
            hub.close()
        assert waiter.done()
        await closed
        assert one.closed()


async def test_a_grant_that_is_interrupted_is_made() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        waiter = Interrupted()
        hub._enqueue_sender(waiter, asyncio.get_running_loop())
        with pytest.raises(KeyboardInterrupt):
            one.get_nowait()
        assert waiter.done()


async def test_a_put_of_a_handler_while_a_put_measures_leaves_no_more_room_than_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one:
        once(monkeypatch, "_rooms", lambda: hub.put_nowait(1))
        hub.put_nowait(2)
        with pytest.raises(ChannelFull):
            hub.put_nowait(3)
        assert [1, 2] == await one.get_many(5)


async def test_a_put_of_a_handler_finds_no_room_that_is_about_to_be_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        put = await waiting(hub.put(2))

        def handler() -> None:
            with pytest.raises(ChannelFull):
                hub.put_nowait(3)

        once(monkeypatch, "_is_obstructed", handler)
        one.get_nowait()
        await put
        assert 2 == one.get_nowait()


async def test_a_handler_that_gives_room_while_a_put_looks_for_it_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one, hub.subscribe() as two:
        hub.put_nowait(1)
        one.get_nowait()

        def handler() -> None:
            two.get_nowait()
            hub._grant()

        once(monkeypatch, "_tell_when_it_has_room", handler)
        await hub.put(2)
        assert [2, 2] == [one.get_nowait(), two.get_nowait()]


async def test_a_handler_that_gives_room_before_a_put_is_told_of_that_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        once(monkeypatch, "_tell_when_it_has_room", one.get_nowait, before=True)
        await hub.put(2)
        assert 2 == one.get_nowait()


async def test_a_select_that_a_handler_has_removed_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        put = hub.put(2)
        put.send(None)
        one.get_nowait()  # it is granted, so that the select has room in itself only
        once(monkeypatch, "_own_room", hub._senders.popleft)
        both = await waiting(select(hub.on_put(3), one.on_get()))
        assert not hub._senders
        with pytest.raises(StopIteration):
            put.send(None)
        assert (1, 2) == await both


async def test_a_put_behind_a_select_that_a_handler_has_woken_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int](1, replay=1)
    other = Channel[int]()
    with hub.subscribe() as one:
        hub.put_nowait(1)
        granted = hub.put(2)
        granted.send(None)
        one.get_nowait()
        end = hub.subscribe()
        selecting = await waiting(select(hub.on_put(3), one.on_get(), other.on_get()))
        putting = await waiting(hub.put(4))
        once(monkeypatch, "_own_room", lambda: other.put_nowait(9))
        end.leave()  # now there is room in the select only
        assert (2, 9) == await selecting
        with pytest.raises(StopIteration):
            granted.send(None)
        assert 2 == one.get_nowait()
        await putting
        assert 4 == one.get_nowait()


async def test_a_receiver_that_enters_looks_again() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(), hub.subscribe():
        hub.put_nowait(1)
        assert waits_to_get(feed_of(hub), times=0).done()
        hub.close()
        feed_of(hub, 1)._take_rest()
        assert waits_to_get(feed_of(hub, 1), times=0).done()


async def test_a_sender_that_enters_looks_again() -> None:
    hub = Broadcast[int]()
    hub.close()
    waiter: Waiter = asyncio.Future()
    hub._enqueue_sender(waiter, asyncio.get_running_loop())
    assert waiter.done()


async def test_who_waits_for_a_bell_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int]()
    once(monkeypatch, "_move_to", hub.close)
    await hub.wait_closed()

    hub = Broadcast[int]()
    once(monkeypatch, "_move_to", hub.close)
    assert (0, None) == await select(hub.on_close())


@pytest.mark.parametrize("call", ["get", "select"])
async def test_a_get_that_lags_while_it_begins_to_wait_is_told(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        once(monkeypatch, "_move_to", partial(put_all, hub, 1, 2), before=True, of=Feed)
        with pytest.raises(ChannelLagged):
            await (one.get() if call == "get" else select(one.on_get()))
        assert 2 == one.get_nowait()


async def test_a_report_that_a_handler_has_changed_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.RAISE) as one:
        hub.put_nowait(1)
        hub.put_nowait(2)
        made: list[int] = []

        def make(message: str, missed: int) -> ChannelLagged:
            made.append(missed)
            if len(made) == 1:
                hub.put_nowait(3)
            return ChannelLagged(message, missed)

        monkeypatch.setattr(feeds, "ChannelLagged", make)
        with pytest.raises(ChannelLagged) as caught:
            one.get_nowait()
        assert 2 == caught.value.missed
        assert 3 == one.get_nowait()


@pytest.mark.parametrize("size", [1, 3])
async def test_a_woken_get_of_a_closed_subscription_that_lags_lets_the_next_one_be_told(size: int) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(size, lag=Lag.RAISE) as one:
        getting = await waiting(one.get())
        for item in range(size + 2):
            hub.put_nowait(item)
        hub.close()
        assert 0 == await getting
        with pytest.raises(ChannelLagged):
            one.get_nowait()
        assert 2 == one.get_nowait()


async def test_a_get_that_a_handler_lets_lag_as_it_ends_lets_the_next_one_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int]()
    with hub.subscribe(2, lag=Lag.RAISE) as one:
        await hub.put_many([1, 2, 3])
        assert 1 == one.missed()
        once(monkeypatch, "_open_gets", partial(put_all, hub, 4, 5, 6), before=True, of=Machine)
        assert 2 == one.get_nowait()
        with pytest.raises(ChannelLagged):
            one.get_nowait()
        assert [5, 6] == one.get_many_nowait()


async def test_a_get_whose_item_a_handler_takes_as_it_begins_to_wait_is_woken_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        taken: list[int] = []

        def handler() -> None:
            hub.put_nowait(1)
            taken.append(one.get_nowait())

        once(monkeypatch, "_become_due", handler, of=Feed)
        getting = await waiting(one.get())
        hub.put_nowait(2)
        assert ([1], 2) == (taken, await getting)


async def test_a_grant_that_is_given_back_in_another_thread_passes_on() -> None:
    hub = Broadcast[int](1)
    with hub.subscribe() as one:
        hub.put_nowait(1)
        first = hub.put(2)
        first.send(None)
        second = await waiting(hub.put(3))
        one.get_nowait()
        asyncio.get_running_loop().set_debug(True)  # so that it refuses to be called from another thread
        await asyncio.to_thread(first.close)
        await second
        assert 3 == one.get_nowait()


async def test_a_grant_of_a_closed_loop_of_another_thread_is_given_back_quietly() -> None:
    async def use() -> None:
        putting.send(None)
        end.leave()  # it is granted

    hub = Broadcast[int](1)
    end = hub.subscribe()
    hub.put_nowait(1)
    putting = hub.put(2)
    await asyncio.to_thread(asyncio.run, use())
    putting.close()
    await hub.wait_unsubscribed()
    assert 0 == hub._senders.woken


async def test_what_was_cut_off_has_an_event_loop_of_its_own() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT):
        feed = feed_of(hub)
        hub.put_nowait(1)
        hub.put_nowait(2)
        feed._move_to(loop := asyncio.get_running_loop())
        assert (None, loop) == (hub._loop, feed._loop)
        assert not feed._has_waiters()
        assert "<Subscription maxsize=1 qsize=1 closed lag=DISCONNECT>" == str(feed)


async def test_who_joins_what_was_cut_off_is_woken_in_its_own_thread_only() -> None:
    hub = Broadcast[int]()
    with hub.subscribe(1, lag=Lag.DISCONNECT) as one:
        feed = feed_of(hub)
        hub.put_nowait(1)
        hub.put_nowait(2)
        joining = await waiting(feed.join())
        with pytest.raises(RuntimeError, match="not thread-safe"):
            await asyncio.to_thread(one.get_nowait)
        assert 1 == one.get_nowait()
        await joining


async def test_a_subscription_that_drops_and_has_room_for_what_was_granted_only_drops_nothing() -> None:
    hub = Broadcast[int](2)
    with hub.subscribe() as one, hub.subscribe(2, lag=Lag.SKIP) as lossy:
        await hub.put_many([1, 2])
        put = await waiting(hub.put(3))
        assert 1 == lossy.get_nowait()
        assert [1, 2] == await one.get_many(2)
        hub.put_nowait(4)
        await put
        assert 1 == lossy.missed()
        assert [4, 3] == await lossy.get_many(2) == await _all(one)


async def _all(one: Subscription[int]) -> list[int]:
    return list(await one.get_many(9))


async def test_a_mapped_get_takes_an_item() -> None:
    hub = Broadcast[int]()
    with hub.subscribe() as one:
        hub.put_nowait(1)
        assert (0, "1") == await select(one.on_get().map(str))


async def test_a_subscriber_that_comes_while_a_put_measures_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Broadcast[int](3, replay=2)
    with hub.subscribe() as early:
        await hub.put_many([1, 2])
        assert [1, 2] == early.get_many_nowait()
        late: list[Subscription[int]] = []
        hub._shut_space()
        once(monkeypatch, "_rooms", lambda: late.append(hub.subscribe().__enter__()))
        hub.put_nowait(3)
        with pytest.raises(ChannelFull):  # the late one had two at once
            hub.put_nowait(4)
        assert [1, 2, 3] == late[0].get_many_nowait()
