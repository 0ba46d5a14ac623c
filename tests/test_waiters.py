"""The queue of waiters by itself: a signal handler that raises while it wakes one, and what no call can arrange."""

import asyncio
import gc
import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from typing_extensions import override

from aiochannel import Channel, End, Sender
from aiochannel._core.waiters import Selection, Waiting, WaitQueue
from tests.conftest import waiting
from tests.interrupts.actions import action
from tests.interrupts.player import player
from tests.interrupts.scenarios import SCENARIOS

Wake = Callable[[WaitQueue], None]


class Interruption(BaseException):
    """What a signal handler raises."""


class Waiter:
    """One that can be woken once."""

    def __init__(self) -> None:
        self.woken_by: list[WaitQueue] = []

    def done(self) -> bool:
        return bool(self.woken_by)

    def set_result(self, queue: WaitQueue, /) -> None:
        if self.woken_by:
            raise asyncio.InvalidStateError
        self.woken_by.append(queue)


class InterruptedBefore(Waiter):
    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        raise Interruption


class InterruptedAfter(Waiter):
    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        super().set_result(queue)
        raise Interruption


class Interfering(Waiter):
    """A signal handler runs where it is asked whether it is done, and wakes all."""

    def __init__(self, queue: WaitQueue) -> None:
        super().__init__()
        self.queue = queue

    @override
    def done(self) -> bool:
        self.queue.wake_all()
        return super().done()


def promise(queue: WaitQueue) -> None:
    queue.promise([1, 2, 3])


def grant(queue: WaitQueue) -> None:
    queue.grant(3, [], WaitQueue())


CLAIMS: list[tuple[Wake, int]] = [(promise, 1), (grant, 1), (WaitQueue.wake_all, 0)]
every_wake = pytest.mark.parametrize(("wake", "claims"), CLAIMS, ids=["promise", "grant", "wake_all"])


def queue_of(*waiters: Waiting) -> WaitQueue:
    queue = WaitQueue()
    queue.extend(waiters)
    return queue


@every_wake
def test_all_are_woken_in_their_order(wake: Wake, claims: int) -> None:
    waiters = [Waiter(), Waiter(), Waiter()]
    queue = queue_of(*waiters)
    wake(queue)
    assert [[queue]] * 3 == [each.woken_by for each in waiters]
    assert (0, 3 * claims, 0) == (len(queue), queue.woken, queue.stale)


@every_wake
def test_a_waiter_that_could_not_be_woken_is_the_first_again(wake: Wake, claims: int) -> None:
    first, last = InterruptedBefore(), Waiter()
    queue = queue_of(Waiter(), first, last)
    with pytest.raises(Interruption):
        wake(queue)
    assert ([first, last], claims) == (list(queue), queue.woken)


@every_wake
def test_a_claim_that_the_interrupting_handler_has_taken_is_taken_once(wake: Wake, claims: int) -> None:
    """As an abort takes what is promised to all."""

    class Aborted(Waiter):
        @override
        def set_result(self, result: WaitQueue, /) -> None:
            result.woken = 0
            raise Interruption

    first = Aborted()
    queue = queue_of(first)
    with pytest.raises(Interruption):
        wake(queue)
    assert ([first], 0) == (list(queue), queue.woken)


@every_wake
def test_a_waiter_that_was_woken_before_the_interruption_keeps_its_claim(wake: Wake, claims: int) -> None:
    last = Waiter()
    queue = queue_of(InterruptedAfter(), last)
    with pytest.raises(Interruption):
        wake(queue)
    assert ([last], claims) == (list(queue), queue.woken)


@every_wake
def test_a_cancelled_waiter_is_passed_over_and_counted_off(wake: Wake, claims: int) -> None:
    cancelled, last = Waiter(), Waiter()
    queue = queue_of(cancelled, last)
    cancelled.set_result(queue)
    queue.stale = 1
    wake(queue)
    assert (True, 0, claims, 0) == (last.done(), len(queue), queue.woken, queue.stale)


