"""The parts of the program. Each gets the sides it needs, and no more."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, assert_never

from aiochannel import Channel, ChannelFull, Receiver, Sender, select, tick
from application.jobs import Job, Report, Stop

T = TypeVar("T")


async def feed(urls: Iterable[str], out: Sender[Job]) -> None:
    await out.put_many(Job(url) for url in urls)
    out.close()


async def work(fetch: Callable[[str], Awaitable[int]], jobs: Receiver[Job], out: Sender[Report]) -> None:
    async for job in jobs:
        await out.put(Report(job, await fetch(job.url)))


async def until(stop: Receiver[Stop], reports: Receiver[Report]) -> tuple[list[Report], Stop | None]:
    """Collect reports until they end or a stop comes."""
    seen: list[Report] = []
    next_report, next_stop = reports.on_get().or_closed(None), stop.on_get()
    heartbeat = tick(10)
    while True:
        match got := await select(next_report, next_stop, heartbeat.on_get()):
            case 0, report:
                if report is None:
                    return seen, None
                seen.append(report)
            case 1, reason:
                return seen, reason
            case 2, time:
                print(f"{time:.0f}: {len(seen)} reports, {reports.qsize()} waiting")
            case _:
                assert_never(got)


def offer(out: Sender[T], item: T) -> bool:
    """Put the item if there is room."""
    try:
        out.put_nowait(item)
    except ChannelFull:
        return False
    return True


async def tee(rx: Receiver[T], *copies: Sender[T]) -> None:
    async for item in rx:
        for tx in copies:
            await tx.put(item)
    for tx in copies:
        tx.close()


def pipe(size: int) -> tuple[Sender[Job], Receiver[Job]]:
    return Channel[Job](size).split()
