"""Whatever a signal handler or a finalizer does in the middle of a call, the channel and the other tasks stay whole.

The short run: at each place of each scenario one action, and for some scenarios a collection at each place.
`python -m tests.interrupts` plays all actions at all places.
"""

from collections.abc import Iterator

import pytest

from tests.interrupts.actions import IN_TURN, Action, a_few_with_garbage
from tests.interrupts.player import Player, player
from tests.interrupts.scenarios import SCENARIOS, Scenario


@pytest.fixture(scope="module")
def plays() -> Iterator[Player]:
    with player() as made:
        yield made


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_action_at_each_place_breaks_nothing(plays: Player, name: str) -> None:
    played = plays.play(SCENARIOS[name], IN_TURN)
    assert played.places
    assert not played.failures, "\n".join(failure.report() for failure in played.failures)


@pytest.mark.parametrize(
    ("scenario", "collection"),
    [pytest.param(*each, id=f"{each[0].name}, {each[1].name}") for each in a_few_with_garbage()],
)
def test_a_collection_at_each_place_breaks_nothing(plays: Player, scenario: Scenario, collection: Action) -> None:
    played = plays.play(scenario, [collection])
    assert not played.failures, "\n".join(failure.report() for failure in played.failures)
