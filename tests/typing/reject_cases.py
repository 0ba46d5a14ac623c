"""Cases with the wrong function, value or result."""

import asyncio
from collections.abc import Coroutine
from typing import Never

from aiochannel import Case, Channel, Receiver, on_done, otherwise, select


class Job:
    number: int = 1


def number_of(job: Job) -> int:
    return job.number


def shout(text: str) -> str:
    return text.upper()


def wrong_function(jobs: Receiver[Job], texts: Receiver[str]) -> None:
    jobs.on_get().map(shout)  # E: map with a function that does not take the item
    texts.on_get().map(number_of)  # E: map with a function for items of another type
    jobs.on_get().map(number_of).map(shout)  # E: map with a function that does not take the mapped result
    jobs.on_get().map(lambda job: job.name)  # E !zuban: map with a lambda that uses what the item does not have
    jobs.on_get().map()  # E: map without a function
    jobs.on_get().map(None)  # E: map with None
    jobs.on_get().or_closed()  # E: or_closed without a value
    jobs.on_get().or_closed(None).map(number_of)  # E: map with a function that does not take the value of or_closed


def wrong_call(jobs: Receiver[Job], coroutine: Coroutine[object, Never, int], future: asyncio.Future[int]) -> None:
    jobs.on_close()  # E: on_close of a receiver
    on_done(coroutine)  # E: on_done of a coroutine
    on_done(future).map(shout)  # E: map with a function that does not take the result of the future
    _a: Case[str] = on_done(future)  # E: a case of a future of another type assigned
    jobs.on_get().when()  # E: when without a flag
    jobs.on_get().when("yes")  # E: when with a flag that is no bool


def wrong_type(jobs: Channel[Job], job: Job) -> None:
    _a: Case[str] = jobs.on_get()  # E: a case of another type assigned
    _b: Case[int] = jobs.on_get().map(shout_number)  # E: a mapped case of another type assigned
    _c: Case[Job] = jobs.on_get().or_closed(None)  # E: a case with or_closed taken for one without
    _d: Case[Job] = jobs.on_put(job)  # E: a case that puts taken for one that gets
    _e: Case[Job] = otherwise()  # E: otherwise() taken for a case with a result


def shout_number(job: Job) -> str:
    return shout(str(job.number))


async def result_may_be_the_value(jobs: Receiver[Job]) -> int:
    _, job = await select(jobs.on_get().or_closed(None))
    return job.number  # E: the value of or_closed not looked for


async def not_by_itself(jobs: Receiver[Job]) -> None:
    await jobs.on_get()  # E: a case awaited
    jobs.on_get().put(Job())  # E: a case used as a channel
    Case()  # E: a case made of nothing
    Case[int]()  # E: a case of int made of nothing


class Mine(Case[int]):  # E: a subclass of Case, which is final
    pass
