"""The long runs of what is built on channels, shortened: what a mutant there meets last."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from aiochannel.testing import Report, explore
from tests.broadcast import chance, programs
from tests.explore import calling
from tests.explore.judging import Step, allow


def by_reports(reports: Iterable[Callable[[], Report]]) -> str:
    for report in reports:
        allow(60)
        if report().failure is not None:
            return "explorer: a program of its own"
    return ""


def by_broadcasts() -> str:
    cases = programs.PROGRAMS.values()
    return by_reports(partial(explore, case, cancellations=2, budget=1000, seconds=10) for case in cases)


def by_broadcasts_at_random() -> str:
    return by_reports(partial(chance.play, seed, 5) for seed in range(60, 1000))


def by_calls() -> str:
    return by_reports(partial(calling.play, text, 1000, 2, 10) for text in calling.PROGRAMS)


BROADCAST: Final[list[Step]] = [by_broadcasts_at_random, by_broadcasts]

MEMBERS: Final[Mapping[str, list[Step]]] = {
    **dict.fromkeys(("broadcast.py", "delivery.py", "feeds.py", "hub.py"), BROADCAST),
    "calls.py": [by_calls],
    "futures.py": [],
}
"""The files that no channel needs, with the long runs of each."""
