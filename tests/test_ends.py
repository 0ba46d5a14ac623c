"""Counted ends: by what they leave, where, and what the others are told. `test_handles.py` has the rest of them."""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Never, Protocol
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, End, Receiver, Sender
from aiochannel._core import ends as module_of_ends
from aiochannel._core.ends import OpenReceiver, OpenSender
from tests.conftest import settle, waiting, without_gc

AnyEnd = End[Sender[int] | Receiver[int]]
Open = Callable[[Channel[int]], AnyEnd]


def open_sender(channel: Channel[int]) -> AnyEnd:
    return channel.open_sender()


def open_receiver(channel: Channel[int]) -> AnyEnd:
    return channel.open_receiver()


either_side = pytest.mark.parametrize("open_end", [open_sender, open_receiver])


def count(channel: Channel[int]) -> int:
    return channel.statistics().open_senders + channel.statistics().open_receivers


def refusal(channel: Channel[int]) -> ChannelClosed:
    """Return what a put on a closed channel raises."""
    with pytest.raises(ChannelClosed) as caught:
        channel.put_nowait(0)
    return caught.value


def cause(channel: Channel[int]) -> BaseException | None:
    return refusal(channel).__cause__


class Pause:
    """Suspends a coroutine that no task runs."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Trace(Protocol):
    def __call__(self, frame: FrameType, event: str, _: object, /) -> "Trace | None": ...


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


# Leaving by hand


@either_side
def test_leave_leaves_now_and_once(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end, other = open_end(channel), open_end(channel)
    end.leave()
    end.leave(OSError())
    assert (1, False) == (count(channel), channel.closed())
    other.leave()
    assert (0, True, None) == (count(channel), channel.closed(), cause(channel))


@either_side
def test_leave_gives_its_cause(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    crash = OSError("disk on fire")
    open_end(channel).leave(crash)
    assert crash is cause(channel)


@either_side
def test_the_cause_of_a_leave_must_be_an_exception(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    with pytest.raises(TypeError, match="the cause must be an exception or None, not 'crash'"):
        getattr(end, "leave")("crash")  # noqa: B009  # a checker would refuse the plain form
    assert (1, False) == (count(channel), channel.closed())


@either_side
def test_a_clone_is_another_end_of_the_same_side(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    clone = end.clone()
    assert 2 == count(channel)
    with end as handle, clone as other:
        assert type(handle) is type(other)
        assert handle is not other
    assert (0, True) == (count(channel), channel.closed())


@either_side
def test_a_clone_keeps_the_channel_open_when_its_original_has_left(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    with end:
        clone = end.clone()
    assert (1, False) == (count(channel), channel.closed())
    clone.clone().leave()
    assert not channel.closed()
    clone.leave()
    assert channel.closed()


@either_side
def test_an_end_that_has_left_is_not_cloned(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    end.leave()
    with pytest.raises(ChannelClosed, match="has left"):
        end.clone()
    assert 0 == count(channel)


@either_side
def test_an_end_that_left_before_it_was_entered_cannot_be_entered(open_end: Open) -> None:
    end = open_end(Channel())
    end.leave()
    with pytest.raises(ChannelClosed, match=r"this end, a <.*>, has left"), end:
        pass


@either_side
def test_a_block_may_go_on_after_its_end_has_left(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end, other = open_end(channel), open_end(channel)

    def use() -> None:
        with end as handle:
            end.leave()
            with pytest.raises(ChannelClosed, match="has left"):
                handle.join().send(None)
            raise OSError("too late")

    with pytest.raises(OSError, match="too late"):
        use()
    other.leave()
    assert cause(channel) is None


# Leaving with a task


async def returns() -> None:
    pass


async def crashes() -> None:
    raise OSError("disk on fire")


async def is_cancelled() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("late", [False, True], ids=["while it runs", "when it is done"])
@pytest.mark.parametrize(
    ("body", "side", "expected"),
    [
        (returns, open_sender, "None"),
        (returns, open_receiver, "None"),
        (crashes, open_sender, "OSError('disk on fire')"),
        (crashes, open_receiver, "OSError('disk on fire')"),
        (is_cancelled, open_sender, "CancelledError()"),
        (is_cancelled, open_receiver, "None"),
    ],
)
async def test_an_end_leaves_with_a_task_with_what_ended_it_as_the_cause(
    body: Callable[[], Coroutine[object, Never, None]], side: Open, expected: str, late: bool
) -> None:
    channel: Channel[int] = Channel()
    task = asyncio.create_task(body())
    if late:
        await settle()
    side(channel).leave_with(task)
    await settle()
    assert channel.closed()
    assert expected == repr(cause(channel))
    await asyncio.wait([task])


@either_side
def test_an_end_leaves_at_once_with_a_task_that_is_done_even_if_its_loop_was_closed(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(returns())
        runner.run(settle())
    open_end(channel).leave_with(task)
    assert (True, None) == (channel.closed(), task.result())


async def test_a_receiving_end_that_left_with_a_cancelled_task_is_freed_at_once() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(forever())
    with without_gc():
        end = channel.open_receiver()
        end.leave_with(task)
        dropped = ref(end)
        del end
        task.cancel()
        await settle()
        assert (True, None) == (task.cancelled(), dropped())


@either_side
async def test_an_end_leaves_with_a_task_that_is_cancelled_before_its_first_step(open_end: Open) -> None:
    async def work(end: AnyEnd) -> None:
        with end:
            await forever()

    channel: Channel[int] = Channel()
    end = open_end(channel)
    task = asyncio.Task(work(end))  # never eager
    end.leave_with(task)
    del end
    task.cancel()
    await settle()
    assert channel.closed()


async def test_an_end_that_left_itself_leaves_an_error_of_its_task_to_asyncio() -> None:
    async def work(end: End[Sender[int]]) -> None:
        with end:
            raise OSError("nobody retrieves this")

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["exception"]))
    end = Channel[int]().open_sender()
    task = asyncio.create_task(work(end))
    end.leave_with(task)
    await settle()
    del task, end
    gc.collect()
    assert ["OSError('nobody retrieves this')"] == [repr(each) for each in complaints]


async def test_an_end_leaves_before_the_task_does_if_its_block_ends_before() -> None:
    async def work(end: End[Sender[int]]) -> None:
        with end:
            pass
        await forever()

    channel: Channel[int] = Channel()
    end = channel.open_sender()
    task = await waiting(work(end))
    end.leave_with(task)
    assert channel.closed()
    task.cancel()
    await settle()


@either_side
async def test_an_async_block_left_by_an_exception_gives_it_as_the_cause(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    crash = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        async with open_end(channel):
            raise crash
    assert crash is cause(channel)


# What is no cause


@either_side
async def test_an_async_generator_that_is_closed_gives_no_cause(open_end: Open) -> None:
    async def generate() -> AsyncGenerator[int]:
        with open_end(channel):
            yield 1

    channel: Channel[int] = Channel()
    items = generate()
    assert 1 == await anext(items)
    await items.aclose()
    assert (True, None) == (channel.closed(), cause(channel))


async def test_a_cancelled_receiver_gives_no_cause() -> None:
    async def work() -> None:
        with channel.open_receiver() as numbers:
            await numbers.get()

    channel: Channel[int] = Channel()
    task = await waiting(work())
    task.cancel()
    await settle()
    assert (True, None) == (channel.closed(), cause(channel))


@pytest.mark.parametrize(
    ("open_end", "error", "is_cause"),
    [
        (open_sender, GeneratorExit(), False),
        (open_receiver, GeneratorExit(), False),
        (open_sender, asyncio.CancelledError(), True),
        (open_receiver, asyncio.CancelledError(), False),
        (open_sender, KeyboardInterrupt(), True),
        (open_receiver, KeyboardInterrupt(), True),
    ],
)
def test_which_ways_to_go_are_causes(open_end: Open, error: BaseException, is_cause: bool) -> None:
    channel: Channel[int] = Channel()
    open_end(channel).leave(error)
    assert (error if is_cause else None) is cause(channel)


# Entering twice


@either_side
def test_a_second_entry_is_refused_and_leaves_the_first_as_it_is(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    end = open_end(channel)
    with end as handle:
        with pytest.raises(RuntimeError, match=r"this end, a <.*>, was entered before"), end:
            pass
        assert (1, False, False) == (count(channel), handle.closed(), channel.closed())
        channel.put_nowait(1)
    assert channel.closed()


async def test_of_two_tasks_with_one_end_the_second_is_refused() -> None:
    async def work(end: End[Sender[int]]) -> None:
        async with end as numbers:
            await numbers.put_many([1, 2])

    channel: Channel[int] = Channel(1)
    end = channel.open_sender()
    channel.put_nowait(0)
    first = await waiting(work(end))
    with pytest.raises(RuntimeError, match="was entered before"):
        await work(end)
    assert [0, 1, 2] == [number async for number in channel]
    await first


# close() of the handle


async def produce(numbers: Sender[int], number: int) -> bool:
    await numbers.put(number)
    return numbers.close()


async def test_close_of_a_counted_end_says_that_this_end_is_done() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as first, channel.open_sender() as second:
        assert not await produce(first, 1)
        assert (1, False) == (count(channel), channel.closed())
        assert await produce(second, 2)
    assert [1, 2] == [number async for number in channel]


async def test_close_of_a_plain_handle_closes_whatever_ends_are_open() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as counted:
        assert await produce(channel.sender, 1)
        assert channel.closed()
        assert not counted.close()


def test_close_of_a_counted_end_gives_a_cause() -> None:
    channel: Channel[int] = Channel()
    crash = OSError("disk on fire")
    with channel.open_sender() as first, channel.open_sender() as second:
        assert not first.close(crash)
        assert second.close()
    assert crash is cause(channel)


def test_after_close_the_handle_of_a_counted_end_refuses_another_close_too() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as first, channel.open_sender() as second:
        first.close()
        for call in (first.close, lambda: first.put_nowait(1), lambda: first.on_put(1)):
            with pytest.raises(ChannelClosed, match=r"this end, a <SenderHandle of .*>, has left"):
                call()
        second.put_nowait(2)
    assert [2] == channel.abort()


def test_the_cause_of_a_close_of_a_counted_end_must_be_an_exception() -> None:
    channel: Channel[int] = Channel()
    with channel.open_sender() as numbers:
        with pytest.raises(TypeError, match="the cause must be an exception or None, not 'crash'"):
            getattr(numbers, "close")("crash")  # noqa: B009  # a checker would refuse the plain form
        assert (1, False) == (count(channel), channel.closed())


def test_a_handle_whose_end_was_entered_by_hand_and_dropped_can_still_leave() -> None:
    channel: Channel[int] = Channel()
    numbers = channel.open_sender().__enter__()  # by hand is what is tested
    assert (True, 0) == (numbers.close(), count(channel))


# Collected ends


async def elsewhere(call: Callable[[], object]) -> None:
    """Run a call in another thread."""
    with ThreadPoolExecutor(1) as pool:
        await asyncio.wrap_future(pool.submit(call))


@either_side
@pytest.mark.parametrize("debug", [False, True])
async def test_an_end_collected_in_another_thread_leaves_in_the_loop_which_wakes(open_end: Open, debug: bool) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    ends = [open_end(channel)]
    asyncio.get_running_loop().set_debug(debug)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ends.clear)
        with pytest.raises(ChannelClosed, match="was dropped without being entered"):
            await getting
    assert 0 == count(channel)


@either_side
async def test_a_block_ended_by_the_collector_in_another_thread_ends_in_the_loop(open_end: Open) -> None:
    async def work() -> None:
        with open_end(channel) as handle:
            handles.append(handle)
            await Pause()

    channel: Channel[int] = Channel()
    handles: list[Sender[int] | Receiver[int]] = []
    getting = await waiting(channel.get())
    suspended = [work()]
    suspended[0].send(None)
    asyncio.get_running_loop().set_debug(True)
    await elsewhere(suspended.clear)
    with pytest.raises(ChannelClosed):
        await getting
    assert cause(channel) is None
    with pytest.raises(ChannelClosed, match="has left"):
        await handles[0].join()


@either_side
async def test_an_end_collected_in_another_thread_leaves_at_once_where_nobody_ever_waited(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    ends = [open_end(channel)]
    closed: list[bool] = []

    def collect() -> None:
        ends.clear()
        closed.append(channel.closed())

    await elsewhere(collect)
    assert [True] == closed


@either_side
@pytest.mark.parametrize("thread", ["the same", "another"])
def test_an_end_collected_after_its_loop_was_closed_leaves_without_an_error(open_end: Open, thread: str) -> None:
    channel: Channel[int] = Channel()
    ends = [open_end(channel)]
    loop = asyncio.new_event_loop()
    getting = loop.create_task(channel.get())
    loop.run_until_complete(settle())
    assert 1 == channel.statistics().waiting_receivers
    loop.close()
    with ThreadPoolExecutor(1) as pool:
        collect = ends.clear
        if thread == "the same":
            collect()
        else:
            pool.submit(collect).result()
    assert (True, 0, False) == (channel.closed(), count(channel), getting.done())


@either_side
def test_an_end_collected_between_two_runs_of_a_loop_leaves_at_once(open_end: Open) -> None:
    channel: Channel[int] = Channel()
    with asyncio.Runner() as runner:
        getting = runner.get_loop().create_task(channel.get())
        runner.run(settle())
        ends = [open_end(channel)]
        ends.clear()
        assert channel.closed()
        runner.run(settle())
        assert isinstance(getting.exception(), ChannelClosed)


# In between


@either_side
@pytest.mark.parametrize(("kind", "step"), [(End, "__init__"), (OpenSender, "open"), (OpenReceiver, "open")])
def test_an_end_whose_opening_a_signal_handler_interrupts_never_counts(
    open_end: Open, kind: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    channel: Channel[int] = Channel()
    with monkeypatch.context() as patch:
        patch.setattr(kind, step, interrupt)
        with suppress(KeyboardInterrupt):
            open_end(channel).leave()
    assert 0 == count(channel)


@either_side
@pytest.mark.parametrize("meanwhile", ["the same end leaves", "the other end leaves", "the channel closes"])
def test_whatever_a_signal_handler_does_while_an_end_leaves_each_end_counts_once(
    open_end: Open, meanwhile: str
) -> None:
    """At every line of the module, one at a time."""
    interrupted = 0
    for line in range(1, 1000):
        channel: Channel[int] = Channel()
        end, other, last = open_end(channel), open_end(channel), open_end(channel)
        acts = {
            "the same end leaves": end.leave,
            "the other end leaves": other.leave,
            "the channel closes": channel.close,
        }
        done = at_line(line, acts[meanwhile], end.leave)
        other.leave()
        assert 1 == count(channel)
        last.leave()
        assert (0, True) == (count(channel), channel.closed())
        if not done:
            break
        interrupted += 1
    assert interrupted > 5


@either_side
def test_when_the_last_two_ends_leave_at_once_the_channel_closes(open_end: Open) -> None:
    interrupted = 0
    for line in range(1, 1000):
        channel: Channel[int] = Channel()
        end, other = open_end(channel), open_end(channel)
        done = at_line(line, other.leave, end.leave)
        other.leave()
        assert (0, True) == (count(channel), channel.closed())
        if not done:
            break
        interrupted += 1
    assert interrupted > 5


def at_line(number: int, act: Callable[[], object], call: Callable[[], object]) -> bool:
    """Run a call, and an act before one line of the ends' module, counted from 1; return whether it came so far."""
    lines = 0

    def trace(frame: FrameType, event: str, _: object) -> Trace | None:
        nonlocal lines
        if frame.f_code.co_filename != module_of_ends.__file__:
            return None
        if event == "line":
            lines += 1
            if lines == number:
                sys.settrace(None)
                act()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines >= number


