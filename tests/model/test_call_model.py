"""Callers and callees in any order: each is told what `tests.model.calls` says."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from aiochannel import ChannelClosed, ChannelEmpty
from tests.conftest import ClockedLoop
from tests.model.calls import Requests
from tests.model.test_model import CHECK

places = st.integers(min_value=0, max_value=9)


class CallMachine(RuleBasedStateMachine):
    totals: ClassVar[Counter[str]] = Counter()

    @initialize(maxsize=st.sampled_from([0, 1, 2]))
    def make(self, maxsize: int) -> None:
        self.requests = Requests(maxsize)
        self.complaints: list[object] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.loop = ClockedLoop()
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))

    @rule()
    def ask(self) -> None:
        self.totals["calls"] += 1
        self.inside(lambda: self.tasks.append(self.loop.create_task(self.requests.ask(f"r{len(self.tasks)}"))))
        self.requests.callers[f"r{len(self.tasks) - 1}"] = self.tasks[-1]

    @rule(place=places)
    def cancel(self, place: int) -> None:
        if left := [task for task in self.tasks if not task.done()]:
            self.inside(left[place % len(left)].cancel)

    @rule()
    def take(self) -> None:
        self.inside(self._take)

    def _take(self) -> None:
        with contextlib.suppress(ChannelClosed, ChannelEmpty):
            self.requests.held.append(self.requests.channel.get_nowait())

    @rule(place=places, how=st.sampled_from(["reply", "reply", "fail", "block", "raise", "drop"]))
    def use(self, place: int, how: str) -> None:
        held = self.requests.held
        if held and how == "drop":
            self.inside(lambda: self.requests.drop([held.pop(place % len(held))]))
        elif held:
            self.inside(lambda: self.requests.use(how, held[place % len(held)]))

    @rule(aborts=st.booleans(), place=places)
    def close(self, aborts: bool, place: int) -> None:
        if place == 0:
            self.inside(lambda: self.end(aborts))

    def end(self, aborts: bool) -> None:
        self.requests.channel.close()
        if aborts:
            self.requests.drop(self.requests.channel.abort())

    @rule(passes=st.integers(min_value=1, max_value=3))
    def run(self, passes: int) -> None:
        for _ in range(passes):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def inside(self, function: Callable[[], object]) -> None:
        """Call a function as if a callback of the loop did it."""
        asyncio.events._set_running_loop(self.loop)  # made for event loops
        try:
            function()
        finally:
            asyncio.events._set_running_loop(None)

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
            self.inside(lambda: self.end(aborts=True))
            self.inside(lambda: self.requests.drop(self.requests.held))
            self.run(5)
            self.agree()
            assert all(task.done() for task in self.tasks)
        finally:
            self.loop.close()


def test_callers_and_callees_are_told_what_the_model_says() -> None:
    run_state_machine_as_test(CallMachine, settings=settings(CHECK, max_examples=50))
