"""TaskGroup: ends that leave with their task, and errors that are raised once."""

import asyncio
import gc
import sys
from asyncio import CancelledError
from collections.abc import Coroutine, Sequence
from functools import partial
from itertools import pairwise
from typing import Never
from weakref import ref

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, End, Receiver, Sender, TaskGroup, origins
from tests.conftest import settle

pytestmark = pytest.mark.filterwarnings("error")  # a coroutine that nobody awaits is a warning


def cause(channel: Channel[int]) -> BaseException | None:
    """Return what a put on a closed channel has as its cause."""
    with pytest.raises(ChannelClosed) as caught:
        channel.put_nowait(0)
    return caught.value.__cause__


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def raises(error: BaseException) -> None:
    raise error


class Stop(BaseException):
    """No Exception."""


E, F, S = OSError("e"), ValueError("f"), Stop("s")


async def errors(run: Coroutine[object, Never, None]) -> list[BaseException]:
    """Return what is in the group that a call raises."""
    with pytest.raises(BaseExceptionGroup) as caught:
        await run
    return list(members(caught.value))


def members(group: BaseExceptionGroup[BaseException]) -> Sequence[BaseException]:
    return group.exceptions


# start_soon


async def test_start_soon_starts_a_task_of_the_group() -> None:
    async def add(left: int, right: int) -> int:
        await settle()
        return left + right

    async with TaskGroup() as tasks:
        named = tasks.start_soon(add, 1, 2, name="adder")
        plain = tasks.create_task(add(3, 4), name="plain")
    assert [("adder", 3), ("plain", 7)] == [(task.get_name(), task.result()) for task in (named, plain)]


async def work(numbers: End[Sender[int]], more: End[Receiver[int]]) -> None:
    with numbers as tx, more as rx:
        await tx.put(await rx.get())


async def test_the_ends_among_the_arguments_leave_with_the_task() -> None:
    jobs, results = Channel[int](), Channel[int]()
    jobs.put_nowait(1)
    async with TaskGroup() as tasks:
        tasks.start_soon(work, results.open_sender(), jobs.open_receiver())
    assert [True, True, [1]] == [jobs.closed(), results.closed(), list(results)]


async def ignores(*_: object, **__: object) -> None:
    await settle()


async def test_ends_that_the_task_never_enters_leave_when_it_returns() -> None:
    first, second, third = Channel[int](), Channel[int](), Channel[int]()
    async with TaskGroup() as tasks:
        fn = partial(ignores, "an argument", first.open_sender(), by_name=second.open_receiver(), other=1)
        task = tasks.start_soon(fn, third.open_sender(), "another")
        assert not first.closed()
    assert task.done()
    for channel in first, second, third:
        assert (True, None) == (channel.closed(), cause(channel))


async def connect() -> None:
    await settle()
    raise ConnectionError("refused")


async def connects(end: End[Sender[int]]) -> None:
    await connect()
    with end:
        pass


async def test_an_end_whose_task_fails_before_it_has_entered_it_leaves_with_the_error() -> None:
    async def run() -> None:
        async with TaskGroup() as tasks:
            tasks.start_soon(connects, channel.open_sender())
            await forever()

    channel: Channel[int] = Channel()
    [error] = await errors(run())
    assert "ConnectionError('refused')" == repr(error)
    assert error is cause(channel)


async def test_an_end_whose_task_is_cancelled_before_its_first_step_leaves() -> None:
    jobs, results = Channel[int](), Channel[int]()
    async with TaskGroup() as tasks:
        loop = asyncio.get_running_loop()
        factory = loop.get_task_factory()
        loop.set_task_factory(None)  # an eager task has had its first step
        tasks.start_soon(work, results.open_sender(), jobs.open_receiver()).cancel()
        loop.set_task_factory(factory)
    assert [True, True] == [jobs.closed(), results.closed()]
    assert ["None", "CancelledError()"] == [repr(cause(jobs)), repr(cause(results))]


async def test_the_other_ends_stay_open() -> None:
    channel: Channel[int] = Channel()
    async with TaskGroup() as tasks:
        end = channel.open_sender()
        tasks.start_soon(ignores, channel.open_sender())
        await settle()
        await settle()
        assert (1, False) == (channel.statistics().open_senders, channel.closed())
        end.leave()


