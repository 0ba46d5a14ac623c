import asyncio
import copy
import pickle
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Never
from weakref import ref

import pytest

from aiochannel import Channel, ChannelClosed, Receiver, Sender, select
from tests.conftest import settle, waiting

LOOKING = {"maxsize", "qsize", "closed", "join"}
SENDING = {"full", "put", "put_nowait", "put_many", "close", "on_put"}
RECEIVING = {"empty", "get", "get_nowait", "get_many", "on_get"}


# One side


def test_a_sender_handle_has_the_sending_side_and_nothing_else() -> None:
    names = set(dir(Channel[int]().sender))
    assert LOOKING | SENDING <= names
    assert not (RECEIVING | {"get_many_nowait", "__aiter__", "__anext__", "__iter__"}) & names


def test_a_receiver_handle_has_the_receiving_side_and_nothing_else() -> None:
    names = set(dir(Channel[int]().receiver))
    assert LOOKING | RECEIVING | {"__aiter__", "__anext__"} <= names
    assert not (SENDING | {"abort", "__iter__"}) & names


async def test_every_call_of_a_sender_handle_is_the_channels() -> None:
    channel: Channel[int] = Channel(7)
    tx = channel.sender
    tx.put_nowait(1)
    await tx.put(2)
    await tx.put_many([3])
    await select(tx.on_put(4))
    assert (7, 4, False, False) == (tx.maxsize, tx.qsize(), tx.full(), tx.closed())
    assert (True, False, True) == (tx.close(), tx.close(OSError()), channel.closed())
    assert [1, 2, 3, 4] == channel.abort()
    await tx.join()


async def test_every_call_of_a_receiver_handle_is_the_channels() -> None:
    channel: Channel[int] = Channel(7)
    await channel.put_many(range(5))
    rx = channel.receiver
    assert (7, 5, False, False) == (rx.maxsize, rx.qsize(), rx.empty(), rx.closed())
    assert [0, 1, [2], (0, 3), 4] == [
        rx.get_nowait(),
        await rx.get(),
        await rx.get_many(1),
        await select(rx.on_get()),
        await anext(aiter(rx)),
    ]
    channel.close()
    await rx.join()
    assert [] == [item async for item in rx]


async def test_a_sender_handle_closes_with_a_cause() -> None:
    cause = OSError("disk on fire")
    tx, rx = Channel[int]().split()
    tx.close(cause)
    with pytest.raises(ChannelClosed) as caught:
        await anext(aiter(rx))
    assert cause is caught.value.__cause__


def test_split_gives_both_handles() -> None:
    channel: Channel[int] = Channel()
    assert (channel.sender, channel.receiver) == channel.split()


# Identity


def test_handles_of_one_side_of_one_channel_are_equal() -> None:
    channel: Channel[int] = Channel()
    assert channel.sender == channel.sender
    assert channel.receiver == channel.receiver
    assert 2 == len({channel.sender, channel.sender, channel.receiver, channel.receiver})


def test_handles_of_different_sides_or_channels_are_not_equal() -> None:
    channel, other = Channel[int](), Channel[int]()
    handles = [channel.sender, channel.receiver, other.sender, other.receiver, channel, None]
    assert [[left is right for right in handles] for left in handles] == [
        [left == right for right in handles] for left in handles
    ]


def test_a_handle_stays_equal_and_findable_when_its_end_leaves() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as tx:
        known = {tx}
    assert tx in known
    assert channel.sender == tx


def test_repr_says_the_side_and_the_channel_as_it_is() -> None:
    channel: Channel[int] = Channel(3)
    tx, rx = channel.split()
    channel.put_nowait(1)
    assert f"<SenderHandle of {channel!r}>" == repr(tx)
    assert f"<ReceiverHandle of {channel!r}>" == repr(rx)


def test_handles_and_ends_are_weakly_referenceable() -> None:
    channel: Channel[int] = Channel()
    for handle in (channel.sender, channel.receiver, channel.open_sender()):
        assert handle is ref(handle)()


def test_a_handle_keeps_its_channel() -> None:
    rx = Channel[int]().receiver
    assert rx.empty()


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("side", ["sender", "receiver", "end"])
def test_pickling_and_copying_are_refused(side: str, act: Callable[[object], object]) -> None:
    channel: Channel[int] = Channel()
    end = channel.open_receiver()
    handle = {"sender": channel.sender, "receiver": channel.receiver, "end": end}[side]
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        act(handle)
    assert not channel.closed()


