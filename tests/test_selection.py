import asyncio
import gc
import random
from collections import Counter
from weakref import ref

import pytest

from aiochannel import (
    Case,
    Channel,
    ChannelClosed,
    ChannelError,
    ChannelFull,
    Receiver,
    Sender,
    otherwise,
    select,
    select_any,
)
from aiochannel.selection import CHANCE
from tests.conftest import cancelled, settle, waiting


class Item:
    """Something that a weak reference can point to."""


def filled(*items: int, maxsize: int = 0) -> Channel[int]:
    channel: Channel[int] = Channel(maxsize)
    for item in items:
        channel.put_nowait(item)
    return channel


def closed(*items: int, cause: BaseException | None = None) -> Channel[int]:
    channel = filled(*items)
    channel.close(cause)
    return channel


def fail(_: object) -> int:
    raise ZeroDivisionError


class Stop(BaseException):
    pass


def stop(_: object) -> int:
    raise Stop


# What is ready


async def test_a_get_that_is_ready_is_carried_out() -> None:
    ready = filled(7)
    assert (1, 7) == await select(Channel[int]().on_get(), ready.on_get())
    assert ready.empty()


async def test_a_put_that_is_ready_is_carried_out() -> None:
    full, roomy = filled(0, maxsize=1), filled(maxsize=1)
    assert (1, None) == await select(full.on_put(1), roomy.on_put(2))
    assert [[0], [2]] == [list(full), list(roomy)]


async def test_only_one_of_several_ready_cases_is_carried_out() -> None:
    channels = [filled(position) for position in range(5)]
    position, item = await select_any(channel.on_get() for channel in channels)
    assert position == item
    assert 4 == sum(channel.qsize() for channel in channels)


@pytest.mark.parametrize("count", range(1, 9))
async def test_select_takes_one_to_eight_cases_and_more(count: int) -> None:
    idle = [Channel[int]().on_get() for _ in range(count - 1)]
    assert (count - 1, 7) == await select_any([*idle, filled(7).on_get()])


async def test_select_tries_every_case_before_it_waits() -> None:
    task = asyncio.create_task(
        select(Channel[int]().on_get(), Channel[int]().on_get(), filled(7).on_get(), biased=True)
    )
    await settle()
    assert (2, 7) == task.result()


async def test_none_is_an_item() -> None:
    channel: Channel[None] = Channel()
    channel.put_nowait(None)
    assert (0, None) == await select(channel.on_get())


async def test_a_ready_select_does_not_wait() -> None:
    steps: list[str] = []
    asyncio.get_running_loop().call_soon(steps.append, "somebody else ran")
    await select(filled(1).on_get(), Channel[int]().on_get())
    assert [] == steps


async def test_biased_takes_the_first_ready_case() -> None:
    ready = filled(*range(100))
    cases = (Channel[int]().on_get(), ready.on_get(), ready.on_get())
    assert {1} == {(await select(*cases, biased=True))[0] for _ in range(100)}


async def test_the_choice_among_ready_cases_is_uniform() -> None:
    """Chi-square over 10,000 selects: 16.27 is exceeded once in 1,000 seeds by a fair choice of 4."""
    CHANCE.seed(20150411)
    channels = [filled(*range(10_000)) for _ in range(4)]
    cases = [Channel[int]().on_get(), *(channel.on_get() for channel in channels)]
    chosen = Counter([(await select_any(cases))[0] for _ in range(10_000)])
    assert {1, 2, 3, 4} == set(chosen)
    assert sum((count - 2_500) ** 2 / 2_500 for count in chosen.values()) < 16.27


