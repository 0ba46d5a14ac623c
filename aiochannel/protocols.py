"""The two sides of a channel as types.

A `Sender[T]` puts and closes, a `Receiver[T]` gets and iterates, and a channel is both. The protocols are structural: a
channel, a handle, an end and an application's own test double fit without inheriting anything. What the methods promise
is written here, for every implementation; a class describes at its own methods what it adds.

Variance follows from what each side does with an item. A `Sender[Animal]` accepts dogs, so it may stand where a
`Sender[Dog]` is asked for (contravariant). A `Receiver[Dog]` gives animals, so it may stand where a `Receiver[Animal]`
is asked for (covariant). A channel does both and is invariant.

No method here is overloaded or generic in a second variable: type checkers would then infer `object` for `T` where a
`Channel[int]` is passed as a `Receiver[T]`.

Both protocols can be used with `isinstance`, for libraries that check types at run time. It compares the names of the
members only, and takes microseconds: this package does not use it.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from aiochannel.cases import Case

T_contra = TypeVar("T_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class Sender(Protocol[T_contra]):
    """The sending side of a channel: puts items, and closes the channel when no more will come.

    The methods state the contract. A class that promises less, or raises further errors, says so at its own methods:
    a sender to another process, for example, may not know whether a cancelled put was accepted.

    Example:
        ```python
        async def count(numbers: Sender[int]) -> None:
            for number in range(3):
                await numbers.put(number)
            numbers.close()
        ```
    """

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        ...

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        ...

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received.

        A closed channel stays closed.
        """
        ...

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room.

        A slot that is granted to a waiting sender is not room. A waiting receiver is room for one item.
        """
        ...

    async def put(self, item: T_contra, /) -> None:
        """Put an item into the channel, waiting for room if there is none.

        When the call returns, the channel has accepted the item, once. Waiting senders are served in the order in which
        they began to wait.

        Raises:
            ChannelClosed: the channel is closed, or was closed while the call waited; its cause, if any, is
                `__cause__`. The item is not in the channel.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop. The item is not in
                the channel.

        Cancellation:
            Safe. The item of a cancelled call is not in the channel and never will be; a slot granted to the call goes
            to the next sender.
        """
        ...

    def put_nowait(self, item: T_contra, /) -> None:
        """Put an item into the channel at once.

        Raises:
            ChannelFull: there is no room, or all room is granted to waiting senders. The item is not in the channel.
            ChannelClosed: the channel is closed, full or not; its cause, if any, is `__cause__`. The item is not in the
                channel.
        """
        ...

    async def put_many(self, items: Iterable[T_contra], /) -> None:
        """Put all the items into the channel in their order, waiting for room as needed.

        Other senders may put between them. If the call raises, the items that were accepted stay accepted; an iterator
        given as `items` has then advanced just past the first item that was not accepted.

        Raises:
            ChannelClosed: the channel is closed, or was closed while the call waited; its cause, if any, is
                `__cause__`.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. The items that were accepted before stay accepted; no item is put after the call was cancelled.
        """
        ...

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel permanently, and return whether this call closed it.

        From now on no item is accepted: every put, a waiting one included, raises ChannelClosed. Receivers go on until
        the channel is drained. If a cause is given, every ChannelClosed has it as `__cause__`, and `async for` raises
        ChannelClosed instead of ending. The first cause stays.

        On the handle of a counted end it says that this end is done: the end leaves, with the cause, and the channel
        closes if it was the last one.

        Raises:
            TypeError: the cause is not an exception. The channel is not closed.
            ChannelClosed: this is the handle of a counted end that has left.
        """
        ...

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Raises:
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        ...

    async def wait_closed(self) -> None:
        """Wait until the channel is closed, drained or not, whoever closes it.

        For a sender that works long between two puts: where receivers use counted ends, it learns that nobody listens.
        It returns at once if the channel is closed already, and never raises ChannelClosed for that.

        Raises:
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        ...

    def on_put(self, item: T_contra, /) -> Case[None]:
        """Return a case for `select` that puts the item.

        The item is put when a select takes the case, once for each such select. A select that takes another case, or is
        cancelled, has not put it.
        """
        ...

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead once the channel is closed.

        It never raises ChannelClosed. A close wakes the waiting puts first: a select that waits for both on one
        channel is woken by its put.
        """
        ...


