import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

import pytest

from aiochannel import Case, Channel, Receiver, Sender, merge, protocols
from tests.conftest import settle

SENDER = {"maxsize", "qsize", "closed", "full", "put", "put_nowait", "put_many", "close", "join", "on_put"}
RECEIVER = {"maxsize", "qsize", "closed", "empty", "get", "get_nowait", "get_many", "__aiter__", "join", "on_get"}


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_") or name == "__aiter__"}


class Recorder:
    """A double for a `Sender`, as an application's own test would write it: it inherits nothing."""

    maxsize = 0

    def __init__(self) -> None:
        self.items: list[str] = []

    def qsize(self) -> int:
        return len(self.items)

    def closed(self) -> bool:
        return False

    def full(self) -> bool:
        return False

    async def put(self, item: object, /) -> None:
        self.put_nowait(item)

    def put_nowait(self, item: object, /) -> None:
        self.items.append(str(item))

    async def put_many(self, items: Iterable[object], /) -> None:
        self.items.extend(map(str, items))

    def close(self, cause: BaseException | None = None) -> bool:
        return False

    async def join(self) -> None:
        pass

    def on_put(self, item: object, /) -> Case[None]:
        raise NotImplementedError


class Numbers:
    """A double for a `Receiver`, on top of a channel."""

    maxsize = 0

    def __init__(self, *items: int) -> None:
        self._channel: Channel[int] = Channel()
        for item in items:
            self._channel.put_nowait(item)
        self._channel.close()

    def qsize(self) -> int:
        return self._channel.qsize()

    def closed(self) -> bool:
        return True

    def empty(self) -> bool:
        return self._channel.empty()

    async def get(self) -> bool:
        return bool(await self._channel.get())

    def get_nowait(self) -> bool:
        return bool(self._channel.get_nowait())

    async def get_many(self, limit: int, /) -> Sequence[bool]:
        return tuple(map(bool, await self._channel.get_many(limit)))

    async def __aiter__(self) -> AsyncIterator[bool]:
        async for item in self._channel:
            yield bool(item)

    async def join(self) -> None:
        await self._channel.join()

    def on_get(self) -> Case[bool]:
        return self._channel.on_get().map(bool)


async def send(out: Sender[int]) -> None:
    await out.put(1)
    out.put_nowait(2)
    await out.put_many([3, 4])


async def add_up(numbers: Receiver[int]) -> int:
    return sum([item async for item in numbers])


def test_a_sender_is_the_sending_side() -> None:
    assert SENDER == members(Sender)


def test_a_receiver_is_the_receiving_side() -> None:
    assert RECEIVER == members(Receiver)


@pytest.mark.parametrize("protocol", [Sender, Receiver])
def test_a_channel_has_both_sides_without_inheriting_them(protocol: type) -> None:
    assert members(protocol) <= set(dir(Channel))
    assert protocol not in Channel.__mro__


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
    recorder = Recorder()
    await send(recorder)
    assert ["1", "2", "3", "4"] == recorder.items


async def test_a_double_stands_for_a_receiver_of_something_wider() -> None:
    assert 2 == await add_up(Numbers(0, 5, 7))


async def test_a_double_can_be_merged_with_a_channel() -> None:
    channel: Channel[int] = Channel()
    channel.put_nowait(9)
    channel.close()
    assert [0, 1, 9] == sorted([item async for item in merge(Numbers(0, 5), channel)])


@pytest.mark.parametrize("name", sorted(SENDER | RECEIVER))
def test_every_member_points_at_the_method_that_describes_it(name: str) -> None:
    target = "__anext__" if name == "__aiter__" else name
    for protocol in (protocols.Sender, protocols.Receiver):
        if name in members(protocol):
            assert f"See `Channel.{target}`." == vars(protocol)[name].__doc__
    assert getattr(Channel, target).__doc__ is not None


async def test_a_protocol_declares_what_is_awaited() -> None:
    channel: Channel[int] = Channel()
    tx, rx = channel.split()
    calls: list[Awaitable[object]] = [tx.put(1), tx.put_many([2]), rx.get(), rx.get_many(1)]
    assert [None, None, 1, [2]] == [await call for call in calls]
    await settle()
