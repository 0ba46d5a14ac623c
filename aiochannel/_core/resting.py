"""Resting: awaited calls that need not wait let other tasks run now and then. And why an attempt does not go ahead."""

from collections.abc import Generator
from enum import Enum
from typing import Final, final


class Blocked(Enum):
    """Why an attempt does not go ahead.

    It would have to wait; it is the default, which a select takes last; or enough has gone ahead without waiting, so
    that other tasks should run first.
    """

    BLOCKED = "blocked"
    DEFAULT = "default"
    SPENT = "spent"


BLOCKED: Final = Blocked.BLOCKED
DEFAULT: Final = Blocked.DEFAULT
SPENT: Final = Blocked.SPENT


@final
class Pause:
    """Suspends a task for one pass of the event loop."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


PAUSE: Final = Pause()


@final
class Idle:
    """Counts the selects in a row that find a channel closed or take their default.

    Nothing else slows down a loop over such selects. Channels count their items by thresholds, which costs nothing.
    """

    budget = 256
    """After how many of them one lets other tasks run."""
    count = 0

    @classmethod
    def passes(cls) -> bool:
        """Count one more; return whether it should let other tasks run."""
        cls.count = (cls.count + 1) % cls.budget
        return cls.count == 0
