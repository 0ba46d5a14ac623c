"""When two points of two runs have the same future, and when two runs are the same history.

A history says, for each call, what it was told and which calls were over before it began: what a linearizability check
looks at, and all that a program could know.

A fingerprint is the history so far with the whole state: everything that the channel's objects and the suspended
coroutines hold, futures named by the call that waits on them. An object of a kind that is not known here is equal to
nothing else, which prunes less and is never wrong.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from types import CoroutineType

from aiochannel import Channel
from tests.explore.programs import Op, World
from tests.model.record import Follower

SIMPLE = (int, float, str, bool, type(None))
WRAPPERS = ("group", "eager", "wait_for", "sel")


def history(world: World) -> object:
    over: set[object] = set()
    names: dict[int, object] = {}
    counts: dict[str, int] = {}
    found: dict[object, object] = {}
    for event in world.recorder.events:
        call = world.recorder.calls[event.call]
        if event.kind == "call":
            counts[call.lane] = counts.get(call.lane, 0) + 1
            names[event.call] = (call.lane, counts[call.lane])
            found[names[event.call]] = (call, frozenset(over), None)
        elif event.kind == "ends":
            over.add(names[event.call])
            begun = found[names[event.call]]
            assert isinstance(begun, tuple)
            found[names[event.call]] = (*begun[:2], event.outcome)
    return frozenset(found.items())


def prunable(op: Op) -> bool:
    """Tasks within tasks, and selects, keep state where it cannot be seen."""
    return op.verb not in WRAPPERS and all(prunable(inner) for inner in op.inner)


def fingerprint(world: World) -> object:
    if not all(prunable(op) for lane in world.program.lanes for op in lane.ops):
        return object()
    names: dict[int, object] = {}
    for number, task in world.recorder.open.items():
        waits_on: object = getattr(task, "_fut_waiter", None)
        if waits_on is not None:
            names[id(waits_on)] = world.recorder.calls[number]
    freezer = _Freezer(names)
    lanes = [
        (
            lane.name,
            lane.handle is not None,
            lane.place,
            lane.items,
            lane.end,
            None if lane.task is None else (lane.task.done(), lane.task.cancelling(), _frames(lane.task, freezer)),
        )
        for lane in world.lanes
    ]
    timers = sorted(timer.when() - world.loop.clock for timer in world.loop.timers if not timer.cancelled())
    follower = Follower(world.program.machines())
    if follower.follow(world.recorder, len(world.recorder.events)):
        return object()
    return (
        history(world), tuple(lanes), tuple(timers), world.cancels,
        tuple(_label(handle, world) for handle in world.loop.ready),
        tuple([freezer.freeze(channel) for channel in world.channels.values()]),
        tuple(_machine(follower, name) for name in world.channels),
    )  # fmt: skip


def _label(handle: asyncio.Handle, world: World) -> object:
    if handle.cancelled():
        return "cancelled"
    callback: object = getattr(handle, "_callback", None)
    task: object = getattr(callback, "__self__", None)
    for lane in world.lanes:
        if lane.task is task:
            return lane.name
    return getattr(callback, "__qualname__", None) or object()


def _machine(follower: Follower, name: str) -> object:
    machine = follower.machines[name]
    lines = [[(ticket.verb, ticket.state, *ticket.items) for ticket in line] for line in (machine.gets, machine.puts)]
    return (
        tuple(machine.items), tuple(map(tuple, lines)), len(machine.joins),
        machine.closed, machine.cause, tuple(machine.ends.items()),
    )  # fmt: skip


class _Freezer:
    """Turns objects into values that are equal where the objects, and all that they refer to, are in the same state."""

    def __init__(self, names: dict[int, object]) -> None:
        self.names = names  # of futures
        self.met: dict[int, int] = {}

    def freeze(self, value: object) -> object:
        if isinstance(value, SIMPLE):
            return value
        if id(value) in self.met:
            return ("met", self.met[id(value)])
        self.met[id(value)] = len(self.met)
        match value:
            case asyncio.Future():
                result: object = getattr(value, "_result", None)
                return (self.names.get(id(value)), value.done(), value.cancelled(), self.freeze(result))
            case asyncio.AbstractEventLoop():
                return "loop"
            case BaseException():
                return str(value)
            case list() | tuple() | deque():
                items: object = tuple([self.freeze(item) for item in value])
            case dict():
                items = tuple([(self.freeze(key), self.freeze(item)) for key, item in value.items()])
            case _ if type(value).__module__.startswith(Channel.__module__.partition(".")[0]):
                items = ()
            case _:
                return object()
        return (items, *[self.freeze(getattr(value, name, None)) for name in _attributes(value)])


def _attributes(value: object) -> list[str]:
    found = list(getattr(value, "__dict__", ()))
    for kind in type(value).__mro__:
        slots: str | Iterable[str] = getattr(kind, "__slots__", ())
        found += [slots] if isinstance(slots, str) else slots
    return [name for name in found if not name.startswith("__")]


def _frames(task: asyncio.Task[object], freezer: _Freezer) -> object:
    """Where the coroutines of a task are suspended, and what their local variables hold."""
    found: list[object] = []
    coro: object = task.get_coro()
    while isinstance(coro, CoroutineType):
        frame = coro.cr_frame
        if frame is not None:
            held = [
                (name, freezer.freeze(value))
                for name, value in frame.f_locals.items()
                if isinstance(value, (*SIMPLE, asyncio.Future))
            ]
            found.append((frame.f_code.co_name, frame.f_lasti, tuple(held)))
        coro = coro.cr_await
    return tuple(found)