async def test_equal_arms_of_one_channel_are_chosen_uniformly_when_woken() -> None:
    """Chi-square of 1,000 selects that wait, each with one channel in two arms: 10.83 is exceeded once in 1,000."""
    CHANCE.seed(20150411)
    channel: Channel[int] = Channel()
    cases = (channel.on_get(), channel.on_get())
    tasks = [asyncio.create_task(select(*cases)) for _ in range(1_000)]
    await settle()
    await channel.put_many(range(1_000))
    await settle()
    chosen = Counter(task.result()[0] for task in tasks)
    assert sum((count - 500) ** 2 / 500 for count in chosen.values()) < 10.83


async def test_select_leaves_the_random_numbers_of_a_program_as_they_are() -> None:
    """A program that seeds `random` draws the same numbers with select as without."""
    random.seed(20150411)
    without = [random.random() for _ in range(3)]
    channel = filled(*range(20))
    random.seed(20150411)
    drawn: list[float] = []
    for arms in (1, 2, 3):
        await select_any([channel.on_get()] * arms)
        await select_any([Channel[int]().on_get()] * arms + [otherwise().map(lambda _: 0)])
        drawn.append(random.random())
    assert without == drawn


# Waiting


async def test_select_waits_for_an_item() -> None:
    idle, channel = Channel[int](), Channel[int]()
    task = await waiting(select(idle.on_get(), channel.on_get()))
    channel.put_nowait(7)
    assert (1, 7) == await task


async def test_select_waits_for_room() -> None:
    full = filled(0, maxsize=1)
    task = await waiting(select(Channel[int]().on_get(), full.on_put(1)))
    assert 0 == full.get_nowait()
    assert (1, None) == await task
    assert [1] == list(full)


async def test_a_select_waits_in_line_with_plain_calls() -> None:
    channel: Channel[int] = Channel()
    first = await waiting(channel.get())
    second = await waiting(select(channel.on_get()))
    third = await waiting(channel.get())
    await channel.put_many([1, 2, 3])
    await settle()
    assert (1, (0, 2), 3) == (first.result(), second.result(), third.result())


async def test_a_put_arm_waits_in_line_with_plain_calls() -> None:
    channel = filled(0, maxsize=1)
    tasks = [await waiting(channel.put(1)), await waiting(channel.put(3))]
    selected = await waiting(select(channel.on_put(2)))
    tasks.append(await waiting(channel.put(4)))
    assert [0, 1, 3, 2, 4] == [await channel.get() for _ in range(5)]
    await asyncio.gather(selected, *tasks)


@pytest.mark.parametrize("count", [2, 3, 10])
async def test_of_channels_made_ready_in_one_step_one_gives_its_item(count: int) -> None:
    channels = [Channel[int]() for _ in range(count)]
    task = await waiting(select_any([channel.on_get() for channel in channels]))
    for item, channel in enumerate(channels):
        channel.put_nowait(item)
    assert (0, 0) == await task
    assert [[], *([item] for item in range(1, count))] == [list(channel) for channel in channels]


async def test_of_slots_that_get_free_in_one_step_one_is_used() -> None:
    channels = [filled(0, maxsize=1) for _ in range(3)]
    task = await waiting(select_any([channel.on_put(1) for channel in channels]))
    for channel in channels:
        assert 0 == channel.get_nowait()
    assert (0, None) == await task
    assert [[1], [], []] == [list(channel) for channel in channels]


async def test_a_claimed_select_is_no_receiver_elsewhere_in_the_same_step() -> None:
    first, second = Channel[int].rendezvous(), Channel[int].rendezvous()
    task = await waiting(select(first.on_get(), second.on_get()))
    first.put_nowait(1)
    with pytest.raises(ChannelFull):
        second.put_nowait(2)
    assert (0, 1) == await task


async def test_a_claimed_select_is_no_sender_elsewhere_in_the_same_step() -> None:
    first, second = filled(0, maxsize=1), filled(0, maxsize=1)
    task = await waiting(select(first.on_put(1), second.on_put(2)))
    first.get_nowait()
    assert [0, 1] == [channel.statistics().waiting_senders + channel.qsize() for channel in (first, second)]
    second.get_nowait()
    second.put_nowait(3)
    assert (0, None) == await task


