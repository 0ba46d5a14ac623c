"""Programs under many schedules, and at random: a short form of `python -m tests.remote`."""

import pytest

from aiochannel.testing import explore
from tests.remote.__main__ import main
from tests.remote.chance import play
from tests.remote.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_small_programs_keep_the_promises_under_every_schedule(name: str) -> None:
    report = explore(PROGRAMS[name], budget=60, seconds=9)
    assert report.failure is None, str(report)


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_programs_at_random_keep_the_promises(first: int) -> None:
    for seed in range(first, first + 20):
        play(seed)


def test_an_item_before_a_withdrawn_one_is_refused_by_a_close() -> None:
    """Program 1161 found an item that was refused, and counted as stored."""
    play(1161)


def test_the_long_run_says_how_many_programs_it_has_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--budget", "5", "--programs", "3", "--processes", "1"])
    assert "remote: 25 schedules, 3 programs at random, 0 failures" in capsys.readouterr().out
    assert 0 == main(["--program", "7"])
