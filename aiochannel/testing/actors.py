"""What a program says of itself: who takes part, what comes from outside, what must hold."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")
Coro = Coroutine[object, object, object]

acting: Final[ContextVar[str]] = ContextVar("acting")
"""The name of the actor, in its task and in the tasks that it makes."""


class Actor:
    """A task that begins when the schedule says so."""

    def __init__(self, name: str, function: Callable[[], Coro], expect: tuple[type[Exception], ...]) -> None:
        self.name = name
        self.function = function
        self.expect = expect
        self.task: asyncio.Task[object] | None = None
        self.cancelled: bool = False

    def cancel(self) -> None:
        """Cancel the task, which has begun."""
        assert self.task is not None
        self.cancelled = True
        self.task.cancel()

    def runs(self) -> bool:
        """Return whether the task has begun and has not ended."""
        return self.task is not None and not self.task.done()


class Answer(NamedTuple):
    """What somebody waits for from outside: `is_call` if to give it calls a function of the program."""

    done: Callable[[], bool]
    give: Callable[[], object]
    is_call: bool = False


class Run:
    """What a program is given to say what takes part in a run."""

    # Read, and changed, by the `Play` that it belongs to.
    def __init__(self) -> None:
        self._actors: dict[str, Actor] = {}
        self._events: dict[str, Callable[[], object]] = {}
        self._answers: dict[str, Answer] = {}
        self._always: list[Callable[[], object]] = []
        self._at_rest: list[Callable[[], object]] = []
        self._afterwards: list[Callable[[], Coro]] = []

    def actor(
        self, name: str, function: Callable[[], Coroutine[object, object, object]], /, *,
        expect: tuple[type[Exception], ...] = (),
    ) -> None:  # fmt: skip
        """Add a task that begins when the schedule says so, and that may be cancelled. It may raise `expect`."""
        self._check(name)
        self._actors[name] = Actor(name, function, expect)

    async def outside(self, value: T, /, name: str = "") -> T:
        """Return the value when the schedule says so: an answer from a network, a disk, a thread.

        Cancellation:
            Safe. The answer does not come.
        """
        future: asyncio.Future[T] = asyncio.Future()
        self._answer(name, Answer(future.done, partial(future.set_result, value)))
        return await future

    def event(self, name: str, function: Callable[[], object], /) -> None:
        """Add what happens once, at any time: a close, a signal, a lost connection."""
        self._check(name)
        self._events[name] = function

    def always(self, check: Callable[[], object], /) -> None:
        """Add a check between any two steps. It fails if it raises, or returns False."""
        self._always.append(check)

    def at_rest(self, check: Callable[[], object], /) -> None:
        """Add a check for when nothing can happen any more. It fails if it raises, or returns False."""
        self._at_rest.append(check)

    def afterwards(self, function: Callable[[], Coroutine[object, object, object]], /) -> None:
        """Add what must still work at the end: a coroutine that has to return, with no order to be explored."""
        self._afterwards.append(function)

    def _clear(self) -> None:
        for kept in (self._actors, self._events, self._answers, self._always, self._at_rest, self._afterwards):
            kept.clear()

    def _check(self, name: str) -> None:
        if not name or name != name.strip() or "," in name:
            raise ValueError(
                f"{name!r} cannot be a name in a schedule: it has a comma, or is empty, or has a blank end"
            )
        if name in self._actors or name in self._events:
            raise ValueError(f"there are two of the name {name!r}")

    def _answer(self, name: str, answer: Answer) -> None:
        for waiting in [each for each, (done, _, _) in self._answers.items() if done()]:
            del self._answers[waiting]
        wanted = name or acting.get("outside")
        names = (wanted if number == 1 else f"{wanted} {number}" for number in count(1))
        self._answers[next(each for each in names if each not in self._answers)] = answer
