"""How fast one program is played: by aiochannel.testing, by other explorers of asyncio, and by asyncio.run itself.

python -m tools.explorers      prints a table; what is not installed is left out (pip install detangle simloop)

The program is three tasks that take one lock. Each tool plays it as it does by itself: only `explore` cancels a task in
most of its schedules. The tools are measured in turns, in CPU time; the table has the median of the rounds.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Final, NamedTuple, Protocol, cast

from aiochannel.testing import Run, explore

ROUNDS: Final = 9
PLAYED: Final = 300
"""Schedules a round, by the tools that are told how many."""

Main = Callable[[], Coroutine[object, object, object]]


class Played(NamedTuple):
    schedules: int
    different: int | None
    """None if the tool does not say."""
    complete: bool = False


class Stats(Protocol):
    runs: int
    distinct_schedules: int
    exhausted: bool


class Detangle(Protocol):
    """The parts of detangle that are used."""

    def explore(self, fn: Main, *, runs: int, strategy: object, database: bool, seed: int) -> Stats: ...
    def DFS(self, *, max_delays: int) -> object: ...  # noqa: N802  # a class
    def RandomWalk(self) -> object: ...  # noqa: N802  # another


class Simloop(Protocol):
    """The parts of simloop that are used."""

    def explore(self, fn: Main, seeds: Iterable[int]) -> object: ...


async def take(lock: asyncio.Lock) -> None:
    async with lock:
        await asyncio.sleep(0)


async def main() -> None:
    lock = asyncio.Lock()
    await asyncio.gather(*(take(lock) for _ in "ABC"))


def program(run: Run) -> None:
    lock = asyncio.Lock()
    for name in "ABC":
        run.actor(name, lambda: take(lock))


def ours(cancellations: int) -> Played:
    report = explore(program, cancellations=cancellations)
    report.check()
    return Played(report.schedules, report.schedules, report.complete)


def bare() -> Played:
    for _ in range(PLAYED):
        asyncio.run(main())
    return Played(PLAYED, 1)


def detangled(detangle: Detangle, strategy: Callable[[], object]) -> Played:
    stats = detangle.explore(main, runs=PLAYED, strategy=strategy(), database=False, seed=0)
    return Played(stats.runs, stats.distinct_schedules, stats.exhausted)


def simulated(simloop: Simloop) -> Played:
    failed = simloop.explore(main, range(PLAYED))
    assert failed is None
    return Played(PLAYED, None)


def tools() -> dict[str, Callable[[], Played]]:
    found = {
        "`explore`, one cancel": lambda: ours(1),
        "`explore`, no cancel": lambda: ours(0),
        "`asyncio.run`, no explorer": bare,
    }
    if name := installed("detangle"):
        detangle = cast("Detangle", import_module("detangle"))
        found[f"{name}, at random"] = lambda: detangled(detangle, detangle.RandomWalk)
        found[f"{name}, up to 4 delays"] = lambda: detangled(detangle, lambda: detangle.DFS(max_delays=4))
    if name := installed("simloop"):
        simloop = cast("Simloop", import_module("simloop"))
        found[f"{name}, at random"] = lambda: simulated(simloop)
    return found


def installed(name: str) -> str:
    """Return a package with its version, or nothing."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def measure() -> None:
    """Print the table."""
    chosen = tools()
    rates: dict[str, list[float]] = {name: [] for name in chosen}
    played: dict[str, Played] = {}
    for _ in range(ROUNDS):
        for name, play in chosen.items():
            begun = time.process_time()
            played[name] = play()
            rates[name].append(played[name].schedules / (time.process_time() - begun))
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    print(f"Python {sys.version.split()[0]}, {today}; CPU time, the median of {ROUNDS} rounds in turns\n")
    print("| | schedules a second | of one `asyncio.run` | different schedules |\n|---|---:|---:|---|")
    plain = median(rates["`asyncio.run`, no explorer"])
    for name, (schedules, different, complete) in played.items():
        rate = median(rates[name])
        count = "not said" if different is None else f"{different} of {schedules}" + ", all" * complete
        print(f"| {name} | {rate:,.0f} | {rate / plain:.2f} | {count} |")


if __name__ == "__main__":
    measure()
