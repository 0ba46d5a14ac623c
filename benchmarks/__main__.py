"""Measure, and print or write what was measured.

    python -m benchmarks measure FILE.json [--loop uvloop] [--rounds N] [--processes N] [--sizes N,N] [--few] ...
    python -m benchmarks table FILE.json
    python -m benchmarks page FILE.json...
    python -m benchmarks all PYTHON...
    python -m benchmarks compare FOLDER [--rounds N]

`make bench` does the first two for one Python. `make bench-full` is `all`: the first for each Python and event loop,
and then the page. `compare` measures another copy of the package (FOLDER is its `aiochannel`, or holds it) beside this.
"""

import argparse
import subprocess
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.compare import compare
from benchmarks.measuring import measure
from benchmarks.plots import draw
from benchmarks.report import parts, summary, write_data, write_page
from benchmarks.results import Results, merged

SIZES: Final = "1000,4000,40000"
BUILT: Final = Path("build/bench")
PAGE: Final = Path("docs/performance.md")


def measure_all(pythons: list[str]) -> None:
    """Measure with each Python on each event loop; the page takes its tables from the newest one on asyncio."""
    paths: list[Path] = []
    for python in reversed(pythons):
        for loop in ("asyncio", "uvloop"):
            path = BUILT / f"{Path(python).parents[1].name.removeprefix('.venv-bench-')}-{loop}.json"
            more = ["--rounds", "1"] if paths else ["--sizes", f"{SIZES},100000", "--million"]
            subprocess.run([python, "-m", "benchmarks", "measure", path, "--loop", loop, "--few", *more], check=True)
            paths.append(path)
    make_page(paths)


def make_page(paths: list[Path]) -> None:
    runs = [Results.load(path) for path in paths]
    write_page(parts(runs), PAGE)
    write_data(runs, PAGE.with_suffix(".csv"))
    draw(runs[0], PAGE.with_name("pictures"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory of channels beside every peer.")
    commands = parser.add_subparsers(required=True, dest="command")
    run = commands.add_parser("measure")
    run.add_argument("path", type=Path)
    run.add_argument("--loop", default="asyncio", choices=["asyncio", "uvloop"])
    run.add_argument("--rounds", type=int, default=3, help="in each process")
    run.add_argument("--processes", type=int, default=3, help="one after the other")
    run.add_argument("--sizes", default=SIZES, help="numbers of waiters")
    run.add_argument("--few", action="store_true", help="per waiter: us, asyncio.Queue and the limit only")
    run.add_argument("--million", action="store_true", help="keep 1,000,000 channels alive, too")
    commands.add_parser("table").add_argument("path", type=Path)
    commands.add_parser("page").add_argument("paths", type=Path, nargs="+")
    commands.add_parser("all").add_argument("pythons", nargs="+", help="the oldest first")
    pair = commands.add_parser("compare")
    pair.add_argument("folder", type=Path)
    pair.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    match given.command:
        case "measure":
            with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
                merged(list(pool.map(partial(measure, given), range(given.processes)))).save(given.path)
        case "table":
            print(summary(Results.load(given.path)))
        case "page":
            make_page(given.paths)
        case "all":
            measure_all(given.pythons)
        case _:
            print(compare(given.folder, given.rounds))


if __name__ == "__main__":
    main()
