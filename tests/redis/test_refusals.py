"""A server that is there and refuses: for a while, as one that has lost its disk or its replicas, or for good."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from aiochannel.redis import ChannelUnavailable, connect
from tests.redis.access import let_work
from tests.redis.client import ServerError, packed
from tests.redis.world import SOON, World, eventually, world_of
from tests.servers import Program, Server, serving


@pytest.fixture(scope="module")
def alone(found: Program) -> Iterator[Server]:
    """A server whose settings are changed."""
    with serving(found) as server:
        yield server


@pytest.fixture
async def own(alone: Server) -> AsyncIterator[World]:
    async with world_of(alone) as made:
        yield made


def refuse_writes(world: World, *, refuse: bool) -> None:
    """As after the loss of a replica: every script that may write is refused."""
    world.client()("CONFIG", "SET", "min-replicas-to-write", int(refuse))


async def until_it_is_noticed(own: World, caplog: pytest.LogCaptureFixture) -> None:
    async def noticed() -> bool:
        return "NOREPLICAS" in caplog.text

    await eventually(noticed)


async def test_put_and_get_wait_while_writes_are_refused(own: World, caplog: pytest.LogCaptureFixture) -> None:
    tx, rx = await own.ends()
    getting = asyncio.create_task(rx.get())
    await asyncio.sleep(0)
    refuse_writes(own, refuse=True)
    putting = asyncio.create_task(tx.put(1))
    await until_it_is_noticed(own, caplog)
    assert not putting.done()
    refuse_writes(own, refuse=False)
    async with asyncio.timeout(SOON):
        await putting
        assert 1 == await getting


async def test_a_get_waits_while_writes_are_refused(own: World, caplog: pytest.LogCaptureFixture) -> None:
    tx, rx = await own.ends()
    await tx.put_many([1, 2])
    assert 1 == await rx.get()
    refuse_writes(own, refuse=True)
    rest = [asyncio.create_task(rx.get()) for _ in range(2)]
    await until_it_is_noticed(own, caplog)
    refuse_writes(own, refuse=False)
    async with asyncio.timeout(SOON):
        await tx.put(3)
        assert [2, 3] == [await each for each in rest]


async def test_a_put_gives_up_when_writes_are_refused_for_longer_than_the_patience(own: World) -> None:
    tx = (await own.channel(patience=0.3)).sender()
    await tx.put(1)
    refuse_writes(own, refuse=True)
    with pytest.raises(ChannelUnavailable, match=r"out of reach for more than 0\.3 s"):
        await tx.put(2)
    refuse_writes(own, refuse=False)
    channel = await own.channel()

    async def is_back() -> bool:
        with suppress(ChannelUnavailable):
            await tx.put(3)
            return True
        return False

    await eventually(is_back)
    assert [1, 3] == list(await channel.peek(9))


async def test_leases_are_renewed_when_writes_are_not_refused_any_more(
    own: World, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await own.channel(lease=1.0)
    await channel.sender().put(1)
    delivery = await channel.receiver().deliveries().__anext__()
    refuse_writes(own, refuse=True)
    await until_it_is_noticed(own, caplog)
    refuse_writes(own, refuse=False)
    leases = own.key_names()[5]

    async def ends() -> list[float]:
        entries = own.client()("ZRANGE", leases, 0, -1, "WITHSCORES")
        assert isinstance(entries, list)
        return [float(end) for end in entries[1::2] if isinstance(end, bytes)]

    first = await ends()

    async def renewed() -> bool:
        return min(await ends()) > max(first)

    for _ in range(3):  # and again and again
        await eventually(renewed)
        first = await ends()
    await delivery.ack()
    assert 0 == await channel.size()


async def test_calls_wait_while_a_script_of_another_runs(own: World) -> None:
    channel = await own.channel()
    own.client()("CONFIG", "SET", "busy-reply-threshold", 20)
    endless = own.client()
    endless.socket.sendall(packed("EVAL", "while true do end", 0))

    async def is_busy() -> bool:
        try:
            own.client()("PING")
        except ServerError as error:
            return str(error).startswith("BUSY")
        return False

    await eventually(is_busy)
    putting = asyncio.create_task(channel.sender().put(1))
    await asyncio.sleep(0)
    own.client()("SCRIPT", "KILL")
    async with asyncio.timeout(SOON):
        await putting
        assert 1 == await channel.receiver().get()


async def test_a_get_that_is_not_allowed_raises(own: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "aiochannel.remote")
    async with connect(let_work(own.server), patience=SOON) as hub:
        channel = await hub.channel(own.name, int)
        rx = channel.receiver()
        getting = asyncio.create_task(rx.get())
        await asyncio.sleep(0)
        own.client()("ACL", "SETUSER", "worker", "-zadd")
        async with asyncio.timeout(SOON):
            with pytest.raises(ChannelUnavailable, match="refuses"):
                await asyncio.gather(getting, channel.receiver().get())


async def test_leases_are_renewed_when_a_right_comes_back(own: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "aiochannel.remote")
    async with connect(let_work(own.server), patience=SOON) as hub:
        channel = await hub.channel(own.name, int, lease=0.6)
        async with channel.receiver() as rx:
            getting = asyncio.create_task(rx.get())
            await asyncio.sleep(0)
            own.client()("ACL", "SETUSER", "worker", "-hset")

            async def told() -> bool:
                return "are not renewed" in caplog.text

            await eventually(told)
            own.client()("ACL", "SETUSER", "worker", "+hset")
            caplog.clear()
            sending = await own.channel(lease=0.6)
            await sending.sender().put(1)
            async with asyncio.timeout(SOON):
                assert 1 == await getting
