"""Delivery: how a put goes into all the feeds of a broadcast at once.

An item is appended to all feeds, and to what is replayed, by one call into C (`any(map(append, buffers,
repeat(item)))`), in which nothing else can run. That makes a put all or none, and the order of the items one and the
same everywhere. After that comes what each feed needs: a receiver that waits is promised the item, an item too much is
dropped. Only the feeds that are *due* are looked at: a feed becomes due when a receiver begins to wait, or when it is
full and drops.

The *space* is how many puts surely fit, counting no receiver; at 0 a put measures again. It is never above the least
room, less the granted puts. Whoever measures notes in `token` that it does, and measures again if somebody else has:
a signal handler may run in the middle, see `aiochannel._core`.
"""

from asyncio import AbstractEventLoop, _get_running_loop
from collections import deque
from itertools import repeat
from typing import Final, TypeVar

from aiochannel._core import machine
from aiochannel._core.machine import UNBOUNDED
from aiochannel._core.newer_typing import override
from aiochannel.feeds import Feed, Lag, LossyFeed, Upstream

T = TypeVar("T")

append: Final = deque.append


class Delivery(Upstream[T]):
    """The feeds of a broadcast, and puts that do not wait."""

    __slots__ = (
        "_buffers", "_count", "_feeds", "_granting", "_history", "_owes_rest", "_replay", "_rests", "_singly",
        "_token", "_unheard",
    )  # fmt: skip

    def __init__(self, replay: int, pinned: AbstractEventLoop | None) -> None:
        super().__init__(0, pinned)
        self._replay = replay
        # Its length is kept by hand: a `maxlen` would free an item, and run its finalizer, in the middle of a delivery.
        self._history: deque[T] = deque() if replay else deque(maxlen=0)
        self._feeds: list[Feed[T]] = []
        self._buffers: list[deque[T]] = [self._history]
        """What each item is appended to: what is replayed, and then the buffer of each feed."""
        self._count = 0
        """How many feeds there are. It is no call, as `len` would be."""
        self._due: list[Feed[T]] = []
        self._space = 0
        self._rests = False
        """Whether the space was cut for that, so that other tasks run when it is used up."""
        self._owes_rest = False
        """Whether that happened in the middle of a batch."""
        self._singly = 0
        """How many puts had a space of their own."""
        self._token: list[None] = []
        self._granting = False
        """Whether room is just being granted to the puts that wait: nobody overtakes them."""
        self._missed = self._unheard = 0

    @override
    def _admit(self, item: T) -> bool:
        if _get_running_loop() is not self._loop:
            self._check_loop()
        delivery = map(append, self._buffers, repeat(item))
        while self._space <= 0:
            if not self._measure():
                return False
        self._space -= 1
        try:
            any(delivery)
            self._after_delivery()
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return True

    def _after_delivery(self) -> None:
        if not self._count:
            self._unheard += 1
        if self._due:
            self._serve()
        if self._replay:
            self._forget_history()

    def _forget_history(self) -> None:
        """Keep what is replayed, and no more."""
        history = self._history
        while len(history) > self._replay:
            try:
                # No call between the look and the deletion: after `len`, a signal handler may have put and forgotten.
                _ = history[self._replay]
                del history[0]
            except IndexError:
                pass

    def _serve(self) -> None:
        """See to the feeds that need it."""
        due, self._due = self._due, []
        for feed in due:
            feed._is_due = False
            feed._take_delivery()

    def _measure(self) -> bool:
        """Find for how many puts there is room, and return whether to look at the space."""
        if self._closed or (self._granting and self._senders):
            return False
        self._space = 0
        token = self._token = []
        granted = self._senders.woken
        room, sure = self._rooms(granted)
        if self._token is not token:
            return True  # a signal handler has put, or let a put wait or a feed come: look again
        if not self._count or sure <= granted < room:
            # Where nobody listens, each item is counted. A receiver that waits may go, so it is room for now only.
            self._space = 1
            self._singly += 1
            self._rests = self._singly % machine.BUDGET == 0
        else:
            self._space = sure - granted
            self._rests = self._space >= machine.BUDGET
            if self._rests:
                self._space = machine.BUDGET
        return self._space > 0

    def _rooms(self, granted: int) -> tuple[int, int]:
        """Return the least room, where it could be too little, and the least room without counting receivers."""
        room = sure = UNBOUNDED
        for feed in self._feeds:
            length = len(feed._buffer)
            if length > machine.BUDGET:
                feed._get_above = max(feed._get_above, length - machine.BUDGET)
            free = feed._bound - length
            if free <= granted:
                if isinstance(feed, LossyFeed):
                    if free <= 0:
                        feed._displaces = True
                        feed._become_due()
                        continue
                else:
                    receivers = feed._receivers
                    exact = free + len(receivers) + receivers.woken + receivers.further - receivers.stale
                    if exact < room:
                        room = exact
            if free < sure:
                sure = free
        return room, sure

    def _shut_space(self) -> None:
        """Let the next put measure."""
        self._token = []
        self._space = 0
        self._rests = False

    @override
    def _rests_from_puts(self) -> bool:
        rests = self._space <= 0 and self._rests
        if rests:
            self._rests = False
        return rests

    @override
    def _room(self) -> int:
        self._forget_lost_loop()
        rooms = [feed._spare() for feed in self._feeds if feed.lag is Lag.WAIT]
        return min(rooms, default=UNBOUNDED) - self._senders.woken

    def _slowest(self) -> Feed[T] | None:
        """Return the feed with the least room for which puts wait, and of such that with the most items."""
        slowest: Feed[T] | None = None
        for feed in self._feeds:
            if feed.lag is Lag.WAIT and (slowest is None or feed._is_slower(slowest)):
                slowest = feed
        return slowest
