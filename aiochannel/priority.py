"""PriorityChannel: a channel whose best item leaves first.

It has a channel of entries, whose buffer is a heap. An entry is a tuple of the item's key, a number and the item. The
numbers are drawn where entries are accepted, and no two are equal: so among equal keys the first one accepted leaves
first, and items are never compared.

A signal handler must not run between a look at a buffer and the change that follows. So everything that the machine
calls on a heap is a function written in C, and keys are plain numbers.
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from heapq import heappop, heappush
from itertools import count
from numbers import Real
from typing import Generic, SupportsIndex, TypeAlias, TypeVar, cast, final

from aiochannel._core.newer_typing import override
from aiochannel._core.operations import PutOperation
from aiochannel._core.resting import Blocked
from aiochannel._core.waiters import Waiting
from aiochannel.cases import Case
from aiochannel.channel import Channel, ChannelStatistics
from aiochannel.handles import End, ReceiverHandle, SenderHandle, receiving_end, sending_end
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")
Entry: TypeAlias = tuple[float, int, T]


class PriorityChannel(Generic[T]):
    """A closable queue between the tasks of one event loop. The item with the smallest key leaves first.

    `key(item)` is called once for each item, when its put is called, and before the put waits. It returns a real number
    that is not nan; a date has `timestamp()`. Among equal keys the item that was accepted first leaves first. Items are
    never compared.

    Only what is buffered is ordered: puts that *wait* are served in the order in which they began to wait, whatever
    their keys. Give the channel a large `maxsize`, or none. A promise is to the best item that there is when the woken
    get runs. `get_many`, `abort` and iteration give the items in the order in which they would leave.

    Everything else is as in a `Channel`: `maxsize`, `loop` and `name` are described there.

    Raises:
        TypeError: `maxsize` is not an integer >= 0, `loop` is not an event loop, `name` is not a str, or `key` is not
            callable.
    """

    __slots__ = ("__weakref__", "_entries", "_heap", "_key", "_number")

    def __init__(
        self,
        maxsize: SupportsIndex = 0,
        loop: AbstractEventLoop | None = None,
        *,
        key: Callable[[T], float],
        name: str | None = None,
    ) -> None:
        if not callable(key):
            raise TypeError(f"key must be callable, not {key!r}")
        self._entries: _Entries[T] = _Entries(maxsize, loop, name)
        self._heap = self._entries.heap
        self._number = self._entries.number
        self._key = key

    def _entry(self, item: T) -> Entry[T]:
        """Return an entry for the item; raise what its key raises, or TypeError or ValueError if that is no number."""
        key = self._key(item)
        if type(key) is not float and type(key) is not int:
            key = _plain(key)
        if key != key:
            raise ValueError(f"the key of {item!r} is nan, which is neither smaller nor larger than another")
        return key, self._number(), item

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel."""
        return self._entries.maxsize

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        return self._entries.qsize()

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        return self._entries.empty()

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room: `Channel.full`."""
        return self._entries.full()

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        return self._entries.closed()

    def statistics(self) -> ChannelStatistics:
        """Return a snapshot of the channel: its items and its waiters."""
        return self._entries.statistics()

    def snapshot(self) -> list[T]:
        """Return the buffered items, promised ones included, best first; nothing is removed."""
        return [item for _, _, item in self._entries]

    def __iter__(self) -> Iterator[T]:
        """Iterate over a snapshot, as `Channel` does; to receive the items, write `async for`."""
        return iter(PriorityChannel.snapshot(self))

    @override
    def __repr__(self) -> str:
        return repr(self._entries)

    @override
    def __str__(self) -> str:
        return str(self._entries)

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")

    # Putting

    async def put(self, item: T, /) -> None:
        """Put an item into the channel, waiting for room if there is none.

        As `Sender.put`. Whatever `key` raises comes out before anything has happened.

        Raises:
            TypeError: the key is not a real number.
            ValueError: the key is nan.

        Cancellation:
            Safe, as for `Sender.put`: the item is not in the channel and never will be.
        """
        entry, heap = self._entry(item), self._heap
        if len(heap) < self._entries._put_below:
            heap.append(entry)
        else:
            await self._entries.put(entry)

    def put_nowait(self, item: T, /) -> None:
        """Put an item into the channel at once.

        As `Sender.put_nowait`. Whatever `key` raises comes out before anything has happened.

        Raises:
            TypeError: the key is not a real number.
            ValueError: the key is nan.
        """
        entry, heap = self._entry(item), self._heap
        if len(heap) < self._entries._put_below:
            heap.append(entry)
        else:
            self._entries.put_nowait(entry)

    async def put_many(self, items: Iterable[T], /) -> None:
        """Put all the items into the channel in their order, waiting for room as needed.

        As `Sender.put_many`. If `key` raises, the items before stay accepted.

        Cancellation:
            Safe, as for `Sender.put_many`: accepted items stay accepted, and no item is put after
            the call was cancelled.
        """
        for item in items:
            await self._entries.put(self._entry(item))

    # Getting

    async def get(self) -> T:
        """Remove and return the best item, waiting for one if there is none.

        As `Receiver.get`.

        Cancellation:
            Safe, as for `Receiver.get`: nothing was taken.
        """
        heap = self._heap
        if len(heap) > self._entries._get_above:
            return heap.popleft()[2]
        return (await self._entries.get())[2]

    def get_nowait(self) -> T:
        """Remove and return the best item at once.

        As `Receiver.get_nowait`.
        """
        heap = self._heap
        if len(heap) > self._entries._get_above:
            return heap.popleft()[2]
        return self._entries.get_nowait()[2]

    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[T]:
        """Remove and return the best items, at least 1 and at most `limit`, waiting for the first if there is none.

        As `Receiver.get_many`; the result is a list, best first.

        Cancellation:
            Safe, as for `Receiver.get_many`: nothing was taken.
        """
        return [item for _, _, item in await self._entries.get_many(limit, within=within)]

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Remove and return the best items at once, as many as there are and at most `limit`.

        As `Receiver.get_many_nowait`; the result is a list, [] if there is none.
        """
        return [item for _, _, item in self._entries.get_many_nowait(limit)]

    def __aiter__(self) -> AsyncIterator[T]:
        """Return the channel itself: several iterations share its items."""
        return self

    async def __anext__(self) -> T:
        """Remove and return the best item, waiting for one if there is none; `async for` and `anext` call this.

        As `Receiver.__anext__`.

        Cancellation:
            Safe, as for `get`.
        """
        return (await self._entries.__anext__())[2]

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it: `Channel.close`.

        Raises:
            TypeError: the cause is not an exception.
        """
        return self._entries.close(cause)

    def abort(self, cause: BaseException | None = None) -> list[T]:
        """Close the channel, and remove and return every item that nobody has received, best first: `Channel.abort`.

        Raises:
            TypeError: the cause is not an exception. Nothing has changed.
        """
        return [item for _, _, item in self._entries.abort(cause)]

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await self._entries.join()

    async def wait_closed(self) -> None:
        """Wait until the channel is closed, drained or not, whoever closes it.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        await self._entries.wait_closed()

    # Sides

    @property
    def sender(self) -> Sender[T]:
        """A handle that has only the sending side."""
        return SenderHandle(self, PriorityChannel)

    @property
    def receiver(self) -> Receiver[T]:
        """A handle that has only the receiving side."""
        return ReceiverHandle(self, PriorityChannel)

    def split(self) -> tuple[Sender[T], Receiver[T]]:
        """Return a handle for each side."""
        return self.sender, self.receiver

    def open_sender(self) -> End[Sender[T]]:
        """Open a counted sending end; the channel closes when the last one leaves: `Channel.open_sender`."""
        return sending_end(self, PriorityChannel, self._entries)

    def open_receiver(self) -> End[Receiver[T]]:
        """Open a counted receiving end; the channel closes when the last one leaves: `Channel.open_receiver`."""
        return receiving_end(self, PriorityChannel, self._entries)

    # Selecting

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets the best item."""
        return self._entries.on_get().map(_item)

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item. Its key is computed now.

        Raises:
            TypeError: the key is not a real number.
            ValueError: the key is nan.
        """
        return Case(_Put(self._entries, self._entry(item)))

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead once the channel is closed."""
        return self._entries.on_close()


def _item(entry: Entry[T]) -> T:
    return entry[2]


def _plain(key: object) -> float:
    """Return a key as a number whose comparison calls nothing that is written in Python."""
    if not isinstance(key, Real):
        raise TypeError(f"key(item) must be a real number, not {key!r}")
    return float(key)


@final
class _Heap(Generic[T]):
    """Those methods of a deque that the machine calls, all written in C but for iteration; the best entry is the first.

    The interpreter looks `__len__` and `__getitem__` up on the type and binds them to the heap: a slot so gives what is
    stored in it. Nothing that is stored refers to the heap, so it is freed at once.
    """

    __slots__ = ("__getitem__", "__len__", "_entries", "append", "clear", "popleft")

    def __init__(self) -> None:
        entries: list[Entry[T]] = []
        self._entries = entries
        self.__len__ = entries.__len__
        self.__getitem__ = entries.__getitem__
        self.clear = entries.clear
        self.append: Callable[[Entry[T]], None] = partial(heappush, entries)
        self.popleft: Callable[[], Entry[T]] = partial(heappop, entries)

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(sorted(self._entries))


@final
class _Entries(Channel[Entry[T]]):
    """The channel of entries. An entry that did not find its way at once gets its number where it is accepted."""

    __slots__ = ("heap", "number")

    def __init__(self, maxsize: SupportsIndex, loop: AbstractEventLoop | None, name: str | None) -> None:
        super().__init__(maxsize, loop, name=name)
        self.number = count().__next__
        self.heap: _Heap[T] = _Heap()
        self._buffer = cast("deque[Entry[T]]", self.heap)  # no type says that the machine needs these methods only

    def renumbered(self, entry: Entry[T]) -> Entry[T]:
        return entry[0], self.number(), entry[2]

    @override
    def _admit(self, item: Entry[T]) -> bool:
        return super()._admit(self.renumbered(item))

    @override
    def _use_grant(self, waiting: Waiting, item: Entry[T]) -> None:
        super()._use_grant(waiting, self.renumbered(item))

    @override
    def _title(self) -> str:
        return "PriorityChannel" if self._name is None else f"PriorityChannel {self._name!r}"


@final
class _Put(PutOperation[Entry[T]]):
    """A put of a case, which any number of selects may carry out."""

    __slots__ = ("_entries",)

    def __init__(self, entries: _Entries[T], entry: Entry[T]) -> None:
        super().__init__(entries, entry)
        self._entries = entries

    @override
    def attempt(self) -> Blocked | None:
        self._item = self._entries.renumbered(self._item)
        return super().attempt()
