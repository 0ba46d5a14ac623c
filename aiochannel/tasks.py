"""TaskGroup: counted ends leave with their task, and what went wrong is raised once.

An *echo* is a ChannelClosed that tells of an error elsewhere: the error closed a channel, and came through it as the
cause, and maybe through more channels. One error makes an echo in each stage behind it, and an echo may be faster than
the error: then a task group cancels the task that failed, in its clean-up, and the error itself arrives nowhere.
"""

import asyncio
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from operator import is_
from types import TracebackType
from typing import Never, Protocol, TypeVar, TypeVarTuple

from aiochannel._core.newer_typing import TypeIs, override
from aiochannel.errors import ChannelClosed, source
from aiochannel.handles import End

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class TaskGroup(asyncio.TaskGroup):
    """An `asyncio.TaskGroup` for tasks that work on channels.

    `start_soon` ties counted ends to the task that uses them. And the group raises what went wrong once: in place of a
    ChannelClosed that passes an error on, it raises that error, unless it is in the group already, in groups within
    the group too. A ChannelClosed stays where nothing went wrong (it has no cause) or where its cause is a
    cancellation or the end of the program. All else is as in `asyncio.TaskGroup`.
    """

    def start_soon(
        self, fn: Callable[[*Ts], Coroutine[object, Never, T]], /, *args: *Ts, name: str | None = None
    ) -> asyncio.Task[T]:
        """Start `fn(*args)` as a task of this group, and let every `End` among the arguments leave with it.

        They leave when the task is done, if they have not before: when it fails or is cancelled before it has entered
        them, too. They leave at once if the task cannot be started, be it that `fn(*args)` raises or that the group
        takes no more tasks. What went wrong is the cause.

        For arguments by name use `functools.partial`; the ends among its arguments are found. Ends within other
        arguments, as in a list, are not: let these leave by `End.leave_with`.

        Raises:
            TypeError: `fn` is not callable; a coroutine, the result of a call, is not.
            RuntimeError: the group was not entered, or takes no more tasks.
        """
        ends = [*_ends(args), *_ends_of_partial(fn)]
        coroutine: object = None
        try:
            _check_function(fn)
            coroutine = started = fn(*args)
            task = self.create_task(started, name=name)
        except BaseException as error:
            for end in ends:
                end.leave(error)
            if isinstance(coroutine, Coroutine):
                coroutine.close()
            raise
        for end in ends:
            end.leave_with(task)
        return task

    @override
    async def __aexit__(
        self, et: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            return await super().__aexit__(et, exc, tb)  # True on a Python on which a group can be cancelled
        except BaseExceptionGroup as raised:
            told = _told_once(raised)
            if told is raised:
                del told
                raise
        finally:
            del exc, tb
        try:
            raise told from None
        finally:
            del told  # its traceback has this frame


def origins(error: BaseException) -> list[BaseException]:
    """Return the errors that are behind an error, each once, in the order in which they are found.

    For those who use `asyncio.gather` or a group of another kind, where a failure comes with an echo from each stage
    behind it. Groups are taken apart, and a ChannelClosed that passes an error on is replaced by that error.
    """
    met: dict[int, BaseException] = {}
    waiting = [error]
    while waiting:
        behind = _behind(waiting.pop())
        if id(behind) not in met:
            met[id(behind)] = behind
            if _is_group(behind):
                waiting.extend(reversed(behind.exceptions))
    return [each for each in met.values() if not _is_group(each)]


def _behind(error: BaseException) -> BaseException:
    """Return the error of which this one is the echo, or this one if it is none."""
    found = source(error)
    return error if isinstance(found, _NO_ERROR) else found


_NO_ERROR = (ChannelClosed, CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


def _told_once(group: BaseExceptionGroup[BaseException]) -> BaseExceptionGroup[BaseException]:
    """Return a group that has each error once and no echo: the same group, if that is so already."""
    unmet = {id(each) for each in _members(group) if _behind(each) is each}
    told = set(unmet)  # what is here itself keeps its place, and its echoes go

    def once(error: BaseException, *, echoed: bool) -> Iterator[BaseException]:
        behind = _behind(error)
        if behind is not error:
            yield from once(behind, echoed=True)
        elif id(error) in unmet if not echoed else id(error) not in told:
            unmet.discard(id(error))
            told.add(id(error))
            if not _is_group(error):
                yield error
            elif parts := [part for each in error.exceptions for part in once(each, echoed=echoed)]:
                yield _regrouped(error, parts)

    return next((each for each in once(group, echoed=False) if _is_group(each)), group)


def _members(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield a group and all that is in it, groups within it too."""
    yield group
    for each in group.exceptions:
        if _is_group(each):
            yield from _members(each)
        else:
            yield each


def _regrouped(
    group: BaseExceptionGroup[BaseException], parts: list[BaseException]
) -> BaseExceptionGroup[BaseException]:
    """Return the group with other errors in it; the same group, if they are the same."""
    if len(parts) == len(group.exceptions) and all(map(is_, parts, group.exceptions)):
        return group
    only_exceptions = not isinstance(group, ExceptionGroup) or all(isinstance(part, Exception) for part in parts)
    fresh = group.derive(parts) if only_exceptions else BaseExceptionGroup(group.message, parts)
    fresh.__traceback__ = group.__traceback__
    fresh.__context__ = group.__context__
    fresh.__cause__ = group.__cause__
    fresh.__suppress_context__ = group.__suppress_context__
    for note in group.__notes__ if hasattr(group, "__notes__") else ():
        fresh.add_note(note)
    return fresh


def _check_function(fn: object) -> None:
    if isinstance(fn, Coroutine):
        raise TypeError(f"start_soon takes a function and its arguments, such as start_soon(work, end), not {fn!r}")


def _ends(arguments: Iterable[object]) -> Iterator[End[object]]:
    for each in arguments:
        if _is_end(each):
            yield each


def _ends_of_partial(fn: object) -> Iterator[End[object]]:
    if _is_partial(fn):
        yield from _ends(fn.args)
        yield from _ends(fn.keywords.values())


# isinstance would narrow to a class of Any.


def _is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


def _is_end(argument: object) -> TypeIs[End[object]]:
    return isinstance(argument, End)


class _Partial(Protocol):
    @property
    def args(self) -> tuple[object, ...]: ...
    @property
    def keywords(self) -> Mapping[str, object]: ...


def _is_partial(fn: object) -> TypeIs[_Partial]:
    return isinstance(fn, type(_A_PARTIAL))


_A_PARTIAL = partial(int)
