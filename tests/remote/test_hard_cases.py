"""The hard cases that need no real server, by name."""

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest

from aiochannel import ChannelClosed, after, otherwise, select
from aiochannel.remote import (
    JSON,
    ChannelLost,
    ChannelMismatch,
    ChannelUnavailable,
    LeaseLost,
    RemoteCause,
    RemoteReceiver,
    Undelivered,
)
from tests.conftest import cancelled, settle, waiting
from tests.remote.test_promises import rest
from tests.remote.world import World

pytestmark = pytest.mark.virtual_clock


@pytest.mark.parametrize("fault", ["reply", "request", "stale"])
async def test_lost_replies_lose_nothing_and_repeat_nothing(world: World, fault: str) -> None:
    """lost_replies, lost_requests, stale_connection: about every tenth call is lost, on both sides."""
    tx, rx = await world.ends(7)
    chance = Random(1)
    world.lose_always([fault if chance.random() < 0.1 else "" for _ in range(400)])

    async def send() -> None:
        for item in range(100):
            await tx.put(item)
        await tx.aclose()

    sending = asyncio.create_task(send())
    assert list(range(100)) == [item async for item in rx]
    await sending
    assert min(broker.statistics().reconnects for broker in world.brokers) > 5


async def test_stale_take_holds_nothing_for_nobody(world: World) -> None:
    tx, rx = await world.ends()
    world.brokers[1].faults = iter(["", "stale"])
    getting = await waiting(rx.get())
    await tx.put(1)
    assert 1 == await getting
    await asyncio.sleep(1)
    await tx.put(2)
    assert 2 == await rx.get()


