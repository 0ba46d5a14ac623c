"""What the fast paths and each wait do, counted in calls, instructions and comparisons: the same on every machine.

A figure here may be made smaller at any time. A larger one makes every program slower, and has to be worth that.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeVar

import pytest
from typing_extensions import override

import aiochannel
from aiochannel import Channel

K = TypeVar("K")
V = TypeVar("V")

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
INSTRUCTIONS = 24
"""At most so many for each of these. CPython 3.12 takes 18 to 21, 3.13 takes 19."""

every_operation = pytest.mark.parametrize("name", OPERATIONS)
counts_instructions = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")


def prepared(name: str, kind: type[Channel[int]]) -> Callable[[], object]:
    channel = kind()
    for item in range(3):
        channel.put_nowait(item)
    return OPERATIONS[name][0](channel)


def finish(operation: Callable[[], object]) -> None:
    try:
        operation()
    except StopIteration:  # so ends a coroutine that never waits
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
    if sys.version_info < (3, 12):
        raise NotImplementedError
    found = 0

    def count(code: CodeType, _offset: int) -> None:
        nonlocal found
        found += code not in {instructions.__code__, finish.__code__}

    monitoring = sys.monitoring
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


def on_asyncio(coroutine: Callable[[], object]) -> None:
    """Run on asyncio's own loop: what it calls in C differs from what another loop does."""


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


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_handle_adds_no_call(name: str) -> None:
    channel: Channel[int] = Channel()
    sender, receiver = channel.split()
    side = sender if name.startswith("put") else receiver
    assert getattr(channel, name) == getattr(side, name)
