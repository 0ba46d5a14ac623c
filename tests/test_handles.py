import copy
import pickle
from collections.abc import Callable, Generator
from weakref import ref

import pytest

from aiochannel import Channel, ChannelClosed, Receiver, Sender, select
from aiochannel.handles import ReceiverHandle, SenderHandle

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
    await channel.put_many(range(7))
    rx = channel.receiver
    assert (7, 7, False, False) == (rx.maxsize, rx.qsize(), rx.empty(), rx.closed())
    assert [0, 1, [2], (0, 3), 4, [5], [6]] == [
        rx.get_nowait(),
        await rx.get(),
        await rx.get_many(1),
        await select(rx.on_get()),
        await anext(aiter(rx)),
        rx.get_many_nowait(1),
        rx.get_many_nowait(),
    ]
    channel.close()
    await rx.join()
    assert [] == [item async for item in rx]


def test_both_handles_show_the_statistics_of_the_channel() -> None:
    channel: Channel[int] = Channel(7)
    channel.put_nowait(1)
    for handle in SenderHandle(channel, Channel), ReceiverHandle(channel, Channel):
        assert channel.statistics() == handle.statistics()


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


async def test_an_end_may_be_used_by_async_with() -> None:
    channel: Channel[int] = Channel()
    async with channel.open_sender() as tx, channel.open_receiver() as rx:
        await tx.put(1)
        assert 1 == await rx.get()
    assert channel.closed()


async def test_an_end_that_left_says_what_it_was() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        pass
    with pytest.raises(ChannelClosed, match=r"this end, a <SenderHandle of <Channel .*>, has left"):
        tx.on_put(1)
    with pytest.raises(ChannelClosed, match=r"this end, a <SenderHandle of <Channel .*>, has left"):
        await tx.put(1)
    with pytest.raises(ChannelClosed, match=r"this end, a <ReceiverHandle of <Channel .*>, has left"):
        rx.on_get()
    with pytest.raises(ChannelClosed, match=r"this end, a <ReceiverHandle of <Channel .*>, has left"):
        await rx.get()


def test_an_end_that_left_can_still_be_looked_at() -> None:
    channel: Channel[int] = Channel(3)
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        channel.put_nowait(1)
    assert (3, 1, True, False) == (tx.maxsize, tx.qsize(), tx.closed(), tx.full())
    assert (3, 1, True, False) == (rx.maxsize, rx.qsize(), rx.closed(), rx.empty())


def test_the_handle_of_a_closed_generator_refuses_every_call() -> None:
    """Although others keep the channel open."""
    channel = Channel[int]()
    with channel.open_sender() as other_tx, channel.open_receiver() as other_rx:
        other_tx.put_nowait(1)

        def use() -> Generator[tuple[Sender[int], Receiver[int]], None, None]:
            with channel.open_sender() as tx, channel.open_receiver() as rx:
                yield tx, rx

        generator = use()
        tx, rx = next(generator)
        generator.close()
        with pytest.raises(ChannelClosed, match="has left"):
            tx.put_nowait(2)
        with pytest.raises(ChannelClosed, match="has left"):
            rx.get_nowait()
        assert 1 == other_rx.get_nowait()
