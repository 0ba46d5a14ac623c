"""The contract of a Watch as a sequential machine: a few lists and ifs.

A call is a ticket, as in `tests.model.reference`: `begin` carries out what a call does before it first waits, `resume`
what it does when its task runs again, and each returns what the caller is told, or `WAITS`. A ticket whose task is
being cancelled is `gone`. The heart is `settle`: nobody waits for a value that is unseen and promised to nobody, or
for what cannot come.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.model.reference import CANCELLED, EMPTY, WAITS, Outcome

CLOSED = Outcome("closed")


class Place(NamedTuple):
    """What a call waits for: a value for a reader, the end of a reader, or the close (no reader)."""

    watch: "WatchReference"
    verb: str
    reader: str = ""


class Ticket:
    """One call, which waits at one place, or a select, which waits at several."""

    def __init__(self, places: Sequence[Place], is_select: bool = False) -> None:
        self.places = places
        self.is_select = is_select
        self.woken_at: Place | None = None
        self.gone: Callable[[], bool] = lambda: False

    def waits(self) -> bool:
        return self.woken_at is None and not self.gone()

    def begin(self) -> Outcome:
        for place in self.places:
            outcome = place.watch.attempt(place)
            if outcome is not WAITS:
                return self.told(place, outcome)
        for place in self.places:
            place.watch.waiting.append((place, self))
        return WAITS

    def resume(self, cancelled: bool) -> Outcome:
        place = self.woken_at
        for each in self.places:
            each.watch.waiting = [entry for entry in each.watch.waiting if entry[1] is not self]
        outcome = CANCELLED if cancelled or place is None else self.told(place, place.watch.use(place))
        for each in self.places:
            each.watch.settle()
        return outcome

    def told(self, place: Place, outcome: Outcome) -> Outcome:
        if self.is_select and outcome.word == "ok":
            return Outcome("ok", (self.places.index(place), outcome.value))
        return outcome


class WatchReference:
    """One Watch and its readers."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.version = 0
        self.closed = False
        self.seen: dict[str, int] = {}
        self.waiting: list[tuple[Place, Ticket]] = []

    def unseen(self, reader: str) -> bool:
        return self.seen.get(reader, -1) != self.version

    def promised(self, reader: str) -> bool:
        return any(ticket.woken_at == place and place.verb == "get" and place.reader == reader and self.unseen(reader)
                   for place, ticket in self.waiting)  # fmt: skip

    def waiters(self, reader: str, verb: str = "get") -> list[tuple[Place, Ticket]]:
        return [(place, ticket) for place, ticket in self.waiting if place[1:] == (verb, reader) and ticket.waits()]

    def available(self, reader: str) -> bool:
        return self.unseen(reader) and not self.promised(reader)

    # Calls that need not wait

    def set(self, value: object) -> Outcome:
        if self.closed:
            return CLOSED
        self.value = value
        self.version += 1
        self.settle()
        return Outcome("ok")

    def close(self) -> Outcome:
        first, self.closed = not self.closed, True
        self.settle()
        return Outcome("ok", first)

    def get_nowait(self, reader: str) -> Outcome:
        outcome = self.attempt(Place(self, "get", reader))
        return EMPTY if outcome is WAITS else outcome

    # Calls that wait

    def attempt(self, place: Place) -> Outcome:
        if place.verb == "get" and self.available(place.reader):
            return self.use(place)
        if self.closed and (place.verb == "wait_closed" or not self.unseen(place.reader)):
            return self.use(place)
        return WAITS

    def use(self, place: Place) -> Outcome:
        if place.verb != "get":
            return Outcome("ok")
        if not self.unseen(place.reader):
            return CLOSED
        self.seen[place.reader] = self.version
        self.settle()
        return Outcome("ok", self.value)

    def settle(self) -> None:
        if self.closed:
            self.wake(self.waiters("", "wait_closed"))
        for reader in self.seen:
            if self.available(reader):
                self.wake(self.waiters(reader)[:1])
            elif self.closed and not self.unseen(reader):
                self.wake(self.waiters(reader))
                self.wake(self.waiters(reader, "join"))

    def wake(self, waiters: Sequence[tuple[Place, Ticket]]) -> None:
        for place, ticket in waiters:
            ticket.woken_at = place
