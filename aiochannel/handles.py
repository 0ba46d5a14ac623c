"""One-sided handles, and the counted ends that close a channel when the last of them leaves.

A handle holds the bound methods of its side in its slots: a call through it costs what a call on the channel costs, and
the handle has nothing of the other side. An end counts from the moment it is opened until it leaves, and gives its
block a handle. When it leaves, what the handle could do is replaced by a refusal, so that an open end pays nothing for
the check.

Handles know the protocols, not the class Channel. An end refers to its handle and never the other way round, so that an
end that is dropped is freed at once.
"""

from abc import abstractmethod
from asyncio import CancelledError, Task
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from types import TracebackType
from typing import Generic, Never, NoReturn, Protocol, TypeVar, final

from typing_extensions import override

from aiochannel._core.ends import OpenEnd, OpenReceiver, OpenSender
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, check_cause
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


# The types of the methods that a handle holds. Protocols instead of Callable: checkers would bind a Callable attribute
# as a method, and would not tell `async def` from a function that returns an awaitable.


class _Call0(Protocol[T_co]):
    def __call__(self) -> T_co: ...


class _AsyncCall0(Protocol[T_co]):
    async def __call__(self) -> T_co: ...


class _Call1(Protocol[T_contra, T_co]):
    def __call__(self, item: T_contra, /) -> T_co: ...


class _AsyncCall1(Protocol[T_contra, T_co]):
    async def __call__(self, item: T_contra, /) -> T_co: ...


class _Close(Protocol):
    def __call__(self, cause: BaseException | None = None) -> bool: ...


class _Handle:
    """What both sides have: a look at the channel, and equality by side and channel."""

    __slots__ = ("__weakref__", "_describe", "_end", "closed", "join", "maxsize", "qsize")

    def __init__(self, channel: Sender[Never] | Receiver[object], end: OpenEnd | None) -> None:
        self._end = end
        self._describe: _Call0[str] = channel.__repr__
        self.maxsize: int = channel.maxsize
        self.qsize: _Call0[int] = channel.qsize
        self.closed: _Call0[bool] = channel.closed
        self.join: _AsyncCall0[None] = channel.join

    @abstractmethod
    def _retire(self) -> None:
        """Refuse everything but to look at the channel."""

    def _has_left(self) -> str:
        return f"this end, a {self!r}, has left"

    def _refuse(self) -> "tuple[_Refusal, _AsyncRefusal]":
        refuse, refuse_async = _refusals(self._has_left())
        self.join = refuse_async
        return refuse, refuse_async

    @override
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.qsize == self.qsize

    @override
    def __hash__(self) -> int:
        return hash((type(self), self.qsize))

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._describe()}>"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")


