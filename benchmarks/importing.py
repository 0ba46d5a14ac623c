"""How long it takes to import a package in an interpreter of its own that has imported asyncio, from compiled files."""

import os
import subprocess
import sys
from functools import cache, partial
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.running import Workload
from tools.peers import OURS, NotOfferedError

IMPORT: Final = "import, asyncio is imported"
MODULES: Final = {
    OURS: "aiochannel",
    "all of aiochannel": "aiochannel, then all of it",
    "typing, from nothing": "typing",
    "asyncio, from nothing": "asyncio",
    "anyio": "anyio",
    "janus": "janus",
    "culsans": "culsans",
    "frequenz-channels": "frequenz.channels",
}
# Without `site`, whose .pth files import some of what is measured.
CODE: Final = """
import sys
sys.path[:] = {path!r}
from time import process_time_ns
{before}
begin = process_time_ns()
{statement}
print((process_time_ns() - begin) / 1e6)
"""


@cache
def compiled() -> TemporaryDirectory[str]:
    """Return the folder of the compiled files of this run."""
    return TemporaryDirectory(prefix="compiled-")


def once(module: str) -> float:
    """Import it in an interpreter of its own; return the milliseconds."""
    package, _, everything = module.partition(", then ")
    statement = f"from {package} import *" if everything else f"import {package}"
    before = "" if package in ("asyncio", "typing") else "import asyncio"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE.format(path=sys.path, before=before, statement=statement)],
        env={**environment, "PYTHONPYCACHEPREFIX": compiled().name},
        capture_output=True,
        text=True,
        check=False,
    )
    if "ModuleNotFoundError" in done.stderr:
        raise NotOfferedError
    done.check_returncode()
    return float(done.stdout)


compile_once = cache(once)


async def imported(module: str) -> float:
    compile_once(module)
    return once(module)


def imports() -> list[Workload]:
    return [Workload(IMPORT, {subject: partial(imported, module) for subject, module in MODULES.items()}, "ms")]
