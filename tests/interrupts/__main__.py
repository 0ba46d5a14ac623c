"""Play every place of all scenarios, or of one, under every action, or under one, or play one place.

python -m tests.interrupts --processes 2
python -m tests.interrupts --broadcast
python -m tests.interrupts "put: to a receiver"
python -m tests.interrupts "put: to a receiver" --action close --place 7

Places are numbered in the order of the run; other Pythons may have others. The exit status is 1 if a rule was broken.
"""

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.interrupts.actions import Action, action, actions_on
from tests.interrupts.broadcasts import BROADCASTS, Through
from tests.interrupts.player import Played, player
from tests.interrupts.scenarios import SCENARIOS
from tests.interrupts.world import Make, make_channel

SHOWN = 1  # failures of one scenario and action in the long run


def play(
    scenario: str, chosen: Action | None = None, place: int | None = None, make: Make = make_channel
) -> list[tuple[str, Played]]:
    """Return what each action has shown, by its name; an action that the scenario cannot prepare is left out."""
    script = SCENARIOS[scenario]
    with player(make) as plays:
        found = [
            (each.name, plays.play(script, [each], place))
            for each in (actions_on(script) if chosen is None else [chosen])
        ]
    return [(name, played) for name, played in found if played.places or played.failures]


def play_all(processes: int, scenarios: Collection[str], make: Make) -> int:
    """Play everything, print a line for each scenario and for each action that fails, and return the exit status."""
    begun = time.perf_counter()
    runs = places = failures = 0
    print(" places     runs  failures  scenario or action")
    with ProcessPoolExecutor(processes) as pool:
        all_results = (pool.map if processes > 1 else map)(partial(play, make=make), scenarios)
        for name, results in zip(scenarios, all_results, strict=True):
            places_here = max(len(played.places) for _, played in results)
            runs_here = sum(len(played.places) for _, played in results)
            failures_here = sum(len(played.failures) for _, played in results)
            print(f"{places_here:7}  {runs_here:7}  {failures_here:8}  {name}", flush=True)
            for verb, played in results:
                if played.failures:
                    print(f"{'':9}{len(played.places):7}  {len(played.failures):8}    {verb}")
                    print(*(failure.report() for failure in played.failures[:SHOWN]), sep="\n")
            places += places_here
            runs += runs_here
            failures += failures_here
    seconds = time.perf_counter() - begun
    print(
        f"interrupts: {runs} runs at {places} places of {len(scenarios)} scenarios, {failures} failures, "
        f"{seconds:.0f} s"
    )
    return 1 if failures else 0


def play_one(scenario: str, chosen: Action | None, place: int | None, make: Make) -> int:
    """Play one scenario, print what fails, and return the exit status."""
    runs = failures = 0
    for name, played in play(scenario, chosen, place, make):
        if played.failures:
            print(*(failure.report() for failure in played.failures), sep="\n")
        print(f"{len(played.places):7}  {len(played.failures):8}  {name}")
        runs += len(played.places)
        failures += len(played.failures)
    print(f"interrupts: {runs} runs, {failures} failures")
    return 1 if failures else 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interrupts")
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, metavar="scenario", help="only this one")
    parser.add_argument("--action", type=action, help="only this one: effects with + between them, such as put+close")
    parser.add_argument("--place", type=int, help="only this one")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--broadcast", action="store_true", help="play them on a broadcast with three subscriptions")
    options = parser.parse_args(argv)
    scenario: str | None = options.scenario
    chosen: Action | None = options.action
    place: int | None = options.place
    processes: int = options.processes
    broadcast: bool = options.broadcast
    make: Make = Through if broadcast else make_channel
    if scenario is not None:
        return play_one(scenario, chosen, place, make)
    if (chosen, place) != (None, None):
        parser.error("--action and --place are of one scenario, and there is none")
    return play_all(processes, BROADCASTS if broadcast else SCENARIOS, make)


if __name__ == "__main__":
    from tests.interrupts.__main__ import main as run_main  # by its name, by which other processes find what is in here

    sys.exit(run_main())
