"""What a server keeps of remote channels, and what it does when it is asked, as plain lists and ifs.

It is the server behind `connect("memory:")`, and the measure for every other: the scripts of a real one answer the same
calls with the same items, in the same order. Every call is safe to repeat. Three things are so after each:

    1. room and a waiting put never coexist;
    2. a waiting item and a waiting receiver never coexist;
    3. a channel is drained if and only if it is closed and stores nothing.

An item is stored in one of three places: it waits (`queue`), it is held by a receiver (`held`), or it is delayed
(`delayed`). The items of a put that waits for room (`puts`) are not stored yet. A dead letter is not stored any more.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple, TypeAlias

from aiochannel.remote.broker import Dead, Receipt, Settings, State
from aiochannel.remote.statistics import RemoteStatistics

KEPT: Final = 7 * 24 * 3600.0
"""For how many seconds a drained channel is kept, so that latecomers learn of it."""
HUB: Final = 10
"""The name of a sender begins with that of its hub, which has so many characters."""
REAPED: Final = 16
"""How many lost leases are looked after in one call."""


class Code(IntEnum):
    """What a call came to."""

    DONE = 1
    WAITS = 0
    CLOSED = -1
    DRAINED = -2
    GAP = -4
    """Items before the first one are missing: the server has forgotten them."""
    NO_LEASE = -5
    STALE = -6
    """The call comes from a connection that was given up."""


@dataclass(slots=True)
class Item:
    """An item, as the server has it."""

    sender: str
    number: int
    payload: bytes
    attempt: int = 1

    @property
    def id(self) -> str:
        """Return what no other item of the channel is called."""
        return f"{self.sender}-{self.number}"


class Items(NamedTuple):
    """A push: the receiver that waited holds these items now, numbered from `first`."""

    receiver: int
    first: Receipt
    items: Sequence[Item]
    puts_wait: bool


class StoredUpTo(NamedTuple):
    """A push: the items of this sender are stored up to this number."""

    sender: str
    number: int


Push: TypeAlias = Items | StoredUpTo | State
"""What the server tells a hub by itself."""


class PutReply(NamedTuple):
    """The answer to `put`."""

    code: Code
    stored: int = 0
    """The number of the sender's last stored item."""
    known: int = 0
    """The number of its last item that is stored or waits for room."""


class TakeReply(NamedTuple):
    """The answer to `take`."""

    code: Code
    items: Sequence[Item] = ()
    puts_wait: bool = False


@dataclass(slots=True)
class SenderState:
    """What is known of a sender."""

    stored: int = 0
    known: int = 0
    epoch: int = 0
    withdrawn: set[int] = field(default_factory=set)
    """Of its last flight: an item after a withdrawn one may be stored, and the withdrawing be asked for again."""


@dataclass(slots=True)
class Lease:
    """A receiver is taken to live until its lease ends."""

    hub: str
    epoch: int
    ends: float


class Waiting(NamedTuple):
    """A receiver that waits for items."""

    receiver: int
    hub: str
    first: Receipt
    want: int


