"""The long run of `aiochannel.testing`: the zoo, random programs, and faults of the explorer that must be noticed.

python -m tests.testing --programs 1000 --processes 2

The exit status is 1 if a fault was not found, a right program was blamed, an outcome was lost, or a schedule was
another one on a selector event loop.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import inf

from aiochannel.testing import Run, explore, replay
from tests.testing.selfcheck import Checked, check
from tests.testing.test_selfcheck import MUTANTS, is_noticed
from tests.testing.zoo import FAULTY, RIGHT

ROUNDS = 7
RUNS = 300
SEEDS = 10  # for each piece of work of a process


def faults() -> Iterator[bool]:
    """Print what each fault of the zoo takes, and yield whether it was found, and is the same on a real loop."""
    print("| fault | schedules | seconds | schedule | on a real loop |\n|---|---:|---:|---|---|")
    for name, (program, within, _, cancellations, swallowing) in FAULTY.items():
        begun = time.perf_counter()
        report = explore(program, cancellations=cancellations, swallowing=swallowing, seconds=inf)
        seconds = time.perf_counter() - begun
        schedule = report.failure.schedule if report.failure else ""
        same = report.failure is not None and replay(program, schedule).failure == report.failure
        again = "the same" if same else "differs"
        print(f"| {name} | {report.schedules} | {seconds:.3f} | `{schedule}` | {again} |")
        yield same and report.schedules <= within


def right_programs() -> Iterator[bool]:
    """Print how many schedules each right program has, and yield whether it was played to the end without a finding."""
    print("\n| right program | schedules | all | findings |\n|---|---:|---|---|")
    for program in RIGHT:
        report = explore(program, seconds=inf)
        print(f"| {program.__name__} | {report.schedules} | {report.complete} | {report.failure} |")
        yield report.complete and report.failure is None


def explorer_faults() -> Iterator[bool]:
    """Print which faults of the explorer its checks notice, and yield whether they do."""
    print("\n| fault of the explorer | noticed |\n|---|---|")
    for name in MUTANTS:
        noticed = is_noticed(name)
        print(f"| {name} | {noticed} |")
        yield noticed


def random_programs(programs: int, limit: int, processes: int) -> Checked:
    """Compare random programs with and without the reduction, and each schedule with a selector event loop."""
    parts = [range(first, min(first + SEEDS, programs)) for first in range(0, programs, SEEDS)]
    with ProcessPoolExecutor(processes) as pool:
        compared = list(pool.map(partial(check, limit=limit), parts))
    return Checked(*map(sum, zip(*compared, strict=True)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.testing")
    parser.add_argument("--programs", type=int, default=1000, help="so many random ones")
    parser.add_argument("--limit", type=int, default=150, help="leave out those with so many schedules")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    begun = time.perf_counter()
    print(f"Python {sys.version.split()[0]}")
    found, quiet, noticed = list(faults()), list(right_programs()), list(explorer_faults())
    shares = sorted(speed() for _ in range(ROUNDS))
    print(f"\n{shares[ROUNDS // 2]:.2f} schedules for one asyncio.run of the same program,", end=" ")
    print(f"the median of {ROUNDS} rounds from {shares[0]:.2f} to {shares[-1]:.2f}\n", flush=True)
    try:
        compared, schedules, unreduced = random_programs(options.programs, options.limit, options.processes)
    except AssertionError as error:
        print(f"testing: a random program has another outcome: {error}")
        return 1
    print(
        f"testing: {sum(found)} of {len(found)} faults found, {sum(quiet)} of {len(quiet)} right programs quiet, "
        f"{sum(noticed)} of {len(noticed)} faults of the explorer noticed, {compared} random programs without "
        f"an outcome lost in {schedules} schedules for {unreduced}, {time.perf_counter() - begun:.0f} s"
    )
    return 0 if all([*found, *quiet, *noticed]) else 1


async def work(lock: asyncio.Lock) -> None:
    async with lock:
        await asyncio.sleep(0)


async def plain() -> None:
    lock = asyncio.Lock()
    await asyncio.gather(*(work(lock) for _ in "ABC"))


def three_on_a_lock(run: Run) -> None:
    lock = asyncio.Lock()
    for name in "ABC":
        run.actor(name, lambda: work(lock))


def speed() -> float:
    """Return how many schedules are played in the time of one `asyncio.run`, measured in turns."""
    begun = time.perf_counter()
    schedules = explore(three_on_a_lock).schedules
    explored = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(RUNS):
        asyncio.run(plain())
    return (schedules / explored) / (RUNS / (time.perf_counter() - begun))


if __name__ == "__main__":
    from tests.testing.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
