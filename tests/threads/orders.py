"""Programs of a few calls, of tasks in two loops and of threads, played by hand in every order of their sections.

A program is a line such as `T get | A put | B put | T close`: T is a call of a thread, A and B are calls of tasks in
the event loops A and B. The steps are the sections of the calls, the errands after them (asking a loop to run), the
run of a loop's host, a timeout, a cancellation, and the end of a loop (`A end`). Everything runs in one thread, so a
schedule is a list of numbers. The machine of `tests.model.reference` makes the same calls beside.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from typing import NamedTuple

from typing_extensions import TypeVarTuple, Unpack, override

from aiochannel import ChannelClosed, ThreadChannel
from aiochannel._core.resting import BLOCKED
from aiochannel._threads.hosts import Bell, Host, TaskBell, ThreadBell
from aiochannel._threads.waits import Gathering, Wait
from tests.model.reference import CANCELLED, EMPTY, FULL, WAITS, Outcome, Reference
from tests.threads.checks import violations

Ts = TypeVarTuple("Ts")

LIMIT = 3
"""Of a batch."""
ENDED = Outcome("ended")


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop that is run by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: deque[Callable[[], object]] = deque()

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.asked.append(lambda: callback(*args))
        return asyncio.Handle(callback, args, self, context)

    @override
    def time(self) -> float:
        return 0.0


Loops = Mapping[str, HandLoop]


@contextmanager
def two_loops() -> Iterator[Loops]:
    loops = {"A": HandLoop(), "B": HandLoop()}
    try:
        yield loops
    finally:
        for loop in loops.values():
            loop.close()


class Actor:
    """One call."""

    def __init__(self, number: int, where: str, verb: str) -> None:
        self.number = number
        self.where = where
        self.verb = verb
        self.state = "new"  # then waits, over
        self.cancelled = False
        self.wait: Wait | None = None


Step = tuple[str, Callable[[], object]]


def _nobody() -> None:
    """No channel has to hear of the end of a host: the end is a step."""


def _do_next(loop: HandLoop) -> None:
    loop.asked.popleft()()


class Game:
    """One play of a program."""

    def __init__(self, program: str, maxsize: int, inside: int, loops: Loops) -> None:
        self.channel: ThreadChannel[int] = ThreadChannel.rendezvous() if maxsize < 0 else ThreadChannel(maxsize)
        self.reference = Reference(maxsize)
        self.loops = loops
        self.errands: deque[Callable[[], object]] = deque()
        """What hosts have to be asked: here these are steps of their own."""
        self.hosts: dict[str, Host] = {}
        self.faults: list[str] = []
        self.actors = [Actor(number, *each.split()) for number, each in enumerate(program.split(" | "))]
        for item in range(inside):
            assert self.channel._offer(100 + item)
            self.reference.begin(1000, "put_nowait", 100 + item)
        for name in dict.fromkeys(actor.where for actor in self.actors):
            if name in self.loops:
                loop = self.loops[name]
                loop.asked.clear()
                host = self.hosts[name] = Host(loop, self.errands, _nobody)
                self.channel._add_host(host)

    # Steps

    def steps(self) -> Iterator[Step]:
        """Yield what may happen next."""
        for actor in self.actors:
            if actor.state == "new":
                yield f"{actor.where}{actor.number} begins {actor.verb}", partial(self.begin, actor)
            elif actor.state == "waits":
                yield from self._waiting(actor)
        if self.errands:
            yield "errand", self.do_errand
        for name in self.hosts:
            if self.loops[name].asked:
                yield f"{name} runs", partial(_do_next, self.loops[name])

    def _waiting(self, actor: Actor) -> Iterator[Step]:
        wait = actor.wait
        assert wait is not None
        name = f"{actor.where}{actor.number}"
        if isinstance(wait.bell, TaskBell):
            future = wait.bell.future
            if actor.cancelled or (future.done() and (wait.claimed or not isinstance(wait, Gathering))):
                yield f"{name} goes on", partial(self.end, actor)
            if not actor.cancelled and not isinstance(wait, Gathering):
                yield f"{name} is cancelled", partial(self.cancel, actor)
        else:
            word = "goes on" if wait.claimed else "has no more time"
            yield f"{name} {word}", partial(self.end, actor)
        if isinstance(wait, Gathering) and wait.started is not None and not wait.claimed and not actor.cancelled:
            yield f"{name} has its time", partial(self.time_up, actor)

    def do_errand(self) -> None:
        self.errands.popleft()()

    def begin(self, actor: Actor) -> None:
        actor.state = "over"
        number, verb = actor.number, actor.verb
        if verb == "end":
            self.end_loop(actor.where)
            return
        value: object = number if verb in ("put", "put_nowait") else LIMIT if verb == "batch" else None
        expected = self.reference.begin(number, verb, value)
        got = self._begin(actor)
        if got is WAITS:
            actor.state = "waits"
        self.compare(actor, got, expected)

    def _begin(self, actor: Actor) -> Outcome:
        channel = self.channel
        bell: Bell = ThreadBell()
        if actor.where in self.hosts:
            host = self.hosts[actor.where]
            bell = TaskBell(host, asyncio.Future(loop=self.loops[actor.where]))
        try:
            match actor.verb:
                case "put":
                    wait = actor.wait = Wait(channel._senders, bell)
                    return Outcome("ok") if channel._begin_put(wait, actor.number) else WAITS
                case "get":
                    wait = actor.wait = Wait(channel._receivers, bell)
                    item = channel._begin_get(wait)
                    return WAITS if item is BLOCKED else Outcome("ok", item)
                case "batch":
                    batch = actor.wait = Gathering(channel._receivers, bell, channel)
                    channel._check_not_drained()
                    if channel._begin_batch(batch, LIMIT):
                        return Outcome("ok", tuple(channel._poll_many(LIMIT)))
                    return WAITS
                case "put_nowait":
                    if channel._offer(actor.number):
                        return Outcome("ok")
                    channel._check_open()
                    return FULL
                case "get_nowait":
                    item = channel._poll()
                    if item is not BLOCKED:
                        return Outcome("ok", item)
                    channel._check_not_drained()
                    return EMPTY
                case "join" | "wait_closed":
                    wait = actor.wait = Wait(channel._joiners if actor.verb == "join" else channel._closers, bell)
                    return Outcome("ok") if channel._begin_watch(wait) else WAITS
                case "close":
                    return Outcome("ok", channel._close(None))
                case _:
                    assert actor.verb == "abort"
                    return Outcome("ok", tuple(channel.abort()))
        except ChannelClosed as error:
            return Outcome("closed", error.__cause__)

    def cancel(self, actor: Actor) -> None:
        assert actor.wait is not None
        assert isinstance(actor.wait.bell, TaskBell)
        actor.cancelled = True
        actor.wait.bell.future.cancel()
        self.reference.cancel(actor.number)

    def time_up(self, actor: Actor) -> None:
        self.reference.time_up(actor.number)
        self.end(actor)

    def end(self, actor: Actor) -> None:
        wait = actor.wait
        assert wait is not None
        in_time = isinstance(wait, Gathering) and wait.started is not None
        gone = actor.cancelled or not (wait.claimed or in_time)
        if gone and not actor.cancelled:
            self.reference.cancel(actor.number)
        elif in_time and not wait.claimed:
            self.reference.time_up(actor.number)
        expected = self.reference.resume(actor.number, cancelled=gone)
        actor.state = "over"
        got = self._end(actor, wait)
        self.compare(actor, got, expected)

    def _end(self, actor: Actor, wait: Wait) -> Outcome:
        channel = self.channel
        try:
            if actor.cancelled or actor.verb in ("join", "wait_closed"):
                claimed = wait.claimed
                channel._quit(wait)
                return CANCELLED if actor.cancelled or not claimed else Outcome("ok")
            if actor.verb == "put":
                if channel._end_put(wait, actor.number):
                    return Outcome("ok")
                channel._check_open()
                return CANCELLED
            if isinstance(wait, Gathering):
                claimed = wait.claimed
                items = channel._poll_many(LIMIT, wait)
                if not items:
                    channel._check_not_drained()
                return Outcome("ok", tuple(items)) if items or claimed else CANCELLED
            item = channel._end_get(wait)
            if item is not BLOCKED:
                return Outcome("ok", item)
            channel._check_not_drained()
        except ChannelClosed as error:
            return Outcome("closed", error.__cause__)
        return CANCELLED

    def end_loop(self, name: str) -> None:
        """The loop ends: its tasks are not there any more."""
        gone = [actor for actor in self.actors if actor.where == name and actor.state == "waits"]
        for actor in gone:
            self.reference.cancel(actor.number)
        for actor in gone:
            self.reference.resume(actor.number, cancelled=True)
            actor.state = "over"
        for actor in self.actors:
            if actor.where == name:
                actor.state = "over"
        if len(self.channel._hosts) == 1:
            self.reference.close(ENDED)
        self.loops[name].asked.clear()
        self.channel._loop_ended(self.hosts[name])

    def compare(self, actor: Actor, got: Outcome, expected: Outcome | None) -> None:
        if got.word == "closed" and expected is not None and expected.value is ENDED:
            expected = Outcome("closed", got.value if isinstance(got.value, RuntimeError) else None)
        if got != expected:
            self.faults.append(f"{actor.where}{actor.number} {actor.verb}: {got}, expected {expected}")

    # After each step

    def look(self) -> None:
        channel, expected = self.channel, self.reference.look()
        waits = [actor.wait for actor in self.actors if actor.state == "waits" and actor.wait is not None]
        if set(waits) == set(channel._waits):
            waits = list(channel._waits)
        self.faults += violations(channel, waits)
        statistics = channel._statistics()
        full = expected.full if expected.closed else channel._is_full()  # of a closed channel it says how many it holds
        seen = (statistics.qsize, full, statistics.closed)
        if seen != (expected.qsize, expected.full, expected.closed):
            self.faults.append(f"it shows {seen}, expected {expected}")
        for side, most in (
            (statistics.waiting_senders, expected.senders),
            (statistics.waiting_receivers, expected.receivers),
        ):
            if not most[0] <= side <= most[1]:
                self.faults.append(f"{side} wait, expected {most}")


class Found(NamedTuple):
    schedules: int
    whole: bool
    """Whether these were all."""
    failure: str


def play(
    program: str, maxsize: int, inside: int, choices: Sequence[int], loops: Loops
) -> tuple[list[str], list[int], list[str]]:
    """Play one schedule: at each point take the step of that number, and after them the first."""
    game = Game(program, maxsize, inside, loops)
    names: list[str] = []
    widths: list[int] = []
    while not game.faults:
        steps = list(game.steps())
        if not steps:
            break
        choice = choices[len(names)] if len(names) < len(choices) else 0
        name, step = steps[choice % len(steps)]
        names.append(name)
        widths.append(len(steps))
        step()
        game.look()
    return names, widths, game.faults


def explore(program: str, maxsize: int, inside: int, budget: int) -> Found:
    """Play all schedules, or as many as the budget allows and then some by chance."""
    with two_loops() as loops:
        return _explore(program, maxsize, inside, budget, loops)


def _explore(program: str, maxsize: int, inside: int, budget: int, loops: Loops) -> Found:
    choices: list[int] = []
    chance = random.Random(program)
    for played in range(budget):
        names, widths, faults = play(program, maxsize, inside, choices, loops)
        if faults:
            return Found(played + 1, False, f"{program}, {maxsize}, {inside}: {'; '.join(names)}: {'; '.join(faults)}")
        if played < budget // 2:
            choices = [*choices, *[0] * (len(widths) - len(choices))]
            while choices and choices[-1] + 1 >= widths[len(choices) - 1]:
                choices.pop()
            if not choices:
                return Found(played + 1, True, "")
            choices[-1] += 1
        else:
            choices = [chance.randrange(12) for _ in range(30)]
    return Found(budget, False, "")


PROGRAMS = [
    # program, maxsize, items inside
    ("T get | A put", 1, 0),
    ("A get | T put", 1, 0),
    ("T get | A put", -1, 0),
    ("A get | T put", -1, 0),
    ("T put | T get", -1, 0),
    ("A get | B get | T put", 1, 0),
    ("T get | A get | B put", 1, 0),
    ("A put | T put | B get", 1, 1),
    ("A get | T put | T close", 1, 0),
    ("T get | A put | T close", 1, 0),
    ("A put | T get | T close", 1, 1),
    ("A get | T put | T abort", 1, 0),
    ("T get | T put | A end", 1, 0),
    ("A get | T get | B put | A end", 1, 0),
    ("A put | T put | B get | A end", 1, 1),
    ("A get | B get | A end | B end", 1, 0),
    ("T batch | A put | B put", 1, 0),
    ("T batch | T put | T put | T put", 1, 0),
    ("A batch | T put | T put", 2, 0),
    ("T batch | T get | A put", 2, 1),
    ("T batch | T batch | A put | T close", 1, 0),
    ("T batch | A put | T abort", 2, 1),
    ("T batch | A put | A end", 1, 0),
    ("A join | T get | T close", 1, 1),
    ("T join | A get | T close", 1, 1),
    ("A wait_closed | T close | B wait_closed", 1, 0),
    ("T get | T get | A put_nowait | B put_nowait", 2, 0),
    ("T get | A get_nowait | T put", 1, 0),
    ("A put | T put_nowait | T get_nowait", 1, 1),
    ("T put | A put | T get | B get", -1, 0),
    ("A put | B put | T get_nowait | T get_nowait", 2, 2),
]