async def test_a_thousand_selects_wait_on_one_channel_and_each_gets_one_item() -> None:
    shared, idle = Channel[int](), Channel[int]()
    tasks = [asyncio.create_task(select(idle.on_get(), shared.on_get())) for _ in range(1_000)]
    await settle()
    assert 1_000 == shared.statistics().waiting_receivers
    await shared.put_many(range(1_000))
    await settle()
    assert [(1, item) for item in range(1_000)] == [task.result() for task in tasks]
    assert 0 == idle.statistics().waiting_receivers


async def test_cases_can_be_used_again_and_at_the_same_time() -> None:
    left, right = Channel[int](), Channel[int]()
    cases = (left.on_get(), right.on_get())
    first, second = await waiting(select(*cases)), await waiting(select(*cases))
    right.put_nowait(1)
    left.put_nowait(2)
    assert [(1, 1), (0, 2)] == [await first, await second]
    left.put_nowait(3)
    assert (0, 3) == await select(*cases)


async def test_handles_and_ends_offer_cases() -> None:
    channel: Channel[int] = Channel()
    tx, rx = channel.split()
    assert (0, None) == await select(tx.on_put(1), Channel[int]().on_get())
    assert (0, 1) == await select(rx.on_get())


# Cancelling


@pytest.mark.parametrize("ready", [0, 1, 2])
async def test_a_cancelled_select_takes_nothing(ready: int) -> None:
    """Whether nothing was ready, or one or both of its channels became ready in the step that cancels."""
    channels = [Channel[int](), Channel[int]()]
    task = await waiting(select_any([channel.on_get() for channel in channels]))
    for channel in channels[:ready]:
        channel.put_nowait(7)
    assert await cancelled(task)
    assert [7] * ready == [channel.get_nowait() for channel in channels[:ready]]
    assert [0, 0] == [channel.statistics().waiting_receivers for channel in channels]


@pytest.mark.parametrize("ready", [0, 1, 2])
async def test_a_cancelled_select_puts_nothing(ready: int) -> None:
    channels = [filled(0, maxsize=1), filled(0, maxsize=1)]
    task = await waiting(select_any([channel.on_put(1) for channel in channels]))
    for channel in channels[:ready]:
        channel.get_nowait()
    assert await cancelled(task)
    assert [[]] * ready == [list(channel) for channel in channels[:ready]]
    assert [0, 0] == [channel.statistics().waiting_senders for channel in channels]
    assert [False] * ready == [channel.full() for channel in channels[:ready]]


async def test_the_promise_of_a_cancelled_select_passes_on() -> None:
    channel: Channel[int] = Channel()
    selecting = await waiting(select(channel.on_get(), Channel[int]().on_get()))
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    selecting.cancel()
    await settle()
    assert 7 == getting.result()


async def test_the_grant_of_a_cancelled_select_passes_on() -> None:
    channel = filled(0, maxsize=1)
    selecting = await waiting(select(channel.on_put(1)))
    putting = await waiting(channel.put(2))
    channel.get_nowait()
    selecting.cancel()
    await settle()
    assert putting.done()
    assert [2] == list(channel)


