"""Machine: the state of one channel and every step that changes it. The theory is in `aiochannel._core`."""

from asyncio import AbstractEventLoop, Future, _get_running_loop, get_running_loop
from collections import deque
from reprlib import Repr
from typing import Final, Generic, TypeVar

from typing_extensions import override

from aiochannel._core.ends import Counted
from aiochannel._core.waiters import NOBODY, Waiter, WaitQueue
from aiochannel.errors import ChannelClosed, ChannelEmpty, source

T = TypeVar("T")

UNBOUNDED: Final = 2**29
"""The capacity of an unbounded channel; no channel holds more. CPython compares ints below 2**30 in half the time."""

SLOW_PUT: Final = 0
SLOW_GET: Final = 2**30 - 1
"""The values of `put_below` and `get_above` that lead every put and every get off its fast path."""


CLOSE: Final = "closed by close()"
ABORT: Final = "closed by abort()"
"""What can close a channel; `aiochannel._core.ends` has more. The message of ChannelClosed says it."""

_short = Repr()
_short.maxother = 100


class Machine(Counted, Generic[T]):
    """Items, promises and grants, without a public name."""

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_capacity",
        "_cause",
        "_closed",
        "_drained_text",
        "_get_above",
        "_joiners",
        "_promised",
        "_put_below",
        "_receivers",
        "_senders",
        "_ungranted",
    )

    def __init__(self, capacity: int, pinned: AbstractEventLoop | None) -> None:
        self._loop = None
        self._pinned = pinned
        self._buffer: deque[T] = deque()
        self._promised = 0
        self._capacity = self._ungranted = self._put_below = capacity
        self._get_above = 0
        self._receivers: WaitQueue = NOBODY
        self._senders: WaitQueue = NOBODY
        self._joiners: WaitQueue = NOBODY
        self._closed = False
        self._cause: BaseException | None = None
        self._drained_text = ""
        self._closed_by = CLOSE
        self._open_senders = self._opened_senders = self._open_receivers = self._opened_receivers = 0

    # Putting

    def _admit(self, item: T) -> bool:
        """Accept the item if there is room, and return whether there was."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        receivers = self._receivers
        # A waiting receiver means that every item is promised (invariant 1): then only the receivers count.
        if self._ungranted + (len(receivers) if receivers else self._promised - len(self._buffer)) <= receivers.stale:
            return False
        self._buffer.append(item)
        if receivers:
            self._promise()
        else:
            self._put_below = self._ungranted
        return True

    def _has_room(self) -> bool:
        self._forget_closed_loop()
        return self._ungranted - len(self._buffer) + self._promised + self._receivers.waiting() > 0

    def _enqueue_sender(self) -> Waiter:
        if self._closed:
            self._check_open()
        loop = get_running_loop()
        moves = loop is not self._loop
        if moves:
            self._move_to(loop)
        senders = self._senders
        if senders is NOBODY:
            senders = self._senders = WaitQueue()
        waiter: Waiter = Future()
        self._get_above = SLOW_GET
        senders.append(waiter)
        if moves:
            self._grant()  # what was taken by tasks of a closed loop has become room
        return waiter

    def _withdraw_sender(self, waiter: Waiter) -> None:
        if waiter.get_loop() is not self._loop:
            return  # forgotten
        if waiter.cancelled() or not waiter.done():
            self._senders.discard(waiter)
        else:
            self._return_grant()

    def _use_grant(self, item: T) -> None:
        """Put the item into the granted slot."""
        if self._closed:
            self._check_open()
        self._ungranted += 1
        self._buffer.append(item)
        if self._receivers:
            self._promise()
        else:
            self._put_below = self._ungranted

    def _return_grant(self) -> None:
        self._ungranted += 1
        if _get_running_loop() is not self._loop:
            self._check_loop()
        self._grant()

    def _grant(self) -> None:
        """Grant what room there is to the senders that wait, first come, first served."""
        senders, receivers = self._senders, self._receivers
        room = self._ungranted + (len(receivers) if receivers else self._promised - len(self._buffer)) - receivers.stale
        # Invariant: room and a waiting sender never coexist.
        while room > 0 and senders:
            # If the only room is one receiver, it may be a select that waits on both sides.
            if senders.wake_first_without(receivers) if room == 1 and receivers else senders.wake_first():
                self._ungranted -= 1
                self._put_below = SLOW_PUT
            room -= 1  # a select on both sides was a receiver too, but then nobody waits behind it

    # Getting

    def _has_item(self) -> bool:
        self._forget_closed_loop()
        return len(self._buffer) > self._promised

    def _enqueue_receiver(self) -> Waiter:
        if self._closed:
            self._check_not_drained()
        loop = get_running_loop()
        moves = loop is not self._loop
        if moves:
            self._move_to(loop)
        receivers = self._receivers
        if receivers is NOBODY:
            receivers = self._receivers = WaitQueue()
        waiter: Waiter = Future()
        self._put_below = SLOW_PUT
        receivers.append(waiter)
        if self._senders:
            self._grant()
        if moves and len(self._buffer) > self._promised:
            self._promise()  # what was promised to tasks of a closed loop
        return waiter

    def _withdraw_receiver(self, waiter: Waiter) -> None:
        if waiter.get_loop() is not self._loop:
            return  # forgotten
        if waiter.cancelled() or not waiter.done():
            self._receivers.discard(waiter)
        else:
            self._return_promise()

    def _use_promise(self) -> T:
        """Take the item that was promised. `get` repeats this for an open channel."""
        self._check_not_drained()
        self._promised -= 1
        item = self._buffer.popleft()
        if self._closed:
            self._after_take()
        return item

    def _return_promise(self) -> None:
        """Undo the promise to a receiver that was woken; the item stays at its place."""
        # A receiver that was woken to an empty buffer had no promise: the channel is closed and drained.
        if self._buffer:
            self._promised -= 1
            if _get_running_loop() is not self._loop:
                self._check_loop()
            self._promise()

    def _promise(self) -> None:
        """Promise one more item to the first receiver that waits. The caller has checked the loop."""
        if self._receivers.wake_first():
            self._promised += 1
            self._get_above = SLOW_GET

    def _take(self) -> T:
        """Remove the oldest item where somebody may wait for that to happen."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        item = self._buffer.popleft()
        self._after_take()
        return item

    def _take_many(self, limit: int) -> list[T]:
        if _get_running_loop() is not self._loop:
            self._check_loop()
        buffer = self._buffer
        count = min(limit, len(buffer) - self._promised)
        if count == len(buffer):
            items = list(buffer)
            buffer.clear()
        else:
            popleft = buffer.popleft
            items = [popleft() for _ in range(count)]
        self._after_take()
        return items

    def _take_rest(self) -> list[T]:
        """Remove the items of a closed channel that are not promised."""
        if _get_running_loop() is not self._loop:
            self._check_loop()
        rest = [self._buffer.pop() for _ in range(len(self._buffer) - self._promised)]
        rest.reverse()
        if not self._buffer:
            self._tell_drained()
        return rest

    def _after_take(self) -> None:
        if self._senders:
            self._grant()
        elif not self._closed:
            # Nobody waits to put: gets need not look, down to the promised items.
            self._get_above = self._promised
        elif not self._buffer:
            self._tell_drained()

    # Closing

    @override
    def _shut(self, cause: BaseException | None) -> bool:
        """Close, for ever, and return whether this call did it."""
        if self._closed:
            return False
        if _get_running_loop() is not self._loop:
            self._check_loop()
        self._note_cause(cause)
        self._closed = True
        self._ungranted = -UNBOUNDED
        self._put_below = SLOW_PUT
        self._get_above = SLOW_GET
        self._senders.wake_all()
        if not self._buffer:
            self._tell_drained()
        return True

    def _tell_drained(self) -> None:
        self._receivers.wake_all()
        self._joiners.wake_all()

    def _enqueue_joiner(self) -> Waiter:
        loop = get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        if self._joiners is NOBODY:
            self._joiners = WaitQueue()
        waiter: Waiter = Future()
        self._joiners.append(waiter)
        return waiter

    def _withdraw_joiner(self, waiter: Waiter) -> None:
        if waiter.get_loop() is self._loop and (waiter.cancelled() or not waiter.done()):
            self._joiners.discard(waiter)

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

    def _why(self) -> str:
        """Say what closed the channel."""
        why = self._closed_by.format(senders=self._opened_senders, receivers=self._opened_receivers)
        return why if self._cause is None else f"{why}, from {_short.repr(source(self._cause))}"

    def _check_item(self) -> None:
        self._check_not_drained()
        if not self._has_item():
            raise ChannelEmpty(f"{self!r} has no item")

    # The event loop

    @override
    def _has_waiters(self) -> bool:
        return bool(self._receivers or self._senders or self._joiners)

    @override
    def _has_woken(self) -> bool:
        return bool(self._promised) or (self._ungranted != self._capacity and not self._closed)

    @override
    def _forget_waiters(self) -> None:
        forgotten = self._receivers, self._senders, self._joiners
        self._receivers = self._senders = self._joiners = NOBODY
        self._promised = 0
        if not self._closed:
            self._ungranted = self._capacity
            self._put_below = SLOW_PUT
        # The last reference to a task may go with its waiter. Its coroutine then comes back here, with a loop that the
        # channel has left.
        del forgotten
