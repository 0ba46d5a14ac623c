"""Over TLS. Certificates are made by trustme, and serve for as long as the tests run."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
from trustme import CA

from aiochannel.redis import ChannelUnavailable, connect
from tests.redis.proxy import Proxy, between
from tests.redis.world import SOON
from tests.servers import Server


@pytest.fixture(scope="module")
def authority() -> CA:
    return CA()


@pytest.fixture
async def proxy(server: Server, authority: CA) -> AsyncIterator[Proxy]:
    """A server's address over TLS: what ends the encryption stands in front of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with between(server, context) as found:
        yield found


def trusting(authority: CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_items_travel_over_tls(proxy: Proxy, authority: CA) -> None:
    async with asyncio.timeout(SOON), connect(proxy.url, ssl=trusting(authority)) as hub:
        channel = await hub.channel("over-tls", int)
        async with channel.sender() as tx, channel.receiver() as rx:
            await tx.put_many(range(1000))
            tx.close()
            assert list(range(1000)) == [item async for item in rx]
        await channel.delete()


async def test_connection_over_tls_that_is_cut_comes_back(proxy: Proxy, authority: CA) -> None:
    async with asyncio.timeout(SOON), connect(proxy.url, ssl=trusting(authority)) as hub:
        channel = await hub.channel("cut-over-tls", int)
        async with channel.sender() as tx, channel.receiver() as rx:
            for item in range(5):
                proxy.cut()
                await tx.put(item)
                assert item == await rx.get()
        await channel.delete()


async def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(proxy: Proxy) -> None:
    async with asyncio.timeout(SOON):
        with pytest.raises(ChannelUnavailable, match=r"refuses: .*certificate verify failed"):
            async with connect(proxy.url, patience=1000):
                pass


async def test_a_server_without_tls_is_out_of_reach_over_tls(server: Server, authority: CA) -> None:
    url = server.tcp_url.replace("redis:", "rediss:")
    async with asyncio.timeout(SOON):
        with pytest.raises(ChannelUnavailable, match=f"{url} was out of reach"):
            async with connect(url, ssl=trusting(authority), patience=0.2):
                pass
