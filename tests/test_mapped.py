"""A case whose `map` function uses the channel of the case, which it must not: then select still tells the truth."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from aiochannel import Case, Channel, ChannelClosed, ChannelFull, ThreadChannel, otherwise, select
from aiochannel._core.operations import Mapped, Operation
from aiochannel._core.resting import BLOCKED, Blocked
from aiochannel._core.waiters import Selection
from tests.budgets import small_budgets
from tests.conftest import cancelled, filled, settle, waiting

U = TypeVar("U")

SIZES: dict[str, Callable[[], Channel[int]]] = {"unbounded": Channel[int], "maxsize 1": lambda: Channel[int](1)}
every_size = pytest.mark.parametrize("make", SIZES.values(), ids=SIZES)


@every_size
async def test_a_put_whose_function_closes_the_channel_puts_nothing(make: Callable[[], Channel[int]]) -> None:
    channel = make()
    with pytest.raises(ChannelClosed):
        await select(channel.on_put(1).map(lambda _: channel.close()))
    assert (True, []) == (channel.closed(), list(channel))


@every_size
async def test_a_put_that_is_the_second_case_and_closes_the_channel_puts_nothing(
    make: Callable[[], Channel[int]],
) -> None:
    channel = make()
    with pytest.raises(ChannelClosed):
        await select(Channel[int]().on_get(), channel.on_put(1).map(lambda _: channel.close()), biased=True)
    assert [] == list(channel)


async def test_the_cause_with_which_the_function_closes_the_channel_is_told() -> None:
    channel: Channel[int] = Channel()
    cause = OSError("disk on fire")
    with pytest.raises(ChannelClosed) as caught:
        await select(channel.on_put(1).map(lambda _: channel.close(cause)))
    assert cause is caught.value.__cause__


async def test_a_woken_put_whose_function_closes_the_channel_puts_nothing() -> None:
    channel = filled(0, maxsize=1)
    selecting = await waiting(select(channel.on_put(1).map(lambda _: channel.close())))
    assert 0 == channel.get_nowait()
    with pytest.raises(ChannelClosed):
        await selecting
    assert [] == list(channel)


async def test_a_put_to_a_waiting_get_whose_function_closes_the_channel_puts_nothing() -> None:
    channel = Channel[int].rendezvous()
    getting = await waiting(channel.get())
    with pytest.raises(ChannelClosed):
        await select(channel.on_put(1).map(lambda _: channel.close()))
    with pytest.raises(ChannelClosed):
        await getting


async def test_a_put_whose_function_closes_the_channel_is_never_told_that_it_was_put() -> None:
    with small_budgets():
        for _ in range(4):
            await test_the_cause_with_which_the_function_closes_the_channel_is_told()


async def test_a_put_whose_function_fills_the_channel_waits_for_room() -> None:
    channel: Channel[int] = Channel(1)

    def fill(_: None) -> None:
        if channel.empty():
            channel.put_nowait(0)

    selecting = await waiting(select(channel.on_put(1).map(fill)))
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)
    assert await cancelled(selecting)
    assert [0] == list(channel)


async def test_a_get_whose_function_takes_the_item_waits_for_another() -> None:
    channel = filled(1)
    taken: list[int] = []

    def take(item: int) -> int:
        if not taken:
            taken.append(channel.get_nowait())
        return item

    selecting = await waiting(select(channel.on_get().map(take)))
    channel.put_nowait(2)
    assert ((0, 2), [1]) == (await selecting, taken)


async def test_a_get_whose_function_closes_the_channel_has_its_item() -> None:
    channel = filled(1)
    assert (0, True) == await select(channel.on_get().map(lambda _: channel.close()))
    await channel.join()


async def test_a_woken_get_whose_function_closes_the_channel_has_its_item() -> None:
    channel: Channel[int] = Channel()
    selecting = await waiting(select(channel.on_get().map(lambda _: channel.close())))
    channel.put_nowait(1)
    assert (0, True) == await selecting
    await asyncio.gather(channel.join())


class Robbed:
    """A get whose item a signal handler takes between the look and the peek."""

    def ended(self) -> bool:
        return False

    def hindrance(self) -> None:
        return None

    def peek(self) -> Blocked:
        return BLOCKED

    def attempt(self) -> int:
        raise AssertionError("there is nothing to get")

    def park(self, selection: Selection, position: int, /) -> None:
        raise NotImplementedError

    def complete(self, selection: Selection, /) -> int:
        return 7

    def give_back(self, selection: Selection, /) -> None:
        raise NotImplementedError

    def leave(self, selection: Selection, /) -> None:
        raise NotImplementedError

    def map(self, fn: Callable[[int], U], /) -> Operation[U]:
        raise NotImplementedError


async def test_an_item_that_is_gone_when_it_is_looked_at_is_not_mapped() -> None:
    seen: list[int] = []
    mapped = Mapped(Robbed(), seen.append)
    assert BLOCKED is mapped.attempt()
    mapped.complete(Selection(asyncio.get_running_loop()))
    assert [7] == seen


# What the function is called with


@pytest.mark.parametrize("woken", [False, True])
async def test_a_get_whose_function_takes_the_item_has_the_result_for_the_next(woken: bool) -> None:
    channel: Channel[int] = Channel()
    taken: list[int] = []

    def take(item: int) -> int:
        if not taken:
            taken.append(channel.get_nowait())
        return item

    selecting = asyncio.create_task(select(channel.on_get().map(take)))
    if woken:
        await settle()
    channel.put_nowait(1)
    channel.put_nowait(2)
    assert ((0, 2), [1]) == (await selecting, taken)


async def test_the_function_sees_the_oldest_item_and_no_other() -> None:
    seen: list[int] = []
    channel = filled(1, 2, 3)
    await select(channel.on_get().map(seen.append))
    assert ([1], [2, 3]) == (seen, list(channel))


@pytest.mark.parametrize("side", ["get", "put"])
async def test_the_function_runs_once_for_each_result_though_others_run_in_between(side: str) -> None:
    seen: list[int | None] = []
    with small_budgets():
        channel: Channel[int] = Channel()
        if side == "get":
            await channel.put_many(range(20))
            channel.close()  # from now on the gets are counted
        for _ in range(20):
            await select((channel.on_get() if side == "get" else channel.on_put(1)).map(seen.append))
    assert 20 == len(seen)


async def test_the_function_does_not_run_for_an_item_that_is_promised_to_another() -> None:
    seen: list[int] = []
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    assert (1, None) == await select(channel.on_get().map(seen.append), otherwise())
    assert (7, []) == (await getting, seen)


@pytest.mark.parametrize("woken", [False, True])
@pytest.mark.parametrize("side", ["get", "put"])
async def test_the_function_does_not_run_once_the_channel_is_closed(side: str, woken: bool) -> None:
    seen: list[int | None] = []
    channel = filled(*[1][: side == "put"], maxsize=1)
    case: Case[None] = (channel.on_get() if side == "get" else channel.on_put(1)).map(seen.append)
    selecting = asyncio.create_task(select(case))
    if woken:
        await settle()
    channel.close()
    with pytest.raises(ChannelClosed):
        await selecting
    assert [] == seen


def test_a_select_whose_loop_ended_leaves_nothing_behind_a_case_that_threads_share() -> None:
    channel: ThreadChannel[int] = ThreadChannel(outlives_loops=True)
    loop = asyncio.new_event_loop()
    selecting = select(channel.on_get().map(str))
    loop.call_soon(selecting.send, None)
    loop.run_until_complete(asyncio.sleep(0))
    assert 1 == channel.statistics().waiting_receivers
    loop.close()
    selecting.close()
    assert 0 == channel.statistics().waiting_receivers
