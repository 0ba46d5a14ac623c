"""Wrong arguments of start_soon, and ends that leave in a wrong way."""

import asyncio

from aiochannel import Channel, End, Receiver, Sender, TaskGroup, origins


class Job:
    pass


async def work(jobs: Receiver[Job], end: End[Sender[str]]) -> int:
    with end as results:
        async for job in jobs:
            await results.put(repr(job))
    return 1


async def nothing() -> str:
    return ""


def no_coroutine(number: int) -> int:
    return number


async def wrong_arguments(tasks: TaskGroup, jobs: Channel[Job], results: Channel[str]) -> None:
    tasks.start_soon(work, jobs)  # E !ty: start_soon, an argument is missing
    tasks.start_soon(work, jobs, results.open_sender(), 1)  # E !ty: start_soon, an argument too many
    tasks.start_soon(work, jobs, jobs.open_sender())  # E !ty: start_soon, an end for other items
    tasks.start_soon(work, jobs, results.open_receiver())  # E !ty: start_soon, an end of the other side
    tasks.start_soon(work, jobs, results)  # E !ty: start_soon, a channel in place of an end
    tasks.start_soon(work, results.open_sender(), jobs)  # E !ty: start_soon, arguments in the wrong order
    tasks.start_soon(work(jobs, results.open_sender()))  # E: a coroutine in place of a function
    tasks.start_soon(no_coroutine, 1)  # E: a function that is not async
    tasks.start_soon(nothing, name=1)  # E: a name that is no text


async def wrong_result(tasks: TaskGroup, jobs: Channel[Job], results: Channel[str]) -> None:
    _task: asyncio.Task[str] = tasks.start_soon(work, jobs, results.open_sender())  # E: a task of another result


async def wrong_leaving(end: End[Sender[Job]]) -> None:
    end.leave("crash")  # E: a cause that is no exception
    end.leave(OSError)  # E: a class as a cause
    end.leave_with(nothing())  # E: a coroutine in place of a task
    await end.leave()  # E: leave awaited
    end.put_nowait(Job())  # E: put_nowait on an end that was not entered


def wrong_errors(error: OSError) -> None:
    _errors: list[Exception] = origins(error)  # E: origins taken for Exceptions
    origins("error")  # E: origins of no exception
