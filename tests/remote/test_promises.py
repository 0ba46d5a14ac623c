"""The promises R1 to R14, by name."""

import asyncio
from contextlib import suppress

import pytest

from aiochannel import ChannelClosed
from aiochannel.remote import (
    BadItem,
    ChannelLost,
    ChannelUnavailable,
    RemoteCause,
    RemoteReceiver,
)
from tests.conftest import cancelled, settle, waiting
from tests.contract.kinds import get
from tests.remote.world import World

pytestmark = pytest.mark.virtual_clock


async def received(rx: RemoteReceiver[int], count: int) -> list[int]:
    return [await rx.get() for _ in range(count)]


async def rest(world: World) -> list[int]:
    """Close the channel, and return what another process gets of it."""
    channel = await (await world.hub()).existing("jobs", int)
    await channel.close()
    async with channel.receiver() as rx:
        return [item async for item in rx]


# R1 and R2: a put


async def test_r1_a_put_that_returns_is_stored(world: World) -> None:
    channel = await world.channel()
    await channel.sender().put(1)
    assert [1] == await channel.peek(9)


@pytest.mark.parametrize("fault", ["request", "reply", "stale"])
async def test_r1_a_put_is_stored_once_however_often_the_connection_fails(world: World, fault: str) -> None:
    tx, _ = await world.ends()
    world.lose(*[fault] * 5)
    for item in range(3):
        await tx.put(item)
    await asyncio.sleep(9)
    assert [0, 1, 2] == await rest(world)


async def test_r1_a_put_into_a_closed_channel_is_not_stored(world: World) -> None:
    tx, _ = await world.ends()
    await (await world.channel()).close()
    with pytest.raises(ChannelClosed):
        await tx.put(1)
    assert [] == await rest(world)


async def test_r1_a_bad_item_is_not_stored(world: World) -> None:
    hub = await world.hub()
    channel = await hub.channel("things", object)
    tx = channel.sender()
    for put in (lambda: tx.put_nowait(object()), lambda: tx.on_put(object()), lambda: tx.submit(object())):
        with pytest.raises(BadItem, match="an item for the channel 'things' on memory: cannot be encoded"):
            put()
    with pytest.raises(BadItem):
        await tx.put(object())
    assert 0 == await channel.size()


async def test_r1_an_item_that_is_too_large_is_a_bad_one(world: World) -> None:
    channel = await (await world.hub()).channel("things", bytes)
    with pytest.raises(BadItem, match="has 16777221 bytes; 16777216 are allowed"):
        await channel.sender().put(bytes(2**24))
    assert 0 == await channel.size()


