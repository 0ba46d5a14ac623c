"""One run: every workload on one server."""

import os
import platform
import subprocess
from importlib.metadata import version
from itertools import chain
from math import inf
from pathlib import Path
from typing import Final

from benchmarks.remote.peers import SUBJECTS
from benchmarks.remote.processes import Place
from benchmarks.remote.workloads import groups
from benchmarks.results import Rounds
from benchmarks.running import on_loop, run_all
from tests.servers import Program

EFFORT: Final = 0.25
"""Share of the items of a short run."""
TOOLS: Final = ("redis", "hiredis", "msgspec")
OLDER: Final = "saq and arq"


def versions(older: Path | None) -> dict[str, str]:
    """Return the version of what each subject is made of, and of what several use."""
    found = {name: version(each.package) for name, each in SUBJECTS.items() if not each.older}
    if older is not None:
        aside = {name: each.package for name, each in SUBJECTS.items() if each.older} | {f"{OLDER}: redis": "redis"}
        program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
        command = [str(older), "-c", program, *aside.values()]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found |= dict(zip(aside, said.split(), strict=True))
    return found | {tool: version(tool) for tool in TOOLS} | {"Python": platform.python_version()}


def measure(program: Program, fsync: str, older: Path | None, rounds: int, *, few: bool) -> Rounds:
    place = Place(program, fsync, older, EFFORT if few else 1.0)
    found = groups(place, few=few)
    results = Rounds(
        machine=f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        run=place.title,
        rounds=rounds,
        versions=versions(older),
        groups={name: [each.name for each in workloads] for name, workloads in found.items()},
    )
    if older is None:
        aside = [name for name, each in SUBJECTS.items() if each.older]
        results.missing = dict.fromkeys(aside, "is not installed: it needs an older redis-py")
    on_loop("asyncio", lambda execute: run_all([*chain.from_iterable(found.values())], results, execute, inf))
    return results
