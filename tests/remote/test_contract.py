"""What a local channel and a remote one promise alike. `make` says where the channel is.

Another module can run these tests on another server: it imports them, and has a fixture `make` of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from aiochannel import Channel, ChannelClosed, Receiver, Sender, TaskGroup, merge, otherwise, select
from aiochannel.remote import connect
from tests.conftest import cancelled, waiting
from tests.contract.kinds import WAITING_GETS, WAITING_PUTS, get, put
from tests.contract.test_closing import NO_CAUSES

pytestmark = pytest.mark.virtual_clock

Item = int | str | None
Ends = tuple[Sender[Item], Receiver[Item]]
Make = Callable[[int], Awaitable[Ends]]


@pytest.fixture(params=["local", "remote"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Return how to make a channel of some maxsize: its two ends, which are in processes of their own."""
    stack = AsyncExitStack()
    place: object = request.param
    numbers = iter(range(99))

    async def local(maxsize: int) -> Ends:
        channel = Channel[Item](maxsize)
        return channel, channel

    async def remote(maxsize: int) -> Ends:
        name = f"jobs-{next(numbers)}"
        ends = []
        for _ in range(2):
            hub = await stack.enter_async_context(connect("memory:"))
            ends.append(await hub.channel(name, Item, maxsize=maxsize))
        return ends[0].sender(), ends[1].receiver()

    yield local if place == "local" else remote
    await stack.__aexit__(EOFError, EOFError(), None)


async def rest(ends: Ends) -> list[Item]:
    """Close the channel, and return what is still in it, but for what the caller holds."""
    ends[0].close()
    return [item async for item in ends[1]]


# Exact calls


@pytest.mark.parametrize("call", WAITING_PUTS)
async def test_a_put_that_returns_has_put_its_item_once(make: Make, call: str) -> None:
    tx, rx = await make(9)
    await put(call, tx, 1)
    assert [1] == await rest((tx, rx))


@pytest.mark.parametrize("call", WAITING_GETS)
async def test_a_get_takes_one_item(make: Make, call: str) -> None:
    tx, rx = await make(9)
    await tx.put_many([1, 2])
    assert 1 == await get(call, rx)
    assert [2] == await rest((tx, rx))


@pytest.mark.parametrize("call", WAITING_GETS)
async def test_a_get_that_is_cancelled_has_taken_nothing(make: Make, call: str) -> None:
    tx, rx = await make(9)
    assert await cancelled(await waiting(get(call, rx)))
    await tx.put(1)
    assert 1 == await rx.get()


async def test_a_put_that_is_cancelled_has_put_nothing(make: Make) -> None:
    tx, rx = await make(1)
    await tx.put(1)
    for call in (tx.put(2), tx.put_many([3, 4])):
        assert await cancelled(await waiting(call))
    assert [1] == await rest((tx, rx))


async def test_a_batch_that_is_cancelled_has_put_its_first_items(make: Make) -> None:
    tx, rx = await make(2)
    assert await cancelled(await waiting(tx.put_many([1, 2, 3, 4])))
    assert [1, 2] == await rest((tx, rx))


@pytest.mark.parametrize("item", [None, 0, ""], ids=repr)
async def test_an_item_may_be_false(make: Make, item: Item) -> None:
    tx, rx = await make(9)
    await tx.put_many([item, item])
    assert item == await rx.get()
    assert [item] == await rest((tx, rx))


# Order and capacity


async def test_items_come_in_the_order_of_their_puts(make: Make) -> None:
    tx, rx = await make(3)

    async def send() -> None:
        for item in range(20):
            await tx.put(item)
        await tx.put_many(range(20, 40))
        tx.close()

    sending = asyncio.create_task(send())
    assert list(range(40)) == [item async for item in rx]
    await sending


async def test_a_put_waits_while_there_is_no_room(make: Make) -> None:
    tx, rx = await make(2)
    await tx.put_many([1, 2])
    putting = await waiting(tx.put(3))
    assert 1 == await rx.get()
    getting = asyncio.create_task(rx.get())  # the caller asks for another: it has received the first
    await putting
    assert 2 == await getting


async def test_waiting_puts_go_ahead_in_their_order(make: Make) -> None:
    tx, rx = await make(1)
    await tx.put(0)
    putting = [await waiting(tx.put(item)) for item in range(1, 5)]
    assert [0, 1, 2, 3, 4] == [await rx.get() for _ in range(5)]
    await asyncio.gather(*putting)


async def test_waiting_gets_are_served_in_their_order(make: Make) -> None:
    tx, rx = await make(9)
    getting = [await waiting(rx.get()) for _ in range(4)]
    await tx.put_many(range(4))
    assert [0, 1, 2, 3] == await asyncio.gather(*getting)


async def test_a_cancelled_get_does_not_keep_others_waiting(make: Make) -> None:
    tx, rx = await make(9)
    first, second = await waiting(rx.get()), await waiting(rx.get())
    assert await cancelled(first)
    await tx.put(1)
    assert 1 == await second


# Batches


