"""This package and its peers, under one set of names: for the benchmarks and for `tools.violations`.

To add a peer, write a function below that imports it and returns a `Peer`, and add it to PEERS; `pyproject.toml` (group
`bench`) and `constraints.txt` install it. A peer that is not installed is left out. None has to be installed to
type-check this file: a peer with types of its own is imported by name; of one without, `stubs/` has what is used here.

A capacity is the number of items that are buffered: 0 is a rendezvous, UNBOUNDED is no limit.
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
from typing import Final, NamedTuple, Never, Protocol, TypeVar

import aiochannel
from aiochannel import Channel

OURS: Final = "aiochannel"
HANDLES: Final = "aiochannel, handles"
STDLIB: Final = "asyncio.Queue"
OLD: Final = "aiochannel 1.4.1"
TRIO: Final = "trio"
COROUTINES: Final = "limit: bare coroutines"
FUTURES: Final = "limit: raw futures"

UNBOUNDED: Final = inf

# Version 1.4.1 has the import name of this package, so it is installed aside and imported under another name.
OLD_SITE: Final = Path(sys.prefix) / "aiochannel-1.4.1"

T = TypeVar("T")
Q = TypeVar("Q")
Job = Callable[[], Coroutine[object, Never, None]]


class NotOfferedError(Exception):
    """The peer has nothing of this kind."""


def offered(thing: T | None) -> T:
    if thing is None:
        raise NotOfferedError
    return thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The bound methods of one queue; a benchmark calls them as they are."""

    put: Callable[[object], Awaitable[object]] | None = None
    get: Callable[[], Awaitable[object]] | None = None
    put_nowait: Callable[[object], object] | None = None
    get_nowait: Callable[[], object] | None = None
    qsize: Callable[[], int] | None = None
    full: Callable[[], bool] | None = None
    items: AsyncIterable[object] | None = None
    close: Callable[[], object] | None = None
    join: Callable[[], Awaitable[object]] | None = None
    """Wait until the queue is closed and drained."""
    waiting: Callable[[], tuple[int, int]] | None = None
    """Return how many puts and gets wait, as the queue counts them."""


class Rules(NamedTuple):
    """What the explorer has to know."""

    closed: tuple[type[Exception], ...]
    full: type[Exception]
    empty: type[Exception]
    rendezvous: bool = False
    join: bool = False
    hands_over: bool = False  # the receiver carries out a waiting put, which returns later
    suspends: bool = False  # a call suspends even when it need not wait, so nobody can see which calls wait


async def _gather(jobs: Iterable[Job]) -> None:
    await asyncio.gather(*[job() for job in jobs])


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    version: str
    create: Callable[[float], object]
    """Make a queue of this capacity."""
    make: Callable[[float], Ends]
    """Make a queue of this capacity and return its methods."""
    together: Callable[[Iterable[Job]], Awaitable[None]] = _gather
    rules: Rules | None = None
    """None: the explorer leaves it out."""

    @property
    def title(self) -> str:
        return self.name if self.name.endswith(self.version) else f"{self.name} {self.version}"


def _peer(
    name: str, release: str, create: Callable[[float], Q], ends: Callable[[Q], Ends], rules: Rules | None = None
) -> Peer:
    return Peer(name, release, create, lambda capacity: ends(create(capacity)), rules=rules)


class Queue(Protocol):
    def put(self, item: object, /) -> Awaitable[object]: ...
    def get(self) -> Awaitable[object]: ...
    def put_nowait(self, item: object, /) -> object: ...
    def get_nowait(self) -> object: ...
    def qsize(self) -> int: ...
    def full(self) -> bool: ...


def ends_of(
    queue: Queue,
    *,
    items: AsyncIterable[object] | None = None,
    close: Callable[[], object] | None = None,
    join: Callable[[], Awaitable[object]] | None = None,
    waiting: Callable[[], tuple[int, int]] | None = None,
) -> Ends:
    """Return the methods of a queue that names them as `asyncio.Queue` does."""
    return Ends(
        put=queue.put, get=queue.get, put_nowait=queue.put_nowait, get_nowait=queue.get_nowait, qsize=queue.qsize,
        full=queue.full, items=items, close=close, join=join, waiting=waiting,
    )  # fmt: skip


