"""Feeds: the receiving side of each subscription of a broadcast.

A feed is a Channel into which only its hub puts (`aiochannel.delivery`): gets, batches, `select`, closing and joining
are those of a channel. Here is what differs: a feed tells its hub that a receiver begins to wait, and that there is
room while a put waits for that; it drops what it has no room for, if that is its policy, and says so.

A feed never drops an item that is promised: a woken receiver takes an item from before the gap. Everything that is
dropped is older than every unpromised item that is left, so the first get after that can tell of it.
"""

from abc import abstractmethod
from asyncio import AbstractEventLoop
from enum import Enum
from typing import ClassVar, Final, Generic, Literal, Protocol, TypeVar, final, runtime_checkable

from aiochannel._core.ends import CLOSE, OpenEnd
from aiochannel._core.machine import Machine
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import GetOperation
from aiochannel._core.resting import Blocked
from aiochannel._core.thresholds import SLOW_GET
from aiochannel._core.waiters import NOBODY, Selection, Waiter, WaitQueue
from aiochannel.cases import Case
from aiochannel.channel import Channel
from aiochannel.errors import ChannelLagged
from aiochannel.handles import ReceiverHandle
from aiochannel.protocols import Receiver

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LEFT: Final = "its subscription has left"
CUT_OFF: Final = "its subscription was cut off"
DETACHED: Final = -1


@final
class Lag(Enum):
    """What happens to a subscription that has no room for an item that is put."""

    WAIT = "wait"
    """The put waits until it has."""
    RAISE = "raise"
    """Its oldest item is dropped, and its next get raises ChannelLagged, once, with how many were."""
    SKIP = "skip"
    """Its oldest item is dropped. `Subscription.missed` says how many were."""
    DISCONNECT = "disconnect"
    """It is cut off: it gets what it holds, and then ChannelClosed from ChannelLagged."""


@runtime_checkable
class Subscription(Receiver[T_co], Protocol[T_co]):
    """The receiving side of a subscription of a broadcast: a `Receiver` that can have missed items."""

    def missed(self) -> int:
        """Return how many items were dropped since the subscription was last told, and count this as telling.

        Raises:
            ChannelClosed: the subscription has left.
        """
        ...


class Upstream(Machine[T]):
    """What a feed asks of its hub."""

    __slots__ = ("_due", "_missed", "_space")

    _due: "list[Feed[T]]"
    """The feeds that each delivery must see to: a receiver waits there, or the next item displaces one."""
    _missed: int
    _space: int

    @abstractmethod
    def _attach(self, feed: "Feed[T]") -> None:
        """Deliver to this feed from now on, after what is replayed."""

    @abstractmethod
    def _detach(self, feed: "Feed[T]") -> None:
        """Deliver to this feed no more, and let nobody wait for it."""


