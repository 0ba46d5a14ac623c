"""Every place of a scenario, under one action or several in turn."""

import asyncio
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from tests.budgets import SHIPPED
from tests.interrupts.actions import Action
from tests.interrupts.ending import Ending
from tests.interrupts.places import Place, Tracer, handled_by, own_garbage
from tests.interrupts.scenarios import Scenario
from tests.interrupts.world import Make, World, make_channel


class Failure(NamedTuple):
    scenario: Scenario
    action: Action
    number: int
    place: str
    violations: tuple[str, ...]

    def report(self) -> str:
        name, action = self.scenario.name, self.action.name
        return "\n".join([
            f"{name!r}, {action} at place {self.number}: {self.place}",
            *(f"    {violation}" for violation in self.violations),
            f"    python -m tests.interrupts {name!r} --action {action!r} --place {self.number}",
        ])  # fmt: skip


class Played(NamedTuple):
    """The places at which an action was played, and what was found there."""

    places: tuple[str, ...]
    failures: tuple[Failure, ...]


class Player:
    """Plays runs on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, make: Make) -> None:
        self.loop = loop
        self.make = make
        self.tracer = Tracer()
        self.world: World | None = None

    def play(self, scenario: Scenario, actions: Sequence[Action], only: int | None = None) -> Played:
        """Play each place, or only one, with the next of the actions, which have the same preparation."""
        passed: list[Place] = []
        places: list[str] = []
        failures: list[Failure] = []

        def run(before: int) -> Place | None:
            number = len(passed) + 1 if before else 0
            action = actions[(number + sys.version_info.minor) % len(actions)]
            world = self._run(scenario, action, before, acts=only in (None, number))
            place = world.place
            # A run without a signal is judged as well: it has to be faultless.
            judged = world.usable and (world.acted or not before)
            violations = tuple(Ending(world).violations()) if judged else ()
            world.end()
            if violations:
                failures.append(Failure(scenario, action, number, str(place), violations))
            if place is not None:
                passed.append(place)
                if world.acted:
                    places.append(str(place))
            return place

        with warnings.catch_warnings():
            # KeyboardInterrupt may come between making a coroutine and awaiting it.
            warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
            self.tracer.play_places(run)
        return Played(tuple(places), tuple(failures))

    def _run(self, scenario: Scenario, action: Action, before: int, *, acts: bool) -> World:
        world = self.world = World(scenario, self.loop, self.make, action, acts)
        self.loop.set_exception_handler(world.complain)
        world.prepare()
        self.tracer.run(world.play if world.usable else bool, before, collects=action.allocates)
        if world.drop():
            world.drive()
        return world

    def interrupt(self, frame: FrameType) -> None:
        if self.world is not None:
            self.world.interrupt(frame)

    def collect(self, frame: FrameType) -> None:
        if self.world is not None:
            self.world.collect(frame)

    def unraisable(self, hooked: "sys.UnraisableHookArgs") -> None:
        if self.world is not None:
            self.world.complaints.append(f"a finalizer raised {hooked.exc_value!r}")


@contextmanager
def player(make: Make = make_channel) -> Iterator[Player]:
    """Give a player, with its loop, its signal handler, and a garbage collector that runs when it is told to."""
    loop = asyncio.new_event_loop()
    plays = Player(loop, make)
    hook, sys.unraisablehook = sys.unraisablehook, plays.unraisable
    try:
        with own_garbage(plays.collect), handled_by(plays.interrupt):
            yield plays
    finally:
        sys.unraisablehook = hook
        SHIPPED.apply()
        loop.close()
