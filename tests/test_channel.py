"""Putting, getting and looking, where nobody has to wait."""

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelFull, ChannelStatistics
from tests.conftest import settle, waiting

FALSY = [None, 0, "", False, (), ChannelClosed(), StopAsyncIteration()]


def filled(*items: int, maxsize: int = 0) -> Channel[int]:
    channel: Channel[int] = Channel(maxsize)
    for item in items:
        channel.put_nowait(item)
    return channel


# Making one


@pytest.mark.parametrize(("maxsize", "expected"), [(0, 0), (1, 1), (2**70, 2**70)])
def test_maxsize_is_what_was_given(maxsize: int, expected: int) -> None:
    assert expected == Channel[int](maxsize).maxsize


def test_a_channel_is_unbounded_by_default() -> None:
    assert 0 == Channel[int]().maxsize


@pytest.mark.parametrize("wrong", [-1, 1.5, True, False, "1", None], ids=repr)
def test_maxsize_must_be_an_int_of_0_or_more(wrong: int) -> None:
    with pytest.raises(TypeError, match="maxsize must be an int >= 0"):
        Channel[int](wrong)


@pytest.mark.parametrize("wrong", [object(), 5, "loop"], ids=["object", "int", "str"])
def test_loop_must_be_an_event_loop(wrong: asyncio.AbstractEventLoop) -> None:
    with pytest.raises(TypeError, match="loop must be an event loop or None"):
        Channel[int](loop=wrong)


def test_a_channel_may_be_subclassed() -> None:
    class Logged(Channel[int]):
        def __init__(self, name: str) -> None:
            super().__init__(3)
            self.name = name

        @override
        def put_nowait(self, item: int, /) -> None:
            super().put_nowait(item + 1)

    logged = Logged("log")
    logged.sender.put_nowait(1)
    assert (3, 2, "log") == (logged.maxsize, logged.get_nowait(), logged.name)


def test_a_rendezvous_of_a_subclass_is_one_too() -> None:
    class Mine(Channel[int]):
        pass

    assert isinstance(Mine.rendezvous(), Mine)


# Putting and getting


@pytest.mark.parametrize("item", FALSY, ids=repr)
async def test_every_object_is_an_item(item: object) -> None:
    channel: Channel[object] = Channel()
    await channel.put(item)
    channel.put_nowait(item)
    assert item is await channel.get()
    assert item is channel.get_nowait()


async def test_items_leave_in_the_order_in_which_they_came() -> None:
    channel: Channel[int] = Channel()
    await channel.put(1)
    channel.put_nowait(2)
    await channel.put_many([3, 4])
    assert [1, 2, [3, 4]] == [channel.get_nowait(), await channel.get(), await channel.get_many(9)]


async def test_calls_that_need_not_wait_do_not() -> None:
    steps: list[str] = []
    channel: Channel[int] = Channel(1)
    asyncio.get_running_loop().call_soon(steps.append, "somebody else ran")
    await channel.put(1)
    await channel.get()
    await channel.put_many([2])
    await channel.get_many(1)
    channel.close()
    await channel.join()
    assert [] == steps


def test_calls_that_never_wait_need_no_loop() -> None:
    channel = filled(1, 2, maxsize=2)
    channel.sender.close()
    assert [1, [2]] == [channel.get_nowait(), channel.abort()]


def test_put_nowait_raises_when_there_is_no_room_and_puts_nothing() -> None:
    channel = filled(1, maxsize=1)
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)
    assert [1] == list(channel)


def test_get_nowait_raises_when_there_is_no_item() -> None:
    with pytest.raises(ChannelEmpty):
        Channel[int]().get_nowait()


def test_an_unbounded_channel_is_never_full() -> None:
    channel = filled(*range(10_000))
    assert (10_000, False) == (channel.qsize(), channel.full())


# Batches


