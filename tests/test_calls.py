"""Call: every caller is answered or told that nobody will, and a callee sees that its caller has gone."""

import asyncio
import copy
import gc
import sys
import threading
from collections.abc import Coroutine
from typing import Never, cast
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import Call, Channel, ChannelClosed, ChannelError, NoReply, Receiver, Sender, call, select
from aiochannel._core.waiters import WaitQueue
from aiochannel.calls import _tell
from tests.conftest import cancelled, settle, waiting, without_gc
from tests.test_channel_loops import another_thread, at_once, new_loop

Calls = Channel[Call[str, int]]


async def measure(calls: Receiver[Call[str, int]]) -> None:
    async for each in calls:
        with each:
            each.reply(len(each.request))


async def begun(calls: Calls, request: str = "text") -> tuple["asyncio.Task[int]", Call[str, int]]:
    """Start a caller, and take its call."""
    caller = await waiting(call(calls, request))
    return caller, calls.get_nowait()


async def error_of(caller: "asyncio.Task[int]") -> BaseException:
    await settle()
    error = caller.exception()
    assert error is not None
    return error


# Answers


async def test_a_call_returns_the_answer() -> None:
    calls = Calls(1)
    serving = asyncio.create_task(measure(calls.receiver))
    assert [4, 0] == [await call(calls.sender, "text"), await call(calls, "")]
    calls.close()
    await serving


async def test_calls_are_answered_each_to_its_caller() -> None:
    calls = Calls(3)
    serving = asyncio.create_task(measure(calls))
    texts = ["x" * length for length in range(50)]
    assert list(range(50)) == await asyncio.gather(*(call(calls, text) for text in texts))
    calls.close()
    await serving


@pytest.mark.parametrize("answer", [None, 0, "", ValueError("as a value")])
async def test_every_object_can_be_the_answer(answer: object) -> None:
    calls = Channel[Call[None, object]]()
    caller = await waiting(call(calls, None))
    each = calls.get_nowait()
    assert (None, True, answer) == (each.request, each.reply(answer), await caller)


async def test_the_error_of_fail_is_raised_in_the_caller_as_the_object_that_it_is() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    error = ValueError("too long")
    assert (True, error) == (each.fail(error), await error_of(caller))


async def test_the_first_answer_counts() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    assert [True, False, False] == [each.reply(1), each.reply(2), each.fail(ValueError())]
    assert 1 == await caller
    assert [False, False] == [each.reply(3), each.abandoned()]


@pytest.mark.parametrize("error", [StopIteration(), asyncio.CancelledError(), KeyboardInterrupt(), ValueError, "x"])
async def test_what_cannot_be_raised_in_the_caller_is_refused(error: object) -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with pytest.raises(TypeError, match="the answer must be an Exception, and not a StopIteration"):
        each.fail(cast("Exception", error))
    assert (True, 1) == (each.reply(1), await caller)


async def test_a_call_that_need_not_wait_for_its_answer_does_not() -> None:
    class Answering:
        """The sending side of a channel whose callee answers within the put."""

        def __init__(self, channel: Calls) -> None:
            self.channel = channel

        async def put(self, item: Call[str, int], /) -> None:
            item.reply(7)

        def __getattr__(self, name: str) -> object:
            return getattr(self.channel, name)

    sender = cast("Sender[Call[str, int]]", Answering(Calls()))
    assert 7 == await at_once(call(sender, "text"))


# The block


async def test_the_exception_that_ends_the_block_is_the_answer_and_goes_no_further() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    error = ValueError("too long")
    with each:
        raise error
    assert error is await error_of(caller)


async def test_a_group_of_errors_that_ends_the_block_is_the_answer() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)  # a group of Python 3.12 cancels its task where an eager one fails at once
        raise ValueError("too long")

    calls = Calls()
    caller, each = await begun(calls)
    with each:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    assert isinstance(await error_of(caller), ExceptionGroup)


async def test_the_exception_of_a_block_whose_caller_has_gone_goes_no_further() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    assert await cancelled(caller)
    with each:
        raise ValueError("for nobody")


async def test_an_exception_after_the_answer_is_raised_on() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    assert each.reply(1)
    with pytest.raises(ValueError, match="late"), each:
        raise ValueError("late")
    assert 1 == await caller


async def test_a_block_that_ends_without_an_answer_answers_no_reply() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with each:
        pass
    error = await error_of(caller)
    assert "<Call 'text' waiting> ended its block without an answer" == str(error)
    assert (NoReply, None, True) == (type(error), error.__cause__, isinstance(error, ChannelError))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), StopIteration()])