def _maxsize(capacity: float) -> int:
    """Return the capacity in the convention of `asyncio.Queue`, which has no rendezvous."""
    if not capacity:
        raise NotOfferedError
    return 0 if capacity == UNBOUNDED else int(capacity)


def _at_least_one(capacity: float) -> int:
    """Return the capacity where there is neither a rendezvous nor an unbounded queue: a very large one stands in."""
    return _maxsize(capacity) or 10**9


def _channel(capacity: float) -> Channel[object]:
    return Channel(_maxsize(capacity)) if capacity else Channel.rendezvous()


def ours() -> Peer:
    return _peer(
        OURS,
        aiochannel.__version__,
        _channel,
        lambda made: ends_of(made, items=made, close=made.close, join=made.join),
        Rules((aiochannel.ChannelClosed,), aiochannel.ChannelFull, aiochannel.ChannelEmpty, rendezvous=True, join=True),
    )


def handles() -> Peer:
    return _peer(
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


def stdlib() -> Peer:
    module = import_module("asyncio")
    closed = getattr(module, "QueueShutDown", None)  # new in 3.13, as shutdown is
    return _peer(
        STDLIB,
        sys.version.split()[0],
        lambda capacity: module.Queue(_maxsize(capacity)),
        lambda made: ends_of(
            made,
            close=getattr(made, "shutdown", None),
            waiting=lambda: (len(made._putters), len(made._getters)),
        ),
        closed and Rules((closed,), asyncio.QueueFull, asyncio.QueueEmpty),
    )


def old() -> Peer:
    package = ModuleType("aiochannel_1_4_1")
    package.__path__ = [str(OLD_SITE / "aiochannel")]
    sys.modules[package.__name__] = package
    made_by = import_module("aiochannel_1_4_1.channel").Channel
    raised = import_module("aiochannel_1_4_1.errors")
    return _peer(
        OLD,
        "1.4.1",
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: ends_of(
            made,
            items=made,
            close=made.close,
            join=made.join,
            waiting=lambda: (len(made._putters), len(made._getters)),
        ),
        Rules((raised.ChannelClosed,), raised.ChannelFull, raised.ChannelEmpty, join=True),
    )


def anyio() -> Peer:
    module = import_module("anyio")

    def make(capacity: float) -> Ends:
        tx, rx = module.create_memory_object_stream(capacity)
        numbers = tx.statistics

        def full() -> bool:
            now = numbers()
            return now.current_buffer_used >= capacity and not now.tasks_waiting_receive

        return Ends(
            put=tx.send,
            get=rx.receive,
            put_nowait=tx.send_nowait,
            get_nowait=rx.receive_nowait,
            qsize=lambda: int(numbers().current_buffer_used),
            full=full,
            items=rx,
            close=tx.close,
            waiting=lambda: (numbers().tasks_waiting_send, numbers().tasks_waiting_receive),
        )

    closed = (module.ClosedResourceError, module.EndOfStream)
    rules = Rules(closed, module.WouldBlock, module.WouldBlock, rendezvous=True, hands_over=True, suspends=True)
    return Peer("anyio", version("anyio"), module.create_memory_object_stream, make, rules=rules)


def culsans() -> Peer:
    module = import_module("culsans")
    return _peer(
        "culsans",
        version("culsans"),
        lambda capacity: module.Queue(_maxsize(capacity)),
        lambda made: ends_of(made.async_q, close=made.shutdown, waiting=lambda: (made.putting, made.getting)),
        Rules((module.QueueShutDown, module.AsyncQueueShutDown), module.QueueFull, module.QueueEmpty),
    )


def janus() -> Peer:
    module = import_module("janus")
    return _peer(
        "janus",
        version("janus"),
        lambda capacity: module.Queue(_maxsize(capacity)),
        lambda made: ends_of(
            made.async_q,
            close=made.shutdown,
            waiting=lambda: (made._async_not_full_waiting, made._async_not_empty_waiting),
        ),
        Rules((module.AsyncQueueShutDown,), module.AsyncQueueFull, module.AsyncQueueEmpty, suspends=True),
    )


def aiologic() -> Peer:
    made_by = import_module("aiologic").Queue
    return _peer(
        "aiologic",
        version("aiologic"),
        lambda capacity: made_by(_maxsize(capacity)),
        lambda made: Ends(put=made.async_put, get=made.async_get),
    )


def asyncio_channel() -> Peer:
    from asyncio_channel import create_channel

    return _peer(
        "asyncio-channel",
        version("asyncio-channel"),
        lambda capacity: create_channel(_at_least_one(capacity)),
        lambda made: Ends(
            put=made.put, get=made.take, put_nowait=made.offer, get_nowait=made.poll, items=made, close=made.close
        ),
    )


def aiochan() -> Peer:
    from aiochan import Chan

    return _peer(
        "aiochan",
        version("aiochan"),
        lambda capacity: Chan(_at_least_one(capacity) if capacity else None),
        lambda made: Ends(
            put=made.put, get=made.get, put_nowait=made.put_nowait, get_nowait=made.get_nowait, close=made.close
        ),
    )


def frequenz() -> Peer:
    made_by = import_module("frequenz.channels").Anycast
    # It logs whenever a sender waits, and the log would be most of what is measured.
    logging.getLogger("frequenz").setLevel(logging.ERROR)

    def ends(made: ModuleType) -> Ends:
        rx = made.new_receiver()
        return Ends(put=made.new_sender().send, get=rx.receive, items=rx)

    return _peer(
        "frequenz-channels",
        version("frequenz-channels"),
        lambda capacity: made_by(name="", limit=_at_least_one(capacity)),
        ends,
    )


def trio() -> Peer:
    module = import_module("trio")

    async def together(jobs: Iterable[Job]) -> None:
        async with module.open_nursery() as nursery:
            for job in jobs:
                nursery.start_soon(job)

    def make(capacity: float) -> Ends:
        tx, rx = module.open_memory_channel(capacity)
        return Ends(put=tx.send, get=rx.receive, put_nowait=tx.send_nowait, get_nowait=rx.receive_nowait, items=rx)

    return Peer(TRIO, version("trio"), module.open_memory_channel, make, together)


def _bare_queue(capacity: int) -> Ends:
    buffer: deque[object] = deque()
    getting: deque[asyncio.Future[None]] = deque()
    putting: deque[asyncio.Future[None]] = deque()

    async def put(item: object) -> None:
        while len(buffer) >= capacity:
            waiter: asyncio.Future[None] = asyncio.Future()
            putting.append(waiter)
            await waiter
        buffer.append(item)
        if getting:
            getting.popleft().set_result(None)

    async def get() -> object:
        while not buffer:
            waiter: asyncio.Future[None] = asyncio.Future()
            getting.append(waiter)
            await waiter
        item = buffer.popleft()
        if putting:
            putting.popleft().set_result(None)
        return item

    return Ends(put=put, get=get)


def bare_coroutines() -> Peer:
    """What one call and one await cost, over the fastest container there is.

    Where it is bounded, who has to wait does so on a bare future, and nobody may be cancelled, close it, or rely on an
    order. Where it is not, nothing waits.
    """

    def make(capacity: float) -> Ends:
        if capacity != UNBOUNDED:
            return _bare_queue(_maxsize(capacity))
        buffer: deque[object] = deque()
        append, popleft = buffer.append, buffer.popleft

        async def put(item: object) -> None:
            append(item)

        async def get() -> object:
            return popleft()

        return Ends(put=put, get=get, put_nowait=append, get_nowait=popleft)

    return Peer(COROUTINES, "", lambda _capacity: deque(), make)


def raw_futures() -> Peer:
    """What one wait costs: every get waits for a future of its own."""

    def make(capacity: float) -> Ends:
        waiting: deque[asyncio.Future[object]] = deque()

        def get() -> asyncio.Future[object]:
            waiter: asyncio.Future[object] = asyncio.Future()
            waiting.append(waiter)
            return waiter

        return Ends(get=get, put_nowait=lambda item: waiting.popleft().set_result(item))

    return Peer(FUTURES, "", lambda _capacity: deque(), make)


PEERS: Final = [
    ours, handles, stdlib, old, anyio, culsans, janus, aiologic, asyncio_channel, aiochan, frequenz, trio,
    bare_coroutines, raw_futures,
]  # fmt: skip


def installed() -> tuple[list[Peer], list[str]]:
    """Return the peers that can be imported, and the names of those that cannot."""
    found: list[Peer] = []
    absent: list[str] = []
    for peer in PEERS:
        try:
            found.append(peer())
        except ImportError:
            absent.append(peer.__name__)
    return found, absent
