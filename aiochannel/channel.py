"""Channel: a closable queue between asyncio tasks. How it works is told in `aiochannel._core`."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar, final

from typing_extensions import override

from aiochannel._core.ends import OpenReceiver, OpenSender
from aiochannel._core.machine import ABORT, UNBOUNDED, Machine
from aiochannel._core.operations import GetOperation, PutOperation
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, ChannelFull, check_cause
from aiochannel.handles import End, ReceiverHandle, SenderHandle, receiving_end, sending_end
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


class Channel(Machine[T]):
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

    __slots__ = ("_maxsize",)

    def __init__(self, maxsize: int = 0, loop: AbstractEventLoop | None = None) -> None:
        given: object = maxsize
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise TypeError(f"maxsize must be an int >= 0 (0: unbounded), not {given!r}")
        belongs_to: object = loop
        if belongs_to is not None and not isinstance(belongs_to, AbstractEventLoop):
            raise TypeError(f"loop must be an event loop or None, not {belongs_to!r}")
        super().__init__(min(maxsize or UNBOUNDED, UNBOUNDED), loop)
        self._maxsize = maxsize

    @classmethod
    def rendezvous(cls) -> Self:
        """Return a channel without a buffer, as Go's `make(chan T)`: a put goes ahead only for a receiver at hand.

        Its maxsize reads 0, and it is full unless a receiver waits.
        """
        channel = cls()
        channel._capacity = channel._ungranted = channel._put_below = 0
        return channel

    # Looking at it

    @property
    def maxsize(self) -> int:
        """Number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        self._forget_closed_loop()
        return len(self._buffer) - self._promised

    def empty(self) -> bool:
        """Tell whether `get_nowait` would find no item."""
        return not self._has_item()

    def full(self) -> bool:
        """Tell whether `put_nowait` would find no room. A granted slot is not room; a receiver at hand is."""
        return len(self._buffer) >= self._capacity if self._closed else not self._has_room()

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
        return f"<{type(self).__name__} at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"

    def _summary(self) -> str:
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
        if len(buffer) < self._put_below:
            buffer.append(item)
        elif not self._admit(item):
            waiter = self._enqueue_sender()
            try:
                await waiter
            except BaseException:
                self._withdraw_sender(waiter)
                raise
            self._use_grant(item)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once.

        Raises:
            ChannelFull: there is no room, or what room there is has been granted to waiting senders.
            ChannelClosed: the channel is closed, full or not; its cause, if any, is `__cause__`.
        """
        buffer = self._buffer
        if len(buffer) < self._put_below:
            buffer.append(item)
        elif not self._admit(item):
            self._check_open()
            raise ChannelFull(f"{self!r} has no room")

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
                room = self._put_below - len(buffer)
                if room > 0:
                    buffer.extend(items[done : done + room])
                    done += room
                else:
                    await Channel.put(self, items[done])
                    done += 1
            return
        for item in items:
            if len(buffer) < self._put_below:
                buffer.append(item)
            else:
                await Channel.put(self, item)

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
        if len(buffer) > self._get_above:
            return buffer.popleft()
        if len(buffer) > self._promised:
            return self._take()
        waiter = self._enqueue_receiver()
        try:
            await waiter
        except BaseException:
            self._withdraw_receiver(waiter)
            raise
        if not self._closed:
            self._promised -= 1
            return buffer.popleft()
        if not buffer:
            raise self._drained_error()  # here, so that the traceback of each of thousands keeps one frame alive
        return self._use_promise()

    def get_nowait(self) -> T:
        """Remove and return the oldest item at once.

        Raises:
            ChannelEmpty: there is no item, or what items there are have been promised to waiting receivers.
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
        """
        buffer = self._buffer
        if len(buffer) > self._get_above:
            return buffer.popleft()
        if len(buffer) <= self._promised:
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
        if len(self._buffer) > self._promised:
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
        if len(buffer) > self._get_above:
            return buffer.popleft()
        if len(buffer) > self._promised:
            return self._take()
        try:
            return await self.get()
        except ChannelClosed:
            if self._cause is not None:
                raise
        raise StopAsyncIteration

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
        check_cause(cause)
        return self._shut(cause)

    def abort(self, cause: BaseException | None = None) -> list[T]:
        """Close the channel, and remove and return the items that are not promised to a receiver, oldest first.

        On a channel that is closed already it only removes.

        Raises:
            TypeError: the cause is not an exception.
        """
        if self.close(cause):
            self._closed_by = ABORT
        return self._take_rest()

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Raises:
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        if self._closed and not self._buffer:
            return
        waiter = self._enqueue_joiner()
        try:
            await waiter
        except BaseException:
            self._withdraw_joiner(waiter)
            raise

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

        An end counts from this call on, so open it where the task is started that will use it, best by
        `TaskGroup.start_soon`. It leaves when its block ends; if that is by an exception, the channel is then closed
        with it as the cause (the first one stays). Its handle raises ChannelClosed after that.
        """
        return sending_end(self, OpenSender(self))

    def open_receiver(self) -> End[Receiver[T]]:
        """Open a counted receiving end: `with channel.open_receiver() as rx`.

        As `open_sender`: the channel closes when the last one leaves, so that senders learn that nobody listens.
        A cancellation is no cause here: a receiver that is told to stop is no fault. Buffered items stay and can still
        be taken.
        """
        return receiving_end(self, OpenReceiver(self))

    # Selecting

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets an item."""
        return Case(GetOperation(self))

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item. A select that takes another case has not put it."""
        return Case(PutOperation(self, item))


def _check_batch(limit: int) -> None:
    given: object = limit
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"limit must be an int >= 1, not {given!r}")
    if given < 1:
        raise ValueError(f"limit must be an int >= 1, not {given!r}")
