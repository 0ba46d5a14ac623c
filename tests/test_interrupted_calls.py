"""Calls that a signal handler interrupts at one chosen place. `tests/interrupts` plays all the places there are."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from aiochannel import Channel, select, selection
from aiochannel._core.machine import Machine
from aiochannel._core.waiters import Selection
from tests.conftest import filled, settle, waiting


def act_once(patch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object]) -> None:
    """Let a signal handler act on entry to a function, the first time that it is called."""
    function = getattr(owner, name)
    calls: list[str] = []

    def interrupted(*args: object) -> object:
        calls.append(name)
        if len(calls) == 1:
            act()
        return function(*args)

    patch.setattr(owner, name, interrupted)


def interrupt_once(patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Let a signal handler raise on entry to a function, the first time that it is called."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    act_once(patch, owner, name, interrupt)


CALLS: dict[str, Callable[[Channel[int]], Coroutine[None, None, object]]] = {
    "put": lambda channel: channel.put(2),
    "get": lambda channel: channel.get(),
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
        else:
            interrupt_once(patch, Machine, "_withdraw")
        with pytest.raises(KeyboardInterrupt):
            coroutine.throw(asyncio.CancelledError())
    statistics = channel.statistics()
    assert (0, 0) == (statistics.waiting_senders, statistics.waiting_receivers)


async def test_a_select_that_begins_to_wait_while_a_signal_handler_puts_and_gets_is_woken_by_the_next_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def put_and_get() -> None:
        channel.put_nowait(1)
        channel.get_nowait()

    channel: Channel[int] = Channel()
    with monkeypatch.context() as patch:
        act_once(patch, Selection, "enter", put_and_get)
        selecting = await waiting(select(channel.on_get()))
    channel.put_nowait(2)
    await settle()
    assert (0, 2) == selecting.result()
