"""Broadcast: every subscription gets every item. How: `aiochannel.feeds`, `aiochannel.delivery`, `aiochannel.hub`."""

from asyncio import AbstractEventLoop, Future, _get_running_loop, get_running_loop
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import SupportsIndex, TypeVar, final

from aiochannel._core.arguments import check_loop, check_name, integer
from aiochannel._core.machine import UNBOUNDED
from aiochannel._core.moments import Closed, Drained
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import PutOperation
from aiochannel._core.resting import PAUSE
from aiochannel._core.waiters import Waiter
from aiochannel.cases import Case
from aiochannel.delivery import append
from aiochannel.errors import ChannelFull, check_cause
from aiochannel.feeds import Feed, Lag, OpenSubscription, Subscription, SubscriptionHandle, make_feed
from aiochannel.handles import End, SenderHandle, sending_end
from aiochannel.hub import Hub, Subscribed, Unsubscribed
from aiochannel.protocols import Sender

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class BroadcastStatistics:
    """A snapshot of a broadcast. A select counts once for each of its cases that waits here."""

    maxsize: int
    subscribers: int
    slowest: int
    """How many items the slowest subscription holds of those for which puts wait, 0 without one."""
    waiting_senders: int
    open_senders: int
    unheard: int
    """How many items were put while nobody was subscribed."""
    missed: int
    """How many items were dropped, counted once for each subscription that has missed one."""
    closed: bool
    name: str | None = None


