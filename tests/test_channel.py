"""What a Channel does beside what tests/contract asks of every kind."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelFull, ChannelStatistics
from tests.conftest import cancelled, filled, settle, waiting

# Making one


@pytest.mark.parametrize(("maxsize", "expected"), [(0, 0), (1, 1), (2**70, 2**70)])
def test_maxsize_is_what_was_given(maxsize: int, expected: int) -> None:
    assert expected == Channel[int](maxsize).maxsize


def test_a_channel_is_unbounded_by_default() -> None:
    channel = filled(*range(10_000))
    assert (0, 10_000, False) == (channel.maxsize, channel.qsize(), channel.full())


class Index:
    """An integer of another library, as numpy's are."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class NoIndex:
    """As numpy's bools and arrays: it has the method, which refuses."""

    def __index__(self) -> int:
        raise TypeError("only integers have an index")

    @override
    def __repr__(self) -> str:
        return "NoIndex"


@pytest.mark.parametrize("given", [0, 1, 7])
def test_maxsize_may_be_an_integer_of_another_library(given: int) -> None:
    channel = Channel[int](Index(given))
    assert (int, given) == (type(channel.maxsize), channel.maxsize)


def test_a_maxsize_of_another_library_is_kept_to() -> None:
    channel = Channel[int](Index(1))
    channel.put_nowait(1)
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)


def test_a_negative_integer_of_another_library_is_no_maxsize() -> None:
    with pytest.raises(TypeError, match="maxsize must be an int >= 0"):
        Channel[int](Index(-1))


@pytest.mark.parametrize("wrong", [-1, 1.5, True, False, "1", None, NoIndex()], ids=repr)
def test_maxsize_must_be_an_int_of_0_or_more(wrong: int) -> None:
    """aiochannel 1.4.1 accepted a bool, and printed maxsize=True."""
    with pytest.raises(TypeError, match=rf"maxsize must be an int >= 0 .* not {wrong!r}"):
        Channel[int](wrong)


@pytest.mark.parametrize("maxsize", [0, 2**29, 2**29 + 1])
def test_no_channel_buffers_more_than_2_to_the_29_items(maxsize: int) -> None:
    channel: Channel[int] = Channel(maxsize)
    assert (maxsize, 2**29) == (channel.maxsize, channel._room())


def test_maxsize_cannot_be_assigned() -> None:
    channel: Channel[int] = Channel(1)
    with channel.open_sender() as tx, channel.open_receiver() as rx:
        for side in (channel, channel.sender, channel.receiver, tx, rx):
            with pytest.raises(AttributeError):
                setattr(side, "maxsize", 9)  # noqa: B010  # a checker would refuse the plain form
            assert 1 == side.maxsize


def test_a_channel_of_a_type_is_a_plain_channel() -> None:
    assert Channel is Channel[int]().__class__


@pytest.mark.parametrize("wrong", [object(), 5, "loop"], ids=["object", "int", "str"])
def test_loop_must_be_an_event_loop(wrong: asyncio.AbstractEventLoop) -> None:
    for make in Channel[int], Channel[int].rendezvous:
        with pytest.raises(TypeError, match="loop must be an event loop or None"):
            make(loop=wrong)


def test_a_channel_may_be_subclassed() -> None:
    class Logged(Channel[int]):
        def __init__(self, name: str) -> None:
            super().__init__(3)
            self.name = name

        @override
        def put_nowait(self, item: int, /) -> None:
            super().put_nowait(item + 1)

    logged = Logged("log")
    logged.put_nowait(1)
    logged.sender.put_nowait(1)  # `test_overriding.py` has all calls that are not the subclass's
    assert (3, [2, 1], "log") == (logged.maxsize, list(logged), logged.name)


def test_a_rendezvous_of_a_subclass_is_one_too() -> None:
    class Mine(Channel[int]):
        pass

    assert isinstance(Mine.rendezvous(), Mine)


# Putting and getting


def test_calls_that_never_wait_need_no_loop() -> None:
    channel = filled(1, 2, maxsize=2)
    channel.sender.close()
    assert [1, [2]] == [channel.get_nowait(), channel.abort()]
    with pytest.raises(StopIteration):
        channel.join().send(None)


async def test_a_join_that_begins_while_the_last_item_is_promised_waits() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    joining = channel.join()
    joining.send(None)
    assert 7 == await getting
    with pytest.raises(StopIteration):
        joining.send(None)


async def test_joins_return_in_the_order_in_which_they_began() -> None:
    async def join(number: int) -> None:
        await channel.join()
        returned.append(number)

    channel: Channel[int] = Channel()
    returned: list[int] = []
    joins = [await waiting(join(number)) for number in range(3)]
    channel.close()
    await asyncio.gather(*joins)
    assert [0, 1, 2] == returned


