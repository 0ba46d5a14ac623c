"""Delivery: an item with its id and its number of attempts, acknowledged by hand."""

from typing import Generic, Protocol, TypeVar, final

from aiochannel._core.newer_typing import override
from aiochannel.remote.broker import Stored

T_co = TypeVar("T_co", covariant=True)


class Source(Protocol):
    """Where a delivery came from."""

    @property
    def generation(self) -> int:
        """How many leases were lost."""
        ...

    async def settle(self, delivery: "Delivery[object]", /) -> None:
        """Acknowledge a delivery."""
        ...

    async def release(self, delivery: "Delivery[object]", reason: str, delay: float, /) -> None:
        """Give a delivery back."""
        ...

    def fail(self, delivery: "Delivery[object]", reason: str, /) -> None:
        """Give a delivery back, without waiting for the server."""
        ...


@final
class Delivery(Generic[T_co]):
    """An item that this process was given, and that is another's again if it is not acknowledged."""

    __slots__ = ("_generation", "_open", "_receipt", "_since", "_size", "_source", "_stored", "item")

    def __init__(self, item: T_co, stored: Stored, source: Source, since: float) -> None:
        self.item: T_co = item
        self._open: bool = True
        """Whether it is neither acknowledged nor given back."""
        self._since: float = since
        """The loop's time at which it came."""
        self._receipt: int = stored.receipt
        """Its number at this end."""
        self._size: int = len(stored.item)
        """How many bytes it has."""
        self._generation: int = source.generation
        """How many leases the end had lost before."""
        self._stored = stored
        self._source = source

    @property
    def id(self) -> str:
        """The same for this item in every delivery, in every process; no other item of the channel has it."""
        return self._stored.id

    @property
    def attempt(self) -> int:
        """Which attempt this is: 1 unless a receiver crashed or failed with it before."""
        return self._stored.attempt

    @property
    def _lost(self) -> bool:
        """Whether its lease is lost: it was given back to the channel."""
        return self._generation != self._source.generation

    async def ack(self) -> None:
        """Acknowledge the item: it is received. A second call does nothing.

        Raises:
            LeaseLost: it was given back to the channel, and may be another's by now.
            ChannelLost: the server no longer has the channel.
            ChannelUnavailable: the server was out of reach for too long. Whether it is acknowledged is not known.

        Cancellation:
            The item may be acknowledged.
        """
        await self._source.settle(self)

    async def release(self, delay: float = 0.0) -> None:
        """Give the item back, for another attempt after so many seconds; this one counts.

        Raises:
            LeaseLost: it was given back already.
            ChannelLost: the server no longer has the channel.
            ChannelUnavailable: the server was out of reach for too long. It is given back when the lease ends.

        Cancellation:
            The item may be given back.
        """
        await self._source.release(self, "it was released", delay)

    def _fail(self, reason: str) -> None:
        """Give the item back, since this attempt has failed; the server is told soon."""
        self._source.fail(self, reason)

    @override
    def __repr__(self) -> str:
        return f"<Delivery {self.id} attempt={self.attempt}>"
