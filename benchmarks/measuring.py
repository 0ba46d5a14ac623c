"""One process of a run: every workload."""

import gc
import os
import platform
from argparse import Namespace

from benchmarks.broadcasting import broadcasts
from benchmarks.dropping import dropping
from benchmarks.everyday import everyday
from benchmarks.gathering import gathering
from benchmarks.memory import memory, millions
from benchmarks.ordering import ordering
from benchmarks.results import Results
from benchmarks.running import Execute, on_loop, run_all
from benchmarks.selecting import selects
from benchmarks.threads import threads
from benchmarks.waiting import per_waiter
from benchmarks.watching import watches
from tools.peers import FUTURES, OURS, STDLIB, installed


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
    members = [*gathering(), *dropping(), *ordering(), *watches(), *broadcasts(peers), *threads(peers)]
    workloads = [*everyday(peers), *selects(), *members, *memory(peers), *per_waiter(growing, sizes)]
    if given.million and not process:
        workloads += millions()

    def run(execute: Execute) -> None:
        gc.freeze()
        run_all(workloads, results, execute)

    on_loop(given.loop, run)
    return results
