"""Put the parts together."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractContextManager

from aiochannel import Channel, Receiver, Sender, after, merge, select
from application import stages
from application.jobs import Job, Report, Stop

WORKERS = 4


async def fetch(url: str) -> int:
    await asyncio.sleep(0.01)
    return 404 if "missing" in url else 200


async def worker(jobs: Receiver[Job], end: AbstractContextManager[Sender[Report]]) -> None:
    with end as out:
        await stages.work(fetch, jobs, out)


async def deadline(seconds: float, stop: Sender[Stop], done: Receiver[None]) -> None:
    position, _ = await select(after(seconds).on_get(), done.on_get().or_closed(None))
    if position == 0:
        stages.offer(stop, Stop.DEADLINE)


async def check(urls: Iterable[str]) -> dict[str, int]:
    tx, rx = stages.pipe(100)
    reports: Channel[Report] = Channel(10)
    stop = Channel[Stop](1)
    done = Channel[None]()
    async with asyncio.TaskGroup() as group:
        group.create_task(stages.feed(urls, tx))
        for _ in range(WORKERS):
            group.create_task(worker(rx, reports.open_sender()))
        group.create_task(deadline(60, stop.sender, done.receiver))
        collected, reason = await stages.until(stop.receiver, reports.receiver)
        done.close()
    if reason is not None:
        print(f"stopped by {reason.name}, {len(reports.abort())} reports dropped")
    return {report.job.url: report.status for report in collected}


async def watch(first: Receiver[Report], second: Receiver[Report]) -> int:
    return len([report async for report in merge(first, second) if report.status == 404])


if __name__ == "__main__":
    print(asyncio.run(check(["https://example.org/", "https://example.org/missing"])))
