"""RemoteReceiver: the receiving end of a remote channel. It is a whole `Receiver`."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import CoroutineType, TracebackType
from typing import Final, Generic, NoReturn, Self, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import GetOperation, Mapped, Operation, Side
from aiochannel._core.resting import Blocked
from aiochannel._core.waiters import Selection
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelError
from aiochannel.remote.broker import ReceiverPort
from aiochannel.remote.deliveries import Delivery
from aiochannel.remote.holding import Asker, Holding, asker
from aiochannel.remote.intake import Intake
from aiochannel.remote.links import Link
from aiochannel.remote.statistics import ReceiverStatistics

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

LEAVING_SECONDS: Final = 2.0
"""For how long an end that is left by an exception waits for the server."""


@final
class RemoteReceiver(Generic[T_co]):
    """A receiving end of a remote channel: a `Receiver`, for any number of tasks of this process.

    An item is received when the task that asked for it asks this end for another, or ends without an exception. If that
    task fails or is cancelled, or the end is left by an exception, the item is given back, and another receiver of any
    process gets it. So each item is received at least once; `Delivery.id` tells one that comes twice.

    The synchronous members are about what is at hand: items that have come here and that no task has taken.
    """

    def __init__(
        self,
        link: Link,
        port: ReceiverPort,
        decode: Callable[[bytes], T_co],
        *,
        prefetch: int,
        ack_on_get: bool,
    ) -> None:
        self._link = link
        self._intake: Intake[T_co] = Intake(link, port, decode, prefetch)
        self._holding: Holding[Delivery[T_co]] = Holding(
            self._intake.acknowledge, self._intake.fault, at_once=ack_on_get
        )
        self._left = False
        link.ends.append(self)
        link.need()
        self._changed()

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that the channel stores; 0 if it is unbounded."""
        return self._link.settings.maxsize

    def qsize(self) -> int:
        """Return the number of items at hand."""
        return self._intake.inbox.qsize()

    def empty(self) -> bool:
        """Return whether no item is at hand."""
        return self._intake.inbox.empty()

    def closed(self) -> bool:
        """Return whether the channel is known to be closed; items may still come."""
        return self._link.state.closed

    def statistics(self) -> ReceiverStatistics:
        """Return a snapshot of this end."""
        return ReceiverStatistics(
            at_hand=self._intake.inbox.qsize(),
            held=self._holding.count(),
            window=self._intake.window,
            leases_lost=self._intake.generation,
            bad_items=self._intake.bad_items,
        )

    @override
    def __repr__(self) -> str:
        left = " left" if self._left else ""
        return f"<RemoteReceiver of {self._link.title} at_hand={self.qsize()}{left}>"

    # Getting

    def get(self) -> "CoroutineType[None, None, T_co]":
        """Remove and return the next item, waiting for one if there is none.

        As `Receiver.get`.

        Raises:
            ChannelLost: the server no longer has the channel.
            ChannelUnavailable: the server was out of reach for longer than the hub's patience.

        Cancellation:
            Safe. A cancelled call has taken nothing; an item on its way to it is at hand for the next call.
        """
        coroutine = self._get(who := asker(), self._holding.held_by(who))
        assert isinstance(coroutine, CoroutineType)
        return coroutine

    async def _get(self, who: Asker, held: tuple[Delivery[T_co], ...] | None) -> T_co:
        delivery = self._at_hand(who, held) or await self._wait()
        self._holding.hold(who, (delivery,))
        return delivery.item

    def _at_hand(self, who: Asker, held: tuple[Delivery[T_co], ...] | None) -> Delivery[T_co] | None:
        """Return the next delivery, which nobody holds yet, if it has come."""
        self._begin(who, held)
        return self._intake.take()

    async def _wait(self) -> Delivery[T_co]:
        """Wait for the next delivery."""
        while True:
            (delivery,) = await self._batch(1, None)
            if not delivery._lost:
                return delivery

    async def _batch(self, limit: int, within: float | None) -> Sequence[Delivery[T_co]]:
        inbox = self._intake.inbox
        self._intake.least.append(limit)
        try:
            self._intake.ask()
            async with self._link.connection.bounded():
                batch = await inbox.get_many(limit, within=within)
        except ChannelClosed as error:
            self._refuse(error)
        finally:
            self._intake.least.remove(limit)
        self._intake.taken(batch)
        return batch

    def get_many(self, limit: int, /, *, within: float | None = None) -> "CoroutineType[None, None, Sequence[T_co]]":
        """Remove and return the next items, at least 1 and at most `limit`.

        As `Receiver.get_many`. All of them are held until the task asks for more.

        Raises:
            ChannelLost, ChannelUnavailable: as in `get`.

        Cancellation:
            Safe. A cancelled call has taken nothing.
        """
        coroutine = self._get_many(who := asker(), self._holding.held_by(who), limit, within)
        assert isinstance(coroutine, CoroutineType)
        return coroutine

    async def _get_many(
        self, who: Asker, held: tuple[Delivery[T_co], ...] | None, limit: int, within: float | None
    ) -> Sequence[T_co]:
        most, seconds = batch_limit(limit), batch_time(within)
        self._begin(who, held)
        while True:
            batch = [delivery for delivery in await self._batch(most, seconds) if not delivery._lost]
            if batch:
                self._holding.hold(who, tuple(batch))
                return [delivery.item for delivery in batch]

    def get_nowait(self) -> T_co:
        """Remove and return the next item at hand.

        Raises:
            ChannelEmpty: no item has come. It was asked for, and may be at hand a little later.
            ChannelClosed: the channel is closed and drained, or this end has left.
            ChannelLost: the server no longer has the channel.
        """
        (item,) = self.get_many_nowait(1) or self._no_item()
        return item

    def _no_item(self) -> Sequence[T_co]:
        raise ChannelEmpty(f"no item of {self._link.title} is at hand")

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T_co]:
        """Remove and return the items at hand, at most `limit`. As `Receiver.get_many_nowait`.

        Raises:
            ChannelLost: the server no longer has the channel.
        """
        who = asker()
        most = None if limit is None else batch_limit(limit)
        self._begin(who, self._holding.held_by(who))
        try:
            batch = self._intake.inbox.get_many_nowait(most)
        except ChannelClosed as error:
            self._refuse(error)
        self._intake.taken(batch)
        batch = [delivery for delivery in batch if not delivery._lost]
        self._holding.hold(who, tuple(batch))
        self._intake.ask()
        return [delivery.item for delivery in batch]

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Return this end: several iterations share its items."""
        return self

    def __anext__(self) -> "CoroutineType[None, None, T_co]":
        """Remove and return the next item, waiting for one if there is none. As `Receiver.__anext__`.

        Raises:
            ChannelLost, ChannelUnavailable: as in `get`.

        Cancellation:
            Safe, as for `get`.
        """
        coroutine = self._anext(who := asker(), self._holding.held_by(who))
        assert isinstance(coroutine, CoroutineType)
        return coroutine

    async def _anext(self, who: Asker, held: tuple[Delivery[T_co], ...] | None) -> T_co:
        try:
            delivery = self._at_hand(who, held) or await self._wait()
        except ChannelClosed as error:
            if self._left or error.__cause__ is not None:
                raise
            raise StopAsyncIteration from None
        self._holding.hold(who, (delivery,))
        return delivery.item

    async def join(self) -> None:
        """Wait until the channel is closed and drained, whoever drains it. As `Receiver.join`.

        Raises:
            ChannelLost, ChannelUnavailable: as in `get`.

        Cancellation:
            Safe. Waiting has no effect on the channel.
        """
        self._check()
        await self._link.join()

    def on_get(self) -> Case[T_co]:
        """Return a case for `select` that gets an item. As `Receiver.on_get`.

        The task of the select holds the item. A select is not bounded by the hub's patience: give it a timer.
        """
        self._check()
        return Case(_Get(self, self._intake))

    # Getting with acknowledgement by hand

    def deliveries(self) -> AsyncIterator[Delivery[T_co]]:
        """Iterate over the items with their ids; each is held until `Delivery.ack` or `Delivery.release`.

        Raises:
            ChannelClosed, ChannelLost, ChannelUnavailable: as in iteration over the end itself.

        Cancellation:
            Safe, as for `get`.
        """
        self._check()
        return _Deliveries(self)

    def receive(self) -> AbstractAsyncContextManager[Delivery[T_co]]:
        """Return a context with the next item: acknowledged at the end of the block, given back on an exception.

        Raises:
            ChannelClosed, ChannelLost, ChannelUnavailable: as in `get`, on entry.
            LeaseLost: at the end of the block, the item is another's by now.

        Cancellation:
            Safe on entry, as for `get`. A block that is cancelled gives the item back.
        """
        self._check()
        return _Receive(self)

    async def _next_delivery(self) -> Delivery[T_co]:
        """Remove and return the next delivery; no task holds it."""
        who = asker()
        return self._at_hand(who, self._holding.held_by(who)) or await self._wait()

    # What all these do

    def _check(self) -> None:
        """Raise an error if this end is not of use any more, or not here."""
        self._link.connection.check()
        if self._left:
            raise ChannelClosed(f"this receiving end of {self._link.title} has left")

    def _begin(self, who: Asker, held: tuple[Delivery[T_co], ...] | None) -> None:
        """Note that a task asks for its next item: it has received what it held when it asked."""
        if self._left:
            self._check()
        self._link.connection.check()
        self._holding.receive(who, held)

    def _begin_here(self) -> None:
        """Note that the running task asks for its next item."""
        self._begin(who := asker(), self._holding.held_by(who))

    def _hand_here(self, delivery: Delivery[T_co]) -> T_co:
        """Let the running task hold a delivery that it has taken from the inbox; return the item."""
        self._intake.taken((delivery,))
        self._holding.hold(asker(), (delivery,))
        return delivery.item

    def _refuse(self, error: ChannelClosed) -> NoReturn:
        """Raise what a call raises where the inbox is closed."""
        failure = self._intake.failure
        if isinstance(failure, ChannelError):
            raise type(failure)(str(failure)) from None
        if failure is not None:
            raise failure from None
        if self._left:
            raise ChannelClosed(f"this receiving end of {self._link.title} has left") from None
        raise self._link.closed_error("is drained") from error.__cause__

    def _changed(self) -> None:
        """Learn that the channel is closed, drained or lost."""
        self._intake.changed()

    # Leaving

    async def __aenter__(self) -> Self:
        self._check()
        return self

    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        patience = self._link.connection.patience
        await self._leave_as(asker(), exc, patience if exc is None else LEAVING_SECONDS)

    async def _leave_as(self, who: Asker, error: BaseException | None, within: float, /) -> None:
        """Leave: what the running task holds is received, or given back if there is an error.

        What other tasks hold, and what is at hand, is given back. A second call does nothing.

        Cancellation:
            The end has left. What could not be told to the server, it learns when the lease ends.
        """
        if self._left:
            return
        self._left = True
        self._intake.give_back(self._holding.held_by_others(who))
        if error is None:
            self._holding.receive(who, self._holding.held_by(who))
        else:
            cancelled = isinstance(error, CancelledError)
            reason = "it was cancelled" if cancelled else f"{type(error).__name__}: {error}"
            self._holding.fail(who, f"its end was left by an exception: {reason}")
        self._holding.leave()
        self._link.ends.remove(self)
        self._link.need_no_more()
        await self._intake.leave(within)


@final
class _Deliveries(Generic[T_co]):
    def __init__(self, receiver: RemoteReceiver[T_co]) -> None:
        self._receiver = receiver

    def __aiter__(self) -> AsyncIterator[Delivery[T_co]]:
        return self

    async def __anext__(self) -> Delivery[T_co]:
        try:
            return await self._receiver._next_delivery()
        except ChannelClosed as error:
            self._receiver._check()
            if error.__cause__ is not None:
                raise
        raise StopAsyncIteration


@final
class _Receive(AbstractAsyncContextManager[Delivery[T_co]]):
    def __init__(self, receiver: RemoteReceiver[T_co]) -> None:
        self._receiver = receiver
        self._delivery: Delivery[T_co] | None = None

    @override
    async def __aenter__(self) -> Delivery[T_co]:
        self._delivery = await self._receiver._next_delivery()
        return self._delivery

    @override
    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._delivery is not None
        if exc is None:
            await self._delivery.ack()
        else:
            self._delivery._fail(f"its block failed: {type(exc).__name__}: {exc}")


@final
class _Get(Side[T]):
    """A get of a select: the inbox's, but that it asks for items, and that the task holds what it takes."""

    __slots__ = ("_inner", "_intake", "_receiver")

    def __init__(self, receiver: RemoteReceiver[T], intake: Intake[T]) -> None:
        self._receiver = receiver
        self._intake = intake
        self._inner = GetOperation(intake.inbox)

    @override
    def ended(self) -> bool:
        return self._intake.failure is None and self._inner.ended()

    @override
    def hindrance(self) -> Blocked | None:
        self._receiver._begin_here()
        try:
            hindrance = self._inner.hindrance()
        except ChannelClosed as error:
            self._receiver._refuse(error)
        self._intake.ask()
        return hindrance

    @override
    def peek(self) -> T | Blocked:
        delivery = self._inner.peek()
        return delivery if isinstance(delivery, Blocked) else delivery.item

    @override
    def attempt(self) -> T | Blocked:
        self._receiver._begin_here()
        try:
            delivery = self._inner.attempt()
        except ChannelClosed as error:
            self._receiver._refuse(error)
        item = delivery if isinstance(delivery, Blocked) else self._receiver._hand_here(delivery)
        self._intake.ask()
        return item

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        self._inner.park(selection, position)
        self._intake.ask()

    @override
    def complete(self, selection: Selection, /) -> T:
        try:
            delivery = self._inner.complete(selection)
        except ChannelClosed as error:
            self._receiver._refuse(error)
        return self._receiver._hand_here(delivery)

    @override
    def give_back(self, selection: Selection, /) -> None:
        self._inner.give_back(selection)

    @override
    def map(self, fn: Callable[[T], U], /) -> Operation[U]:
        return Mapped(self, fn)
