"""Items in, items out: whether everything accepted by a channel was received once, and nothing else was.

A `Ledger` is fed with what the users of one channel were told, call by call, and knows no machine. The explorer, the
model and the soak keep one for each channel.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from tests.model.record import Seen
from tests.model.reference import Outcome

PUTS = ("put", "put_nowait", "put_many")
GETS = ("get", "next", "get_nowait", "get_many", "get_many_nowait", "batch")
TAKES = (*GETS, "abort")
WATCHES = ("join", "wait_closed")

Batch = tuple[object, ...]


def as_batch(value: object) -> Batch:
    """Return the items that a call put or took: a tuple is a batch, anything else one item."""
    return value if isinstance(value, tuple) else (value,)


class Ledger:
    """What was accepted and what was received. An item may occur more than once, and is then counted."""

    def __init__(self) -> None:
        self.accepted: dict[object, int] = {}  # surely, and how often
        self.doubtful: list[Batch] = []  # batches whose put failed: a beginning of each was accepted, perhaps nothing
        self.received: dict[object, int] = {}

    def note(self, verb: str, value: object, outcome: Outcome) -> None:
        """Note how a call ended: `value` is what it put, the outcome's value what it took."""
        if verb in PUTS:
            if outcome.word == "ok":
                self.accept(as_batch(value))
            elif verb == "put_many":
                self.doubtful.append(as_batch(value))
        elif outcome.word == "ok" and verb in TAKES:
            self.receive(as_batch(outcome.value))

    def accept(self, items: Iterable[object]) -> None:
        for item in items:
            self.accepted[item] = self.accepted.get(item, 0) + 1

    def receive(self, items: Iterable[object]) -> None:
        for item in items:
            self.received[item] = self.received.get(item, 0) + 1

    def lost(self) -> list[object]:
        """Return what was surely accepted and not received."""
        return [item for item, times in self.accepted.items() if self.received.get(item, 0) < times]

    def repeated(self) -> list[object]:
        """Return what was accepted, and received more often than it was accepted."""
        possible = self.possible()
        return [item for item, times in self.received.items() if 0 < possible[item] < times]

    def invented(self) -> list[object]:
        """Return what was received and never accepted: nobody put it, or its put raised."""
        possible = self.possible()
        return [item for item in self.received if item not in possible]

    def torn(self) -> list[Batch]:
        """Return the batches of which a later item was accepted and an earlier one was not."""
        possible = self.possible()
        came = [
            (batch, [item in self.received for item in batch])
            for batch in self.doubtful
            if all(possible[item] == 1 for item in batch)  # or the item may have come from somewhere else
        ]
        return [batch for batch, each in came if each != sorted(each, reverse=True)]

    def possible(self) -> Counter[object]:
        return Counter(self.accepted) + Counter(chain.from_iterable(self.doubtful))

    def violations(self) -> Iterator[str]:
        if self.accepted == self.received and not self.doubtful:
            return  # which is so nearly always
        for item in self.lost():
            yield f"{item} was accepted and is lost"
        for item in self.repeated():
            yield f"{item} was received {self.received[item]} times"
        for item in self.invented():
            yield f"{item} was received, and no put of it returned"
        for batch in self.torn():
            yield f"of {batch} later items were accepted and earlier ones not"


def could_go_on(verb: str, seen: Seen) -> bool:
    """Return whether a call that waits should not, by what its channel shows."""
    if verb == "join":
        return seen.closed and not seen.qsize
    if verb in ("wait_closed", "closed"):
        return seen.closed
    return seen.closed or (not seen.full if verb in PUTS else seen.qsize > 0)