async def test_stale_withdrawal_does_not_withdraw_another_item(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    world.brokers[0].faults = iter(["request", "stale"])
    putting = await waiting(tx.put(1))
    assert await cancelled(putting)
    others = [asyncio.create_task(tx.put(item)) for item in (2, 3)]
    await asyncio.sleep(1)
    channel = await world.channel(1)
    async with channel.receiver() as rx:
        assert [0, 2, 3] == [await rx.get() for _ in range(3)]
    await asyncio.gather(*others)


async def test_rolled_back_items_are_a_loss(world: World) -> None:
    tx, _ = await world.ends()
    await tx.put(1)
    server = world.brokers[0].server
    old = server.channels["jobs"]
    server.make("jobs", old.settings)
    with pytest.raises(ChannelLost, match="has forgotten items that it had stored"):
        await tx.put(2)
    with pytest.raises(ChannelLost):
        await tx.put(3)


async def test_rolled_back_items_are_found_out_after_a_cut(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(1)
    await rx.get()
    putting = await waiting(tx.put(2))
    world.cut()
    server = world.brokers[0].server
    server.make("jobs", server.channels["jobs"].settings)
    world.connect_again()
    with pytest.raises(ChannelLost, match="has forgotten items that it had stored"):
        await putting


async def test_capacity_holds_for_all_processes_together(world: World) -> None:
    channels = [await world.channel(5) for _ in range(5)]
    peak = 0

    async def send(place: int) -> None:
        async with channels[place].sender() as tx:
            for item in range(20):
                await tx.put(item)

    async def work(place: int) -> int:
        nonlocal peak
        count = 0
        async with channels[place].receiver() as rx:
            async for _ in rx:
                count += 1
                peak = max(peak, await channels[place].size())
                await asyncio.sleep(0.01)
        return count

    working = [asyncio.create_task(work(place)) for place in (3, 4)]
    await asyncio.gather(*map(send, range(3)))
    await channels[0].close()
    assert (60, 5) == (sum(await asyncio.gather(*working)), peak)


async def test_fair_slot(world: World) -> None:
    channels = [await world.channel(1) for _ in range(16)]
    order: list[int] = []

    async def send(place: int) -> None:
        async with channels[place].sender() as tx:
            for _ in range(5):
                await tx.put(place)
                order.append(place)

    sending = asyncio.gather(*map(send, range(16)))
    async with channels[0].receiver() as rx:
        for _ in range(80):
            await rx.get()
    await sending
    waits = [later - earlier for place in range(16) for earlier, later in _pairs(order, place)]
    assert 16 >= max(waits)


def _pairs(order: list[int], place: int) -> list[tuple[int, int]]:
    at = [index for index, each in enumerate(order) if each == place]
    return list(pairwise(at))


async def test_put_timeout(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(0)
    for item in range(1, 21):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await tx.put(item)
    async with rx.receive():
        pass
    await tx.put(21)
    assert [21] == await rest(world)


@pytest.mark.parametrize("steps", range(8))
async def test_withdraw_race(world: World, steps: int) -> None:
    """What withdraw says is so, whenever the slot becomes free."""
    tx, rx = await world.ends(1)
    await tx.put(0)
    late = tx.submit(1)
    held = await rx._next_delivery()
    freeing = asyncio.create_task(held.ack())
    for _ in range(steps):
        await asyncio.sleep(0)
    never = await late.withdraw()
    await freeing
    assert ([] if never else [1]) == await rest(world)


async def test_close_while_waiting(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    putting = await waiting(tx.put(1))
    await (await world.channel(1)).close(OSError("disk full"))
    with pytest.raises(ChannelClosed, match="accepts no more items: it is closed: OSError: disk full") as caught:
        await putting
    assert isinstance(caught.value.__cause__, RemoteCause)


async def test_close_behind_outbox(world: World) -> None:
    tx, rx = await world.ends(1)
    tx.put_nowait(0)
    tx.put_nowait(1)
    assert tx.close()
    assert not tx.close()
    assert [0, 1] == [item async for item in rx]


async def test_closed_elsewhere(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    tx.put_nowait(1)
    await settle()
    await (await world.channel(1)).close()
    with pytest.raises(Undelivered) as caught:
        await tx.flush()
    assert (1,) == caught.value.items
    await tx.flush()


async def test_idle_getters_end(world: World) -> None:
    getting = []
    for _ in range(2):
        rx = (await world.channel()).receiver()
        getting += [await waiting(rx.get()) for _ in range(4)]
    await (await world.channel()).close()
    for each in getting:
        with pytest.raises(ChannelClosed):
            await each


@pytest.mark.parametrize("fails", [True, False])
async def test_last_item_held(world: World, fails: bool) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    leave = asyncio.Event()

    async def hold() -> None:
        await rx.get()
        await leave.wait()
        if fails:
            raise EOFError

    holding = await waiting(hold())
    await tx.aclose()
    other = (await world.channel()).receiver()
    getting, joining = await waiting(other.get()), await waiting(tx.join())
    leave.set()
    if fails:
        with pytest.raises(EOFError):
            await holding
        assert 1 == await getting
        with pytest.raises(ChannelClosed):
            await other.get()
    else:
        with pytest.raises(ChannelClosed):
            await getting
    await joining


async def test_last_item_selected(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    await tx.aclose()
    assert (0, 1) == await select(rx.on_get())
    with pytest.raises(ChannelClosed):
        await select(rx.on_get())
    await tx.join()


async def test_cancel_get(world: World) -> None:
    tx, rx = await world.ends()
    chance = Random(1)
    got: list[int] = []

    async def send() -> None:
        for item in range(400):
            await asyncio.sleep(chance.random() / 100)
            await tx.put(item)
        await tx.aclose()

    async def work() -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.random() / 50):
                    got.append(await rx.get())

    sending = asyncio.create_task(send())
    with pytest.raises(ChannelClosed):
        await asyncio.create_task(work())
    await sending
    assert list(range(400)) == got


@pytest.mark.parametrize("way", ["wait_for", "create_task", "gather"])
async def test_helper_task(world: World, way: str) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])

    async def work() -> int:
        if way == "wait_for":
            await asyncio.wait_for(rx.get(), 1)
        elif way == "create_task":
            await asyncio.create_task(rx.get())
        else:
            await asyncio.gather(rx.get())
        await asyncio.sleep(1)
        held = rx.statistics().held
        await rx.get()
        return held

    assert 1 == await asyncio.create_task(work())


@pytest.mark.parametrize("fails", [True, False])
async def test_break_then_fail_or_end(world: World, fails: bool) -> None:
    tx, rx = await world.ends()
    await tx.put(1)

    async def work() -> None:
        async for _ in rx:
            break
        if fails:
            raise EOFError

    with suppress(EOFError):
        await asyncio.create_task(work())
    await asyncio.sleep(0.5)
    assert ([1] if fails else []) == await rest(world)


async def test_shared_end(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many(range(8))
    begun = asyncio.Barrier(8)

    async def work() -> int:
        item = await rx.get()
        await begun.wait()
        if item == 3:
            raise EOFError
        return item

    await asyncio.gather(*(work() for _ in range(8)), return_exceptions=True)
    await asyncio.sleep(1)
    assert [3] == await rest(world)


async def test_out_of_order(world: World) -> None:
    channel = await world.channel(64)
    await channel.sender().put_many(range(64))
    rx = channel.receiver()
    deliveries = rx.deliveries()
    first, *others = [await anext(deliveries) for _ in range(64)]
    for delivery in others:
        await delivery.ack()
    assert 1 == await channel.size()
    await first.ack()
    assert 0 == await channel.size()


async def test_crash_loop(world: World) -> None:
    """A poison item between innocent ones: it alone is dead after its tries."""
    channel = await world.channel(tries=3)
    await channel.sender().put_many(range(9))

    async def work(rx: RemoteReceiver[int]) -> None:
        async for item in rx:
            if item == 4:
                raise EOFError

    for _ in range(3):
        rx = channel.receiver()
        with pytest.raises(EOFError):
            async with rx:
                await work(rx)
    assert [] == [item for item in await rest(world) if item < 5]
    assert [(4, 3)] == [(each.item, each.attempts) for each in await channel.dead_letters()]


def end_leases(world: World) -> None:
    """Let the server give back what all receivers hold, as if they had not renewed their leases."""
    channel = world.brokers[0].server.channels["jobs"]
    for receiver in list(channel.leases):
        channel.end_lease(receiver, 99)


async def test_stalled(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Renewal stops: another receiver gets the item, and the late acknowledgement is refused."""
    tx, rx = await world.ends(lease=3)
    await tx.put_many([1, 2])
    delivery = await anext(rx.deliveries())
    end_leases(world)
    assert [1, 2] == await (await world.channel(lease=3)).receiver().get_many(2, within=9)
    with pytest.raises(LeaseLost, match="was given back: its lease is lost"):
        await delivery.ack()
    with pytest.raises(LeaseLost):
        await delivery.release()
    assert 1 == rx.statistics().leases_lost
    assert "has lost its lease" in caplog.text
    await tx.put(3)
    assert 3 == await rx.get()


async def test_lost_lease_then_ack_in_flight(world: World) -> None:
    """The acknowledgement is refused, and the number of stored items stays right."""
    tx, rx = await world.ends(lease=3)
    await tx.put(1)
    await rx.get()
    end_leases(world)
    assert 1 == await rx.get()
    assert 1 == await (await world.channel(lease=3)).size()


async def test_outage_is_no_crash(world: World) -> None:
    """The server is down for three leases, the consumers live: nothing is received twice."""
    tx, rx = await world.ends(lease=3, patience=99)
    await tx.put_many([1, 2])
    got = [await rx.get()]
    world.cut(9)
    await asyncio.sleep(12)
    await tx.aclose()
    got += [item async for item in rx]
    assert [1, 2] == got


async def test_slow_workers(world: World) -> None:
    """Four workers of 5 ms get equal shares of items that were put at once."""
    channel = await world.channel()
    await channel.sender().put_many(range(400))
    await channel.close()
    shares: Counter[int] = Counter()

    async def work(place: int, rx: RemoteReceiver[int]) -> None:
        async for _ in rx:
            shares[place] += 1
            await asyncio.sleep(0.005)

    receivers = [(await world.channel()).receiver() for _ in range(4)]
    await asyncio.gather(*(work(place, rx) for place, rx in enumerate(receivers)))
    assert 400 == shares.total()
    assert 0.75 < min(shares.values()) / 100 <= max(shares.values()) / 100 < 1.25


async def test_hoarder(world: World) -> None:
    """An end that nobody asks gives back what it has at hand, uncounted."""
    tx, rx = await world.ends()
    assert await cancelled(await waiting(rx.get()))
    await tx.put(1)
    assert 1 == rx.qsize()
    other = (await world.channel()).receiver()
    async with other.receive() as delivery:
        assert (1, 1) == (delivery.item, delivery.attempt)
    assert 0 == rx.qsize()
    assert 1 == asyncio.get_running_loop().time() % 100


async def test_bad_item_goes_to_who_can_decode_it(world: World) -> None:
    hub, newer = await world.hub(), await world.hub()
    old = (await hub.channel("jobs", int)).receiver()
    new = await newer.channel("jobs", int | str)
    getting = await waiting(old.get())
    await new.sender().put("x")
    await new.sender().put(1)
    assert 1 == await getting
    assert 1 == old.statistics().bad_items
    assert "x" == await new.receiver().get()


async def test_bad_item_that_nobody_decodes_is_dead(world: World, caplog: pytest.LogCaptureFixture) -> None:
    hub = await world.hub()
    old = await hub.channel("jobs", int, tries=2)
    new = await (await world.hub()).channel("jobs", int | str, tries=2)
    await new.sender().put("x")
    getting = await waiting(old.receiver().get())
    await asyncio.sleep(30)
    (letter,) = await old.dead_letters()
    assert (None, 2) == (letter.item, letter.attempts)
    assert letter.reason.startswith("cannot be decoded: ValidationError: ")
    assert "is a dead letter: cannot be decoded" in caplog.text
    assert ["x"] == [each.item for each in await new.dead_letters()]
    assert await cancelled(getting)


async def test_mismatch(world: World) -> None:
    await world.channel(3)
    hub = await world.hub()
    with pytest.raises(ChannelMismatch, match=r"maxsize is 3, not 4, lease is 30\.0, not 9\.0, format is 'msgpack'"):
        await hub.channel("jobs", int, maxsize=4, lease=9, format=JSON)
    with pytest.raises(ChannelMismatch, match="has the format 'msgpack', not 'json'"):
        await hub.existing("jobs", int, format=JSON)


async def test_oom_is_as_a_full_channel(world: World) -> None:
    tx, rx = await world.ends(patience=3)
    server = world.brokers[0].server
    await tx.put(0)
    server.refusal = "no memory left"
    first, second = await waiting(tx.put(1)), tx.submit(2)
    async with rx.receive() as delivery:
        assert 0 == delivery.item
    assert await second.withdraw()
    late = tx.submit(3)
    with pytest.raises(ChannelUnavailable, match="has refused to store for 3 s: no memory left"):
        await first
    server.refusal = ""
    await late.stored()
    assert [3] == await rest(world)


async def test_interrupt(world: World) -> None:
    """Ctrl-C in a worker, which is a cancellation of its task: what it holds is back at once."""
    tx, rx = await world.ends()
    await tx.put_many([1, 2])

    async def work() -> None:
        async with rx:
            async for _ in rx:
                await asyncio.sleep(99)

    working = await waiting(work())
    assert await cancelled(working)
    assert [1, 2] == await rest(world)


async def test_duplicate_names(world: World) -> None:
    names = {broker.hub for broker in [*world.brokers, *(type(b)("memory:") for b in world.brokers)]}
    assert len(names) == 2 * len(world.brokers)


@pytest.mark.parametrize("item", [None, 0, "", False], ids=repr)
async def test_falsy(world: World, item: int | bool | str | None) -> None:
    channel = await (await world.hub()).channel("things", int | bool | str | None)
    tx, rx = channel.sender(), channel.receiver()
    await tx.put(item)
    tx.put_nowait(item)
    _ = await select(tx.on_put(item))
    assert (item, item) == (await rx.get(), (await select(rx.on_get()))[1])
    await tx.aclose()
    assert [item] == [each async for each in rx]


async def test_falsy_bytes(world: World) -> None:
    channel = await (await world.hub()).channel("things", bytes)
    await channel.sender().put(b"")
    assert b"" == await channel.receiver().get()


async def test_a_thousand_channels_of_one_hub(world: World) -> None:
    hub = await world.hub()
    channels = [await hub.channel(f"c{number}", int) for number in range(1000)]
    getting = [asyncio.create_task(channel.receiver().get()) for channel in channels]
    for number, channel in enumerate(channels):
        await channel.sender().put(number)
    assert list(range(1000)) == await asyncio.gather(*getting)


async def test_drained_expires(world: World) -> None:
    channel = await world.channel()
    await channel.close()
    await asyncio.sleep(6 * 24 * 3600)
    with pytest.raises(ChannelClosed):
        await (await (await world.hub()).existing("jobs", int)).receiver().get()
    await asyncio.sleep(2 * 24 * 3600)
    assert [] == await (await world.hub()).names()


async def test_a_select_that_takes_another_case_has_put_and_taken_nothing(world: World) -> None:
    tx, rx = await world.ends()
    assert (1, None) == await select(rx.on_get(), otherwise())
    position, _ = await select(rx.on_get(), after(3).on_get())
    assert 1 == position
    for _ in range(16):
        tx.put_nowait(0)
    assert (1, None) == await select(tx.on_put(1), otherwise())
    await tx.flush()
    assert [0] * 16 == await rest(world)


if sys.version_info >= (3, 12):

    async def test_a_group_that_is_cancelled_gives_all_back(world: World) -> None:
        tx, rx = await world.ends()
        await tx.put_many(range(4))

        async def work(place: int) -> None:
            await rx.get()
            if place == 3:
                raise EOFError
            await asyncio.sleep(99)

        with suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for place in range(4):
                    group.create_task(work(place))
        await asyncio.sleep(1)
        assert [0, 1, 2, 3] == sorted(await rest(world))
