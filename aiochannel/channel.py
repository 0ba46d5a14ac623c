"""Channel: a closable queue between asyncio tasks.

State. `buffer` holds every item that has been accepted and not yet received. `reserved` says how many of these are
promised to receivers that were woken and have not run yet. `limit` is maxsize - granted slots; less than any number
once the channel is closed. `receivers` and `senders` are the lines of those that wait to be woken, in the order in
which they began. A put goes ahead while there is room: limit + receivers that wait - unpromised items > 0.

A waiter gets a wake-up, never an item. An item that is put while receivers wait is promised to the first of them and
stays in the buffer until the woken task takes it; a slot that gets free while senders wait is granted to the first of
them and stays empty until the woken task fills it. So a cancelled task has nothing in its hands that could be lost: its
promise or grant passes on. Nobody else can take what is promised or granted, so a woken task never waits again.

Three invariants hold whenever no method of this module is running:

    an unpromised item and a waiting receiver never coexist (so one of the two is enough to know the room);
    room and a waiting sender never coexist;
    receivers of a closed channel wait only while promised items remain, since a promise can come back.

The fast path of a put tests one thing, `len(buffer) < ceiling`, and that of a get `len(buffer) > floor`. Both are on
the safe side: the ceiling is never above the limit, and is `NO_PUT` while a receiver waits; the floor is never below
`reserved`, and is `NO_GET` while a sender waits and once the channel is closed. Who begins to wait, lowers the limit or
promises an item sets them to that; the next put or get that goes the long way, and finds nobody to wake, sets them
free again.

A select stands in several lines. The one that wakes it withdraws it from the others. A waiter found done was cancelled,
and is passed over.

Before they change anything, a put and a get look whether they may wake somebody: `_check_wake`, unless they run in the
channel's loop. It forgets the tasks of a loop that was closed, and in the loop's debug mode it raises in a thread that
is not the loop's.
"""

from asyncio import AbstractEventLoop, Future, InvalidStateError, _get_running_loop, get_running_loop
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar, final

from typing_extensions import override

from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull
from aiochannel.handles import End, ReceiverHandle, SenderHandle, receiving_end, sending_end
from aiochannel.lines import NOBODY, Line, Waiter
from aiochannel.protocols import Receiver, Sender
from aiochannel.selection import BLOCKED, Blocked, Case, Selection

T = TypeVar("T")
U = TypeVar("U")

UNBOUNDED: Final = 2**29
"""The capacity of an unbounded channel; no channel holds more. CPython compares ints below 2**30 in half the time."""

NO_PUT: Final = 0
NO_GET: Final = 2**30 - 1
"""The values of `ceiling` and `floor` that lead every put and every get the long way."""


@final
@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """A snapshot of a channel. A select counts once for each of its cases that waits here."""

    qsize: int
    maxsize: int
    waiting_senders: int
    waiting_receivers: int
    open_senders: int
    open_receivers: int
    closed: bool


