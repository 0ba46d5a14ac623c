"""Every order of a small program: `explore`, `replay`, and what they report."""

import asyncio
import gc
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import monotonic
from typing import Final, Literal, NamedTuple, Self, cast

from aiochannel._core.newer_typing import override
from aiochannel._core.resting import Idle
from aiochannel.testing.actors import Run
from aiochannel.testing.plays import Play, Settings
from aiochannel.testing.search import Choose, Deviating, Priorities, by_deviations, shortest

Program = Callable[[Run], None]

OLDER: Final = 50
"""After how many schedules to free, too, what a program kept for longer than one of them."""
WORDS: Final = ("start", "io", "event", "clock", "cancel")


class Failure(NamedTuple):
    """A schedule under which something is wrong."""

    schedule: str
    """What `replay` takes."""
    trace: tuple[str, ...]
    """One line for each point: its number, and what was decided or which task ran, and where it stood then."""
    findings: tuple[str, ...]
    """What is wrong."""

    @override
    def __str__(self) -> str:
        lines = [*self.findings, "", *self.trace, "", f"replay(program, {self.schedule!r})"]
        if "any-order" in self.schedule and re.search(r"clock \d", self.schedule):
            lines.append('It needs timers="any": a timer that comes before another one that is due earlier.')
        return "\n".join(lines)


class ScheduleFailed(AssertionError):
    """A schedule has failed."""


class Report(NamedTuple):
    """What was played, and what was found."""

    schedules: int
    complete: bool
    """Every schedule was played."""
    deviations: int
    """Every schedule that deviates so often, or less, from the default was played."""
    failure: Failure | None

    def check(self) -> None:
        """Raise ScheduleFailed if there is a failure; it says what is wrong, what ran, and how to play it again."""
        if self.failure is not None:
            raise ScheduleFailed(f"{self}")

    @override
    def __str__(self) -> str:
        if self.failure is not None:
            return f"after {self.schedules} schedules\n{self.failure}"
        share = "all" if self.complete else f"all with up to {self.deviations} deviations"
        return f"{self.schedules} schedules, {share}: nothing wrong"


def explore(
    program: Program, /, *, cancellations: int = 1, budget: int = 5_000, seconds: float = 10.0,
    timers: Literal["in order", "any"] = "in order", seed: int = 0, swallowing: bool = True, eager: bool = False,
) -> Report:  # fmt: skip
    """Run a program under every order of what happens in it, until one fails.

    Schedules are played in the order of how often they deviate from the default; from half of the budget on, at random.

    Args:
        program: adds actors, events and checks to the `Run` that it is given. It is called once for each schedule, and
            must do the same each time.
        cancellations: how many actors may be cancelled in a schedule.
        budget: how many schedules to play at most.
        seconds: for how long to play at most.
        timers: "any" lets a timer come before another that is due earlier, as if durations meant nothing.
        seed: for the schedules at random, and in each of them for the module `random` and the generators that
            modules keep.
        swallowing: False finds fault with an actor that is cancelled and does not end cancelled.
        eager: let every task begin at once, as `asyncio.eager_task_factory` does, which Python has from 3.12 on.

    Raises:
        NotExplored: the program reaches outside: the network, a process, a thread.
    """
    settings = Settings(cancellations, timers, seed, swallowing, eager)
    with Player(program, settings) as player:
        return _explore(player, budget, monotonic(), seconds)


def replay(program: Program, schedule: str, /) -> Report:
    """Run a program under the schedule that a failure gave, on a selector event loop.

    Raises:
        ValueError: it is not a schedule, or the program has no such schedule (any more).
    """
    settings, deviations = _parse(schedule)
    with Player(program, settings) as player:
        play = player.play_for_real(deviations)
    if play.diverged:
        raise ValueError(f"the program has no schedule {schedule!r}: {play.diverged}")
    return Report(1, False, len(deviations), _failure(settings, deviations, play) if play.findings else None)


def _explore(player: "Player", budget: int, begun: float, seconds: float) -> Report:
    played, longest, level = 0, 1, 0
    for script, play in by_deviations(player.play):
        played += 1
        longest = max(longest, len(script.taken))
        level = len(script.deviations)
        if play.findings:
            return Report(played, False, max(0, level - 1), _shrink(player, play, dict(script.deviations)))
        if played >= budget / 2 or monotonic() - begun >= seconds / 2:
            break
    else:
        return Report(played, True, level, None)
    source = random.Random(player.settings.seed)
    while played < budget and monotonic() - begun < seconds:
        played += 1
        choose = Priorities(source, longest, "cancel ", player.settings.cancellations)
        play = player.play(choose)
        if play.findings:
            return Report(played, False, level - 1, _shrink(player, play, choose.deviations))
    return Report(played, False, level - 1, None)


def _shrink(player: "Player", play: Play, deviations: Mapping[int, str]) -> Failure:
    """Return the shortest failure, by leaving out deviations, and play it on a selector event loop."""
    best, failed = deviations, play

    def fails(attempt: Sequence[tuple[int, int, str]]) -> bool:
        nonlocal best, failed
        # What is left out had points of its own, so what follows it has to move up, nobody knows how far.
        missing = len(deviations) - len(attempt)
        for shift in range(2 * missing + 2):
            each = {
                place - shift * (rank - index) // missing: word for index, (rank, place, word) in enumerate(attempt)
            }
            choose = Deviating(each, strict=False)
            tried = player.play(choose)
            if tried.findings and not tried.diverged:
                best, failed = choose.deviations, tried
                return True
        return False

    shortest([(rank, place, word) for rank, (place, word) in enumerate(sorted(deviations.items()))], fails)
    real = player.play_for_real(best)
    if real.findings and not real.diverged:
        failed = real
    else:
        failed.findings.append("a selector event loop does not show it: the program depends on more than the schedule")
        failed.trace = real.trace
    return _failure(player.settings, best, failed)


