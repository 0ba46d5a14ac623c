"""Explore the catalogue's programs in all their variants, and print what was found.

python -m tests.explore --budget 20000 --draws 5000 --processes 2
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.explore.catalogue import variants
from tests.explore.programs import Program
from tests.explore.search import Explorer, Report


def explore(script: Program, budget: int, draws: int, seed: int) -> Report:
    return Explorer(script).explore(budget, draws, seed)


def length(script: Program) -> tuple[bool, int]:
    """What goes with how many schedules a program has."""
    return script.any_order, len(script.text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explore")
    parser.add_argument("--budget", type=int, default=20_000, help="walk a program that has about as many schedules")
    parser.add_argument("--draws", type=int, default=5_000, help="sample so many of one that has more")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="for the programs that are sampled")
    options = parser.parse_args()
    begun = time.perf_counter()
    schedules = violations = complete = 0
    play = partial(explore, budget=options.budget, draws=options.draws, seed=options.seed)
    longest_first = sorted(variants(), key=length, reverse=True)
    print("schedules    share  violations  program")
    with ProcessPoolExecutor(options.processes) as pool:
        for report in pool.map(play, longest_first):
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
        f"explorer: {schedules} schedules of {len(longest_first)} programs, {complete} of them complete, "
        f"{violations} violations, {seconds:.0f} s"
    )
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