# What ChannelClosed says


def close_plainly(channel: Channel[int]) -> None:
    channel.close()


def close_with_a_cause(channel: Channel[int]) -> None:
    channel.close(ConnectionError("the device went away"))


def abort(channel: Channel[int]) -> None:
    channel.abort()


def leave_all_senders(channel: Channel[int]) -> None:
    for end in [channel.open_sender() for _ in range(2)]:
        end.leave()


def leave_all_receivers(channel: Channel[int]) -> None:
    for end in [channel.open_receiver() for _ in range(2)]:
        end.leave()


def leave_the_only_receiver(channel: Channel[int]) -> None:
    channel.open_receiver().leave()


def leave_by_a_crash(channel: Channel[int]) -> None:
    channel.open_sender().leave(OSError("disk on fire"))


def drop_a_sender(channel: Channel[int]) -> None:
    repr(channel.open_sender())


def drop_a_receiver(channel: Channel[int]) -> None:
    repr(channel.open_receiver())


def close_after_a_crash(channel: Channel[int]) -> None:
    with channel.open_sender():
        channel.open_sender().leave(OSError("disk on fire"))
        channel.close()


def close_before_the_last_end_leaves(channel: Channel[int]) -> None:
    with channel.open_sender():
        channel.close()


def close_from_another_channel(channel: Channel[int]) -> None:
    stages = [channel, Channel[int](), Channel[int]()]
    error: BaseException = OSError("disk on fire")
    for stage in reversed(stages):
        stage.close(error)
        error = refusal(stage)


