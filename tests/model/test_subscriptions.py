"""A broadcast beside its reference: any sequence of calls that do not wait has the same results."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aiochannel import Broadcast, ChannelClosed, ChannelEmpty, ChannelFull, ChannelLagged, End, Lag, Subscription
from tests.model.subscriptions import Exactly, Place
from tests.model.test_model import COMMON

numbers = st.integers(min_value=0, max_value=9)


class BroadcastMachine(RuleBasedStateMachine):
    @initialize(replay=st.sampled_from([0, 0, 1, 2]))
    def begin(self, replay: int) -> None:
        self.hub: Broadcast[int] = Broadcast(replay=replay)
        self.model = Exactly(replay)
        self.open: list[tuple[End[Subscription[int]], Subscription[int], Place]] = []
        self.items = 0

    @rule(size=st.integers(min_value=0, max_value=3), lag=st.sampled_from(Lag))
    def subscribe(self, size: int, lag: Lag) -> None:
        if size < max(self.model.replay, 1):
            size, lag = 0, Lag.WAIT
        end = self.hub.subscribe(size, lag=lag)
        self.open.append((end, end.__enter__(), self.model.subscribe(size, lag.name)))

    @rule()
    def put(self) -> None:
        self.items += 1
        try:
            self.hub.put_nowait(self.items)
        except (ChannelFull, ChannelClosed) as error:
            outcome = "full" if isinstance(error, ChannelFull) else "closed"
        else:
            outcome = "ok"
        assert self.model.put(self.items) == outcome

    @precondition(lambda self: self.open)
    @rule(number=numbers)
    def get(self, number: int) -> None:
        _, rx, place = self.open[number % len(self.open)]
        outcome: object
        try:
            outcome = rx.get_nowait()
        except ChannelLagged as lagged:
            outcome = ("lagged", lagged.missed)
        except (ChannelEmpty, ChannelClosed) as error:
            outcome = "empty" if isinstance(error, ChannelEmpty) else "closed"
        assert self.model.get(place) == outcome

    @precondition(lambda self: self.open)
    @rule(number=numbers)
    def missed(self, number: int) -> None:
        _, rx, place = self.open[number % len(self.open)]
        assert self.model.missed(place) == rx.missed()

    @precondition(lambda self: self.open)
    @rule(number=numbers)
    def leave(self, number: int) -> None:
        end, _, place = self.open.pop(number % len(self.open))
        end.leave()
        self.model.leave(place)

    @precondition(lambda self: self.items > 6)
    @rule()
    def close(self) -> None:
        assert self.hub.close() is not self.model.closed
        self.model.closed = True

    @invariant()
    def shows_the_same(self) -> None:
        held = [len(self.model.held(place)) for _, _, place in self.open]
        assert held == [rx.qsize() for _, rx, _ in self.open]
        assert self.model.full() == self.hub.full()
        assert len(self.model.attached()) == self.hub.subscribers


TestBroadcast = BroadcastMachine.TestCase
TestBroadcast.settings = settings(COMMON, max_examples=100, derandomize=True, database=None)
