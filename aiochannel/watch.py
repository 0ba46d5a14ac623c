"""Watch: a value that changes, and readers that find the current one. How it works is told in `_core.versions`."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from aiochannel._core.arguments import batch_limit, batch_time, check_loop, check_name
from aiochannel._core.moments import Closed
from aiochannel._core.newer_typing import override
from aiochannel._core.observing import ReadOperation, SetOperation
from aiochannel._core.resting import BLOCKED, PAUSE
from aiochannel._core.versions import Cursor, Versions
from aiochannel._core.waiters import Waiter
from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed, ChannelEmpty, check_cause
from aiochannel.handles import SenderHandle
from aiochannel.protocols import Receiver, Sender

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class WatchStatistics:
    """A snapshot of a Watch. A select counts once for each of its cases that waits here."""

    version: int
    waiting_receivers: int
    closed: bool
    name: str | None = None


@final
class Watch(Versions[T], Generic[T]):
    """A value that tasks of one event loop share: some set it, others are told that it has changed.

    A Watch always has a value, from the beginning on. `set` replaces it, at once, and never waits. Each reader that
    `observe` gives gets the value that is current when its task runs, each version at most once: what is replaced
    before that, the reader does not see. So a slow reader is never behind, and holds nobody up. The last value before
    `close` it always sees. Where every value counts, use a Channel.

    A set is a change whatever the value is; it is compared with nothing. To set only what is new:
    `if watch.value != value: watch.set(value)`.

    A Watch is a `Sender`, whose put sets. It can be made before a loop runs. It belongs to the loop of the tasks that
    wait on it, and may move to another loop when nobody waits. With `loop` given, tasks may wait on it in that loop
    only. It is not thread-safe: from another thread use
    `asyncio.run_coroutine_threadsafe(watch.put(value), loop).result()`.

    Example:
        ```python
        async def follow(limit: Watch[int]) -> None:
            async for number in limit.observe():
                print("the limit is", number)
        ```

    Raises:
        TypeError: `loop` is not an event loop, or `name` is not a str.
    """

    __slots__ = ("_name",)

    def __init__(self, value: T, loop: AbstractEventLoop | None = None, *, name: str | None = None) -> None:
        check_loop(loop)
        check_name(name)
        super().__init__(value, loop)
        self._name = name

    # The value

    @property
    def value(self) -> T:
        """The current value. It is there at any time, after `close` too."""
        return self._value

    @property
    def version(self) -> int:
        """The number of the value: 0 at first, and one more with each set."""
        return self._version

    def set(self, value: T, /) -> None:
        """Set the value at once, and wake the readers that wait.

        Raises:
            ChannelClosed: the Watch is closed; its cause, if any, is `__cause__`. The value is as before.
            RuntimeError: readers wait in another thread. The value is as before.
        """
        if self._quiet or self._closed:
            self._set(value)
            return
        self._version += 1
        self._value = value  # last: the finalizer of the old value may look at the new one

    def observe(self) -> Receiver[T]:
        """Return a reader of its own, which begins with the current value.

        It gets the values as they are set, and may pass some over. Readers know nothing of each other. The tasks that
        share one reader share its values: each version goes to one of them. A reader may be dropped at any time.
        """
        return _Reader(self)

    async def wait_for(self, predicate: Callable[[T], object], /) -> T:
        """Return the value as soon as the predicate is true of it, and look at the current one first.

        It is asked of the values that are current when the waiting task runs: a value that fits, and is replaced before
        that, is not seen. What it raises comes out of this call.

        Raises:
            ChannelClosed: the Watch is closed, and its last value does not fit; its cause, if any, is `__cause__`.
            RuntimeError: the call would have to wait, and the Watch belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the Watch.
        """
        reader = _Reader(self)
        while not predicate(value := await reader.get()):
            pass
        return value

    def statistics(self) -> WatchStatistics:
        """Return a snapshot of the Watch."""
        self._forget_lost_loop()
        waiting = sum(cursor._waiting() for cursor in list(self._known))
        return WatchStatistics(self._version, waiting, self._closed, self._name)

    @override
    def __repr__(self) -> str:
        return f"<Watch{self._title()} at {id(self):#x} {self._summary()}>"

    @override
    def __str__(self) -> str:
        return f"<Watch{self._title()} {self._summary()}>"

    def _title(self) -> str:
        return "" if self._name is None else f" {self._name!r}"

    def _summary(self) -> str:
        return f"version={self._version}{' closed' if self._closed else ''}"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a Watch lives in one process")

    # What a sender has

    @property
    def sender(self) -> Sender[T]:
        """A handle that can set and close, and not look."""
        return SenderHandle(self, Watch)

    @property
    def maxsize(self) -> int:
        """1: there is one value."""
        return 1

    def qsize(self) -> int:
        """Return 0: a value never keeps the next one from being set."""
        return 0

    def full(self) -> bool:
        """Return False: `put_nowait` always finds room."""
        return False

    async def put(self, item: T, /) -> None:
        """Set the value.

        As `set`: it never has to wait.

        Cancellation:
            Safe. A cancelled call has set nothing.
        """
        if self._rests():
            await PAUSE
        self._set(item)

    def put_nowait(self, item: T, /) -> None:
        """Set the value at once: `set`."""
        self._set(item)

    async def put_many(self, items: Iterable[T], /) -> None:
        """Set the value to one item after the other. None waits in between, so readers see only the last one.

        Raises:
            ChannelClosed: the Watch is closed, before the first item or by `items` itself.

        Cancellation:
            Safe. A cancelled call has set nothing.
        """
        if self._rests():
            await PAUSE
        for item in items:
            self._set(item)

    def on_put(self, item: T, /) -> Case[None]:
        """Return a case for `select` that sets the value; it can always go ahead."""
        return Case(SetOperation(self, item))

    # Closing

    def closed(self) -> bool:
        """Return whether the Watch is closed: its value does not change any more."""
        return self._closed

    def close(self, cause: BaseException | None = None) -> bool:
        """Close the Watch permanently, and return whether this call closed it.

        The value stays. A reader that has not seen it gets it once; then every get raises ChannelClosed, and
        `async for` ends. If a cause is given, every ChannelClosed has it as `__cause__`, and `async for` raises
        ChannelClosed instead of ending. The first close counts.

        Raises:
            TypeError: the cause is not an exception. The Watch is not closed.
        """
        check_cause(cause)
        return self._shut(cause)

    async def wait_closed(self) -> None:
        """Wait until the Watch is closed, whoever closes it; readers may not have seen the last value yet.

        Raises:
            RuntimeError: the call would have to wait, and the Watch belongs to another event loop.

        Cancellation:
            Safe. Waiting has no effect on the Watch.
        """
        await Closed(self).wait()

    async def join(self) -> None:
        """Wait until the Watch is closed, as `wait_closed`: nothing is left in a Watch. A reader has its own `join`.

        Cancellation:
            Safe. Waiting has no effect on the Watch.
        """
        await self.wait_closed()

    def on_close(self) -> Case[None]:
        """Return a case for `select` that can go ahead when the Watch is closed. It takes nothing."""
        return Case(Closed(self))


@final
class _Reader(Cursor[T], Generic[T]):
    """A receiver that gets the current value of a Watch, each version at most once."""

    __slots__ = ()

    @property
    def maxsize(self) -> int:
        """1: there is one value."""
        return 1

    def qsize(self) -> int:
        """Return 1 if the current value can be got, else 0."""
        return int(self._is_unseen())

    def closed(self) -> bool:
        """Return whether the Watch is closed; this reader may not have seen its last value."""
        return self._watch._closed

    def empty(self) -> bool:
        """Return whether `get_nowait` would find nothing new."""
        return not self._is_unseen()

    async def get(self) -> T:
        """Return the current value, waiting for a set if this reader has seen it.

        As `Receiver.get`; the value is the one that is current when the task runs.

        Cancellation:
            Safe. A cancelled call has seen nothing, and a value promised to it goes to the next task.
        """
        watch = self._watch
        if self._seen != watch._version:
            if self._rests():
                await PAUSE
            value = self._take()
            if value is not BLOCKED:
                return value
        if watch._closed and self._seen == watch._version:
            raise self._end()
        loop = get_running_loop()
        waiter: Waiter = Future()
        try:
            self._enqueue(waiter, loop)
            await waiter
            return self._use_promise(waiter)
        except BaseException:
            try:
                self._withdraw(self._queue, waiter)
            except BaseException:  # raised by a signal handler
                self._withdraw(self._queue, waiter)
                raise
            raise

    def get_nowait(self) -> T:
        """Return the current value at once.

        Raises:
            ChannelEmpty: this reader has seen it, or a task waits for it.
            ChannelClosed: the Watch is closed, and this reader has seen its last value; its cause, if any, is
                `__cause__`.
        """
        value = self._take()
        if value is BLOCKED:
            if self._ended():
                raise self._end()
            raise ChannelEmpty(f"{self!r} has nothing new")
        return value

    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[T]:
        """Return the current value alone, as `get`: there are never more, so it does not wait for more.

        Raises:
            ChannelClosed: as `get`.
            TypeError: `limit` is not an int, or `within` not a number.
            ValueError: `limit` is less than 1, or `within` less than 0 or nan.

        Cancellation:
            Safe, as `get`.
        """
        batch_limit(limit)
        batch_time(within)
        return [await self.get()]

    def get_many_nowait(self, limit: int | None = None, /) -> list[T]:
        """Return the current value at once; [] if this reader has seen it.

        As `Receiver.get_many_nowait`.
        """
        if limit is not None:
            batch_limit(limit)
        try:
            return [self.get_nowait()]
        except ChannelEmpty:
            return []

    def __aiter__(self) -> AsyncIterator[T]:
        """Return the reader itself."""
        return self

    async def __anext__(self) -> T:
        """Return the current value, waiting for a set if this reader has seen it.

        As `Receiver.__anext__`.

        Cancellation:
            Safe, as `get`.
        """
        try:
            return await self.get()
        except ChannelClosed:
            if self._watch._cause is not None:
                raise
        raise StopAsyncIteration

    async def join(self) -> None:
        """Wait until the Watch is closed and this reader has seen its last value.

        Cancellation:
            Safe. Waiting has no effect on the reader.
        """
        if self._ended():
            return
        loop = get_running_loop()
        waiter: Waiter = Future()
        try:
            self._enqueue_joiner(waiter, loop)
            await waiter
        except BaseException:
            try:
                self._withdraw(self._joiners, waiter)
            except BaseException:  # raised by a signal handler
                self._withdraw(self._joiners, waiter)
                raise
            raise

    def on_get(self) -> Case[T]:
        """Return a case for `select` that gets the current value, if this reader has not seen it."""
        return Case(ReadOperation(self))

    @override
    def __repr__(self) -> str:
        return f"<reader of {self._watch!r}>"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: a Watch lives in one process")
