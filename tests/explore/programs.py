"""Small programs in one line each, and one run of one.

    A: put put | G: get~ get | !C: close

Lanes run side by side. A lane is a task that stops before each operation until the schedule lets it go on; `!C` is a
plain callback instead; `A>` holds a counted sending end from the beginning and `G<` a receiving one. An operation is
`verb:argument(inner,...)@channel`, all but the verb optional. After a cancelled operation a lane ends, with `~` it goes
on; any other failure is noted, and the lane goes on.

    put get next put_nowait get_nowait join       one call                  close:why abort:why  with a cause
    put_many:3 get_many:2 get_many_nowait:2       batches                   iter iter:1          async for, with break
    timeout(get) timeout:2(get) timeout:0(get)    asyncio.timeout           wait_for(get)        asyncio.wait_for
    group(put,get) group(get,crash)               a TaskGroup               eager(get)           an eager task
    tx(put) rx(get)                               through a handle          peek                 a snapshot
    sending(put,crash) receiving(get)             inside a counted end
    sel(get,put@b) sel(get:or,otherwise)          select, biased; `or` gives a word where the channel is closed
    sel(get:map,put:fail)                         mapped, by a function that changes the result, or raises

One decision is the name of a lane (it goes on), `run` (the loop runs its next callback), `clock` (time moves to the
next timer), `cancel A`, or `end` (nothing is left that could happen by itself).
"""

import asyncio
import math
import re
import sys
from collections.abc import AsyncIterable, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache, partial
from typing import NamedTuple, Protocol
from weakref import ref

from aiochannel import Channel
from aiochannel.cases import Case, otherwise
from aiochannel.errors import ChannelClosed
from aiochannel.protocols import Receiver, Sender
from aiochannel.selection import select_any
from tests.explore.loop import ScriptedLoop
from tests.model.record import Call, Observable, Recorder, Seen, see
from tests.model.reference import Reference
from tests.model.selects import CaseText, Failed

RENDEZVOUS = -1
PROBE = "~"
STEPS = 1000
WAITING = ("put", "put_many", "get", "get_many", "next", "join")
Coro = Coroutine[object, object, object]


class Op(NamedTuple):
    verb: str
    argument: str
    inner: tuple["Op", ...]
    channel: str
    goes_on: bool


class LaneText(NamedTuple):
    name: str
    kind: str
    ops: tuple[Op, ...]


class Program(NamedTuple):
    text: str
    size: int
    cancels: int
    any_order: bool
    lanes: tuple[LaneText, ...]

    def describe(self) -> str:
        size = {RENDEZVOUS: "rendezvous", 0: "unbounded"}.get(self.size, f"maxsize {self.size}")
        return f"{self.text}  [{size}, {self.cancels} cancels{', any order' if self.any_order else ''}]"

    def channels(self) -> list[str]:
        return _channels(self.lanes)

    def machines(self) -> dict[str, Reference]:
        size = {RENDEZVOUS: 0, 0: math.inf}.get(self.size, self.size)
        return {name: Reference(size) for name in self.channels()}


@cache
def _channels(lanes: tuple[LaneText, ...]) -> list[str]:
    found = {"a"}
    waiting = [op for lane in lanes for op in lane.ops]
    while waiting:
        op = waiting.pop()
        found.add(op.channel)
        waiting.extend(op.inner)
    return sorted(found)


def program(text: str, size: int = 1, *, cancels: int = 2, any_order: bool = False) -> Program:
    return Program(text, size, cancels, any_order, tuple(_lane(part) for part in text.split("|")))


def _lane(text: str) -> LaneText:
    name, _, ops = text.partition(":")
    match = re.fullmatch(r"(!?)(\w+)([<>]?)", name.strip())
    assert match, text
    return LaneText(match[2], match[1] + match[3], tuple(_op(word, "a") for word in ops.split()))


