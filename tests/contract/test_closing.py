"""Closing, draining, aborting, joining, and the cause."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Never, cast

import pytest

from aiochannel import ChannelClosed, ChannelEmpty
from tests.conftest import cancelled, settle, waiting
from tests.contract.kinds import (
    GETS,
    PUTS,
    WAITING_GETS,
    WAITING_PUTS,
    Kind,
    Sides,
    every_kind,
    get,
    put,
    that_abort,
    that_buffer,
    that_fill,
    that_fill_a_buffer,
    that_keep_all,
    those,
)

# An iteration ends where these raise ChannelClosed.
REFUSED_GETS = [call for call in GETS if call != "async for"]

NO_CAUSES = cast("list[BaseException]", ["x", 5, OSError])

that_abort_and_buffer = those(lambda kind: kind.aborts and kind.capacity > 0)


async def refusal(call: Coroutine[object, Never, object]) -> ChannelClosed:
    """Return the error of a call that its channel refuses."""
    with pytest.raises(ChannelClosed) as caught:
        await call
    return caught.value


# Closing


@every_kind
async def test_a_new_channel_is_open(channel: Sides) -> None:
    assert (False, False) == (channel.tx.closed(), channel.rx.closed())


@every_kind
async def test_close_returns_whether_it_did_it(channel: Sides) -> None:
    assert [True, False, False] == [channel.tx.close() for _ in range(3)]
    assert (True, True) == (channel.tx.closed(), channel.rx.closed())


@that_fill
async def test_close_twice_with_a_waiting_put(full: Sides) -> None:
    """aiochannel 1.4.1: InvalidStateError from the second close."""
    putting = await waiting(full.tx.put(1_000))
    assert [True, False] == [full.tx.close(), full.tx.close()]
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


@every_kind
async def test_a_closed_channel_accepts_no_item(stocked: Sides) -> None:
    stocked.tx.close()
    for call in PUTS:
        await refusal(put(call, stocked.tx, 9))
    assert stocked.inside == await stocked.rest()


@every_kind
async def test_put_many_on_a_closed_channel_puts_none_of_its_items(stocked: Sides) -> None:
    stocked.tx.close()
    await refusal(stocked.tx.put_many([1, 2]))
    await refusal(stocked.tx.put_many(iter([1, 2])))
    assert stocked.inside == await stocked.rest()


@that_fill
async def test_closed_wins_over_full(full: Sides) -> None:
    """aiochannel 1.4.1: ChannelFull, so that a program tried again for ever."""
    full.tx.close()
    for call in PUTS:
        await refusal(put(call, full.tx, 9))
    assert full.inside == await full.rest()


@every_kind
async def test_a_drained_channel_refuses_every_get(channel: Sides) -> None:
    channel.tx.close()
    for call in REFUSED_GETS:
        await refusal(get(call, channel.rx))
    assert "end" == await anext(aiter(channel.rx), "end")


@that_buffer
async def test_the_items_of_a_closed_channel_can_still_be_taken(kind: Kind) -> None:
    for call in GETS:
        stocked = kind.stocked()
        stocked.tx.close()
        assert (call, stocked.inside) == (call, [await get(call, stocked.rx) for _ in stocked.inside])
        await refusal(stocked.rx.get_many(2))


@every_kind
async def test_close_wakes_every_waiting_get(channel: Sides) -> None:
    """aiochannel before 1.1, Swift's AsyncChannel, queue.Queue.shutdown in an alpha (python/cpython#117531)."""
    calls = [call for call in WAITING_GETS if call != "async for"] * 30
    tasks = [asyncio.create_task(get(call, channel.rx)) for call in calls]
    await settle()
    channel.tx.close()
    await settle()
    assert [ChannelClosed] * len(calls) == [type(task.exception()) for task in tasks]


@that_fill
async def test_close_wakes_every_waiting_put_though_nobody_drains(full: Sides) -> None:
    calls = WAITING_PUTS * 30
    tasks = [asyncio.create_task(put(call, full.tx, 9)) for call in calls]
    await settle()
    full.tx.close()
    await settle()
    assert [ChannelClosed] * len(calls) == [type(task.exception()) for task in tasks]
    assert full.inside == await full.rest()


