"""What is measured: this package, its peers, and the limits that no queue in Python can beat.

To add a peer, write a function below that imports it and returns a `Subject`, and add it to PEERS; `pyproject.toml`
(extra `bench`) and `constraints.txt` install it. A peer that is not installed is left out. None has to be installed to
type-check this file: one with types of its own is imported by name; of one without, `stubs/` has what is used here.
"""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Final, Never, TypeVar

import aiochannel
from aiochannel import Channel

OURS: Final = "aiochannel"
HANDLES: Final = "aiochannel, handles"
STDLIB: Final = "asyncio.Queue"
OLD: Final = "aiochannel 1.4.1"
TRIO: Final = "trio"
COROUTINES: Final = "limit: bare coroutines"
FUTURES: Final = "limit: raw futures"

RENDEZVOUS: Final = 0
UNBOUNDED: Final = inf

# Version 1.4.1 has the import name of this package, so it is installed aside and imported under another name.
OLD_SITE: Final = Path(sys.prefix) / "aiochannel-1.4.1"

T = TypeVar("T")
Q = TypeVar("Q")
Job = Callable[[], Coroutine[object, Never, None]]


class NotOfferedError(Exception):
    """The subject has nothing of this kind."""


def offered(thing: T | None) -> T:
    if thing is None:
        raise NotOfferedError
    return thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The bound methods of one queue, under one name each; a workload calls them as they are."""

    put: Callable[[int], Awaitable[object]] | None = None
    get: Callable[[], Awaitable[object]] | None = None
    put_nowait: Callable[[int], object] | None = None
    get_nowait: Callable[[], object] | None = None
    items: AsyncIterable[object] | None = None
    close: Callable[[], object] | None = None


async def _gather(jobs: Iterable[Job]) -> None:
    await asyncio.gather(*[job() for job in jobs])


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    version: str
    create: Callable[[float], object]
    """Make a queue of this capacity, RENDEZVOUS and UNBOUNDED included."""
    make: Callable[[float], Ends]
    """Make a queue and show its methods."""
    together: Callable[[Iterable[Job]], Awaitable[None]] = _gather


def _subject(name: str, release: str, create: Callable[[float], Q], ends: Callable[[Q], Ends]) -> Subject:
    return Subject(name, release, create, lambda capacity: ends(create(capacity)))


def _maxsize(capacity: float) -> int:
    """Return the capacity in the convention of `asyncio.Queue`, which has no rendezvous."""
    if capacity == RENDEZVOUS:
        raise NotOfferedError
    return 0 if capacity == UNBOUNDED else int(capacity)


def _at_least_one(capacity: float) -> int:
    """Return the capacity where there is neither a rendezvous nor an unbounded queue: a very large one stands in."""
    return _maxsize(capacity) or 10**9


def _channel(capacity: float) -> Channel[int]:
    return Channel.rendezvous() if capacity == RENDEZVOUS else Channel(_maxsize(capacity))


def ours() -> Subject:
    return _subject(
        OURS,
        aiochannel.__version__,
        _channel,
        lambda made: Ends(
            put=made.put,
            get=made.get,
            put_nowait=made.put_nowait,
            get_nowait=made.get_nowait,
            items=made,
            close=made.close,
        ),
    )


def handles() -> Subject:
    return _subject(
        HANDLES,
        aiochannel.__version__,
        lambda capacity: _channel(capacity).split(),
        lambda made: Ends(
            put=made[0].put,
            get=made[1].get,
            put_nowait=made[0].put_nowait,
            get_nowait=made[1].get_nowait,
            items=made[1],
            close=made[0].close,
        ),
    )


def stdlib() -> Subject:
    def create(capacity: float) -> asyncio.Queue[int]:
        return asyncio.Queue(_maxsize(capacity))

    return _subject(
        STDLIB,
        sys.version.split()[0],
        create,
        lambda made: Ends(
            put=made.put,
            get=made.get,
            put_nowait=made.put_nowait,
            get_nowait=made.get_nowait,
            close=getattr(made, "shutdown", None),  # new in 3.13
        ),
    )


def old() -> Subject:
    package = ModuleType("aiochannel_1_4_1")
    package.__path__ = [str(OLD_SITE / "aiochannel")]
    sys.modules[package.__name__] = package
    made_by = import_module("aiochannel_1_4_1.channel").Channel
    return _subject(
        OLD,
        "1.4.1",
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: Ends(
            put=made.put,
            get=made.get,
            put_nowait=made.put_nowait,
            get_nowait=made.get_nowait,
            items=made,
            close=made.close,
        ),
    )


def anyio() -> Subject:
    made_by = import_module("anyio").create_memory_object_stream
    return _subject(
        "anyio",
        version("anyio"),
        made_by,
        lambda made: Ends(
            put=made[0].send,
            get=made[1].receive,
            put_nowait=made[0].send_nowait,
            get_nowait=made[1].receive_nowait,
            items=made[1],
            close=made[0].close,
        ),
    )


def culsans() -> Subject:
    made_by = import_module("culsans").Queue
    return _subject(
        "culsans",
        version("culsans"),
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: Ends(
            put=made.async_q.put,
            get=made.async_q.get,
            put_nowait=made.async_q.put_nowait,
            get_nowait=made.async_q.get_nowait,
            close=made.shutdown,
        ),
    )


def janus() -> Subject:
    made_by = import_module("janus").Queue
    return _subject(
        "janus",
        version("janus"),
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: Ends(
            put=made.async_q.put,
            get=made.async_q.get,
            put_nowait=made.async_q.put_nowait,
            get_nowait=made.async_q.get_nowait,
            close=made.shutdown,
        ),
    )


def aiologic() -> Subject:
    made_by = import_module("aiologic").Queue
    return _subject(
        "aiologic",
        version("aiologic"),
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: Ends(put=made.async_put, get=made.async_get),
    )


def asyncio_channel() -> Subject:
    from asyncio_channel import create_channel

    return _subject(
        "asyncio-channel",
        version("asyncio-channel"),
        lambda capacity: create_channel(_at_least_one(capacity)),
        lambda made: Ends(
            put=made.put,
            get=made.take,
            put_nowait=made.offer,
            get_nowait=made.poll,
            items=made,
            close=made.close,
        ),
    )


def aiochan() -> Subject:
    from aiochan import Chan

    return _subject(
        "aiochan",
        version("aiochan"),
        lambda capacity: Chan(None if capacity == RENDEZVOUS else _at_least_one(capacity)),
        lambda made: Ends(
            put=made.put,
            get=made.get,
            put_nowait=made.put_nowait,
            get_nowait=made.get_nowait,
            close=made.close,
        ),
    )


def frequenz() -> Subject:
    made_by = import_module("frequenz.channels").Anycast
    # It logs whenever a sender waits, and the log would be most of what is measured.
    logging.getLogger("frequenz").setLevel(logging.ERROR)

    def make(capacity: float) -> Ends:
        made = made_by(name="", limit=_at_least_one(capacity))
        tx, rx = made.new_sender(), made.new_receiver()
        return Ends(put=tx.send, get=rx.receive, items=rx)

    return Subject(
        "frequenz-channels",
        version("frequenz-channels"),
        lambda capacity: made_by(name="", limit=_at_least_one(capacity)),
        make,
    )


def trio() -> Subject:
    module = import_module("trio")

    async def together(jobs: Iterable[Job]) -> None:
        async with module.open_nursery() as nursery:
            for job in jobs:
                nursery.start_soon(job)

    def make(capacity: float) -> Ends:
        tx, rx = module.open_memory_channel(capacity)
        return Ends(
            put=tx.send,
            get=rx.receive,
            put_nowait=tx.send_nowait,
            get_nowait=rx.receive_nowait,
            items=rx,
        )

    return Subject(TRIO, version("trio"), module.open_memory_channel, make, together)


def bare_coroutines() -> Subject:
    """What one call and one await cost, over the fastest container there is. Nothing waits."""

    def make(capacity: float) -> Ends:
        if capacity != UNBOUNDED:
            raise NotOfferedError
        buffer: deque[int] = deque()
        append, popleft = buffer.append, buffer.popleft

        async def put(item: int) -> None:
            append(item)

        async def get() -> int:
            return popleft()

        return Ends(put=put, get=get, put_nowait=append, get_nowait=popleft)

    return Subject(COROUTINES, "", lambda _capacity: deque(), make)


def raw_futures() -> Subject:
    """What one wait costs: every get waits for a future of its own."""

    def make(capacity: float) -> Ends:
        waiting: deque[asyncio.Future[int]] = deque()

        def get() -> asyncio.Future[int]:
            waiter: asyncio.Future[int] = asyncio.Future()
            waiting.append(waiter)
            return waiter

        return Ends(get=get, put_nowait=lambda item: waiting.popleft().set_result(item))

    return Subject(FUTURES, "", lambda _capacity: deque(), make)


PEERS: Final = [stdlib, old, anyio, culsans, janus, aiologic, asyncio_channel, aiochan, frequenz, trio]
LIMITS: Final = [bare_coroutines, raw_futures]


def installed() -> tuple[list[Subject], list[str]]:
    """Return the subjects that can be imported, and the names of those that cannot."""
    subjects: list[Subject] = []
    absent: list[str] = []
    for peer in [ours, handles, *PEERS, *LIMITS]:
        try:
            subjects.append(peer())
        except ImportError:
            absent.append(peer.__name__)
    return subjects, absent
