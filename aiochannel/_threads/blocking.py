"""Blocking: a channel between threads as a thread sees it, and handles that have one side of that."""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Generic, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time
from aiochannel._core.ends import OpenEnd, OpenReceiver, OpenSender
from aiochannel._core.machine import UNBOUNDED
from aiochannel._core.newer_typing import override
from aiochannel._core.resting import BLOCKED
from aiochannel._threads import blocked
from aiochannel._threads.blocked import deadline_of
from aiochannel._threads.protocols import BlockingReceiver, BlockingSender
from aiochannel._threads.sections import Sections
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull, check_cause
from aiochannel.handles import End, left_text

T = TypeVar("T")


@final
class Blocking(Generic[T]):
    """A ThreadChannel for threads: the calls of a `BlockingSender` and of a `BlockingReceiver`, and one-sided handles.

    They block the thread, and serve with the tasks that wait on the channel in one order.
    """

    __slots__ = ("__weakref__", "_channel")

    def __init__(self, channel: Sections[T]) -> None:
        self._channel = channel

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._channel._maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        return self._channel._unpromised()

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        return self._channel._closed

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room."""
        return self._channel._locked(self._channel._is_full)

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        return self.qsize() == 0

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocking) and other._channel is self._channel

    @override
    def __hash__(self) -> int:
        return hash((Blocking, id(self._channel)))

    @override
    def __repr__(self) -> str:
        return f"<Blocking of {self._channel!r}>"

    # Putting

    def put(self, item: T, /, timeout: float | None = None) -> None:
        """Put an item into the channel, blocking while there is no room: `BlockingSender.put`."""
        deadline = inf if timeout is None else deadline_of(timeout)
        channel = self._channel
        if not channel._offer(item):
            blocked.put(channel, item, deadline)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once: `BlockingSender.put_nowait`."""
        channel = self._channel
        if not channel._offer(item):
            channel._check_open()
            raise ChannelFull(f"{channel!r} has no room")

    def put_many(self, items: Iterable[T], /, timeout: float | None = None) -> None:
        """Put all the items into the channel, blocking while there is no room: `BlockingSender.put_many`."""
        blocked.put_many(self._channel, items, deadline_of(timeout))

    # Getting

    def get(self, timeout: float | None = None) -> T:
        """Remove and return the next item, blocking while there is none: `BlockingReceiver.get`."""
        deadline = inf if timeout is None else deadline_of(timeout)
        channel = self._channel
        item = channel._poll()
        if item is not BLOCKED:
            return item
        return blocked.get(channel, deadline)

    def get_nowait(self) -> T:
        """Remove and return the next item at once: `BlockingReceiver.get_nowait`."""
        channel = self._channel
        item = channel._poll()
        if item is not BLOCKED:
            return item
        channel._check_not_drained()
        raise ChannelEmpty(f"{channel!r} has no item")

    def get_many(self, limit: int, /, timeout: float | None = None, *, within: float | None = None) -> list[T]:
        """Remove and return the next items, blocking for the first one: `BlockingReceiver.get_many`."""
        channel = self._channel
        most = batch_limit(limit)
        seconds = batch_time(within) or 0.0
        deadline = deadline_of(timeout)
        if not seconds or channel._has_ready(most):
            items = channel._poll_many(most)
            if items:
                return items
        return blocked.get_many(channel, 1 if within is None else most, most, seconds, deadline)

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Remove and return the next items at once: `BlockingReceiver.get_many_nowait`."""
        channel = self._channel
        most = UNBOUNDED if limit is None else batch_limit(limit)
        channel._check_not_drained()
        return channel._poll_many(most)

    def __iter__(self) -> Iterator[T]:
        """Return an iterator that removes the items, until the channel is closed and drained."""
        return _Iteration(self._itself)

    def _itself(self) -> "Blocking[T]":
        return self

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it: `Sender.close`."""
        check_cause(cause)
        return self._channel._close(cause)

    def join(self, timeout: float | None = None) -> None:
        """Block until the channel is closed and drained: `BlockingSender.join`."""
        blocked.watch(self._channel, self._channel._joiners, deadline_of(timeout))

    def wait_closed(self, timeout: float | None = None) -> None:
        """Block until the channel is closed, drained or not: `BlockingSender.wait_closed`."""
        blocked.watch(self._channel, self._channel._closers, deadline_of(timeout))

    # Sides

    @property
    def sender(self) -> BlockingSender[T]:
        """A handle that has only the sending side."""
        return BlockingSenderHandle(self, None)

    @property
    def receiver(self) -> BlockingReceiver[T]:
        """A handle that has only the receiving side."""
        return BlockingReceiverHandle(self, None)

    def open_sender(self) -> End[BlockingSender[T]]:
        """Open a counted sending end for a thread, counted together with those of tasks: `Channel.open_sender`.

        Open it where the thread is started, and enter it in the thread: `with end as tx`.
        """
        end = OpenSender(self._channel)
        handle = BlockingSenderHandle(self, end)
        opened: End[BlockingSender[T]] = End(handle, end, handle.retire, self.open_sender)
        self._channel._locked(end.open)
        return opened

    def open_receiver(self) -> End[BlockingReceiver[T]]:
        """Open a counted receiving end for a thread, counted together with those of tasks: `Channel.open_receiver`.

        Open it where the thread is started, and enter it in the thread: `with end as rx`.
        """
        end = OpenReceiver(self._channel)
        handle = BlockingReceiverHandle(self, end)
        opened: End[BlockingReceiver[T]] = End(handle, end, handle.retire, self.open_receiver)
        self._channel._locked(end.open)
        return opened


