"""What a subclass overrides is for those who call it: iteration, batches, handles, ends and select do not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

import pytest
from typing_extensions import override

from aiochannel import Case, Channel, ChannelClosed, Receiver, Sender
from tests.conftest import waiting
from tests.contract.kinds import GETS, PUTS, WAITING_GETS, WAITING_PUTS, get, put


def overridden() -> NoReturn:
    raise AssertionError("a method of the subclass was called")


class Overriding(Channel[object]):
    """A channel whose plain calls all fail."""

    @override
    async def put(self, item: object, /) -> None:
        overridden()

    @override
    def put_nowait(self, item: object, /) -> None:
        overridden()

    @override
    async def get(self) -> object:
        overridden()

    @override
    def get_nowait(self) -> object:
        overridden()

    @override
    def close(self, cause: BaseException | None = None) -> bool:
        overridden()

    @override
    def qsize(self) -> int:
        overridden()

    @override
    def empty(self) -> bool:
        overridden()

    @override
    def full(self) -> bool:
        overridden()

    @override
    def closed(self) -> bool:
        overridden()

    @property
    @override
    def maxsize(self) -> int:
        overridden()


class OverridingAll(Overriding):
    """A channel of which nothing is left but its handles and its ends."""

    @override
    async def put_many(self, items: Iterable[object], /) -> None:
        overridden()

    @override
    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[object]:
        overridden()

    @override
    def get_many_nowait(self, limit: int | None = None, /) -> list[object]:
        overridden()

    @override
    def __aiter__(self) -> AsyncIterator[object]:
        overridden()

    @override
    async def __anext__(self) -> object:
        overridden()

    @override
    async def join(self) -> None:
        overridden()

    @override
    def on_get(self) -> Case[object]:
        overridden()

    @override
    def on_put(self, item: object, /) -> Case[None]:
        overridden()

    @override
    async def wait_closed(self) -> None:
        overridden()

    @override
    def on_close(self) -> Case[None]:
        overridden()

    @property
    @override
    def sender(self) -> Sender[object]:
        overridden()

    @property
    @override
    def receiver(self) -> Receiver[object]:
        overridden()


Senders = Callable[[Channel[object]], AbstractContextManager[Sender[object]]]
Receivers = Callable[[Channel[object]], AbstractContextManager[Receiver[object]]]

SENDERS: dict[str, tuple[Callable[[], Channel[object]], Senders, list[str]]] = {
    "the channel": (lambda: Overriding(1), nullcontext, ["put_many", "select"]),
    "a handle": (lambda: OverridingAll(1), lambda channel: nullcontext(channel.split()[0]), WAITING_PUTS),
    "an end": (lambda: OverridingAll(1), lambda channel: channel.open_sender(), WAITING_PUTS),
}
RECEIVERS: dict[str, tuple[Callable[[], Channel[object]], Receivers, list[str]]] = {
    "the channel": (lambda: Overriding(1), nullcontext, ["get_many", "async for", "select"]),
    "a handle": (lambda: OverridingAll(1), lambda channel: nullcontext(channel.split()[1]), WAITING_GETS),
    "an end": (lambda: OverridingAll(1), lambda channel: channel.open_receiver(), WAITING_GETS),
}
every_put = pytest.mark.parametrize(
    ("side", "call"), [(side, call) for side, row in SENDERS.items() for call in row[2]]
)
every_get = pytest.mark.parametrize(
    ("side", "call"), [(side, call) for side, row in RECEIVERS.items() for call in row[2]]
)


@every_put
async def test_no_put_that_finds_room_is_the_subclass_s(side: str, call: str) -> None:
    make, open_side, _ = SENDERS[side]
    with open_side(channel := make()) as tx:
        await put(call, tx, 7)
        assert [7] == list(channel)


@every_put
async def test_no_put_that_waits_is_the_subclass_s(side: str, call: str) -> None:
    make, open_side, _ = SENDERS[side]
    with open_side(channel := make()) as tx:
        Channel.put_nowait(channel, 0)
        putting = await waiting(put(call, tx, 7))
        assert 0 == Channel.get_nowait(channel)
        await putting
        assert [7] == list(channel)


@every_get
async def test_no_get_of_a_buffered_item_is_the_subclass_s(side: str, call: str) -> None:
    make, open_side, _ = RECEIVERS[side]
    with open_side(channel := make()) as rx:
        Channel.put_nowait(channel, 7)
        assert 7 == await get(call, rx)


@every_get
async def test_no_get_that_waits_is_the_subclass_s(side: str, call: str) -> None:
    make, open_side, _ = RECEIVERS[side]
    with open_side(channel := make()) as rx:
        getting = await waiting(get(call, rx))
        Channel.put_nowait(channel, 7)
        assert 7 == await getting


@pytest.mark.parametrize("side", ["a handle", "an end"])
async def test_no_other_call_of_a_side_is_the_subclass_s(side: str) -> None:
    make, open_sender, _ = SENDERS[side]
    _, open_receiver, _ = RECEIVERS[side]
    channel = make()
    with open_sender(channel) as tx, open_receiver(channel) as rx:
        tx.put_nowait(7)
        assert (1, 1, True, False) == (tx.maxsize, tx.qsize(), tx.full(), tx.closed())
        assert (1, 1, False, False) == (rx.maxsize, rx.qsize(), rx.empty(), rx.closed())
        assert 7 == rx.get_nowait()
        joining = [await waiting(tx.join()), await waiting(rx.join())]
        assert tx.close()
        await asyncio.gather(*joining)


async def test_the_batches_that_do_not_wait_and_abort_call_nothing_of_the_subclass() -> None:
    channel = Overriding(3)
    await channel.put_many([1, 2, 3])
    assert [1] == channel.get_many_nowait(1)
    assert [2, 3] == channel.abort()
    with pytest.raises(ChannelClosed):
        channel.get_many_nowait(1)


def test_what_is_shown_of_a_channel_calls_nothing_of_the_subclass() -> None:
    channel = Overriding(3)
    statistics = channel.statistics()
    assert (3, 0, False) == (statistics.maxsize, statistics.qsize, statistics.closed)
    assert "<Overriding maxsize=3 qsize=0>" == str(channel)


def test_the_handle_of_a_subclass_shows_the_channel_as_that_does() -> None:
    class Named(Channel[int]):
        @override
        def __repr__(self) -> str:
            return "the jobs"

    assert "<SenderHandle of the jobs>" == repr(Named().sender)


@pytest.mark.parametrize("call", PUTS)
async def test_a_put_of_the_subclass_is_called_by_name(call: str) -> None:
    with pytest.raises(AssertionError, match="a method of the subclass was called"):
        await put(call, OverridingAll(1), 7)


@pytest.mark.parametrize("call", GETS)
async def test_a_get_of_the_subclass_is_called_by_name(call: str) -> None:
    with pytest.raises(AssertionError, match="a method of the subclass was called"):
        await get(call, OverridingAll(1))


async def test_a_mixin_before_the_channel_changes_no_handle() -> None:
    class Loud:
        def put_nowait(self, item: object, /) -> None:
            overridden()

    class Mixed(Loud, Channel[object]):
        pass

    channel = Mixed()
    channel.sender.put_nowait(7)
    assert [7] == list(channel)
