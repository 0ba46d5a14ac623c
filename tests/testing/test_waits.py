"""Who waits where, and on what, as `waits` says it."""

import ast
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from pathlib import Path

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelStatistics, otherwise, select
from aiochannel.testing import Deadlock, Wait, waits
from tests.conftest import waiting

PACKAGE = Path(__file__).parents[2] / "aiochannel" / "testing"
Coro = Coroutine[object, object, object]


async def wait_of(coroutine: Coro) -> Wait:
    """Start a task, and return what is said of it."""
    task = await waiting(coroutine)
    (wait,) = [wait for wait in waits() if wait.task == task.get_coro().__name__]  # type: ignore[union-attr]
    task.cancel()
    return wait


def line(function: object, text: str) -> int:
    """Return the line of this file, within a function, that has this text."""
    code = function.__code__  # type: ignore[attr-defined]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number in range(code.co_firstlineno, len(lines)) if text in lines[number - 1])


async def produce(channel: Channel[int]) -> None:
    await channel.put(1)
    await channel.put(2)  # waits


async def test_a_put_names_the_channel_and_its_state() -> None:
    wait = await wait_of(produce(Channel[int](1)))
    where = (f"produce:{line(produce, '# waits')}",)
    assert Wait("produce", where, "put on <Channel maxsize=1 qsize=1>, 1 sender waits, 0 receivers") == wait
    assert f"produce waits at {where[0]}: {wait.on}" == str(wait)


async def test_through_a_handle_it_is_the_channel_too() -> None:
    async def get() -> None:
        await Channel[int](1).receiver.get()

    assert "get on <Channel maxsize=1 qsize=0>, 0 senders wait, 1 receiver" == (await wait_of(get())).on


async def test_iteration_is_named_as_it_is_written() -> None:
    async def iterate() -> None:
        async for _ in Channel[int](1):
            pass

    assert "async for on <Channel maxsize=1 qsize=0>, 0 senders wait, 1 receiver" == (await wait_of(iterate())).on


async def test_a_select_names_each_channel_once() -> None:
    first, second = Channel[int](1), Channel[str](2)

    async def choose() -> None:
        await select(first.on_get(), second.on_get().or_closed(None), first.on_get().map(str))

    expected = [
        "select on <Channel maxsize=1 qsize=0>, 0 senders wait, 1 receiver",
        "<Channel maxsize=2 qsize=0>, 0 senders wait, 1 receiver",
    ]
    assert " or ".join(expected) == (await wait_of(choose())).on


class Named(Channel[int]):
    name = "results"


async def test_a_channel_with_a_name_is_called_by_it() -> None:
    wait = await wait_of(produce(Named(1)))
    assert "put on results: <Named maxsize=1 qsize=1>, 1 sender waits, 0 receivers" == wait.on


async def test_the_calls_on_the_way_are_told_apart() -> None:
    async def outer() -> None:
        await middle()

    async def middle() -> None:
        await produce(Channel[int](1))

    assert ["outer", "middle", "produce"] == [call.partition(":")[0] for call in (await wait_of(outer())).where]


async def test_the_way_goes_through_generators_and_awaitables() -> None:
    async def items() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    class Awaited:
        def __await__(self) -> Generator[object, None, None]:
            return iterate().__await__()

    async def iterate() -> None:
        async for _ in items():
            pass

    async def outer() -> None:
        await Awaited()

    wait = await wait_of(outer())
    assert ["outer", "iterate", "items"] == [call.partition(":")[0] for call in wait.where]
    assert "wait on <asyncio.locks.Event object [unset, waiters:1]>" == wait.on


async def lock() -> None:
    held = asyncio.Lock()
    await held.acquire()
    await held.acquire()


async def join() -> None:
    queue = asyncio.Queue[int]()
    queue.put_nowait(1)
    await asyncio.wait_for(queue.join(), None)


async def sleep() -> None:
    await asyncio.sleep(3600)


async def future() -> None:
    await asyncio.get_running_loop().create_future()


async def gather() -> None:
    await asyncio.gather(future(), future())


async def task() -> None:
    await asyncio.create_task(future(), name="other")


async def group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(future())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lock, "acquire on <asyncio.locks.Lock object [locked, waiters:1]>"),
        (join, "join on <Queue maxsize=0 _queue=[1] tasks=1>"),
        (sleep, "sleep"),
        (future, "a future"),
        (gather, "gather"),
        (task, "task other"),
        (group, "<TaskGroup tasks=1 entered>"),
    ],
)
@pytest.mark.virtual_clock
async def test_what_asyncio_has_is_named(function: Callable[[], Coro], expected: str) -> None:
    assert expected == (await wait_of(function())).on
    for other in asyncio.all_tasks() - {asyncio.current_task()}:
        other.cancel()


async def test_a_task_that_is_about_to_run_does_not_wait() -> None:
    channel = Channel[int](1)
    task = await waiting(channel.get())
    channel.put_nowait(1)
    assert [] == waits()
    assert 1 == await task


class Broken(Channel[int]):
    @property
    def name(self) -> str:
        raise OSError("name")

    @override
    def statistics(self) -> ChannelStatistics:
        raise OSError("statistics")

    @override
    def __repr__(self) -> str:
        raise OSError("repr")


async def test_an_object_that_cannot_be_shown_is_named_by_its_class() -> None:
    assert "get on <Broken>" == (await wait_of(_get(Broken(1)))).on


async def _get(channel: Channel[int]) -> None:
    await channel.get()


async def test_a_look_waits_for_nothing() -> None:
    await select(Channel[int](1).on_get(), otherwise())
    assert [] == waits()


async def test_another_loop_is_given() -> None:
    loop = asyncio.new_event_loop()
    assert [] == waits(loop)
    loop.close()


def test_without_a_loop_there_is_nothing_to_say() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        waits()


def test_a_deadlock_is_a_list_to_read() -> None:
    first, second = Wait("main", ("main:3", "work:7"), "get on <Channel>"), Wait("join", (), "task main")
    error = Deadlock([first, second])
    assert (first, second) == error.waits
    assert [
        "nothing is left that could wake a task",
        "  main waits at main:3 > work:7: get on <Channel>",
        "  join: task main",
    ] == str(error).splitlines()


# The package.


def test_the_package_does_not_import_it() -> None:
    check = "import aiochannel, sys; print([name for name in sys.modules if name.startswith('aiochannel.testing')])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_itself_and_the_standard_library(path: Path) -> None:
    """And of the channels no more than what they count in common, which each schedule begins anew."""
    allowed = sys.stdlib_module_names | {"aiochannel.testing"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in set(names) - {"aiochannel._core.newer_typing", "aiochannel._core.resting"}:
            own = ".".join(name.split(".")[:2]) if name.startswith("aiochannel") else name.split(".")[0]
            assert own in allowed, name


def test_what_it_uses_of_asyncio_is_there() -> None:
    loop = asyncio.SelectorEventLoop()
    private = {"_ready", "_scheduled", "_selector"}
    assert private == {name for name in private if hasattr(loop, name)}
    assert hasattr(loop._ready, "popleft")  # type: ignore[attr-defined]
    coroutine = asyncio.sleep(0)
    task = loop.create_task(coroutine)
    assert task._fut_waiter is None  # type: ignore[attr-defined]
    loop.run_until_complete(task)
    loop.close()
