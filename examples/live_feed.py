"""A live feed over HTTP: one broadcast, to any number of clients, some of which do not read.

    /events   server-sent events; a client that is slow goes on, and is told how many prices it has missed
    /socket   a WebSocket; a client that is slow is cut off, and told to try again later

    python examples/live_feed.py
    curl --no-buffer http://127.0.0.1:8000/events

A client that does not read fills the buffers of the network. Then the server waits for it, in a task of its own, and
its subscription has no room any more. The feed never waits. It needs Starlette and uvicorn: the group `examples`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from aiochannel import Broadcast, ChannelClosed, ChannelLagged, End, Lag, Subscription, tick

BEHIND = 16
"""How many prices a client may be behind."""
PATIENCE = 5.0
"""Seconds that a client of a WebSocket may take for one price."""
TRY_AGAIN_LATER = 1013


async def as_events(end: End[Subscription[str]]) -> AsyncIterator[str]:
    """Turn prices into server-sent events. A client that goes away cancels this."""
    with end as prices:
        while True:
            try:
                async for price in prices:
                    yield f"data: {price}\n\n"
            except ChannelLagged as lagged:
                yield f"event: missed\ndata: {lagged.missed}\n\n"
            else:
                return


async def send_all(socket: WebSocket, prices: Subscription[str]) -> None:
    """Send prices until the feed ends, or the client is too slow."""
    try:
        async for price in prices:
            async with asyncio.timeout(PATIENCE):
                await socket.send_text(price)
    except (ChannelClosed, TimeoutError):
        await socket.close(TRY_AGAIN_LATER, "too slow")
    else:
        await socket.close()


def make_app(feed: Broadcast[str], lag: Lag) -> Starlette:
    """Return the application that serves this feed; `lag` says what happens to slow clients of server-sent events."""

    async def events(_: Request) -> StreamingResponse:
        # The subscription counts from here on. If the response is never begun, it is dropped, and so leaves.
        end = feed.subscribe(BEHIND, lag=lag)
        return StreamingResponse(as_events(end), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def socket(client: WebSocket) -> None:
        await client.accept()
        with feed.subscribe(BEHIND, lag=Lag.DISCONNECT) as prices, suppress(WebSocketDisconnect):
            await send_all(client, prices)

    return Starlette(routes=[Route("/events", events), WebSocketRoute("/socket", socket)])


async def quote(feed: Broadcast[str]) -> None:
    """Put a price every tenth of a second."""
    chance, price = Random(), 100.0
    async for _ in tick(0.1):
        price *= chance.uniform(0.99, 1.01)
        await feed.put(f"{price:.2f}")


@asynccontextmanager
async def serving(feed: Broadcast[str], port: int, lag: Lag = Lag.RAISE) -> AsyncIterator[int]:
    """Serve the feed to local clients, and give the port; port 0 is any that is free."""
    config = uvicorn.Config(make_app(feed, lag), port=port, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # from now on a client can connect, and waits until the server has begun
    task = asyncio.create_task(server.serve([socket]))
    try:
        yield socket.getsockname()[1]
    finally:
        feed.close()  # the clients are told, and so the server comes to an end
        server.should_exit = True
        await task
        socket.close()


async def main() -> None:
    feed: Broadcast[str] = Broadcast(BEHIND)
    async with serving(feed, 8000) as port:
        print(f"curl --no-buffer http://127.0.0.1:{port}/events")
        await quote(feed)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
