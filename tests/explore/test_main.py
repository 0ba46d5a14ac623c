"""`python -m tests.explore`: one program, one schedule, the long run, and the error for a line that does not fit."""

import re
import shlex

import pytest

from tests.explore import __main__, sketch
from tests.explore.__main__ import main
from tests.explore.programs import Program, program
from tests.explore.search import Explorer

Capture = pytest.CaptureFixture[str]
WRONG = "A: put | G: get | H: get"  # with a channel that forgets promises


def test_a_program_is_played_under_all_its_schedules(capsys: Capture) -> None:
    assert main(["A: put | G: get", "--cancels", "0"]) == 0
    header, row, last = capsys.readouterr().out.splitlines()
    walked = Explorer(program("A: put | G: get", cancels=0)).walk(1000)
    assert header.split() == ["schedules", "share", "violations", "program"]
    assert row.split(maxsplit=3) == [str(walked.schedules), "all", "0", "A: put | G: get  [maxsize 1, 0 cancels]"]
    assert re.fullmatch(
        rf"explorer: {walked.schedules} schedules of 1 programs, 1 of them complete, 0 violations, 0 s", last
    )


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ("3", "maxsize 3"), ("unbounded", "unbounded"), ("0", "unbounded"), ("rendezvous", "rendezvous"),
        ("-1", "rendezvous"),
    ],
)  # fmt: skip
def test_the_size_of_the_channels_is_a_number_or_a_word(capsys: Capture, size: str, shown: str) -> None:
    assert main(["A: put | G: get", "--size", size, "--cancels", "0"]) == 0
    assert f"[{shown}, 0 cancels]" in capsys.readouterr().out


def test_a_program_with_too_many_schedules_is_sampled(capsys: Capture) -> None:
    options = ["--budget", "10", "--draws", "20", "--seed", "3", "--any-order"]
    assert main(["A: put put | G: get get | H: get", *options]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    schedules, share, violations, described = row.split(maxsplit=3)
    assert int(schedules) <= 20
    assert 0 < float(share) < 1
    assert (violations, described) == ("0", "A: put put | G: get get | H: get  [maxsize 1, 2 cancels, any order]")


def test_a_schedule_is_played_and_its_steps_are_printed(capsys: Capture) -> None:
    assert main(["A: put | G: get", "--size", "1", "--replay", "G, A, cancel G"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "A: put | G: get  [maxsize 1, 1 cancels]",
        "  G's get call",
        "  G's get waits",
        "  A's put(A1) call",
        "  A's put(A1) ends: ok",
        "  G's get cancel",
        "  G's get runs: cancelled",
        "  G's get ends: cancelled",
        "replay('A: put | G: get', 1, ['G', 'A', 'cancel G'])",
        "python -m tests.explore 'A: put | G: get' --size 1 --replay 'G, A, cancel G'",
        "explorer: 1 schedule, 0 violations",
    ]


def test_a_violation_is_printed_with_a_command_that_shows_it_again(capsys: Capture) -> None:
    assert main([WRONG, "--any-order"], sketch.ForgetsPromise) == 1
    found = capsys.readouterr().out.splitlines()
    assert re.search(r"explorer: \d+ schedules of 1 programs, 0 of them complete, [1-9]\d* violations", found[-1])
    python, module, name, *arguments = shlex.split(found[-2])
    assert (python, module, name) == ("python", "-m", "tests.explore")
    assert arguments[:4] == [WRONG, "--size", "1", "--any-order"]
    assert found[-3].endswith(", any_order=True)")
    assert main(arguments, sketch.ForgetsPromise) == 1
    again = capsys.readouterr().out.splitlines()
    broken = [line for line in found if line.startswith(("exactly once: ", "not explained: "))]
    assert broken
    assert broken == [line for line in again if line.startswith(("exactly once: ", "not explained: "))]
    assert found[-2] == again[-2]
    assert main(arguments) == 0


def test_without_a_program_the_catalogue_is_explored(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def two() -> list[Program]:
        return [program("A: put", cancels=0), program("A: put | G: get", cancels=0)]

    monkeypatch.setattr(__main__, "variants", two)
    assert main(["--budget", "100", "--draws", "10", "--processes", "1"]) == 0
    _, longer, shorter, last = capsys.readouterr().out.splitlines()
    assert longer.endswith("A: put | G: get  [maxsize 1, 0 cancels]")
    assert shorter.endswith("A: put  [maxsize 1, 0 cancels]")
    assert re.fullmatch(r"explorer: \d+ schedules of 2 programs, 2 of them complete, 0 violations, \d+ s", last)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["A: putt"], "'putt' is no verb here: there are put, put_many, get"),
        (["A: timeout(putt)"], "'putt' is no verb here"),
        (["A: sel(put_many:2)"], "'put_many' is no verb here: there are get, put, closed, otherwise"),
        (["A put"], "'A put' is no lane: it reads"),
        (["A: put |"], "'' is no lane"),
        (["A:"], "'A:' is no lane"),
        (["!A> : close"], "'!A> : close' is no lane"),
        (["A: put | A: get"], "2 lanes have the name A"),
        (["run: put"], "no lane can have the name run: it is a decision"),
        (["!C: put"], "'put' cannot stand in !C: a callback has only put_nowait"),
        (["A: put("], "'put(' is no operation"),
        (["A: timeout(get, put)"], "'timeout(get,' is no operation"),
        (["A: timeout"], "'timeout': timeout holds operations in brackets"),
        (["A: get(put)"], "'get(put)': get holds nothing"),
        (["A: put_many"], "'put_many': after the colon of put_many stands a number"),
        (["A: get:2"], "'get:2': after the colon of get stands nothing"),
        (["A: sel(get:2)"], "'get:2': after the colon of get stands or, map, fail or nothing"),
        (["A: put", "--size", "many"], "'many' is no size: it is a number, unbounded (0) or rendezvous (-1)"),
        (["A: put", "--size", "-2"], "'-2' is no size"),
        (["A: put", "--cancels", "-1"], "'-1' is no count"),
        (["A: put", "--replay", "A, G"], "'G' is not one of ['end']"),
        (["A: put", "--replay", "A, end, A"], "the run is over before 'A'"),
        (["--size", "1"], "there is none"),
        (["--replay", "A"], "there is none"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(capsys: Capture, argv: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("python -m tests.explore: error: ")
    assert message in last
