"""ThreadChannel: a closable queue between tasks of any event loops and threads. How it works: `aiochannel._threads`."""

from asyncio import _get_running_loop
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import Self, SupportsIndex, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time, check_name, integer
from aiochannel._core.ends import ABORT, OpenReceiver, OpenSender
from aiochannel._core.machine import BUDGET, UNBOUNDED
from aiochannel._core.newer_typing import override
from aiochannel._core.resting import BLOCKED
from aiochannel._threads import awaited
from aiochannel._threads.blocking import Blocking
from aiochannel._threads.operations import CloseOperation, GetOperation, PutOperation
from aiochannel._threads.protocols import BlockingReceiver, BlockingSender
from aiochannel._threads.sections import Sections
from aiochannel.cases import Case
from aiochannel.channel import ChannelStatistics
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull, check_cause
from aiochannel.handles import End, ReceiverHandle, SenderHandle
from aiochannel.protocols import Receiver, Sender

__all__ = ["Blocking", "BlockingReceiver", "BlockingSender", "ThreadChannel"]

T = TypeVar("T")


@final
class ThreadChannel(Sections[T]):
    """A closable first-in, first-out queue between tasks, of any number of event loops, and threads.

    For tasks it is a `Sender` and a `Receiver`, as a Channel is. For threads it is that by `blocking`, whose calls
    block. Tasks and threads are served in one order. Everything that has happened in one thread before a call begins
    in another has happened for that call.

    An event loop uses the channel from the first call in it. When it ends, its waiting tasks are forgotten, and what
    they were given passes on. When the last loop that has used the channel ends, the channel is closed, with a
    RuntimeError as the cause: no thread stays blocked, and `asyncio.run` can end though its threads wait here. With
    `outlives_loops` it is not closed. A loop ends when `asyncio.run` does, or by `loop.close()`.

    Ctrl-C in a call that blocks the main thread comes out of it at once, and the channel stays whole.

    It must not be used in signal handlers or in `__del__`, as `queue.Queue` must not. A forked process can use it if
    nobody was inside a call at the fork; else it gets RuntimeError.

    Raises:
        TypeError: `maxsize` is not an integer >= 0 (a bool is none), or `name` is not a str.
    """

    __slots__ = ()

    def __init__(self, maxsize: SupportsIndex = 0, *, outlives_loops: bool = False, name: str | None = None) -> None:
        size = integer(maxsize)
        if size is None or size < 0:
            raise TypeError(f"maxsize must be an int >= 0 (0: unbounded), not {maxsize!r}")
        check_name(name)
        super().__init__(min(size or UNBOUNDED, UNBOUNDED), size, outlives_loops, name)
        self._attach()

    @classmethod
    def rendezvous(cls, *, outlives_loops: bool = False, name: str | None = None) -> Self:
        """Return a channel without a buffer: a put goes ahead only for a waiting receiver.

        Its maxsize reads 0, and it is full unless a receiver waits.

        Raises:
            TypeError: `name` is not a str.
        """
        channel = cls(outlives_loops=outlives_loops, name=name)
        channel._capacity = channel._bound = channel._put_below = 0
        return channel

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        self._here()
        return self._unpromised()

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        self._here()
        return self._unpromised() == 0

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room."""
        self._here()
        return self._locked(self._is_full)

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        self._here()
        return self._closed

    def statistics(self) -> ChannelStatistics:
        """Return a snapshot of the channel: its items and its waiters, tasks and threads."""
        self._here()
        return self._locked(self._statistics)

    def _statistics(self) -> ChannelStatistics:
        return ChannelStatistics(
            qsize=self._unpromised(),
            maxsize=self._maxsize,
            waiting_senders=self._senders.waiting(),
            waiting_receivers=self._receivers.waiting(),
            open_senders=self._open_senders,
            open_receivers=self._open_receivers,
            closed=self._closed,
            name=self._name,
        )

    def snapshot(self) -> list[T]:
        """Return the buffered items, promised ones included, oldest first; nothing is removed."""
        self._here()
        return self._locked(lambda: list(self._buffer))

    def __iter__(self) -> Iterator[T]:
        """Iterate over a snapshot, as `Channel` does; to receive the items, `async for`, or loop over `blocking`."""
        return iter(ThreadChannel.snapshot(self))

    @override
    def __repr__(self) -> str:
        return f"<{self._title()} at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<{self._title()} {self._summary()}>"

    def _title(self) -> str:
        return "ThreadChannel" if self._name is None else f"ThreadChannel {self._name!r}"

    def _summary(self) -> str:
        rendezvous = " rendezvous" if self._capacity == 0 else ""
        closed = " closed" if self._closed else ""
        return f"maxsize={self._maxsize} qsize={self._unpromised()}{rendezvous}{closed}"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")

    # Putting

    async def put(self, item: T, /) -> None:
        """Put an item into the channel, waiting for room if there is none.

        As `Sender.put`.

        Cancellation:
            Safe, as for `Sender.put`: the item is not in the channel and never will be.
        """
        host = self._host
        if host.loop is not _get_running_loop():
            host = self._attach()
        host.calls += 1
        if host.calls >= BUDGET:
            await awaited.rest(host)
        if not self._offer(item):
            await awaited.put(self, item, host)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once.

        As `Sender.put_nowait`.
        """
        if self._host.loop is not _get_running_loop():
            self._attach()
        if not self._offer(item):
            self._check_open()
            raise ChannelFull(f"{self!r} has no room")

    async def put_many(self, items: Iterable[T], /) -> None:
        """Put all the items into the channel in their order, waiting for room as needed.

        As `Sender.put_many`.

        Cancellation:
            Safe, as for `Sender.put_many`: accepted items stay accepted, and no item is put after the call was
            cancelled.
        """
        host = self._here()
        if host.calls >= BUDGET:
            await awaited.rest(host)
        await awaited.put_many(self, items, host)

    # Getting

    async def get(self) -> T:
        """Remove and return the next item, waiting for one if there is none.

        As `Receiver.get`; the next item is the oldest one.

        Cancellation:
            Safe, as for `Receiver.get`: nothing was taken, and an item promised to the call keeps its place.
        """
        host = self._host
        if host.loop is not _get_running_loop():
            host = self._attach()
        host.calls += 1
        if host.calls >= BUDGET:
            await awaited.rest(host)
        item = self._poll()
        if item is not BLOCKED:
            return item
        return await awaited.get(self, host)

    def get_nowait(self) -> T:
        """Remove and return the next item at once.

        As `Receiver.get_nowait`; the next item is the oldest one.
        """
        if self._host.loop is not _get_running_loop():
            self._attach()
        item = self._poll()
        if item is not BLOCKED:
            return item
        self._check_not_drained()
        raise ChannelEmpty(f"{self!r} has no item")

    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[T]:
        """Remove and return the next items, at least 1 and at most `limit`, waiting for the first if there is none.

        As `Receiver.get_many`; the result is a list.

        Cancellation:
            Safe, as for `Receiver.get_many`: nothing was taken.
        """
        most = batch_limit(limit)
        seconds = batch_time(within) or 0.0
        host = self._here()
        if host.calls >= BUDGET:
            await awaited.rest(host)
        if not seconds or self._has_ready(most):
            items = self._poll_many(most)
            if items:
                host.calls += len(items)
                return items
        return await awaited.get_many(self, 1 if within is None else most, most, seconds, host)

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Remove and return the next items at once, as many as there are and at most `limit`.

        As `Receiver.get_many_nowait`; the result is a list, [] if there is none.
        """
        most = UNBOUNDED if limit is None else batch_limit(limit)
        self._here()
        self._check_not_drained()
        return self._poll_many(most)

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
        try:
            return await self.get()
        except ChannelClosed:
            if self._cause is not None:
                raise
        raise StopAsyncIteration

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it.

        As `Sender.close`. When it has returned, no put is accepted in any thread.

        Raises:
            TypeError: the cause is not an exception.
        """
        check_cause(cause)
        self._here()
        return self._close(cause)

    def abort(self, cause: BaseException | None = None) -> list[T]:
        """Close the channel, and remove and return every item that nobody has received, oldest first.

        Promised items are among them: a receiver that was woken for one and has not run yet raises ChannelClosed. A
        channel that is closed already is only emptied.

        Raises:
            TypeError: the cause is not an exception. Nothing has changed.
        """
        check_cause(cause)
        self._here()
        self._locked(partial(self._abort, cause))
        return self._poll_many(UNBOUNDED)

    def _abort(self, cause: BaseException | None) -> None:
        if self._shut(cause):
            self._closed_by = ABORT
        self._receivers.woken = 0  # what was promised is taken

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Raises:
            RuntimeError: the last event loop that used the channel before this one has ended.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await awaited.watch(self, self._joiners, self._here())

    async def wait_closed(self) -> None:
        """Wait until the channel is closed, drained or not, whoever closes it.

        As `Sender.wait_closed`.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await awaited.watch(self, self._closers, self._here())

    # Sides

    @property
    def blocking(self) -> Blocking[T]:
        """The channel for threads: its calls block."""
        self._here()
        return Blocking(self)

    @property
    def sender(self) -> Sender[T]:
        """A handle that has only the sending side, for tasks."""
        return SenderHandle(self, ThreadChannel)

    @property
    def receiver(self) -> Receiver[T]:
        """A handle that has only the receiving side, for tasks."""
        return ReceiverHandle(self, ThreadChannel)

    def split(self) -> tuple[Sender[T], Receiver[T]]:
        """Return a handle for each side, for tasks."""
        return self.sender, self.receiver

    def open_sender(self) -> End[Sender[T]]:
        """Open a counted sending end for a task, counted together with those of threads: `Channel.open_sender`."""
        self._here()
        end = OpenSender(self)
        handle: SenderHandle[T] = SenderHandle(self, ThreadChannel, end)
        opened: End[Sender[T]] = End(handle, end, handle._retire, self.open_sender)
        self._locked(end.open)
        return opened

    def open_receiver(self) -> End[Receiver[T]]:
        """Open a counted receiving end for a task, counted together with those of threads: `Channel.open_receiver`."""
        self._here()
        end = OpenReceiver(self)
        handle: ReceiverHandle[T] = ReceiverHandle(self, ThreadChannel, end)
        opened: End[Receiver[T]] = End(handle, end, handle._retire, self.open_receiver)
        self._locked(end.open)
        return opened

    # Selecting

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets an item."""
        self._here()
        return Case(GetOperation(self))

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item."""
        self._here()
        return Case(PutOperation(self, item))

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead once the channel is closed."""
        self._here()
        return Case(CloseOperation(self))