async def test_r2_a_put_that_is_cancelled_while_it_waits_never_happens(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(1)
    assert await cancelled(await waiting(tx.put(2)))
    async with rx.receive() as delivery:
        assert 1 == delivery.item
    await tx.put(3)
    assert [3] == await rest(world)


async def test_r2_a_put_that_is_cancelled_before_it_is_sent_never_happens(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(1)
    _ = await waiting(tx.put(2))
    assert await cancelled(await waiting(tx.put(3)))
    await (await world.channel(1)).abort()
    assert [] == await rest(world)


async def test_r2_a_put_whose_patience_is_over_is_withdrawn(world: World) -> None:
    tx, _ = await world.ends(patience=10)  # within which a busy machine connects again
    world.cut()
    with pytest.raises(ChannelUnavailable, match="memory: was out of reach for more than 10 s"):
        await tx.put(1)
    world.connect_again()
    await tx.put(2)
    assert [2] == await rest(world)


async def test_r2_withdraw_says_whether_the_item_is_stored(world: World) -> None:
    tx, _ = await world.ends(1)
    first, second = tx.submit(1), tx.submit(2)
    await first.stored()
    assert (False, True) == (await first.withdraw(), await second.withdraw())
    assert [1] == await rest(world)


# R3 and R4: a get


async def test_r4_an_item_is_received_when_its_task_asks_for_another(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])
    channel = await world.channel()
    await rx.get()
    assert 2 == await channel.size()
    await rx.get()
    await asyncio.sleep(1)
    assert 1 == await channel.size()


async def test_r4_an_item_is_received_when_its_task_ends(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    assert 1 == await asyncio.create_task(rx.get())
    assert 1 == (await (await world.channel()).statistics()).stored  # the caller is this task, which goes on

    async def work() -> None:
        await rx.get()

    await tx.put(2)
    await asyncio.create_task(work())
    await asyncio.sleep(1)
    assert (await (await world.channel()).statistics()).stored == 1


@pytest.mark.parametrize("fails", [True, False])
async def test_r4_an_item_is_given_back_when_its_task_fails_or_is_cancelled(world: World, fails: bool) -> None:
    tx, rx = await world.ends()

    async def work() -> None:
        async for _ in rx:
            if fails:
                raise EOFError
            await asyncio.sleep(99)

    task = asyncio.create_task(work())
    await tx.put(1)
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises((EOFError, asyncio.CancelledError)):
        await task
    async with rx.receive() as delivery:
        assert (1, 2) == (delivery.item, delivery.attempt)


async def test_r4_an_item_is_given_back_when_its_end_is_left_by_an_exception(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    with suppress(EOFError):
        async with rx:
            async for _ in rx:
                raise EOFError
    assert [1] == await rest(world)


async def test_r4_an_item_is_received_when_its_end_is_left(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])
    async with rx:
        await rx.get()
    assert [2] == await rest(world)


async def test_r4_what_other_tasks_hold_is_given_back_when_the_end_is_left(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)

    async def work() -> None:
        await rx.get()
        await asyncio.sleep(99)

    async with rx:
        _ = await waiting(work())
    channel = await world.channel()
    async with channel.receiver() as other, other.receive() as delivery:
        assert (1, 1) == (delivery.item, delivery.attempt)


async def test_r4_asking_receives_what_the_task_holds_when_it_asks(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2, 3])
    channel = await world.channel()
    await asyncio.gather(rx.get(), rx.get())
    await asyncio.sleep(0.5)
    assert 3 == await channel.size()
    await rx.get()
    await asyncio.sleep(0.5)
    assert 1 == await channel.size()


async def test_r5_the_id_of_an_item_stays_the_same(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    ids = []
    for _ in range(3):
        with suppress(EOFError):
            async with rx.receive() as delivery:
                ids.append(delivery.id)
                raise EOFError
    async with rx.receive() as delivery:
        assert {delivery.id} == set(ids)
        assert 4 == delivery.attempt


# R6 to R8: order and capacity


async def test_r6_items_are_received_in_the_order_of_their_puts(world: World) -> None:
    tx, rx = await world.ends(3)

    async def send() -> None:
        await tx.put(0)
        tx.put_nowait(1)
        await tx.put_many(range(2, 9))
        tx.put_nowait(9)
        tx.close()

    sending = asyncio.create_task(send())
    assert list(range(10)) == [item async for item in rx]
    await sending


async def test_r6_items_that_are_given_back_go_to_the_head_in_their_order(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many(range(6))

    async def work() -> None:
        assert [0, 1, 2] == await rx.get_many(3)
        await asyncio.sleep(99)

    async with rx:
        _ = await waiting(work())
    assert [0, 1, 2, 3, 4, 5] == await rest(world)


async def test_r6_items_that_were_tried_travel_alone(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many(range(4))

    async def work() -> None:
        await rx.get_many(2)
        raise EOFError

    with pytest.raises(EOFError):
        await asyncio.create_task(work())
    await asyncio.sleep(1)
    assert [[0], [1], [2, 3]] == [await rx.get_many(9) for _ in range(3)]


async def test_r7_at_most_maxsize_items_are_stored(world: World) -> None:
    tx, rx = await world.ends(2)
    await tx.put_many([1, 2])
    _ = await waiting(tx.put(3))
    await rx.get()
    await asyncio.sleep(9)
    assert 2 == await (await world.channel(2)).size()  # an item that is held is stored


async def test_r8_waiting_puts_go_ahead_in_the_order_in_which_they_began_to_wait(world: World) -> None:
    channels = [await world.channel(1) for _ in range(4)]
    rx = channels[0].receiver()
    await channels[0].sender().put(0)
    putting = [await waiting(channel.sender().put(item)) for item, channel in enumerate(channels, 1)]
    assert [0, 1, 2, 3, 4] == await received(rx, 5)
    await asyncio.gather(*putting)


async def test_r8_waiting_receivers_are_served_in_the_order_in_which_they_began_to_wait(world: World) -> None:
    channels = [await world.channel() for _ in range(4)]
    tx = channels[0].sender()
    getting = [await waiting(channel.receiver().get()) for channel in channels]
    for item in range(4):
        await tx.put(item)
    assert [0, 1, 2, 3] == await asyncio.gather(*getting)


# R9 and R10: the end of a channel


async def test_r9_once_aclose_has_returned_no_item_is_stored(world: World) -> None:
    tx, _ = await world.ends()
    other = (await world.channel()).sender()
    assert await tx.aclose()
    for end in (tx, other):
        with pytest.raises(ChannelClosed):
            await end.put(1)
        with pytest.raises(ChannelClosed):
            end.put_nowait(1)
    assert not await other.aclose()


async def test_r9_receivers_go_on_until_nothing_waits_is_held_or_is_delayed(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    held = await rx.deliveries().__anext__()
    await tx.aclose()
    getting = await waiting((await world.channel()).receiver().get())
    await held.release(delay=9)
    assert 1 == await getting


@pytest.mark.parametrize("call", ["get", "get_many", "async for", "select"])
async def test_r9_a_cause_travels_as_text(world: World, call: str) -> None:
    tx, rx = await world.ends()
    await tx.aclose(ValueError("bad line 17"))
    with pytest.raises(ChannelClosed) as caught:
        await get(call, rx)
    assert isinstance(caught.value.__cause__, RemoteCause)
    assert "ValueError: bad line 17" == str(caught.value.__cause__)


async def test_r10_join_returns_when_the_channel_is_drained_whoever_drains_it(world: World) -> None:
    tx, rx = await world.ends()
    joining = [await waiting(end.join()) for end in (tx, rx, await world.channel())]
    await tx.put(1)
    await tx.aclose()
    await rx.get()
    await settle()
    assert [False] * 3 == [each.done() for each in joining]
    with pytest.raises(ChannelClosed):
        await rx.get()
    await asyncio.gather(*joining)


# R11 and R12: trouble


async def test_r11_a_channel_that_is_deleted_is_lost_for_everybody(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(1)
    await rx.get()
    other = (await world.channel(1)).receiver()
    waits = [await waiting(each) for each in (tx.put(2), other.get(), tx.join(), tx.wait_closed())]
    await (await world.channel(1)).delete()
    for each in waits:
        with pytest.raises(ChannelLost, match="the channel 'jobs' on memory: is lost: the server has deleted it"):
            await each
    with pytest.raises(ChannelLost):
        await tx.put(3)
    with pytest.raises(ChannelLost):
        await other.get()


async def test_r11_data_that_are_gone_are_found_out_within_one_beat(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(1)
    await rx.get()
    waits = [await waiting(each) for each in (tx.put(2), tx.join())]
    getting = await waiting((await world.channel(1)).receiver().get())
    world.brokers[0].server.channels.clear()
    for each in (*waits, getting):
        with pytest.raises(ChannelLost, match="is lost: the server does not have it any more"):
            await asyncio.wait_for(each, 6)
    assert 0 == rx.qsize()


async def test_r12_while_the_server_is_out_of_reach_calls_wait(world: World) -> None:
    tx, rx = await world.ends(patience=100)
    getting = await waiting(rx.get())
    world.cut(9)
    putting = await waiting(tx.put(1))
    await putting
    assert 1 == await getting


async def test_r12_calls_fail_when_their_patience_is_over(world: World) -> None:
    channel = await world.channel(1, patience=10)
    tx, rx = channel.sender(), channel.receiver()
    await tx.put(1)
    other = channel.receiver()
    await rx.get()
    calls = [await waiting(each) for each in (tx.put(2), other.get(), other.get_many(3), tx.join(), tx.wait_closed())]
    world.cut()
    await asyncio.sleep(5)
    later = await waiting(channel.size())
    for each in calls:
        with pytest.raises(ChannelUnavailable):
            await each
    assert 10 == asyncio.get_running_loop().time() % 100
    with pytest.raises(ConnectionError):
        await later
    assert 15 == asyncio.get_running_loop().time() % 100


# R13 and R14: poison, and looking


async def test_r13_an_item_that_fails_too_often_becomes_a_dead_letter(world: World) -> None:
    channel = await world.channel(tries=2)
    tx, rx = channel.sender(), channel.receiver()
    await tx.put_many([1, 2])
    for _ in range(2):
        with suppress(ValueError):
            async with rx.receive():
                raise ValueError("poison")
    assert 2 == await rx.get()
    (letter,) = await channel.dead_letters()
    assert (1, 2) == (letter.item, letter.attempts)
    assert "its block failed: ValueError: poison" == letter.reason


async def test_r13_an_item_of_crashing_receivers_becomes_a_dead_letter(world: World) -> None:
    channel = await world.channel(tries=2, lease=3)
    await channel.sender().put(1)
    idle = channel.receiver()
    for place in (1, 2):
        await (await world.channel(tries=2, lease=3)).receiver().get()
        world.crash(place)
        await asyncio.sleep(9)
    assert idle.empty()
    assert ["its receiver crashed, or stalled for longer than its lease"] == [
        each.reason for each in await channel.dead_letters()
    ]


async def test_r14_looking_changes_nothing(world: World) -> None:
    channel = await world.channel(9)
    await channel.sender().put_many([1, 2, 3])
    before = await channel.statistics()
    assert ([1, 2], 3, False) == (await channel.peek(2), await channel.size(), channel.receiver().closed())
    assert before == await channel.statistics()
