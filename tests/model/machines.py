"""State machines that own an event loop: a task that is started, woken or cancelled runs when a rule lets it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.conftest import ClockedLoop

places = st.integers(min_value=0, max_value=9)


class LoopMachine(RuleBasedStateMachine):
    """It owns a loop, the tasks that it starts there, and what the loop complains of."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[object] = []

    @staticmethod
    def make_loop() -> asyncio.AbstractEventLoop:
        return ClockedLoop()

    def open_loop(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.loop = self.make_loop()
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """As if a callback of the loop did it."""
        asyncio.events._set_running_loop(self.loop)  # made for event loops
        try:
            yield
        finally:
            asyncio.events._set_running_loop(None)


class TaskMachine(LoopMachine):
    """One that cancels its tasks, and lets the loop make a few passes."""

    @rule(place=places)
    def cancel(self, place: int) -> None:
        if left := [task for task in self.tasks if not task.done()]:
            with self.inside():
                left[place % len(left)].cancel()

    @rule(passes=st.integers(min_value=1, max_value=3))
    def run(self, passes: int) -> None:
        for _ in range(passes):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
