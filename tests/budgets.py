"""After how many calls that need not wait one lets other tasks run: after few, so that a small program sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from aiochannel import channel
from aiochannel._core import machine, versions
from aiochannel._core.resting import Idle


class Budgets(NamedTuple):
    """Of a channel's calls, and of selects that find it closed or take their default."""

    calls: int
    selects: int

    def apply(self) -> None:
        """Hold for the channels that are made from now on."""
        machine.BUDGET = self.calls
        vars(channel)["BUDGET"] = vars(versions)["BUDGET"] = self.calls
        Idle.budget = self.selects
        Idle.count = 0


SHIPPED = Budgets(machine.BUDGET, Idle.budget)
SMALL = Budgets(1, 2)


@contextmanager
def small_budgets() -> Iterator[None]:
    SMALL.apply()
    try:
        yield
    finally:
        SHIPPED.apply()
