"""The item type of a channel: given, inferred, optional, a union, nested; and functions that are generic in it."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Generic, Literal, TypeAlias, TypeVar, assert_type, final

from aiochannel import Channel, Receiver, Sender

T = TypeVar("T")
U = TypeVar("U")
Message: TypeAlias = "str | bytes | None"
Handler: TypeAlias = Callable[[T], Awaitable[U]]


@final
class Job:
    pass


async def type_given_where_it_is_made() -> None:
    assert_type(Channel[int](), Channel[int])
    assert_type(Channel[int](10), Channel[int])
    assert_type(Channel[int](maxsize=10), Channel[int])
    assert_type(Channel[int].rendezvous(), Channel[int])
    channel = Channel[Job](3)
    assert_type(await channel.get(), Job)


async def type_given_by_the_variable(loop: AbstractEventLoop) -> None:
    jobs: Channel[Job] = Channel(10)
    numbers: Channel[int] = Channel(10, loop)
    texts: Channel[str] = Channel(loop=loop)
    signals: Channel[None] = Channel.rendezvous()  # X pyright basedpyright: the type is not inferred for rendezvous()
    other_signals = Channel[None].rendezvous()
    assert_type(await jobs.get(), Job)
    assert_type(await numbers.get(), int)
    assert_type(await texts.get(), str)
    await signals.put(None)
    await other_signals.put(None)


def type_given_by_the_return_type() -> Channel[Job]:
    return Channel(1)


def type_given_by_the_parameter() -> None:
    type_kept_by_a_function(Channel[str](1))


def type_kept_by_a_function(channel: Channel[str]) -> tuple[Sender[str], Receiver[str]]:
    return channel.split()


async def none_is_an_item(channel: Channel[int | None]) -> None:
    await channel.put(None)
    await channel.put(3)
    got = await channel.get()
    assert_type(got, int | None)
    if got is not None:
        assert_type(got, int)


async def union_is_narrowed_by_its_user(channel: Channel[str | Job]) -> None:
    match await channel.get():
        case str() as text:
            assert_type(text, str)
        case job:
            assert_type(job, Job)


async def alias_as_item(channel: Channel[Message], text: str) -> None:
    await channel.put(text)
    await channel.put(None)
    assert_type(await channel.get(), str | bytes | None)


async def literals_and_tuples(channel: Channel[tuple[Literal["add", "drop"], int]]) -> None:
    await channel.put(("add", 1))
    verb, number = await channel.get()
    assert_type(number, int)
    if verb == "add":
        assert_type(verb, Literal["add"])


async def reply_channel_in_a_request(requests: Channel[tuple[str, Sender[int]]]) -> None:
    replies = Channel[int](1)
    await requests.put(("question", replies))
    question, reply = await requests.get()
    assert_type(question, str)
    await reply.put(len(question))
    assert_type(await replies.get(), int)


async def channel_of_channels(channels: Channel[Channel[int]], receivers: Receiver[Receiver[int]]) -> None:
    assert_type(await (await channels.get()).get(), int)
    async for rx in receivers:
        async for number in rx:
            assert_type(number, int)


async def items_that_are_calls(work: Channel[Callable[[], Awaitable[int]]]) -> None:
    call = await work.get()
    assert_type(await call(), int)


async def drain(rx: Receiver[T]) -> list[T]:
    return [item async for item in rx]


async def first(rx: Receiver[T]) -> T:
    return await anext(rx)


async def first_of_any(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def feed(tx: Sender[T], items: Iterable[T]) -> None:
    await tx.put_many(items)


async def pump(rx: Receiver[T], tx: Sender[T]) -> None:
    async for item in rx:
        await tx.put(item)


async def each(rx: Receiver[T], fn: Callable[[T], U], tx: Sender[U]) -> None:
    async for item in rx:
        await tx.put(fn(item))


async def numbered(rx: Receiver[T]) -> AsyncIterator[tuple[int, T]]:
    number = 0
    async for item in rx:
        yield number, item
        number += 1


def first_of(channels: Iterable[Channel[T]]) -> Receiver[T]:
    return next(iter(channels))


async def generic_functions_take_channels(channel: Channel[int], texts: Channel[str]) -> None:
    assert_type(await drain(channel), list[int])
    assert_type(await first(channel), int)
    assert_type(await first_of_any(channel), int)
    await feed(channel, [1, 2])
    await pump(channel, channel)
    await each(channel, str, texts)
    assert_type(first_of([channel]), Receiver[int])
    async for number, text in numbered(texts):
        assert_type(number, int)
        assert_type(text, str)


async def generic_functions_take_handles(tx: Sender[int], rx: Receiver[int], optional: Channel[int | None]) -> None:
    assert_type(await drain(rx), list[int])
    assert_type(await first(rx), int)
    assert_type(await first_of_any(rx), int)
    assert_type(await first(optional.receiver), int | None)
    await feed(tx, (number for number in range(3)))
    await pump(rx, tx)
    assert_type(await drain(optional.receiver), list[int | None])
    await pump(rx, optional)


@final
class Stage(Generic[T, U]):
    """A generic class over both sides."""

    def __init__(self, rx: Receiver[T], fn: Callable[[T], U], tx: Sender[U]) -> None:
        self.rx = rx
        self.fn = fn
        self.tx = tx

    async def run(self) -> None:
        async for item in self.rx:
            await self.tx.put(self.fn(item))


def stage_is_inferred(numbers: Channel[int], texts: Channel[str]) -> None:
    assert_type(Stage(numbers, str, texts), Stage[int, str])
    assert_type(Stage(numbers.receiver, str, texts.sender), Stage[int, str])


class Tagged(Channel[T]):
    """A generic subclass."""

    def __init__(self, tag: str, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.tag: str = tag


async def generic_subclass(tagged: Tagged[int]) -> None:
    assert_type(tagged.receiver, Receiver[int])
    assert_type(await tagged.get(), int)
    assert_type(await drain(tagged), list[int])


def peek(channel: Channel[int]) -> Iterator[int]:
    assert_type(list(channel), list[int])
    return iter(channel)
