"""Which tasks wait, where, and on what.

A task that waits is a chain of suspended coroutines, which ends at the future that will wake it. The chain is walked
from the task's coroutine inwards. Its last frames may belong to a library; they say what the task waits on. A channel
is known by its `statistics()` and, where there is one, its `name`: nothing of a channel library is imported.

Nothing is recorded while the program runs: `waits` costs nothing until it is called.
"""

import asyncio
import gc
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple, Protocol, cast, runtime_checkable

from aiochannel._core.newer_typing import override

PACKAGE: Final = __name__.partition(".")[0]
ADDRESS: Final = re.compile(r" at 0x[0-9A-Fa-f]+")
DEFAULT_NAME: Final = re.compile(r"Task-\d+|None")  # None: an eager task of 3.13.0
NEAR: Final = 6
"""How many references lie between a frame, or a future, and what it has to do with."""


class Wait(NamedTuple):
    """One task that waits."""

    task: str
    """The name that the task was given, or else the name of its coroutine."""
    where: tuple[str, ...]
    """Function and line of each call, the innermost last, without asyncio's and the channel library's own."""
    on: str
    """The call, and the object with its state."""

    @override
    def __str__(self) -> str:
        return f"{self.task} waits at {' > '.join(self.where)}: {self.on}" if self.where else f"{self.task}: {self.on}"


class Deadlock(RuntimeError):
    """Every task waits, and nothing is left that could wake one."""

    waits: tuple[Wait, ...]

    def __init__(self, waits: Iterable[Wait], /) -> None:
        self.waits = tuple(waits)
        super().__init__(self.waits)

    @override
    def __str__(self) -> str:
        return "\n".join(["nothing is left that could wake a task", *(f"  {wait}" for wait in self.waits)])


@runtime_checkable
class _Observable(Protocol):
    def statistics(self) -> object: ...


class _HasWaiter(Protocol):
    _fut_waiter: asyncio.Future[object] | None


def waits(loop: asyncio.AbstractEventLoop | None = None) -> list[Wait]:
    """Return the tasks that wait, in the order of their names.

    It may be called while the loop runs: from a task, a signal handler, a console, or with `loop` from another thread.

    Raises:
        RuntimeError: no loop is given, and none is running.
    """
    tasks: set[asyncio.Task[object]] = asyncio.all_tasks(loop or asyncio.get_running_loop())
    return sorted(describe(task) for task in tasks if waiter_of(task) is not None)


def waiter_of(task: asyncio.Task[object]) -> asyncio.Future[object] | None:
    """Return the future that will wake the task; None if it runs, is about to run, or has ended."""
    waiter = cast("_HasWaiter", task)._fut_waiter
    return None if waiter is None or waiter.done() else waiter


def describe(task: asyncio.Task[object]) -> Wait:
    """Say where a task stands, and on what it waits."""
    frames = list(_frames(task.get_coro()))
    inner = list(takewhile(is_library, reversed(frames)))
    where = (f"{frame.f_code.co_name}:{frame.f_lineno}" for frame in frames[: len(frames) - len(inner)])
    return Wait(name_of(task), tuple(where), _on(inner, waiter_of(task)))


def name_of(task: asyncio.Task[object]) -> str:
    """Return the name that the task was given, or else the name of its coroutine."""
    name = task.get_name()
    return str(_attribute(task.get_coro(), "__name__")) if DEFAULT_NAME.fullmatch(name) else name


def place(task: asyncio.Task[object]) -> str:
    """Return the file and line where a task stands, in the program's own code."""
    frames = list(_frames(task.get_coro()))
    own = [frame for frame in frames if not is_library(frame)] or frames
    return f"{Path(own[-1].f_code.co_filename).name}:{own[-1].f_lineno}" if own else ""


def awaited(task: asyncio.Task[object]) -> set[asyncio.Task[object]]:
    """Return the tasks that this one waits for: awaited by itself, by gather, by wait, or by a group of tasks."""
    frames = list(_frames(task.get_coro()))
    near: list[object] = [waiter_of(task)]
    for frame in takewhile(is_library, reversed(frames)):
        near.extend(_locals(frame).values())
    near.extend(_subject(frame) for frame in frames[-1:])
    return {found for found in _referents(near, _holds_tasks) if isinstance(found, asyncio.Task)} - {task}


# Frames.


