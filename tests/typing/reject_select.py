"""Forgotten arms, swapped results, and what is no case."""

from typing import assert_never, final

from aiochannel import Case, Channel, Receiver, Sender, select, select_any


@final
class Job:
    def run(self) -> None: ...


@final
class Report:
    def send(self) -> None: ...


async def forgotten_arm(jobs: Receiver[Job], stop: Receiver[None], reports: Receiver[Report]) -> None:
    match got := await select(jobs.on_get(), stop.on_get(), reports.on_get()):
        case 0, job:
            job.run()
        case 1, _:
            pass
        case _:
            assert_never(got)  # E: a forgotten arm of select, with assert_never


async def forgotten_arm_of_one_type(left: Receiver[int], right: Receiver[int]) -> int:
    match got := await select(left.on_get(), right.on_get()):
        case 0, number:
            return number
        case _:
            assert_never(got)  # E: a forgotten arm of select among cases of one type


async def forgotten_arm_without_assert_never(jobs: Receiver[Job], stop: Receiver[None]) -> None:
    match await select(jobs.on_get(), stop.on_get()):  # E !pyrefly !ty: a forgotten arm of select, without assert_never
        case 0, job:
            job.run()


async def forgotten_return(jobs: Receiver[Job], stop: Receiver[None]) -> str:  # E: a forgotten arm, where arms return
    match await select(jobs.on_get(), stop.on_get()):  # E !pyrefly !ty: the match of such arms
        case 0, _:
            return "job"


async def arm_that_cannot_be(jobs: Receiver[Job], stop: Receiver[None]) -> None:
    match got := await select(jobs.on_get(), stop.on_get()):
        case 0, job:
            job.run()
        case 1, _:
            pass
        case 2, _:  # E !mypy !ty !zuban: an arm for a case that select does not have
            pass  # E !pyright !pyrefly !ty: the statements of such an arm
        case _:
            assert_never(got)


async def swapped_results(jobs: Receiver[Job], reports: Receiver[Report]) -> None:
    match got := await select(jobs.on_get(), reports.on_get()):
        case 0, report:
            report.send()  # E: the result of the first arm taken for that of the second
        case 1, job:
            job.run()  # E: the result of the second arm taken for that of the first
        case _:
            assert_never(got)


async def swapped_results_without_match(jobs: Receiver[Job], reports: Receiver[Report]) -> None:
    got = await select(jobs.on_get(), reports.on_get())
    if got[0] == 0:
        got[1].send()  # E: the result at position 0 taken for that of position 1
    else:
        got[1].run()  # E: the result at position 1 taken for that of position 0


async def result_not_narrowed(jobs: Receiver[Job], reports: Receiver[Report]) -> None:
    position, result = await select(jobs.on_get(), reports.on_get())
    result.run()  # E: a result of select used before its position was looked at
    _again = "" if position == 2 else "again"  # E !pyrefly !ty !zuban: a position compared with one that cannot be


async def no_case(jobs: Channel[Job], tx: Sender[Job], stop: Channel[None]) -> None:
    await select()  # E: select without a case
    await select(jobs)  # E: a channel given to select
    await select(jobs.on_get)  # E: a method given to select
    await select(jobs.get())  # E: a coroutine given to select
    await select(jobs.on_get(), None)  # E: None given to select
    await select([jobs.on_get()])  # E: a list given to select
    await select(jobs.on_get(), tx.on_get())  # E: on_get of a sender given to select
    await select(jobs.on_get(), True)  # E: biased given by position
    await select(jobs.on_get(), fair=True)  # E: a keyword that select does not have
    await select_any(jobs.on_get())  # E: a case given to select_any, which takes many
    await select_any(jobs.on_get(), stop.on_get())  # E: two cases given to select_any, which takes an iterable
    await select_any([jobs])  # E: channels given to select_any


async def too_many_cases(c: Case[int]) -> None:
    await select(c, c, c, c, c, c, c, c, c)  # E: nine cases given to select


async def wrong_put(out: Sender[Report], job: Job) -> None:
    await select(out.on_put(job))  # E: a case that puts an item of the wrong type


async def wrong_type(jobs: Channel[Job], channels: list[Channel[Job]]) -> None:
    _, result = await select(jobs.on_get())
    _report: Report = result  # E: the result of select taken for another type
    _pair: tuple[int, Report] = await select_any([c.on_get() for c in channels])  # E: the result of select_any, too
    await select(jobs.on_put(Report()))  # E: a case that puts an item of the wrong type into a channel
