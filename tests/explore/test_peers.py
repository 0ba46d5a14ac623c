"""The instrument of docs/violations.md: it finds a seeded fault, and asyncio's own event loop shows what the page says.

The page's schedules are played where the peer is installed: `make violations-again`.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.explore import sketch
from tests.explore.adapters import Peer, installed
from tests.explore.peers import Tally, programs, shortest, shown
from tests.explore.programs import Program, program
from tests.explore.rehearsal import reproduce
from tests.explore.sketch import Sketch
from tests.explore.violations_page import Claim, claims

PAGE = Path(__file__).parents[2] / "docs" / "violations.md"
INSTALLED = installed()
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="calls are played as eager tasks")

FAULTS: list[tuple[type[Sketch], Program, str]] = [
    (sketch.ForgetsPromise, program("A: put | G: get | H: get"), "lost item"),
    (sketch.ForgetsGrant, program("A: put | B: put | C: put | G: get", cancels=1), "waits for ever"),
    (sketch.LeavesWaiters, program("G: get | A: put"), "waiter left over"),
    (sketch.AcceptsAfterClose, program("A: put put | G: get | C: close"), "accepted after close"),
    (sketch.ClosesTooSoon, program("A: put | G: get | H: get | C: close"), "told closed too soon"),
    (sketch.StacksItems, program("A: put put | G: get get", size=2), "out of order"),
]


@eager
@pytest.mark.parametrize(("fault", "script", "kind"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
def test_a_seeded_fault_is_found_and_shown_by_asyncio(fault: type[Sketch], script: Program, kind: str) -> None:
    tally = Tally(script, Peer("sketch", "0", fault, join=True))
    tally.walk(2000)
    assert shortest([tally], kind) is not None


@pytest.mark.parametrize(("peer", "script"), [(Sketch, script) for _, script, _ in FAULTS])
def test_the_sketch_without_a_fault_has_none(peer: type[Sketch], script: Program) -> None:
    tally = Tally(script, Peer("sketch", "0", peer, join=True))
    tally.walk(300)
    assert not tally.counts


@pytest.mark.parametrize("peer", INSTALLED.values(), ids=INSTALLED)
def test_every_peer_plays_a_program(peer: Peer) -> None:
    tally = Tally(program("A: put | G: get", cancels=0), peer)
    assert tally.program.lanes[0] in [script.lanes[0] for script in programs(peer)]
    assert tally.walk(50).failure is None
    assert tally.played


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
    ours = next(iter(INSTALLED.values()))
    assert not reproduce(ours, claim.text, claim.size, claim.decisions)
