"""What the fast paths and each wait do, counted in calls, instructions and comparisons: the same on every machine.

A figure here may be made smaller at any time. A larger one makes every program slower, and has to be worth that.
"""

import asyncio
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType

import pytest
from typing_extensions import override

import aiochannel
from aiochannel import Channel, select
from aiochannel._core.waiters import Waiting, WaitQueue
from tests.conftest import settle

PACKAGE = str(Path(aiochannel.__file__).parent)


class AddsACall(Channel[int]):
    """A mutant of every fast path."""

    @override
    async def put(self, item: int, /) -> None:
        await super().put(item)

    @override
    def put_nowait(self, item: int, /) -> None:
        super().put_nowait(item)

    @override
    async def get(self) -> int:
        return await super().get()

    @override
    def get_nowait(self) -> int:
        return super().get_nowait()

    @override
    async def __anext__(self) -> int:
        return await super().__anext__()


# Each returns the operation ready to run, so that only what it does itself is counted.
OPERATIONS: dict[str, tuple[Callable[[Channel[int]], Callable[[], object]], list[str]]] = {
    "put_nowait": (lambda channel: partial(channel.put_nowait, 1), ["len", "append"]),
    "put": (lambda channel: partial(channel.put(1).send, None), ["len", "append"]),
    "get_nowait": (lambda channel: channel.get_nowait, ["len", "popleft"]),
    "get": (lambda channel: partial(channel.get().send, None), ["len", "popleft"]),
    "__anext__": (lambda channel: partial(anext(channel).send, None), ["len", "popleft"]),
}
INSTRUCTIONS = 18
"""At most so many for each of these. CPython 3.12 and 3.13 take 14 to 16."""

every_operation = pytest.mark.parametrize("name", OPERATIONS)
counts_instructions = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")


def prepared(name: str, kind: type[Channel[int]]) -> Callable[[], object]:
    channel = kind()
    for item in range(3):
        channel.put_nowait(item)
    return OPERATIONS[name][0](channel)


def finish(operation: Callable[[], object]) -> None:
    try:  # noqa: SIM105  # suppress would be counted
        operation()
    except StopIteration:  # so ends a coroutine that does not wait
        pass


def calls(operation: Callable[[], object], within: str = "") -> list[str]:
    """Return the names of what is called, in Python and in C, by code below the path `within`."""
    found: list[str] = []

    def profile(frame: FrameType, event: str, arg: object) -> None:
        code = frame.f_code
        if code in {calls.__code__, finish.__code__} or not code.co_filename.startswith(within):
            return
        if event == "call":
            found.append(code.co_qualname)
        elif event == "c_call":
            found.append(getattr(arg, "__name__", ""))

    sys.setprofile(profile)
    try:
        finish(operation)
    finally:
        sys.setprofile(None)
    return found


def instructions(operation: Callable[[], object]) -> int:
    """Return how many bytecode instructions are executed."""
    found = 0

    def count(code: CodeType, _offset: int) -> None:
        nonlocal found
        found += code not in {instructions.__code__, finish.__code__}

    monitoring = vars(sys)["monitoring"]  # as checkers of code for 3.11 know no such name
    tool = 4  # none of those that debuggers, coverage and profilers use
    monitoring.use_tool_id(tool, "speed guard")
    monitoring.register_callback(tool, monitoring.events.INSTRUCTION, count)
    monitoring.set_events(tool, monitoring.events.INSTRUCTION)
    try:
        finish(operation)
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    return found


@every_operation
def test_a_fast_path_is_one_call_and_two_of_the_buffer(name: str) -> None:
    assert [f"Channel.{name}", *OPERATIONS[name][1]] == calls(prepared(name, Channel))


@every_operation
def test_a_call_added_to_a_fast_path_is_noticed(name: str) -> None:
    assert len(calls(prepared(name, Channel))) < len(calls(prepared(name, AddsACall)))


@counts_instructions
@every_operation
def test_a_fast_path_takes_few_instructions(name: str) -> None:
    assert instructions(prepared(name, Channel)) <= INSTRUCTIONS


@counts_instructions
@every_operation
def test_instructions_added_to_a_fast_path_are_noticed(name: str) -> None:
    assert instructions(prepared(name, AddsACall)) > INSTRUCTIONS


def test_a_handle_adds_no_call() -> None:
    sender, receiver = Channel[int]().split()
    assert ["Channel.put_nowait", "len", "append"] == calls(partial(sender.put_nowait, 1))
    assert ["Channel.get_nowait", "len", "popleft"] == calls(receiver.get_nowait)
    sender.put_nowait(2)
    assert ["Channel.__anext__", "len", "popleft"] == calls(partial(next, anext(aiter(receiver)).__await__()))