class Unspeakable(Exception):
    @override
    def __repr__(self) -> str:
        raise ValueError


def close_with_a_cause_without_a_repr(channel: Channel[int]) -> None:
    channel.close(Unspeakable())


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (close_plainly, r"closed by close\(\)"),
        (close_with_a_cause, r"closed by close\(\), from ConnectionError\('the device went away'\)"),
        (abort, r"closed by abort\(\)"),
        (leave_all_senders, r"the last sending end \(of 2\) left"),
        (leave_all_receivers, r"the last receiving end \(of 2\) left"),
        (leave_the_only_receiver, r"the last receiving end \(of 1\) left"),
        (leave_by_a_crash, r"the last sending end \(of 1\) left, from OSError\('disk on fire'\)"),
        (drop_a_sender, r"a sending end was dropped without being entered \(by: with .*open_sender\(\) .*\)"),
        (
            drop_a_receiver,
            r"a receiving end was dropped without being entered \(by: with .*open_receiver\(\) .*\)",
        ),
        (close_after_a_crash, r"closed by close\(\), from OSError\('disk on fire'\)"),
        (close_before_the_last_end_leaves, r"closed by close\(\)"),
        (close_from_another_channel, r"closed by close\(\), from OSError\('disk on fire'\)"),
        (close_with_a_cause_without_a_repr, r"closed by close\(\), from <Unspeakable instance at 0x[0-9a-f]+>"),
    ],
)
def test_the_message_says_what_closed_the_channel(act: Callable[[Channel[int]], None], why: str) -> None:
    channel: Channel[int] = Channel()
    act(channel)
    with pytest.raises(ChannelClosed, match=rf"^<Channel at 0x\w+ .* closed> accepts no more items: {why}$"):
        channel.put_nowait(1)
    with pytest.raises(ChannelClosed, match=rf"^<Channel at 0x\w+ .* closed> is drained: {why}$"):
        channel.get_nowait()


def test_a_long_cause_is_cut_in_the_message() -> None:
    channel: Channel[int] = Channel()
    channel.close(OSError("long " * 1000))
    assert len(str(refusal(channel))) < 300
