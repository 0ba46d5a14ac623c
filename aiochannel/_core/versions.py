"""Versions: the value of a Watch, who waits for the next one, and every step that changes them.

A `Versions` has one value and its number, which a set raises. A `Cursor` belongs to one reader: `seen` is the number of
the version that it has taken last. A value is *unseen* by a reader whose `seen` is another number. A get of an unseen
value takes it at once; any other waits at its cursor. A set *promises* the value to the first waiter of each cursor and
wakes it. Until that task runs nobody else takes a value by this cursor, and what the task takes is the value that is
current then. If it is cancelled, the promise goes to the next waiter.

    state      what it is                                          who sets it
    first      a get that began to wait where nobody did: most     the get, which enters; whoever wakes it, or needs the
               readers have one task, and so need no queue         queue, removes it
    queue      the wait queue of all other gets and of selects,    as every wait queue
               behind `first`
    woken      the waiter that a value is promised to              `_wake_next` and `_tell`; the waiter, when it runs
    left       a waiter that has left its wait queue, while the    `_withdraw`, so that a second try does not count it
               rest of its withdrawal can still be interrupted     twice
    quiet      the cursors on which somebody waits, and where      a call that waits; a set removes and wakes them all
               nobody is promised a value
    known      the cursors on which somebody waits, or is          a call that waits; `_file` removes
               promised a value, or joins

Invariants, whenever no method of these classes is running:

    1. a waiter and an unseen value that is not promised never coexist at a cursor;
    2. waiters of a closed Watch wait only behind a promise, since a promise can come back;
    3. a cursor that is in no use is not known, and may be dropped.

Interruptions: as in `aiochannel._core`. While a set wakes one cursor after the other, those that it has not come to
have a waiter and an unseen value, so nobody takes a value where somebody waits.
"""

from asyncio import AbstractEventLoop, InvalidStateError, _get_running_loop
from typing import Final, Generic, Literal, TypeVar

from aiochannel._core.closing import Closable
from aiochannel._core.ends import CLOSE, told
from aiochannel._core.machine import BUDGET
from aiochannel._core.newer_typing import override
from aiochannel._core.resting import BLOCKED, Blocked, Idle
from aiochannel._core.waiters import NOBODY, Selection, Waiter, Waiting, WaitQueue
from aiochannel.errors import ChannelClosed

T = TypeVar("T")

NOTHING: Final = -1
"""What a cursor has seen that has taken nothing yet."""


class Versions(Closable, Generic[T]):
    """A value and its number, without a public name."""

    __slots__ = ("__weakref__", "_cause", "_known", "_quiet", "_rest_at", "_value", "_version")

    def __init__(self, value: T, pinned: AbstractEventLoop | None) -> None:
        self._loop = None
        self._pinned = pinned
        self._value = value
        self._version = 0
        self._closed = False
        self._cause: BaseException | None = None
        self._quiet: dict[Cursor[T], None] = {}
        self._known: dict[Cursor[T], None] = {}
        self._closers = NOBODY
        self._rest_at = BUDGET

    # Setting

    def _set(self, value: T) -> None:
        """Set the value, and wake the readers that wait."""
        if self._quiet and _get_running_loop() is not self._loop:
            self._check_loop()
        if self._closed:
            raise self._refusal()
        self._version += 1
        self._value = value  # last: the finalizer of the old value may look at the new one
        if self._quiet:
            try:
                self._tell()
            except BaseException:  # raised by a signal handler
                self._settle()
                raise

    def _tell(self) -> None:
        """Promise the value to the first waiter of each cursor, and wake it."""
        quiet = self._quiet
        self._quiet = {}
        for cursor in quiet:
            first = cursor._first
            if first is None or cursor._woken is not None:  # selects wait, or a signal handler was here
                cursor._wake_next()
                continue
            cursor._first = None
            cursor._woken = first
            try:
                first.set_result(NOBODY)
            except InvalidStateError:  # cancelled
                cursor._woken = None
                cursor._first = first
                cursor._wake_next()
            except BaseException:  # raised by a signal handler
                cursor._put_back(first)
                raise

    def _rests(self) -> bool:
        """Return whether a call lets other tasks run, since many values were set. The next one need not."""
        if self._version < self._rest_at:
            return False
        self._rest_at = self._version + BUDGET
        return True

    # Closing

    def _shut(self, cause: BaseException | None) -> bool:
        """Close, for ever, and return whether this call did it."""
        if not self._closed and _get_running_loop() is not self._loop:
            self._check_loop()
        if self._closed:
            return False
        self._closed = True
        self._cause = cause
        try:
            self._wake()
        except BaseException:  # raised by a signal handler
            self._settle()
            raise
        return True

    def _refusal(self) -> ChannelClosed:
        error = ChannelClosed(f"{self!r} accepts no more values: {told(CLOSE, self._cause)}")
        error.__cause__ = self._cause
        return error

    # Waking

    def _wake(self) -> None:
        """Wake whoever can go ahead, from any state."""
        if self._closed:
            self._closers.wake_all()
        for cursor in list(self._known):
            cursor._wake_next()

    def _settle(self) -> None:
        """Restore the invariants, from any state; if a signal handler raises in here, call it again."""
        if self._loop is not None and self._is_elsewhere():
            self._loop.call_soon_threadsafe(self._settle)
        else:
            self._wake()

    # The event loop

    @override
    def _has_waiters(self) -> bool:
        return bool(self._closers) or any(cursor._is_awaited() or cursor._joiners for cursor in self._known)

    @override
    def _has_woken(self) -> bool:
        return any(cursor._woken is not None for cursor in self._known)

    @override
    def _forget_waiters(self) -> None:
        known = self._known
        self._known = {}
        self._quiet = {}
        self._closers = NOBODY
        for cursor in known:
            cursor._queue = cursor._joiners = NOBODY
            cursor._first = cursor._woken = None