@final
class SenderHandle(_Handle, Generic[T]):
    """What a `Sender` can do, and nothing else."""

    __slots__ = ("_close", "full", "on_put", "put", "put_many", "put_nowait")

    def __init__(self, channel: Sender[T], end: OpenSender | None = None) -> None:
        super().__init__(channel, end)
        self.full: _Call0[bool] = channel.full
        self.put: _AsyncCall1[T, None] = channel.put
        self.put_nowait: _Call1[T, None] = channel.put_nowait
        self.put_many: _AsyncCall1[Iterable[T], None] = channel.put_many
        self._close: _Close = channel.close
        self.on_put: _Call1[T, Case[None]] = channel.on_put

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel, or leave it, if this is the handle of a counted end: `Sender.close`."""
        if self._end is None:
            return self._close(cause)
        if self._end.left:
            raise ChannelClosed(self._has_left())
        check_cause(cause)
        closed = self._end.leave(cause)
        self._retire()
        return closed

    @override
    def _retire(self) -> None:
        refuse, refuse_async = self._refuse()
        self.put = self.put_many = refuse_async
        self.put_nowait = self.on_put = refuse


@final
class ReceiverHandle(_Handle, Generic[T]):
    """What a `Receiver` can do, and nothing else."""

    # The interpreter looks `__anext__` up on the type and binds what it finds: a slot binds to what is stored in it.
    __slots__ = ("__anext__", "empty", "get", "get_many", "get_nowait", "on_get")

    def __init__(self, channel: Receiver[T], end: OpenReceiver | None = None) -> None:
        super().__init__(channel, end)
        self.empty: _Call0[bool] = channel.empty
        self.get: _AsyncCall0[T] = channel.get
        self.get_nowait: _Call0[T] = channel.get_nowait
        self.get_many: _AsyncCall1[int, Sequence[T]] = channel.get_many
        self.on_get: _Call0[Case[T]] = channel.on_get
        self.__anext__: _AsyncCall0[T] = channel.__anext__

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    @override
    def _retire(self) -> None:
        refuse, refuse_async = self._refuse()
        self.get = self.get_many = self.__anext__ = refuse_async
        self.get_nowait = self.on_get = refuse


class _Refusal(Protocol):
    def __call__(self, *args: object, **kwargs: object) -> NoReturn: ...


class _AsyncRefusal(Protocol):
    async def __call__(self, *args: object) -> NoReturn: ...


def _refusals(message: str) -> tuple[_Refusal, _AsyncRefusal]:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise ChannelClosed(message)

    async def refuse_async(*_args: object) -> NoReturn:
        refuse()

    return refuse, refuse_async


@final
class End(Generic[T_co]):
    """One counted end of a channel: a context manager, `with` or `async with`, that gives its block a handle.

    It counts from the moment it is opened, so that ends given to tasks that have not started yet keep the channel open.
    It leaves, once: when its block ends, by `leave`, by `close` of its handle, with a task (`leave_with`,
    `TaskGroup.start_soon`), or when it is dropped without having been entered. Its handle raises ChannelClosed from
    then on. What ended its use becomes the cause if the channel closes, and the first cause stays. GeneratorExit is no
    cause, and for a receiving end CancelledError is none.

    One task enters it, once. Open another end for another task.
    """

    __slots__ = ("__weakref__", "_end", "_entered", "_handle", "_retire")

    def __init__(self, handle: T_co, end: OpenEnd, retire: Callable[[], None]) -> None:
        self._handle = handle
        self._end = end
        self._retire = retire
        self._entered = False

    def leave(self, cause: BaseException | None = None) -> None:
        """Leave now. Without a cause it says that all is well. An end that has left does nothing.

        Raises:
            TypeError: the cause is not an exception.
        """
        check_cause(cause)
        if not self._end.left:
            self._end.leave(cause)
            self._retire()

    def leave_with(self, task: Task[object], /) -> None:
        """Leave when the task is done, if the end is still here then, with what ended the task as the cause.

        A task that is cancelled before its first step is done too, although it has never entered the end. Where the
        cause is an error of the task, asyncio takes it as retrieved: it is the channel's to tell.
        """
        if task.done():
            self._leave_after(task)
        else:
            task.add_done_callback(self._leave_after)

    def _leave_after(self, task: Task[object]) -> None:
        if self._end.left:
            return
        try:
            cause = task.exception()
        except CancelledError as cancellation:
            cause = cancellation
        try:
            self.leave(cause)
        finally:
            del cause  # its traceback may have this frame

    def __enter__(self) -> T_co:
        if self._end.left:
            raise ChannelClosed(f"this end, a {self._handle!r}, has left")
        if self._entered:
            raise RuntimeError(
                f"this end, a {self._handle!r}, was entered before; another task needs an end of its own"
            )
        self._entered = True
        return self._handle

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(exc, GeneratorExit):  # it may be the collector that closes the coroutine
            self._end.leave_anywhere()
            self._retire()
        else:
            self.leave(exc)

    async def __aenter__(self) -> T_co:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __del__(self) -> None:
        if not self._entered:
            self._end.drop()

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy an end of {self._handle!r}")


def sending_end(channel: Sender[T], end: OpenSender) -> End[Sender[T]]:
    """Return a counted end of the channel."""
    handle = SenderHandle(channel, end)
    return End(handle, end, handle._retire)


def receiving_end(channel: Receiver[T], end: OpenReceiver) -> End[Receiver[T]]:
    """Return a counted end of the channel."""
    handle = ReceiverHandle(channel, end)
    return End(handle, end, handle._retire)
