"""What becomes of a put into a full channel, where it is not to wait.

A policy belongs to the channel, so whoever has a `Sender` need not know of it. No put of such a channel ever waits, so
no slot is ever granted; everything else is as in any other channel.

An item may be dropped while there are more items than promises: a promise is to a number of items, not to one. The new
item is appended first. Then the items that are more than the channel holds are dropped, each in one step without a
call, so that no signal handler finds an item in the channel that is counted as dropped, or the reverse.
"""

from asyncio import _get_running_loop
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar, final

from aiochannel._core import machine as core
from aiochannel._core.machine import UNBOUNDED, Machine
from aiochannel._core.newer_typing import override
from aiochannel._core.operations import PutOperation
from aiochannel._core.resting import SPENT, Blocked

T = TypeVar("T")


@final
class Overflow(Enum):
    """What becomes of a put into a full channel: `Channel(maxsize, overflow=Overflow.DROP_OLDEST)`."""

    WAIT = "wait"
    """The default: `put` waits for room, and `put_nowait` raises ChannelFull."""
    DROP_OLDEST = "drop oldest"
    """The oldest item is dropped."""
    REPLACE_NEWEST = "replace newest"
    """The item that was put last is dropped."""
    DROP_INCOMING = "drop incoming"
    """The item of this put is dropped."""


WAIT: Final = Overflow.WAIT
"""A name of the module is found faster than a member of an enumeration."""

PLACES: Final[dict[Overflow, int | None]] = {
    Overflow.DROP_OLDEST: 0,
    Overflow.REPLACE_NEWEST: -2,
    Overflow.DROP_INCOMING: None,
}
"""Where in the buffer an item is dropped when the new one has been appended; None if that is not appended."""


@final
class Dropping(Generic[T]):
    """The puts of a channel that has a policy."""

    __slots__ = ("_on_drop", "_place", "_rest_at", "dropped", "policy")

    def __init__(self, policy: Overflow, on_drop: Callable[[T], object] | None) -> None:
        self.policy: Overflow = policy
        self._place: int | None = PLACES[policy]
        self._on_drop = on_drop
        self.dropped: int = 0
        self._rest_at = core.BUDGET

    def rests(self) -> bool:
        """Return whether an awaited put should let other tasks run: many were dropped since the last one that did."""
        if self.dropped < self._rest_at:
            return False
        self._rest_at = self.dropped + core.BUDGET
        return True

    def put(self, machine: Machine[T], item: T) -> None:
        """Put the item, and drop one if there is no room; raise ChannelClosed if the channel is closed."""
        buffer, receivers = machine._buffer, machine._receivers
        # Without receivers there is no room beyond the bound. That of a closed channel is no length.
        if receivers or receivers.woken or receivers.stale or len(buffer) != machine._bound:
            if not machine._admit(item):
                self._displace(machine, item)
        elif self._on_drop is not None:
            self._displace(machine, item)
        elif self._place is None:
            self.dropped += 1
        else:
            try:
                buffer.append(item)
            except BaseException:  # raised by a signal handler
                self._accept(machine, (), [])
                raise
            try:
                buffer[machine._capacity]
            except IndexError:  # a signal handler has taken one
                self._accept(machine, (), [])
                return
            self.dropped += 1
            del buffer[self._place]

    def _displace(self, machine: Machine[T], item: T) -> None:
        """Put the item where there is no room, several items may be too many, and somebody may have to be told."""
        dropped: list[T] = []
        try:
            accepted = self._accept(machine, (item,), dropped)
        except BaseException:  # raised by a signal handler
            self._accept(machine, (), dropped)
            raise
        finally:
            if self._on_drop is not None:
                try:
                    _tell(self._on_drop, dropped, machine)
                except BaseException:  # raised by a signal handler, or by `on_drop`
                    _tell(self._on_drop, dropped, machine)
                    raise
        if not accepted:
            machine._check_open()

    def _accept(self, machine: Machine[T], new: tuple[T, ...], dropped: list[T]) -> bool:
        """Drop one item for a new one, or several where cancelled receivers had left more than the channel holds.

        Return whether the channel is open. If a signal handler raises in here, call it again, without a new item. It
        calls nothing that could be too deep a recursion.
        """
        buffer, place = machine._buffer, self._place
        if new:
            if machine._closed:  # no call between this and the change
                return False
            if place is None:
                self.dropped += 1
                dropped += new
            else:
                buffer.extend(new)
        while place is not None:
            if len(buffer) <= machine._capacity + machine._receivers.woken:
                break
            try:  # a signal handler may have taken one since
                buffer[machine._capacity + machine._receivers.woken]
            except IndexError:
                break
            item = buffer[place]
            del buffer[place]
            self.dropped += 1
            dropped += [item]
        if machine._receivers:  # they came with a signal handler
            machine._promise()
        return True


def _tell(on_drop: Callable[[T], object], dropped: list[T], machine: Machine[T]) -> None:
    """Call `on_drop` for each item; if it raises anything but an Exception, the rest is still in the list."""
    while True:
        if not dropped:
            break
        item = dropped[0]
        del dropped[0]
        try:
            on_drop(item)
        except Exception as error:
            _report(error, machine)


def _report(error: Exception, machine: Machine[T]) -> None:
    """Pass on an error that has nowhere to go: the put has taken effect."""
    loop = _get_running_loop()
    if loop is not None:
        context: dict[str, object] = {"message": f"on_drop of {machine!r} raised", "exception": error}
        loop.call_exception_handler(context)
    else:
        _Unraisable(error)


@final
class _Unraisable:
    """Dies at once, and its finalizer raises: only so does the interpreter call `sys.unraisablehook`."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __del__(self) -> None:
        raise self._error


@final
class DroppingPut(PutOperation[T]):
    """A put that a select can always carry out."""

    __slots__ = ("_dropping",)

    def __init__(self, machine: Machine[T], item: T, dropping: Dropping[T]) -> None:
        super().__init__(machine, item)
        self._dropping = dropping

    @override
    def hindrance(self) -> Blocked | None:
        machine = self._machine
        if machine._closed:
            return self._refuse()
        return SPENT if machine._rests_from_puts() or self._dropping.rests() else None

    @override
    def attempt(self) -> Blocked | None:
        machine = self._machine
        if len(machine._buffer) < machine._put_below:
            machine._buffer.append(self._item)
            return None
        if hindrance := self.hindrance():
            return hindrance
        self._dropping.put(machine, self._item)
        return None


def dropping_puts(overflow: Overflow, on_drop: Callable[[T], object] | None, capacity: int) -> Dropping[T]:
    """Return the puts of a channel with this policy.

    Raises:
        TypeError: one of the arguments is none, or puts wait and drop nothing to tell of.
        ValueError: a channel without a limit never overflows.
    """
    policy: object = overflow
    if not isinstance(policy, Overflow):
        raise TypeError(f"overflow must be an Overflow, not {policy!r}")
    if on_drop is not None and not callable(on_drop):
        raise TypeError(f"on_drop must be callable, not {on_drop!r}")
    if policy is Overflow.WAIT:
        raise TypeError("on_drop needs an overflow policy: a channel whose puts wait drops nothing")
    if capacity >= UNBOUNDED:
        raise ValueError(f"a channel without a limit never overflows: with {policy} it needs a maxsize")
    return Dropping(policy, on_drop)