async def stream(maxsize: int, producers: int, consumers: int, count: int) -> None:
    channel: Channel[int] = Channel(maxsize)

    async def produce() -> None:
        for item in range(count // producers):
            await channel.put(item)

    async def consume() -> None:
        for _ in range(count // consumers):
            await channel.get()

    await asyncio.gather(*[produce() for _ in range(producers)], *[consume() for _ in range(consumers)])


@pytest.mark.parametrize(
    ("maxsize", "producers", "consumers", "at_most"),
    [
        pytest.param(1, 1, 1, 20.1, id="each item waits once"),
        pytest.param(10, 1, 1, 9.5, id="some items wait"),
        pytest.param(10, 50, 50, 26.8, id="nearly every put and get waits"),
        pytest.param(10, 50, 1, 19.9, id="every put waits"),
        pytest.param(10, 1, 50, 18.5, id="every get waits"),
    ],
)
def test_a_put_and_a_get_that_wait_take_few_calls(maxsize: int, producers: int, consumers: int, at_most: float) -> None:
    found = calls(lambda: asyncio.run(stream(maxsize, producers, consumers, 5_000)), PACKAGE)
    assert len(found) / 5_000 <= at_most


async def select_in_turn(arms: int, count: int) -> None:
    channels: list[Channel[int]] = [Channel() for _ in range(arms)]
    cases = [channel.on_get() for channel in channels]

    async def consume() -> None:
        for _ in range(count):
            await select(*cases)

    consumer = asyncio.create_task(consume())
    for item in range(count):
        await asyncio.sleep(0)
        channels[item % arms].put_nowait(item)
    await consumer


@pytest.mark.parametrize(("arms", "at_most"), [(2, 38), (12, 134)])
def test_a_select_that_waits_takes_few_calls(arms: int, at_most: int) -> None:
    found = calls(lambda: asyncio.run(select_in_turn(arms, 500)), PACKAGE)
    assert len(found) / 500 <= at_most


ORDERS: dict[str, Callable[[list[asyncio.Task[int]]], None]] = {
    "first come": lambda _tasks: None,
    "last come": lambda tasks: tasks.reverse(),
    "any": lambda tasks: random.Random(1).shuffle(tasks),
}
every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


async def cancelled_gets(count: int, order: Callable[[list[asyncio.Task[int]]], None]) -> None:
    channel: Channel[int] = Channel()
    tasks = [asyncio.create_task(channel.get()) for _ in range(count)]
    await settle()
    order(tasks)
    for task in tasks:
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)


@every_order
@pytest.mark.parametrize("count", [10, 1_000])
def test_a_cancelled_get_takes_few_calls_however_many_wait(
    count: int, order: Callable[[list[asyncio.Task[int]]], None]
) -> None:
    found = calls(lambda: asyncio.run(cancelled_gets(count, order)), PACKAGE)
    assert len(found) / count <= 17


def comparisons(monkeypatch: pytest.MonkeyPatch, count: int, order: Callable[[list[asyncio.Task[int]]], None]) -> int:
    """Return how often waiters are compared while so many gets wait and are cancelled one by one."""
    found = 0

    class Watched(asyncio.Future[int]):
        __hash__ = asyncio.Future.__hash__

        @override
        def __eq__(self, other: object) -> bool:
            nonlocal found
            found += 1
            return self is other

    monkeypatch.setattr("aiochannel.channel.Future", Watched)
    asyncio.run(cancelled_gets(count, order))
    return found


@every_order
def test_a_cancelled_get_compares_no_waiters(
    monkeypatch: pytest.MonkeyPatch, order: Callable[[list[asyncio.Task[int]]], None]
) -> None:
    assert 0 == comparisons(monkeypatch, 100, order)


def test_a_search_among_the_waiters_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(queue: WaitQueue, waiting: Waiting) -> None:
        queue.remove(waiting)

    monkeypatch.setattr(WaitQueue, "discard", search)
    assert comparisons(monkeypatch, 100, ORDERS["last come"]) > 1_000


@every_order
async def test_those_that_left_are_never_more_than_those_that_wait(
    order: Callable[[list[asyncio.Task[int]]], None],
) -> None:
    channel: Channel[int] = Channel()
    tasks = [asyncio.create_task(channel.get()) for _ in range(100)]
    await settle()
    order(tasks)
    for task in tasks:
        task.cancel()
        await settle()
        waiting = channel.statistics().waiting_receivers
        assert waiting <= len(channel._receivers) <= 2 * waiting
    assert not channel._receivers


async def test_those_that_left_do_not_outstay_those_that_were_woken() -> None:
    channel: Channel[int] = Channel()
    tasks = [asyncio.create_task(channel.get()) for _ in range(100)]
    await settle()
    for task in tasks[40:-1]:
        task.cancel()
    await settle()
    for _ in range(41):
        channel.put_nowait(1)
        waiting = channel.statistics().waiting_receivers
        assert waiting <= len(channel._receivers) <= 2 * waiting
    assert not channel._receivers