@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_a_handle_takes_no_new_attribute(side: str) -> None:
    with pytest.raises(AttributeError):
        setattr(getattr(Channel[int](), side), "gte", 1)  # noqa: B010  # a checker would refuse the plain form


def test_handles_are_handles_of_a_subclass_as_well() -> None:
    class Mine(Channel[int]):
        pass

    assert "<SenderHandle of <Mine at" == repr(Mine().sender)[:25]


# Counted ends

Open = Callable[[Channel[int]], AbstractContextManager[Sender[int] | Receiver[int]]]


def open_sender(channel: Channel[int]) -> AbstractContextManager[Sender[int]]:
    return channel.open_sender()


def open_receiver(channel: Channel[int]) -> AbstractContextManager[Receiver[int]]:
    return channel.open_receiver()


either_side = pytest.mark.parametrize("open_end", [open_sender, open_receiver])


def ends(channel: Channel[int]) -> int:
    return channel.statistics().open_senders + channel.statistics().open_receivers


@either_side
def test_the_channel_closes_when_the_last_end_leaves(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    with open_end(channel):
        with open_end(channel):
            assert 2 == ends(channel)
        assert (1, False) == (ends(channel), channel.closed())
    assert (0, True) == (ends(channel), channel.closed())


@either_side
async def test_an_end_may_be_used_by_async_with(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    async with channel.open_sender() as tx, channel.open_receiver() as rx:
        await tx.put(1)
        assert 1 == await rx.get()
    assert channel.closed()


@either_side
def test_an_end_counts_from_the_moment_it_is_opened(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    later = open_end(channel)
    with open_end(channel):
        pass
    assert (1, False) == (ends(channel), channel.closed())
    with later:
        pass
    assert channel.closed()


@either_side
def test_an_end_that_is_dropped_without_being_entered_leaves(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    assert not channel.closed()
    del end
    assert (0, True) == (ends(channel), channel.closed())


@either_side
def test_an_end_that_was_entered_and_is_dropped_does_not_leave(open_end: Open) -> None:
    """Whoever enters by hand leaves by hand; the handle goes on working."""
    channel: Channel[int] = Channel()
    handle = open_end(channel).__enter__()  # by hand is what is tested
    channel.put_nowait(1)
    assert (1, 1, False) == (handle.qsize(), ends(channel), channel.closed())


@either_side
def test_an_end_left_by_an_exception_gives_it_as_the_cause(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    crash = OSError("disk on fire")
    with pytest.raises(OSError, match="disk on fire"), open_end(channel):
        raise crash
    with pytest.raises(ChannelClosed) as caught:
        channel.get_nowait()
    assert crash is caught.value.__cause__


@either_side
def test_of_several_ends_left_by_exceptions_the_first_gives_the_cause(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    crashes = [OSError("first"), OSError("second")]
    opened = [open_end(channel) for _ in range(3)]
    for end, crash in zip(opened, crashes, strict=False):
        with pytest.raises(OSError, match=str(crash)), end:
            raise crash
    assert not channel.closed()
    with opened[2]:
        pass
    with pytest.raises(ChannelClosed) as caught:
        channel.get_nowait()
    assert crashes[0] is caught.value.__cause__


def test_a_plain_close_does_not_hide_the_crash_of_an_end_that_left_before() -> None:
    channel: Channel[int] = Channel()
    crash = OSError("disk on fire")
    other = channel.open_sender()
    with pytest.raises(OSError, match="disk on fire"), channel.open_sender():
        raise crash
    with other as tx:
        tx.close()
    with pytest.raises(ChannelClosed) as caught:
        channel.get_nowait()
    assert crash is caught.value.__cause__


def test_the_crash_of_an_end_after_close_comes_too_late() -> None:
    def produce() -> None:
        with channel.open_sender() as tx:
            tx.close()
            raise OSError("late")

    channel: Channel[int] = Channel()
    with pytest.raises(OSError, match="late"):
        produce()
    with pytest.raises(ChannelClosed) as caught:
        channel.get_nowait()
    assert caught.value.__cause__ is None


async def test_an_end_whose_task_is_cancelled_leaves_with_that_as_the_cause() -> None:
    async def produce() -> None:
        with channel.open_sender() as tx:
            while True:
                await tx.put(1)

    channel: Channel[int] = Channel(1)
    producing = await waiting(produce())
    producing.cancel()
    await settle()
    assert 1 == channel.get_nowait()
    with pytest.raises(ChannelClosed) as caught:
        await anext(aiter(channel))
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


async def test_items_stay_when_the_last_receiving_end_leaves() -> None:
    channel: Channel[int] = Channel()
    with channel.open_receiver():
        await channel.put_many([1, 2])
    assert [1, 2] == [item async for item in channel]


async def test_senders_that_wait_learn_that_the_last_receiving_end_left() -> None:
    channel: Channel[int] = Channel(1)
    with channel.open_receiver():
        putting = await waiting(channel.put_many([1, 2]))
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


def test_a_handle_of_the_other_side_may_outlive_an_end() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as tx:
        tx.put_nowait(1)
    assert 1 == channel.receiver.get_nowait()


# An end that left


async def use(calls: Callable[[], object]) -> None:
    result = calls()
    if isinstance(result, Coroutine):
        await result


@pytest.mark.parametrize("call", sorted((SENDING | LOOKING) - {"maxsize", "qsize", "closed", "full"}))
async def test_a_sending_end_that_left_refuses_every_operation(call: str) -> None:
    channel: Channel[int] = Channel()
    other = channel.open_sender()
    with channel.open_sender() as tx:
        pass
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: tx.put(1),
        "put_nowait": lambda: tx.put_nowait(1),
        "put_many": lambda: tx.put_many([1]),
        "close": lambda: tx.close(cause=OSError()),
        "join": tx.join,
        "on_put": lambda: tx.on_put(1),
    }
    with pytest.raises(ChannelClosed, match=r"this end, a <SenderHandle of <Channel .*>, has left"):
        await use(calls[call])
    assert (False, True, 1) == (channel.closed(), channel.empty(), ends(channel))
    with other as still:
        still.put_nowait(1)


@pytest.mark.parametrize(
    "call", sorted((RECEIVING | LOOKING | {"anext", "async for"}) - {"maxsize", "qsize", "closed", "empty"})
)
async def test_a_receiving_end_that_left_refuses_every_operation(call: str) -> None:
    async def iterate() -> None:
        async for _ in rx:
            pass

    channel: Channel[int] = Channel()
    channel.put_nowait(1)
    other = channel.open_receiver()
    with channel.open_receiver() as rx:
        pass
    calls: dict[str, Callable[[], object]] = {
        "get": rx.get,
        "get_nowait": rx.get_nowait,
        "get_many": lambda: rx.get_many(1),
        "join": rx.join,
        "on_get": rx.on_get,
        "anext": lambda: anext(aiter(rx)),
        "async for": iterate,
    }
    with pytest.raises(ChannelClosed, match=r"this end, a <ReceiverHandle of <Channel .*>, has left"):
        await use(calls[call])
    assert ([1], 1) == (list(channel), ends(channel))
    with other as still:
        assert 1 == still.get_nowait()


def test_an_end_that_left_can_still_be_looked_at() -> None:
    channel: Channel[int] = Channel(3)
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        channel.put_nowait(1)
    assert (3, 1, True, False) == (tx.maxsize, tx.qsize(), tx.closed(), tx.full())
    assert (3, 1, True, False) == (rx.maxsize, rx.qsize(), rx.closed(), rx.empty())


@either_side
def test_an_end_that_left_cannot_be_entered_again(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end, other = open_end(channel), open_end(channel)
    with end:
        pass
    with pytest.raises(ChannelClosed, match="has left"), end:
        pass
    assert 1 == ends(channel)
    del other


def coroutine_of(sender: Sender[int]) -> Coroutine[object, Never, None]:
    return sender.put(1)


async def test_what_an_end_began_before_it_left_goes_on() -> None:
    channel: Channel[int] = Channel(1)
    other = channel.open_sender()
    with channel.open_sender() as tx:
        tx.put_nowait(0)
        putting = await waiting(coroutine_of(tx))
    assert [0, 1] == [await channel.get(), await channel.get()]
    await putting
    del other