class Cursor(Generic[T]):
    """What one reader has seen, and who waits for more, without a public name."""

    __slots__ = ("__weakref__", "_first", "_joiners", "_left", "_queue", "_seen", "_watch", "_woken")

    def __init__(self, watch: Versions[T]) -> None:
        self._watch = watch
        self._seen = NOTHING
        self._first: Waiter | None = None
        self._queue: WaitQueue = NOBODY
        self._joiners: WaitQueue = NOBODY
        self._woken: Waiting | None = None
        self._left: Waiter | None = None

    # Taking

    def _take(self) -> T | Literal[Blocked.BLOCKED]:
        """Take the value if it is unseen and nobody waits for it; else return BLOCKED."""
        watch = self._watch
        if self in watch._known:
            watch._forget_lost_loop()
            if watch._closed and _get_running_loop() is not watch._loop:  # this may complete a join
                watch._check_loop()
        if self._seen == watch._version or self._woken is not None or self._first is not None or self._queue:
            return BLOCKED
        self._seen = watch._version
        value = watch._value
        if self in watch._known:
            try:
                self._wake_next()
            except BaseException:  # raised by a signal handler
                watch._settle()
                raise
        return value

    def _use_promise(self, waiting: Waiting) -> T:
        """Take the value that was promised to the waiter, which was woken."""
        if self._woken is not waiting:
            raise self._end()
        watch = self._watch
        self._woken = None
        self._seen = watch._version
        value = watch._value
        if self._queue or self._joiners or self._first is not None:
            self._wake_next()  # if a signal handler raises, the call that fails does it again
        else:
            del watch._known[self]
        return value

    def _is_unseen(self) -> bool:
        """Return whether `_take` would take a value."""
        watch = self._watch
        watch._forget_lost_loop()
        return self._seen != watch._version and self._woken is None and not self._is_awaited()

    def _is_awaited(self) -> bool:
        """Return whether somebody waits for a value, other than the one that is promised one."""
        return self._first is not None or bool(self._queue)

    def _waiting(self) -> int:
        """Return how many wait."""
        return self._queue.waiting() + (self._first is not None)

    def _ended(self) -> bool:
        """Return whether the Watch is closed, and this reader has seen its last value."""
        return self._watch._closed and self._seen == self._watch._version

    def _end(self) -> ChannelClosed:
        error = ChannelClosed(f"{self!r} has seen the last value: {told(CLOSE, self._watch._cause)}")
        error.__cause__ = self._watch._cause
        return error

    def _rests(self) -> bool:
        """Return whether a get that need not wait lets other tasks run."""
        return Idle.passes() if self._seen == NOTHING else self._watch._rests()

    # Waiting

    def _enqueue(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        watch = self._watch
        if loop is not watch._loop:
            watch._move_to(loop)
        if self._first is None and not self._queue:
            self._first = waiter
        else:
            self._own_queue().append(waiter)
        watch._known[self] = None
        if self._woken is None:
            watch._quiet[self] = None
        if self._seen != watch._version or watch._closed:
            self._wake_next()  # a signal handler has run since the look

    def _park(self, selection: Selection, position: int) -> None:
        if selection.loop is not self._watch._loop:
            self._watch._move_to(selection.loop)
        selection.enter(self._own_queue(), position)
        selection.waiter.add_done_callback(self._select_left)
        self._watch._known[self] = None
        self._wake_next()  # a signal handler may have run since the look

    def _enqueue_joiner(self, waiter: Waiter, loop: AbstractEventLoop) -> None:
        if loop is not self._watch._loop:
            self._watch._move_to(loop)
        if self._joiners is NOBODY:
            self._joiners = WaitQueue()
        self._joiners.append(waiter)
        self._watch._known[self] = None
        if self._watch._closed:
            self._wake_next()  # a signal handler has run since the look

    def _own_queue(self) -> WaitQueue:
        if self._queue is NOBODY:
            self._queue = WaitQueue()
        return self._queue

    def _withdraw(self, queue: WaitQueue, waiter: Waiter) -> None:
        """Let a call stop that failed while it waited, or after it was woken: what it was promised passes on.

        If a signal handler raises in here, call it again.
        """
        if waiter.get_loop() is not self._watch._loop:
            return  # its loop was closed, or left
        if self._first is waiter:
            self._first = None
        elif self._left is not waiter and (not waiter.done() or waiter.cancelled()):
            queue.discard(waiter)
            self._left = waiter
        self._give_back(waiter)
        self._left = None

    def _give_back(self, waiting: Waiting) -> None:
        """Take the promise from a waiter, if it has it."""
        watch = self._watch
        watch._forget_lost_loop()  # in which nobody can be woken
        if self._woken is waiting:
            self._woken = None
        if watch._is_elsewhere():
            watch._settle()
        else:
            self._wake_next()

    def _select_left(self, waiter: Waiter) -> None:
        """Look whether the cursor is in use: a select leaves the queue without a word."""
        if waiter.cancelled():
            waiter.get_loop().call_soon(self._file)  # its task leaves the queue, and runs before this call
        else:
            self._file()

    # Waking

    def _wake_next(self) -> None:
        """Restore the invariants of this cursor, from any state; if a signal handler raises in here, call it again."""
        watch = self._watch
        self._file()  # first: a signal handler may set the next value, and has to find who waits
        if self._woken is None and (self._seen != watch._version or watch._closed):
            self._promise()
            if watch._closed and self._seen == watch._version:
                self._line_up().wake_all()
                self._joiners.wake_all()
            self._file()

    def _promise(self) -> None:
        """Promise an unseen value to the first waiter that was not cancelled, and wake it."""
        queue = self._line_up()
        while True:
            if not queue or self._woken is not None or self._seen == self._watch._version:
                break
            first = queue[0]
            del queue[0]
            self._woken = first
            try:
                first.set_result(queue)
            except InvalidStateError:  # cancelled
                queue.stale -= 1
                if self._woken is first:
                    self._woken = None
            except BaseException:  # raised by a signal handler
                self._put_back(first)
                raise
        if queue.stale:
            queue.tidy()

    def _line_up(self) -> WaitQueue:
        """Return the wait queue, with `first` in it."""
        first = self._first
        if first is None:
            return self._queue
        queue = self._own_queue()
        if self._first is first:  # or else a signal handler has woken it
            self._first = None
            queue.appendleft(first)
        return queue

    def _put_back(self, first: Waiting) -> None:
        """Take the promise back from a waiter that was removed, unless it was woken."""
        if self._own_queue()._restore(first) and self._woken is first:
            self._woken = None

    def _file(self) -> None:
        """Note whether the next set has to wake somebody here, and whether the cursor is in use."""
        watch = self._watch
        if self._woken is None and (self._first is not None or self._queue):
            watch._quiet[self] = None
            return
        if self in watch._quiet:
            del watch._quiet[self]
        if self._woken is None and not self._joiners and self in watch._known:
            del watch._known[self]