@pytest.mark.parametrize(("limit", "expected"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (99, [0, 1, 2])])
async def test_get_many_takes_what_is_there_up_to_its_limit(limit: int, expected: list[int]) -> None:
    assert expected == await filled(0, 1, 2).get_many(limit)
    assert expected == filled(0, 1, 2).get_many_nowait(limit)


def test_get_many_nowait_returns_nothing_from_an_empty_channel() -> None:
    assert [] == Channel[int]().get_many_nowait(3)


async def test_get_many_raises_when_the_channel_is_drained() -> None:
    channel = filled(1)
    channel.close()
    assert [1] == await channel.get_many(2)
    with pytest.raises(ChannelClosed):
        await channel.get_many(2)
    with pytest.raises(ChannelClosed):
        channel.get_many_nowait(2)


@pytest.mark.parametrize("wrong", [True, 1.5, "1", None], ids=repr)
async def test_the_limit_of_a_batch_must_be_an_int(wrong: int) -> None:
    channel = filled(1)
    with pytest.raises(TypeError, match="limit must be an int"):
        await channel.get_many(wrong)
    with pytest.raises(TypeError, match="limit must be an int"):
        channel.get_many_nowait(wrong)
    assert [1] == list(channel)


@pytest.mark.parametrize("wrong", [0, -1])
async def test_the_limit_of_a_batch_must_be_at_least_1(wrong: int) -> None:
    channel = filled(1)
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        await channel.get_many(wrong)
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        channel.get_many_nowait(wrong)
    assert [1] == list(channel)


async def test_put_many_takes_any_iterable() -> None:
    channel: Channel[str] = Channel()
    await channel.put_many("abc")
    await channel.put_many(character.upper() for character in "de")
    assert list("abcDE") == list(channel)


async def test_put_many_of_nothing_does_nothing() -> None:
    channel: Channel[int] = Channel()
    await channel.put_many([])
    assert channel.empty()


async def test_put_many_can_copy_a_channel_to_itself() -> None:
    channel = filled(1, 2)
    await channel.put_many(channel)
    assert [1, 2, 1, 2] == list(channel)


async def test_put_many_keeps_what_was_accepted_when_its_iterable_raises() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    channel: Channel[int] = Channel()
    with pytest.raises(ZeroDivisionError):
        await channel.put_many(items())
    assert [1] == list(channel)


async def test_put_many_on_a_closed_channel_puts_nothing() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    with pytest.raises(ChannelClosed):
        await channel.put_many([1, 2])
    assert [] == list(channel)


# Iterating


async def test_async_for_takes_the_items_in_order_and_ends_with_the_channel() -> None:
    channel = filled(1, 2, 3)
    channel.close()
    assert [1, 2, 3] == [item async for item in channel]
    assert channel.empty()


async def test_async_for_over_a_drained_channel_ends_again_and_again() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    assert [[], []] == [[item async for item in channel] for _ in range(2)]


async def test_async_for_on_a_handle_is_the_same() -> None:
    channel = filled(1, 2, 3)
    channel.close()
    assert [1, 2, 3] == [item async for item in channel.receiver]


async def test_leaving_an_async_for_takes_no_more_than_was_yielded() -> None:
    channel = filled(1, 2, 3)
    async for item in channel:
        if item == 2:
            break
    assert [3] == list(channel)


async def test_an_iterator_of_a_channel_is_an_async_iterator() -> None:
    channel = filled(1)
    iterator: AsyncIterator[int] = aiter(channel)
    assert 1 == await anext(iterator)
    channel.close()
    assert "end" == await anext(iterator, "end")


def test_a_snapshot_removes_nothing() -> None:
    channel = filled(1, 2, 3)
    assert [1, 2, 3] == list(channel)
    assert 3 == channel.qsize()


def test_a_snapshot_does_not_change_with_the_channel() -> None:
    channel = filled(1, 2, 3)
    assert [1, 2, 3] == [channel.get_nowait() for _ in channel]


