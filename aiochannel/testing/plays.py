"""One run of a program whose order is decided from outside.

Between any two handles of the event loop, and at the end of each iteration, there is a point. Its options are

    run         the next handle runs: the default, where there is one
    start A     the actor A begins
    io A        what A waits for from outside answers
    event E     an event happens
    clock       time moves to the next timer; at the end of an iteration only. `clock 2` is the second timer
    cancel A    the actor A is cancelled

Where no handle is ready, the first of the others is the default. The run is at rest when nothing is left that could
happen without a cancel.

To begin an actor or to answer only puts a handle at the end of the queue. Before a handle that puts none there it is
the same as after it, so it is not offered there.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextvars import copy_context
from typing import Final, Literal, NamedTuple, NoReturn, TypeVar

from aiochannel.testing.actors import Actor, Answer, Run, acting
from aiochannel.testing.findings import failure_of, is_expected, told
from aiochannel.testing.loops import AskingLoop, ExploredLoop, NotExplored, RealLoop
from aiochannel.testing.search import Choose, Diverged
from aiochannel.testing.waits import describe, name_of, place, waiter_of

T = TypeVar("T")
Coro = Coroutine[object, object, object]

STEPS: Final = 10_000
LATE: Final = 20
"""How often time moves on when every actor has ended, for the tasks that have not."""


class Settings(NamedTuple):
    """What the numbers of the points depend on."""

    cancellations: int = 1
    timers: Literal["in order", "any"] = "in order"
    seed: int = 0
    swallowing: bool = True
    eager: bool = False


class _Over(BaseException):
    """Leaves the event loop."""


class Play:
    """One run: it asks `choose` at each point, and notes what is wrong."""

    def __init__(self, program: Callable[[Run], None], settings: Settings, choose: Choose, *, real: bool) -> None:
        self.program = program
        self.settings = settings
        self.choose: Choose | None = choose
        self.run: Run = Run()
        self.now: float = 0.0
        self.findings: list[str] = []
        self.trace: list[str] = []
        self.diverged: str = ""
        self.refused: NotExplored | None = None
        self.loop: AskingLoop = (RealLoop if real else ExploredLoop)(self, eager=settings.eager)
        self._cancellations = settings.cancellations
        self._begun = self._decided = self._boundary = self._muted = False
        self._points = -1
        self._late = 0
        self._options: list[str] | None = None  # of this point
        self._offer: list[str] | None = None  # of the last point, if a handle runs
        self._ready = 0
        self._runs: asyncio.Task[object] | str = ""
        self._traced = 0

    def play(self) -> None:
        """Play the run to its end, and check it."""
        try:
            self._go()
            for check in (self._check_actors, self._check_rest, self._check_afterwards, self._check_others):
                if not self.findings:
                    self.findings.extend(check())
            self._end_tasks()
        finally:
            self.loop.close()
            self._forget()
        if self.refused is not None:
            raise self.refused

    # What the loop asks.

    def before_select(self) -> None:
        """Decide what happens at the end of an iteration."""
        if not self._begun:
            self._begun = True
            self._begin()
        self._boundary = True
        while self.choose is not None:
            decision = self._decide(self.choose)
            if decision == "run" or decision.startswith("clock"):
                self._decided = decision == "run"
                return
        if not self.loop.ready() and (self._muted or not self._move_clock()):
            raise _Over

    def before_handle(self) -> None:
        """Decide what happens before the next handle."""
        self._boundary = False
        if self.choose is None:
            self._count()
        elif self._decided:  # at the end of the iteration before
            self._decided = False
        else:
            while self._decide(self.choose) != "run":
                pass

    def call_outside(self, function: Callable[[], T], /) -> asyncio.Future[T]:
        """Call a function when the schedule says so."""
        future: asyncio.Future[T] = asyncio.Future()

        def call() -> None:
            try:
                future.set_result(function())
            except Exception as error:
                future.set_exception(error)

        self.run._answer("", Answer(future.done, call, is_call=True))
        return future

    def refuse(self, reason: str, /) -> NotExplored:
        """Note that the program does what it must not do, and return the error."""
        error = NotExplored(reason)
        self.refused = self.refused or error
        return error

    def complain(self, context: dict[str, object], /) -> None:
        """Note what the loop was told of an exception that nobody handles."""
        if not self._muted:
            error = context.get("exception")
            text = f": {told(error)}" if isinstance(error, BaseException) else ""
            self.findings.append(f"{context.get('message')}{text}")

    # Decisions.

    def options(self) -> Sequence[str]:
        """Return what may be decided now, the default first."""
        if self._options is None:
            self._options = self._list_options()
        return self._options

    def mark(self) -> int:
        """Return how many handles are ready, and how many answers are waited for."""
        return self.loop.ready() + (len(self.run._answers) << 16)

    def _list_options(self) -> list[str]:
        run = self.run
        options = ["run"] if self.loop.ready() else []
        running = []
        for name, actor in run._actors.items():
            if actor.task is None:
                options.append(f"start {name}")
            elif not actor.task.done():
                running.append(name)
        options.extend(f"io {name}" for name, answer in run._answers.items() if not answer.done())
        options.extend(f"event {name}" for name in run._events)
        if self._boundary and self.loop.has_timers() and (running or (not options and self._is_late())):
            options.append("clock")
            if self.settings.timers == "any":
                options.extend(f"clock {number}" for number in range(2, len(self.loop.timers()) + 1))
        if options and self._cancellations:
            options.extend(f"cancel {name}" for name in running)
        return options

    def _is_late(self) -> bool:
        """Return whether tasks that are no actors go on, and may do so for a while."""
        return self._late < LATE and bool(self.loop.tasks())

    def _decide(self, choose: Choose) -> str:
        self._options = None
        self._look()
        if not self.loop.ready() and not self.options():
            raise _Over
        self._count()
        decision = choose(self)
        if isinstance(self.loop, RealLoop):
            self._note(decision, self.loop)
        word, _, name = decision.partition(" ")
        try:
            self._take(word, name)
        except KeyError:
            raise Diverged(f"at point {self._points} {decision!r} could be decided before, and cannot now") from None
        return decision

    def _count(self) -> None:
        self._points += 1
        if self._points == STEPS:
            self._give_up(f"it does not come to an end in {STEPS} steps")

    def _take(self, word: str, name: str) -> None:
        if word == "run":
            self._offer, self._ready = self._options, self.loop.ready()
        elif word == "start":
            self._start(self.run._actors[name])
        elif word == "io":
            self.run._answers.pop(name).give()
        elif word == "event":
            self._call(f"event {name}", self.run._events.pop(name))
        elif word == "cancel":
            self._cancellations -= 1
            self.run._actors[name].cancel()
        else:
            self._late += not any(actor.runs() for actor in self.run._actors.values())
            self._move_clock(int(name or 1))

    def _start(self, actor: Actor) -> None:
        context = copy_context()
        context.run(acting.set, actor.name)
        coroutine = self._call(actor.name, actor.function)
        assert isinstance(coroutine, Coroutine), f"{actor.name} has no coroutine function"
        actor.task = self.loop.create_task(coroutine, name=actor.name, context=context)

    def _move_clock(self, number: int = 1) -> bool:
        """Move time to a timer, and return whether there is one."""
        timers = self.loop.timers()
        if not timers:
            return False
        if number == 1:
            self.now = max(self.now, timers[0].when())
        else:
            self.loop.bring_forward(timers[number - 1])
        return True

    # Checks.

    def _begin(self) -> None:
        program: Callable[[Run], object] = self.program
        try:
            result = program(self.run)
        except NotExplored:
            raise
        except Exception as error:
            if str(error).endswith("cannot be called from a running event loop"):
                raise self.refuse("the program runs an event loop: give its coroutine to `run.actor`") from error
            self._give_up(f"the program raised {told(error)}")
        if isinstance(result, Coroutine):
            result.close()
            raise self.refuse("the program is a coroutine function: what it awaits goes into `run.actor`")

    def _call(self, name: str, function: Callable[[], T]) -> T:
        try:
            return function()
        except Exception as error:
            self._give_up(f"{name} raised {told(error)}")

    def _give_up(self, finding: str) -> NoReturn:
        self.findings.append(finding)
        raise _Over

    def _look(self) -> None:
        """Check what must always hold; take back what was offered in vain at the last point."""
        if self._offer is not None and self.loop.ready() == self._ready - 1:
            self._offer[1:] = [option for option in self._offer[1:] if not self._only_appends(option)]
        self._offer = None
        for check in self.run._always:
            if wrong := failure_of(check):
                self._give_up(f"always: {wrong}")
        if self._runs:
            self._note_step()

    def _only_appends(self, option: str) -> bool:
        word, _, name = option.partition(" ")
        if word == "start":
            return not self.settings.eager
        answer = self.run._answers.get(name) if word == "io" else None
        return answer is not None and not answer.is_call

    def _check_actors(self) -> Iterator[str]:
        for actor in self.run._actors.values():
            task = actor.task
            if task is None or not task.done():
                yield f"{actor.name} has not begun" if task is None else str(describe(task))
            elif task.cancelled():
                if not task.cancelling():
                    yield f"{actor.name} ended with CancelledError, and nobody cancelled it"
            elif (error := task.exception()) is not None and not is_expected(error, actor.expect):
                yield f"{actor.name} raised {told(error)}"
            elif actor.cancelled and not self.settings.swallowing:
                yield f"{actor.name} was cancelled, and did not end cancelled"

    def _check_rest(self) -> Iterator[str]:
        return (f"at rest: {wrong}" for check in self.run._at_rest if (wrong := failure_of(check)))

    def _check_afterwards(self) -> Iterator[str]:
        self.choose = None
        for function in self.run._afterwards:
            task = self.loop.create_task(function(), name="afterwards")
            self._go()
            if not task.done():
                yield str(describe(task))
            elif task.cancelled():
                yield "afterwards ended with CancelledError"
            elif (error := task.exception()) is not None:
                yield f"afterwards raised {told(error)}"

    def _check_others(self) -> Iterator[str]:
        if not self.loop.has_timers():
            yield from sorted(str(describe(task)) for task in self.loop.tasks() if waiter_of(task))

    # The end.

    def _go(self) -> None:
        try:
            self.loop.run_forever()
        except _Over:
            pass
        except Diverged as error:
            self.diverged = str(error)
            self.findings.append(f"it does not run the same way twice: {error}")

    def _end_tasks(self) -> None:
        """Cancel what has not ended. What it complains about then was not the program's doing."""
        for _ in range(3):
            tasks = self.loop.tasks()
            if not tasks:
                return
            self.choose, self._muted = None, True
            for task in tasks:
                task.cancel()
            self._go()

    def _forget(self) -> None:
        """Let go of the program, so that what it left in futures is heard now."""
        self.run._clear()
        self._runs = ""
        gc.collect(0)

    # The trace.

    def _note(self, decision: str, loop: RealLoop) -> None:
        if decision == "run":
            self._runs, self._traced = loop.next_owner(), self._points
        else:
            self.trace.append(f"{self._points:4}  {decision}")

    def _note_step(self) -> None:
        runs, self._runs = self._runs, ""
        if isinstance(runs, str):
            self.trace.append(f"{self._traced:4}  {runs}")
            return
        # To ask for its exception would hide that nobody else does.
        where = "ends cancelled" if runs.cancelled() else "ends" if runs.done() else place(runs)
        self.trace.append(f"{self._traced:4}  {name_of(runs)}: {where}")
