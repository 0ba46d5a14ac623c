"""Programs at random: a short form of `python -m tests.remote`."""

import pytest

from tests.remote.__main__ import main
from tests.remote.chance import play


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_programs_at_random_keep_the_promises(first: int) -> None:
    for seed in range(first, first + 20):
        play(seed)


def test_an_item_before_a_withdrawn_one_is_refused_by_a_close() -> None:
    """Program 1161 found an item that was refused, and counted as stored."""
    play(1161)


def test_the_long_run_says_how_many_programs_it_has_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--programs", "3", "--processes", "1"])
    assert capsys.readouterr().out.startswith("remote: 3 programs at random, 0 failures")
    assert 0 == main(["--program", "7"])
