import asyncio
import gc
from collections.abc import Callable
from weakref import ref

import pytest

from aiochannel import Channel, ChannelEmpty, Receiver, after, select, tick
from tests.conftest import ClockedLoop, settle

virtual = pytest.mark.virtual_clock


def now() -> float:
    return asyncio.get_running_loop().time()


async def advance(seconds: float) -> None:
    """Move the virtual time on at once, as a callback that blocks the loop does."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockedLoop)
    loop.clock.now += seconds
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


@pytest.mark.parametrize("delay", [0, -1, -float("inf")])
async def test_a_delay_of_0_or_less_has_passed_already(delay: float) -> None:
    timer = after(delay)
    assert await timer.get() <= now()


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


async def test_a_delay_may_be_endless() -> None:
    timer = after(float("inf"))
    await settle()
    assert timer.empty()


async def test_a_delay_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="delay must be a number of seconds, not nan"):
        after(float("nan"))
    with pytest.raises(TypeError):
        after("1")  # type: ignore[arg-type]  # the mistake under test


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
    assert 3.25 == ticks.get_nowait()
    assert [4.0, 5.0] == [await ticks.get(), await ticks.get()]


@virtual
async def test_a_tick_does_not_come_twice_where_the_clock_fires_early() -> None:
    """asyncio fires a timer as much as its clock's resolution early."""
    ticks = tick(1)
    await advance(1 - 1e-10)
    assert ticks.get_nowait() < 1
    await settle()
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


async def _get(receiver: Receiver[float]) -> float:
    return await receiver.get()


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


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
async def test_an_interval_must_be_finite_and_above_0(interval: float) -> None:
    with pytest.raises(ValueError, match="interval must be a finite number of seconds above 0"):
        tick(interval)


# Both

timers = pytest.mark.parametrize("make", [after, tick])


@timers
def test_a_timer_needs_a_running_loop(make: Callable[[float], Receiver[float]]) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        make(1)


@timers
async def test_a_timer_that_is_dropped_is_off_the_loop_at_once(make: Callable[[float], Receiver[float]]) -> None:
    """What the event loop still holds of it is a cancelled handle, which refers to nothing."""
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.disable()
    try:
        before = {id(handle) for handle in _scheduled()}
        timer = make(3600)
        mine = [handle for handle in _scheduled() if id(handle) not in before]
        dropped = ref(timer)
        del timer
        assert dropped() is None
        assert [True] * len(mine) == [handle.cancelled() for handle in mine]
    finally:
        gc.enable()
    assert not loop.is_closed()


def _scheduled() -> list[asyncio.TimerHandle]:
    return [found for found in gc.get_objects() if isinstance(found, asyncio.TimerHandle)]


@virtual
@timers
async def test_a_timer_that_is_dropped_fires_no_more(make: Callable[[float], Receiver[float]]) -> None:
    timer = make(1)
    await timer.get()
    del timer
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await Channel[int]().get()
    assert 11.0 == now()


@virtual
@timers
async def test_a_timer_that_is_dropped_in_the_step_in_which_it_fires_does_nothing(
    make: Callable[[float], Receiver[float]],
) -> None:
    timers = [make(1)]
    loop = asyncio.get_running_loop()
    loop.call_at(0.5, lambda: None)
    loop.call_at(1 - 1e-10, timers.clear)
    await asyncio.sleep(3)
    assert [] == timers


@virtual
async def test_a_waiting_task_keeps_its_timer() -> None:
    async def wait() -> float:
        return await after(5).get()

    waits = asyncio.create_task(wait())
    await settle()
    gc.collect()
    assert 5.0 == await waits


@timers
def test_a_timer_belongs_to_its_loop(make: Callable[[float], Receiver[float]]) -> None:
    async def start() -> Receiver[float]:
        return make(3600)

    timer = asyncio.run(start())
    with pytest.raises(RuntimeError, match="was made for the event loop"):
        asyncio.run(_get(timer))


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