@pytest.mark.parametrize("maxsize", [2, 2_000])
async def test_a_put_beside_a_granted_slot_opens_no_way_to_it(maxsize: int) -> None:
    channel = filled(*range(maxsize), maxsize=maxsize)
    putting = await waiting(channel.put(2))
    assert [0, 1] == channel.get_many_nowait(2)
    channel.put_nowait(1)
    with pytest.raises(ChannelFull):
        channel.put_nowait(9)
    await putting
    assert [1, 2] == list(channel)[-2:]


async def test_a_put_that_uses_its_grant_opens_no_way_to_the_slot_of_another() -> None:
    channel = filled(0, 0, maxsize=2)
    first, second = channel.put(1), channel.put(2)
    first.send(None)
    second.send(None)
    assert [0, 0] == channel.get_many_nowait(2)
    with pytest.raises(StopIteration):
        first.send(None)
    with pytest.raises(ChannelFull):
        channel.put_nowait(9)
    with pytest.raises(StopIteration):
        second.send(None)
    assert [1, 2] == list(channel)


# Batches


@pytest.mark.parametrize(("limit", "expected"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (99, [0, 1, 2])])
def test_get_many_nowait_takes_what_is_there_up_to_its_limit(limit: int, expected: list[int]) -> None:
    assert expected == filled(0, 1, 2).get_many_nowait(limit)


def test_get_many_nowait_returns_nothing_from_an_empty_channel() -> None:
    assert [] == Channel[int]().get_many_nowait(3)


def test_get_many_nowait_takes_the_items_of_a_closed_channel_and_then_is_refused() -> None:
    cause = OSError("disk on fire")
    channel = filled(1, 2)
    channel.close(cause)
    assert [1, 2] == channel.get_many_nowait(3)
    with pytest.raises(ChannelClosed) as caught:
        channel.get_many_nowait(1)
    assert cause is caught.value.__cause__


def test_get_many_nowait_without_a_cause_is_refused_without_one() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    with pytest.raises(ChannelClosed) as caught:
        channel.get_many_nowait(1)
    assert caught.value.__cause__ is None


a_two_of_another_library = pytest.mark.parametrize("two", [Index(2)], ids=["Index(2)"])


@a_two_of_another_library
async def test_the_limit_of_a_batch_may_be_an_integer_of_another_library(two: int) -> None:
    """A checker refuses it: `Receiver.get_many` asks for an int, so that a class of one's own need not take more."""
    channel = filled(1, 2, 3, 4, 5)
    assert [[1, 2], [3, 4], [5]] == [
        channel.get_many_nowait(two),
        await channel.get_many(two),
        await channel.get_many(two),
    ]


@a_two_of_another_library
async def test_the_limit_of_a_batch_that_waits_may_be_an_integer_of_another_library(two: int) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get_many(two))
    await channel.put_many([1, 2, 3])
    assert [1, 2] == await getting


@pytest.mark.parametrize("wrong", [True, 1.5, "1", NoIndex()], ids=repr)
def test_the_limit_of_a_batch_must_be_an_int(wrong: int) -> None:
    channel = filled(1)
    with pytest.raises(TypeError, match="limit must be an int"):
        channel.get_many_nowait(wrong)
    assert [1] == list(channel)


@pytest.mark.parametrize("wrong", [0, -1, Index(0)], ids=["0", "-1", "Index(0)"])
def test_the_limit_of_a_batch_must_be_at_least_1(wrong: int) -> None:
    channel = filled(1)
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        channel.get_many_nowait(wrong)
    assert [1] == list(channel)


def test_a_wrong_limit_is_refused_where_nothing_is_left_too() -> None:
    channel: Channel[int] = Channel()
    channel.close()
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        channel.get_many_nowait(0)


