"""One-sided handles, and the counted ends that close a channel when the last of them leaves.

A handle has the methods of its side. Those that move one item are bound methods of the channel, in slots: a call costs
what a call on the channel costs. The others hand their call on. An end counts from the moment it is opened until it
leaves, and gives its block a handle. When the end leaves, the bound methods are replaced by refusals, so an open end
pays nothing for the check.

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
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar, cast, final

from aiochannel._core.ends import Counted, OpenEnd, OpenReceiver, OpenSender
from aiochannel._core.newer_typing import override
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, check_cause
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
S = TypeVar("S")


# The types of the bound methods that a handle holds. Protocols instead of Callable: checkers would bind a Callable
# attribute as a method, and would not tell `async def` from a function that returns an awaitable.


class _Call0(Protocol[T_co]):
    def __call__(self) -> T_co: ...


class _AsyncCall0(Protocol[T_co]):
    async def __call__(self) -> T_co: ...


class _Call1(Protocol[T_contra, T_co]):
    def __call__(self, item: T_contra, /) -> T_co: ...


class _AsyncCall1(Protocol[T_contra, T_co]):
    async def __call__(self, item: T_contra, /) -> T_co: ...


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


def left_text(handle: object) -> str:
    """Return what a call is told through the handle of an end that has left."""
    return f"this end, a {handle!r}, has left"


class _Handle(Generic[S]):
    """The part of a handle that both sides have: it shows the channel, and is equal by side and channel."""

    __slots__ = ("__weakref__", "_channel", "_end", "_own")

    def __init__(self, channel: S, kind: type[S], end: OpenEnd | None) -> None:
        self._channel: object = channel
        self._own = _own(channel, kind)
        self._end = end

    def _live(self) -> S:
        """Return the channel, unless this is the handle of an end that has left."""
        if self._end is not None and self._end.left:
            raise ChannelClosed(left_text(self))
        return self._own

    @abstractmethod
    def _retire(self) -> None:
        """Refuse every call that does more than show the channel: the end has left."""

    @override
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._channel is self._channel

    @override
    def __hash__(self) -> int:
        return hash((type(self), id(self._channel)))

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._channel!r}>"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a channel lives in one process")


@final
class SenderHandle(_Handle[SendingSide[T]]):
    """A handle that has the methods of a `Sender`, and nothing else."""

    __slots__ = ("put", "put_nowait")

    def __init__(self, channel: SendingSide[T], kind: type[SendingSide[T]], end: OpenSender | None = None) -> None:
        super().__init__(channel, kind, end)
        self.put: _AsyncCall1[T, None] = self._own.put
        self.put_nowait: _Call1[T, None] = self._own.put_nowait

    @property
    def maxsize(self) -> int:
        """`Sender.maxsize`."""
        return self._own.maxsize

    def qsize(self) -> int:
        """`Sender.qsize`."""
        return self._own.qsize()

    def full(self) -> bool:
        """`Sender.full`."""
        return self._own.full()

    def closed(self) -> bool:
        """`Sender.closed`."""
        return self._own.closed()

    def statistics(self) -> object:
        """`Channel.statistics`."""
        return self._own.statistics()

    async def put_many(self, items: Iterable[T], /) -> None:
        """`Sender.put_many`."""
        await self._live().put_many(items)

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the channel, or leave it, if this is the handle of a counted end: `Sender.close`."""
        own = self._live()
        if self._end is None:
            return own.close(cause)
        check_cause(cause)
        closed = self._end.leave(cause)
        self._retire()
        return closed

    async def join(self) -> None:
        """`Sender.join`."""
        await self._live().join()

    async def wait_closed(self) -> None:
        """`Sender.wait_closed`."""
        await self._live().wait_closed()

    def on_put(self, item: T, /) -> Case[None]:
        """`Sender.on_put`."""
        return self._live().on_put(item)

    def on_close(self) -> Case[None]:
        """`Sender.on_close`."""
        return self._live().on_close()

    @override
    def _retire(self) -> None:
        self.put_nowait, self.put = _refusals(left_text(self))


class ReceiverHandle(_Handle[ReceivingSide[T]]):
    """A handle that has the methods of a `Receiver`, and nothing else."""

    # The interpreter looks `__anext__` up on the type and binds it to the handle: a slot so gives what is stored in it.
    __slots__ = ("__anext__", "get", "get_nowait")

    def __init__(self, channel: ReceivingSide[T], kind: type[ReceivingSide[T]], end: OpenEnd | None = None) -> None:
        super().__init__(channel, kind, end)
        self.get: _AsyncCall0[T] = self._own.get
        self.get_nowait: _Call0[T] = self._own.get_nowait
        self.__anext__: _AsyncCall0[T] = self._own.__anext__

    @property
    def maxsize(self) -> int:
        """`Receiver.maxsize`."""
        return self._own.maxsize

    def qsize(self) -> int:
        """`Receiver.qsize`."""
        return self._own.qsize()

    def empty(self) -> bool:
        """`Receiver.empty`."""
        return self._own.empty()

    def closed(self) -> bool:
        """`Receiver.closed`."""
        return self._own.closed()

    def statistics(self) -> object:
        """`Channel.statistics`."""
        return self._own.statistics()

    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[T]:
        """`Receiver.get_many`."""
        return await self._live().get_many(limit, within=within)

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T]:
        """`Receiver.get_many_nowait`."""
        return self._live().get_many_nowait(limit)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def join(self) -> None:
        """`Receiver.join`."""
        await self._live().join()

    def on_get(self) -> Case[T]:
        """`Receiver.on_get`."""
        return self._live().on_get()

    @override
    def _retire(self) -> None:
        self.get_nowait, self.get = _refusals(left_text(self))
        self.__anext__ = self.get


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
            raise ChannelClosed(left_text(self._handle))
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
            raise ChannelClosed(left_text(self._handle))
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