class Channel(Generic[T]):
    """A closable first-in, first-out queue between the tasks of one event loop.

    `maxsize` is the number of items it buffers, 0 for no limit (and no channel buffers more than 2**29). A put waits
    while there is no room and a get while there is no item; both are served in the order in which they began to wait. A
    channel is done when it is closed and drained: `close` refuses further items, and receivers go on until the last
    item is taken.

    A channel can be made before a loop runs. It belongs to the loop of the tasks that wait on it, and may move to
    another loop when nobody waits; with `loop` given, tasks may wait on it in that loop only. It is not thread-safe.

    Raises:
        TypeError: `maxsize` is not an int >= 0, or `loop` is not an event loop.
    """

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_capacity",
        "_cause",
        "_ceiling",
        "_closed",
        "_drained",
        "_floor",
        "_joiners",
        "_limit",
        "_loop",
        "_maxsize",
        "_open_receivers",
        "_open_senders",
        "_pinned",
        "_receivers",
        "_reserved",
        "_senders",
    )

    def __init__(self, maxsize: int = 0, loop: AbstractEventLoop | None = None) -> None:
        given: object = maxsize
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise TypeError(f"maxsize must be an int >= 0 (0: unbounded), not {given!r}")
        belongs_to: object = loop
        if belongs_to is not None and not isinstance(belongs_to, AbstractEventLoop):
            raise TypeError(f"loop must be an event loop or None, not {belongs_to!r}")
        self._buffer: deque[T] = deque()
        self._reserved = 0
        self._maxsize = maxsize
        self._capacity = min(maxsize or UNBOUNDED, UNBOUNDED)
        self._limit = self._capacity
        self._ceiling = self._limit
        self._floor = 0
        self._receivers: Line = NOBODY
        self._senders: Line = NOBODY
        self._joiners: Line = NOBODY
        self._closed = False
        self._cause: BaseException | None = None
        self._drained = ""
        self._pinned = loop
        self._loop: AbstractEventLoop | None = None
        self._open_senders = 0
        self._open_receivers = 0

    @classmethod
    def rendezvous(cls) -> Self:
        """Return a channel without a buffer, as Go's `make(chan T)`: a put goes ahead only for a receiver at hand.

        Its maxsize reads 0, and it is full unless a receiver waits.
        """
        channel = cls()
        channel._capacity = channel._limit = channel._ceiling = 0
        return channel

    # Looking at it

    @property
    def maxsize(self) -> int:
        """Number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        self._forget_closed_loop()
        return len(self._buffer) - self._reserved

    def empty(self) -> bool:
        """Tell whether `get_nowait` would find no item."""
        return not self._has_item()

    def full(self) -> bool:
        """Tell whether `put_nowait` would find no room. A granted slot is not room; a receiver at hand is."""
        self._forget_closed_loop()
        return len(self._buffer) >= self._capacity if self._closed else self._room() <= 0

    def closed(self) -> bool:
        """Tell whether the channel is closed; buffered items can still be taken."""
        return self._closed

    def statistics(self) -> ChannelStatistics:
        """Return a snapshot of what is in the channel and who waits on it."""
        return ChannelStatistics(
            qsize=self.qsize(),
            maxsize=self.maxsize,
            waiting_senders=self._senders.waiting(),
            waiting_receivers=self._receivers.waiting(),
            open_senders=self._open_senders,
            open_receivers=self._open_receivers,
            closed=self._closed,
        )

    def __iter__(self) -> Iterator[T]:
        """Iterate over a snapshot of the buffered items, promised ones included, oldest first; nothing is removed."""
        return iter(tuple(self._buffer))

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} {self._state()}>"

    @override
    def __str__(self) -> str:
        return f"<{type(self).__name__} {self._state()}>"

    def _state(self) -> str:
        rendezvous = " rendezvous" if self._capacity == 0 else ""
        closed = " closed" if self._closed else ""
        return f"maxsize={self.maxsize} qsize={self.qsize()}{rendezvous}{closed}"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")

    # Putting

    async def put(self, item: T, /) -> None:
        """Put an item into the channel, waiting for room if there is none.

        Raises:
            ChannelClosed: the channel is closed, or was closed while the call waited; its cause, if any, is
                `__cause__`. The item is not in the channel.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. The item of a cancelled call is not in the channel and never will be; a slot granted to it goes to the
            next sender.
        """
        buffer = self._buffer
        if len(buffer) >= self._ceiling:
            receivers = self._receivers
            if (receivers or self._reserved) and _get_running_loop() is not self._loop:
                self._check_wake()
                receivers = self._receivers
            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:
                waiter = self._start_sending()
                try:
                    await waiter
                except BaseException:
                    self._stop_sending(waiter)
                    raise
                self._limit += 1
                if self._closed:
                    self._check_open()
            if self._receivers:
                self._promise()
            else:
                self._ceiling = self._limit
        buffer.append(item)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once.

        Raises:
            ChannelFull: there is no room, or what room there is has been granted to waiting senders.
            ChannelClosed: the channel is closed, full or not; its cause, if any, is `__cause__`.
        """
        buffer = self._buffer
        if len(buffer) >= self._ceiling:
            receivers = self._receivers
            if (receivers or self._reserved) and _get_running_loop() is not self._loop:
                self._check_wake()
                receivers = self._receivers
            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:
                self._check_room()
            if self._receivers:
                self._promise()
            else:
                self._ceiling = self._limit
        buffer.append(item)

    async def put_many(self, items: Iterable[T], /) -> None:
        """Put all the items into the channel in their order, waiting for room as needed.

        Other senders may put between them. What was accepted stays accepted if the call raises; an iterator given as
        `items` has then advanced just past the first item that was not accepted.

        Raises:
            ChannelClosed: the channel is closed, or was closed while the call waited; its cause, if any, is
                `__cause__`.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. No item is put after the call was cancelled.
        """
        buffer = self._buffer
        if isinstance(items, (list, tuple, range)):
            done = 0
            while done < len(items):
                room = self._ceiling - len(buffer)
                if room > 0:
                    buffer.extend(items[done : done + room])
                    done += room
                else:
                    await Channel.put(self, items[done])
                    done += 1
            return
        for item in items:
            if len(buffer) < self._ceiling:
                buffer.append(item)
            else:
                await Channel.put(self, item)

    def _room(self) -> int:
        """Return how many puts would go ahead at once. Where speed counts the same is written out."""
        return self._limit + self._receivers.waiting() + self._reserved - len(self._buffer)

    def _has_room(self) -> bool:
        if _get_running_loop() is not self._loop:
            self._check_wake()
        return self._room() > 0

    def _check_room(self) -> None:
        self._check_open()
        self._forget_closed_loop()
        if self._room() <= 0:
            raise ChannelFull(f"{self!r} has no room")

    def _start_sending(self) -> Waiter:
        if self._closed:
            self._check_open()
        loop = get_running_loop()
        moves = loop is not self._loop
        if moves:
            self._move_to(loop)
        senders = self._senders
        if senders is NOBODY:
            senders = self._senders = Line()
        waiter: Waiter = Future()
        senders.append(waiter)
        self._floor = NO_GET
        if moves and self._room() > 0:
            self._grant()  # what a closed loop's tasks had taken has become room
        return waiter

    def _use_grant(self) -> None:
        """Turn a granted slot into room, which the caller uses in the same step. `put` has it written out."""
        self._limit += 1
        if self._closed:
            self._check_open()

    def _stop_sending(self, waiter: Waiter) -> None:
        if waiter.get_loop() is not self._loop:
            return  # forgotten
        if waiter.cancelled() or not waiter.done():
            self._senders.leave(waiter)
        else:
            self._return_grant()

    def _return_grant(self) -> None:
        self._limit += 1
        if _get_running_loop() is not self._loop:
            self._check_wake()
        self._grant()

    def _grant(self) -> None:
        """Grant what room there is to the senders that wait, first come, first served."""
        senders, receivers = self._senders, self._receivers
        passed_over: list[Selection] = []
        room = self._limit - receivers.gone + (len(receivers) if receivers else self._reserved - len(self._buffer))
        # Invariant: room and a waiting sender never coexist.
        while room > 0 and senders:
            waiting = senders.popleft()
            if room == 1 and receivers and isinstance(waiting, Selection) and waiting.stands_in(receivers):
                # The only room is the receiver which the select itself is: it must not send to itself.
                passed_over.append(waiting)
                continue
            try:
                waiting.set_result(senders)
            except InvalidStateError:  # cancelled
                senders.gone -= 1
                continue
            self._limit -= 1
            self._ceiling = NO_PUT
            room -= 1  # a select on both sides was a receiver too, but then nobody waits behind it
        if passed_over:
            # Its place in the line is of no account: it is granted a slot only when nobody else waits for one.
            senders.extend(passed_over)
        if senders.gone:
            senders.tidy()

    # Getting

    async def get(self) -> T:
        """Remove and return the oldest item, waiting for one if there is none.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. A cancelled call has taken nothing, and an item promised to it goes to the next receiver, at its old
            place in the order.
        """
        buffer = self._buffer
        if len(buffer) > self._floor:
            return buffer.popleft()
        if len(buffer) > self._reserved:
            return self._take()
        waiter = self._start_receiving()
        try:
            await waiter
        except BaseException:
            self._stop_receiving(waiter)
            raise
        if not self._closed:
            self._reserved -= 1
            return buffer.popleft()
        if not buffer:
            raise self._drained_error()  # from here, so that it keeps one frame alive and not three
        return self._take_promised()

    def get_nowait(self) -> T:
        """Remove and return the oldest item at once.

        Raises:
            ChannelEmpty: there is no item, or what items there are have been promised to waiting receivers.
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
        """
        buffer = self._buffer
        if len(buffer) > self._floor:
            return buffer.popleft()
        if len(buffer) <= self._reserved:
            self._check_item()
        return self._take()

    async def get_many(self, limit: int, /) -> list[T]:
        """Remove and return the oldest items, as many as there are, at least 1 and at most `limit`.

        Waits for the first item only.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.

        Cancellation:
            Safe. A cancelled call has taken nothing.
        """
        _check_batch(limit)
        if len(self._buffer) > self._reserved:
            return self._take_many(limit)
        return [await Channel.get(self), *self._take_many(limit - 1)]

    def get_many_nowait(self, limit: int, /) -> list[T]:
        """Remove and return the oldest items at once, as many as there are and at most `limit`; [] if there is none.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.
        """
        _check_batch(limit)
        self._check_not_drained()
        return self._take_many(limit)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        """Remove and return the oldest item, waiting for one if there is none; `async for` does this.

        The iteration ends when the channel is closed and drained. It goes on where a cancelled call stopped.

        Raises:
            ChannelClosed: the channel is drained and was closed with a cause, which is `__cause__`: the items end, but
                not because all went well.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe, as for `get`.
        """
        buffer = self._buffer
        if len(buffer) > self._floor:
            return buffer.popleft()
        if len(buffer) > self._reserved:
            return self._take()
        try:
            return await self.get()
        except ChannelClosed:
            if self._cause is not None:
                raise
        raise StopAsyncIteration

    def _check_item(self) -> None:
        self._check_not_drained()
        if not self._has_item():
            raise ChannelEmpty(f"{self!r} has no item")

    def _has_item(self) -> bool:
        self._forget_closed_loop()
        return len(self._buffer) > self._reserved

    def _start_receiving(self) -> Waiter:
        if self._closed:
            self._check_not_drained()
        loop = get_running_loop()
        moves = loop is not self._loop
        if moves:
            self._move_to(loop)
        receivers = self._receivers
        if receivers is NOBODY:
            receivers = self._receivers = Line()
        waiter: Waiter = Future()
        receivers.append(waiter)
        self._ceiling = NO_PUT
        if self._senders:
            self._grant()
        if moves and len(self._buffer) > self._reserved:
            self._promise()  # what was promised to a closed loop's tasks
        return waiter

    def _stop_receiving(self, waiter: Waiter) -> None:
        if waiter.get_loop() is not self._loop:
            return  # forgotten
        if waiter.cancelled() or not waiter.done():
            self._receivers.leave(waiter)
        else:
            self._return_promise()

    def _return_promise(self) -> None:
        """Undo the promise of a receiver that was woken; the item stays at its place."""
        # A receiver that was woken to an empty buffer had no promise: the channel is closed and drained.
        if self._buffer:
            self._reserved -= 1
            if self._receivers:
                if _get_running_loop() is not self._loop:
                    self._check_wake()
                self._promise()

    def _take_promised(self) -> T:
        """Take what was promised by a channel that is closed now, which this may drain."""
        self._check_not_drained()
        self._reserved -= 1
        item = self._buffer.popleft()
        self._after_take()
        return item

    def _promise(self) -> None:
        """Promise one more item to the first receiver that waits. Runs in its loop, or after `_check_wake`."""
        receivers = self._receivers
        while receivers:
            try:
                receivers.popleft().set_result(receivers)
            except InvalidStateError:  # cancelled
                receivers.gone -= 1
            else:
                self._reserved += 1
                self._floor = NO_GET
                break
        if receivers.gone:
            receivers.tidy()

    def _take(self) -> T:
        """Remove the oldest item where somebody may wait for that to happen."""
        if _get_running_loop() is not self._loop:
            self._check_wake()
        item = self._buffer.popleft()
        self._after_take()
        return item

    def _take_map(self, fn: Callable[[T], U]) -> U:
        """Remove the oldest item and return `fn(item)`; leave the item where it is if that raises."""
        if _get_running_loop() is not self._loop:
            self._check_wake()
        item = self._buffer.popleft()
        try:
            result = fn(item)
        except BaseException:
            self._buffer.appendleft(item)
            raise
        self._after_take()
        return result

    def _take_many(self, limit: int) -> list[T]:
        if _get_running_loop() is not self._loop:
            self._check_wake()
        buffer = self._buffer
        count = min(limit, len(buffer) - self._reserved)
        if count == len(buffer):
            items = list(buffer)
            buffer.clear()
        else:
            popleft = buffer.popleft
            items = [popleft() for _ in range(count)]
        self._after_take()
        return items

    def _after_take(self) -> None:
        if self._senders:
            self._grant()
        elif not self._closed:
            # Nobody waits to put: let gets go ahead without a look, down to the promised items.
            self._floor = self._reserved
        elif not self._buffer:
            self._tell_drained()

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel, for ever, and return whether this call did it.

        From now on no item is accepted: every put, a waiting one included, raises ChannelClosed. Receivers go on until
        the channel is drained. With a cause, they are then told so: ChannelClosed comes with it as `__cause__`, and
        `async for` raises it instead of ending. The first cause stays. A channel keeps its cause, and with the cause's
        traceback the frames in it, as long as it lives.

        Raises:
            TypeError: the cause is not an exception.
        """
        given: object = cause
        if given is not None and not isinstance(given, BaseException):
            raise TypeError(f"the cause must be an exception or None, not {given!r}")
        if self._closed:
            return False
        if _get_running_loop() is not self._loop:
            self._check_wake()
        self._note_cause(cause)
        self._closed = True
        self._limit = -UNBOUNDED
        self._ceiling = NO_PUT
        self._floor = NO_GET
        self._senders.wake_all()
        if not self._buffer:
            self._tell_drained()
        return True

    def abort(self, cause: BaseException | None = None) -> list[T]:
        """Close the channel, and remove and return the items that are not promised to a receiver, oldest first.

        On a channel that is closed already it only removes.

        Raises:
            TypeError: the cause is not an exception.
        """
        self.close(cause)
        if _get_running_loop() is not self._loop:
            self._check_wake()
        leftover = [self._buffer.pop() for _ in range(len(self._buffer) - self._reserved)]
        leftover.reverse()
        if not self._buffer:
            self._tell_drained()
        return leftover

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Raises:
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        if self._closed and not self._buffer:
            return
        loop = get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        if self._joiners is NOBODY:
            self._joiners = Line()
        waiter: Waiter = Future()
        self._joiners.append(waiter)
        try:
            await waiter
        except BaseException:
            if loop is self._loop and (waiter.cancelled() or not waiter.done()):
                self._joiners.leave(waiter)
            raise

    def _tell_drained(self) -> None:
        self._receivers.wake_all()
        self._joiners.wake_all()

    def _note_cause(self, cause: BaseException | None) -> None:
        if self._cause is None and not self._closed:
            self._cause = cause

    def _check_open(self) -> None:
        if self._closed:
            raise ChannelClosed(f"{self!r} accepts no more items") from self._cause

    def _check_not_drained(self) -> None:
        if self._closed and not self._buffer:
            raise self._drained_error()

    def _drained_error(self) -> ChannelClosed:
        # The text is written once, since thousands may wait for it. What it says does not change any more.
        self._drained = self._drained or f"{self!r} is drained"
        error = ChannelClosed(self._drained)
        error.__cause__ = self._cause
        return error

    # Sides

    @property
    def sender(self) -> Sender[T]:
        """A handle that can do only what a `Sender` can."""
        return SenderHandle(self)

    @property
    def receiver(self) -> Receiver[T]:
        """A handle that can do only what a `Receiver` can."""
        return ReceiverHandle(self)

    def split(self) -> tuple[Sender[T], Receiver[T]]:
        """Return a handle for each side."""
        return self.sender, self.receiver

    def open_sender(self) -> End[Sender[T]]:
        """Open a counted sending end: `with channel.open_sender() as tx`. The channel closes when the last one leaves.

        An end counts from this call on, so open it where the task is made that will use it. It leaves when its block
        ends; if that is by an exception, the channel is then closed with it as the cause (the first one stays). Its
        handle raises ChannelClosed after that.
        """
        self._open_senders += 1
        return sending_end(self, self._sender_left)

    def open_receiver(self) -> End[Receiver[T]]:
        """Open a counted receiving end: `with channel.open_receiver() as rx`.

        As `open_sender`: the channel closes when the last one leaves, so that senders learn that nobody listens.
        Buffered items stay and can still be taken.
        """
        self._open_receivers += 1
        return receiving_end(self, self._receiver_left)

    def _sender_left(self, cause: BaseException | None) -> None:
        self._end_left(cause, last=self._open_senders == 1)
        self._open_senders -= 1

    def _receiver_left(self, cause: BaseException | None) -> None:
        self._end_left(cause, last=self._open_receivers == 1)
        self._open_receivers -= 1

    def _end_left(self, cause: BaseException | None, *, last: bool) -> None:
        if last:
            self.close(cause)
        else:
            self._note_cause(cause)

    # Selecting

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets an item."""
        return Case(_Getting(self))

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item. A select that takes another case has not put it."""
        return Case(_Putting(self, item))

    # The event loop

    def _move_to(self, loop: AbstractEventLoop) -> None:
        if self._pinned is not None and self._pinned is not loop:
            raise RuntimeError(
                f"{self!r} was made for the event loop {self._pinned!r}; a task of {loop!r} cannot wait on it"
            )
        self._forget_closed_loop()
        woken = self._reserved or (self._limit != self._capacity and not self._closed)
        if self._receivers or self._senders or self._joiners or woken:
            raise RuntimeError(f"tasks of the event loop {self._loop!r} wait on {self!r}; a task of {loop!r} cannot")
        self._loop = loop

    def _check_wake(self) -> None:
        """Refuse to wake a task, before anything has changed, where its event loop would refuse it."""
        self._forget_closed_loop()
        waiting = self._receivers or self._senders or self._joiners
        if waiting and self._loop is not None and self._loop.get_debug():
            self._loop.call_soon(bool).cancel()  # refused in any thread but the loop's

    def _forget_closed_loop(self) -> None:
        """Forget the tasks of a loop that was closed while they waited: they never run again."""
        if self._loop is None or not self._loop.is_closed():
            return
        forgotten = self._receivers, self._senders, self._joiners
        self._receivers = self._senders = self._joiners = NOBODY
        self._loop = None
        self._reserved = 0
        if not self._closed:
            self._limit = self._capacity
            self._ceiling = NO_PUT
        # The last reference to a task may go with its waiter. Its coroutine then comes back here, as one of no loop.
        del forgotten


def _check_batch(limit: int) -> None:
    given: object = limit
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"limit must be an int >= 1, not {given!r}")
    if given < 1:
        raise ValueError(f"limit must be an int >= 1, not {given!r}")


@final
class _Getting(Generic[T]):
    """The receiving side as an operation of `selection`."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel[T]) -> None:
        self._channel = channel

    def ended(self) -> bool:
        return self._channel._closed and not self._channel._buffer

    def attempt(self) -> T | Blocked:
        channel = self._channel
        buffer = channel._buffer
        if buffer:
            if len(buffer) > channel._floor:
                return buffer.popleft()
            if len(buffer) > channel._reserved or channel._has_item():
                return channel._take()
        elif channel._closed:
            channel._check_not_drained()
        return BLOCKED

    def attempt_map(self, fn: Callable[[T], U], /) -> U | Blocked:
        channel = self._channel
        if channel._has_item():
            return channel._take_map(fn)
        if channel._closed:
            channel._check_not_drained()
        return BLOCKED

    def park(self, selection: Selection, position: int, /) -> None:
        channel = self._channel
        if selection.loop is not channel._loop:
            channel._move_to(selection.loop)
        receivers = channel._receivers
        if receivers is NOBODY:
            receivers = channel._receivers = Line()
        elif receivers and receivers[-1] is selection:
            return
        selection.parked.append((receivers, position))
        receivers.append(selection)
        channel._ceiling = NO_PUT
        if channel._senders:
            channel._grant()

    def complete(self) -> T:
        channel = self._channel
        if channel._closed:
            return channel._take_promised()
        channel._reserved -= 1
        return channel._buffer.popleft()

    def complete_map(self, fn: Callable[[T], U], /) -> U:
        channel = self._channel
        channel._check_not_drained()
        channel._reserved -= 1
        try:
            return channel._take_map(fn)
        except BaseException:
            if channel._receivers:
                channel._promise()
            raise

    def forgo(self, selection: Selection, /) -> None:
        channel = self._channel
        if selection.loop is channel._loop:
            channel._return_promise()