class MemoryChannel:
    """What a server keeps of one channel."""

    def __init__(self, settings: Settings, tell: Callable[[str, Push], bool], clock: Callable[[], float]) -> None:
        self.settings: Settings = settings
        self.tell: Callable[[str, Push], bool] = tell
        """Sends a push to a hub and returns whether it is there. The hub "" is all of them."""
        self.clock: Callable[[], float] = clock
        self.state: State = State()
        self.queue: deque[Item] = deque()
        self.puts: deque[list[Item]] = deque()
        self.held: dict[int, dict[Receipt, Item]] = {}
        self.line: list[Waiting] = []
        self.leases: dict[int, Lease] = {}
        self.delayed: list[tuple[float, Item]] = []
        self.dead: list[Dead] = []
        self.senders: dict[str, SenderState] = {}
        self.registered: int = 0
        self.accepted: int = 0
        self.left: int = 0
        self.redelivered: int = 0
        self.renewed: float = clock()
        self.drained_at: float = clock()

    def stored(self) -> int:
        """Return how many items are stored."""
        return len(self.queue) + sum(map(len, self.held.values())) + len(self.delayed)

    def room(self) -> float:
        """Return how many more items can be stored."""
        return self.settings.maxsize - self.stored() if self.settings.maxsize else inf

    # Putting

    def put(self, sender: str, first: int, payloads: Sequence[bytes], epoch: int) -> PutReply:
        """Store the items numbered from `first` that are not known yet, as far as there is room; the others wait."""
        own = self.senders.setdefault(sender, SenderState())
        if own.epoch > epoch:
            return PutReply(Code.STALE)
        own.epoch = epoch
        if first > own.known + 1:
            return PutReply(Code.GAP, own.stored, own.known)
        if self.state.closed:
            return PutReply(Code.CLOSED, own.stored, own.known)
        own.withdrawn = {number for number in own.withdrawn if number >= first}
        new = [Item(sender, number, each) for number, each in enumerate(payloads, first) if number > own.known]
        own.known += len(new)
        room = int(min(self.room(), len(new)))
        self.store(new[:room])
        if new[room:]:
            self.puts.append(new[room:])
        return PutReply(Code.DONE, own.stored, own.known)

    def store(self, items: Sequence[Item]) -> None:
        """Store items of one sender, for which there is room."""
        if items:
            self.senders[items[0].sender].stored = items[-1].number
            self.accepted += len(items)
            self.queue.extend(items)
            self.serve()

    def withdraw(self, sender: str, number: int, epoch: int) -> bool:
        """Take an item out of the puts that wait; return whether it never will be stored."""
        own = self.senders.setdefault(sender, SenderState())
        if own.epoch > epoch or (number <= own.stored and number not in own.withdrawn):
            return False
        if number > own.known:
            return True
        own.withdrawn.add(number)
        for put in self.puts:
            put[:] = [item for item in put if (item.sender, item.number) != (sender, number)]
        self.puts = deque(put for put in self.puts if put)
        return True

    def forget_sender(self, sender: str, epoch: int) -> None:
        """Forget a sender that leaves; what it has waiting for room never will be stored."""
        own = self.senders.get(sender)
        if own is not None and own.epoch <= epoch:
            del self.senders[sender]
            self.puts = deque(put for put in self.puts if put[0].sender != sender)

    # Taking

    def serve(self) -> None:
        """Let the receivers that wait have the items that wait."""
        while self.queue and self.line:
            first = self.line.pop(0)
            part = self.pop(first.want, inf)
            if self.tell(first.hub, Items(first.receiver, first.first, part, bool(self.puts))):
                self.hold(first.receiver, first.first, part)
            else:  # nobody is there: the next one in the line
                self.queue.extendleft(reversed(part))

    def pop(self, want: int, size: float) -> list[Item]:
        """Remove and return the next items. One that was tried before is alone."""
        part = [self.queue.popleft()]
        while self.queue and len(part) < want and part[0].attempt == self.queue[0].attempt == 1:
            size -= len(part[-1].payload)
            if len(self.queue[0].payload) > size:
                break
            part.append(self.queue.popleft())
        return part

    def hold(self, receiver: int, first: Receipt, items: Iterable[Item]) -> None:
        """Note that the receiver holds the items."""
        self.held.setdefault(receiver, {}).update(enumerate(items, first))

    def take(
        self,
        receiver: int,
        first: Receipt,
        want: int,
        size: float,
        done: Iterable[Receipt],
        epoch: int,
        *,
        again: bool = False,
    ) -> TakeReply:
        """Acknowledge, and give the receiver the next items, numbered from `first`, or let it wait.

        With `again` it is also given what it holds already from `first` on.
        """
        lease = self.leases.get(receiver)
        if lease is None or lease.epoch > epoch:
            return TakeReply(Code.STALE if lease else Code.NO_LEASE)
        held = self.held.setdefault(receiver, {})
        self.left += sum(held.pop(receipt, None) is not None for receipt in done)
        self.settle()
        if not want:
            return TakeReply(Code.DONE)
        if again:
            self.leave_line(receiver)
            if given := [item for receipt, item in held.items() if receipt >= first]:
                return TakeReply(Code.DONE, given, bool(self.puts))
        return self.give(Waiting(receiver, lease.hub, first, want), size)

    def give(self, asking: Waiting, size: float) -> TakeReply:
        """Give a receiver the next items, or let it wait."""
        if self.queue:
            part = self.pop(asking.want, size)
            self.hold(asking.receiver, asking.first, part)
            return TakeReply(Code.DONE, part, bool(self.puts))
        if self.state.drained:
            return TakeReply(Code.DRAINED)
        self.line.append(asking)
        return TakeReply(Code.WAITS)

    def leave_line(self, receiver: int) -> None:
        """Let the receiver wait no more."""
        self.line = [each for each in self.line if each.receiver != receiver]

    # Giving back

    def back(
        self, receiver: int, which: Iterable[Receipt], epoch: int, *, count: bool, reason: str, delay: float | None
    ) -> Code:
        """Give items back to the head, in this order."""
        lease = self.leases.get(receiver)
        if lease is None or lease.epoch > epoch:
            return Code.STALE if lease else Code.NO_LEASE
        held = self.held.get(receiver, {})
        items = [held.pop(receipt) for receipt in which if receipt in held]
        if count:
            self.bury([item for item in items if item.attempt >= self.settings.tries], reason)
            items = [item for item in items if item.attempt < self.settings.tries]
            self.redelivered += len(items)
            for item in items:
                item.attempt += 1
        if delay is None:
            self.queue.extendleft(reversed(items))
        else:
            self.delayed.extend((self.clock() + delay, item) for item in items)
        self.serve()
        self.settle()
        return Code.DONE

    def bury(self, items: Sequence[Item], reason: str) -> None:
        """Make dead letters of items."""
        self.dead.extend(Dead(each.payload, each.id, reason, each.attempt, self.clock()) for each in items)
        self.left += len(items)

    def end_lease(self, receiver: int, epoch: int, *, count: bool = False, reason: str = "") -> None:
        """Give back all that a receiver holds; it waits no more."""
        self.leave_line(receiver)
        self.back(receiver, list(self.held.get(receiver, ())), epoch, count=count, reason=reason, delay=None)
        lease = self.leases.get(receiver)
        if lease is not None and lease.epoch <= epoch:
            del self.leases[receiver]
            self.held.pop(receiver, None)

    def settle(self) -> None:
        """See to it that room is used, and that a close ends, after items have left."""
        if self.state.closed:
            if not self.stored() and not self.state.drained:
                self.state = self.state._replace(drained=True)
                self.drained_at = self.clock()
                self.line.clear()
                self.tell("", self.state)
            return
        while self.puts and self.room() > 0:
            put = self.puts.popleft()
            room = int(min(self.room(), len(put)))
            if put[room:]:
                self.puts.appendleft(put[room:])
            self.store(put[:room])
            self.tell(put[0].sender[:HUB], StoredUpTo(put[0].sender, put[room - 1].number))

    # Leases

    def register(self, hub: str, epoch: int) -> int:
        """Return the number of a new receiver, which has a lease."""
        self.registered += 1
        self.leases[self.registered] = Lease(hub, epoch, self.clock() + self.settings.lease)
        return self.registered

    def renew(self, receivers: Sequence[int]) -> tuple[list[int], list[int]]:
        """Renew leases, and end lost ones of others. Return those of the receivers that are lost, and that wait.

        If nobody has renewed for a whole lease, then the server was out of reach: that is no receiver's crash.
        """
        now, lease = self.clock(), self.settings.lease
        outage = self.renewed < now - lease
        self.renewed = now
        for receiver, each in self.leases.items():
            if outage or receiver in receivers:
                each.ends = now + lease
        expired = [receiver for receiver, each in self.leases.items() if each.ends <= now]
        for receiver in expired[:REAPED]:
            reason = "its receiver crashed, or stalled for longer than its lease"
            self.end_lease(receiver, self.leases[receiver].epoch, count=True, reason=reason)
        due = sorted((when, place) for place, (when, _) in enumerate(self.delayed) if when <= now)
        self.queue.extendleft(self.delayed[place][1] for _, place in reversed(due))
        self.delayed = [each for each in self.delayed if each[0] > now]
        self.serve()
        waiting = {each.receiver for each in self.line}
        return [each for each in receivers if each not in self.leases], [each for each in receivers if each in waiting]

    def resume(self, receivers: Iterable[int], senders: Iterable[str], epoch: int) -> None:
        """Refuse from now on what an older connection still has on its way; nobody of these waits."""
        for receiver in receivers:
            self.leave_line(receiver)
            if receiver in self.leases:
                self.leases[receiver].epoch = epoch
        for sender in senders:
            self.senders.setdefault(sender, SenderState()).epoch = epoch

    # Closing and administration

    def close(self, cause: str | None) -> bool:
        """Close, for ever; return whether this call did it."""
        if self.state.closed:
            return False
        self.state = State(closed=True, cause=cause)
        self.puts.clear()
        self.tell("", self.state)
        self.settle()
        return True

    def abort(self, cause: str | None) -> int:
        """Close, and remove the items that wait or are delayed; return how many."""
        self.close(cause)
        removed = len(self.queue) + len(self.delayed)
        self.queue.clear()
        self.delayed.clear()
        self.left += removed
        self.settle()
        return removed

    def revive(self, ids: Sequence[str]) -> int:
        """Store dead letters as new items, as far as there is room; return how many. No ids: all."""
        if self.state.closed:
            return 0
        chosen = [each for each in self.dead if not ids or each.id in ids]
        chosen = chosen[: int(min(self.room(), len(chosen)))]
        self.dead = [each for each in self.dead if each not in chosen]
        for each in chosen:
            sender, _, number = each.id.rpartition("-")
            self.queue.append(Item(sender, int(number), each.item))
        self.accepted += len(chosen)
        self.serve()
        return len(chosen)

    def drop_dead(self, ids: Sequence[str]) -> int:
        """Remove dead letters; return how many. No ids: all."""
        kept = [each for each in self.dead if ids and each.id not in ids]
        dropped = len(self.dead) - len(kept)
        self.dead = kept
        return dropped

    def statistics(self) -> RemoteStatistics:
        """Return a snapshot."""
        return RemoteStatistics(
            stored=self.stored(),
            waiting=len(self.queue),
            at_hand_or_held=sum(map(len, self.held.values())),
            delayed=len(self.delayed),
            dead=len(self.dead),
            waiting_puts=sum(map(len, self.puts)),
            waiting_receivers=len(self.line),
            receivers=len(self.leases),
            accepted=self.accepted,
            received=self.left,
            redelivered=self.redelivered,
            closed=self.state.closed,
            drained=self.state.drained,
            cause=self.state.cause,
        )
