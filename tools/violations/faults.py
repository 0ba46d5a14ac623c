"""What breaks the promise of any queue, whatever its design.

Calls are taken as intervals, as in a linearizability check: what may have happened while two calls overlapped is no
fault. `A1` in a text is the first item that lane A put.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tests.explore.checks import Violation, stuck
from tests.explore.world import Record
from tests.ledger import GETS, PUTS, Ledger
from tests.model.record import Call
from tests.model.reference import Outcome
from tools.peers import Rules


class Done(NamedTuple):
    """A call that is over: its places in the record."""

    call: Call
    begun: int
    ended: int
    outcome: Outcome

    @property
    def name(self) -> str:
        return f"{self.call.lane}'s {self.call.verb}"


def calls(record: Record) -> list[Done]:
    begun = {event.call: place for place, event in enumerate(record.events) if event.kind == "call"}
    return [
        Done(record.calls[event.call], begun[event.call], place, event.outcome)
        for place, event in enumerate(record.events)
        if event.kind == "ends" and event.outcome is not None
    ]


def faults(record: Record, rules: Rules) -> Iterator[Violation]:
    if record.failure:
        yield Violation("does not end", record.failure)
    done = calls(record)
    errors = list(wrong_errors(done))
    yield from errors
    # A lane's task that ends by an error is complained of too; the error is what counts.
    if not errors:
        for complaint in record.complaints:
            yield Violation("complaint of the loop", complaint)
    for text in stuck(record):
        yield Violation("waits for ever", text)
    for channel, left in record.emptied:
        here = [one for one in done if one.call.channel == channel]
        yield from items(here)
        yield from closing(here, rules)
        if left.senders or left.receivers:
            text = f"{left.senders} puts and {left.receivers} gets are kept, and nobody waits"
            yield Violation("waiter left over", text)


def wrong_errors(done: list[Done]) -> Iterator[Violation]:
    for one in done:
        if one.outcome.word == "error":
            yield Violation("internal error", f"{one.name} raised {one.outcome.value}")
        elif one.call.verb in ("put", "get") and one.outcome.word in ("full", "empty"):
            yield Violation("wrong error", f"{one.name}, which may wait, was told {one.outcome.word}")


def items(done: list[Done]) -> Iterator[Violation]:
    ledger = Ledger()
    for one in done:
        ledger.note(one.call.verb, one.call.value, one.outcome)
    puts = {one.call.value: one for one in done if one.call.verb in PUTS}
    for item in ledger.lost():
        yield Violation("lost item", f"{item}: its put returned, nobody received it, and it is not in the queue")
    for item in ledger.invented():
        yield Violation("put raised, item received", f"{item}: its put ended {puts[item].outcome.word}")
    for item, times in ledger.received.items():
        if times > 1:
            yield Violation("duplicated item", f"{item} was received {times} times")
    gets = [one for one in done if one.call.verb in GETS and one.outcome.word == "ok"]
    for first in gets:
        for second in gets:
            earlier, later = puts[second.outcome.value], puts[first.outcome.value]
            accepted = earlier.outcome.word == later.outcome.word == "ok"
            if accepted and earlier.ended < later.begun and first.ended < second.begun:
                text = f"{earlier.call.value} was put before {later.call.value} and received after it"
                yield Violation("out of order", text)


def closing(done: list[Done], rules: Rules) -> Iterator[Violation]:
    closed = min((one.ended for one in done if one.call.verb == "close"), default=math.inf)
    last_get = max((one.begun for one in done if one.call.verb in GETS and one.outcome.word == "ok"), default=-1)
    for one in done:
        if one.call.verb in PUTS and one.outcome.word == "ok":
            if (one.begun if rules.hands_over else one.ended) > closed:
                yield Violation("accepted after close", f"{one.name}({one.call.value})")
        elif one.call.verb in GETS and one.outcome.word == "closed" and one.ended < last_get:
            yield Violation("told closed too soon", f"{one.name}, and a get that began later received an item")
        elif (
            one.call.verb == "join"
            and one.outcome.word == "ok"
            and one.ended < max(last_get, closed if closed < math.inf else 0)
        ):
            yield Violation("join too soon", one.name)
