"""Case: map, or_closed, and putting cases together."""

import asyncio
from enum import Enum, auto
from typing import Literal, assert_never, assert_type, final

from aiochannel import Case, Channel, Receiver, Sender, on_done, otherwise, select, select_any


@final
class Job:
    number = 1


class Signal(Enum):
    END = auto()


END: Literal[Signal.END] = Signal.END


def made_by_a_channel(jobs: Channel[Job], job: Job) -> None:
    assert_type(jobs.on_get(), Case[Job])
    assert_type(jobs.on_put(job), Case[None])
    assert_type(otherwise(), Case[None])


def number_of(job: Job) -> int:
    return job.number


def of_a_close(jobs: Channel[Job], tx: Sender[Job]) -> None:
    assert_type(jobs.on_close(), Case[None])
    assert_type(tx.on_close().map(str), Case[str])


def of_a_future(future: asyncio.Future[Job], task: asyncio.Task[int]) -> None:
    assert_type(on_done(future), Case[Job])
    assert_type(on_done(task), Case[int])
    assert_type(on_done(future).map(number_of).or_closed(None), Case[int | None])


def switched_off(jobs: Receiver[Job], ready: bool) -> None:
    assert_type(jobs.on_get().when(ready), Case[Job])
    assert_type(otherwise().when(ready), Case[None])


def mapped(jobs: Receiver[Job], tx: Sender[Job], job: Job, text: str) -> None:
    assert_type(jobs.on_get().map(number_of), Case[int])
    assert_type(jobs.on_get().map(number_of).map(str), Case[str])
    assert_type(jobs.on_get().map(lambda job: job.number), Case[int])  # X zuban: the argument of a lambda is Any
    assert_type(jobs.on_get().map(lambda job: [job]), Case[list[Job]])  # X zuban: the argument of a lambda is Any
    assert_type(tx.on_put(job).map(lambda _: text), Case[str])
    assert_type(otherwise().map(lambda _: text), Case[str])


def or_closed(jobs: Receiver[Job], tx: Sender[Job], job: Job, text: str) -> None:
    assert_type(jobs.on_get().or_closed(None), Case[Job | None])
    assert_type(jobs.on_get().or_closed(text), Case[Job | str])
    assert_type(jobs.on_get().or_closed(job), Case[Job])
    assert_type(tx.on_put(job).or_closed(None), Case[None])
    assert_type(jobs.on_get().map(number_of).or_closed(None), Case[int | None])
    assert_type(jobs.on_get().or_closed(None).map(lambda job: job is None), Case[bool])


async def closed_is_told_by_none(jobs: Receiver[Job], stop: Receiver[None]) -> int:
    match got := await select(jobs.on_get().or_closed(None), stop.on_get()):
        case 0, job:
            assert_type(job, Job | None)
            return 0 if job is None else job.number
        case 1, _:
            return 0
        case _:
            assert_never(got)


async def closed_is_told_by_a_sentinel(maybe: Receiver[Job | None]) -> int:
    _, job = await select(maybe.on_get().or_closed(END))
    if job is END:
        return 0
    assert_type(job, Job | None)
    return 1 if job is None else job.number


async def cases_of_different_channels_of_one_type(channels: list[Receiver[Job]]) -> None:
    cases = [channel.on_get().or_closed(None) for channel in channels]
    assert_type(cases, list[Case[Job | None]])
    assert_type(await select_any(cases), tuple[int, Job | None])


async def tagged_by_map(jobs: Receiver[Job], texts: Receiver[str]) -> None:
    cases: list[Case[Job | str]] = [jobs.on_get(), texts.on_get()]
    assert_type(await select_any(cases), tuple[int, Job | str])
    assert_type(await select_any([jobs.on_get().map(number_of), texts.on_get().map(len)]), tuple[int, int])


async def union_of_cases(case: Case[Job] | Case[str]) -> Job | str:
    _, result = await select(case)
    return result  # X mypy zuban: the result of a case that is a union of cases is object
