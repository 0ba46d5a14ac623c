"""examples/live_feed.py before a crowd: clients of which some never read, and the memory of the server meanwhile.

python -m tests.broadcast.crowd [--clients 200] [--silent 50] [--items 7000] [--rate 100]

It runs twice: with the policy of the example, by which a slow client misses items, and with Lag.WAIT, by which the feed
waits for the slowest. Each line is a tenth of the time: what was put, what the clients that read have received in all,
and the memory of the server.
"""

import argparse
import asyncio
import multiprocessing
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from resource import getpagesize
from time import monotonic
from typing import Final, NamedTuple, Protocol

from aiochannel import Broadcast, Lag

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

ITEM: Final = "x" * 4_000
PATIENCE: Final = 10.0
"""Seconds that the feed gets beyond what its rate needs."""


class Pipe(Protocol):
    """What is used of a `multiprocessing.connection.Connection`."""

    def send(self, obj: object) -> None: ...
    def recv(self) -> object: ...


class Plan(NamedTuple):
    clients: int
    silent: int
    items: int
    rate: float
    lag: Lag


class State(NamedTuple):
    put: int
    missed: int
    megabytes: float


async def serve(plan: Plan, pipe: Pipe) -> None:
    """Put the items, so many a second if nothing makes the feed wait; report ten times."""
    import live_feed  # noqa: PLC0415  # in this process only

    feed: Broadcast[str] = Broadcast(live_feed.BEHIND)
    async with live_feed.serving(feed, 0, plan.lag) as port:
        pipe.send(port)
        while feed.subscribers < plan.clients:  # noqa: ASYNC110  # a client that has connected is one soon
            await asyncio.sleep(0.01)
        begun, put = monotonic(), 0
        seconds = plan.items / plan.rate

        def state() -> State:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            return State(put, feed.statistics().missed, pages * getpagesize() / 2**20)

        async def report() -> None:
            for tenth in range(1, 11):
                await asyncio.sleep(max(0.0, begun + seconds * tenth / 10 - monotonic()))
                pipe.send(state())

        reporting = asyncio.create_task(report())
        try:
            async with asyncio.timeout(seconds + PATIENCE):
                while put < plan.items:
                    await feed.put(ITEM)
                    put += 1
                    await asyncio.sleep(max(0.0, begun + put / plan.rate - monotonic()))
        except TimeoutError:
            pass
        await reporting
        pipe.send(state())
        pipe.recv()


def run_server(plan: Plan, pipe: Pipe) -> None:
    asyncio.run(serve(plan, pipe))


class Client:
    """A client that reads all, or nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.received = 0

    async def read(self) -> None:
        while part := await self.reader.read(2**16):
            self.received += part.count(b"data: x")


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
    writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def watch(plan: Plan, pipe: Pipe) -> list[int]:
    """Connect the clients, print what the server reports, and return what each reading client has received."""
    loop = asyncio.get_running_loop()
    port = await loop.run_in_executor(None, pipe.recv)
    assert isinstance(port, int)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(port)) for _ in range(plan.clients)]
        reading = clients[plan.silent :]
        tasks = [asyncio.create_task(client.read()) for client in reading]
        for _ in range(11):
            state = await loop.run_in_executor(None, pipe.recv)
            assert isinstance(state, State)
            received = sum(client.received for client in reading)
            print(f"{state.put:>9,} put {received:>11,} received {state.missed:>9,} missed {state.megabytes:>7.1f} MB")
        while True:  # until nothing comes any more
            before = sum(client.received for client in reading)
            await asyncio.sleep(0.5)
            if before == sum(client.received for client in reading):
                break
        for task in tasks:
            task.cancel()
    pipe.send(None)
    return [client.received for client in reading]


def play(plan: Plan) -> None:
    print(f"{plan.clients} clients, {plan.silent} of them never read, {plan.lag}")
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(plan, theirs))
    server.start()
    try:
        received = asyncio.run(watch(plan, ours))
    finally:
        server.join(10)
        server.kill()
    print(f"{sum(received):,} received; by one client {min(received):,} to {max(received):,} of {plan.items:,}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.broadcast.crowd")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--silent", type=int, default=50)
    parser.add_argument("--items", type=int, default=7_000)
    parser.add_argument("--rate", type=float, default=100, help="items a second")
    given = parser.parse_args()
    for silent, lag in ((0, Lag.RAISE), (given.silent, Lag.RAISE), (given.silent, Lag.WAIT)):
        play(Plan(given.clients, silent, given.items, given.rate, lag))


if __name__ == "__main__":
    main()
