"""The parts put together wrongly."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractContextManager

from aiochannel import Channel, Receiver, Sender, after, merge
from application import stages
from application.jobs import Job, Report, Stop

WORKERS = 4


async def fetch(url: str) -> int:
    await asyncio.sleep(0.01)
    return len(url)


async def fetch_page(url: str) -> str:
    return url


async def worker(jobs: Receiver[Job], end: AbstractContextManager[Sender[Report]]) -> None:
    await stages.work(fetch, jobs, end)  # E: an end that was not entered passed as a sender
    with end as out:
        await stages.work(fetch_page, jobs, out)  # E: a function with the wrong result
        await stages.work(fetch, out, jobs)  # E: the sides passed in the wrong order


async def check(urls: Iterable[str]) -> dict[str, int]:
    tx, rx = stages.pipe(100)
    reports: Channel[Report] = Channel("10")  # E: a text as the size
    stop = Channel[Stop](1)
    done = Channel(1)  # E !pyrefly !ty: a channel without an item type
    async with asyncio.TaskGroup() as group:
        group.create_task(stages.feed(urls, rx))  # E: a receiver passed as a sender
        group.create_task(stages.feed(tx, urls))  # E: the arguments in the wrong order
        for _ in range(WORKERS):
            group.create_task(worker(rx, reports.open_receiver()))  # E: an end of the wrong side
            group.create_task(worker(tx, reports.open_sender()))  # E: a sender passed as a receiver
        group.create_task(stages.until(reports.receiver, stop.receiver))  # E: two receivers in the wrong order
        group.create_task(stages.until(stop.sender, reports.receiver))  # E: a sender where a receiver is wanted
        group.create_task(tx.put(Stop.SIGNAL))  # E: a stop put into the channel of jobs
        group.create_task(rx.get_nowait())  # E: a call that is no coroutine given to create_task
    await done.sender.get()  # E: get on a sender
    stop.sender.put(Stop.SIGNAL)  # E: put without await
    await asyncio.wait_for(stop.put(Job("x")), 1)  # E: a job put into the channel of stops
    first, second = await asyncio.gather(rx.get(), stop.get())
    print(first.name)  # E: a job taken for a stop
    print(second.url)  # E: a stop taken for a job
    stages.offer(reports, Stop.DEADLINE)  # E: a stop offered to the channel of reports
    return {report.job.url: report.status for report in reports.abort(Stop.SIGNAL)}  # E: a stop as the cause


async def watch(first: Receiver[Report], second: Receiver[Job]) -> int:
    async for report in merge(first, first):
        print(report.code)  # E: a field that a report does not have
    async for item in merge(second, second):
        print(item.status)  # E: a job taken for a report
    for _ in merge(first, first):  # E: for instead of async for
        pass
    await after(1)  # E: a timer awaited
    return await first.get()  # E: a report returned as a number


def narrowed(rx: Receiver[object]) -> Receiver[Report]:
    return rx  # E: a receiver of anything taken for one of reports


def on_error(reports: Receiver[Report], jobs: Channel[Job], error: str) -> None:
    reports.close()  # E: a consumer that closes
    jobs.close(error)  # E: a text as the cause
    jobs.sender.close(ValueError)  # E: a class as the cause
    jobs.receiver.put_nowait(Job("again"))  # E: put on a receiver
    print(jobs.closed() + 1, jobs.maxsize())  # E: a property called
    jobs.maxsize = 20  # E: the size changed afterwards


def sizes(jobs: Channel[Job], reports: Channel[Report]) -> list[Channel[object]]:
    return [jobs, reports]  # E: channels of different types in one list
