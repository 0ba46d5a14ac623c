"""The hub of a broadcast: it lets puts wait for the slowest feed. `aiochannel.delivery` puts an item into all of them.

    state            what it is
    space            how many puts surely fit, counting no receiver; 0: a put measures again
    senders          the wait queue of puts; `woken` is the number of granted puts, each with a slot in each feed
    obstacle         the feed for whose room the first put waits

A put goes ahead while each feed with `Lag.WAIT` has room. Two invariants hold whenever no method of the hub is running:

    1. the space is never above the least room, less the granted puts, so it is 0 while a put waits;
    2. while a put waits, the obstacle has no room, and tells the hub when it has: its `senders` are those of the hub.

So a put that waits costs other feeds nothing: when the obstacle has room, the hub looks for the next one, beginning
behind the last. A take only adds room, so all the looks for one item visit each feed about once.

Interruptions, see `aiochannel._core`. A grant that is interrupted by another one takes note, and looks again.
"""

from asyncio import AbstractEventLoop
from itertools import repeat
from typing import Generic, TypeVar, final

from aiochannel._core.moments import Moment
from aiochannel._core.newer_typing import override
from aiochannel._core.thresholds import SLOW_GET
from aiochannel._core.waiters import NOBODY, Selection, Waiter, Waiting, WaitQueue
from aiochannel.delivery import Delivery, append
from aiochannel.feeds import DETACHED, Feed, Lag, LossyFeed

T = TypeVar("T")


