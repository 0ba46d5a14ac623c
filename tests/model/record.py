"""What the calls on real channels did, step by step, and whether the reference machine explains it.

A step of a call is what it does between two suspensions. The record has an event for every edge of a step, in the order
in which things happened, whatever loop ran them:

    call    it begins                       waits   it suspends, for a future
    pauses  it lets other tasks run, before it does anything
    cancel  its task is being cancelled     runs    its task goes on, `CANCELLED` or not
    time    the time of a batch is up
    ends    it is over, and what its caller is told

`Follower` gives the same steps to the reference machine. Each step lies between the beginning and the end of its call,
so a record that the machine explains is linearizable, and the machine's own order is the witness.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from functools import wraps
from typing import NamedTuple, Never, Protocol, TypeVar
from weakref import WeakKeyDictionary

from typing_extensions import override

from aiochannel._core.gathering import Gatherer
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelFull
from tests.model.reference import CANCELLED, EMPTY, END, FAILED, FULL, LEFT, WAITS, Look, Outcome, Reference
from tests.model.selects import CaseText, Failed, Selects

T = TypeVar("T")
CoroutineLike = Generator[asyncio.Future[object] | None, None, T] | Coroutine[object, Never, T]


class Call(NamedTuple):
    """Who calls what: `end` names the counted end that it goes through, opens or leaves."""

    lane: str
    verb: str
    value: object = None
    channel: str = "a"
    end: str = ""


class Event(NamedTuple):
    kind: str
    call: int
    outcome: Outcome | None = None


class Recorded(Protocol):
    """A record: what was called, and the steps of the calls."""

    @property
    def calls(self) -> Sequence[Call]: ...
    @property
    def events(self) -> Sequence[Event]: ...


class Statistics(Protocol):
    @property
    def qsize(self) -> int: ...
    @property
    def waiting_senders(self) -> int: ...
    @property
    def waiting_receivers(self) -> int: ...
    @property
    def open_senders(self) -> int: ...
    @property
    def open_receivers(self) -> int: ...
    @property
    def closed(self) -> bool: ...


class Seen(NamedTuple):
    """What a channel shows: the numbers of `Look`, as the channel gives them."""

    qsize: int
    empty: bool
    full: bool
    closed: bool
    senders: int
    receivers: int
    open_ends: tuple[int, int]


class Observable(Protocol):
    def qsize(self) -> int: ...
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def statistics(self) -> Statistics: ...


def see(channel: Observable) -> Seen:
    numbers = channel.statistics()
    return Seen(
        numbers.qsize, channel.empty(), channel.full(), numbers.closed,
        numbers.waiting_senders, numbers.waiting_receivers, (numbers.open_senders, numbers.open_receivers),
    )  # fmt: skip


def returned(value: object) -> Outcome:
    return Outcome("ok", tuple(value) if isinstance(value, list) else value)


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome that an exception stands for."""
    match error:
        case asyncio.CancelledError():
            return CANCELLED
        case StopAsyncIteration():
            return END
        case Failed():
            return FAILED
        case ChannelFull():
            return FULL
        case ChannelEmpty():
            return EMPTY
        case ChannelClosed():
            return Outcome("closed", None if error.__cause__ is None else str(error.__cause__))
        case _:
            return Outcome("error", repr(error))


def as_plain(call: Call, outcome: Outcome) -> tuple[Call, Outcome]:
    """Return a select that took a case as a plain get or put of that case; anything else as it is."""
    if call.verb != "select" or outcome.word != "ok":
        return call, outcome
    assert isinstance(call.value, tuple)
    assert isinstance(outcome.value, tuple)
    position, value = outcome.value
    case = call.value[position]
    assert isinstance(case, CaseText)
    if case.verb in ("otherwise", "closed") or (case.or_closed and value == "instead"):
        return call, outcome
    if case.mapped:
        assert isinstance(value, tuple)
        _, value = value
    return call._replace(verb=case.verb, value=case.item, channel=case.channel), Outcome("ok", value)


