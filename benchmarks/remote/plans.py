"""What a process of a measurement is told, and what it hands over."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, NamedTuple

OURS: Final = "aiochannel"
BLMPOP: Final = "lists, BLMPOP"
BRPOP: Final = "lists, BRPOP"
STREAMS: Final = "streams, 64 at a time"
STREAMS_ONE: Final = "streams, one at a time"
NAME: Final = "bench"
"""The key, the queue or the channel."""
STAMP: Final = 20
"""The length of the time at the head of an item."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one process; the default is one task that puts item by item."""

    subject: str
    url: str
    count: int
    size: int
    """Characters of an item."""
    do: Literal["put", "take", "open", "fill"] = "put"
    batch: int = 1
    senders: int = 1
    """Ends in the process, each with a connection of its own."""
    tasks: int = 1
    """Tasks on each of them."""
    nowait: bool = False
    rate: float = 0.0
    """Items a second; 0 is as fast as it can."""
    pause: float = 0.0
    """Seconds of work on an item."""
    maxsize: int = 0


class PutSide(NamedTuple):
    """What a process puts with."""

    put: Callable[[str], Awaitable[object]]
    put_many: Callable[[Sequence[str]], Awaitable[object]] | None = None
    put_nowait: Callable[[str], object] | None = None
    flush: Callable[[], Awaitable[object]] | None = None


Seen = Callable[[str], None]
"""To be called with each item, when the work on it is done. The process ends with the last one."""
Ready = Callable[[], None]
Putting = Callable[[Plan], AbstractAsyncContextManager[PutSide]]
Taking = Callable[[Plan, Seen, Ready], Awaitable[object]]


def info(url: str) -> dict[str, float]:
    """Return what a server says of itself, its numbers at least."""
    with import_module("redis").Redis.from_url(url) as client:
        said: dict[str, float] = client.info()
    return said


def cpu_of(said: Mapping[str, float]) -> float:
    """Return the seconds of processor time that a server has taken, its own threads included."""
    return said["used_cpu_user"] + said["used_cpu_sys"]