@final
class _Iteration(Iterator[T]):
    """Gets items until there are no more."""

    __slots__ = ("_here",)

    def __init__(self, here: Callable[[], Blocking[T]]) -> None:
        self._here = here

    @override
    def __next__(self) -> T:
        blocking = self._here()
        try:
            return blocking.get()
        except ChannelClosed:
            if blocking._channel._cause is not None:
                raise
        raise StopIteration


class _Handle(Generic[T]):
    """The part of a handle that both sides have: it shows the channel, and is equal by side and channel."""

    __slots__ = ("__weakref__", "_blocking", "_end")

    def __init__(self, blocking: Blocking[T], end: OpenEnd | None) -> None:
        self._blocking = blocking
        self._end = end

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        return self._blocking.maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        return self._blocking.qsize()

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        return self._blocking.closed()

    def join(self, timeout: float | None = None) -> None:
        """Block until the channel is closed and drained: `BlockingSender.join`."""
        self._here().join(timeout)

    def retire(self) -> None:
        """Its end has left, which every call looks at."""

    def _here(self) -> Blocking[T]:
        """Return the channel, unless this is the handle of an end that has left."""
        if self._end is not None and self._end.left:
            raise ChannelClosed(left_text(self))
        return self._blocking

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handle) and type(other) is type(self) and other._blocking == self._blocking

    @override
    def __hash__(self) -> int:
        return hash((type(self), self._blocking))

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._blocking._channel!r}>"


@final
class BlockingSenderHandle(_Handle[T]):
    """A handle that has the calls of a `BlockingSender`, and nothing else."""

    __slots__ = ()

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room."""
        return self._blocking.full()

    def put(self, item: T, /, timeout: float | None = None) -> None:
        """Put an item into the channel, blocking while there is no room: `BlockingSender.put`."""
        self._here().put(item, timeout)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once: `BlockingSender.put_nowait`."""
        self._here().put_nowait(item)

    def put_many(self, items: Iterable[T], /, timeout: float | None = None) -> None:
        """Put all the items into the channel, blocking while there is no room: `BlockingSender.put_many`."""
        self._here().put_many(items, timeout)

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel, or leave it, if this is the handle of a counted end: `Sender.close`."""
        blocking = self._here()
        if self._end is None:
            return blocking.close(cause)
        check_cause(cause)
        return self._end.leave(cause)

    def wait_closed(self, timeout: float | None = None) -> None:
        """Block until the channel is closed, drained or not: `BlockingSender.wait_closed`."""
        self._here().wait_closed(timeout)


@final
class BlockingReceiverHandle(_Handle[T]):
    """A handle that has the calls of a `BlockingReceiver`, and nothing else."""

    __slots__ = ()

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        return self._blocking.empty()

    def get(self, timeout: float | None = None) -> T:
        """Remove and return the next item, blocking while there is none: `BlockingReceiver.get`."""
        return self._here().get(timeout)

    def get_nowait(self) -> T:
        """Remove and return the next item at once: `BlockingReceiver.get_nowait`."""
        return self._here().get_nowait()

    def get_many(self, limit: int, /, timeout: float | None = None, *, within: float | None = None) -> list[T]:
        """Remove and return the next items, blocking for the first one: `BlockingReceiver.get_many`."""
        return self._here().get_many(limit, timeout, within=within)

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Remove and return the next items at once: `BlockingReceiver.get_many_nowait`."""
        return self._here().get_many_nowait(limit)

    def __iter__(self) -> Iterator[T]:
        """Return an iterator that removes the items, until the channel is closed and drained."""
        return _Iteration(self._here)
