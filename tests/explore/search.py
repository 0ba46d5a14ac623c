"""All schedules of a program, or a sample of them; one schedule again; the shortest that fails.

The search is that of `aiochannel.testing`: a `World` is its game. What is here besides is what a schedule must keep.
Where there are too many schedules, some are drawn at random from a seed; the same draws estimate how many there are
(the mean of one over the probability of each), so that the share explored is known.

A schedule is the list of its decisions. It is played again one by one, so that a pasted schedule says all that was
decided.

The checks look at nothing but the record of a run. Many schedules differ in steps that no call could notice; of those
with equal records one is checked.
"""

import random
import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aiochannel.testing.search import Choose, Game, depth_first, shortest
from tests.explore.checks import Violation, check
from tests.explore.probe import finish, leave, let_go
from tests.explore.programs import Program, program, size_word
from tests.explore.verbs import Make, make_channel
from tests.explore.world import World
from tests.model.record import trace

PROBES = 100
CANCEL = 0.25


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
        policy = f", policy={self.program.policy!r}" if self.program.policy else ""
        policy += ", ordered=True" if self.program.ordered else ""
        return f"replay({self.program.text!r}, {self.program.size}, {list(self.decisions)!r}{any_order}{policy})"

    def as_command(self) -> str:
        """Return the schedule as a line for a shell, which plays it and prints its steps."""
        words = ["python", "-m", "tests.explore", self.program.text, "--size", size_word(self.program.size)]
        if self.program.any_order:
            words.append("--any-order")
        if self.program.ordered:
            words.append("--ordered")
        if self.program.policy:
            words += ["--policy", self.program.policy]
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

        def choose(game: Game) -> str:
            options = game.options()
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

        def fails(attempt: Sequence[str]) -> bool:
            nonlocal world, violations
            tried, found = self.replay(attempt, strict=False)
            if found:
                world, violations = tried, found
            return bool(found)

        shorter = shortest(best, fails)
        return Failure(self.program, tuple(shorter), violations, tuple(steps(world)))

    # Search.

    def walk(self, budget: int) -> Report:
        """Depth first, until every schedule has been played, or as many as `budget`."""
        schedules = 0
        for schedules, (_, (world, violations)) in enumerate(depth_first(self.play), 1):
            if violations:
                return Report(self.program, schedules, 0.0, self.shrink(world.decisions))
            if schedules == budget:
                return Report(self.program, schedules, 0.0, None)
        return Report(self.program, schedules, 1.0, None)

    def sample(self, draws: int, seed: int = 0) -> Report:
        """Random schedules; a cancel is drawn a quarter of the time. The share counts each schedule once."""
        source = random.Random(seed)
        drawn: set[int] = set()
        size = probability = 0.0

        def choose(game: Game) -> str:
            nonlocal probability
            options = game.options()
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
    text: str,
    size: int,
    decisions: Iterable[str],
    make: Make = make_channel,
    *,
    any_order: bool = False,
    policy: str = "",
    ordered: bool = False,
) -> tuple[Violation, ...]:
    """Return what a pasted schedule violates, which is nothing once the fault is mended."""
    schedule = list(decisions)
    script = program(text, size, cancels=cancels_in(schedule), any_order=any_order, policy=policy, ordered=ordered)
    return Explorer(script, make).replay(schedule)[1]
