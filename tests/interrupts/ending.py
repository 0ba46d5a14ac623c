"""What must be true after a run, whatever was done in the middle of which call.

No call raised what the contract does not allow. Nobody waits who could go on. `qsize()` items can be got. Every item
that was accepted was received once, but for the items of a call that KeyboardInterrupt came out of. The channel can be
emptied, filled up to its size, closed and drained, and nobody is counted as waiting then.
"""

from collections.abc import Iterator

from aiochannel import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull
from tests.interrupts.calls import INTERRUPTED, UNDER_WAY, Call, Subject
from tests.interrupts.world import BEGUN, LEAVINGS, OPENINGS, World
from tests.ledger import GETS, PUTS, could_go_on
from tests.model.record import see
from tests.model.reference import RENDEZVOUS

OUTCOMES = {
    "put": ("ok", "closed", "cancelled"),
    "put_many": ("ok", "closed", "cancelled"),
    "put_nowait": ("ok", "full", "closed"),
    "get": ("ok", "closed", "cancelled"),
    "get_many": ("ok", "closed", "cancelled"),
    "batch": ("ok", "closed", "cancelled"),
    "next": ("ok", "end", "closed", "cancelled"),
    "get_nowait": ("ok", "empty", "closed"),
    "get_many_nowait": ("ok", "closed"),
    "join": ("ok", "cancelled"),
    "wait_closed": ("ok", "cancelled"),
    "select": ("ok", "closed", "cancelled"),
}
"""What a call may tell its caller; a call that is not here may only return."""

MOST = 10  # items or waiters of one kind; no scenario has more


BATCH = 3
"""How many items the batches of the scenarios ask for."""


def plain(verb: str) -> str:
    return {"put_iter": "put_many", "batch_now": "batch"}.get(verb, verb)


def verb_of(call: Call) -> str:
    return "select" if call.parts else plain(call.verb)


