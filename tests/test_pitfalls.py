"""Bugs and races of other channel and queue libraries, each as a test that would have found it.

The letter and number at the head of a name stand for one finding; its docstring says whose it was. Bugs that no kind of
channel may have are in tests/contract, with such docstrings.
"""

import asyncio
import warnings
from collections import Counter
from contextlib import suppress

import pytest

from aiochannel import Channel, after, merge, select, select_any
from aiochannel.selection import CHANCE
from tests.conftest import ClockedLoop, cancelled, filled, settle, waiting, within

# Group A, the predecessor


def test_a6_a_channel_made_without_a_loop_works_in_one_run_after_another() -> None:
    """aiochannel 1.4.1: it bound a private loop, with a warning, and the first wait under asyncio.run failed."""

    async def exchange() -> int:
        getting = await waiting(channel.get())
        await channel.put(7)
        return await getting

    with warnings.catch_warnings(action="error"):
        channel: Channel[int] = Channel()
        assert [7, 7] == [asyncio.run(exchange()) for _ in range(2)]


async def test_a7_a_wait_in_another_loop_than_the_one_given_says_so() -> None:
    """aiochannel 1.4.1: "attached to a different loop", which does not say which."""
    other = asyncio.new_event_loop()
    channel: Channel[int] = Channel(loop=other)
    other.close()
    with pytest.raises(RuntimeError, match="was made for the event loop"):
        await channel.get()


async def test_a8_the_loop_may_be_given_by_position() -> None:
    """aiochannel 1.4.1: TypeError, though the page of 0.2.2 shows it so."""
    channel: Channel[int] = Channel(100, asyncio.get_running_loop())
    assert 100 == channel.maxsize


# Group B, lost items


@pytest.mark.parametrize("style", ["wait_for", "timeout"])
async def test_b3_short_deadlines_in_real_time_lose_nothing(style: str) -> None:
    rounds = 100
    channel: Channel[int] = Channel()
    loop = asyncio.get_running_loop()
    taken: list[int] = []
    numbers = iter(range(rounds))
    for _ in range(rounds):
        loop.call_later(0.001, lambda: channel.put_nowait(next(numbers)))
        with suppress(TimeoutError):
            taken.append(await within(0.001, style, channel.get()))
    while len(taken) < rounds:
        taken.append(await channel.get())
    assert list(range(rounds)) == taken


@pytest.mark.parametrize("count", [2, 5])
async def test_b7_channels_made_ready_in_one_step_lose_one_item_to_select(count: int) -> None:
    """chanio.select dropped the items of those that came second."""
    channels = [Channel[int]() for _ in range(count)]
    selecting = await waiting(select_any([channel.on_get() for channel in channels]))
    for channel in channels:
        channel.put_nowait(7)
    await selecting
    assert count - 1 == sum(channel.qsize() for channel in channels)


async def test_b8_leaving_a_loop_over_select_loses_nothing() -> None:
    """kanal and frequenz.channels lost the item of the case that was not chosen."""
    left, right = filled(1, 2), filled(1, 2)
    taken = 0
    while taken < 3:
        await select(left.on_get(), right.on_get())
        taken += 1
    assert 1 == left.qsize() + right.qsize()


async def test_b11_a_put_that_select_does_not_choose_keeps_its_item_with_the_caller() -> None:
    """tokio moved the value into the send that was dropped."""
    full, ready = filled(0, maxsize=1), filled(7)
    case = full.on_put(1)
    assert (1, 7) == await select(case, ready.on_get())
    assert 0 == full.get_nowait()
    assert (0, None) == await select(case)
    assert [1] == list(full)


async def test_b13_what_a_merge_does_not_yield_stays_in_its_source() -> None:
    """frequenz.channels prefetched one item of each source, and lost those at the end."""
    first, second = filled(1, 2), filled(1, 2)
    async for item in merge(first, second):
        assert 1 == item
        break
    await settle()
    assert 3 == first.qsize() + second.qsize()
    assert (0, 0) == (first.statistics().waiting_receivers, second.statistics().waiting_receivers)


# Group D, fairness


async def test_d6_select_is_fair_among_its_cases() -> None:
    """asyncio_channel favoured the first; 13.82 is exceeded once in 1,000 seeds by a fair choice of 3."""
    CHANCE.seed(6)
    channels = [filled(*range(10_000)) for _ in range(3)]
    chosen = Counter([(await select_any([c.on_get() for c in channels]))[0] for _ in range(9_000)])
    assert sum((count - 3_000) ** 2 / 3_000 for count in chosen.values()) < 13.82


async def test_d7_a_select_on_both_sides_of_a_rendezvous_does_not_match_itself() -> None:
    """Kotlin: overflow and livelock."""
    channel: Channel[int] = Channel.rendezvous()
    selecting = await waiting(select(channel.on_put(1), channel.on_get()))
    assert await cancelled(selecting)


# Group E, event loops and threads


def test_e1_a_channel_that_was_waited_on_works_in_a_second_run() -> None:
    """asyncio.Queue and janus stay bound to the first loop in which a task waited."""

    async def wait() -> None:
        await cancelled(await waiting(channel.get()))

    channel: Channel[int] = Channel()
    for _ in range(2):
        asyncio.run(wait())


async def test_e2_put_nowait_from_a_thread_is_refused_in_debug_mode() -> None:
    """asyncio.Queue: the consumer in an idle loop is not woken until something else happens."""
    loop = asyncio.get_running_loop()
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    loop.set_debug(True)
    with pytest.raises(RuntimeError, match="thread"):
        await loop.run_in_executor(None, channel.put_nowait, 7)
    loop.set_debug(False)
    assert await cancelled(getting)
    assert channel.empty()


# Group F, timers


@pytest.mark.virtual_clock
async def test_f6_after_returns_at_once() -> None:
    """chanio.after waited for the delay itself."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockedLoop)
    timer = after(1)
    assert 0.0 == loop.time()
    assert 1.0 == await timer.get()
