"""What breaks the promise of any queue, whatever its design.

Calls are taken as intervals, as in a linearizability check: what may have happened while two calls overlapped is no
fault. `A1` in a text is the first item that lane A put.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.explore.checks import GETS, PUTS, Violation
from tests.model.record import Call, Recorder, Seen
from tests.model.reference import Outcome
from tools.peers import Rules


class Run(NamedTuple):
    """What a run shows, be it on the scripted loop or on asyncio's own."""

    recorder: Recorder
    stuck: list[int]
    at_rest: dict[str, Seen]
    emptied: dict[str, Seen]
    complaints: list[str]
    does_not_end: str | None = None


class Done(NamedTuple):
    call: Call
    begun: int
    ended: int
    outcome: Outcome


def intervals(recorder: Recorder, channel: str) -> list[Done]:
    begun: dict[int, int] = {}
    found: list[Done] = []
    for place, event in enumerate(recorder.events):
        call = recorder.calls[event.call]
        if event.kind == "call":
            begun[event.call] = place
        elif event.outcome is not None and event.kind == "ends" and call.channel == channel:
            found.append(Done(call, begun[event.call], place, event.outcome))
    return found


def outcomes(recorder: Recorder) -> Iterator[tuple[Call, Outcome]]:
    for event in recorder.events:
        if event.kind == "ends" and event.outcome is not None:
            yield recorder.calls[event.call], event.outcome


def wrong_word(call: Call, outcome: Outcome) -> bool:
    """Return whether a call ended by an error that it must not raise."""
    return outcome.word == "error" or (call.verb in ("put", "get") and outcome.word in ("full", "empty"))


def faults(run: Run, rules: Rules) -> Iterator[Violation]:
    if run.does_not_end:
        yield Violation("does not end", run.does_not_end)
    # A lane's task that ends by an error is complained of too; the error is what counts.
    if not any(wrong_word(call, outcome) for call, outcome in outcomes(run.recorder)):
        for complaint in run.complaints:
            yield Violation("complaint of the loop", complaint)
    for channel, left in run.emptied.items():
        done = intervals(run.recorder, channel)
        yield from items(done)
        yield from closing(done, rules)
        for one in done:
            name = f"{one.call.lane}'s {one.call.verb}"
            if one.outcome.word == "error":
                yield Violation("internal error", f"{name} raised {one.outcome.value}")
            elif wrong_word(one.call, one.outcome):
                yield Violation("wrong error", f"{name}, which may wait, was told {one.outcome.word}")
        if left.senders or left.receivers:
            text = f"{left.senders} puts and {left.receivers} gets are kept, and nobody waits"
            yield Violation("waiter left over", text)
    for number in run.stuck:
        call = run.recorder.calls[number]
        seen = run.at_rest[call.channel]
        if call.verb == "join":
            ready = seen.closed and not seen.qsize
        else:
            ready = seen.closed or (not seen.full if call.verb in PUTS else seen.qsize > 0)
        if ready:
            yield Violation(
                "waits for ever", f"{call.lane}'s {call.verb}, with {seen.qsize} items, closed: {seen.closed}"
            )


def items(done: list[Done]) -> Iterator[Violation]:
    puts = {one.call.value: one for one in done if one.call.verb in PUTS}
    gets = [one for one in done if one.call.verb in GETS and one.outcome.word == "ok"]
    counts = Counter(one.outcome.value for one in gets)
    for item, put in puts.items():
        if put.outcome.word == "ok" and not counts[item]:
            yield Violation("lost item", f"{item}: its put returned, nobody received it, and it is not in the queue")
        if put.outcome.word != "ok" and counts[item]:
            yield Violation("put raised, item received", f"{item}: its put ended {put.outcome.word}")
        if counts[item] > 1:
            yield Violation("duplicated item", f"{item} was received {counts[item]} times")
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
        name = f"{one.call.lane}'s {one.call.verb}"
        if one.call.verb in PUTS and one.outcome.word == "ok":
            if (one.begun if rules.hands_over else one.ended) > closed:
                yield Violation("accepted after close", f"{name}({one.call.value})")
        elif one.call.verb in GETS and one.outcome.word == "closed" and one.ended < last_get:
            yield Violation("told closed too soon", f"{name}, and a get that began later received an item")
        elif (
            one.call.verb == "join"
            and one.outcome.word == "ok"
            and one.ended < max(last_get, closed if closed < math.inf else 0)
        ):
            yield Violation("join too soon", name)
