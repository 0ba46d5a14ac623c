"""One run of a program: real tasks and futures on the scripted loop, which go on as the decisions say.

What a lane's operations do to its task is here; what a plain verb calls, in verbs.py; how a run ends, in probe.py.
"""

import asyncio
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import NamedTuple

from aiochannel import Case, ChannelClosed, Receiver, Sender, otherwise, select_any
from tests.budgets import SHIPPED, SMALL
from tests.explore.loop import ScriptedLoop
from tests.explore.programs import LaneText, Op, Program
from tests.explore.verbs import (
    AT_ONCE,
    WAITING,
    Access,
    Coro,
    Crash,
    Make,
    Subject,
    make_channel,
    make_dropping,
    make_ordered,
    whole,
)
from tests.model.record import Call, Event, Recorder, Seen, see
from tests.model.selects import CaseText, Failed

STEPS = 1000


class Record(NamedTuple):
    """All that the checks look at. Two runs of a program with equal records break the same rules."""

    calls: tuple[Call, ...]
    events: tuple[Event, ...]
    seen: tuple[tuple[int, str, Seen], ...] = ()  # what each channel showed, and after how many events
    rest_place: int = -1  # how many events there were when nothing happened by itself any more
    stuck: tuple[int, ...] = ()  # the calls that waited then
    at_rest: tuple[tuple[str, Seen], ...] = ()  # what the channels showed then
    emptied: tuple[tuple[str, Seen], ...] = ()  # and when those calls had been cancelled
    kept: tuple[str, ...] = ()  # the channels that were still alive when nobody referred to them
    complaints: tuple[str, ...] = ()  # of the loop
    dropped: tuple[tuple[str, str], ...] = ()  # by which channel, and which item
    failure: str | None = None  # why the run was broken off


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

    def item(self) -> str:
        """Return what it puts next."""
        self.items += 1
        return f"{self.name}{self.items}"

    def inside(self) -> bool:
        return self.handle is None and self.task is not None and not self.task.done()


class World:
    """One run of a program: `options` are the decisions that may be taken now, `take` takes one."""

    def __init__(self, script: Program, make: Make = make_channel) -> None:
        self.program = script
        (SMALL if script.rests else SHIPPED).apply()
        self.recorder = Recorder()
        self.loop = ScriptedLoop(self.recorder)  # type: ignore[abstract]  # a loop for tasks and timers, nothing else
        self.dropped: list[tuple[str, str]] = []
        self.channels = {name: self.made(name, make) for name in script.channels()}
        self.seen: list[tuple[int, str, Seen]] = []
        self.cancels = script.cancels
        self.pausing: Lane | None = None  # it stops before its next operation
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

    def made(self, name: str, make: Make) -> Subject:
        script = self.program
        if script.ordered:
            return make_ordered(script.size)
        if not script.policy:
            return make(script.size)
        note = self.dropped.append
        return make_dropping(script.size, script.policy, lambda item: note((name, item)))

    def start(self, lane: Lane, kind: str) -> None:
        if kind == "!":
            lane.handle = asyncio.Handle(self.call_back, (lane,), self.loop)
            return
        walk = partial(self.go_through, lane)
        lane.task = self.loop.create_task(self.inside_end(lane, kind, walk) if kind else walk())
        lane.handle = self.loop.ready.pop()

    def record(self) -> Record:
        return Record(
            tuple(self.recorder.calls), tuple(self.recorder.events), tuple(self.seen), self.rest_place,
            tuple(self.stuck), tuple(self.at_rest.items()), tuple(self.emptied.items()),
            tuple(self.kept), tuple(self.loop.complaints), tuple(self.dropped), self.failure,
        )  # fmt: skip

    # Decisions.

    def options(self) -> list[str]:
        found: list[str] = []
        if self.loop.ready:
            if self.program.any_order:
                found += [f"run {place}" for place in range(1, len(self.loop.ready))]
            found.insert(0, "run")
        found += [lane.name for lane in self.lanes if lane.handle is not None]
        if self.loop.next_timer() is not None:
            found.append("clock")
        if not found:
            found.append("end")
        if self.cancels:
            found += [lane.cancel_word for lane in self.lanes if lane.inside()]
        return found

    def mark(self) -> int:
        """Return how much has happened."""
        return len(self.recorder.events)

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
        for lane in self.lanes:
            if lane.name == name:
                return lane
        raise KeyError(name)

    def run(self) -> None:
        self.loop.run()
        if self.pausing is not None:
            # A pause ends its step, so what the step scheduled last is the step after it.
            self.pausing.handle = self.loop.ready.pop()
            self.pausing = None
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

    def forget(self) -> None:
        SHIPPED.apply()
        asyncio.events._set_running_loop(None)  # made for event loops

    # Lanes.

    async def go_through(self, lane: Lane) -> None:
        for place, op in enumerate(lane.ops):
            if place:
                self.pausing = lane
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
            no_fault = (GeneratorExit, asyncio.CancelledError) if end.startswith("<") else GeneratorExit
            cause = None if isinstance(error, no_fault) else str(error)
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
            case verb if verb in AT_ONCE:
                self.now(lane, op)
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
                raise ValueError(op.verb)

    async def perform_each(self, lane: Lane, op: Op) -> None:
        for inner in op.inner:
            await self.perform(lane, inner)

    def adopt(self, parent: Lane, task: asyncio.Task[object]) -> None:
        """Let a child of a lane be cancelled as lanes are."""
        self.lanes.append(Lane(LaneText(f"{parent.name}.{len(self.lanes)}", "", ()), task))

    def access(self, lane: Lane, channel: str) -> Access:
        return Access(self.channels[channel], lane.tx.get(channel), lane.rx.get(channel), lane.item)

    async def wait(self, lane: Lane, op: Op) -> bool:
        value, coro = WAITING[op.verb](self.access(lane, op.channel), op.argument)
        try:
            await self.recorder.wait(Call(lane.name, op.verb, value, op.channel, lane.end), coro)
        except (ChannelClosed, StopAsyncIteration):
            return False
        return True

    async def select(self, lane: Lane, op: Op) -> None:
        texts: list[CaseText] = []
        cases: list[Case[object]] = []
        for inner in op.inner:
            item = lane.item() if inner.verb == "put" else None
            mapped = inner.argument if inner.argument in ("map", "fail") else ""
            texts.append(CaseText(inner.channel, inner.verb, item, inner.argument == "or", mapped))
            channel = whole(self.channels[inner.channel])
            case: Case[object]
            if item is not None:
                case = lane.tx.get(inner.channel, channel).on_put(item)
            elif inner.verb == "get":
                case = lane.rx.get(inner.channel, channel).on_get()
            elif inner.verb == "closed":
                case = lane.tx.get(inner.channel, channel).on_close()
            else:
                case = otherwise()
            if mapped:
                case = case.map(texts[-1].change)
            cases.append(case.or_closed("instead") if inner.argument == "or" else case)
        with suppress(ChannelClosed, Failed):
            await self.recorder.wait(Call(lane.name, "select", tuple(texts), ""), select_any(cases, biased=True))

    def now(self, lane: Lane, op: Op) -> None:
        value, function = AT_ONCE[op.verb](self.access(lane, op.channel), op.argument)
        self.recorder.now(Call(lane.name, op.verb, value, op.channel, lane.end), function)
