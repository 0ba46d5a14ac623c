"""The promises R1 to R14 on real servers: the tests of `tests.remote`, on a loop whose seconds are shorter."""

from collections.abc import AsyncIterator

import pytest

from aiochannel.redis import link
from tests.redis.fast import SPEED, FastWorld, borrowed
from tests.remote import test_promises
from tests.servers import Server

pytestmark = pytest.mark.fast_clock

# What is left out looks at the clock, counts the passes of the loop, or reaches into the server of memory.
globals().update(
    borrowed(
        test_promises,
        "test_r8_waiting_receivers_are_served_in_the_order_in_which_they_began_to_wait",
        "test_r11_data_that_are_gone_are_found_out_within_one_beat",
        "test_r12_calls_fail_when_their_patience_is_over",
        "test_r12_while_the_server_is_out_of_reach_calls_wait",
    )
)


@pytest.fixture
async def world(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastWorld]:
    """The hubs of a test; they are left when it ends."""
    monkeypatch.setattr(link, "PING_SECONDS", 20.0 * SPEED)
    monkeypatch.setattr(link, "CONNECTING", 20.0 * SPEED)
    made = FastWorld(server)
    yield made
    for broker in made.brokers:
        broker.faults = iter(())
        broker.connect_again()
    await made.stack.__aexit__(EOFError, EOFError(), None)
