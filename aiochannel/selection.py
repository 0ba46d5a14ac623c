"""Select: carry out exactly one of several cases, waiting until one can go ahead.

`select` first tries each case at once. If none can go ahead, it enters the wait queue of every side concerned, with one
waiter for all, and waits. The queue that wakes it claims it: in the same step the select is removed from all other
queues, so no second channel can promise it an item, grant it a slot, or count it as a waiting receiver. The woken
select then completes the case that claimed it. If it was cancelled in between, it gives the promise or grant back.

This module knows no channel. What it needs of one side of a channel is an `Operation`.
"""

from asyncio import get_running_loop
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, Literal, Never, TypeVar, overload

from aiochannel._core.resting import BLOCKED, PAUSE, SPENT, Blocked, Idle
from aiochannel._core.waiters import Selection
from aiochannel.cases import Case

T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")
R = TypeVar("R")

CHANCE: Final = Random()
"""Chooses among cases. It is not the generator of the module `random`, which belongs to the program, seeded or not."""

getrandbits: Final = CHANCE.getrandbits
random: Final = CHANCE.random


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
        ValueError: there is no case, or all are switched off (`Case.when`).
        TypeError: an argument is not a case.

    Cancellation:
        Safe. A cancelled select has carried out nothing and leaves nothing behind on any channel; an item promised to
        it or a slot granted to it goes to the next waiter.
    """
    # Two cases are the most frequent number, and have their own short ways here.
    count = 2 if len(cases) == 2 and type(cases[0]) is type(cases[1]) is Case else _count(cases)
    first = 0 if biased else getrandbits(1) if count == 2 else int(random() * count)
    result = cases[first]._operation.attempt()
    default = None
    if result is not BLOCKED:
        if type(result) is not Blocked:
            return first, result
        if result is SPENT:
            return await _rest(cases, biased)
        default = first
    others = OTHER[first] if count == 2 else _others(count, first, biased)
    for position in others:
        result = cases[position]._operation.attempt()
        if result is not BLOCKED:
            if type(result) is not Blocked:
                return position, result
            if result is SPENT:
                return await _rest(cases, biased)
            default = position
    if default is None:
        return await _wait(cases, first, others)
    if Idle.passes():
        return await _rest(cases, biased)
    return default, cases[default]._operation.complete(Selection(get_running_loop()))


async def _rest(cases: Sequence[Case[object]], biased: bool) -> tuple[int, object]:
    """Let other tasks run, and begin again."""
    await PAUSE
    return await select(*cases, biased=biased)


async def _wait(cases: Sequence[Case[object]], first: int, others: Iterable[int]) -> tuple[int, object]:
    """Wait for the first case to go ahead. Each has just been tried."""
    selection = Selection(get_running_loop())  # asyncio's; trio has channels of its own
    try:
        cases[first]._operation.park(selection, first)
        for position in others:
            cases[position]._operation.park(selection, position)
        if not (selection.entered or selection.waiter.done()):
            _refuse()
        await selection.waiter
        if selection.entered:  # a signal handler raised while it was woken
            selection.withdraw(selection.waiter.result())
        return selection.position, cases[selection.position]._operation.complete(selection)
    except BaseException:
        try:
            _give_up(selection, cases)
        except BaseException:  # raised by a signal handler
            _give_up(selection, cases)
            raise
        raise


def _refuse() -> Never:
    raise ValueError("select needs at least one case that is not switched off")


def _give_up(selection: Selection, cases: Sequence[Case[object]]) -> None:
    """Leave nothing behind: what the select was given passes on, and it waits nowhere."""
    if selection.claimed():
        selection.withdraw(selection.waiter.result())
        cases[selection.position]._operation.give_back(selection)
    else:
        for case in cases:
            case._operation.leave(selection)
        if not selection.loop.is_closed():
            selection.waiter.cancel()  # whoever is just about to wake it passes it over
        selection.withdraw()


async def select_any(cases: Iterable[Case[R]], /, *, biased: bool = False) -> tuple[int, R]:
    """Carry out exactly one of any number of cases of one type; everything else is as in `select`.

    Raises:
        ChannelClosed: the case chosen is a put on a closed channel, or a get on a closed and drained one.
        ValueError: there is no case, or all are switched off (`Case.when`).
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
            raise TypeError(
                f"select takes cases, such as channel.on_get(), and select_any a list of them, not {case!r}"
            )
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