@pytest.mark.virtual_clock
async def test_a_select_that_times_out_takes_and_leaves_nothing() -> None:
    idle, full = Channel[int](), filled(0, maxsize=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await select(idle.on_get(), full.on_put(1))
    assert (0, 0) == (idle.statistics().waiting_receivers, full.statistics().waiting_senders)
    assert [0] == list(full)


@pytest.mark.parametrize("end", ["cancelled", "woken", "closed"])
async def test_a_select_that_ended_leaves_no_reference_on_idle_channels(end: str) -> None:
    """Freed by reference counting alone, though the idle channels get no traffic and live on."""
    idle, full, awaited = Channel[Item](), Channel[Item](1), Channel[int]()
    full.put_nowait(Item())
    item = Item()
    watched = ref(item)
    gc.disable()
    try:
        task = await waiting(
            select(idle.on_get(), full.on_put(item), awaited.on_get().or_closed(0), idle.on_get().map(id))
        )
        del item
        match end:
            case "cancelled":
                assert await cancelled(task)
            case "woken":
                awaited.put_nowait(1)
                assert (2, 1) == await task
            case _:
                awaited.close()
                assert (2, 0) == await task
        ended = ref(task)
        del task
        await settle()
        assert (None, None) == (watched(), ended())
    finally:
        gc.enable()
    assert (0, 0) == (idle.statistics().waiting_receivers, full.statistics().waiting_senders)


async def test_a_cancelled_select_gives_its_rendezvous_sender_nobody() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    task = await waiting(select(meeting.on_get()))
    assert not meeting.full()
    assert await cancelled(task)
    assert meeting.full()


# Closed channels


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(closed().on_get(), id="get"),
        pytest.param(closed().on_put(1), id="put"),
        pytest.param(closed(1).on_put(2), id="put with an item left"),
    ],
)
async def test_the_case_of_a_closed_channel_raises(case: Case[object]) -> None:
    with pytest.raises(ChannelClosed):
        await select(case)


async def test_a_closed_channel_is_ready() -> None:
    with pytest.raises(ChannelClosed):
        await select(Channel[int]().on_get(), closed().on_get())


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("side", ["get", "put"])
async def test_the_case_of_a_closed_channel_goes_before_a_later_one_and_before_otherwise(
    side: str, mapped: bool
) -> None:
    channel, ready = closed(), filled(7)
    case: Case[object] = channel.on_get() if side == "get" else channel.on_put(1)
    if mapped:
        case = case.map(str)
    with pytest.raises(ChannelClosed):
        await select(case, ready.on_get(), biased=True)
    with pytest.raises(ChannelClosed):
        await select(case, otherwise())
    assert [7] == list(ready)


async def test_the_items_of_a_closed_channel_are_selected_first() -> None:
    channel = closed(7)
    assert (0, 7) == await select(channel.on_get())
    with pytest.raises(ChannelClosed):
        await select(channel.on_get())


async def test_the_cause_comes_out_of_select() -> None:
    cause = OSError("disk on fire")
    with pytest.raises(ChannelClosed) as caught:
        await select(closed(cause=cause).on_get())
    assert cause is caught.value.__cause__


@pytest.mark.parametrize("side", ["get", "put"])
async def test_closing_wakes_a_select(side: str) -> None:
    channel, idle = filled(0, maxsize=1), Channel[int]()
    if side == "get":
        channel.get_nowait()
    case: Case[object] = channel.on_get() if side == "get" else channel.on_put(1)
    task = await waiting(select(idle.on_get(), case))
    channel.close()
    with pytest.raises(ChannelClosed):
        await task
    assert 0 == idle.statistics().waiting_receivers


async def test_a_granted_select_is_refused_when_the_channel_closes_before_it_runs() -> None:
    channel = filled(0, maxsize=1)
    task = await waiting(select(channel.on_put(1)))
    channel.get_nowait()
    channel.close()
    with pytest.raises(ChannelClosed):
        await task
    assert [] == list(channel)


async def test_a_promised_item_reaches_a_select_that_waits_behind_at_close() -> None:
    """The last item is promised to one, the channel closes, that one is cancelled: the item goes to the other."""
    channel: Channel[int] = Channel()
    first, second = await waiting(channel.get()), await waiting(select(channel.on_get()))
    channel.put_nowait(7)
    channel.close()
    first.cancel()
    await settle()
    assert (0, 7) == second.result()


