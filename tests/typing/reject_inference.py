"""Item types that do not fit, and channels whose item type nothing gives."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from aiochannel import Channel, Receiver, Sender

T = TypeVar("T")
U = TypeVar("U")


class Job:
    pass


async def feed(tx: Sender[T], items: Iterable[T]) -> None:
    await tx.put_many(items)


async def pump(rx: Receiver[T], tx: Sender[T]) -> None:
    async for item in rx:
        await tx.put(item)


async def each(rx: Receiver[T], fn: Callable[[T], U], tx: Sender[U]) -> None:
    async for item in rx:
        await tx.put(fn(item))


async def drain(rx: Receiver[T]) -> list[T]:
    return [item async for item in rx]


async def first(rx: Receiver[T]) -> T:
    return await anext(rx)


def nothing_gives_the_type() -> None:
    _channel = Channel(10)  # E !pyrefly !ty: a channel whose item type is neither given nor inferred


def no_type_argument(_channel: Channel) -> None: ...  # E !ty: Channel without an item type in an annotation


def no_type_argument_for_a_sender(_tx: Sender) -> None: ...  # E !ty: Sender without an item type in an annotation


def no_type_argument_for_a_receiver(_rx: Receiver) -> None: ...  # E !ty: Receiver without an item type in an annotation


def two_type_arguments(_channel: Channel[int, str]) -> None: ...  # E: Channel with two item types


def channel_is_made_for_another_type() -> Channel[int]:
    return Channel[str](10)  # E: a channel of another type returned


async def wrong_type_in_a_variable() -> None:
    channel: Channel[Job] = Channel[int](10)  # E: a channel of another type assigned
    rendezvous: Channel[Job] = Channel[int].rendezvous()  # E: a rendezvous of another type assigned
    _ = channel, rendezvous


def wrong_arguments() -> None:
    Channel[int]("10")  # E: maxsize as a str
    Channel[int](None)  # E: maxsize as None
    Channel[int](1.5)  # E: maxsize as a float
    Channel[int](size=10)  # E: a keyword that Channel does not have
    Channel[int](10, "loop")  # E: a loop that is none
    Channel[int].rendezvous(1)  # E: a rendezvous with a size
    Sender[int]()  # E !pyrefly !zuban: a protocol made into an object
    Receiver[int]()  # E !pyrefly !zuban: a protocol made into an object


async def optional_is_used_without_a_check(channel: Channel[int | None], texts: Channel[str]) -> None:
    _total = 1 + await channel.get()  # E: an optional item used as if it were there
    await texts.put(None)  # E: None put into a channel of str
    async for number in channel:
        number.bit_length()  # E: an attribute of an optional item


async def union_is_not_narrowed(channel: Channel[str | Job]) -> None:
    (await channel.get()).upper()  # E: an attribute that only one member of the union has


async def wrong_member(channel: Channel[tuple[str, Sender[int]]]) -> None:
    _, reply = await channel.get()
    await reply.put("text")  # E: a wrong item put into a reply channel
    await channel.put(("question", Channel[str]()))  # E: a reply channel of the wrong type


async def nested(channels: Channel[Channel[int]]) -> None:
    await channels.put(Channel[str]())  # E: a channel of the wrong type put into a channel of channels
    text: str = await (await channels.get()).get()  # E: an item of a nested channel taken for another type
    _ = text


async def generic_functions(numbers: Channel[int], texts: Channel[str]) -> None:
    await feed(numbers, ["one"])  # E: items that do not fit the sender of a generic function
    await pump(numbers, texts)  # E: two channels of different types given to a generic function
    await each(numbers, str.upper, texts)  # E: a function that does not take the items
    await each(numbers, str, numbers)  # E: a function whose results do not fit
    words: list[str] = await drain(numbers)  # E: the result of a generic function taken for another type
    word: str = await first(numbers)  # E: the first item from a generic function taken for another type
    await first(numbers.sender)  # E: a sender given to a generic function of receivers
    _ = words, word
