"""The parts of the program, each wrong in its way."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, assert_never

from aiochannel import Channel, ChannelFull, Receiver, Sender, select, tick
from application.jobs import Job, Report, Stop

T = TypeVar("T")


async def feed(urls: Iterable[str], out: Sender[Job]) -> None:
    await out.put_many(urls)  # E: texts put where jobs are expected
    for url in urls:
        out.put(Job(url))  # E: put without await
    out.join()  # E: join without await
    out.close("done")  # E: a text as the cause


async def feed_and_look(urls: Iterable[str], out: Sender[Job]) -> None:
    for url in urls:
        if out.full():
            await out.get()  # E: a producer that takes an item to make room
        await out.put(url)  # E: a text put where a job is expected
    print(len(out))  # E: len() of a sender


async def work(fetch: Callable[[str], Awaitable[int]], jobs: Receiver[Job], out: Sender[Report]) -> None:
    for _ in jobs:  # E: for instead of async for
        pass
    async for job in jobs:
        await out.put(Report(job.url, await fetch(job.url)))  # E: a report made of a text
        await out.put((job, await fetch(job.url)))  # E: a tuple put instead of a report
        await out.put(job)  # E: a job put into the wrong channel
        await jobs.put(job)  # E: a consumer that puts an item back
        out.put_nowait(await fetch(job.url))  # E: a status put instead of a report
    jobs.close()  # E: a consumer that closes


async def until(stop: Receiver[Stop], reports: Receiver[Report]) -> tuple[list[Report], Stop | None]:
    seen: list[Report] = []
    heartbeat = tick(10)
    while True:
        match got := await select(reports.on_get().or_closed(None), stop.on_get(), heartbeat.on_get()):
            case 0, report:
                seen.append(report)  # E: the end of the reports not looked for
            case 1, reason:
                return seen, reason
            case _:
                assert_never(got)  # E: the heartbeat forgotten


async def until_stopped(stop: Receiver[Stop], reports: Receiver[Report]) -> list[Report]:
    seen: list[Report] = []
    while True:
        match got := await select(stop.on_get(), reports.on_get()):
            case 0, report:
                seen.append(report)  # E: a stop taken for a report
            case 1, reason:
                print(reason.name)  # E: a report taken for a stop
                return seen
            case _:
                assert_never(got)


async def until_deadline(reports: Receiver[Report], deadline: Sender[float]) -> None:
    await select(reports, deadline)  # E: channels given to select
    await select(reports.on_get(), deadline.on_get())  # E: a get from a sender in select
    await select(reports.on_get, reports.on_get)  # E: methods that were not called, in select
    select(reports.on_get(), reports.on_get(), biased=True)  # E !zuban: select without await
    got = select(reports.on_get(), reports.on_get())
    print(got[0])  # E: the result of select without await


def offer(out: Sender[T], item: T) -> bool:
    try:
        return out.put_nowait(item)  # E: the result of put_nowait taken for an answer
    except ChannelFull:
        return out.close()


async def tee(rx: Receiver[T], *copies: Sender[T]) -> None:
    async for item in rx:
        for tx in copies:
            await tx.put([item])  # E: a list put instead of the item
        await copies.put(item)  # E: put on a tuple of senders


def pipe(size: int) -> tuple[Sender[Job], Receiver[Job]]:
    channel = Channel[Report](size)
    return channel.split()  # E: a channel of the wrong type split


def pipe_the_wrong_way(size: int) -> tuple[Sender[Job], Receiver[Job]]:
    tx, rx = Channel[Job](size).split()
    return rx, tx  # E: the sides swapped


async def batches(reports: Receiver[Report]) -> int:
    print(await reports.get_many("10"))  # E: a text as the limit
    for _ in reports.get_many(10):  # E: get_many without await
        pass
    print(1 + await reports.get())  # E: a report added to a number
    print(reports.get_nowait().code)  # E: a field that a report does not have
    return await reports.get_many(1)  # E: a batch returned as a number