class Ending:
    """Looks at a world at rest, and then uses its channels up."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.taken: dict[str, list[str]] = {name: [] for name in world.channels}

    def violations(self) -> list[str]:
        """Return each violation once."""
        found: dict[str, None] = {}
        try:
            found.update((violation, None) for violation in self._all())
        except Exception as error:
            found[f"looking at the channels raised {error!r}"] = None
        return [*found, *self.world.complaints]

    def _all(self) -> Iterator[str]:
        world = self.world
        yield from self._stuck()
        yield from self._miscounted_ends()
        for name, channel in world.channels.items():
            yield from self._too_many(name, channel)
        for name, channel in world.channels.items():
            yield from self._use_up(name, channel)
        world.drive()
        for call in world.calls:
            if call.outcome is UNDER_WAY:
                yield f"{call} still waits when its channel is closed and drained"
            yield from self._wrong_outcome(call)
        for name, channel in world.channels.items():
            numbers = channel.statistics()
            if numbers.waiting_senders or numbers.waiting_receivers or numbers.qsize:
                yield f"at the end {name} shows {numbers}"
            yield from self._accounts(name)

    def _pending(self, name: str, verbs: tuple[str, ...]) -> list[Call]:
        return [
            call
            for call in self.world.calls
            if call.outcome is UNDER_WAY and any(p.channel == name and plain(p.verb) in verbs for p in call.sides)
        ]

    def _stuck(self) -> Iterator[str]:
        for call in self.world.calls:
            if call.outcome is not UNDER_WAY:
                continue
            sides = {(part.channel, plain(part.verb)) for part in call.sides}
            for channel, verb in sorted(sides):
                itself = verb == "put" and (channel, "get") in sides  # its own get is room, but not for it
                seen = see(self.world.channels[channel])
                if could_go_on(verb, seen) and not (itself and seen.receivers == 1 and not seen.closed):
                    yield f"{call} waits at rest, and {channel} shows {seen}"

    def _miscounted_ends(self) -> Iterator[str]:
        calls = self.world.calls
        opened = sum(call.verb in OPENINGS and call.outcome.word == "ok" for call in calls)
        left = sum(call.verb in LEAVINGS and call.outcome.word == "ok" for call in calls)
        unsure = sum(call.verb in LEAVINGS and call.outcome is INTERRUPTED for call in calls)
        for name, channel in self.world.channels.items():
            numbers = channel.statistics()
            count = numbers.open_senders + numbers.open_receivers
            most = opened - left if name == "a" else 0
            if not most - unsure <= count <= most:
                yield f"{name} counts {count} open ends, and there are {most}"

    def _too_many(self, name: str, channel: Subject) -> Iterator[str]:
        world = self.world
        if world.scenario.size == 0:
            return
        receivers = sum(
            max((_room(part) for part in call.sides if part.channel == name), default=0) for call in world.calls
        )
        more = sum(map(world.action.name.count, ("put", "waiting")))
        held = len(list(channel))
        if held > max(world.scenario.size, 0) + receivers + more:
            yield f"{name} holds {held} items"

    def _use_up(self, name: str, channel: Subject) -> Iterator[str]:
        """Take all items, wake the receivers, fill the channel up, close it, and take all again."""
        world = self.world
        for _ in range(MOST):
            empty = not channel.qsize()
            yield from self._take(name, channel, ChannelEmpty, ChannelClosed)
            world.drive()
            if empty and not channel.qsize():
                break
        for call in self._pending(name, PUTS) if world.scenario.size != RENDEZVOUS else ():
            yield f"{call} waits at an empty channel"
        if not channel.closed():
            yield from self._wake_receivers(name, channel)
            yield from self._fill(name, channel)
            if not channel.close():
                yield f"close of {name} returned False, and it was open"
        world.drive()
        yield from self._put_on_a_closed_one(name, channel)
        yield from self._take(name, channel, ChannelClosed)

    def _put_on_a_closed_one(self, name: str, channel: Subject) -> Iterator[str]:
        try:
            channel.put_nowait(self.world.item("z"))
        except ChannelClosed:
            pass
        else:
            yield f"{name} is closed and accepted an item"

    def _take(self, name: str, channel: Subject, *last: type[ChannelError]) -> Iterator[str]:
        """Take what `qsize()` says, and see that the next get raises what it should."""
        count = channel.qsize()
        for number in range(1, count + 2):
            try:
                self.taken[name].append(channel.get_nowait())
            except Exception as error:
                if number <= count or not isinstance(error, last):
                    yield f"{name} had {count} items, and get {number} raised {error!r}"
                    return
            else:
                if number > count:
                    yield f"{name} had one item more than qsize()"

    def _wake_receivers(self, name: str, channel: Subject) -> Iterator[str]:
        puts = 1
        while waiting := self._pending(name, GETS):
            item = self.world.item("z")
            try:
                channel.put_nowait(item)
            except Exception as error:
                yield f"{waiting[0]} waits, and put_nowait raised {error!r}"
                return
            self.world.ledgers[name].accept([item])
            self.world.drive()
            puts = 1 if len(self._pending(name, GETS)) < len(waiting) else puts + 1
            ahead = [call for call in waiting if call is waiting[0] or call.lane == BEGUN]
            if puts > max(_room(part) for call in ahead for part in call.sides):
                yield f"{waiting[0]} waits on after a put"
                return

    def _fill(self, name: str, channel: Subject) -> Iterator[str]:
        scenario = self.world.scenario
        size = MOST if scenario.loses else {RENDEZVOUS: 0}.get(scenario.size, scenario.size)
        count = 0
        try:
            while count < MOST:
                item = self.world.item("z")
                channel.put_nowait(item)
                self.world.ledgers[name].accept([item])
                count += 1
        except ChannelFull:
            pass
        except Exception as error:
            yield f"filling {name} raised {error!r}"
        if count != size:
            yield f"{name} was empty and accepted {count} items, not {size}"

    def _wrong_outcome(self, call: Call) -> Iterator[str]:
        word = call.outcome.word
        if call.outcome is INTERRUPTED:
            if call is not self.world.interrupted:
                yield f"{call} raised KeyboardInterrupt, and {self.world.interrupted} was interrupted"
        elif call.outcome is not UNDER_WAY and word not in OUTCOMES.get(verb_of(call), ("ok",)):
            yield f"{call} ended so: {word} {call.outcome.value}"
        elif word == "cancelled" and not call.cancelled:
            yield f"{call} was cancelled by nobody"

    def _accounts(self, name: str) -> Iterator[str]:
        ledger = self.world.ledgers[name]
        spare = sum([self._note(call, name) for call in self.world.calls])
        told = self.world.dropped[name]
        dropped = self.world.channels[name].statistics().dropped
        if self.world.scenario.quiet:
            spare += dropped
        elif dropped != len(told):
            yield f"{name} counts {dropped} items as dropped, and told of {told}"
        ledger.receive([*self.taken[name], *told])
        lost = ledger.lost()
        if self.world.scenario.quiet and not ledger.doubtful and len(lost) < dropped:
            yield f"{name} counts {dropped} items as dropped, and has lost {lost}"
        if len(lost) <= spare:
            ledger.receive(lost)
        yield from ledger.violations()

    def _note(self, call: Call, name: str) -> int:
        """Note what a call put or took, and return how many items it may have taken and not returned."""
        ledger = self.world.ledgers[name]
        outcome = call.outcome
        if outcome is INTERRUPTED:
            spare = 0
            for part in call.sides:
                if part.channel == name:
                    if part.verb in PUTS or part.verb == "put_iter":
                        ledger.doubtful.append(part.items)
                    spare += {"get_many": 2, "get_many_nowait": 2, "abort": MOST}.get(part.verb, _room(part))
            return spare
        if call.parts:
            if outcome.word == "ok" and isinstance(outcome.value, tuple) and outcome.value[1] != "instead":
                part = call.parts[outcome.value[0]]
                if part.channel == name:
                    ledger.note(part.verb, part.items, outcome._replace(value=outcome.value[1]))
        elif call.channel == name:
            ledger.note(plain(call.verb), call.items, outcome)
        return 0


def _room(part: Call) -> int:
    """Return how many items a get asks for at most while it waits; 0 for any other call."""
    return BATCH if plain(part.verb) == "batch" else int(part.verb in GETS)
