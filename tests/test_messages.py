"""Typical mistakes: each has a message that names the mistake and what to write.

A type checker reports most of them. So they are made here behind a cast.
"""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Never, Protocol, cast

import pytest

from aiochannel import (
    Broadcast,
    Case,
    Channel,
    ChannelClosed,
    ChannelEmpty,
    ChannelFull,
    PriorityChannel,
    Receiver,
    Sender,
    TaskGroup,
    ThreadChannel,
    after,
    merge,
    on_done,
    select,
    tick,
)
from tests.conftest import cancelled, filled, waiting

# What closed the channel


def drop_an_end(channel: Channel[int]) -> None:
    channel.open_sender()
    channel.put_nowait(1)


def put_for_nobody(channel: Channel[int]) -> None:
    with channel.open_receiver():
        pass
    channel.put_nowait(1)


def put_after_a_failure(channel: Channel[int]) -> None:
    channel.close(OSError("disk on fire"))
    channel.put_nowait(1)


def get_after_a_failure(channel: Channel[int]) -> None:
    channel.close(OSError("disk on fire"))
    channel.get_nowait()


def put_into_a_full_one(channel: Channel[int]) -> None:
    channel.put_nowait(1)
    channel.put_nowait(2)


def get_from_an_empty_one(channel: Channel[int]) -> None:
    channel.get_nowait()


# Ends


class _Sends(Protocol):
    def put_nowait(self, item: int, /) -> None: ...
    def send(self, item: int, /) -> None: ...
    def get_nowait(self) -> None: ...
    def _live(self) -> None: ...


def use_an_end_without_entering_it(channel: Channel[int]) -> None:
    end = cast("_Sends", channel.open_sender())
    end.put_nowait(1)


def call_what_no_side_has(channel: Channel[int]) -> None:
    end = cast("_Sends", channel.open_sender())
    end.send(1)


def look_into_an_end(channel: Channel[int]) -> None:
    assert hasattr(channel.sender, "_live")
    end = cast("_Sends", channel.open_sender())
    end._live()


def get_from_a_sender(channel: Channel[int]) -> None:
    sender = cast("_Sends", channel.sender)
    sender.get_nowait()


def use_an_end_that_has_left(channel: Channel[int]) -> None:
    with channel.open_sender() as sender:
        pass
    sender.put_nowait(1)


def enter_an_end_twice(channel: Channel[int]) -> None:
    end = channel.open_sender()
    with end, end:
        pass


def enter_a_channel(channel: Channel[int]) -> None:
    with cast("AbstractContextManager[object]", channel):
        pass


async def enter_a_channel_as_in_trio(channel: Channel[int]) -> None:
    async with cast("AbstractAsyncContextManager[object]", channel):
        pass


def enter_a_broadcast(_channel: Channel[int]) -> None:
    with cast("AbstractContextManager[object]", Broadcast[int]()):
        pass


# Arguments


def wait_for_a_str(_channel: Channel[int]) -> None:
    after(cast("float", "1"))


def tick_by_a_str(_channel: Channel[int]) -> None:
    tick(cast("float", "1"))


def size_from_the_command_line(_channel: Channel[int]) -> None:
    Channel[int](cast("int", "10"))


def close_with_a_class(channel: Channel[int]) -> None:
    channel.close(cast("ValueError", ValueError))


async def select_a_call(channel: Channel[int]) -> None:
    getting = channel.get()
    try:
        await select(cast("Case[int]", getting))
    finally:
        getting.close()


async def select_a_list(channel: Channel[int]) -> None:
    await select(cast("Case[int]", [channel.on_get()]))


async def merge_a_list(channel: Channel[int]) -> None:
    merge(cast("Receiver[int]", [channel.receiver]))


async def start_a_coroutine(channel: Channel[int]) -> None:
    getting = channel.get()
    try:
        TaskGroup().start_soon(cast("Callable[[], Coroutine[object, Never, int]]", getting))
    finally:
        getting.close()


async def wait_for_a_coroutine(channel: Channel[int]) -> None:
    getting = channel.get()
    try:
        on_done(cast("asyncio.Future[int]", getting))
    finally:
        getting.close()


# Threads


async def put_from_a_thread(channel: Channel[int]) -> None:
    getting = await waiting(channel.get())
    try:
        await asyncio.to_thread(channel.put_nowait, 1)
    finally:
        await cancelled(getting)


Mistake = Callable[[Channel[int]], Awaitable[None] | None]

CLOSED = "<channel> accepts no more items: "
NO_BLOCK = " is closed by no block; an end of it is: with channel.open_sender() as sender"
NO_CASE = "select takes cases, such as channel.on_get(), and select_any a list of them, not "
NO_FUNCTION = "start_soon takes a function and its arguments, such as start_soon(work, end), not "
FROM_A_THREAD = " is not thread-safe, and tasks of another thread wait on it; from this thread use "
FROM_A_THREAD += "asyncio.run_coroutine_threadsafe(channel.put(item), loop), or make it a ThreadChannel"


