"""Event loops, threads and memory."""

import asyncio
import gc
import os
import re
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Never, TypeVar
from warnings import catch_warnings
from weakref import ref

import pytest

from aiochannel import Case, Channel, ChannelClosed, ChannelFull, otherwise, select
from tests.conftest import cancelled, settle, waiting, without_gc

T = TypeVar("T")


@contextmanager
def new_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        loop.close()


# One loop at a time

CHANNEL_OF_THE_MODULE: Channel[int] = Channel(1)


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_channel_of_a_module_works_in_one_loop_after_another(attempt: int) -> None:
    async def exchange() -> list[int]:
        putting = asyncio.create_task(CHANNEL_OF_THE_MODULE.put_many([attempt] * 3))
        taken = [await CHANNEL_OF_THE_MODULE.get() for _ in range(3)]
        await putting
        return taken

    assert [[attempt] * 3] * 2 == [asyncio.run(exchange()) for _ in range(2)]


def test_what_is_buffered_moves_along_to_the_next_loop() -> None:
    channel: Channel[int] = Channel()
    asyncio.run(channel.put(7))
    assert 7 == asyncio.run(channel.get())


@pytest.mark.parametrize("call", ["get", "put", "join", "select"])
def test_a_wait_from_a_second_loop_is_refused_while_tasks_of_the_first_wait(call: str) -> None:
    def coroutine() -> Coroutine[object, Never, object]:
        match call:
            case "get":
                return channel.get()
            case "put":
                return channel.put(2)
            case "join":
                return channel.join()
            case _:
                return select(channel.on_put(2))

    channel: Channel[int] = Channel(1)
    with new_loop() as first, new_loop() as second:
        if call == "get":
            waits = first.create_task(channel.join())
        else:
            channel.put_nowait(1)
            waits = first.create_task(channel.join())
        first.run_until_complete(settle())
        before = channel.statistics()
        with pytest.raises(RuntimeError, match=r"tasks of the event loop .* wait on <Channel .*; a task of .* cannot"):
            second.run_until_complete(coroutine())
        assert before == channel.statistics()
        channel.abort()
        first.run_until_complete(waits)


@pytest.mark.parametrize("side", ["receiver", "sender"])
def test_a_wait_from_a_second_loop_is_refused_while_a_task_of_the_first_is_woken(side: str) -> None:
    """A woken task is still inside its wait: if it is cancelled, its promise or grant has to come back."""
    channel: Channel[int] = Channel(1)
    if side == "sender":
        channel.put_nowait(0)
    calls: dict[str, Callable[[], Coroutine[object, Never, object]]] = {
        "receiver": channel.get,
        "sender": partial(channel.put, 1),
    }
    with new_loop() as first, new_loop() as second:
        woken = first.create_task(calls[side]())
        first.run_until_complete(settle())
        if side == "sender":
            channel.get_nowait()
        else:
            channel.put_nowait(2)
        with pytest.raises(RuntimeError, match=r"a task of .* cannot"):
            second.run_until_complete(channel.get() if side == "sender" else channel.join())
        woken.cancel()
        first.run_until_complete(settle())
        if side == "sender":
            channel.put_nowait(2)
        assert 2 == second.run_until_complete(channel.get())
        assert not channel.full()


@pytest.mark.parametrize("side", ["get", "put"])
def test_a_wait_from_a_second_loop_is_refused_while_a_woken_task_of_the_first_has_not_run(side: str) -> None:
    channel: Channel[int] = Channel(1)
    if side == "put":
        channel.put_nowait(0)
    with new_loop() as first, new_loop() as second:
        woken: asyncio.Task[object] = first.create_task(channel.put(7) if side == "put" else channel.get())
        first.run_until_complete(settle())
        if side == "put":
            channel.get_nowait()
        else:
            channel.put_nowait(7)
        with pytest.raises(RuntimeError, match="tasks of the event loop"):
            second.run_until_complete(channel.join())
        woken.cancel()
        first.run_until_complete(settle())
        assert (woken.cancelled(), [7][: side == "get"]) == (True, list(channel))
        channel.abort()
        second.run_until_complete(channel.join())


