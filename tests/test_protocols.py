import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import getdoc, iscoroutinefunction
from textwrap import dedent
from types import FunctionType

import pytest

from aiochannel import Channel, Receiver, Sender, merge
from tests.conftest import settle
from tests.typing.accept_doubles import Collector, Counting, Script

LOOKS = {"maxsize", "qsize", "closed"}
SENDER = LOOKS | {"full", "put", "put_nowait", "put_many", "close", "join", "wait_closed", "on_put", "on_close"}
GETS = {"get", "get_nowait", "get_many", "get_many_nowait", "__anext__"}
RECEIVER = LOOKS | GETS | {"empty", "__aiter__", "join", "on_get"}
NEVER_RAISE = LOOKS | {"full", "empty", "__aiter__", "on_put", "on_close", "on_get"}
MEMBERS = [(Sender, name) for name in sorted(SENDER)] + [(Receiver, name) for name in sorted(RECEIVER)]


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_") or name in {"__aiter__", "__anext__"}}


def text(owner: type, name: str) -> str:
    written = getdoc(vars(owner)[name])
    assert written is not None, f"{owner.__name__}.{name} has no docstring"
    return written


def has_everything_but(name: str, side: set[str]) -> object:
    class Partial:
        pass

    for each in side - {name}:
        setattr(Partial, each, len)
    return Partial()


async def send(out: Sender[int]) -> None:
    await out.put(1)
    out.put_nowait(2)
    await out.put_many([3, 4])


async def add_up(numbers: Receiver[int]) -> int:
    return sum([item async for item in numbers])


# What the sides are


def test_a_sender_is_the_sending_side() -> None:
    assert SENDER == members(Sender)


def test_a_receiver_is_the_receiving_side() -> None:
    assert RECEIVER == members(Receiver)


@pytest.mark.parametrize("protocol", [Sender, Receiver])
def test_a_channel_has_both_sides_without_inheriting_them(protocol: type) -> None:
    assert members(protocol) <= set(dir(Channel))
    assert protocol not in Channel.__mro__


async def test_a_protocol_declares_what_is_awaited() -> None:
    channel: Channel[int] = Channel()
    tx, rx = channel.split()
    calls: list[Awaitable[object]] = [tx.put(1), tx.put_many([2, 3]), rx.get(), rx.get_many(1), anext(rx)]
    assert [None, None, 1, [2], 3] == [await call for call in calls]
    await settle()


# Who may stand for one


@pytest.mark.parametrize(
    "get_side", [lambda channel: channel, lambda channel: channel.sender], ids=["itself", "handle"]
)
async def test_a_sender_may_be_asked_for(get_side: Callable[[Channel[int]], Sender[int]]) -> None:
    channel: Channel[int] = Channel()
    await send(get_side(channel))
    assert [1, 2, 3, 4] == list(channel)


@pytest.mark.parametrize(
    "get_side", [lambda channel: channel, lambda channel: channel.receiver], ids=["itself", "handle"]
)
async def test_a_receiver_may_be_asked_for(get_side: Callable[[Channel[int]], Receiver[int]]) -> None:
    channel: Channel[int] = Channel()
    adding = asyncio.create_task(add_up(get_side(channel)))
    await channel.put_many([1, 2, 3])
    channel.close()
    assert 6 == await adding


async def test_a_double_stands_for_a_sender_of_something_narrower() -> None:
    collector: Collector[object] = Collector()
    await send(collector)
    assert [1, 2, 3, 4] == collector.items


async def test_a_double_stands_for_a_receiver_of_something_wider() -> None:
    assert 2 == await add_up(Script(False, True, True))


async def test_a_double_can_be_merged_with_a_channel() -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(9)
    channel.close()
    assert [0, 1, 9] == sorted([item async for item in merge(Script(False, True), channel)])


# A receiver is an async iterator


@pytest.mark.parametrize(
    "get_side",
    [lambda channel: channel, lambda channel: channel.receiver, Counting],
    ids=["itself", "handle", "subclass"],
)
async def test_a_receiver_gives_its_items_one_by_one(get_side: Callable[[Channel[int]], Receiver[int]]) -> None:
    channel: Channel[int] = Channel()
    await channel.put_many([1, 2])
    channel.close()
    rx = get_side(channel)
    iterator: AsyncIterator[int] = rx
    assert (1, 2, None) == (await anext(rx), await anext(iterator), await anext(rx, None))
    with pytest.raises(StopAsyncIteration):
        await anext(rx)


# isinstance


def test_isinstance_knows_the_sides_of_a_channel() -> None:
    channel: Channel[int] = Channel()
    for side in channel, channel.sender, Collector[int]():
        assert isinstance(side, Sender)
    for other_side in channel, channel.receiver, Script(1), Counting(channel):
        assert isinstance(other_side, Receiver)
        assert isinstance(other_side, AsyncIterator)


def test_isinstance_knows_the_handle_of_an_end_before_and_after_it_left() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        assert isinstance(tx, Sender)
        assert isinstance(rx, Receiver)
    assert isinstance(tx, Sender)
    assert isinstance(rx, Receiver)


def test_isinstance_does_not_take_one_side_for_the_other() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        senders: list[object] = [channel.sender, tx, Collector[int]()]
        receivers: list[object] = [channel.receiver, rx, Script(1)]
    assert not any(isinstance(side, (Receiver, AsyncIterator)) for side in senders)
    assert not any(isinstance(side, Sender) for side in receivers)


@pytest.mark.parametrize(("protocol", "name"), MEMBERS)
def test_isinstance_asks_for_every_member(protocol: type, name: str) -> None:
    side = members(protocol)
    assert isinstance(has_everything_but("nothing", side), protocol)
    assert not isinstance(has_everything_but(name, side), protocol)


# The texts


@pytest.mark.parametrize(("protocol", "name"), MEMBERS)
def test_a_channel_repeats_the_first_line_of_its_sides(protocol: type, name: str) -> None:
    first_line, *_ = text(protocol, name).splitlines()
    channels_first_line, *_ = text(Channel, name).splitlines()
    assert first_line == channels_first_line


@pytest.mark.parametrize("name", sorted(SENDER & RECEIVER))
def test_what_both_sides_have_is_described_alike(name: str) -> None:
    assert text(Sender, name) == text(Receiver, name)


@pytest.mark.parametrize(("protocol", "name"), MEMBERS)
def test_a_member_says_what_it_raises_and_an_awaitable_what_a_cancelled_call_has_done(
    protocol: type, name: str
) -> None:
    sections = re.findall(r"^([A-Z]\w+):$", text(protocol, name), re.MULTILINE)
    raises = [] if name in NEVER_RAISE else ["Raises"]
    cancellation = ["Cancellation"] if iscoroutinefunction(vars(protocol)[name]) else []
    assert raises + cancellation == [section for section in sections if section != "Example"]


async def test_the_examples_run() -> None:
    names: dict[str, object] = {"Sender": Sender, "Receiver": Receiver}
    for protocol in Sender, Receiver:
        blocks = re.findall(r"```python\n(.*?)```", getdoc(protocol) or "", re.DOTALL)
        assert len(blocks) == 1
        exec(dedent(blocks[0]), names)
    count, add = names["count"], names["add"]
    assert isinstance(count, FunctionType)
    assert isinstance(add, FunctionType)
    channel: Channel[int] = Channel()
    await count(channel)
    assert 0 + 1 + 2 == await add(channel)
