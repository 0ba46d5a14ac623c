"""Hub: one connection to one server, and the channels that are open over it."""

import re
from asyncio import gather, timeout
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from types import TracebackType
from typing import Final, Self, TypeVar, final

from typing_extensions import TypeForm

from aiochannel._core.arguments import integer, seconds
from aiochannel._core.newer_typing import override
from aiochannel.remote.broker import Broker, Settings, State
from aiochannel.remote.channel import RemoteChannel
from aiochannel.remote.connection import Connection
from aiochannel.remote.errors import ChannelMismatch, Undelivered
from aiochannel.remote.formats import MSGPACK, Format
from aiochannel.remote.holding import asker
from aiochannel.remote.links import Link
from aiochannel.remote.sending import LEAVING_SECONDS
from aiochannel.remote.statistics import HubStatistics

T = TypeVar("T")

NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


@final
class Hub:
    """A connection to a server. `connect` makes it; enter it once, with `async with`.

    A hub belongs to the event loop and to the process in which it was entered. Its connection comes back by itself.
    """

    def __init__(self, broker: Broker, patience: float) -> None:
        self._broker = broker
        self._patience = patience
        self._connection: Connection | None = None
        self._links: dict[str, Link] = {}

    @override
    def __repr__(self) -> str:
        return f"<Hub of {self._broker.where}>"

    # Channels

    async def channel(
        self,
        name: str,
        of: TypeForm[T],
        /,
        *,
        maxsize: int = 0,
        tries: int = 5,
        lease: float = 30.0,
        format: Format = MSGPACK,  # noqa: A002  # it is what the argument is
    ) -> RemoteChannel[T]:
        """Open a channel for items of a type; make it unless it is there.

        It stores at most `maxsize` items, 0 for no limit. An item with which a receiver has crashed or failed `tries`
        times becomes a dead letter. A receiver that has been silent for `lease` seconds counts as crashed.

        Raises:
            ChannelMismatch: it is there with other settings.
            ChannelUnavailable: the server was out of reach for too long.
            TypeError, ValueError: an argument is of no use. A name has 1 to 200 of `A-Za-z0-9_.:-`.
            RuntimeError: the hub is not entered, or this is another event loop.

        Cancellation:
            The channel may have been made.
        """
        settings = Settings(_number("maxsize", maxsize, 0), _number("tries", tries, 1), _lease(lease), format.name)
        link = await self._open(name, settings)
        differing = [
            f"{field} is {there!r}, not {asked!r}"
            for field, there, asked in zip(Settings._fields, link.settings, settings, strict=True)
            if there != asked
        ]
        if differing:
            raise ChannelMismatch(f"{link.title} is there with other settings: {', '.join(differing)}")
        return RemoteChannel(link, format.codec(of))

    async def existing(
        self,
        name: str,
        of: TypeForm[T],
        /,
        *,
        format: Format = MSGPACK,  # noqa: A002
    ) -> RemoteChannel[T]:
        """Open a channel that is there, whatever its settings.

        Raises:
            ChannelMissing: there is no such channel.
            ChannelMismatch: it has another format.
            ChannelUnavailable, ValueError, RuntimeError: as in `channel`.

        Cancellation:
            Safe. Nothing changes.
        """
        link = await self._open(name, None)
        if link.settings.format != format.name:
            raise ChannelMismatch(f"{link.title} has the format {link.settings.format!r}, not {format.name!r}")
        return RemoteChannel(link, format.codec(of))

    async def _open(self, name: str, settings: Settings | None) -> Link:
        if not NAME.fullmatch(name):
            raise ValueError(f"the name of a channel has 1 to 200 of A-Za-z0-9_.:-, not {name!r}")
        connection = self._entered()
        changes: list[State] = []

        def changed(state: State) -> None:
            changes.append(state)
            if name in self._links:
                self._links[name].changed(state)

        opened = await connection.call(lambda: self._broker.open(name, settings, changed))
        link = self._links.get(name)
        if link is None or link.state.lost is not None:
            link = self._links[name] = Link(connection, name, opened.settings, (opened.state, *changes)[-1])
        return link

    async def names(self) -> list[str]:
        """Return the names of the channels on the server, sorted.

        Raises:
            ChannelUnavailable: the server was out of reach for too long.

        Cancellation:
            Safe. Nothing changes.
        """
        return await self._entered().call(self._broker.names)

    def statistics(self) -> HubStatistics:
        """Return a snapshot of the connection."""
        return self._broker.statistics()

    # Entering and leaving

    def _entered(self) -> Connection:
        if self._connection is None or self._connection.left:
            raise RuntimeError(f"{self!r} is used outside of its `async with` block")
        self._connection.check()
        return self._connection

    async def __aenter__(self) -> Self:
        if self._connection is not None:
            raise RuntimeError(f"{self!r} was entered before: connect again")
        self._connection = Connection(self._broker, self._patience)
        try:
            await self._broker.enter()
            async with timeout(self._patience if self._patience < inf else None):
                await self._broker.connected()
        except BaseException as error:
            self._connection.leave()
            self._broker.abandon()
            if isinstance(error, TimeoutError):
                raise self._connection.unavailable() from None
            raise
        return self

    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._connection is not None
        if self._connection.forked:
            return
        within = self._patience if exc is None else LEAVING_SECONDS
        try:
            who = asker()
            ends = [end for link in self._links.values() for end in link.ends]
            left = await gather(*(end._leave_as(who, exc, within) for end in ends), return_exceptions=True)
            with suppress(TimeoutError):
                async with timeout(within if within < inf else None):
                    await self._broker.leave()
        finally:
            self._connection.leave()
            for link in self._links.values():
                link.leave()
            self._broker.abandon()
        self._tell([each for each in left if each is not None])

    def _tell(self, errors: Sequence[BaseException]) -> None:
        """Raise what ends raised when they were left."""
        for error in errors:
            if not isinstance(error, Undelivered):
                raise error
        items = [item for error in errors if isinstance(error, Undelivered) for item in error.items]
        if items:
            raise Undelivered(f"{len(items)} items that ends of {self!r} had accepted were refused", items)


def _number(name: str, given: int, least: int) -> int:
    number = integer(given)
    if number is None:
        raise TypeError(f"{name} must be an int >= {least}, not {given!r}")
    if number < least:
        raise ValueError(f"{name} must be an int >= {least}, not {given!r}")
    return number


def _lease(given: float) -> float:
    number = seconds("lease", given)
    if not 0 < number < inf:
        raise ValueError(f"lease must be a number of seconds > 0, not {given!r}")
    return number


def patience_of(given: float) -> float:
    """Return a patience as a float."""
    number = seconds("patience", given)
    if not number >= 0:  # nan is not
        raise ValueError(f"patience must be a number of seconds >= 0, not {given!r}")
    return number