def test_calls_that_need_not_wait_work_from_a_second_loop() -> None:
    channel: Channel[int] = Channel()
    with new_loop() as first, new_loop() as second:
        waits = first.create_task(channel.get())
        first.run_until_complete(settle())
        second.run_until_complete(channel.put(7))
        assert 7 == first.run_until_complete(waits)


def test_a_get_cancelled_in_one_open_loop_is_no_receiver_in_the_next() -> None:
    """A put on a rendezvous went ahead although nobody was there."""
    channel = Channel[int].rendezvous()
    with new_loop() as first, new_loop() as second:
        getting = first.create_task(channel.get())
        first.run_until_complete(settle())
        getting.cancel()
        channel.put_nowait(1)  # the task has not run, so it still counts as a receiver
        assert 1 == channel.get_nowait()
        with pytest.raises(TimeoutError):
            second.run_until_complete(at_once(channel.get()))
        first.run_until_complete(settle())
        assert (True, True) == (getting.cancelled(), channel.full())
        with pytest.raises(ChannelFull):
            channel.put_nowait(2)


async def test_the_loop_given_is_the_one_to_wait_in() -> None:
    channel: Channel[int] = Channel(0, asyncio.get_running_loop())
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    assert 7 == await getting


@pytest.mark.parametrize("call", ["get", "put", "join", "select"])
async def test_a_wait_in_another_loop_than_the_one_given_is_refused(call: str) -> None:
    with new_loop() as other:
        channel: Channel[int] = Channel(1, loop=other)
        calls: dict[str, Callable[[], Coroutine[object, Never, object]]] = {
            "get": channel.get,
            "put": lambda: channel.put(2),
            "join": channel.join,
            "select": lambda: select(channel.on_get()),
        }
        if call == "put":
            channel.put_nowait(1)
        before = channel.statistics()
        with pytest.raises(RuntimeError, match=r"<Channel .* was made for the event loop .*; a task of .* cannot wait"):
            await calls[call]()
        assert before == channel.statistics()


async def test_calls_that_need_not_wait_work_in_another_loop_than_the_one_given() -> None:
    with new_loop() as other:
        channel: Channel[int] = Channel(1, loop=other)
        await channel.put(7)
        assert 7 == await channel.get()


# A loop that was closed while tasks waited


def abandoned(*calls: Coroutine[object, Never, object]) -> list[asyncio.Task[object]]:
    """Tasks that wait in a loop that has been closed; as long as they are referred to, they do not even end."""
    with new_loop() as loop:
        tasks = [loop.create_task(call) for call in calls]
        loop.run_until_complete(settle())
    return tasks


@pytest.mark.parametrize("kept", [False, True])
def test_a_channel_forgets_the_receivers_of_a_closed_loop(kept: bool) -> None:
    channel: Channel[int] = Channel(1)
    tasks = abandoned(channel.get(), channel.get())
    if not kept:
        tasks.clear()
    channel.put_nowait(1)
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)
    assert 1 == asyncio.run(channel.get())
    assert 0 == channel.statistics().waiting_receivers


@pytest.mark.parametrize("kept", [False, True])
def test_a_channel_forgets_the_senders_of_a_closed_loop(kept: bool) -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(0)
    tasks = abandoned(channel.put(1), channel.put(2))
    if not kept:
        tasks.clear()
    assert 0 == channel.get_nowait()
    channel.put_nowait(3)
    assert [3] == list(channel)
    assert 0 == channel.statistics().waiting_senders


@pytest.mark.parametrize("kept", [False, True])
def test_a_channel_can_be_waited_on_after_its_loop_was_closed(kept: bool) -> None:
    async def exchange() -> int:
        getting = await waiting(channel.get())
        await channel.put(7)
        return await getting

    channel: Channel[int] = Channel(1)
    tasks = abandoned(channel.get(), channel.join(), channel.wait_closed())
    if not kept:
        tasks.clear()
    assert 7 == asyncio.run(exchange())


@pytest.mark.parametrize("kept", [False, True])
def test_a_channel_can_be_closed_after_its_loop_was_closed(kept: bool) -> None:
    channel: Channel[int] = Channel(1)
    tasks = abandoned(channel.get(), channel.join(), channel.wait_closed())
    if not kept:
        tasks.clear()
    assert channel.close()
    asyncio.run(channel.join())