def _op(text: str, channel: str) -> Op:
    match = re.fullmatch(r"(\w+)(?::(\w+))?(?:\((.*)\))?(?:@(\w+))?(~?)", text)
    assert match, text
    verb, argument, inner, own, goes_on = match.groups(default="")
    channel = own or channel
    return Op(verb, argument, tuple(_op(part, channel) for part in _parts(inner)), channel, bool(goes_on))


def _parts(text: str) -> Iterator[str]:
    depth, part = 0, ""
    for letter in text + ",":
        if letter == "," and not depth:
            if part:
                yield part
            part = ""
        else:
            depth += (letter == "(") - (letter == ")")
            part += letter


class Subject(Observable, Protocol):
    """What every class under test has; what only a `Channel` has is asked for by `whole`."""

    def put(self, item: str, /) -> Coro: ...
    def put_nowait(self, item: str, /) -> None: ...
    def put_many(self, items: Iterable[str], /) -> Coro: ...
    def get(self) -> Coro: ...
    def get_nowait(self) -> str: ...
    def close(self, cause: BaseException | None = None) -> bool: ...
    def join(self) -> Coro: ...


Make = Callable[[int], Subject]


def make_channel(size: int) -> Subject:
    return Channel[str].rendezvous() if size == RENDEZVOUS else Channel[str](size)


def whole(subject: Subject) -> Channel[str]:
    assert isinstance(subject, Channel)
    return subject


async def _next(receiver: AsyncIterable[str]) -> str:
    return await anext(aiter(receiver))


class Crash(Exception):
    """Leaves a block by an exception."""


class _Pause:
    """Suspends a task for one step, as `asyncio.sleep(0)` does."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Lane:
    """One lane of a run: `handle` is its next step, while it stops before an operation."""

    def __init__(self, text: LaneText, task: asyncio.Task[object] | None = None) -> None:
        self.name = text.name
        self.ops = text.ops
        self.task = task
        self.handle: asyncio.Handle | None = None
        self.pausing = False
        self.place = 0
        self.items = 0
        self.tx: dict[str, Sender[str]] = {}  # what it puts and gets through, if not through the channel itself
        self.rx: dict[str, Receiver[str]] = {}
        self.end = ""
        self.cancel_word = f"cancel {text.name}"

    def go_on(self, loop: ScriptedLoop) -> None:
        """Let its next step be the loop's next callback."""
        if self.handle is not None:
            loop.ready.appendleft(self.handle)
            self.handle = None

    def inside(self) -> bool:
        return self.handle is None and self.task is not None and not self.task.done()


