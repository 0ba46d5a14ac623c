"""The hard cases under many schedules, and programs at random; the last line has the figures.

python -m tests.broadcast --budget 20000 --programs 20000 --schedules 10 --processes 2
python -m tests.broadcast --program 17 --schedules 20000

The exit status is 1 if a rule was broken.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from aiochannel.testing import Report, explore
from tests.broadcast.chance import play
from tests.broadcast.programs import PROGRAMS

CHUNK = 250


def play_hard_case(name: str, budget: int) -> tuple[str, Report]:
    return name, explore(PROGRAMS[name], cancellations=2, budget=budget, seconds=60)


def play_chunk(first: int, count: int, schedules: int) -> tuple[int, list[str]]:
    """Play some programs, and return how many schedules that were, and the failures."""
    played = 0
    failures: list[str] = []
    for seed in range(first, first + count):
        report = play(seed, schedules)
        played += report.schedules
        if report.failure is not None:
            failures.append(f"program {seed}: {report}")
    return played, failures


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.broadcast")
    parser.add_argument("--budget", type=int, default=20_000, help="schedules of each hard case")
    parser.add_argument("--programs", type=int, default=20_000, help="at random")
    parser.add_argument("--schedules", type=int, default=10, help="of each program at random")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--program", type=int, help="only this one")
    options = parser.parse_args(argv)
    budget: int = options.budget
    programs: int = options.programs
    schedules: int = options.schedules
    processes: int = options.processes
    one: int | None = options.program
    if one is not None:
        report = play(one, schedules)
        print(report)
        return 1 if report.failure else 0
    begun = time.perf_counter()
    played = failures = 0
    chunks = range(0, programs, CHUNK)
    with ProcessPoolExecutor(processes) as pool:
        for name, report in pool.map(partial(play_hard_case, budget=budget), PROGRAMS):
            print(f"{name}: {report}", flush=True)
            played += report.schedules
            failures += report.failure is not None
        counts = [min(CHUNK, programs - first) for first in chunks]
        for number, failed in pool.map(partial(play_chunk, schedules=schedules), chunks, counts):
            print(*failed[:1], sep="\n", end="\n" if failed else "", flush=True)
            played += number
            failures += len(failed)
    seconds = time.perf_counter() - begun
    print(
        f"broadcast: {played} schedules of {len(PROGRAMS)} hard cases and {programs} programs at random, "
        f"{failures} failures, {seconds:.0f} s"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    from tests.broadcast.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
