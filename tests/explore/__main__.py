"""Explore the catalogue's programs in all their variants, or one program, or play one schedule of it.

python -m tests.explore --budget 20000 --draws 5000 --processes 2
python -m tests.explore "A: put | G: get" --size 1 --cancels 2
python -m tests.explore "A: put | G: get" --size 1 --replay "G, A, cancel G"

The language of programs and schedules is in tests/explore/programs.py. The exit status is 1 if a rule was broken.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.explore.catalogue import POLICIES, variants
from tests.explore.programs import Program, program
from tests.explore.search import Explorer, Failure, Misfit, Report, cancels_in, steps
from tests.explore.verbs import Make, make_channel
from tests.model.reference import RENDEZVOUS

Play = Callable[[Program], Report]


def explore(script: Program, budget: int, draws: int, seed: int, make: Make = make_channel) -> Report:
    return Explorer(script, make).explore(budget, draws, seed)


def length(script: Program) -> tuple[bool, int]:
    """Return what goes with how many schedules a program has."""
    return script.any_order, len(script.text)


def explore_all(scripts: Sequence[Program], reports: Iterable[Report]) -> int:
    """Print the reports as they come, and return the exit status."""
    begun = time.perf_counter()
    schedules = violations = complete = 0
    print("schedules    share  violations  program")
    for report in reports:
        found = 0 if report.failure is None else len(report.failure.violations)
        share = "all" if report.share == 1 else f"{report.share:.1g}"
        print(f"{report.schedules:9}  {share:>7}  {found:10}  {report.program.describe()}", flush=True)
        if report.failure is not None:
            print(report.failure.report(), flush=True)
        schedules += report.schedules
        violations += found
        complete += report.share == 1
    seconds = time.perf_counter() - begun
    print(
        f"explorer: {schedules} schedules of {len(scripts)} programs, {complete} of them complete, "
        f"{violations} violations, {seconds:.0f} s"
    )
    return 1 if violations else 0


def play_one(script: Program, schedule: Sequence[str], make: Make) -> int:
    """Play one schedule, print its steps and what it violates, and return the exit status."""
    world, violations = Explorer(script, make).replay(schedule)
    print(Failure(script, tuple(schedule), violations, tuple(steps(world))).report())
    print(f"explorer: 1 schedule, {len(violations)} violations")
    return 1 if violations else 0


def size(text: str) -> int:
    try:
        found = {"unbounded": 0, "rendezvous": RENDEZVOUS}.get(text)
        number = int(text) if found is None else found
    except ValueError:
        number = RENDEZVOUS - 1
    if number < RENDEZVOUS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: it is a number, unbounded (0) or rendezvous (-1)")
    return number


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def main(argv: Sequence[str] | None = None, make: Make = make_channel) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explore")
    parser.add_argument("program", nargs="?", help="only this one, such as 'A: put | G: get'")
    parser.add_argument("--size", type=size, help="of its channels: a number, unbounded (0) or rendezvous (-1); else 1")
    parser.add_argument("--cancels", type=count, help="at most so many in a schedule; else 2, or those of --replay")
    parser.add_argument("--any-order", action="store_true", help="woken tasks run in any order")
    parser.add_argument("--policy", default="", choices=POLICIES, help="of its channels, where puts are not to wait")
    parser.add_argument("--ordered", action="store_true", help="what a later lane has put leaves first")
    parser.add_argument("--replay", metavar="SCHEDULE", help="only this one of the program, such as 'G, A, cancel G'")
    parser.add_argument("--budget", type=count, default=20_000, help="walk a program that has about as many schedules")
    parser.add_argument("--draws", type=count, default=5_000, help="sample so many of one that has more")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="for the programs that are sampled")
    options = parser.parse_args(argv)
    text: str | None = options.program
    schedule: str | None = options.replay
    maxsize: int | None = options.size
    cancels: int | None = options.cancels
    any_order: bool = options.any_order
    policy: str = options.policy
    ordered: bool = options.ordered
    play: Play = partial(explore, budget=options.budget, draws=options.draws, seed=options.seed, make=make)
    if text is None:
        if any_order or policy or ordered or (maxsize, cancels, schedule) != (None, None, None):
            parser.error("these options are of one program, and there is none")
        longest_first = sorted(variants(), key=length, reverse=True)
        with ProcessPoolExecutor(options.processes) as pool:
            return explore_all(longest_first, pool.map(play, longest_first))
    decisions = None if schedule is None else [word.strip() for word in schedule.split(",") if word.strip()]
    if cancels is None:
        cancels = 2 if decisions is None else cancels_in(decisions)
    try:
        script = program(
            text,
            1 if maxsize is None else maxsize,
            cancels=cancels,
            any_order=any_order,
            policy=policy,
            ordered=ordered,
        )
    except ValueError as error:
        parser.error(str(error))
    if decisions is None:
        return explore_all([script], map(play, [script]))
    try:
        return play_one(script, decisions, make)
    except Misfit as error:
        parser.error(str(error))


if __name__ == "__main__":
    from tests.explore.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
