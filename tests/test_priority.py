"""PriorityChannel: which item leaves first, and its keys. What every channel does is in tests/contract."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from random import Random
from typing import cast
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import ChannelClosed, ChannelFull, PriorityChannel, Receiver, Sender, otherwise, select
from aiochannel._core import machine
from tests.conftest import begun, cancelled, settle, waiting, without_gc
from tests.contract.kinds import PUTS, put


class Job:
    """An item that cannot be compared."""

    def __init__(self, key: float, name: str = "") -> None:
        self.key = key
        self.name = name

    @override
    def __eq__(self, other: object) -> bool:
        raise AssertionError("items are never compared")

    def __lt__(self, other: object) -> bool:
        raise AssertionError("items are never compared")

    __hash__ = None  # type: ignore[assignment]  # as a class that has __eq__


def itself(item: float) -> float:
    return item


def numbers(*items: float, maxsize: int = 0) -> PriorityChannel[float]:
    channel = PriorityChannel[float](maxsize, key=itself)
    for item in items:
        channel.put_nowait(item)
    return channel


def jobs(*keys: float, maxsize: int = 0) -> PriorityChannel[Job]:
    """Return a channel with a job for each key; they are named a, b, and so on."""
    channel = PriorityChannel[Job](maxsize, key=lambda job: job.key)
    for key, name in zip(keys, "abcdefgh", strict=False):
        channel.put_nowait(Job(key, name))
    return channel


# The order of leaving


async def test_the_item_with_the_smallest_key_leaves_first_by_every_call() -> None:
    channel = numbers(7, 3, 9, 1, 5, 8, 2, 6, 4, 0)
    assert (0, 1) == (await channel.get(), channel.get_nowait())
    assert (2, (0, 3)) == (await anext(channel), await select(channel.on_get()))
    assert ([4, 5], [6, 7]) == (await channel.get_many(2), channel.get_many_nowait(2))
    channel.close()
    assert [8, 9] == [item async for item in channel]


def test_iteration_and_abort_give_the_order_of_leaving_and_iteration_removes_nothing() -> None:
    channel = numbers(3, 1, 2)
    assert ([1, 2, 3], [1, 2, 3]) == (list(channel), channel.abort())
    assert [] == channel.abort()


def test_among_equal_keys_the_first_accepted_leaves_first_and_items_are_never_compared() -> None:
    channel = jobs(1, 0, 1, 0, 1, 0)
    assert "bdface" == "".join(job.name for job in channel.get_many_nowait(9))
    channel = jobs(*[0] * 8)
    assert "abcdefgh" == "".join(channel.get_nowait().name for _ in range(8))


def test_many_items_leave_in_the_order_of_their_keys_and_of_acceptance() -> None:
    chance = Random(7)
    items = [(chance.randrange(20), number) for number in range(1_000)]
    channel = PriorityChannel[tuple[int, int]](key=lambda item: item[0])
    taken: list[tuple[int, int]] = []
    for item in items:
        channel.put_nowait(item)
        if chance.random() < 0.3:
            best = min(set(items[: item[1] + 1]) - set(taken))
            taken.append(channel.get_nowait())
            assert best == taken[-1]
    assert sorted(set(items) - set(taken)) == channel.abort()


async def test_a_promise_is_to_the_best_item_when_the_woken_get_runs() -> None:
    channel = numbers()
    getting = await waiting(channel.get())
    await channel.put_many([5, 3, 4])
    assert 3 == await getting
    assert [4, 5] == list(channel)


async def test_a_get_that_was_woken_and_cancelled_leaves_every_item_at_its_place() -> None:
    channel = numbers()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    channel.put_nowait(5)
    channel.put_nowait(3)
    first.cancel()
    channel.put_nowait(4)
    await settle()
    assert (True, 3, [4, 5]) == (first.cancelled(), second.result(), list(channel))


async def test_equal_keys_keep_their_order_when_gets_are_cancelled() -> None:
    channel = jobs()
    getting = [await waiting(channel.get()) for _ in range(2)]
    for name in "abc":
        channel.put_nowait(Job(0, name))
    getting[1].cancel()
    assert await cancelled(getting[0])
    assert "abc" == "".join(job.name for job in channel.abort())


async def test_a_batch_takes_better_items_that_came_before_it_ran() -> None:
    channel = numbers()
    getting = await waiting(channel.get_many(2))
    await channel.put_many([3, 2, 1])
    assert [1, 2] == await getting
    assert [3] == channel.get_many_nowait(9)


async def test_a_mapped_get_that_raises_leaves_the_item_at_its_place() -> None:
    def fail(item: float) -> str:
        raise ZeroDivisionError

    channel = numbers(2, 1)
    with pytest.raises(ZeroDivisionError):
        await select(channel.on_get().map(fail))
    assert [1, 2] == list(channel)
    assert (0, "1") == await select(channel.on_get().map(str))


async def test_puts_that_wait_are_served_in_the_order_in_which_they_began() -> None:
    channel = numbers(0, maxsize=1)
    putting = [await waiting(channel.put(item)) for item in (9, 5)]
    taken: list[float] = []
    for _ in range(3):
        taken.append(channel.get_nowait())
        await settle()
    assert ([0, 9, 5], [True, True]) == (taken, [task.done() for task in putting])


async def test_among_equal_keys_a_put_that_waited_comes_when_it_is_accepted() -> None:
    channel = jobs(1, 1, maxsize=2)
    putting = await waiting(channel.put(Job(1, "waited")))
    for _ in range(2):
        channel.get_nowait()
    channel.put_nowait(Job(1, "between"))
    await putting
    assert ["between", "waited"] == [job.name for job in channel]


async def test_a_closed_channel_is_drained_in_order_and_then_tells_why() -> None:
    channel = numbers(2, 1)
    cause = OSError("disk on fire")
    assert channel.close(cause)
    assert [1, 2] == [await channel.get(), channel.get_nowait()]
    with pytest.raises(ChannelClosed) as caught:
        await anext(channel)
    assert cause is caught.value.__cause__
    await channel.join()


async def test_a_case_may_put_its_item_into_several_selects() -> None:
    channel = jobs()
    case = channel.on_put(Job(1, "case"))
    for name in "ab":
        await select(case)
        channel.put_nowait(Job(1, name))
    assert ["case", "a", "case", "b"] == [job.name for job in channel.abort()]


# Keys


async def test_a_key_is_computed_once_when_the_put_is_called_and_before_it_waits() -> None:
    asked: list[float] = []

    def key(item: float) -> float:
        asked.append(item)
        return item

    channel = PriorityChannel[float](1, key=key)
    await channel.put(3)
    putting = await waiting(channel.put(2))
    case = channel.on_put(1)
    assert [3, 2, 1] == asked
    assert [3, 2] == [await channel.get(), await channel.get()]
    await putting
    await select(case)
    assert ([3, 2, 1], [1]) == (asked, list(channel))


@pytest.mark.parametrize("call", PUTS)
async def test_what_the_key_raises_comes_out_before_a_put_waits_and_nothing_is_put(call: str) -> None:
    def key(item: object) -> float:
        return 1 / cast("int", item)

    channel = PriorityChannel[object](1, key=key)
    channel.put_nowait(1)
    with pytest.raises(ZeroDivisionError):
        await put(call, channel, 0)
    with pytest.raises(ZeroDivisionError):
        channel.on_put(0)
    assert [1] == list(channel)


async def test_a_batch_keeps_what_was_accepted_before_a_key_raised() -> None:
    def key(item: int) -> float:
        return 1 / item

    channel = PriorityChannel[int](key=key)
    items = iter([1, 2, 0, 3])
    with pytest.raises(ZeroDivisionError):
        await channel.put_many(items)
    assert ([2, 1], 3) == (list(channel), next(items))


@pytest.mark.parametrize("key", [2, 2.0, True, Fraction(1, 2), inf, -inf, 2**70])
def test_every_real_number_is_a_key(key: float) -> None:
    channel = PriorityChannel[str](key=lambda _: key)
    channel.put_nowait("item")
    assert "item" == channel.get_nowait()


def test_large_integers_are_compared_exactly() -> None:
    channel = PriorityChannel[int](key=lambda item: item)
    for item in (2**60 + 1, 2**60):
        channel.put_nowait(item)
    assert [2**60, 2**60 + 1] == list(channel)


@pytest.mark.parametrize("key", ["1", None, 1j, Decimal(1), (1, 2)])
def test_a_key_that_is_no_real_number_is_refused(key: object) -> None:
    channel = PriorityChannel[str](key=lambda _: cast("float", key))
    with pytest.raises(TypeError, match="must be a real number"):
        channel.put_nowait("item")
    assert channel.empty()


def test_a_key_that_is_nan_is_refused() -> None:
    channel = PriorityChannel[str](key=lambda _: nan)
    with pytest.raises(ValueError, match="the key of 'item' is nan"):
        channel.put_nowait("item")
    assert channel.empty()


# Everything else


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="key must be callable, not None"):
        PriorityChannel[float](key=cast("Callable[[float], float]", None))
    with pytest.raises(TypeError, match="maxsize must be an int"):
        PriorityChannel[float](-1, key=itself)
    with pytest.raises(TypeError, match="loop must be an event loop"):
        PriorityChannel[float](1, cast("asyncio.AbstractEventLoop", 3), key=itself)


async def test_it_shows_itself_and_what_is_in_it() -> None:
    channel = numbers(2, 1, maxsize=2)
    assert "<PriorityChannel maxsize=2 qsize=2>" == str(channel)
    assert repr(channel).startswith("<PriorityChannel at 0x")
    assert "<PriorityChannel 'jobs' maxsize=1 qsize=0>" == str(PriorityChannel[float](1, key=itself, name="jobs"))
    with pytest.raises(ChannelFull, match=r"^<PriorityChannel at 0x\w+ maxsize=2 qsize=2> has no room$"):
        channel.put_nowait(3)
    assert (2, 2, False, True, False) == (
        channel.maxsize,
        channel.qsize(),
        channel.empty(),
        channel.full(),
        channel.closed(),
    )
    assert 2 == channel.statistics().qsize
    for attempt in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="a channel lives in one process"):
            attempt(channel)


async def test_handles_and_ends_have_its_sides() -> None:
    channel = numbers()
    tx, rx = channel.split()
    assert (channel.sender, channel.receiver) == (tx, rx)
    assert isinstance(channel, Sender)
    assert isinstance(channel, Receiver)
    with channel.open_sender() as sender, channel.open_receiver() as receiver:
        await sender.put(2)
        tx.put_nowait(1)
        assert (1, 2) == (await receiver.get(), rx.get_nowait())
    assert channel.closed()


async def test_a_select_waits_for_it_and_takes_its_default() -> None:
    channel = numbers(1, maxsize=1)
    assert (1, None) == await select(channel.on_put(2), otherwise())
    putting = await waiting(select(channel.on_put(2)))
    assert 1 == channel.get_nowait()
    assert (0, None) == await putting
    assert (0, 2) == await select(channel.on_get(), otherwise())
    getting = await waiting(select(channel.on_get()))
    channel.put_nowait(3)
    assert (0, 3) == await getting


def test_it_is_freed_when_it_is_dropped() -> None:
    with without_gc():
        channel = numbers(1, 2)
        dropped = ref(channel)
        inside = ref(channel._entries)
        del channel
        assert (None, None) == (dropped(), inside())


async def test_calls_that_never_wait_let_other_tasks_run() -> None:
    channel = numbers()
    count = 5 * machine.BUDGET
    putting = await begun(channel.put_many(range(count)))
    assert 0 < channel.qsize() < count
    await putting

    async def drain() -> None:
        while not channel.empty():
            await channel.get()

    taking = await begun(drain())
    assert 0 < channel.qsize() < count
    await taking
