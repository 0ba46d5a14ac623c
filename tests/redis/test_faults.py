"""The hard cases that need a server, by name: connections that are lost, servers that die, data that are gone."""

import asyncio
import signal
from collections.abc import AsyncIterator
from itertools import cycle, islice

import pytest

from aiochannel import ChannelClosed
from aiochannel.redis import (
    ChannelLost,
    ChannelUnavailable,
    Delivery,
    LeaseLost,
    RemoteChannel,
    RemoteReceiver,
    RemoteSender,
    Submission,
    connect,
)
from aiochannel.redis.link import Link
from tests.redis.client import texts
from tests.redis.proxy import Proxy
from tests.redis.world import SOON, World, eventually, world_of
from tests.servers import Program, serving


@pytest.fixture
async def own(program: Program | None) -> AsyncIterator[World]:
    """A server that a test may kill."""
    assert program is not None
    with serving(program, tcp=True) as server:
        async with world_of(server) as made:
            yield made


async def send(tx: RemoteSender[int], items: range) -> None:
    for item in items:
        await tx.put(item)
    await tx.aclose()


async def all_of(rx: RemoteReceiver[int]) -> list[int]:
    return [item async for item in rx]


@pytest.mark.parametrize("fault", ["reply", "request", "stale"])
async def test_lost_calls_lose_nothing_and_repeat_nothing(world: World, fault: str) -> None:
    """lost_replies, lost_requests, stale_connection: every fifth call, about 20 in 150 puts."""
    proxy = await world.proxy()
    tx, rx = await world.ends(7, url=proxy.url)
    sending = asyncio.create_task(send(tx, range(150)))
    proxy.faults = islice(cycle([*[""] * 4, fault]), 100)

    async def release() -> None:
        while not sending.done():
            await asyncio.sleep(0.05)
            proxy.release()

    releasing = asyncio.create_task(release())
    async with asyncio.timeout(3 * SOON):
        got = await all_of(rx)
        await sending
        await releasing
    assert list(range(150)) == list(dict.fromkeys(got))  # in order
    assert len(got) - 150 <= proxy.cuts  # twice at most when a call with an acknowledgement was lost
    assert 20 == proxy.cuts


async def struck(world: World, fault: str) -> tuple[Proxy, RemoteSender[int], Submission]:
    """Return a sender that has put 0, and the submission of 1, whose call has just met a fault."""
    proxy = await world.proxy()
    tx, _ = await world.ends(url=proxy.url)
    await tx.put(0)
    proxy.faults = iter([fault])
    submission = tx.submit(1)
    await eventually(lambda: _so(proxy.cuts == 1))
    return proxy, tx, submission


async def test_stale_connection(world: World) -> None:
    """A put that was withdrawn while its bytes were on their way never happens, and the next one does."""
    proxy, tx, withdrawn = await struck(world, "stale")
    assert await withdrawn.withdraw()
    await tx.put(2)
    proxy.release()
    await tx.put(3)
    channel = await world.channel()
    assert [0, 2, 3] == list(await channel.peek(9))


async def _so(value: bool) -> bool:
    return value


