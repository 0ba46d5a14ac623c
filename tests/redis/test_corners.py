"""What happens seldom: at the edges of the broker, of its ports, and of its connections."""

import asyncio
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from typing_extensions import override

from aiochannel.redis import (
    ChannelLost,
    ChannelUnavailable,
    LeaseLost,
    RemoteChannel,
    connect,
    receiving,
    replies,
    sending,
)
from aiochannel.redis.__main__ import main
from aiochannel.redis.chunks import pack
from aiochannel.redis.line import GONE, Line
from aiochannel.redis.wire import Argument, Denied, Lost, Reply, _Provider, open_wire, parse
from aiochannel.remote.broker import Drained, Fetched, Gone, State
from tests.redis.access import let_work
from tests.redis.opened import SETTINGS, Open, ignore
from tests.redis.test_access import tell
from tests.redis.world import SOON, World, eventually
from tests.servers import Server, free_port


async def fetched(broker: Open, *items: bytes) -> tuple[receiving.RedisReceiver, Fetched]:
    await broker.sender(broker.name).store(items, ignore)
    rx = broker.receiver(broker.name)
    return rx, await rx.fetch(9, 2**20, ())


# Ends


async def test_sender_that_has_not_put_for_a_day_has_a_new_name(broker: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    tx = broker.sender(broker.name)
    await tx.store([b"1"], ignore)
    monkeypatch.setattr(sending, "DAY", -1.0)
    await tx.store([b"2"], ignore)
    found = await broker.receiver(broker.name).fetch(9, 2**20, ())
    assert [1, 1] == [item.number for item in found.items]
    assert 2 == len({item.sender for item in found.items})


async def test_receiver_of_many_chunks_registers_anew(broker: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MANY_CHUNKS", 0)
    rx, first = await fetched(broker, b"1")
    before = rx.receiver
    await broker.sender(broker.name).store([b"2", b"3"], ignore)
    second = await rx.fetch(1, 2**20, [first.items[0].receipt])
    assert rx.receiver > before
    after = rx.receiver
    third = await rx.fetch(1, 2**20, ())  # it holds an item
    assert after == rx.receiver
    await rx.settle([second.items[0].receipt, third.items[0].receipt])
    assert 0 == await broker.size(broker.name)


async def test_receiver_of_a_drained_channel(broker: Open) -> None:
    await broker.close(broker.name, "why")
    with pytest.raises(Drained):
        await broker.receiver(broker.name).fetch(1, 1, ())


async def test_lease_that_is_lost_is_told_once(broker: Open, world: World) -> None:
    rx, found = await fetched(broker, b"1", b"2")
    other = broker.receiver(broker.name)
    fetching = asyncio.create_task(other.fetch(1, 2**20, ()))
    await eventually(lambda: _waits(broker))
    leases = world.key_names()[5]
    world.client()("DEL", leases)
    await broker.renew(broker.name)
    for call in (rx.settle([found.items[0].receipt]), fetching):
        with pytest.raises(LeaseLost):
            await call
    await rx.settle([found.items[0].receipt])  # refused, without a word
    await rx.leave()
    assert 2 == await broker.size(broker.name)


async def _waits(broker: Open) -> bool:
    return (await broker.show(broker.name)).waiting_receivers == 1


async def test_item_that_is_acknowledged_twice_at_once(broker: Open) -> None:
    rx, found = await fetched(broker, b"1", b"2")
    first, second = (item.receipt for item in found.items)
    await asyncio.gather(rx.settle([first]), rx.settle([first]))
    assert 1 == await broker.size(broker.name)
    await asyncio.gather(rx.settle([second, first]), rx.settle([first, second]))
    assert 0 == await broker.size(broker.name)


async def test_giving_back_after_the_lease(broker: Open, world: World) -> None:
    rx, found = await fetched(broker, b"1")
    world.client()("DEL", world.key_names()[5])
    with pytest.raises(LeaseLost):
        await rx.give_back([found.items[0].receipt], count=True, reason="", delay=None)
    await rx.give_back([found.items[0].receipt], count=True, reason="", delay=None)
    await rx.leave()
    await rx.leave()


async def test_lease_that_ended_while_the_connection_was_lost(broker: Open, world: World) -> None:
    rx, found = await fetched(broker, b"1")
    world.client()("DEL", world.key_names()[5])
    await broker.connect_again(world)
    with pytest.raises(LeaseLost):
        await rx.settle([found.items[0].receipt])


async def test_what_is_left_of_a_chunk_comes_after_a_lost_connection(broker: Open, world: World) -> None:
    rx = broker.receiver(broker.name)
    await broker.sender(broker.name).store([b"1", b"2", b"3"], ignore)
    found = await rx.fetch(9, 2**20, ())
    await rx.settle([found.items[1].receipt])
    # As if the answer had not come: the chunk is missed, with its hole.
    rx.chunk -= 1
    await broker.connect_again(world)
    again = await rx.fetch(9, 2**20, ())
    assert [b"1", b"3"] == [item.item for item in again.items]
    await rx.settle([item.receipt for item in again.items])
    assert 0 == await broker.size(broker.name)


async def test_calls_of_a_connection_that_was_replaced(broker: Open, world: World) -> None:
    tx = broker.sender(broker.name)
    await tx.store([b"1"], ignore)
    await broker.connect_again(world)
    broker.link.epoch -= 1
    with pytest.raises(Gone):
        await tx.store([b"2"], ignore)
    with pytest.raises(Gone):
        await tx.withdraw(0)
    broker.link.epoch += 1
    await tx.store([b"2"], ignore)
    await tx.leave()  # is not forgotten
    assert 1 == world.client()("HLEN", world.key_names()[6])


async def test_put_that_waits_learns_that_the_connection_is_lost(broker: Open, world: World) -> None:
    tx = broker.sender(broker.name)
    storing = asyncio.create_task(tx.store([b"%d" % number for number in range(5)], ignore))

    async def waits() -> bool:
        return (await broker.show(broker.name)).waiting_puts == 2

    await eventually(waits)
    await broker.connect_again(world)
    with pytest.raises(Gone):
        await storing
    assert 5 == await tx.resume()
    broker.link.up = False
    with pytest.raises(Gone):
        await tx.resume()
    broker.link.up = True
    assert await tx.withdraw(3)
    assert await tx.withdraw(4)
    assert not await tx.withdraw(2)
    await tx.store([b"%d" % number for number in range(5)], ignore, known=5)


# Channels


async def test_channel_that_is_gone_when_the_connection_is_back(broker: Open, world: World) -> None:
    rx, _ = await fetched(broker, b"1")
    world.client()("DEL", *world.key_names())
    await broker.connect_again(world)
    assert [True] == [state.lost is not None for state in broker.states]
    await broker.renew(broker.name)
    for call in (broker.size(broker.name), rx.settle([1]), broker.sender(broker.name).store([b""], ignore)):
        with pytest.raises(ChannelLost):
            await call
    before = broker.link.epoch
    world.client()("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def is_back() -> bool:
        return broker.link.epoch > before and broker.up

    await eventually(is_back)
    assert 1 == len(broker.states)


async def test_channel_that_is_deleted_is_lost_once(broker: Open) -> None:
    await broker.delete(broker.name)
    await eventually(lambda: _told(broker))
    assert 1 == len(broker.states)
    await broker.open(broker.name, SETTINGS, broker.states.append)  # a new one
    assert 0 == await broker.size(broker.name)


async def _told(broker: Open) -> bool:
    return bool(broker.states)


async def test_push_for_nobody(broker: Open) -> None:
    own = f"aiochannel:{{{broker.name}}}:n:{broker.link.hub}"
    rx = broker.receiver(broker.name)
    broker.pushed("aiochannel:{nobody}:e", b"closed ")
    broker.pushed(own, b"i 99 0 0 11 0 \xc4\x00")
    broker.pushed(own, b"a aaaaaaaaaa0001 5")
    assert (0, []) == (rx.receiver, broker.states)


async def test_channel_is_opened_by_two_tasks_at_once(broker: Open) -> None:
    states: list[State] = []
    opened = await asyncio.gather(*(broker.open("twice", SETTINGS, states.append) for _ in range(2)))
    assert {True, False} == {each.made for each in opened}
    await broker.close("twice", None)

    async def told() -> bool:
        return bool(states)

    await eventually(told)  # it comes over the other connection
    assert states[0].closed
    await broker.delete("twice")


async def test_open_that_has_lost_its_subscription(broker: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    call = broker.link.call

    async def later(*command: Argument) -> Reply:
        broker.link.epoch += 1
        return await call(*command)

    monkeypatch.setattr(broker.link, "call", later)
    with pytest.raises(Gone):
        await broker.open("other", SETTINGS, ignore)


async def test_hub_has_so_many_senders(broker: Open) -> None:
    broker._ends = count(2**24 - 1)
    broker.sender(broker.name)
    with pytest.raises(RuntimeError, match="at most"):
        broker.sender(broker.name)


async def test_dead_letters_are_dropped(broker: Open) -> None:
    rx, found = await fetched(broker, b"1")
    for _ in range(5):
        await rx.give_back([found.items[0].receipt], count=True, reason="why", delay=None)
        if (await broker.show(broker.name)).stored:
            found = await rx.fetch(1, 2**20, ())
    assert 1 == await broker.drop_dead(broker.name, [found.items[0].id])
    assert [] == list(await broker.dead(broker.name, 9))


# Connections


async def test_broker_that_is_not_entered(server: Server) -> None:
    broker = Open(server, "none")
    assert not broker.up
    assert 0 == broker.statistics().in_flight
    with pytest.raises(Gone):
        await broker.open("none", None, ignore)
    with pytest.raises(Gone):
        await broker.names()
    await broker.leave()
    broker.abandon()


@pytest.mark.parametrize("lost", ["calls", "pushes"])
async def test_call_that_is_told_of_a_lost_connection_finds_both_down(broker: Open, lost: str) -> None:
    lines = {"calls": broker.link._commands, "pushes": broker.link._pushes}
    line, commands = lines[lost], lines["calls"]
    assert line is not None
    assert commands is not None
    answer = commands.call("BLPOP", "none", 0)
    up: list[bool] = []
    answer.add_done_callback(lambda _: up.append(broker.up))
    line._wire.cut()
    assert GONE == await answer
    assert [False] == up


async def test_copy_in_a_child_closes_only_itself(broker: Open) -> None:
    """As in a forked child: the copies of the sockets are closed without a word."""
    assert broker.up
    broker.link._process = -1
    for line in (broker.link._commands, broker.link._pushes):
        assert line is not None
        vars(line._wire)["_process"] = -1
    broker.abandon()
    assert broker.up  # in the parent
    broker.link._process = os.getpid()
    never = Open(broker.server, "none")
    never.link._process = -1
    never.abandon()


async def test_user_who_may_not_listen_any_more(world: World) -> None:
    url = let_work(world.server)
    async with connect(url, patience=SOON) as hub:
        channel = await hub.channel(world.name, int)
        world.client()("ACL", "SETUSER", "worker", "resetchannels")
        world.client()("CLIENT", "KILL", "USER", "worker")
        with pytest.raises(ChannelUnavailable, match="refuses"):
            await eventually(lambda: _never(channel))


async def _never(channel: RemoteChannel[int]) -> bool:
    return await channel.size() < 0


async def test_database_that_is_not_there(server: Server) -> None:
    with pytest.raises(ChannelUnavailable, match="refuses"):
        async with connect(f"unix://{server.socket}?db=99"):
            pass


class Script:
    """A wire that says what it is told to."""

    def __init__(self, *replies: "Reply | Exception") -> None:
        self.replies = list(replies)
        self.asked = asyncio.Event()

    def pack(self, *command: Argument) -> Sequence[bytes]:
        return (b"",)

    async def connect(self) -> None:
        """Be connected."""

    async def write(self, parts: Sequence[bytes]) -> None:
        self.asked.set()

    async def read(self) -> Reply:
        await self.asked.wait()
        if not self.replies:
            await asyncio.get_running_loop().create_future()
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def cut(self) -> None:
        """Be cut."""


async def opened(wire: Script) -> tuple[Line, asyncio.Event]:
    over = asyncio.Event()
    line = Line(wire, over.set)
    await line.open()
    return line, over


async def test_line_that_is_over_answers_gone() -> None:
    line, over = await opened(Script(Lost()))
    assert GONE == await line.call("PING")
    await over.wait()
    assert GONE == await line.call("PING")
    with pytest.raises(Lost):
        await line.all([("PING",)])
    line.end()


class Slow(Script):
    """A wire that connects when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.connects = asyncio.Event()
        self.said: list[str] = []

    @override
    async def connect(self) -> None:
        await self.connects.wait()
        self.said.append("connected")

    @override
    def cut(self) -> None:
        self.said.append("cut")


async def test_line_that_is_ended_while_it_connects_is_cut() -> None:
    """As when the other connection of its hub cannot be made."""
    wire = Slow()
    line = Line(wire, asyncio.Event().set)
    opening = asyncio.create_task(line.open())
    await asyncio.sleep(0)
    line.end()
    wire.connects.set()
    with pytest.raises(Lost):
        await opening
    assert ["cut", "connected", "cut"] == wire.said
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_line_that_is_denied_says_why() -> None:
    line, _ = await opened(Script(Denied("no such user")))
    with pytest.raises(Denied, match="no such user"):
        await line.all([("PING",)])


async def test_line_that_is_told_what_nobody_asked_for_is_over() -> None:
    line, over = await opened(Script(b"1", b"2"))
    assert b"1" == await line.call("PING")
    async with asyncio.timeout(SOON):
        await over.wait()
    assert 1 + 1 == line.heard


async def test_call_that_nobody_waits_for_any_more_has_its_reply() -> None:
    wire = Script(b"1", b"2")
    line, _ = await opened(wire)
    first, second = line.call("GET"), line.call("GET")
    first.cancel()
    assert b"2" == await second
    line.end()


def test_wire_with_tls() -> None:
    import ssl  # noqa: PLC0415

    context = ssl.create_default_context()
    for given in (context, None):
        assert open_wire(parse("rediss://localhost"), given, None).pack("PING")


async def test_wire_that_is_not_connected_does_not_connect_by_itself(server: Server) -> None:
    wire = open_wire(parse(server.url), None, None)
    with pytest.raises(Lost):
        await wire.write([b""])
    with pytest.raises(Lost):
        await wire.read()
    wire.cut()


def test_credentials_are_for_asynchronous_connections() -> None:
    with pytest.raises(NotImplementedError):
        _Provider(tell).get_credentials()


@pytest.mark.parametrize("read", [replies.number, replies.raw, replies.several])
def test_reply_that_nobody_expects(read: Callable[[Reply], object]) -> None:
    with pytest.raises(replies.Unexpected):
        read(None)


# The command line


def test_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("aiochannel.redis.__main__.PATIENCE", 0.1)
    assert 1 == main([f"redis://127.0.0.1:{free_port()}", "list"])
    assert "out of reach for 0.1 s" in capsys.readouterr().err


async def test_database_that_is_not_there_over_tcp(server: Server) -> None:
    with pytest.raises(ChannelUnavailable, match="refuses"):
        async with connect(f"{server.tcp_url}/99"):
            pass


async def test_calls_that_find_out_together_that_a_channel_is_gone(broker: Open, world: World) -> None:
    world.client()("DEL", *world.key_names())
    found = await asyncio.gather(*(broker.size(broker.name) for _ in range(2)), return_exceptions=True)
    assert [ChannelLost] * 2 == [type(each) for each in found]
    assert 1 == len(broker.states)


async def test_chunk_that_comes_twice_is_taken_once(broker: Open) -> None:
    """By a reply and by a push."""
    rx, found = await fetched(broker, b"1")
    rx.accept(0, [pack(b"aaaaaaaaaa0001", 1, [b"1"])], puts_wait=False)
    assert 1 == rx.chunk
    await rx.settle([item.receipt for item in found.items])
    fetching = asyncio.create_task(rx.fetch(1, 2**20, ()))
    await broker.sender(broker.name).store([b"2"], ignore)
    assert [b"2"] == [item.item for item in (await fetching).items]


async def test_receiver_that_is_not_registered_loses_nothing(broker: Open) -> None:
    rx = broker.receiver(broker.name)
    rx.lose()
    await broker.sender(broker.name).store([b"1"], ignore)
    assert 1 == len((await rx.fetch(1, 2**20, ())).items)


async def test_lease_that_is_found_lost_by_a_call_and_by_a_beat(broker: Open, world: World) -> None:
    rx, found = await fetched(broker, b"1")
    world.client()("DEL", world.key_names()[5])
    beat = asyncio.create_task(broker.renew(broker.name))
    settling = asyncio.create_task(rx.settle([found.items[0].receipt]))
    await asyncio.sleep(0)
    rx.receiver = 0  # it registers anew meanwhile
    await beat
    with pytest.raises(LeaseLost):
        await settling
    await rx.settle([])


class Unlucky(Open):
    """Its first connection is lost while it is taken over."""

    @override
    async def resume(self) -> None:
        await super().resume()
        if self.link.epoch == 1:
            self.link._over.set()


async def test_connection_that_is_lost_while_it_is_taken_over(server: Server) -> None:
    broker = Unlucky(server, "unlucky")
    await broker.start()
    assert 2 == broker.link.epoch
    broker.abandon()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_program(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["aiochannel.redis", server.url, "list", "--prefix", "none"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("aiochannel.redis", run_name="__main__")
    assert 0 == ended.value.code
