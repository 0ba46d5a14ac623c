"""What happens when two things happen at once, or in the way of a server that is not this one."""

import asyncio
import gc
from contextlib import suppress

import pytest
from typing_extensions import override

from aiochannel import ChannelClosed, otherwise, select
from aiochannel.remote import ChannelLost, ChannelUnavailable, Hub, LeaseLost
from aiochannel.remote.broker import Drained, Fetched, State
from aiochannel.remote.connection import after_fork
from aiochannel.remote.intake import Intake
from aiochannel.remote.memory import StoredUpTo
from aiochannel.remote.memory_ports import MemoryReceiver, MemorySender
from aiochannel.testing import Loop
from tests.conftest import cancelled, settle, waiting
from tests.remote.test_hard_cases import end_leases
from tests.remote.test_promises import rest
from tests.remote.world import Broker, World

pytestmark = pytest.mark.virtual_clock


def tell_nobody(state: State) -> None:
    """Be told too late."""


async def test_a_close_that_a_put_learns_first(world: World) -> None:
    tx, _ = await world.ends()
    world.brokers[0]._changed["jobs"] = tell_nobody
    await (await world.channel()).close(EOFError())
    with pytest.raises(ChannelClosed, match="EOFError"):
        await tx.put(1)
    assert tx.closed()


async def test_the_end_that_a_get_learns_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, rx = await world.ends()

    async def fetch(*_: object) -> None:
        raise Drained("EOFError")

    monkeypatch.setattr(MemoryReceiver, "fetch", fetch)
    with pytest.raises(ChannelClosed, match="EOFError"):
        await rx.get()
    assert rx.closed()


