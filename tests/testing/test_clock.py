"""A loop whose time jumps, and that says who waits instead of hanging."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from aiochannel import Channel
from aiochannel.testing import Deadlock, Loop, run
from aiochannel.testing.clock import JUMPS

Coro = Coroutine[object, object, object]


async def wait_for_ever() -> None:
    await Channel[int](1).get()


def stuck(main: Coro) -> list[str]:
    """Run what nothing can wake, and return which tasks are said to wait."""
    with pytest.raises(Deadlock) as caught:
        run(main)
    return [wait.task for wait in caught.value.waits]


# Time.


def test_time_jumps_to_the_next_timer_and_stands_still_while_a_task_runs() -> None:
    async def main() -> list[float]:
        now = asyncio.get_running_loop().time
        times = [now()]
        for delay in (1.5, 0, 7 * 86400):
            await asyncio.sleep(delay)
            times.append(now())
        return times

    assert [0, 1.5, 1.5, 1.5 + 7 * 86400] == run(main())


def test_timers_come_in_their_order() -> None:
    came: list[str] = []

    async def after(delay: float, name: str) -> None:
        await asyncio.sleep(delay)
        came.append(name)

    async def main() -> None:
        await asyncio.gather(after(2, "late"), after(1, "early"), after(2, "late too"))

    run(main())
    assert ["early", "late", "late too"] == came


def test_a_timeout_comes_at_once() -> None:
    async def main() -> None:
        async with asyncio.timeout(3600):
            await wait_for_ever()

    with pytest.raises(TimeoutError):
        run(main())


def test_the_real_clock_is_asyncios() -> None:
    async def main() -> float:
        before = time.monotonic()
        await asyncio.sleep(0.001)
        return asyncio.get_running_loop().time() - before

    assert run(main(), clock="real") >= 0.001


def test_what_main_returns_and_raises_comes_out() -> None:
    async def fail() -> None:
        raise KeyError("key")

    async def succeed() -> int:
        return 3

    assert 3 == run(succeed())
    with pytest.raises(KeyError):
        run(fail())


# Deadlock.


def test_a_program_that_nothing_can_wake_is_a_deadlock() -> None:
    async def work(results: Channel[int]) -> None:
        for number in range(3):
            await results.put(number)

    async def main() -> None:
        results = Channel[int](1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work(results))
        async for _ in results:
            pass

    with pytest.raises(Deadlock) as caught:
        run(main())
    assert [
        ("main", "<TaskGroup tasks=1 entered>"),
        ("work", "put on <Channel maxsize=1 qsize=1>, 1 sender waits, 0 receivers"),
    ] == [(wait.task, wait.on) for wait in caught.value.waits]


def test_it_is_one_on_the_real_clock_too() -> None:
    with pytest.raises(Deadlock):
        run(wait_for_ever(), clock="real")


async def beat() -> None:
    for _ in count():
        await asyncio.sleep(1)


async def beat_slowly() -> None:
    for _ in count():
        await asyncio.sleep(JUMPS * 3)


def test_others_that_only_sleep_do_not_keep_it_going() -> None:
    async def main() -> None:
        beats = [asyncio.create_task(beat()), asyncio.create_task(beat_slowly())]
        await wait_for_ever()
        await asyncio.wait(beats)

    assert ["beat", "beat_slowly", "main"] == stuck(main())


def test_others_that_only_sleep_do_not_keep_a_group_going() -> None:
    async def main() -> None:
        background = asyncio.create_task(beat())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait_for_ever())
        background.cancel()

    assert ["beat", "main", "wait_for_ever"] == stuck(main())


async def sleep_often() -> str:
    for _ in range(3 * JUMPS):
        await asyncio.sleep(1)
    return "awake"


async def await_it() -> object:
    return await asyncio.create_task(sleep_often())


async def gather_it() -> object:
    return await asyncio.gather(sleep_often(), sleep_often())


async def wait_for_it() -> object:
    return await asyncio.wait_for(sleep_often(), None)


async def wait_it() -> object:
    return await asyncio.wait([asyncio.create_task(sleep_often())])


async def group_it() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleep_often())


async def wait_behind_it() -> object:
    return await asyncio.create_task(group_it())


@pytest.mark.parametrize("main", [sleep_often, await_it, gather_it, wait_for_it, wait_it, group_it, wait_behind_it])
def test_what_main_waits_for_may_sleep_as_often_as_it_likes(main: Callable[[], Coro]) -> None:
    run(main())


def test_a_timer_of_main_is_waited_for() -> None:
    async def main() -> None:
        background = asyncio.create_task(beat())
        async with asyncio.timeout(5 * JUMPS):
            await wait_for_ever()
        background.cancel()

    with pytest.raises(TimeoutError):
        run(main())


def test_main_may_be_woken_rarely() -> None:
    async def main() -> None:
        background = asyncio.create_task(beat())
        for _ in range(3):
            await asyncio.sleep(JUMPS * 0.9)
        background.cancel()

    run(main())


# Outside.


def test_a_thread_takes_the_time_that_it_takes() -> None:
    begun = threading.Event()

    def call() -> str:
        begun.set()
        return "called"

    async def main() -> tuple[str, str]:
        return await asyncio.wait_for(asyncio.to_thread(call), 3600), await asyncio.wait_for(asyncio.to_thread(call), 9)

    assert ("called", "called") == run(main())


def test_while_a_thread_runs_time_passes_as_usual() -> None:
    release = threading.Event()

    async def main() -> None:
        calling = asyncio.create_task(asyncio.to_thread(release.wait))
        await asyncio.sleep(0.05)
        release.set()
        await calling
        await asyncio.sleep(3600)

    begun = time.monotonic()
    run(main())
    assert time.monotonic() - begun > 0.04


def test_a_thread_that_calls_the_loop_is_waited_for() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        threading.Thread(target=loop.call_soon_threadsafe, args=(answer.set_result, "answer")).start()
        return await asyncio.wait_for(answer, 3600)

    assert "answer" == run(main())


def test_a_thread_that_ends_without_a_call_is_a_deadlock() -> None:
    release = threading.Event()

    async def main() -> None:
        threading.Thread(target=release.wait).start()
        await asyncio.sleep(0.03)
        release.set()
        await wait_for_ever()

    begun = time.monotonic()
    assert ["main"] == stuck(main())
    assert time.monotonic() - begun > 0.02


def test_a_pool_of_threads_is_waited_for() -> None:
    async def main() -> int:
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            return await asyncio.wait_for(loop.run_in_executor(pool, len, "four"), 3600)

    assert 4 == run(main())


def test_a_thread_from_before_counts_once_it_has_called() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(len, "").result()

        async def main() -> int:
            loop = asyncio.get_running_loop()
            first: asyncio.Future[int] = loop.create_future()
            await loop.run_in_executor(pool, loop.call_soon_threadsafe, first.set_result, 1)
            return await asyncio.wait_for(asyncio.wrap_future(pool.submit(len, "four")), 3600)

        assert 4 == run(main())


def test_a_socket_is_waited_for() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            theirs.send(b"sent")
            return await asyncio.wait_for(loop.sock_recv(ours, 4), 3600)

    assert b"sent" == run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="a selector loop has no children there")
def test_a_child_process_is_waited_for() -> None:
    async def main() -> bytes:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=subprocess.PIPE)
        out, _ = await asyncio.wait_for(child.communicate(), 3600)
        return out.strip()

    assert b"1" == run(main())


def signal_from_a_child() -> None:
    sender = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGUSR1)"
    subprocess.Popen([sys.executable, "-c", sender, str(os.getpid())]).wait()


@pytest.mark.skipif(sys.platform == "win32", reason="a loop handles no signals there")
def test_on_the_real_clock_a_signal_is_waited_for() -> None:
    sending = threading.Thread(target=signal_from_a_child)

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, came.set)
        sending.start()
        await came.wait()
        return loop.remove_signal_handler(signal.SIGUSR1)

    assert run(main(), clock="real")
    sending.join()


def test_in_another_thread_time_passes_as_usual_since_the_main_thread_may_call() -> None:
    with ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        pool.submit(run, asyncio.sleep(0.05)).result()
    assert time.monotonic() - begun > 0.04


# The loop.


def test_a_closed_loop_is_freed() -> None:
    loop = Loop()
    loop.run_until_complete(asyncio.sleep(1))
    loop.close()
    loop.close()
    freed = weakref.ref(loop)
    gc.disable()
    del loop
    gc.enable()
    assert freed() is None


def test_the_garbage_collector_is_left_as_it_was() -> None:
    before = gc.isenabled(), gc.get_threshold()
    run(asyncio.sleep(1))
    assert before == (gc.isenabled(), gc.get_threshold())