async def test_what_cannot_be_an_answer_and_ends_the_block_is_the_cause_of_no_reply(error: BaseException) -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with pytest.raises(type(error)) as caught, each:
        raise error
    answer = await error_of(caller)
    assert (error, NoReply, error) == (caught.value, type(answer), answer.__cause__)


async def test_a_callee_that_is_cancelled_over_a_call_answers_no_reply() -> None:
    async def serve() -> None:
        async for each in calls:
            with each:
                await asyncio.Event().wait()

    calls = Calls()
    serving = await waiting(serve())
    caller = await waiting(call(calls, "text"))
    assert await cancelled(serving)
    error = await error_of(caller)
    assert (NoReply, asyncio.CancelledError) == (type(error), type(error.__cause__))


# Dropped


async def test_a_call_that_is_dropped_answers_no_reply_at_once() -> None:
    calls = Calls()
    with without_gc():
        caller, each = await begun(calls)
        del each
        error = await error_of(caller)
    assert "<Call 'text' waiting> was dropped without an answer" == str(error)


async def test_the_calls_of_an_aborted_channel_answer_no_reply_when_the_list_is_dropped() -> None:
    calls = Calls()
    callers = [await waiting(call(calls, text)) for text in ("a", "b")]
    rest = calls.abort()
    await settle()
    assert [False, False] == [caller.done() for caller in callers]
    rest.clear()
    assert [NoReply, NoReply] == [type(await error_of(caller)) for caller in callers]


async def test_calls_in_a_channel_that_is_dropped_answer_no_reply() -> None:
    calls = Calls()
    caller = await waiting(call(calls, "a"))
    del calls
    assert isinstance(await error_of(caller), NoReply)


async def test_a_call_in_a_closed_channel_is_answered_as_ever() -> None:
    calls = Calls()
    caller = await waiting(call(calls, "text"))
    calls.close()
    await measure(calls)
    assert 4 == await caller


async def test_a_call_may_be_sent_on_and_is_seen_to_be_dropped_there() -> None:
    calls, work = Calls(), Calls()
    first, second = [await waiting(call(calls, text)) for text in ("a", "bb")]
    for _ in range(2):
        await work.put(await calls.get())
    with without_gc():
        work.get_nowait().reply(1)
        work.get_nowait()
        assert (1, NoReply) == (await first, type(await error_of(second)))


async def test_a_call_dropped_in_another_thread_answers_no_reply() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    held = [each]
    del each
    with another_thread(True) as there:
        assert there(held.clear) is None
    assert isinstance(await error_of(caller), NoReply)


def test_a_call_dropped_outside_its_loop_answers_no_reply() -> None:
    calls = Calls()
    with new_loop() as loop:
        caller = loop.create_task(call(calls, "text"))
        loop.run_until_complete(settle())
        calls.abort()
        loop.run_until_complete(asyncio.wait([caller]))
        assert isinstance(caller.exception(), NoReply)


def test_a_call_dropped_after_its_loop_was_closed_is_quiet() -> None:
    calls = Calls()
    with new_loop() as loop:
        caller = loop.create_task(call(calls, "text"))
        loop.run_until_complete(settle())
    each = calls.get_nowait()
    assert (True, False, False) == (each.abandoned(), each.reply(1), each.fail(ValueError()))
    with each:
        raise ValueError("for nobody")
    del each
    assert not caller.done()


def test_a_call_that_was_answered_is_not_abandoned_when_its_loop_is_closed() -> None:
    calls = Calls()
    with new_loop() as loop:
        caller = loop.create_task(call(calls, "text"))
        loop.run_until_complete(settle())
        each = calls.get_nowait()
        assert (True, 1) == (each.reply(1), loop.run_until_complete(caller))
    assert not each.abandoned()


def test_a_caller_that_is_closed_after_its_loop_is_quiet() -> None:
    calls = Calls()
    suspended = call(calls, "text")
    with new_loop() as loop:
        caller = loop.create_task(suspended)
        loop.run_until_complete(settle())
    suspended.close()
    assert (False, True) == (caller.done(), calls.get_nowait().abandoned())


async def test_a_call_that_was_not_made_is_dropped_quietly() -> None:
    half = Call.__new__(Call)
    del half


def test_a_call_whose_loop_closes_while_it_is_dropped_elsewhere_is_quiet() -> None:
    class Closing(asyncio.SelectorEventLoop):
        @override
        def call_soon_threadsafe(self, *args: object, **kwargs: object) -> Never:
            raise RuntimeError("Event loop is closed")

    async def use() -> None:
        caller, each = await begun(calls)
        held = [each]
        del each
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        assert await cancelled(caller)

    calls = Calls()
    with asyncio.Runner(loop_factory=Closing) as runner:
        runner.run(use())