async def test_a_put_is_withdrawn_while_the_channel_is_closed(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    one, two = tx.submit(1), tx.submit(2)
    await settle()
    withdrawing = asyncio.create_task(one.withdraw())
    closing = asyncio.create_task((await world.channel(1)).close())
    assert await withdrawing
    assert await closing
    with pytest.raises(ChannelClosed):
        await two.stored()


async def test_a_withdrawal_that_the_close_overtakes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    entered = asyncio.Event()

    async def withdraw(self: MemorySender, index: int, /) -> bool:
        await entered.wait()
        return True

    monkeypatch.setattr(MemorySender, "withdraw", withdraw)
    one, two = tx.submit(1), tx.submit(2)
    await settle()
    withdrawing = await waiting(one.withdraw())
    await (await world.channel(1)).close()
    asyncio.get_running_loop().call_later(1, entered.set)
    with pytest.raises(ChannelClosed):
        await two.stored()
    assert await withdrawing


def test_a_put_whose_loop_is_closed_withdraws_nothing() -> None:
    async def begin() -> "asyncio.Task[None]":
        hub = await Hub(Broker("memory:"), 9).__aenter__()
        tx = (await hub.channel("jobs", int, maxsize=1)).sender()
        await tx.put(0)
        putting = asyncio.create_task(tx.put(1))
        await settle()
        return putting

    loop = Loop()
    coroutine = loop.run_until_complete(begin()).get_coro()
    loop.set_exception_handler(lambda *_: None)  # it tells of tasks that are dropped
    loop.close()
    with suppress(RuntimeError):
        coroutine.close()
    gc.collect()


async def test_the_connection_comes_back_when_the_patience_is_over(world: World) -> None:
    tx, _ = await world.ends(patience=3)
    world.cut(3)
    with suppress(ChannelUnavailable):
        await tx.put(1)
    await tx.put(2)
    assert 2 in await rest(world)


async def test_a_server_without_room_for_a_put_and_for_an_outbox(world: World) -> None:
    tx, _ = await world.ends(patience=3)
    server = world.brokers[0].server
    server.refusal = "no memory left"
    putting = asyncio.create_task(tx.put(1))
    await asyncio.sleep(0)
    tx.put_nowait(2)
    with pytest.raises(ChannelUnavailable):
        await putting
    server.refusal = ""
    await tx.flush()
    assert [2] == await rest(world)


async def test_after_a_fork_nothing_is_sent(world: World) -> None:
    tx, rx = await world.ends()
    broker = Broker("memory:")
    hub = await Hub(broker, 3).__aenter__()
    after_fork()
    for call in (tx.put(1), rx.get(), tx.join(), hub.names()):
        with pytest.raises(RuntimeError, match="was made before this process was forked"):
            await call
    assert not broker.up
    await hub.__aexit__(None, None, None)


async def test_a_lost_channel_is_lost_after_a_cut_too(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    putting = await waiting(tx.put(1))
    world.cut()
    world.brokers[0].server.channels.clear()
    world.connect_again()
    with pytest.raises(ChannelLost):
        await putting


async def test_a_select_on_a_lost_channel_says_so(world: World) -> None:
    tx, rx = await world.ends(1)
    getting = await waiting(select(rx.on_get().or_closed(None)))
    for _ in range(16):
        tx.put_nowait(0)
    assert (0, 0) == await getting
    await asyncio.sleep(0.1)
    while not tx.full():
        tx.put_nowait(0)
        await settle()
    putting = await waiting(select(tx.on_put(1)))
    await settle()
    await (await world.channel(1)).delete()
    for selecting in (putting, select(rx.on_get(), otherwise()), select(rx.on_get().map(str)), select(tx.on_put(1))):
        with pytest.raises((ChannelLost, ChannelClosed)):
            await selecting
    with pytest.raises(ChannelLost):
        await select(tx.on_put(1).map(str))


async def test_several_ends_of_one_hub_wait_on_one_channel(world: World) -> None:
    channel = await world.channel(1)
    other = await (await world.hub()).channel("other", int)
    first, second, third = channel.sender(), channel.sender(), other.receiver()
    await first.put(0)
    waits = [await waiting(each) for each in (first.put(1), second.put(2), third.get())]
    hub = channel._link.connection
    theirs = await hub.broker.open("side", channel._link.settings, tell_nobody)
    assert theirs.made
    assert [0, 1, 2] == [await channel.receiver().get() for _ in range(1)] + await _rest(world)
    await asyncio.gather(*waits[:2], return_exceptions=True)
    assert await cancelled(waits[2])


async def _rest(world: World) -> list[int]:
    """Give back what this task holds, and take all."""
    await asyncio.sleep(0)
    channel = world.brokers[0].server.channels["jobs"]
    for receiver in list(channel.leases):
        channel.take(receiver, 99, 0, 0, list(channel.held.get(receiver, {})), 99)
    async with (await world.channel(1)).receiver() as rx:
        return [await rx.get() for _ in range(2)]


@pytest.mark.parametrize("call", ["get", "get_many", "at hand", "by hand", "fault"])
async def test_a_lease_is_lost_while(world: World, call: str) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put_many(range(4))
    assert [0, 1] == list(await rx.get_many(2))
    if call == "at hand":
        assert 2 == await rx.get()
        await asyncio.sleep(0.1)
    end_leases(world)
    channel = world.brokers[0].server.channels["jobs"]
    match call:
        case "get" | "at hand":
            assert 0 == await rx.get() or call == "at hand"
        case "get_many":
            assert [0, 1, 2] == list(await rx.get_many(3))
        case "by hand":
            async for delivery in rx.deliveries():
                end_leases(world)
                delivery._fail("why")
                delivery._fail("why")
                await asyncio.sleep(4)
                assert delivery._lost
                break
        case _:
            await asyncio.sleep(4)
            await rx.__aexit__(EOFError, EOFError(), None)
    await asyncio.sleep(4)
    assert 4 >= channel.stored() >= 1


async def test_a_lost_lease_is_told_by_the_next_call_of_any_kind(world: World) -> None:
    """Nothing asks when a beat finds it out: whoever calls next learns it."""
    tx, rx = await world.ends(lease=3)
    await tx.put_many([1, 2])
    first, second = await anext(rx.deliveries()), await anext(rx.deliveries())
    end_leases(world)
    await asyncio.sleep(2)
    for delivery in (first, second):
        with pytest.raises(Exception, match="its lease is lost"):
            await delivery.ack()
    assert 1 == await rx.get()


async def test_an_unexpected_error_of_a_broker_is_raised_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx, rx = await world.ends()

    async def fail(*_: object, **__: object) -> None:
        raise OSError("no permission")

    monkeypatch.setattr(MemorySender, "store", fail)
    monkeypatch.setattr(MemoryReceiver, "fetch", fail)
    for call in (tx.put(1), rx.get(), rx.get()):
        with pytest.raises(OSError, match="no permission"):
            await call
    with pytest.raises(OSError, match="no permission"):
        rx.get_nowait()


async def test_an_unexpected_error_of_an_acknowledgement_is_raised_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])
    await rx.get()

    async def fail(*_: object, **__: object) -> None:
        raise OSError("no permission")

    monkeypatch.setattr(MemoryReceiver, "give_back", fail)
    with suppress(EOFError):
        async with rx.receive():
            raise EOFError
    await settle()
    with pytest.raises(OSError, match="no permission"):
        await rx.get()


async def test_a_call_that_was_made_before_another_receives_what_the_task_held_then(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2, 3])
    assert 1 == await rx.get()
    first = rx.get()
    assert 2 == await rx.get()
    assert 3 == await first
    await asyncio.sleep(0.5)
    assert (2, 2) == (rx.statistics().held, await (await world.channel()).size())


async def test_entering_a_hub_may_be_cancelled() -> None:
    class Nowhere(Broker):
        @override
        async def enter(self) -> None:
            """Do not reach it."""

    assert await cancelled(await waiting(Hub(Nowhere("memory:"), 9).__aenter__()))


