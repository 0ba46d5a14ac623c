"""What must be true of every run, from the calls and their outcomes alone, and then what the reference machine says.

The first checks are one sentence each and know no machine: they hold for any channel that keeps the contract, whatever
it is made of. `A1` in a text is the first item that lane A put.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, cast

from tests.explore.probe import PROBE
from tests.explore.programs import Program
from tests.explore.world import Record
from tests.ledger import GETS, PUTS, TAKES, WATCHES, Ledger, as_batch, could_go_on
from tests.model.record import Call, Event, Follower, as_plain, mismatch
from tests.model.reference import capacity
from tests.model.selects import CaseText


class Violation(NamedTuple):
    kind: str
    text: str


class Put(NamedTuple):
    """An item and where in the record it was accepted, at the earliest and at the latest."""

    item: object
    earliest: int
    latest: int


def _plain(record: Record) -> tuple[list[Event], list[Call]]:
    """Return the record, where a select that took a case counts as a plain get or put of that case."""
    events, calls = list(record.events), list(record.calls)
    for place, event in enumerate(events):
        if event.kind == "ends" and event.outcome is not None and calls[event.call].verb == "select":
            calls[event.call], outcome = as_plain(calls[event.call], event.outcome)
            events[place] = Event("ends", event.call, outcome)
    return events, calls


def selected_from(call: Call) -> tuple[CaseText, ...]:
    assert isinstance(call.value, tuple)
    return call.value


class History:
    """The record of one channel, as far as its users can tell it. A select counts as the case it took."""

    def __init__(self, script: Program, record: Record, channel: str) -> None:
        self.calls = record.calls
        self.size = capacity(script.size)
        selects = [call for call in self.calls if call.verb == "select"]
        self.selected = any(case.channel == channel for call in selects for case in selected_from(call))
        events, calls = _plain(record) if selects else (record.events, record.calls)
        self.events = [
            (place, event, calls[event.call])
            for place, event in enumerate(events)
            if calls[event.call].channel == channel
        ]
        self.begun = {event.call: place for place, event, _ in self.events if event.kind == "call"}
        self.ledger = Ledger()
        self.ledger.receive(item for name, item in record.dropped if name == channel)
        self.accepted: list[Put] = []  # surely
        self.received: list[tuple[object, int, str]] = []
        for place, event, call in self.events:
            if event.kind == "ends" and event.outcome is not None:
                self.ledger.note(call.verb, call.value, event.outcome)
                if event.outcome.word == "ok":
                    self.note_place(place, event, call)
        closed_looks = [place for place, name, seen in record.seen if name == channel and seen.closed]
        self.closed_from = min(closed_looks, default=math.inf)

    def note_place(self, place: int, event: Event, call: Call) -> None:
        if call.verb in PUTS:
            earliest = self.begun[event.call] if call.verb == "put_many" else place
            self.accepted += [Put(item, earliest, place) for item in as_batch(call.value)]
        elif call.verb in TAKES and event.outcome is not None:
            self.received += [(item, place, call.verb) for item in as_batch(event.outcome.value)]


def check(script: Program, record: Record) -> list[Violation]:
    found = [Violation("does not end", record.failure)] if record.failure else []
    found.extend(Violation("noise", complaint) for complaint in record.complaints)
    for name in script.channels():
        history = History(script, record, name)
        rules = [exactly_once, woken_once, after_close, closed_is_final, joined]
        if not script.ordered:
            rules.append(fifo)
        if not history.selected and not script.policy:
            rules.append(nothing_taken_from_waiters)  # who waits where is not to be seen of a select
            if not script.any_order:
                rules.append(in_turn)
        for rule in rules:
            found.extend(Violation(rule.__name__.replace("_", " "), text) for text in rule(history))
    found.extend(Violation("stuck", text) for text in stuck(record))
    found.extend(Violation("left over", text) for text in left_over(script, record))
    found.extend(Violation("not explained", text) for text in explained(script, record))
    return found


def exactly_once(history: History) -> Iterator[str]:
    """Everything accepted is received once, in the end by the probe; nothing else is; no other error occurs."""
    yield from history.ledger.violations()
    for _, event, call in history.events:
        if event.outcome is not None and event.outcome.word == "error":
            yield f"{call.lane}'s {call.verb}: {event.outcome.value}"


def fifo(history: History) -> Iterator[str]:
    """Items leave in the order in which they were accepted; what an abort takes out overtakes what is promised."""
    order = {put.item: (put.earliest, put.latest) for put in history.accepted}
    left = [item for item, _, verb in history.received if verb != "abort" and item in order]
    for place, later in enumerate(left):
        for earlier in left[:place]:
            if order[later][1] < order[earlier][0]:
                yield f"{later} was accepted before {earlier} and left after it"
    for batch in dict.fromkeys(call.value for _, _, call in history.events if isinstance(call.value, tuple)):
        came = [item for item in left if item in batch]
        if came != sorted(came, key=batch.index):
            yield f"of {batch} came {came}"


def woken_once(history: History) -> Iterator[str]:
    """A woken waiter never goes back to sleep."""
    suspended = [(event.call, call.verb) for _, event, call in history.events if event.kind == "waits"]
    waits = Counter(number for number, verb in suspended if verb != "put_many")  # which waits for each of its items
    for number, times in waits.items():
        if times > 1:
            yield f"{history.calls[number].lane}'s {history.calls[number].verb} was woken and waited again"


def in_turn(history: History) -> Iterator[str]:
    """On a loop that runs tasks in the order in which they were woken, waiters go on in the order they came in."""
    lines: dict[bool, list[int]] = {True: [], False: []}
    for _, event, call in history.events:
        line = lines[call.verb in PUTS]
        if call.verb in WATCHES:
            continue
        if event.kind == "waits":
            line.append(event.call)
        elif event.kind in ("cancel", "runs") and event.call in line:
            if event.kind == "runs" and line[0] != event.call:
                yield f"{call.lane}'s {call.verb} was woken before {history.calls[line[0]].lane}'s, which waited longer"
            line.remove(event.call)


class Moment:
    """Who waits, and how much is in the channel, at one place of the record. `cancelled`: is to be, and has not run."""

    def __init__(self) -> None:
        self.puts: dict[int, str] = {}
        self.gets: dict[int, str] = {}
        self.least = 0  # in the channel; a batch that is still being put is in doubt
        self.most = 0
        self.receivers_met: dict[int, int] = {}  # by waiting put: the most that receivers asked for meanwhile
        self.limits: dict[int, int] = {}

    def room(self) -> int:
        """Return the most that the waiting receivers may ask for."""
        return sum(self.limits[number] for number in self.gets)


def nothing_taken_from_waiters(history: History) -> Iterator[str]:
    """Whoever does not wait leaves an item, or a slot, for everyone who waits; capacity is Go's.

    An item is left unpromised only if every waiting get has been promised one, and room only if every waiting put has
    been granted a slot. So a call that goes ahead at once needs more than all who wait.
    """
    now = Moment()
    size = history.size
    for _, event, call in history.events:
        number = event.call
        line = now.puts if call.verb in PUTS else now.gets
        if event.kind == "waits" and call.verb not in WATCHES:
            line[number] = "waits"
            now.limits[number] = cast("int", call.value) if call.verb == "batch" else 1
            for put in now.puts:
                now.receivers_met[put] = max(now.receivers_met.get(put, 0), now.room())
        elif event.kind == "cancel" and number in line:
            line[number] = "cancelled"
        elif event.kind == "call" and call.verb == "put_many":
            assert isinstance(call.value, tuple)
            now.most += len(call.value)
        elif event.kind == "ends" and event.outcome is not None:
            waited = line.pop(number, None)
            waiting = list(line.values()).count("waits")
            count = _count(event, call)
            if call.verb in PUTS and event.outcome.word == "ok":
                receivers = max(now.room(), now.receivers_met.get(number, 0))
                if waited is None and now.least + waiting + count > size + now.room():
                    yield f"{call.lane}'s {call.verb} took the room of one who waits, or there was none"
                now.least += count
                now.most += count if call.verb != "put_many" else 0
                if now.least > size + receivers:
                    yield f"{now.least} items, and room for {size} and {receivers} receivers"
            elif count:
                if waited is None and call.verb != "abort" and now.most - count < waiting:
                    yield f"{call.lane}'s {call.verb} took the item of one who waits"
                now.least -= count
                now.most -= count


def _count(event: Event, call: Call) -> int:
    assert event.outcome is not None
    if event.outcome.word != "ok" or call.verb not in (*PUTS, *TAKES):
        return 0
    return len(as_batch(call.value if call.verb in PUTS else event.outcome.value))


def after_close(history: History) -> Iterator[str]:
    """Nothing is accepted after close."""
    for place, event, call in history.events:
        if event.kind == "ends" and call.verb in PUTS and place >= history.closed_from:
            assert event.outcome is not None
            if event.outcome.word == "ok":
                yield f"{call.lane}'s {call.verb}({call.value}) was accepted after close"


def closed_is_final(history: History) -> Iterator[str]:
    """A get that is told closed means: empty, for ever, for everyone."""
    last = max((place for _, place, _ in history.received), default=-1)
    left = {call.end: place for place, event, call in history.events if call.verb == "leave"}
    for place, event, call in history.events:
        if event.kind == "ends" and call.verb in GETS and place < last:
            assert event.outcome is not None
            own_end_left = place > left.get(call.end, math.inf)  # which is why it was told so
            if event.outcome.word in ("closed", "end") and not own_end_left:
                yield f"{call.lane}'s {call.verb} was told closed, and an item was received after that"


def joined(history: History) -> Iterator[str]:
    """A join returns only when the channel is closed and drained."""
    last = max((place for _, place, _ in history.received), default=-1)
    for place, event, call in history.events:
        over = call.verb == "join" and event.outcome is not None and event.outcome.word == "ok"
        if over and (place < last or any(put.latest > place for put in history.accepted)):
            yield f"{call.lane}'s join returned, and an item was received after that"


def stuck(record: Record) -> Iterator[str]:
    """At rest, a get waits only on an open channel without items, a put on a full one, a join until it is drained."""
    shown = dict(record.at_rest)
    for number in record.stuck:
        call = record.calls[number]
        # Of a select the reference machine says which of its cases is ready.
        if call.verb != "select" and could_go_on(call.verb, shown[call.channel]):
            yield f"{call.lane}'s {call.verb} waits for ever, and it shows {shown[call.channel]}"


def left_over(script: Program, record: Record) -> Iterator[str]:
    """When nobody waits any more, the channel says so, takes what it has room for, and is freed when it is dropped."""
    for name in record.kept:
        yield f"channel {name} is kept alive"
    for name, seen in record.emptied:
        if seen.senders or seen.receivers:
            yield f"{seen.senders} senders and {seen.receivers} receivers wait, and there is nobody"
        outcomes = [
            (record.calls[event.call].verb, event.outcome.word)
            for event in record.events
            if event.outcome is not None and record.calls[event.call][0::3] == (PROBE, name)
        ]
        put = outcomes.count(("put_nowait", "ok"))
        takes = max(script.size, 0) + bool(script.policy)  # and one more than that was tried
        if not seen.closed and script.size and put != takes:
            yield f"an empty channel of maxsize {script.size} took {put} items"


def explained(script: Program, record: Record) -> Iterator[str]:
    """The reference machine, taking the same steps, is told the same and shows the same."""
    follower = Follower(script.machines())
    for place, name, seen in record.seen:
        complaint = follower.follow(record, place) or mismatch(seen, follower.machines[name].look())
        if complaint:
            yield complaint
            return
        if place == record.rest_place and (complaint := follower.left_behind(record, record.stuck)):
            yield complaint
            return
    if complaint := follower.follow(record, len(record.events)):
        yield complaint
    for name, machine in follower.machines.items():
        dropped = [item for channel, item in record.dropped if channel == name]
        if dropped != machine.dropped:
            yield f"{name} dropped {dropped}, and should have dropped {machine.dropped}"
