"""Closing, draining, aborting, joining, and the cause."""

import asyncio

import pytest

from aiochannel import Channel, ChannelClosed, ChannelEmpty
from tests.conftest import cancelled, settle, waiting


def filled(*items: int, maxsize: int = 0) -> Channel[int]:
    channel: Channel[int] = Channel(maxsize)
    for item in items:
        channel.put_nowait(item)
    return channel


async def attempt(channel: Channel[int], call: str) -> None:
    match call:
        case "put":
            await channel.put(9)
        case "put_nowait":
            channel.put_nowait(9)
        case "put_many":
            await channel.put_many([9])
        case "get":
            await channel.get()
        case "get_nowait":
            channel.get_nowait()
        case "get_many":
            await channel.get_many(9)
        case _:
            channel.get_many_nowait(9)


async def refusal(channel: Channel[int], call: str) -> ChannelClosed:
    """The error of a call on a channel that refuses it."""
    with pytest.raises(ChannelClosed) as caught:
        await attempt(channel, call)
    return caught.value


PUTS = ["put", "put_nowait", "put_many"]
GETS = ["get", "get_nowait", "get_many", "get_many_nowait"]


# Closing


def test_a_new_channel_is_open() -> None:
    assert not Channel[int]().closed()


def test_close_tells_whether_it_did_it() -> None:
    channel: Channel[int] = Channel()
    assert [True, False, False] == [channel.close() for _ in range(3)]
    assert channel.closed()


@pytest.mark.parametrize("call", PUTS)
async def test_a_closed_channel_accepts_no_item(call: str) -> None:
    channel = filled(1)
    channel.close()
    await refusal(channel, call)
    assert [1] == list(channel)


@pytest.mark.parametrize("call", PUTS)
async def test_closed_wins_over_full(call: str) -> None:
    channel = filled(1, maxsize=1)
    channel.close()
    await refusal(channel, call)


@pytest.mark.parametrize("call", GETS)
async def test_a_drained_channel_refuses_every_get(call: str) -> None:
    channel: Channel[int] = Channel()
    channel.close()
    await refusal(channel, call)


async def test_the_items_of_a_closed_channel_can_still_be_taken() -> None:
    channel = filled(1, 2, 3, 4)
    channel.close()
    assert [1, 2, [3], [4]] == [
        await channel.get(),
        channel.get_nowait(),
        await channel.get_many(1),
        channel.get_many_nowait(2),
    ]


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_close_wakes_every_waiting_get(count: int) -> None:
    channel: Channel[int] = Channel()
    tasks = [asyncio.create_task(channel.get()) for _ in range(count)]
    await settle()
    channel.close()
    await settle()
    assert [True] * count == [isinstance(task.exception(), ChannelClosed) for task in tasks]


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_close_wakes_every_waiting_put_though_nobody_drains(count: int) -> None:
    channel = filled(0, maxsize=1)
    tasks = [asyncio.create_task(channel.put(item)) for item in range(count)]
    await settle()
    channel.close()
    await settle()
    assert [True] * count == [isinstance(task.exception(), ChannelClosed) for task in tasks]
    assert [0] == list(channel)


async def test_a_put_that_was_granted_and_has_not_run_is_refused_by_close() -> None:
    channel = filled(0, maxsize=1)
    task = await waiting(channel.put(1))
    channel.get_nowait()
    channel.close()
    await settle()
    assert isinstance(task.exception(), ChannelClosed)
    assert [] == list(channel)


async def test_put_many_keeps_what_was_accepted_before_close() -> None:
    channel: Channel[int] = Channel(2)
    items = iter(range(10))
    task = await waiting(channel.put_many(items))
    channel.close()
    await settle()
    assert isinstance(task.exception(), ChannelClosed)
    assert [0, 1] == list(channel)
    assert 3 == next(items)


async def test_a_receiver_waiting_at_close_is_told_only_when_nothing_can_reach_it() -> None:
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    assert not second.done()
    await settle()
    assert 7 == first.result()
    assert isinstance(second.exception(), ChannelClosed)


async def test_the_item_of_a_receiver_cancelled_after_close_goes_to_the_next() -> None:
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    first.cancel()
    await settle()
    assert 7 == second.result()


async def test_a_closed_channel_whose_last_item_is_promised_is_not_drained() -> None:
    channel: Channel[int] = Channel()
    first = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    assert [] == channel.get_many_nowait(1)
    late = asyncio.create_task(channel.get())
    first.cancel()
    await settle()
    assert 7 == (late.result() if late.done() and not late.exception() else channel.get_nowait())


async def test_a_get_that_begins_while_the_last_item_is_promised_waits() -> None:
    channel: Channel[int] = Channel()
    first = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    waits = channel.get()
    waits.send(None)
    assert 1 == channel.statistics().waiting_receivers
    waits.close()
    assert 0 == channel.statistics().waiting_receivers
    assert 7 == await first


async def test_an_item_that_a_cancelled_receiver_left_behind_can_be_taken() -> None:
    channel: Channel[int] = Channel()
    only = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    assert await cancelled(only)
    assert 7 == channel.get_nowait()


async def test_async_for_ends_when_the_channel_closes_while_it_waits() -> None:
    async def consume() -> list[int]:
        return [item async for item in channel]

    channel: Channel[int] = Channel()
    tasks = [await waiting(consume()), await waiting(consume())]
    await channel.put_many([1, 2, 3])
    channel.close()
    taken = await asyncio.gather(*tasks)
    assert [1, 2, 3] == sorted(item for items in taken for item in items)


# Cause


