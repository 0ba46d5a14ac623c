"""after, tick and merge."""

from collections.abc import AsyncIterator
from typing import assert_type

from aiochannel import Channel, Receiver, after, merge, tick


async def timers() -> None:
    assert_type(after(1), Receiver[float])
    assert_type(after(0.5), Receiver[float])
    assert_type(tick(2), Receiver[float])
    assert_type(await after(1).get(), float)
    async for time in tick(1):
        assert_type(time, float)


async def merged(left: Channel[int], right: Channel[int]) -> None:
    assert_type(merge(left, right), AsyncIterator[int])
    assert_type(merge(left.receiver, right), AsyncIterator[int])
    async for number in merge(left, right):
        assert_type(number, int)
    assert_type([number async for number in merge(left)], list[int])


async def merged_from_a_list(receivers: list[Receiver[str]]) -> None:
    assert_type(merge(*receivers), AsyncIterator[str])


async def merged_of_different_types(numbers: Receiver[int], texts: Receiver[str]) -> AsyncIterator[int | str]:
    both: AsyncIterator[int | str] = merge(numbers, texts)
    async for item in merge(numbers, texts):
        assert_type(item, int | str)  # X mypy zuban: an item of merged receivers of two types is object
    return both


async def merged_with_timers(channel: Channel[float]) -> None:
    assert_type(merge(channel, tick(1), after(10)), AsyncIterator[float])
