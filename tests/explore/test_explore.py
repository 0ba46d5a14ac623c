"""Every schedule of the catalogue's programs keeps the contract; and the explorer finds each of the seeded faults."""

import asyncio
import random

import pytest
from typing_extensions import override

from tests.explore import sketch
from tests.explore.catalogue import PROGRAMS
from tests.explore.programs import Program, program
from tests.explore.search import Explorer, Misfit, replay
from tests.explore.sketch import Sketch
from tests.model.reference import RENDEZVOUS

BUDGET = 300

FAULTS: list[tuple[type[Sketch], Program, str]] = [
    (sketch.ForgetsPromise, program("A: put | G: get | H: get"), "exactly once"),
    (sketch.ForgetsGrant, program("A: put | B: put | C: put | G: get", cancels=1), "stuck"),
    (sketch.Barges, program("A: put put | G: get_nowait | B: put_nowait"), "nothing taken from waiters"),
    (sketch.Leaks, program("A: put | G: get"), "left over"),
    (sketch.Leaks, program("A: put put | C: close"), "noise"),
    (sketch.ForgetsRoom, program("A: put | B: put | C: put | G: get get", cancels=1), "not explained"),
]
SEEN_BY_THE_REFERENCE = [(fault, script) for fault, script, _ in FAULTS if fault is not sketch.Leaks]


@pytest.mark.parametrize("script", PROGRAMS, ids=Program.describe)
def test_every_schedule_keeps_the_contract(script: Program) -> None:
    report = Explorer(script).explore(BUDGET, BUDGET)
    assert report.failure is None, report.failure.report()


def test_a_group_that_is_cancelled_cancels_its_tasks_in_the_same_order_in_every_schedule() -> None:
    report = Explorer(program("A: group(put,put) | G: get get", RENDEZVOUS, cancels=2)).walk(1000)
    assert report.failure is None, report.failure.report()


@pytest.mark.parametrize(
    ("fault", "script", "kind"), FAULTS, ids=[f"{fault.__name__}, {kind}" for fault, _, kind in FAULTS]
)
def test_a_seeded_fault_is_found_by_its_check_and_shrunk(fault: type[Sketch], script: Program, kind: str) -> None:
    explorer = Explorer(script, fault, only=kind)
    report = explorer.walk(5000)
    assert report.failure is not None
    decisions = report.failure.decisions
    assert explorer.replay(decisions)[1] == report.failure.violations
    for place in range(len(decisions)):
        shorter = decisions[:place] + decisions[place + 1 :]
        assert not explorer.replay(shorter, strict=False)[1], report.failure.report()


@pytest.mark.parametrize(
    ("fault", "script"), SEEN_BY_THE_REFERENCE, ids=[fault.__name__ for fault, _ in SEEN_BY_THE_REFERENCE]
)
def test_a_seeded_fault_is_found_by_the_reference_machine_alone(fault: type[Sketch], script: Program) -> None:
    assert Explorer(script, fault, only="not explained").walk(5000).failure is not None


def test_there_is_a_fault_that_only_the_reference_machine_sees() -> None:
    script = program("A: put | B: put | C: put | G: get get", cancels=0)
    explorer = Explorer(script, sketch.ForgetsRoom)
    source = random.Random(0)
    found = [explorer.play(lambda world: source.choice(world.options()))[1] for _ in range(300)]
    assert {violation.kind for violations in found for violation in violations} == {"not explained"}


def test_a_channel_that_is_kept_alive_is_found_beside_exceptions_that_leave_a_group() -> None:
    script = program("A: put | G: group(get,crash)")
    assert Explorer(script, Sketch).walk(1000).failure is None
    assert Explorer(script, sketch.Leaks, only="left over").walk(1000).failure is not None


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


def test_a_schedule_of_woken_tasks_in_any_order_is_played_again() -> None:
    text, decisions = "A: put_nowait put_nowait | G: get | H: get", ["G", "H", "A", "A", "run 1"]
    assert not replay(text, 1, decisions, any_order=True)
    with pytest.raises(Misfit, match="'run 1' is not one of"):
        replay(text, 1, decisions)


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        (["run"], "'run' is not one of \\['A', 'G'\\]"),
        (["A", "cancel A"], "'cancel A' is not one of"),
        (["A", "G", "end", "end"], "the run is over before 'end'"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(decisions: list[str], message: str) -> None:
    with pytest.raises(Misfit, match=message):
        replay("A: put | G: get", 1, decisions)


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
