"""What `explore` plays, finds and refuses, and what it says of it."""

import asyncio
import gc
import random
import socket
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain, count, repeat
from math import inf
from typing import cast

import pytest

from aiochannel import Channel, otherwise, select
from aiochannel.testing import NotExplored, Report, Run, ScheduleFailed, explore, replay
from aiochannel.testing.plays import LATE, STEPS
from tests.testing.zoo import Program, lost_update, three_together


def findings(program: Program, *, cancellations: int = 0, swallowing: bool = True) -> tuple[str, ...]:
    """Explore a program that has a fault, and return what is found wrong."""
    failure = explore(program, cancellations=cancellations, swallowing=swallowing, seconds=inf).failure
    assert failure is not None
    return failure.findings


EMPTY: dict[str, int] = {}


async def pause() -> None:
    await asyncio.sleep(0)


async def fail() -> None:
    await asyncio.sleep(0)
    raise KeyError("missing")


def end(task: asyncio.Task[None]) -> None:
    task.cancel()


# What is played.


def test_every_order_of_two_answers_is_played() -> None:
    orders: set[str] = set()

    def program(run: Run) -> None:
        order: list[str] = []

        async def ask(name: str) -> None:
            order.append(await run.outside(name))
            if len(order) == 2:
                orders.add("".join(order))

        run.actor("A", lambda: ask("a"))
        run.actor("B", lambda: ask("b"))

    report = explore(program, cancellations=0, seconds=inf)
    assert {"ab", "ba"} == orders
    assert report.complete
    assert f"{report.schedules} schedules, all: nothing wrong" == str(report)
    report.check()


def test_an_answer_has_a_name_and_each_waiting_one_its_own() -> None:
    said: list[str] = []

    def program(run: Run) -> None:
        async def ask() -> None:
            await asyncio.gather(run.outside(1), run.outside(2), run.outside(3, "disk"), run.outside(4, "disk"))
            raise KeyError

        run.actor("A", ask)

    failure = explore(program, cancellations=0, seconds=inf).failure
    assert failure is not None
    said = [line.split(maxsplit=1)[1] for line in failure.trace]
    assert ["start A", "io A", "io A 2", "io disk", "io disk 2"] == [
        each for each in said if each.startswith(("start", "io"))
    ]


def test_the_name_of_an_answer_is_free_again_when_nobody_waits_for_it() -> None:
    def program(run: Run) -> None:
        async def ask() -> None:
            try:
                async with asyncio.timeout(1):
                    await run.outside(1)
            except TimeoutError:
                await run.outside(2)
                raise KeyError from None

        run.actor("A", ask)

    failure = explore(program, cancellations=0, seconds=inf).failure
    assert failure is not None
    assert "   5  io A" in failure.trace


def test_an_answer_in_a_task_of_nobody_has_a_name_too() -> None:
    def program(run: Run) -> None:
        _ = asyncio.get_running_loop().create_task(run.outside(1))

    report = explore(program, seconds=inf)
    assert report.complete
    assert report.failure is None


def test_an_event_comes_once_at_any_time() -> None:
    seen: set[str] = set()

    def program(run: Run) -> None:
        came: list[str] = []

        async def work() -> None:
            came.append("begun")
            await run.outside(None)
            seen.add(" ".join(came))

        run.actor("A", work)
        run.event("E", lambda: came.append("event"))
        run.at_rest(lambda: sorted(came) == ["begun", "event"])

    assert explore(program, cancellations=0, seconds=inf).failure is None
    assert {"begun", "begun event", "event begun"} == seen


def test_a_timeout_may_come_before_the_answer_or_not() -> None:
    outcomes: set[str] = set()

    def program(run: Run) -> None:
        async def ask() -> None:
            try:
                async with asyncio.timeout(3600):
                    outcomes.add(await run.outside("answer"))
            except TimeoutError:
                outcomes.add("late")

        run.actor("A", ask)

    assert explore(program, seconds=inf).failure is None
    assert {"answer", "late"} == outcomes


def timers(run: Run) -> None:
    order: list[str] = []

    async def sleep(seconds: float, name: str) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    run.actor("A", lambda: sleep(1, "a"))
    run.actor("B", lambda: sleep(2, "b"))
    run.at_rest(lambda: order == ["a", "b"])


