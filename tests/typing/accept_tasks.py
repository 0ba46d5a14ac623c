"""Channels in tasks: create_task, gather, wait_for, task groups, timeouts, iteration."""

import asyncio
from typing import assert_type

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, Receiver, Sender


async def produce(tx: Sender[int]) -> None:
    for number in range(10):
        await tx.put(number)
    tx.close()


async def total(rx: Receiver[int]) -> int:
    result = 0
    async for number in rx:
        result += number
    return result


async def a_task_of_one_operation(channel: Channel[int], tx: Sender[int], rx: Receiver[int]) -> None:
    assert_type(await asyncio.create_task(channel.get()), int)
    assert_type(await asyncio.create_task(rx.get()), int)
    assert_type(await asyncio.create_task(tx.put(1)), None)
    task: asyncio.Task[int] = asyncio.create_task(channel.receiver.get())
    assert_type(await task, int)
    await asyncio.create_task(channel.join())


async def gathered(channel: Channel[int], texts: Receiver[str]) -> None:
    assert_type(await asyncio.gather(channel.get(), texts.get()), tuple[int, str])
    assert_type(await asyncio.gather(produce(channel), total(channel)), tuple[None, int])


async def with_a_time_limit(rx: Receiver[int], tx: Sender[int]) -> None:
    assert_type(await asyncio.wait_for(rx.get(), 1), int)
    await asyncio.wait_for(tx.put(1), timeout=1)
    async with asyncio.timeout(1):
        assert_type(await rx.get(), int)


async def in_a_group() -> int:
    tx, rx = Channel[int](3).split()
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(tx))
        result = group.create_task(total(rx))
    return result.result()


async def iterated(channel: Channel[int]) -> None:
    async for number in channel:
        assert_type(number, int)
    assert_type({number async for number in channel}, set[int])
    assert_type({number: str(number) async for number in channel}, dict[int, str])
    assert_type(await anext(channel), int)
    assert_type(await channel.__anext__(), int)
    assert_type(sum([number async for number in channel.receiver if number > 1]), int)


async def errors(channel: Channel[int]) -> int | None:
    try:
        channel.put_nowait(1)
        return channel.get_nowait()
    except ChannelFull as full:
        assert_type(full, ChannelFull)
    except ChannelEmpty:
        pass
    except ChannelClosed as closed:
        assert_type(closed.__cause__, BaseException | None)
    except ChannelError:
        raise
    return None


async def error_is_a_cause(channel: Channel[int]) -> None:
    try:
        await channel.join()
    except OSError as error:
        channel.close(error)
        assert_type(channel.abort(error), list[int])