@every_kind
async def test_more_receivers_than_items_at_close_all_end(channel: Sides) -> None:
    """aiochannel before 1.1: those without an item hung."""
    tasks = [await waiting(channel.rx.get()) for _ in range(3)]
    channel.tx.put_nowait(7)
    channel.tx.close()
    await settle()
    assert [7, None, None] == [None if task.exception() else task.result() for task in tasks]


@every_kind
async def test_a_receiver_waiting_at_close_is_told_only_when_nothing_can_reach_it(channel: Sides) -> None:
    first, second = await waiting(channel.rx.get()), await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    channel.tx.close()
    assert not second.done()
    await settle()
    assert 7 == first.result()
    assert isinstance(second.exception(), ChannelClosed)


@every_kind
async def test_the_item_of_a_receiver_cancelled_after_close_goes_to_the_next(channel: Sides) -> None:
    first, second = await waiting(channel.rx.get()), await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    channel.tx.close()
    first.cancel()
    await settle()
    assert (True, 7) == (first.cancelled(), second.result())


@every_kind
async def test_a_closed_channel_whose_last_item_is_promised_is_not_drained(channel: Sides) -> None:
    first = await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    channel.tx.close()
    with pytest.raises(ChannelEmpty):
        channel.rx.get_nowait()
    late = asyncio.create_task(channel.rx.get())
    first.cancel()
    await settle()
    assert 7 == (late.result() if late.done() and not late.exception() else channel.rx.get_nowait())


@every_kind
async def test_a_get_that_begins_while_the_last_item_is_promised_waits(channel: Sides) -> None:
    first = await waiting(channel.rx.get())
    channel.tx.put_nowait(7)
    channel.tx.close()
    waits = channel.rx.get()
    waits.send(None)
    assert (0, 1) == channel.waiters()
    waits.close()
    assert (0, 0) == channel.waiters()
    assert 7 == await first


@every_kind
async def test_an_item_that_a_cancelled_receiver_left_in_a_closed_channel_can_be_taken(kind: Kind) -> None:
    for call in GETS:
        channel = kind.make()
        only = await waiting(channel.rx.get())
        channel.tx.put_nowait(7)
        channel.tx.close()
        assert await cancelled(only)
        assert (call, 7) == (call, await get(call, channel.rx))


@that_fill_a_buffer
async def test_a_channel_closed_with_a_grant_outstanding_is_drained(full: Sides) -> None:
    """tokio's mpsc and its permits: reported wrongly, and a length below 0."""
    putting = await waiting(full.tx.put(1_000))
    assert full.inside == [full.rx.get_nowait() for _ in full.inside]
    full.tx.close()
    await refusal(full.rx.get())
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)
    assert (0, 0) == (full.tx.qsize(), full.rx.qsize())


@every_kind
async def test_close_passes_over_a_get_and_joins_cancelled_in_the_same_step(channel: Sides) -> None:
    """aiochannel before 0.2.3: InvalidStateError."""
    tasks: list[asyncio.Task[object]] = [
        await waiting(channel.rx.get()),
        await waiting(channel.tx.join()),
        await waiting(channel.rx.join()),
    ]
    for task in tasks:
        task.cancel()
    channel.tx.close()
    await settle()
    assert [True] * 3 == [task.cancelled() for task in tasks]


@that_fill
async def test_close_passes_over_puts_and_joins_cancelled_in_the_same_step(full: Sides) -> None:
    tasks = [await waiting(full.tx.put(1_000)), await waiting(full.tx.put_many([1_000])), await waiting(full.tx.join())]
    for task in tasks:
        task.cancel()
    full.tx.close()
    assert full.inside == await full.rest()
    await settle()
    assert [True] * 3 == [task.cancelled() for task in tasks]


@that_keep_all
async def test_async_for_ends_when_the_channel_closes_while_it_waits(channel: Sides) -> None:
    async def consume() -> list[object]:
        return [item async for item in channel.rx]

    tasks = [await waiting(consume()), await waiting(consume())]
    await channel.tx.put_many([1, 2, 3])
    channel.tx.close()
    taken = await asyncio.gather(*tasks)
    assert Counter([1, 2, 3]) == Counter(item for items in taken for item in items)


# Cause


