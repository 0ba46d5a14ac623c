"""Measure remote channels beside their peers, and print or write what was measured.

    python -m benchmarks.remote measure FOLDER [--rounds N] [--few] [--servers NAME,NAME] [--fsync everysec,always] ...
    python -m benchmarks.remote table FILE.json...
    python -m benchmarks.remote page FILE.json...

`make bench-remote` is `measure`, which writes a file for each server and each fsync, and prints their tables. The page
takes its tables from the first file.
"""

import argparse
from pathlib import Path
from typing import Final

from benchmarks.remote.measuring import measure
from benchmarks.remote.report import parts
from benchmarks.report import write_data, write_page
from benchmarks.results import Rounds
from tests.servers import MISSING, programs

PAGE: Final = Path("docs/performance-remote.md")
FSYNCS: Final = "everysec,always"


def measure_all(given: argparse.Namespace) -> list[Rounds]:
    found = [each for each in programs() if given.servers is None or each.name in given.servers.split(",")]
    if not found:
        raise SystemExit(f"none of {given.servers}" if given.servers else MISSING)
    runs: list[Rounds] = []
    for program in found[:1] if given.few and given.servers is None else found:
        for fsync in given.fsync.split(",")[: 1 if given.few else None]:
            run = measure(program, fsync, given.older, given.rounds, few=given.few)
            runs.append(run)
            kind = "remote-few" if given.few else "remote"
            run.save(given.folder / f"{kind}-{len(runs)}-{program.name}-{fsync}.json")
    return runs


def summary(runs: list[Rounds]) -> str:
    return "\n\n".join(parts(runs).values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.remote", description="Speed of remote channels beside peers.")
    commands = parser.add_subparsers(required=True, dest="command")
    run = commands.add_parser("measure")
    run.add_argument("folder", type=Path)
    run.add_argument("--rounds", type=int, default=7)
    run.add_argument("--few", action="store_true", help="fewer items; one server, if none is named, and one fsync")
    run.add_argument("--servers", help="the names of some, as in valkey-9.1,redis-7.0; all that are found if left out")
    run.add_argument("--fsync", default=FSYNCS)
    run.add_argument("--older", type=Path, help="the Python of an environment with saq and arq")
    for name in ("table", "page"):
        commands.add_parser(name).add_argument("paths", type=Path, nargs="+")
    given = parser.parse_args()
    if given.command == "measure":
        print(summary(measure_all(given)))
        return
    runs = [Rounds.load(path) for path in given.paths]
    if given.command == "table":
        print(summary(runs))
    else:
        write_page(parts(runs), PAGE)
        write_data(runs, PAGE.with_suffix(".csv"), "server")


if __name__ == "__main__":
    main()
