"""A worker that is stopped by a channel and reports by a heartbeat: three cases in one select.

python examples/heartbeat.py
"""

import asyncio
from typing import assert_never

from aiochannel import Channel, Receiver, Sender, select, tick


async def worker(jobs: Receiver[int], stop: Receiver[str], results: Sender[str]) -> None:
    """Square numbers until told to stop; say every now and then that it is still alive."""
    heartbeat = tick(0.05)
    while True:
        match got := await select(stop.on_get(), jobs.on_get(), heartbeat.on_get(), biased=True):
            case 0, reason:
                await results.put(f"stopped: {reason}")
                return
            case 1, job:
                await results.put(f"{job} squared is {job * job}")
            case 2, _:
                await results.put("still alive")
            case _:
                assert_never(got)


async def main() -> None:
    """Give the worker three jobs, wait for a heartbeat, and stop it."""
    jobs, stop, results = Channel[int](), Channel[str](), Channel[str]()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker(jobs.receiver, stop.receiver, results.sender))
        await jobs.put_many([1, 2, 3])
        async for line in results:
            print(line)
            if line == "still alive":
                await stop.put("enough")
            elif line.startswith("stopped"):
                return


if __name__ == "__main__":
    asyncio.run(main())
