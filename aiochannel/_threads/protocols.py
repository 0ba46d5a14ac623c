"""The two sides of a channel between threads, as types, for threads."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

T_contra = TypeVar("T_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class BlockingSender(Protocol[T_contra]):
    """The sending side of a channel for threads: as `Sender`, with calls that block the thread.

    A `timeout` is in seconds: None waits without limit, and 0 tries once. What the call was granted before it noticed
    that the time is up counts: then it returns. A call that would block a thread in which an event loop runs raises
    RuntimeError and has done nothing.
    """

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        ...

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        ...

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        ...

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room."""
        ...

    def put(self, item: T_contra, /, timeout: float | None = None) -> None:
        """Put an item into the channel, blocking while there is no room.

        Raises:
            ChannelClosed: the channel is closed, or was closed meanwhile. The item is not in the channel.
            TimeoutError: there was no room in time. The item is not in the channel.
            RuntimeError: the call would have to wait, and an event loop runs in this thread. Nothing has happened.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is negative or nan.
        """
        ...

    def put_nowait(self, item: T_contra, /) -> None:
        """Put an item into the channel at once.

        Raises:
            ChannelFull: there is no room, or all room is granted to waiting senders.
            ChannelClosed: the channel is closed.
        """
        ...

    def put_many(self, items: Iterable[T_contra], /, timeout: float | None = None) -> None:
        """Put all the items into the channel in their order, blocking while there is no room.

        The timeout is for all of them. If the call raises, the items that were accepted stay accepted.

        Raises:
            ChannelClosed: the channel is closed, or was closed meanwhile.
            TimeoutError: there was no room in time.
            RuntimeError: the call would have to wait, and an event loop runs in this thread.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is negative or nan.
        """
        ...

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it: `Sender.close`."""
        ...

    def join(self, timeout: float | None = None) -> None:
        """Block until the channel is closed and drained, whoever drains it.

        Raises:
            TimeoutError: it was not drained in time.
            RuntimeError: the call would have to wait, and an event loop runs in this thread. Or the last event loop
                that used the channel has ended, so that nobody may be left to drain it.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is negative or nan.
        """
        ...

    def wait_closed(self, timeout: float | None = None) -> None:
        """Block until the channel is closed, drained or not.

        Raises:
            TimeoutError: it was not closed in time.
            RuntimeError: the call would have to wait, and an event loop runs in this thread.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is negative or nan.
        """
        ...


@runtime_checkable
class BlockingReceiver(Protocol[T_co]):
    """The receiving side of a channel for threads: as `Receiver`, with calls that block the thread.

    Timeouts are as for `BlockingSender`. It is iterable, until the channel is closed and drained.
    """

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        ...

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        ...

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received."""
        ...

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item."""
        ...

    def get(self, timeout: float | None = None) -> T_co:
        """Remove and return the next item, blocking while there is none.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            TimeoutError: there was no item in time.
            RuntimeError: the call would have to wait, and an event loop runs in this thread. Nothing has happened.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is negative or nan.
        """
        ...

    def get_nowait(self) -> T_co:
        """Remove and return the next item at once.

        Raises:
            ChannelEmpty: there is no item, or all items are promised to waiting receivers.
            ChannelClosed: the channel is closed and drained.
        """
        ...

    def get_many(self, limit: int, /, timeout: float | None = None, *, within: float | None = None) -> Sequence[T_co]:
        """Remove and return the next items, at least 1 and at most `limit`, blocking for the first if there is none.

        The timeout is for the first item; `within` is as for `Receiver.get_many`.

        Raises:
            ChannelClosed: the channel is closed and drained.
            TimeoutError: there was no item in time.
            RuntimeError: the call would have to wait, and an event loop runs in this thread. Nothing has happened.
            TypeError: `limit` is not an int, or `timeout` or `within` not a number.
            ValueError: `limit` is less than 1, or `timeout` or `within` is negative or nan.
        """
        ...

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T_co]:
        """Remove and return the next items at once, as many as there are and at most `limit`.

        Raises:
            ChannelClosed: the channel is closed and drained.
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.
        """
        ...

    def __iter__(self) -> Iterator[T_co]:
        """Return an iterator that removes the items, until the channel is closed and drained.

        It blocks while there is no item. It raises ChannelClosed in the end if the channel was closed with a cause.
        """
        ...

    def join(self, timeout: float | None = None) -> None:
        """Block until the channel is closed and drained: `BlockingSender.join`."""
        ...