async def at_once(call: Coroutine[object, Never, T]) -> T:
    async with asyncio.timeout(0):
        return await call


def waiters(channel: Channel[int]) -> tuple[int, int]:
    statistics = channel.statistics()
    return statistics.waiting_senders, statistics.waiting_receivers


def abandoned_woken(
    channel: Channel[int], *calls: Coroutine[object, Never, object], closed: bool = False
) -> list[asyncio.Task[object]]:
    """Tasks of a loop that was closed after they were woken by one more item or one less, and before they ran."""
    with new_loop() as loop:
        tasks = [loop.create_task(call) for call in calls]
        loop.run_until_complete(settle())
        if channel.empty():
            channel.put_nowait(7)
        else:
            channel.get_nowait()
        if closed:
            channel.close()
    return tasks


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("closed", ["never", "in the loop", "later"])
@pytest.mark.parametrize("call", ["get", "get_nowait", "get_many_nowait", "select", "async for"])
def test_an_item_promised_in_a_loop_that_was_closed_can_be_taken(call: str, closed: str, kept: bool) -> None:
    async def take() -> object:
        async with asyncio.timeout(0):
            match call:
                case "get":
                    return await channel.get()
                case "get_nowait":
                    return channel.get_nowait()
                case "get_many_nowait":
                    return channel.get_many_nowait(3)[0]
                case "select":
                    return (await select(channel.on_get()))[1]
                case _:
                    return await anext(aiter(channel))

    channel: Channel[int] = Channel()
    tasks = abandoned_woken(channel, channel.get(), channel.get(), closed=closed == "in the loop")
    if closed == "later":
        channel.close()
    if not kept:
        tasks.clear()
        gc.collect()
    assert 7 == asyncio.run(take())
    assert (0, 0) == (channel.qsize(), channel.statistics().waiting_receivers)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("call", ["put", "put_nowait", "put_many", "select"])
def test_a_slot_granted_in_a_loop_that_was_closed_is_room(call: str, kept: bool) -> None:
    async def put() -> None:
        async with asyncio.timeout(0):
            match call:
                case "put":
                    await channel.put(3)
                case "put_nowait":
                    channel.put_nowait(3)
                case "put_many":
                    await channel.put_many([3])
                case _:
                    await select(channel.on_put(3))

    channel: Channel[int] = Channel(1)
    channel.put_nowait(0)
    tasks = abandoned_woken(channel, channel.put(1), channel.put(2))
    if not kept:
        tasks.clear()
        gc.collect()
    asyncio.run(put())
    assert ([3], True, 0) == (list(channel), channel.full(), channel.statistics().waiting_senders)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("side", "woken", "left"), [("get", False, []), ("get", True, [7]), ("put", False, [0]), ("put", True, [])]
)
@pytest.mark.parametrize("look", ["qsize", "empty", "full", "statistics", "str"])
def test_no_look_counts_the_tasks_of_a_loop_that_was_closed(
    look: str, side: str, woken: bool, left: list[int], kept: bool
) -> None:
    channel: Channel[int] = Channel(1)
    if side == "get":
        calls: list[Coroutine[object, Never, object]] = [channel.get(), channel.get()]
    else:
        channel.put_nowait(0)
        calls = [channel.put(1), channel.put(2)]
    tasks = abandoned_woken(channel, *calls) if woken else abandoned(*calls)
    calls.clear()
    if not kept:
        tasks.clear()
        gc.collect()
    now: Channel[int] = Channel(1)  # what it should look like
    for item in left:
        now.put_nowait(item)
    looks: dict[str, Callable[[Channel[int]], object]] = {
        "qsize": Channel.qsize,
        "empty": Channel.empty,
        "full": Channel.full,
        "statistics": Channel.statistics,
        "str": str,
    }
    assert looks[look](now) == looks[look](channel)
    assert left == list(channel)


@pytest.mark.parametrize("receivers", [1, 2])
def test_a_receiver_of_a_loop_that_was_closed_is_no_room(receivers: int) -> None:
    channel: Channel[int] = Channel(1)
    tasks = abandoned_woken(channel, *[channel.get() for _ in range(receivers)])
    with pytest.raises(ChannelFull):
        channel.put_nowait(8)
    with pytest.raises(TimeoutError):
        asyncio.run(at_once(channel.put(9)))
    tasks.clear()
    assert ([7], 0, 0) == (list(channel), *waiters(channel))