async def test_a_select_on_a_closed_channel_leaves_an_item_to_the_get_to_which_it_is_promised() -> None:
    channel: Channel[int] = Channel()
    getting = channel.get()
    getting.send(None)
    channel.put_nowait(7)
    channel.close()
    selecting = await waiting(select(channel.on_get()))
    with pytest.raises(StopIteration) as caught:
        getting.send(None)
    assert 7 == caught.value.value
    with pytest.raises(ChannelClosed):
        await selecting


async def test_a_select_cancelled_after_close_woke_it_leaves_nothing() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get()))
    channel.close()
    assert await cancelled(task)
    assert (0, 0) == (channel.qsize(), channel.statistics().waiting_receivers)


async def test_select_on_an_end_that_left_is_refused_when_the_case_is_made() -> None:
    with Channel[int]().open_receiver() as rx:
        pass
    with pytest.raises(ChannelClosed):
        rx.on_get()


# Rendezvous, and both sides of one channel


async def test_a_put_arm_on_a_rendezvous_is_ready_when_a_receiver_waits() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    getting = await waiting(meeting.get())
    assert (0, None) == await select(meeting.on_put(7))
    assert 7 == await getting


async def test_a_put_arm_on_a_rendezvous_waits_for_a_receiver() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    task = await waiting(select(meeting.on_put(7)))
    assert 7 == await meeting.get()
    assert (0, None) == await task


async def test_a_get_arm_on_a_rendezvous_lets_a_waiting_put_go_ahead() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    putting = await waiting(meeting.put(7))
    assert (0, 7) == await select(meeting.on_get())
    await putting


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_select_never_matches_itself(swapped: bool) -> None:
    meeting: Channel[int] = Channel.rendezvous()
    both: list[Case[object]] = [meeting.on_get(), meeting.on_put(7)]
    task = await waiting(select_any(reversed(both) if swapped else both))
    assert await cancelled(task)
    assert (0, 0, 0) == (
        meeting.qsize(),
        meeting.statistics().waiting_senders,
        meeting.statistics().waiting_receivers,
    )


async def test_two_selects_on_both_sides_match_each_other() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    first = await waiting(select(meeting.on_get(), meeting.on_put(1)))
    second = asyncio.create_task(select(meeting.on_get(), meeting.on_put(2)))
    await settle()
    assert [(0, 2), (1, None)] == [first.result(), second.result()]
    assert 0 == meeting.qsize()


async def test_a_sender_behind_a_select_on_both_sides_is_served() -> None:
    """The select is a receiver at hand for everyone but itself."""
    meeting: Channel[int] = Channel.rendezvous()
    both = await waiting(select(meeting.on_put(1), meeting.on_get()))
    putting = asyncio.create_task(meeting.put(2))
    await settle()
    assert (1, 2) == both.result()
    assert putting.done()


async def test_a_receiver_behind_a_select_on_both_sides_is_served() -> None:
    meeting: Channel[int] = Channel.rendezvous()
    both = await waiting(select(meeting.on_put(1), meeting.on_get()))
    assert 1 == await meeting.get()
    assert (0, None) == await both


async def test_a_put_to_a_select_that_waits_on_both_sides_of_a_channel_goes_ahead_at_once() -> None:
    channel = Channel[int].rendezvous()
    selecting = await waiting(select(channel.on_get(), channel.on_put(1)))
    with pytest.raises(StopIteration):
        channel.put(2).send(None)
    assert (0, 2) == await selecting


async def test_room_that_a_select_makes_itself_is_granted_to_the_sender_behind_it() -> None:
    meeting: Channel[str] = Channel.rendezvous()
    first, second = await waiting(meeting.put("first")), await waiting(meeting.put("second"))

    async def cancel_first() -> None:
        first.cancel()

    getting = asyncio.create_task(meeting.get())
    both = asyncio.create_task(select(meeting.on_put("from the select"), meeting.on_get()))
    behind = asyncio.create_task(meeting.put("behind"))
    cancelling = asyncio.create_task(cancel_first())
    await settle()
    assert ("second", (1, "behind")) == (getting.result(), both.result())
    assert [True] * 4 == [task.done() for task in (first, second, behind, cancelling)]


