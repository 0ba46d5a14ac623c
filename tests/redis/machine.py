"""The scripts beside the model of `aiochannel.remote.memory`: any sequence of calls has the same replies and effects.

A receiver acknowledges in any order, once or again; every call may be repeated, and may come from a connection that was
given up. After each step all that the channel is is compared, and what must be so at any time is looked at.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from aiochannel.redis.scripts import SCRIPTS, Script
from aiochannel.remote.broker import Settings, State
from aiochannel.remote.memory import Code, Item, Items, MemoryChannel, Push, StoredUpTo
from tests.redis.client import Client
from tests.redis.subject import Delivered, Snapshot, Subject
from tests.servers import Server

COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=50)
CHECK = settings(COMMON, max_examples=60, derandomize=True, database=None)
PROVE = settings(COMMON, max_examples=2000, print_blob=True)

HUBS = ("aaaaaaaaaa", "bbbbbbbbbb")
SENDERS = ("aaaaaaaaaa-0001", "aaaaaaaaaa-0002", "bbbbbbbbbb-0001")

hubs = st.sampled_from(HUBS)
senders = st.sampled_from(SENDERS)
few = st.integers(min_value=1, max_value=4)
seeds = st.integers(min_value=0, max_value=2**10)
seldom = st.sampled_from([False, False, False, True])
causes = st.sampled_from([None, "ValueError: why"])


@dataclass
class Told:
    """What a sender knows of its last put."""

    first: int = 1
    payloads: tuple[bytes, ...] = ()
    stored: int = 0
    known: int = 0


def chosen(seed: int, all_of: Sequence[int]) -> list[int]:
    """Return some of the numbers, in their order."""
    return [each for place, each in enumerate(all_of) if seed >> (place % 10) & 1]


class ScriptMachine(RuleBasedStateMachine):
    """Plays both sides on a server."""

    server: ClassVar[Server]
    scripts: ClassVar[dict[str, Script]] = SCRIPTS
    totals: ClassVar[Counter[str]] = Counter()
    count: ClassVar[int] = 0

    @initialize(size=st.sampled_from([0, 1, 2, 3, 5, 8]), tries=st.sampled_from([1, 2, 3]))
    def make(self, size: int, tries: int) -> None:
        type(self).count += 1
        self.totals["examples"] += 1
        self.stack = ExitStack()
        client, ears = Client(self.server.socket), Client(self.server.socket)
        self.stack.callback(client.close)
        self.stack.callback(ears.close)
        self.subject = Subject(client, ears, str(self.count), self.scripts)
        self.subject.load()
        chosen_settings = Settings(size, tries, 3600.0, "msgpack")
        assert self.subject.open(chosen_settings)[:2] == [1, 1]
        assert self.subject.open(chosen_settings)[:2] == [1, 0]
        self.sent: list[tuple[str, Push]] = []
        self.present: set[str] = set()
        self.epochs = dict.fromkeys(HUBS, 1)
        self.now = 0.0
        self.model = MemoryChannel(chosen_settings, self.tell, lambda: self.now)
        self.told = {sender: Told() for sender in SENDERS}
        self.known: set[int] = set()
        self.withdrawn: set[tuple[str, int]] = set()
        self.payload = 0
        ears("SSUBSCRIBE", self.subject.keys[0] + b":e")
        for hub in HUBS:
            self.come(hub)
            self.register(hub)

    @override
    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.subject.client("DEL", *self.subject.keys)
            self.stack.close()

    def tell(self, hub: str, push: Push) -> bool:
        if hub and hub not in self.present:
            return False
        if isinstance(push, Items):  # as they are now: another attempt is counted in the items
            push = push._replace(items=[replace(item) for item in push.items])
        self.sent.append((hub, push))
        return True

    # Hubs come and go

    def come(self, hub: str) -> None:
        self.present.add(hub)
        self.subject.ears("SSUBSCRIBE", self.subject.keys[0] + b":n:" + hub.encode())

    @rule(hub=hubs, again=st.sampled_from([True, True, True, False]))
    def cut(self, hub: str, *, again: bool) -> None:
        """A connection is lost, and perhaps another one takes its place at once."""
        if hub in self.present:
            self.present.remove(hub)
            self.subject.ears("SUNSUBSCRIBE", self.subject.keys[0] + b":n:" + hub.encode())
        if again:
            self.connect(hub)

    @precondition(lambda self: len(self.present) < len(HUBS))
    @rule()
    def connect_again(self) -> None:
        for hub in sorted({*HUBS} - self.present):
            self.connect(hub)

    def connect(self, hub: str) -> None:
        self.come(hub)
        since, self.epochs[hub] = self.epochs[hub], self.epochs[hub] + 1
        receivers = [(r, self.missed(r)) for r in sorted(self.known) if self.subject.receivers[r].hub == hub]
        own = [sender for sender in SENDERS if sender.startswith(hub)]
        held, known = self.subject.resume(hub, self.epochs[hub], since, receivers, own)
        self.model.resume([r for r, _ in receivers], own, self.epochs[hub])
        for (r, first), items in zip(receivers, held, strict=True):
            expected = [item for receipt, item in self.model.held.get(r, {}).items() if receipt >= first]
            assert (expected if r in self.model.leases else None) == items
            self.known -= {r} - self.model.leases.keys()
        for sender, (stored, upto) in zip(own, known, strict=True):
            assert self.normal(sender, self.model.senders[sender].stored) == self.normal(sender, stored)
            assert self.model.senders[sender].known == upto
            self.told[sender].stored, self.told[sender].known = stored, upto

    def missed(self, r: int) -> int:
        """Let a receiver not have heard of the last chunk, and return the receipt that it takes for the next."""
        own = self.subject.receivers[r]
        last = own.chunks.get(own.chunk - 1)
        if last and all(receipt in self.model.held.get(r, {}) for receipt in range(last[0], last[0] + last[1])):
            own.chunk, own.receipt = own.chunk - 1, last[0]
        return own.receipt

    def epoch(self, name: str, *, stale: bool) -> int:
        """Return the epoch of a hub's connection, or of the one before, from which a call arrives late."""
        now = self.epochs[name[:10]]
        # Of a drained channel nothing is written any more, the epoch included: it would have no expiry.
        return now - 1 if stale and now > 1 and not self.model.state.drained else now

    # Putting

    def normal(self, sender: str, stored: int) -> int:
        """A withdrawn item may count as stored or not: its sender knows."""
        own = self.model.senders.get(sender)
        while own and stored < own.known and (sender, stored + 1) in self.withdrawn:
            stored += 1
        return stored

    @rule(sender=senders, count=few, again=seldom, gap=seldom, stale=seldom)
    def put(self, sender: str, count: int, *, again: bool, gap: bool, stale: bool) -> None:
        told = self.told[sender]
        own = self.model.senders.get(sender)
        waits = own is not None and self.normal(sender, own.stored) < own.known
        first, payloads = told.first, told.payloads
        if not payloads or not (again or waits):
            self.payload += count
            first = (own.known if own else 0) + 1
            payloads = tuple(b"%d" % (self.payload - each) for each in range(count))
        if gap:
            first += 1 + len(payloads)
        epoch = self.epoch(sender, stale=stale)
        expected = self.model.put(sender, first, payloads, epoch)
        reply = self.subject.put(sender, first, payloads, epoch)
        assert expected.code == reply[0]
        if expected.code in (Code.DONE, Code.CLOSED, Code.GAP):
            assert self.normal(sender, expected.stored) == self.normal(sender, reply[1])
        if expected.code is Code.DONE:
            told.first, told.payloads = first, payloads

    @rule(sender=senders, back=st.integers(min_value=-1, max_value=3), stale=seldom)
    def withdraw(self, sender: str, back: int, *, stale: bool) -> None:
        own = self.model.senders.get(sender)
        number = (own.known if own else 0) - back
        if number >= self.told[sender].first:
            epoch = self.epoch(sender, stale=stale)
            expected = self.model.withdraw(sender, number, epoch)
            assert expected == self.subject.withdraw(sender, number, epoch)
            if own and expected and number <= own.known:
                self.withdrawn.add((sender, number))

    @rule(sender=senders, really=seldom, surely=seldom, stale=seldom)
    def sender_leaves(self, sender: str, *, really: bool, surely: bool, stale: bool) -> None:
        if really and surely:
            epoch = self.epoch(sender, stale=stale)
            self.model.forget_sender(sender, epoch)
            self.subject.bye(sender, epoch, forget=True)
            if sender not in self.model.senders:
                self.told[sender] = Told()
                self.withdrawn = {(each, number) for each, number in self.withdrawn if each != sender}

    # Taking

    @precondition(lambda self: not self.model.state.drained and len(self.known) < 6)
    @rule(hub=hubs)
    def register(self, hub: str) -> None:
        expected = self.model.register(hub, self.epochs[hub])
        assert expected == self.subject.register(hub, self.epochs[hub])
        self.known.add(expected)

    @property
    def waiting(self) -> dict[int, int]:
        return {each.receiver: each.want for each in self.model.line}

    def pick(self, seed: int) -> int:
        return sorted(self.known)[seed % len(self.known)]

    @precondition(lambda self: self.known)
    @rule(
        seed=seeds,
        want=few,
        acks=st.sampled_from(["none", "all", "prefix", "some", "old"]),
        repeat=seldom,
        stale=seldom,
    )
    def take(self, seed: int, want: int, acks: str, *, repeat: bool, stale: bool) -> None:
        r = self.pick(seed)
        own = self.subject.receivers[r]
        if own.hub not in self.present:
            return
        done = self.acknowledged(r, acks, seed)
        again = r in self.waiting
        first, chunk = own.receipt, own.chunk
        self.take_both(r, first, want, done, again=again, stale=stale, whole=acks == "all")
        if repeat and not stale and r in self.model.leases:
            own.receipt, own.chunk = first, chunk  # the reply was lost
            self.take_both(r, first, want, done, again=True, stale=False, whole=acks == "all")

    def acknowledged(self, r: int, how: str, seed: int) -> list[int]:
        held = list(self.model.held.get(r, {}))
        if how == "all":
            return held
        if how == "prefix":
            return held[: seed % (len(held) + 1)]
        if how == "some":
            return chosen(seed, held)
        if how == "old":
            return list(range(1, self.subject.receivers[r].receipt))[: seed % 8]
        return []

    def take_both(
        self, r: int, first: int, want: int, done: Sequence[int], *, again: bool, stale: bool, whole: bool
    ) -> None:
        epoch = self.epoch(self.subject.receivers[r].hub, stale=stale)
        own = self.subject.receivers[r]
        untouched = whole and all(
            receipt in self.model.held.get(r, {})
            for c in {own.place(each)[0] for each in done}
            for receipt in range(own.chunks[c][0], sum(own.chunks[c]))
        )
        expected = self.model.take(r, first, want, inf, done, epoch, again=again)
        code, items = self.subject.take(r, first, want, done, epoch, again=again, whole_chunks=untouched)
        assert max(expected.code, Code.NO_LEASE) == code
        assert list(expected.items) == items
        if expected.code is Code.NO_LEASE:
            self.known.discard(r)

    @precondition(lambda self: self.known)
    @rule(seed=seeds, count=st.booleans(), later=seldom, stale=seldom)
    def give_back(self, seed: int, *, count: bool, later: bool, stale: bool) -> None:
        r = self.pick(seed)
        which = chosen(seed, list(self.model.held.get(r, {})))
        epoch = self.epoch(self.subject.receivers[r].hub, stale=stale)
        delay = 1000.0 + self.now if later else None
        self.now += 1
        expected = self.model.back(r, which, epoch, count=count, reason="why", delay=delay)
        assert (expected is Code.DONE) == self.subject.back(r, which, epoch, count=count, delay=delay)

    @precondition(lambda self: self.known)
    @rule(seed=seeds, really=seldom)
    def leave(self, seed: int, *, really: bool) -> None:
        if not really:
            return
        r = self.pick(seed)
        epoch = self.epoch(self.subject.receivers[r].hub, stale=False)
        assert (r in self.model.leases) == self.subject.leave(r, epoch)
        self.model.end_lease(r, epoch)
        self.known.discard(r)

    @precondition(lambda self: self.model.line)
    @rule(seed=seeds, stale=seldom)
    def stop_waiting(self, seed: int, *, stale: bool) -> None:
        r, want = sorted(self.waiting.items())[seed % len(self.waiting)]
        hub = self.subject.receivers[r].hub
        epoch = self.epoch(hub, stale=stale)
        assert (epoch == self.epochs[hub]) == self.subject.leave_line(r, want, epoch)
        if epoch == self.epochs[hub]:
            self.model.leave_line(r)

    # Leases

    @precondition(lambda self: self.known)
    @rule(seed=seeds, hub=hubs, outage=seldom, really=seldom)
    def leases_end(self, seed: int, hub: str, *, outage: bool, really: bool) -> None:
        if not really:
            return
        ended = chosen(seed, sorted(self.model.leases))
        for r in ended:
            self.model.leases[r].ends = -inf
            self.subject.end_lease(r)
        if outage:
            self.model.renewed = -inf
            self.subject.long_ago()
        self.renew(hub, seed)

    @rule(hub=hubs, due=st.booleans())
    def beat(self, hub: str, *, due: bool) -> None:
        if due:
            self.model.delayed = [(-inf, item) for _, item in self.model.delayed]
            self.subject.all_due()
        self.renew(hub, 1023)

    def renew(self, hub: str, seed: int) -> None:
        own = chosen(seed >> 3 | 1, [r for r in sorted(self.known) if self.subject.receivers[r].hub == hub])
        waiting = self.waiting
        lost, waits = self.subject.renew(hub, self.epochs[hub], [(r, waiting.get(r, 0)) for r in own])
        expected, _ = self.model.renew(own)
        assert expected == lost
        assert [r for r in own if r in waiting] == waits
        self.known -= set(lost)

    # The end

    @rule(cause=causes, really=seldom)
    def close(self, cause: str | None, *, really: bool) -> None:
        if really and self.model.registered > 3:  # not soon
            assert self.model.close(cause) == self.subject.close(cause)

    @rule(cause=causes, really=seldom, surely=seldom)
    def abort(self, cause: str | None, *, really: bool, surely: bool) -> None:
        if really and surely and self.model.registered > 3:
            assert self.model.abort(cause) == self.subject.abort(cause)

    @precondition(lambda self: self.model.dead)
    @rule(seed=seeds, drop=st.booleans())
    def revive_or_drop(self, seed: int, *, drop: bool) -> None:
        ids = (
            [self.model.dead[place].id for place in chosen(seed >> 1, range(len(self.model.dead)))] if seed & 1 else []
        )
        if drop:
            assert self.model.drop_dead(ids) == self.subject.drop_dead(ids)
        else:
            assert self.model.revive(ids) == self.subject.revive(ids)

    # What is compared

    @invariant()
    def same(self) -> None:
        if hasattr(self, "model"):
            self.same_pushes()
            self.same_channel()

    def same_pushes(self) -> None:
        expected, self.sent = self.sent, []
        self.totals["steps"] += 1
        assert [self.plain(hub, push) for hub, push in expected] == [
            (hub, self.plain_number(push)) for hub, push in self.subject.pushes()
        ]

    def plain(self, hub: str, push: Push) -> tuple[str, object]:
        if isinstance(push, State):
            return hub, f"{'drained' if push.drained else 'closed'} {push.cause or ''}"
        if isinstance(push, StoredUpTo):
            return hub, (push.sender, self.normal(push.sender, push.number))
        return hub, Delivered(push.receiver, push.first, list(push.items))

    def plain_number(self, push: object) -> object:
        if isinstance(push, tuple) and not isinstance(push, Delivered):
            sender, number = push
            return sender, self.normal(sender, number)
        return push

    def same_channel(self) -> None:
        found = self.subject.snapshot()
        found = found._replace(
            senders={
                sender: (self.normal(sender, stored), known)
                for sender, (stored, known) in found.senders.items()
                if known
            },
            delayed=sorted(found.delayed, key=by_name),
        )
        assert self.expected() == found
        self.stays_so(found)

    def expected(self) -> Snapshot:
        model = self.model
        held = {(r, receipt): item for r, items in model.held.items() for receipt, item in items.items()}
        dead = [
            (Item(one.id.rpartition("-")[0], int(one.id.rpartition("-")[2]), one.item, one.attempts), one.reason)
            for one in model.dead
        ]
        return Snapshot(
            list(model.queue),
            [list(put) for put in model.puts],
            held,
            [(each.receiver, each.want) for each in model.line],
            sorted((item for _, item in model.delayed), key=by_name),
            dead,
            {
                sender: (self.normal(sender, own.stored), own.known)
                for sender, own in model.senders.items()
                if own.known
            },
            {r: lease.epoch for r, lease in model.leases.items()},
            model.stored(),
            (model.accepted, model.left, model.redelivered),
            model.state.closed,
            model.state.cause,
            model.state.drained,
        )

    def stays_so(self, found: Snapshot) -> None:
        """What must be true after every call, whatever the model says."""
        maxsize = self.model.settings.maxsize
        assert found.stored == len(found.queue) + len(found.held) + len(found.delayed)
        assert not maxsize or found.stored <= maxsize
        assert not found.puts or found.stored == maxsize
        assert not (found.queue and found.line)
        assert found.drained == (found.closed and not found.stored)
        assert {r for r, _ in found.held} | {r for r, _ in found.line} <= found.leases.keys()


def by_name(item: Item) -> tuple[str, int]:
    return item.sender, item.number