async def test_items_at_hand_have_a_bounded_number_of_bytes(world: World) -> None:
    channel = await (await world.hub()).channel("blobs", bytes)
    rx = channel.receiver()
    await channel.sender().put_many(bytes(400_000) for _ in range(9))
    at_hand = []
    for _ in range(9):
        await rx.get()
        await asyncio.sleep(0.1)
        at_hand.append(rx.qsize())
    assert 2 >= max(at_hand)
    rx._intake.window = 99
    await channel.sender().put_many([bytes(2**20), bytes(2**20)])
    assert 2**20 == len(await rx.get())
    await asyncio.sleep(0.1)
    rx._intake.ask()
    assert 1 >= rx.qsize()


async def test_items_that_come_after_an_error_are_left_to_the_lease(world: World) -> None:
    tx, rx = await world.ends()
    getting = await waiting(rx.get())
    rx._intake.break_down(OSError("no permission"))
    with pytest.raises(OSError, match="no permission"):
        await getting
    await tx.put(1)
    await settle()
    assert rx.empty()


async def test_a_lost_lease_is_counted_once(world: World) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put_many([1, 2, 3, 4, 5, 6])
    assert [1, 2, 3] == [await rx.get() for _ in range(3)]
    await asyncio.sleep(0.1)
    assert rx.qsize()
    rx._intake.generation += 1
    end_leases(world)
    assert 3 == await rx.get()
    rx._intake._lose_lease(0, LeaseLost())
    assert 2 == rx.statistics().leases_lost


async def test_a_lease_is_lost_when_a_task_ends(world: World) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put(1)

    async def work() -> None:
        await rx.get()
        end_leases(world)

    await asyncio.create_task(work())
    await settle()
    assert 1 == rx.statistics().leases_lost
    assert 1 == await rx.get()


async def test_a_lease_is_lost_while_a_get_waits(world: World) -> None:
    tx, rx = await world.ends(lease=3)
    getting = await waiting(rx.get())
    end_leases(world)
    await asyncio.sleep(2)
    await tx.put(1)
    assert 1 == await getting


@pytest.mark.parametrize("batch", [True, False])
async def test_a_lease_is_lost_when_an_item_has_come(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    tx, rx = await world.ends(lease=3)
    getting = await waiting(rx.get_many(1) if batch else rx.get())
    arrive = Intake._arrive

    def arrive_and_lose(self: Intake[int], fetched: Fetched, want: int) -> None:
        monkeypatch.setattr(Intake, "_arrive", arrive)
        arrive(self, fetched, want)
        end_leases(world)
        self.generation += 1

    monkeypatch.setattr(Intake, "_arrive", arrive_and_lose)
    await tx.put(1)
    assert ([1] if batch else 1) == await getting


async def test_a_mapped_put_puts(world: World) -> None:
    tx, _ = await world.ends()
    assert (0, "None") == await select(tx.on_put(1).map(str))
    await tx.flush()
    assert [1] == await rest(world)


async def test_pushes_for_nobody_are_passed_over(world: World) -> None:
    channel, other = await world.channel(), await (await world.hub()).channel("other", int)
    tx, rx = other.sender(), other.receiver()
    getting = await waiting(rx.get())
    world.brokers[0]._on_push("jobs", StoredUpTo("nobody", 1))
    await channel.close()
    await channel.delete()
    await tx.put(1)
    assert 1 == await getting


async def test_a_port_returns_what_came_for_a_call_that_was_cancelled(world: World) -> None:
    """The ends do not need it: they cancel a fetch when they leave only."""
    tx, _ = await world.ends()
    broker = world.brokers[1]
    port = broker.receiver("jobs")
    await port.settle([1])
    fetching = await waiting(port.fetch(9, 99, []))
    assert await cancelled(fetching)
    await tx.put_many([1, 2])
    (first,) = (await port.fetch(1, 99, [])).items
    (second,) = (await port.fetch(1, 99, [first.receipt])).items
    await port.settle([])
    assert (1, 2) == (first.number, second.number)
    assert 1 == await (await world.channel()).size()
    port.lose(0)
    port.lose_unasked(0)
    await port.settle([second.receipt])
    assert 0 == await (await world.channel()).size()


async def test_what_cannot_be_told_for_good_is_told_by_the_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put(1)
    broker = world.brokers[1]

    async def refused() -> None:
        raise ChannelUnavailable("wrong password")

    async def work() -> None:
        await rx.get()
        monkeypatch.setattr(broker, "connected", refused)
        broker.abandon()

    other = (await world.channel(lease=3)).receiver()
    await asyncio.create_task(work())
    async with other.receive() as delivery:
        assert (1, 2) == (delivery.item, delivery.attempt)