@runtime_checkable
class Receiver(Protocol[T_co]):
    """The receiving side of a channel: gets items until the channel is closed and drained.

    It is an `AsyncIterator`, for `async for` and `anext`. The methods state the contract. A class that promises less,
    or raises further errors, says so at its own methods: a receiver from another process, for example, may get an item
    twice.

    Example:
        ```python
        async def add(numbers: Receiver[int]) -> int:
            total = 0
            async for number in numbers:
                total += number
            return total
        ```
    """

    @property
    def maxsize(self) -> int:
        """The number of items that the channel buffers; 0 for an unbounded channel and for a rendezvous."""
        ...

    def qsize(self) -> int:
        """Return the number of buffered items that are not promised to a receiver."""
        ...

    def closed(self) -> bool:
        """Return whether the channel is closed; buffered items can still be received.

        A closed channel stays closed.
        """
        ...

    def empty(self) -> bool:
        """Return whether `get_nowait` would find no item.

        An item that is promised to a waiting receiver does not count.
        """
        ...

    async def get(self) -> T_co:
        """Remove and return the next item, waiting for one if there is none.

        Waiting receivers are served in the order in which they began to wait.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`. No item will come, for
                any receiver.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. A cancelled call has taken nothing, and an item promised to it goes to the next receiver, at its old
            place in the order.
        """
        ...

    def get_nowait(self) -> T_co:
        """Remove and return the next item at once.

        Raises:
            ChannelEmpty: there is no item, or all items are promised to waiting receivers.
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
        """
        ...

    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[T_co]:
        """Remove and return the next items, at least 1 and at most `limit`, waiting for the first if there is none.

        Without `within` the call returns what there is then. With `within` it also waits for more, until it has `limit`
        items, until that many seconds have passed since its first item was there, or until the channel is closed: a
        batch by size or by time. One that waits is room for all the items that it still asks for, so a channel smaller
        than `limit` fills a batch too; no other receiver overtakes it.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.
            TypeError: `limit` is not an int, or `within` is not a number.
            ValueError: `limit` is less than 1, or `within` is negative or nan.

        Cancellation:
            Safe. Nothing is taken before the call returns: a cancelled call has taken nothing, and the items promised
            to it go to the next receivers, at their old places in the order.

        Example:
            ```python
            while True:
                rows = await received.get_many(500, within=0.2)
                await store(rows)
            ```
        """
        ...

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T_co]:
        """Remove and return the next items at once, as many as there are and at most `limit`.

        The result is empty if there is no item.

        Raises:
            ChannelClosed: the channel is closed and drained; its cause, if any, is `__cause__`.
            TypeError: `limit` is not an int.
            ValueError: `limit` is less than 1.
        """
        ...

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Return an iterator over the items, usually the receiver itself; `async for` calls this."""
        ...

    async def __anext__(self) -> T_co:
        """Remove and return the next item, waiting for one if there is none; `async for` and `anext` call this.

        Raises:
            StopAsyncIteration: the channel is closed and drained, and has no cause.
            ChannelClosed: the channel is drained and was closed with a cause, which is `__cause__`: the items end
                because something failed.
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. A cancelled call has taken nothing, and an item promised to it goes to the next receiver, at its old
            place in the order. A new iteration goes on with the next item.
        """
        ...

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it.

        Raises:
            RuntimeError: the call would have to wait, and the channel belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        ...

    def on_get(self) -> Case[T_co]:
        """Return a case for `select` that gets an item.

        An item is taken when a select takes the case, one for each such select. A select that takes another case, or is
        cancelled, has taken nothing here.
        """
        ...