class Feed(Channel[T]):
    """The channel of a subscription for which puts wait. It shares the event loop of its hub while it is attached."""

    __slots__ = ("_at", "_hub", "_is_due")

    lag: ClassVar[Lag] = Lag.WAIT

    def __init__(self, hub: Upstream[T], maxsize: int) -> None:
        super().__init__(maxsize, hub._pinned)
        self._hub = hub
        self._at = DETACHED
        """Its place among the feeds of the hub."""
        self._is_due = False

    # Delivery, by the hub

    def _spare(self) -> int:
        """Return the room, regardless of the puts that were granted: the hub counts those."""
        receivers = self._receivers
        room = self._bound - len(self._buffer) + len(receivers) + receivers.woken
        return room + receivers.further - receivers.stale

    def _is_slower(self, other: "Feed[T]") -> bool:
        """Return whether this one has less room, or as much and more items."""
        items, others = len(self._buffer), len(other._buffer)
        return (self._capacity - items, -items) < (other._capacity - others, -others)

    def _heed(self) -> None:
        """Promise what can be; whatever is left to do at the next delivery, become due."""
        self._take_delivery()

    def _take_delivery(self) -> None:
        """Do what has to be done when an item was appended."""
        receivers = self._receivers
        if receivers:
            self._get_above = SLOW_GET
            receivers.promise(self._buffer)
            if receivers:
                self._become_due()
                receivers.promise(self._buffer)  # a signal handler may have put before it was due

    def _become_due(self) -> None:
        if not self._is_due and self._at != DETACHED:
            self._is_due = True
            self._hub._due.append(self)

    def leave(self) -> None:
        """Hold nothing any more, and hold up nobody."""
        try:
            self._leave()
        except BaseException:  # raised by a signal handler
            self._leave()
            raise

    def _leave(self) -> None:
        self._closed_by = LEFT
        self._hub._detach(self)
        self._shut(None)
        self._take_rest()

    # Receiving

    @override
    def _enqueue_receiver(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            self._move_to(loop)
        if self._receivers is NOBODY:
            self._receivers = WaitQueue()
        if not self._is_due:
            self._become_due()
        self._receivers.append(waiter)
        if self._senders or self._buffer or self._closed or not self._is_due:
            self._recheck_receiver()

    @override
    def _recheck_receiver(self) -> None:
        self._become_due()
        if self._senders:
            self._hub._grant()
        self._check_lag()
        if len(self._buffer) > self._receivers.woken:
            self._promise()
        elif self._closed and not self._buffer:
            self._tell_drained()

    def _check_lag(self) -> None:
        """Raise ChannelLagged if the subscription is to be told so, and was not."""

    def missed(self) -> int:
        """As `Subscription.missed`."""
        return 0

    @override
    def on_get(self) -> Case[T]:
        return Case(FeedGet(self))

    # The hub

    @override
    def _grant(self) -> None:
        if self._senders:
            self._hub._grant()

    @override
    def _tell_drained(self) -> None:
        super()._tell_drained()
        self._hub._tell_drained()

    @override
    def _why(self) -> str:
        return self._hub._why() if self._closed_by is CLOSE else super()._why()

    @override
    def __repr__(self) -> str:
        return f"<Subscription at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<Subscription {self._summary()}>"

    # The event loop

    def _follow(self) -> None:
        """Belong to the event loop of the hub."""
        hub = self._hub
        if hub._loop is not None:
            self._thread, self._forks = hub._thread, hub._forks
        self._loop = hub._loop

    @override
    def _move_to(self, loop: AbstractEventLoop) -> None:
        if self._at == DETACHED:
            super()._move_to(loop)
        else:
            self._hub._move_to(loop)

    @override
    def _forget_lost_loop(self) -> None:
        if self._at == DETACHED:
            super()._forget_lost_loop()
        else:
            self._hub._forget_lost_loop()

    @override
    def _has_waiters(self) -> bool:
        return super()._has_waiters() if self._at == DETACHED else self._hub._has_waiters()


class LossyFeed(Feed[T]):
    """The channel of a subscription that drops what it has no room for."""

    __slots__ = ("_displaces", "_untold")

    lag: ClassVar[Lag] = Lag.SKIP

    def __init__(self, hub: Upstream[T], maxsize: int) -> None:
        super().__init__(hub, maxsize)
        self._displaces = False
        """Whether the next item displaces one: then it does not count for how many puts there is room."""
        self._untold = 0
        """How many items were dropped that the subscription was not told of."""

    @override
    def _heed(self) -> None:
        super()._take_delivery()
        if self._holds(self._receivers.woken + self._capacity - 1):
            self._displaces = True
            self._become_due()
        elif self._displaces:
            self._displaces = False
            self._hub._space = 0  # it counts again

    @override
    def _take_delivery(self) -> None:
        super()._take_delivery()
        self._trim()
        self._heed()

    def _trim(self) -> None:
        """Drop the oldest of the unpromised items while they are too many."""
        buffer, receivers, capacity = self._buffer, self._receivers, self._capacity
        while self._holds(receivers.woken + capacity):
            # No call since the look: a signal handler would have run before it, or runs after this.
            del buffer[receivers.woken]
            self._untold += 1
            self._hub._missed += 1
            self._get_above = SLOW_GET  # a feed that raises has to look first

    def _holds(self, position: int) -> bool:
        """Return whether there is an item at this position; not by `len`, after which a signal handler may run."""
        try:
            self._buffer[position]
        except IndexError:
            return False
        return True

    @override
    def missed(self) -> int:
        untold, self._untold = self._untold, 0
        return untold

    @override
    def _summary(self) -> str:
        return f"{super()._summary()} lag={self.lag.name}"


@final
class RaisingFeed(LossyFeed[T]):
    """The channel of a subscription that drops what it has no room for, and raises that once."""

    __slots__ = ()

    lag: ClassVar[Lag] = Lag.RAISE

    @override
    def _check_lag(self) -> None:
        while untold := self._untold:
            lagged = ChannelLagged(f"{self!r} had no room, and has missed {untold} items", untold)
            if self._untold == untold:  # or else a signal handler has changed it
                self._untold = 0
                raise lagged

    @override
    def _take(self) -> T | Literal[Blocked.BLOCKED]:
        self._check_lag()
        return super()._take()

    @override
    def _take_many(self, limit: int) -> list[T]:
        # A batch that had to wait calls this with an item in its hands: it must not raise.
        return [] if self._untold else super()._take_many(limit)

    @override
    def _check_not_drained(self) -> None:
        self._check_lag()
        super()._check_not_drained()

    @override
    def _open_gets(self) -> None:
        super()._open_gets()
        if self._untold:  # a signal handler may have put just now
            self._get_above = SLOW_GET


@final
class DisconnectedFeed(LossyFeed[T]):
    """The channel of a subscription that is cut off when it has no room."""

    __slots__ = ()

    lag: ClassVar[Lag] = Lag.DISCONNECT

    @override
    def _trim(self) -> None:
        """Be cut off without the newest item if there is no room for it."""
        if not self._closed and self._holds(self._receivers.woken + self._capacity):
            del self._buffer[-1]  # no call since the look
            self._untold += 1
            self._hub._missed += 1
            lagged = ChannelLagged(f"{self!r} had no room for an item, and was cut off", self._untold)
            self._closed_by = CUT_OFF
            try:
                self._hub._detach(self)
            finally:  # a signal handler may have raised
                self._shut(lagged)


def make_feed(hub: Upstream[T], maxsize: int, lag: Lag) -> Feed[T]:
    """Return the feed of a new subscription."""
    if lag is Lag.WAIT:
        return Feed(hub, maxsize)
    if lag is Lag.RAISE:
        return RaisingFeed(hub, maxsize)
    return LossyFeed(hub, maxsize) if lag is Lag.SKIP else DisconnectedFeed(hub, maxsize)


@final
class FeedGet(GetOperation[T], Generic[T]):
    """A get from a feed."""

    __slots__ = ("_feed",)

    def __init__(self, feed: Feed[T]) -> None:
        super().__init__(feed)
        self._feed = feed

    @override
    def hindrance(self) -> Blocked | None:
        self._feed._check_lag()
        return super().hindrance()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        feed = self._feed
        if selection.loop is not feed._loop:
            feed._move_to(selection.loop)
        if feed._receivers is NOBODY:
            feed._receivers = WaitQueue()
        selection.enter(feed._receivers, position)
        feed._recheck_receiver()


@final
class OpenSubscription(OpenEnd, Generic[T]):
    """A subscription that has not left. When it leaves, it closes nothing but itself."""

    __slots__ = ("_feed",)

    _left_text = _dropped_text = LEFT
    _no_fault: ClassVar[tuple[type[BaseException], ...]] = (BaseException,)

    def __init__(self, feed: Feed[T]) -> None:
        super().__init__(feed)
        self._feed = feed

    @override
    def open(self) -> None:
        self.left = False
        self._feed._hub._attach(self._feed)

    @override
    def _count_down(self) -> int:
        self._feed.leave()
        return 0


@final
class SubscriptionHandle(ReceiverHandle[T]):
    """A handle that has the methods of a `Subscription`, and nothing else."""

    __slots__ = ("_feed",)

    def __init__(self, feed: Feed[T], end: OpenSubscription[T]) -> None:
        super().__init__(feed, Feed, end)
        self._feed = feed

    def missed(self) -> int:
        """`Subscription.missed`."""
        self._live()
        return self._feed.missed()
