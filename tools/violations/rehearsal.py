"""The same schedule on asyncio's own event loop."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterable
from typing import Final

from aiochannel import ChannelClosed
from tests.explore.checks import Violation
from tests.explore.probe import PROBE
from tests.explore.programs import Op, Program, program
from tests.explore.verbs import AT_ONCE, WAITING, Access
from tests.explore.world import Record
from tests.model.record import Call, Recorder, Seen, see
from tools.peers import Peer
from tools.violations.adapter import maker, rules
from tools.violations.faults import faults

WRAPPERS: Final = {"timeout", "wait_for", "group", "eager", "crash"}


class Rehearsal:
    """Plays the decisions of a schedule on the running loop: each call is a task that starts at once.

    `run` lets the loop run once. Lanes that have timers, groups or eager tasks of their own cannot be played so.
    """

    def __init__(self, script: Program, peer: Peer) -> None:
        make = maker(peer)
        self.recorder = Recorder()
        self.channels = {name: make(script.size) for name in script.channels()}
        self.left = {lane.name: list(lane.ops) for lane in script.lanes}
        self.tasks: dict[str, asyncio.Task[object]] = {}
        self.items: Counter[str] = Counter()
        self.complaints: list[str] = []

    async def play(self, decisions: Iterable[str]) -> Record:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.complaints.append(str(context)))
        for decision in decisions:
            word, _, name = decision.partition(" ")
            if word == "run":
                await asyncio.sleep(0)
            elif word == "cancel":
                if name in self.tasks:
                    self.tasks[name].cancel()
            elif word != "end":
                await self.step(word)
        for lane in self.left:
            await self.settle()
            while self.left[lane] and self.ended(lane):
                await self.step(lane)
                await self.settle()
        stuck = tuple(self.recorder.open)
        at_rest = self.see()
        for task in self.tasks.values():
            task.cancel()
        await self.settle()
        emptied = self.see()
        for name, channel in self.channels.items():
            drain = ["get_nowait"] * (channel.qsize() + 1)
            for verb in (*drain, "close", "put_nowait", "get_nowait"):
                self.now(PROBE, verb, name)
            await self.settle()
        self.channels.clear()
        self.tasks.clear()
        self.recorder.forget()
        gc.collect()
        calls, events, complaints = tuple(self.recorder.calls), tuple(self.recorder.events), tuple(self.complaints)
        return Record(calls, events, stuck=stuck, at_rest=at_rest, emptied=emptied, complaints=complaints)

    def see(self) -> tuple[tuple[str, Seen], ...]:
        return tuple((name, see(channel)) for name, channel in self.channels.items())

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def ended(self, lane: str) -> bool:
        return lane not in self.tasks or self.tasks[lane].done()

    async def step(self, lane: str) -> None:
        """Let a lane begin its next call, if it has ended the last one and was not cancelled."""
        if not self.left[lane] or not self.ended(lane):
            return
        op = self.left[lane].pop(0)
        if op.verb in WAITING:
            self.tasks[lane] = asyncio.Task(  # type: ignore[call-arg]  # from 3.12 on
                self.wait(lane, op), loop=asyncio.get_running_loop(), eager_start=True
            )
        else:
            self.now(lane, op.verb, op.channel)

    async def wait(self, lane: str, op: Op) -> None:
        value, call = WAITING[op.verb](self.access(lane, op.channel), op.argument)
        try:
            await self.recorder.wait(Call(lane, op.verb, value, op.channel), call)
        except asyncio.CancelledError:
            if not op.goes_on:
                self.left[lane].clear()
        except ChannelClosed:
            pass

    def now(self, lane: str, verb: str, name: str) -> None:
        value, function = AT_ONCE[verb](self.access(lane, name), "")
        self.recorder.now(Call(lane, verb, value, name), function)

    def access(self, lane: str, name: str) -> Access:
        def item() -> str:
            self.items[lane] += 1
            return f"{lane}{self.items[lane]}"

        return Access(self.channels[name], None, None, item)


def reproduce(peer: Peer, text: str, size: int, decisions: Iterable[str]) -> list[Violation]:
    """The faults that a schedule shows on asyncio's own event loop."""
    script = program(text, size)

    async def rehearse() -> Record:
        return await Rehearsal(script, peer).play(decisions)

    with asyncio.Runner() as runner:
        return list(faults(runner.run(rehearse()), rules(peer)))


def playable(script: Program) -> bool:
    return all(op.verb not in WRAPPERS for lane in script.lanes for op in lane.ops)
