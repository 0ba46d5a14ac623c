"""The contract of a channel as a sequential machine: a few lists and ifs.

A call is a ticket. `begin` carries out what a call does before it first waits; `cancel` notes that the task of a
waiting call is being cancelled; `resume` carries out what the call does when its task runs again. Nothing happens
between these steps, and each returns what the caller is told, or `WAITS`. What the scheduler may choose (when a woken
task runs, whom to cancel) is the caller's choice; everything else follows.

Two sentences, in `settle`, are the heart: no item is left unpromised while a get waits for one, and no room is left
ungranted while a put waits for it. The rest is bookkeeping.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Outcome(NamedTuple):
    """What a call tells its caller: one of the words below, and a value or a cause."""

    word: str
    value: object = None


RENDEZVOUS = -1  # the maxsize that stands for a rendezvous, where sizes are listed; 0 is unbounded, as in the package

BATCHES = ("get_many", "get_many_nowait", "batch")

WAITS = Outcome("waits")
EMPTY = Outcome("empty")
FULL = Outcome("full")
END = Outcome("end")
LEFT = Outcome("left")
CANCELLED = Outcome("cancelled")
FAILED = Outcome("failed")


class Ticket:
    """One call: what it still has to put, or the most it may take, and how far it has come."""

    def __init__(self, verb: str, items: list[object], limit: int) -> None:
        self.verb = verb
        self.items = items
        self.limit = limit
        self.state = "new"  # then waits; promised, granted or told (woken, not run yet); cancelled (not run yet)
        self.held = 0  # how many items are promised to it: a batch waits on with some
        self.others: Sequence[Ticket] = ()  # of the same select

    def room(self) -> int:
        """Return for how many items it is a receiver that waits, or has come for them."""
        return self.limit if self.verb == "batch" and self.state in ("waits", "cancelled") else self.held or 1

    def takes_on(self) -> bool:
        """Tell whether it is a cancelled batch that takes this item, since that was promised in advance."""
        return self.state == "cancelled" and self.verb == "batch" and 0 < self.held < self.limit - 1

    def leave(self) -> None:
        """Leave the line: another case of the same select goes ahead."""


class Look(NamedTuple):
    """What anyone may see of a channel. A waiter that is being cancelled may count or not until its task has run."""

    qsize: int
    empty: bool
    full: bool
    closed: bool
    senders: tuple[int, int]
    receivers: tuple[int, int]
    open_ends: tuple[int, int]


def _count(line: list[Ticket], state: str) -> int:
    return [ticket.state for ticket in line].count(state) if line else 0


def capacity(maxsize: int) -> float:
    """Return how many items a channel holds while nobody waits."""
    return {RENDEZVOUS: 0, 0: math.inf}.get(maxsize, maxsize)


class Reference:
    """One channel of that maxsize, and of that overflow policy, if any; with a key the smallest leaves first."""

    def __init__(self, maxsize: int = 0, policy: str = "", key: Callable[[object], float] | None = None) -> None:
        self.size = capacity(maxsize)
        self.policy = policy
        self.key = key
        self.dropped: list[object] = []
        self.items: list[object] = []
        self.tickets: dict[int, Ticket] = {}
        self.gets: list[Ticket] = []  # inside a waiting get, woken or not, in the order in which they began to wait
        self.puts: list[Ticket] = []
        self.watchers: list[Ticket] = []  # of the close, or of the last item
        self.closed = False
        self.cause: object = None
        self.ends: dict[str, str] = {}

    # What follows from the lists.

    def promised(self) -> int:
        return sum([ticket.held for ticket in self.gets])

    def unpromised(self) -> int:
        return len(self.items) - self.promised()

    def room(self, ticket: Ticket | None = None) -> bool:
        """Tell whether there is room; for a ticket, other than that its own select may receive."""
        own = sum(other in self.gets for other in ticket.others) if ticket else 0
        receivers = sum([get.room() for get in self.gets]) - own
        return len(self.items) + _count(self.puts, "granted") < self.size + receivers

    def drained(self) -> bool:
        return self.closed and not self.items

    def look(self) -> Look:
        def waiting(line: list[Ticket]) -> tuple[int, int]:
            if not line:
                return 0, 0
            states = [ticket.state for ticket in line]
            least = states.count("waits")
            return least, least + states.count("cancelled")

        sides = list(self.ends.values())
        unpromised = self.unpromised()
        return Look(
            unpromised, unpromised == 0, not self.room() and not self.policy, self.closed,
            waiting(self.puts), waiting(self.gets), (sides.count("sender"), sides.count("receiver")),
        )  # fmt: skip

    def settle(self) -> None:
        for ticket in self.gets.copy():
            while self.unpromised() and (ticket.state == "waits" or ticket.takes_on()):
                ticket.held += 1
                if ticket.verb != "batch" or ticket.held == ticket.limit:
                    self.wake(ticket, "promised")
            if ticket.state == "waits" and self.closed and (ticket.held or not self.items):
                self.wake(ticket, "promised" if ticket.held else "told")
        for ticket in self.puts.copy():
            if ticket.state == "waits" and ticket in self.puts and (self.closed or self.room(ticket)):
                self.wake(ticket, "granted")
        for ticket in self.watchers:
            if ticket.state == "waits" and ticket.verb == "join" and self.drained():
                self.wake(ticket, "told")

    def wake(self, ticket: Ticket, state: str) -> None:
        ticket.state = state
        for other in ticket.others:
            other.leave()

    # Calls.

    def begin(self, number: int, verb: str, value: object = None, end: str = "") -> Outcome:
        """Begin call `number`. `end` names the counted end that it goes through, or that it opens or leaves."""
        if end and end not in self.ends and not verb.startswith("open_"):
            return Outcome("ok") if verb == "leave" else LEFT
        match verb:
            case "put" | "put_nowait":
                return self.put(number, Ticket(verb, [value], 1))
            case "put_many":
                assert isinstance(value, tuple)
                return self.put(number, Ticket(verb, list(value), 1))
            case "get" | "next" | "get_nowait":
                return self.get(number, Ticket(verb, [], 1))
            case "get_many" | "get_many_nowait" | "batch":
                assert isinstance(value, int)
                return self.get(number, Ticket(verb, [], value))
            case "join" | "wait_closed":
                over = self.drained() if verb == "join" else self.closed
                return Outcome("ok") if over else self.wait(number, Ticket(verb, [], 0), self.watchers)
            case "close" | "leave" if end:
                closed = self.leave(end, value)
                return Outcome("ok", closed) if verb == "close" else Outcome("ok")
            case "close":
                return Outcome("ok", self.close(value))
            case "abort":
                return Outcome("ok", tuple(self.abort(value)))
            case "open_sender" | "open_receiver":
                self.ends[end] = verb.removeprefix("open_")
                return Outcome("ok")
            case "peek":
                return Outcome("ok", tuple(self.items))
            case _:
                raise ValueError(verb)

    def cancel(self, number: int) -> None:
        ticket = self.tickets.get(number)
        if ticket is not None and ticket.state == "waits":
            ticket.state = "cancelled"

    def time_up(self, number: int) -> None:
        """The time of a batch is up."""
        ticket = self.tickets[number]
        if ticket.state == "waits" and ticket.held:
            self.wake(ticket, "promised")
            self.settle()

    def resume(self, number: int, *, cancelled: bool) -> Outcome | None:
        """The task of call `number` runs again; None: nothing has woken it."""
        ticket = self.tickets.pop(number)
        if ticket.state == "waits" or (ticket.state == "cancelled" and not cancelled):
            return None
        for line in (self.gets, self.puts, self.watchers):
            if ticket in line:
                line.remove(ticket)
        if cancelled:
            outcome = CANCELLED
        elif ticket.state == "promised":
            outcome = self.take(ticket)
        elif ticket.state == "granted":
            outcome = self.append(number, ticket)
        else:
            outcome = Outcome("ok") if ticket.verb in ("join", "wait_closed") else self.refuse(ticket)
        self.settle()
        return outcome

    def forget(self) -> None:
        """The loop of the tasks inside a waiting call was closed, so that they never run again."""
        self.tickets, self.gets, self.puts, self.watchers = {}, [], [], []

    # What calls are made of.

    def wait(self, number: int, ticket: Ticket, line: list[Ticket]) -> Outcome:
        ticket.state = "waits"
        self.tickets[number] = ticket
        line.append(ticket)
        self.settle()
        return WAITS

    def refuse(self, ticket: Ticket) -> Outcome:
        return END if ticket.verb == "next" and self.cause is None else Outcome("closed", self.cause)

    def put(self, number: int, ticket: Ticket) -> Outcome:
        if not self.closed and not self.room() and not self.policy:
            return FULL if ticket.verb == "put_nowait" else self.wait(number, ticket, self.puts)
        return self.append(number, ticket)

    def append(self, number: int, ticket: Ticket) -> Outcome:
        """There is room, of its own or free, for the first item at least, or a policy, or the channel is closed."""
        while not self.closed:
            self.displace(ticket.items.pop(0))
            self.settle()
            if not ticket.items:
                return Outcome("ok")
            if not self.room() and not self.policy:
                return self.wait(number, ticket, self.puts)
        return self.refuse(ticket)

    def displace(self, item: object) -> None:
        """Append the item, and drop one if a policy says so: the new one, the oldest, or the newest."""
        lacks_room = bool(self.policy) and not self.room()
        if lacks_room and self.policy == "DROP_INCOMING":
            self.dropped.append(item)
            return
        while lacks_room and self.unpromised() >= self.size:
            self.dropped.append(self.items.pop(0 if self.policy == "DROP_OLDEST" else -1))
        self.items.append(item)
        if self.key:
            self.items.sort(key=self.key)  # which leaves equal keys in their order

    def get(self, number: int, ticket: Ticket) -> Outcome:
        enough = ticket.limit if ticket.verb == "batch" and not self.closed else 1
        if self.unpromised() >= enough:
            return self.take(ticket)
        if self.drained():
            return self.refuse(ticket)
        if ticket.verb == "get_nowait":
            return EMPTY
        return Outcome("ok", ()) if ticket.verb == "get_many_nowait" else self.wait(number, ticket, self.gets)

    def take(self, ticket: Ticket) -> Outcome:
        taken = [self.items.pop(0) for _ in range(min(ticket.limit, self.unpromised()))]
        self.settle()
        return Outcome("ok", tuple(taken) if ticket.verb in BATCHES else taken[0])

    def close(self, cause: object) -> bool:
        if self.closed:
            return False
        self.note(cause)
        self.closed = True
        for ticket in self.puts.copy():  # before the gets: a select that waits for both is refused its put
            if ticket.state == "waits" and ticket in self.puts:
                self.wake(ticket, "granted")
        for ticket in self.watchers.copy():  # and these: a select that waits for both is told of the close
            if ticket.state == "waits" and ticket in self.watchers and ticket.verb != "join":
                self.wake(ticket, "told")
        self.settle()
        return True

    def leave(self, end: str, cause: object) -> bool:
        side = self.ends.pop(end)
        self.note(cause)
        return side not in self.ends.values() and self.close(None)

    def note(self, cause: object) -> None:
        """The first cause stays."""
        if not self.closed and self.cause is None:
            self.cause = cause

    def abort(self, cause: object) -> list[object]:
        taken, self.items = self.items, []
        for ticket in self.gets:
            ticket.held = 0
            if ticket.state == "promised":
                ticket.state = "told"
        self.close(cause)
        self.settle()
        return taken
