# For Python 3.12 and newer.
"""Mistakes in the syntax of PEP 695."""

from aiochannel import Channel, Receiver, Sender


class Animal:
    pass


class Dog(Animal):
    pass


async def drain[T](rx: Receiver[T]) -> list[T]:
    return [item async for item in rx]


async def pump[T](rx: Receiver[T], tx: Sender[T]) -> None:
    async for item in rx:
        await tx.put(item)


async def bounded[A: Animal](rx: Receiver[A]) -> A:
    return await rx.get()


async def wrong_item[T](tx: Sender[T], item: T) -> None:
    await tx.put([item])  # E: a wrong item put in a generic function


async def wrong_result[T, U](rx: Receiver[T], tx: Sender[U]) -> None:
    await tx.put(await rx.get())  # E: an item of one type variable put as another


async def wrong_types(numbers: Channel[int], texts: Channel[str], animals: Receiver[Animal]) -> None:
    await pump(numbers, texts)  # E: two channels of different types given to a generic function
    _words: list[str] = await drain(numbers)  # E: the result of a generic function taken for another type
    await bounded(numbers)  # E: a channel of items outside the bound
    _dog: Dog = await bounded(animals)  # E: the result of a bounded function narrowed


class Sink[T]:
    """Its variance is inferred from the sender's: contravariant."""

    def __init__(self, tx: Sender[T]) -> None:
        self._tx: Sender[T] = tx

    async def give(self, item: T) -> None:
        await self._tx.put(item)


def contravariant(sink: Sink[Dog]) -> Sink[Animal]:
    return sink  # E: a contravariant class of the application turned the wrong way
