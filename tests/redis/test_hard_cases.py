"""The hard cases that need no real server, on real ones, on a loop whose seconds are shorter."""

import pytest

from tests.redis.fast import borrowed
from tests.redis.test_promises import world  # noqa: F401
from tests.remote import test_hard_cases

pytestmark = pytest.mark.fast_clock

# What is left out counts the passes of the loop, has no time for its beats, waits for days, or reaches into the server
# of memory.
globals().update(
    borrowed(
        test_hard_cases,
        "test_a_thousand_channels_of_one_hub",
        "test_drained_expires",
        "test_duplicate_names",
        "test_hoarder",
        "test_interrupt",
        "test_lost_lease_then_ack_in_flight",
        "test_lost_replies_lose_nothing_and_repeat_nothing",
        "test_oom_is_as_a_full_channel",
        "test_rolled_back_items_are_a_loss",
        "test_rolled_back_items_are_found_out_after_a_cut",
        "test_stalled",
    )
)
