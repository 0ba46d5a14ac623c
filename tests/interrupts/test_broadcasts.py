"""Whatever a signal handler or a finalizer does in the middle of a call, a broadcast stays whole."""

from collections.abc import Iterator

import pytest

from tests.interrupts.actions import IN_TURN, Action, a_few_with_garbage
from tests.interrupts.broadcasts import BROADCASTS, Through
from tests.interrupts.player import Player, player
from tests.interrupts.scenarios import Scenario


@pytest.fixture(scope="module")
def plays() -> Iterator[Player]:
    with player(Through) as made:
        yield made


@pytest.mark.parametrize("name", BROADCASTS)
def test_an_action_at_each_place_breaks_nothing(plays: Player, name: str) -> None:
    played = plays.play(BROADCASTS[name], IN_TURN)
    assert played.places
    assert not played.failures, "\n".join(failure.report() for failure in played.failures)


@pytest.mark.parametrize(
    ("scenario", "collection"),
    [
        pytest.param(*each, id=f"{each[0].name}, {each[1].name}")
        for each in a_few_with_garbage()
        if each[0].name in BROADCASTS
    ],
)
def test_a_collection_at_each_place_breaks_nothing(plays: Player, scenario: Scenario, collection: Action) -> None:
    played = plays.play(scenario, [collection])
    assert not played.failures, "\n".join(failure.report() for failure in played.failures)
