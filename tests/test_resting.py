"""An awaited call may let other tasks run although it need not wait; so a task that never waits starves nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable
from contextlib import suppress
from typing import Never

import pytest

from aiochannel import Case, Channel, ChannelClosed, ChannelEmpty, ChannelFull, Receiver, otherwise, select
from tests.budgets import SHIPPED, small_budgets
from tests.conftest import filled, waiting

Call = Callable[[], Coroutine[object, Never, object]]
MANY = 3 * SHIPPED.calls
"""More calls than may go ahead in a row."""


def stock() -> Channel[int]:
    return filled(*range(MANY * 2))


def busy() -> Channel[int]:
    """A channel whose gets count how many go ahead, since it is closed."""
    channel = stock()
    channel.close()
    return channel


def endless(channel: Channel[int]) -> Call:
    """Return a call that takes the next item of one iteration."""
    iterator: AsyncIterator[int] = aiter(channel)
    return lambda: step(iterator)


async def step(iterator: AsyncIterator[int]) -> int:
    return await anext(iterator)


async def there_and_back(channel: Channel[int]) -> None:
    await channel.put(1)
    await channel.get()


def to_a_batch(call: Callable[[Channel[int]], Coroutine[object, Never, object]]) -> Call:
    """Return a put for which a large batch waits, with its first item."""
    channel: Channel[int] = Channel(1)
    batch = channel.get_many(2 * MANY, within=60)
    batch.send(None)
    channel.put_nowait(1)
    return lambda: call((channel, batch)[0])  # the batch ends with the call


def closed() -> Channel[int]:
    channel: Channel[int] = Channel()
    channel.close()
    return channel


def on(make: Callable[[], Channel[int]], call: Callable[[Channel[int]], Coroutine[object, Never, object]]) -> Call:
    channel = make()
    return lambda: call(channel)


async def refused(call: Coroutine[object, Never, object]) -> None:
    """Go on after a refusal, as a loop does that should have ended."""
    with pytest.raises(ChannelClosed):
        await call


ENDLESS: dict[str, Callable[[], Call]] = {
    "put, unbounded": lambda: on(Channel, lambda channel: channel.put(1)),
    "put_many of one, unbounded": lambda: on(Channel, lambda channel: channel.put_many([1])),
    "put_many of an iterator, unbounded": lambda: on(Channel, lambda channel: channel.put_many(iter([1]))),
    "put_many of many, unbounded": lambda: on(Channel, lambda channel: channel.put_many(range(2_000))),
    "put, to a batch": lambda: to_a_batch(lambda channel: channel.put(1)),
    "put_many of one, to a batch": lambda: to_a_batch(lambda channel: channel.put_many([1])),
    "put_many of an iterator, to a batch": lambda: to_a_batch(lambda channel: channel.put_many(iter([1]))),
    "select put, to a batch": lambda: to_a_batch(lambda channel: select(channel.on_put(1))),
    "select mapped put, to a batch": lambda: to_a_batch(lambda channel: select(channel.on_put(1).map(str))),
    "get, busy": lambda: on(stock, lambda channel: channel.get()),
    "async for, busy": lambda: endless(stock()),
    "select get, busy": lambda: on(stock, lambda channel: select(channel.on_get())),
    "select mapped get, busy": lambda: on(stock, lambda channel: select(channel.on_get().map(str))),
    "select put, unbounded": lambda: on(Channel, lambda channel: select(channel.on_put(1))),
    "select mapped put, unbounded": lambda: on(Channel, lambda channel: select(channel.on_put(1).map(str))),
    "get, closed and busy": lambda: on(busy, lambda channel: channel.get()),
    "get_many, closed and busy": lambda: on(busy, lambda channel: channel.get_many(1)),
    "get_many, busy": lambda: on(stock, lambda channel: channel.get_many(1)),
    "async for, closed and busy": lambda: endless(busy()),
    "select get, closed and busy": lambda: on(busy, lambda channel: select(channel.on_get())),
    "select or_closed, drained": lambda: on(closed, lambda channel: select(channel.on_get().or_closed(None))),
    "select on_close": lambda: on(closed, lambda channel: select(channel.on_close())),
    "select mapped on_close": lambda: on(closed, lambda channel: select(channel.on_close().map(str))),
    "select put or_closed, closed": lambda: on(closed, lambda channel: select(channel.on_put(1).or_closed(None))),
    "select get, drained": lambda: on(closed, lambda channel: refused(select(channel.on_get()))),
    "select put, closed": lambda: on(closed, lambda channel: refused(select(channel.on_put(1)))),
    "select mapped get, drained": lambda: on(closed, lambda channel: refused(select(channel.on_get().map(str)))),
    "select mapped put, closed": lambda: on(closed, lambda channel: refused(select(channel.on_put(1).map(str)))),
    "select mapped or_closed, drained": lambda: on(
        closed, lambda channel: select(channel.on_get().map(str).or_closed(None))
    ),
    "select or_closed beside a channel": lambda: on(
        closed, lambda channel: select(Channel[int]().on_get(), channel.on_get().or_closed(None))
    ),
    "select otherwise": lambda: on(Channel, lambda channel: select(channel.on_get(), otherwise())),
    "select mapped otherwise": lambda: on(Channel, lambda channel: select(channel.on_get(), otherwise().map(str))),
    "select otherwise alone": lambda: lambda: select(otherwise()),
}
every_endless = pytest.mark.parametrize("make", ENDLESS.values(), ids=ENDLESS)


async def repeat(call: Call) -> None:
    """Call more often than may go ahead in a row; not for ever, so that a test which fails ends."""
    for _ in range(MANY):
        await call()


@every_endless
async def test_a_deadline_is_met_beside_calls_that_never_wait(make: Callable[[], Call]) -> None:
    call = make()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await repeat(call)


@every_endless
async def test_another_task_runs_beside_calls_that_never_wait(make: Callable[[], Call]) -> None:
    call = make()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    await repeat(call)
    assert ["ran"] == others


async def test_a_mapped_get_of_a_busy_channel_goes_ahead_once_others_have_run() -> None:
    channel = busy()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    assert [(0, str(item)) for item in range(MANY)] == [await select(channel.on_get().map(str)) for _ in range(MANY)]
    assert ["ran"] == others


async def test_a_closed_stop_case_in_a_loop_does_not_freeze_the_event_loop() -> None:
    """A stop channel left in the loop after it was closed: signal handlers did not run either."""
    jobs: Channel[int] = Channel()
    stop: Channel[Never] = Channel()
    stop.close()
    asyncio.get_running_loop().call_soon(jobs.put_nowait, 7)

    async def work(jobs: Receiver[int], stop: Receiver[Never]) -> int | None:
        for _ in range(MANY):
            match await select(jobs.on_get(), stop.on_get().or_closed(None), biased=True):
                case 0, job:
                    return job
                case _:
                    pass  # the mistake: it should leave
        return None

    assert 7 == await work(jobs, stop)


async def test_the_producer_of_an_unbounded_channel_lets_its_consumer_run() -> None:
    channel: Channel[int] = Channel()
    taken: list[int] = []

    async def consume() -> None:
        async for item in channel:
            taken.append(item)  # noqa: PERF401  # seen while it runs

    consuming = asyncio.create_task(consume())
    most = 0
    for item in range(MANY * 3):
        await channel.put(item)
        most = max(most, channel.qsize())
    assert most <= 2 * SHIPPED.calls
    channel.close()
    await consuming
    assert list(range(MANY * 3)) == taken


# What a call has done that is cancelled when it lets others run


PAUSING: dict[str, tuple[int, Callable[[Channel[int]], Coroutine[object, Never, object]]]] = {
    "put": (0, lambda channel: channel.put(7)),
    "put_many": (0, lambda channel: channel.put_many([7])),
    "put_many of an iterator": (0, lambda channel: channel.put_many(iter([7]))),
    "select put": (0, lambda channel: select(channel.on_put(7))),
    "select mapped put": (0, lambda channel: select(channel.on_put(7).map(str))),
    "get": (9, lambda channel: channel.get()),
    "get_many": (9, lambda channel: channel.get_many(3)),
    "async for": (9, lambda channel: step(aiter(channel))),
    "select get": (9, lambda channel: select(channel.on_get())),
    "select mapped get": (9, lambda channel: select(channel.on_get().map(str))),
}


def paused(name: str) -> tuple[Channel[int], list[int], Generator[object, None, object]]:
    """Make calls until one lets others run; return the channel, what was in it before that call, and the call."""
    count, call = PAUSING[name]
    channel = filled(*range(count))
    if count:
        channel.close()
    for _ in range(9):
        before = list(channel)
        step = call(channel).__await__()
        try:
            next(step)
        except StopIteration:  # it has gone ahead
            continue
        return channel, before, step
    raise AssertionError("no call has let others run")


every_pausing = pytest.mark.parametrize("name", PAUSING)


@every_pausing
async def test_a_call_that_is_cancelled_when_it_lets_others_run_has_done_nothing(name: str) -> None:
    with small_budgets():
        channel, before, step = paused(name)
    with pytest.raises(asyncio.CancelledError):
        step.throw(asyncio.CancelledError())
    assert before == list(channel)


@every_pausing
async def test_a_call_that_let_others_run_is_refused_if_they_have_closed_and_emptied_the_channel(name: str) -> None:
    with small_budgets():
        channel, before, step = paused(name)
        assert before == channel.abort()
        with pytest.raises(StopAsyncIteration if name == "async for" else ChannelClosed):
            deque(step, maxlen=0)  # it may let others run once more
    assert [] == list(channel)


# What lets nobody run


async def test_ordinary_numbers_of_calls_in_a_row_let_nobody_else_run() -> None:
    channel: Channel[int] = Channel()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    for item in range(1_000):
        await channel.put(item)
    assert list(range(1_000)) == [await channel.get() for _ in range(1_000)]
    assert [] == others


@pytest.mark.parametrize("side", ["get", "mapped get", "put", "mapped put"])
async def test_ordinary_numbers_of_selects_that_take_their_default_let_nobody_else_run(side: str) -> None:
    channel = filled(1, maxsize=1) if side.endswith("put") else filled(maxsize=1)
    case: Case[object] = channel.on_put(1) if side.endswith("put") else channel.on_get()
    case = case.map(str) if side.startswith("mapped") else case
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    SHIPPED.apply()
    for _ in range(SHIPPED.selects - 1):
        await select(case, otherwise())
    assert [] == others


@pytest.mark.parametrize("mapped", [False, True])
async def test_a_select_that_finds_all_items_promised_lets_nobody_else_run(mapped: bool) -> None:
    channel: Channel[int] = Channel()
    getting = channel.get()
    getting.send(None)
    channel.put_nowait(1)
    channel.put_nowait(2)
    assert 1 == channel.get_nowait()
    SHIPPED.apply()
    case: Case[object] = channel.on_get()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    assert (1, None) == await select(case.map(str) if mapped else case, otherwise())
    assert [] == others
    getting.close()


async def test_ordinary_batches_let_nobody_else_run() -> None:
    channel = stock()
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    assert 100 == sum([len(await channel.get_many(1)) for _ in range(100)])
    assert [] == others


@pytest.mark.parametrize("call", ["get", "get_many"])
@pytest.mark.parametrize("promised", [False, True])
async def test_a_get_that_has_to_wait_enters_the_queue_before_others_run(call: str, promised: bool) -> None:
    with small_budgets():
        channel: Channel[int] = Channel()
        getting = await waiting(channel.get())
        channel.put_nowait(0)
        if not promised:
            await getting
        for item in range(1, 9):
            channel.put_nowait(item)
        channel.get_nowait()  # from now on the gets are counted
        channel.get_many_nowait(9)
        entering: Coroutine[object, None, object] = channel.get() if call == "get" else channel.get_many(2)
        entering.send(None)
        assert 1 == channel.statistics().waiting_receivers
        entering.close()
        await getting


def ended(step: Coroutine[object, None, object]) -> bool:
    """Let a call go on, and return whether it has ended."""
    try:
        step.send(None)
    except StopIteration:
        return True
    return False


@pytest.mark.parametrize("call", ["get", "get_many", "async for", "select get", "select mapped get"])
async def test_a_get_that_finds_an_item_beside_promised_ones_lets_nobody_else_run(call: str) -> None:
    channel: Channel[int] = Channel()
    gets = [channel.get(), channel.get()]
    for get in gets:
        get.send(None)
    for item in range(3):
        channel.put_nowait(item)
    assert 0 == channel.get_nowait()
    assert ended(gets[0])
    channel.put_nowait(3)
    with pytest.raises(StopIteration):
        next(PAUSING[call][1](channel).__await__())
    gets[1].close()


@pytest.mark.parametrize("granted", [False, True])
async def test_a_put_that_has_to_wait_enters_the_queue_before_others_run(granted: bool) -> None:
    with small_budgets():
        channel: Channel[int] = Channel(3)
        for item in range(3):
            channel.put_nowait(item)
        senders = [channel.put(item) for item in range(3)]
        if granted:
            for each in senders[:2]:
                each.send(None)
            assert [0, 1] == channel.get_many_nowait(2)
            with pytest.raises(StopIteration):
                senders[0].send(None)
        before = channel.statistics().waiting_senders
        senders[2].send(None)
        assert before + 1 == channel.statistics().waiting_senders
        for each in senders:
            each.close()


@pytest.mark.parametrize("granted", range(5))
async def test_a_put_enters_the_queue_at_once_where_slots_are_granted_that_are_not_there_any_more(granted: int) -> None:
    channel = Channel[int].rendezvous()
    puts = [channel.put(item) for item in range(granted + 1)]
    gets = [channel.get() for _ in puts]
    for call in (*puts, *gets):
        call.send(None)
    for get in gets:
        get.close()
    with pytest.raises(StopIteration):
        puts[0].send(None)
    putting = channel.put(9)
    putting.send(None)
    assert 1 == channel.statistics().waiting_senders
    for call in (*puts, putting):
        call.close()


async def test_the_puts_that_follow_a_granted_one_let_others_run() -> None:
    with small_budgets():
        channel = filled(*range(100), maxsize=100)
        granted = channel.put(100)
        granted.send(None)
        channel.get_many_nowait(100)
        assert ended(granted)
        calls = [channel.put(item) for item in range(20)]
        assert not all(ended(call) for call in calls)
        for call in calls:
            call.close()


@pytest.mark.parametrize("more", [0, 1, 2])
async def test_a_closed_channel_of_as_many_items_as_go_ahead_in_a_row_tells_that_it_is_drained(more: int) -> None:
    channel = filled(*range(SHIPPED.calls + more))
    channel.close()
    joining = await waiting(channel.join())
    for _ in range(SHIPPED.calls + more):
        channel.get_nowait()
    await joining


@pytest.mark.parametrize("call", ["get", "get_many", "async for"])
async def test_the_get_that_drains_a_channel_lets_nobody_else_run(call: str) -> None:
    channel = filled(1, 2)
    channel.close()
    channel.get_nowait()
    with pytest.raises(StopIteration):
        next(PAUSING[call][1](channel).__await__())


in_every_form = pytest.mark.parametrize("form", [list, iter], ids=["list", "iterator"])
Form = Callable[[Iterable[int]], Iterable[int]]


@in_every_form
async def test_a_batch_of_puts_that_fits_lets_nobody_run_in_its_middle(form: Form) -> None:
    with small_budgets():
        channel: Channel[int] = Channel()
        assert ended(channel.put_many(form(range(20))))
    assert list(range(20)) == list(channel)


@in_every_form
async def test_a_batch_of_puts_of_which_some_are_for_a_batch_lets_nobody_run_in_its_middle(form: Form) -> None:
    with small_budgets():
        channel = Channel[int].rendezvous()
        batch = await waiting(channel.get_many(2, within=60))
        putting = channel.put_many(form(range(3)))
        putting.send(None)
        assert 1 == channel.statistics().waiting_senders
    assert [0, 1] == await batch
    putting.close()


@in_every_form
async def test_a_batch_of_puts_takes_no_slot_that_is_granted(form: Form) -> None:
    with small_budgets():
        channel = filled(*range(20), maxsize=20)
        puts = [channel.put(20), channel.put(21)]
        for put in puts:
            put.send(None)
        channel.get_many_nowait(20)
        assert ended(puts[0])
        batch = channel.put_many(form(range(30, 60)))
        while not channel.statistics().waiting_senders:
            batch.send(None)
        assert ended(puts[1])
    assert [20, *range(30, 48), 21] == list(channel)
    batch.close()


async def test_a_put_that_lets_others_run_opens_no_way_to_a_granted_slot() -> None:
    size = SHIPPED.calls + 500
    channel = filled(*range(size), maxsize=size)
    putting = channel.put(-1)
    putting.send(None)
    channel.get_many_nowait(size - 100)
    resting = channel.put(0)
    while ended(resting):
        resting = channel.put(0)
    for _ in range(size):
        with suppress(ChannelFull):
            channel.put_nowait(0)
    assert size - 1 == channel.qsize()
    with pytest.raises(StopIteration):
        putting.send(None)
    resting.close()


async def test_the_calls_that_never_wait_let_nobody_else_run() -> None:
    with small_budgets():
        channel: Channel[int] = Channel()
        others: list[str] = []
        asyncio.get_running_loop().call_soon(others.append, "ran")
        for item in range(100):
            channel.put_nowait(item)
        assert list(range(100)) == [channel.get_nowait() for _ in range(50)] + channel.get_many_nowait(50)
        assert [] == others


async def test_a_channel_that_never_holds_a_thousand_items_lets_nobody_run_before_a_call_waits() -> None:
    channel: Channel[int] = Channel(3)
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    await channel.put_many([1, 2, 3])
    assert [] == others
    putting = await waiting(channel.put(4))
    assert 1 == channel.get_nowait()
    await putting


async def test_what_is_promised_to_more_than_go_ahead_in_a_row_is_not_taken() -> None:
    channel: Channel[int] = Channel()
    many = SHIPPED.calls + 100
    gets = [channel.get() for _ in range(many)]
    for get in gets:
        get.send(None)
    for item in range(many + 1):
        await channel.put(item)
    assert 0 == channel.get_nowait()
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    for get in gets:
        get.close()


async def test_a_put_after_a_get_that_gave_up_leaves_what_is_promised() -> None:
    channel: Channel[int] = Channel()
    woken = channel.get()
    woken.send(None)
    channel.put_nowait(1)
    channel.put_nowait(2)
    assert 1 == channel.get_nowait()
    given_up = channel.get()
    given_up.send(None)
    given_up.close()
    channel.put_nowait(3)
    assert 2 == channel.get_nowait()
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    woken.close()


async def test_a_get_goes_ahead_at_once_after_more_puts_than_go_ahead_in_a_row() -> None:
    channel: Channel[int] = Channel()
    for item in range(SHIPPED.calls + 1):
        channel.put_nowait(item)
    with pytest.raises(StopIteration) as returned:
        channel.get().send(None)
    assert 0 == returned.value.value
