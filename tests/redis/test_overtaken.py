"""Pushes come over a connection of their own: one may be here before the reply of a call that was made earlier."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from aiochannel.redis.wire import Argument, Reply
from aiochannel.remote.broker import Gone
from tests.redis.opened import SETTINGS, Open, ignore, opened
from tests.redis.world import World, eventually


@pytest.fixture
async def other(broker: Open) -> AsyncIterator[Open]:
    """Another process, which has the channel open."""
    async with opened(broker.server, broker.name) as made:
        yield made


def pushes(broker: Open) -> int:
    line = broker.link._pushes
    assert line is not None
    return line.heard


async def pushed(broker: Open, happens: Callable[[], Awaitable[object]]) -> None:
    """Let something happen, and its push come."""
    before = pushes(broker)
    await happens()

    async def come() -> bool:
        return pushes(broker) > before

    await eventually(come)


def overtake(broker: Open, happens: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen between the next call at the server and its reply; the push of it comes first."""
    call, first_calls = broker.link.call, broker.link.first_calls

    async def late(*command: Argument) -> Reply:
        monkeypatch.setattr(broker.link, "call", call)
        reply = await call(*command)
        await pushed(broker, happens)
        return reply

    async def first_late(commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        monkeypatch.setattr(broker.link, "first_calls", first_calls)
        replies = await first_calls(commands)
        await pushed(broker, happens)
        return replies

    monkeypatch.setattr(broker.link, "call", late)
    monkeypatch.setattr(broker.link, "first_calls", first_late)


async def test_an_item_that_is_stored_meanwhile_is_not_forgotten(
    broker: Open, other: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx, rx = broker.sender(broker.name), other.receiver(broker.name)
    storing = asyncio.create_task(tx.store([b"1", b"2", b"3", b"4"], ignore))
    found = await rx.fetch(1, 2**20, ())
    call = broker.link.call  # which `connect_again` uses, too
    overtake(broker, lambda: rx.settle([found.items[0].receipt]), monkeypatch)
    monkeypatch.setattr(broker.link, "call", call)
    await broker.connect_again(world)
    assert [] == broker.states
    with pytest.raises(Gone):
        await storing
    assert 4 == await tx.resume() == tx.stored


async def test_an_item_that_is_pushed_just_before_the_connection_is_taken_over_comes_once(
    broker: Open, other: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx, rx = other.sender(other.name), broker.receiver(broker.name)
    fetching = asyncio.create_task(rx.fetch(9, 2**20, ()))
    server, waiting = world.client(), world.key_names()[4]

    async def waits() -> bool:
        return server("ZCARD", waiting) == 1

    await eventually(waits)
    first_calls = broker.link.first_calls

    async def first_late(commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        await pushed(broker, lambda: tx.store([b"1"], ignore))
        return await first_calls(commands)

    monkeypatch.setattr(broker.link, "first_calls", first_late)
    await broker.connect_again(world)
    with pytest.raises(Gone):
        await fetching
    (item,) = (await rx.fetch(9, 2**20, ())).items
    await rx.settle([item.receipt])
    assert (b"1", 0) == (item.item, await broker.size(broker.name))


async def test_a_channel_that_is_closed_while_the_connection_comes_back_stays_closed(
    broker: Open, other: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = broker.link.call
    overtake(broker, lambda: other.close(broker.name, "why"), monkeypatch)
    monkeypatch.setattr(broker.link, "call", call)
    await broker.connect_again(world)
    await eventually(lambda: _is_drained(broker))
    assert {(True, "why")} == {(each.closed, each.cause) for each in broker.states}


async def test_a_channel_that_is_closed_while_it_is_opened_is_closed(
    other: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Open(world.server, "none")
    await broker.start()
    overtake(broker, lambda: other.close(other.name, "why"), monkeypatch)
    opened = await broker.open(other.name, SETTINGS, broker.states.append)
    assert (True, "why") == (opened.state.closed, opened.state.cause)
    await eventually(lambda: _is_drained(broker))
    broker.abandon()


async def test_a_channel_that_is_closed_while_it_is_opened_again_stays_closed(
    broker: Open, other: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtake(broker, lambda: other.close(other.name, "why"), monkeypatch)
    opened = await broker.open(other.name, SETTINGS, broker.states.append)
    assert (True, "why") == (opened.state.closed, opened.state.cause)


async def test_a_channel_that_is_deleted_while_it_is_opened_is_lost(
    broker: Open, other: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtake(broker, lambda: other.delete(other.name), monkeypatch)
    opened = await broker.open(other.name, SETTINGS, broker.states.append)
    assert opened.state.lost is not None or broker.states


async def test_a_name_that_has_expired_names_a_new_channel(broker: Open, world: World) -> None:
    """As a week after it was drained: nobody is told."""
    await broker.close(broker.name, None)
    await eventually(lambda: _is_drained(broker))
    world.client()("DEL", *world.key_names())
    opened = await broker.open(broker.name, SETTINGS, ignore)
    assert (True, False) == (opened.made, opened.state.closed)
    await broker.sender(broker.name).store([b"1"], ignore)
    assert 1 == await broker.size(broker.name)


async def _is_drained(broker: Open) -> bool:
    return bool(broker.states) and broker.states[-1].drained
