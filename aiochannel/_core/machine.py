"""Machine: the state of one channel and every step that changes it. The theory is in `aiochannel._core`."""

from asyncio import AbstractEventLoop, _get_running_loop
from collections import deque
from collections.abc import Iterable
from itertools import repeat, starmap
from typing import Final, Generic, Literal, TypeVar

from aiochannel._core.ends import CLOSE, Counted
from aiochannel._core.gathering import Gatherer
from aiochannel._core.newer_typing import override
from aiochannel._core.resting import BLOCKED, Blocked
from aiochannel._core.thresholds import SLOW_GET, SLOW_PUT, SPENT_PUT, STIRRED_GET, STIRRED_PUT
from aiochannel._core.waiters import NOBODY, Waiter, Waiting, WaitQueue
from aiochannel.errors import ChannelClosed

T = TypeVar("T")

UNBOUNDED: Final = 2**29
"""The capacity of an unbounded channel; no channel holds more. CPython compares ints below 2**30 in half the time."""

BUDGET = 1024
"""How many items go through the fast paths in a row before an awaited call lets other tasks run."""

SEVERAL: Final = 16
"""From so many items on it pays to move them by one call."""

NO_ARGUMENTS: Final[tuple[()]] = ()


class Machine(Counted, Generic[T]):
    """Items, promises and grants, without a public name."""

    __slots__ = (
        "__weakref__",
        "_bound",
        "_buffer",
        "_capacity",
        "_cause",
        "_drained_text",
        "_get_above",
        "_joiners",
        "_name",
        "_put_below",
        "_receivers",
        "_senders",
        "_spent",
    )

    def __init__(self, capacity: int, pinned: AbstractEventLoop | None) -> None:
        self._loop = None
        self._pinned = pinned
        self._name: str | None = None
        self._buffer: deque[T] = deque()
        self._capacity = self._bound = capacity
        self._put_below = min(BUDGET, capacity)
        self._get_above = 0
        self._receivers: WaitQueue = NOBODY
        self._senders: WaitQueue = NOBODY
        self._joiners: WaitQueue = NOBODY
        self._closers = NOBODY
        self._closed = False
        self._cause: BaseException | None = None
        self._drained_text = ""
        self._spent: Waiting | None = None
        self._closed_by = CLOSE
        self._open_senders = self._opened_senders = self._open_receivers = self._opened_receivers = 0

    # Putting

    def _admit(self, item: T) -> bool:
        """Accept the item if there is room, and return whether there was."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        buffer, receivers = self._buffer, self._receivers
        room = (len(receivers) if receivers else 0) + receivers.woken - len(buffer) - self._senders.woken
        if room + self._bound <= receivers.stale - receivers.further:
            self._get_above = SLOW_GET
            return False
        try:
            buffer.append(item)
            if not receivers:
                below = self._bound - self._senders.woken
                if below < BUDGET:
                    self._put_below = below
                else:
                    self._open_puts()
            else:
                self._get_above = SLOW_GET
                self._put_below = STIRRED_PUT  # the item may be left, if those who wait were cancelled
                receivers.promise(buffer)
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return True

    def _open_puts(self) -> None:
        """Let puts append at once, as far as there is room, and for a while.

        Gets may take as many at once, though none has left its fast path yet.
        """
        length = len(self._buffer)
        # No call from here on: a signal handler may have closed the channel, and shut what this opens.
        if self._receivers:  # since this began
            return
        if length - BUDGET > self._get_above:
            self._get_above = length - BUDGET
        below, window = self._bound - self._senders.woken, length + BUDGET
        self._put_below = below if below < window else window  # noqa: FURB136  # `min` is a call

    def _rests_from_puts(self) -> bool:
        """Return whether a put is off its fast path for no other reason than that other tasks should run.

        The next one need not rest.
        """
        if self._put_below == SPENT_PUT:
            self._put_below = STIRRED_PUT
            return True
        if self._put_below < BUDGET or not self._put_below <= len(self._buffer) < self._bound - self._senders.woken:
            return False
        self._open_puts()
        return True

    def _room(self) -> int:
        """Return the room. Where speed counts the same is written out."""
        self._forget_lost_loop()
        receivers = self._receivers
        unpromised = len(self._buffer) - receivers.woken
        return self._bound - self._senders.woken + receivers.waiting() + receivers.further - unpromised

    def _enqueue_sender(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            self._move_to(loop)
        if self._senders is NOBODY:
            self._senders = WaitQueue()
        self._senders.append(waiter)
        if self._get_above != SLOW_GET:  # as the call has left it
            self._recheck_sender()

    def _recheck_sender(self) -> None:
        """Look again whether a sender that has just entered has to wait: a finalizer may have run since the look."""
        self._get_above = SLOW_GET
        self._grant()
        if self._closed:
            self._senders.wake_all()

    def _use_grant(self, waiting: Waiting, item: T) -> None:
        """Put the item into the slot that was granted to the waiter."""
        if self._closed:
            self._check_open()
        buffer, receivers, senders = self._buffer, self._receivers, self._senders
        self._spent = waiting
        senders.woken -= 1
        buffer.append(item)
        if not receivers:
            below = self._bound - senders.woken
            if below < BUDGET:
                self._put_below = below
            else:
                self._open_puts()
        else:
            self._get_above = SLOW_GET
            receivers.promise(buffer)
        self._spent = None

    def _grant(self) -> None:
        """Grant what room there is to the senders that wait."""
        if self._senders:
            self._put_below = SLOW_PUT
            self._get_above = STIRRED_GET  # room may be left
            self._senders.grant(self._bound, self._buffer, self._receivers)

    # Getting

    def _has_item(self) -> bool:
        self._forget_lost_loop()
        return len(self._buffer) > self._receivers.woken

    def _enqueue_receiver(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        if loop is not self._loop:
            self._move_to(loop)
        if self._receivers is NOBODY:
            self._receivers = WaitQueue()
        self._receivers.append(waiter)
        self._get_above = STIRRED_GET  # a put that is about to wait has room now
        if self._senders or self._put_below:  # or as the call has left it
            self._recheck_receiver()

    def _recheck_receiver(self) -> None:
        """Let senders go ahead for a receiver that has just entered; look again whether it has to wait.

        A finalizer may have run since the look.
        """
        self._put_below = SLOW_PUT
        if self._senders:
            self._grant()
        if len(self._buffer) > self._receivers.woken:
            self._promise()
        elif self._closed and not self._buffer:
            self._tell_drained()

    def _enqueue_gatherer(self, gatherer: Gatherer, limit: int, loop: AbstractEventLoop) -> bool:
        """Let a gatherer wait, and return whether it has to."""
        if loop is not self._loop:
            self._move_to(loop)
        if self._receivers is NOBODY:
            self._receivers = WaitQueue()
        if not gatherer.enter(self._receivers, limit):
            return False
        # No signal handler has run since it was promised what was there.
        self._get_above = STIRRED_GET
        self._recheck_receiver()
        if gatherer.promised:
            self._trust(gatherer)
        if self._closed:
            gatherer.conclude()
        return True

    def _trust(self, gatherer: Gatherer, /) -> None:
        """Promise a gatherer in advance what it still asks for, but for the last item: puts then wake nobody.

        Nobody else has a claim: who takes what is promised to it would leave what is missing here. Now and then the
        next put is to let other tasks run, so that the time of the batch can be up.
        """
        receivers = self._receivers
        if not receivers or receivers[0] is not gatherer:  # a signal handler was here
            return
        before = gatherer.promised % BUDGET
        if before == 0:
            self._put_below = SPENT_PUT
        if receivers.woken != gatherer.promised:
            return
        more = BUDGET - 1 - before
        if more >= gatherer.wants:
            more = gatherer.wants - 1
        receivers.woken += more
        receivers.further -= more
        gatherer.promised += more
        gatherer.wants -= more

    def _use_promises(self, gatherer: Gatherer, limit: int) -> list[T]:
        """Take what was promised to the gatherer, and what nobody was promised; [] if the channel is drained."""
        self._pass_on(gatherer)
        return self._take_many(limit)

    def _pass_on(self, gatherer: Gatherer) -> None:
        """Take the promises from a gatherer. An abort that was interrupted may have taken some of them."""
        receivers = self._receivers
        receivers.woken = receivers.woken - gatherer.promised if receivers.woken > gatherer.promised else 0
        gatherer.promised = 0

    def _use_promise(self, waiting: Waiting) -> T:
        """Take the item that was promised to the waiter. `get` has it written out."""
        if not self._buffer:
            raise self._drained_error()
        self._spent = waiting
        if self._receivers.woken:  # or else an abort that was interrupted has taken what was promised
            self._receivers.woken -= 1
        item = self._buffer.popleft()
        if self._closed:
            self._after_take()
        self._spent = None
        return item

    def _promise(self) -> None:
        """Promise the items that nobody was promised to the receivers that wait."""
        if self._receivers:
            self._get_above = SLOW_GET
            self._receivers.promise(self._buffer)

    def _take(self) -> T | Literal[Blocked.BLOCKED]:
        """Remove and return the oldest item where somebody may wait for that; BLOCKED if all are promised."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        buffer = self._buffer
        if len(buffer) <= self._receivers.woken or not buffer:  # in this order: a signal handler may run after `len`
            return BLOCKED
        try:
            item = buffer.popleft()
            if self._senders:  # as `_after_take`, by one call less
                self._grant()
            else:
                self._after_take()
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return item

    def _take_many(self, limit: int) -> list[T]:
        if _get_running_loop() is not self._loop:
            self._check_loop()
        buffer, receivers = self._buffer, self._receivers
        items: list[T] = []
        try:
            if not receivers.woken and 0 < len(buffer) <= limit:
                items = list(buffer)
                # A signal handler may have changed it, even after the last `len`.
                if len(buffer) == len(items) and buffer and buffer[0] is items[0]:
                    buffer.clear()
                else:
                    items = []
            elif limit >= SEVERAL:
                calls: Iterable[tuple[()]] = repeat(NO_ARGUMENTS, limit)
                taken = starmap(buffer.popleft, calls)
                if len(buffer) - receivers.woken >= limit:
                    items.extend(taken)  # no signal handler runs while they move
            while True:
                if len(items) >= limit or len(buffer) <= receivers.woken or not buffer:
                    break
                items.append(buffer.popleft())
            if self._senders or (self._closed and not buffer) or self._get_above >= STIRRED_GET:
                self._after_take()  # or else the next call that may wait lets other tasks run, if it is time
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return items

    def _take_rest(self) -> list[T]:
        """Remove and return the items of a closed channel, promised ones too."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        buffer, receivers = self._buffer, self._receivers
        rest: list[T] = []
        try:
            while True:
                if not buffer:
                    break
                if receivers.woken:
                    receivers.woken -= 1
                rest.append(buffer.popleft())
        finally:
            self._settle()
        return rest

    def _after_take(self) -> None:
        if self._senders:
            self._grant()
        elif self._closed and not self._buffer:
            self._tell_drained()
        else:
            self._open_gets()

    def _open_gets(self) -> None:
        """Let gets take at once, down to the promised items and for a while. The last of a closed channel is told."""
        rest = len(self._buffer) - BUDGET
        # No call from here on: a signal handler may have closed the channel.
        if self._senders:  # since this began
            return
        if rest > self._receivers.woken:
            self._get_above = rest
        elif not self._receivers.woken:  # or else no number holds: as promises are used, fewer are promised
            self._get_above = self._closed

    def _rests_from_gets(self) -> bool:
        """Return whether a get is off its fast path for no other reason than that other tasks should run.

        The next one need not rest.
        """
        if not (self._receivers.woken or int(self._closed)) < self._get_above < STIRRED_GET:
            return False
        if len(self._buffer) > self._get_above:
            return False
        self._open_gets()
        return True

    # Stopping to wait

    def _withdraw(self, queue: WaitQueue, waiter: Waiter) -> None:
        """Let a call stop that failed while it waited, or after it was woken: what it was given passes on.

        If a signal handler raises in here, call it again.
        """
        if waiter.get_loop() is not self._loop:
            return  # its loop was closed, or left
        if waiter.done() and not waiter.cancelled():
            self._give_back(queue, waiter)
        else:
            queue.discard(waiter)

    def _withdraw_gatherer(self, gatherer: Gatherer) -> None:
        """As `_withdraw`."""
        gatherer.leave()
        if gatherer.waiter.get_loop() is self._loop:
            self._pass_on(gatherer)
            self._settle()

    def _give_back(self, queue: WaitQueue, waiting: Waiting) -> None:
        """Take the promise or grant from a waiter that was woken, unless it has been used or given back already."""
        # A receiver that was woken to an empty buffer has no promise: the channel is closed and drained.
        if self._spent is not waiting and queue.woken and (self._buffer or queue is not self._receivers):
            self._spent = waiting
            queue.woken -= 1
        self._settle()
        self._spent = None

    def _settle(self) -> None:
        """Restore the invariants, from any state: wake whoever can go ahead."""
        self._forget_lost_loop()
        self._put_below = STIRRED_PUT
        self._get_above = STIRRED_GET
        if self._loop is not None and self._is_elsewhere():
            self._loop.call_soon_threadsafe(self._settle)
            return
        self._promise()
        if self._closed:
            self._tell_closed()
        else:
            self._grant()
        self._put_below = STIRRED_PUT
        self._get_above = STIRRED_GET

    # Closing

    @override
    def _shut(self, cause: BaseException | None) -> bool:
        """Close, for ever, and return whether this call did it."""
        if not self._closed and _get_running_loop() is not self._loop:
            self._check_loop()
        if self._closed:
            return False
        self._closed = True
        self._bound = -UNBOUNDED
        self._put_below = STIRRED_PUT
        self._get_above = STIRRED_GET
        if self._cause is None:
            self._cause = cause
        try:
            self._tell_closed()
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return True

    def _tell_closed(self) -> None:
        """Wake whoever a close concerns: first the puts, then the calls that wait for the close itself."""
        self._senders.wake_all()
        self._closers.wake_all()
        if not self._buffer:
            self._tell_drained()
        else:
            for each in list(self._receivers):
                if isinstance(each, Gatherer):
                    each.conclude()

    def _tell_drained(self) -> None:
        self._receivers.wake_all()
        self._joiners.wake_all()

    def _is_drained(self) -> bool:
        return self._closed and not self._buffer

    def _joiners_in(self, loop: AbstractEventLoop) -> WaitQueue:
        """Return the queue of who waits until it is drained, for a task of this loop."""
        if loop is not self._loop:
            self._move_to(loop)
        if self._joiners is NOBODY:
            self._joiners = WaitQueue()
        return self._joiners

    @override
    def _note_cause(self, cause: BaseException | None) -> None:
        if self._cause is None and not self._closed:
            self._cause = cause

    def _check_open(self) -> None:
        if self._closed:
            raise ChannelClosed(f"{self!r} accepts no more items: {self._why()}") from self._cause

    def _check_not_drained(self) -> None:
        if self._closed and not self._buffer:
            raise self._drained_error()

    def _drained_error(self) -> ChannelClosed:
        # Thousands may wait for this text, so it is written once. It does not change any more.
        self._drained_text = self._drained_text or f"{self!r} is drained: {self._why()}"
        error = ChannelClosed(self._drained_text)
        error.__cause__ = self._cause
        return error

    # The event loop

    @override
    def _has_waiters(self) -> bool:
        return bool(self._receivers or self._senders or self._joiners or self._closers)

    @override
    def _has_woken(self) -> bool:
        return bool(self._receivers.woken) or (self._senders.woken > 0 and not self._closed)

    @override
    def _forget_waiters(self) -> None:
        forgotten = self._receivers, self._senders, self._joiners, self._closers
        self._receivers = self._senders = self._joiners = self._closers = NOBODY
        self._put_below = STIRRED_PUT
        self._get_above = STIRRED_GET
        # The last reference to a task may go with its waiter. Its coroutine then comes back here, with a loop that the
        # channel has left.
        del forgotten
