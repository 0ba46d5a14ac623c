import asyncio
import copy
import gc
import pickle
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from fractions import Fraction
from types import FrameType
from weakref import ref

import pytest

import aiochannel.timers
from aiochannel import Channel, ChannelEmpty, Receiver, Sender, after, otherwise, select, tick
from aiochannel.testing import Deadlock
from tests.conftest import ClockedLoop, cancelled, settle, waiting

virtual = pytest.mark.virtual_clock
Make = Callable[[float], Receiver[float]]
timers = pytest.mark.parametrize("make", [after, tick])


def now() -> float:
    return asyncio.get_running_loop().time()


def work(seconds: float) -> None:
    """Move the virtual time on without letting the loop run, as a step of a task does."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockedLoop)
    loop.pass_time(seconds)


async def advance(seconds: float) -> None:
    """Move the virtual time on at once, as a callback that blocks the loop does."""
    work(seconds)
    await settle()


# after


@virtual
async def test_after_gives_the_time_when_the_delay_has_passed() -> None:
    assert 5.0 == await after(5).get()
    assert 5.0 == now()


@virtual
async def test_after_returns_at_once() -> None:
    timer = after(5)
    assert (0.0, True) == (now(), timer.empty())


@pytest.mark.parametrize("delay", [0, -1, -float("inf"), -(10**400)])
async def test_a_delay_of_0_or_less_has_passed_already(delay: float) -> None:
    assert after(delay).get_nowait() <= now()
    assert await after(delay).get() <= now()
    assert (0, None) == await select(after(delay).on_get().map(lambda _: None), otherwise())


@virtual
async def test_after_gives_one_item_and_does_not_close() -> None:
    timer = after(1)
    await asyncio.sleep(10)
    assert 1.0 == timer.get_nowait()
    with pytest.raises(ChannelEmpty):
        timer.get_nowait()
    assert not timer.closed()


@virtual
async def test_after_is_a_timeout_in_a_select() -> None:
    idle: Channel[int] = Channel()
    assert (1, 5.0) == await select(idle.on_get(), after(5).on_get())


@virtual
async def test_after_does_not_come_before_what_is_earlier() -> None:
    soon, late = after(1), after(2)
    assert (1, 1.0) == await select(late.on_get(), soon.on_get())
    assert 2.0 == await late.get()


@virtual
@pytest.mark.parametrize("delay", [float("inf"), 10**400, 1e308])
async def test_a_delay_may_be_endless(delay: float) -> None:
    timer = after(delay)
    waits = await waiting(_get(timer))
    await asyncio.sleep(10**6)
    assert (False, True) == (waits.done(), timer.empty())
    assert await cancelled(waits)


async def test_a_delay_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="delay must be a number of seconds, not nan"):
        after(float("nan"))


# tick


@virtual
async def test_tick_gives_the_time_at_every_interval() -> None:
    ticks = tick(0.5)
    assert [0.5, 1.0, 1.5] == [await ticks.get() for _ in range(3)]


@virtual
async def test_tick_returns_at_once() -> None:
    ticks = tick(0.5)
    assert (0.0, True) == (now(), ticks.empty())


@virtual
async def test_tick_keeps_no_backlog_for_a_slow_reader() -> None:
    ticks = tick(1)
    await asyncio.sleep(5.5)
    assert 5.0 == ticks.get_nowait()
    with pytest.raises(ChannelEmpty):
        ticks.get_nowait()
    assert 6.0 == await ticks.get()


@virtual
async def test_ticks_that_a_busy_loop_missed_are_left_out() -> None:
    ticks = tick(1)
    await advance(3.25)
    assert 3.0 == ticks.get_nowait()
    assert [4.0, 5.0] == [await ticks.get(), await ticks.get()]


@virtual
async def test_a_tick_does_not_come_twice_where_the_clock_fires_early() -> None:
    """asyncio fires a timer as much as its clock's resolution early."""
    ticks = tick(1)
    first = await waiting(_get(ticks))
    await advance(1 - 1e-10)
    assert (1.0, True) == (await first, now() < 1)
    await advance(1e-10)
    assert ticks.empty()
    assert 2.0 == await ticks.get()


@virtual
async def test_ticks_come_one_an_interval_whatever_the_interval() -> None:
    ticks = tick(0.1)
    assert [round(step * 0.1, 6) for step in range(1, 101)] == [round(await ticks.get(), 6) for _ in range(100)]


