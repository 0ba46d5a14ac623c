# For Python 3.12 and newer.
"""Code in the syntax of PEP 695, with the package's own, older type variables."""

from collections.abc import AsyncIterator, Callable
from typing import assert_type, final

from aiochannel import Case, Channel, Receiver, Sender, select


class Animal:
    pass


class Dog(Animal):
    pass


type Pair[T] = tuple[Sender[T], Receiver[T]]
type Reply[T] = tuple[str, Sender[T | None]]


async def drain[T](rx: Receiver[T]) -> list[T]:
    return [item async for item in rx]


async def pump[T](rx: Receiver[T], tx: Sender[T]) -> None:
    async for item in rx:
        await tx.put(item)


async def mapped[T, U](rx: Receiver[T], fn: Callable[[T], U]) -> AsyncIterator[U]:
    async for item in rx:
        yield fn(item)


async def first[T, U](left: Receiver[T], right: Receiver[U]) -> T | U:
    match await select(left.on_get(), right.on_get()):
        case 0, item:
            return item
        case 1, other:
            return other


async def bounded[A: Animal](rx: Receiver[A]) -> A:
    return await rx.get()


def pair[T](channel: Channel[T]) -> Pair[T]:
    return channel.split()


@final
class Stage[T, U]:
    def __init__(self, rx: Receiver[T], fn: Callable[[T], U], tx: Sender[U]) -> None:
        self.rx = rx
        self.fn = fn
        self.tx = tx

    async def run(self) -> None:
        async for item in self.rx:
            await self.tx.put(self.fn(item))


class Tagged[T](Channel[T]):
    tag: str = ""


class Source[T]:
    """Its variance is inferred from the receiver's: covariant."""

    def __init__(self, rx: Receiver[T]) -> None:
        self._rx: Receiver[T] = rx

    def case(self) -> Case[T]:
        return self._rx.on_get()


async def inferred(numbers: Channel[int], texts: Channel[str], dogs: Receiver[Dog]) -> None:
    assert_type(await drain(numbers), list[int])
    assert_type(await drain(numbers.receiver), list[int])
    await pump(numbers, numbers)
    async for text in mapped(numbers, str):
        assert_type(text, str)
    assert_type(await first(numbers, texts), int | str)
    assert_type(await bounded(dogs), Dog)
    assert_type(pair(texts), tuple[Sender[str], Receiver[str]])
    assert_type(Stage(numbers, str, texts), Stage[int, str])
    assert_type(await Tagged[int]().get(), int)


async def aliases(requests: Channel[Reply[int]]) -> None:
    text, reply = await requests.get()
    assert_type(text, str)
    await reply.put(None)


def covariant(source: Source[Dog]) -> Source[Animal]:
    return source
