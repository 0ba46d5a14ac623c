"""The server as lists and ifs: its three invariants, and what a repeated or a stale call does."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aiochannel.remote.broker import Settings
from aiochannel.remote.memory import Code, Items, MemoryChannel, Push, StoredUpTo

HUB = "hub-number"


class Told:
    """Two hubs; one of them can be away."""

    def __init__(self, maxsize: int = 2, tries: int = 2, lease: float = 10.0) -> None:
        self.now = 0.0
        self.pushes: list[Push] = []
        self.away = False
        self.channel = MemoryChannel(Settings(maxsize, tries, lease, "none"), self.tell, lambda: self.now)

    def tell(self, hub: str, push: Push) -> bool:
        if self.away and hub == HUB:
            return False
        self.pushes.append(push)
        return True

    def put(self, first: int, *items: bytes, epoch: int = 1) -> Sequence[int]:
        return tuple(self.channel.put(f"{HUB}-1", first, items, epoch))

    def take(
        self, receiver: int, first: int, want: int = 9, *, done: Sequence[int] = (), again: bool = False
    ) -> list[bytes]:
        return [item.payload for item in self.channel.take(receiver, first, want, 99, done, 1, again=again).items]


def test_a_repeated_put_changes_nothing() -> None:
    told = Told()
    assert (Code.DONE, 2, 3) == told.put(1, b"a", b"b", b"c")
    assert (Code.DONE, 2, 3) == told.put(1, b"a", b"b", b"c")
    assert (Code.DONE, 2, 3) == told.put(2, b"b")
    assert (2, 1) == (told.channel.stored(), told.channel.statistics().waiting_puts)


def test_a_put_after_a_gap_is_refused() -> None:
    assert (Code.GAP, 0, 0) == Told().put(2, b"b")


def test_a_put_of_an_older_connection_is_refused() -> None:
    told = Told()
    told.channel.resume([], [f"{HUB}-1"], 2)
    assert Code.STALE == told.put(1, b"a")[0]


def test_room_goes_to_the_puts_that_wait_and_their_hub_is_told() -> None:
    told = Told()
    told.put(1, b"a", b"b", b"c")
    receiver = told.channel.register(HUB, 1)
    assert [b"a", b"b"] == told.take(receiver, 1)
    assert [b"c"] == told.take(receiver, 3, done=[1])
    assert [StoredUpTo(f"{HUB}-1", 3)] == told.pushes


def test_withdrawing_is_answered_in_the_same_way_again() -> None:
    told = Told(maxsize=1)
    told.put(1, b"a", b"b", b"c")
    assert told.channel.withdraw(f"{HUB}-1", 2, 1)
    receiver = told.channel.register(HUB, 1)
    told.take(receiver, 1)
    told.take(receiver, 2, 0, done=[1])
    assert (Code.DONE, 3, 3) == told.put(1, b"a", b"b", b"c")
    assert (True, False) == (told.channel.withdraw(f"{HUB}-1", 2, 1), told.channel.withdraw(f"{HUB}-1", 3, 1))
    assert told.channel.withdraw(f"{HUB}-1", 9, 1)


def test_a_receiver_whose_hub_is_away_is_passed_over() -> None:
    told = Told()
    first, second = told.channel.register(HUB, 1), told.channel.register("other", 1)
    assert [] == told.take(first, 1) + told.take(second, 1)
    told.away = True
    told.put(1, b"a")
    (push,) = told.pushes
    assert isinstance(push, Items)
    assert (second, [b"a"]) == (push.receiver, [item.payload for item in push.items])
    told.put(2, b"b")
    assert [b"b"] == told.take(first, 1, again=True)
    assert [b"b"] == told.take(first, 1, again=True)


def test_a_batch_has_as_many_bytes_as_were_asked_for_or_one_item() -> None:
    told = Told(maxsize=0)
    told.put(1, bytes(60), bytes(60), bytes(30), bytes(10))
    receiver = told.channel.register(HUB, 1)
    assert [60, 90] == [sum(map(len, told.take(receiver, first))) for first in (1, 2)]


def test_an_acknowledgement_without_a_lease_is_refused() -> None:
    told = Told()
    told.put(1, b"a")
    receiver = told.channel.register(HUB, 1)
    told.take(receiver, 1)
    told.channel.end_lease(receiver, 1)
    assert Code.NO_LEASE == told.channel.take(receiver, 2, 0, 0, [1], 1).code
    assert Code.NO_LEASE == told.channel.back(receiver, [1], 1, count=True, reason="", delay=None)
    other = told.channel.register(HUB, 2)
    assert Code.STALE == told.channel.take(other, 1, 1, 9, [], 1).code
    assert Code.STALE == told.channel.back(other, [], 1, count=True, reason="", delay=None)
    assert 1 == told.channel.stored()


def test_a_lease_that_ends_gives_back_unless_nobody_could_renew() -> None:
    told = Told(lease=10)
    told.put(1, b"a", b"b")
    crashed, other = told.channel.register(HUB, 1), told.channel.register(HUB, 1)
    told.take(crashed, 1)
    told.now = 11  # nobody has renewed for a whole lease
    assert ([], []) == told.channel.renew([other])
    told.now = 20
    assert ([], []) == told.channel.renew([other])
    assert 0 == told.channel.statistics().waiting
    told.now = 22
    assert ([], []) == told.channel.renew([other])
    assert 2 == told.channel.statistics().waiting
    assert ([crashed], []) == told.channel.renew([other, crashed])


def test_what_is_delayed_comes_back_in_its_order() -> None:
    told = Told(maxsize=0)
    told.put(1, b"a", b"b", b"c")
    receiver = told.channel.register(HUB, 1)
    told.take(receiver, 1)
    told.channel.back(receiver, [2], 1, count=False, reason="", delay=2)
    told.channel.back(receiver, [1], 1, count=False, reason="", delay=1)
    told.now = 1.5
    told.channel.renew([receiver])
    assert [b"a"] == told.take(receiver, 4)
    told.now = 3
    told.channel.renew([receiver])
    assert [b"b"] == told.take(receiver, 5)


def test_dead_letters_are_revived_as_far_as_there_is_room() -> None:
    told = Told(maxsize=2, tries=1)
    told.put(1, b"a", b"b", b"c")
    receiver = told.channel.register(HUB, 1)
    told.take(receiver, 1)
    told.channel.back(receiver, [1, 2], 1, count=True, reason="why", delay=None)
    assert [("why", 1), ("why", 1)] == [(each.reason, each.attempts) for each in told.channel.dead]
    assert 1 == told.channel.stored()
    assert 1 == told.channel.revive([])
    assert [b"b"] == [each.item for each in told.channel.dead]
    assert 0 == told.channel.revive([told.channel.dead[0].id])
    assert 0 == told.channel.drop_dead(["other-1"])
    assert 1 == told.channel.drop_dead([told.channel.dead[0].id])
    told.channel.close(None)
    assert 0 == told.channel.revive([])


def test_abort_removes_what_nobody_has() -> None:
    told = Told(maxsize=0)
    told.put(1, b"a", b"b", b"c")
    receiver = told.channel.register(HUB, 1)
    told.take(receiver, 1, 2)
    told.channel.back(receiver, [2], 1, count=False, reason="", delay=9)
    assert 2 == told.channel.abort("why")
    assert (False, 1) == (told.channel.state.drained, told.channel.stored())
    told.take(receiver, 3, 0, done=[1])
    assert told.channel.state.drained
    assert 0 == told.channel.abort(None)
    assert Code.DRAINED == told.channel.take(receiver, 3, 1, 9, [], 1).code


class ServerMachine(RuleBasedStateMachine):
    """Calls at random, repeated ones among them: the invariants hold after each, and no item is lost or made."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told(maxsize=3, tries=2, lease=5.0)
        self.channel = self.told.channel
        self.known = {"a": 0, "b": 0}
        self.receivers: dict[int, int] = {}

    def sender(self, name: str) -> str:
        return f"{HUB}-{name}"

    @rule(name=st.sampled_from("ab"), count=st.integers(0, 4), again=st.integers(0, 3))
    def put(self, name: str, count: int, again: int) -> None:
        first = max(1, self.known[name] + 1 - again)
        items = [b"%d" % number for number in range(first, self.known[name] + 1 + count)]
        reply = self.channel.put(self.sender(name), first, items, 1)
        assert self.channel.state.closed == (reply.code is Code.CLOSED)
        self.known[name] = reply.known

    @rule(name=st.sampled_from("ab"), back=st.integers(0, 5))
    def withdraw(self, name: str, back: int) -> None:
        number = max(1, self.known[name] - back)
        answer = self.channel.withdraw(self.sender(name), number, 1)
        assert answer == self.channel.withdraw(self.sender(name), number, 1)

    @rule()
    def register(self) -> None:
        self.receivers[self.channel.register(HUB, 1)] = 1

    @precondition(lambda self: self.receivers)
    @rule(data=st.data(), want=st.integers(0, 4), again=st.booleans())
    def take(self, data: st.DataObject, want: int, again: bool) -> None:
        receiver = data.draw(st.sampled_from(sorted(self.receivers)))
        held = sorted(self.channel.held.get(receiver, {}))
        done = data.draw(st.lists(st.sampled_from([*held, 99])))
        waits = any(each.receiver == receiver for each in self.channel.line)
        first = max([self.receivers[receiver], *(number + 1 for number in held)])
        self.channel.take(receiver, first, want, 99, done, 1, again=again or waits)
        self.receivers[receiver] = max([first, *(number + 1 for number in self.channel.held.get(receiver, {}))])

    @precondition(lambda self: self.receivers)
    @rule(data=st.data(), count=st.booleans(), delay=st.sampled_from([None, 1.0]))
    def back(self, data: st.DataObject, count: bool, delay: float | None) -> None:
        receiver = data.draw(st.sampled_from(sorted(self.receivers)))
        which = data.draw(st.lists(st.sampled_from([*self.channel.held.get(receiver, {}), 99]), unique=True))
        self.channel.back(receiver, which, 1, count=count, reason="why", delay=delay)

    @precondition(lambda self: self.receivers)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        receiver = data.draw(st.sampled_from(sorted(self.receivers)))
        self.channel.end_lease(receiver, 1)
        del self.receivers[receiver]

    @rule(data=st.data(), seconds=st.sampled_from([0.5, 3.0, 9.0]))
    def renew(self, data: st.DataObject, seconds: float) -> None:
        self.told.now += seconds
        renewing = data.draw(st.lists(st.sampled_from([*self.receivers, 99]), unique=True))
        lost, _ = self.channel.renew(renewing)
        for receiver in lost:
            self.receivers.pop(receiver, None)
        for receiver in [each for each in self.receivers if each not in self.channel.leases]:
            del self.receivers[receiver]

    @rule(away=st.booleans())
    def go_away(self, away: bool) -> None:
        self.told.away = away

    @rule()
    def revive(self) -> None:
        self.channel.revive([])

    @precondition(lambda self: self.channel.accepted > 5)
    @rule(aborts=st.booleans())
    def close(self, aborts: bool) -> None:
        if aborts:
            self.channel.abort(None)
        else:
            self.channel.close(None)

    @invariant()
    def room_and_a_waiting_put_never_coexist(self) -> None:
        assert not (self.channel.puts and self.channel.room() > 0)
        assert self.channel.room() >= 0

    @invariant()
    def a_waiting_item_and_a_waiting_receiver_never_coexist(self) -> None:
        assert not (self.channel.queue and self.channel.line)

    @invariant()
    def it_is_drained_if_and_only_if_it_is_closed_and_stores_nothing(self) -> None:
        state = self.channel.state
        assert state.drained == (state.closed and not self.channel.stored())

    @invariant()
    def every_item_is_in_one_place(self) -> None:
        assert self.channel.stored() == self.channel.accepted - self.channel.left


TestServer = ServerMachine.TestCase
TestServer.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