@every_kind
@pytest.mark.parametrize("cause", [OSError("disk on fire"), None], ids=["with a cause", "without"])
async def test_every_refused_call_is_told_the_cause_or_that_there_is_none(
    channel: Sides, cause: OSError | None
) -> None:
    channel.tx.close(cause)
    errors = [await refusal(put(call, channel.tx, 9)) for call in PUTS]
    errors += [await refusal(get(call, channel.rx)) for call in REFUSED_GETS]
    assert [cause] * len(errors) == [error.__cause__ for error in errors]


@every_kind
async def test_async_for_raises_a_cause_every_time(channel: Sides) -> None:
    cause = OSError("disk on fire")
    channel.tx.close(cause)
    for _ in range(2):
        with pytest.raises(ChannelClosed) as caught:
            await anext(aiter(channel.rx))
        assert cause is caught.value.__cause__


@every_kind
async def test_the_cause_is_told_to_waiting_receivers(channel: Sides) -> None:
    cause = OSError("disk on fire")
    tasks = [await waiting(get(call, channel.rx)) for call in WAITING_GETS]
    channel.tx.close(cause)
    await settle()
    assert [cause] * 4 == [error.__cause__ if (error := task.exception()) else None for task in tasks]


@that_fill
async def test_the_cause_is_told_to_waiting_senders(full: Sides) -> None:
    cause = OSError("disk on fire")
    tasks = [await waiting(put(call, full.tx, 9)) for call in WAITING_PUTS]
    full.tx.close(cause)
    await settle()
    assert [cause] * 3 == [error.__cause__ if (error := task.exception()) else None for task in tasks]


@every_kind
async def test_the_items_come_before_the_cause(stocked: Sides) -> None:
    async def consume() -> None:
        async for item in stocked.rx:
            taken.append(item)  # noqa: PERF401  # a comprehension would lose what came before the error

    taken: list[object] = []
    stocked.tx.close(OSError("disk on fire"))
    await refusal(consume())
    assert stocked.inside == taken


@every_kind
async def test_the_first_cause_stays(channel: Sides) -> None:
    first = OSError("first")
    channel.tx.close(first)
    channel.tx.close(OSError("second"))
    assert first is (await refusal(channel.rx.get())).__cause__


@every_kind
async def test_a_cause_that_comes_after_a_plain_close_is_too_late(channel: Sides) -> None:
    channel.tx.close()
    channel.tx.close(OSError("late"))
    assert (await refusal(channel.rx.get())).__cause__ is None


@every_kind
async def test_the_cause_must_be_an_exception(stocked: Sides) -> None:
    for wrong in NO_CAUSES:
        with pytest.raises(TypeError, match="the cause must be an exception or None"):
            stocked.tx.close(wrong)
    assert not stocked.tx.closed()
    assert stocked.inside == await stocked.rest()


@every_kind
async def test_each_closed_error_is_a_new_one(channel: Sides) -> None:
    """anyio raised one instance again and again, whose traceback grew."""
    channel.tx.close(OSError("disk on fire"))
    tasks = [asyncio.create_task(channel.rx.get()) for _ in range(3)]
    await settle()
    assert 3 == len({id(task.exception()) for task in tasks})


# Abort


@that_abort
async def test_abort_closes_and_returns_the_items_in_order(stocked: Sides) -> None:
    assert stocked.inside == stocked.abort()
    assert (True, 0) == (stocked.tx.closed(), stocked.rx.qsize())