async def test_a_granted_select_puts_although_the_receiver_left() -> None:
    """It was granted for a receiver at hand, which another channel claims before the granted select runs."""
    meeting, other = Channel[int].rendezvous(), Channel[int]()
    putting = await waiting(select(meeting.on_put(1)))

    async def divert() -> None:
        other.put_nowait(9)

    getting = asyncio.create_task(select(meeting.on_get(), other.on_get()))
    diverting = asyncio.create_task(divert())
    await asyncio.gather(getting, diverting)
    assert (1, 9) == getting.result()
    assert (0, None) == await putting
    assert 1 == meeting.get_nowait()


async def test_the_same_channel_in_two_get_arms_gives_one_item() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get(), channel.on_get()))
    assert 1 == channel.statistics().waiting_receivers
    await channel.put_many([1, 2])
    _, item = await task
    assert (1, [2]) == (item, list(channel))


async def test_the_same_channel_in_two_put_arms_gets_one_item() -> None:
    channel = filled(0, maxsize=1)
    task = await waiting(select(channel.on_put(1), channel.on_put(2)))
    assert 0 == await channel.get()
    position, _ = await task
    assert [position + 1] == list(channel)


# otherwise


async def test_otherwise_is_taken_when_nothing_else_is_ready() -> None:
    assert (1, None) == await select(Channel[int]().on_get(), otherwise())


@pytest.mark.parametrize("biased", [False, True])
async def test_otherwise_is_not_taken_when_something_is_ready(biased: bool) -> None:
    ready = filled(*range(50))
    assert {1} == {(await select(otherwise(), ready.on_get(), biased=biased))[0] for _ in range(50)}


async def test_otherwise_leaves_nothing_behind() -> None:
    idle: Channel[int] = Channel()
    await select(idle.on_get(), otherwise())
    assert 0 == idle.statistics().waiting_receivers


async def test_one_of_several_otherwise_is_taken() -> None:
    position, result = await select(Channel[int]().on_get(), otherwise(), otherwise())
    assert (True, None) == (position in {1, 2}, result)


async def test_a_select_of_otherwise_alone_takes_it() -> None:
    assert (0, None) == await select(otherwise())


async def test_otherwise_can_be_mapped() -> None:
    assert (1, "none") == await select(Channel[int]().on_get(), otherwise().map(lambda _: "none"))


async def test_or_closed_changes_nothing_of_otherwise() -> None:
    assert (0, None) == await select(otherwise().or_closed(1))


# map and or_closed


async def test_map_changes_the_result() -> None:
    channel = filled(7)
    assert (0, "7") == await select(channel.on_get().map(str))
    assert (0, "put") == await select(channel.on_put(1).map(lambda _: "put"))


async def test_map_changes_the_result_of_a_select_that_waited() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().map(str)))
    channel.put_nowait(7)
    assert (0, "7") == await task


async def test_map_changes_the_result_of_a_put_that_waited() -> None:
    channel = filled(0, maxsize=1)
    task = await waiting(select(channel.on_put(1).map(lambda _: "put")))
    assert 0 == channel.get_nowait()
    assert (0, "put") == await task
    assert [1] == list(channel)


async def test_maps_run_in_the_order_in_which_they_were_added() -> None:
    channel = filled(7)
    case = channel.on_get().map(lambda item: f"{item}a").map(lambda item: f"{item}b")
    assert (0, "7ab") == await select(case)
    task = await waiting(select(case))
    channel.put_nowait(8)
    assert (0, "8ab") == await task


async def test_a_mapped_put_promises_its_item_to_a_get_that_waits() -> None:
    channel: Channel[int] = Channel.rendezvous()
    selecting = await waiting(select(channel.on_put(1).map(lambda _: "put")))
    assert 1 == await channel.get()
    assert (0, "put") == await selecting


