"""What has to be done in a forked process: the threads that may have held a lock are not there."""

import os
from collections.abc import Iterable
from typing import Final, Protocol
from weakref import WeakSet


class Forked(Protocol):
    """What wants to know of a fork."""

    def _after_fork(self) -> None:
        """Be usable in the child, or refuse to be used."""
        ...


ALL: Final[WeakSet[Forked]] = WeakSet()


def protect(forked: Forked) -> None:
    """Call `_after_fork` in every forked process, as long as this lives."""
    ALL.add(forked)


def tell(all_of_them: Iterable[Forked] = ALL) -> None:
    """Say that the process was forked."""
    for each in list(all_of_them):
        each._after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no forks
    os.register_at_fork(after_in_child=tell)
