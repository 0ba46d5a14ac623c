"""Channel: a closable queue between asyncio tasks. How it works is told in `aiochannel._core`."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self, SupportsIndex, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time, check_loop, check_name, integer
from aiochannel._core.ends import ABORT
from aiochannel._core.gathering import Gatherer
from aiochannel._core.machine import BUDGET, UNBOUNDED, Machine
from aiochannel._core.moments import Closed, Drained
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import GetOperation, PutOperation
from aiochannel._core.resting import BLOCKED, PAUSE
from aiochannel._core.thresholds import SLOW_PUT, STIRRED_GET, STIRRED_PUT
from aiochannel._core.waiters import Waiter
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull, check_cause
from aiochannel.handles import End, ReceiverHandle, SenderHandle, receiving_end, sending_end
from aiochannel.overflow import WAIT, Dropping, DroppingPut, Overflow, dropping_puts
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")


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
    dropped: int = 0
    """How many items its overflow policy has dropped."""
    name: str | None = None


class Channel(Machine[T]):
    """A closable first-in, first-out queue between the tasks of one event loop.

    `maxsize` is the number of items that it buffers, 0 for no limit (and no channel buffers more than 2**29); a channel
    without a buffer is made by `rendezvous`. A put waits while there is no room, and a get while there is no item. Both
    are served in the order in which they began to wait. A channel is done when it is closed and drained: `close`
    refuses further items, and receivers go on until the last item is taken.

    A channel can be made before a loop runs. It belongs to the loop of the tasks that wait on it, and may move to
    another loop when nobody waits. With `loop` given, tasks may wait on it in that loop only. A channel is not
    thread-safe: from another thread use `asyncio.run_coroutine_threadsafe(channel.put(item), loop).result()`.

    A `name` is shown wherever the channel is: in messages, and in `statistics()`.

    With an `overflow` policy a put never waits. Where it finds no room, an item is dropped: the oldest one, the newest
    one, or its own. `on_drop(item)` is called for each, when the put has taken effect; it may use the channel. An
    Exception that it raises goes to the exception handler of the running loop, or to `sys.unraisablehook`.

    A subclass may override methods for callers that call them on the channel itself. Nothing else calls them:
    iteration, batches, `abort`, handles, ends and `select` do what this class does, whatever a subclass overrides. To
    change every put or every get, write a class that has a channel and is a `Sender` or a `Receiver`. Or override all
    the calls of a side (`get`, `get_nowait`, `get_many`, `get_many_nowait`, `__anext__` and `on_get`; `put`,
    `put_nowait`, `put_many` and `on_put`), and pass the channel itself, not a handle or an end of it.

    Raises:
        TypeError: `maxsize` is not an integer >= 0 (a bool is none), `loop` is not an event loop, `name` is not a str,
            or `overflow` is not an Overflow. `on_drop` is not callable, or is given where nothing is dropped.
        ValueError: an overflow policy is given for an unbounded channel.
    """

    __slots__ = ("_dropping", "_maxsize")

    def __init__(
        self,
        maxsize: SupportsIndex = 0,
        loop: AbstractEventLoop | None = None,
        *,
        overflow: Overflow = Overflow.WAIT,
        on_drop: Callable[[T], object] | None = None,
        name: str | None = None,
    ) -> None:
        size = maxsize if type(maxsize) is int else integer(maxsize)
        if size is None or size < 0:
            raise TypeError(f"maxsize must be an int >= 0 (0: unbounded), not {maxsize!r}")
        if loop is not None:
            check_loop(loop)
        capacity = min(size or UNBOUNDED, UNBOUNDED)
        super().__init__(capacity, loop)
        self._maxsize = size
        self._dropping: Dropping[T] | None = None
        if overflow is not WAIT or on_drop is not None:
            self._dropping = dropping_puts(overflow, on_drop, capacity)
        if name is not None:
            check_name(name)
            self._name = name

    @classmethod
    def rendezvous(cls, loop: AbstractEventLoop | None = None, name: str | None = None) -> Self:
        """Return a channel without a buffer, as Go's `make(chan T)`: a put goes ahead only for a waiting receiver.

        Its maxsize reads 0, and it is full unless a receiver waits. It has no overflow policy.

        Raises:
            TypeError: `loop` is not an event loop, or `name` is not a str.
        """
        check_loop(loop)
        check_name(name)
        channel = cls()
        channel._pinned = loop
        channel._name = name
        channel._dropping = None
        channel._capacity = channel._bound = channel._put_below = 0
        return channel

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        self._forget_lost_loop()
        unpromised = len(self._buffer) - self._receivers.woken
        return max(0, unpromised)  # a batch may be promised items in advance

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        return not self._has_item()

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room.

        A granted slot is not room; a waiting receiver is. With an overflow policy an open channel is never full. A
        closed channel is full when `maxsize` items are buffered.
        """
        if self._closed:
            return len(self._buffer) >= self._capacity
        return self._dropping is None and self._room() <= 0

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        return self._closed

    def statistics(self) -> ChannelStatistics:
        """Return a snapshot of the channel: its items and its waiters."""
        return ChannelStatistics(
            qsize=Channel.qsize(self),
            maxsize=self._maxsize,
            waiting_senders=self._senders.waiting(),
            waiting_receivers=self._receivers.waiting(),
            open_senders=self._open_senders,
            open_receivers=self._open_receivers,
            closed=self._closed,
            name=self._name,
            dropped=0 if self._dropping is None else self._dropping.dropped,
        )

    def snapshot(self) -> list[T]:
        """Return the buffered items, promised ones included, oldest first; nothing is removed."""
        return list(self._buffer)

    def __iter__(self) -> Iterator[T]:
        """Iterate over a snapshot, as in version 1; to receive the items, write `async for`."""
        return iter(list(self._buffer))

    @override
    def __repr__(self) -> str:
        return f"<{self._title()} at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<{self._title()} {self._summary()}>"

    def _title(self) -> str:
        return type(self).__name__ if self._name is None else f"{type(self).__name__} {self._name!r}"

    def _summary(self) -> str:
        rendezvous = " rendezvous" if self._capacity == 0 else ""
        policy = "" if self._dropping is None else f" overflow={self._dropping.policy.name}"
        closed = " closed" if self._closed else ""
        return f"maxsize={self._maxsize} qsize={Channel.qsize(self)}{rendezvous}{policy}{closed}"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")

    # Putting

    async def put(self, item: T, /) -> None:
        """Put an item into the channel, waiting for room if there is none.

        As `Sender.put`. With an overflow policy it never waits.

        Cancellation:
            Safe, as for `Sender.put`: the item is not in the channel and never will be.
        """
        buffer = self._buffer
        if len(buffer) < self._put_below:
            buffer.append(item)
            return
        if not STIRRED_PUT <= self._put_below < BUDGET and self._rests_from_puts():
            await PAUSE
        if self._dropping is not None:
            if self._dropping.rests():
                await PAUSE
            self._dropping.put(self, item)
            return
        # Where puts wait and no get does, there is no room.
        if (not self._senders or self._receivers) and self._admit(item):
            return
        if self._closed:
            self._check_open()
        loop = get_running_loop()  # asyncio's; trio has channels of its own
        waiter: Waiter = Future()
        try:
            self._enqueue_sender(waiter, loop)
            await waiter
            self._use_grant(waiter, item)
        except BaseException:
            try:
                self._withdraw(self._senders, waiter)
            except BaseException:  # raised by a signal handler
                self._withdraw(self._senders, waiter)
                raise
            raise

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once.

        As `Sender.put_nowait`. With an overflow policy it never raises ChannelFull.
        """
        buffer = self._buffer
        if len(buffer) < self._put_below:
            buffer.append(item)
        elif self._dropping is not None:
            self._dropping.put(self, item)
        elif not self._admit(item):
            self._check_open()
            raise ChannelFull(f"{self!r} has no room")

    async def put_many(self, items: Iterable[T], /) -> None:
        """Put all the items into the channel in their order, waiting for room as needed.

        As `Sender.put_many`.

        Cancellation:
            Safe, as for `Sender.put_many`: accepted items stay accepted, and no item is put after
            the call was cancelled.
        """
        if not STIRRED_PUT <= self._put_below < BUDGET and self._rests_from_puts():
            await PAUSE
        buffer = self._buffer
        if isinstance(items, (list, tuple, range)):
            done = 0
            while done < len(items):
                # Where it is time to rest this batch goes on, and the next one rests.
                end = self._put_below if self._put_below < BUDGET else self._bound - self._senders.woken
                room = end - len(buffer)
                if room <= 0:
                    if not self._admit(items[done]):
                        self._put_below = STIRRED_PUT  # no rest in the middle
                        await Channel.put(self, items[done])
                    done += 1
                    room = self._receivers.woken - self._senders.woken - len(buffer)  # what a batch waits for
                if room > 0:
                    buffer.extend(items[done : done + room])
                    done += room
            return
        for item in items:
            if len(buffer) < self._put_below:
                buffer.append(item)
            elif not self._admit(item):
                self._put_below = STIRRED_PUT
                await Channel.put(self, item)

    # Getting

    async def get(self) -> T:
        """Remove and return the next item, waiting for one if there is none.

        As `Receiver.get`; the next item is the oldest one.

        Cancellation:
            Safe, as for `Receiver.get`: nothing was taken, and an item promised to the call keeps its place.
        """
        buffer = self._buffer
        if len(buffer) > self._get_above:
            return buffer.popleft()
        if len(buffer) > self._receivers.woken:
            if self._get_above < STIRRED_GET and self._rests_from_gets():
                await PAUSE
            item = self._take()
            if item is not BLOCKED:
                return item
        self._put_below = SLOW_PUT
        if self._closed:
            self._check_not_drained()
        loop = get_running_loop()  # asyncio's; trio has channels of its own
        waiter: Waiter = Future()
        try:
            self._enqueue_receiver(waiter, loop)
            await waiter
            if self._closed and buffer:
                return self._use_promise(waiter)
        except BaseException:
            try:
                self._withdraw(self._receivers, waiter)
            except BaseException:  # raised by a signal handler
                self._withdraw(self._receivers, waiter)
                raise
            raise
        if not buffer:
            raise self._drained_error()  # here, so that the traceback of each of thousands keeps one frame alive
        self._receivers.woken -= 1
        return buffer.popleft()

    def get_nowait(self) -> T:
        """Remove and return the next item at once.

        As `Receiver.get_nowait`; the next item is the oldest one.
        """
        buffer = self._buffer
        if len(buffer) > self._get_above:
            return buffer.popleft()
        item = self._take()
        if item is BLOCKED:
            self._check_not_drained()
            raise ChannelEmpty(f"{self!r} has no item")
        return item

    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[T]:
        """Remove and return the next items, at least 1 and at most `limit`, waiting for the first if there is none.

        As `Receiver.get_many`; the result is a list.

        Cancellation:
            Safe, as for `Receiver.get_many`: nothing was taken.
        """
        most = batch_limit(limit)
        seconds = batch_time(within)
        if len(self._buffer) > self._receivers.woken:
            if self._get_above < STIRRED_GET and self._rests_from_gets():
                await PAUSE
            all_there = not seconds or self._closed or len(self._buffer) - self._receivers.woken >= most
            if all_there and (items := self._take_many(most)):
                return items
        if seconds is not None and most > 1:
            return await self._gather(most, seconds)
        return [await Channel.get(self), *self._take_many(most - 1)]

    async def _gather(self, limit: int, within: float) -> list[T]:
        """Wait for a batch."""
        items: list[T] = []
        loop = get_running_loop()  # asyncio's; trio has channels of its own
        while not items:
            self._check_not_drained()
            gatherer = Gatherer(self, within)
            try:
                if self._enqueue_gatherer(gatherer, limit, loop):
                    await gatherer.waiter
                    items = self._use_promises(gatherer, limit)
                else:
                    items = self._take_many(limit)
            except BaseException:
                try:
                    self._withdraw_gatherer(gatherer)
                except BaseException:  # raised by a signal handler
                    self._withdraw_gatherer(gatherer)
                    raise
                raise
            gatherer.leave()
        return items

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Remove and return the next items at once, as many as there are and at most `limit`.

        As `Receiver.get_many_nowait`; the result is a list, [] if there is none.
        """
        most = UNBOUNDED if limit is None else batch_limit(limit)
        self._check_not_drained()
        return self._take_many(most)

    def __aiter__(self) -> AsyncIterator[T]:
        """Return an iterator over the items, usually the receiver itself; `async for` calls this.

        It is the channel itself: several iterations share its items.
        """
        return self

    async def __anext__(self) -> T:
        """Remove and return the next item, waiting for one if there is none; `async for` and `anext` call this.

        As `Receiver.__anext__`.

        Cancellation:
            Safe, as for `get`.
        """
        buffer = self._buffer
        if len(buffer) > self._get_above:
            return buffer.popleft()
        try:
            return await Channel.get(self)
        except ChannelClosed:
            if self._cause is not None:
                raise
        raise StopAsyncIteration

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it.

        As `Sender.close`. The channel keeps the cause as long as it lives, and with the cause's traceback the frames in
        it.

        Raises:
            TypeError: the cause is not an exception.
        """
        check_cause(cause)
        return self._shut(cause)

    def abort(self, cause: BaseException | None = None) -> list[T]:
        """Close the channel, and remove and return every item that nobody has received, oldest first.

        Promised items are among them: a receiver that was woken for one and has not run yet raises ChannelClosed. A
        channel that is closed already is only emptied.

        Raises:
            TypeError: the cause is not an exception. Nothing has changed.
        """
        if Channel.close(self, cause):
            self._closed_by = ABORT
        return self._take_rest()

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await Drained(self).wait()

    async def wait_closed(self) -> None:
        """Wait until the channel is closed, drained or not, whoever closes it.

        As `Sender.wait_closed`.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await Closed(self).wait()

    # Sides

    @property
    def sender(self) -> Sender[T]:
        """A handle that has only the sending side."""
        return SenderHandle(self, Channel)

    @property
    def receiver(self) -> Receiver[T]:
        """A handle that has only the receiving side."""
        return ReceiverHandle(self, Channel)

    def split(self) -> tuple[Sender[T], Receiver[T]]:
        """Return a handle for each side."""
        return SenderHandle(self, Channel), ReceiverHandle(self, Channel)

    def open_sender(self) -> End[Sender[T]]:
        """Open a counted sending end: `with channel.open_sender() as tx`. The channel closes when the last one leaves.

        An end counts from this call on, so open it where the task is started that will use it, best by
        `TaskGroup.start_soon`. It leaves when its block ends; if that is by an exception, the channel is then closed
        with it as the cause (the first one stays). Its handle raises ChannelClosed after that.
        """
        return sending_end(self, Channel, self)

    def open_receiver(self) -> End[Receiver[T]]:
        """Open a counted receiving end: `with channel.open_receiver() as rx`.

        As `open_sender`: the channel closes when the last one leaves, so that senders learn that nobody listens.
        A cancellation is no cause here: a receiver that is told to stop is no fault. Buffered items stay and can still
        be taken.
        """
        return receiving_end(self, Channel, self)

    # Selecting

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets an item."""
        return Case(GetOperation(self))

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item."""
        dropping = self._dropping
        return Case(PutOperation(self, item) if dropping is None else DroppingPut(self, item, dropping))

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead once the channel is closed."""
        return Case(Closed(self))
