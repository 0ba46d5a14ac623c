"""What is counted, not timed: waits per item, items lost, and how much room a million channels take."""

import types
from collections.abc import Coroutine, Generator, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from resource import getpagesize
from time import process_time_ns as now
from typing import Never

from benchmarks.results import Results
from benchmarks.runner import Execute
from benchmarks.selecting import lost_items
from benchmarks.subjects import OURS, Job, Subject, ours, stdlib
from benchmarks.workloads import stream

MILLION = 1_000_000
OFFERED = 2_000


def waits(subject: str) -> str:
    return f"waits an item, 1 to 1, maxsize 1: {subject}"


def lost(name: str) -> str:
    return f"items lost: {name}"


def alive(subject: str, what: str) -> str:
    return f"1,000,000 channels alive: {subject}, {what}"


def counted(results: Results, execute: Execute, million: bool) -> None:
    for subject in (ours(), stdlib()):
        results.counts[waits(subject.name)] = execute(subject.name, partial(waits_per_item, subject, 2_000))

    async def lose() -> float:
        for name, number in (await lost_items(OFFERED)).items():
            results.counts[lost(name)] = number
        return 0.0

    execute(OURS, lose)
    if million:
        for subject in (ours(), stdlib()):
            results.counts |= room_of_a_million(subject)


@types.coroutine
def _stepped(job: Coroutine[object, Never, None], tally: list[int]) -> Generator[object, None, None]:
    """Run a coroutine, and count how often it waits."""
    while True:
        try:
            waited = job.send(None)  # type: ignore[arg-type]
        except StopIteration:
            return
        tally[0] += 1
        yield waited


async def waits_per_item(subject: Subject, count: int) -> float:
    tally = [0]

    def counting(job: Job) -> Job:
        async def run() -> None:
            await _stepped(job(), tally)

        return run

    async def together(jobs: Iterable[Job]) -> None:
        await subject.together([counting(job) for job in jobs])

    await stream(replace(subject, together=together), 1, 1, 1, count)
    return tally[0] / count


def room_of_a_million(subject: Subject) -> dict[str, float]:
    resident = _resident_bytes()
    start = now()
    made = [subject.create(10) for _ in range(MILLION)]
    seconds = (now() - start) / 1e9
    used = _resident_bytes() - resident
    start = now()
    del made
    freed = (now() - start) / 1e9
    return {
        alive(subject.name, "GB"): used / 1e9,
        alive(subject.name, "seconds to make"): seconds,
        alive(subject.name, "seconds to drop"): freed,
    }


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()
