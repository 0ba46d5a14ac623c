"""Addresses, users, and which servers are of use."""

import asyncio
import logging
import ssl

import pytest

from aiochannel.redis import ChannelMismatch, ChannelUnavailable, Hub, connect, link
from aiochannel.redis.server import check
from aiochannel.redis.wire import parse
from tests.redis.access import let_work
from tests.redis.world import World
from tests.servers import Server


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://localhost", "redis://localhost:6379"),
        ("redis://", "redis://localhost:6379"),
        ("valkey://user:secret@10.0.0.1:7000/3", "valkey://10.0.0.1:7000"),
        ("rediss://[::1]:1", "rediss://[::1]:1"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock"),
        ("unix://user:secret@/run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_address_without_its_password(url: str, where: str) -> None:
    assert where == parse(url).where
    assert f"<Hub of {where}>" == repr(connect(url))


def test_parts_of_an_address() -> None:
    assert ("us:er", "pass@word") == parse("redis://us%3Aer:pass%40word@localhost/3")[5:]
    assert 3 == parse("redis://localhost/3").db
    assert 2 == parse("unix:///run/redis.sock?db=2").db
    assert "/a b" == parse("unix:///a%20b").path


@pytest.mark.parametrize(
    ("url", "named", "message"),
    [
        ("http://localhost", {}, "not http"),
        ("redis://localhost/jobs", {}, "not 'jobs'"),
        ("redis://localhost", {"prefix": "a{b"}, "prefix has 1 to 100 of"),
        ("redis://localhost", {"prefix": ""}, "prefix has 1 to 100 of"),
        ("redis://localhost", {"ssl": ssl.create_default_context()}, "an SSLContext is of use for rediss:"),
    ],
)
def test_wrong_arguments(url: str, named: dict[str, object], message: str) -> None:
    prefix = named.get("prefix", "aiochannel")
    context = named.get("ssl")
    assert isinstance(prefix, str)
    assert context is None or isinstance(context, ssl.SSLContext)
    with pytest.raises(ValueError, match=message):
        connect(url, prefix=prefix, ssl=context)


async def tell() -> tuple[str, str]:
    return "worker", "secret"


def test_password_has_one_place() -> None:
    with pytest.raises(ValueError, match="the url has a user or a password"):
        connect("redis://user:secret@localhost", credentials=tell)


async def test_memory_is_a_server_too() -> None:
    async with connect("memory:access") as hub:
        assert isinstance(hub, Hub)
        assert [] == await hub.names()


async def test_credentials_are_asked_for_at_every_connect(world: World) -> None:
    let_work(world.server)
    asked = []

    async def credentials() -> tuple[str, str]:
        asked.append(1)
        return await tell()

    async with connect(world.server.url, credentials=credentials) as hub:
        channel = await hub.channel(world.name, int)
        await channel.sender().put(1)
        before = len(asked)
        world.client()("CLIENT", "KILL", "USER", "worker")
        assert 1 == await channel.receiver().get()
        await channel.size()
        assert len(asked) > before


async def test_credentials_that_fail_are_asked_for_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    let_work(world.server)
    asked: list[int] = []

    async def credentials() -> tuple[str, str]:
        asked.append(1)
        if len(asked) < 3:
            raise OSError("no token today")
        return await tell()

    async with connect(world.server.url, credentials=credentials) as hub:
        assert "no token today" in caplog.text
        assert hub.statistics().connected


async def test_answer_that_nobody_expects_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(where: str, info: str, *, quiet: bool) -> None:
        raise LookupError("what is this?")

    monkeypatch.setattr(link, "check", fail)
    with pytest.raises(ChannelUnavailable, match=r"refuses: what is this\?"):
        async with connect(world.server.url):
            pass


async def test_user_who_may_not_is_told_at_once(world: World) -> None:
    world.client()("ACL", "SETUSER", "nobody", "on", ">secret", "-@all", "+info", "+time")
    with pytest.raises(ChannelUnavailable, match="refuses"):
        async with connect(f"unix://nobody:secret@{world.server.socket}"):
            pass
    world.client()("ACL", "SETUSER", "stranger", "on", ">secret", "+@all", "~other:*", "&*")
    async with connect(f"unix://stranger:secret@{world.server.socket}") as hub:
        with pytest.raises(ChannelUnavailable, match="refuses"):
            await hub.channel(world.name, int)


async def test_channel_of_a_newer_version_is_left_alone(world: World) -> None:
    await world.channel()
    world.client()("HSET", world.key_names()[0], "v", 2)
    with pytest.raises(ChannelMismatch, match="was made by a newer version of aiochannel: 2"):
        await world.channel()


async def test_prefixes_are_worlds_of_their_own(world: World) -> None:
    async with connect(world.server.url, prefix="one") as one, connect(world.server.url, prefix="two") as two:
        await one.channel("same", int)
        channel = await two.channel("same", str)
        await channel.sender().put("a")
        assert (["same"], ["same"]) == (await one.names(), await two.names())
        assert 0 == await (await one.existing("same", int)).size()


def info(**said: object) -> str:
    return "# Server\r\n" + "\r\n".join(f"{name}:{value}" for name, value in said.items())


@pytest.mark.parametrize("version", ["6.2.14", "0", "x"])
def test_old_server_is_refused(version: str) -> None:
    with pytest.raises(ChannelUnavailable, match=f"redis {version}: at least redis 7.0 is needed"):
        check("redis://h:1", info(redis_version=version), quiet=True)
    with pytest.raises(ChannelUnavailable, match=r"valkey 7\.0\.1: at least valkey 7\.2"):
        check("redis://h:1", info(redis_version="7.2.4", valkey_version="7.0.1"), quiet=True)


def test_server_that_evicts_is_refused() -> None:
    said = info(redis_version="7.0.0", maxmemory=100, maxmemory_policy="allkeys-lru")
    with pytest.raises(ChannelUnavailable, match="maxmemory-policy is allkeys-lru, and has to be noeviction"):
        check("redis://h:1", said, quiet=True)


def test_what_is_not_safe_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    said = info(redis_version="7.0.0", maxmemory=0, maxmemory_policy="allkeys-lru", aof_enabled=0)
    check("redis://h:1", said, quiet=True)
    assert not caplog.records
    check("redis://h:1", said, quiet=False)
    assert [logging.WARNING] * 2 == [record.levelno for record in caplog.records]
    assert "no append-only file" in caplog.text
    assert "maxmemory-policy allkeys-lru" in caplog.text
    caplog.clear()
    check("redis://h:1", info(valkey_version="7.2.0", maxmemory_policy="noeviction", aof_enabled=1), quiet=False)
    assert not caplog.records


async def test_hub_of_a_server_that_evicts(world: World) -> None:
    client = world.client()
    client("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1gb")
    try:
        with pytest.raises(ChannelUnavailable, match="has to be noeviction"):
            async with connect(world.server.url):
                pass
    finally:
        client("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0")


async def test_two_connections_for_a_thousand_channels(server: Server) -> None:
    async with connect(server.url, prefix="thousand") as hub:
        channels = await asyncio.gather(*(hub.channel(f"c{number}", int) for number in range(1000)))
        await asyncio.gather(*(channel.sender().put(number) for number, channel in enumerate(channels)))
        got = await asyncio.gather(*(channel.receiver().get() for channel in channels))
        assert list(range(1000)) == list(got)
        assert 1000 == len(await hub.names())