@pytest.mark.parametrize("closed", [False, True])
async def test_get_many_nowait_leaves_what_is_promised(closed: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    if closed:
        channel.close()
    assert [] == channel.get_many_nowait(1)
    assert 7 == await getting


async def test_get_many_nowait_makes_room_for_as_many_as_it_takes() -> None:
    channel = filled(0, 1, maxsize=2)
    tasks = [await waiting(channel.put(item)) for item in (2, 3, 4)]
    assert [0, 1] == channel.get_many_nowait(5)
    await settle()
    assert [True, True, False] == [task.done() for task in tasks]
    assert [2, 3] == channel.abort()
    await asyncio.wait(tasks)
    assert tasks[2].exception() is not None


async def test_join_returns_when_get_many_nowait_drains() -> None:
    channel = filled(1)
    channel.close()
    joining = await waiting(channel.join())
    channel.get_many_nowait(9)
    await joining


async def test_put_many_can_copy_a_channel_to_itself() -> None:
    channel = filled(1, 2)
    await channel.put_many(channel)
    assert [1, 2, 1, 2] == list(channel)


# Iterating


async def test_async_for_on_a_handle_is_the_same() -> None:
    channel = filled(1, 2, 3)
    channel.close()
    assert [1, 2, 3] == [item async for item in channel.receiver]


def test_a_snapshot_removes_nothing() -> None:
    channel = filled(1, 2, 3)
    assert [1, 2, 3] == list(channel)
    assert 3 == channel.qsize()


def test_a_snapshot_does_not_change_with_the_channel() -> None:
    """aiochannel 1.4.1: RuntimeError, deque mutated during iteration."""
    channel = filled(1, 2, 3)
    assert [1, 2, 3] == [channel.get_nowait() for _ in channel]


async def test_a_snapshot_shows_promised_items() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    await channel.put_many([1, 2])
    assert [1, 2] == list(channel)
    assert 1 == await getting


# Rendezvous


async def test_a_rendezvous_is_full_unless_a_receiver_waits() -> None:
    channel: Channel[int] = Channel.rendezvous()
    assert (0, True, True) == (channel.maxsize, channel.full(), channel.empty())
    getting = await waiting(channel.get())
    assert not channel.full()
    channel.put_nowait(7)
    assert channel.full()
    assert 7 == await getting


async def test_a_put_on_a_rendezvous_waits_for_a_receiver() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = await waiting(channel.put(7))
    assert 7 == await channel.get()
    await putting


async def test_each_receiver_of_a_rendezvous_meets_one_sender() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = [await waiting(channel.put(item)) for item in range(3)]
    assert [0, 1] == [await channel.get() for _ in range(2)]
    await settle()
    assert [True, True, False] == [task.done() for task in putting]
    assert await cancelled(putting[2])


async def test_a_put_that_was_granted_for_a_receiver_goes_ahead_when_that_is_cancelled() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = await waiting(channel.put(7))
    getting = channel.get()
    getting.send(None)
    getting.close()
    await putting
    assert (1, True, 7) == (channel.qsize(), channel.full(), channel.get_nowait())


async def test_a_receiver_that_left_is_no_room_beside_slots_that_were_granted() -> None:
    channel: Channel[int] = Channel.rendezvous()
    putting = [channel.put(item) for item in (1, 2)]
    for each in putting:
        each.send(None)
    getting = [await waiting(channel.get()) for _ in range(3)]
    assert await cancelled(getting.pop(1))
    with pytest.raises(ChannelFull):
        channel.put_nowait(3)
    for each in putting:
        with pytest.raises(StopIteration):
            each.send(None)
    assert [1, 2] == await asyncio.gather(*getting)


# Waiting


async def test_a_put_whose_coroutine_is_closed_behind_another_one_leaves_no_room() -> None:
    channel = filled(0, maxsize=1)
    putting = await waiting(channel.put(1))
    closing = channel.put(2)
    closing.send(None)
    closing.close()
    assert 0 == channel.get_nowait()
    await putting
    assert (1, True) == (channel.statistics().qsize, channel.full())
    with pytest.raises(ChannelFull):
        channel.put_nowait(3)


async def test_a_get_whose_coroutine_is_closed_behind_another_one_takes_nothing() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    closing = channel.get()
    closing.send(None)
    closing.close()
    await channel.put_many([1, 2])
    assert 1 == await getting
    assert (1, 2) == (channel.qsize(), channel.get_nowait())


# Looking


def test_an_empty_channel_is_true() -> None:
    """It has no length, so that `channel or default` keeps it."""
    assert bool(Channel[int]())
    assert not hasattr(Channel, "__len__")


def test_a_name_is_shown_wherever_the_channel_is() -> None:
    for make in Channel[int], Channel[int].rendezvous:
        channel = make(name="jobs")
        channel.close()
        with pytest.raises(ChannelClosed) as caught:
            channel.put_nowait(1)
        for text in repr(channel), str(channel), repr(channel.sender), str(caught.value):
            assert "Channel 'jobs' " in text
        assert "jobs" == channel.statistics().name
    assert Channel[int]().statistics().name is None


@pytest.mark.parametrize("wrong", [1, b"jobs", object])
def test_a_name_must_be_a_str(wrong: str) -> None:
    for make in Channel[int], Channel[int].rendezvous:
        with pytest.raises(TypeError, match="name must be a str or None"):
            make(name=wrong)


def test_a_rendezvous_may_be_made_for_one_loop() -> None:
    with asyncio.Runner() as runner, asyncio.Runner() as other:
        channel = Channel[int].rendezvous(runner.get_loop())
        with pytest.raises(RuntimeError, match="was made for the event loop"):
            other.run(channel.get())


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


async def test_a_large_batch_leaves_what_is_promised() -> None:
    channel: Channel[int] = Channel()
    gets = [await waiting(channel.get()) for _ in range(3)]
    for item in range(20):
        channel.put_nowait(item)
    batch = channel.get_many_nowait(18)
    assert 17 == len(batch)
    assert list(range(20)) == sorted([*batch, *await asyncio.gather(*gets)])
