"""Overflow policies: what a put drops, when, and who is told. What every channel does is in tests/contract."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelFull, Overflow, otherwise, select
from aiochannel._core import machine
from aiochannel._core.waiters import WaitQueue
from aiochannel.overflow import Dropping
from tests.budgets import small_budgets
from tests.conftest import begun, cancelled, settle, waiting, without_gc
from tests.contract.kinds import PUTS, put

POLICIES = [Overflow.DROP_OLDEST, Overflow.REPLACE_NEWEST, Overflow.DROP_INCOMING]
every_policy = pytest.mark.parametrize("policy", POLICIES)
THAT_ACCEPT = POLICIES[:2]


def made(policy: Overflow, maxsize: int = 1, items: int = 0) -> tuple[Channel[object], list[object]]:
    """Return a channel that contains the items 0, 1, and so on, and the list of what it drops."""
    dropped: list[object] = []
    channel = Channel[object](maxsize, overflow=policy, on_drop=dropped.append)
    for item in range(items):
        channel.put_nowait(item)
    return channel, dropped


def told(channel: Channel[object]) -> tuple[list[object], int]:
    """Return what is in a channel, and how many items it has dropped."""
    return list(channel), channel.statistics().dropped


# Which item is dropped


@pytest.mark.parametrize(
    ("policy", "kept", "gone"),
    [
        (Overflow.DROP_OLDEST, [3, 4], [0, 1, 2]),
        (Overflow.REPLACE_NEWEST, [0, 4], [1, 2, 3]),
        (Overflow.DROP_INCOMING, [0, 1], [2, 3, 4]),
    ],
)
@pytest.mark.parametrize("call", [*PUTS, "batch", "iterator"])
async def test_each_policy_keeps_and_drops_its_items(
    policy: Overflow, kept: list[object], gone: list[object], call: str
) -> None:
    channel, dropped = made(policy, 2)
    quiet = Channel[object](2, overflow=policy)
    for each in (channel, quiet):
        if call == "batch":
            await each.put_many(range(5))
        elif call == "iterator":
            await each.put_many(iter(range(5)))
        else:
            for item in range(5):
                await put(call, each, item)
    assert (kept, 3) == told(channel) == told(quiet)
    assert gone == dropped


@every_policy
async def test_nothing_is_dropped_while_there_is_room(policy: Overflow) -> None:
    channel, dropped = made(policy, 2, 2)
    channel.get_nowait()
    channel.put_nowait(2)
    assert ([1, 2], 0) == told(channel)
    assert [] == dropped


@every_policy
async def test_a_waiting_receiver_is_room(policy: Overflow) -> None:
    channel, dropped = made(policy)
    getting = await waiting(channel.get())
    await channel.put_many([1, 2])
    assert (1, [], 2) == (await getting, dropped, channel.get_nowait())


@every_policy
async def test_an_open_channel_is_never_full_and_a_closed_one_may_be(policy: Overflow) -> None:
    channel, _ = made(policy, 1, 1)
    assert not channel.full()
    channel.close()
    assert channel.full()


@every_policy
async def test_a_closed_channel_refuses_and_drops_nothing(policy: Overflow) -> None:
    for call in PUTS:
        channel, dropped = made(policy, 1, 1)
        quiet = Channel[object](1, overflow=policy)
        quiet.put_nowait(0)
        for each in (channel, quiet):
            each.close()
            with pytest.raises(ChannelClosed):
                await put(call, each, 1)
        assert ([0], 0) == told(channel) == told(quiet)
        assert [] == dropped


async def test_what_is_received_is_a_subsequence_of_what_was_accepted() -> None:
    channel, dropped = made(Overflow.REPLACE_NEWEST, 3)
    taken: list[object] = []
    for item in range(30):
        channel.put_nowait(item)
        if item % 5 == 0:
            taken.append(channel.get_nowait())
    taken += channel.abort()
    assert sorted(taken, key=hash) == taken
    assert list(range(30)) == sorted([*taken, *dropped], key=hash)


# Hard cases


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [(Overflow.DROP_OLDEST, 2, 3), (Overflow.REPLACE_NEWEST, 1, 3), (Overflow.DROP_INCOMING, 1, 2)],
)
async def test_a_promise_is_to_a_number_of_items_and_not_to_one(policy: Overflow, first: int, second: int) -> None:
    channel, dropped = made(policy)
    getting = await waiting(channel.get())
    for item in (1, 2, 3):
        channel.put_nowait(item)
    assert (first, second) == (await getting, channel.get_nowait())
    assert {1, 2, 3} - {first, second} == set(dropped)


@pytest.mark.parametrize(
    ("policy", "before", "kept"),
    [
        (Overflow.DROP_OLDEST, [2, 3], [4]),
        (Overflow.REPLACE_NEWEST, [1, 3], [4]),
        (Overflow.DROP_INCOMING, [1, 2], [1, 2]),
    ],
)
async def test_a_cancelled_receiver_leaves_one_item_more_until_the_next_put(
    policy: Overflow, before: list[object], kept: list[object]
) -> None:
    """A conflated channel hands out nothing stale; one that drops what comes in drops nothing else."""
    channel, dropped = made(policy)
    getting = await waiting(channel.get())
    for item in (1, 2, 3):
        channel.put_nowait(item)
    assert await cancelled(getting)
    assert (before, 1) == told(channel)
    channel.put_nowait(4)
    assert (kept, 4 - len(kept)) == told(channel)
    assert {1, 2, 3, 4} - set(kept) == set(dropped)


async def test_several_items_too_many_are_dropped_in_their_order() -> None:
    channel, dropped = made(Overflow.DROP_OLDEST, 2)
    getting = [await waiting(channel.get()) for _ in range(3)]
    await channel.put_many(range(5))
    for task in getting:
        task.cancel()
    await settle()
    assert ([0, 1, 2, 3, 4], 0) == told(channel)
    channel.put_nowait(5)
    assert ([4, 5], [0, 1, 2, 3]) == (list(channel), dropped)


@every_policy
async def test_close_before_a_woken_receiver_runs_drops_nothing(policy: Overflow) -> None:
    channel, _ = made(policy)
    getting = await waiting(channel.get())
    joining = await waiting(channel.join())
    channel.put_nowait(1)
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.put_nowait(2)
    assert (1, 0) == (await getting, channel.statistics().dropped)
    await joining


@every_policy
async def test_a_promise_passes_on_though_its_item_was_dropped(policy: Overflow) -> None:
    channel, _ = made(policy)
    first, second = await waiting(channel.get()), await waiting(channel.get())
    for item in (1, 2, 3, 4):
        channel.put_nowait(item)
    first.cancel()
    await settle()
    assert (True, True) == (first.cancelled(), second.done())
    assert (2, 0, 1) == (channel.qsize(), channel.statistics().waiting_receivers, channel.statistics().dropped)


@every_policy
@pytest.mark.parametrize("biased", [True, False])
async def test_a_put_in_a_select_is_always_ready(policy: Overflow, biased: bool) -> None:
    channel, dropped = made(policy, 1, 1)
    other = Channel[object]()
    for _ in range(20):
        assert (0, None) == await select(channel.on_put(1), other.on_get(), biased=biased)
        assert (0, None) == await select(channel.on_put(1), otherwise(), biased=biased)
    assert (40, (0, 0)) == (len(dropped), (channel.statistics().waiting_senders, other.statistics().waiting_receivers))


@every_policy
async def test_a_mapped_put_in_a_select_drops_as_a_plain_one_does(policy: Overflow) -> None:
    channel, dropped = made(policy, 1, 1)
    assert (0, "put") == await select(channel.on_put(1).map(lambda _: "put"))
    assert 1 == len(dropped)
    channel.close()
    assert (0, "closed") == await select(channel.on_put(2).map(str).or_closed("closed"))
    with pytest.raises(ChannelClosed):
        await select(channel.on_put(2).map(str))
    assert 1 == len(dropped)


@every_policy
async def test_a_mapped_put_that_raises_drops_nothing_and_a_closed_channel_raises_first(policy: Overflow) -> None:
    def fail(_: None) -> None:
        raise ZeroDivisionError

    channel, dropped = made(policy, 1, 1)
    with pytest.raises(ZeroDivisionError):
        await select(channel.on_put(1).map(fail))
    assert ([0], 0) == told(channel)
    assert [] == dropped
    channel.close()
    with pytest.raises(ChannelClosed):
        await select(channel.on_put(1).map(fail))


@every_policy
async def test_a_put_in_a_select_goes_ahead_where_there_is_room(policy: Overflow) -> None:
    channel, dropped = made(policy)
    await select(channel.on_put(1))
    getting = await waiting(Channel[object].get(other := made(policy)[0]))
    await select(other.on_put(2))
    assert ([1], [], 2) == (list(channel), dropped, await getting)


@every_policy
async def test_an_end_and_a_handle_put_with_the_policy_of_their_channel(policy: Overflow) -> None:
    channel, dropped = made(policy, 1, 1)
    channel.sender.put_nowait(1)
    with channel.open_sender() as tx:
        assert not tx.full()
        await tx.put(2)
    assert (2, True) == (len(dropped), channel.closed())


@every_policy
def test_promises_of_a_closed_loop_are_forgotten_and_only_the_policy_drops(policy: Overflow) -> None:
    channel, dropped = made(policy, 2)

    async def begin() -> list[asyncio.Task[object]]:
        return [await waiting(channel.get()) for _ in range(2)]

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # tasks that are destroyed
    tasks = loop.run_until_complete(begin())
    for item in range(4):
        channel.put_nowait(item)
    assert (2, []) == (channel.qsize(), dropped)
    loop.close()
    channel.put_nowait(4)
    kept = {Overflow.DROP_OLDEST: [3, 4], Overflow.REPLACE_NEWEST: [0, 4], Overflow.DROP_INCOMING: [0, 1, 2, 3]}
    assert kept[policy] == list(channel)
    assert {0, 1, 2, 3, 4} - set(kept[policy]) == set(dropped)
    assert [False, False] == [task.done() for task in tasks]


# on_drop


@every_policy
async def test_the_hook_may_close_the_channel(policy: Overflow) -> None:
    channel = Channel[int](1, overflow=policy, on_drop=lambda _: channel.close())
    channel.put_nowait(1)
    channel.put_nowait(2)
    with pytest.raises(ChannelClosed):
        channel.put_nowait(3)
    assert (1, 1) == (channel.qsize(), channel.statistics().dropped)


@every_policy
async def test_the_hook_may_pass_the_item_on(policy: Overflow) -> None:
    beside = Channel[int]()
    channel = Channel[int](1, overflow=policy, on_drop=beside.put_nowait)
    await channel.put_many([1, 2, 3])
    assert [1, 2, 3] == sorted([*channel, *beside])


@every_policy
async def test_the_hook_finds_the_channel_consistent_and_its_own_put_drops_again(policy: Overflow) -> None:
    seen: list[object] = []

    def again(item: int) -> None:
        seen.append((item, channel.qsize(), channel.statistics().dropped))
        if len(seen) == 1:
            channel.put_nowait(9)

    channel = Channel[int](1, overflow=policy, on_drop=again)
    channel.put_nowait(1)
    channel.put_nowait(2)
    first, second = {Overflow.DROP_INCOMING: (2, 9)}.get(policy, (1, 2))
    assert [(first, 1, 1), (second, 1, 2)] == seen
    assert 1 == channel.qsize()


@every_policy
async def test_a_hook_that_always_puts_here_ends_by_a_recursion_error(policy: Overflow) -> None:
    contexts: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    channel = Channel[int](1, overflow=policy, on_drop=lambda item: channel.put_nowait(item))  # noqa: PLW0108  # it is not there yet
    channel.put_nowait(1)
    with without_gc():  # the finalizers of other tests' garbage would have no room on the stack either
        channel.put_nowait(2)
    assert {RecursionError} == {type(context["exception"]) for context in contexts}
    assert 1 == channel.qsize()
    channel.close()


@every_policy
async def test_what_the_hook_raises_goes_to_the_loop_and_the_put_has_taken_effect(policy: Overflow) -> None:
    contexts: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    error = ZeroDivisionError()

    def fail(_: int) -> None:
        raise error

    channel = Channel[int](1, overflow=policy, on_drop=fail)
    await channel.put_many([1, 2, 3])
    assert [error, error] == [context["exception"] for context in contexts]
    assert all("on_drop of <Channel at" in str(context["message"]) for context in contexts)
    assert 2 == channel.statistics().dropped


@every_policy
def test_without_a_loop_what_the_hook_raises_goes_to_the_unraisable_hook(
    policy: Overflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hooked: errors.append(hooked.exc_value))
    error = ZeroDivisionError()

    def fail(_: int) -> None:
        raise error

    channel = Channel[int](1, overflow=policy, on_drop=fail)
    channel.put_nowait(1)
    channel.put_nowait(2)
    assert [error] == errors


@every_policy
async def test_any_other_exception_of_the_hook_comes_out_of_the_put_which_has_taken_effect(policy: Overflow) -> None:
    def leave(_: object) -> None:
        raise SystemExit

    channel = Channel[object](1, overflow=policy, on_drop=leave)
    channel.put_nowait(1)
    with pytest.raises(SystemExit):
        channel.put_nowait(2)
    assert ([1] if policy is Overflow.DROP_INCOMING else [2], 1) == told(channel)


async def test_every_dropped_item_is_told_though_the_hook_raises() -> None:
    heard: list[object] = []

    def leave(item: object) -> None:
        heard.append(item)
        if len(heard) == 1:
            raise SystemExit

    channel = Channel[object](1, overflow=Overflow.DROP_OLDEST, on_drop=leave)
    getting = [await waiting(channel.get()) for _ in range(2)]
    for item in range(3):
        channel.put_nowait(item)
    for task in getting:
        task.cancel()
    await settle()
    with pytest.raises(SystemExit):
        channel.put_nowait(3)
    assert ([0, 1, 2], [3]) == (heard, list(channel))


def test_the_hook_is_called_for_overflow_only() -> None:
    channel, dropped = made(Overflow.DROP_OLDEST, 2, 2)
    channel.get_nowait()
    assert [1] == channel.abort()
    assert [] == dropped


# Letting other tasks run


@pytest.mark.parametrize("call", ["put", "put_many", "endless", "select", "mapped"])
@pytest.mark.parametrize(("policy", "maxsize"), [*((policy, 1) for policy in POLICIES), (Overflow.DROP_OLDEST, 3_000)])
async def test_puts_that_never_wait_let_other_tasks_run(policy: Overflow, call: str, maxsize: int) -> None:
    channel, _ = made(policy, maxsize)
    running = True

    async def produce() -> None:
        def endless() -> Iterator[int]:
            while running:
                yield 1

        while running:
            match call:
                case "endless":
                    await channel.put_many(endless())
                case "mapped":
                    await select(channel.on_put(1).map(str))
                case _:
                    await put(call, channel, 1)

    producing = asyncio.create_task(produce())
    for _ in range(5):
        await asyncio.sleep(0)
    running = False
    await producing
    assert channel.statistics().dropped + channel.qsize() <= 10 * machine.BUDGET


@every_policy
async def test_another_task_runs_beside_selects_that_put_where_there_is_room(policy: Overflow) -> None:
    channel, _ = made(policy, 10 * machine.BUDGET)
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    for _ in range(3 * machine.BUDGET):
        await select(channel.on_put(1))
    assert ["ran"] == others


@every_policy
@pytest.mark.parametrize("call", ["put", "put_many", "select"])
async def test_a_put_that_is_cancelled_while_it_lets_others_run_has_done_nothing(policy: Overflow, call: str) -> None:
    with small_budgets():
        channel, _ = made(policy)
    channel.put_nowait(0)
    channel.put_nowait(1)
    before = told(channel)
    putting = await begun(put(call, channel, 2))
    assert not putting.done()
    assert await cancelled(putting)
    assert before == told(channel)


# Making one


@every_policy
def test_a_policy_shows(policy: Overflow) -> None:
    assert f"<Channel maxsize=2 qsize=0 overflow={policy.name}>" == str(Channel[int](2, overflow=policy))


def test_a_channel_whose_puts_wait_drops_nothing() -> None:
    channel = Channel[int](1, overflow=Overflow.WAIT)
    channel.put_nowait(1)
    with pytest.raises(ChannelFull):
        channel.put_nowait(2)
    assert 0 == channel.statistics().dropped


@every_policy
def test_an_unbounded_channel_takes_no_policy(policy: Overflow) -> None:
    with pytest.raises(ValueError, match="never overflows"):
        Channel[int](overflow=policy)
    with pytest.raises(ValueError, match="never overflows"):
        Channel[int](2**40, overflow=policy)


def test_what_is_no_policy_or_no_hook_is_refused() -> None:
    with pytest.raises(TypeError, match="overflow must be an Overflow, not 'drop oldest'"):
        Channel[int](1, overflow=cast("Overflow", "drop oldest"))
    with pytest.raises(TypeError, match="on_drop must be callable, not 3"):
        Channel[int](1, overflow=Overflow.DROP_OLDEST, on_drop=cast("Callable[[int], None]", 3))
    with pytest.raises(TypeError, match="on_drop needs an overflow policy"):
        Channel[int](1, on_drop=print)


async def test_a_rendezvous_has_no_policy() -> None:
    class Latest(Channel[int]):
        def __init__(self) -> None:
            super().__init__(1, overflow=Overflow.DROP_OLDEST)

    with pytest.raises(ChannelFull):
        Latest.rendezvous().put_nowait(1)


@pytest.mark.parametrize("policy", THAT_ACCEPT)
def test_a_finalizer_that_puts_while_its_item_is_dropped_is_a_put_as_any_other(policy: Overflow) -> None:
    class Lease:
        def __del__(self) -> None:
            counts.append(channel.statistics().dropped)
            if len(counts) == 1:
                channel.put_nowait(3)

    counts: list[int] = []
    channel = Channel[object](1, overflow=policy)
    channel.put_nowait(Lease())
    channel.put_nowait(2)
    assert ([3], 2) == told(channel)
    assert [1] == counts


# A signal handler in the middle of a put. All that it may do, and where, is in tests/interrupts.


class Interrupted(deque[object]):
    """A buffer: a signal handler runs once, when it has been appended to, or when its length is asked for."""

    def __init__(self, where: str, handler: Callable[[], object]) -> None:
        super().__init__()
        self.where = where
        self.handler = handler

    def reach(self, where: str) -> None:
        if where == self.where:
            self.where = ""
            self.handler()

    @override
    def append(self, item: object) -> None:
        super().append(item)
        self.reach("append")

    @override
    def extend(self, items: Iterable[object]) -> None:
        super().extend(items)
        self.reach("extend")

    @override
    def __len__(self) -> int:
        length = super().__len__()
        self.reach("len")
        return length


def interrupted(
    where: str, handler: Callable[[Channel[object]], object], policy: Overflow, *, hook: bool = False
) -> tuple[Channel[object], list[object]]:
    """Return a full channel whose next put is interrupted, and the list of what it drops and tells."""
    dropped: list[object] = []
    channel = Channel[object](1, overflow=policy, on_drop=dropped.append if hook else None)
    channel._buffer = buffer = Interrupted("", lambda: handler(channel))
    channel.put_nowait(0)
    buffer.where = where
    return channel, dropped


def stop(_: Channel[object]) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("policy", THAT_ACCEPT)
@pytest.mark.parametrize(("where", "hook"), [("append", False), ("extend", True)])
def test_a_put_in_which_a_signal_handler_raises_leaves_no_item_too_many(
    policy: Overflow, where: str, hook: bool
) -> None:
    channel, dropped = interrupted(where, stop, policy, hook=hook)
    with pytest.raises(KeyboardInterrupt):
        channel.put_nowait(1)
    assert ([1], 1) == told(channel)
    assert [0] * hook == dropped


@pytest.mark.parametrize("policy", THAT_ACCEPT)
@pytest.mark.parametrize(("where", "hook"), [("append", False), ("extend", True)])
def test_a_put_drops_nothing_if_a_signal_handler_takes_an_item(policy: Overflow, where: str, hook: bool) -> None:
    channel, dropped = interrupted(where, Channel.get_nowait, policy, hook=hook)
    channel.put_nowait(1)
    assert ([1], 0) == told(channel)
    assert [] == dropped


def at_the_next_len(handler: Callable[[Channel[object]], object]) -> Callable[[Channel[object]], None]:
    """Return a signal handler that lets another one run where the length of the buffer is asked for next."""

    def arm(channel: Channel[object]) -> None:
        buffer = channel._buffer
        assert isinstance(buffer, Interrupted)
        buffer.where = "len"
        buffer.handler = lambda: handler(channel)

    return arm


@pytest.mark.parametrize("policy", THAT_ACCEPT)
def test_a_put_drops_nothing_if_a_signal_handler_takes_an_item_behind_the_look(policy: Overflow) -> None:
    channel, dropped = interrupted("extend", at_the_next_len(Channel.get_nowait), policy, hook=True)
    channel.put_nowait(1)
    assert ([1], 0) == told(channel)
    assert [] == dropped


@pytest.mark.parametrize("policy", THAT_ACCEPT)
async def test_beside_a_promise_too_a_put_drops_nothing_if_a_signal_handler_takes_an_item(policy: Overflow) -> None:
    channel, dropped = interrupted("extend", at_the_next_len(Channel.get_nowait), policy, hook=True)
    channel.get_nowait()
    getting = await waiting(channel.get())
    for item in (0, 1, 2):
        channel.put_nowait(item)
    assert ([1, 2], 0) == told(channel)
    assert [] == dropped
    assert 1 == await getting


@every_policy
def test_a_put_in_which_a_signal_handler_raises_before_it_drops_counts_nothing(
    policy: Overflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted_before(*_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    channel, dropped = made(policy, 1, 1)
    monkeypatch.setattr(Dropping, "_accept", interrupted_before)
    with pytest.raises(KeyboardInterrupt):
        channel.put_nowait(1)
    assert ([0], 0) == told(channel)
    assert [] == dropped


@every_policy
async def test_a_receiver_that_has_just_entered_is_room_for_the_put_of_a_signal_handler(policy: Overflow) -> None:
    """The item was put by another signal handler, behind the look of the receiver."""
    channel, dropped = made(policy, 1, 1)
    queue, waiter = WaitQueue(), asyncio.get_running_loop().create_future()
    queue.append(waiter)
    channel._receivers = queue
    channel.put_nowait(1)
    assert ([0, 1], True) == (list(channel), waiter.done())
    assert [] == dropped


@every_policy
@pytest.mark.parametrize("hook", [False, True])
def test_a_put_is_refused_if_a_signal_handler_closes_behind_the_look(policy: Overflow, hook: bool) -> None:
    channel, dropped = interrupted("len", at_the_next_len(Channel.close), policy, hook=hook)
    with pytest.raises(ChannelClosed):
        channel.put_nowait(1)
    assert ([0], 0) == told(channel)
    assert [] == dropped


@pytest.mark.parametrize("policy", THAT_ACCEPT)
@pytest.mark.parametrize("hook", [False, True])
async def test_a_receiver_that_begins_to_wait_in_the_middle_of_a_put_is_promised_its_item(
    policy: Overflow, hook: bool
) -> None:
    def wait(channel: Channel[object]) -> None:
        assert 0 == channel.get_nowait()
        getting.send(None)

    channel, dropped = interrupted("len", at_the_next_len(wait), policy, hook=hook)
    getting = channel.get()
    channel.put_nowait(1)
    with pytest.raises(StopIteration) as taken:
        getting.send(None)
    assert (1, [], 0) == (taken.value.value, dropped, channel.statistics().dropped)
