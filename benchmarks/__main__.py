"""Measure, and print or write what was measured.

    python -m benchmarks measure [--loop uvloop] [--rounds N] [--sizes N,N] [--few] [--million] [--only WORD] FILE.json
    python -m benchmarks table FILE.json
    python -m benchmarks page FILE.json... --into docs
    python -m benchmarks compare FOLDER [--rounds N]

`make bench` does the first two for one Python, `make bench-full` the first three for every Python
found. `compare` measures another copy of the package (FOLDER is its `aiochannel`, or holds it) and then this one.
"""

import argparse
import gc
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks.counting import counted
from benchmarks.growth import per_waiter
from benchmarks.memory import memory
from benchmarks.results import Results
from benchmarks.runner import Execute, measure, on_loop
from benchmarks.selecting import selects
from benchmarks.subjects import FUTURES, OURS, STDLIB, installed
from benchmarks.workloads import everyday


def _measure(path: Path, loop: str, rounds: int, sizes: Sequence[int], few: bool, million: bool, only: str) -> None:
    subjects, absent = installed()
    results = Results(
        machine=f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        python=platform.python_version(),
        loop=loop,
        rounds=rounds,
        versions={subject.name: subject.version for subject in subjects},
        absent=absent,
    )
    growing = [subject for subject in subjects if not few or subject.name in {OURS, STDLIB, FUTURES}]

    def run(execute: Execute) -> None:
        gc.freeze()
        workloads = [*everyday(subjects), *selects(), *memory(subjects), *per_waiter(growing, sizes)]
        measure([workload for workload in workloads if only in workload.name], results, execute)
        counted(results, execute, million)

    on_loop(loop, run)
    results.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory of channels beside every peer.")
    commands = parser.add_subparsers(required=True, dest="command")
    run = commands.add_parser("measure")
    run.add_argument("path", type=Path)
    run.add_argument("--loop", default="asyncio", choices=["asyncio", "uvloop"])
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--sizes", default="1000,4000,10000,40000", help="numbers of waiters")
    run.add_argument("--few", action="store_true", help="per waiter: us, asyncio.Queue and the limit only")
    run.add_argument("--million", action="store_true", help="keep 1,000,000 channels alive, too")
    run.add_argument("--only", default="", help="workloads whose name contains this")
    table = commands.add_parser("table")
    table.add_argument("path", type=Path)
    page = commands.add_parser("page")
    page.add_argument("paths", type=Path, nargs="+")
    page.add_argument("--into", type=Path, default=Path("docs"))
    pair = commands.add_parser("compare")
    pair.add_argument("other", type=Path)
    pair.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    if given.command == "measure":
        sizes = [int(size) for size in given.sizes.split(",")]
        _measure(given.path, given.loop, given.rounds, sizes, given.few, given.million, given.only)
    elif given.command == "table":
        from benchmarks.report import summary  # noqa: PLC0415

        print(summary(Results.load(given.path)))
    elif given.command == "compare":
        from benchmarks.compare import compare  # noqa: PLC0415

        print(compare(given.other, given.rounds))
    else:
        from benchmarks.page import write_page  # noqa: PLC0415  # it needs matplotlib

        write_page([Results.load(path) for path in given.paths], given.into)


main()
