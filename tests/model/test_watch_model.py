"""Watches beside their reference machines: any sequence of calls, cancels and passes of the loop has the same results.

The rules own the loop, as in `test_model`: a task that is started, woken or cancelled does not run before a rule lets
the loop make a pass.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from tests.budgets import SHIPPED, SMALL
from tests.model.machines import TaskMachine
from tests.model.test_model import CHECK
from tests.model.watches import Watches

READERS = ("a1", "a2", "b1")
PLACES = (*READERS, "a", "b")

readers = st.sampled_from(READERS)
names = st.sampled_from("aab")
calls = st.one_of(
    st.tuples(st.just("get"), readers),
    st.tuples(st.just("join"), readers),
    st.tuples(st.just("wait_closed"), names),
    # Two readers of one Watch in one select: which of them a set wakes is not settled, so no machine says it.
    st.tuples(st.just("select"), st.sampled_from(["a1", "a2", "a"]), st.sampled_from(["b1", "b", "a"])),
)


class WatchMachine(TaskMachine):
    eager: ClassVar[bool] = False
    totals: ClassVar[Counter[str]] = Counter()

    @initialize(rests=st.booleans())
    def make(self, *, rests: bool = False) -> None:
        (SMALL if rests else SHIPPED).apply()
        self.watches = Watches()
        for name in READERS:
            self.watches.reader(name)
        self.open_loop()
        if self.eager and sys.version_info >= (3, 12):
            self.loop.set_task_factory(asyncio.eager_task_factory)

    @rule(parts=calls)
    def start(self, parts: Sequence[str]) -> None:
        verb, *places = dict.fromkeys(parts)
        self.totals["calls"] += 1
        with self.inside():
            self.tasks.append(self.loop.create_task(self.perform(verb, places)))

    async def perform(self, verb: str, places: Sequence[str]) -> None:
        await self.watches.call(verb, *places)

    @rule(verb=st.sampled_from(["set", "set", "set", "close", "get_nowait"]), name=names, reader=readers)
    def now(self, verb: str, name: str, reader: str) -> None:
        if verb == "close" and len(self.tasks) % 4:
            return  # seldom, so that long programs have open Watches
        self.totals["calls"] += 1
        with self.inside():
            self.watches.now(verb, reader if verb == "get_nowait" else name)

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "watches"):
            self.watches.agree()
            assert not self.complaints, self.complaints

    @override
    def teardown(self) -> None:
        if not hasattr(self, "watches"):
            return
        self.totals["examples"] += 1
        try:
            self.run(5)
            self.watches.at_rest()
            with self.inside():
                self.watches.now("close", "a")
                self.watches.now("close", "b")
            self.run(5)
            with self.inside():
                for reader in READERS:
                    self.watches.now("get_nowait", reader)
                    self.watches.now("get_nowait", reader)
            self.run(5)
            self.agree()
            assert all(task.done() for task in self.tasks)
            assert not any(real._known or real._quiet for real in self.watches.real.values())
        finally:
            SHIPPED.apply()
            self.loop.close()


class EagerWatchMachine(WatchMachine):
    eager = True
    totals: ClassVar[Counter[str]] = Counter()


def test_watches_agree_with_the_reference() -> None:
    run_state_machine_as_test(WatchMachine, settings=settings(CHECK, max_examples=50))


def test_watches_agree_with_the_reference_where_tasks_are_eager() -> None:
    run_state_machine_as_test(EagerWatchMachine, settings=settings(CHECK, max_examples=20))