@pytest.mark.parametrize("call", [*PUTS, *GETS])
async def test_the_cause_is_told_to_every_refused_call(call: str) -> None:
    cause = OSError("disk on fire")
    channel: Channel[int] = Channel()
    channel.close(cause)
    assert cause is (await refusal(channel, call)).__cause__


@pytest.mark.parametrize("call", [*PUTS, *GETS])
async def test_without_a_cause_there_is_none(call: str) -> None:
    channel: Channel[int] = Channel()
    channel.close()
    assert (await refusal(channel, call)).__cause__ is None


async def test_the_cause_is_told_to_those_who_wait() -> None:
    cause = OSError("disk on fire")
    full, empty = filled(0, maxsize=1), Channel[int]()

    async def iterate() -> None:
        async for _ in empty.receiver:
            pass

    tasks: list[asyncio.Task[object]] = [
        await waiting(full.put(1)),
        await waiting(empty.get()),
        await waiting(iterate()),
    ]
    full.close(cause)
    empty.close(cause)
    await settle()
    assert [cause] * 3 == [error.__cause__ if (error := task.exception()) else None for task in tasks]


async def test_the_items_come_before_the_cause() -> None:
    async def consume() -> None:
        async for item in channel:
            taken.append(item)  # a comprehension would lose what came before the error

    channel, taken = filled(1, 2), list[int]()
    channel.close(OSError("disk on fire"))
    with pytest.raises(ChannelClosed):
        await consume()
    assert [1, 2] == taken


async def test_async_for_over_a_crashed_channel_raises_every_time() -> None:
    channel: Channel[int] = Channel()
    channel.close(OSError("disk on fire"))
    for _ in range(2):
        with pytest.raises(ChannelClosed):
            await anext(aiter(channel))


async def test_the_first_cause_stays() -> None:
    first = OSError("first")
    channel: Channel[int] = Channel()
    channel.close(first)
    channel.close(OSError("second"))
    assert first is (await refusal(channel, "get")).__cause__


async def test_a_cause_that_comes_after_a_plain_close_is_too_late() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    channel.close(OSError("late"))
    assert (await refusal(channel, "get")).__cause__ is None


@pytest.mark.parametrize("wrong", ["x", 5, OSError], ids=["str", "int", "class"])
def test_the_cause_must_be_an_exception(wrong: BaseException) -> None:
    channel = filled(1)
    with pytest.raises(TypeError, match="the cause must be an exception or None"):
        channel.close(wrong)
    with pytest.raises(TypeError, match="the cause must be an exception or None"):
        channel.abort(wrong)
    assert (False, [1]) == (channel.closed(), list(channel))


# Abort


async def test_abort_closes_and_returns_the_items_in_order() -> None:
    channel = filled(1, 2, 3)
    assert [1, 2, 3] == channel.abort()
    assert (True, 0) == (channel.closed(), channel.qsize())


async def test_abort_leaves_what_is_promised() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    await channel.put_many([1, 2, 3])
    assert [2, 3] == channel.abort()
    assert 1 == await getting


async def test_abort_refuses_waiting_puts() -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(channel.put(1))
    assert [0] == channel.abort()
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


async def test_abort_of_a_closed_channel_only_removes() -> None:
    cause = OSError("first")
    channel = filled(1, 2)
    channel.close(cause)
    assert [1, 2] == channel.abort(OSError("second"))
    assert [] == channel.abort()
    assert cause is (await refusal(channel, "get")).__cause__


async def test_abort_with_a_cause_tells_it() -> None:
    cause = OSError("disk on fire")
    channel = filled(1)
    channel.abort(cause)
    assert cause is (await refusal(channel, "get")).__cause__


async def test_abort_completes_a_join() -> None:
    channel = filled(1, 2)
    joining = await waiting(channel.join())
    channel.abort()
    await joining


async def test_abort_tells_a_receiver_that_waits_behind_a_promise_only_when_that_is_taken() -> None:
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(channel.get())
    channel.put_nowait(1)
    assert [] == channel.abort()
    first.cancel()
    await settle()
    assert 1 == second.result()


# Join


async def test_join_returns_at_once_when_closed_and_drained() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    await channel.join()


async def test_join_waits_for_close_and_for_the_last_item() -> None:
    channel = filled(1)
    joining = await waiting(channel.join())
    channel.get_nowait()
    await settle()
    assert not joining.done()
    channel.close()
    await joining


@pytest.mark.parametrize("drain", GETS)
async def test_join_returns_whoever_drains(drain: str) -> None:
    channel = filled(1)
    channel.close()
    joining = await waiting(channel.join())
    await attempt(channel, drain)
    await joining


async def test_join_waits_for_a_promised_item() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    assert await cancelled(getting)
    joining = await waiting(channel.join())
    assert 7 == channel.get_nowait()
    await joining


async def test_every_join_returns() -> None:
    channel: Channel[int] = Channel()
    tasks = [await waiting(channel.join()) for _ in range(3)]
    channel.close()
    await asyncio.gather(*tasks)


async def test_a_cancelled_join_has_no_effect() -> None:
    channel = filled(1)
    joining, other = await waiting(channel.join()), await waiting(channel.join())
    assert await cancelled(joining)
    channel.close()
    other_still_waits = not other.done()
    assert 1 == channel.get_nowait()
    await other
    assert other_still_waits


async def test_a_join_cancelled_in_the_step_that_completes_it_has_no_effect() -> None:
    channel: Channel[int] = Channel()
    joining = await waiting(channel.join())
    joining.cancel()
    channel.close()
    await settle()
    assert joining.cancelled()
