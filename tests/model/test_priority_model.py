"""The PriorityChannel beside the reference machine with a key, under the rules of `test_model`, lost loops included.

Its keys are few, so that many items have an equal one, and most of these can be told apart.
"""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from aiochannel import PriorityChannel
from tests.model.record import Follower
from tests.model.reference import Reference
from tests.model.test_model import CHECK, LosingMachine

like = st.integers(min_value=1, max_value=9)
"""Many of these have an equal key."""


def key_of(item: object) -> float:
    return -(item % 2) if isinstance(item, int) else -1


class PriorityMachine(LosingMachine):
    totals: ClassVar[Counter[str]] = Counter()

    @initialize(size=st.sampled_from([2, 3, 1, 0]))
    @override
    def make(self, size: int, *, rests: bool = False, policy: str = "", quiet: bool = False) -> None:
        super().make(size)  # its batches let others run between their items
        self.channel = PriorityChannel[object](size, key=key_of)
        self.follower = Follower({"a": Reference(size, key=key_of), "b": Reference(1)})

    @precondition(lambda self: self.channel.maxsize > 1 and not self.channel.closed())
    @rule(waits=st.lists(like, min_size=1, max_size=2), item=like)
    def overtake(self, waits: Sequence[int], item: int) -> None:
        """Let puts wait for room, and put another item before those run that are granted it."""
        while not self.channel.full():
            self.put_nowait(None, 9)
        for each in waits:
            self.put(each, None, 9)
        self.one_pass()
        for _ in range(len(waits) + 1):
            self.get_nowait(9)
        self.put_nowait(item, 9)
        self.one_pass()
        self.peek()


class EagerPriorityMachine(PriorityMachine):
    eager = True
    totals: ClassVar[Counter[str]] = Counter()


def test_a_priority_channel_agrees_with_the_reference() -> None:
    run_state_machine_as_test(PriorityMachine, settings=settings(CHECK, max_examples=60))