async def test_ticks_do_not_come_more_often_than_asked_for() -> None:
    """On uvloop, whose timers are as coarse as a millisecond, as on the others."""
    start = now()
    ticks = tick(0.0014)
    count = 0
    while now() < start + 0.03:
        await ticks.get()
        count += 1
    assert count <= (now() - start) / 0.0014 + 1


@virtual
async def test_a_tick_reaches_each_receiver_that_waits_in_turn() -> None:
    ticks = tick(1)
    assert (1.0, 2.0) == tuple(await asyncio.gather(ticks.get(), ticks.get()))


@virtual
async def test_a_tick_whose_receiver_was_cancelled_gives_way_to_the_next() -> None:
    ticks = tick(1)
    readers = [asyncio.create_task(reader) for reader in (_get(ticks), _get(ticks))]
    await settle()
    await advance(1)
    first = await readers[0]
    readers[1].cancel()
    await settle()
    assert (1.0, 2.0) == (first, await ticks.get())


@virtual
async def test_ticks_that_come_while_a_woken_reader_has_not_run_do_not_fail() -> None:
    """Several intervals pass in one step, with a reader that waits and one that was cancelled after it was woken."""
    ticks = tick(1)
    reader = asyncio.create_task(_get(ticks))
    await settle()
    loop = asyncio.get_running_loop()
    loop.call_at(1, reader.cancel)
    await asyncio.sleep(4)
    assert reader.cancelled() or 1.0 == reader.result()
    assert ticks.get_nowait() >= 3.0


async def test_an_interval_may_be_shorter_than_any_clock_can_tell() -> None:
    ticks = tick(5e-324)
    times = [await ticks.get() for _ in range(5)]
    assert sorted(times) == times
    assert times[-1] <= now() + 0.001  # uvloop's clock counts milliseconds


@virtual
async def test_ticks_shorter_than_a_nanosecond_are_a_nanosecond_apart() -> None:
    ticks = tick(5e-324)
    work(1.0)
    assert 1.0 == ticks.get_nowait()
    assert ticks.empty()
    work(2e-9)
    assert not ticks.empty()


@virtual
async def test_an_interval_may_be_longer_than_any_program_runs() -> None:
    ticks = tick(1e308)
    waits = await waiting(_get(ticks))
    await asyncio.sleep(10**6)
    assert (False, True) == (waits.done(), ticks.empty())
    assert await cancelled(waits)


@virtual
async def test_a_reader_slower_than_its_tick_lets_other_tasks_run() -> None:
    """Every tick is due already, so no step of the iteration waits."""

    async def beside() -> None:
        while True:
            await asyncio.sleep(0)
            steps.append(now())

    steps: list[float] = []
    other = asyncio.create_task(beside())
    await settle()
    ticks = tick(1)
    work(1.5)
    steps.clear()
    async for time in ticks:
        if time >= 9:
            break
        work(1.5)
    assert len(steps) >= 5
    assert await cancelled(other)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), 10**400, -(10**400)])
async def test_an_interval_must_be_finite_and_above_0(interval: float) -> None:
    with pytest.raises(ValueError, match="interval must be a finite number of seconds above 0"):
        tick(interval)


# Both: a timer is ready from the moment when it is due, whether the loop has run or not


async def _get(receiver: Receiver[float]) -> float:
    return await receiver.get()


async def _next(receiver: Receiver[float]) -> float:
    return await anext(receiver)


async def _get_nowait(receiver: Receiver[float]) -> float:
    return receiver.get_nowait()


async def _get_many(receiver: Receiver[float]) -> float:
    (time,) = await receiver.get_many(2)
    return time


async def _select(receiver: Receiver[float]) -> float:
    _, time = await select(receiver.on_get())
    return time


async def _attempt(receiver: Receiver[float]) -> float:
    _, time = await select(receiver.on_get(), otherwise())
    assert time is not None
    return time


async def _get_many_within(receiver: Receiver[float]) -> float:
    (time,) = await receiver.get_many(2, within=9)
    return time


async def _get_many_nowait(receiver: Receiver[float]) -> float:
    (time,) = receiver.get_many_nowait()
    return time


awaited = pytest.mark.parametrize("take", [_get, _next, _get_many, _get_many_within, _select])


@virtual
@timers
@pytest.mark.parametrize(
    "take", [_get, _next, _get_nowait, _get_many, _get_many_within, _get_many_nowait, _select, _attempt]
)
async def test_a_timer_is_ready_once_it_is_due(make: Make, take: Callable[[Receiver[float]], Awaitable[float]]) -> None:
    timer = make(1)
    assert (0, True) == (timer.qsize(), timer.empty())
    work(1.5)
    assert 1.0 == await take(timer)
    assert (0, True) == (timer.qsize(), timer.empty())


