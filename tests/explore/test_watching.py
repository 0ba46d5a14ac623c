"""Every schedule of small programs on Watches does what the reference machine says, step by step."""

import pytest

from aiochannel.testing import Run, explore
from tests.explore.watching import PROGRAMS, play, program
from tests.model.watch_reference import WatchReference

BUDGET = 120


@pytest.mark.parametrize("text", PROGRAMS)
def test_every_schedule_of_a_watch_agrees_with_the_reference(text: str) -> None:
    play(text, BUDGET, 1, 5.0).check()


@pytest.mark.parametrize("text", PROGRAMS[3:6])
def test_two_cancellations_agree_with_the_reference(text: str) -> None:
    play(text, BUDGET, 2, 5.0).check()


def test_a_disagreement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference takes a promise for a value that anybody may take."""
    monkeypatch.setattr(WatchReference, "promised", lambda *_: False)

    def build(run: Run) -> None:
        program("A: get a1 get a1 | B: set a get_nowait a1")(run)

    assert explore(build).failure is not None
