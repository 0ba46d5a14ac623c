"""One server for each test, and hubs of it."""

from collections.abc import AsyncIterator

import pytest

from tests.remote.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """The hubs of a test; they are left when it ends, whatever it has left in them."""
    made = World()
    yield made
    for broker in made.brokers:
        broker.faults = iter(())
        broker.connect_again()
    await made.stack.__aexit__(EOFError, EOFError(), None)
