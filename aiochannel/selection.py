"""Waiting for the first of several operations: Case, select, select_any, otherwise.

A `Case` is one operation that could happen: a get or a put on some channel. `select` carries out exactly one of its
cases. It first tries each at once; if none can go ahead it parks one future, its waiter, on the side of every channel
concerned and waits. Whichever channel wakes the waiter claims it: in the same step the select is withdrawn from all
other channels, so no second channel can promise it an item, grant it a slot, or count it as a receiver at hand. The
woken select then completes the case that claimed it, or, if it was cancelled in between, gives the promise or grant
back.

This module knows no channel. What it needs of one side of a channel is `Operation`, and only this module calls it.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from random import random, shuffle
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar, final, overload

T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")
R = TypeVar("R")
U = TypeVar("U")
R_co = TypeVar("R_co", covariant=True)

Waiter: TypeAlias = Future[int]
"""What a task waits on. Its result is a token: which operation of a select was woken, and 0 for a plain put or get."""


class Blocked(Enum):
    """What an operation answers that does not go ahead now: it would have to wait, or it lets all others go first."""

    BLOCKED = "blocked"
    LAST = "last"


BLOCKED: Final = Blocked.BLOCKED
LAST: Final = Blocked.LAST


@final
class Selection:
    """A select that waits. One case of it, as a channel keeps it beside the waiter, is an `Arm`."""

    __slots__ = ("_operations", "_parked", "_waiter")

    def __init__(
        self, waiter: Waiter, operations: "Sequence[Operation[object]]", parked: "Sequence[Operation[object]]"
    ) -> None:
        self._waiter = waiter
        self._operations = operations
        self._parked = parked

    def claim(self, position: int) -> None:
        """Wake the select for the case at this position, and withdraw it from all other channels in the same step."""
        waiter, claimed = self._waiter, self._operations[position]
        waiter.set_result(position)
        for operation in self._parked:
            if operation is not claimed:
                operation.unpark(waiter)


Arm: TypeAlias = tuple[Selection, int]


class Operation(Protocol[R_co]):
    """What a case needs of one side of a channel. Nothing here waits.

    `finish` turns the raw result into the case's result. It runs before the operation takes effect, so that nothing
    has happened if it raises.
    """

    def ended(self) -> bool:
        """Tell whether the channel's being closed has put an end to this operation, for ever."""
        ...

    def attempt(self, finish: Callable[[R_co], U], /) -> U | Blocked:
        """Carry the operation out if it can go ahead at once; raise ChannelClosed if it has ended."""
        ...

    def park(self, waiter: Waiter, arm: Arm, /) -> bool:
        """Let the waiter wait on this side of the channel, which wakes it with `selection.claim(position)`.

        Return False if it waits here already, for another case of the same select.
        """
        ...

    def unpark(self, waiter: Waiter, /) -> None:
        """Take back the waiter, which this operation has parked and this side of the channel has not claimed."""
        ...

    def complete(self, finish: Callable[[R_co], U], /) -> U:
        """Use the promise or grant with which this side claimed the waiter; raise ChannelClosed if it has ended."""
        ...

    def forgo(self, waiter: Waiter, /) -> None:
        """Give back the promise or grant with which this side claimed the waiter."""
        ...


def _same(result: R) -> R:
    return result