@virtual
@timers
async def test_looking_at_a_timer_takes_nothing(make: Make) -> None:
    timer = make(1)
    work(1.5)
    assert [(1, False)] * 2 == [(timer.qsize(), timer.empty()) for _ in range(2)]
    assert 1.0 == timer.get_nowait()


@virtual
@timers
async def test_a_timer_is_not_ready_before_it_is_due(make: Make) -> None:
    timer = make(1)
    work(0.999)
    assert (1, None) == await select(timer.on_get(), otherwise())


@virtual
@pytest.mark.parametrize("biased", [True, False])
async def test_a_select_loop_that_never_waits_ends_at_its_deadline(biased: bool) -> None:
    busy: Channel[int] = Channel()
    busy.put_nowait(0)
    deadline = after(1)
    while (await select(deadline.on_get(), busy.on_get(), biased=biased))[0] == 1:
        busy.put_nowait(0)
        work(0.125)
        assert now() < 100  # a fair choice among two has missed the deadline 800 times
    assert now() == 1.0 if biased else now() >= 1.0


@virtual
async def test_a_busy_select_loop_meets_every_tick() -> None:
    busy: Channel[int] = Channel()
    busy.put_nowait(0)
    ticks, times = tick(1), list[float]()
    while now() < 5.5:
        match await select(ticks.on_get(), busy.on_get(), biased=True):
            case 0, time:
                times.append(time)
            case _:
                busy.put_nowait(0)
                work(0.25)
    assert [1.0, 2.0, 3.0, 4.0, 5.0] == times


async def test_of_several_timers_that_are_due_each_has_its_turn() -> None:
    def case() -> Receiver[float]:
        return after(0)

    taken = {(await select(case().on_get(), case().on_get(), case().on_get()))[0] for _ in range(100)}
    assert {0, 1, 2} == taken


@virtual
@timers
@awaited
async def test_what_is_due_goes_to_the_task_that_waits(
    make: Make, take: Callable[[Receiver[float]], Awaitable[float]]
) -> None:
    async def wait() -> float:
        return await take(timer)

    timer = make(1)
    waits = await waiting(wait())
    work(1)
    with pytest.raises(ChannelEmpty):
        timer.get_nowait()
    assert 1.0 == await waits
    assert (1.0, True) == (now(), timer.empty())


@virtual
@timers
async def test_a_task_that_waits_is_served_though_others_keep_the_loop_busy(make: Make) -> None:
    timer = make(1)
    waits = await waiting(_get(timer))
    while not waits.done():
        assert (1, None) == await select(timer.on_get(), otherwise())
        work(0.25)
        await asyncio.sleep(0)
    assert 1.0 == waits.result()


@virtual
async def test_a_mapped_get_takes_the_tick_that_its_function_was_given() -> None:
    def slow(time: float) -> float:
        work(1)  # the next tick falls due meanwhile
        return time

    ticks = tick(1)
    work(1)
    assert (0, 1.0) == await select(ticks.on_get().map(slow))
    assert 2.0 == ticks.get_nowait()


@virtual
@timers
async def test_a_mapped_get_whose_function_raises_leaves_the_item(make: Make) -> None:
    timer = make(1)
    work(1)
    with pytest.raises(ZeroDivisionError):
        await select(timer.on_get().map(lambda time: time / 0))
    with pytest.raises(ZeroDivisionError):
        await select(timer.on_get().map(lambda time: time / 0).or_closed(None))
    assert 1.0 == timer.get_nowait()


@virtual
@timers
async def test_a_mapped_get_may_wait(make: Make) -> None:
    assert (0, 2.0) == await select(make(1).on_get().map(lambda time: time * 2).or_closed(None))


# Both: what a timer leaves on the loop


@timers
def test_a_timer_needs_a_running_loop(make: Make) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        make(1)


async def _cancelled_get(timer: Receiver[float]) -> None:
    assert await cancelled(await waiting(_get(timer)))


async def _cancelled_select(timer: Receiver[float]) -> None:
    assert await cancelled(await waiting(select(timer.on_get(), Channel[int]().on_get())))


