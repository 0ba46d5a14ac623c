"""RemoteChannel: a channel on a server, as one process has it open. Items go through its ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar, final

from aiochannel._core.arguments import batch_limit, integer
from aiochannel._core.newer_typing import override
from aiochannel.errors import check_cause
from aiochannel.remote.broker import Dead
from aiochannel.remote.errors import cause_text
from aiochannel.remote.formats import Codec
from aiochannel.remote.links import Link
from aiochannel.remote.receiving import RemoteReceiver
from aiochannel.remote.sending import RemoteSender
from aiochannel.remote.statistics import RemoteStatistics

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@final
@dataclass(frozen=True, slots=True)
class DeadLetter(Generic[T_co]):
    """An item whose receivers crashed or failed too often, or that could not be decoded."""

    item: T_co | None
    """None if it cannot be decoded here."""
    raw: bytes
    id: str
    reason: str
    attempts: int
    when: datetime
    """When it became one, by the clock of the server, in UTC."""


@final
class RemoteChannel(Generic[T]):
    """A channel on a server. It is neither a `Sender` nor a `Receiver`: open its ends.

    Every method waits while the server is out of reach, for as long as the hub's patience, and then raises
    ChannelUnavailable; it raises ChannelLost if the server no longer has the channel, and RuntimeError in another event
    loop. A call that was cancelled, and that changes something, may have done so.
    """

    def __init__(self, link: Link, codec: Codec[T]) -> None:
        self._link = link
        self._codec = codec

    @property
    def name(self) -> str:
        """The name of the channel."""
        return self._link.name

    @property
    def maxsize(self) -> int:
        """The number of items that the channel stores; 0 if it is unbounded."""
        return self._link.settings.maxsize

    @property
    def tries(self) -> int:
        """How often a receiver may crash or fail with an item, until that is a dead letter."""
        return self._link.settings.tries

    @property
    def lease(self) -> float:
        """After how many seconds of silence a receiver counts as crashed."""
        return self._link.settings.lease

    @override
    def __repr__(self) -> str:
        return f"<RemoteChannel: {self._link.title}>"

    # Ends

    def sender(self, *, outbox: int = 16) -> RemoteSender[T]:
        """Open a sending end, whose outbox holds so many items of `put_nowait`, `on_put` and `submit`.

        Use it as a context, or let the hub leave it.

        Raises:
            TypeError: `outbox` is not an int.
            ValueError: `outbox` is less than 1.
        """
        size = _at_least_1("outbox", outbox)
        self._link.check()
        return RemoteSender(self._link, self._link.broker.sender(self.name), self._codec.encode, outbox=size)

    def receiver(self, *, prefetch: int = 1024, ack: Literal["next", "get"] = "next") -> RemoteReceiver[T]:
        """Open a receiving end, which has at most `prefetch` items at hand.

        With `ack="get"` an item is received when a get returns it, and lost if its task then fails: at most once.
        Use it as a context, or let the hub leave it.

        Raises:
            TypeError: `prefetch` is not an int.
            ValueError: `prefetch` is less than 1, or `ack` is neither "next" nor "get".
        """
        size = _at_least_1("prefetch", prefetch)
        given: str = ack
        if given not in ("next", "get"):
            raise ValueError(f'ack must be "next" or "get", not {given!r}')
        self._link.check()
        port = self._link.broker.receiver(self.name)
        return RemoteReceiver(self._link, port, self._codec.decode, prefetch=size, ack_on_get=ack == "get")

    # Looking at it, which changes nothing

    async def size(self) -> int:
        """Return how many items are stored: those that wait, are at hand, are held, or are delayed."""
        return await self._link.call(lambda: self._link.broker.size(self.name))

    async def statistics(self) -> RemoteStatistics:
        """Return a snapshot of the channel."""
        return await self._link.call(lambda: self._link.broker.show(self.name))

    async def peek(self, limit: int, /) -> Sequence[T]:
        """Return the items that wait, the next one first, at most `limit`.

        Raises:
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.
        """
        most = batch_limit(limit)
        return [
            self._codec.decode(raw) for raw in await self._link.call(lambda: self._link.broker.peek(self.name, most))
        ]

    # Closing

    async def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently; return whether this call did it. From then on no item is stored by anybody.

        Raises:
            TypeError: the cause is not an exception. The channel is not closed.
        """
        check_cause(cause)
        text = cause_text(cause)
        return await self._link.call(lambda: self._link.broker.close(self.name, text))

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it."""
        await self._link.join()

    async def abort(self, cause: BaseException | None = None) -> int:
        """Close the channel, and remove the items that nobody has been given yet; return how many.

        Raises:
            TypeError: the cause is not an exception. Nothing has changed.
        """
        check_cause(cause)
        text = cause_text(cause)
        return await self._link.call(lambda: self._link.broker.abort(self.name, text))

    # Dead letters

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter[T]]:
        """Return the dead letters, the oldest first, at most `limit`.

        Raises:
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.
        """
        most = batch_limit(limit)
        return list(map(self._letter, await self._link.call(lambda: self._link.broker.dead(self.name, most))))

    def _letter(self, dead: Dead) -> DeadLetter[T]:
        item: T | None = None
        try:
            item = self._codec.decode(dead.item)
        except Exception:  # a codec may raise anything; `reason` says why it is dead
            item = None
        when = datetime.fromtimestamp(dead.when, UTC)
        return DeadLetter(item, dead.item, dead.id, dead.reason, dead.attempts, when)

    async def revive(self, *ids: str) -> int:
        """Store dead letters as new items, as many as there is room for; return how many. No ids: all."""
        return await self._link.call(lambda: self._link.broker.revive(self.name, ids))

    async def drop_dead(self, *ids: str) -> int:
        """Remove dead letters; return how many. No ids: all."""
        return await self._link.call(lambda: self._link.broker.drop_dead(self.name, ids))

    async def delete(self) -> None:
        """Remove the channel and all that is in it. For everybody who has it open it is lost."""
        await self._link.call(lambda: self._link.broker.delete(self.name))


def _at_least_1(name: str, given: int) -> int:
    number = integer(given)
    if number is None:
        raise TypeError(f"{name} must be an int >= 1, not {given!r}")
    if number < 1:
        raise ValueError(f"{name} must be an int >= 1, not {given!r}")
    return number
