"""Hubs of one server, connections that are cut, and processes that crash."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Generic, Protocol, TypeVar

from typing_extensions import override

from aiochannel.remote import Hub, RemoteChannel, RemoteReceiver, RemoteSender
from aiochannel.remote import broker as brokers
from aiochannel.remote.formats import MSGPACK, Format
from aiochannel.remote.memory_broker import MemoryBroker

R = TypeVar("R")
T = TypeVar("T")

URL = "memory:"
DOWN = 0.05
"""For how many seconds a connection is down that a fault has cut."""


class Broker(MemoryBroker):
    """A connection that loses calls as it is told to.

    Each call takes the next fault: "request" cuts the connection before the server has read it, "reply" after it has
    acted, and "stale" lets the request arrive after the next connection is up.
    """

    faults: Iterator[str] = iter(())

    @override
    def send(self, act: Callable[[], R]) -> "asyncio.Future[R]":
        fault = next(self.faults, "")
        if not fault:
            return super().send(act)
        answer: asyncio.Future[R] = self.pending()
        loop = asyncio.get_running_loop()
        if fault == "reply":
            loop.call_soon(act)
        if fault == "stale":
            loop.call_later(2 * DOWN, act)
        loop.call_soon(self.cut, DOWN)
        return answer

    def cut(self, seconds: float | None = None) -> None:
        """Lose the connection; connect again after so many seconds."""
        self.abandon()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.connect_again)

    def connect_again(self) -> None:
        if not self.up:
            self.connect()


class Faulty(brokers.Broker, Protocol):
    """What a world needs of a broker."""

    faults: Iterator[str]

    def cut(self, seconds: float | None = None) -> None: ...
    def connect_again(self) -> None: ...


B = TypeVar("B", bound=Faulty)


class Hubs(Generic[B]):
    """The hubs of a test. Each stands for a process."""

    def __init__(self, make: Callable[[], B]) -> None:
        self.stack = AsyncExitStack()
        self.brokers: list[B] = []
        self._make = make

    async def hub(self, *, patience: float = 30.0) -> Hub:
        """Return another hub of the server."""
        self.brokers.append(self._make())
        return await self.stack.enter_async_context(Hub(self.brokers[-1], patience))

    async def channel(
        self,
        maxsize: int = 0,
        *,
        patience: float = 30.0,
        tries: int = 5,
        lease: float = 30.0,
        format: Format = MSGPACK,  # noqa: A002  # as in the package
    ) -> RemoteChannel[int]:
        """Return the channel "jobs", as another process has it open."""
        hub = await self.hub(patience=patience)
        return await hub.channel("jobs", int, maxsize=maxsize, tries=tries, lease=lease, format=format)

    async def ends(
        self, maxsize: int = 0, *, patience: float = 30.0, tries: int = 5, lease: float = 30.0
    ) -> tuple[RemoteSender[int], RemoteReceiver[int]]:
        """Return a sending and a receiving end of it, each in a process of its own."""
        sending = await self.channel(maxsize, patience=patience, tries=tries, lease=lease)
        receiving = await self.channel(maxsize, patience=patience, tries=tries, lease=lease)
        return sending.sender(), receiving.receiver()

    def cut(self, seconds: float | None = None) -> None:
        """Let every connection be lost, and come back after so many seconds."""
        for broker in self.brokers:
            broker.cut(seconds)

    def connect_again(self) -> None:
        for broker in self.brokers:
            broker.connect_again()

    def crash(self, place: int) -> None:
        """Let the process of a hub crash: it is not heard of any more."""
        self.brokers[place].abandon()

    def lose(self, *faults: str) -> None:
        """Let the next calls of every hub be lost in these ways."""
        for broker in self.brokers:
            broker.faults = iter(faults)

    def lose_always(self, faults: Iterable[str]) -> None:
        """Let all hubs draw their faults from one source."""
        shared = iter(faults)
        for broker in self.brokers:
            broker.faults = shared


class World(Hubs[Broker]):
    """Hubs of the server within this process."""

    def __init__(self) -> None:
        super().__init__(lambda: Broker(URL))
