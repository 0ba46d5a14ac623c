"""Small programs under many schedules, and programs at random, for minutes; the last line says how many.

python -m tests.remote --budget 10000 --programs 5000 --processes 2
python -m tests.remote --program 17

The exit status is 1 if a promise was broken.
"""

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from aiochannel.testing import Report, explore
from tests.remote.chance import play
from tests.remote.programs import PROGRAMS

CHUNK = 100


def play_schedules(name: str, budget: int) -> tuple[str, Report]:
    logging.disable()  # the programs lose connections on purpose
    return name, explore(PROGRAMS[name], budget=budget, seconds=120)


def failure(seed: int) -> str:
    """Play one program, and return what was wrong, or ""."""
    try:
        play(seed)
    except Exception:
        return f"program {seed}: {traceback.format_exc()}"
    return ""


def play_chunk(first: int, count: int) -> list[str]:
    logging.disable()  # the programs lose connections on purpose
    return [text for seed in range(first, first + count) if (text := failure(seed))]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.remote")
    parser.add_argument("--budget", type=int, default=10_000, help="schedules of each small program")
    parser.add_argument("--programs", type=int, default=5000, help="at random")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--program", type=int, help="only this one")
    options = parser.parse_args(argv)
    budget: int = options.budget
    programs: int = options.programs
    processes: int = options.processes
    one: int | None = options.program
    if one is not None:
        text = failure(one)
        print(text)
        return bool(text)
    begun = time.perf_counter()
    failures = schedules = 0
    chunks = range(0, programs, CHUNK)
    with ProcessPoolExecutor(processes) as pool:
        for name, report in pool.map(partial(play_schedules, budget=budget), PROGRAMS):
            print(f"{name}: {report}", flush=True)
            schedules += report.schedules
            failures += report.failure is not None
        for failed in pool.map(play_chunk, chunks, [min(CHUNK, programs - first) for first in chunks]):
            failures += len(failed)
            print(*failed[:1], sep="\n", end="\n" if failed else "", flush=True)
    seconds = time.perf_counter() - begun
    print(f"remote: {schedules} schedules, {programs} programs at random, {failures} failures, {seconds:.0f} s")
    return bool(failures)


if __name__ == "__main__":
    from tests.remote.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