def test_timers_come_in_their_order_unless_durations_mean_nothing() -> None:
    def together(run: Run) -> None:
        async def both() -> None:
            loop = asyncio.get_running_loop()
            order: list[str] = []
            loop.call_later(1, order.append, "a")
            loop.call_later(2, order.append, "b")
            await asyncio.sleep(3)
            assert order == ["a", "b"]

        run.actor("A", both)

    assert explore(together, seconds=inf).failure is None
    report = explore(together, cancellations=0, timers="any", seconds=inf)
    assert report.failure is not None
    assert "0c any-order: 2 clock 2" == report.failure.schedule
    assert str(report).endswith('It needs timers="any": a timer that comes before another one that is due earlier.')
    assert report.failure == replay(together, report.failure.schedule).failure


def test_cancels_come_between_any_two_steps_and_not_more_often_than_said() -> None:
    def cancels(cancellations: int) -> tuple[int, int]:
        most = 0

        def program(run: Run) -> None:
            cancelled: list[str] = []

            async def work(name: str) -> None:
                nonlocal most
                try:
                    await pause()
                except asyncio.CancelledError:
                    cancelled.append(name)
                    most = max(most, len(cancelled))
                    raise

            run.actor("A", lambda: work("A"))
            run.actor("B", lambda: work("B"))

        return explore(program, cancellations=cancellations, seconds=inf).schedules, most

    (none, no), (one, once), (two, twice) = cancels(0), cancels(1), cancels(2)
    assert (0, 1, 2) == (no, once, twice)
    assert none < one < two


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
def test_tasks_may_be_eager() -> None:
    def program(run: Run) -> None:
        async def parent() -> None:
            begun: list[str] = []

            async def child() -> None:
                begun.append("child")

            task = asyncio.create_task(child())
            assert not begun
            await task

        run.actor("A", parent)

    assert explore(program, seconds=inf).failure is None
    failure = explore(program, eager=True, seconds=inf).failure
    assert failure is not None
    assert "1c in-order eager:" == failure.schedule
    assert failure == replay(program, failure.schedule).failure


def test_an_eager_factory_of_its_own_is_the_programs_business() -> None:
    def program(run: Run) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **options: asyncio.Task(coro, loop=loop, **options))
        run.actor("A", pause)

    assert explore(program, seconds=inf).failure is None


def test_a_thread_returns_when_the_schedule_says_so() -> None:
    def program(run: Run) -> None:
        total = [0]

        async def add() -> None:
            before = total[0]
            total[0] = await asyncio.to_thread(lambda: before + 1)

        run.actor("A", add)
        run.actor("B", add)
        run.at_rest(lambda: total == [2])

    assert findings(program)[0].startswith("at rest: ")


def test_what_a_thread_raises_comes_out_of_it() -> None:
    def program(run: Run) -> None:
        async def call() -> None:
            await asyncio.to_thread(int, "no number")

        run.actor("A", call, expect=(ValueError,))

    assert explore(program, seconds=inf).failure is None


def test_random_numbers_are_the_same_in_every_run() -> None:
    drawn: set[float] = set()

    def program(run: Run) -> None:
        drawn.add(random.random())
        run.actor("A", pause)

    explore(program, seed=5, seconds=inf)
    explore(program, seed=6, seconds=inf)
    assert 2 == len(drawn)


def test_monotonic_is_the_clock_of_the_loop() -> None:
    def program(run: Run) -> None:
        async def sleep() -> None:
            begun = time.monotonic()
            await asyncio.sleep(100)
            assert time.monotonic() - begun == 100
            assert asyncio.get_running_loop().time() == time.monotonic()

        run.actor("A", sleep)

    assert explore(program, cancellations=0, seconds=inf).failure is None


def test_elsewhere_a_thread_may_start_a_thread() -> None:
    def start() -> str:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        return "joined"

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()

        def program(run: Run) -> None:
            assert pool.submit(start).result() == "joined"

        assert explore(program, seconds=inf).failure is None


def test_elsewhere_monotonic_is_as_ever() -> None:
    times: list[float] = []

    def program(run: Run) -> None:
        run.actor("A", pause)

    read, begun, go_on = time.monotonic, threading.Event(), threading.Event()

    def elsewhere() -> None:
        begun.set()
        go_on.wait()
        times.append(time.monotonic())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    begun.wait()
    before = read()

    def waiting(run: Run) -> None:
        program(run)
        go_on.set()
        thread.join()

    explore(waiting)
    assert before <= times[0] <= read()
    assert time.monotonic is read


# What is found.


