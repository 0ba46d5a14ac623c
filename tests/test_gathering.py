"""A gatherer by itself: a signal handler in the middle of a batch. `contract/test_batches.py` has the rest."""

import asyncio
from collections.abc import Sized

import pytest
from typing_extensions import override

from aiochannel import Channel
from aiochannel._core.gathering import Gatherer
from aiochannel._core.waiters import WaitQueue
from tests.conftest import filled
from tests.test_interrupted_calls import act_once


class Items(Sized):
    """So many items; a signal handler may cancel the gatherer where they are counted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.cancels: Gatherer | None = None

    @override
    def __len__(self) -> int:
        if self.cancels is not None:
            self.cancels.waiter.cancel()
        return self.count


class Source:
    def __init__(self, items: Items) -> None:
        self._buffer: Sized = items
        self._closed = False
        self._put_below = 0

    def _trust(self, gatherer: Gatherer, /) -> None:
        """Promise nothing in advance."""


def gathering(count: int, limit: int) -> tuple[Items, WaitQueue, Gatherer]:
    """Return a gatherer that was promised so many items and waits for more."""
    items, queue = Items(count), WaitQueue()
    gatherer = Gatherer(Source(items), 60)
    assert gatherer.enter(queue, limit)
    return items, queue, gatherer


async def test_a_batch_that_a_signal_handler_fills_just_before_it_waits_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = filled(1)
    with monkeypatch.context() as patch:
        act_once(patch, Gatherer, "enter", lambda: channel.put_nowait(2))
        getting = channel.get_many(2, within=60)
        with pytest.raises(StopIteration) as returned:
            getting.send(None)
    assert ([1, 2], 0) == (returned.value.value, channel.statistics().waiting_receivers)


async def test_a_batch_whose_time_is_up_behind_another_waiter_is_woken_and_passed_over() -> None:
    _, queue, gatherer = gathering(2, 5)
    queue.appendleft(asyncio.Future())  # put back by an interrupted wake-up
    gatherer.conclude()
    assert (True, 2, 0) == (gatherer.done(), gatherer.promised, queue.further)
    assert (2, 1) == (len(queue), queue.waiting())


async def test_a_batch_that_a_signal_handler_cancels_as_its_time_is_up_leaves_the_queue() -> None:
    items, queue, gatherer = gathering(2, 5)
    items.cancels = gatherer
    gatherer.conclude()
    assert (True, 0, 0) == (gatherer.waiter.cancelled(), len(queue), queue.further)
    gatherer.leave()
    assert (0, 2) == (queue.waiting(), gatherer.promised)