@pytest.mark.parametrize("receivers", [1, 2])
@pytest.mark.parametrize("call", ["put", "put_many", "select", "select, mapped"])
def test_a_put_waits_where_only_receivers_of_a_closed_loop_do(call: str, receivers: int) -> None:
    async def put() -> None:
        match call:
            case "put":
                await channel.put(8)
            case "put_many":
                await channel.put_many([8])
            case "select":
                await select(channel.on_put(8))
            case _:
                await select(channel.on_put(8).map(str))

    channel: Channel[int] = Channel(1)
    tasks = abandoned_woken(channel, *[channel.get() for _ in range(receivers)])
    with pytest.raises(TimeoutError):
        asyncio.run(at_once(put()))
    tasks.clear()
    assert [7] == list(channel)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("side", ["get", "put"])
def test_a_select_with_otherwise_does_not_count_the_tasks_of_a_closed_loop(side: str, mapped: bool, kept: bool) -> None:
    channel: Channel[int] = Channel(1)
    if side == "put":
        channel.put_nowait(0)
    tasks = abandoned_woken(channel, channel.get() if side == "get" else channel.put(1))
    if not kept:
        tasks.clear()
        gc.collect()
    case: Case[object] = channel.on_get() if side == "get" else channel.on_put(3)
    position, _ = asyncio.run(select(case.map(str) if mapped else case, otherwise()))
    assert (0, [3][: side == "put"]) == (position, list(channel))


def test_a_select_on_both_sides_gets_what_was_promised_in_a_loop_that_was_closed() -> None:
    channel = Channel[int].rendezvous()
    tasks = abandoned_woken(channel, channel.get())
    # Its first case makes the channel forget, its second one has to notice.
    assert (1, 7) == asyncio.run(at_once(select(channel.on_put(3), channel.on_get(), biased=True)))
    tasks.clear()
    assert (0, 0, 0) == (channel.qsize(), *waiters(channel))


def test_a_select_on_both_sides_uses_a_slot_granted_in_a_loop_that_was_closed() -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(0)
    tasks = abandoned_woken(channel, channel.put(1))
    assert (1, None) == asyncio.run(at_once(select(channel.on_get(), channel.on_put(3), biased=True)))
    tasks.clear()
    assert ([3], 0, 0) == (list(channel), *waiters(channel))


def test_a_select_on_both_sides_keeps_to_the_maxsize_after_its_loop_was_closed() -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(0)
    getting = channel.get()

    def grant_and_promise() -> None:
        channel.get_nowait()
        getting.send(None)
        channel.put_nowait(7)
        loop.stop()

    with new_loop() as loop:
        putting = loop.create_task(channel.put(1))
        loop.run_until_complete(settle())
        loop.call_soon(grant_and_promise)
        loop.run_forever()
    assert (1, 7) == asyncio.run(at_once(select(channel.on_put(3), channel.on_get(), biased=True)))
    assert not putting.done()
    getting.close()
    assert ([], 0, 0) == (list(channel), *waiters(channel))


def call_of(side: str, channel: Channel[int]) -> Coroutine[object, Never, object]:
    match side:
        case "get":
            return channel.get()
        case "put":
            return channel.put(1)
        case "batch":
            return channel.get_many(2, within=60)
        case "select get":
            return select(channel.on_get())
        case _:
            return select(channel.on_put(1))


@pytest.mark.parametrize("woken", [False, True])
@pytest.mark.parametrize("side", ["get", "put", "batch", "select get", "select put"])
def test_a_task_of_a_closed_loop_that_ends_later_changes_nothing(side: str, woken: bool) -> None:
    """The channel has gone on in another loop, when the last reference to the task goes."""

    async def go_on() -> tuple[list[int], list[int]]:
        before = channel.get_many_nowait(9)
        getting = await waiting(channel.get())
        tasks.clear()
        gc.collect()
        channel.put_nowait(3)
        channel.put_nowait(4)
        assert channel.full()
        assert 3 == await getting
        putting = await waiting(channel.put(5))
        assert 4 == channel.get_nowait()
        await putting
        return before, list(channel)

    channel: Channel[int] = Channel(1)
    if side.endswith("put"):
        channel.put_nowait(0)
    calls = [call_of(side, channel), call_of(side, channel)]
    tasks = abandoned_woken(channel, *calls) if woken else abandoned(*calls)
    calls.clear()
    left = {("get", True): [7], ("batch", True): [7], ("put", False): [0]}.get((side.rsplit(maxsplit=1)[-1], woken), [])
    assert (left, [5]) == asyncio.run(go_on())


