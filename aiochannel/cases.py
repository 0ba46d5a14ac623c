"""Case: one operation that a select may carry out."""

from collections.abc import Callable
from typing import Generic, TypeVar, final

from aiochannel._core.operations import Default, Never, Operation, OrClosed

R_co = TypeVar("R_co", covariant=True)
U = TypeVar("U")


@final
class Case(Generic[R_co]):
    """One operation that `select` may carry out, with a result of type `R_co`.

    Made by `on_get`, `on_put` and `otherwise`. A case does nothing by itself, holds nothing on its channel, and may be
    used in any number of selects, at the same time too.
    """

    __slots__ = ("_operation",)

    def __init__(self, operation: Operation[R_co]) -> None:
        self._operation = operation

    def map(self, fn: Callable[[R_co], U], /) -> "Case[U]":
        """Return this case with `fn(result)` as its result.

        If `fn` raises, its error comes out of select and nothing has happened: an item stays where it was, and a put
        has put nothing. `fn` must not use the channel of the case.
        """
        return Case(self._operation.map(fn))

    def when(self, flag: bool, /) -> "Case[R_co]":
        """Return this case if the flag is true, and else one that can never go ahead.

        So one select serves a loop in which a case is switched off at times, as a nil channel does in Go. A select
        without `otherwise` whose cases are all switched off raises ValueError.

        Raises:
            TypeError: the flag is not a bool.

        Example:
            ```python
            position, _ = await select(jobs.on_get().when(len(running) < 10), done.on_get())
            ```
        """
        if not isinstance(flag, bool):
            raise TypeError(f"the flag must be a bool, not {flag!r}")
        return self if flag else Case(Never())

    def or_closed(self, value: U, /) -> "Case[R_co | U]":
        """Return this case with `value` as its result, instead of ChannelClosed, where the channel is closed.

        For a get that is: closed and drained.
        """
        return Case(OrClosed(self._operation, lambda: value))


def otherwise() -> Case[None]:
    """Return the case that select takes when no other case can go ahead at once; with it, select never waits.

    Where there are several, one of them is taken.
    """
    return Case(Default(lambda: None))
