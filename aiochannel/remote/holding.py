"""Holding: which task holds which items of one receiving end, and when it has received them.

An item is received when the task that asked for it asks for another, or ends without an exception. If the task fails or
is cancelled, the item is given back. So a plain `async for job in jobs: await handle(job)` needs no acknowledgement,
any number of tasks may share an end, and no function that takes a `Receiver` has to know that it is a remote one.

The task is the one that *calls* `get`. Another may run the call: `wait_for` makes one on Python 3.11, as `create_task`
and `gather` do everywhere.

This is the only module of the package that looks at tasks. It asks for no more than which one runs, when it ends, and
whether by an exception; and it looks at the exception without taking it from whoever awaits the task, or from asyncio,
which reports it if nobody does.
"""

from asyncio import Task, current_task
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar, final

D = TypeVar("D")

Asker: TypeAlias = Task[object] | None
"""Who asks for an item: None is a callback of the event loop."""

asker: Final[Callable[[], Asker]] = current_task
"""Return who asks now."""


@final
class Holding(Generic[D]):
    """The deliveries of one end that tasks hold. With `at_once` they hold none: what they are given is received."""

    def __init__(
        self, received: Callable[[Sequence[D]], None], failed: Callable[[Sequence[D], str], None], *, at_once: bool
    ) -> None:
        self._received = received
        self._failed = failed
        self._at_once = at_once
        self._held: dict[Asker, tuple[D, ...]] = {}
        """What each task holds; it changes by another tuple in its place."""
        self.held_by: Callable[[Asker], tuple[D, ...] | None] = self._held.get
        """Return what the task holds now; None if it has held nothing yet."""

    def count(self) -> int:
        """Return how many deliveries are held."""
        return sum(map(len, self._held.values()))

    def held_by_others(self, task: Asker) -> Sequence[D]:
        """Return what other tasks hold now."""
        return [each for other, held in self._held.items() if other is not task for each in held]

    def hold(self, task: Asker, deliveries: tuple[D, ...]) -> None:
        """Let the task hold more. Without a task they are received at once."""
        if task is None or self._at_once:
            self._received(deliveries)
            return
        held = self._held.get(task)
        if held is None:
            task.add_done_callback(self._ended)
        self._held[task] = (*held, *deliveries) if held else deliveries

    def receive(self, task: Asker, deliveries: tuple[D, ...] | None) -> None:
        """Let go of deliveries that the task holds: it has received them."""
        if deliveries:
            if self._held.get(task) is deliveries:  # as it nearly always is
                self._held[task] = ()
            else:
                self._release(task, deliveries)
            self._received(deliveries)

    def fail(self, task: Asker, reason: str) -> None:
        """Let go of all that the task holds: it has failed."""
        if deliveries := self.held_by(task):
            self._held[task] = ()
            self._failed(deliveries, reason)

    def _release(self, task: Asker, deliveries: tuple[D, ...]) -> None:
        if held := self._held.get(task):
            released = set(map(id, deliveries))
            self._held[task] = tuple(each for each in held if id(each) not in released)

    def _ended(self, task: Task[object]) -> None:
        held = self._held.pop(task, ())
        if task.cancelled():
            self._failed(held, "its task was cancelled")
        elif (error := task._exception) is not None:
            self._failed(held, f"its task failed: {type(error).__name__}: {error}")
        else:
            self._received(held)

    def leave(self) -> None:
        """Watch no task any more."""
        for task in self._held:
            assert task is not None
            task.remove_done_callback(self._ended)
        self._held.clear()
