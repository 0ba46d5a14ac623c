"""One-sided handles, and the counted ends that close a channel when the last of them leaves.

A handle holds the bound methods of its side in its slots: a call through it costs what a call on the channel costs, and
the handle has nothing of the other side. An end counts from the moment it is opened until it leaves, and gives its
block a handle. When the end leaves, the methods of the handle are replaced by refusals, so an open end pays nothing for
the check.

The methods are those of the kind of channel, such as Channel, whatever a subclass of it overrides: iteration, batches
and select do not call the methods of a subclass either.

Handles know the protocols, not the class Channel. An end refers to its handle and never the other way round, so an end
that is dropped is freed at once.
"""

from abc import abstractmethod
from asyncio import CancelledError, Task
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Never, NoReturn, Protocol, TypeVar, cast, final

from aiochannel._core.ends import Counted, OpenEnd, OpenReceiver, OpenSender
from aiochannel._core.newer_typing import override
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, check_cause
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
S = TypeVar("S")


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


class _GetMany(Protocol[T_co]):
    async def __call__(self, limit: int, /, *, within: float | None = None) -> Sequence[T_co]: ...


class _GetManyNowait(Protocol[T_co]):
    def __call__(self, limit: int | None = None, /) -> Sequence[T_co]: ...


class _Close(Protocol):
    def __call__(self, cause: BaseException | None = None) -> bool: ...


class SendingSide(Sender[T_contra], Protocol[T_contra]):
    """What a handle of a sending side is made of."""

    def statistics(self) -> object:
        """Return a snapshot."""
        ...


class ReceivingSide(Receiver[T_co], Protocol[T_co]):
    """What a handle of a receiving side is made of."""

    def statistics(self) -> object:
        """Return a snapshot."""
        ...


def _own(channel: S, kind: type[S]) -> S:
    """Return the channel as its class `kind` has it, whatever a subclass overrides."""
    order = type(channel).__mro__
    if order[0] is kind:
        return channel
    # What `super` finds are the bound methods of `kind`; no type says so.
    return cast("S", super(order[order.index(kind) - 1], channel))


class _Handle:
    """The part of a handle that both sides have: it shows the channel, and is equal by side and channel."""

    __slots__ = ("__weakref__", "_describe", "_end", "_maxsize", "closed", "join", "qsize", "statistics")

    def __init__(
        self, own: SendingSide[Never] | ReceivingSide[object], end: OpenEnd | None, describe: _Call0[str]
    ) -> None:
        self._end = end
        self._describe = describe
        self._maxsize: int = own.maxsize
        self.qsize: _Call0[int] = own.qsize
        self.closed: _Call0[bool] = own.closed
        self.statistics: _Call0[object] = own.statistics
        self.join: _AsyncCall0[None] = own.join

    @property
    def maxsize(self) -> int:
        """`Sender.maxsize`, `Receiver.maxsize`."""
        return self._maxsize

    @abstractmethod
    def _retire(self) -> None:
        """Refuse every call that does more than show the channel."""

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
    """A handle that has the methods of a `Sender`, and nothing else."""

    __slots__ = ("_close", "full", "on_close", "on_put", "put", "put_many", "put_nowait", "wait_closed")

    def __init__(self, channel: SendingSide[T], kind: type[SendingSide[T]], end: OpenSender | None = None) -> None:
        own = _own(channel, kind)
        super().__init__(own, end, channel.__repr__)
        self.full: _Call0[bool] = own.full
        self.put: _AsyncCall1[T, None] = own.put
        self.put_nowait: _Call1[T, None] = own.put_nowait
        self.put_many: _AsyncCall1[Iterable[T], None] = own.put_many
        self._close: _Close = own.close
        self.on_put: _Call1[T, Case[None]] = own.on_put
        self.on_close: _Call0[Case[None]] = own.on_close
        self.wait_closed: _AsyncCall0[None] = own.wait_closed

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
        self.put = self.put_many = self.wait_closed = refuse_async
        self.put_nowait = self.on_put = self.on_close = refuse


