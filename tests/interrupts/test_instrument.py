"""The instrument: it plays the places that the interpreter has, and it sees a fault."""

import re
import shlex

import pytest

from tests.interrupts import __main__
from tests.interrupts.__main__ import main
from tests.interrupts.actions import action
from tests.interrupts.player import Played, player
from tests.interrupts.scenarios import SCENARIOS
from tests.interrupts.sketch import CountsFirst, TurnsAway
from tests.interrupts.world import Make, make_channel

Capture = pytest.CaptureFixture[str]
PUT = SCENARIOS["put_nowait: room"]


def played(make: Make, *names: str) -> Played:
    with player(make) as plays:
        return plays.play(PUT, [action(name) for name in names])


def found(make: Make, name: str) -> dict[str, tuple[str, ...]]:
    """Return the violations at each place that has some."""
    return {failure.place: failure.violations for failure in played(make, name).failures}


def test_a_handler_runs_on_entry_and_after_a_call_of_c_but_not_after_one_of_python() -> None:
    places = played(CountsFirst, "look").places
    assert any(re.fullmatch(r".*sketch\.py:\d+ in pause, on entry", place) for place in places)
    assert any(place.endswith("in Channel.put_nowait, after buffer.append(item)") for place in places)
    assert not any(place.endswith("after pause()") for place in places)
    assert len(places) == len(set(places)), "no place is played twice"


def test_a_run_in_which_nothing_is_done_is_faultless() -> None:
    assert () == played(CountsFirst, "look").failures == played(TurnsAway, "look").failures


def test_a_count_that_an_exception_leaves_behind_is_seen() -> None:
    (violations,) = (seen for place, seen in found(CountsFirst, "raise").items() if "in pause" in place)
    assert "a had 2 items, and get 2 raised ChannelEmpty" in violations[0]


def test_an_item_that_is_dropped_in_the_middle_of_a_call_is_lost() -> None:
    (violations,) = (seen for place, seen in found(TurnsAway, "put").items() if "in pause" in place)
    assert violations == ("x1 was accepted and is lost",)


def test_a_channel_that_does_not_fill_up_afterwards_is_seen() -> None:
    (violations,) = (seen for place, seen in found(TurnsAway, "raise").items() if "in pause" in place)
    assert "a was empty and accepted 10 items, not 2" in violations


def test_the_actions_are_played_in_turn() -> None:
    both = played(CountsFirst, "raise", "close+raise").failures
    assert {failure.action.name for failure in both} == {"raise", "close+raise"}
    assert len({failure.place for failure in both}) == len(both)


def test_a_failure_is_printed_with_a_command_that_plays_it_again(capsys: Capture) -> None:
    first = played(TurnsAway, "put").failures[0]
    head, *violations, command = first.report().splitlines()
    assert head.startswith(f"'put_nowait: room', put at place {first.number}: ")
    assert [line.strip() for line in violations] == list(first.violations)
    python, module, name, *arguments = shlex.split(command)
    assert (python, module, name) == ("python", "-m", "tests.interrupts")
    assert main(arguments) == 0  # a channel of the package has no such fault
    assert capsys.readouterr().out.endswith(" runs, 0 failures\n")


def test_the_long_run_plays_every_scenario(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "SCENARIOS", {PUT.name: PUT})
    monkeypatch.setattr(__main__, "actions_on", lambda _: [action("look")])
    assert main(["--processes", "1"]) == 0
    header, row, last = capsys.readouterr().out.splitlines()
    places = len(played(make_channel, "look").places)
    assert header.split() == ["places", "runs", "failures", "scenario", "or", "action"]
    assert row.split(maxsplit=3) == [str(places), str(places), "0", PUT.name]
    assert re.fullmatch(rf"interrupts: {places} runs at {places} places of 1 scenarios, 0 failures, \d+ s", last)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--action", "put"], "there is none"),
        (["put_nowait: room", "--action", "putt"], "invalid action value: 'putt'"),
        (["no such"], "invalid choice: 'no such'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(capsys: Capture, argv: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