class World:
    """One run of a program: `options` are the decisions that may be taken now, `take` takes one."""

    def __init__(self, script: Program, make: Make = make_channel) -> None:
        self.program = script
        self.recorder = Recorder()
        self.loop = ScriptedLoop(self.recorder)  # type: ignore[abstract]  # a loop for tasks and timers, nothing else
        self.channels = {name: make(script.size) for name in script.channels()}
        self.seen: list[tuple[int, str, Seen]] = []
        self.cancels = script.cancels
        self.ends = 0
        self.ended = False
        self.failure: str | None = None
        self.decisions: list[str] = []
        self.stuck: list[int] = []
        self.at_rest: dict[str, Seen] = {}
        self.emptied: dict[str, Seen] = {}
        self.rest_place = -1
        self.left_by: list[BaseException] = []
        self.kept: list[str] = []
        asyncio.events._set_running_loop(self.loop)  # made for event loops
        self.lanes = [Lane(text) for text in script.lanes]
        for lane, text in zip(self.lanes, script.lanes, strict=True):
            self.start(lane, text.kind)

    def start(self, lane: Lane, kind: str) -> None:
        if kind == "!":
            lane.handle = asyncio.Handle(self.call_back, (lane,), self.loop)
            return
        walk = partial(self.go_through, lane)
        lane.task = self.loop.create_task(self.inside_end(lane, kind, walk) if kind else walk())
        lane.handle = self.loop.ready.pop()

    def record(self) -> object:
        """All that the checks look at. Two runs of a program with equal records break the same rules."""
        return (
            tuple(self.recorder.calls), tuple(self.recorder.events), tuple(self.seen), self.rest_place,
            tuple(self.stuck), tuple(self.at_rest.items()), tuple(self.emptied.items()),
            tuple(self.kept), tuple(self.loop.complaints), self.failure,
        )  # fmt: skip

    # Decisions.

    def options(self) -> list[str]:
        found: list[str] = []
        if self.loop.ready:
            if self.program.any_order:
                found.extend(f"run {place}" for place in range(1, len(self.loop.ready)))
            found.insert(0, "run")
        found.extend(lane.name for lane in self.lanes if lane.handle is not None)
        if self.loop.next_timer() is not None:
            found.append("clock")
        if not found:
            found.append("end")
        if self.cancels:
            found.extend(lane.cancel_word for lane in self.lanes if lane.inside())
        return found

    def take(self, decision: str) -> None:
        self.decisions.append(decision)
        if len(self.decisions) > STEPS:
            self.failure = "it does not come to an end"
        word, _, name = decision.partition(" ")
        if word == "run":
            if name:
                self.loop.bring_forward(int(name))
            self.run()
        elif word == "clock":
            self.loop.tick()
        elif word == "end":
            self.ended = True
        elif word == "cancel":
            self.cancels -= 1
            task = self.lane(name).task
            assert task is not None
            task.cancel()
        else:
            self.lane(word).go_on(self.loop)
            self.run()

    def lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.name == name)

    def run(self) -> None:
        self.loop.run()
        for lane in self.lanes:
            if lane.pausing:
                # A pause ends its step, so what the step scheduled last is the step after it.
                lane.pausing, lane.handle = False, self.loop.ready.pop()
        self.look()

    def look(self) -> None:
        """Note what the channels show, if anything has happened."""
        place = len(self.recorder.events)
        if self.seen and self.seen[-1][0] == place:
            return
        for name, channel in self.channels.items():
            self.seen.append((place, name, see(channel)))

    def run_dry(self) -> None:
        """Run what is ready, in its order, until nothing is."""
        for _ in range(STEPS):
            if not self.loop.ready:
                return
            self.run()
        self.failure = "it does not come to rest"

    def leave(self) -> None:
        """Cancel what still waits, let it end, and forget the loop."""
        for lane in self.lanes:
            if lane.task is not None and not lane.task.done():
                lane.task.cancel()
            if lane.handle is not None and lane.task is not None:
                self.loop.ready.append(lane.handle)
                lane.handle = None
        self.run_dry()

    def finish(self) -> None:
        """Nothing happens by itself any more: note who is stuck, cancel them, and probe what is left."""
        self.stuck = list(self.recorder.open)
        self.at_rest = {name: see(channel) for name, channel in self.channels.items()}
        self.look()
        self.rest_place = len(self.recorder.events)
        self.leave()
        self.emptied = {name: see(channel) for name, channel in self.channels.items()}
        for name, channel in self.channels.items():
            self.probe(name, channel)
            self.look()

    def let_go(self) -> None:
        """Drop every reference to the channels: what they leave behind in futures is heard now, and they are freed."""
        dropped = {name: ref(channel) for name, channel in self.channels.items()}
        self.channels.clear()
        # A cause is kept by its channel, and asyncio's TaskGroup keeps what it raises: without the frames, it may.
        for error in self.left_by:
            error.__traceback__ = None
        self.left_by.clear()
        for lane in self.lanes:
            lane.task = None
            lane.tx.clear()
            lane.rx.clear()
        self.recorder.forget()
        self.kept = [name for name, channel in dropped.items() if channel() is not None]

    def probe(self, name: str, channel: Subject) -> None:
        """Drain the channel, fill it, close it, drain it again; each call says what it finds."""
        now = self.recorder.now
        more = max(self.program.size, 0) + 1
        get = Call(PROBE, "get_nowait", None, name)
        items = [f"{PROBE}{number}" for number in range(more + 1)]
        for _ in range(channel.qsize() + 1):
            now(get, channel.get_nowait)
        for item in items[:-1]:
            now(Call(PROBE, "put_nowait", item, name), partial(channel.put_nowait, item))
        now(Call(PROBE, "close", None, name), channel.close)
        now(Call(PROBE, "put_nowait", items[-1], name), partial(channel.put_nowait, items[-1]))
        for _ in range(more + 1):
            now(get, channel.get_nowait)
        joining = self.loop.create_task(self.recorder.wait(Call(PROBE, "join", None, name), channel.join()))
        self.run_dry()
        joining.cancel()
        self.run_dry()

    def forget(self) -> None:
        asyncio.events._set_running_loop(None)  # made for event loops

    # Lanes.

    async def go_through(self, lane: Lane) -> None:
        for place, op in enumerate(lane.ops):
            if place:
                lane.pausing = True
                await _Pause()
            try:
                await self.perform(lane, op)
            except asyncio.CancelledError:
                if not op.goes_on:
                    raise

    def call_back(self, lane: Lane) -> None:
        self.now(lane, lane.ops[lane.place])
        lane.place += 1
        if lane.place < len(lane.ops):
            lane.handle = asyncio.Handle(self.call_back, (lane,), self.loop)

    def inside_end(self, lane: Lane, kind: str, body: Callable[[], Coro]) -> Coro:
        """Open a counted end now; the coroutine given back enters it and awaits the other one inside it."""
        channel = whole(self.channels["a"])
        self.ends += 1
        end = f"{kind}{self.ends}"
        self.recorder.now(Call(lane.name, "open_sender" if kind == ">" else "open_receiver", end=end), lambda: None)
        if kind == ">":
            return self.inside_sender(lane, channel.open_sender(), end, body)
        return self.inside_receiver(lane, channel.open_receiver(), end, body)

    async def inside_sender(
        self, lane: Lane, opened: AbstractContextManager[Sender[str]], end: str, body: Callable[[], Coro]
    ) -> None:
        with suppress(Crash), opened as lane.tx["a"], self.noted(lane, end):
            await body()

    async def inside_receiver(
        self, lane: Lane, opened: AbstractContextManager[Receiver[str]], end: str, body: Callable[[], Coro]
    ) -> None:
        with suppress(Crash), opened as lane.rx["a"], self.noted(lane, end):
            await body()

    @contextmanager
    def noted(self, lane: Lane, end: str) -> Iterator[None]:
        lane.end = end
        cause: str | None = None
        try:
            yield
        except BaseException as error:
            self.left_by.append(error)
            cause = str(error)
            raise
        finally:
            self.recorder.now(Call(lane.name, "leave", cause, end=end), lambda: None)

    @contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.left_by.append(error)
            raise

    # Operations.

    async def perform(self, lane: Lane, op: Op) -> None:
        match op.verb:
            case verb if verb in WAITING:
                await self.wait(lane, op)
            case "timeout":
                with suppress(TimeoutError):
                    async with asyncio.timeout(int(op.argument or 1)):
                        await self.perform_each(lane, op)
            case "wait_for":
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.perform_each(lane, op), int(op.argument or 1))
            case "group":
                try:
                    with self.noting():
                        async with asyncio.TaskGroup() as group:
                            for inner in op.inner:
                                self.adopt(lane, group.create_task(self.perform(lane, inner)))
                except* Crash:
                    pass
            case "eager":
                self.loop.eager = sys.version_info >= (3, 12)
                task = self.loop.create_task(self.perform_each(lane, op))
                self.loop.eager = False
                self.adopt(lane, task)
                await task
            case "tx" | "rx":
                lane.tx[op.channel] = whole(self.channels[op.channel]).sender
                lane.rx[op.channel] = whole(self.channels[op.channel]).receiver
                await self.perform_each(lane, op)
            case "sending":
                await self.inside_end(lane, ">", partial(self.perform_each, lane, op))
            case "receiving":
                await self.inside_end(lane, "<", partial(self.perform_each, lane, op))
            case "sel":
                await self.select(lane, op)
            case "crash":
                raise Crash("crash")
            case "iter":
                for _ in range(int(op.argument or STEPS)):
                    if not await self.wait(lane, op._replace(verb="next")):
                        break
            case _:
                self.now(lane, op)

    async def perform_each(self, lane: Lane, op: Op) -> None:
        for inner in op.inner:
            await self.perform(lane, inner)

    def adopt(self, parent: Lane, task: asyncio.Task[object]) -> None:
        """Let a child of a lane be cancelled as lanes are."""
        self.lanes.append(Lane(LaneText(f"{parent.name}.{len(self.lanes)}", "", ()), task))

    def item(self, lane: Lane) -> str:
        lane.items += 1
        return f"{lane.name}{lane.items}"

    async def wait(self, lane: Lane, op: Op) -> bool:
        channel = self.channels[op.channel]
        sender = lane.tx.get(op.channel, channel)
        receiver = lane.rx.get(op.channel, channel)
        value: object = None
        coro: Coro
        match op.verb:
            case "put":
                item = self.item(lane)
                value, coro = item, sender.put(item)
            case "put_many":
                batch = tuple(self.item(lane) for _ in range(int(op.argument)))
                value, coro = batch, sender.put_many(batch)
            case "get":
                coro = receiver.get()
            case "get_many":
                value = int(op.argument)
                coro = lane.rx.get(op.channel, whole(channel)).get_many(value)
            case "next":
                coro = _next(lane.rx.get(op.channel, whole(channel)))
            case _:
                coro = channel.join()
        try:
            await self.recorder.wait(Call(lane.name, op.verb, value, op.channel, lane.end), coro)
        except (ChannelClosed, StopAsyncIteration):
            return False
        return True

    async def select(self, lane: Lane, op: Op) -> None:
        texts: list[CaseText] = []
        cases: list[Case[object]] = []
        for inner in op.inner:
            item = self.item(lane) if inner.verb == "put" else None
            mapped = inner.argument if inner.argument in ("map", "fail") else ""
            texts.append(CaseText(inner.channel, inner.verb, item, inner.argument == "or", mapped))
            channel = whole(self.channels[inner.channel])
            case: Case[object]
            if item is not None:
                case = lane.tx.get(inner.channel, channel).on_put(item)
            elif inner.verb == "get":
                case = lane.rx.get(inner.channel, channel).on_get()
            else:
                case = otherwise()
            if mapped:
                case = case.map(texts[-1].change)
            cases.append(case.or_closed("instead") if inner.argument == "or" else case)
        with suppress(ChannelClosed, Failed):
            await self.recorder.wait(Call(lane.name, "select", tuple(texts), ""), select_any(cases, biased=True))

    def now(self, lane: Lane, op: Op) -> None:
        channel = self.channels[op.channel]
        sender = lane.tx.get(op.channel, channel)
        cause = Crash(op.argument) if op.argument else None
        value: object = None
        function: Callable[[], object]
        match op.verb:
            case "put_nowait":
                item = self.item(lane)
                value, function = item, partial(sender.put_nowait, item)
            case "get_nowait":
                function = lane.rx.get(op.channel, channel).get_nowait
            case "get_many_nowait":
                value = int(op.argument)
                function = partial(whole(channel).get_many_nowait, value)
            case "close":
                value, function = op.argument or None, partial(sender.close, cause)
            case "abort":
                value, function = op.argument or None, partial(whole(channel).abort, cause)
            case "peek":
                function = partial(list[str], whole(channel))
            case _:
                raise ValueError(op.verb)
        self.recorder.now(Call(lane.name, op.verb, value, op.channel, lane.end), function)
