"""ThreadChannel: tasks of any event loops and threads in the same wait queues.

What it shares with every channel is in `tests/contract`; its proofs by force are in `tests/threads`.
"""

import asyncio
import copy
import gc
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Never, ParamSpec, TypeVar
from weakref import ref

import pytest

from aiochannel import (
    BlockingReceiver,
    BlockingSender,
    Channel,
    ChannelClosed,
    ChannelEmpty,
    ChannelFull,
    Receiver,
    Sender,
    ThreadChannel,
    otherwise,
    select,
)
from aiochannel._core.machine import BUDGET, Machine
from aiochannel._core.resting import BLOCKED
from aiochannel._threads import awaited, blocked, forks
from aiochannel._threads.hosts import NO_BELL, NO_HOST, Host, ThreadBell
from aiochannel._threads.operations import GetOperation
from aiochannel._threads.sections import Sections
from aiochannel._threads.waits import Gathering, Wait
from tests.conftest import cancelled, settle, waiting
from tests.threads.strikes import fail_to_mend

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 60.0
"""Nothing takes so many seconds unless it hangs."""


class Crew:
    """Threads that make one call each."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(8)
        self.blocked = threading.Semaphore(0)

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self.pool.submit(call, *args, **kwargs)

    def waits(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return when the call is blocked."""
        future = self.pool.submit(call, *args, **kwargs)
        assert self.blocked.acquire(timeout=PATIENCE), "it should wait"
        return future

    def does(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call that does not wait."""
        return result(self.pool.submit(call, *args, **kwargs))


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    crew = Crew()
    block = blocked.block

    def noted(channel: Sections[T], wait: Wait, bell: ThreadBell, deadline: float) -> bool:
        crew.blocked.release()
        return block(channel, wait, bell, deadline)

    monkeypatch.setattr(blocked, "block", noted)
    monkeypatch.setattr(blocked, "SLICE", 0.01)
    yield crew
    crew.pool.shutdown()


def filled(*items: int, maxsize: int = 0, name: str | None = None) -> ThreadChannel[int]:
    channel: ThreadChannel[int] = ThreadChannel(maxsize, name=name, outlives_loops=True)
    for item in items:
        channel.put_nowait(item)
    return channel


def result(future: Future[T]) -> T:
    return future.result(PATIENCE)


def whole(channel: ThreadChannel[int]) -> bool:
    """Return whether nobody has left anything behind."""
    queues = (channel._receivers, channel._senders, channel._joiners, channel._closers)
    return not (channel._waits or channel._errands or channel._tickets or any(queue.woken for queue in queues))


# 1, 2: exact, one order


def test_what_a_thread_puts_a_task_gets_and_the_reverse(crew: Crew) -> None:
    channel = filled(maxsize=1)
    getting = crew.waits(channel.blocking.get)
    asyncio.run(channel.put(1))
    assert 1 == result(getting)
    channel.blocking.put(2)
    putting = crew.waits(channel.blocking.put, 3)
    assert 2 == asyncio.run(channel.get())
    result(putting)
    assert [3] == list(channel)
    assert whole(channel)


async def test_a_blocked_get_is_a_receiver_for_which_a_put_of_a_rendezvous_goes_ahead(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel.rendezvous()
    with pytest.raises(ChannelFull):
        channel.put_nowait(1)
    getting = crew.waits(channel.blocking.get)
    assert (False, 1) == (channel.full(), channel.statistics().waiting_receivers)
    channel.put_nowait(1)
    assert 1 == result(getting)


async def test_a_task_gets_from_a_thread_by_a_rendezvous(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel.rendezvous()
    putting = crew.waits(channel.blocking.put, 1)
    assert 1 == await channel.get()
    result(putting)


def test_both_sides_of_a_rendezvous_that_run_out_of_time_have_done_nothing() -> None:
    channel: ThreadChannel[int] = ThreadChannel.rendezvous()
    for call in (lambda: channel.blocking.put(1, 0.001), lambda: channel.blocking.get(0.001)):
        with pytest.raises(TimeoutError):
            call()
    assert whole(channel)
    assert channel.full()
    assert channel.empty()


async def test_threads_and_tasks_are_served_in_the_order_in_which_they_began(crew: Crew) -> None:
    channel = filled()
    first = crew.waits(channel.blocking.get)
    second = await waiting(channel.get())
    third = crew.waits(channel.blocking.get)
    channel.blocking.put(1)
    assert 1 == result(first)
    channel.blocking.put(2)
    assert 2 == await second
    channel.blocking.put(3)
    assert 3 == result(third)


async def test_a_put_from_the_side_does_not_overtake(crew: Crew) -> None:
    channel = filled(0, maxsize=1)
    first = crew.waits(channel.blocking.put, 1)
    second = await waiting(channel.put(2))
    third = crew.waits(channel.blocking.put, 3)
    assert 0 == channel.get_nowait()
    with pytest.raises(ChannelFull):
        crew.does(channel.blocking.put_nowait, 9)
    result(first)
    assert 1 == channel.get_nowait()
    await second
    assert 2 == channel.get_nowait()
    result(third)
    assert [3] == list(channel)


# 3: between threads


def test_after_close_has_returned_no_item_is_accepted_in_any_thread(crew: Crew) -> None:
    channel = filled(1)
    assert crew.does(channel.close)
    for call in (channel.put_nowait, channel.blocking.put, channel.blocking.put_nowait):
        with pytest.raises(ChannelClosed):
            call(2)
    with pytest.raises(ChannelClosed):
        channel.blocking.put_many([2])
    assert [1] == list(channel.blocking)


async def test_a_granted_put_of_a_task_raises_if_a_thread_closes_before_it_goes_on(crew: Crew) -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(channel.put(1))
    assert 0 == crew.does(channel.blocking.get)
    crew.does(channel.blocking.close)
    with pytest.raises(ChannelClosed):
        await putting
    assert [] == list(channel)


async def test_a_promise_passes_on_from_a_task_that_is_cancelled_before_its_loop_runs(crew: Crew) -> None:
    channel = filled()
    first = await waiting(channel.get())
    second = crew.waits(channel.blocking.get)
    crew.does(channel.blocking.put, 1)
    assert await cancelled(first)
    assert 1 == result(second)
    assert whole(channel)


# 4: timeouts

CALLS_THAT_WAIT: dict[str, Callable[[ThreadChannel[int], float | None], object]] = {
    "put": lambda full, timeout: full.blocking.put(9, timeout),
    "put_many": lambda full, timeout: full.blocking.put_many([9], timeout),
    "put_many of an iterator": lambda full, timeout: full.blocking.put_many(iter([9]), timeout),
    "get": lambda full, timeout: filled().blocking.get(timeout),
    "get_many": lambda full, timeout: filled().blocking.get_many(2, timeout),
    "get_many, within": lambda full, timeout: filled().blocking.get_many(2, timeout, within=9),
    "join": lambda full, timeout: full.blocking.join(timeout),
    "wait_closed": lambda full, timeout: full.blocking.wait_closed(timeout),
    "sender": lambda full, timeout: full.blocking.sender.put(9, timeout),
    "receiver": lambda full, timeout: filled().blocking.receiver.get(timeout),
}
every_call = pytest.mark.parametrize("call", CALLS_THAT_WAIT.values(), ids=CALLS_THAT_WAIT.keys())


@every_call
@pytest.mark.parametrize("timeout", [0, 0.001])
def test_a_call_whose_time_is_up_has_done_nothing(
    call: Callable[[ThreadChannel[int], float | None], object], timeout: float
) -> None:
    full = filled(1, maxsize=1)
    with pytest.raises(TimeoutError, match="ThreadChannel"):
        call(full, timeout)
    assert [1] == list(full)
    assert whole(full)


@every_call
@pytest.mark.parametrize(("timeout", "error"), [(-1, ValueError), (math.nan, ValueError), ("1", TypeError)])
def test_a_timeout_is_a_number_that_is_not_negative(
    call: Callable[[ThreadChannel[int], float | None], object], timeout: float, error: type[Exception]
) -> None:
    with pytest.raises(error, match="timeout must be"):
        call(filled(1, maxsize=1), timeout)


@pytest.mark.parametrize("timeout", [0, 9, math.inf, 10**400])
def test_a_call_that_need_not_wait_goes_ahead_whatever_its_timeout(timeout: float) -> None:
    channel = filled()
    channel.blocking.put(1, timeout)
    channel.blocking.put_many([2, 3], timeout)
    assert (1, [2], [3]) == (
        channel.blocking.get(timeout),
        channel.blocking.get_many(1, timeout),
        channel.blocking.get_many(3, timeout, within=0),
    )
    channel.close()
    channel.blocking.join(timeout)
    channel.blocking.wait_closed(timeout)


def test_an_infinite_timeout_waits(crew: Crew) -> None:
    channel = filled()
    getting = crew.waits(channel.blocking.get, math.inf)
    channel.put_nowait(1)
    assert 1 == result(getting)


def test_a_promise_that_came_before_the_end_of_the_time_was_noticed_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()

    def promised_too_late(*_: object) -> bool:
        channel.put_nowait(1)
        return False

    monkeypatch.setattr(blocked, "block", promised_too_late)
    assert 1 == channel.blocking.get(0.001)


def test_a_grant_that_came_before_the_end_of_the_time_was_noticed_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled(0, maxsize=1)

    def granted_too_late(*_: object) -> bool:
        channel.get_nowait()
        return False

    monkeypatch.setattr(blocked, "block", granted_too_late)
    channel.blocking.put(1, 0.001)
    assert [1] == list(channel)


def test_what_put_many_has_put_before_its_time_was_up_stays_put() -> None:
    channel = filled(maxsize=2)
    with pytest.raises(TimeoutError):
        channel.blocking.put_many([1, 2, 3], 0.001)
    with pytest.raises(TimeoutError):
        channel.blocking.put_many(iter([4]), 0)
    assert [1, 2] == list(channel)


def test_put_many_goes_on_where_room_comes(crew: Crew) -> None:
    channel = filled(maxsize=1)
    putting = crew.waits(channel.blocking.put_many, range(4))
    assert [0, 1, 2, 3] == [channel.blocking.get() for _ in range(4)]
    assert None is result(putting)


# 5: no deadlock of a loop


@every_call
async def test_a_call_that_would_block_an_event_loop_is_refused(
    call: Callable[[ThreadChannel[int], float | None], object],
) -> None:
    full = filled(1, maxsize=1)
    with pytest.raises(RuntimeError, match="would block the event loop"):
        call(full, None)
    assert [1] == list(full)
    assert whole(full)


@every_call
async def test_a_call_that_does_not_wait_is_allowed_where_an_event_loop_runs(
    call: Callable[[ThreadChannel[int], float | None], object],
) -> None:
    with pytest.raises(TimeoutError):
        call(filled(1, maxsize=1), 0)
    channel = filled(maxsize=3)
    channel.blocking.put(1)
    channel.blocking.put_many([2, 3])
    assert (1, [2, 3]) == (channel.blocking.get(), channel.blocking.get_many(2))


async def test_what_put_many_has_put_before_it_would_block_a_loop_stays_put() -> None:
    channel = filled(maxsize=2)
    with pytest.raises(RuntimeError):
        channel.blocking.put_many([1, 2, 3])
    assert [1, 2] == list(channel)


async def test_a_closed_channel_says_so_before_anything_else() -> None:
    channel = filled()
    channel.close()
    for call in (channel.blocking.get, lambda: channel.blocking.get_many(1), lambda: channel.blocking.put(1)):
        with pytest.raises(ChannelClosed):
            call()


# 6: loops


def test_tasks_of_two_loops_exchange_items(crew: Crew) -> None:
    channel = filled(maxsize=1)

    async def count() -> list[int]:
        return [item async for item in channel]

    async def put() -> None:
        await channel.put_many(range(50))
        channel.close()

    counting = crew.start(asyncio.run, count())
    asyncio.run(put())
    assert list(range(50)) == result(counting)
    assert whole(channel)


async def test_a_loop_is_woken_once_for_all_that_is_put_before_it_runs(crew: Crew) -> None:
    channel = filled()
    calls: list[object] = []
    host = channel._here()
    tasks = [await waiting(channel.get()) for _ in range(3)]
    ask, host.pending = host.loop, False
    assert ask is asyncio.get_running_loop()
    for item in range(3):
        crew.does(channel.blocking.put, item)
        calls.append((host.pending, len(host.rung)))
    assert [(True, 1), (True, 2), (True, 3)] == calls
    assert [0, 1, 2] == [await task for task in tasks]
    assert not host.pending


# 7: the end of a loop


def run_with_blocked(crew: Crew, call: Callable[[ThreadChannel[int]], object], maxsize: int = 1) -> BaseException:
    """Let a thread of a loop's executor be blocked when its main task ends; return what it is told."""
    ended: list[Future[object]] = []

    async def main() -> None:
        channel: ThreadChannel[int] = ThreadChannel(maxsize)
        await channel.put(1)
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(None, lambda: ended.append(outcome(call, channel)))
        await loop.run_in_executor(crew.pool, crew.blocked.acquire)
        assert not working.done()

    asyncio.run(main())
    error = ended[0].exception()
    assert error is not None
    return error


def outcome(call: Callable[[ThreadChannel[int]], object], channel: ThreadChannel[int]) -> "Future[object]":
    future: Future[object] = Future()
    try:
        future.set_result(call(channel))
    except BaseException as error:
        future.set_exception(error)
    return future


@pytest.mark.parametrize(
    "call",
    [
        lambda channel: channel.blocking.put(2),
        lambda channel: [channel.blocking.get(), channel.blocking.get()],
        lambda channel: list(channel.blocking),
        lambda channel: [channel.blocking.get_many(2), channel.blocking.get_many(2, within=9)],
    ],
    ids=["put", "get", "iteration", "get_many"],
)
def test_asyncio_run_ends_though_a_thread_of_its_executor_is_blocked(
    crew: Crew, call: Callable[[ThreadChannel[int]], object]
) -> None:
    error = run_with_blocked(crew, call)
    assert isinstance(error, ChannelClosed)
    assert isinstance(error.__cause__, RuntimeError)
    assert "the last event loop that used" in str(error)


def test_a_blocked_join_is_told_of_the_end_of_the_last_loop(crew: Crew) -> None:
    error = run_with_blocked(crew, lambda channel: channel.blocking.join())
    assert isinstance(error, RuntimeError)
    assert "the last event loop that used" in str(error)


def test_a_blocked_wait_for_the_close_returns_at_the_end_of_the_last_loop(crew: Crew) -> None:
    with pytest.raises(AssertionError):  # no error
        run_with_blocked(crew, lambda channel: channel.blocking.wait_closed())


def test_a_join_that_begins_after_the_end_of_the_last_loop_is_told(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    asyncio.run(channel.put(1))
    with pytest.raises(RuntimeError, match="the last event loop that used"):
        channel.blocking.join()
    assert [1] == channel.blocking.get_many_nowait()
    channel.blocking.join()


async def join_of_an_orphan(channel: ThreadChannel[int]) -> None:
    task = await waiting(channel.join())
    assert [1] == channel.get_many_nowait()
    await task


def test_a_loop_that_comes_later_may_drain_it_and_join(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    asyncio.run(channel.put(1))
    asyncio.run(join_of_an_orphan(channel))


def test_nowait_calls_are_use_enough(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    getting = crew.waits(channel.blocking.get)

    async def look() -> None:
        assert channel.empty()

    asyncio.run(look())
    with pytest.raises(ChannelClosed):
        result(getting)


def test_a_loop_that_is_closed_without_further_ado_has_ended(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    getting = crew.waits(channel.blocking.get)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.wait_for(channel.put(1), PATIENCE))
    assert 1 == result(getting)
    getting = crew.waits(channel.blocking.get)
    loop.close()
    with pytest.raises(ChannelClosed):
        result(getting)


def test_what_was_given_to_a_loop_that_ends_passes_on(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel(outlives_loops=True)
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(channel.get()) for _ in range(2)]
    loop.run_until_complete(asyncio.sleep(0))
    getting = crew.waits(channel.blocking.get)
    channel.blocking.put(1)  # for the first task, which never runs again
    assert not getting.done()
    loop.close()
    assert 1 == result(getting)
    assert not channel.closed()
    assert whole(channel)
    del tasks
    gc.collect()


def test_a_thread_that_finds_a_loop_closed_gives_the_item_to_the_next(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    loop = asyncio.new_event_loop()
    task = loop.create_task(channel.get())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    channel.blocking.put(1)
    assert [1] == channel.blocking.get_many_nowait()
    assert channel.closed()
    assert not task.done()
    del task
    gc.collect()


def test_it_is_closed_with_the_last_loop_only(crew: Crew) -> None:
    channel: ThreadChannel[int] = ThreadChannel()
    inside, over = threading.Event(), threading.Event()

    async def stay() -> None:
        channel.qsize()
        inside.set()
        await asyncio.to_thread(over.wait, PATIENCE)

    staying = crew.start(asyncio.run, stay())
    assert inside.wait(PATIENCE)
    asyncio.run(channel.put(1))
    assert not channel.closed()
    over.set()
    result(staying)
    assert channel.closed()


def test_one_that_outlives_loops_stays_open() -> None:
    channel: ThreadChannel[int] = ThreadChannel(outlives_loops=True)
    for item in range(2):
        asyncio.run(channel.put(item))
    assert not channel.closed()
    assert [0, 1] == list(channel)


def test_a_select_of_a_loop_that_ended_is_forgotten() -> None:
    channel: ThreadChannel[int] = ThreadChannel(outlives_loops=True)
    loop = asyncio.new_event_loop()
    task = loop.create_task(select(channel.on_get(), channel.on_close()))
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert whole(channel)
    assert not task.done()
    del task
    gc.collect()


# 8: Ctrl-C


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_signal_comes_out_of_a_blocked_call_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()
    block = blocked.block

    def strike(channel: Sections[T], wait: Wait, bell: ThreadBell, deadline: float) -> bool:
        killer = threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT))
        killer.start()
        try:
            return block(channel, wait, bell, deadline)
        finally:
            killer.join()

    monkeypatch.setattr(blocked, "block", strike)
    with pytest.raises(KeyboardInterrupt):
        channel.blocking.get()
    assert whole(channel)
    channel.blocking.put(1)
    assert 1 == channel.blocking.get()


# 9: counted ends


async def test_ends_of_tasks_and_of_threads_are_counted_together(crew: Crew) -> None:
    channel = filled()
    of_task, of_thread = channel.open_sender(), channel.blocking.open_sender()
    assert 2 == channel.statistics().open_senders

    def produce() -> None:
        with of_thread as tx:
            tx.put(1)

    crew.does(produce)
    assert not channel.closed()
    with of_task as tx:
        await tx.put(2)
    assert [1, 2] == [item async for item in channel]


def test_the_last_receiving_end_closes_and_a_blocked_put_is_told(crew: Crew) -> None:
    channel = filled(0, maxsize=1)
    end = channel.blocking.open_receiver()
    putting = crew.waits(channel.blocking.put, 1)
    with end as rx:
        assert 0 == rx.qsize() - 1
    with pytest.raises(ChannelClosed, match="the last receiving end"):
        result(putting)


def test_an_end_of_a_thread_that_has_left_refuses_every_call() -> None:
    channel = filled(1)
    with channel.blocking.open_sender() as tx, channel.blocking.open_receiver() as rx:
        assert (1, False, False, False) == (rx.get(), tx.closed(), tx.full(), not rx.empty())
    for call in (
        lambda: tx.put(1), lambda: tx.put_nowait(1), lambda: tx.put_many([1]), tx.close, tx.join, tx.wait_closed,
        rx.get, rx.get_nowait, lambda: rx.get_many(1), rx.get_many_nowait, rx.join, lambda: next(iter(rx)),
    ):  # fmt: skip
        with pytest.raises(ChannelClosed, match="has left"):
            call()


def test_closing_the_handle_of_an_end_lets_it_leave() -> None:
    channel = filled()
    first, second = channel.blocking.open_sender(), channel.blocking.open_sender()
    with first as tx:
        with pytest.raises(TypeError):
            tx.close("no exception")  # type: ignore[arg-type]
        assert not tx.close(ValueError("first"))
    with second as tx:
        assert tx.close()
    with pytest.raises(ChannelClosed, match="ValueError"):
        channel.get_nowait()


def test_an_end_may_be_cloned_and_dropped_in_a_thread(crew: Crew) -> None:
    channel = filled()
    end = channel.blocking.open_sender()
    clone = end.clone()
    end.leave()
    ends = [clone, channel.blocking.open_receiver().clone()]
    del clone
    assert 1 == channel.statistics().open_senders
    crew.does(ends.clear)
    assert channel.closed()


def test_an_end_that_is_dropped_while_another_thread_is_inside_is_counted_by_that(crew: Crew) -> None:
    channel = filled()
    ends = [channel.blocking.open_sender()]

    def drop_elsewhere() -> int:
        crew.does(ends.clear)
        return channel._open_senders

    assert 1 == channel._locked(drop_elsewhere)
    assert channel.closed()


def test_an_end_that_is_dropped_inside_is_counted() -> None:
    channel = filled()
    ends = [channel.blocking.open_sender()]
    channel._locked(ends.clear)
    assert channel.closed()


async def test_an_end_may_leave_with_a_coroutine_that_is_closed() -> None:
    channel = filled()

    async def produce() -> None:
        with channel.open_sender():
            await channel.get()

    produced = produce()
    produced.send(None)
    produced.close()
    assert channel.closed()


# 10: select


async def test_a_thread_wakes_a_select_over_an_ordinary_channel_too(crew: Crew) -> None:
    channel, ordinary = filled(), Channel[int]()
    selecting = await waiting(select(channel.on_get(), ordinary.on_get()))
    crew.does(channel.blocking.put, 1)
    assert (0, 1) == await selecting
    assert (0, 0) == (channel.statistics().waiting_receivers, ordinary.statistics().waiting_receivers)
    assert whole(channel)


async def test_a_select_that_goes_ahead_elsewhere_leaves_nothing_on_an_idle_channel(crew: Crew) -> None:
    channel, ordinary = filled(0, maxsize=1), Channel[int]()
    selecting = await waiting(select(channel.on_put(1), ordinary.on_get(), channel.on_close()))
    ordinary.put_nowait(1)
    assert (1, 1) == await selecting
    assert whole(channel)
    assert [0] == list(channel)


async def test_of_two_channels_that_claim_a_select_one_is_taken_and_the_other_passes_on(crew: Crew) -> None:
    first, second = filled(), filled()
    selecting = await waiting(select(first.on_get(), second.on_get()))
    crew.does(first.blocking.put, 1)
    crew.does(second.blocking.put, 2)
    assert (0, 1) == await selecting
    assert whole(second)
    assert 2 == second.get_nowait()


async def test_a_cancelled_select_that_a_thread_has_claimed_gives_back(crew: Crew) -> None:
    channel, ordinary = filled(), Channel[int]()
    selecting = await waiting(select(channel.on_get(), ordinary.on_get()))
    next_one = crew.waits(channel.blocking.get)
    crew.does(channel.blocking.put, 1)
    assert await cancelled(selecting)
    assert 1 == result(next_one)
    assert whole(channel)


async def test_a_claimed_select_that_an_ordinary_channel_wakes_first_gives_back(crew: Crew) -> None:
    channel, ordinary = filled(), Channel[int]()
    selecting = await waiting(select(channel.on_get(), ordinary.on_get()))
    crew.does(channel.blocking.put, 1)
    ordinary.put_nowait(2)
    assert (1, 2) == await selecting
    assert 1 == channel.get_nowait()
    assert whole(channel)


async def test_a_select_that_is_cancelled_after_it_was_woken_gives_back() -> None:
    channel = filled()
    selecting = await waiting(select(channel.on_get(), channel.on_close()))
    channel.put_nowait(1)
    selecting.cancel()
    await settle()
    assert selecting.cancelled()
    assert 1 == channel.get_nowait()
    assert whole(channel)


async def test_a_select_is_not_matched_with_itself() -> None:
    channel: ThreadChannel[int] = ThreadChannel.rendezvous()
    selecting = await waiting(select(channel.on_get(), channel.on_put(1)))
    channel.put_nowait(2)
    assert (0, 2) == await selecting
    selecting = await waiting(select(channel.on_get(), channel.on_put(3)))
    assert 3 == await channel.get()
    assert (1, None) == await selecting


async def test_a_select_puts_and_is_told_of_a_close(crew: Crew) -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(select(channel.on_put(1)))
    assert [0, 1] == [crew.does(channel.blocking.get), await channel.get()]
    assert (0, None) == await putting
    selecting = await waiting(select(channel.on_close().map(lambda _: 1), channel.on_get()))
    crew.does(channel.close)
    assert (0, 1) == await selecting
    assert (0, None) == await select(channel.on_close(), channel.on_put(1), biased=True)


async def test_a_select_that_waits_to_put_raises_when_a_thread_closes(crew: Crew) -> None:
    channel = filled(0, maxsize=1)
    selecting = await waiting(select(channel.on_put(1), Channel[int]().on_get()))
    crew.does(channel.close)
    with pytest.raises(ChannelClosed):
        await selecting


async def test_a_select_that_waits_to_get_raises_when_it_is_drained(crew: Crew) -> None:
    channel = filled()
    selecting = await waiting(select(channel.on_get(), Channel[int]().on_get()))
    crew.does(channel.close)
    with pytest.raises(ChannelClosed):
        await selecting
    with pytest.raises(ChannelClosed):
        await select(channel.on_get())


async def test_a_mapped_case_looks_at_the_item_before_it_takes_it(crew: Crew) -> None:
    channel = filled(1, maxsize=1)
    assert (0, "1") == await select(channel.on_get().map(str))
    assert (0, "put") == await select(channel.on_put(2).map(lambda _: "put"))
    assert (1, None) == await select(channel.on_put(2).map(lambda _: "put"), otherwise())
    channel.get_nowait()
    assert (1, None) == await select(channel.on_get().map(str), otherwise())
    selecting = await waiting(select(channel.on_get().map(str)))
    crew.does(channel.blocking.put, 3)
    assert (0, "3") == await selecting
    assert (1, None) == await select(channel.on_close().map(str), otherwise())
    channel.close()
    assert (0, "None") == await select(channel.on_close().map(str))
    assert (0, "over") == await select(channel.on_get().map(str).or_closed("over"))
    assert (0, "over") == await select(channel.on_put(1).or_closed("over"))


async def test_a_select_that_another_thread_lets_go_ahead_while_it_parks_goes_ahead(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, other = filled(), filled()
    begin = Sections._begin_ticket

    def put_first(self: Sections[T], ticket: object) -> None:
        crew.does(channel.blocking.put, 1)
        begin(channel, ticket)  # type: ignore[arg-type]

    monkeypatch.setattr(Sections, "_begin_ticket", put_first)
    assert (0, 1) == await select(channel.on_get(), other.on_get(), biased=True)
    assert whole(channel)
    assert whole(other)


@pytest.mark.parametrize("side", ["get", "put", "close", "mapped get", "mapped put"])
async def test_selects_that_need_not_wait_let_other_tasks_run(side: str) -> None:
    channel = filled(*range(2 * BUDGET))
    case = {
        "get": channel.on_get(),
        "put": channel.on_put(1),
        "close": channel.on_close(),
        "mapped get": channel.on_get().map(str),
        "mapped put": channel.on_put(1).map(str),
    }[side]
    if side == "close":
        channel.close()
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    for _ in range(BUDGET + 1):
        await select(case)
    assert ran.is_set()


@pytest.mark.parametrize("side", ["get", "put"])
async def test_selects_on_a_closed_channel_let_other_tasks_run(side: str) -> None:
    channel = filled()
    case = channel.on_get().map(str) if side == "get" else channel.on_put(1).map(str)
    channel.close()
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    for _ in range(BUDGET + 1):
        with pytest.raises(ChannelClosed):
            await select(case)
    assert ran.is_set()


@pytest.mark.parametrize("side", ["get", "put"])
async def test_selects_that_fail_at_once_let_other_tasks_run(side: str) -> None:
    channel = filled()
    channel.close()
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    for _ in range(BUDGET + 1):
        with pytest.raises(ChannelClosed):
            await select(channel.on_get() if side == "get" else channel.on_put(1))
    assert ran.is_set()


# Batches


async def test_a_thread_waits_for_a_batch_that_tasks_fill(crew: Crew) -> None:
    channel = filled(maxsize=1)
    batch = crew.waits(channel.blocking.get_many, 3, within=PATIENCE)
    await channel.put_many([1, 2, 3, 4])
    assert [1, 2, 3] == result(batch)
    assert [4] == list(channel)
    assert whole(channel)


async def test_a_batch_that_holds_two_returns_them_when_it_is_closed(crew: Crew) -> None:
    channel = filled(1)
    batch = crew.waits(channel.blocking.get_many, 3, within=PATIENCE)
    await channel.put(2)
    channel.close()
    assert [1, 2] == result(batch)
    with pytest.raises(ChannelClosed):
        channel.blocking.get_many(3, within=PATIENCE)


def test_a_batch_whose_time_is_up_returns_what_it_has(crew: Crew) -> None:
    channel = filled()
    batch = crew.waits(channel.blocking.get_many, 3, within=0.001)
    channel.put_nowait(1)
    assert [1] == result(batch)
    channel.put_nowait(2)
    assert [2] == channel.blocking.get_many(3, within=0.001)


async def test_a_batch_of_a_task_is_filled_by_a_thread(crew: Crew) -> None:
    channel = filled()
    batch = await waiting(channel.get_many(3, within=PATIENCE))
    crew.does(channel.blocking.put_many, [1, 2, 3])
    assert [1, 2, 3] == await batch
    batch = await waiting(channel.get_many(3, within=math.inf))
    crew.does(channel.blocking.put, 4)
    await settle()
    assert not batch.done()
    crew.does(channel.blocking.put_many, [5, 6])
    assert [4, 5, 6] == await batch
    assert whole(channel)


def test_a_batch_that_is_taken_from_under_it_begins_again(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()
    batch = crew.waits(channel.blocking.get_many, 2, within=PATIENCE)
    channel.put_nowait(1)
    assert [1] == channel.abort()
    with pytest.raises(ChannelClosed):
        result(batch)
    again = filled(1, 2)
    begin = Sections._begin_batch

    def taken_first(self: Sections[int], *args: object) -> bool:
        monkeypatch.undo()
        ready = begin(again, *args)  # type: ignore[arg-type]
        again.get_many_nowait()
        again.blocking.put_many([3, 4])
        return ready

    monkeypatch.setattr(Sections, "_begin_batch", taken_first)
    monkeypatch.setattr(Sections, "_has_ready", lambda *_: False)
    assert [3, 4] == again.blocking.get_many(2, within=1)


# 11, 12: memory, garbage, forks


async def test_a_dropped_channel_leaves_nothing_in_its_loop(crew: Crew) -> None:
    loop = asyncio.get_running_loop()
    channel = filled()
    await channel.put(1)
    watched = ref(channel), ref(channel._here())
    del channel
    assert (None, None) == (watched[0](), watched[1]())
    await loop.shutdown_asyncgens()


async def test_a_channel_may_be_dropped_while_a_loop_is_asked_to_run() -> None:
    channel = filled()
    host = channel._here()
    host.ask()
    watched = ref(channel)
    del channel
    assert watched() is None
    await settle()
    host.end()
    assert not host.pending


def test_a_host_of_no_loop_has_nothing_to_do() -> None:
    NO_HOST.ask()
    assert not NO_HOST.pending
    assert NO_BELL.gone()
    NO_BELL.ring()
    assert NO_BELL.now() <= ThreadBell().now()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_forked_process_may_use_a_channel_in_which_nobody_was() -> None:
    program = """if True:
        import asyncio, os
        from aiochannel import ThreadChannel
        channel = ThreadChannel(outlives_loops=True)
        async def main():
            await channel.put(1)
            child = os.fork()
            if not child:
                channel.blocking.put(2)
                assert [1, 2] == channel.blocking.get_many(2)
                os._exit(7)
            assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert 1 == await channel.get()
        asyncio.run(main())
        """
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("busy", ["channel.blocking.get()", "channel._locked(lambda: [inside.set(), over.wait()])"])
def test_a_forked_process_is_refused_where_a_thread_was_inside(busy: str) -> None:
    program = f"""if True:
        import os, threading, time
        from aiochannel import ChannelClosed, ThreadChannel
        channel = ThreadChannel()
        inside, over = threading.Event(), threading.Event()
        def work():
            try:
                {busy}
            except ChannelClosed:
                pass
        thread = threading.Thread(target=work)
        thread.start()
        while not channel._waits and not inside.is_set():
            pass
        child = os.fork()
        if not child:
            try:
                channel.blocking.put(1)
            except RuntimeError as error:
                os._exit(7 if "forked" in str(error) else 1)
        over.set()
        assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        channel.close()
        thread.join()
        """
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=PATIENCE)


def test_after_a_fork_nobody_who_was_inside_is_waited_for(crew: Crew) -> None:
    idle, waited_for, locked = filled(1), filled(), filled()
    getting = crew.waits(waited_for.blocking.get)
    inside, over = threading.Event(), threading.Event()

    def hold() -> bool:
        inside.set()
        return over.wait(PATIENCE)

    holding = crew.start(locked._locked, hold)
    assert inside.wait(PATIENCE)
    locks = [(channel, channel._acquire) for channel in (waited_for, locked)]
    for channel in (idle, waited_for, locked):
        channel._after_fork()
    assert 1 == idle.blocking.get()
    for channel, acquire in locks:
        with pytest.raises(RuntimeError, match="forked"):
            channel.blocking.put(1)
        channel._acquire = acquire
        channel._forked = False
    over.set()
    assert result(holding)
    waited_for.blocking.put(2)
    assert 2 == result(getting)


def test_every_channel_hears_of_a_fork() -> None:
    heard: list[str] = []

    class Hears:
        def _after_fork(self) -> None:
            heard.append("a fork")

    hears = Hears()
    forks.protect(hears)
    forks.tell([hears])
    assert hears in forks.ALL
    assert ["a fork"] == heard


# Looking at it


def test_it_shows_itself() -> None:
    channel = filled(1, maxsize=2, name="frames")
    assert "<ThreadChannel 'frames' maxsize=2 qsize=1>" == str(channel)
    assert re.fullmatch(r"<ThreadChannel 'frames' at 0x\w+ maxsize=2 qsize=1>", repr(channel))
    assert "<ThreadChannel maxsize=0 qsize=0 rendezvous>" == str(ThreadChannel.rendezvous())
    assert repr(channel.blocking) == f"<Blocking of {channel!r}>"
    assert repr(channel.blocking.sender) == f"<BlockingSenderHandle of {channel!r}>"
    channel.close()
    assert "<ThreadChannel 'frames' maxsize=2 qsize=1 closed>" == str(channel)
    assert "frames" == channel.statistics().name


def test_threads_see_what_tasks_see() -> None:
    channel = filled(1, maxsize=1)
    for blocking in (channel.blocking, channel.blocking.sender):
        assert (1, 1, False, True) == (blocking.maxsize, blocking.qsize(), blocking.closed(), blocking.full())
    for receiver in (channel.blocking, channel.blocking.receiver):
        assert (1, 1, False, False) == (receiver.maxsize, receiver.qsize(), receiver.closed(), receiver.empty())
    channel.close()
    assert (True, True) == (channel.full(), channel.blocking.sender.full())
    assert 1 == channel.blocking.get_nowait()
    assert (False, True) == (channel.full(), channel.empty())


def test_handles_are_equal_by_side_and_channel() -> None:
    channel = filled()
    assert channel.blocking == channel.blocking
    assert channel.blocking != filled().blocking
    assert channel.blocking.sender == channel.blocking.sender
    assert 3 == len({channel.blocking.sender, channel.blocking.receiver, channel.sender})
    assert 1 == len({channel.blocking.receiver, channel.blocking.receiver})
    assert 1 == len({channel.blocking, channel.blocking})
    assert channel.split() == (channel.sender, channel.receiver)


def test_the_handles_of_threads_do_what_their_side_does() -> None:
    channel = filled()
    tx, rx = channel.blocking.sender, channel.blocking.receiver
    tx.put(1)
    tx.put_nowait(2)
    tx.put_many([3, 4, 5])
    assert (1, 2, [3], [4]) == (rx.get(), rx.get_nowait(), rx.get_many(1), rx.get_many_nowait(1))
    assert [5] == rx.get_many_nowait()
    with pytest.raises(ChannelEmpty):
        rx.get_nowait()
    assert tx.close(ValueError())
    tx.wait_closed()
    tx.join()
    rx.join()
    with pytest.raises(ChannelClosed):
        list(rx)


def test_a_loop_over_a_channel_ends_with_it() -> None:
    channel = filled(1, 2)
    channel.close()
    assert [1, 2] == list(channel.blocking)
    assert [] == list(channel.blocking.receiver)


def test_a_channel_satisfies_the_protocols_of_both_worlds() -> None:
    channel = filled()
    assert all(isinstance(channel, each) for each in (Sender, Receiver))
    assert all(isinstance(channel.blocking, each) for each in (BlockingSender, BlockingReceiver))
    assert isinstance(channel.blocking.sender, BlockingSender)
    assert not isinstance(channel.blocking.sender, BlockingReceiver)


def test_nothing_public_is_inherited_without_the_lock() -> None:
    assert [] == [name for name in dir(Machine) if not name.startswith("_")]
    assert [] == [name for name in dir(Sections) if not name.startswith("_")]
    public = {name for name in dir(Channel) if not name.startswith("_")}
    assert {name for name in dir(ThreadChannel) if not name.startswith("_")} == public | {"blocking"}


@pytest.mark.parametrize("maxsize", [-1, 1.5, True, "1", None])
def test_a_maxsize_is_an_int_that_is_not_negative(maxsize: int) -> None:
    with pytest.raises(TypeError, match="maxsize must be an int"):
        ThreadChannel(maxsize)


def test_a_channel_cannot_be_pickled_or_copied() -> None:
    for thing in (filled(), filled().sender):
        for way in (copy.copy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot pickle or copy"):
                way(thing)


# Resting


@pytest.mark.parametrize("call", ["put", "get", "put_many", "get_many"])
async def test_awaited_calls_that_need_not_wait_let_other_tasks_run(call: str) -> None:
    channel = filled(*range(3 * BUDGET))
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    for _ in range(BUDGET + 1):
        match call:
            case "put":
                await channel.put(1)
            case "get":
                await channel.get()
            case "put_many":
                await channel.put_many(iter([1, 2]))
            case _:
                await channel.get_many(2)
    assert ran.is_set()


def test_a_coroutine_that_need_not_wait_can_be_run_without_a_loop() -> None:
    with pytest.raises(StopIteration):
        filled().put(1).send(None)


async def test_a_join_of_a_task_is_told_when_a_thread_takes_the_last_item_that_it_was_promised(crew: Crew) -> None:
    channel = filled()
    wait = Wait(channel._receivers, ThreadBell())
    assert BLOCKED is channel._begin_get(wait)
    joining = await waiting(channel.join())
    channel.put_nowait(1)
    channel.close()
    assert 1 == crew.does(channel._end_get, wait)
    await joining


# What another thread does between two sections


Before = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Before:
    """Let another thread do something just before a section begins for the first time."""

    def set_up(section: str, happens: Callable[[], object]) -> None:
        left = [happens]
        original = Sections.__dict__[section]

        def then(*args: object) -> object:
            while left:
                left.pop()()
            return original(*args)

        monkeypatch.setattr(Sections, section, then)

    return set_up


@pytest.mark.parametrize("of_task", [False, True])
def test_a_get_finds_what_came_since_it_looked(before: Before, of_task: bool) -> None:
    channel = filled()
    before("_begin_get", lambda: channel.blocking.put(1))
    assert 1 == (asyncio.run(channel.get()) if of_task else channel.blocking.get())


@pytest.mark.parametrize("of_task", [False, True])
def test_a_put_finds_room_that_came_since_it_looked(before: Before, of_task: bool) -> None:
    channel = filled(0, maxsize=1)
    before("_begin_put", channel.blocking.get)
    if of_task:
        asyncio.run(channel.put(1))
    else:
        channel.blocking.put(1)
    assert [1] == list(channel)


@pytest.mark.parametrize("of_task", [False, True])
def test_a_wait_for_the_close_finds_that_it_came(before: Before, of_task: bool) -> None:
    channel = filled()
    before("_begin_watch", channel.blocking.close)
    if of_task:
        asyncio.run(channel.wait_closed())
    else:
        channel.blocking.wait_closed()
    assert whole(channel)


@pytest.mark.parametrize("of_task", [False, True])
def test_a_batch_begins_again_if_another_takes_it_first(
    before: Before, monkeypatch: pytest.MonkeyPatch, of_task: bool
) -> None:
    channel = filled()
    before("_begin_batch", lambda: channel.blocking.put_many([1, 2]))

    def taken() -> None:
        assert [1, 2] == channel.get_many_nowait()
        channel.blocking.put_many([3, 4])

    before("_poll_many", taken)
    monkeypatch.setattr(Sections, "_has_ready", lambda *_: False)
    assert [3, 4] == (
        asyncio.run(channel.get_many(2, within=PATIENCE)) if of_task else channel.blocking.get_many(2, within=PATIENCE)
    )


def test_a_batch_that_finds_nothing_any_more_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for of_task in (False, True):
        channel = filled(1, 2)
        with monkeypatch.context() as patch:
            patch.setattr(Sections, "_has_ready", lambda *_: False)
            polls = [filled(), filled(), channel]
            original = Sections._poll_many

            def poll(
                self: Sections[int],
                limit: int,
                *args: object,
                polls: list[ThreadChannel[int]] = polls,
                original: Callable[[Sections[int], int], list[int]] = original,
            ) -> list[int]:
                return original(polls.pop(0), limit)

            patch.setattr(Sections, "_poll_many", poll)
            got = asyncio.run(channel.get_many(2, within=9)) if of_task else channel.blocking.get_many(2, within=9)
        assert [1, 2] == got


def test_an_abort_takes_what_a_thread_was_promised(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()

    def aborted(*_: object) -> bool:
        channel.put_nowait(1)
        assert [1] == channel.abort()
        return True

    monkeypatch.setattr(blocked, "block", aborted)
    with pytest.raises(ChannelClosed):
        channel.blocking.get()
    assert whole(channel)


def test_a_returned_item_is_for_a_get_that_an_abort_has_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted call gives an item back just after another has aborted."""
    channel = filled()

    def returned(*_: object) -> bool:
        channel.put_nowait(1)
        assert [1] == channel.abort()
        channel._buffer.append(2)
        return True

    monkeypatch.setattr(blocked, "block", returned)
    assert 2 == channel.blocking.get()


async def test_a_case_looks_at_nothing_where_another_thread_has_taken_the_item() -> None:
    assert BLOCKED is GetOperation(filled()).peek()


@pytest.mark.parametrize("mending", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["leave", "drop"])
def test_an_end_whose_leaving_is_interrupted_has_left(monkeypatch: pytest.MonkeyPatch, how: str, mending: int) -> None:
    fail_to_mend(monkeypatch, mending)
    channel = filled()
    ends = [channel.open_sender()]
    fail(channel, 1, 1)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        if how == "drop":
            ends.clear()
        else:
            with pytest.raises(KeyboardInterrupt):
                ends[0].leave()
    finally:
        sys.unraisablehook = hook
    assert channel.closed()
    assert not channel._departing


def test_an_end_that_leaves_twice_at_once_is_counted_once() -> None:
    channel = filled()
    end, other = channel.open_sender(), channel.open_sender()
    channel._depart(end._end, None, "")
    channel._depart(end._end, None, "")
    assert 1 == channel.statistics().open_senders
    assert not channel.closed()
    other.leave()


def test_an_end_that_leaves_with_a_generator_that_is_closed_has_no_fault() -> None:
    channel = filled()
    channel.open_sender().leave(GeneratorExit())
    with pytest.raises(ChannelClosed) as closed:
        channel.get_nowait()
    assert closed.value.__cause__ is None


def test_an_iterator_is_put_as_far_as_it_goes() -> None:
    channel = filled()
    channel.blocking.put_many(iter([1, 2]))
    assert [1, 2] == list(channel)


async def test_a_batch_that_is_complete_before_its_task_can_be_told_again_does_not_wait() -> None:
    channel = filled()
    bell = awaited.bell_in(channel._here())
    wait = Gathering(channel._receivers, bell, channel)
    wait.claimed = True
    await awaited._gather(channel, wait, bell, math.inf)
    assert wait.woken_by(channel._receivers)
    assert Wait(channel._receivers, bell).woken_by(channel._receivers) is False


@pytest.mark.parametrize("mending", [0, 1])
def test_an_item_that_a_get_finds_when_it_looks_again_is_given_back_by_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, before: Before, mending: int
) -> None:
    fail_to_mend(monkeypatch, mending)
    channel = filled()

    def put() -> None:
        channel.blocking.put(1)
        fail(channel, 1, 1)

    before("_begin_get", put)
    with pytest.raises(KeyboardInterrupt):
        channel.blocking.get()
    assert [1] == list(channel)
    assert whole(channel)


# Repair


CALLS_OF_A_TASK: dict[str, Callable[[ThreadChannel[int]], Coroutine[object, Never, object]]] = {
    "put": lambda full: full.put(9),
    "put_many": lambda full: full.put_many([9]),
    "get": lambda full: drained(full).get(),
    "get_many": lambda full: drained(full).get_many(2),
    "batch": lambda full: drained(full).get_many(2, within=PATIENCE),
    "join": lambda full: full.join(),
    "wait_closed": lambda full: full.wait_closed(),
    "select": lambda full: select(full.on_put(9), full.on_close()),
}


def drained(channel: ThreadChannel[int]) -> ThreadChannel[int]:
    channel.get_many_nowait()
    return channel


def fail(channel: ThreadChannel[int], first: int, times: int) -> None:
    """Let a release of the lock raise KeyboardInterrupt, the first one after so many, and then so many times."""
    release = channel._release
    countdown = [first, times]

    def failing() -> None:
        release()
        countdown[0] -= 1
        if countdown[0] <= 0 and countdown[1]:
            countdown[1] -= 1
            raise KeyboardInterrupt

    channel._release = failing


@pytest.mark.parametrize("call", CALLS_OF_A_TASK.values(), ids=CALLS_OF_A_TASK.keys())
@pytest.mark.parametrize(("times", "mending"), [(1, 0), (4, 0), (1, 1)])
@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_a_call_of_a_task_that_is_interrupted_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ThreadChannel[int]], Coroutine[object, Never, object]],
    first: int,
    times: int,
    mending: int,
) -> None:
    fail_to_mend(monkeypatch, mending)
    channel = filled(1, maxsize=1)
    coroutine = call(channel)
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        fail(channel, first, times)
        try:
            next(coroutine.__await__())
            coroutine.close()
        except KeyboardInterrupt:
            pass

    loop.run_until_complete(begin())
    channel._unlock()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert whole(channel)
    assert channel._room() + len(channel._buffer) == 1


def test_a_blocked_thread_repairs_what_was_left(crew: Crew) -> None:
    channel = filled()
    getting = crew.waits(channel.blocking.get)
    channel._untaken.append(1)
    channel._dirty = True
    assert 1 == result(getting)
    assert whole(channel)


def test_a_repair_of_a_blocked_thread_that_is_interrupted_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()

    def look(*_: object) -> bool:
        channel._dirty = True
        fail(channel, 1, 2)
        channel._look_at_loops()
        return False

    monkeypatch.setattr(blocked, "block", look)
    with pytest.raises(KeyboardInterrupt):
        channel.blocking.get()
    assert not channel._dirty
    assert whole(channel)


def test_a_call_that_stops_waiting_repairs_what_was_left() -> None:
    channel = filled()
    channel._dirty = True
    channel._untaken.append(1)
    wait = Wait(channel._senders, ThreadBell())
    channel._quit(wait)
    assert not channel._dirty
    assert [1] == list(channel)


def test_an_errand_that_another_thread_has_taken_is_left_to_that() -> None:
    channel = filled()

    class Robbed(type(channel._errands)):  # type: ignore[misc]
        def __bool__(self) -> bool:
            return True

    channel._errands = Robbed()
    channel._run_errands()
    assert 0 == len(channel._errands)


@pytest.mark.parametrize(
    "section",
    [
        lambda channel, wait: channel._offer(2),
        lambda channel, wait: channel._offer_many([2], 0),
        lambda channel, wait: channel._poll(),
        lambda channel, wait: channel._poll_many(1),
        lambda channel, wait: channel._begin_put(wait, 2),
        lambda channel, wait: channel._end_put(wait, 2),
        lambda channel, wait: channel._begin_get(wait),
        lambda channel, wait: channel._end_get(wait),
        lambda channel, wait: channel._begin_batch(wait, 3),
        lambda channel, wait: channel._quit(wait),
        lambda channel, wait: channel._locked(channel._statistics),
    ],
    ids=[
        "offer",
        "offer_many",
        "poll",
        "poll_many",
        "begin_put",
        "end_put",
        "begin_get",
        "end_get",
        "begin_batch",
        "quit",
        "locked",
    ],
)
def test_each_section_does_what_another_has_left_to_do(
    section: Callable[[ThreadChannel[int], Gathering], object],
) -> None:
    channel = filled()
    ran: list[int] = []
    channel._errands.append(lambda: ran.append(1))
    wait = Gathering(channel._receivers, ThreadBell(), channel)
    section(channel, wait)
    assert [1] == ran
    channel._quit(wait)
    assert whole(channel)


async def test_a_loop_that_ends_after_its_host_was_collected_finds_nothing_to_do() -> None:
    host = Host(asyncio.get_running_loop(), deque(), lambda: None)
    host.watch()
    guard, host._guard = host._guard, None
    assert guard is not None
    there = ref(host)
    del host
    assert there() is None
    await guard.aclose()


def test_a_thread_that_is_told_of_the_first_item_waits_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled()
    bell = ThreadBell()
    wait = Gathering(channel._receivers, bell, channel)
    wait.started = bell.now()
    complete = iter((False, True))

    def block(*_: object) -> bool:
        wait.claimed = next(complete)
        return True

    monkeypatch.setattr(blocked, "block", block)
    blocked.gather(channel, wait, bell, 1.0, math.inf)
    assert wait.claimed
    assert [] == list(complete)
