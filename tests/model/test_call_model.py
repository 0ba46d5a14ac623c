"""Callers and callees in any order: each is told what `tests.model.calls` says."""

from collections import Counter
from contextlib import suppress
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from aiochannel import ChannelClosed, ChannelEmpty
from tests.model.calls import Requests
from tests.model.machines import TaskMachine, places
from tests.model.test_model import CHECK


class CallMachine(TaskMachine):
    totals: ClassVar[Counter[str]] = Counter()

    @initialize(maxsize=st.sampled_from([0, 1, 2]))
    def make(self, maxsize: int) -> None:
        self.requests = Requests(maxsize)
        self.open_loop()

    @rule()
    def ask(self) -> None:
        self.totals["calls"] += 1
        with self.inside():
            self.tasks.append(self.loop.create_task(self.requests.ask(f"r{len(self.tasks)}")))
        self.requests.callers[f"r{len(self.tasks) - 1}"] = self.tasks[-1]

    @rule()
    def take(self) -> None:
        with self.inside(), suppress(ChannelClosed, ChannelEmpty):
            self.requests.held.append(self.requests.channel.get_nowait())

    @rule(place=places, how=st.sampled_from(["reply", "reply", "fail", "block", "raise", "drop"]))
    def use(self, place: int, how: str) -> None:
        held = self.requests.held
        with self.inside():
            if held and how == "drop":
                self.requests.drop([held.pop(place % len(held))])
            elif held:
                self.requests.use(how, held[place % len(held)])

    @rule(aborts=st.booleans(), place=places)
    def close(self, aborts: bool, place: int) -> None:
        if place == 0:
            self.end(aborts)

    def end(self, aborts: bool) -> None:
        with self.inside():
            self.requests.channel.close()
            if aborts:
                self.requests.drop(self.requests.channel.abort())

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "requests"):
            self.requests.agree()
            assert not self.complaints, self.complaints

    @override
    def teardown(self) -> None:
        if not hasattr(self, "requests"):
            return
        self.totals["examples"] += 1
        try:
            self.run(5)
            self.end(aborts=True)
            with self.inside():
                self.requests.drop(self.requests.held)
            self.run(5)
            self.agree()
            assert all(task.done() for task in self.tasks)
        finally:
            self.loop.close()


def test_callers_and_callees_are_told_what_the_model_says() -> None:
    run_state_machine_as_test(CallMachine, settings=settings(CHECK, max_examples=50))