class _Wrapper(Generic[R]):
    """What an operation that changes another's result leaves as it is."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Operation[R]) -> None:
        self._inner = inner

    def ended(self) -> bool:
        return self._inner.ended()

    def park(self, waiter: Waiter, arm: Arm, /) -> bool:
        return self._inner.park(waiter, arm)

    def unpark(self, waiter: Waiter, /) -> None:
        self._inner.unpark(waiter)

    def forgo(self, waiter: Waiter, /) -> None:
        self._inner.forgo(waiter)


@final
class _Mapped(_Wrapper[R], Generic[R, T1]):
    """The result of another operation, put through `fn`."""

    __slots__ = ("_fn",)

    def __init__(self, inner: Operation[R], fn: Callable[[R], T1]) -> None:
        super().__init__(inner)
        self._fn = fn

    def attempt(self, finish: Callable[[T1], U], /) -> U | Blocked:
        return self._inner.attempt(lambda result: finish(self._fn(result)))

    def complete(self, finish: Callable[[T1], U], /) -> U:
        return self._inner.complete(lambda result: finish(self._fn(result)))


@final
class _OrClosed(_Wrapper[R], Generic[R, T1]):
    """The result of another operation, or a value once that has ended."""

    __slots__ = ("_value",)

    def __init__(self, inner: Operation[R], value: T1) -> None:
        super().__init__(inner)
        self._value = value

    def attempt(self, finish: Callable[[R | T1], U], /) -> U | Blocked:
        return finish(self._value) if self.ended() else self._inner.attempt(finish)

    def complete(self, finish: Callable[[R | T1], U], /) -> U:
        return finish(self._value) if self.ended() else self._inner.complete(finish)


@final
class _Otherwise:
    """Go's default. It never lets a select wait, and so cannot be parked."""

    __slots__ = ()

    def ended(self) -> bool:
        return False

    def attempt(self, _finish: Callable[[None], U], /) -> U | Blocked:
        return LAST

    def park(self, _waiter: Waiter, _arm: Arm, /) -> bool:
        raise NotImplementedError

    def unpark(self, _waiter: Waiter, /) -> None:
        raise NotImplementedError

    def complete(self, finish: Callable[[None], U], /) -> U:
        return finish(None)

    def forgo(self, _waiter: Waiter, /) -> None:
        raise NotImplementedError


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
        return Case(_Mapped(self._operation, fn))

    def or_closed(self, value: U, /) -> "Case[R_co | U]":
        """Return this case with `value` as its result, instead of ChannelClosed, where the channel is closed.

        For a get that is: closed and drained.
        """
        return Case(_OrClosed(self._operation, value))


def otherwise() -> Case[None]:
    """Return the case that select takes when no other case can go ahead at once; with it, select never waits.

    Where there are several, one of them is taken.
    """
    return Case(_Otherwise())


@overload
async def select(
    case0: Case[T1],
    /,
    *,
    biased: bool = False,
) -> tuple[Literal[0], T1]: ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    /,
    *,
    biased: bool = False,
) -> tuple[Literal[0], T1] | tuple[Literal[1], T2]: ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    /,
    *,
    biased: bool = False,
) -> tuple[Literal[0], T1] | tuple[Literal[1], T2] | tuple[Literal[2], T3]: ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    case3: Case[T4],
    /,
    *,
    biased: bool = False,
) -> tuple[Literal[0], T1] | tuple[Literal[1], T2] | tuple[Literal[2], T3] | tuple[Literal[3], T4]: ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    case3: Case[T4],
    case4: Case[T5],
    /,
    *,
    biased: bool = False,
) -> (
    tuple[Literal[0], T1]
    | tuple[Literal[1], T2]
    | tuple[Literal[2], T3]
    | tuple[Literal[3], T4]
    | tuple[Literal[4], T5]
): ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    case3: Case[T4],
    case4: Case[T5],
    case5: Case[T6],
    /,
    *,
    biased: bool = False,
) -> (
    tuple[Literal[0], T1]
    | tuple[Literal[1], T2]
    | tuple[Literal[2], T3]
    | tuple[Literal[3], T4]
    | tuple[Literal[4], T5]
    | tuple[Literal[5], T6]
): ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    case3: Case[T4],
    case4: Case[T5],
    case5: Case[T6],
    case6: Case[T7],
    /,
    *,
    biased: bool = False,
) -> (
    tuple[Literal[0], T1]
    | tuple[Literal[1], T2]
    | tuple[Literal[2], T3]
    | tuple[Literal[3], T4]
    | tuple[Literal[4], T5]
    | tuple[Literal[5], T6]
    | tuple[Literal[6], T7]
): ...
@overload
async def select(
    case0: Case[T1],
    case1: Case[T2],
    case2: Case[T3],
    case3: Case[T4],
    case4: Case[T5],
    case5: Case[T6],
    case6: Case[T7],
    case7: Case[T8],
    /,
    *,
    biased: bool = False,
) -> (
    tuple[Literal[0], T1]
    | tuple[Literal[1], T2]
    | tuple[Literal[2], T3]
    | tuple[Literal[3], T4]
    | tuple[Literal[4], T5]
    | tuple[Literal[5], T6]
    | tuple[Literal[6], T7]
    | tuple[Literal[7], T8]
): ...
async def select(*cases: Case[object], biased: bool = False) -> tuple[int, object]:
    """Carry out exactly one of the cases and return its position and its result, waiting until one can go ahead.

    Of several that can go ahead, one is chosen at random, each with the same probability; with `biased=True` the first.
    A closed channel can go ahead: its case raises, unless it has `or_closed`. Sending and receiving on one channel in
    one select never match each other.

    Raises:
        ChannelClosed: the case chosen is a put on a closed channel, or a get on a closed and drained one.
        ValueError: there is no case.
        TypeError: an argument is not a case.

    Cancellation:
        Safe. A cancelled select has carried out nothing and leaves nothing behind on any channel; an item promised to
        it or a slot granted to it goes to the next in line.
    """
    order: list[int] = []
    return _attempt(cases, biased, order) or await _wait(cases, order)


