"""RemoteSender: the sending end of a remote channel. It is a whole `Sender`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Final, Generic, Self, TypeVar, final

from aiochannel._core.newer_typing import override
from aiochannel._core.operations import PutOperation
from aiochannel._core.resting import Blocked
from aiochannel._core.waiters import Selection
from aiochannel.cases import Case
from aiochannel.channel import Channel
from aiochannel.errors import ChannelClosed, ChannelFull, check_cause
from aiochannel.remote.broker import LARGEST_FLIGHT, LARGEST_ITEM, SenderPort
from aiochannel.remote.connection import LOG, Connection
from aiochannel.remote.errors import BadItem, RemoteCause, Undelivered, cause_text
from aiochannel.remote.flights import FLIGHT_BYTES, Entry, Fate, Flights
from aiochannel.remote.holding import Asker, asker
from aiochannel.remote.links import Link
from aiochannel.remote.statistics import SenderStatistics

T_contra = TypeVar("T_contra", contravariant=True)

LEAVING_SECONDS: Final = 2.0
"""For how long an end that is left by an exception waits for the server."""


@final
class RemoteSender(Generic[T_contra]):
    """A sending end of a remote channel: a `Sender`, for any number of tasks of this process.

    A put that returns: the server has stored the item, once. One that raises ChannelClosed or BadItem: it has not, and
    never will. One that is cancelled, or raises ChannelUnavailable, is withdrawn: the item is not stored, unless it was
    already; `Submission.withdraw` says which.

    `put_nowait`, `on_put` and `submit` put into the outbox, which has room for `outbox` items that are not stored yet.
    They are stored in the order of all puts of this end. An item of the outbox that the channel refuses after all is
    told by `flush`, or when the end is left.
    """

    def __init__(self, link: Link, port: SenderPort, encode: Callable[[T_contra], bytes], *, outbox: int) -> None:
        self._link = link
        self._port = port
        self._encode = encode
        self._tokens: Channel[None] = Channel(outbox, name=f"outbox of {link.title}")
        """One token for each item of the outbox; closed when this end accepts no more items."""
        self._flights = Flights(link, port, self._free)
        self._cause: RemoteCause | None = None
        self._left = False
        link.ends.append(self)
        self._changed()

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel stores; 0 if it is unbounded."""
        return self._link.settings.maxsize

    def qsize(self) -> int:
        """Return the number of items in the outbox: accepted here, and not stored yet."""
        return self._tokens.qsize()

    def full(self) -> bool:
        """Return whether the outbox has no room."""
        return self._tokens.full()

    def closed(self) -> bool:
        """Return whether the channel is known to be closed, or closed by this end."""
        return self._tokens.closed()

    def statistics(self) -> SenderStatistics:
        """Return a snapshot of this end."""
        return SenderStatistics(
            outbox=self._tokens.qsize(),
            queued=len(self._flights.queue),
            in_flight=len(self._flights.flight),
            undelivered=len(self._flights.undelivered),
        )

    @override
    def __repr__(self) -> str:
        left = " left" if self._left else ""
        return f"<RemoteSender of {self._link.title} outbox={self.qsize()}{left}>"

    # Putting

    async def put(self, item: T_contra, /) -> None:
        """Put an item into the channel, waiting until the server has stored it. As `Sender.put`.

        Raises:
            BadItem: the format cannot encode the item. It is not in the channel.
            ChannelLost: the server no longer has the channel, or has forgotten items.
            ChannelUnavailable: the server was out of reach for longer than the hub's patience. The item is withdrawn.

        Cancellation:
            The item is withdrawn: it is not in the channel and never will be, unless the server had stored it already.
        """
        self._check_open()
        await self._flights.store([Entry(self._encoded(item))])

    async def put_many(self, items: Iterable[T_contra], /) -> None:
        """Put all the items into the channel in their order. As `Sender.put_many`, but that it reads ahead.

        They are encoded before they are sent, up to 256 at a time.

        Raises:
            BadItem: the format cannot encode an item; the message has its position. Those before it are stored.
            ChannelLost, ChannelUnavailable: as in `put`. What is not stored is withdrawn.

        Cancellation:
            What is stored stays stored, and the rest is withdrawn.
        """
        places = enumerate(items)
        while True:
            entries, error = self._encode_some(places)
            if entries:
                self._check_open()
                await self._flights.store(entries)
            if error is not None:
                raise error
            if not entries:
                return

    def _encode_some(self, places: Iterator[tuple[int, T_contra]]) -> tuple[list[Entry], BadItem | None]:
        entries: list[Entry] = []
        size = 0
        for place, item in islice(places, LARGEST_FLIGHT):
            try:
                raw = self._encoded(item)
            except BadItem as error:
                bad = BadItem(f"at position {place}: {error}")
                bad.__cause__ = error.__cause__
                return entries, bad
            entries.append(Entry(raw))
            size += len(raw)
            if size >= FLIGHT_BYTES:
                break
        return entries, None

    def put_nowait(self, item: T_contra, /) -> None:
        """Put an item into the outbox at once. As `Sender.put_nowait`.

        Raises:
            ChannelFull: the outbox has no room.
            BadItem, ChannelLost: as in `put`.
        """
        self._accept(item)

    def submit(self, item: T_contra, /) -> "Submission":
        """Put an item into the outbox at once, as `put_nowait`; what is returned tells what becomes of it.

        Raises:
            ChannelFull, ChannelClosed, BadItem, ChannelLost: as in `put_nowait`.
        """
        return Submission(self._link.connection, self._flights, self._accept(item))

    def _accept(self, item: T_contra) -> Entry:
        self._check_open()
        raw = self._encoded(item)
        try:
            self._tokens.put_nowait(None)
        except ChannelFull:
            raise ChannelFull(f"{self!r}: the outbox has no room") from None
        return self._enqueue(raw, item)

    def _enqueue(self, raw: bytes, item: T_contra) -> Entry:
        """Send an item of the outbox, which has its token."""
        entry = Entry(raw)
        entry.item = item
        entry.counted = True
        self._flights.add([entry])
        return entry

    def _encoded(self, item: T_contra) -> bytes:
        """Return the item as bytes."""
        try:
            raw = self._encode(item)
        except Exception as error:  # a codec may raise anything
            raise BadItem(f"an item for {self._link.title} cannot be encoded: {error}") from error
        if len(raw) > LARGEST_ITEM:
            raise BadItem(f"an item for {self._link.title} has {len(raw)} bytes; {LARGEST_ITEM} are allowed")
        return raw

    def _free(self) -> None:
        self._tokens.get_nowait()

    def on_put(self, item: T_contra, /) -> Case[None]:
        """Return a case for `select` that puts the item into the outbox. As `Sender.on_put`.

        Raises:
            BadItem: the format cannot encode the item.
        """
        self._check()
        return Case(_Put(self, self._tokens, self._encoded(item), item))

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call did it, as far as is known here.

        This end refuses items at once. Everybody else does as soon as the server is told, behind the items that this
        end has accepted; leaving the end or the hub waits for that. `aclose` waits for it, too.

        Raises:
            TypeError: the cause is not an exception. The channel is not closed.
            ChannelClosed: this end has left.
        """
        check_cause(cause)
        self._check()
        if self._tokens.closed():
            return False
        text = cause_text(cause)
        self._refuse_items(text)
        self._flights.close(text)
        return True

    async def aclose(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently; return whether this end closed it. From then on no item is stored by anybody.

        Raises:
            TypeError: the cause is not an exception. The channel is not closed.
            ChannelClosed: this end has left.
            ChannelLost: the server no longer has the channel.
            ChannelUnavailable: the server was out of reach for too long. It is closed when the server is back.

        Cancellation:
            The channel is closed, or will be.
        """
        self.close(cause)
        return await self._flights.closed()

    async def flush(self) -> None:
        """Wait until all that the outbox has accepted is stored.

        Raises:
            Undelivered: items of the outbox were refused since the last call; they are its `items`.
            ChannelUnavailable: the server was out of reach for too long. The items stay in the outbox.

        Cancellation:
            Safe. Waiting has no effect.
        """
        self._check()
        while entries := [entry for entry in self._flights.open_entries() if entry.counted]:
            await self._flights.settled(entries)
        self._tell_undelivered()

    def _tell_undelivered(self) -> None:
        if undelivered := tuple(self._flights.undelivered):
            self._flights.undelivered.clear()
            text = f"{self._link.title} has refused {len(undelivered)} items that this end had accepted"
            raise Undelivered(text, undelivered)

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it. As `Sender.join`.

        Raises:
            ChannelLost, ChannelUnavailable: as in `put`.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        self._check()
        await self._link.join()

    async def wait_closed(self) -> None:
        """Wait until the channel is known to be closed, whoever closes it. As `Sender.wait_closed`.

        Raises:
            ChannelLost, ChannelUnavailable: as in `put`.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        self._check()
        with self._link.waiting():
            async with self._link.connection.bounded():
                await self._tokens.wait_closed()
        self._link.check_lost()

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead once the channel is known to be closed. As `Sender.on_close`."""
        self._check()
        return self._tokens.on_close()

    # What all these do

    def _check(self) -> None:
        """Raise an error if this end is not of use any more, or not here."""
        self._link.connection.check()
        if self._left:
            raise ChannelClosed(f"this sending end of {self._link.title} has left")

    def _check_open(self) -> None:
        """Raise an error if no item can be put."""
        self._check()
        self._link.check_lost()
        if self._tokens.closed():
            why = "it is closed" if self._cause is None else f"it is closed: {self._cause}"
            error = ChannelClosed(f"{self._link.title} accepts no more items: {why}")
            raise error from self._cause

    def _check_lost(self) -> None:
        """Raise ChannelLost if the channel is lost."""
        self._link.check_lost()

    def _changed(self) -> None:
        """Learn that the channel is closed or lost."""
        state = self._link.state
        if (state.closed or state.lost is not None) and not self._tokens.closed():
            self._refuse_items(state.cause)

    def _refuse_items(self, cause: str | None) -> None:
        self._cause = None if cause is None else RemoteCause(cause)
        self._tokens.close(self._cause)

    # Leaving

    async def __aenter__(self) -> Self:
        self._check()
        return self

    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        patience = self._link.connection.patience
        await self._leave_as(asker(), exc, patience if exc is None else LEAVING_SECONDS)

    async def _leave_as(self, who: Asker, error: BaseException | None, within: float, /) -> None:
        """Leave, when the outbox is stored and a close is told. A second call does nothing.

        Raises:
            Undelivered: items of the outbox were refused. If the end is left by an exception, this is only logged.

        Cancellation:
            The end has left. What is in the outbox may be stored or not.
        """
        if self._left:
            return
        self._left = True
        self._tokens.close()
        try:
            await self._flights.finish(within)
            await self._port.leave()
        finally:
            self._link.ends.remove(self)
            self._flights.leave()
        try:
            self._tell_undelivered()
        except Undelivered as undelivered:
            if error is None:
                raise
            LOG.error("%s: %r", undelivered, undelivered.items)  # the error that is under way is raised


