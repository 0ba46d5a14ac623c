"""The members of remote ends, channels and hubs, by what each says."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC
from types import ModuleType
from typing import Never

import pytest
from typing_extensions import override

from aiochannel import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, Receiver, Sender, otherwise, select
from aiochannel.remote import (
    JSON,
    PYDANTIC,
    BadItem,
    ChannelLost,
    ChannelMissing,
    ChannelUnavailable,
    Hub,
    RemoteCause,
    RemoteReceiver,
    Undelivered,
    connect,
)
from aiochannel.remote.broker import Drained, Gone
from aiochannel.remote.errors import cause_text
from aiochannel.remote.memory_broker import MemoryBroker
from tests.conftest import cancelled, settle, waiting
from tests.remote.test_promises import rest
from tests.remote.world import Broker, World

pytestmark = pytest.mark.virtual_clock

Call = Callable[[], Coroutine[object, Never, object]]


def now() -> float:
    return asyncio.get_running_loop().time()


# The outbox


async def test_the_outbox_has_room_for_what_is_not_stored(world: World) -> None:
    channel = await world.channel(1)
    tx = channel.sender(outbox=2)
    await tx.put(0)
    tx.put_nowait(1)
    tx.put_nowait(2)
    assert (True, 2, 1) == (tx.full(), tx.qsize(), tx.maxsize)
    for put in (tx.put_nowait, tx.submit):
        with pytest.raises(ChannelFull, match="the outbox has no room"):
            put(3)
    assert (1, None) == await select(tx.on_put(3), otherwise())
    selecting = await waiting(select(tx.on_put(3)))
    assert 2 == tx.statistics().outbox
    async with channel.receiver() as rx:
        assert [0, 1, 2] == [await rx.get() for _ in range(3)]
    assert (0, None) == await selecting
    await tx.flush()
    assert 0 == tx.qsize()


async def test_puts_go_in_the_order_of_all_puts_of_an_end(world: World) -> None:
    tx, rx = await world.ends()
    tx.put_nowait(0)
    putting = asyncio.create_task(tx.put(1))
    await asyncio.sleep(0)
    tx.put_nowait(2)
    await putting
    assert [0, 1, 2] == list(await rx.get_many(3, within=1))


async def test_flush_waits_for_the_server_for_so_long(world: World) -> None:
    tx, _ = await world.ends(patience=3)
    world.cut()
    tx.put_nowait(1)
    with pytest.raises(ChannelUnavailable):
        await tx.flush()
    assert (3, 1) == (now(), tx.qsize())
    world.connect_again()
    await tx.flush()
    assert [1] == await rest(world)


async def test_a_submission_is_withdrawn_or_stored(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(0)
    late, later = tx.submit(1), tx.submit(2)
    storing = await waiting(late.stored())
    assert await cancelled(storing)
    with pytest.raises(RuntimeError, match="the item was withdrawn"):
        await late.stored()
    assert await late.withdraw()
    async with rx.receive():
        pass
    await later.stored()
    assert not await later.withdraw()


async def test_a_submission_that_is_refused_is_told_once(world: World) -> None:
    tx, _ = await world.ends(1)
    await tx.put(0)
    asked, unasked = tx.submit(1), tx.submit(2)
    storing = await waiting(asked.stored())
    await (await world.channel(1)).close()
    with pytest.raises(ChannelClosed):
        await storing
    with pytest.raises(Undelivered, match="has refused 1 items") as caught:
        await tx.flush()
    assert (2,) == caught.value.items
    with pytest.raises(ChannelClosed):
        await unasked.stored()


async def test_leaving_tells_what_was_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = await world.channel(1)
    await channel.sender().put(0)
    tx = channel.sender()
    tx.put_nowait(1)
    await asyncio.sleep(0)
    await channel.close()
    with pytest.raises(Undelivered) as caught:
        await tx.__aexit__(None, None, None)
    assert (1,) == caught.value.items
    assert not caplog.text


async def test_leaving_by_an_exception_logs_what_was_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = await world.channel(1)
    await channel.sender().put(0)
    with suppress(EOFError):
        async with channel.sender() as tx:
            tx.put_nowait(1)
            raise EOFError
    assert 2 == now()
    assert "has refused 1 items that this end had accepted: (1,)" in caplog.text


async def test_leaving_the_hub_flushes_its_outboxes_and_tells_a_close(world: World) -> None:
    async with connect("memory:") as hub:
        tx = (await hub.channel("jobs", int)).sender()
        tx.put_nowait(1)
        tx.close(ValueError("why"))
    channel = await (await world.hub()).existing("jobs", int)
    async with channel.receiver() as rx:
        assert 1 == await rx.get()
        with pytest.raises(ChannelClosed, match="ValueError: why"):
            await rx.get()


async def test_leaving_the_hub_tells_what_all_its_ends_could_not_deliver(world: World) -> None:
    channel = await world.channel(1)
    await channel.sender().put(0)
    hub = await Hub(Broker("memory:"), 3).__aenter__()
    for item in (1, 2):
        (await hub.existing("jobs", int)).sender().put_nowait(item)
    with pytest.raises(Undelivered, match="2 items that ends of <Hub of memory:> had accepted were refused") as caught:
        await hub.__aexit__(None, None, None)
    assert (3, [1, 2]) == (now(), list(caught.value.items))


# A batch


async def test_put_many_names_the_position_of_a_bad_item_and_stores_those_before(world: World) -> None:
    channel = await (await world.hub()).channel("things", object)
    with pytest.raises(BadItem, match="at position 1: an item for the channel 'things'"):
        await channel.sender().put_many([1, object(), 2])
    assert 1 == await channel.size()


async def test_put_many_sends_flights_of_a_bounded_size(world: World) -> None:
    hub = await world.hub()
    numbers, blobs = await hub.channel("numbers", int), await hub.channel("blobs", bytes)
    await numbers.sender().put_many(iter(range(1000)))
    assert list(range(1000)) == list(await numbers.receiver().get_many(1000, within=9))
    tx = blobs.sender()
    await asyncio.gather(*(tx.put(bytes(40_000)) for _ in range(5)))
    await tx.put_many(bytes(70_000) for _ in range(2))
    assert 7 == await blobs.size()


# Closing


async def test_aclose_says_whether_this_end_has_closed_the_channel(world: World) -> None:
    tx, _ = await world.ends()
    other = (await world.channel()).sender()
    assert await other.aclose()
    await settle()
    assert tx.closed()
    assert not await tx.aclose()
    assert await other.aclose()


async def test_aclose_fails_where_the_channel_is_lost(world: World) -> None:
    tx, _ = await world.ends()
    world.brokers[0].server.channels.clear()
    with pytest.raises(ChannelLost):
        await tx.aclose()


async def test_aclose_goes_on_where_the_connection_is_lost(world: World) -> None:
    tx, _ = await world.ends()
    world.lose("request", "reply")
    await tx.aclose()
    assert tx.closed()


async def test_the_cause_of_a_close_is_text(world: World) -> None:
    assert None is cause_text(None)
    assert "EOFError" == cause_text(EOFError())
    assert "KeyError: 'a'" == cause_text(KeyError("a"))
    assert "KeyError: 'a'" == cause_text(RemoteCause("KeyError: 'a'"))
    tx, _ = await world.ends()
    tx.close(KeyError("a"))
    with pytest.raises(ChannelClosed, match="accepts no more items: it is closed: KeyError: 'a'"):
        await tx.put(1)


# Receiving


async def test_what_is_at_hand_can_be_taken_at_once(world: World) -> None:
    tx, rx = await world.ends(5)
    assert (0, True, 5) == (rx.qsize(), rx.empty(), rx.maxsize)
    with pytest.raises(ChannelEmpty, match="no item of the channel 'jobs' on memory: is at hand"):
        rx.get_nowait()
    assert [] == list(rx.get_many_nowait())
    await tx.put_many([1, 2, 3])
    await asyncio.sleep(0)
    assert 1 == rx.qsize()
    assert 1 == rx.get_nowait()
    await asyncio.sleep(0.1)
    assert [2, 3] == [*rx.get_many_nowait(1), *await rx.get_many(1)]
    await tx.aclose()
    with pytest.raises(ChannelClosed):
        await rx.get()
    for call in (rx.get_nowait, rx.get_many_nowait):
        with pytest.raises(ChannelClosed):
            call()


async def test_an_item_that_a_callback_takes_is_received_at_once(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put(1)
    with suppress(ChannelEmpty):
        rx.get_nowait()
    await settle()
    got: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: got.append(rx.get_nowait()))
    await asyncio.sleep(1)
    assert ([1], 0) == (got, await (await world.channel()).size())


async def test_at_most_once(world: World) -> None:
    channel = await world.channel()
    await channel.sender().put(1)
    assert 1 == await channel.receiver(ack="get").get()
    await asyncio.sleep(1)
    assert 0 == await channel.size()


async def test_deliveries_are_held_until_they_are_acknowledged(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])
    first, second = [await anext(rx.deliveries()) for _ in range(2)]
    assert (f"<Delivery {first.id} attempt=1>", True) == (repr(first), first.id != second.id)
    await first.ack()
    await first.ack()
    await second.release()
    async for delivery in rx.deliveries():
        assert (2, 2) == (delivery.item, delivery.attempt)
        await delivery.ack()
        await tx.aclose()
    assert 0 == await (await world.channel()).size()


async def test_deliveries_end_with_the_cause(world: World) -> None:
    tx, rx = await world.ends()
    await tx.aclose(EOFError())
    with pytest.raises(ChannelClosed, match="EOFError"):
        await anext(rx.deliveries())


async def test_a_delivery_that_is_released_with_a_delay_comes_later(world: World) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put(1)
    await (await anext(rx.deliveries())).release(delay=7)
    assert 1 == await rx.get()
    assert 7 <= now() <= 9


async def test_items_of_many_bytes_come_one_at_a_time(world: World) -> None:
    channel = await (await world.hub()).channel("blobs", bytes)
    await channel.sender().put_many(bytes(5 * 2**20) for _ in range(4))
    rx = channel.receiver()
    sizes = []
    for _ in range(4):
        await rx.get()
        await asyncio.sleep(0.1)
        sizes.append(rx.qsize())
    assert 1 >= max(sizes)


async def test_acknowledgements_are_sent_at_once_if_puts_wait(world: World) -> None:
    tx, rx = await world.ends(2)
    putting = await waiting(tx.put_many(range(5)))
    for item in range(5):
        async with asyncio.timeout(0.001):
            assert item == await rx.get()
    await putting


async def test_a_lost_lease_is_told_to_an_end_that_does_nothing(world: World) -> None:
    tx, rx = await world.ends(lease=3)
    await tx.put(1)
    await rx.get()
    channel = world.brokers[0].server.channels["jobs"]
    (receiver,) = channel.leases
    channel.end_lease(receiver, 99)
    await asyncio.sleep(2)
    assert 1 == await rx.get()
    assert 1 == rx.statistics().leases_lost


async def test_what_cannot_be_told_is_told_when_the_connection_is_back(world: World) -> None:
    tx, rx = await world.ends()
    await tx.put_many([1, 2])
    await asyncio.create_task(_one(rx))
    world.cut(3)
    await asyncio.sleep(4)
    await asyncio.create_task(_one(rx, fails=True))
    world.cut(3)
    await asyncio.sleep(4)
    async with rx.receive() as delivery:
        assert (2, 2) == (delivery.item, delivery.attempt)


async def _one(rx: RemoteReceiver[int], *, fails: bool = False) -> None:
    with suppress(EOFError):
        async with asyncio.TaskGroup() as group:
            group.create_task(_hold_one(rx, fails=fails))
        return


async def _hold_one(rx: RemoteReceiver[int], *, fails: bool) -> None:
    await rx.get()
    if fails:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(0)


# Ends that have left


async def test_an_end_that_has_left_says_so(world: World) -> None:
    channel = await world.channel()
    async with channel.sender() as tx, channel.receiver() as rx:
        pass
    assert ("outbox=0 left>", "at_hand=0 left>") == (repr(tx)[-14:], repr(rx)[-15:])
    calls: list[Call] = [
        lambda: tx.put(1), lambda: tx.put_many([1]), tx.aclose, tx.flush, tx.join, tx.wait_closed,
        rx.get, lambda: rx.get_many(1), rx.__anext__, rx.join, lambda: anext_of(rx), tx.__aenter__, rx.__aenter__,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ChannelClosed, match="ing end of the channel 'jobs' on memory: has left"):
            await call()
    for act in (
        lambda: tx.put_nowait(1),
        lambda: tx.on_put(1),
        tx.close,
        tx.on_close,
        rx.get_nowait,
        rx.on_get,
        rx.receive,
    ):
        with pytest.raises(ChannelClosed, match="has left"):
            act()
    await tx.__aexit__(None, None, None)
    await rx.__aexit__(None, None, None)


async def anext_of(rx: RemoteReceiver[int]) -> None:
    async for _ in rx:
        pass


async def test_calls_that_wait_on_an_end_that_leaves_are_told(world: World) -> None:
    tx, rx = await world.ends(1)
    await tx.put(0)
    putting = await waiting(tx.put(1))
    assert 0 == await rx.get()
    getting = await waiting((other := (await world.channel(1)).receiver()).get())
    await other.__aexit__(None, None, None)
    with pytest.raises(ChannelClosed, match="this receiving end"):
        await getting
    await tx.__aexit__(EOFError, EOFError(), None)
    with pytest.raises(ChannelUnavailable, match="this sending end of the channel 'jobs' on memory: has left"):
        await putting
    assert 0 == (await (await world.channel(1)).statistics()).waiting_puts


async def test_leaving_does_not_wait_for_ever(world: World) -> None:
    tx, rx = await world.ends(patience=9)
    await tx.put(1)
    await rx.get()
    world.cut()
    await rx.__aexit__(None, None, None)
    assert 9 == now()


# The hub


async def test_a_hub_is_used_within_its_block(world: World) -> None:
    hub = Hub(MemoryBroker("memory:"), 3)
    with pytest.raises(RuntimeError, match="used outside of its `async with` block"):
        await hub.channel("jobs", int)
    async with hub:
        channel = await hub.channel("jobs", int)
        joining = await waiting(channel.join())
        with pytest.raises(RuntimeError, match="was entered before"):
            await hub.__aenter__()
    with pytest.raises(ChannelClosed, match="has been left"):
        await joining
    for call in (hub.names, channel.size, channel.join):
        with pytest.raises(RuntimeError):
            await call()
    for make in (channel.sender, channel.receiver):
        with pytest.raises(RuntimeError, match="has been left"):
            make()


async def test_a_call_that_waits_for_a_hub_that_is_left_ends(world: World) -> None:
    broker = Broker("memory:")
    hub = Hub(broker, 99)
    await hub.__aenter__()
    channel = await hub.channel("jobs", int)
    broker.cut()
    sizing = await waiting(channel.size())
    await hub.__aexit__(None, None, None)
    with pytest.raises(ChannelUnavailable, match="has been left"):
        await sizing


async def test_another_error_of_an_end_comes_out_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave_as(*_: object) -> None:
        raise EOFError

    hub = await Hub(Broker("memory:"), 3).__aenter__()
    (await hub.channel("jobs", int)).receiver()
    monkeypatch.setattr(RemoteReceiver, "_leave_as", leave_as)
    with pytest.raises(EOFError):
        await hub.__aexit__(None, None, None)


async def test_a_hub_that_does_not_reach_its_server_says_so() -> None:
    class Nowhere(MemoryBroker):
        @override
        async def enter(self) -> None:
            """Do not reach it."""

    with pytest.raises(ChannelUnavailable, match="memory: was out of reach for more than 3 s"):
        async with Hub(Nowhere("memory:"), 3):
            pass
    assert 3 == now()


async def test_connecting_may_be_refused_for_good(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = await world.channel()
    broker = world.brokers[0]
    tx, rx = channel.sender(), channel.receiver()
    getting = await waiting(rx.get())

    async def refused() -> None:
        raise ChannelUnavailable("wrong password")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "connected", refused)
        broker.abandon()
        for call in (getting, tx.put(1), rx.get(), channel.size()):
            with pytest.raises(ChannelUnavailable, match="wrong password"):
                await call
        tx.put_nowait(2)
        with pytest.raises((ChannelUnavailable, Undelivered)):
            await tx.flush()
    assert "wrong password" in caplog.text


async def test_a_closed_and_a_missing_channel_can_be_opened(world: World) -> None:
    tx, _ = await world.ends()
    await tx.aclose(EOFError())
    hub = await world.hub()
    again = await hub.existing("jobs", int)
    assert again.sender().closed()
    assert again.receiver().closed()
    with pytest.raises(ChannelMissing, match="there is no channel 'other' on memory:"):
        await hub.existing("other", int)
    assert ["jobs"] == await hub.names()
    assert hub.statistics().connected


async def test_a_lost_channel_can_be_made_again(world: World) -> None:
    hub = await world.hub()
    old = await hub.channel("jobs", int)
    await old.delete()
    with pytest.raises(ChannelLost):
        await old.size()
    new = await hub.channel("jobs", int)
    await new.sender().put(1)
    assert 1 == await new.size()


async def test_arguments_are_checked(world: World) -> None:
    hub = await world.hub()
    for name in ("", "a b", "x" * 201, "ä"):
        with pytest.raises(ValueError, match="the name of a channel has 1 to 200"):
            await hub.channel(name, int)
    with pytest.raises(ValueError, match="maxsize must be an int >= 0"):
        await hub.channel("jobs", int, maxsize=-1)
    with pytest.raises(TypeError, match="tries must be an int >= 1"):
        await hub.channel("jobs", int, tries=True)
    for lease in (0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="lease must be a number of seconds > 0"):
            await hub.channel("jobs", int, lease=lease)
    channel = await hub.channel("jobs", int)
    with pytest.raises(ValueError, match="outbox must be an int >= 1"):
        channel.sender(outbox=0)
    with pytest.raises(TypeError, match="prefetch must be an int >= 1"):
        channel.receiver(prefetch=True)
    wrong = ["never"]
    with pytest.raises(ValueError, match='ack must be "next" or "get"'):
        channel.receiver(ack=wrong[0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="patience must be a number of seconds >= 0"):
        connect("memory:", patience=-1)
    with pytest.raises(ValueError, match="the url must begin with memory:"):
        connect("redis://localhost")
    assert ("jobs", 0, 5, 30.0) == (channel.name, channel.maxsize, channel.tries, channel.lease)
    assert "<RemoteChannel: the channel 'jobs' on memory:>" == repr(channel)


async def test_ends_are_senders_and_receivers_at_run_time(world: World) -> None:
    tx, rx = await world.ends()
    assert isinstance(tx, Sender)
    assert isinstance(rx, Receiver)


async def test_dead_letters_can_be_revived_and_dropped(world: World) -> None:
    channel = await world.channel(tries=1)
    rx = channel.receiver()
    await channel.sender().put_many([1, 2])
    for _ in range(2):
        with suppress(EOFError):
            async with rx.receive():
                raise EOFError
    await settle()
    first, second = await channel.dead_letters()
    assert (1, b"\x01", 1, UTC) == (first.item, first.raw, first.attempts, first.when.tzinfo)
    assert (1, 1) == (await channel.revive(first.id), await channel.drop_dead(second.id))
    assert ([], 1) == (await channel.dead_letters(), await rx.get())
    assert 0 == await channel.abort(EOFError())


async def test_formats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = await world.hub()
    channel = await hub.channel("json", list[int], format=JSON)
    await channel.sender().put([1])
    assert [[1]] == await channel.peek(1)

    class Adapter:
        def __init__(self, of: object) -> None:
            assert of is int

        def dump_json(self, item: int) -> bytes:
            return b"%d" % item

        def validate_json(self, raw: bytes) -> int:
            return int(raw)

    module = ModuleType("pydantic")
    vars(module)["TypeAdapter"] = Adapter
    monkeypatch.setitem(sys.modules, "pydantic", module)
    other = await hub.channel("pydantic", int, format=PYDANTIC)
    await other.sender().put(1)
    assert [1] == await other.peek(1)


# Where it belongs


async def test_a_hub_belongs_to_its_event_loop(world: World) -> None:
    channel = await world.channel()
    tx, rx = channel.sender(), channel.receiver()

    async def use() -> None:
        calls: list[Call] = [lambda: tx.put(1), rx.get, channel.size, tx.join, rx.join, tx.flush]
        for call in calls:
            with pytest.raises(RuntimeError, match="belongs to another event loop"):
                await call()

    errors: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(use())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [] == errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_forked_child_uses_nothing_of_its_parent(world: World) -> None:
    tx, _ = await world.ends()
    child = os.fork()
    if not child:
        status = 1
        try:
            tx.put_nowait(1)
        except RuntimeError as error:
            status = 0 if "before this process was forked" in str(error) else 2
        os._exit(status)
    _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # at once
    assert 0 == status
    await tx.put(2)
    assert [2] == await rest(world)


def test_importing_the_package_loads_nothing_of_this() -> None:
    code = (
        "import sys, aiochannel; "
        "print([name for name in ('msgspec', 'redis', 'aiochannel.remote') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_every_error_is_a_channel_error() -> None:
    assert issubclass(ChannelUnavailable, (ChannelError,))
    assert issubclass(ChannelMissing, LookupError)
    assert (None, ()) == (Drained(None).cause, Gone().args)
