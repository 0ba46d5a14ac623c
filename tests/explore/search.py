"""All schedules of a program, or a sample of them; one schedule again; the shortest that fails.

A schedule is the list of its decisions. The tree of decisions is walked depth first, and every schedule is played from
the beginning: nothing has to be copied or undone. Where the tree is too large, schedules are drawn at random from a
seed; the same draws estimate how large the tree is (the mean of one over the probability of each), so that the share
explored is known.

The checks look at nothing but the record of a run. Many schedules differ in steps that no call could notice; of those
with equal records one is checked.
"""

import random
import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.explore.checks import Violation, check
from tests.explore.probe import finish, leave, let_go
from tests.explore.programs import Program, program, size_word
from tests.explore.verbs import Make, make_channel
from tests.explore.world import World
from tests.model.record import trace

PROBES = 100
CANCEL = 0.25
Choose = Callable[[World], str]


class Misfit(ValueError):
    """A schedule has a decision that cannot be taken there."""


class Failure(NamedTuple):
    program: Program
    decisions: tuple[str, ...]
    violations: tuple[Violation, ...]
    trace: tuple[str, ...]

    def report(self) -> str:
        return "\n".join(
            [
                self.program.describe(),
                *(f"  {line}" for line in self.trace),
                *(f"{kind}: {text}" for kind, text in self.violations),
                self.as_call(),
                self.as_command(),
            ]
        )

    def as_call(self) -> str:
        """Return the schedule as a line for a test."""
        any_order = ", any_order=True" if self.program.any_order else ""
        return f"replay({self.program.text!r}, {self.program.size}, {list(self.decisions)!r}{any_order})"

    def as_command(self) -> str:
        """Return the schedule as a line for a shell, which plays it and prints its steps."""
        words = ["python", "-m", "tests.explore", self.program.text, "--size", size_word(self.program.size)]
        if self.program.any_order:
            words.append("--any-order")
        return shlex.join([*words, "--replay", ", ".join(self.decisions)])


class Report(NamedTuple):
    program: Program
    schedules: int
    share: float  # of all the schedules that there are; 1.0: every one
    failure: Failure | None


class Explorer:
    """Plays schedules of one program on one kind of channel."""

    def __init__(self, script: Program, make: Make = make_channel, *, only: str = "") -> None:
        self.program = script
        self.make = make
        self.only = only  # the one kind of violation that counts, if not all do
        self.faultless: set[int] = set()  # the records that were checked; those of other schedules are often equal

    def play(self, choose: Choose) -> tuple[World, tuple[Violation, ...]]:
        """One run, to its end and through all the checks."""
        world = World(self.program, self.make)
        try:
            while not world.ended and world.failure is None:
                world.take(choose(world))
            finish(world)
            let_go(world)
        finally:
            leave(world)
            world.forget()
        record = world.record()
        number = hash(record)
        if number in self.faultless:
            return world, ()
        violations = tuple(found for found in check(world.program, record) if self.only in ("", found.kind))
        if not violations:
            self.faultless.add(number)
        return world, violations

    def replay(self, decisions: Iterable[str], *, strict: bool = True) -> tuple[World, tuple[Violation, ...]]:
        """Play a list of decisions, then go on with whatever comes first.

        Raises:
            Misfit: one of them cannot be taken there; if not `strict`, such a decision is skipped.
        """
        script = list(decisions)
        script.reverse()

        def choose(world: World) -> str:
            options = world.options()
            while script:
                decision = script.pop()
                if decision in options:
                    return decision
                if strict:
                    raise Misfit(f"{decision!r} is not one of {options}")
            return options[0]

        played = self.play(choose)
        if strict and script:
            raise Misfit(f"the run is over before {script[-1]!r}")
        return played

    def shrink(self, decisions: Iterable[str]) -> Failure:
        """Leave decisions out as long as the rest still fails."""
        best = list(decisions)
        world, violations = self.replay(best)
        assert violations, "it does not fail again"
        size = max(1, len(best) // 2)
        while size:
            place, shorter = 0, False
            while place < len(best):
                attempt = best[:place] + best[place + size :]
                tried, found = self.replay(attempt, strict=False)
                if found:
                    best, shorter, violations, world = attempt, True, found, tried
                else:
                    place += size
            size = size if shorter and size == 1 else size // 2
        return Failure(self.program, tuple(best), violations, tuple(steps(world)))

    # Search.

    def walk(self, budget: int) -> Report:
        """Depth first, until every schedule has been played, or as many as `budget`."""
        path: list[list[str]] = []  # for each decision of a run what is left to take, the next one last
        depth = schedules = 0

        def choose(world: World) -> str:
            nonlocal depth
            if depth == len(path):
                path.append(world.options()[::-1])
            depth += 1
            return path[depth - 1][-1]

        while schedules < budget:
            depth = 0
            world, violations = self.play(choose)
            schedules += 1
            if violations:
                return Report(self.program, schedules, 0.0, self.shrink(world.decisions))
            while path and len(path[-1]) == 1:
                path.pop()
            if not path:
                return Report(self.program, schedules, 1.0, None)
            path[-1].pop()
        return Report(self.program, schedules, 0.0, None)

    def sample(self, draws: int, seed: int = 0) -> Report:
        """Random schedules; a cancel is drawn a quarter of the time. The share counts each schedule once."""
        source = random.Random(seed)
        drawn: set[int] = set()
        size = probability = 0.0

        def choose(world: World) -> str:
            nonlocal probability
            options = world.options()
            others = len([option for option in options if not option.startswith("cancel")])
            cancels = len(options) - others
            if cancels and source.random() < CANCEL:
                probability *= CANCEL / cancels
                return options[others + source.randrange(cancels)]
            probability *= (1 - CANCEL if cancels else 1) / others
            return options[source.randrange(others)]

        for _ in range(draws):
            probability = 1.0
            world, violations = self.play(choose)
            drawn.add(hash(tuple(world.decisions)))
            size += 1 / probability
            if violations:
                return Report(self.program, len(drawn), 0.0, self.shrink(world.decisions))
        return Report(self.program, len(drawn), min(1.0, len(drawn) * draws / size), None)

    def explore(self, budget: int, draws: int, seed: int = 0) -> Report:
        """Every schedule if there are about as many as `budget`, or else so many draws."""
        probe = self.sample(PROBES, seed)
        if probe.failure is None and probe.schedules <= budget * probe.share:
            return self.walk(4 * budget)  # it is an estimate
        return probe if probe.failure else self.sample(draws, seed)


def steps(world: World) -> list[str]:
    """Return what a run did until it was at rest, as lines to read."""
    return trace(world.recorder, world.rest_place if world.rest_place >= 0 else len(world.recorder.events))


def cancels_in(schedule: Iterable[str]) -> int:
    return sum(decision.startswith("cancel ") for decision in schedule)


def replay(
    text: str, size: int, decisions: Iterable[str], make: Make = make_channel, *, any_order: bool = False
) -> tuple[Violation, ...]:
    """Return what a pasted schedule violates, which is nothing once the fault is mended."""
    schedule = list(decisions)
    script = program(text, size, cancels=cancels_in(schedule), any_order=any_order)
    return Explorer(script, make).replay(schedule)[1]
