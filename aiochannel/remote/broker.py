"""Broker: what the ends, the channels and the hub need of a server, and all that they know of it.

One broker is one hub's connection to one server. `aiochannel.remote.memory` has one within the process, and
`aiochannel.redis` one to a Redis or Valkey server. Nothing here knows a task, a type, a format or a patience: items are
bytes, and a caller above decides for how long to wait.

Out of reach. While the connection is lost, every call that needs it raises `Gone` at once, and every call under way
raises it when the connection is lost. The broker connects again by itself, for ever, until it is left. A caller waits
for `connected()`, and calls again: every method is safe to repeat. What a lost call has done is never guessed:

    store           `resume` says how many of its items the server has
    fetch           items that were on their way come from the next `fetch`, or that raises LeaseLost
    settle, done    acknowledging twice is acknowledging once; whoever gets Gone passes the receipts again
    the rest        takes effect once, or has no further effect

What changes on a channel by itself (it is closed, drained, lost) is told to the function that was given to `open`, in
the loop of the hub. After a lost connection it is told before `connected()` returns.

All methods are called in the loop in which the broker was entered. Errors of `aiochannel.remote.errors` come out of the
broker as they are, with the name of the channel and `where`; the signals below are caught above it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias, final

from aiochannel.remote.statistics import HubStatistics, RemoteStatistics

LARGEST_ITEM: Final = 16 * 2**20
"""The bytes of the largest item; a larger one is a BadItem before a broker sees it."""
LARGEST_FLIGHT: Final = 256
"""How many items a call of `store` has at most."""


# What a broker says about an item and about a channel


class Settings(NamedTuple):
    """What is fixed when a channel is made, and compared when it is opened again."""

    maxsize: int
    """How many items it stores; 0: no limit."""
    tries: int
    lease: float
    """Seconds."""
    format: str


class State(NamedTuple):
    """What changes on a channel by itself; each of these stays as it is once it is true."""

    closed: bool = False
    cause: str | None = None
    """With which it was closed; None while it is open, or if there was none."""
    drained: bool = False
    """It is closed, and nothing waits, is held or is delayed."""
    lost: str | None = None
    """The text of the ChannelLost that every call on the channel raises from now on."""


@final
@dataclass(frozen=True, slots=True)
class Opened:
    """A channel as the server has it."""

    settings: Settings
    state: State
    made: bool = False
    """Whether this call has made it."""


Receipt: TypeAlias = int
"""Which of the items that one ReceiverPort has returned; it never gives the same number to two."""


class Stored(NamedTuple):
    """An item that a receiver was given."""

    item: bytes
    sender: str
    """The sending end; unique among all ends of all processes."""
    number: int
    """The place of the item among those of its sender."""
    attempt: int
    """1 for an item that no receiver had before."""
    receipt: Receipt

    @property
    def id(self) -> str:
        """The same for this item in every delivery, and of no other item of the channel."""
        return f"{self.sender}-{self.number}"


class Fetched(NamedTuple):
    """What a call of `fetch` returns."""

    items: Sequence[Stored]
    """At least one."""
    puts_wait: bool
    """Whether puts wait for room, as far as the server knew when it answered."""


class Dead(NamedTuple):
    """A dead letter."""

    item: bytes
    id: str
    reason: str
    attempts: int
    when: float
    """Seconds since 1970, by the clock of the server."""


# Signals from a broker to what is above it


class Signal(Exception):
    """What a call came to instead of its result."""


@final
class Gone(Signal):
    """The connection is lost."""


@final
class Busy(Signal):
    """The server refuses to store for a reason that may pass, such as its memory. Nothing of the call has happened.

    The text says the reason. The call may be repeated, as it was, a little later.
    """


@final
class Closed(Signal):
    """The channel is closed. Of the items of the call, those below `stored` are stored; no other ever will be.

    Withdrawn items count, and are not stored.
    """

    def __init__(self, stored: int, cause: str | None) -> None:
        super().__init__(stored, cause)
        self.stored: int = stored
        self.cause: str | None = cause


@final
class Drained(Signal):
    """The channel is closed and drained: no item will come."""

    def __init__(self, cause: str | None) -> None:
        super().__init__(cause)
        self.cause: str | None = cause


# The two sides of one channel


class SenderPort(Protocol):
    """One sending end at the server. Its items are stored in the order in which they are passed.

    One call of `store` or `resume` is under way at a time; `withdraw` may be called beside it. The items of one call,
    which include those of its repeats, are a flight.
    """

    async def store(self, items: Sequence[bytes], told: Callable[[int], None], /, *, known: int = 0) -> None:
        """Store the items in their order, waiting for room; return when all are stored, or withdrawn.

        The items that find no room wait at the server, at one place in the line of all senders. Meanwhile `told(n)` is
        called each time when more items are stored than before: those below n, but for withdrawn ones. It need not be
        called for what the return or `Closed` says.

        With `known`, as `resume` has returned it, this is the repeat of a call that was lost: the first `known` items
        are those of the lost call, withdrawn ones included, at the same positions. The items after these are new to
        the server, and may be fewer than there were.

        Raises:
            Gone: the connection is lost; call `resume`, and then this again for what is left.
            Closed: the channel is closed.
            Busy: nothing has happened; the same call may be repeated.
            ChannelLost: the server has no such channel, or has forgotten items that it had stored.

        Cancellation:
            Only before `leave`. What is stored then is not known.
        """
        ...

    async def resume(self) -> int:
        """Return how many of the items of the flight the server has, stored or waiting for room: the first n.

        The others are not there, and never will be, even if bytes of the lost connection arrive later. `store` must be
        repeated for the first n if they are not all stored; it also says if the channel is closed meanwhile.
        `told` of the lost call may be called before this returns.

        Raises:
            Gone: the connection is lost again, or is not back yet.
            ChannelLost: as in `store`.
        """
        ...

    async def withdraw(self, index: int, /) -> bool:
        """Withdraw one item of the flight; return True if it never will be stored, False if it is stored.

        It takes effect behind the `store` that is under way, and may be called again. A channel that is closed has
        withdrawn what was not stored.

        Raises:
            Gone: the connection is lost. If `resume` then says that the server has the item, call this again; if not,
                the item never will be stored.
            ChannelLost: as in `store`.
        """
        ...

    async def leave(self) -> None:
        """Forget this sender at the server; what it has waiting for room there never will be stored.

        A `store` under way has been cancelled before. It raises nothing, and need not be called.
        """
        ...


class ReceiverPort(Protocol):
    """One receiving end at the server. It registers, with a lease, when it is first used.

    One call of `fetch` is under way at a time; the others may be called beside it. A LeaseLost is about all items that
    the port has returned before: they were given back, and their receipts are passed over from now on. Every call that
    is under way when this is learned raises it, or else the next call, once. The call after that registers again.
    """

    async def fetch(self, limit: int, size: int, done: Sequence[Receipt], /) -> Fetched:
        """Acknowledge the items of `done`, then return the next items, at least 1, waiting for the first.

        At most `limit` items, and at most `size` bytes of them or one item. An item that was tried before comes alone.
        The acknowledgement takes effect at once, also if the call then waits. An item that cannot be had any more is
        not waited for: the acknowledgement goes first, so that a receiver may drain a closed channel by it.

        Raises:
            Drained: the channel is closed and drained.
            Gone: the connection is lost. Pass `done` again, to any call.
            LeaseLost: the lease is lost, and nothing was acknowledged by this call.
            ChannelLost: the server has no such channel.

        Cancellation:
            Safe. What is on its way is returned by the next call, or given back by `leave`. Whether `done` was
            acknowledged is not known; pass it again.
        """
        ...

    async def settle(self, done: Sequence[Receipt], /) -> None:
        """Acknowledge items; return when the server has noted it. One that is acknowledged already is passed over.

        Raises:
            Gone: the connection is lost. Pass them again.
            LeaseLost: the lease is lost, and nothing was acknowledged by this call.
            ChannelLost: the server has no such channel.
        """
        ...

    async def give_back(self, which: Sequence[Receipt], /, *, count: bool, reason: str, delay: float | None) -> None:
        """Give items back to the head of the channel, in the order of `which`.

        With `count` this was an attempt: an item beyond its tries becomes a dead letter, with the reason. With `delay`
        they come back after so many seconds, and meanwhile count as stored. An item that is acknowledged or given back
        already is passed over.

        Raises:
            Gone: the connection is lost. Pass them again.
            LeaseLost: the lease is lost: they were given back already.
            ChannelLost: the server has no such channel.
        """
        ...

    async def leave(self) -> None:
        """Give back, uncounted, whatever this port has returned and nobody has acknowledged; end the lease.

        A `fetch` under way has been cancelled before. It raises nothing: what cannot be said now is told by the lease.
        """
        ...


# The connection


class Broker(Protocol):
    """One hub's connection to one server."""

    @property
    def where(self) -> str:
        """The server for messages, such as "redis://localhost:6379"; no password."""
        ...

    @property
    def up(self) -> bool:
        """Whether the connection is there. It may be lost already, unnoticed."""
        ...

    async def enter(self) -> None:
        """Begin to connect, now and again whenever the connection is lost. It does not wait: `connected` does."""
        ...

    async def connected(self) -> None:
        """Wait for the connection; return at once if it is there.

        Raises:
            ChannelUnavailable: connecting is refused for a reason that does not pass, such as a wrong password, or the
                server is of no use: too old, or it may evict keys. The broker does not try again.

        Cancellation:
            Safe. Waiting has no effect.
        """
        ...

    async def leave(self) -> None:
        """End the connection when all calls under way are answered. All ends have left before."""
        ...

    def abandon(self) -> None:
        """Cut the connection now, without a word; what is under way raises Gone. It may be called more than once.

        It is also called in a forked child, where it closes the child's copy of the socket and sends nothing.
        """
        ...

    def statistics(self) -> HubStatistics:
        """Return a snapshot of the connection."""
        ...

    # A channel

    async def open(self, name: str, settings: Settings | None, changed: Callable[[State], None], /) -> Opened:
        """Make the channel unless it is there, and return what is there; with None, it must be there.

        From now on `changed` is called with the state of the channel each time it changes, once for each open channel
        of this broker: a second call for the same name replaces the function.

        Raises:
            ChannelMissing: None was given, and there is no such channel.
            ChannelMismatch: a newer version has made it. Settings that differ are the caller's business.
            Gone: the connection is lost.
        """
        ...

    def sender(self, name: str, /) -> SenderPort:
        """Return a new sending end of an open channel. This sends nothing."""
        ...

    def receiver(self, name: str, /) -> ReceiverPort:
        """Return a new receiving end of an open channel. This sends nothing."""
        ...

    async def renew(self, name: str, /) -> None:
        """Renew the leases of this broker's receivers of the channel, and see that the channel is still there.

        The hub calls it every min(lease / 3, 5 s) for each channel on which it has a receiving end, or on which a put
        or a join waits. The server uses the occasion to give back what others have lost, and to deliver delayed items.
        A lease that is lost is told by the next call of that receiver, or of its `fetch` that is under way. A channel
        that is lost is told by `changed`, and by every call under way on it.

        Raises:
            Gone: the connection is lost.
        """
        ...

    async def close(self, name: str, cause: str | None, /) -> bool:
        """Close the channel; return whether this call closed it. Once it has returned, no item is stored.

        A call that was lost and is repeated may return False though it was the one.

        Raises:
            Gone, ChannelLost.
        """
        ...

    # Administration. Each raises Gone and ChannelLost.

    async def size(self, name: str, /) -> int:
        """Return how many items are stored: those that wait, are held, or are delayed."""
        ...

    async def show(self, name: str, /) -> RemoteStatistics:
        """Return a snapshot of the channel."""
        ...

    async def peek(self, name: str, limit: int, /) -> Sequence[bytes]:
        """Return the items that wait, the next one first, at most `limit`; nothing is taken."""
        ...

    async def abort(self, name: str, cause: str | None, /) -> int:
        """Close the channel, remove the items that wait or are delayed, and return how many these were."""
        ...

    async def dead(self, name: str, limit: int, /) -> Sequence[Dead]:
        """Return the dead letters, the oldest first, at most `limit`."""
        ...

    async def revive(self, name: str, ids: Sequence[str], /) -> int:
        """Put dead letters back, as many as there is room for, as if they were new; return how many. No ids: all."""
        ...

    async def drop_dead(self, name: str, ids: Sequence[str], /) -> int:
        """Remove dead letters; return how many there were. No ids: all."""
        ...

    async def delete(self, name: str, /) -> None:
        """Remove the channel and all that is in it. It is lost for everybody who has it open."""
        ...

    async def names(self) -> list[str]:
        """Return the names of the channels that are there, sorted. Raises Gone only."""
        ...
