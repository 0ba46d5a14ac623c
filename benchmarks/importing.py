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
STATEMENTS: Final = {
    OURS: "import aiochannel",
    "all of aiochannel": "from aiochannel import *",
    "typing, from nothing": "import typing",
    "asyncio, from nothing": "import asyncio",
    "anyio": "import anyio",
    "janus": "import janus",
    "culsans": "import culsans",
    "frequenz-channels": "import frequenz.channels",
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


def once(statement: str) -> float:
    """Run an import in an interpreter of its own; return the milliseconds."""
    before = "" if statement in {"import asyncio", "import typing"} else "import asyncio"
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


async def imported(statement: str) -> float:
    compile_once(statement)
    return once(statement)


def imports() -> list[Workload]:
    return [Workload(IMPORT, {subject: partial(imported, each) for subject, each in STATEMENTS.items()}, "ms")]