async def select_any(cases: Iterable[Case[R]], /, *, biased: bool = False) -> tuple[int, R]:
    """Carry out exactly one of any number of cases of one type; everything else is as in `select`.

    Raises:
        ChannelClosed: the case chosen is a put on a closed channel, or a get on a closed and drained one.
        ValueError: there is no case.
        TypeError: an argument is not a case.

    Cancellation:
        Safe, as in `select`.
    """
    cases = tuple(cases)
    order: list[int] = []
    return _attempt(cases, biased, order) or await _wait(cases, order)


def _attempt(cases: Sequence[Case[R]], biased: bool, order: list[int]) -> tuple[int, R] | None:
    """Carry out a case that can go ahead at once; if there is none, put the order of trying into `order`."""
    if not cases:
        raise ValueError("select needs at least one case")
    for case in cases:
        if case.__class__ is not Case:
            raise TypeError(f"select takes cases, such as channel.on_get(), not {case!r}")
    first = 0 if biased else int(random() * len(cases))
    result = cases[first]._operation.attempt(_same)
    if result is not BLOCKED and result is not LAST:
        return first, result
    last = first if result is LAST else None
    rest = [1 - first] if len(cases) == 2 else _others(len(cases), first, biased)
    for position in rest:
        result = cases[position]._operation.attempt(_same)
        if result is not BLOCKED and result is not LAST:
            return position, result
        if result is LAST:
            last = position
    if last is not None:
        return last, cases[last]._operation.complete(_same)
    order += first, *rest
    return None


def _others(count: int, first: int, biased: bool) -> list[int]:
    others = list(range(count))
    del others[first]
    if not biased:
        shuffle(others)
    return others


async def _wait(cases: Sequence[Case[R]], order: Sequence[int]) -> tuple[int, R]:
    waiter: Waiter = get_running_loop().create_future()
    operations = [case._operation for case in cases]
    parked: list[Operation[R]] = []
    selection = Selection(waiter, operations, parked)
    try:
        for position in order:
            if operations[position].park(waiter, (selection, position)):
                parked.append(operations[position])
            if waiter.done():
                break
        position = await waiter
    except BaseException:
        if waiter.done() and not waiter.cancelled():
            operations[waiter.result()].forgo(waiter)
        else:
            for operation in parked:
                operation.unpark(waiter)
        raise
    return position, operations[position].complete(_same)