# Gone callers


async def test_a_caller_cancelled_while_its_put_waits_has_put_nothing() -> None:
    calls = Calls(1)
    first, second = await waiting(call(calls, "a")), await waiting(call(calls, "b"))
    assert await cancelled(second)
    assert ["a"] == [each.request for each in calls]
    first.cancel()


async def test_a_caller_cancelled_when_its_put_was_granted_has_put_nothing() -> None:
    calls = Calls(1)
    first, second = await waiting(call(calls, "a")), await waiting(call(calls, "b"))
    each = calls.get_nowait()
    assert (True, 0) == (await cancelled(second), calls.qsize())
    assert (True, 1) == (each.reply(1), await first)


@pytest.mark.parametrize("taken", [False, True])
async def test_a_caller_cancelled_later_has_abandoned_its_call_from_that_step_on(taken: bool) -> None:
    calls = Calls()
    caller = await waiting(call(calls, "text"))
    if taken:
        each = calls.get_nowait()
        assert not each.abandoned()
        caller.cancel()
    else:
        caller.cancel()
        each = calls.get_nowait()
    assert (True, False, False) == (each.abandoned(), each.reply(1), each.fail(ValueError()))
    assert (0, None) == await select(each.on_abandoned())
    await settle()
    assert (True, True) == (caller.cancelled(), each.abandoned())


async def test_a_caller_cancelled_after_the_answer_and_before_it_runs_is_cancelled() -> None:
    calls = Calls()
    for answer in ("reply", "fail"):
        caller, each = await begun(calls)
        assert each.reply(1) if answer == "reply" else each.fail(ValueError())
        assert (True, False) == (await cancelled(caller), each.abandoned())


async def test_two_callers_cancelled_in_one_step_have_abandoned_both_calls() -> None:
    calls = Calls()
    callers = [await waiting(call(calls, text)) for text in ("a", "b")]
    for caller in callers:
        caller.cancel()
    assert [True, True] == [each.abandoned() for each in (calls.get_nowait(), calls.get_nowait())]
    await settle()


async def test_a_timeout_around_a_call_abandons_it() -> None:
    calls = Calls()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await call(calls, "text")
    assert calls.get_nowait().abandoned()


async def test_a_callee_that_works_sees_that_the_caller_goes() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    work = Channel[str]()
    working = await waiting(select(work.on_get(), each.on_abandoned().map(lambda _: "gone")))
    again = await waiting(select(each.on_abandoned()))
    caller.cancel()
    await settle()
    assert ((1, "gone"), (0, None)) == (working.result(), again.result())
    assert work.statistics().waiting_receivers == 0


async def test_a_select_on_a_call_that_ends_otherwise_leaves_nothing() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    work = Channel[str]()
    watched: list[object] = []
    for _ in range(3):
        working = await waiting(select(work.on_get(), each.on_abandoned()))
        work.put_nowait("done")
        assert (0, "done") == await working
        assert each._abandonment is not None
        watched.append(each._abandonment._queue)
    assert await cancelled(await waiting(select(each.on_abandoned())))
    abandonment = each._abandonment
    assert abandonment is not None
    assert abandonment._queue is not None
    assert 0 == len(abandonment._queue)
    assert all(queue is abandonment._queue for queue in watched)  # each has a callback on what the caller waits for
    assert (True, 1) == (each.reply(1), await caller)


async def test_a_call_that_was_answered_is_not_abandoned() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    watching = await waiting(select(each.on_abandoned()))
    each.reply(1)
    assert 1 == await caller
    await settle()
    assert not watching.done()
    watching.cancel()
    caller, each = await begun(calls)
    each.reply(1)
    assert await cancelled(await waiting(select(each.on_abandoned())))
    assert 1 == await caller


async def test_a_caller_whose_channel_is_closed_gets_the_error_of_the_put() -> None:
    calls = Calls()
    cause = OSError("disk on fire")
    calls.close(cause)
    with pytest.raises(ChannelClosed) as caught:
        await call(calls, "text")
    assert cause is caught.value.__cause__


async def test_a_suspended_caller_that_is_closed_has_abandoned_its_call() -> None:
    calls = Calls()
    caller = call(calls, "text")
    caller.send(None)
    caller.close()
    assert calls.get_nowait().abandoned()


# A signal handler that raises


class Interruption(BaseException):
    """What a signal handler raises."""


