"""Calls that a signal handler interrupts at one chosen place. `tests/interrupts` plays all the places there are."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator

import pytest
from typing_extensions import override

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelFull, select, selection
from aiochannel._core import machine
from aiochannel._core.gathering import Gatherer
from aiochannel._core.machine import SEVERAL, Machine
from aiochannel._core.thresholds import STIRRED_GET
from aiochannel._core.waiters import Selection, WaitQueue
from tests.conftest import filled, settle, waiting


def act_once(patch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object]) -> None:
    """Let a signal handler act on entry to a function, the first time that it is called."""
    function = getattr(owner, name)
    calls: list[str] = []

    def interrupted(*args: object, **kwargs: object) -> object:
        calls.append(name)
        if len(calls) == 1:
            act()
        return function(*args, **kwargs)

    patch.setattr(owner, name, interrupted)


def act_once_after(patch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object]) -> None:
    """Let a signal handler act when a function returns, the first time that it is called."""
    function = getattr(owner, name)
    calls: list[str] = []

    def interrupted(*args: object) -> object:
        result = function(*args)
        calls.append(name)
        if len(calls) == 1:
            act()
        return result

    patch.setattr(owner, name, interrupted)


def interrupt_once(patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Let a signal handler raise on entry to a function, the first time that it is called."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    act_once(patch, owner, name, interrupt)


async def used(channel: Channel[int]) -> Channel[int]:
    """Let the channel belong to this loop, with its fast paths open."""
    getting = await waiting(channel.get())
    channel.put_nowait(0)
    await getting
    channel.put_nowait(0)
    channel.get_nowait()
    return channel


CALLS: dict[str, Callable[[Channel[int]], Coroutine[None, None, object]]] = {
    "put": lambda channel: channel.put(2),
    "get": lambda channel: channel.get(),
    "batch": lambda channel: channel.get_many(2, within=60),
    "select put": lambda channel: select(channel.on_put(2)),
    "select get": lambda channel: select(channel.on_get()),
}


def waits(call: str) -> tuple[Channel[int], Coroutine[None, None, object]]:
    """Return a channel, and a call on it that has begun to wait."""
    channel = filled(1, maxsize=1) if call.endswith("put") else filled(maxsize=1)
    coroutine = CALLS[call](channel)
    coroutine.send(None)
    return channel, coroutine


@pytest.mark.parametrize("call", CALLS)
async def test_what_a_signal_handler_raises_while_a_call_gives_up_comes_out_and_the_call_is_gone(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, coroutine = waits(call)
    with monkeypatch.context() as patch:
        if call.startswith("select"):
            interrupt_once(patch, selection, "_give_up")
        elif call == "batch":
            interrupt_once(patch, Machine, "_withdraw_gatherer")
        else:
            interrupt_once(patch, Machine, "_withdraw")
        with pytest.raises(KeyboardInterrupt):
            coroutine.throw(asyncio.CancelledError())
    statistics = channel.statistics()
    assert (0, 0) == (statistics.waiting_senders, statistics.waiting_receivers)


ENTERING: dict[str, tuple[type, str]] = {
    "put": (Machine, "_enqueue_sender"),
    "get": (Machine, "_enqueue_receiver"),
    "batch": (Gatherer, "enter"),
    "select put": (Selection, "enter"),
    "select get": (Selection, "enter"),
}


@pytest.mark.parametrize("call", ["get", "batch", "select get"])
async def test_a_get_that_begins_to_wait_while_a_signal_handler_puts_and_gets_is_woken_by_the_next_put(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_and_get() -> None:
        channel.put_nowait(1)
        channel.get_nowait()

    channel = await used(Channel())
    with monkeypatch.context() as patch:
        act_once(patch, *ENTERING[call], put_and_get)
        task = await waiting(CALLS[call](channel))
    channel.put_nowait(2)
    channel.close()  # or else a batch waits on
    await settle()
    assert task.done()


@pytest.mark.parametrize("call", ENTERING)
async def test_a_call_that_begins_to_wait_while_a_signal_handler_closes_is_refused(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await used(Channel(1))
    if call.endswith("put"):
        channel.put_nowait(0)
    with monkeypatch.context() as patch:
        act_once(patch, *ENTERING[call], channel.close)
        task = asyncio.ensure_future(CALLS[call](channel))
        await settle()
    assert isinstance(task.exception(), ChannelClosed)


async def test_a_join_that_begins_to_wait_while_a_signal_handler_closes_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = await used(Channel(1))
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_joiners_in", channel.close)
        with pytest.raises(StopIteration):
            channel.join().send(None)


# A wake-up is interrupted


async def test_an_interrupted_put_to_a_get_that_waits_has_put_its_item(monkeypatch: pytest.MonkeyPatch) -> None:
    channel: Channel[int] = Channel()
    getting = await waiting(channel.get())
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "promise")
        with pytest.raises(KeyboardInterrupt):
            channel.put_nowait(7)
    await settle()
    assert 7 == getting.result()


TAKES: dict[str, Callable[[Channel[int]], object]] = {
    "get_nowait": Channel.get_nowait,
    "get_many_nowait": lambda channel: channel.get_many_nowait(2),
    "get_many_nowait of fewer": lambda channel: channel.get_many_nowait(1),
}


@pytest.mark.parametrize("call", TAKES)
async def test_an_interrupted_get_from_a_channel_on_which_a_put_waits_makes_room_for_it(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = filled(0, 1, maxsize=2)
    putting = await waiting(channel.put(2))
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "grant")
        with pytest.raises(KeyboardInterrupt):
            TAKES[call](channel)
    await settle()
    assert (True, 2) == (putting.done(), list(channel)[-1])


@pytest.mark.parametrize("waits_for", ["room", "an item"])
async def test_an_interrupted_close_has_closed_and_told_everybody(
    waits_for: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = filled(*[1][: waits_for == "room"], maxsize=1)
    task: asyncio.Task[object] = await waiting(channel.put(2) if waits_for == "room" else channel.get())
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "wake_all")
        with pytest.raises(KeyboardInterrupt):
            channel.close()
    await settle()
    assert (True, True) == (channel.closed(), isinstance(task.exception(), ChannelClosed))


# A woken call is interrupted: what it has used is not given back, and what it has not used is given back once


async def test_a_put_that_is_interrupted_when_it_has_used_its_grant_takes_no_other_grant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = Channel[int].rendezvous()
    first, second = channel.put(1), channel.put(2)
    first.send(None)
    second.send(None)
    getting = [await waiting(channel.get()) for _ in range(2)]
    with monkeypatch.context() as patch:
        interrupt_once(patch, WaitQueue, "promise")
        with pytest.raises(KeyboardInterrupt):
            first.send(None)
    with pytest.raises(StopIteration):
        second.send(None)
    assert [1, 2] == [await each for each in getting]
    assert channel.full()


async def test_a_get_that_is_interrupted_when_it_has_used_its_promise_takes_no_other_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel()
    first, second = channel.get(), channel.get()
    first.send(None)
    second.send(None)
    channel.put_nowait(1)
    channel.put_nowait(2)
    channel.close()
    with monkeypatch.context() as patch:
        interrupt_once(patch, Machine, "_after_take")
        with pytest.raises(KeyboardInterrupt):
            first.send(None)
    assert (0, [2]) == (channel.qsize(), list(channel))
    with pytest.raises(StopIteration) as caught:
        second.send(None)
    assert 2 == caught.value.value


async def test_a_woken_get_that_is_interrupted_while_it_gives_up_gives_back_one_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel()
    first, second = channel.get(), channel.get()
    first.send(None)
    second.send(None)
    channel.put_nowait(1)
    channel.put_nowait(2)
    with monkeypatch.context() as patch:
        interrupt_once(patch, Machine, "_settle")
        with pytest.raises(KeyboardInterrupt):
            first.throw(asyncio.CancelledError())
    assert 1 == channel.qsize()
    second.close()
    assert 2 == channel.qsize()


async def test_a_woken_put_that_is_interrupted_while_it_gives_up_gives_back_one_grant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = filled(0, 0, maxsize=2)
    first, second = channel.put(1), channel.put(2)
    first.send(None)
    second.send(None)
    assert [0, 0] == channel.get_many_nowait(2)
    with monkeypatch.context() as patch:
        interrupt_once(patch, Machine, "_settle")
        with pytest.raises(KeyboardInterrupt):
            first.throw(asyncio.CancelledError())
    channel.put_nowait(3)
    assert channel.full()
    with pytest.raises(StopIteration):
        second.send(None)
    assert [3, 2] == list(channel)


class Buffer(deque[int]):
    """A buffer after whose first `append` a signal handler raises."""

    @override
    def append(self, item: int, /) -> None:
        super().append(item)
        if len(self) == 1:
            raise KeyboardInterrupt


async def test_a_put_that_is_interrupted_when_it_has_put_has_used_its_grant() -> None:
    channel = filled(0, maxsize=1)
    putting = channel.put(1)
    putting.send(None)
    assert 0 == channel.get_nowait()
    channel._buffer = Buffer()
    with pytest.raises(KeyboardInterrupt):
        putting.send(None)
    assert ([1], True) == (list(channel), channel.full())
    assert (1, False) == (channel.get_nowait(), channel.full())


# A signal handler puts or gets while somebody is woken


async def wakes_by_put_nowait(channel: Channel[int]) -> Callable[[], object]:
    return lambda: channel.put_nowait(1)


async def wakes_by_a_granted_put(channel: Channel[int]) -> Callable[[], object]:
    putting = channel.put(1)
    putting.send(None)
    assert [0, 0] == [channel.get_nowait(), channel.get_nowait()]

    def put() -> None:
        with pytest.raises(StopIteration):
            putting.send(None)

    return put


async def wakes_by_a_cancelled_get(channel: Channel[int]) -> Callable[[], object]:
    getting = channel.get()
    getting.send(None)
    channel.put_nowait(1)
    return getting.close


@pytest.mark.parametrize(
    ("wakes", "items"), [(wakes_by_put_nowait, 0), (wakes_by_a_granted_put, 2), (wakes_by_a_cancelled_get, 0)]
)
async def test_a_signal_handler_takes_no_item_that_is_being_promised(
    wakes: Callable[[Channel[int]], Coroutine[None, None, Callable[[], object]]],
    items: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def take() -> None:
        with pytest.raises(ChannelEmpty):
            channel.get_nowait()
        refused.append(True)

    channel = await used(Channel(2))
    await channel.put_many([0] * items)
    refused: list[bool] = []
    wake = await wakes(channel)
    getting = await waiting(channel.get())
    with monkeypatch.context() as patch:
        act_once(patch, asyncio.get_running_loop(), "call_soon", take)
        wake()
    assert (1, [True]) == (await getting, refused)


@pytest.mark.parametrize("call", TAKES)
async def test_a_signal_handler_fills_no_slot_that_is_being_granted(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def put() -> None:
        with pytest.raises(ChannelFull):
            channel.put_nowait(9)
        refused.append(True)

    channel = await used(Channel(1))
    channel.put_nowait(0)
    putting = await waiting(channel.put(1))
    refused: list[bool] = []
    with monkeypatch.context() as patch:
        act_once(patch, asyncio.get_running_loop(), "call_soon", put)
        TAKES[call](channel)
    await putting
    assert ([1], [True]) == (list(channel), refused)


async def test_a_put_that_begins_to_wait_while_signal_handlers_take_is_granted_the_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_and_put() -> None:
        channel.get_nowait()
        channel.put_nowait(0)

    channel = await used(Channel(1))
    channel.put_nowait(0)
    putting = channel.put(1)
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_sender", get_and_put)
        act_once_after(patch, WaitQueue, "grant", channel.get_nowait)
        with pytest.raises(StopIteration):  # it need not suspend
            putting.send(None)
    assert [1] == list(channel)


async def test_a_signal_handler_takes_no_item_that_is_promised_to_a_get_that_begins_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def take() -> None:
        with pytest.raises(ChannelEmpty):
            channel.get_nowait()

    channel = await used(Channel(2))
    getting = channel.get()
    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_receiver", lambda: channel.put_nowait(1))
        act_once_after(patch, WaitQueue, "promise", take)
        with pytest.raises(StopIteration) as caught:
            getting.send(None)
    assert 1 == caught.value.value


# A signal handler takes items while they are looked at


class Stolen(deque[int]):
    """A buffer of which a signal handler takes the first items after it was copied or its length was asked for."""

    def __init__(self, items: Iterable[int], when: int, take: int, put: int) -> None:
        super().__init__(items)
        self.when, self.take, self.put = when, take, put
        self.stolen: list[int] = []
        self.added: list[int] = []
        self.copying = False

    def steal(self) -> None:
        """Steal the first time that `when` has come down to 0."""
        self.when -= 1
        if self.when == 0:
            self.stolen += [self.popleft() for _ in range(min(self.take, super().__len__()))]
            self.added += range(100, 100 + self.put)
            self.extend(self.added)

    @override
    def __iter__(self) -> Iterator[int]:
        self.copying = True
        yield from tuple(super().__iter__())
        self.steal()

    @override
    def __len__(self) -> int:
        length = super().__len__()
        if self.copying:  # nothing runs before the copy is made
            self.copying = False
        else:
            self.steal()
        return length

    def __bool__(self) -> bool:
        """Nothing runs where a deque is asked whether it is empty."""
        return super().__len__() > 0


@pytest.mark.parametrize(("take", "put"), [(3, 0), (2, 2), (3, 3), (1, 0), (1, 1), (0, 1)])
@pytest.mark.parametrize("call", TAKES)
async def test_every_item_is_taken_once_whatever_a_signal_handler_takes_and_puts(
    call: str, take: int, put: int
) -> None:
    for size in (1, 2, 3):
        for when in range(1, 12):
            channel = await used(Channel())
            channel._get_above = STIRRED_GET
            channel._buffer = buffer = Stolen(range(size), when, take, put)
            try:
                got = TAKES[call](channel)
            except ChannelEmpty:
                got = []
            buffer.when = 0
            taken = got if isinstance(got, list) else [got]
            assert [*range(size), *buffer.added] == sorted([*taken, *buffer.stolen, *buffer])


class Aborting(deque[int]):
    """A buffer of which a signal handler raises after its first item was taken."""

    @override
    def popleft(self) -> int:
        item = super().popleft()
        if item == 0:
            raise KeyboardInterrupt
        return item


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_get_whose_promise_an_interrupted_abort_has_taken_uses_and_gives_back_none(goes_on: bool) -> None:
    channel: Channel[int] = Channel()
    getting = channel.get()
    getting.send(None)
    channel.put_nowait(0)
    channel.put_nowait(1)
    channel._buffer = Aborting(channel)
    with pytest.raises(KeyboardInterrupt):
        channel.abort()
    if goes_on:
        with pytest.raises(StopIteration):
            getting.send(None)
    getting.close()
    assert list(channel) == [1][goes_on:]
    assert len(list(channel)) == channel.qsize()


# Others give up while a call begins to wait


def resume(call: Coroutine[None, None, object]) -> None:
    """Let a call that was woken go on to its end."""
    with pytest.raises(StopIteration):
        call.send(None)


async def test_a_get_that_begins_to_wait_while_others_give_up_has_the_item_that_was_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: Channel[int] = Channel(2)
    receiver, senders = channel.get(), [channel.put(4), channel.put(5)]
    receiver.send(None)
    await channel.put_many([1, 2, 3])
    for sender in senders:
        sender.send(None)
    last = channel.put(6)
    last.send(None)
    assert [1, 2] == channel.get_many_nowait(2)

    def give_up() -> None:
        for each in (receiver, *senders):
            each.close()

    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_receiver", give_up)
        getting = asyncio.create_task(channel.get())
        await settle()
    assert 3 == getting.result()
    resume(last)


async def test_a_put_that_begins_to_wait_while_others_give_up_is_granted_their_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = filled(0, maxsize=1)
    senders = [channel.put(item) for item in range(1, 4)]
    for sender in senders:
        sender.send(None)
    assert 0 == channel.get_nowait()
    receiver = channel.get()
    receiver.send(None)
    resume(senders.pop(0))
    getting = channel.get()
    getting.send(None)

    def give_up() -> None:
        for sender in senders:
            sender.close()
        receiver.close()

    with monkeypatch.context() as patch:
        act_once(patch, Machine, "_enqueue_sender", give_up)
        putting = asyncio.create_task(channel.put(4))
        await settle()
    assert putting.done()
    resume(getting)
    assert [4] == list(channel)


def test_a_batch_of_which_a_handler_has_taken_some_is_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = filled(*range(SEVERAL + 1))
    act_once_after(monkeypatch, machine, "starmap", lambda: channel.get_many_nowait(2))
    assert list(range(2, SEVERAL + 1)) == channel.get_many_nowait(SEVERAL)