async def test_a_put_of_which_the_reply_is_lost_is_not_withdrawn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the next one taken for a repeat, though the hub looks after its connections late."""
    looks = asyncio.Event()
    watch = Link._watch

    async def late(link: Link) -> None:
        await watch(link)
        await looks.wait()

    monkeypatch.setattr(Link, "_watch", late)
    _, tx, submission = await struck(world, "reply")
    withdrawing = asyncio.create_task(submission.withdraw())
    putting = asyncio.create_task(tx.put(2))
    for _ in range(9):
        await asyncio.sleep(0)
    looks.set()
    assert not await withdrawing
    await putting
    channel = await world.channel()
    assert [0, 1, 2] == list(await channel.peek(9))


async def test_stale_take_holds_nothing_for_nobody(world: World) -> None:
    proxy = await world.proxy()
    tx, rx = await world.ends(url=proxy.url)
    proxy.faults = iter(["", "stale"])  # registering, asking
    getting = asyncio.create_task(rx.get())
    await eventually(lambda: _so(proxy.cuts == 1))
    await tx.put(1)
    assert 1 == await getting
    proxy.release()
    await tx.put(2)
    assert 2 == await rx.get()
    channel = await world.channel()
    assert 1 == await channel.size()


@pytest.mark.parametrize("fsync", ["always", "no"])
async def test_server_kill(program: Program, fsync: str) -> None:
    """server_kill: kill -9 three times in 400 items loses nothing."""
    with serving(program, "--appendfsync", fsync) as server:
        async with world_of(server) as world:
            tx, rx = await world.ends(50)
            sending = asyncio.create_task(send(tx, range(400)))
            got: list[int] = []
            async with asyncio.timeout(3 * SOON):
                async for item in rx:
                    got.append(item)
                    if len(got) in (100, 200, 300):
                        await asyncio.to_thread(server.kill)
                        await asyncio.to_thread(server.start)
                await sending
    assert list(range(400)) == list(dict.fromkeys(got))


async def test_loading(own: World) -> None:
    """loading: a server that loads its data is waited for."""
    tx, rx = await own.ends()
    await tx.put(1)
    client = own.client()
    client("EVAL", "for i = 1, 10000 do redis.call('SET', i, i) end", 0)
    await asyncio.to_thread(own.server.kill)
    # It sleeps for 100 us at every key, so that it loads for a second and longer.
    await asyncio.to_thread(
        own.server.start, "--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"
    )
    async with asyncio.timeout(SOON):
        await tx.put(2)
        assert [1, 2] == [await rx.get(), await rx.get()]


async def test_noscript(world: World) -> None:
    """noscript: scripts that a server has forgotten are loaded again, and the order stays."""
    tx, rx = await world.ends(9)
    client = world.client()
    sending = asyncio.create_task(send(tx, range(500)))
    got = []
    async with asyncio.timeout(SOON):
        async for item in rx:
            got.append(item)
            if item % 100 == 50:
                client("SCRIPT", "FLUSH")
        await sending
    assert list(range(500)) == list(dict.fromkeys(got))


async def test_black_hole(world: World) -> None:
    """black_hole: nothing passes for 4 s; nothing is lost."""
    proxy = await world.proxy()
    tx, rx = await world.ends(9, url=proxy.url)
    sending = asyncio.create_task(send(tx, range(100)))
    got = [await rx.get() for _ in range(50)]
    proxy.dig()
    await asyncio.sleep(4)
    proxy.fill()
    async with asyncio.timeout(SOON):
        got += await all_of(rx)
        await sending
    assert list(range(100)) == list(dict.fromkeys(got))


async def test_half_open(world: World) -> None:
    """half_open: an idle receiver whose connection is dead without a word gets the next item."""
    proxy = await world.proxy()
    tx = (await world.channel()).sender()
    rx = (await world.channel(url=proxy.url)).receiver()
    getting = asyncio.create_task(rx.get())
    channel = await world.channel()

    async def waits() -> bool:
        return (await channel.statistics()).waiting_receivers == 1

    await eventually(waits)
    proxy.dig(for_new_ones=False)
    await tx.put(1)
    async with asyncio.timeout(SOON):
        assert 1 == await getting


async def test_paused_server(own: World) -> None:
    """paused_server: a server that is stopped for 3 s loses nothing."""
    tx, rx = await own.ends(9)
    sending = asyncio.create_task(send(tx, range(100)))
    got = [await rx.get() for _ in range(50)]
    own.server.signal(signal.SIGSTOP)
    await asyncio.sleep(3)
    own.server.signal(signal.SIGCONT)
    async with asyncio.timeout(SOON):
        got += await all_of(rx)
        await sending
    assert list(range(100)) == list(dict.fromkeys(got))


async def test_data_gone(own: World) -> None:
    """data_gone: after FLUSHALL a waiting put and a waiting get raise ChannelLost."""
    tx, rx = await own.ends(1, lease=1.5)
    await tx.put(1)
    await rx.get()
    other = (await own.channel(1, lease=1.5)).receiver()
    waits = [asyncio.create_task(tx.put(2)), asyncio.create_task(other.get())]
    channel = await own.channel(1, lease=1.5)

    async def both_wait() -> bool:
        now = await channel.statistics()
        return (now.waiting_puts, now.waiting_receivers) == (1, 1)

    await eventually(both_wait)
    own.client()("FLUSHALL")
    async with asyncio.timeout(SOON):
        for each in waits:
            with pytest.raises(ChannelLost):
                await each


async def test_rolled_back(own: World) -> None:
    """rolled_back: an older state is restored; the sender's next put raises ChannelLost."""
    tx, _ = await own.ends()
    client = own.client()
    await tx.put(1)
    before = {key: client("DUMP", key) for key in own.key_names()}
    await tx.put(2)
    for key, dumped in before.items():
        client("DEL", key)
        if isinstance(dumped, bytes):
            client("RESTORE", key, 0, dumped)
    with pytest.raises(ChannelLost, match="has forgotten items that it had stored"):
        await tx.put(3)