def test_all_are_woken_while_the_cancelled_ones_are_looked_for() -> None:
    queue = WaitQueue()
    cancelled, interfering, last = Waiter(), Interfering(queue), Waiter()
    cancelled.set_result(queue)
    queue.extend([cancelled, interfering, last])
    queue.stale = 1
    queue.discard(Waiter())
    assert (True, 0, 0) == (last.done(), len(queue), queue.stale)


def test_what_had_not_entered_yet_is_discarded_without_effect() -> None:
    first, last = Waiter(), Waiter()
    queue = queue_of(first, last)
    queue.discard(Waiter())
    assert ([first, last], 0) == (list(queue), queue.stale)


async def test_selects_that_are_passed_over_come_last_in_their_order() -> None:
    """Two receivers, and one of them is for a sender that has its grant: the other must not be the select itself."""
    senders, receivers = WaitQueue(), WaitQueue()
    selects = [Selection(asyncio.get_running_loop()) for _ in range(2)]
    for each in selects:
        each.enter(senders, 0)
        each.enter(receivers, 1)
    plain = Waiter()
    senders.append(plain)
    senders.woken = 1
    senders.grant(0, [], receivers)
    assert (selects, True, 2) == (list(senders), plain.done(), senders.woken)
    senders.woken = 1
    senders.grant(0, [], receivers)
    assert (selects, 1) == (list(senders), senders.woken)


async def test_selects_that_are_passed_over_stay_where_the_wake_up_is_interrupted() -> None:
    senders, receivers = WaitQueue(), WaitQueue()
    select = Selection(asyncio.get_running_loop())
    select.enter(senders, 0)
    select.enter(receivers, 1)
    interrupted = InterruptedBefore()
    senders.append(interrupted)
    with pytest.raises(Interruption):
        senders.grant(0, [], receivers)
    assert ([interrupted, select], 0) == (list(senders), senders.woken)


def test_a_receiver_that_left_is_no_room_for_a_grant() -> None:
    first, last = Waiter(), Waiter()
    senders, receivers = queue_of(first, last), queue_of(Waiter(), Waiter())
    receivers.stale = 1
    senders.grant(0, [], receivers)
    assert ((True, False), 1) == ((first.done(), last.done()), senders.woken)


@pytest.mark.parametrize(
    "wake", [lambda queue: queue.promise([1]), lambda queue: queue.grant(1, [], WaitQueue())], ids=["promise", "grant"]
)
def test_the_cancelled_are_removed_when_a_wake_up_leaves_them_in_the_majority(
    wake: Wake,
) -> None:
    first, cancelled, last = Waiter(), [Waiter(), Waiter()], Waiter()
    queue = queue_of(first, *cancelled, last)
    for each in cancelled:
        each.set_result(queue)
    queue.stale = 2
    wake(queue)
    assert ([last], 0, True) == (list(queue), queue.stale, first.done())


# A signal handler that runs in the middle of a look


class InterferingItems:
    """A signal handler runs where they are counted, and wakes all."""

    def __init__(self, queue: WaitQueue) -> None:
        self.queue = queue

    def __len__(self) -> int:
        self.queue.wake_all()
        return 1


@pytest.mark.parametrize(
    "wake",
    [lambda queue, items: queue.promise(items), lambda queue, items: queue.grant(3, items, WaitQueue())],
    ids=["promise", "grant"],
)
def test_all_are_woken_while_the_items_are_counted(
    wake: Callable[[WaitQueue, InterferingItems], None],
) -> None:
    waiter = Waiter()
    queue = queue_of(waiter)
    wake(queue, InterferingItems(queue))
    assert (True, 0, 0) == (waiter.done(), len(queue), queue.woken)


def wake_first(queue: WaitQueue) -> None:
    queue.grant(1, [], WaitQueue())


class InterferingFuture(asyncio.Future[WaitQueue]):
    """A signal handler runs where it is first asked whether it is done."""

    def __init__(self, handler: Callable[[], None]) -> None:
        super().__init__()
        self.handlers = [handler]

    @override
    def done(self) -> bool:
        if self.handlers:
            self.handlers.pop()()
        return super().done()