def test_a_task_that_waits_at_rest_is_found() -> None:
    def program(run: Run) -> None:
        run.actor("A", Channel[int](1).get)

    assert ("A: get on <Channel maxsize=1 qsize=0>, 0 senders wait, 1 receiver",) == findings(program)


def test_an_error_is_found_unless_it_is_expected() -> None:
    def program(run: Run, expect: tuple[type[Exception], ...] = ()) -> None:
        run.actor("A", fail, expect=expect)

    (finding,) = findings(program)
    assert finding.startswith("A raised KeyError: 'missing', at test_schedules.py:")
    assert finding.endswith(' raise KeyError("missing")')
    assert explore(lambda run: program(run, (LookupError,))).failure is None


def test_errors_of_a_group_are_found_unless_all_are_expected() -> None:
    def program(run: Run, expect: tuple[type[Exception], ...] = ()) -> None:
        async def main() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())
                tasks.create_task(fail())

        run.actor("A", main, expect=expect)

    assert "A raised KeyError: 'missing', at" in findings(program)[0]
    assert explore(lambda run: program(run, (KeyError,)), cancellations=0).failure is None


def test_an_actor_that_cannot_begin_is_found() -> None:
    def program(run: Run) -> None:
        run.actor("A", lambda: asyncio.sleep(1 // 0))

    assert findings(program)[0].startswith("A raised ZeroDivisionError: ")


def test_an_event_that_raises_is_found() -> None:
    def program(run: Run) -> None:
        run.event("E", lambda: EMPTY["key"])

    assert findings(program)[0].startswith("event E raised KeyError: 'key'")


def test_a_program_that_raises_is_never_a_pass() -> None:
    def program(run: Run) -> None:
        raise KeyError("early")

    assert findings(program)[0].startswith("the program raised KeyError: 'early'")


def test_an_exception_that_nobody_retrieves_is_found() -> None:
    def program(run: Run) -> None:
        async def forget() -> None:
            _ = asyncio.create_task(fail())  # noqa: RUF006
            await asyncio.sleep(1)

        run.actor("A", forget)

    (finding,) = findings(program)
    assert finding.startswith("Task exception was never retrieved: KeyError: 'missing'")


def test_an_exception_in_a_cycle_is_found_too() -> None:
    def program(run: Run) -> None:
        async def raise_in_a_cycle() -> None:
            task = asyncio.current_task()
            assert task is not None
            raise KeyError("in a cycle")

        async def forget() -> None:
            _ = asyncio.create_task(raise_in_a_cycle())  # noqa: RUF006
            await asyncio.sleep(1)

        run.actor("A", forget)

    assert "KeyError: 'in a cycle'" in findings(program)[0]


def test_a_complaint_of_the_loop_is_found() -> None:
    def program(run: Run) -> None:
        async def call() -> None:
            asyncio.get_running_loop().call_soon(lambda: 1 // 0)
            await pause()

        run.actor("A", call)

    assert "ZeroDivisionError" in findings(program)[0]


def test_a_complaint_without_an_exception_is_found() -> None:
    def program(run: Run) -> None:
        async def complain() -> None:
            asyncio.get_running_loop().call_exception_handler({"message": "odd"})

        run.actor("A", complain)

    assert ("odd",) == findings(program)


def test_a_handler_of_the_program_hears_complaints_itself() -> None:
    heard: list[object] = []

    def program(run: Run) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["message"]))
        asyncio.get_running_loop().call_exception_handler({"message": "odd"})

    assert explore(program, seconds=inf).failure is None
    assert ["odd"] == heard


def test_what_does_not_come_to_an_end_is_found() -> None:
    def program(run: Run) -> None:
        async def spin() -> None:
            while True:
                await pause()

        run.actor("A", spin)

    assert (f"it does not come to an end in {STEPS} steps",) == findings(program)


def test_a_cancel_of_nobody_is_found() -> None:
    def program(run: Run) -> None:
        async def wait() -> None:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

        run.actor("A", wait)

    assert ("A ended with CancelledError, and nobody cancelled it",) == findings(program)


def test_a_cancel_by_the_program_is_its_own_business() -> None:
    def program(run: Run) -> None:
        tasks: list[asyncio.Task[object]] = []
        begun = asyncio.Event()

        async def wait() -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            begun.set()
            await asyncio.Event().wait()

        async def cancel() -> None:
            await begun.wait()
            tasks[0].cancel()

        run.actor("A", wait)
        run.actor("B", cancel)

    assert explore(program, cancellations=0, seconds=inf).failure is None


def test_a_swallowed_cancel_is_found_on_demand() -> None:
    def program(run: Run) -> None:
        async def swallow() -> None:
            with suppress(asyncio.CancelledError):
                await run.outside(None)

        run.actor("A", swallow)

    assert explore(program, seconds=inf).failure is None
    assert ("A was cancelled, and did not end cancelled",) == findings(program, cancellations=1, swallowing=False)


@pytest.mark.parametrize("wrong", [lambda: False, lambda: EMPTY["key"]], ids=["returns False", "raises"])
def test_checks_may_return_false_or_raise(wrong: Callable[[], object]) -> None:
    def always(run: Run) -> None:
        run.actor("A", pause)
        run.always(wrong)

    def at_rest(run: Run) -> None:
        run.actor("A", pause)
        run.at_rest(wrong)

    for program, place in ((always, "always"), (at_rest, "at rest")):
        (finding,) = findings(program)
        assert finding.startswith(place)
        assert "test_schedules.py:" in finding


def test_a_check_without_a_line_is_named() -> None:
    def program(run: Run) -> None:
        run.at_rest("".islower)

    assert ("at rest: <built-in method islower of str object> is False",) == findings(program)


def test_what_comes_afterwards_has_to_return() -> None:
    def program(run: Run, last: Callable[[], object]) -> None:
        async def afterwards() -> None:
            await asyncio.sleep(1)
            if isinstance(future := last(), asyncio.Future):
                await future

        run.actor("A", pause)
        run.afterwards(afterwards)

    def cancelled() -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        return future

    assert explore(lambda run: program(run, int)).failure is None
    assert findings(lambda run: program(run, lambda: 1 // 0))[0].startswith("afterwards raised ZeroDivisionError")
    assert findings(lambda run: program(run, asyncio.Future))[0].startswith("afterwards waits at afterwards:")
    assert ("afterwards ended with CancelledError",) == findings(lambda run: program(run, cancelled))


def test_a_task_that_is_left_over_is_found() -> None:
    def program(run: Run) -> None:
        waiting: list[asyncio.Task[int]] = []

        async def leave() -> None:
            waiting.append(asyncio.create_task(Channel[int](1).get()))

        run.actor("A", leave)

    assert findings(program)[0].startswith("get: get on <Channel")


def test_a_task_that_sleeps_is_given_some_time() -> None:
    slept: list[int] = []

    def program(run: Run) -> None:
        tasks: list[asyncio.Task[None]] = []
        slept.clear()

        async def beat() -> None:
            while True:
                await asyncio.sleep(1)
                slept.append(1)

        async def leave() -> None:
            tasks.append(asyncio.create_task(beat()))

        run.actor("A", leave)

    assert explore(program, cancellations=0, budget=2, seconds=inf).failure is None
    assert LATE == len(slept)


def test_what_is_wrong_after_the_end_is_not_the_programs_doing() -> None:
    def program(run: Run) -> None:
        tasks: list[asyncio.Task[None]] = []

        async def stubborn() -> None:
            while True:
                try:
                    await asyncio.sleep(1)
                except asyncio.CancelledError:
                    asyncio.get_running_loop().call_exception_handler({"message": "muted"})

        async def leave() -> None:
            tasks.append(asyncio.create_task(stubborn()))

        run.actor("A", leave)

    assert explore(program, cancellations=0, budget=2, seconds=inf).failure is None


def test_what_differs_from_run_to_run_is_found() -> None:
    def program(run: Run, each: Iterator[int]) -> None:
        async def work() -> None:
            for _ in range(next(each)):
                await pause()

        run.actor("A", work)
        run.actor("B", work)

    for numbers in (chain([2, 2], repeat(0)), chain([0, 0], repeat(2))):
        failure = explore(partial(program, each=numbers)).failure
        assert failure is not None
        assert failure.findings[0].startswith("it does not run the same way twice: at point ")


def test_a_program_with_many_selects_that_need_not_wait_runs_the_same_way_in_every_schedule() -> None:
    """After many such selects in a row one lets other tasks run."""

    def program(run: Run) -> None:
        async def look() -> None:
            for _ in range(100):
                await select(channel.on_get(), otherwise())

        channel: Channel[int] = Channel()
        run.actor("A", look)
        run.actor("B", look)

    report = explore(program)
    assert report.failure is None, str(report)
    assert report.schedules > 1


def test_names_that_differ_from_run_to_run_are_found() -> None:
    numbers = count()

    def program(run: Run) -> None:
        async def work() -> None:
            await run.outside(None, f"answer {next(numbers)}")
            async with asyncio.timeout(1):
                await run.outside(None)

        run.actor("A", work, expect=(TimeoutError,))

    assert "it does not run the same way twice: at point 2 'io answer 0' could be decided before, and cannot now" in (
        findings(program)
    )


# What is reported.


def test_a_failure_reads_as_a_story() -> None:
    report = explore(lost_update)
    with pytest.raises(ScheduleFailed) as caught:
        report.check()
    first, finding, *rest = str(caught.value).splitlines()
    assert "after 1 schedules" == first
    assert finding.startswith("at rest: zoo.py:")
    begin = ["   0  start A", "   1  A: ", "   2  start B", "   3  B: ", "   4  io A", "   5  A: ends"]
    assert all(line.startswith(expected) for line, expected in zip(rest[1:], begin, strict=False))
    assert "replay(program, '1c in-order:')" == rest[-1]


def test_the_trace_says_how_a_task_ended() -> None:
    def program(run: Run) -> None:
        async def wait() -> None:
            await asyncio.Event().wait()

        async def main() -> None:
            child = asyncio.create_task(wait(), name="child")
            await pause()
            asyncio.get_running_loop().call_soon(end, child)
            await asyncio.wait([child])
            await fail()

        run.actor("A", main)

    failure = explore(program, cancellations=0, seconds=inf).failure
    assert failure is not None
    trace = [line[6:] for line in failure.trace]
    assert "child: ends cancelled" in trace
    assert "callback end" in trace
    assert "A: ends" == trace[-1]


def test_from_half_of_the_budget_on_it_is_random_and_what_is_found_is_shortened() -> None:
    def program(run: Run) -> None:
        order: list[str] = []

        async def step(name: str) -> None:
            order.append(name)

        for name in "ABCDEF":
            run.actor(name, partial(step, name))
        run.at_rest(lambda: "".join(order[:4]) != "FEDC")

    report = explore(program, budget=2000, seconds=inf)
    assert report.failure is not None
    assert 1000 < report.schedules < 2000
    assert not report.complete
    deviations = report.failure.schedule.partition(": ")[2].split(", ")
    assert report.deviations < len(deviations) == 4
    assert report.failure == replay(program, report.failure.schedule).failure


def test_budget_and_time_are_kept() -> None:
    report = explore(three_together, cancellations=2, budget=100)
    assert (100, False, None) == (report.schedules, report.complete, report.failure)
    assert f"100 schedules, all with up to {report.deviations} deviations: nothing wrong" == str(report)
    assert 1 == explore(three_together, seconds=0).schedules


def test_what_a_real_loop_does_not_show_is_said() -> None:
    def program(run: Run) -> None:
        real = isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop)
        run.at_rest(lambda: real)

    assert "a selector event loop does not show it" in findings(program)[1]


def test_a_mended_program_passes_its_schedule() -> None:
    def program(run: Run, *, mended: bool) -> None:
        free = [1]

        async def take() -> None:
            free.append(1)
            try:
                await run.outside(None)
            except asyncio.CancelledError:
                if mended:
                    free.pop()
                raise
            free.pop()

        run.actor("A", take)
        run.at_rest(lambda: free == [1])

    failure = explore(lambda run: program(run, mended=False)).failure
    assert failure is not None
    assert Report(1, False, 1, None) == replay(lambda run: program(run, mended=True), failure.schedule)


# What is refused.


def refused(function: Callable[[], object]) -> str:
    """Let an actor do something, and return with what words that is refused, even if it does not listen."""

    async def work() -> None:
        try:
            result = function()
            if asyncio.iscoroutine(result):
                await result
        except NotExplored:
            pass

    with pytest.raises(NotExplored) as caught:
        explore(lambda run: run.actor("A", work))
    return str(caught.value)


SOCKET = cast("socket.socket", None)  # it is not looked at


def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: asyncio.open_connection("localhost", 1), "loop.create_connection reaches the network"),
        (lambda: asyncio.start_server(print, "localhost", 1), "loop.create_server reaches the network"),
        (lambda: loop().getaddrinfo("localhost", 1), "loop.getaddrinfo reaches the network"),
        (lambda: loop().sock_accept(SOCKET), "loop.sock_accept reaches the network"),
        (lambda: loop().add_reader(0, print), "loop.add_reader reaches the network"),
        (lambda: asyncio.create_subprocess_exec("true"), "loop.subprocess_exec reaches another process"),
        (lambda: threading.Thread(target=print).start(), "the program starts a thread"),
    ],
    ids=["client", "server", "name", "socket", "file", "process", "thread"],
)
def test_what_reaches_outside_is_refused_and_its_stand_in_named(function: Callable[[], object], expected: str) -> None:
    said = refused(function)
    assert said.startswith(expected)
    assert "run.outside(value)" in said