async def _select_of_another(timer: Receiver[float]) -> None:
    other: Channel[int] = Channel()
    selecting = await waiting(select(timer.on_get(), other.on_get()))
    other.put_nowait(7)
    assert (1, 7) == await selecting


async def _get_in_time(timer: Receiver[float]) -> None:
    work(1.5)
    assert 1.0 == await timer.get()


async def _awaited(timer: Receiver[float]) -> None:
    assert 1.0 == await timer.get()


async def _closed_coroutine(timer: Receiver[float]) -> None:
    """The wait ends without its task being told; a call that does no harm stays on the loop until the timer is due."""
    coroutine = _get(timer)
    coroutine.send(None)
    coroutine.close()
    await asyncio.sleep(1)
    assert 1.0 == timer.get_nowait()


async def _one_of_two(timer: Receiver[float]) -> None:
    first, second = [await waiting(_get(timer)) for _ in range(2)]
    assert await cancelled(second)
    assert 1.0 == await first


@timers
@pytest.mark.parametrize(
    "use",
    [
        lambda _: asyncio.sleep(0),
        _cancelled_get,
        _cancelled_select,
        _select_of_another,
        _get_in_time,
        _awaited,
        _one_of_two,
        _closed_coroutine,
    ],
    ids=[
        "none",
        "cancelled get",
        "cancelled select",
        "select of another",
        "get in time",
        "get",
        "one of two",
        "closed",
    ],
)
def test_a_timer_on_which_nobody_waits_leaves_nothing_on_the_loop(
    make: Make, use: Callable[[Receiver[float]], Awaitable[None]]
) -> None:
    async def run() -> None:
        timer = make(1)
        await use(timer)
        ended.append(now())
        await Channel[int]().get()

    ended: list[float] = []
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:
        loop = runner.get_loop()
        with pytest.raises(Deadlock, match=r"run waits at run:\d+: get on <Channel maxsize=0"):
            runner.run(run())
        assert ended == [loop.time()]


@virtual
@timers
async def test_a_timer_that_is_dropped_is_gone_at_once(make: Make) -> None:
    gc.collect()
    gc.disable()
    try:
        timer = make(3600)
        await _select_of_another(timer)
        await settle()
        dropped = ref(timer)
        del timer
        assert dropped() is None
    finally:
        gc.enable()


@virtual
@timers
async def test_a_timer_that_is_dropped_fires_no_more(make: Make) -> None:
    timer = make(1)
    await timer.get()
    del timer
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await Channel[int]().get()
    assert 11.0 == now()


@virtual
@timers
async def test_a_timer_that_is_dropped_in_the_step_in_which_it_fires_does_nothing(make: Make) -> None:
    timers = [make(1)]
    loop = asyncio.get_running_loop()
    loop.call_at(0.5, lambda: None)
    loop.call_at(1 - 1e-10, timers.clear)
    await asyncio.sleep(3)
    assert [] == timers


