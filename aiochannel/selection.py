"""Waiting for the first of several operations: Case, select, select_any, otherwise.

A `Case` is one operation that could happen: a get or a put on some channel. `select` carries out exactly one of its
cases. It first tries each at once; if none can go ahead it enters the line of every side of a channel concerned, with
one future for all, and waits. Whichever line wakes it claims it: in the same step the select is withdrawn from all
others, so no second channel can promise it an item, grant it a slot, or count it as a receiver at hand. The woken
select then completes the case that claimed it, or, if it was cancelled in between, gives the promise or grant back.

This module knows no channel. What it needs of one side of a channel is `Operation`, and only this module calls it.
"""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from random import getrandbits, random
from typing import Final, Generic, Literal, Protocol, TypeVar, final, overload

from aiochannel.lines import Line

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


class Blocked(Enum):
    """What an operation answers that does not go ahead now: it would have to wait, or it lets all others go first."""

    BLOCKED = "blocked"
    LAST = "last"


BLOCKED: Final = Blocked.BLOCKED
LAST: Final = Blocked.LAST


@final
class Selection:
    """A select that waits. It stands in the lines of all the sides where it is parked until one of them claims it."""

    __slots__ = ("loop", "parked", "position", "waiter")

    loop: AbstractEventLoop
    waiter: Future[None]
    parked: list[tuple[Line, int]]
    """The lines in which it began to wait, each with the position of its case."""
    position: int
    """The position of the case that was claimed."""

    def done(self) -> bool:
        """Tell whether it has stopped waiting."""
        return self.waiter.done()

    def set_result(self, line: Line, /) -> None:
        """Wake the select for the case of this line, and withdraw it from all other lines in the same step."""
        self.waiter.set_result(None)
        for each, position in self.parked:
            if each is line:
                self.position = position
            elif len(each) == 1:
                each.popleft()  # what `leave` would do
            else:
                each.leave(self)
                self.parked = []  # for the reason given in `abandon`

    def abandon(self, cases: "Sequence[Case[object]]") -> None:
        """Leave nothing behind: give back what it was woken with, or else take it out of all lines."""
        if self.waiter.done() and not self.waiter.cancelled():
            cases[self.position]._operation.forgo(self)
            return
        # It may stand, done, in a line for a while, and must not keep what waits in another alive.
        parked, self.parked = self.parked, []
        for line, _ in parked:
            line.leave(self)

    def stands_in(self, line: Line) -> bool:
        """Tell whether it waits in this line."""
        return not self.done() and any(parked is line for parked, _ in self.parked)


class Operation(Protocol[R_co]):
    """What a case needs of one side of a channel. Nothing here waits.

    Where there is a `fn` it runs before the operation takes effect, so that nothing has happened if it raises.
    """

    def ended(self) -> bool:
        """Tell whether the channel's being closed has put an end to this operation, for ever."""
        ...

    def attempt(self) -> R_co | Blocked:
        """Carry the operation out if it can go ahead at once; raise ChannelClosed if it has ended."""
        ...

    def attempt_map(self, fn: Callable[[R_co], U], /) -> U | Blocked:
        """Do the same, and return `fn` of the result."""
        ...

    def park(self, selection: Selection, position: int, /) -> None:
        """Put the select, for its case at this position, into the line of this side of the channel.

        Do nothing if it stands there already for another case. All parking of a select happens in one step, so it is
        then the last one. In the same step every case was attempted in vain, so nothing is here that could claim it.
        """
        ...

    def complete(self) -> R_co:
        """Use the promise or grant with which this side claimed the select; raise ChannelClosed if it has ended."""
        ...

    def complete_map(self, fn: Callable[[R_co], U], /) -> U:
        """Do the same, and return `fn` of the result."""
        ...

    def forgo(self, selection: Selection, /) -> None:
        """Give back the promise or grant with which this side claimed the select."""
        ...


