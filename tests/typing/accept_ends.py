"""Counted ends: the context managers, and what they give."""

import asyncio
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, ExitStack
from typing import assert_type

from aiochannel import Channel, End, Receiver, Sender


class Job:
    pass


async def with_blocks(jobs: Channel[Job], job: Job) -> None:
    with jobs.open_sender() as tx:
        assert_type(tx, Sender[Job])
        await tx.put(job)
    with jobs.open_receiver() as rx:
        assert_type(rx, Receiver[Job])
        assert_type(await rx.get(), Job)
        async for got in rx:
            assert_type(got, Job)
    async with jobs.open_sender() as tx, jobs.open_receiver() as rx:
        assert_type(tx, Sender[Job])
        assert_type(rx, Receiver[Job])


async def cloned(jobs: Channel[Job], end: End[Sender[Job]]) -> None:
    assert_type(end.clone(), End[Sender[Job]])
    assert_type(jobs.open_receiver().clone(), End[Receiver[Job]])
    with end.clone() as tx:
        assert_type(tx, Sender[Job])


async def nothing_is_swallowed_async(jobs: Channel[Job]) -> Job:
    with jobs.open_sender() as tx:
        await tx.put(Job())
    async with jobs.open_receiver() as rx:
        return await rx.get()


async def nothing_is_swallowed(jobs: Channel[Job]) -> Job:
    with jobs.open_receiver() as rx:
        return await rx.get()


async def work(end: AbstractContextManager[Sender[Job]]) -> None:
    with end as tx:
        await tx.put(Job())


async def work_async(end: AbstractAsyncContextManager[Receiver[Job]]) -> Job:
    async with end as rx:
        return await rx.get()


async def ends_are_passed_to_tasks(jobs: Channel[Job]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(work(jobs.open_sender()))
        group.create_task(work(jobs.open_sender()))
        assert_type(await work_async(jobs.open_receiver()), Job)


async def ends_in_stacks(jobs: Channel[Job]) -> None:
    with ExitStack() as stack:
        assert_type(stack.enter_context(jobs.open_sender()), Sender[Job])
    async with AsyncExitStack() as async_stack:
        assert_type(await async_stack.enter_async_context(jobs.open_receiver()), Receiver[Job])


def end_is_covariant(flags: Channel[bool]) -> AbstractContextManager[Receiver[int]]:
    return flags.open_receiver()