def _frames(coroutine: object) -> Iterator[FrameType]:
    """Yield the frames of a suspended coroutine, the outermost first."""
    while coroutine is not None:
        inner: object = None
        for kind, link in (("cr", "await"), ("gi", "yieldfrom"), ("ag", "await")):
            frame = _attribute(coroutine, f"{kind}_frame")
            if isinstance(frame, FrameType):
                yield frame
                inner = _attribute(coroutine, f"{kind}_{link}")
                break
        else:
            # What `async for` awaits does not say which generator, or coroutine, is behind it; the collector knows.
            referents: list[object] = gc.get_referents(coroutine)
            inner = next((each for each in referents if _is_coroutine(each)), None)
        coroutine = inner


def _is_coroutine(found: object) -> bool:
    return isinstance(found, AsyncGenerator) or _attribute(found, "cr_frame") is not None


def _package(frame: FrameType) -> str:
    names: dict[str, object] = frame.f_globals
    return str(names.get("__name__")).partition(".")[0]


def is_library(frame: FrameType) -> bool:
    """Return whether a frame is asyncio's, this package's, or a method of a channel."""
    return _package(frame) in ("asyncio", PACKAGE) or _channel(frame) is not None


def _locals(frame: FrameType) -> dict[str, object]:
    names: dict[str, object] = frame.f_locals
    return names


def _subject(frame: FrameType) -> object:
    """Return what the frame's method belongs to; None if it is a function."""
    code = frame.f_code
    if code.co_argcount == 0 or code.co_varnames[0] != "self":
        return None
    return _locals(frame).get("self")


def _channel(frame: FrameType) -> _Observable | None:
    subject = _subject(frame)
    return subject if isinstance(subject, _Observable) else None


# What a task waits on.


def _on(frames: list[FrameType], waiter: asyncio.Future[object] | None) -> str:
    """Say on what a task waits whose library frames, the innermost first, are these."""
    for frame in frames:
        if (channel := _channel(frame)) is not None:
            calls = [each.f_code.co_name for each in frames if _channel(each) is channel]
            return f"{_call(calls[-1])} on {_show(channel)}"
    for frame in reversed(frames):
        if (subject := _subject(frame)) is not None:
            call = _call(frame.f_code.co_name)
            return f"{call} on {_show(subject)}" if call else _show(subject)
    if frames:
        call = frames[-1].f_code.co_name
        found = _referents(_locals(frames[-1]).values(), _is_part) if _package(frames[-1]) == PACKAGE else ()
        shown = sorted({_show(channel) for channel in found if isinstance(channel, _Observable)})
        return f"{call} on {' or '.join(shown)}" if shown else call
    if isinstance(waiter, asyncio.Task):
        return f"task {name_of(waiter)}"
    return "gather" if type(waiter).__name__ == "_GatheringFuture" else "a future"


def _call(name: str) -> str:
    if name == "__anext__":
        return "async for"
    return "" if name.startswith("__") else name


def _show(subject: object) -> str:
    """Return an object's name and state. A list of waits is made when things go wrong: nothing raises here."""
    try:
        shown = ADDRESS.sub("", repr(subject))
    except Exception:
        shown = f"<{type(subject).__name__}>"
    name = _attribute(subject, "name")
    if isinstance(name, str) and name and name not in shown:
        shown = f"{name}: {shown}"
    numbers: object = None
    if isinstance(subject, _Observable):
        with suppress(Exception):
            numbers = subject.statistics()
    senders = _attribute(numbers, "waiting_senders")
    receivers = _attribute(numbers, "waiting_receivers")
    if isinstance(senders, int) and isinstance(receivers, int):
        verb = "sender waits" if senders == 1 else "senders wait"
        shown += f", {senders} {verb}, {receivers} receiver{'' if receivers == 1 else 's'}"
    return shown


# References.


def _attribute(of: object, name: str) -> object:
    try:
        found: object = getattr(of, name, None)
    except Exception:  # a property of a stranger
        return None
    return found


def _holds_tasks(found: object, distance: int) -> bool:
    if isinstance(found, (asyncio.AbstractEventLoop, asyncio.Task)):
        return False
    return distance == 0 or isinstance(found, (list, tuple, set, frozenset, dict))


def _is_part(found: object, distance: int) -> bool:
    """Return whether a channel may be behind this: a container, or a part of the channel library."""
    if isinstance(found, _Observable):
        return False
    return isinstance(found, (list, tuple)) or type(found).__module__.partition(".")[0] == PACKAGE


def _referents(roots: Iterable[object], follow: Callable[[object, int], bool]) -> Iterator[object]:
    """Yield what the roots refer to, and they themselves, as far as `follow` says, the nearest first."""
    level = list(roots)
    for distance in range(NEAR):
        yield from level
        expanded = [each for each in level if follow(each, distance)]
        level = []
        for each in expanded:
            referents: list[object] = gc.get_referents(each)
            level.extend(referents)
