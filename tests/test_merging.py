import pytest

from aiochannel import Channel, ChannelClosed, merge
from tests.conftest import cancelled, settle, waiting


def filled(*items: int, closed: bool = False) -> Channel[int]:
    channel: Channel[int] = Channel()
    for item in items:
        channel.put_nowait(item)
    if closed:
        channel.close()
    return channel


async def test_merge_yields_every_item_of_every_receiver() -> None:
    channels = [filled(1, 2, closed=True), filled(closed=True), filled(3, closed=True)]
    assert [1, 2, 3] == sorted([item async for item in merge(*channels)])


async def test_merge_of_nothing_ends_at_once() -> None:
    nothing: list[Channel[int]] = []
    assert [] == [item async for item in merge(*nothing)]


async def test_the_order_of_each_receiver_is_kept() -> None:
    even, odd = filled(*range(0, 200, 2), closed=True), filled(*range(1, 200, 2), closed=True)
    items = [item async for item in merge(even, odd)]
    assert list(range(0, 200, 2)) == [item for item in items if item % 2 == 0]
    assert list(range(1, 200, 2)) == [item for item in items if item % 2 == 1]


async def test_no_receiver_starves() -> None:
    first, second = filled(*[1] * 1_000), filled(*[2] * 1_000)
    merged = merge(first, second)
    assert {1, 2} == {await anext(merged) for _ in range(100)}


async def test_merge_waits_for_the_next_item() -> None:
    async def step() -> int:
        return await anext(merged)

    first, second = Channel[int](), Channel[int]()
    merged = merge(first, second)
    task = await waiting(step())
    second.put_nowait(7)
    assert 7 == await task


async def test_merge_goes_on_when_one_of_several_ends() -> None:
    first, second = filled(1, closed=True), filled()
    merged = merge(first, second)
    assert 1 == await anext(merged)
    second.put_nowait(2)
    assert 2 == await anext(merged)
    second.close()
    assert "end" == await anext(merged, "end")


async def test_merge_takes_nothing_before_it_is_asked() -> None:
    first = filled(1)
    merge(first)
    await settle()
    assert 1 == first.qsize()


async def test_back_pressure_reaches_the_senders() -> None:
    first: Channel[int] = Channel(1)
    merged = merge(first, Channel[int]())
    sending = await waiting(first.put_many([1, 2, 3]))
    assert 1 == await anext(merged)
    await settle()
    assert (1, False) == (first.qsize(), sending.done())
    assert [2, 3] == [await anext(merged), await anext(merged)]
    await sending


async def test_a_cancelled_step_takes_nothing_and_the_merge_goes_on() -> None:
    async def step() -> int:
        return await anext(merged)

    first, second = Channel[int](), Channel[int]()
    merged = merge(first, second)
    task = await waiting(step())
    first.put_nowait(1)
    second.put_nowait(2)
    assert await cancelled(task)
    assert [1, 2] == sorted([await anext(merged), await anext(merged)])


async def test_a_cause_comes_out_and_the_others_go_on() -> None:
    crash = OSError("disk on fire")
    crashed, healthy = Channel[int](), filled()
    crashed.close(crash)
    merged = merge(crashed, healthy)
    with pytest.raises(ChannelClosed) as caught:
        await anext(merged)
    assert crash is caught.value.__cause__
    healthy.put_nowait(7)
    assert 7 == await anext(merged)


@pytest.mark.parametrize("closed", [True, False])
async def test_an_end_that_has_left_is_told_so_and_the_others_go_on(closed: bool) -> None:
    channel, healthy = filled(1, 2), filled()
    other = channel.open_receiver()  # keeps the channel open
    with channel.open_receiver() as end:
        merged = merge(end, healthy)
        assert 1 == await anext(merged)
    if closed:
        channel.close()
    with pytest.raises(ChannelClosed, match="has left"):
        await anext(merged)
    healthy.put_nowait(7)
    with other:
        assert (7, 1) == (await anext(merged), channel.qsize())


async def test_an_end_that_has_left_cannot_be_merged() -> None:
    with filled(1).open_receiver() as end:
        pass
    with pytest.raises(ChannelClosed, match="has left"):
        merge(end)


async def test_a_step_that_began_before_its_end_left_goes_on() -> None:
    async def step() -> int:
        return await anext(merged)

    channel: Channel[int] = Channel()
    other = channel.open_receiver()
    with channel.open_receiver() as end:
        merged = merge(end)
        task = await waiting(step())
    channel.put_nowait(1)
    assert 1 == await task
    with other, pytest.raises(ChannelClosed, match="has left"):
        await anext(merged)


async def test_a_step_that_began_before_its_end_left_is_told_the_cause() -> None:
    async def step() -> int:
        return await anext(merged)

    crash = OSError("disk on fire")
    channel: Channel[int] = Channel()
    other = channel.open_receiver()
    with other, channel.open_receiver() as end:
        merged = merge(end)
        task = await waiting(step())
        channel.close(crash)
    with pytest.raises(ChannelClosed) as caught:
        await task
    assert crash is caught.value.__cause__


async def test_a_receiver_may_be_merged_with_itself() -> None:
    channel = filled(*range(10), closed=True)
    assert list(range(10)) == [item async for item in merge(channel, channel.receiver)]


async def test_an_iterator_is_its_own() -> None:
    merged = merge(filled(1))
    assert merged is aiter(merged)


@pytest.mark.parametrize("workers", [2, 3])
async def test_several_tasks_may_iterate_over_one_merge(workers: int) -> None:
    async def work() -> None:
        async for item in merged:
            taken.append(item)

    first, second = Channel[int](), Channel[int]()
    merged, taken = merge(first, second), list[int]()
    tasks = [await waiting(work()) for _ in range(workers)]
    first.close()
    await settle()
    for item in range(10):
        second.put_nowait(item)
        await settle()
    second.close()
    await settle()
    assert [None] * workers == [task.exception() for task in tasks]
    assert list(range(10)) == taken


async def test_one_of_several_tasks_that_iterate_over_one_merge_is_told_the_cause() -> None:
    async def work() -> None:
        async for _ in merged:
            pass

    channel: Channel[int] = Channel()
    merged = merge(channel)
    tasks = [await waiting(work()) for _ in range(2)]
    channel.close(OSError("disk on fire"))
    await settle()
    assert 1 <= sum(isinstance(task.exception(), ChannelClosed) for task in tasks)
    assert {None, ChannelClosed} >= {type(error) if (error := task.exception()) else None for task in tasks}


async def test_none_and_closed_errors_are_items() -> None:
    channel: Channel[object] = Channel()
    items = [None, ChannelClosed(), StopAsyncIteration()]
    await channel.put_many(items)
    channel.close()
    assert items == [item async for item in merge(channel)]
