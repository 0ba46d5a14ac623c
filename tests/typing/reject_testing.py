"""aiochannel.testing, used wrongly."""

from aiochannel import Channel
from aiochannel.testing import Deadlock, Run, explore, replay, run, waits


async def answer(number: int) -> str:
    return str(number)


def runs() -> None:
    run(answer)  # E: a function given to run, and not its coroutine
    run(answer(1), clock="virtuel")  # E: a clock that is neither virtual nor real
    run(main=answer(1))  # E: the coroutine of run given by name
    _number: int = run(answer(1))  # E: the result of run taken for another type
    waits()[0].tasks  # E: a field that a Wait does not have
    Deadlock("who knows")  # E: Deadlock with a str


def program(run: Run) -> None:
    channel = Channel[int](1)
    run.actor("A", answer)  # E: an actor that takes an argument
    run.actor("A", answer(1))  # E: an actor that is a coroutine, and not a function
    run.actor(answer)  # E: an actor without a name
    run.actor("A", channel.close)  # E: an actor that is no coroutine function
    run.actor("A", channel.get, expect=OSError)  # E: expect with one class, and not a tuple
    run.actor("A", channel.get, expect=(KeyboardInterrupt,))  # E: expect with what is no Exception
    run.event("close", channel.put)  # E: an event that takes an argument
    run.at_rest(channel.qsize() == 0)  # E: a check that is a bool, and not a function
    run.afterwards(channel.close)  # E: afterwards with what is no coroutine function


async def asks(run: Run) -> str:
    run.outside("answer")  # E: outside without await
    return await run.outside(1)  # E: the answer from outside taken for another type


async def waiting_program(run: Run) -> None:
    await run.outside(1)


def explored() -> None:
    explore(answer)  # E: a program that takes no Run
    explore(waiting_program)  # E: a program that is a coroutine function
    explore(program, timers="no order")  # E: timers that are neither in order nor any
    explore(program, "1c in-order:")  # E: a schedule given to explore
    replay(program)  # E: replay without a schedule
    explore(program).failure.schedule  # E: the schedule of a failure that may be None