@pytest.mark.parametrize("side", ["get", "put", "batch", "select get", "select put"])
def test_a_task_of_a_closed_loop_that_ends_later_takes_no_claim_of_another(side: str) -> None:
    async def claim() -> tuple[int, bool]:
        if not channel.empty():
            channel.get_nowait()
        if side.endswith("put"):
            channel.put_nowait(2)
        claiming = await waiting(call_of("get" if side == "batch" else side, channel))
        if side.endswith("put"):
            channel.get_nowait()
        else:
            channel.put_nowait(2)
        tasks.clear()
        gc.collect()
        claimed = channel.qsize(), channel.full()
        await claiming
        return claimed

    channel: Channel[int] = Channel(1)
    if side.endswith("put"):
        channel.put_nowait(0)
    tasks = abandoned_woken(channel, call_of(side, channel))
    assert (0, side.endswith("put")) == asyncio.run(claim())


@pytest.mark.parametrize("side", ["get", "put"])
def test_a_task_cancelled_in_a_loop_that_was_closed_and_forgotten_changes_nothing(side: str) -> None:
    channel, other = Channel[int](1), Channel[int](1)
    if side == "put":
        channel.put_nowait(0)
    call: Coroutine[object, Never, object] = channel.get() if side == "get" else channel.put(1)
    with new_loop() as loop:
        tasks = [loop.create_task(call)]
        loop.run_until_complete(settle())
        tasks[0].cancel()
    del call
    before = channel.statistics()
    tasks.clear()
    gc.collect()
    assert (before, (0, 0), (0, 0)) == (channel.statistics(), waiters(channel), waiters(other))


def test_an_item_promised_in_a_loop_that_was_forgotten_is_taken_without_letting_others_run() -> None:
    channel: Channel[int] = Channel()
    with new_loop() as loop:
        tasks = [loop.create_task(channel.get())]
        loop.run_until_complete(settle())
        channel.put_nowait(1)
        channel.put_nowait(2)
        assert 1 == channel.get_nowait()
    assert 1 == channel.qsize()
    with pytest.raises(StopIteration) as caught:
        channel.get().send(None)
    assert 2 == caught.value.value
    tasks.clear()


def test_a_grant_on_a_channel_that_is_closed_keeps_no_other_loop_away() -> None:
    channel: Channel[int] = Channel(2)
    channel.put_nowait(0)
    channel.put_nowait(1)
    with new_loop() as first, new_loop() as second:
        putting = first.create_task(channel.put(2))
        first.run_until_complete(settle())
        assert 0 == channel.get_nowait()
        channel.close()
        with pytest.raises(TimeoutError):
            second.run_until_complete(at_once(channel.join()))
        first.run_until_complete(settle())
        assert isinstance(putting.exception(), ChannelClosed)


# Forks