def interrupted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a signal handler raise where the function of this name is called first."""

    def interrupt(*_: object) -> None:
        monkeypatch.undo()
        raise Interruption

    monkeypatch.setattr(f"aiochannel.calls.{name}", interrupt)


async def test_a_caller_that_is_interrupted_while_it_goes_has_abandoned_its_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Calls()
    caller = call(calls, "text")
    caller.send(None)
    interrupted(monkeypatch, "_abandon")
    with pytest.raises(Interruption):
        caller.close()
    assert calls.get_nowait().abandoned()


async def test_a_finalizer_that_is_interrupted_answers_all_the_same_and_raises_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hooked: raised.append(hooked.exc_type))
    calls = Calls()
    caller, each = await begun(calls)
    with monkeypatch.context() as patch:
        interrupted(patch, "_fail")
        del each
    assert (NoReply, [Interruption]) == (type(await error_of(caller)), raised)


async def test_after_a_select_that_is_interrupted_the_next_one_sees_that_the_caller_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Calls()
    caller, each = await begun(calls)
    interrupted(monkeypatch, "partial")
    with pytest.raises(Interruption):
        await select(each.on_abandoned())
    watching = await waiting(select(each.on_abandoned()))
    caller.cancel()
    assert (0, None) == await watching


async def test_a_wake_up_that_is_interrupted_tells_all_who_watch_the_caller() -> None:
    told: list[str] = []

    class Queue:
        def wake_all(self) -> None:
            told.append("woken")
            if len(told) == 1:
                raise Interruption

    gone: asyncio.Future[object] = asyncio.Future()
    gone.cancel()
    with pytest.raises(Interruption):
        _tell(cast("WaitQueue", Queue()), gone)
    assert ["woken", "woken"] == told


# Loops and threads


@pytest.mark.parametrize("debug", [False, True])
async def test_an_answer_from_another_thread_is_refused_and_the_caller_goes_on_waiting(debug: bool) -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with another_thread(debug) as there:
        for answer in (lambda: each.reply(1), lambda: each.fail(ValueError())):
            error = there(answer)
            assert isinstance(error, RuntimeError)
            assert "is not thread-safe, and its caller waits in another thread" in str(error)
    assert (False, True, 2) == (caller.done(), each.reply(2), await caller)


async def test_watching_a_caller_from_another_loop_is_refused() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with another_thread(False) as there:
        error = there(lambda: asyncio.run(at_once(select(each.on_abandoned()))))
    assert isinstance(error, RuntimeError)
    assert (True, 1) == (each.reply(1), await caller)


# What it shows and leaves


async def test_a_call_says_what_it_asks_and_how_far_it_has_come() -> None:
    calls = Calls()
    first, one = await begun(calls)
    second, other = await begun(calls, "x" * 1_000)
    before = repr(one)
    one.reply(1)
    second.cancel()
    assert ["<Call 'text' waiting>", "<Call 'text' answered>"] == [before, repr(one)]
    assert repr(other).endswith(" abandoned>")
    assert len(repr(other)) < 100
    await asyncio.gather(first, second, return_exceptions=True)


async def test_a_call_cannot_be_copied() -> None:
    calls = Calls()
    caller, each = await begun(calls)
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        copy.copy(each)
    assert (True, 1) == (each.reply(1), await caller)


class Error(Exception):
    """What can be referred to weakly."""


async def fail(each: Call[str, int]) -> None:
    with each:
        raise Error


@pytest.mark.parametrize("how", ["fail", "drop", "abandon", "fail, abandon"])
async def test_a_call_and_its_error_are_freed_at_once(how: str) -> None:
    calls = Calls()
    with without_gc():
        caller, each = await begun(calls)
        freed: list[ref[object]] = [ref(each)]
        if "fail" in how:
            await fail(each)
        if "drop" in how:
            del each
        if "abandon" in how:
            assert await cancelled(caller)
        else:
            freed.append(ref(await error_of(caller)))
        each = caller = cast("Never", None)
        await settle()
        assert [None] * len(freed) == [each_freed() for each_freed in freed]


async def test_nothing_complains_of_an_answer_that_nobody_took() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    calls = Calls()
    caller, each = await begun(calls)
    each.fail(ValueError("for nobody"))
    assert await cancelled(caller)
    del caller, each
    gc.collect()
    assert [] == complaints


def test_calls_left_in_a_loop_that_is_closed_do_not_hang_the_program() -> None:
    async def leave(call: Coroutine[object, Never, int]) -> None:
        left.append(asyncio.create_task(call))
        await settle()

    left: list[asyncio.Task[int]] = []

    calls = Calls()
    asyncio.run(leave(call(calls, "text")))
    assert calls.get_nowait().abandoned()
