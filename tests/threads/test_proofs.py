"""The short runs; `python -m tests.threads` is the long one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.threads.orders import PROGRAMS, explore, two_loops
from tests.threads.orders import play as play_order
from tests.threads.stress import stress
from tests.threads.strikes import SCENARIOS, Scenario, Striker, play, play_failing, striker


@pytest.fixture(scope="module")
def strikes() -> Iterator[Striker]:
    with striker() as armed:
        yield armed


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_keyboard_interrupt_at_each_place_breaks_nothing(strikes: Striker, scenario: Scenario) -> None:
    played = play(strikes, scenario, twice=1)
    assert played.places
    assert not played.failures, "\n".join(played.failures)


@pytest.mark.parametrize(("program", "maxsize", "inside"), PROGRAMS)
def test_in_every_order_of_the_sections_it_does_what_the_reference_does(
    program: str, maxsize: int, inside: int
) -> None:
    assert "" == explore(program, maxsize, inside, budget=300).failure


def test_a_get_that_another_loop_promised_an_item_is_told_when_its_loop_runs() -> None:
    with two_loops() as loops:
        names, _, faults = play_order("A get | T put", 1, 0, [0, 1, 1, 1, 0], loops)
    assert (["A0 begins get", "T1 begins put", "errand", "A runs", "A0 goes on"], []) == (names, faults)


def test_a_storm_of_signals_loses_nothing_and_nothing_hangs() -> None:
    """In a process of its own: where coverage traces, a signal may raise at places that CPython does not have."""
    storm = [sys.executable, "-m", "tests.threads", "--storm", "--seconds", "0.2"]
    done = subprocess.run(
        storm, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200, check=False
    )
    assert "threads: 0 faults" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("maxsize", [1, 100, -1])
def test_threads_and_loops_that_time_out_and_are_cancelled_lose_nothing(maxsize: int) -> None:
    assert () == stress(maxsize, 0.4).faults


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize(("times", "mending"), [(0, 0), (1, 0), (4, 0), (1, 1), (2, 2)])
def test_a_release_that_is_interrupted_breaks_nothing(scenario: Scenario, times: int, mending: int) -> None:
    for first in range(1, 6):
        assert [] == play_failing(scenario, first, times, mending=mending)
        assert [] == play_failing(scenario, first, times, mending=mending, blocks=False)