def in_a_fork(call: Callable[[], object]) -> str:
    """Return the repr of what a call returns in a fork of this process."""
    read, write = os.pipe()
    with catch_warnings(action="ignore", category=DeprecationWarning):  # other tests may have left a thread
        child = os.fork()
    if child == 0:
        try:
            os.write(write, repr(call()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_in_a_forked_process_the_tasks_of_its_parent_do_not_wait() -> None:
    """What the child put was promised to a task that runs in the parent only."""

    def go_on() -> object:
        counted = channel.statistics().waiting_receivers
        channel.put_nowait(7)
        return counted, channel.full(), channel.get_nowait(), asyncio.run(exchange())

    async def exchange() -> int:
        getting = await waiting(channel.get())
        await channel.put(8)
        channel.put_nowait(9)
        return await getting

    channel: Channel[int] = Channel(1)
    with new_loop() as loop:
        getting = loop.create_task(channel.get())
        loop.run_until_complete(settle())
        assert "(0, True, 7, 8)" == in_a_fork(go_on)
        channel.put_nowait(9)
        assert 9 == loop.run_until_complete(getting)


# Threads


in_any_mode = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
"""asyncio itself refuses a call from another thread in debug mode only, and then after something has changed."""


@contextmanager
def another_thread(debug: bool) -> Iterator[Callable[[Callable[[], object]], BaseException | None]]:
    """Give a way to run a call in another thread, and to see what it raised."""
    loop = asyncio.get_running_loop()
    loop.set_debug(debug)
    with ThreadPoolExecutor(1) as pool:
        yield lambda call: pool.submit(call).exception()
    loop.set_debug(False)


def assert_refused(error: BaseException | None) -> None:
    assert isinstance(error, RuntimeError)
    assert re.search(r"<Channel .*> is not thread-safe, .* asyncio\.run_coroutine_threadsafe\(channel\.put", str(error))


@in_any_mode
async def test_a_put_from_a_wrong_thread_for_a_batch_that_has_its_first_item_is_refused(debug: bool) -> None:
    channel: Channel[int] = Channel(1)
    batch = await waiting(channel.get_many(4, within=60))
    channel.put_nowait(1)
    before = channel.statistics()
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(lambda: channel.put_nowait(2)))
        assert_refused(elsewhere(lambda: asyncio.run(channel.put_many([2, 3]))))
        assert_refused(elsewhere(lambda: asyncio.run(channel.put(2))))
    assert (before, [1]) == (channel.statistics(), list(channel))
    channel.close()
    assert [1] == await batch


@in_any_mode
async def test_put_nowait_from_a_wrong_thread_is_refused_and_changes_nothing(debug: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    before = channel.statistics()
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(lambda: channel.put_nowait(1)))
    assert (before, []) == (channel.statistics(), list(channel))
    channel.put_nowait(2)
    assert 2 == await getting


@in_any_mode
async def test_put_many_and_close_from_a_wrong_thread_where_a_get_waits_change_nothing(debug: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(lambda: asyncio.run(channel.put_many([1, 2]))))
        assert_refused(elsewhere(channel.close))
    assert ([], False) == (list(channel), channel.closed())
    channel.put_nowait(2)
    assert 2 == await getting


@in_any_mode
@pytest.mark.parametrize("call", ["get_nowait", "get_many_nowait", "close", "abort"])
async def test_a_call_that_would_wake_a_sender_from_a_wrong_thread_changes_nothing(call: str, debug: bool) -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(0)
    putting = await waiting(channel.put(1))
    before = channel.statistics()
    calls: dict[str, Callable[[], object]] = {
        "get_nowait": channel.get_nowait,
        "get_many_nowait": partial(channel.get_many_nowait, 1),
        "close": channel.close,
        "abort": channel.abort,
    }
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(calls[call]))
    assert (before, [0]) == (channel.statistics(), list(channel))
    assert [0, 1] == [await channel.get(), await channel.get()]
    await putting


@in_any_mode
@pytest.mark.virtual_clock
@pytest.mark.parametrize("call", ["get_nowait", "get_many_nowait", "abort"])
async def test_a_call_that_would_complete_a_join_from_a_wrong_thread_changes_nothing(call: str, debug: bool) -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(0)
    channel.close()
    joining = await waiting(channel.join())
    calls: dict[str, Callable[[], object]] = {
        "get_nowait": channel.get_nowait,
        "get_many_nowait": partial(channel.get_many_nowait, 1),
        "abort": channel.abort,
    }
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(calls[call]))
    assert [0] == list(channel)
    assert 0 == channel.get_nowait()
    await joining


@in_any_mode
@pytest.mark.virtual_clock
async def test_a_second_close_wakes_nobody_and_is_not_refused_from_another_thread(debug: bool) -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(0)
    channel.close()
    joining = await waiting(channel.join())
    with another_thread(debug) as elsewhere:
        assert elsewhere(channel.close) is None
    assert [0] == channel.abort()
    await joining


@in_any_mode
async def test_a_put_in_the_loop_of_a_wrong_thread_is_refused_and_changes_nothing(debug: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(lambda: asyncio.run(channel.put(1))))
    assert [] == list(channel)
    assert await cancelled(getting)