async def test_an_end_that_the_caller_has_entered_leaves_once() -> None:
    channel: Channel[int] = Channel()
    end, other = channel.open_sender(), channel.open_sender()
    async with TaskGroup() as tasks:
        with end:
            tasks.start_soon(ignores, end, end)
    assert 1 == channel.statistics().open_senders
    other.leave()


def fails_at_once(_: End[Sender[int]]) -> Coroutine[object, Never, None]:
    raise OSError("no coroutine")


def no_coroutine(_: End[Sender[int]]) -> object:
    return "no coroutine"


@pytest.mark.parametrize(("fn", "error"), [(fails_at_once, OSError), (no_coroutine, TypeError)])
async def test_ends_leave_if_there_is_no_coroutine_to_start(fn: object, error: type[Exception]) -> None:
    channel: Channel[int] = Channel()
    async with TaskGroup() as tasks:
        with pytest.raises(error, match="coroutine") as caught:
            getattr(tasks, "start_soon")(fn, channel.open_sender())  # noqa: B009  # a checker would refuse the plain form
    assert caught.value is cause(channel)


async def test_ends_leave_if_the_group_was_not_entered() -> None:
    channel: Channel[int] = Channel()
    with pytest.raises(RuntimeError, match="has not been entered") as caught:
        TaskGroup().start_soon(ignores, channel.open_sender())
    assert caught.value is cause(channel)


async def test_ends_leave_if_the_group_is_finished() -> None:
    channel: Channel[int] = Channel()
    async with TaskGroup() as tasks:
        pass
    with pytest.raises(RuntimeError, match="is finished") as caught:
        tasks.start_soon(ignores, channel.open_sender())
    assert caught.value is cause(channel)


async def test_ends_leave_if_the_group_is_shutting_down() -> None:
    async def comes_too_late() -> None:
        try:
            await forever()
        finally:
            with pytest.raises(RuntimeError, match="is shutting down") as caught:
                tasks.start_soon(ignores, channel.open_sender())
            assert caught.value is cause(channel)
            assert channel.closed()

    channel: Channel[int] = Channel()
    tasks = TaskGroup()

    async def run() -> None:
        async with tasks:
            tasks.start_soon(comes_too_late)
            await settle()
            tasks.start_soon(raises, E)

    assert [E] == await errors(run())
    assert channel.closed()


# What the group raises


async def fails_and_cleans_up(end: End[Sender[int]], steps: int) -> None:
    try:
        with end:
            raise OSError("disk on fire")
    finally:
        for _ in range(steps):
            await asyncio.sleep(0)


async def passes_on(source: Receiver[int], end: End[Sender[int]]) -> None:
    with end as sink:
        async for item in source:
            await sink.put(item)


async def reads(source: Receiver[int]) -> None:
    async for _ in source:
        pass


@pytest.mark.parametrize("stages", range(4))
@pytest.mark.parametrize("steps", range(6))
async def test_an_error_is_raised_once_however_many_echoes_are_faster(steps: int, stages: int) -> None:
    async def run() -> None:
        channels = [Channel[int]() for _ in range(stages + 1)]
        async with TaskGroup() as tasks:
            tasks.start_soon(reads, channels[-1])
            for source, sink in pairwise(channels):
                tasks.start_soon(passes_on, source, sink.open_sender())
            tasks.start_soon(fails_and_cleans_up, channels[0].open_sender(), steps)

    assert ["OSError('disk on fire')"] == list(map(repr, await errors(run())))


async def test_an_echo_in_the_body_is_replaced_too() -> None:
    async def run() -> None:
        channel: Channel[int] = Channel()
        async with TaskGroup() as tasks:
            tasks.start_soon(fails_and_cleans_up, channel.open_sender(), 3)
            await reads(channel)

    assert ["OSError('disk on fire')"] == list(map(repr, await errors(run())))


def echo(error: BaseException | None, channels: int = 1) -> ChannelClosed:
    """Return the ChannelClosed that comes out of the last of some channels, of which the error has closed the first."""
    for _ in range(channels):
        channel: Channel[int] = Channel()
        channel.close(error)
        with pytest.raises(ChannelClosed) as caught:
            channel.get_nowait()
        error = caught.value
    assert isinstance(error, ChannelClosed)
    return error


