"""Other libraries' queues as subjects of the explorer: about fifteen lines each.

To add one, write a function below that imports it and returns a `Peer`, and add it to PEERS. Peers are imported by
name, so that one that is not installed is left out.
"""

import asyncio
import math
import platform
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Final, NamedTuple

import aiochannel
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull
from benchmarks.subjects import OLD_SITE
from tests.explore.programs import RENDEZVOUS, Make, make_channel
from tests.explore.sketch import SketchStatistics


class Parts(NamedTuple):
    """The methods of one queue, under one name each."""

    put: Callable[[str], Awaitable[object]]
    get: Callable[[], Awaitable[str]]
    put_nowait: Callable[[str], object]
    get_nowait: Callable[[], str]
    close: Callable[[], object]
    qsize: Callable[[], int]
    full: Callable[[], bool]
    waiting: Callable[[], tuple[int, int]]  # puts and gets, as the queue counts them
    join: Callable[[], Awaitable[object]] | None = None


class Errors(NamedTuple):
    closed: tuple[type[Exception], ...]
    full: type[Exception]
    empty: type[Exception]


class Peer(NamedTuple):
    name: str
    version: str
    make: Make
    join: bool = False  # it has a join that waits for closed and drained
    rendezvous: bool = False
    hands_over: bool = False  # a waiting put is carried out by the receiver, and returns later
    suspends: bool = False  # a call suspends even when it need not wait, so who waits is not to be seen


class Adapter:
    """A peer's queue as a subject of the explorer: only the names of methods and exceptions change."""

    def __init__(self, build: Callable[[], Parts], errors: Errors) -> None:
        self.build = build
        self.errors = errors
        self.is_closed = False

    @cached_property
    def parts(self) -> Parts:
        """The queue, made inside the loop that is to use it, as some must be."""
        return self.build()

    @contextmanager
    def translated(self, theirs: type[Exception], ours: type[Exception]) -> Iterator[None]:
        try:
            yield
        except self.errors.closed:
            raise ChannelClosed from None
        except theirs:
            raise ours from None

    async def put(self, item: str) -> None:
        with self.translated(self.errors.full, ChannelFull):
            await self.parts.put(item)

    async def get(self) -> str:
        with self.translated(self.errors.empty, ChannelEmpty):
            return await self.parts.get()

    def put_nowait(self, item: str) -> None:
        with self.translated(self.errors.full, ChannelFull):
            self.parts.put_nowait(item)

    def get_nowait(self) -> str:
        with self.translated(self.errors.empty, ChannelEmpty):
            return self.parts.get_nowait()

    def close(self, cause: BaseException | None = None) -> bool:
        assert cause is None
        was_open = not self.is_closed
        self.is_closed = True
        self.parts.close()
        return was_open

    async def join(self) -> None:
        if self.parts.join is not None:
            await self.parts.join()

    async def put_many(self, items: Iterable[str]) -> None:
        raise NotImplementedError

    def qsize(self) -> int:
        return self.parts.qsize()

    def empty(self) -> bool:
        return not self.parts.qsize()

    def full(self) -> bool:
        return self.parts.full()

    def statistics(self) -> SketchStatistics:
        senders, receivers = self.parts.waiting()
        return SketchStatistics(self.parts.qsize(), senders, receivers, 0, 0, self.is_closed)


def adapted(build: Callable[[int], Parts], errors: Errors) -> Make:
    return lambda size: Adapter(partial(build, size), errors)


def ours() -> Peer:
    return Peer("aiochannel", aiochannel.__version__, make_channel, join=True, rendezvous=True)


def stdlib() -> Peer:
    module = import_module("asyncio")
    if not hasattr(module, "QueueShutDown"):
        raise ImportError("asyncio.Queue can be shut down from Python 3.13 on")
    errors = Errors((module.QueueShutDown,), asyncio.QueueFull, asyncio.QueueEmpty)

    def build(size: int) -> Parts:
        made = module.Queue(size)
        return Parts(
            made.put, made.get, made.put_nowait, made.get_nowait, made.shutdown, made.qsize, made.full,
            lambda: (len(made._putters), len(made._getters)),
        )  # fmt: skip

    return Peer("asyncio.Queue", platform.python_version(), adapted(build, errors))


def old() -> Peer:
    package = ModuleType("aiochannel_1_4_1")
    package.__path__ = [str(OLD_SITE / "aiochannel")]
    sys.modules[package.__name__] = package
    made_by = import_module("aiochannel_1_4_1.channel").Channel
    raised = import_module("aiochannel_1_4_1.errors")
    errors = Errors((raised.ChannelClosed,), raised.ChannelFull, raised.ChannelEmpty)

    def build(size: int) -> Parts:
        made = made_by(size)
        return Parts(
            made.put, made.get, made.put_nowait, made.get_nowait, made.close, made.qsize, made.full,
            lambda: (len(made._putters), len(made._getters)), made.join,
        )  # fmt: skip

    return Peer("aiochannel", "1.4.1", adapted(build, errors), join=True)


def anyio() -> Peer:
    module = import_module("anyio")
    errors = Errors((module.ClosedResourceError, module.EndOfStream), module.WouldBlock, module.WouldBlock)

    def build(size: int) -> Parts:
        capacity = {RENDEZVOUS: 0, 0: math.inf}.get(size, size)
        tx, rx = module.create_memory_object_stream(capacity)
        numbers = tx.statistics

        def full() -> bool:
            now = numbers()
            return now.current_buffer_used >= capacity and not now.tasks_waiting_receive

        return Parts(
            tx.send, rx.receive, tx.send_nowait, rx.receive_nowait, tx.close,
            lambda: int(numbers().current_buffer_used), full,
            lambda: (numbers().tasks_waiting_send, numbers().tasks_waiting_receive),
        )  # fmt: skip

    return Peer("anyio", version("anyio"), adapted(build, errors), rendezvous=True, hands_over=True, suspends=True)


def culsans() -> Peer:
    module = import_module("culsans")
    errors = Errors((module.QueueShutDown, module.AsyncQueueShutDown), module.QueueFull, module.QueueEmpty)

    def build(size: int) -> Parts:
        made = module.Queue(size)
        ends = made.async_q
        return Parts(
            ends.put, ends.get, ends.put_nowait, ends.get_nowait, ends.shutdown, ends.qsize, ends.full,
            lambda: (made.putting, made.getting),
        )  # fmt: skip

    return Peer("culsans", version("culsans"), adapted(build, errors))


def janus() -> Peer:
    module = import_module("janus")
    errors = Errors((module.AsyncQueueShutDown,), module.AsyncQueueFull, module.AsyncQueueEmpty)

    def build(size: int) -> Parts:
        made = module.Queue(size)
        ends = made.async_q
        return Parts(
            ends.put, ends.get, ends.put_nowait, ends.get_nowait, ends.shutdown, ends.qsize, ends.full,
            lambda: (made._async_not_full_waiting, made._async_not_empty_waiting),
        )  # fmt: skip

    return Peer("janus", version("janus"), adapted(build, errors), suspends=True)


PEERS: Final = [ours, stdlib, old, anyio, culsans, janus]


def installed() -> dict[str, Peer]:
    found: dict[str, Peer] = {}
    for peer in PEERS:
        with suppress(ImportError):
            made = peer()
            found[f"{made.name} {made.version}"] = made
    return found
