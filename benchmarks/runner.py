"""Runs workloads in one process: a round of a workload measures each subject once, one after the other.

So whatever slows the machine down for a while slows all of them. The garbage collector is off during a measurement and
runs before each. A subject that gets slower with the number of waiters is left out where it would take minutes.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from math import log
from time import perf_counter

from benchmarks.results import Results, Row
from benchmarks.subjects import TRIO, NotOfferedError
from benchmarks.workloads import Run, Workload

PATIENCE = 8.0
"""Seconds that one measurement may be expected to take."""
SHARE = 3.0
"""Seconds after which a subject is not measured once more in the same workload."""

NOT_OFFERED = "is not offered"
TOO_SLOW = "would take minutes"

Execute = Callable[[str, Run], float]


def measure(workloads: Sequence[Workload], results: Results, execute: Execute) -> None:
    for number, workload in enumerate(workloads, 1):
        _progress(f"{number}/{len(workloads)} {workload.name} {workload.size or ''}")
        rows = {
            subject: Row(
                workload.name, workload.size, subject, workload.unit, missing=_why_not(results, workload, subject)
            )
            for subject in workload.runs
        }
        spent = dict.fromkeys(workload.runs, 0.0)
        for _ in range(max(1, round(results.rounds * workload.rounds))):
            for subject, run in workload.runs.items():
                if not rows[subject].missing and spent[subject] < SHARE:
                    start = perf_counter()
                    _sample(rows[subject], run, execute)
                    spent[subject] += perf_counter() - start
        results.rows += rows.values()
    _progress("")


def _sample(row: Row, run: Run, execute: Execute) -> None:
    try:
        row.samples.append(sampled(execute, row.subject, run))
    except NotOfferedError:
        row.missing = NOT_OFFERED
    except Exception as error:  # a peer that cannot do it says so in the table
        row.missing = f"fails ({type(error).__name__})"
        row.samples.clear()


def sampled(execute: Execute, subject: str, run: Run) -> float:
    gc.collect()
    gc.disable()
    try:
        return execute(subject, run)
    finally:
        gc.enable()


def _why_not(results: Results, workload: Workload, subject: str) -> str:
    """Tell why not to try: it failed at a smaller size, or would take minutes, judging by how its cost grew so far."""
    smaller = [row for row in results.rows if row.workload == workload.name and row.subject == subject]
    for row in smaller:
        if row.missing:
            return row.missing
    if len(smaller) < 2:
        return ""
    before, last = smaller[-2:]
    growth = max(1.0, min(last.samples) / min(before.samples)) ** (
        log(workload.size / last.size) / log(last.size / before.size)
    )
    expected = min(last.samples) * growth * workload.size / 1e9
    return TOO_SLOW if expected > PATIENCE else ""


def on_loop(loop: str, then: Callable[[Execute], None]) -> None:
    """Call `then` with something that runs a measurement on this kind of event loop, one loop for all of them."""
    factory = asyncio.new_event_loop if loop == "asyncio" else import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:

        def execute(subject: str, run: Run) -> float:
            if subject == TRIO:
                cost: float = import_module("trio").run(run)
                return cost
            return runner.run(_bounded(run))

        then(execute)


async def _bounded(run: Run) -> float:
    async with asyncio.timeout(120):
        return await run()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