class Recorder:
    """Carries out calls and writes down their steps."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.open: dict[int, asyncio.Task[object] | None] = {}
        self.waiting: dict[asyncio.Task[object], int] = {}
        self.tasks = 0

    def begin(self, call: Call) -> int:
        number = len(self.calls)
        self.calls.append(call)
        self.events.append(Event("call", number))
        return number

    def now(self, call: Call, function: Callable[[], object]) -> Outcome:
        """Carry out a call that never waits."""
        number = self.begin(call)
        try:
            outcome = returned(function())
        except Exception as error:
            outcome = outcome_of(error)
        self.events.append(Event("ends", number, outcome))
        return outcome

    async def wait(self, call: Call, coroutine: Coroutine[object, object, object]) -> object:
        """Carry out a call that may wait, in the task that awaits this."""
        return await _Steps(self, self.begin(call), coroutine)

    def forget(self) -> None:
        """Listen to the calls begun so far no longer."""
        self.events = self.events.copy()
        self.open.clear()
        self.waiting.clear()

    def note_cancel(self, task: asyncio.Task[object]) -> None:
        if (number := self.waiting.get(task)) is not None:
            self.events.append(Event("cancel", number))

    def task(self, loop: asyncio.AbstractEventLoop, coro: CoroutineLike[T], *, eager: bool) -> asyncio.Task[T]:
        return _Task(self, coro, loop, eager=eager)


BATCHES: WeakKeyDictionary[object, tuple[Recorder, int]] = WeakKeyDictionary()
"""The calls that wait for a batch, by what they wait for."""


_end = Gatherer._end


@wraps(_end)
def note_time(gatherer: Gatherer) -> None:
    """Note that the time of a batch is up, and let it be."""
    if (waiting := BATCHES.get(gatherer.waiter)) is not None:
        recorder, number = waiting
        if number in recorder.open:
            recorder.events.append(Event("time", number))
    _end(gatherer)


Gatherer._end = note_time  # type: ignore[method-assign, assignment]  # nothing outside of the package sees this moment


class _Task(asyncio.Task[T]):
    """A real task, which notes when somebody cancels it: a timeout, a group, a test.

    It is hashed by its number, so that a group cancels its tasks in the same order in every run.
    """

    def __init__(
        self, recorder: Recorder, coro: CoroutineLike[T], loop: asyncio.AbstractEventLoop, *, eager: bool
    ) -> None:
        self.recorder = recorder
        self.number = recorder.tasks
        recorder.tasks += 1
        if eager:
            super().__init__(coro, loop=loop, eager_start=True)  # type: ignore[call-arg]  # from 3.12 on
        else:
            super().__init__(coro, loop=loop)

    @override
    def __hash__(self) -> int:
        return self.number

    @override
    def cancel(self, msg: object = None) -> bool:
        self.recorder.note_cancel(self)
        return super().cancel()


class _Steps:
    """Awaits a call and writes down its steps."""

    def __init__(self, recorder: Recorder, number: int, coroutine: Coroutine[object, object, object]) -> None:
        self.recorder = recorder
        self.number = number
        self.coroutine = coroutine

    def __await__(self) -> Generator[object, None, object]:
        recorder, number = self.recorder, self.number
        events = recorder.events
        task = asyncio.current_task()
        assert task is not None
        recorder.open[number] = task
        try:
            future = self.coroutine.send(None)
            while True:
                if future is not None and recorder.calls[number].verb == "batch":
                    BATCHES[future] = recorder, number
                events.append(Event("pauses" if future is None else "waits", number))
                recorder.waiting[task] = number
                try:
                    yield future
                except BaseException as error:
                    events.append(Event("runs", number, outcome_of(error)))
                    future = self.coroutine.throw(error)
                else:
                    events.append(Event("runs", number))
                    future = self.coroutine.send(None)
        except StopIteration as stop:
            events.append(Event("ends", number, returned(stop.value)))
            return stop.value
        except BaseException as error:
            events.append(Event("ends", number, outcome_of(error)))
            raise
        finally:
            recorder.waiting.pop(task, None)
            recorder.open.pop(number, None)
            del task  # it holds the exception, whose traceback holds this frame


class Follower:
    """Gives the recorded steps to the reference machine, and complains where the two part."""

    def __init__(self, machines: dict[str, Reference]) -> None:
        self.machines = machines
        self.selects = Selects(machines)
        self.expected: dict[int, Outcome] = {}
        self.paused: set[int] = set()
        self.place = 0

    def follow(self, record: Recorded, until: int) -> str | None:
        """Follow the new events up to a place; return the first complaint, or None."""
        events, calls = record.events, record.calls
        while self.place < until:
            event = events[self.place]
            self.place += 1
            if event.kind in ("call", "runs") and self.pauses_now(events, event.call):
                self.paused.add(event.call)  # nothing of it has happened
            elif event.kind == "runs" and event.call in self.paused:
                self.paused.discard(event.call)
                if event.outcome == CANCELLED:
                    self.expected[event.call] = CANCELLED
                else:
                    self.begin(event.call, calls[event.call])
            elif event.kind != "pauses" and (complaint := self.step(event, calls[event.call])):
                return complaint
        return None

    def pauses_now(self, events: Sequence[Event], number: int) -> bool:
        """Return whether the step that has just begun ends in a pause."""
        steps = (event.kind for event in events[self.place :] if event.call == number)
        return next(steps, "") == "pauses"

    def begin(self, number: int, call: Call) -> None:
        if call.verb == "select":
            self.expected[number] = self.selects.begin(number, call.value)
        else:
            self.expected[number] = self.machines[call.channel].begin(number, call.verb, call.value, call.end)

    def step(self, event: Event, call: Call) -> str | None:
        number = event.call
        machine = self.selects if call.verb == "select" else self.machines[call.channel]
        match event.kind:
            case "call":
                self.begin(number, call)
            case "cancel":
                machine.cancel(number)
            case "time":
                self.machines[call.channel].time_up(number)
            case "runs":
                outcome = machine.resume(number, cancelled=event.outcome == CANCELLED)
                if outcome is None:
                    return f"{_name(call)} was woken, and nothing had happened for it"
                self.expected[number] = outcome
            case _:
                actual = WAITS if event.outcome is None else event.outcome
                if not _same(self.expected[number], actual):
                    return f"{_name(call)} {_words(actual)}, and should have: {_words(self.expected[number])}"
        return None

    def forget(self) -> None:
        """Whoever waits never runs again."""
        self.selects.arms.clear()
        for machine in self.machines.values():
            machine.forget()

    def left_behind(self, record: Recorded, stuck: Iterable[int]) -> str | None:
        """Nothing runs any more: a call that has been woken, or is being cancelled, should have gone on."""
        for number in stuck:
            call = record.calls[number]
            if number in self.paused:
                return f"{_name(call)} is stuck, and only let others run"
            tickets = (
                self.selects.arms[number] if call.verb == "select" else [self.machines[call.channel].tickets[number]]
            )
            for ticket in tickets:
                if ticket.state not in ("waits", "new"):
                    return f"{_name(call)} is stuck, and is {ticket.state}"
        return None


def mismatch(seen: Seen, look: Look) -> str | None:
    """Return how what a channel shows differs from what the reference machine says; None if it does not."""
    qsize, empty, full, closed, senders, receivers, open_ends = seen
    if (qsize, empty, full or closed, closed, open_ends) != (
        look.qsize, look.empty, look.full or look.closed, look.closed, look.open_ends,
    ):  # fmt: skip
        return f"it shows {seen}, and should show {look}"
    (least, most), (fewest, all_of_them) = look.senders, look.receivers
    if not least <= senders <= most or not fewest <= receivers <= all_of_them:
        return f"it shows {seen}, and there should be {least} and {fewest} waiting"
    return None


def _same(expected: Outcome, actual: Outcome) -> bool:
    if expected == LEFT:
        return actual.word == "closed"
    return expected == actual


def _name(call: Call) -> str:
    return f"{call.lane}'s {call.verb}" + ("" if call.value is None else f"({call.value})")


def _words(outcome: Outcome) -> str:
    return outcome.word if outcome.value is None else f"{outcome.word} {outcome.value}"


def trace(record: Recorded, until: int) -> list[str]:
    """Return the events up to a place as lines to read."""
    return [
        f"{_name(record.calls[event.call])} {event.kind}"
        + ("" if event.outcome is None else f": {_words(event.outcome)}")
        for event in record.events[:until]
    ]
