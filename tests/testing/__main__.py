"""Print what the zoo's faults take: `python -m tests.testing`."""

import asyncio
import sys
import time

from aiochannel.testing import Run, explore, replay
from tests.testing.zoo import FAULTY, RIGHT

ROUNDS = 7
RUNS = 300


def main() -> None:
    print(f"Python {sys.version.split()[0]}")
    print("| fault | schedules | seconds | schedule | on a real loop |\n|---|---:|---:|---|---|")
    for name, (program, _, _, cancellations, swallowing) in FAULTY.items():
        begun = time.perf_counter()
        report = explore(program, cancellations=cancellations, swallowing=swallowing)
        seconds = time.perf_counter() - begun
        assert report.failure is not None
        same = replay(program, report.failure.schedule).failure == report.failure
        again = "the same" if same else "differs"
        print(f"| {name} | {report.schedules} | {seconds:.3f} | `{report.failure.schedule}` | {again} |")
    print("\n| right program | schedules | all | findings |\n|---|---:|---|---|")
    for program in RIGHT:
        report = explore(program)
        print(f"| {program.__name__} | {report.schedules} | {report.complete} | {report.failure} |")
    shares = sorted(speed() for _ in range(ROUNDS))
    print(f"\n{shares[ROUNDS // 2]:.2f} schedules for one asyncio.run of the same program,", end=" ")
    print(f"the median of {ROUNDS} rounds from {shares[0]:.2f} to {shares[-1]:.2f}")


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
    main()
