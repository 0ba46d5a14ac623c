"""Calls that a signal handler interrupts at one chosen place. `tests/interrupts` plays all the places there are."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from aiochannel import Channel, select, selection
from aiochannel._core.machine import Machine
from tests.conftest import filled


def interrupt_once(patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Let a signal handler raise on entry to a function, the first time that it is called."""
    function = getattr(owner, name)
    calls: list[str] = []

    def interrupted(*args: object) -> object:
        calls.append(name)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return function(*args)

    patch.setattr(owner, name, interrupted)


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
