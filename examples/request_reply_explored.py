"""The server of request_reply.py under every order of two callers, one of whom may give up at any step.

python examples/request_reply_explored.py
"""

import asyncio
from contextlib import redirect_stdout
from functools import partial

from request_reply import serve

from aiochannel import Call, Channel, call
from aiochannel.testing import Run, explore


def program(run: Run) -> None:
    """Two tasks ask for the same word. Whatever happens, no reply is lost and the server can be stopped."""
    calls: Channel[Call[str, int]] = Channel(1)
    counts: list[int] = []

    async def caller() -> None:
        counts.append(await call(calls.sender, "spam"))

    async def stop() -> None:
        calls.close()
        await server

    server = asyncio.get_running_loop().create_task(serve(calls.receiver))
    run.actor("A", caller)
    run.actor("B", caller)
    run.always(partial(distinct, counts))
    run.afterwards(stop)


def distinct(counts: list[int]) -> bool:
    """Return whether no two callers were told the same count."""
    return len(counts) == len(set(counts))


if __name__ == "__main__":
    with redirect_stdout(None):  # the server says who has given up
        report = explore(program)
    report.check()
    print(report)