class InterferingEntries(list[tuple[WaitQueue, int]]):
    """A signal handler runs where they are looked through."""

    def __init__(self, handler: Callable[[], None]) -> None:
        super().__init__()
        self.handler = handler

    @override
    def __iter__(self) -> Iterator[tuple[WaitQueue, int]]:
        before = self[:]
        self.handler()
        return iter(before)


@pytest.mark.parametrize("wake", [WaitQueue.wake_all, wake_first], ids=["all", "the first"])
@pytest.mark.parametrize("looks", ["is it done", "where does it wait"])
async def test_a_select_is_woken_while_a_grant_asks_whether_it_waits_on_both_sides(looks: str, wake: Wake) -> None:
    senders, receivers = WaitQueue(), WaitQueue()
    select, plain = Selection(asyncio.get_running_loop()), Waiter()
    if looks == "is it done":
        select.waiter = InterferingFuture(partial(wake, senders))
    else:
        select.entered = InterferingEntries(partial(wake, senders))
    select.enter(senders, 0)
    senders.append(plain)
    select.enter(receivers, 1)
    senders.grant(0, [], receivers)
    claims = 1 if wake is wake_first else 0
    assert (True, 0, claims) == (select.claimed(), len(receivers), senders.woken)
    assert ([plain] if wake is wake_first else []) == list(senders)


class ClaimedElsewhere(asyncio.Future[WaitQueue]):
    """A signal handler runs where it is first woken, lets another queue wake it, and raises."""

    def __init__(self, handler: Callable[[], None]) -> None:
        super().__init__()
        self.handlers = [handler]

    @override
    def set_result(self, result: WaitQueue, /) -> None:
        if self.handlers:
            self.handlers.pop()()
            raise Interruption
        super().set_result(result)


@every_wake
async def test_a_select_that_another_queue_wakes_in_between_has_the_claim_of_that_queue_alone(
    wake: Wake, claims: int
) -> None:
    interrupted, other = WaitQueue(), WaitQueue()
    select = Selection(asyncio.get_running_loop())
    select.waiter = ClaimedElsewhere(partial(promise, other))
    select.enter(interrupted, 0)
    select.enter(other, 1)
    with pytest.raises(Interruption):
        wake(interrupted)
    assert (other, 1, 1) == (select.waiter.result(), select.position, other.woken)
    assert (0, 0, 0) == (len(interrupted), interrupted.woken, interrupted.stale)


class InterruptedWhenWoken(asyncio.Future[WaitQueue]):
    @override
    def set_result(self, result: WaitQueue, /) -> None:
        super().set_result(result)
        raise Interruption


@every_wake
async def test_a_select_that_was_woken_before_the_interruption_keeps_its_claim(wake: Wake, claims: int) -> None:
    select = Selection(asyncio.get_running_loop())
    select.waiter = InterruptedWhenWoken()
    queue = WaitQueue()
    select.enter(queue, 0)
    with pytest.raises(Interruption):
        wake(queue)
    assert (True, 0, claims, 0) == (select.woken_by(queue), len(queue), queue.woken, queue.stale)


@every_wake
async def test_a_select_that_is_given_up_while_a_wake_up_is_interrupted_leaves_no_claim(
    wake: Wake, claims: int
) -> None:
    def give_up() -> None:
        select.waiter.cancel()
        select.withdraw()

    select = Selection(asyncio.get_running_loop())
    select.waiter = ClaimedElsewhere(give_up)
    queue = WaitQueue()
    select.enter(queue, 0)
    with pytest.raises(Interruption):
        wake(queue)
    assert (True, 0, 0, 0) == (select.done(), len(queue), queue.woken, queue.stale)


class InterferingOnce(Waiter):
    """A signal handler runs where it is first asked whether it is done."""

    def __init__(self, handler: Callable[[], None]) -> None:
        super().__init__()
        self.handlers = [handler]

    @override
    def done(self) -> bool:
        if self.handlers:
            self.handlers.pop()()
        return super().done()