@virtual
@timers
async def test_a_timer_may_be_collected_at_any_call(make: Make) -> None:
    """A collection may run wherever the interpreter enters a function."""

    def collect(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename == aiochannel.timers.__file__:
            gc.collect()

    def drop() -> None:
        cycle: list[object] = [make(1)]
        cycle.append(cycle)

    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    gc.disable()
    drop()
    before = sys.getprofile()
    sys.setprofile(collect)
    try:
        await asyncio.sleep(3)
        waits = await waiting(_get(make(1)))
        await asyncio.sleep(3)
    finally:
        sys.setprofile(before)
        gc.enable()
    assert [] == errors
    assert 4.0 == waits.result()


def start(coroutine: Coroutine[object, None, None]) -> "ref[asyncio.Task[None]]":
    """Start a task and keep no reference to it."""
    return ref(asyncio.create_task(coroutine))


@virtual
@timers
@awaited
async def test_a_timer_keeps_the_task_that_waits_on_it(
    make: Make, take: Callable[[Receiver[float]], Awaitable[float]]
) -> None:
    """As the loop keeps a task that sleeps."""

    async def wait() -> None:
        taken.append(await take(make(5)))

    taken: list[float] = []
    start(wait())
    await settle()
    gc.collect()
    await asyncio.sleep(6)
    assert [5.0] == taken


@virtual
async def test_a_task_that_lives_by_a_tick_alone_lives() -> None:
    async def heartbeat() -> None:
        async for time in tick(1):
            beats.append(time)  # noqa: PERF401  # each tick as it comes

    beats: list[float] = []
    start(heartbeat())
    for _ in range(3):
        await asyncio.sleep(1)
        await settle()
        gc.collect()
    assert [1.0, 2.0, 3.0] == beats


# Both: event loops


@timers
def test_a_timer_belongs_to_its_loop(make: Make) -> None:
    async def start() -> Receiver[float]:
        return make(3600)

    timer = asyncio.run(start())
    for call in (_get, _next, _select, _get_many):
        with pytest.raises(RuntimeError, match="was made for the event loop"):
            asyncio.run(call(timer))
    with pytest.raises(RuntimeError, match="was made for the event loop"):
        asyncio.run(timer.join())


@timers
def test_a_timer_of_a_closed_loop_can_be_looked_at(make: Make) -> None:
    async def start() -> Receiver[float]:
        return make(1)

    loop = ClockedLoop()
    timer = loop.run_until_complete(start())
    loop.close()
    assert timer.empty()
    loop.pass_time(2.5)
    assert (1.0 if make is after else 2.0) == timer.get_nowait()
    assert timer.empty()


@timers
def test_a_timer_of_a_closed_loop_forgets_its_waiters(make: Make) -> None:
    async def start() -> Receiver[float]:
        timer = make(1)
        coroutine = _get(timer)
        coroutine.send(None)  # it waits, in a loop that will not run again
        abandoned.append(coroutine)
        return timer

    abandoned: list[Coroutine[object, None, float]] = []
    loop = ClockedLoop()
    timer = loop.run_until_complete(start())
    loop.close()
    loop.pass_time(1.5)
    assert 1.0 == timer.get_nowait()
    for coroutine in abandoned:
        coroutine.close()
    assert timer.empty()


@virtual
@timers
async def test_timers_work_in_debug_mode(make: Make) -> None:
    asyncio.get_running_loop().set_debug(True)
    timer = make(1)
    await _select_of_another(timer)
    assert 1.0 == await timer.get()


# Both: arguments and what a receiver has


@timers
@pytest.mark.parametrize("seconds", ["1", b"2", None, 1j, [1]])
async def test_what_is_no_number_is_refused_by_name(make: Callable[[object], object], seconds: object) -> None:
    name = "delay" if make is after else "interval"
    with pytest.raises(TypeError) as caught:
        make(seconds)
    assert f"{name} must be a number of seconds, not {seconds!r}" == str(caught.value)


@virtual
@timers
@pytest.mark.parametrize("seconds", [True, Fraction(1), Decimal(1)])
async def test_every_real_number_is_taken(make: Callable[[object], Receiver[float]], seconds: object) -> None:
    assert 1.0 == await make(seconds).get()


@timers
async def test_a_timer_is_a_receiver(make: Make) -> None:
    timer = make(3600)
    assert (True, False) == (isinstance(timer, Receiver), isinstance(timer, Sender))
    assert (1, False) == (timer.maxsize, timer.closed())
    assert timer is aiter(timer)
    assert await cancelled(await waiting(timer.join()))


@timers
async def test_a_timer_equals_itself_only(make: Make) -> None:
    timer, other = make(1), make(1)
    assert (True, False) == (timer == timer, timer == other)
    assert 2 == len({timer, other, timer})


async def test_a_timer_and_its_errors_say_which_timer() -> None:
    assert re.fullmatch(r"<after\(2\.5\) at 0x[0-9a-f]+>", repr(after(2.5)))
    ticks = tick(1)
    with pytest.raises(ChannelEmpty, match=r"^<tick\(1\.0\) at 0x[0-9a-f]+> has no item$"):
        ticks.get_nowait()


@timers
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
async def test_a_timer_cannot_be_copied(make: Make, duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"cannot pickle or copy <(after|tick)\(1\.0\) at 0x[0-9a-f]+>"):
        duplicate(make(1))


@timers
async def test_a_batch_of_a_timer_has_a_limit(make: Make) -> None:
    for limit, error in ((0, ValueError), (True, TypeError)):
        with pytest.raises(error, match="limit must be an int >= 1"):
            await make(0.001).get_many(limit)


@virtual
async def test_a_heartbeat_and_a_timeout_in_one_select() -> None:
    jobs: Channel[int] = Channel()
    beat, deadline = tick(1), after(3.5)
    seen: list[float | str] = []
    while "deadline" not in seen:
        match await select(jobs.on_get(), beat.on_get(), deadline.on_get()):
            case 1, time:
                seen.append(time)
            case _:
                seen.append("deadline")
    assert [1.0, 2.0, 3.0, "deadline"] == seen
