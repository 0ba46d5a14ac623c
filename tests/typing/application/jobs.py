"""What goes through the channels."""

from dataclasses import dataclass
from enum import Enum, auto


class Stop(Enum):
    """Why the work was ended early."""

    SIGNAL = auto()
    DEADLINE = auto()


@dataclass(frozen=True)
class Job:
    """A page to check."""

    url: str
    depth: int = 0


@dataclass(frozen=True)
class Report:
    """What was found there."""

    job: Job
    status: int
    links: tuple[str, ...] = ()
