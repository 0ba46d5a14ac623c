"""The command line shows what is there, and mends it."""

import asyncio
import subprocess
import sys
from contextlib import suppress

import pytest
from msgspec import json

from aiochannel.redis import JSON, RemoteChannel, connect
from aiochannel.redis.__main__ import main, read
from tests.redis.world import World


async def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert 0 == await asyncio.to_thread(main, arguments)
    return capsys.readouterr().out.splitlines()


async def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert 1 == await asyncio.to_thread(main, arguments)
    return capsys.readouterr().err


async def poisoned(world: World) -> RemoteChannel[int]:
    channel = await world.channel(5, tries=1)
    await channel.sender().put_many([1, 2, 3])
    async with channel.receiver() as rx:
        with suppress(ValueError):
            async with rx.receive():
                raise ValueError("poison")
    return channel


async def test_list_has_the_names(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.channel()
    assert world.name in await said(capsys, world.server.url, "list")
    assert [] == await said(capsys, world.server.url, "list", "--prefix", "other")


async def test_show(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    channel = await world.channel(5)
    await channel.sender().put(1)
    lines = await said(capsys, world.server.url, "show", world.name)
    assert {"maxsize            5", "stored             1", "cause              None"} <= set(lines)
    (line,) = await said(capsys, world.server.url, "show", world.name, "--json")
    found = json.decode(line, type=dict[str, object])
    assert (world.name, 5, 1, False) == (found["name"], found["maxsize"], found["waiting"], found["closed"])


async def test_peek_takes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    channel = await world.channel()
    await channel.sender().put_many(range(20))
    assert [str(item) for item in range(10)] == await said(capsys, world.server.url, "peek", world.name)
    assert ["0", "1"] == await said(capsys, world.server.url, "peek", world.name, "2")
    assert 20 == await channel.size()


async def test_dead_letters_are_shown_and_revived(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    channel = await poisoned(world)
    (letter,) = await channel.dead_letters()
    about, item = await said(capsys, world.server.url, "dead", world.name)
    assert (f"{letter.id}  1 attempts: its block failed: ValueError: poison", "    1") == (about, item)
    (line,) = await said(capsys, world.server.url, "dead", world.name, "--json")
    assert (letter.id, 1) == tuple(json.decode(line, type=dict[str, object])[key] for key in ("id", "item"))
    assert ["0 dead letters are items again"] == await said(capsys, world.server.url, "revive", world.name, "x-1")
    assert ["1 dead letters are items again"] == await said(capsys, world.server.url, "revive", world.name)
    assert [2, 3, 1] == list(await channel.peek(9))


async def test_close(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    channel = await world.channel()
    assert ["closed"] == await said(capsys, world.server.url, "close", world.name, "no", "more")
    assert "no more" == (await channel.statistics()).cause
    assert ["it was closed before"] == await said(capsys, world.server.url, "close", world.name)


async def test_delete_wants_to_be_sure(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.channel()
    with pytest.raises(SystemExit):
        main([world.server.url, "delete", world.name])
    assert "say --yes" in capsys.readouterr().err
    assert ["deleted"] == await said(capsys, world.server.url, "delete", world.name, "--yes")
    assert "there is no channel" in await failed(capsys, world.server.url, "show", world.name)


@pytest.mark.parametrize("arguments", [["list", "--no"], ["show"], ["mend", "jobs"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["redis://localhost", *arguments])


async def test_wrong_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert "begins with redis, rediss" in await failed(capsys, "http://localhost", "list")


def test_items_are_shown_as_json_or_as_bytes() -> None:
    assert [1, "a"] == read(b"\x92\x01\xa1a", "msgpack")
    assert {"a": 1} == read(b'{"a": 1}', "json")
    assert repr(b"\xc1" * 80) == read(b"\xc1" * 100, "msgpack")
    assert repr(b"\xff") == read(b"\xff", "other")


async def test_it_is_a_program(world: World) -> None:
    async with connect(world.server.url) as hub:
        await hub.channel(world.name, int, format=JSON)
    command = [sys.executable, "-m", "aiochannel.redis", world.server.url, "show", world.name]
    shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert "format             json" in shown.stdout
