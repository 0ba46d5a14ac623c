"""Whatever a signal handler or the collector does in the middle of a call on a Watch or a Call, all stay whole.

The short run: at each place of each script one action. `python -m tests.interrupts.watching` and `.calling` play all.
"""

from collections.abc import Iterator

import pytest

from aiochannel._core.versions import Cursor
from tests.interrupts import calling, watching
from tests.interrupts.actions import RAISE
from tests.interrupts.calling import CallScene
from tests.interrupts.scenes import Script, Stage, stage
from tests.interrupts.watching import WatchScene

WATCHING = ("set", "close", RAISE, "get", "cancel")
CALLING = ("reply", RAISE, "drop", "cancel")


@pytest.fixture
def watches() -> Iterator[Stage]:
    with stage(WatchScene) as made:
        yield made


@pytest.fixture
def calls() -> Iterator[Stage]:
    with stage(CallScene) as made:
        yield made


@pytest.mark.parametrize("script", watching.SCRIPTS, ids=lambda script: script.name)
def test_an_action_at_each_place_breaks_no_watch(watches: Stage, script: Script) -> None:
    places, found = watches.play(script, WATCHING)
    assert (True, []) == (places > 0, found)


@pytest.mark.parametrize("script", watching.SCRIPTS[::3], ids=lambda script: script.name)
def test_a_collection_at_each_place_breaks_no_watch(watches: Stage, script: Script) -> None:
    assert [] == watches.play(script, ["gc"])[1]


@pytest.mark.parametrize("script", calling.SCRIPTS, ids=lambda script: script.name)
def test_an_action_at_each_place_breaks_no_call(calls: Stage, script: Script) -> None:
    places, found = calls.play(script, CALLING)
    assert (True, []) == (places > 0, found)


@pytest.mark.parametrize("script", calling.SCRIPTS[::3], ids=lambda script: script.name)
def test_a_collection_at_each_place_breaks_no_call(calls: Stage, script: Script) -> None:
    assert [] == calls.play(script, ["gc"])[1]


def test_a_fault_is_found(watches: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that does not look again whether it has to wait."""
    monkeypatch.setattr(Cursor, "_wake_next", lambda _: None)
    script = next(script for script in watching.SCRIPTS if script.name == "get: waits")
    assert watches.play(script, ["set"])[1]