async def made(mistake: Mistake) -> None:
    if (going_on := mistake(Channel(1))) is not None:
        await going_on


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (
            drop_an_end,
            ChannelClosed,
            CLOSED + "a sending end was dropped without being entered (by: with channel.open_sender() as sender)",
        ),
        (put_for_nobody, ChannelClosed, CLOSED + "the last receiving end (of 1) left"),
        (put_after_a_failure, ChannelClosed, CLOSED + "closed by close(), from OSError('disk on fire')"),
        (get_after_a_failure, ChannelClosed, "<channel> is drained: closed by close(), from OSError('disk on fire')"),
        (put_into_a_full_one, ChannelFull, "<channel> has no room"),
        (get_from_an_empty_one, ChannelEmpty, "<channel> has no item"),
        (
            use_an_end_without_entering_it,
            AttributeError,
            "'End' object has no attribute 'put_nowait': enter it, and use what it gives, with end as handle",
        ),
        (look_into_an_end, AttributeError, "'End' object has no attribute '_live'"),
        (call_what_no_side_has, AttributeError, "'End' object has no attribute 'send'"),
        (get_from_a_sender, AttributeError, "'SenderHandle' object has no attribute 'get_nowait'"),
        (use_an_end_that_has_left, ChannelClosed, "this end, a <SenderHandle of <channel>>, has left"),
        (
            enter_an_end_twice,
            RuntimeError,
            "this end, a <SenderHandle of <channel>>, was entered before; another task needs an end of its own",
        ),
        (enter_a_channel, TypeError, "<channel>" + NO_BLOCK),
        (enter_a_channel_as_in_trio, TypeError, "<channel>" + NO_BLOCK),
        (enter_a_broadcast, TypeError, "<broadcast>" + NO_BLOCK),
        (wait_for_a_str, TypeError, "delay must be a number of seconds, not '1'"),
        (tick_by_a_str, TypeError, "interval must be a number of seconds, not '1'"),
        (size_from_the_command_line, TypeError, "maxsize must be an int >= 0 (0: unbounded), not '10'"),
        (close_with_a_class, TypeError, "the cause must be an exception or None, not <class 'ValueError'>"),
        (select_a_call, TypeError, NO_CASE + "<coroutine object Channel.get>"),
        (select_a_list, TypeError, NO_CASE + "[<aiochannel.cases.Case object>]"),
        (
            merge_a_list,
            TypeError,
            "merge takes receivers, and not in a list: merge(first, second); [<ReceiverHandle of <channel>>] is none",
        ),
        (
            start_a_coroutine,
            TypeError,
            NO_FUNCTION + "<coroutine object Channel.get>",
        ),
        (
            wait_for_a_coroutine,
            TypeError,
            "on_done takes a future or a task, such as asyncio.create_task makes, not <coroutine object Channel.get>",
        ),
        (
            put_from_a_thread,
            RuntimeError,
            "<channel>" + FROM_A_THREAD,
        ),
    ],
)
async def test_a_mistake_is_named_with_what_to_write(mistake: Mistake, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        await made(mistake)
    kind = re.compile(r"<(Channel|Broadcast) at 0x\w+ [^>]*>")
    said = kind.sub(lambda found: f"<{found[1].lower()}>", str(caught.value))
    assert message == re.sub(r" at 0x\w+", "", said)


def get_now(channel: Channel[int]) -> Coroutine[object, None, object]:
    return channel.get()


def put_to_nobody(_channel: Channel[int]) -> Coroutine[object, None, object]:
    return Channel[int].rendezvous().put(1)


def gather(channel: Channel[int]) -> Coroutine[object, None, object]:
    return channel.get_many(2, within=1.0)


def select_one(channel: Channel[int]) -> Coroutine[object, None, object]:
    return select(channel.on_get())


def wait_closed(channel: Channel[int]) -> Coroutine[object, None, object]:
    return channel.wait_closed()


@pytest.mark.parametrize("wait", [get_now, put_to_nobody, gather, select_one, wait_closed])
def test_a_wait_outside_of_asyncio_says_what_it_needs(
    wait: Callable[[Channel[int]], Coroutine[object, None, object]],
) -> None:
    """As under trio: there is no loop of asyncio. The line that raises says so."""
    coroutine = wait(Channel(1))
    with pytest.raises(RuntimeError, match="no running event loop") as caught:
        coroutine.send(None)
    assert "  # asyncio's; trio has channels of its own\n" in traceback.format_exception(caught.value)[-2]


def test_the_ends_of_a_task_that_cannot_be_started_leave() -> None:
    channel: Channel[int] = Channel()
    getting = channel.get()
    with pytest.raises(TypeError, match="start_soon takes a function"):
        TaskGroup().start_soon(
            cast("Callable[[object], Coroutine[object, Never, None]]", getting), channel.open_sender()
        )
    getting.close()
    assert channel.closed()


@pytest.mark.parametrize("protocol", [Sender, Receiver])
def test_an_end_has_nothing_of_its_handle(protocol: type[object]) -> None:
    end: object = Channel[int]().open_sender()
    assert not isinstance(end, protocol)
    assert not hasattr(end, "put")


@pytest.mark.parametrize(
    "make",
    [Channel[int], lambda: PriorityChannel[int](key=abs), ThreadChannel[int]],
    ids=["fifo", "priority", "threads"],
)
def test_a_snapshot_takes_nothing_and_does_not_change(
    make: Callable[[], Channel[int] | PriorityChannel[int] | ThreadChannel[int]],
) -> None:
    channel = make()
    channel.put_nowait(1)
    channel.put_nowait(2)
    seen = channel.snapshot()
    assert [1, 2] == list(channel)  # as in version 1
    channel.get_nowait()
    assert ([1, 2], [2]) == (seen, channel.snapshot())


def test_a_receiver_is_no_snapshot() -> None:
    with pytest.raises(TypeError, match="'ReceiverHandle' object is not iterable"):
        list(cast("list[int]", filled(1).receiver))
