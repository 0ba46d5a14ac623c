"""What must be true of every run, from the calls and their outcomes alone, and then what the reference machine says.

The first checks are one sentence each and know no machine: they hold for any channel that keeps the contract, whatever
it is made of. `A1` in a text is the first item that lane A put.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.explore.programs import PROBE, RENDEZVOUS, World
from tests.model.record import Call, Event, Follower, as_plain, differences
from tests.model.selects import CaseText

PUTS = ("put", "put_nowait", "put_many")
GETS = ("get", "next", "get_nowait", "get_many", "get_many_nowait")
ONE_WAIT = ("put", "get", "next", "get_many", "join")


class Violation(NamedTuple):
    kind: str
    text: str


class Put(NamedTuple):
    """An item and where in the record it was accepted, at the earliest and at the latest."""

    item: object
    earliest: int
    latest: int


def _plain(events: list[Event], calls: list[Call]) -> tuple[list[Event], list[Call]]:
    """The record, where a select that took a case counts as a plain get or put of that case."""
    if not any(call.verb == "select" for call in calls):
        return events, calls
    events, calls = events.copy(), calls.copy()
    for place, event in enumerate(events):
        if event.kind == "ends" and event.outcome is not None and calls[event.call].verb == "select":
            calls[event.call], outcome = as_plain(calls[event.call], event.outcome)
            events[place] = Event("ends", event.call, outcome)
    return events, calls


def selected_from(call: Call) -> tuple[CaseText, ...]:
    assert isinstance(call.value, tuple)
    return call.value


class Ledger:
    """The record of one channel, as far as it can be told from outside. A select counts as the case it took."""

    def __init__(self, world: World, channel: str) -> None:
        self.calls = world.recorder.calls
        self.size = {RENDEZVOUS: 0, 0: math.inf}.get(world.program.size, world.program.size)
        self.selected = any(
            case.channel == channel for call in self.calls if call.verb == "select" for case in selected_from(call)
        )
        events, calls = _plain(world.recorder.events, self.calls)
        self.events = [
            (place, event, calls[event.call])
            for place, event in enumerate(events)
            if calls[event.call].channel == channel
        ]
        self.begun = {event.call: place for place, event, _ in self.events if event.kind == "call"}
        self.accepted: list[Put] = []  # surely
        self.partly: list[tuple[object, ...]] = []  # batches that failed: a beginning of each
        self.received: list[tuple[object, int, str]] = []
        for place, event, call in self.events:
            if event.kind == "ends":
                self.note(place, event, call)
        closed_looks = [place for place, name, seen in world.seen if name == channel and seen.closed]
        self.closed_from = min(closed_looks, default=math.inf)

    def note(self, place: int, event: Event, call: Call) -> None:
        assert event.outcome is not None
        if call.verb in PUTS:
            batch = call.value if isinstance(call.value, tuple) else (call.value,)
            if event.outcome.word == "ok":
                earliest = self.begun[event.call] if call.verb == "put_many" else place
                self.accepted.extend(Put(item, earliest, place) for item in batch)
            elif call.verb == "put_many":
                self.partly.append(batch)
        elif event.outcome.word == "ok" and (call.verb in GETS or call.verb == "abort"):
            value = event.outcome.value
            for item in value if isinstance(value, tuple) else (value,):
                self.received.append((item, place, call.verb))


def check(world: World) -> list[Violation]:
    found = [Violation("does not end", world.failure)] if world.failure else []
    found.extend(Violation("noise", complaint) for complaint in world.loop.complaints)
    for name in world.program.channels():
        ledger = Ledger(world, name)
        rules = [exactly_once, fifo, woken_once, after_close, closed_is_final, joined]
        if not ledger.selected:
            rules.append(nothing_taken_from_waiters)  # who waits where is not to be seen of a select
        for rule in rules:
            found.extend(Violation(rule.__name__.replace("_", " "), text) for text in rule(ledger))
        if not world.program.any_order and not ledger.selected:
            found.extend(Violation("in turn", text) for text in in_turn(ledger))
    found.extend(Violation("stuck", text) for text in stuck(world))
    found.extend(Violation("left over", text) for text in left_over(world))
    found.extend(Violation("not explained", text) for text in explained(world))
    return found


def exactly_once(ledger: Ledger) -> Iterator[str]:
    """Everything accepted is received once, in the end by the probe; nothing else is; no other error occurs."""
    received = Counter(item for item, _, _ in ledger.received)
    accepted = {put.item for put in ledger.accepted}
    for item in accepted - set(received):
        yield f"{item} was accepted and is lost"
    for item, times in received.items():
        if times > 1:
            yield f"{item} was received {times} times"
    for batch in ledger.partly:
        came = [item in received for item in batch]
        if came != sorted(came, reverse=True):
            yield f"of {batch} later items were accepted and earlier ones not"
        accepted.update(batch[: sum(came)])
    for item in set(received) - accepted:
        yield f"{item} was received, and its put raised"
    for _, event, call in ledger.events:
        if event.outcome is not None and event.outcome.word == "error":
            yield f"{call.lane}'s {call.verb}: {event.outcome.value}"


def fifo(ledger: Ledger) -> Iterator[str]:
    """Items leave in the order in which they were accepted; what an abort takes out overtakes what is promised."""
    order = {put.item: (put.earliest, put.latest) for put in ledger.accepted}
    left = [item for item, _, verb in ledger.received if verb != "abort" and item in order]
    for place, later in enumerate(left):
        for earlier in left[:place]:
            if order[later][1] < order[earlier][0]:
                yield f"{later} was accepted before {earlier} and left after it"
    for batch in [call.value for _, _, call in ledger.events if isinstance(call.value, tuple)]:
        came = [item for item in left if item in batch]
        if came != sorted(came, key=batch.index):
            yield f"of {batch} came {came}"


def woken_once(ledger: Ledger) -> Iterator[str]:
    """A woken waiter never goes back to sleep."""
    suspended = [(event.call, call.verb) for _, event, call in ledger.events if event.kind == "waits"]
    waits = Counter(number for number, verb in suspended if verb in ONE_WAIT)
    for number, times in waits.items():
        if times > 1:
            yield f"{ledger.calls[number].lane}'s {ledger.calls[number].verb} was woken and waited again"


def in_turn(ledger: Ledger) -> Iterator[str]:
    """On a loop that runs tasks in the order in which they were woken, waiters go on in the order they came in."""
    lines: dict[bool, list[int]] = {True: [], False: []}
    for _, event, call in ledger.events:
        line = lines[call.verb in PUTS]
        if call.verb == "join":
            continue
        if event.kind == "waits":
            line.append(event.call)
        elif event.kind in ("cancel", "runs") and event.call in line:
            if event.kind == "runs" and line[0] != event.call:
                yield f"{call.lane}'s {call.verb} was woken before {ledger.calls[line[0]].lane}'s, which waited longer"
            line.remove(event.call)


class Tally:
    """Who waits, and how much is in the channel, at one place of the record. `cancelled`: is to be, and has not run."""

    def __init__(self) -> None:
        self.puts: dict[int, str] = {}
        self.gets: dict[int, str] = {}
        self.least = 0  # in the channel; a batch that is still being put is in doubt
        self.most = 0
        self.receivers_met: dict[int, int] = {}  # by waiting put: the most receivers that waited meanwhile


def nothing_taken_from_waiters(ledger: Ledger) -> Iterator[str]:
    """Whoever does not wait leaves an item, or a slot, for everyone who waits; capacity is Go's.

    An item is left unpromised only if every waiting get has been promised one, and room only if every waiting put has
    been granted a slot. So a call that goes ahead at once needs more than all who wait.
    """
    tally = Tally()
    size = ledger.size
    for _, event, call in ledger.events:
        number = event.call
        line = tally.puts if call.verb in PUTS else tally.gets
        if event.kind == "waits" and call.verb != "join":
            line[number] = "waits"
            for put in tally.puts:
                tally.receivers_met[put] = max(tally.receivers_met.get(put, 0), len(tally.gets))
        elif event.kind == "cancel" and number in line:
            line[number] = "cancelled"
        elif event.kind == "call" and call.verb == "put_many":
            assert isinstance(call.value, tuple)
            tally.most += len(call.value)
        elif event.kind == "ends" and event.outcome is not None:
            waited = line.pop(number, None)
            waiting = list(line.values()).count("waits")
            count = _count(event, call)
            if call.verb in PUTS and event.outcome.word == "ok":
                receivers = max(len(tally.gets), tally.receivers_met.get(number, 0))
                if waited is None and tally.least + waiting + count > size + len(tally.gets):
                    yield f"{call.lane}'s {call.verb} took the room of one who waits, or there was none"
                tally.least += count
                tally.most += count if call.verb != "put_many" else 0
                if tally.least > size + receivers:
                    yield f"{tally.least} items, and room for {size} and {receivers} receivers"
            elif count:
                if waited is None and call.verb != "abort" and tally.most - count < waiting:
                    yield f"{call.lane}'s {call.verb} took the item of one who waits"
                tally.least -= count
                tally.most -= count


def _count(event: Event, call: Call) -> int:
    assert event.outcome is not None
    if event.outcome.word != "ok" or call.verb not in (*PUTS, *GETS, "abort"):
        return 0
    value = call.value if call.verb in PUTS else event.outcome.value
    return len(value) if isinstance(value, tuple) else 1


def after_close(ledger: Ledger) -> Iterator[str]:
    """Nothing is accepted after close."""
    for place, event, call in ledger.events:
        if event.kind == "ends" and call.verb in PUTS and place >= ledger.closed_from:
            assert event.outcome is not None
            if event.outcome.word == "ok":
                yield f"{call.lane}'s {call.verb}({call.value}) was accepted after close"


def closed_is_final(ledger: Ledger) -> Iterator[str]:
    """A get that is told closed means: empty, for ever, for everyone."""
    last = max((place for _, place, _ in ledger.received), default=-1)
    left = {call.end: place for place, event, call in ledger.events if call.verb == "leave"}
    for place, event, call in ledger.events:
        if event.kind == "ends" and call.verb in GETS and place > left.get(call.end, math.inf):
            continue  # told so by its own end, which had left
        outcome = event.outcome if event.kind == "ends" and call.verb in GETS else None
        if outcome is not None and outcome.word in ("closed", "end") and place < last:
            yield f"{call.lane}'s {call.verb} was told closed, and an item was received after that"


def joined(ledger: Ledger) -> Iterator[str]:
    """A join returns only when the channel is closed and drained."""
    last = max((place for _, place, _ in ledger.received), default=-1)
    for place, event, call in ledger.events:
        over = call.verb == "join" and event.outcome is not None and event.outcome.word == "ok"
        if over and (place < last or any(put.latest > place for put in ledger.accepted)):
            yield f"{call.lane}'s join returned, and an item was received after that"


def stuck(world: World) -> Iterator[str]:
    """At rest, a get waits only on an open channel without items, a put on a full one, a join until it is drained."""
    for number in world.stuck:
        call = world.recorder.calls[number]
        if call.verb == "select":
            continue  # the reference machine says which of its cases is ready
        seen = world.at_rest[call.channel]
        if call.verb == "join":
            ready = seen.closed and not seen.qsize
        elif call.verb in PUTS:
            ready = seen.closed or not seen.full
        else:
            ready = seen.closed or seen.qsize > 0
        if ready:
            yield f"{call.lane}'s {call.verb} waits for ever, and it shows {seen}"


def left_over(world: World) -> Iterator[str]:
    """When nobody waits any more, the channel says so, takes what it has room for, and is freed when it is dropped."""
    for name in world.kept:
        yield f"channel {name} is kept alive"
    for name, seen in world.emptied.items():
        if seen.senders or seen.receivers:
            yield f"{seen.senders} senders and {seen.receivers} receivers wait, and there is nobody"
        outcomes = [
            (world.recorder.calls[event.call].verb, event.outcome.word)
            for event in world.recorder.events
            if event.outcome is not None and world.recorder.calls[event.call][0::3] == (PROBE, name)
        ]
        put = outcomes.count(("put_nowait", "ok"))
        if not seen.closed and world.program.size and put != max(world.program.size, 0):
            yield f"an empty channel of maxsize {world.program.size} took {put} items"


def explained(world: World) -> Iterator[str]:
    """The reference machine, taking the same steps, is told the same and shows the same."""
    follower = Follower(world.program.machines())
    for place, name, seen in world.seen:
        complaint = follower.follow(world.recorder, place) or differences(seen, follower.machines[name].look())
        if complaint:
            yield complaint
            return
        if place == world.rest_place and (complaint := follower.left_behind(world.recorder, world.stuck)):
            yield complaint
            return
    if complaint := follower.follow(world.recorder, len(world.recorder.events)):
        yield complaint