class Hub(Delivery[T]):
    """The puts of a broadcast that wait, and the feeds that come and go, without a public name."""

    __slots__ = ("_leavers", "_looks_again", "_lossy", "_obstacle", "_seekers")

    _looks_again: bool
    """Whether somebody has asked for a grant since this one began."""

    def __init__(self, replay: int, pinned: AbstractEventLoop | None) -> None:
        super().__init__(replay, pinned)
        self._lossy = 0
        """How many feeds drop what they have no room for."""
        self._obstacle: Feed[T] | None = None
        self._seekers: WaitQueue = NOBODY
        """Who waits for somebody to subscribe."""
        self._leavers: WaitQueue = NOBODY
        """Who waits until nobody is subscribed."""

    # Waiting to put

    @override
    def _enqueue_sender(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            self._move_to(loop)
        if self._senders is NOBODY:
            self._senders = WaitQueue()
        self._senders.append(waiter)
        self._recheck_sender()

    @override
    def _recheck_sender(self) -> None:
        self._grant()
        if self._closed:
            self._senders.wake_all()

    @override
    def _use_grant(self, waiting: Waiting, item: T) -> None:
        delivery = map(append, self._buffers, repeat(item))
        if self._closed:
            self._check_open()
        self._spent = waiting
        self._senders.woken -= 1
        any(delivery)
        self._after_delivery()
        if self._lossy:  # nobody has measured whether these have room
            self._trim()
        self._spent = None

    def _trim(self) -> None:
        for feed in tuple(self._feeds):
            if isinstance(feed, LossyFeed):
                feed._take_delivery()

    @override
    def _grant(self) -> None:
        """Grant what room there is to the puts that wait."""
        self._looks_again = True
        if self._granting:
            return
        self._granting = True
        try:
            while self._looks_again and self._senders:
                self._looks_again = False
                self._grant_room()
        except BaseException:  # raised by a signal handler, which may have closed the channel, too
            self._granting = False
            self._recheck_sender()
            raise
        self._granting = False

    def _grant_room(self) -> None:
        passed_over = 0
        while (senders := self._senders) and passed_over < len(senders) and not self._closed:
            if self._is_obstructed():
                return
            first = senders[0] if senders else None
            own = self._own_room(first) if isinstance(first, Selection) else None
            if own is None:
                self._shut_space()
                senders.grant(senders.woken + 1, (), NOBODY)
            else:
                self._tell_when_it_has_room(own)
                if senders and senders[0] is first:  # or else a signal handler has woken it
                    passed_over += 1
                    del senders[0]
                    senders += [first]

    def _is_obstructed(self) -> bool:
        """Return whether a feed has no room. It tells when it has."""
        granted = self._senders.woken
        obstacle, self._obstacle = self._obstacle, None
        at = DETACHED if obstacle is None else obstacle._at
        # From the last to the first, since the receivers of the first ones run first. A feed that leaves looks again.
        for feed in self._feeds[: at + 1][::-1] + self._feeds[at + 1 :][::-1]:
            receivers = feed._receivers
            free = feed._bound - len(feed._buffer) + len(receivers) + receivers.woken + receivers.further
            free -= receivers.stale
            if free <= granted and feed.lag is Lag.WAIT:
                self._obstacle = feed
                self._tell_when_it_has_room(feed)
                if feed._spare() <= granted:
                    return True
            feed._senders = NOBODY
        return False

    def _tell_when_it_has_room(self, feed: Feed[T]) -> None:
        """Let takes from this feed, and gets that begin to wait there, ask for a grant."""
        feed._senders = self._senders
        feed._get_above = SLOW_GET

    def _own_room(self, selection: Selection) -> Feed[T] | None:
        """Return a feed that has room only in a get of this select: it must not be matched with itself."""
        room = self._senders.woken + 1
        for feed in tuple(self._feeds):
            if feed.lag is Lag.WAIT and selection.waits_in(feed._receivers) and feed._spare() <= room:
                return feed
        return None

    # Feeds

    @override
    def _attach(self, feed: Feed[T]) -> None:
        feed._follow()
        self._forget_history()
        # No call: a put comes before this, and is replayed, or after it.
        feed._buffer += self._history
        feed._at = self._count
        self._feeds += [feed]
        self._buffers += [feed._buffer]
        self._count += 1
        self._lossy += feed.lag is not Lag.WAIT
        self._shut_space()
        if self._closed:
            feed._shut(self._cause)
        self._seekers.wake_all()

    @override
    def _detach(self, feed: Feed[T]) -> None:
        at = feed._at
        if at != DETACHED:
            # No call: the last feed takes the place of this one.
            last = self._feeds[-1]
            self._feeds[at] = last
            self._buffers[at + 1] = last._buffer
            last._at = at
            feed._at = DETACHED
            del self._feeds[-1], self._buffers[-1]
            self._count -= 1
            self._lossy -= feed.lag is not Lag.WAIT
        if self._obstacle is feed:
            self._obstacle = None
        feed._senders = NOBODY
        self._grant()
        if not self._count:
            self._shut_space()
            self._leavers.wake_all()
        self._tell_drained()

    # Repair

    @override
    def _settle(self) -> None:
        self._forget_lost_loop()
        self._shut_space()
        if self._loop is not None and self._is_elsewhere():
            self._loop.call_soon_threadsafe(self._settle)
            return
        self._due = []
        for feed in tuple(self._feeds):
            feed._is_due = False
            feed._settle()
            feed._heed()
        if self._closed:
            self._tell_closed()
        else:
            self._grant()

    # Closing

    @override
    def _tell_closed(self) -> None:
        self._shut_space()
        self._senders.wake_all()
        self._closers.wake_all()
        self._seekers.wake_all()
        for feed in tuple(self._feeds):
            feed._senders = NOBODY
            feed._shut(self._cause)
        self._tell_drained()

    @override
    def _tell_drained(self) -> None:
        if self._joiners and self._is_drained():
            self._joiners.wake_all()

    @override
    def _is_drained(self) -> bool:
        return self._closed and not any(feed._buffer for feed in self._feeds)

    # Who waits for subscribers

    def _seekers_in(self, loop: AbstractEventLoop) -> WaitQueue:
        if loop is not self._loop:
            self._move_to(loop)
        if self._seekers is NOBODY:
            self._seekers = WaitQueue()
        return self._seekers

    def _leavers_in(self, loop: AbstractEventLoop) -> WaitQueue:
        if loop is not self._loop:
            self._move_to(loop)
        if self._leavers is NOBODY:
            self._leavers = WaitQueue()
        return self._leavers

    # The event loop

    @override
    def _move_to(self, loop: AbstractEventLoop) -> None:
        super()._move_to(loop)
        for feed in self._feeds:
            feed._follow()

    @override
    def _has_waiters(self) -> bool:
        own = super()._has_waiters() or bool(self._seekers or self._leavers)
        return own or any(feed._receivers or feed._joiners for feed in self._feeds)

    @override
    def _has_woken(self) -> bool:
        granted = self._senders.woken > 0 and not self._closed
        return granted or any(feed._receivers.woken for feed in self._feeds)

    @override
    def _forget_waiters(self) -> None:
        forgotten = self._seekers, self._leavers
        self._seekers = self._leavers = NOBODY
        super()._forget_waiters()
        for feed in self._feeds:
            feed._forget_waiters()
            feed._loop = self._loop
        self._shut_space()
        del forgotten  # as in `Machine`


@final
class Subscribed(Moment, Generic[T]):
    """It comes when somebody is subscribed, or when nobody ever will be."""

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub[T]) -> None:
        self._hub = hub

    @override
    def has_come(self) -> bool:
        return self._hub._count > 0 or self._hub._closed

    @override
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        return self._hub._seekers_in(loop)


@final
class Unsubscribed(Moment, Generic[T]):
    """It comes when nobody is subscribed."""

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub[T]) -> None:
        self._hub = hub

    @override
    def has_come(self) -> bool:
        return not self._hub._count

    @override
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        return self._hub._leavers_in(loop)