def test_a_signal_is_refused_and_its_stand_in_named() -> None:
    assert "loop.add_signal_handler waits for a signal: stand in for it with `run.event(name, handler)`" == refused(
        lambda: loop().add_signal_handler(2, print)
    )


def test_a_thread_that_calls_the_loop_is_refused() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # starts the thread

        async def work() -> None:
            pool.submit(loop().call_soon_threadsafe, print).exception()
            loop().call_soon_threadsafe(int)  # from here it may

        with pytest.raises(NotExplored, match="a thread calls the event loop: stand in for it"):
            explore(lambda run: run.actor("A", work))


def test_a_program_that_runs_a_loop_is_refused() -> None:
    coroutine = pause()
    with pytest.raises(NotExplored, match=r"give its coroutine to `run.actor`"):
        explore(lambda run: asyncio.run(coroutine))
    coroutine.close()


def test_a_program_that_awaits_is_refused() -> None:
    async def program(run: Run) -> None:
        await run.outside(1)

    with pytest.raises(NotExplored, match=r"what it awaits goes into `run.actor`"):
        explore(program, seconds=inf)  # type: ignore[arg-type]


def test_a_program_that_reaches_outside_itself_is_refused() -> None:
    with pytest.raises(NotExplored, match=r"loop.add_reader"):
        explore(lambda run: loop().add_reader(0, print))


