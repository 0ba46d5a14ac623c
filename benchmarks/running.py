"""Runs workloads: a round of a workload measures each subject once, one after the other.

So whatever slows the machine down for a while slows all of them. The garbage collector is off during a measurement and
runs before each.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Concatenate, Final, Never, ParamSpec

from benchmarks.results import Results
from tools.peers import TRIO, NotOfferedError, Peer

P = ParamSpec("P")
Run = Callable[[], Coroutine[object, Never, float]]
Execute = Callable[[str, Run], float]

SHARE: Final = 3.0
"""Seconds after which a subject is not measured once more in the same workload, unless the run has another share."""
BYTES: Final = "bytes"
PER_WAITER: Final = "ns a waiter"


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured: for each subject, a coroutine function that returns a cost."""

    name: str
    runs: Mapping[str, Run]
    unit: str = "ns an item"
    rounds: float = 1.0
    """Share of the rounds that are asked for; at least one."""


def over(
    peers: Iterable[Peer],
    measure: Callable[Concatenate[Peer, P], Coroutine[object, Never, float]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> dict[str, Run]:
    return {peer.name: partial(measure, peer, *args, **kwargs) for peer in peers}


def run_all(workloads: Sequence[Workload], results: Results, execute: Execute, share: float = SHARE) -> None:
    slow: set[tuple[str, str]] = set()
    not_offered: set[tuple[str, str]] = set()
    for number, workload in enumerate(workloads, 1):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{number}/{len(workloads)} {workload.name} ", end="", file=sys.stderr, flush=True)
        kind = workload.name.partition(":")[0]
        found = results.samples[workload.name] = {}
        results.units[workload.name] = workload.unit
        spent = dict.fromkeys(workload.runs, 0.0)
        for _ in range(max(1, round(results.rounds * workload.rounds))):
            for subject, run in workload.runs.items():
                if (kind, subject) in not_offered:
                    continue
                if (kind, subject) in slow:
                    results.missing[f"{workload.name}: {subject}"] = "takes seconds or fails where fewer wait"
                elif spent[subject] < share:
                    start = perf_counter()
                    try:
                        cost = sampled(execute, subject, run)
                        found.setdefault(subject, []).append(cost)
                    except NotOfferedError:
                        not_offered.add((kind, subject))
                    except Exception as error:  # a peer that cannot do it says so in the table
                        results.missing[f"{workload.name}: {subject}"] = f"fails ({type(error).__name__})"
                        spent[subject] = share
                    spent[subject] += perf_counter() - start
        slow |= {(kind, subject) for subject, seconds in spent.items() if seconds >= share}


def sampled(execute: Execute, subject: str, run: Run) -> float:
    gc.collect()
    gc.disable()
    try:
        return execute(subject, run)
    finally:
        gc.enable()


def on_loop(loop: str, then: Callable[[Execute], None]) -> None:
    """Call `then` with what runs a measurement on this kind of event loop, one loop for all of them."""
    factory = asyncio.new_event_loop if loop == "asyncio" else import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:

        async def bounded(run: Run) -> float:
            async with asyncio.timeout(120):
                return await run()

        def execute(subject: str, run: Run) -> float:
            if subject == TRIO:
                cost: float = import_module("trio").run(run)
                return cost
            return runner.run(bounded(run))

        then(execute)