async def test_a_mapped_get_from_a_full_channel_wakes_a_put_that_waits() -> None:
    channel = filled(7, maxsize=1)
    putting = await waiting(channel.put(8))
    assert (0, "7") == await select(channel.on_get().map(str))
    await settle()
    assert putting.done()


async def test_a_mapped_get_from_a_drained_channel_is_told_so() -> None:
    with pytest.raises(ChannelClosed):
        await select(closed().on_get().map(str))


async def test_map_runs_once_and_only_for_the_case_that_happens() -> None:
    calls: list[int] = []
    channels = [filled(position) for position in range(3)]
    await select_any([channel.on_get().map(calls.append) for channel in channels])
    assert 1 == len(calls)


async def test_an_item_stays_where_it_was_when_map_raises() -> None:
    channel = filled(1, 2)
    with pytest.raises(ZeroDivisionError):
        await select(channel.on_get().map(fail))
    assert [1, 2] == list(channel)


async def test_a_put_has_put_nothing_when_map_raises() -> None:
    channel: Channel[int] = Channel(1)
    with pytest.raises(ZeroDivisionError):
        await select(channel.on_put(1).map(fail))
    assert (0, False) == (channel.qsize(), channel.full())


async def test_a_woken_get_takes_nothing_when_map_raises() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().map(fail)))
    await channel.put_many([1, 2])
    with pytest.raises(ZeroDivisionError):
        await task
    assert [1, 2] == [channel.get_nowait(), channel.get_nowait()]


async def test_a_woken_get_whose_map_raises_passes_its_promise_on() -> None:
    channel: Channel[int] = Channel()
    failing = await waiting(select(channel.on_get().map(fail)))
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    await settle()
    assert isinstance(failing.exception(), ZeroDivisionError)
    assert 7 == getting.result()


async def test_a_woken_put_whose_map_raises_passes_its_grant_on() -> None:
    channel = filled(0, maxsize=1)
    failing = await waiting(select(channel.on_put(1).map(fail)))
    putting = await waiting(channel.put(2))
    channel.get_nowait()
    await settle()
    assert isinstance(failing.exception(), ZeroDivisionError)
    assert putting.done()
    assert [2] == list(channel)


async def test_an_item_stays_where_it_was_when_map_raises_more_than_an_exception() -> None:
    channel = filled(7)
    with pytest.raises(Stop):
        await select(channel.on_get().map(stop))
    assert [7] == list(channel)


async def test_a_woken_get_whose_map_raises_more_than_an_exception_passes_its_promise_on() -> None:
    channel: Channel[int] = Channel()
    stopping = await waiting(select(channel.on_get().map(stop)))
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    await settle()
    assert isinstance(stopping.exception(), Stop)
    assert 7 == getting.result()


async def test_a_woken_put_whose_map_raises_more_than_an_exception_passes_its_grant_on() -> None:
    channel = filled(0, maxsize=1)
    stopping = await waiting(select(channel.on_put(1).map(stop)))
    putting = await waiting(channel.put(2))
    channel.get_nowait()
    await settle()
    assert isinstance(stopping.exception(), Stop)
    assert putting.done()
    assert [2] == list(channel)


async def test_or_closed_gives_its_value_instead_of_raising() -> None:
    assert (0, "over") == await select(closed().on_get().or_closed("over"))
    assert (0, "over") == await select(closed(1).on_put(2).or_closed("over"))


async def test_or_closed_gives_its_value_to_a_select_that_close_wakes() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().or_closed("over")))
    channel.close()
    assert (0, "over") == await task


async def test_or_closed_gives_items_as_long_as_there_are_any() -> None:
    channel = closed(7)
    case = channel.on_get().or_closed(None)
    assert [(0, 7), (0, None)] == [await select(case), await select(case)]


async def test_or_closed_gives_the_item_to_a_select_that_waited() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().or_closed(None)))
    channel.put_nowait(7)
    assert (0, 7) == await task


