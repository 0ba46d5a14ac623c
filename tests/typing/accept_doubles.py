"""An application's own senders and receivers: what has the methods fits, and need inherit nothing."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Generic, TypeVar, assert_type, final

from typing_extensions import override

from aiochannel import Case, Channel, ChannelClosed, Receiver, Sender

T = TypeVar("T")


@final
class Collector(Generic[T]):
    """A sender that keeps what it gets."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._closed = False
        self._done = Channel[None](1)

    @property
    def maxsize(self) -> int:
        return 0

    def qsize(self) -> int:
        return len(self.items)

    def closed(self) -> bool:
        return self._closed

    def full(self) -> bool:
        return False

    async def put(self, item: T, /) -> None:
        self.put_nowait(item)

    def put_nowait(self, item: T, /) -> None:
        if self._closed:
            raise ChannelClosed
        self.items.append(item)

    async def put_many(self, items: Iterable[T], /) -> None:
        self.items.extend(items)

    def close(self, cause: BaseException | None = None) -> bool:
        was_open = not self._closed
        self._closed = True
        return was_open

    async def join(self) -> None:
        await self._done.join()

    async def wait_closed(self) -> None:
        await self._done.wait_closed()

    def on_close(self) -> Case[None]:
        return self._done.on_close()

    def on_put(self, item: T, /) -> Case[None]:
        self.items.append(item)
        return self._done.on_put(None)


@final
class Script(Generic[T]):
    """A receiver that gives what it was made with."""

    def __init__(self, *items: T) -> None:
        self._channel = Channel[T]()
        for item in items:
            self._channel.put_nowait(item)
        self._channel.close()

    @property
    def maxsize(self) -> int:
        return 0

    def qsize(self) -> int:
        return self._channel.qsize()

    def closed(self) -> bool:
        return True

    def empty(self) -> bool:
        return self._channel.empty()

    async def get(self) -> T:
        return self.get_nowait()

    def get_nowait(self) -> T:
        return self._channel.get_nowait()

    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[T]:
        return (self.get_nowait(),)[:limit]

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T]:
        return self._channel.get_many_nowait(limit)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await anext(self._channel)

    async def join(self) -> None:
        await self._channel.join()

    def on_get(self) -> Case[T]:
        return self._channel.on_get()


@final
class Counting(Receiver[T]):
    """A receiver that inherits from the protocol."""

    def __init__(self, inner: Receiver[T]) -> None:
        self.inner = inner
        self.count = 0

    @property
    @override
    def maxsize(self) -> int:
        return self.inner.maxsize

    @override
    def qsize(self) -> int:
        return self.inner.qsize()

    @override
    def closed(self) -> bool:
        return self.inner.closed()

    @override
    def empty(self) -> bool:
        return self.inner.empty()

    @override
    async def get(self) -> T:
        self.count += 1
        return await self.inner.get()

    @override
    def get_nowait(self) -> T:
        self.count += 1
        return self.inner.get_nowait()

    @override
    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[T]:
        return await self.inner.get_many(limit, within=within)

    @override
    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[T]:
        return self.inner.get_many_nowait(limit)

    @override
    def __aiter__(self) -> AsyncIterator[T]:
        return self.inner.__aiter__()

    @override
    async def __anext__(self) -> T:
        self.count += 1
        return await anext(self.inner)

    @override
    async def join(self) -> None:
        await self.inner.join()

    @override
    def on_get(self) -> Case[T]:
        return self.inner.on_get()


async def produce(tx: Sender[int]) -> None:
    await tx.put(1)
    tx.close()


async def total(rx: Receiver[int]) -> int:
    return sum([number async for number in rx])


async def pump(rx: Receiver[T], tx: Sender[T]) -> None:
    async for item in rx:
        await tx.put(item)


async def doubles_stand_for_channels(channel: Channel[int]) -> None:
    collector: Collector[int] = Collector()
    await produce(collector)
    assert_type(await total(Script(1, 2)), int)
    assert_type(await total(Counting(channel)), int)
    assert_type(await anext(Script("a")), str)
    assert_type(await anext(Counting(channel)), int)
    await pump(Script(1, 2), collector)
    tx: Sender[bool] = collector
    rx: Receiver[object] = Script(1, 2)
    await tx.put(await rx.get() == 1)
