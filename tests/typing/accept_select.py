"""select: which case happened, and with what result, exactly and exhaustively."""

import asyncio
from typing import Literal, TypeAlias, assert_never, assert_type, final

from aiochannel import Case, Channel, Receiver, Sender, after, otherwise, select, select_any


@final
class Job:
    pass


@final
class Report:
    pass


JobOrStop: TypeAlias = tuple[Literal[0], Job] | tuple[Literal[1], None]


async def result_is_a_union_of_pairs(jobs: Receiver[Job], stop: Receiver[None]) -> None:
    got = await select(jobs.on_get(), stop.on_get())
    assert_type(got, tuple[Literal[0], Job] | tuple[Literal[1], None])


async def match_is_exhaustive(jobs: Receiver[Job], stop: Receiver[None], out: Sender[Report]) -> Job | None:
    match got := await select(jobs.on_get(), stop.on_get(), out.on_put(Report())):
        case 0, job:
            assert_type(job, Job)
            return job
        case 1, nothing:
            assert_type(nothing, None)
        case 2, accepted:
            assert_type(accepted, None)
        case _:
            assert_never(got)
    return None


async def arms_that_need_no_result(jobs: Receiver[Job], stop: Receiver[None]) -> str:
    match got := await select(jobs.on_get(), stop.on_get()):
        case 0, _:
            return "job"
        case 1, _:
            return "stop"
        case _:
            assert_never(got)


async def if_by_position(jobs: Receiver[Job], texts: Receiver[str]) -> Job | str:
    got = await select(jobs.on_get(), texts.on_get())
    if got[0] == 0:
        assert_type(got[1], Job)
        return got[1]
    assert_type(got[1], str)
    return got[1]


async def unpacked(jobs: Receiver[Job], texts: Receiver[str]) -> Job | str:
    position, result = await select(jobs.on_get(), texts.on_get())
    assert_type(position, Literal[0, 1])
    return result


async def cases_of_one_type_stay_apart(left: Channel[int], right: Channel[int]) -> int:
    match got := await select(left.on_get(), right.on_get()):
        case 0, number:
            return number
        case 1, number:
            return -number
        case _:
            assert_never(got)


async def optional_items(maybe: Receiver[int | None], texts: Receiver[str]) -> None:
    match got := await select(maybe.on_get(), texts.on_get()):
        case 0, number:
            assert_type(number, int | None)
        case 1, text:
            assert_type(text, str)
        case _:
            assert_never(got)


async def one_case(jobs: Channel[Job]) -> None:
    assert_type(await select(jobs.on_get()), tuple[Literal[0], Job])


async def up_to_eight_cases(
    a: Case[int],
    b: Case[str],
    c: Case[bytes],
    d: Case[None],
    e: Case[float],
    f: Case[Job],
    g: Case[Report],
    h: Case[bool],
) -> None:
    match got := await select(a, b, c, d, e, f, g, h):
        case 0, number:
            assert_type(number, int)
        case 1, text:
            assert_type(text, str)
        case 2, data:
            assert_type(data, bytes)
        case 3, nothing:
            assert_type(nothing, None)
        case 4, real:
            assert_type(real, float)
        case 5, job:
            assert_type(job, Job)
        case 6, report:
            assert_type(report, Report)
        case 7, flag:
            assert_type(flag, bool)
        case _:
            assert_never(got)
    match seven := await select(a, b, c, d, e, f, g):
        case 6, report:
            assert_type(report, Report)
        case [0 | 1 | 2 | 3 | 4 | 5, _]:
            pass
        case _:
            assert_never(seven)  # X pyrefly: an arm for several positions does not narrow


async def each_length(a: Case[int], b: Case[str]) -> None:
    assert_type(await select(a, b, a), tuple[Literal[0], int] | tuple[Literal[1], str] | tuple[Literal[2], int])
    four = await select(a, b, a, b)
    assert_type(four[0], Literal[0, 1, 2, 3])
    assert_type(four[1], int | str)
    five = await select(a, b, a, b, a)
    assert_type(five[0], Literal[0, 1, 2, 3, 4])
    six = await select(a, b, a, b, a, b)
    assert_type(six[0], Literal[0, 1, 2, 3, 4, 5])


async def biased(jobs: Channel[Job], stop: Channel[None]) -> JobOrStop:
    return await select(jobs.on_get(), stop.on_get(), biased=True)


async def select_in_a_loop(jobs: Receiver[Job], stop: Receiver[None]) -> list[Job]:
    done: list[Job] = []
    job_case, stop_case = jobs.on_get(), stop.on_get()
    while True:
        match got := await select(job_case, stop_case):
            case 0, job:
                done.append(job)
            case 1, _:
                return done
            case _:
                assert_never(got)


async def select_in_a_task(jobs: Channel[Job], stop: Channel[None]) -> None:
    got = await asyncio.create_task(select(jobs.on_get(), stop.on_get()))
    if got[0] == 0:
        assert_type(got[1], Job)


async def with_a_default(jobs: Channel[Job]) -> Job | None:
    match got := await select(jobs.on_get(), otherwise()):
        case 0, job:
            return job
        case 1, _:
            return None
        case _:
            assert_never(got)


async def with_a_time_limit(jobs: Channel[Job]) -> Job | float:
    match got := await select(jobs.on_get(), after(1.5).on_get()):
        case 0, job:
            return job
        case 1, time:
            assert_type(time, float)
            return time
        case _:
            assert_never(got)


async def any_number_of_cases(channels: list[Channel[Job]]) -> None:
    position, job = await select_any([channel.on_get() for channel in channels])
    assert_type(position, int)
    assert_type(job, Job)
    assert_type(await select_any((channel.on_get() for channel in channels), biased=True), tuple[int, Job])


async def any_number_of_puts(channels: list[Sender[Job]], job: Job) -> None:
    assert_type(await select_any(tx.on_put(job) for tx in channels), tuple[int, None])