@final
class Broadcast(Hub[T]):
    """A channel of which every subscriber gets every item.

    Each subscription holds the items that its subscriber has not received yet: up to `maxsize`, 0 for no limit, unless
    `subscribe` is given another number. A put waits until each subscription has room, or is one that rather misses
    items (`Lag`). An item is put into all subscriptions in one step or, if the put is cancelled or the broadcast is
    closed, into none. They all see the items in the same order.

    Where nobody is subscribed, a put goes ahead at once, and its item is kept only for `replay`: a new subscription
    begins with the last `replay` items. A broadcast is a `Sender`; subscriptions are `Receiver`s. It belongs to one
    event loop at a time, with all its subscriptions, and is not thread-safe, as a `Channel`.

    Raises:
        TypeError: `maxsize` or `replay` is not an integer >= 0, `loop` is not an event loop, or `name` not a str.
        ValueError: a subscription of `maxsize` items could not hold the `replay` ones.
    """

    __slots__ = ("_maxsize",)

    def __init__(
        self,
        maxsize: SupportsIndex = 0,
        loop: AbstractEventLoop | None = None,
        *,
        replay: SupportsIndex = 0,
        name: str | None = None,
    ) -> None:
        check_loop(loop)
        check_name(name)
        replayed = _count("replay", replay)
        super().__init__(replayed, loop)
        self._maxsize = _count("maxsize", maxsize)
        self._name = name
        if 0 < self._maxsize < replayed:
            raise ValueError(f"a subscription of maxsize {self._maxsize} cannot hold the {replayed} replayed items")

    # Subscribing

    def subscribe(self, maxsize: SupportsIndex | None = None, *, lag: Lag = Lag.WAIT) -> End[Subscription[T]]:
        """Subscribe from now on: `with broadcast.subscribe() as items`, and `async for item in items`.

        The subscription counts from this call, so subscribe where the task is started that will use it. It begins with
        the items that are replayed, and leaves when its block ends, or when it is dropped without having been entered.
        Leaving closes nothing, whatever ended the block. From then on its handle raises ChannelClosed, a get that waits
        too, and what it held is dropped.

        Args:
            maxsize: how many items it holds, 0 for no limit; None for that of the broadcast.
            lag: what happens when it has no room for an item.

        Raises:
            TypeError: `maxsize` is not an integer >= 0, or `lag` is not a Lag.
            ValueError: it could not hold the items that are replayed; or it has no limit, and so cannot lag.
            RuntimeError: tasks of another thread wait on the broadcast.
        """
        size = self._maxsize if maxsize is None else _count("maxsize", maxsize)
        policy: object = lag
        if not isinstance(policy, Lag):
            raise TypeError(f"lag must be a Lag, such as Lag.RAISE, not {policy!r}")
        if 0 < size < self._replay:
            raise ValueError(f"a subscription of maxsize {size} cannot hold the {self._replay} replayed items")
        if not size and lag is not Lag.WAIT:
            raise ValueError(f"{lag} needs a maxsize: a subscription without a limit always has room")
        if _get_running_loop() is not self._loop:
            self._check_loop()
        feed = make_feed(self, size, lag)
        end = OpenSubscription(feed)
        handle = SubscriptionHandle(feed, end)
        another = partial(self.subscribe, maxsize, lag=lag)
        opened: End[Subscription[T]] = End(handle, end, handle._retire, another)
        end.open()
        return opened

    @property
    def subscribers(self) -> int:
        """How many are subscribed: those that have not left and were not cut off."""
        return self._count

    async def wait_subscribed(self) -> None:
        """Wait until somebody is subscribed.

        Who has come may have left again when the call returns.

        Raises:
            ChannelClosed: the broadcast is closed, and nobody is subscribed; its cause, if any, is `__cause__`.
            RuntimeError: the call would have to wait, and the broadcast belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the broadcast.
        """
        await Subscribed(self).wait()
        if not self._count:
            self._check_open()

    async def wait_unsubscribed(self) -> None:
        """Wait until nobody is subscribed.

        Somebody may have come again when the call returns.

        Raises:
            RuntimeError: the call would have to wait, and the broadcast belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the broadcast.
        """
        await Unsubscribed(self).wait()

    # Looking at it

    @property
    def maxsize(self) -> int:
        """The number of items that a subscription holds unless it is given its own; 0 for no limit."""
        return self._maxsize

    def qsize(self) -> int:
        """Return how many items the slowest subscription holds of those for which puts wait, 0 without one.

        The slowest is the one with the least room, and of such the one with the most items. Items that are promised do
        not count.
        """
        slowest = self._slowest()
        return 0 if slowest is None else Feed.qsize(slowest)

    def full(self) -> bool:
        """Return whether `put_nowait` would find no room.

        A granted slot is not room; a waiting receiver is. A closed broadcast is full when a subscription is for which
        puts would wait.
        """
        if not self._closed:
            return self._room() <= 0
        return any(feed.lag is Lag.WAIT and len(feed._buffer) >= feed._capacity for feed in self._feeds)

    def closed(self) -> bool:
        """Return whether the broadcast is closed; subscriptions can still receive what they hold."""
        return self._closed

    def statistics(self) -> BroadcastStatistics:
        """Return a snapshot of the broadcast: its subscriptions and its waiters."""
        return BroadcastStatistics(
            maxsize=self._maxsize,
            subscribers=self._count,
            slowest=self.qsize(),
            waiting_senders=self._senders.waiting(),
            open_senders=self._open_senders,
            unheard=self._unheard,
            missed=self._missed,
            closed=self._closed,
            name=self._name,
        )

    @override
    def __repr__(self) -> str:
        return f"<Broadcast{self._title()} at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<Broadcast{self._title()} {self._summary()}>"

    def _title(self) -> str:
        return "" if self._name is None else f" {self._name!r}"

    def _summary(self) -> str:
        return f"maxsize={self._maxsize} subscribers={self._count}{' closed' if self._closed else ''}"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a broadcast lives in one process")

    # Putting

    async def put(self, item: T, /) -> None:
        """Put an item into all subscriptions, waiting until each has room.

        When the call returns, the item went to everyone who is subscribed, in one step. Otherwise as `Sender.put`.

        Cancellation:
            Safe, as for `Sender.put`: the item went to nobody and never will.
        """
        if self._due and _get_running_loop() is not self._loop:
            self._check_loop()
        delivery = map(append, self._buffers, repeat(item))
        if self._space > 0:
            self._space -= 1
            try:
                any(delivery)
                if self._due or self._replay:
                    self._after_delivery()
            except BaseException:  # raised by a signal handler
                self._settle()
                raise
            return
        if self._rests and self._rests_from_puts():
            await PAUSE
        if self._admit(item):
            return
        if self._closed:
            self._check_open()
        loop = get_running_loop()
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
        """Put an item into all subscriptions at once.

        As `Sender.put_nowait`: there is room if each subscription for which puts wait has room.
        """
        if not self._admit(item):
            self._check_open()
            raise ChannelFull(f"{self!r} has no room")

    async def put_many(self, items: Iterable[T], /) -> None:
        """Put all the items in their order, waiting for room as needed.

        As `Sender.put_many`: each item goes to all subscriptions or to none.

        Cancellation:
            Safe, as for `Sender.put_many`: accepted items stay accepted, and no item is put after
            the call was cancelled.
        """
        if self._owes_rest or self._rests_from_puts():
            self._owes_rest = False
            await PAUSE
        for item in items:
            if self._space <= 0 and self._rests_from_puts():
                self._owes_rest = True  # this batch goes on, the next one rests
            if not self._admit(item):
                await Broadcast.put(self, item)

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that puts the item."""
        return Case(PutOperation(self, item))

    # Closing

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the broadcast permanently, and return whether this call closed it.

        As `Sender.close`. Each subscription goes on until it has received what it holds.

        Raises:
            TypeError: the cause is not an exception.
        """
        check_cause(cause)
        return self._shut(cause)

    async def join(self) -> None:
        """Wait until the broadcast is closed, and no subscription that has not left holds an item.

        Raises:
            RuntimeError: the call would have to wait, and the broadcast belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the broadcast.
        """
        await Drained(self).wait()

    async def wait_closed(self) -> None:
        """Wait until the broadcast is closed, drained or not, whoever closes it.

        Raises:
            RuntimeError: the call would have to wait, and the broadcast belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the broadcast.
        """
        await Closed(self).wait()

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead when the broadcast is closed."""
        return Case(Closed(self))

    # The sending side

    @property
    def sender(self) -> Sender[T]:
        """A handle that has only the sending side."""
        return SenderHandle(self, Broadcast)

    def open_sender(self) -> End[Sender[T]]:
        """Open a counted sending end: `with broadcast.open_sender() as tx`. The last one to leave closes.

        As `Channel.open_sender`.
        """
        return sending_end(self, Broadcast, self)


def _count(name: str, given: object) -> int:
    """Return what must be an integer >= 0 as an int."""
    number = integer(given)
    if number is None or number < 0:
        raise TypeError(f"{name} must be an int >= 0, not {given!r}")
    return min(number, UNBOUNDED)