async def test_a_snapshot_shows_promised_items() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    await channel.put_many([1, 2])
    assert [1, 2] == list(channel)
    assert 1 == await getting


# Looking


@pytest.mark.parametrize(("count", "expected"), [(0, (0, True, False)), (1, (1, False, False)), (2, (2, False, True))])
def test_qsize_empty_and_full_follow_the_items(count: int, expected: tuple[int, bool, bool]) -> None:
    channel = filled(*range(count), maxsize=2)
    assert expected == (channel.qsize(), channel.empty(), channel.full())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_closed_channel_is_as_full_as_before(count: int) -> None:
    channel = filled(*range(count), maxsize=2)
    before = channel.full()
    channel.close()
    assert before == channel.full()


def test_an_empty_channel_is_true() -> None:
    """It has no length, so that `channel or default` keeps it."""
    assert bool(Channel[int]())
    assert not hasattr(Channel, "__len__")


async def test_statistics_say_what_is_there_and_who_waits() -> None:
    channel = filled(1, 2, maxsize=2)
    putting = await waiting(channel.put(3))
    with channel.open_sender(), channel.open_receiver(), channel.open_receiver():
        assert (
            ChannelStatistics(
                qsize=2,
                maxsize=2,
                waiting_senders=1,
                waiting_receivers=0,
                open_senders=1,
                open_receivers=2,
                closed=False,
            )
            == channel.statistics()
        )
    assert channel.statistics().closed
    await settle()
    assert isinstance(putting.exception(), ChannelClosed)


def test_statistics_do_not_change_afterwards() -> None:
    channel = filled(1)
    before = channel.statistics()
    channel.get_nowait()
    assert 1 == before.qsize
    with pytest.raises(AttributeError):
        before.qsize = 2  # type: ignore[misc]  # it is frozen


async def test_waiting_receivers_are_counted() -> None:
    channel: Channel[int] = Channel()
    tasks = [await waiting(channel.get()) for _ in range(3)]
    assert 3 == channel.statistics().waiting_receivers
    await channel.put_many(range(3))
    await asyncio.gather(*tasks)
    assert 0 == channel.statistics().waiting_receivers


def closed() -> Channel[int]:
    channel = filled(1, 2)
    channel.close()
    return channel


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (Channel[int], "maxsize=0 qsize=0"),
        (lambda: filled(7, maxsize=3), "maxsize=3 qsize=1"),
        (Channel[int].rendezvous, "maxsize=0 qsize=0 rendezvous"),
        (closed, "maxsize=0 qsize=2 closed"),
    ],
    ids=["unbounded", "bounded", "rendezvous", "closed"],
)
def test_repr_and_str_say_the_state(make: Callable[[], Channel[int]], state: str) -> None:
    channel = make()
    assert f"<Channel at {id(channel):#x} {state}>" == repr(channel)
    assert f"<Channel {state}>" == str(channel)


def test_repr_says_the_name_of_a_subclass() -> None:
    class Mine(Channel[int]):
        pass

    assert "<Mine maxsize=0 qsize=0>" == str(Mine())


# What it is not


def test_channels_are_equal_only_to_themselves_and_hashable() -> None:
    left, right = Channel[int](), Channel[int]()
    assert 2 == len({left, right})


def test_a_channel_is_weakly_referenceable() -> None:
    channel: Channel[int] = Channel()
    assert channel is ref(channel)()


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_pickling_and_copying_are_refused(act: Callable[[object], object]) -> None:
    channel = filled(1)
    with pytest.raises(TypeError, match=r"cannot pickle or copy <Channel at .* a channel lives in one process"):
        act(channel)
    assert [1] == list(channel)


def test_an_item_is_positional_only() -> None:
    """So that `Sender[T]` fits any double, whatever it calls the item."""
    with pytest.raises(TypeError, match="positional"):
        Channel[int]().put_nowait(item=1)  # type: ignore[call-arg]  # the mistake under test
