"""Calls that begin to wait, or are woken, while a signal handler cancels others, empties the channel or begins calls.

A signal handler that cancels a task is the most frequent one: `asyncio.run` has it for Ctrl-C. One that begins a call
stands for the finalizer that begins an eager task.
"""

import asyncio
from collections.abc import Coroutine
from typing import Self

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelEmpty
from aiochannel._core import gathering
from aiochannel._core.machine import Machine
from aiochannel._core.waiters import WaitQueue
from tests.conftest import cancelled, filled, settle, waiting
from tests.test_interrupted_calls import act_once, used


async def test_a_put_that_begins_to_wait_while_a_signal_handler_makes_room_for_more_than_waited_goes_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = filled(0, 1, maxsize=2)
    before = await waiting(channel.put(2))
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_sender", lambda: channel.get_many_nowait(2))
        putting = asyncio.create_task(channel.put(3))
        await settle()
    assert (True, True, [2, 3]) == (before.done(), putting.done(), sorted(channel))


async def test_a_put_that_begins_to_wait_while_a_signal_handler_frees_the_slot_of_a_cancelled_one_goes_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def act() -> None:
        before.cancel()
        channel.get_nowait()

    channel = filled(0, maxsize=1)
    before = await waiting(channel.put(1))
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_sender", act)
        putting = asyncio.create_task(channel.put(2))
        await settle()
    assert (True, True, [2]) == (before.cancelled(), putting.done(), list(channel))


@pytest.mark.parametrize("call", ["get", "get_many"])
async def test_a_put_that_begins_to_wait_while_a_get_begins_is_for_that_get(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Channel[int].rendezvous()
    assert await cancelled(await waiting(channel.put(0)))
    getting: Coroutine[object, None, object] = channel.get() if call == "get" else channel.get_many(2, within=60)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_sender", lambda: getting.send(None))
        putting = asyncio.create_task(channel.put(1))
        await settle()
    assert (True, 1) == (putting.done(), len(list(channel)))
    getting.close()


async def test_a_get_that_begins_to_wait_while_a_signal_handler_puts_to_a_cancelled_one_goes_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def act() -> None:
        before.cancel()
        channel.put_nowait(1)

    channel: Channel[int] = Channel()
    before = await waiting(channel.get())
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_receiver", act)
        getting = asyncio.create_task(channel.get())
        await settle()
    assert (True, True) == (before.cancelled(), getting.done())
    assert 1 == await getting


async def test_a_batch_that_begins_while_a_put_opens_the_fast_path_has_the_puts_that_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel()
    assert await cancelled(await waiting(channel.get()))
    batch = channel.get_many(3, within=60)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_open_puts", lambda: batch.send(None))
        for item in range(3):
            channel.put_nowait(item)
    with pytest.raises(StopIteration) as returned:
        batch.send(None)
    assert [0, 1, 2] == returned.value.value


async def test_a_put_that_begins_to_wait_while_a_get_opens_the_fast_path_has_the_slot_of_the_next_get(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def act() -> None:
        channel.put_nowait(3)
        put.send(None)

    channel = filled(0, 1, maxsize=2)
    granted = channel.put(2)
    granted.send(None)
    put = channel.put(4)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_open_gets", act)
        assert [0, 1] == [channel.get_nowait(), channel.get_nowait()]
    assert 3 == channel.get_nowait()
    with pytest.raises(StopIteration):
        put.send(None)
    granted.close()


async def test_a_batch_that_begins_while_an_item_is_put_to_another_get_is_told_of_the_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    batch = channel.get_many(3, within=60)
    with monkeypatch.context() as patch:
        act_once(patch, WaitQueue, "promise", lambda: batch.send(None))
        channel.put_nowait(1)
    channel.close()
    with pytest.raises(StopIteration) as returned:
        batch.send(None)
    assert [1] == returned.value.value
    with pytest.raises(ChannelClosed):
        await getting


class CancelledWhenLookedAt(asyncio.Future[WaitQueue]):
    """A waiter that a signal handler cancels right after a look that has found it waiting."""

    looks = 0

    @classmethod
    def first_of(cls, channel: Channel[int]) -> Self:
        """Return that of the batch which is the first to wait."""
        first = channel._receivers[0]
        assert isinstance(first, gathering.Gatherer)
        assert isinstance(first.waiter, cls)
        return first.waiter

    @override
    def done(self) -> bool:
        done = super().done()
        self.looks -= 1
        if not self.looks:
            self.cancel()
        return done


@pytest.mark.parametrize("items", [2, 3])
async def test_a_batch_that_is_cancelled_while_it_is_promised_its_last_item_leaves_all_items(
    items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel: Channel[int] = await used(Channel(1))
    monkeypatch.setattr(gathering, "Future", CancelledWhenLookedAt)
    batch = await waiting(channel.get_many(items, within=60))
    # At the first promise, and at the last; those between are made in advance.
    CancelledWhenLookedAt.first_of(channel).looks = 2
    for item in range(items):
        channel.put_nowait(item)
    await settle()
    assert batch.cancelled()
    assert list(range(items)) == [channel.get_nowait() for _ in range(items)]
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    channel.put_nowait(0)
    assert (True, 0) == (channel.full(), channel.statistics().waiting_receivers)


async def test_a_batch_that_is_cancelled_while_it_is_promised_its_last_item_leaves_it_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = await used(Channel())
    batch, getting = channel.get_many(2, within=60), channel.get()
    monkeypatch.setattr(gathering, "Future", CancelledWhenLookedAt)
    batch.send(None)
    getting.send(None)
    CancelledWhenLookedAt.first_of(channel).looks = 2
    channel.put_nowait(0)
    channel.put_nowait(1)
    with pytest.raises(asyncio.CancelledError):
        batch.throw(asyncio.CancelledError())
    assert 0 == channel.get_nowait()
    with pytest.raises(ChannelEmpty):
        channel.get_nowait()
    with pytest.raises(StopIteration) as returned:
        getting.send(None)
    assert 1 == returned.value.value


async def test_a_batch_that_is_cancelled_while_it_is_promised_its_last_item_leaves_the_room_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = await used(Channel(1))
    monkeypatch.setattr(gathering, "Future", CancelledWhenLookedAt)
    batch = await waiting(channel.get_many(2, within=60))
    following = await waiting(channel.get_many(4, within=60))
    CancelledWhenLookedAt.first_of(channel).looks = 2
    channel.put_nowait(0)
    channel.put_nowait(1)
    await settle()
    assert batch.cancelled()
    for item in (2, 3, 4):
        channel.put_nowait(item)
    assert channel.full()
    assert [0, 1, 2, 3] == await following


async def test_a_batch_that_is_cancelled_while_it_is_told_of_the_close_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    channel: Channel[int] = await used(Channel(1))
    monkeypatch.setattr(gathering, "Future", CancelledWhenLookedAt)
    batch = await waiting(channel.get_many(3, within=60))
    CancelledWhenLookedAt.first_of(channel).looks = 1
    channel.close()
    await settle()
    assert (True, 0) == (batch.cancelled(), channel.statistics().waiting_receivers)