@final
class Submission:
    """An item that was put into the outbox."""

    __slots__ = ("_connection", "_entry", "_flights")

    def __init__(self, connection: Connection, flights: Flights, entry: Entry) -> None:
        self._connection = connection
        self._flights = flights
        self._entry = entry

    async def stored(self) -> None:
        """Wait until the item is stored. Then a refusal is not told by `flush`.

        Raises:
            ChannelClosed, ChannelLost, ChannelUnavailable: as in `RemoteSender.put`.
            RuntimeError: it was withdrawn.

        Cancellation:
            As for `RemoteSender.put`: the item is withdrawn.
        """
        self._connection.check()
        self._entry.reported = True
        await self._flights.stored([self._entry])
        if self._entry.fate is Fate.NEVER:
            raise RuntimeError("the item was withdrawn")

    async def withdraw(self) -> bool:
        """Withdraw the item; return True if it is not stored and never will be, False if it is stored.

        Raises:
            ChannelUnavailable: the server was out of reach for too long. What came of it another call returns.

        Cancellation:
            The item is withdrawn; what came of it another call returns.
        """
        self._connection.check()
        self._flights.withdraw(self._entry)
        await self._flights.settled([self._entry])
        return self._entry.fate is Fate.NEVER


@final
class _Put(PutOperation[None], Generic[T_contra]):
    """A put of a select: a token into the outbox, and with it the item."""

    __slots__ = ("_raw", "_sender", "_sent")

    def __init__(self, sender: RemoteSender[T_contra], tokens: Channel[None], raw: bytes, item: T_contra) -> None:
        super().__init__(tokens, None)
        self._sender = sender
        self._raw = raw
        self._sent = item

    @override
    def hindrance(self) -> Blocked | None:
        self._sender._check()
        self._sender._check_lost()
        return super().hindrance()

    @override
    def attempt(self) -> Blocked | None:
        self._sender._check_lost()
        blocked = super().attempt()
        if blocked is None:
            self._sender._enqueue(self._raw, self._sent)
        return blocked

    @override
    def complete(self, selection: Selection, /) -> None:
        self._sender._check_lost()
        super().complete(selection)
        self._sender._enqueue(self._raw, self._sent)