@in_any_mode
@pytest.mark.virtual_clock
@pytest.mark.parametrize("side", ["sender", "receiver"])
async def test_an_end_that_would_close_the_channel_from_a_wrong_thread_has_not_left(side: str, debug: bool) -> None:
    channel: Channel[int] = Channel()
    end = channel.open_sender() if side == "sender" else channel.open_receiver()
    getting = await waiting(channel.get())
    before = channel.statistics()

    def leave() -> None:
        with end:
            pass

    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(leave))
    assert before == channel.statistics()
    end.leave()
    await settle()
    assert isinstance(getting.exception(), ChannelClosed)


@in_any_mode
@pytest.mark.parametrize("call", ["leave", "close", "end of the block"])
async def test_an_end_that_could_not_leave_from_a_wrong_thread_can_still_be_used(call: str, debug: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    end = channel.open_sender()
    with end as numbers:
        calls: dict[str, Callable[[], object]] = {
            "leave": end.leave,
            "close": numbers.close,
            "end of the block": lambda: end.__exit__(None, None, None),
        }
        with another_thread(debug) as elsewhere:
            assert_refused(elsewhere(calls[call]))
        numbers.put_nowait(1)
        assert 1 == await getting


@in_any_mode
@pytest.mark.virtual_clock
@pytest.mark.parametrize("side", ["get", "put"])
async def test_a_select_in_the_loop_of_a_wrong_thread_is_refused_and_changes_nothing(side: str, debug: bool) -> None:
    channel: Channel[int] = Channel(1)
    if side == "get":
        channel.put_nowait(0)
    waits: asyncio.Task[object] = await waiting(channel.put(1)) if side == "get" else await waiting(channel.get())
    before, items = channel.statistics(), list(channel)

    async def choose() -> object:
        return await (select(channel.on_get()) if side == "get" else select(channel.on_put(1)))

    with another_thread(debug) as elsewhere:
        assert_refused(elsewhere(lambda: asyncio.run(choose())))
    assert (before, items) == (channel.statistics(), list(channel))
    await choose()
    await waits


@in_any_mode
async def test_calls_that_wake_nobody_are_not_refused(debug: bool) -> None:
    channel: Channel[int] = Channel(2)
    assert await cancelled(await waiting(channel.get()))  # it belongs to this loop, and nobody waits
    with another_thread(debug) as elsewhere:
        assert [None] * 4 == [
            elsewhere(lambda: channel.put_nowait(1)),
            elsewhere(channel.get_nowait),
            elsewhere(lambda: asyncio.run(channel.put_many([2, 3]))),
            elsewhere(channel.close),
        ]
    assert [2, 3] == list(channel)


async def test_the_way_from_another_thread_that_the_message_names_puts_and_waits_for_room() -> None:
    channel: Channel[int] = Channel(1)
    loop = asyncio.get_running_loop()

    def produce() -> None:
        for item in range(5):
            asyncio.run_coroutine_threadsafe(channel.put(item), loop).result()
        asyncio.run_coroutine_threadsafe(channel.put_many([5, 6]), loop).result()

    producing = loop.run_in_executor(None, produce)
    assert list(range(7)) == [await channel.get() for _ in range(7)]
    await producing


def test_a_call_outside_any_loop_may_wake_a_task() -> None:
    channel: Channel[int] = Channel()
    with new_loop() as loop:
        loop.set_debug(True)
        getting = loop.create_task(channel.get())
        loop.run_until_complete(settle())
        channel.put_nowait(7)
        assert 7 == loop.run_until_complete(getting)


# Memory


async def test_a_dropped_channel_with_handles_is_freed_at_once() -> None:
    with without_gc():
        channel: Channel[int] = Channel()
        tx, rx = channel.split()
        await tx.put(1)
        assert 1 == await anext(aiter(rx))
        assert tx == channel.sender
        dropped = ref(channel)
        del channel, tx, rx
        assert dropped() is None


async def test_traffic_does_not_add_up() -> None:
    """crossbeam and flume."""
    channel: Channel[int] = Channel()
    tracemalloc.start()
    try:
        await channel.put_many(range(1_000))
        await channel.get_many(1_000)
        before, _ = tracemalloc.get_traced_memory()
        for item in range(20_000):
            channel.put_nowait(item)
            await channel.get()
            channel.put_nowait(item)
            channel.get_nowait()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10_000
