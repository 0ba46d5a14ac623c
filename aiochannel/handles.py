"""One-sided handles, and the counted ends that close a channel when the last of them leaves.

A handle holds the bound methods of its side in its slots: a call through it costs what a call on the channel costs, and
the handle has nothing of the other side. An end counts from the moment it is opened until it leaves, and gives its
block a handle. When it leaves, what the handle could do is replaced by a refusal, so that an open end pays nothing for
the check.

Handles know the protocols, not the class Channel.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from types import TracebackType
from typing import Generic, Never, NoReturn, Protocol, TypeVar, final

from typing_extensions import override

from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed
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

    __slots__ = ("__weakref__", "_describe", "closed", "join", "maxsize", "qsize")

    def __init__(self, channel: Sender[Never] | Receiver[object]) -> None:
        self._describe: _Call0[str] = channel.__repr__
        self.maxsize: int = channel.maxsize
        self.qsize: _Call0[int] = channel.qsize
        self.closed: _Call0[bool] = channel.closed
        self.join: _AsyncCall0[None] = channel.join

    def _refuse(self) -> "tuple[_Refusal, _AsyncRefusal]":
        refuse, refuse_async = _refusals(f"this end, a {self!r}, has left")
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

    __slots__ = ("close", "full", "on_put", "put", "put_many", "put_nowait")

    def __init__(self, channel: Sender[T]) -> None:
        super().__init__(channel)
        self.full: _Call0[bool] = channel.full
        self.put: _AsyncCall1[T, None] = channel.put
        self.put_nowait: _Call1[T, None] = channel.put_nowait
        self.put_many: _AsyncCall1[Iterable[T], None] = channel.put_many
        self.close: _Close = channel.close
        self.on_put: _Call1[T, Case[None]] = channel.on_put

    def _retire(self) -> None:
        # Looking at the channel stays possible.
        refuse, refuse_async = self._refuse()
        self.put = self.put_many = refuse_async
        self.put_nowait = self.close = self.on_put = refuse


@final
class ReceiverHandle(_Handle, Generic[T]):
    """What a `Receiver` can do, and nothing else."""

    # The interpreter looks `__anext__` up on the type and binds what it finds: a slot binds to what is stored in it.
    __slots__ = ("__anext__", "empty", "get", "get_many", "get_nowait", "on_get")

    def __init__(self, channel: Receiver[T]) -> None:
        super().__init__(channel)
        self.empty: _Call0[bool] = channel.empty
        self.get: _AsyncCall0[T] = channel.get
        self.get_nowait: _Call0[T] = channel.get_nowait
        self.get_many: _AsyncCall1[int, Sequence[T]] = channel.get_many
        self.on_get: _Call0[Case[T]] = channel.on_get
        self.__anext__: _AsyncCall0[T] = channel.__anext__

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    def _retire(self) -> None:
        # Looking at the channel stays possible.
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
    It leaves when its block ends, or when it is dropped without having been entered. Its handle raises ChannelClosed
    from then on.
    """

    __slots__ = ("__weakref__", "_entered", "_handle", "_leave", "_left", "_retire")

    def __init__(self, handle: T_co, retire: Callable[[], None], leave: Callable[[BaseException | None], None]) -> None:
        self._handle = handle
        self._retire = retire
        self._leave = leave
        self._entered = False
        self._left = False

    def __enter__(self) -> T_co:
        if self._left:
            raise ChannelClosed(f"this end, a {self._handle!r}, has left")
        self._entered = True
        return self._handle

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._left:
            self._leave(exc)
            self._left = True
            self._retire()

    async def __aenter__(self) -> T_co:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __del__(self) -> None:
        if not self._entered:
            self.__exit__(None, None, None)

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy an end of {self._handle!r}")


def sending_end(channel: Sender[T], leave: Callable[[BaseException | None], None]) -> End[Sender[T]]:
    """Return an end that calls `leave` with what ended its block."""
    handle = SenderHandle(channel)
    return End(handle, handle._retire, leave)


def receiving_end(channel: Receiver[T], leave: Callable[[BaseException | None], None]) -> End[Receiver[T]]:
    """Return an end that calls `leave` with what ended its block."""
    handle = ReceiverHandle(channel)
    return End(handle, handle._retire, leave)