G = ExceptionGroup("g", [E, F])
PLAIN, CANCELLED, INTERRUPTED = echo(None), echo(CancelledError()), echo(KeyboardInterrupt())
EXITED, DROPPED, FAR = echo(SystemExit()), echo(GeneratorExit()), echo(None, 3)

Tree = BaseException | Sequence["Tree"]


def tree(error: BaseException) -> Tree:
    """Return a group as a list."""
    return list(map(tree, members(error))) if isinstance(error, BaseExceptionGroup) else error


@pytest.mark.parametrize(
    ("raised", "expected", "found"),
    [
        ([E, F], [E, F], [E, F]),
        ([echo(E)], [E], [E]),
        ([echo(E, 3)], [E], [E]),
        ([E, echo(E)], [E], [E]),
        ([echo(E), E], [E], [E]),
        ([echo(E), F, echo(F), E], [F, E], [E, F]),
        ([echo(E), echo(E, 2)], [E], [E]),
        ([E, E], [E], [E]),
        ([PLAIN, E], [PLAIN, E], [PLAIN, E]),
        ([FAR], [FAR], [FAR]),
        ([CANCELLED, INTERRUPTED], [CANCELLED, INTERRUPTED], [CANCELLED, INTERRUPTED]),
        ([EXITED, DROPPED], [EXITED, DROPPED], [EXITED, DROPPED]),
        ([S, F], [S, F], [S, F]),
        ([echo(S)], [S], [S]),
        ([S, echo(S)], [S], [S]),
        # Groups in the group.
        ([G], [[E, F]], [E, F]),
        ([echo(G)], [[E, F]], [E, F]),
        ([G, echo(G), echo(E)], [[E, F]], [E, F]),
        ([echo(E), G], [[E, F]], [E, F]),
        ([echo(G), E], [[F], E], [E, F]),
        ([ExceptionGroup("", [E, echo(F)]), echo(E)], [[E, F]], [E, F]),
        ([ExceptionGroup("", [echo(E)]), E], [E], [E]),
        ([ExceptionGroup("", [echo(S)]), E], [[S], E], [S, E]),
        ([ExceptionGroup("", [ExceptionGroup("", [echo(E), PLAIN])])], [[[E, PLAIN]]], [E, PLAIN]),
        ([echo(ExceptionGroup("", [echo(E)]))], [[E]], [E]),
        ([echo(ExceptionGroup("", [echo(E)])), E], [E], [E]),
        ([BaseExceptionGroup("", [S, echo(E)])], [[S, E]], [S, E]),
    ],
)
def test_each_error_is_raised_once_and_origins_finds_it(
    raised: list[BaseException], expected: Tree, found: list[BaseException]
) -> None:
    async def together() -> None:
        async with TaskGroup() as tasks:
            for error in raised:
                tasks.start_soon(raises, error)

    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(together())
    group: BaseException = caught.value
    assert expected == tree(group)
    assert type(group) is type(BaseExceptionGroup("", members(caught.value)))
    assert found == origins(BaseExceptionGroup("", raised))


@pytest.mark.parametrize(("error", "expected"), [(E, [E]), (PLAIN, [PLAIN]), (echo(E, 2), [E]), (echo(G), [E, F])])
def test_origins_takes_any_error(error: BaseException, expected: list[BaseException]) -> None:
    assert expected == origins(error)


async def test_origins_takes_what_gather_raises() -> None:
    channel: Channel[int] = Channel()
    stages = fails_and_cleans_up(channel.open_sender(), 3), reads(channel)
    errors = [error for error in await asyncio.gather(*stages, return_exceptions=True) if error is not None]
    assert ["OSError", "ChannelClosed"] == [type(error).__name__ for error in errors]
    assert errors[:1] == origins(BaseExceptionGroup("", errors))


def test_a_cause_that_leads_back_to_itself_is_found_once() -> None:
    error = ChannelClosed("a")
    error.__cause__ = error
    assert [error] == origins(error)
    turn = ChannelClosed("b")
    turn.__cause__ = ExceptionGroup("", [turn, E])
    assert [E] == origins(turn)


class Ours(ExceptionGroup[Exception]):
    """A group with a class of its own."""

    @override
    def derive(self, excs: Sequence[Exception], /) -> "Ours":  # type: ignore[override]  # as the manual shows it
        return Ours(self.message, excs)


