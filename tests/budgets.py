"""After how many calls that need not wait one lets other tasks run: after few, so that a small program sees it.

And from how many items on a batch moves by one call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from aiochannel import channel
from aiochannel._core import machine, versions
from aiochannel._core.resting import Idle


class Budgets(NamedTuple):
    """Of a channel's calls, of selects that find it closed or take their default, and of a batch."""

    calls: int
    selects: int
    items: int

    def apply(self) -> None:
        """Hold for the channels that are made from now on."""
        machine.BUDGET = self.calls
        vars(channel)["BUDGET"] = vars(versions)["BUDGET"] = self.calls
        vars(machine)["SEVERAL"] = self.items
        Idle.budget = self.selects
        Idle.count = 0


SHIPPED = Budgets(machine.BUDGET, Idle.budget, machine.SEVERAL)
SMALL = Budgets(1, 2, 1)


@contextmanager
def small_budgets() -> Iterator[None]:
    SMALL.apply()
    try:
        yield
    finally:
        SHIPPED.apply()
