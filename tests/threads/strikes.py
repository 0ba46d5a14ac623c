"""KeyboardInterrupt at every place of a blocking call, once and again while it is handled.

A world has a channel, others that wait (their sections are called by hand, so that one thread is enough) and one call.
What happens while the call is blocked is a step of the scenario. A strike is what SIGINT does: the handler raises
KeyboardInterrupt at the next place at which the interpreter looks for signals.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, NoneType
from typing import NamedTuple

import pytest

from aiochannel import ChannelClosed, ThreadChannel
from aiochannel._core.resting import BLOCKED
from aiochannel._threads import blocked
from aiochannel._threads.hosts import ThreadBell
from aiochannel._threads.sections import Sections
from aiochannel._threads.waits import Gathering, Wait
from tests.interrupts.places import Place, Tracer, handled_by
from tests.threads.checks import violations

LATER = 250
"""Within how many events after a strike another one may come: a repair has about as many."""

Call = Callable[["World"], object]
Step = Callable[["World"], object]


class World:
    """One run of a scenario."""

    def __init__(self, scenario: "Scenario") -> None:
        self.scenario = scenario
        self.channel: ThreadChannel[int] = (
            ThreadChannel.rendezvous() if scenario.maxsize < 0 else ThreadChannel(scenario.maxsize)
        )
        self.others: list[tuple[Wait, int]] = []
        """Who else waits, and the item that it puts."""
        self.certain: list[int] = []
        """What was accepted before the call, in order."""
        self.doubtful: list[int] = []
        """What the call puts, or another puts meanwhile."""
        self.taken: list[int] = []
        self.outcome: object = None
        self.struck = 0
        self.place: Place | None = None
        """Where it was struck first."""
        self.blocked = self.outside = False
        """Whether it has been blocked; whether something else than the call runs."""
        scenario.prepare(self)

    # What the others do

    def fill(self, *items: int) -> None:
        for item in items:
            assert self.channel._offer(item)
        self.certain += items

    def waits_to_get(self) -> None:
        wait = Wait(self.channel._receivers, ThreadBell())
        assert self.channel._begin_get(wait) is BLOCKED
        self.others.append((wait, 0))

    def waits_to_put(self, item: int) -> None:
        wait = Wait(self.channel._senders, ThreadBell())
        assert not self.channel._begin_put(wait, item)
        self.others.append((wait, item))

    def waits_for_batch(self, limit: int) -> None:
        wait = Gathering(self.channel._receivers, ThreadBell(), self.channel)
        assert not self.channel._begin_batch(wait, limit)
        self.others.append((wait, 0))

    def joins(self) -> None:
        wait = Wait(self.channel._joiners, ThreadBell())
        assert not self.channel._begin_watch(wait)
        self.others.append((wait, 0))

    def waits_for_close(self) -> None:
        wait = Wait(self.channel._closers, ThreadBell())
        assert not self.channel._begin_watch(wait)
        self.others.append((wait, 0))

    # The call

    def play(self) -> None:
        try:
            self.outcome = self.scenario.call(self)
        except BaseException as error:
            self.outcome = error.with_traceback(None)

    def block(self, _channel: object, wait: Wait, *_: object) -> bool:
        """Stands for `blocked.block`."""
        if not self.blocked:
            self.blocked = self.outside = True
            self.scenario.meanwhile(self)
            self.outside = False
        return wait.claimed

    # What is so afterwards

    def judge(self) -> Iterator[str]:
        yield from violations(self.channel, [wait for wait, _ in self.others])
        try:
            yield from self._drain()
        except Exception as error:
            yield f"afterwards {error!r}"

    def _drain(self) -> Iterator[str]:
        """Let the others go on, and compare what went in with what came out."""
        channel = self.channel
        channel._close(None)
        came: list[int] = list(self.taken)
        late: list[int] = []
        for wait, item in self.others:
            if wait.queue is channel._senders:
                if channel._end_put(wait, item):
                    late.append(item)
            elif isinstance(wait, Gathering):
                came += channel._poll_many(9, wait)
            elif wait.queue is channel._receivers:
                got = channel._end_get(wait)
                came += [got] if got is not BLOCKED else []
            else:
                channel._quit(wait)
        came += channel._poll_many(99)
        expected = [item for item in self.certain if item in came]
        if expected != self.certain:
            yield f"{self.certain} were accepted, and {came} received"
        extra = [item for item in came if item not in self.certain]
        if extra != [item for item in (*self.doubtful, *late) if item in extra] or len(set(came)) < len(came):
            yield f"{came} were received"
        if not self.struck and self.outcome is None and extra != self.doubtful:
            yield f"{self.doubtful} were put, and {extra} received"
        if [item for item in came if item in self.certain] != self.certain:
            yield f"the order became {came}"
        yield from violations(channel, [])


def nothing(_: World) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class Scenario:
    name: str
    maxsize: int
    prepare: Step
    call: Call
    meanwhile: Step = nothing


def steps(*each: Step) -> Step:
    def all_of_them(world: World) -> None:
        for step in each:
            step(world)

    return all_of_them


def fill(*items: int) -> Step:
    return lambda world: world.fill(*items)


def others_get(world: World) -> None:
    world.waits_to_get()


def others_put(*items: int) -> Step:
    return steps(*[lambda world, item=item: world.waits_to_put(item) for item in items])


def put(*items: int) -> Call:
    def call(world: World) -> object:
        world.doubtful += items
        if len(items) > 1:
            world.channel.blocking.put_many(items, 9)
        else:
            world.channel.blocking.put(items[0], 9)
        return None

    return call


def taking(call: Callable[[World], int | list[int]]) -> Call:
    def take(world: World) -> None:
        result = call(world)
        world.taken += result if isinstance(result, list) else [result]

    return take


def another_gets(world: World) -> None:
    item = world.channel._poll()
    assert item is not BLOCKED
    world.taken.append(item)


def another_puts(*items: int) -> Step:
    def step(world: World) -> None:
        for item in items:
            world.certain.append(item)
            assert world.channel._offer(item)

    return step


def close(world: World) -> object:
    return world.channel._close(None)


def ends(world: World) -> object:
    with world.channel.blocking.open_sender() as tx:
        return tx.close()


get = taking(lambda world: world.channel.blocking.get(9))
get_many = taking(lambda world: world.channel.blocking.get_many(3, 9))
batch = taking(lambda world: world.channel.blocking.get_many(3, 9, within=9))
iterate = taking(lambda world: next(iter(world.channel.blocking)))
abort = taking(lambda world: world.channel.abort())

SCENARIOS = [
    Scenario("put: room", 2, fill(1), put(5)),
    Scenario("put: to a receiver", 1, others_get, put(5)),
    Scenario("put: to a receiver of a rendezvous", -1, steps(others_get, others_get), put(5)),
    Scenario("put: to a batch", 1, lambda world: world.waits_for_batch(3), put(5)),
    Scenario("put: is granted a slot", 1, fill(1), put(5), another_gets),
    Scenario("put: its time is up", 1, steps(fill(1), others_put(2)), put(5)),
    Scenario("put: closed while it waits", 1, fill(1), put(5), close),
    Scenario("put_many: room for some", 2, fill(1), put(5, 6, 7), another_gets),
    Scenario("put_many: to receivers", 9, steps(others_get, others_get), put(5, 6, 7)),
    Scenario("get: an item", 2, fill(1, 2), get),
    Scenario("get: an item, and a sender waits", 1, steps(fill(1), others_put(2, 3)), get),
    Scenario("get: the last item of a closed channel", 1, steps(fill(1), lambda world: world.joins(), close), get),
    Scenario("get: is promised an item", 1, nothing, get, another_puts(5)),
    Scenario("get: is promised one before others", 2, nothing, get, steps(others_get, another_puts(5))),
    Scenario("get: its time is up", 1, nothing, get, others_get),
    Scenario("get: drained while it waits", 1, nothing, get, close),
    Scenario("iteration: an item", 0, fill(1, 2, 3), iterate),
    Scenario("get_many: all", 0, fill(1, 2), get_many),
    Scenario("get_many: some", 5, fill(1, 2, 3, 4, 5), get_many),
    Scenario("get_many: senders wait", 2, steps(fill(1, 2), others_put(3, 4)), get_many),
    Scenario("get_many: waits", 2, nothing, get_many, another_puts(5)),
    Scenario("batch: filled", 2, fill(1), batch, another_puts(5, 6)),
    Scenario("batch: its time is up", 2, nothing, batch, another_puts(5)),
    Scenario("batch: senders wait", 1, steps(fill(1), others_put(2, 3)), batch),
    Scenario("close: receivers wait", 1, steps(others_get, others_get, lambda world: world.joins()), close),
    Scenario("close: senders wait", 1, steps(fill(1), others_put(2), lambda world: world.waits_for_close()), close),
    Scenario("abort: senders wait", 2, steps(fill(1, 2), others_put(3), lambda world: world.joins()), abort),
    Scenario("end: the last one leaves", 2, steps(fill(1), lambda world: world.waits_for_close()), ends),
    Scenario("join", 2, fill(1), lambda world: world.channel.blocking.join(9), steps(another_gets, close)),
    Scenario("join: its time is up", 2, fill(1), lambda world: world.channel.blocking.join(9)),
    Scenario("wait_closed", 2, fill(1), lambda world: world.channel.blocking.wait_closed(9), close),
]  # fmt: skip


class Striker:
    """Plays a scenario, with one strike at a place, and perhaps another so many events later, and so on."""

    def __init__(self) -> None:
        self.tracer = Tracer()
        self.world: World | None = None
        self.again: list[int] = []

    def strike(self, frame: FrameType) -> None:
        world = self.world
        place = Place.of(frame)
        if world is None or world.outside or place is None:
            return
        world.struck += 1
        world.place = world.place or place
        if self.again:
            # What the handler of the exception calls is traced anew.
            self.tracer.count, self.tracer.armed = 0, self.again.pop(0)
            sys._getframe().f_trace_opcodes = True
            sys.settrace(self.tracer._enter)
        raise KeyboardInterrupt

    def run(self, scenario: Scenario, number: int, again: Sequence[int]) -> tuple[World, list[str]]:
        self.again = list(again)
        before = sys.gettrace()
        world = self.world = World(scenario)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(blocked, "block", world.block)
            self.tracer.run(world.play, number)
        sys.settrace(before)
        self.world = None
        self.tracer.astray = False
        return world, list(world.judge())


@contextmanager
def striker() -> Iterator[Striker]:
    strikes = Striker()
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None  # the interpreter drops what is raised in a finalizer
    try:
        with handled_by(strikes.strike):
            yield strikes
    finally:
        sys.unraisablehook = hook


class Played(NamedTuple):
    places: tuple[str, ...]
    runs: int
    failures: tuple[str, ...]


def play(strikes: Striker, scenario: Scenario, *, twice: int = 0, thrice: int = 0) -> Played:
    """Strike at every place; at each place so many times with further strikes some events later, chosen by chance."""
    chance = random.Random(scenario.name)
    places: list[str] = []
    failures: list[str] = []
    runs = 0

    def strike(number: int, *again: int) -> World:
        nonlocal runs
        runs += 1
        world, wrong = strikes.run(scenario, number, again)
        if not isinstance(world.outcome, (KeyboardInterrupt, ChannelClosed, TimeoutError, bool, NoneType)):
            wrong.append(f"the call ended by {world.outcome!r}")
        failures.extend(f"{scenario.name}, event {number} and {again}, {world.place}: {each}" for each in wrong)
        return world

    def run(number: int) -> Place | None:
        world = strike(number)
        if world.place is not None:
            places.append(str(world.place))
            for _ in range(twice):
                strike(number, chance.randrange(1, LATER))
            for _ in range(thrice):
                strike(number, chance.randrange(1, LATER), chance.randrange(1, LATER))
        return world.place

    strikes.tracer.play_places(run)
    return Played(tuple(places), runs, tuple(failures))


class FailingLock:
    """Raises KeyboardInterrupt when the lock is released for a certain time and the next times; it is released then."""

    def __init__(self, world: World, first: int, times: int) -> None:
        self._world = world
        self._release = world.channel._release
        self._countdown = first
        self._times = times
        world.channel._release = self.release

    def release(self) -> None:
        self._release()
        self._countdown -= 1
        if self._countdown <= 0 and self._times and not self._world.outside:
            self._times -= 1
            self._world.struck += 1
            raise KeyboardInterrupt

    def repair(self) -> None:
        self._world.channel._release = self._release


def fail_to_mend(patch: pytest.MonkeyPatch, number: int) -> None:
    """Let the call of `_mend` of that number raise KeyboardInterrupt as it begins."""
    mend = Sections._mend
    calls = [0]

    def struck(self: Sections[int]) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise KeyboardInterrupt
        mend(self)

    patch.setattr(Sections, "_mend", struck)


def play_failing(scenario: Scenario, first: int, times: int, *, mending: int = 0, blocks: bool = True) -> list[str]:
    """Play without tracing, so that the coverage sees it; return the violations.

    The call of `_mend` of that number raises as it begins. If it does not block, that raises too.
    """
    world = World(scenario)

    def refuse(*_: object) -> bool:
        raise KeyboardInterrupt

    lock = FailingLock(world, first, times)
    with pytest.MonkeyPatch.context() as patch:
        fail_to_mend(patch, mending)
        patch.setattr(blocked, "block", world.block if blocks else refuse)
        world.play()
    lock.repair()
    world.struck += 1
    return list(world.judge())
