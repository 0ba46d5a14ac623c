"""What a select asks of a Watch and of its readers."""

from collections.abc import Callable
from typing import Generic, TypeVar, final

from aiochannel._core.newer_typing import override
from aiochannel._core.operations import Mapped, Operation, Side
from aiochannel._core.resting import BLOCKED, SPENT, Blocked, Idle
from aiochannel._core.versions import Cursor, Versions
from aiochannel._core.waiters import Selection

T = TypeVar("T")
U = TypeVar("U")


@final
class ReadOperation(Side[T]):
    """A get of a reader."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Cursor[T]) -> None:
        self._cursor = cursor

    @override
    def ended(self) -> bool:
        return self._cursor._ended()

    @override
    def hindrance(self) -> Blocked | None:
        cursor = self._cursor
        if cursor._is_unseen():
            return SPENT if cursor._rests() else None
        if not cursor._ended():
            return BLOCKED
        if Idle.passes():
            return SPENT
        raise cursor._end()

    @override
    def peek(self) -> T:
        return self._cursor._watch._value

    @override
    def attempt(self) -> T | Blocked:
        return self.hindrance() or self._cursor._take()

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        self._cursor._park(selection, position)

    @override
    def complete(self, selection: Selection, /) -> T:
        return self._cursor._use_promise(selection)

    @override
    def give_back(self, selection: Selection, /) -> None:
        self._cursor._give_back(selection)

    @override
    def map(self, fn: Callable[[T], U], /) -> Operation[U]:
        return Mapped(self, fn)


@final
class SetOperation(Side[None], Generic[T]):
    """A put, which never has to wait: nothing parks it."""

    __slots__ = ("_value", "_watch")

    def __init__(self, watch: Versions[T], value: T) -> None:
        self._watch = watch
        self._value = value

    @override
    def ended(self) -> bool:
        return self._watch._closed

    @override
    def hindrance(self) -> Blocked | None:
        if self._watch._closed:
            if Idle.passes():
                return SPENT
            raise self._watch._refusal()
        return SPENT if self._watch._rests() else None

    @override
    def peek(self) -> None:
        return None

    @override
    def attempt(self) -> Blocked | None:
        hindrance = self.hindrance()
        if hindrance is None:
            self._watch._set(self._value)
        return hindrance

    @override
    def park(self, selection: Selection, position: int, /) -> None:
        """Enter no queue."""

    @override
    def complete(self, selection: Selection, /) -> None:
        """Nothing has woken it."""

    @override
    def give_back(self, selection: Selection, /) -> None:
        """Nothing has woken it."""

    @override
    def map(self, fn: Callable[[None], U], /) -> Operation[U]:
        return Mapped(self, fn)