async def test_or_closed_waits_for_a_promised_item_of_a_closed_channel() -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    channel.put_nowait(7)
    channel.close()
    task = asyncio.create_task(select(channel.on_get().or_closed(None), biased=True))
    assert 7 == await getting
    assert (0, None) == await task


async def test_a_value_of_or_closed_put_before_map_is_mapped() -> None:
    assert (0, "None") == await select(closed().on_get().or_closed(None).map(str))


async def test_a_case_with_or_closed_before_map_maps_the_item_for_which_it_is_woken() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().or_closed(None).map(str)))
    channel.put_nowait(7)
    assert (0, "7") == await task


async def test_a_value_of_or_closed_put_before_map_is_mapped_for_a_select_that_close_wakes() -> None:
    channel: Channel[int] = Channel()
    task = await waiting(select(channel.on_get().or_closed(None).map(str)))
    channel.close()
    assert (0, "None") == await task


async def test_a_value_of_or_closed_put_after_map_is_not_mapped() -> None:
    assert (0, None) == await select(closed().on_get().map(str).or_closed(None))


# Bad input


async def test_select_needs_a_case() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        await select_any([])


async def test_what_is_not_a_case_is_refused() -> None:
    channel = filled(7)
    coroutine = channel.get()
    wrong: list[object] = [coroutine]
    with pytest.raises(TypeError, match="takes cases"):
        await select_any(wrong)  # type: ignore[arg-type]  # the mistake under test
    coroutine.close()
    assert [7] == list(channel)


@pytest.mark.parametrize("place", [0, 1])
async def test_what_is_not_a_case_is_refused_before_anything_happens(place: int) -> None:
    channel = filled(7)
    cases: list[object] = [channel.on_get()]
    cases.insert(place, channel)
    with pytest.raises(TypeError, match="takes cases"):
        await select(*cases)  # type: ignore[call-overload]  # the mistake under test
    assert [7] == list(channel)


async def test_a_channel_of_another_loop_is_refused_and_nothing_is_left() -> None:
    other = asyncio.new_event_loop()
    mine, theirs = Channel[int](), Channel[int](loop=other)
    try:
        with pytest.raises(RuntimeError, match="was made for the event loop"):
            await select(mine.on_get(), theirs.on_get())
    finally:
        other.close()
    assert (0, 0) == (mine.statistics().waiting_receivers, theirs.statistics().waiting_receivers)


async def test_a_select_can_be_tried_again_after_an_error() -> None:
    channel = filled(7)
    with pytest.raises(ChannelError):
        await select(closed().on_get())
    assert (0, 7) == await select(channel.on_get())


# In a program


async def test_a_worker_stops_by_a_stop_channel() -> None:
    async def work(jobs: Receiver[int], stop: Receiver[None], out: Sender[int]) -> None:
        while True:
            match await select(jobs.on_get(), stop.on_get().or_closed(None)):
                case 0, job:
                    await out.put(job * job)
                case 1, _:
                    out.close()
                    return

    jobs, stop, out = Channel[int](), Channel[None](), Channel[int]()
    worker = asyncio.create_task(work(jobs.receiver, stop.receiver, out.sender))
    await jobs.put_many([1, 2, 3])
    assert [1, 4, 9] == [await out.get() for _ in range(3)]
    stop.close()
    await worker
    assert [] == [item async for item in out]


async def test_a_cancelled_select_that_was_passed_over_does_not_count_as_a_receiver() -> None:
    """Its waiter has left the line before its task runs; the room that it was must go all the same."""
    channel, other = Channel[int].rendezvous(), Channel[int]()
    selecting = await waiting(select(channel.on_get(), other.on_get()))
    selecting.cancel()
    channel.put_nowait(1)
    await settle()
    assert selecting.cancelled()
    assert 1 == channel.get_nowait()
    assert channel.full()