async def test_rolled_back_while_away(own: World) -> None:
    """A restart finds older data: the put that waits learns of it when the connection is back."""
    tx, _ = await own.ends(2)
    client = own.client()
    await tx.put(1)
    before = {key: client("DUMP", key) for key in own.key_names()}
    await tx.put(2)
    putting = asyncio.create_task(tx.put(3))
    for key, dumped in before.items():
        client("DEL", key)
        if isinstance(dumped, bytes):
            client("RESTORE", key, 0, dumped)
    client("SCRIPT", "FLUSH")
    client("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    with pytest.raises(ChannelLost):
        async with asyncio.timeout(SOON):
            await putting


async def test_stalled(world: World) -> None:
    """stalled: the renewal stops; another gets the item, and the late acknowledgement is refused."""
    proxy = await world.proxy()
    sending = await world.channel(lease=0.5)
    await sending.sender().put(1)
    stalled = (await world.channel(url=proxy.url, lease=0.5)).receiver()
    delivery = await stalled.deliveries().__anext__()
    proxy.dig()
    async with (await world.channel(lease=0.5)).receiver() as other, asyncio.timeout(SOON), other.receive() as again:
        assert (1, 2) == (again.item, again.attempt)
        proxy.fill()
        with pytest.raises(LeaseLost):
            await delivery.ack()
    assert 0 == await sending.size()


async def test_outage_is_no_crash(own: World) -> None:
    """outage_is_no_crash: the server is down for 3 leases, the consumers live: nothing comes twice."""
    tx, rx = await own.ends(lease=1.0)
    await tx.put_many(range(4))
    held = [await asyncio.create_task(_hold(rx)) for _ in range(2)]
    await asyncio.to_thread(own.server.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(own.server.start)
    for delivery in held:
        await delivery.ack()
    await tx.aclose()
    assert [2, 3] == await all_of(rx)
    assert 0 == (await (await own.channel(lease=1.0)).statistics()).redelivered


async def _hold(rx: RemoteReceiver[int]) -> Delivery[int]:
    return await rx.deliveries().__anext__()


async def test_oom(own: World) -> None:
    """oom: the server has no memory left: a put waits, and taking makes room."""
    tx, rx = await own.ends()
    await tx.put(1)
    client = own.client()
    client("CONFIG", "SET", "maxmemory", "1")
    putting = asyncio.create_task(tx.put(2))
    assert 1 == await rx.get()
    assert not putting.done()
    client("CONFIG", "SET", "maxmemory", "0")
    async with asyncio.timeout(SOON):
        await putting
        assert 2 == await rx.get()


async def test_oom_for_longer_than_the_patience(own: World) -> None:
    channel = await own.channel(patience=0.5)
    tx = channel.sender()
    own.client()("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(ChannelUnavailable, match="refused to store"):
        await tx.put(2)
    own.client()("CONFIG", "SET", "maxmemory", "0")
    await tx.put(3)
    assert [3] == list(await channel.peek(9))


async def test_put_timeout(world: World) -> None:
    """put_timeout: 20 puts time out on a full channel; none arrives when there is room, the next one does."""
    tx, rx = await world.ends(1)
    await tx.put(0)
    for item in range(1, 21):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tx.put(item), 0.01)
    assert 0 == await rx.get()
    sending = asyncio.create_task(tx.put(21))
    assert 21 == await rx.get()
    await sending


async def test_close_while_waiting(world: World) -> None:
    """close_while_waiting: a put that waits in another process is refused, and its item never comes."""
    tx, rx = await world.ends(1)
    await tx.put(1)
    putting = asyncio.create_task(tx.put(2))
    channel = await world.channel(1)

    async def waits() -> bool:
        return (await channel.statistics()).waiting_puts == 1

    await eventually(waits)
    await channel.close()
    with pytest.raises(ChannelClosed):
        await putting
    assert [1] == await all_of(rx)


async def test_wrong_password_is_told_at_once(own: World) -> None:
    own.client()("CONFIG", "SET", "requirepass", "secret")
    with pytest.raises(ChannelUnavailable, match="refuses"):
        async with connect(own.server.url):
            pass
    with pytest.raises(ChannelUnavailable, match="refuses"):
        async with connect(f"redis://:wrong@127.0.0.1:{own.server.port}"):
            pass
    async with connect(f"redis://:secret@127.0.0.1:{own.server.port}") as hub:
        assert [] == await hub.names()
        assert "secret" not in repr(hub)


async def test_server_that_is_not_there_costs_the_patience(own: World) -> None:
    own.server.kill()
    with pytest.raises(ChannelUnavailable):
        async with connect(own.server.url, patience=0.2):
            pass


async def test_r8_waiting_receivers_are_served_in_the_order_in_which_they_began_to_wait(world: World) -> None:
    channels = [await world.channel() for _ in range(4)]
    getting = []
    for count, channel in enumerate(channels, 1):
        getting.append(asyncio.create_task(channel.receiver().get()))
        await until_receivers_wait(channels[0], count)
    tx = channels[0].sender()
    for item in range(4):
        await tx.put(item)
    assert [0, 1, 2, 3] == await asyncio.gather(*getting)


async def until_receivers_wait(channel: RemoteChannel[int], count: int) -> None:
    async def wait() -> bool:
        return (await channel.statistics()).waiting_receivers == count

    await eventually(wait)


async def test_hoarder(world: World) -> None:
    """hoarder: an end that nobody asks gives back what it has at hand, uncounted."""
    tx, rx = await world.ends()
    channel = await world.channel()
    getting = asyncio.create_task(rx.get())
    await until_receivers_wait(channel, 1)
    getting.cancel()
    await tx.put(1)
    async with asyncio.timeout(SOON), channel.receiver() as other, other.receive() as delivery:
        assert (1, 1) == (delivery.item, delivery.attempt)


async def test_lost_lease_then_ack_in_flight(world: World) -> None:
    """The acknowledgement is refused, and the number of stored items stays right."""
    tx, rx = await world.ends()
    channel = await world.channel()
    await tx.put(1)
    assert 1 == await rx.get()
    client = world.client()
    client("DEL", world.key_names()[5])
    assert 1 == await channel.size()
    getting = asyncio.create_task(rx.get())
    await until_receivers_wait(channel, 1)
    assert 1 == rx.statistics().leases_lost
    assert 1 == await channel.size()
    await tx.put(2)
    assert 2 == await getting


async def test_big_items(world: World) -> None:
    """big_items: 5 MiB each, prefetch 1024: one item is at hand."""
    hub = await world.hub()
    channel = await hub.channel(world.name, bytes)
    async with channel.sender() as tx, channel.receiver(prefetch=1024) as rx:
        for number in range(4):
            await tx.put(bytes([number]) * 5 * 2**20)
        for number in range(4):
            assert bytes([number]) == (await rx.get())[:1]
            assert rx.qsize() <= 1


async def test_receiver_that_is_not_woken_asks_again(world: World) -> None:
    """A proxy that answers SPUBLISH wrongly: what it did not pass on is found, at the next beat but one."""
    tx, rx = await world.ends(lease=0.6)
    channel = await world.channel(lease=0.6)
    hub = world.hubs[1]
    getting = asyncio.create_task(rx.get())
    await until_receivers_wait(channel, 1)
    # The push is swallowed: nobody reads it, and the item is held.
    (entry,) = texts(world.client()("ZRANGE", world.key_names()[4], 0, -1))
    world.client()("ZREM", world.key_names()[4], entry)
    await tx.put(1)
    async with asyncio.timeout(SOON):
        assert 1 == await getting
    assert 1 == hub.statistics().late_wakes


async def test_names_that_are_taken_by_something_else(world: World) -> None:
    """Keys that hold other things are an error that says so, not a hang."""
    channel = await world.channel()
    world.client()("SET", world.key_names()[1], "not a list")
    with pytest.raises(ChannelUnavailable, match="WRONGTYPE"):
        await channel.sender().put(1)


async def test_read_only_server_counts_as_lost(own: World) -> None:
    """A primary that becomes a replica: the put waits until it is a primary again."""
    tx, _ = await own.ends()
    await tx.put(1)
    client = own.client()
    client("REPLICAOF", "127.0.0.1", 1)
    putting = asyncio.create_task(tx.put(2))
    await asyncio.sleep(0.2)
    assert not putting.done()
    client("REPLICAOF", "NO", "ONE")
    async with asyncio.timeout(SOON):
        await putting
