"""A future or a task as one more case of a select."""

from asyncio import Future, InvalidStateError, isfuture
from collections.abc import Callable
from typing import Generic, TypeVar, final

from aiochannel._core.newer_typing import override
from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.waiters import Selection, WaitQueue
from aiochannel.cases import Case

R = TypeVar("R")
U = TypeVar("U")


def on_done(future: Future[R], /) -> Case[R]:
    """Return a case for `select` that can go ahead once a future or a task is done; its result is the future's result.

    If the future failed, its error comes out of the select that takes the case. If it was cancelled, InvalidStateError
    does, since CancelledError would look as if the select had been cancelled; with `or_closed` its value stands for
    that. A select never cancels the future, and leaves no callback on it.

    Raises:
        TypeError: this is not a future or a task.

    Example:
        ```python
        reading = asyncio.create_task(websocket.recv())
        position, message = await select(on_done(reading), outgoing.on_get())
        ```
    """
    given: object = future
    if not isfuture(given):
        raise TypeError(f"on_done takes a future or a task, such as asyncio.create_task makes, not {given!r}")
    return Case(DoneOperation(future))


@final
class DoneOperation(Side[R], Generic[R]):
    """Waiting for a future. It is closed when it was cancelled."""

    __slots__ = ("_future",)

    def __init__(self, future: Future[R]) -> None:
        self._future = future

    @override
    def ended(self) -> bool:
        return self._future.cancelled()

    @override
    def hindrance(self) -> Blocked | None:
        return None if self._future.done() else BLOCKED

    @override
    def peek(self) -> R:
        if self._future.cancelled():
            raise InvalidStateError(f"{self._future!r} was cancelled, so it has no result for a select")
        return self._future.result()

    @override
    def attempt(self) -> R | Blocked:
        if not self._future.done():
            return BLOCKED
        return SPENT if Idle.passes() else self.peek()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        future = self._future
        if future.get_loop() is not selection.loop:
            raise RuntimeError(f"{future!r} belongs to another event loop than the select that would wait for it")
        queue = WaitQueue()

        def wake(_: Future[R]) -> None:
            queue.wake_all()

        def forget(_: object) -> None:
            future.remove_done_callback(wake)

        # The loop calls this before the task of the select goes on.
        selection.waiter.add_done_callback(forget)
        selection.enter(queue, position)
        future.add_done_callback(wake)

    @override
    def complete(self, selection: Selection, /) -> R:
        return self.peek()

    @override
    def give_back(self, selection: Selection, /) -> None:
        """It was given nothing."""

    @override
    def map(self, fn: Callable[[R], U], /) -> Operation[U]:
        return Mapped(self, fn)
