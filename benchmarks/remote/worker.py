"""One process of a measurement: `python -m benchmarks.remote.worker PLAN`. It says what happened in lines of JSON.

A process that puts says that it is ready and waits for a line; one that takes begins when it is ready. Times are of the
clock that all processes of a machine share.
"""

import asyncio
import json
import os
import sys
import tracemalloc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from math import ceil
from time import monotonic_ns as now
from time import process_time
from typing import Final

from benchmarks.remote.peers import SUBJECTS
from benchmarks.remote.plans import STAMP, Plan, PutSide, Ready, Seen, cpu_of, info

IDLE: Final = 5.0
"""Seconds for which it is measured what idle channels take."""


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the least sample that is not below this share of all of them."""
    return sorted(samples)[max(0, ceil(share * len(samples)) - 1)]


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def ready() -> None:
    say(ready=True)


async def put_alone(side: PutSide, plan: Plan, count: int) -> None:
    """Put so many items: in batches, at a rate, without waiting, or one after the other."""
    item = "x" * plan.size
    if plan.nowait:
        await import_module("benchmarks.remote.ours").all_nowait(side, item, count)
    elif plan.rate:
        await put_paced(side, plan, count)
    elif plan.batch > 1:
        assert side.put_many is not None
        items = [item] * plan.batch
        for _ in range(count // plan.batch):
            await side.put_many(items)
    else:
        put = side.put
        for _ in range(count):
            await put(item)


async def put_paced(side: PutSide, plan: Plan, count: int) -> None:
    """Put items that begin with the time, each at its own time."""
    loop, rest = asyncio.get_running_loop(), "x" * (plan.size - STAMP)
    start = loop.time()
    for number in range(count):
        await asyncio.sleep(start + number / plan.rate - loop.time())
        await side.put(f"{now():<{STAMP}}{rest}")


async def put(plan: Plan) -> None:
    async with AsyncExitStack() as stack:
        sides = [await stack.enter_async_context(SUBJECTS[plan.subject].put(plan)) for _ in range(plan.senders)]
        if plan.batch > 1 and sides[0].put_many is None:
            say(lacks="put_many")
            return
        each = plan.count // (plan.senders * plan.tasks)
        ready()
        await asyncio.to_thread(sys.stdin.readline)
        start, cpu = now(), process_time()
        await asyncio.gather(*(put_alone(side, plan, each) for side in sides for _ in range(plan.tasks)))
        say(start=start, end=now(), cpu=process_time() - cpu)


def counting(plan: Plan) -> tuple[Seen, Ready]:
    """Return what ends the process with the last item, and what is to be called at the start."""
    left, delays, cpu = plan.count, list[float](), 0.0

    def begin() -> None:
        nonlocal cpu
        cpu = process_time()
        ready()

    def end() -> None:
        shares = {f"p{share}": percentile(delays, share / 100) for share in (50, 99) if delays}
        say(end=now(), cpu=process_time() - cpu, **shares)
        os._exit(0)  # so that no library has to be stopped

    def seen(_: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            end()

    def timed(item: str) -> None:
        delays.append((now() - int(item[:STAMP])) / 1e3)
        if len(delays) == plan.count:
            end()

    def told(_: str) -> None:
        say(end=now())

    return told if plan.pause else timed if plan.rate else seen, begin


async def take(plan: Plan) -> None:
    await SUBJECTS[plan.subject].take(plan, *counting(plan))


async def fill(plan: Plan) -> None:
    """Put items that nobody takes; say how many bytes of the server each takes."""
    async with SUBJECTS[plan.subject].put(plan) as side:
        await put_alone(side, plan, plan.batch)
        before = info(plan.url)["used_memory"]
        await put_alone(side, plan, plan.count)
        say(bytes=(info(plan.url)["used_memory"] - before) / plan.count)


async def open_many(plan: Plan) -> None:
    """Open so many channels in one hub, with a task that waits at each; say what they take."""
    connect = import_module("aiochannel.redis").connect
    clients, tasks, ends = info(plan.url)["connected_clients"], [], []
    async with connect(plan.url) as hub:
        memory, begun = info(plan.url)["used_memory"], now()
        tracemalloc.start()
        for number in range(plan.count):
            channel = await hub.channel(f"channel-{number}", str)
            ends += [channel.sender(), channel.receiver()]
            tasks.append(asyncio.create_task(ends[-1].get()))
        opened = now()
        await asyncio.sleep(1)  # until all wait
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        before, cpu = info(plan.url), process_time()
        await asyncio.sleep(IDLE)
        idle, after = process_time() - cpu, info(plan.url)
        say(
            connections=before["connected_clients"] - clients,
            client_idle=100 * idle / IDLE,
            server_idle=100 * (cpu_of(after) - cpu_of(before)) / IDLE,
            server_bytes=(before["used_memory"] - memory) / plan.count,
            client_bytes=used / plan.count,
            ms=(opened - begun) / 1e6,
        )
        os._exit(0)


def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    asyncio.run({"put": put, "take": take, "fill": fill, "open": open_many}[plan.do](plan))


if __name__ == "__main__":
    main()
