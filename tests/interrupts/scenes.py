"""Scenes: what is interrupted of Watch and Call, as the scenarios of Channel are.

A scene has steps before, and steps whose places are played; the loop rests after each of the former and at `run`.

    G:get       start a task G that makes the call get
    set!        make a call at once
    cancel:G    cancel a task
    run         let the loop run until it rests

What the steps mean, what an action does at a place, and what must be true at the end is said by the subclasses.
"""

import asyncio
import gc
import sys
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import NamedTuple, Never

from aiochannel import ChannelClosed
from tests.budgets import SHIPPED
from tests.interrupts.actions import RAISE
from tests.interrupts.calls import INTERRUPTED, UNDER_WAY
from tests.interrupts.places import Place, Tracer, handled_by, own_garbage
from tests.interrupts.world import ROUNDS, Garbage
from tests.model.reference import Outcome
from tests.model.steps import outcome_of


class Script(NamedTuple):
    name: str
    before: str
    during: str


class Made:
    """A call, and how it ended."""

    def __init__(self, lane: str, verb: str) -> None:
        self.lane = lane
        self.verb = verb
        self.outcome = UNDER_WAY
        self.cancelled = False


class Scene:
    """A script, played once on a loop."""

    def __init__(self, script: Script, loop: asyncio.AbstractEventLoop, action: str) -> None:
        SHIPPED.apply()
        self.script = script
        self.loop = loop
        self.action = action
        self.made: list[Made] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.calls: dict[asyncio.Task[object], Made] = {}
        self.by_hand: Made | None = None
        self.interrupted: Made | None = None
        self.place: Place | None = None
        self.garbage: list[object] = []
        self.wrong: list[str] = []
        self.usable = True  # the script lets the action be prepared

    @abstractmethod
    def begin(self, verb: str) -> Coroutine[object, Never, object]:
        """Return the call of a task."""

    @abstractmethod
    def now(self, verb: str) -> object:
        """Make a call that does not wait."""

    @abstractmethod
    def prepare_action(self) -> None:
        """Prepare what the action needs."""

    @abstractmethod
    def violations(self) -> Iterator[str]:
        """Look at the end, and use everything up."""

    # Playing

    def prepare(self) -> None:
        for step in self.script.before.split():
            self.in_loop(partial(self.take, step))
        self.in_loop(self.prepare_action)

    def play(self) -> None:
        for steps in self.script.during.split("run"):
            self.in_loop(partial(self.take_all, steps.split()))

    def in_loop(self, function: Callable[[], object]) -> None:
        """Call a function in the loop, and let that run until it rests. An interrupted task stops it; it goes on."""
        self.loop.call_soon(function)
        rests = False

        def stop_after(rounds: int) -> None:
            nonlocal rests
            if rounds:
                self.loop.call_soon(stop_after, rounds - 1)
            else:
                rests = True
                self.loop.stop()

        self.loop.call_soon(stop_after, ROUNDS)
        while not rests:
            with suppress(KeyboardInterrupt):
                self.loop.run_forever()

    def take_all(self, steps: Sequence[str]) -> None:
        for step in steps:
            self.take(step)

    def take(self, step: str) -> None:
        if step.endswith("!"):
            self.make_now(Made("-", step[:-1]))
            return
        word, _, verb = step.partition(":")
        if word == "cancel":
            self.cancel(verb)
            return
        call = Made(word, verb)
        self.made.append(call)
        task = self.loop.create_task(self.perform(call))
        self.tasks[word] = task
        self.calls[task] = call

    def cancel(self, lane: str) -> None:
        if self.tasks[lane].cancel():
            self.calls[self.tasks[lane]].cancelled = True

    async def perform(self, call: Made) -> None:
        try:
            outcome = Outcome("ok", await self.begin(call.verb))
        except KeyboardInterrupt:
            call.outcome = INTERRUPTED
            raise
        except BaseException as error:
            outcome = outcome_of(error)
        call.outcome = outcome

    def make_now(self, call: Made) -> None:
        self.made.append(call)
        outer, self.by_hand = self.by_hand, call
        try:
            call.outcome = Outcome("ok", self.now(call.verb))
        except KeyboardInterrupt:
            call.outcome = INTERRUPTED
        except Exception as error:
            call.outcome = outcome_of(error)
        finally:
            self.by_hand = outer

    # The interruption

    def interrupt(self, frame: FrameType) -> None:
        """Act as the signal handler, once."""
        if self.place is not None:
            return
        self.place = Place.of(frame)
        if self.place is None:
            return
        for word in self.action.split("+"):
            if word == RAISE:
                if self.place.inside:
                    task = asyncio.current_task(self.loop)
                    self.interrupted = self.by_hand if task is None else self.calls[task]
                    raise KeyboardInterrupt
            elif word == "gc":
                self.garbage.clear()
                gc.collect()
            elif not self.place.is_len:  # warm code looks for no signal between `len` and what follows
                self.make_now(Made("handler", word))

    def suspend(self, coroutine: Coroutine[object, None, object]) -> None:
        """Make garbage of a call that waits."""
        try:
            coroutine.send(None)
        except (StopIteration, ChannelClosed):
            self.usable = False
        else:
            self.garbage.append(Garbage(coroutine))

    def drop(self) -> None:
        """Collect the garbage that is left."""
        if self.garbage:
            self.garbage.clear()
            gc.collect()
            self.in_loop(bool)

    # The end

    def check(self) -> list[str]:
        found = dict.fromkeys(self.wrong)
        try:
            found.update(dict.fromkeys(self.violations()))
            found.update(dict.fromkeys(self.wrong_outcomes()))
        except Exception as error:
            found[f"looking raised {error!r}"] = None
        return list(found)

    def wrong_outcomes(self) -> Iterator[str]:
        for call in self.made:
            if call.outcome is UNDER_WAY:
                yield f"{call.lane}'s {call.verb} waits for ever"
            elif call.outcome is INTERRUPTED and call is not self.interrupted:
                yield f"{call.lane}'s {call.verb} raised KeyboardInterrupt, and was not interrupted"
            elif call.outcome.word == "cancelled" and not call.cancelled:
                yield f"{call.lane}'s {call.verb} was cancelled by nobody"
            elif call.outcome.word.startswith("raised"):
                yield f"{call.lane}'s {call.verb} {call.outcome.word}"

    def end(self) -> None:
        self.garbage.clear()
        self.in_loop(lambda: [task.cancel() for task in self.tasks.values()])
        for task in self.tasks.values():
            if task.done() and not task.cancelled():
                task.exception()  # so that nobody complains that it was never looked at