def _failure(settings: Settings, deviations: Mapping[int, str], play: Play) -> Failure:
    return Failure(_text(settings, deviations), tuple(play.trace), tuple(play.findings))


class Player:
    """Plays schedules of a program, and keeps from it meanwhile what would differ from run to run."""

    def __init__(self, program: Program, settings: Settings) -> None:
        self.program = program
        self.settings = settings
        self._current: Play | None = None
        self._played = 0
        self._thread = threading.get_ident()
        self._undo = ExitStack()
        self._sources = _random_sources()

    def play(self, choose: Choose) -> Play:
        """Play one schedule."""
        return self._play(Play(self.program, self.settings, choose, real=False))

    def play_for_real(self, deviations: Mapping[int, str]) -> Play:
        """Play one schedule on a selector event loop."""
        return self._play(Play(self.program, self.settings, Deviating(deviations), real=True))

    def _play(self, play: Play) -> Play:
        random.seed(self.settings.seed)
        for source in self._sources:
            source.seed(self.settings.seed)
        Idle.count = 0
        self._current = play
        try:
            play.play()
        finally:
            self._current = None
        self._played += 1
        if self._played % OLDER == 0:
            gc.collect(1)
        return play

    def __enter__(self) -> Self:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("explore and replay run event loops: call them from a function that is not async")
        if gc.isenabled():
            self._undo.callback(gc.enable)
        gc.disable()  # a collection would come at another place each time
        state: tuple[object, ...] = random.getstate()
        self._undo.callback(lambda: random.setstate(state))
        for source in self._sources:
            self._undo.callback(_restored(source))
        threads: object = threading.Thread
        real_start = cast("Callable[[threading.Thread], None]", getattr(threads, "start"))  # noqa: B009
        real_monotonic = time.monotonic

        def start(thread: threading.Thread) -> None:
            if self._current is not None and threading.get_ident() == self._thread:
                raise self._current.refuse(
                    "the program starts a thread: stand in for it with `await run.outside(value)` or asyncio.to_thread"
                )
            real_start(thread)

        def read_clock() -> float:
            if self._current is not None and threading.get_ident() == self._thread:
                return self._current.now
            return real_monotonic()

        self._replace(threads, "start", start)
        self._replace(time, "monotonic", read_clock)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _replace(self, owner: object, name: str, stand_in: object) -> None:
        before: object = getattr(owner, name)
        self._undo.callback(lambda: setattr(owner, name, before))
        setattr(owner, name, stand_in)


# A schedule as text.


def _text(settings: Settings, deviations: Mapping[int, str]) -> str:
    words = [f"{settings.cancellations}c", settings.timers.replace("any", "any order").replace(" ", "-")]
    words += ["no-swallowing"] if not settings.swallowing else []
    words += ["eager"] if settings.eager else []
    words += [f"seed={settings.seed}"] if settings.seed else []
    body = ", ".join(f"{place} {decision}" for place, decision in sorted(deviations.items()))
    return f"{' '.join(words)}: {body}".rstrip()


def _parse(schedule: str) -> tuple[Settings, dict[int, str]]:
    head, _, body = schedule.partition(":")
    settings = Settings(0)
    for word in head.split():
        if match := re.fullmatch(r"(\d+)c", word):
            settings = settings._replace(cancellations=int(match[1]))
        elif match := re.fullmatch(r"seed=(-?\d+)", word):
            settings = settings._replace(seed=int(match[1]))
        elif word in ("in-order", "any-order"):
            settings = settings._replace(timers="any" if word == "any-order" else "in order")
        elif word == "no-swallowing":
            settings = settings._replace(swallowing=False)
        elif word == "eager":
            settings = settings._replace(eager=True)
        else:
            raise ValueError(f"{word!r} is not a setting of a schedule, as in '1c in-order: 4 clock, 10 cancel B'")
    deviations: dict[int, str] = {}
    for part in filter(None, map(str.strip, body.split(","))):
        match = re.fullmatch(rf"(\d+) ((?:{'|'.join(WORDS)})(?: .+)?)", part)
        if match is None:
            raise ValueError(
                f"{part!r} is not the number of a point and one of {', '.join(WORDS)}, as in '10 cancel B'"
            )
        deviations[int(match[1])] = match[2]
    return settings, deviations


def _random_sources() -> list[random.Random]:
    """Return the generators that modules keep as names of their own: what they draw must be the same in each run."""
    found: dict[int, random.Random] = {}
    for module in list(sys.modules.values()):
        names = cast("Mapping[str, object]", getattr(module, "__dict__"))  # noqa: B009
        found.update((id(value), value) for value in list(names.values()) if type(value) is random.Random)
    return list(found.values())


def _restored(source: random.Random) -> Callable[[], None]:
    state: tuple[object, ...] = source.getstate()
    return lambda: source.setstate(state)
