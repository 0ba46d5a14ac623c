"""The instrument of docs/violations.md finds seeded faults, and asyncio's own event loop shows what the page says.

`make violations-again` runs these and plays the page's schedules on the peers; `make check` does neither.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelFull
from tests.explore.programs import program
from tools.peers import UNBOUNDED, Ends, Peer, Rules, ends_of, ours
from tools.violations.__main__ import explorable
from tools.violations.page import Claim, claims
from tools.violations.rehearsal import reproduce
from tools.violations.survey import Survey, programs, shortest, shown

PAGE = Path(__file__).parents[2] / "docs" / "violations.md"
INSTALLED = explorable()
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="calls are played as eager tasks")
Fault = Callable[[Channel[object]], Ends]


def right(channel: Channel[object]) -> Ends:
    def waiting() -> tuple[int, int]:
        numbers = channel.statistics()
        return numbers.waiting_senders, numbers.waiting_receivers

    return ends_of(channel, close=channel.close, join=channel.join, waiting=waiting)


def holds_an_item(channel: Channel[object]) -> Ends:
    async def get() -> object:
        item = await channel.get()
        await asyncio.sleep(0)
        return item

    return replace(right(channel), get=get)


def put_and_sleeps(channel: Channel[object]) -> Ends:
    async def put(item: object) -> None:
        await channel.put(item)
        await asyncio.sleep(0)

    return replace(right(channel), put=put)


def gives_twice(channel: Channel[object]) -> Ends:
    given: set[object] = set()

    def get_nowait() -> object:
        item = channel.get_nowait()
        if item not in given and not channel.closed():
            given.add(item)
            channel.put_nowait(item)
        return item

    return replace(right(channel), get_nowait=get_nowait)


def stacks(channel: Channel[object]) -> Ends:
    def get_nowait() -> object:
        *others, item = channel.get_many_nowait(9) or [channel.get_nowait()]
        for other in others:
            channel.put_nowait(other)
        return item

    return replace(right(channel), get_nowait=get_nowait)


def stays_open(channel: Channel[object]) -> Ends:
    return replace(right(channel), close=lambda: None)


def closes_at_once(channel: Channel[object]) -> Ends:
    async def get() -> object:
        if channel.closed():
            raise ChannelClosed
        return await channel.get()

    return replace(right(channel), get=get)


def does_not_wait(channel: Channel[object]) -> Ends:
    async def put(item: object) -> None:
        channel.put_nowait(item)

    return replace(right(channel), put=put)


def cannot_get(channel: Channel[object]) -> Ends:
    async def get() -> object:
        raise LookupError

    return replace(right(channel), get=get)


def wakes_the_cancelled(channel: Channel[object]) -> Ends:
    waiters: deque[asyncio.Future[None]] = deque()

    async def get() -> object:
        while not channel.qsize() and not channel.closed():
            waiters.append(asyncio.get_running_loop().create_future())
            await waiters[-1]
        return channel.get_nowait()

    def put_nowait(item: object) -> None:
        channel.put_nowait(item)
        if waiters and not (waiter := waiters.popleft()).done():
            waiter.set_result(None)

    return replace(right(channel), get=get, put_nowait=put_nowait, waiting=lambda: (0, len(waiters)))


FAULTS: list[tuple[Fault, str, str]] = [
    (holds_an_item, "A: put | G: get", "lost item"),
    (put_and_sleeps, "A: put | G: get", "put raised, item received"),
    (gives_twice, "A: put | G: get_nowait get_nowait", "duplicated item"),
    (stacks, "A: put put | G: get_nowait get_nowait", "out of order"),
    (stays_open, "C: close | A: put", "accepted after close"),
    (closes_at_once, "A: put | C: close | G: get get_nowait", "told closed too soon"),
    (does_not_wait, "A: put put put", "wrong error"),
    (cannot_get, "A: put | G: get", "internal error"),
    (wakes_the_cancelled, "G: get | H: get | A: put_nowait", "waits for ever"),
    (wakes_the_cancelled, "G: get", "waiter left over"),
]


def seeded(ends: Fault) -> Peer:
    def make(capacity: float) -> Ends:
        return ends(Channel(0 if capacity == UNBOUNDED else int(capacity)))

    return Peer("seeded", "0", make, make, rules=Rules((ChannelClosed,), ChannelFull, ChannelEmpty, join=True))


@eager
@pytest.mark.parametrize(("fault", "text", "kind"), FAULTS, ids=[kind for _, _, kind in FAULTS])
def test_a_seeded_fault_is_found_and_shown_by_asyncio(fault: Fault, text: str, kind: str) -> None:
    survey = Survey(program(text, size=2, cancels=1), seeded(fault))
    survey.walk(2000)
    assert shortest([survey], kind) is not None


@pytest.mark.parametrize("text", dict.fromkeys(text for _, text, _ in FAULTS))
def test_a_queue_without_a_fault_shows_none(text: str) -> None:
    survey = Survey(program(text, size=2, cancels=1), seeded(right))
    survey.walk(300)
    assert not survey.counts


@pytest.mark.parametrize("peer", INSTALLED.values(), ids=INSTALLED)
def test_every_peer_plays_a_program(peer: Peer) -> None:
    survey = Survey(program("A: put | G: get", cancels=0), peer)
    assert survey.program.lanes[0] in [script.lanes[0] for script in programs(peer)]
    assert survey.walk(50).failure is None
    assert survey.played


def test_the_page_has_schedules_to_play_again() -> None:
    assert claims(PAGE)


def by_name(found: Iterable[Claim]) -> list[object]:
    return [pytest.param(claim, id=f"{claim.peer}-{claim.kind}") for claim in found]


@eager
@pytest.mark.parametrize("claim", by_name(claims(PAGE)))
def test_asyncio_shows_what_the_page_says(claim: Claim) -> None:
    if claim.peer not in INSTALLED:
        pytest.skip(f"{claim.peer} is not installed")
    assert shown(claim, INSTALLED[claim.peer])


@eager
@pytest.mark.parametrize("claim", by_name(claims(PAGE)))
def test_this_package_shows_none_of_it(claim: Claim) -> None:
    assert not reproduce(ours(), claim.text, claim.size, claim.decisions)
