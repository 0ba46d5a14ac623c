"""One run of a scenario: its channels and calls, the loop that is driven by hand, and what is done at the place."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from types import FrameType

from aiochannel import Channel, ChannelClosed, Overflow, PriorityChannel, Receiver, Sender
from tests.budgets import SHIPPED, SMALL
from tests.interrupts.actions import BEGINS, CANCEL, END, LOOK, RAISE, Action, Effect
from tests.interrupts.calls import INTERRUPTED, UNDER_WAY, Begin, Call, Subject, carried_out, described
from tests.interrupts.places import Place
from tests.interrupts.scenarios import PRIORITY, Scenario
from tests.ledger import Ledger
from tests.model.record import outcome_of, returned
from tests.model.reference import RENDEZVOUS

Make = Callable[[int], Channel[str]]

ROUNDS = 5  # of the loop until it rests; the longest chain of wake-ups of a scenario is shorter
BEGUN = "v"
"""The lane of the task that a handler begins, which may be ahead of the one that it has interrupted."""
OPENINGS = ("open", "openr")
LEAVINGS = ("leave", "crash")
OF_ENDS = (*OPENINGS, "enter", *LEAVINGS)


def make_channel(size: int) -> Channel[str]:
    return Channel[str].rendezvous() if size == RENDEZVOUS else Channel[str](size)


class Garbage:
    """A cycle that only a collection frees, and with it an end that was not entered, or a suspended coroutine."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.cycle = self