async def test_within_a_running_loop_it_is_refused() -> None:
    with pytest.raises(RuntimeError, match="call them from a function that is not async"):
        explore(lost_update)


@pytest.mark.parametrize("name", ["", " A", "A, B"])
def test_a_name_must_fit_into_a_schedule(name: str) -> None:
    with pytest.raises(ScheduleFailed, match="cannot be a name in a schedule"):
        explore(lambda run: run.actor(name, pause)).check()


def test_a_name_is_given_once() -> None:
    def program(run: Run) -> None:
        run.actor("A", pause)
        run.event("A", int)

    assert "there are two of the name 'A'" in findings(program)[0]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            "1c sideways: 3 clock",
            "'sideways' is not a setting of a schedule, as in '1c in-order: 4 clock, 10 cancel B'",
        ),
        (
            "1c in-order: 3 abort A",
            "'3 abort A' is not the number of a point and one of start, io, event, clock, cancel",
        ),
        ("1c in-order: cancel A", "'cancel A' is not the number of a point"),
        ("1c in-order: 0 cancel A", "at point 0 'cancel A' is not one of start A, start B"),
        ("1c in-order: 1 io B", "at point 1 'io B' is not one of run, "),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        replay(lost_update, schedule)


@pytest.mark.parametrize(
    "schedule", ["0c any-order no-swallowing seed=-3: 1 start B", "2c in-order:", "1c in-order: 1 start B, 6 io B"]
)
def test_a_schedule_is_read_as_it_is_written(schedule: str) -> None:
    failure = replay(lost_update, schedule).failure
    assert failure is not None
    assert schedule == failure.schedule


# What is left as it was.


@pytest.mark.parametrize("enabled", [True, False])
def test_what_belongs_to_the_process_is_left_as_it_was(enabled: bool) -> None:
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        before = gc.isenabled(), gc.get_threshold(), random.getstate(), threading.Thread.start, time.monotonic
        explore(lost_update, seed=3)
        after = gc.isenabled(), gc.get_threshold(), random.getstate(), threading.Thread.start, time.monotonic
        assert before == after
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_programs_are_freed() -> None:
    class Thing:
        pass

    things: list[weakref.ref[Thing]] = []

    def program(run: Run) -> None:
        thing = Thing()
        things.append(weakref.ref(thing))

        async def hold() -> AsyncIterator[Thing]:
            yield thing
            await run.outside(None)

        async def work() -> None:
            async for _ in hold():
                await pause()

        run.actor("A", work)

    assert explore(program, seconds=inf).complete
    gc.collect()
    assert [] == [thing for thing in things if thing() is not None]
