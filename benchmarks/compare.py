"""Two copies of the package in one process, workload by workload: did a change cost anything?

Each copy has its own import of the workloads too. The interpreter specialises bytecode to the classes that it meets, so
a loop that both copies shared would be slower for both of them.
"""

import gc
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.memory import IDLE
from benchmarks.report import table
from benchmarks.running import Execute, Run, on_loop, sampled
from benchmarks.selecting import select_of
from tools.peers import HANDLES, OURS

LINES: Final = [
    ("put_nowait, get_nowait", "put_nowait, get_nowait", OURS),
    ("await put, get", "put, get, nobody waits", OURS),
    ("through handles: nowait", "put_nowait, get_nowait", HANDLES),
    ("through handles: await", "put, get, nobody waits", HANDLES),
    ("async for", "async for, nobody waits", OURS),
    ("1:1 maxsize 1", "1 to 1, maxsize 1", OURS),
    ("1:1 maxsize 100", "1 to 1, maxsize 100", OURS),
    ("1:1 unbounded", "1 to 1, unbounded", OURS),
    ("rendezvous", "1 to 1, rendezvous", OURS),
    ("50:50 maxsize 10", "50 to 50, maxsize 10", OURS),
    ("select of 2: ready", select_of(2, "all"), OURS),
    ("select of 2: waits", select_of(2, "none"), OURS),
    ("select of 10: waits", select_of(10, "none"), OURS),
    ("4,000 waiters: cancel", "cancel, shuffled: 4,000", OURS),
    ("4,000 waiters: wake", "wake: 4,000", OURS),
    ("4,000 waiters: close", "close: 4,000", OURS),
    ("create", "creation", OURS),
    ("create, split", "creation", HANDLES),
    ("idle bytes", IDLE, OURS),
]
CHEAP: Final = 4
"""How often in a round a workload is measured that takes milliseconds."""
APART: Final = {"aiochannel", "benchmarks", "tools"}

Runs = Mapping[tuple[str, str], Run]


def _theirs(name: str) -> bool:
    return name.partition(".")[0] in APART


def load(package: Path) -> Runs:
    """Import the package from this folder, and the workloads for it alone."""
    aside = {name: sys.modules.pop(name) for name in [*sys.modules] if _theirs(name)}
    sys.path.insert(0, str(package.parent))
    try:
        found = Path(import_module("aiochannel").__file__ or "").parent
        sys.path.pop(0)  # beside an older package may lie older benchmarks
        if found != package:
            raise ImportError(f"{package} was asked for, and {found} was imported")
        peers = import_module("tools.peers")
        both = [peers.ours(), peers.handles()]
        workloads = [
            *import_module("benchmarks.everyday").everyday(both),
            *import_module("benchmarks.selecting").selects(),
            *import_module("benchmarks.waiting").per_waiter(both, [4_000]),
            *import_module("benchmarks.memory").memory(both),
        ]
    finally:
        for name in [*sys.modules]:
            if _theirs(name):
                del sys.modules[name]
        sys.modules.update(aside)
    return {(each.name, subject): run for each in workloads for subject, run in each.runs.items()}


def compare(other: Path, rounds: int) -> str:
    """Measure the other copy of the package (before) and the one beside these benchmarks (after)."""
    other = other.resolve()
    before = other if (other / "__init__.py").exists() else other / "aiochannel"
    copies = [load(before), load(Path(__file__).resolve().parents[1] / "aiochannel")]
    gc.freeze()
    samples: dict[str, tuple[list[float], list[float]]] = {title: ([], []) for title, _, _ in LINES}

    def play(execute: Execute) -> None:
        for title, workload, subject in LINES * rounds:
            for turn in range(2 if "waiters" in title else CHEAP):
                for copy in (0, 1) if turn % 2 else (1, 0):
                    run = copies[copy][workload, subject]
                    samples[title][copy].append(sampled(execute, subject, run))

    on_loop("asyncio", play)
    return table(
        ["ns", "best before", "after", "ratio", "median before", "after", "median ratio of neighbours"],
        [
            (
                title,
                *(f"{cost:,.0f}" for cost in (min(one), min(two))),
                f"{min(two) / min(one):.2f}",
                *(f"{median(costs):,.0f}" for costs in (one, two)),
                f"{median(after / before for before, after in zip(one, two, strict=True)):.2f}",
            )
            for title, (one, two) in samples.items()
        ],
    )
