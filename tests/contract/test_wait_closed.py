"""Waiting for the close itself: `wait_closed` and `on_close`."""

import pytest

from aiochannel import ChannelClosed, otherwise, select
from tests.conftest import cancelled, settle, waiting
from tests.contract.kinds import (
    Kind,
    Sides,
    every_kind,
    that_abort,
    that_count_receivers,
    that_count_senders,
    that_fill,
)


@every_kind
async def test_wait_closed_returns_at_the_close_though_items_are_left(kind: Kind) -> None:
    channel = kind.stocked()
    watching = await waiting(channel.tx.wait_closed())
    channel.tx.close(OSError())
    await watching
    await channel.tx.wait_closed()


@that_abort
async def test_wait_closed_returns_at_an_abort(stocked: Sides) -> None:
    watching = await waiting(stocked.tx.wait_closed())
    stocked.abort()
    await watching


@every_kind
async def test_a_cancelled_wait_for_the_close_leaves_nothing(channel: Sides) -> None:
    watching, other = await waiting(channel.tx.wait_closed()), await waiting(channel.tx.wait_closed())
    assert await cancelled(watching)
    channel.tx.close()
    await other


@every_kind
async def test_a_wait_for_the_close_that_is_cancelled_when_woken_ends_by_that(channel: Sides) -> None:
    watching = await waiting(channel.tx.wait_closed())
    channel.tx.close()
    assert await cancelled(watching)
    await channel.tx.wait_closed()


@every_kind
async def test_on_close_can_go_ahead_once_the_channel_is_closed(channel: Sides) -> None:
    assert (1, None) == await select(channel.tx.on_close(), otherwise())
    selecting = await waiting(select(channel.tx.on_close()))
    channel.tx.close()
    assert (0, None) == await selecting
    assert (0, "closed") == await select(channel.tx.on_close().map(lambda _: "closed"), otherwise())


@every_kind
async def test_a_function_of_on_close_is_not_called_before_the_close(channel: Sides) -> None:
    called: list[None] = []
    assert (1, None) == await select(channel.tx.on_close().map(called.append), otherwise())
    assert [] == called


@that_fill
async def test_a_select_that_waits_to_put_and_for_the_close_is_told_by_its_put(full: Sides) -> None:
    selecting = await waiting(select(full.tx.on_close(), full.tx.on_put(7)))
    full.tx.close()
    with pytest.raises(ChannelClosed):
        await selecting
    assert full.inside == await full.rest()


@that_fill
async def test_puts_are_refused_before_calls_that_wait_for_the_close_return(full: Sides) -> None:
    async def watch() -> None:
        await full.tx.wait_closed()
        ended.append("watching")

    async def put() -> None:
        with pytest.raises(ChannelClosed):
            await full.tx.put(7)
        ended.append("put")

    ended: list[str] = []
    calls = [await waiting(call) for call in (watch(), put())]
    full.tx.close()
    for call in calls:
        await call
    assert ["put", "watching"] == ended


@every_kind
async def test_a_select_that_waits_to_get_and_for_the_close_is_told_of_the_close(channel: Sides) -> None:
    selecting = await waiting(select(channel.rx.on_get(), channel.tx.on_close()))
    channel.tx.close()
    assert (1, None) == await selecting
    assert (0, 0) == channel.waiters()


@every_kind
async def test_a_select_that_watched_the_close_in_vain_leaves_nothing(channel: Sides) -> None:
    selecting = await waiting(select(channel.rx.on_get(), channel.tx.on_close()))
    await channel.tx.put(7)
    assert (0, 7) == await selecting
    assert await cancelled(await waiting(select(channel.tx.on_close())))
    channel.tx.close()
    await settle()


@that_count_receivers
async def test_a_sender_that_waits_for_the_close_learns_that_the_last_receiver_left(channel: Sides) -> None:
    watching = await waiting(channel.tx.wait_closed())
    with channel.open_receiver():
        await settle()
        assert not watching.done()
    await watching


@that_count_receivers
async def test_a_sender_that_waits_for_the_close_learns_that_the_last_receiving_end_was_dropped(
    channel: Sides,
) -> None:
    watching = await waiting(channel.tx.wait_closed())
    channel.open_receiver()
    await watching


@that_count_senders
async def test_the_handle_of_an_end_waits_for_the_close(channel: Sides) -> None:
    with channel.open_sender() as tx:
        calls = [await waiting(tx.wait_closed()), await waiting(select(tx.on_close()))]
        channel.tx.close()
        assert [None, (0, None)] == [await call for call in calls]


@that_count_senders
async def test_an_end_that_has_left_does_not_wait_for_the_close(channel: Sides) -> None:
    with channel.open_sender() as tx:
        pass
    with pytest.raises(ChannelClosed, match="has left"):
        await tx.wait_closed()
    with pytest.raises(ChannelClosed, match="has left"):
        tx.on_close()
