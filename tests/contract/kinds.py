"""The kinds of channel that keep the contract, and what a test has to know about each.

A new kind is one row in KINDS. Every test of this folder then holds for it, or says by its mark what it takes from the
kind: `@that_fill` is for kinds in which a put can wait, and so on. A test uses the two sides, `channel.tx` and
`channel.rx`, and nothing of a class.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Never, Protocol, TypeVar

import pytest

from aiochannel import (
    Broadcast,
    Channel,
    ChannelStatistics,
    Overflow,
    PriorityChannel,
    Receiver,
    Sender,
    ThreadChannel,
    Watch,
    select,
)

T = TypeVar("T")

End = AbstractContextManager[Sender[object] | Receiver[object]]


class Abort(Protocol):
    def __call__(self, cause: BaseException | None = None) -> list[object]: ...


class Whole(Sender[object], Receiver[object], Protocol):
    """A channel that is both of its sides, with all that a Channel has."""

    def abort(self, cause: BaseException | None = None) -> list[object]: ...

    def statistics(self) -> ChannelStatistics: ...

    def open_sender(self) -> AbstractContextManager[Sender[object]]: ...

    def open_receiver(self) -> AbstractContextManager[Receiver[object]]: ...


def absent(cause: BaseException | None = None) -> Never:
    raise NotImplementedError("this kind has no such call")


@dataclass(frozen=True)
class Sides:
    """One channel, by its two sides; the rest is what `Sender` and `Receiver` do not have."""

    tx: Sender[object]
    rx: Receiver[object]
    waiters: Callable[[], tuple[int, int]]
    """How many senders wait, and how many receivers."""
    abort: Abort = absent
    open_sender: Callable[[], AbstractContextManager[Sender[object]]] = absent
    open_receiver: Callable[[], AbstractContextManager[Receiver[object]]] = absent
    ends: Callable[[], int] = absent
    """How many ends are open."""
    inside: Sequence[object] = ()
    """What the fixture has put into it."""

    def open_end(self, side: str) -> End:
        return self.open_sender() if side == "sender" else self.open_receiver()

    async def rest(self) -> list[object]:
        """Close the channel, and return what is still in it."""
        self.tx.close()
        return [item async for item in self.rx]


@dataclass(frozen=True)
class Kind:
    name: str
    make: Callable[[], Sides]
    capacity: float
    """How many items it holds while no receiver waits."""
    loses: bool = False
    """Whether a put that finds no room displaces an item, or drops its own, instead of waiting."""
    order: Callable[[Iterable[object]], list[object]] = list
    """The order in which items leave that are in it together."""
    keeps: bool = False
    """Whether the item stays that was put last, for other receivers."""
    aborts: bool = True
    on_time: bool = True
    """Whether a batch ends when its time is up, and not only when its task runs after that."""
    counts: Sequence[str] = ("sender", "receiver")
    """The sides of which it counts the ends."""
    subscribes: bool = False
    """Whether it has a subscription that does not leave, which refers to it."""

    @property
    def fills(self) -> bool:
        """Whether a put can wait for room."""
        return self.capacity < math.inf and not self.loses

    def holding(self, count: float) -> Sides:
        """Make a channel that contains the items 0, 1, and so on."""
        channel = self.make()
        inside = range(int(count))
        for item in inside:
            channel.tx.put_nowait(item)
        return replace(channel, inside=self.order(inside))

    def full(self) -> Sides:
        """Make a channel in which the next put waits."""
        assert self.fills
        return self.holding(self.capacity)

    def stocked(self) -> Sides:
        """Make a channel that contains three items, or as many as it holds."""
        return self.holding(min(self.capacity, 3))


def whole(make: Callable[[], Whole]) -> Callable[[], Sides]:
    """Return how to make the sides of a channel that is both of them."""

    def sides() -> Sides:
        channel = make()

        def waiters() -> tuple[int, int]:
            statistics = channel.statistics()
            return statistics.waiting_senders, statistics.waiting_receivers

        def ends() -> int:
            statistics = channel.statistics()
            return statistics.open_senders + statistics.open_receivers

        return Sides(channel, channel, waiters, channel.abort, channel.open_sender, channel.open_receiver, ends)

    return sides


def watch() -> Sides:
    """Return the sides of a Watch whose only reader has seen the first value."""
    made = Watch[object]("first")
    reader = made.observe()
    reader.get_nowait()
    return Sides(made, reader, lambda: (0, made.statistics().waiting_receivers))


def heard(maxsize: int) -> Callable[[], Sides]:
    """Return how to make a broadcast with one subscription, which does not leave."""

    def sides() -> Sides:
        hub = Broadcast[object](maxsize)
        end = hub.subscribe()
        (feed,) = hub._feeds

        def waiters() -> tuple[int, int]:
            return hub.statistics().waiting_senders, feed.statistics().waiting_receivers

        return Sides(
            hub, end.__enter__(), waiters, open_sender=hub.open_sender, ends=lambda: hub.statistics().open_senders
        )

    return sides


KINDS = [
    Kind("maxsize 1", whole(lambda: Channel(1)), capacity=1),
    Kind("maxsize 2", whole(lambda: Channel(2)), capacity=2),
    Kind("maxsize 100", whole(lambda: Channel(100)), capacity=100),
    Kind("unbounded", whole(Channel[object]), capacity=math.inf),
    Kind("rendezvous", whole(Channel[object].rendezvous), capacity=0),
    Kind("threads, maxsize 1", whole(lambda: ThreadChannel(1)), capacity=1, on_time=False),
    Kind("threads, maxsize 100", whole(lambda: ThreadChannel(100)), capacity=100, on_time=False),
    Kind("threads, unbounded", whole(ThreadChannel[object]), capacity=math.inf, on_time=False),
    Kind("threads, rendezvous", whole(ThreadChannel[object].rendezvous), capacity=0, on_time=False),
    Kind("watch", watch, capacity=1, loses=True, keeps=True, aborts=False, counts=()),
    Kind("conflated", whole(lambda: Channel(1, overflow=Overflow.DROP_OLDEST)), capacity=1, loses=True),
    Kind("drop oldest", whole(lambda: Channel(3, overflow=Overflow.DROP_OLDEST)), capacity=3, loses=True),
    Kind("replace newest", whole(lambda: Channel(3, overflow=Overflow.REPLACE_NEWEST)), capacity=3, loses=True),
    Kind("drop incoming", whole(lambda: Channel(3, overflow=Overflow.DROP_INCOMING)), capacity=3, loses=True),
    Kind("priority, maxsize 2", whole(lambda: PriorityChannel(2, key=lambda _: 0)), capacity=2),
    Kind("priority, unbounded", whole(lambda: PriorityChannel(key=lambda _: 0)), capacity=math.inf),
    Kind("broadcast 1", heard(1), capacity=1, aborts=False, counts=("sender",), subscribes=True),
    Kind("broadcast 2", heard(2), capacity=2, aborts=False, counts=("sender",), subscribes=True),
    Kind("broadcast", heard(0), capacity=math.inf, aborts=False, counts=("sender",), subscribes=True),
]


# Which kinds a test is for


def those(fit: Callable[[Kind], bool]) -> pytest.MarkDecorator:
    """Return the mark that runs a test once for each kind that fits."""
    return pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in KINDS if fit(kind)])


every_kind = those(lambda kind: True)
that_fill = those(lambda kind: kind.fills)
"""A put can wait."""
that_buffer = those(lambda kind: kind.capacity > 0)
"""A put goes ahead though no receiver waits."""
that_fill_a_buffer = those(lambda kind: kind.fills and kind.capacity > 0)
that_keep_all = those(lambda kind: not kind.loses)
"""Every item that a put accepts is received."""
that_buffer_all = those(lambda kind: not kind.loses and kind.capacity > 0)
that_fill_on_time = those(lambda kind: kind.fills and kind.on_time)
that_keep_all_on_time = those(lambda kind: not kind.loses and kind.on_time)
that_let_go = those(lambda kind: not kind.keeps)
"""An item that was received is gone."""
that_need_no_leaving = those(lambda kind: not kind.subscribes)
"""A channel that is dropped is freed, whatever is left open."""
that_abort = those(lambda kind: kind.aborts)
that_count_senders = those(lambda kind: "sender" in kind.counts)
that_count_receivers = those(lambda kind: "receiver" in kind.counts)


def ends_of_those(fit: Callable[[Kind], bool]) -> pytest.MarkDecorator:
    """Return the mark that runs a test once for each side of which a kind that fits counts the ends."""
    return pytest.mark.parametrize(
        ("kind", "side"),
        [pytest.param(kind, side, id=f"{kind.name}-{side}") for kind in KINDS if fit(kind) for side in kind.counts],
    )


every_end = ends_of_those(lambda kind: True)
every_end_that_needs_no_leaving = ends_of_those(lambda kind: not kind.subscribes)


# Every way to put and to get

WAITING_PUTS = ["put", "put_many", "select"]
PUTS = [*WAITING_PUTS, "put_nowait"]
WAITING_GETS = ["get", "get_many", "async for", "select"]
GETS = [*WAITING_GETS, "get_nowait"]


async def put(call: str, tx: Sender[T], item: T) -> None:
    match call:
        case "put":
            await tx.put(item)
        case "put_many":
            await tx.put_many([item])
        case "select":
            await select(tx.on_put(item))
        case _:
            tx.put_nowait(item)


async def get(call: str, rx: Receiver[object]) -> object:
    match call:
        case "get":
            return await rx.get()
        case "get_many":
            (item,) = await rx.get_many(1)
            return item
        case "async for":
            async for item in rx:
                return item
            raise EOFError("the iteration has ended")
        case "select":
            _, item = await select(rx.on_get())
            return item
        case _:
            return rx.get_nowait()
