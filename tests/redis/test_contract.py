"""What a local channel and a remote one promise alike: on real servers, for a user who may do little, in a cluster."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count

import pytest

from aiochannel.redis import connect
from tests.redis.access import cluster, let_work
from tests.redis.fast import borrowed
from tests.remote import test_contract
from tests.remote.test_contract import Ends, Item, Make
from tests.servers import Program, Server

NAMES = count()
globals().update(borrowed(test_contract))


@pytest.fixture(scope="session")
def one_node(program: Program) -> Iterator[Server]:
    with cluster(program) as server:
        yield server


@pytest.fixture(params=["plain", "acl", "cluster_mode"])
async def make(request: pytest.FixtureRequest, server: Server, one_node: Server) -> AsyncIterator[Make]:
    """Return how to make a channel of some maxsize: its two ends, which are in processes of their own."""
    urls: dict[object, str] = {"plain": server.url, "acl": let_work(server), "cluster_mode": one_node.url}
    url = urls[request.param]
    stack = AsyncExitStack()

    async def remote(maxsize: int) -> Ends:
        name = f"contract-{next(NAMES)}"
        ends = []
        for _ in range(2):
            hub = await stack.enter_async_context(connect(url))
            ends.append(await hub.channel(name, Item, maxsize=maxsize))
        return ends[0].sender(), ends[1].receiver()

    yield remote
    await stack.__aexit__(EOFError, EOFError(), None)
