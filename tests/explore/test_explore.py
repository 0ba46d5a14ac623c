"""Every schedule of the catalogue's programs keeps the contract; and the explorer finds each of the seeded faults."""

import asyncio

import pytest
from typing_extensions import override

from tests.explore import sketch
from tests.explore.catalogue import PROGRAMS
from tests.explore.programs import Program, program
from tests.explore.search import Explorer, replay
from tests.explore.sketch import Sketch

BUDGET = 300

FAULTS: list[tuple[type[Sketch], Program, str]] = [
    (sketch.ForgetsPromise, program("A: put | G: get | H: get"), "exactly once"),
    (sketch.ForgetsGrant, program("A: put | B: put | C: put | G: get", cancels=1), "stuck"),
    (sketch.LeavesWaiters, program("G: get | A: put"), "left over"),
    (sketch.Barges, program("A: put put | G: get_nowait | B: put_nowait"), "nothing taken from waiters"),
    (sketch.Robs, program("A: put_nowait | G: get | H: get_nowait"), "woken once"),
    (sketch.HandsOver, program("A: put | G: get | H: get_nowait"), "exactly once"),
    (sketch.AcceptsAfterClose, program("A: put put | G: get | C: close"), "after close"),
    (sketch.ClosesTooSoon, program("A: put | G: get | H: get | C: close"), "closed is final"),
    (sketch.JoinsTooSoon, program("A: put close | G: get | J: join"), "joined"),
    (sketch.ForgetsRoom, program("A: put | B: put | C: put | G: get get", cancels=1), "not explained"),
    (sketch.LastComeFirstServed, program("A: put | G: get | H: get"), "in turn"),
    (sketch.PutsAnyway, program("A: put put | G: get_nowait"), "exactly once"),
    (sketch.StacksItems, program("A: put put | G: get get", size=2), "fifo"),
    (sketch.MissesJoin, program("A: put close | G: get | J: join"), "stuck"),
    (
        sketch.CountsReceiversTwice,
        program("A: put_nowait put_nowait put_nowait | G: get"),
        "nothing taken from waiters",
    ),
    (sketch.HoldsOn, program("A: put | G: get"), "left over"),
    (sketch.Mutters, program("A: put | C: close"), "noise"),
]


@pytest.mark.parametrize("script", PROGRAMS, ids=Program.describe)
def test_every_schedule_keeps_the_contract(script: Program) -> None:
    report = Explorer(script).explore(BUDGET, BUDGET)
    assert report.failure is None, report.failure.report()


@pytest.mark.parametrize(("fault", "script", "kind"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS])
def test_a_seeded_fault_is_found_by_its_check_and_shrunk(fault: type[Sketch], script: Program, kind: str) -> None:
    explorer = Explorer(script, fault, only=kind)
    report = explorer.walk(5000)
    assert report.failure is not None
    decisions = report.failure.decisions
    for place in range(len(decisions)):
        shorter = decisions[:place] + decisions[place + 1 :]
        assert not explorer.replay(shorter, strict=False)[1], report.failure.report()


@pytest.mark.parametrize(
    ("fault", "script"),
    [(fault, script) for fault, script, _ in FAULTS if fault not in (sketch.HoldsOn, sketch.Mutters)],
    ids=[fault.__name__ for fault, _, _ in FAULTS if fault not in (sketch.HoldsOn, sketch.Mutters)],
)
def test_a_seeded_fault_is_found_by_the_reference_machine_alone(fault: type[Sketch], script: Program) -> None:
    assert Explorer(script, fault, only="not explained").walk(5000).failure is not None


def test_a_channel_that_is_kept_alive_is_found_beside_exceptions_that_leave_a_group() -> None:
    script = program("A: put | G: group(get,crash)")
    assert Explorer(script, Sketch).walk(1000).failure is None
    assert Explorer(script, sketch.HoldsOn, only="left over").walk(1000).failure is not None


@pytest.mark.parametrize("script", sorted({script for _, script, _ in FAULTS}), ids=Program.describe)
def test_the_sketch_without_a_fault_is_right(script: Program) -> None:
    report = Explorer(script, Sketch).walk(1000)
    assert report.failure is None, report.failure.report()


def test_a_sample_is_the_same_again() -> None:
    script = program("A: put | B: put | G: get | H: get")
    first, second = Explorer(script).sample(100, seed=1), Explorer(script).sample(100, seed=1)
    assert first == second
    assert 0 < first.share < 1


def test_a_sample_knows_the_size_of_what_it_samples() -> None:
    script = program("A: put put | G: get get | C: close", cancels=1)
    report = Explorer(script).sample(1000)
    size = Explorer(script).walk(10_000).schedules
    assert report.schedules / report.share == pytest.approx(size, rel=0.2)


def test_a_pasted_schedule_is_played_again() -> None:
    decisions = ["G", "A", "cancel G"]
    assert replay("A: put | G: get | H: get", 1, decisions, sketch.ForgetsPromise)
    assert not replay("A: put | G: get | H: get", 1, decisions)


def test_a_schedule_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="'run' is not one of"):
        replay("A: put | G: get", 1, ["run"])


class Spins(Sketch):
    @override
    async def get(self) -> str:
        while not self.items:  # noqa: ASYNC110  # the fault
            await asyncio.sleep(0)
        return self.take()


def test_a_program_that_never_ends_is_reported() -> None:
    report = Explorer(program("G: get", cancels=0), Spins).walk(1)
    assert report.failure is not None
    assert "does not end" in {violation.kind for violation in report.failure.violations}
