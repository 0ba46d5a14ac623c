"""One process of a run: every workload."""

import gc
import os
import platform
from argparse import Namespace
from itertools import chain
from typing import Final

from benchmarks.broadcasting import broadcasts
from benchmarks.dropping import dropping
from benchmarks.everyday import everyday
from benchmarks.gathering import gathering
from benchmarks.importing import imports
from benchmarks.memory import memory, millions
from benchmarks.ordering import ordering
from benchmarks.results import Results
from benchmarks.running import Execute, on_loop, run_all
from benchmarks.selecting import selects
from benchmarks.threads import threads
from benchmarks.waiting import per_waiter
from benchmarks.watching import watches
from tools.peers import FUTURES, OURS, STDLIB, installed

TASKS: Final = "tasks"
SELECT: Final = "select"
MEMBERS: Final = "members"
THREADS: Final = "threads"
MEMORY: Final = "memory"
GROWTH: Final = "growth"
IMPORTS: Final = "imports"


def measure(given: Namespace, process: int) -> Results:
    """Measure every workload once more, in a process of its own."""
    peers, absent = installed()
    results = Results(
        machine=f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        run=f"{platform.python_version()}, {given.loop}",
        rounds=given.rounds,
        versions={peer.name: peer.version for peer in peers},
        missing=dict.fromkeys(absent, "is not installed"),
    )
    growing = [peer for peer in peers if not given.few or peer.name in {OURS, STDLIB, FUTURES}]
    sizes = [int(size) for size in given.sizes.split(",")]
    groups = {
        TASKS: everyday(peers),
        SELECT: [*selects(), *gathering()],
        MEMBERS: [*dropping(), *ordering(), *watches(), *broadcasts(peers)],
        THREADS: threads(peers),
        MEMORY: [*memory(peers), *(millions() if given.million and not process else ())],
        IMPORTS: imports(),
        GROWTH: per_waiter(growing, sizes),
    }
    results.groups = {group: [each.name for each in workloads] for group, workloads in groups.items()}

    def run(execute: Execute) -> None:
        gc.freeze()
        run_all([*chain.from_iterable(groups.values())], results, execute)

    on_loop(given.loop, run)
    return results
