"""The hard cases with processes of their own: crashes, signals, forks, threads and loops."""

import asyncio
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from aiochannel.redis import RemoteChannel, connect
from tests.conftest import LoopFactory
from tests.redis.world import SOON, World, eventually
from tests.servers import Server


async def worker(world: World, doing: str, *count: int) -> asyncio.subprocess.Process:
    command = ["-m", "tests.redis.worker", doing, world.server.url, world.name, *map(str, count)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    world.stack.push_async_callback(ended, process)
    return process


async def ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    async with asyncio.timeout(SOON):
        return int(await process.stdout.readline())


async def rest_of(process: asyncio.subprocess.Process) -> list[int]:
    assert process.stdout is not None
    return [int(text) for text in (await process.stdout.read()).split()]


async def test_consumer_crash(world: World) -> None:
    """consumer_crash: kill -9 in an item: all are received; twice at most what was held or just acknowledged."""
    channel = await world.channel(lease=1.0)
    await channel.sender().put_many(range(200))
    await channel.close()
    crashing = await worker(world, "consume")
    got = [await line(crashing) for _ in range(20)]
    crashing.kill()
    got += await rest_of(crashing)
    async with asyncio.timeout(SOON), channel.receiver() as rx:
        more = [item async for item in rx]
    counted = Counter(got) + Counter(more)
    assert set(range(200)) == counted.keys()
    assert {1, 2} >= set(counted.values())
    assert 20 > sum(count > 1 for count in counted.values())


async def test_crash_loop(world: World) -> None:
    """crash_loop: an item whose receivers crash is a dead letter after `tries`; the others are received."""
    channel = await world.channel(lease=0.5, tries=2)
    await channel.sender().put_many(range(3))
    idle = await world.channel(lease=0.5, tries=2)
    for _ in range(2):
        crashing = await worker(world, "hold")
        assert 0 == await line(crashing)
        crashing.kill()
        await crashing.wait()

        async def is_back() -> bool:
            await _beat(idle)
            return (await idle.statistics()).at_hand_or_held == 0

        await eventually(is_back)
    (letter,) = await channel.dead_letters()
    assert (0, 2, "its receiver crashed, or stalled for longer than its lease") == (
        letter.item,
        letter.attempts,
        letter.reason,
    )
    assert [1, 2] == list(await channel.peek(9))


async def _beat(channel: RemoteChannel[int]) -> None:
    """Be there for a beat: somebody has to see that a lease has ended."""
    async with channel.receiver() as rx:
        joining = asyncio.create_task(rx.join())
        await asyncio.sleep(0.2)
        joining.cancel()


async def test_interrupt(world: World) -> None:
    """interrupt: Ctrl-C in a worker ends it, and its item is back before its lease of 30 s has ended."""
    channel = await world.channel()
    await channel.sender().put(1)
    holding = await worker(world, "hold")
    assert 1 == await line(holding)
    holding.send_signal(signal.SIGINT)
    async with asyncio.timeout(SOON):
        assert 1 == await channel.receiver().get()
        await holding.wait()


async def test_capacity(world: World) -> None:
    """capacity: 3 producers and 2 consumers, processes of their own, on maxsize 5: never more than 5 are stored."""
    channel = await world.channel(5)
    consumers = [await worker(world, "consume") for _ in range(2)]
    producers = [await worker(world, "produce", 50) for _ in range(3)]
    peak = 0
    over = asyncio.gather(*(producer.wait() for producer in producers))
    while not over.done():
        peak = max(peak, await channel.size())
        await asyncio.sleep(0)
    await channel.close()
    got = Counter([item for consumer in consumers for item in await rest_of(consumer)])
    assert dict.fromkeys(range(50), 3) == got
    assert 5 == peak


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_fork(world: World) -> None:
    """fork: in a child every call raises RuntimeError, and the parent's connections live on."""
    tx, rx = await world.ends()
    await tx.put(1)
    child = os.fork()
    if not child:
        told = False
        try:
            await tx.put(2)
        except RuntimeError as error:
            told = "forked" in str(error)
        os._exit(0 if told else 1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    assert 1 == await rx.get()
    await tx.put(3)
    assert 3 == await rx.get()


async def test_thread_and_another_loop(world: World) -> None:
    """two_loops, thread: a call from another loop raises RuntimeError."""
    tx, _ = await world.ends()
    told: list[str] = []

    async def put() -> None:
        try:
            await tx.put(1)
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=lambda: asyncio.run(put()))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert 1 == len(told)
    assert "belongs to another event loop" in told[0]


def loops() -> dict[str, LoopFactory]:
    found: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if sys.version_info >= (3, 12):

        def eager() -> asyncio.AbstractEventLoop:
            loop = asyncio.new_event_loop()
            loop.set_task_factory(asyncio.eager_task_factory)
            return loop

        found["eager"] = eager
    if sys.platform != "win32":
        from uvloop import new_event_loop  # noqa: PLC0415

        found["uvloop"] = new_event_loop
    return found


@pytest.mark.parametrize("kind", loops())
def test_loops(server: Server, kind: str) -> None:
    """Every event loop carries a hub, a loss of its connection included."""

    async def main() -> list[int]:
        async with connect(server.url, prefix=f"loop-{kind}") as hub:
            channel = await hub.channel("jobs", int, maxsize=3)
            tx, rx = channel.sender(), channel.receiver()
            sending = asyncio.create_task(_send(tx.put))
            got = [await rx.get() for _ in range(10)]
            async with connect(server.url, prefix=f"loop-{kind}") as other:
                assert not (await (await other.existing("jobs", int)).statistics()).closed
            await channel.close()
            got += [item async for item in rx]
            await sending
            return got

    with asyncio.Runner(loop_factory=loops()[kind]) as runner:
        assert list(range(10)) == runner.run(main())[:10]


async def _send(put: Callable[[int], Awaitable[None]]) -> None:
    for item in range(10):
        await put(item)
