"""The reference of a broadcast: one list of accepted items, and a cursor for each subscription.

It knows no waiting. A put that returns is one `accept`, a get that returns one `receive`, in the step in which they
return. Items are told apart by their value, so each is put once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf


@dataclass
class Cursor:
    """What one subscription was told."""

    log: list[object]
    start: int
    size: float
    lossy: bool = False
    received: list[object] = field(default_factory=list)
    told: int = 0
    """How many items it was told that it has missed."""
    end: int | None = None
    """How many items were accepted when it left, or was cut off."""
    wrong: list[str] = field(default_factory=list)

    def receive(self, item: object) -> None:
        stream = self.log[self.start : self.end]
        if item not in stream:
            self.wrong.append(f"{item} was received, and was put before or after, or never")
            return
        place = stream.index(item)
        if self.received and place <= stream.index(self.received[-1]):
            self.wrong.append(f"{item} was received after {self.received[-1]}")
        self.received.append(item)
        if place + 1 - len(self.received) > (self.told if self.lossy else 0):
            self.wrong.append(f"{item} was received, and {place + 1 - len(self.received)} before it were not")

    def held(self) -> int:
        """Return how many items are in it, or were dropped without its being told."""
        return len(self.log[self.start : self.end]) - len(self.received) - self.told


class Broadcasted:
    """All subscriptions of one broadcast."""

    def __init__(self, replay: int = 0) -> None:
        self.log: list[object] = []
        self.replay = replay
        self.cursors: list[Cursor] = []

    def accept(self, item: object) -> None:
        self.log.append(item)

    def subscribe(self, maxsize: int, *, lossy: bool = False) -> Cursor:
        cursor = Cursor(self.log, max(0, len(self.log) - self.replay), maxsize or inf, lossy)
        self.cursors.append(cursor)
        return cursor

    def violations(self) -> Iterator[str]:
        for cursor in self.cursors:
            yield from cursor.wrong
            if cursor.held() < 0:
                yield f"{cursor.received} were received, and {cursor.told} were missed, of {self.log[cursor.start :]}"


@dataclass(eq=False)
class Place:
    """A subscription as a cursor, exactly: what it holds is what was accepted from the cursor on."""

    cursor: int
    size: float
    lag: str
    end: int | None = None
    untold: int = 0


class Exactly:
    """A broadcast without anybody who waits."""

    def __init__(self, replay: int) -> None:
        self.log: list[int] = []
        self.replay = replay
        self.closed = False
        self.places: list[Place] = []

    def attached(self) -> list[Place]:
        return [place for place in self.places if place.end is None]

    def held(self, place: Place) -> list[int]:
        return self.log[place.cursor : place.end]

    def subscribe(self, size: int, lag: str) -> Place:
        place = Place(max(0, len(self.log) - self.replay), size or inf, lag)
        self.places.append(place)
        return place

    def full(self) -> bool:
        return any(place.lag == "WAIT" and len(self.held(place)) >= place.size for place in self.attached())

    def put(self, item: int) -> str:
        if self.closed or self.full():
            return "closed" if self.closed else "full"
        self.log.append(item)
        for place in self.attached():
            if len(self.held(place)) > place.size:
                place.untold += 1
                if place.lag == "DISCONNECT":
                    place.end = len(self.log) - 1
                else:
                    place.cursor += 1
        return "ok"

    def get(self, place: Place) -> object:
        if place.lag == "RAISE" and place.untold:
            return ("lagged", self.missed(place))
        if not self.held(place):
            return "closed" if self.closed or place.end is not None else "empty"
        place.cursor += 1
        return self.log[place.cursor - 1]

    def missed(self, place: Place) -> int:
        untold, place.untold = place.untold, 0
        return untold

    def leave(self, place: Place) -> None:
        self.places.remove(place)
        place.end = place.cursor