@final
class _Putting(Generic[T]):
    """The sending side, with an item, as an operation of `selection`."""

    __slots__ = ("_channel", "_item")

    def __init__(self, channel: Channel[T], item: T) -> None:
        self._channel = channel
        self._item = item

    def ended(self) -> bool:
        return self._channel._closed

    def attempt(self) -> Blocked | None:
        channel = self._channel
        if len(channel._buffer) >= channel._ceiling and not channel._has_room():
            channel._check_open()
            return BLOCKED
        self._put()
        return None

    def attempt_map(self, fn: Callable[[None], U], /) -> U | Blocked:
        channel = self._channel
        if not channel._has_room():
            channel._check_open()
            return BLOCKED
        result = fn(None)
        Channel.put_nowait(channel, self._item)
        return result

    def park(self, selection: Selection, position: int, /) -> None:
        channel = self._channel
        if selection.loop is not channel._loop:
            channel._move_to(selection.loop)
        senders = channel._senders
        if senders is NOBODY:
            senders = channel._senders = Line()
        elif senders and senders[-1] is selection:
            return
        selection.parked.append((senders, position))
        senders.append(selection)
        channel._floor = NO_GET

    def complete(self) -> None:
        self._channel._use_grant()
        self._put()

    def complete_map(self, fn: Callable[[None], U], /) -> U:
        channel = self._channel
        channel._use_grant()
        try:
            result = fn(None)
        except BaseException:
            channel._grant()
            raise
        self._put()
        return result

    def _put(self) -> None:
        # Not `put_nowait`: a granted put goes ahead even if the receiver that made the room is gone.
        channel = self._channel
        if channel._receivers:
            channel._promise()
        else:
            channel._ceiling = channel._limit
        channel._buffer.append(self._item)

    def forgo(self, selection: Selection, /) -> None:
        if selection.loop is self._channel._loop:
            self._channel._return_grant()
