"""examples/live_feed.py with real clients on 127.0.0.1, some of which do not read."""

import asyncio
import sys
from collections.abc import AsyncIterable
from pathlib import Path

import pytest

from aiochannel import Broadcast

pytest.importorskip("starlette", reason="the group `examples` is not installed")
pytest.importorskip("uvicorn", reason="the group `examples` is not installed")
websockets = pytest.importorskip("websockets.asyncio.client", reason="the group `examples` is not installed")

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import live_feed  # noqa: E402

LARGE = "x" * 65_536
"""So large that some hundred of them fill the buffers of the network."""


class Events:
    """A client of the server-sent events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Events":
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"text/event-stream" in head
        return cls(reader, writer)

    async def next(self) -> str:
        """Return the next event, "" at the end. Each comes as one chunk."""
        size = int(await self.reader.readline(), 16)
        text = (await self.reader.readexactly(size)).decode()
        await self.reader.readexactly(2)
        return text.removesuffix("\n\n")

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def subscribed(feed: Broadcast[str], number: int) -> None:
    while feed.subscribers != number:  # noqa: ASYNC110  # a client that has connected is a subscriber soon
        await asyncio.sleep(0)


async def overflow(feed: Broadcast[str]) -> int:
    """Put until somebody has missed something, and return how many that were."""
    count = 0
    while not feed.statistics().missed:
        await feed.put(LARGE)
        await asyncio.sleep(0)
        count += 1
    return count


async def read_both() -> None:
    feed: Broadcast[str] = Broadcast()
    async with live_feed.serving(feed, 0) as port:
        events = await Events.connect(port)
        async with websockets.connect(f"ws://127.0.0.1:{port}/socket") as socket:
            await subscribed(feed, 2)
            for price in ("1.00", "2.00"):
                await feed.put(price)
            assert ["data: 1.00", "data: 2.00"] == [await events.next(), await events.next()]
            assert ["1.00", "2.00"] == [await socket.recv(), await socket.recv()]
            feed.close()
            assert "" == await events.next()
            assert [] == [text async for text in socket]
            assert 1000 == socket.close_code
        await events.close()


async def leave() -> None:
    feed: Broadcast[str] = Broadcast()
    async with live_feed.serving(feed, 0) as port:
        events = await Events.connect(port)
        socket = await websockets.connect(f"ws://127.0.0.1:{port}/socket")
        await subscribed(feed, 2)
        await events.close()
        await socket.close()
        while feed.subscribers:  # the server learns of it when it sends
            await feed.put("1.00")
            await asyncio.sleep(0)


async def do_not_read_events() -> None:
    feed: Broadcast[str] = Broadcast()
    async with live_feed.serving(feed, 0) as port:
        events = await Events.connect(port)
        await subscribed(feed, 1)
        count = await overflow(feed)
        assert 1 == feed.subscribers
        missed = received = 0
        while missed + received < count:
            text = await events.next()
            if text.startswith("event: missed"):
                missed += int(text.rpartition(" ")[2])
            else:
                received += 1
        assert feed.statistics().missed == missed > 0
        await feed.put("3.00")
        assert "data: 3.00" == await events.next()
        await events.close()


async def do_not_read_socket() -> None:
    feed: Broadcast[str] = Broadcast()
    received: list[str] = []

    async def read(socket: AsyncIterable[str]) -> None:
        async for text in socket:
            received.append(text)  # noqa: PERF401  # it ends by an error

    async with (
        live_feed.serving(feed, 0) as port,
        websockets.connect(f"ws://127.0.0.1:{port}/socket", max_queue=1, compression=None) as socket,
    ):
        await subscribed(feed, 1)
        count = await overflow(feed)
        assert 0 == feed.subscribers
        with pytest.raises(Exception, match="1013"):
            await read(socket)
        assert count - 1 == len(received)


@pytest.mark.parametrize("use", [read_both, leave, do_not_read_events, do_not_read_socket])
def test_clients_get_the_feed_and_slow_ones_are_told_or_cut_off(use: object) -> None:
    assert callable(use)
    asyncio.run(use())