Make = Callable[[Script, asyncio.AbstractEventLoop, str], Scene]


class Stage:
    """Plays scenes on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, make: Make) -> None:
        self.loop = loop
        self.make = make
        self.tracer = Tracer()
        self.scene: Scene | None = None

    def play(self, script: Script, actions: Sequence[str]) -> tuple[int, list[str]]:
        """Play each place with the next of the actions, and return how many there are, and what was found."""
        places: list[Place] = []
        found: list[str] = []

        def run(before: int) -> Place | None:
            action = actions[(len(places) + sys.version_info.minor) % len(actions)]
            scene = self.scene = self.make(script, self.loop, action)
            self.loop.set_exception_handler(lambda _, context: scene.wrong.append(f"the loop complains: {context}"))
            scene.prepare()
            self.tracer.run(scene.play if scene.usable else bool, before)
            scene.drop()
            if scene.usable:
                found.extend(f"{script.name}, {action}: {each}: {scene.place}" for each in scene.check())
            scene.end()
            self.scene = None
            if scene.place is not None:
                places.append(scene.place)
            return scene.place

        with warnings.catch_warnings():
            # KeyboardInterrupt may come between making a coroutine and awaiting it.
            warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
            self.tracer.play_places(run)
        return len(places), found

    def interrupt(self, frame: FrameType) -> None:
        if self.scene is not None:
            self.scene.interrupt(frame)

    def unraisable(self, hooked: "sys.UnraisableHookArgs") -> None:
        # What a signal handler raises in a finalizer, Python reports and forgets.
        if self.scene is not None and not isinstance(hooked.exc_value, KeyboardInterrupt):
            self.scene.wrong.append(f"a finalizer raised {hooked.exc_value!r}")


@contextmanager
def stage(make: Make) -> Iterator[Stage]:
    """Give a stage, with its loop, its signal handler, and a garbage collector that runs when it is told to."""
    loop = asyncio.new_event_loop()
    made = Stage(loop, make)
    hook, sys.unraisablehook = sys.unraisablehook, made.unraisable
    try:
        with own_garbage(lambda _: None), handled_by(made.interrupt):
            yield made
    finally:
        sys.unraisablehook = hook
        loop.close()


def long_run(title: str, make: Make, scripts: Sequence[Script], actions: Sequence[str]) -> int:
    """Play every action at every place of all scripts, print what fails, and return the exit status."""
    begun = time.perf_counter()
    runs = failures = 0
    with stage(make) as made:
        for script in scripts:
            for action in actions:
                count, found = made.play(script, [action])
                runs += count
                failures += len(found)
                print(*found, sep="\n", end="\n" if found else "")
    seconds = time.perf_counter() - begun
    print(f"interrupts of {title}: {runs} runs of {len(scripts)} scripts, {failures} failures, {seconds:.0f} s")
    return 1 if failures else 0
