"""Watches beside their reference machines: the calls of programs and of the state machine, compared step by step."""

from collections.abc import Callable, Iterator

from aiochannel import Receiver, Watch, select_any
from tests.model.reference import Outcome
from tests.model.steps import Stepped, SteppedCall, outcome_of
from tests.model.watch_reference import Place, Ticket, WatchReference


class Watches:
    """Some Watches, each with some readers, and what was found wrong.

    A reader is named by its Watch and a number, such as `a1`.
    """

    def __init__(self, names: str = "ab") -> None:
        self.real = {name: Watch[object](f"{name}0") for name in names}
        self.references = {name: WatchReference(f"{name}0") for name in names}
        self.readers: dict[str, Receiver[object]] = {}
        self.count = 0
        self.wrong: list[str] = []

    def reader(self, name: str) -> Receiver[object]:
        if name not in self.readers:
            self.readers[name] = self.real[name[0]].observe()
            self.references[name[0]].seen[name] = -1
        return self.readers[name]

    def call(self, verb: str, *places: str) -> Stepped:
        """Return a call that may wait: `get a1`, `join a1`, `wait_closed a`, or `select a1 b1 a`."""
        match verb:
            case "get":
                call: SteppedCall = self.reader(places[0]).get()
            case "join":
                call = self.reader(places[0]).join()
            case "wait_closed":
                call = self.real[places[0]].wait_closed()
            case _:
                cases = [
                    self.real[place].on_close() if len(place) == 1 else self.reader(place).on_get() for place in places
                ]
                call = select_any(cases, biased=True)
        return Stepped(call, Ticket([self.place(verb, place) for place in places], verb == "select"), self.wrong.append)

    def place(self, verb: str, place: str) -> Place:
        reference = self.references[place[0]]
        if len(place) == 1:
            return Place(reference, "wait_closed")
        return Place(reference, "join" if verb == "join" else "get", place)

    def now(self, verb: str, place: str) -> None:
        """Make a call that does not wait: `set a`, `close a`, `get_nowait a1`."""
        self.count += 1
        real, reference, value = self.real[place[0]], self.references[place[0]], f"v{self.count}"
        steps: dict[str, tuple[Callable[[], object], Callable[[], Outcome]]] = {
            "set": (lambda: real.set(value), lambda: reference.set(value)),
            "close": (real.close, reference.close),
            "get_nowait": (lambda: self.reader(place).get_nowait(), lambda: reference.get_nowait(place)),
        }
        step, reference_step = steps[verb]
        try:
            outcome = Outcome("ok", step())
        except Exception as error:
            outcome = outcome_of(error)
        expected = reference_step()
        if outcome != expected:
            self.wrong.append(f"{verb} {place}: {outcome}, and not {expected}")

    def violations(self) -> Iterator[str]:
        """Compare what can be seen."""
        yield from self.wrong
        for name, real in self.real.items():
            reference = self.references[name]
            if (shown := (real.value, real.version, real.closed())) != (
                reference.value,
                reference.version,
                reference.closed,
            ):
                yield f"{name} shows {shown}, and not {(reference.value, reference.version, reference.closed)}"
            least = sum(len(reference.waiters(reader)) for reader in reference.seen)
            most = sum(place.verb == "get" and ticket.woken_at is None for place, ticket in reference.waiting)
            if not least <= (count := real.statistics().waiting_receivers) <= most:
                yield f"{name} counts {count} waiting, and not {least} to {most}"
        for name, reader in self.readers.items():
            available = self.references[name[0]].available(name)
            if (reader.qsize(), reader.empty()) != (available, not available):
                yield f"{name} has {reader.qsize()}, and not {available}"

    def agree(self) -> bool:
        found = list(self.violations())
        assert not found, found
        return True

    def at_rest(self) -> bool:
        """Return whether a reader that nobody waits on is known to nobody."""
        self.agree()
        for name, real in self.real.items():
            awaited = {place.reader for place, _ in self.references[name].waiting if place.reader}
            assert len(awaited) == len(real._known), (name, awaited, real._known)
        return True
