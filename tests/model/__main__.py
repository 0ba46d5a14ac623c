"""The machines of this folder's tests at random for minutes, on all event loops; prints how much was run.

python -m tests.model --examples 2000 --processes 2
"""

import argparse
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.test_call_model import CallMachine
from tests.model.test_model import PROVE, ChannelMachine, EagerMachine, LosingMachine, UvloopMachine
from tests.model.test_priority_model import EagerPriorityMachine, PriorityMachine
from tests.model.test_watch_model import EagerWatchMachine, WatchMachine

Machine = type[ChannelMachine] | type[WatchMachine] | type[CallMachine]

MACHINES: list[Machine] = [ChannelMachine, LosingMachine, PriorityMachine, WatchMachine, CallMachine]
if sys.version_info >= (3, 12):
    MACHINES += [EagerMachine, EagerPriorityMachine, EagerWatchMachine]
if sys.platform != "win32":
    MACHINES.append(UvloopMachine)
PARTS = 4  # of the examples of each machine, so that all processes end at about the same time


class Part(NamedTuple):
    machine: str
    examples: int
    calls: int
    failure: str


def run(machine: Machine, examples: int) -> Part:
    machine.totals.clear()
    failure = ""
    try:
        run_state_machine_as_test(machine, settings=settings(PROVE, max_examples=examples))
    except Exception:
        failure = traceback.format_exc()
    return Part(machine.__name__, machine.totals["examples"], machine.totals["calls"], failure)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model")
    parser.add_argument("--examples", type=int, default=PROVE.max_examples, help="of each machine, or a few more")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    begun = time.perf_counter()
    each = -(-options.examples // PARTS)
    examples = calls = failures = 0
    with ProcessPoolExecutor(options.processes) as pool:
        parts = [pool.submit(run, machine, each) for _ in range(PARTS) for machine in MACHINES]
        for part in as_completed(parts):
            name, ran, called, failure = part.result()
            print(f"{name:20} {ran:6} examples {called:7} calls {failure or 'agree'}", flush=True)
            examples += ran
            calls += called
            failures += bool(failure)
    seconds = time.perf_counter() - begun
    print(f"model: {examples} examples, {calls} calls, {failures} failures, {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    from tests.model.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