class Lease:
    """A resource that its finalizer gives back."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self.give_back = give_back

    def __del__(self) -> None:
        self.give_back()


class World:
    """A scenario, played once on a loop."""

    def __init__(
        self, scenario: Scenario, loop: asyncio.AbstractEventLoop, make: Make, action: Action, acts: bool
    ) -> None:
        self.scenario = scenario
        self.loop = loop
        self.rests = True
        self.action = action
        self.acts = acts
        (SMALL if scenario.rests else SHIPPED).apply()  # what was counted in runs before counts no more
        self.dropped: dict[str, list[str]] = {name: [] for name in scenario.channels}
        self.channels = {name: self._made(name, make) for name in scenario.channels}
        self.ledgers = {name: Ledger() for name in scenario.channels}
        self.calls: list[Call] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.lanes: dict[asyncio.Task[object], Call] = {}
        self.ends: dict[str, AbstractContextManager[Sender[str] | Receiver[str]]] = {}
        self.by_hand: Call | None = None
        self.interrupted: Call | None = None
        self.place: Place | None = None
        self.acted = False
        self.usable = True  # the scenario lets the action be prepared
        self.garbage: list[object] = []
        self.awaits_collection = False
        self.counts: dict[str, int] = {}
        self.complaints: list[str] = []

    def _made(self, name: str, make: Make) -> Subject:
        scenario = self.scenario
        if scenario.policy == PRIORITY:
            return PriorityChannel[str](scenario.size, key=lambda item: -ord(item[0]))
        if not scenario.policy:
            return make(scenario.size)
        told = None if scenario.quiet else self.dropped[name].append
        return Channel[str](scenario.size, overflow=Overflow[scenario.policy], on_drop=told)

    # The loop

    def drive(self) -> None:
        """Let the loop run until it rests. A task that ends by KeyboardInterrupt stops it; it goes on."""
        self.loop.call_soon(self._stop_after, ROUNDS)
        self.rests = False
        while not self.rests:
            with suppress(KeyboardInterrupt):
                self.loop.run_forever()

    def _stop_after(self, rounds: int) -> None:
        if rounds:
            self.loop.call_soon(self._stop_after, rounds - 1)
        else:
            self.rests = True
            self.loop.stop()

    def complain(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self.complaints.append(f"the loop complains: {context.get('message')}: {context.get('exception')!r}")

    # The steps

    def prepare(self) -> None:
        if any(effect.word == END for effect in self.action.effects):
            self.garbage.append(Garbage(self.channels["a"].open_sender()))
        steps = self.scenario.before.split()
        if not self.scenario.is_new:
            self.loop.call_soon(self._wear_in)
            self.drive()
        for step in steps:
            self.loop.call_soon(self._take, step)
            self.drive()
        for effect in self.action.effects:
            self._prepare(effect)
        if self.action.allocates:
            self.garbage.clear()
            self.awaits_collection = True

    def play(self) -> None:
        """Take the steps whose places are played: those between two `run` in one callback of the loop."""
        for steps in self.scenario.during.split("run"):
            self.loop.call_soon(self._take_all, steps.split())
            self.drive()

    def _wear_in(self) -> None:
        """Wait on each side once, so that the channel belongs to the loop and has its wait queues."""
        for channel in self.channels.values():
            _wait_and_give_up(channel.get())
            _wait_and_give_up(channel.join())
            if self.scenario.loses:
                continue  # no put waits
            for _ in range(max(self.scenario.size, 0)):
                channel.put_nowait("w")
            putting = channel.put("w")
            while not channel.statistics().waiting_senders:  # it may let other tasks run first
                putting.send(None)
            putting.close()
            for _ in range(channel.qsize()):
                channel.get_nowait()

    def _take_all(self, steps: Sequence[str]) -> None:
        for step in steps:
            self._take(step)

    def _take(self, step: str) -> None:
        word, _, lane = step.partition(":")
        if word in ("new", "small"):
            return
        if word == "cancel":
            self._call_of(lane).cancelled = self.tasks[lane].cancel()
        elif word in OF_ENDS:
            if lane in self.ends or word in OPENINGS:  # else its opening was interrupted
                self._now(Call(lane, word, "a"), lambda: self._use_end(word, lane))
        elif lane:
            self._start(word, lane)
        else:
            verb, _, channel = word.replace("!", "_nowait").partition(".")
            call = Call("m", verb, channel or "a", (self.item("m"),) if verb == "put_nowait" else ())
            self._now(call, lambda: carried_out(call, self.channels))

    def item(self, lane: str) -> str:
        self.counts[lane] = self.counts.get(lane, 0) + 1
        return f"{lane}{self.counts[lane]}"

    def _call_of(self, lane: str) -> Call:
        return next(call for call in reversed(self.calls) if call.lane == lane)

    def _now(self, call: Call, function: Callable[[], object]) -> None:
        """Carry out a call that does not wait, and note how it ends."""
        self.calls.append(call)
        outer, self.by_hand = self.by_hand, call
        try:
            call.outcome = returned(function())
        except KeyboardInterrupt:
            call.outcome = INTERRUPTED
        except Exception as error:
            call.outcome = outcome_of(error)
        finally:
            self.by_hand = outer

    def _use_end(self, word: str, name: str) -> None:
        match word:
            case "open":
                self.ends[name] = self.channels["a"].open_sender()
            case "openr":
                self.ends[name] = self.channels["a"].open_receiver()
            case "enter":
                self.ends[name].__enter__()
            case "leave":
                self.ends[name].__exit__(None, None, None)
            case _:
                self.ends[name].__exit__(ValueError, ValueError("the crash"), None)

    # Tasks

    def _start(self, lane: str, text: str, *, eagerly: bool = False) -> None:
        call, begin = described(lane, text, self.channels, self.item)
        self.calls.append(call)
        performing = self._perform(call, begin)
        if sys.version_info >= (3, 12) and eagerly:
            task = asyncio.Task(performing, loop=self.loop, eager_start=True)
        else:
            task = self.loop.create_task(performing)
        self.tasks[lane] = task
        self.lanes[task] = call

    def _cancel_first(self) -> None:
        """Cancel the first task that waits, other than the one that runs."""
        running = asyncio.current_task(self.loop)
        for task, call in self.lanes.items():
            if task is not running and call.outcome is UNDER_WAY and not call.cancelled:
                call.cancelled = task.cancel()
                return

    async def _perform(self, call: Call, begin: Begin) -> None:
        try:
            outcome = returned(await begin())
        except KeyboardInterrupt:
            call.outcome = INTERRUPTED
            raise
        except BaseException as error:
            outcome = outcome_of(error)
        call.outcome = outcome

    def end(self) -> None:
        """End what is left."""
        self.ends.clear()
        self.drop()
        if [task for task in self.tasks.values() if task.cancel()]:
            self.drive()
        for task in self.tasks.values():
            if task.done() and not task.cancelled():
                task.exception()  # so that nobody complains that it was never looked at

    # The action

    def _prepare(self, effect: Effect) -> None:
        kind, _, verb = effect.word.partition(" ")
        if kind == "waiting":
            other = next((name for name in self.channels if name != effect.channel), effect.channel)
            text = f"sel(get.{effect.channel},get.{other})" if verb == "select" else f"{verb}.{effect.channel}"
            _, begin = described("y", text, self.channels, self.item)
            self.loop.call_soon(self._suspend, begin)
            self.drive()
        elif effect.collector and effect.word != END:
            self.garbage.append(Garbage(Lease(lambda: self.carry_out(effect))))

    def _suspend(self, begin: Begin) -> None:
        coroutine = begin()
        try:
            coroutine.send(None)  # type: ignore[arg-type]  # nothing is ever sent to it
        except (StopIteration, ChannelClosed):
            self.usable = False
        else:
            self.garbage.append(Garbage(coroutine))

    def interrupt(self, frame: FrameType) -> None:
        """Act as the signal handler."""
        if self.place is not None:
            return
        self.place = Place.of(frame)
        if self.place is None:
            return
        action = self.action
        self.acted = self.acts and not (
            (action.raises and not self.place.inside) or (action.reenters and self.place.is_len)
        )
        if not self.acted:
            return
        for effect in action.effects:
            if effect.word == RAISE:
                self.interrupted = self._running()
                raise KeyboardInterrupt
            if effect.collector:
                self.drop()
            else:
                self.carry_out(effect)

    def drop(self) -> bool:
        """Collect the garbage, and return whether there was any."""
        if not self.garbage and not self.awaits_collection:
            return False
        self.garbage.clear()
        self.awaits_collection = False
        gc.collect()
        return True

    def collect(self, frame: FrameType) -> None:
        """Take note of a collection that begins in this frame."""
        if self.awaits_collection:
            self.awaits_collection = False
            self.place = Place.of(frame)
            self.acted = self.acts and self.place is not None

    def _running(self) -> Call | None:
        task = asyncio.current_task(self.loop)
        return self.by_hand if task is None else self.lanes[task]

    def carry_out(self, effect: Effect) -> None:
        if effect.word == LOOK:
            self._look()
            return
        if effect.word == CANCEL:
            self._cancel_first()
            return
        if effect.word in BEGINS:
            self._start(BEGUN, f"{effect.word.removeprefix('begin ')}.{effect.channel}", eagerly=True)
            return
        verb = {"put": "put_nowait", "get": "get_nowait", "drain": "get_many_nowait"}.get(effect.word, effect.word)
        call = Call("x", verb, effect.channel, (self.item("x"),) if effect.word == "put" else ())
        self._now(call, lambda: carried_out(call, self.channels))

    def _look(self) -> None:
        for name, channel in self.channels.items():
            try:
                numbers = channel.statistics()
            except Exception as error:
                self.complaints.append(f"at the place {name}.statistics() raised {error!r}")
                continue
            if min(numbers.qsize, numbers.waiting_receivers, numbers.waiting_senders) < 0:
                self.complaints.append(f"at the place {name} shows {numbers}")


def _wait_and_give_up(coroutine: Coroutine[object, None, object]) -> None:
    coroutine.send(None)
    coroutine.close()
