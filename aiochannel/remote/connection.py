"""Connection: a hub's broker as the ends use it. It says who may use it, and bounds how long a call waits for it.

While the server is out of reach, a call that waits has its patience left, counted from the moment at which the
connection was lost or from the call's own beginning, whichever is later. While the connection is there, no call is
bounded.
"""

import os
from asyncio import AbstractEventLoop, Task, Timeout, create_task, get_running_loop, timeout, wait
from collections.abc import Awaitable, Callable
from contextlib import suppress
from logging import getLogger
from math import inf
from types import TracebackType
from typing import Final, TypeVar, final
from weakref import WeakSet

from aiochannel.remote.broker import Broker, Gone
from aiochannel.remote.errors import ChannelUnavailable

R = TypeVar("R")

LOG: Final = getLogger("aiochannel.remote")


@final
class Connection:
    """A broker, and the calls that wait for it."""

    def __init__(self, broker: Broker, patience: float) -> None:
        self.broker: Final[Broker] = broker
        self.patience: Final[float] = patience
        self.loop: AbstractEventLoop = get_running_loop()
        self.left: bool = False
        self.forked: bool = False
        """Whether this is the copy of it in a child process."""
        self._timeouts: set[Timeout] = set()
        self._waiting: Task[None] | None = None
        """Waits for the connection to come back, while it is known to be lost."""
        self._refusal: str | None = None
        """Why connecting was refused for good."""
        OPEN.add(self)

    def check(self) -> None:
        """Raise RuntimeError if the caller may not use it here."""
        if self.forked:
            raise RuntimeError(f"a hub of {self.broker.where} was made before this process was forked: connect again")
        if get_running_loop() is not self.loop:
            raise RuntimeError(f"a hub of {self.broker.where} belongs to another event loop: each loop needs its own")

    # Out of reach

    def is_lost(self) -> bool:
        """Return whether the connection is known to be lost."""
        return self._waiting is not None

    def note_gone(self) -> None:
        """Note that the connection is lost: calls that wait have their patience left from now on."""
        if self._waiting is None:
            LOG.info("the connection to %s is lost", self.broker.where)
            self._waiting = create_task(self._wait())
            self._reschedule(self.loop.time() + self.patience)

    async def _wait(self) -> None:
        self._refusal = None
        try:
            await self.broker.connected()
        except ChannelUnavailable as error:
            self._refusal = str(error)
            LOG.error("%s", error)  # noqa: TRY400  # the traceback is of the broker's own task
            self._reschedule(self.loop.time())
        else:
            LOG.info("the connection to %s is back", self.broker.where)
            self._reschedule(None)
        self._waiting = None

    def _reschedule(self, when: float | None) -> None:
        for each in tuple(self._timeouts):
            if not each.expired():
                each.reschedule(None if when == inf else when)

    async def back(self) -> None:
        """Wait until the connection, which a call has found lost, is back.

        Raises:
            ChannelUnavailable: connecting is refused for good, or the hub has been left.
        """
        if self.left:
            raise ChannelUnavailable(f"the hub of {self.broker.where} has been left")
        self.note_gone()
        assert self._waiting is not None
        await wait([self._waiting])
        if self._refusal is not None:
            raise self.unavailable()

    def unavailable(self) -> ChannelUnavailable:
        """Return the error that says so."""
        return ChannelUnavailable(
            self._refusal or f"{self.broker.where} was out of reach for more than {self.patience:g} s"
        )

    def bounded(self) -> "Patience":
        """Return a context in which a call may wait: it raises ChannelUnavailable when its patience is over."""
        return Patience(self)

    async def call(self, act: Callable[[], Awaitable[R]], /) -> R:
        """Return what a call of the broker comes to, which is repeated until the connection holds.

        Raises:
            ChannelUnavailable: the patience is over.
            RuntimeError: this is another event loop, or a forked process.
        """
        self.check()
        async with self.bounded():
            while True:
                try:
                    return await act()
                except Gone:
                    await self.back()

    def leave(self) -> None:
        """Wait for nothing any more."""
        self.left = True
        OPEN.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()

    def enter(self, each: Timeout) -> None:
        """Bound a wait."""
        self._timeouts.add(each)

    def exit(self, each: Timeout) -> None:
        """Bound a wait no more."""
        self._timeouts.discard(each)


@final
class Patience:
    """A context that ends with ChannelUnavailable when the patience of its connection is over."""

    __slots__ = ("_connection", "_timeout")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._timeout = timeout(connection.patience if connection.is_lost() and connection.patience < inf else None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._connection.enter(self._timeout)

    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._connection.exit(self._timeout)
        try:
            await self._timeout.__aexit__(et, exc, tb)
        except TimeoutError:
            raise self._connection.unavailable() from None


OPEN: Final[WeakSet[Connection]] = WeakSet()
"""The connections that are open in this process."""


def after_fork() -> None:
    """Let a child process use none of its parent's connections, and send nothing over them."""
    for connection in tuple(OPEN):
        connection.forked = True
        if not connection.loop.is_closed():
            connection.broker.abandon()


with suppress(AttributeError):  # on Windows, which does not fork
    os.register_at_fork(after_in_child=after_fork)