@those(lambda kind: kind.aborts and not kind.loses and kind.capacity >= 2)
async def test_abort_returns_what_is_promised_too(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    await channel.tx.put_many([1, 2, 3])
    assert [1, 2, 3] == channel.abort()
    with pytest.raises(ChannelClosed):
        await getting


@those(lambda kind: kind.aborts and not kind.loses and kind.capacity >= 2)
async def test_abort_leaves_nothing_to_receivers_that_were_woken_and_cancelled(channel: Sides) -> None:
    getting = [await waiting(channel.rx.get()) for _ in range(2)]
    joining = await waiting(channel.tx.join())
    await channel.tx.put_many([1, 2, 3])
    for task in getting:
        task.cancel()
    assert [1, 2, 3] == channel.abort()
    await settle()
    assert (True, True, True) == (*(task.cancelled() for task in getting), joining.done())


@those(lambda kind: kind.aborts and kind.fills)
async def test_abort_refuses_waiting_puts(full: Sides) -> None:
    putting = await waiting(full.tx.put(1_000))
    assert full.inside == full.abort()
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


@that_abort
async def test_abort_of_a_closed_channel_only_removes(stocked: Sides) -> None:
    cause = OSError("first")
    stocked.tx.close(cause)
    assert stocked.inside == stocked.abort(OSError("second"))
    assert [] == stocked.abort()
    assert cause is (await refusal(stocked.rx.get())).__cause__


@that_abort
async def test_abort_with_a_cause_tells_it(stocked: Sides) -> None:
    cause = OSError("disk on fire")
    stocked.abort(cause)
    assert cause is (await refusal(stocked.rx.get())).__cause__


@that_abort
async def test_the_cause_of_abort_must_be_an_exception(stocked: Sides) -> None:
    for wrong in NO_CAUSES:
        with pytest.raises(TypeError, match="the cause must be an exception or None"):
            stocked.abort(wrong)
    assert not stocked.tx.closed()
    assert stocked.inside == await stocked.rest()


@that_abort
async def test_abort_completes_a_join(stocked: Sides) -> None:
    joins = [await waiting(stocked.tx.join()), await waiting(stocked.rx.join())]
    stocked.abort()
    await asyncio.gather(*joins)


@that_abort_and_buffer
async def test_abort_completes_the_join_of_a_closed_channel_that_nobody_drains(stocked: Sides) -> None:
    """aiochannel 1.4.1: it could not be completed without a receiver."""
    stocked.tx.close()
    joining = await waiting(stocked.tx.join())
    assert stocked.inside == stocked.abort()
    await joining


@that_abort
async def test_abort_tells_a_receiver_that_waits_behind_a_promise(channel: Sides) -> None:
    first, second = await waiting(channel.rx.get()), await waiting(channel.rx.get())
    channel.tx.put_nowait(1)
    assert [1] == channel.abort()
    for getting in (first, second):
        with pytest.raises(ChannelClosed):
            await getting


# Join


@every_kind
async def test_join_returns_at_once_when_closed_and_drained(channel: Sides) -> None:
    channel.tx.close()
    await channel.tx.join()
    await channel.rx.join()


@every_kind
async def test_join_waits_for_close(channel: Sides) -> None:
    joins = [await waiting(channel.tx.join()), await waiting(channel.rx.join()), await waiting(channel.tx.join())]
    channel.tx.close()
    await asyncio.gather(*joins)


@that_buffer
async def test_join_waits_for_close_when_all_is_taken(stocked: Sides) -> None:
    joins = [await waiting(stocked.tx.join()), await waiting(stocked.rx.join())]
    assert stocked.inside == [stocked.rx.get_nowait() for _ in stocked.inside]
    await settle()
    assert [False, False] == [joining.done() for joining in joins]
    stocked.tx.close()
    await asyncio.gather(*joins)


@those(lambda kind: kind.capacity > 0 and not kind.keeps)
async def test_join_waits_for_the_last_item_whoever_drains(kind: Kind) -> None:
    for call in GETS:
        stocked = kind.stocked()
        stocked.tx.close()
        joins = [await waiting(stocked.tx.join()), await waiting(stocked.rx.join())]
        for _ in stocked.inside:
            assert [False, False] == [joining.done() for joining in joins]
            await get(call, stocked.rx)
            await settle()
        assert (call, True, True) == (call, *[joining.done() for joining in joins])


@every_kind
async def test_join_waits_for_a_promised_item(channel: Sides) -> None:
    getting = await waiting(channel.rx.get())
    early = await waiting(channel.rx.join())
    channel.tx.put_nowait(7)
    channel.tx.close()
    assert await cancelled(getting)
    late = await waiting(channel.rx.join())
    assert not early.done()
    assert 7 == channel.rx.get_nowait()
    await asyncio.gather(early, late)


@every_kind
async def test_a_cancelled_join_has_no_effect(kind: Kind) -> None:
    for position in range(3):
        stocked = kind.stocked()
        joins = [await waiting(stocked.rx.join()) for _ in range(3)]
        assert await cancelled(joins.pop(position))
        assert not stocked.tx.closed()
        assert stocked.inside == await stocked.rest()
        await asyncio.gather(*joins)


@every_kind
async def test_a_join_cancelled_in_the_step_that_completes_it_has_no_effect(channel: Sides) -> None:
    joining = await waiting(channel.rx.join())
    joining.cancel()
    channel.tx.close()
    await settle()
    assert (True, True) == (joining.cancelled(), channel.tx.closed())