class _Wrapper(Generic[R]):
    """What an operation that changes another's result leaves as it is."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Operation[R]) -> None:
        self._inner = inner

    def ended(self) -> bool:
        return self._inner.ended()

    def park(self, selection: Selection, position: int, /) -> None:
        self._inner.park(selection, position)

    def forgo(self, selection: Selection, /) -> None:
        self._inner.forgo(selection)


@final
class _Mapped(_Wrapper[R], Generic[R, T1]):
    """The result of another operation, put through `fn`."""

    __slots__ = ("_fn",)

    def __init__(self, inner: Operation[R], fn: Callable[[R], T1]) -> None:
        super().__init__(inner)
        self._fn = fn

    def attempt(self) -> T1 | Blocked:
        return self._inner.attempt_map(self._fn)

    def attempt_map(self, fn: Callable[[T1], U], /) -> U | Blocked:
        return self._inner.attempt_map(lambda result: fn(self._fn(result)))

    def complete(self) -> T1:
        return self._inner.complete_map(self._fn)

    def complete_map(self, fn: Callable[[T1], U], /) -> U:
        return self._inner.complete_map(lambda result: fn(self._fn(result)))


@final
class _OrClosed(_Wrapper[R], Generic[R, T1]):
    """The result of another operation, or a value once that has ended."""

    __slots__ = ("_value",)

    def __init__(self, inner: Operation[R], value: T1) -> None:
        super().__init__(inner)
        self._value = value

    def attempt(self) -> R | T1 | Blocked:
        return self._value if self.ended() else self._inner.attempt()

    def attempt_map(self, fn: Callable[[R | T1], U], /) -> U | Blocked:
        return fn(self._value) if self.ended() else self._inner.attempt_map(fn)

    def complete(self) -> R | T1:
        return self._value if self.ended() else self._inner.complete()

    def complete_map(self, fn: Callable[[R | T1], U], /) -> U:
        return fn(self._value) if self.ended() else self._inner.complete_map(fn)


@final
class _Otherwise:
    """Go's default. It never lets a select wait, and so cannot be parked."""

    __slots__ = ()

    def ended(self) -> bool:
        return False

    def attempt(self) -> Blocked:
        return LAST

    def attempt_map(self, _fn: Callable[[None], U], /) -> U | Blocked:
        return LAST

    def park(self, _selection: Selection, _position: int, /) -> None:
        raise NotImplementedError

    def complete(self) -> None:
        return None

    def complete_map(self, fn: Callable[[None], U], /) -> U:
        return fn(None)

    def forgo(self, _selection: Selection, /) -> None:
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
    # Two cases are the most frequent number, and have their own short ways here.
    count = 2 if len(cases) == 2 and type(cases[0]) is type(cases[1]) is Case else _count(cases)
    first = 0 if biased else getrandbits(1) if count == 2 else int(random() * count)
    operation = cases[first]._operation
    result = operation.attempt()
    last = None
    if result is not BLOCKED:
        if result is not LAST:
            return first, result
        last = first
    others = OTHER[first] if count == 2 else _others(count, first, biased)
    for position in others:
        result = cases[position]._operation.attempt()
        if result is not BLOCKED:
            if result is not LAST:
                return position, result
            last = position
    if last is not None:
        return last, cases[last]._operation.complete()
    selection = Selection()
    # Here and not in an `__init__`, which would cost a call.
    selection.loop = get_running_loop()
    selection.waiter = Future()
    selection.parked = []
    try:
        operation.park(selection, first)
        for position in others:
            cases[position]._operation.park(selection, position)
        await selection.waiter
    except BaseException:
        selection.abandon(cases)
        raise
    return selection.position, cases[selection.position]._operation.complete()


async def select_any(cases: Iterable[Case[R]], /, *, biased: bool = False) -> tuple[int, R]:
    """Carry out exactly one of any number of cases of one type; everything else is as in `select`.

    Raises:
        ChannelClosed: the case chosen is a put on a closed channel, or a get on a closed and drained one.
        ValueError: there is no case.
        TypeError: an argument is not a case.

    Cancellation:
        Safe, as in `select`.
    """
    return await select(*cases, biased=biased)


def _count(cases: Sequence[Case[object]]) -> int:
    if not cases:
        raise ValueError("select needs at least one case")
    for case in cases:
        if type(case) is not Case:
            raise TypeError(f"select takes cases, such as channel.on_get(), not {case!r}")
    return len(cases)


OTHER: Final = ((1,), (0,))
"""The position of the other one of two cases."""


def _others(count: int, first: int, biased: bool) -> Sequence[int]:
    """Return all positions but the first one, in the order in which to try them."""
    others = list(range(count))
    del others[first]
    if not biased:
        ranks = [random() for _ in range(count)]
        others.sort(key=ranks.__getitem__)  # takes half as long as `shuffle`
    return others
