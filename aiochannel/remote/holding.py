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
from typing import Generic, TypeAlias, TypeVar, final

D = TypeVar("D")

Asker: TypeAlias = Task[object] | None
"""Who asks for an item: None is a callback of the event loop."""


def asker() -> Asker:
    """Return who asks now."""
    return current_task()


@final
class Holding(Generic[D]):
    """The deliveries of one end that tasks hold."""

    def __init__(self, received: Callable[[Sequence[D]], None], failed: Callable[[Sequence[D], str], None], /) -> None:
        self._received = received
        self._failed = failed
        self._held: dict[Task[object], tuple[D, ...]] = {}
        """What each task holds; it changes by another tuple in its place."""

    def count(self) -> int:
        """Return how many deliveries are held."""
        return sum(map(len, self._held.values()))

    def held_by(self, task: Asker) -> Sequence[D]:
        """Return what the task holds now."""
        return () if task is None else self._held.get(task, ())

    def held_by_others(self, task: Asker) -> Sequence[D]:
        """Return what other tasks hold now."""
        return [each for other, held in self._held.items() if other is not task for each in held]

    def hold(self, task: Asker, deliveries: Sequence[D]) -> None:
        """Let the task hold more. Without a task they are received at once."""
        if task is None:
            self._received(deliveries)
            return
        held = self._held.get(task)
        if held is None:
            task.add_done_callback(self._ended)
        self._held[task] = (*held, *deliveries) if held else tuple(deliveries)

    def receive(self, task: Asker, deliveries: Sequence[D]) -> None:
        """Let go of deliveries that the task holds: it has received them."""
        if task is not None and deliveries:
            self._release(task, deliveries)
            self._received(deliveries)

    def fail(self, task: Asker, reason: str) -> None:
        """Let go of all that the task holds: it has failed."""
        if deliveries := self.held_by(task):
            assert task is not None
            self._release(task, deliveries)
            self._failed(deliveries, reason)

    def _release(self, task: Task[object], deliveries: Sequence[D]) -> None:
        held = self._held.get(task, ())
        if held is deliveries:  # as it nearly always is
            self._held[task] = ()
        elif held:
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
            task.remove_done_callback(self._ended)
        self._held.clear()