def test_the_last_leaves_while_the_cancelled_ones_are_looked_for() -> None:
    queue = WaitQueue()
    cancelled, last = Waiter(), Waiter()
    interfering = InterferingOnce(lambda: queue.discard(last))
    cancelled.set_result(queue)
    queue.extend([interfering, cancelled, last])
    queue.stale = 1
    queue.tidy()
    assert last not in queue
    assert 1 == queue.waiting()


def test_others_wait_in_place_of_the_woken_while_the_cancelled_ones_are_looked_for() -> None:
    def replace() -> None:
        wake_first(queue)
        queue.extend(new)

    queue = WaitQueue()
    cancelled, last, new = Waiter(), Waiter(), [Waiter(), Waiter()]
    cancelled.set_result(queue)
    queue.extend([cancelled, InterferingOnce(replace), last])
    queue.stale = 1
    queue.tidy()
    assert ([last, *new], 0, 1) == (list(queue), queue.stale, queue.woken)


class Counting(Waiter):
    """Counts how often any of them is asked whether it is done."""

    looks = 0

    @override
    def done(self) -> bool:
        Counting.looks += 1
        return super().done()


def test_a_cancellation_costs_no_more_where_many_wait() -> None:
    waiters = [Counting() for _ in range(1_000)]
    queue = queue_of(*waiters)
    before = Counting.looks
    for each in random.Random(2015).sample(waiters, len(waiters)):
        each.set_result(queue)
        queue.discard(each)
    assert (0, 0) == (len(queue), queue.stale)
    assert Counting.looks - before < 5 * len(waiters)


@pytest.mark.parametrize(
    ("scenario", "interruption"),
    [
        ("select: waits, rendezvous", "close"),  # while it is passed over
        ("select: two on both sides", "close"),
        ("select: waits to get", "raise"),  # while it enters
        ("select: waits, both sides", "raise"),
    ],
)
def test_a_select_is_interrupted_at_every_place(scenario: str, interruption: str) -> None:
    with player() as plays:
        played = plays.play(SCENARIOS[scenario], [action(interruption)])
    assert played.places
    assert not played.failures, "\n".join(failure.report() for failure in played.failures)


@pytest.mark.parametrize("positions", [(0, 1), (1, 0)], ids=str)
async def test_a_select_that_is_in_a_queue_twice_is_woken_once_and_leaves_the_other_place(
    positions: tuple[int, int],
) -> None:
    """A signal handler has let another one enter in between."""
    queue, between = WaitQueue(), Waiter()
    select = Selection(asyncio.get_running_loop())
    select.enter(queue, positions[0])
    queue.append(between)
    select.enter(queue, positions[1])
    queue.promise([1])
    assert ([between], positions[1], 1, 0) == (list(queue), select.position, queue.woken, queue.stale)


class Aborted(Waiter):
    """One whose wake-up is interrupted by an abort, which takes all promises, and which another queue has woken."""

    @override
    def set_result(self, queue: WaitQueue, /) -> None:
        queue.woken = 0
        raise asyncio.InvalidStateError


def test_a_promise_that_an_abort_has_taken_is_not_taken_back_again() -> None:
    queue = WaitQueue()
    queue.append(Aborted())
    queue.promise([1])
    assert 0 == queue.woken


@pytest.mark.parametrize("debug", [False, True])
async def test_a_promise_that_is_given_back_in_another_thread_passes_on(debug: bool) -> None:
    """In debug mode asyncio refuses a wake-up from that thread."""
    asyncio.get_running_loop().set_debug(debug)
    channel: Channel[int] = Channel()
    first = channel.get()
    first.send(None)
    second = await waiting(channel.get())
    channel.put_nowait(7)
    await asyncio.to_thread(first.close)
    assert 7 == await second


def test_an_end_that_was_not_made_to_the_end_can_be_dropped() -> None:
    made = End[Sender[int]].__new__(End)
    del made
    gc.collect()