class ReceiverHandle(_Handle, Generic[T]):
    """A handle that has the methods of a `Receiver`, and nothing else."""

    # The interpreter looks `__anext__` up on the type and binds it to the handle: a slot so gives what is stored in it.
    __slots__ = ("__anext__", "empty", "get", "get_many", "get_many_nowait", "get_nowait", "on_get")

    def __init__(self, channel: ReceivingSide[T], kind: type[ReceivingSide[T]], end: OpenEnd | None = None) -> None:
        own = _own(channel, kind)
        super().__init__(own, end, channel.__repr__)
        self.empty: _Call0[bool] = own.empty
        self.get: _AsyncCall0[T] = own.get
        self.get_nowait: _Call0[T] = own.get_nowait
        self.get_many: _GetMany[T] = own.get_many
        self.get_many_nowait: _GetManyNowait[T] = own.get_many_nowait
        self.on_get: _Call0[Case[T]] = own.on_get
        self.__anext__: _AsyncCall0[T] = own.__anext__

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    @override
    def _retire(self) -> None:
        refuse, refuse_async = self._refuse()
        self.get = self.get_many = self.__anext__ = refuse_async
        self.get_nowait = self.get_many_nowait = self.on_get = refuse


class _Refusal(Protocol):
    def __call__(self, *args: object, **kwargs: object) -> NoReturn: ...


class _AsyncRefusal(Protocol):
    async def __call__(self, *args: object, **kwargs: object) -> NoReturn: ...


def _refusals(message: str) -> tuple[_Refusal, _AsyncRefusal]:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise ChannelClosed(message)

    async def refuse_async(*_args: object, **_kwargs: object) -> NoReturn:
        refuse()

    return refuse, refuse_async


@final
class End(Generic[T_co]):
    """One counted end of a channel: a context manager, `with` or `async with`, that gives its block a handle.

    It counts from the moment it is opened, so that ends given to tasks that have not started yet keep the channel open.
    It leaves once: when its block ends, by `leave`, by `close` of its handle, with a task (`leave_with`,
    `TaskGroup.start_soon`), or when it is dropped without having been entered. From then on its handle raises
    ChannelClosed; a put or get that began before goes on. The exception that ended its use becomes the cause if the
    channel closes, and the first cause stays. GeneratorExit is no cause, and for a receiving end CancelledError is
    none.

    One task enters it, once. Open another end for another task.
    """

    __slots__ = ("__weakref__", "_end", "_entered", "_handle", "_open", "_retire")

    def __init__(
        self, handle: T_co, end: OpenEnd, retire: Callable[[], None], another: "Callable[[], End[T_co]]"
    ) -> None:
        self._handle = handle
        self._end = end
        self._retire = retire
        self._open = another
        self._entered = False

    def clone(self) -> "End[T_co]":
        """Open another end of the same side; it counts from this call on.

        For work that makes more work: a job carries its own end, and gives each job that it makes a clone.

        Raises:
            ChannelClosed: this end has left.
        """
        if self._end.left:
            raise ChannelClosed(f"this end, a {self._handle!r}, has left")
        return self._open()

    def leave(self, cause: BaseException | None = None) -> None:
        """Leave now; without a cause this means that nothing went wrong. If the end has left already, do nothing.

        Raises:
            TypeError: the cause is not an exception.
        """
        check_cause(cause)
        if not self._end.left:
            self._end.leave(cause)
            self._retire()

    def leave_with(self, task: Task[object], /) -> None:
        """Leave when the task is done, if the end has not left before, with what ended the task as the cause.

        A task that is cancelled before its first step is done too, although it has never entered the end. If the cause
        is an error of the task, asyncio counts it as retrieved: the channel passes it on.
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
            del cause  # its traceback may refer to this frame

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

    if not TYPE_CHECKING:  # so a checker reports the mistake, too

        def __getattr__(self, name: str) -> NoReturn:
            missing = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and hasattr(self._handle, name):
                missing += ": enter it, and use what it gives, with end as handle"
            raise AttributeError(missing, name=name, obj=self)

    async def __aenter__(self) -> T_co:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __del__(self) -> None:
        try:
            entered = self._entered
        except AttributeError:  # a signal handler has raised before it was made
            return
        if not entered:
            self._end.drop()

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy an end of {self._handle!r}")


def sending_end(channel: SendingSide[T], kind: type[SendingSide[T]], counted: Counted) -> End[Sender[T]]:
    """Return a counted end of the channel."""
    end = OpenSender(counted)
    handle = SenderHandle(channel, kind, end)
    opened: End[Sender[T]] = End(handle, end, handle._retire, partial(sending_end, channel, kind, counted))
    end.open()
    return opened


def receiving_end(channel: ReceivingSide[T], kind: type[ReceivingSide[T]], counted: Counted) -> End[Receiver[T]]:
    """Return a counted end of the channel."""
    end = OpenReceiver(counted)
    handle = ReceiverHandle(channel, kind, end)
    opened: End[Receiver[T]] = End(handle, end, handle._retire, partial(receiving_end, channel, kind, counted))
    end.open()
    return opened