async def test_a_batch_has_at_most_as_many_items_as_were_asked_for(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put_many([1, 2, 3])
    assert [1, 2] == list(await rx.get_many(2))
    assert [3] == list(await rx.get_many(9))


async def test_a_batch_by_time_waits_for_more(make: Make) -> None:
    tx, rx = await make(9)
    getting = await waiting(rx.get_many(3, within=60))
    for item in range(3):
        await tx.put(item)
        await asyncio.sleep(0.01)
    assert [0, 1, 2] == list(await getting)


async def test_a_batch_of_a_closed_channel_is_what_is_left(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put_many([1, 2])
    tx.close()
    assert [1, 2] == list(await rx.get_many(9))
    with pytest.raises(ChannelClosed):
        await rx.get_many(9)


@pytest.mark.parametrize("wrong", [0, -1])
async def test_a_batch_has_at_least_1_item(make: Make, wrong: int) -> None:
    _, rx = await make(9)
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        await rx.get_many(wrong)
    with pytest.raises(ValueError, match="limit must be an int >= 1"):
        rx.get_many_nowait(wrong)


# Closing


async def test_a_closed_channel_takes_no_item_and_gives_those_it_has(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put(1)
    assert tx.close()
    assert not tx.close()
    assert tx.closed()
    for call in WAITING_PUTS:
        with pytest.raises(ChannelClosed):
            await put(call, tx, 2)
    with pytest.raises(ChannelClosed):
        tx.put_nowait(2)
    assert [1] == [item async for item in rx]


async def test_a_close_tells_gets_that_wait(make: Make) -> None:
    tx, rx = await make(9)
    getting = [await waiting(rx.get()) for _ in range(3)]
    tx.close()
    for each in getting:
        with pytest.raises(ChannelClosed):
            await each


async def test_the_items_end_with_the_cause_if_there_is_one(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put(1)
    tx.close(OSError("disk full"))
    assert 1 == await anext(rx)
    with pytest.raises(ChannelClosed) as caught:
        await anext(rx)
    assert "disk full" in str(caught.value.__cause__)


async def test_a_cause_must_be_an_exception(make: Make) -> None:
    tx, _ = await make(9)
    with pytest.raises(TypeError, match="the cause must be an exception or None"):
        tx.close(NO_CAUSES[0])
    assert not tx.closed()


async def test_join_waits_until_the_channel_is_drained(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put(1)
    joining = [await waiting(tx.join()), await waiting(rx.join())]
    closing = await waiting(tx.wait_closed())
    tx.close()
    await closing
    assert [1] == [item async for item in rx]
    await asyncio.gather(*joining)
    await tx.join()


# Select and merge


async def test_a_select_takes_one_case(make: Make) -> None:
    (tx, rx), (other, _) = await make(9), await make(9)
    selecting = await waiting(select(rx.on_get(), other.on_close()))
    await tx.put(1)
    assert (0, 1) == await selecting
    other.close()
    assert (1, None) == await select(rx.on_get(), other.on_close())


async def test_a_select_that_is_cancelled_has_done_nothing(make: Make) -> None:
    tx, rx = await make(9)
    assert await cancelled(await waiting(select(rx.on_get())))
    await tx.put(1)
    assert 1 == await rx.get()


async def test_a_mapped_case_that_raises_takes_nothing(make: Make) -> None:
    tx, rx = await make(9)
    await tx.put(1)

    def fail(_: Item) -> Item:
        raise EOFError

    for _ in range(2):
        with pytest.raises(EOFError):
            await select(rx.on_get().map(fail))
    assert (0, "1") == await select(rx.on_get().map(str))


async def test_a_case_can_be_used_again(make: Make) -> None:
    tx, rx = await make(9)
    case = tx.on_put(7)
    for _ in range(3):
        assert (0, None) == await select(case)
    assert [7, 7, 7] == await rest((tx, rx))


async def test_a_closed_channel_can_be_a_value(make: Make) -> None:
    tx, rx = await make(9)
    tx.close()
    await tx.join()
    assert (0, "over") == await select(rx.on_get().or_closed("over"))
    assert (0, "over") == await select(tx.on_put(1).or_closed("over"))
    with pytest.raises(ChannelClosed):
        await select(rx.on_get(), otherwise(), biased=True)


async def test_merge_gives_the_items_of_all(make: Make) -> None:
    sides = [await make(9) for _ in range(3)]
    for place, (tx, _) in enumerate(sides):
        await tx.put_many(range(place * 10, place * 10 + 3))
        tx.close()
    got = [item async for item in merge(*(rx for _, rx in sides))]
    assert [0, 1, 2, 10, 11, 12, 20, 21, 22] == sorted(item for item in got if isinstance(item, int))


async def test_a_pipeline_of_plain_functions(make: Make) -> None:
    """Functions that know nothing of where their channels are."""
    numbers, squares = await make(2), await make(2)

    async def count(tx: Sender[Item]) -> None:
        for number in range(9):
            await tx.put(number)
        tx.close()

    async def square(rx: Receiver[Item], tx: Sender[Item]) -> None:
        async for number in rx:
            assert isinstance(number, int)
            await tx.put(number * number)
        tx.close()

    async with TaskGroup() as group:
        group.create_task(count(numbers[0]))
        group.create_task(square(numbers[1], squares[0]))
        assert [0, 1, 4, 9, 16, 25, 36, 49, 64] == [item async for item in squares[1]]
