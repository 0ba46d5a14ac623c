"""The two sides of a channel as types.

A `Sender[T]` may put and close, a `Receiver[T]` may get and iterate; a `Channel[T]` is both. They are structural: a
channel, a handle, an end and an application's own test double all fit without inheriting anything.

Variance follows from what each side does with an item. A `Sender[Animal]` accepts dogs, so it may stand where a
`Sender[Dog]` is asked for (contravariant); a `Receiver[Dog]` gives animals, so it may stand where a `Receiver[Animal]`
is asked for (covariant). A channel does both and is invariant.

No method here is overloaded or generic in a second variable: type checkers would then infer `object` for `T` where a
`Channel[int]` is passed as a `Receiver[T]`.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol, TypeVar

from aiochannel.cases import Case

T_contra = TypeVar("T_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


class Sender(Protocol[T_contra]):
    """The sending side of a channel: puts items, and closes when no more will come."""

    @property
    def maxsize(self) -> int:
        """See `Channel.maxsize`."""
        ...

    def qsize(self) -> int:
        """See `Channel.qsize`."""
        ...

    def closed(self) -> bool:
        """See `Channel.closed`."""
        ...

    def full(self) -> bool:
        """See `Channel.full`."""
        ...

    async def put(self, item: T_contra, /) -> None:
        """See `Channel.put`."""
        ...

    def put_nowait(self, item: T_contra, /) -> None:
        """See `Channel.put_nowait`."""
        ...

    async def put_many(self, items: Iterable[T_contra], /) -> None:
        """See `Channel.put_many`."""
        ...

    def close(self, cause: BaseException | None = None) -> bool:
        """See `Channel.close`."""
        ...

    async def join(self) -> None:
        """See `Channel.join`."""
        ...

    def on_put(self, item: T_contra, /) -> Case[None]:
        """See `Channel.on_put`."""
        ...


class Receiver(Protocol[T_co]):
    """The receiving side of a channel: gets items until the channel is closed and drained."""

    @property
    def maxsize(self) -> int:
        """See `Channel.maxsize`."""
        ...

    def qsize(self) -> int:
        """See `Channel.qsize`."""
        ...

    def closed(self) -> bool:
        """See `Channel.closed`."""
        ...

    def empty(self) -> bool:
        """See `Channel.empty`."""
        ...

    async def get(self) -> T_co:
        """See `Channel.get`."""
        ...

    def get_nowait(self) -> T_co:
        """See `Channel.get_nowait`."""
        ...

    async def get_many(self, limit: int, /) -> Sequence[T_co]:
        """See `Channel.get_many`."""
        ...

    def __aiter__(self) -> AsyncIterator[T_co]:
        """See `Channel.__anext__`."""
        ...

    async def join(self) -> None:
        """See `Channel.join`."""
        ...

    def on_get(self) -> Case[T_co]:
        """See `Channel.on_get`."""
        ...