def test_a_group_that_loses_an_echo_keeps_its_class_notes_and_origin() -> None:
    async def together() -> None:
        async with TaskGroup() as tasks:
            tasks.start_soon(raises, ours)

    ours = Ours("ours", [E, echo(E), echo(F)])
    ours.add_note("a note")
    ours.__cause__ = S
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(together())
    inner = caught.value.exceptions[0]
    assert isinstance(inner, Ours)
    assert ("ours", [E, F], ["a note"], S) == (inner.message, list(inner.exceptions), inner.__notes__, inner.__cause__)
    assert inner.__traceback__ is not None
    assert "unhandled errors in a TaskGroup" == caught.value.message


async def test_a_group_within_a_group() -> None:
    async def inner(end: End[Sender[int]]) -> None:
        with end:
            async with TaskGroup() as tasks:
                between = Channel[int]()
                tasks.start_soon(fails_and_cleans_up, between.open_sender(), 3)
                tasks.start_soon(reads, between)

    async def run() -> None:
        channel: Channel[int] = Channel()
        async with TaskGroup() as tasks:
            tasks.start_soon(inner, channel.open_sender())
            tasks.start_soon(reads, channel)

    [group] = await errors(run())
    [error] = origins(group)
    assert "OSError('disk on fire')" == repr(error)
    assert [error] == tree(group)


# As in asyncio

either_group = pytest.mark.parametrize("group", [asyncio.TaskGroup, TaskGroup], ids=["asyncio", "ours"])


@either_group
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["body", "task"])
def test_what_ends_the_program_comes_alone(
    group: type[asyncio.TaskGroup], error: type[BaseException], where: str
) -> None:
    async def main() -> None:
        async with group() as tasks:
            tasks.create_task(raises(OSError()))
            tasks.create_task(raises(echo(OSError())))
            if where == "task":
                tasks.create_task(raises(error()))
            await asyncio.sleep(0) if where == "task" else await raises(error())

    with pytest.raises(error):
        asyncio.run(main())


async def raises_when_cancelled(error: BaseException) -> None:
    try:
        await forever()
    except CancelledError:
        raise error from None


@either_group
async def test_an_error_of_the_body_is_the_last_of_the_group(group: type[asyncio.TaskGroup]) -> None:
    async def run() -> None:
        async with group() as tasks:
            tasks.create_task(raises_when_cancelled(E))
            await settle()
            raise F

    assert [E, F] == await errors(run())


@either_group
async def test_a_cancellation_from_outside_goes_through(group: type[asyncio.TaskGroup]) -> None:
    async def main() -> None:
        async with group() as tasks:
            tasks.create_task(forever())

    task = asyncio.create_task(main())
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()


@either_group
async def test_no_cancellation_is_left_when_a_task_fails(group: type[asyncio.TaskGroup]) -> None:
    async def run() -> None:
        async with group() as tasks:
            tasks.create_task(raises(E))
            await forever()

    assert [E] == await errors(run())
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()
    await asyncio.sleep(0)


@either_group
@pytest.mark.skipif(not hasattr(asyncio.TaskGroup, "cancel"), reason="this Python's groups cannot be cancelled")
async def test_a_group_that_cancels_itself_raises_nothing(group: type[asyncio.TaskGroup]) -> None:
    async with group() as tasks:
        getattr(tasks, "cancel")()  # noqa: B009  # unknown to a checker for older Pythons
        await forever()


class Weak(Exception):
    """An error that can be watched."""


@either_group
@pytest.mark.parametrize("echoed", [False, True])
@pytest.mark.skipif(sys.version_info < (3, 14), reason="asyncio's own groups make reference cycles")
async def test_a_group_leaves_no_reference_cycle(group: type[asyncio.TaskGroup], echoed: bool) -> None:
    async def run() -> ref[Weak]:
        error = Weak()
        found = ref(error)
        raised = ChannelClosed() if echoed else error
        if echoed:
            raised.__cause__ = error
        try:
            async with group():
                raise raised
        except* (Weak, ChannelClosed):
            pass
        del error, raised
        return found

    gc.collect()
    gc.disable()
    try:
        assert (await run())() is None
    finally:
        gc.enable()
