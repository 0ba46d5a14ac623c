"""TaskGroup, ends that leave with a task, and origins."""

import asyncio
from functools import partial
from typing import assert_type

from aiochannel import Channel, End, Receiver, Sender, TaskGroup, origins


class Job:
    pass


async def work(jobs: Receiver[Job], end: End[Sender[str]]) -> int:
    with end as results:
        async for job in jobs:
            await results.put(repr(job))
    return 1


async def drain(end: End[Receiver[str]], times: int = 1) -> None:
    async with end as results:
        for _ in range(times):
            assert_type(await results.get(), str)


async def nothing() -> str:
    return ""


class Worker:
    async def run(self, end: End[Sender[str]], /) -> bytes:
        end.leave()
        return b""


async def tasks_of_a_group(jobs: Channel[Job], results: Channel[str]) -> None:
    async with TaskGroup() as tasks:
        assert_type(tasks, TaskGroup)
        assert_type(await tasks.start_soon(work, jobs, results.open_sender()), int)
        assert_type(await tasks.start_soon(work, jobs.receiver, results.open_sender(), name="worker"), int)
        assert_type(await tasks.start_soon(drain, results.open_receiver()), None)
        assert_type(await tasks.start_soon(drain, results.open_receiver(), 2), None)
        assert_type(await tasks.start_soon(Worker().run, results.open_sender()), bytes)
        tasks.start_soon(partial(drain, results.open_receiver(), times=2))
        started: asyncio.Task[str] = tasks.start_soon(nothing)
        created: asyncio.Task[str] = tasks.create_task(nothing())
    assert_type(started.result() + created.result(), str)


def it_is_a_group_of_asyncio() -> asyncio.TaskGroup:
    return TaskGroup()


async def nothing_is_swallowed(results: Channel[str]) -> str:
    async with TaskGroup() as tasks:
        tasks.start_soon(drain, results.open_receiver())
        return await results.get()


async def ends_that_leave(jobs: Channel[Job]) -> None:
    end = jobs.open_sender()
    assert_type(end, End[Sender[Job]])
    end.leave_with(asyncio.create_task(nothing()))
    end.leave()
    end.leave(OSError())
    end.leave(cause=asyncio.CancelledError())


def end_is_covariant(flags: Channel[bool]) -> End[Receiver[int]]:
    return flags.open_receiver()


def errors(error: Exception, group: ExceptionGroup[OSError]) -> None:
    assert_type(origins(error), list[BaseException])
    assert_type(origins(group), list[BaseException])
