"""Small programs on Watches under every order of their steps and cancellations, beside the reference machine.

    A: get a1 get a1      the actor A gets twice by reader 1 of the Watch a; join a1 and get_nowait a1 likewise
    B: set a close a      a set, a close, or wait_closed a
    S: select a1 b1 a     a select on readers of a and b, and on the close of a

Everything is closed at some time, be it at the end.

`python -m tests.explore.watching` is the long run: every program, with up to two cancellations, eager tasks too.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from aiochannel.testing import Report, Run, explore
from tests.budgets import SHIPPED
from tests.model.watches import Watches

WAITING = ("get", "join", "wait_closed", "select")

PROGRAMS = (
    "A: get a1 | B: set a set a",
    "A: get a1 get a1 | B: set a set a",
    "A: get a1 get a1 get a1 | B: set a",
    "A: get a1 get a1 | B: get a1 | C: set a set a",
    "A: get a1 get a1 | B: get a1 | C: set a close a",
    "A: get a1 | B: get a2 | C: set a get_nowait a1 get_nowait a2",
    "A: get a1 get a1 | B: get_nowait a1 set a get_nowait a1",
    "A: get a1 get a1 get a1 | B: set a close a",
    "A: get a1 get a1 | B: get a1 get a1 | C: join a1",
    "A: get a1 get a1 get a1 | B: get a1 get a1 get a1 | C: join a1 set a | D: set a close a",
    "A: get a1 | B: wait_closed a | C: set a close a | D: wait_closed a get_nowait a1",
    "A: select a1 a select a1 a | B: set a close a",
    "A: select a1 b1 select a1 b1 select a1 b1 | B: set a set b | C: get b1",
    "A: select a1 b1 select a1 b1 select a1 b1 | B: set a",
    "A: select a1 b1 a select a1 b1 | B: get a1 get a1 | C: set a close a",
    "A: get a1 select a1 b1 | B: get a1 | C: set a | D: set a set b",
    "A: wait_closed a | B: wait_closed a | C: close a close a set a",
    "A: select a b",
)


def program(text: str) -> Callable[[Run], None]:
    """Return the program of a text, for `explore`."""

    def build(run: Run) -> None:
        SHIPPED.apply()  # each run counts its calls from the beginning
        watches = Watches()
        for actor in text.split("|"):
            name, _, steps = actor.partition(":")
            run.actor(name.strip(), partial(act, watches, parsed(steps.split())))
        run.event("close", partial(close, watches))  # so that every call ends
        run.always(watches.agree)
        run.at_rest(watches.at_rest)
        run.afterwards(partial(end, watches))

    return build


def parsed(words: Sequence[str]) -> list[list[str]]:
    """Return the calls, each with its places."""
    calls: list[list[str]] = []
    for word in words:
        if len(word) > 2:
            calls.append([word])
        else:
            calls[-1].append(word)
    return calls


async def act(watches: Watches, calls: Sequence[Sequence[str]]) -> None:
    for verb, *places in calls:
        if verb in WAITING:
            await watches.call(verb, *places)
        else:
            watches.now(verb, *places)


def close(watches: Watches) -> None:
    for name in watches.real:
        watches.now("close", name)


async def end(watches: Watches) -> None:
    """See that every reader comes to its end."""
    for name in list(watches.readers):
        while (await watches.call("get", name)).word == "ok":
            pass
        await watches.call("join", name)
    watches.agree()


def play(text: str, budget: int, cancellations: int, seconds: float, *, eager: bool = False) -> Report:
    """Explore one program. A join may wait for ever where all who read are cancelled: one is enough there."""
    most = min(cancellations, 1) if "join" in text else cancellations
    return explore(program(text), budget=budget, cancellations=most, seconds=seconds, eager=eager)


class Play(Protocol):
    """How one program is explored."""

    def __call__(self, text: str, budget: int, cancellations: int, seconds: float, *, eager: bool) -> Report: ...


def long_run(name: str, programs: Sequence[str], play: Play) -> int:
    """Play all programs, print a line for each, and return the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.explore.{name}")
    parser.add_argument("--budget", type=int, default=20_000, help="schedules of each program")
    parser.add_argument("--seconds", type=float, default=60, help="for each program")
    options = parser.parse_args()
    begun = time.perf_counter()
    schedules = failures = complete = 0
    for text in programs:
        for cancellations in (0, 1, 2):
            for eager in (False, True) if sys.version_info >= (3, 12) else (False,):
                report = play(text, options.budget, cancellations, options.seconds, eager=eager)
                print(f"{report.schedules:9} {'all' if report.complete else '':3} {cancellations} {text}", flush=True)
                schedules += report.schedules
                complete += report.complete
                if report.failure is not None:
                    failures += 1
                    print(report)
    seconds = time.perf_counter() - begun
    print(f"{name}: {schedules} schedules of {len(programs)} programs, {failures} failures, {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(long_run("watching", PROGRAMS, play))
