"""Under every schedule each caller is told the answer that its callee gave, or that there is none."""

import pytest

from aiochannel import Call
from tests.explore.calling import PROGRAMS, play

BUDGET = 150


@pytest.mark.parametrize("text", PROGRAMS)
def test_every_schedule_of_callers_and_callees_keeps_the_contract(text: str) -> None:
    play(text, BUDGET, 1, 5.0).check()


@pytest.mark.parametrize("text", PROGRAMS[3:5])
def test_two_cancellations_keep_the_contract(text: str) -> None:
    play(text, BUDGET, 2, 5.0).check()


def test_a_call_that_does_not_answer_when_it_is_dropped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Call, "__del__", lambda _: None)
    assert play("A: ask | S: get drop", BUDGET, 0, 5.0).failure is not None
