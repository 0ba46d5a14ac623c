"""aiochannel.testing: run, waits, explore and what they return."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import assert_type

from aiochannel import Channel
from aiochannel.testing import (
    Deadlock,
    Failure,
    Loop,
    NotExplored,
    Report,
    Run,
    ScheduleFailed,
    Wait,
    explore,
    replay,
    run,
    waits,
)


async def answer(number: int) -> str:
    return str(number)


def runs() -> None:
    assert_type(run(answer(1)), str)
    assert_type(run(answer(1), clock="real"), str)
    assert_type(run(Channel[int](1).get()), int)
    with asyncio.Runner(loop_factory=Loop) as runner:
        assert_type(runner.run(answer(1)), str)
    factory: Callable[[], asyncio.AbstractEventLoop] = Loop
    assert_type(waits(factory()), list[Wait])


async def who_waits() -> None:
    for wait in waits():
        assert_type(wait.task, str)
        assert_type(wait.where, tuple[str, ...])
        assert_type(wait.on, str)
    error = Deadlock(waits())
    assert_type(error.waits, tuple[Wait, ...])
    raise error


async def asks(run: Run, number: int, text: str) -> None:
    assert_type(await run.outside(number), int)
    assert_type(await run.outside(text, "disk"), str)


def program(run: Run) -> None:
    channel = Channel[int](1)

    async def ask() -> None:
        await asks(run, 1, "text")
        await channel.put(1)

    run.actor("A", ask)
    run.actor("B", channel.get, expect=(OSError, ValueError))
    run.actor("C", lambda: channel.put(1))
    run.actor("D", partial(channel.put, 1))
    run.event("close", channel.close)
    run.event("abort", lambda: channel.abort(OSError("gone")))
    run.always(lambda: channel.qsize() <= 1)
    run.at_rest(channel.empty)
    run.afterwards(ask)


def explored() -> None:
    report = explore(program)
    assert_type(report, Report)
    assert_type(explore(program, cancellations=2, budget=9, seconds=1, timers="any", swallowing=False), Report)
    report.check()
    assert_type((report.schedules, report.complete, report.deviations), tuple[int, bool, int])
    assert_type(report.failure, Failure | None)
    if report.failure is not None:
        assert_type(report.failure.schedule, str)
        assert_type(report.failure.trace, tuple[str, ...])
        assert_type(report.failure.findings, tuple[str, ...])
        assert_type(replay(program, report.failure.schedule), Report)


def errors(failed: ScheduleFailed, refused: NotExplored) -> tuple[AssertionError, RuntimeError]:
    return failed, refused
