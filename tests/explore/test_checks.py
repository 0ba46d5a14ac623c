"""Each check finds its fault in a record made by hand, in these words.

A record is written step by step: `G get` begins a call of lane G, `G waits`, `G cancel` and `G runs` go on with it, and
`G ok A1`, `G closed` or `G error` end it. That a right channel breaks none of them is test_explore.py's to show.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.explore import checks
from tests.explore.checks import History, Violation
from tests.explore.programs import Program, program
from tests.explore.world import Record
from tests.model.record import Call, Event, Seen
from tests.model.reference import Look, Outcome
from tests.model.selects import CaseText

STEPS = ("waits", "cancel", "runs")
OUTCOMES = ("ok", "closed", "end", "full", "empty", "cancelled", "error")
SCRIPT = program("A: put | G: get")
EMPTY = Seen(qsize=0, empty=True, full=False, closed=False, senders=0, receivers=0, open_ends=(0, 0))
CLOSED = EMPTY._replace(closed=True)
ONE_ITEM = EMPTY._replace(qsize=1, empty=False, full=True)


def value_of(words: list[str]) -> object:
    """Return nothing, one item, or the tuple that `A1+A2` stands for."""
    return None if not words else tuple(words[0].split("+")) if "+" in words[0] else words[0]


def record(steps: str) -> Record:
    calls: list[Call] = []
    events: list[Event] = []
    numbers: dict[str, int] = {}
    for step in steps.split(", "):
        lane, word, *rest = step.split()
        if word in STEPS:
            events.append(Event(word, numbers[lane]))
        elif word in OUTCOMES:
            events.append(Event("ends", numbers[lane], Outcome(word, value_of(rest))))
        else:
            numbers[lane] = len(calls)
            events.append(Event("call", len(calls)))
            calls.append(Call(lane, word, value_of(rest)))
    return Record(tuple(calls), tuple(events))


Rule = Callable[[History], Iterator[str]]
BROKEN: list[tuple[Rule, str, str]] = [
    (checks.exactly_once, "A put A1, A ok", "A1 was accepted and is lost"),
    (checks.exactly_once, "A put A1, A ok, G get, G ok A1, H get, H ok A1", "A1 was received 2 times"),
    (checks.exactly_once, "A put A1, A cancelled, G get, G ok A1", "A1 was received, and no put of it returned"),
    (
        checks.exactly_once,
        "A put_many A1+A2, A cancelled, G get, G ok A2",
        "of ('A1', 'A2') later items were accepted and earlier ones not",
    ),
    (checks.exactly_once, "G get, G error boom", "G's get: boom"),
    (
        checks.fifo,
        "A put A1, A ok, A put A2, A ok, G get, G ok A2, G get, G ok A1",
        "A1 was accepted before A2 and left after it",
    ),
    (checks.fifo, "A put_many A1+A2, A ok, G get_many, G ok A2+A1", "of ('A1', 'A2') came ['A2', 'A1']"),
    (checks.woken_once, "G get, G waits, G runs, G waits", "G's get was woken and waited again"),
    (
        checks.in_turn,
        "G get, G waits, H get, H waits, H runs",
        "H's get was woken before G's, which waited longer",
    ),
    (
        checks.in_turn,
        "A put A1, A waits, B put B1, B waits, B runs",
        "B's put was woken before A's, which waited longer",
    ),
    (
        checks.nothing_taken_from_waiters,
        "A put A1, A ok, B put B1, B waits, G get, G ok A1, C put_nowait C1, C ok",
        "C's put_nowait took the room of one who waits, or there was none",
    ),
    (
        checks.nothing_taken_from_waiters,
        "G get, G waits, A put A1, A ok, H get_nowait, H ok A1",
        "H's get_nowait took the item of one who waits",
    ),
    (
        checks.nothing_taken_from_waiters,
        "A put A1, A waits, B put B1, B waits, A runs, A ok, B runs, B ok",
        "2 items, and room for 1 and 0 receivers",
    ),
    (
        checks.closed_is_final,
        "A put A1, A ok, G get, G closed, H get, H ok A1",
        "G's get was told closed, and an item was received after that",
    ),
    (
        checks.closed_is_final,
        "A put A1, A ok, G next, G end, H get, H ok A1",
        "G's next was told closed, and an item was received after that",
    ),
    (
        checks.joined,
        "A put A1, A ok, J join, J ok, G get, G ok A1",
        "J's join returned, and an item was received after that",
    ),
    (checks.joined, "J join, J ok, A put A1, A ok", "J's join returned, and an item was received after that"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "steps", "text"), BROKEN, ids=[f"{rule.__name__}: {it}" for rule, it, _ in BROKEN])
def test_a_rule_of_one_channel(rule: Rule, steps: str, text: str) -> None:
    wrong = record(steps)
    assert list(rule(History(SCRIPT, wrong, "a"))) == [text]
    assert Violation(rule.__name__.replace("_", " "), text) in checks.check(SCRIPT, wrong)


def test_an_end_that_has_left_may_be_told_closed_before_others() -> None:
    left = record("A put A1, A ok, G leave, G ok, G get, G closed, H get, H ok A1")
    calls = [call._replace(end="<1") if call.lane == "G" else call for call in left.calls]
    assert list(checks.closed_is_final(History(SCRIPT, left._replace(calls=tuple(calls)), "a"))) == []


def test_the_order_of_waiters_is_the_loops_where_tasks_run_in_any_order() -> None:
    steps = record("G get, G waits, H get, H waits, H runs")
    kinds = [kind for kind, _ in checks.check(SCRIPT._replace(any_order=True), steps)]
    assert "in turn" not in kinds


WRONG: list[tuple[str, Program, Record, str]] = [
    ("does not end", SCRIPT, record("A put A1")._replace(failure="it never rests"), "it never rests"),
    ("noise", SCRIPT, record("A put A1")._replace(complaints=("never retrieved",)), "never retrieved"),
    (
        "after close",
        SCRIPT,
        record("A put A1, A ok")._replace(seen=((0, "a", CLOSED),)),
        "A's put(A1) was accepted after close",
    ),
    (
        "stuck",
        SCRIPT,
        record("G get, G waits")._replace(stuck=(0,), at_rest=(("a", ONE_ITEM),)),
        f"G's get waits for ever, and it shows {ONE_ITEM}",
    ),
    (
        "stuck",
        SCRIPT,
        record("A put A1, A waits")._replace(stuck=(0,), at_rest=(("a", EMPTY),)),
        f"A's put waits for ever, and it shows {EMPTY}",
    ),
    (
        "stuck",
        SCRIPT,
        record("J join, J waits")._replace(stuck=(0,), at_rest=(("a", CLOSED),)),
        f"J's join waits for ever, and it shows {CLOSED}",
    ),
    ("left over", SCRIPT, record("A put A1")._replace(kept=("a",)), "channel a is kept alive"),
    (
        "left over",
        SCRIPT,
        record("A put A1")._replace(emptied=(("a", EMPTY._replace(senders=1)),)),
        "1 senders and 0 receivers wait, and there is nobody",
    ),
    (
        "left over",
        SCRIPT._replace(size=2),
        record("~ put_nowait ~0, ~ ok, ~ put_nowait ~1, ~ full")._replace(emptied=(("a", EMPTY),)),
        "an empty channel of maxsize 2 took 1 items",
    ),
    ("not explained", SCRIPT, record("G get, G waits, G runs"), "G's get was woken, and nothing had happened for it"),
    ("not explained", SCRIPT, record("A put A1, A full"), "A's put(A1) full, and should have: ok"),
    (
        "not explained",
        SCRIPT,
        record("A put A1, A ok")._replace(seen=((2, "a", EMPTY),)),
        f"it shows {EMPTY}, and should show {Look(1, False, True, False, (0, 0), (0, 0), (0, 0))}",
    ),
    (
        "not explained",
        SCRIPT,
        record("G get, G waits")._replace(seen=((2, "a", EMPTY._replace(receivers=2)),)),
        f"it shows {EMPTY._replace(receivers=2)}, and there should be 0 and 1 waiting",
    ),
    (
        "not explained",
        SCRIPT,
        record("G get, G waits, A put A1, A ok")._replace(
            stuck=(0,), rest_place=4, at_rest=(("a", EMPTY),), seen=((4, "a", EMPTY),)
        ),
        "G's get is stuck, and is promised",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "script", "wrong", "text"), WRONG, ids=[f"{kind}: {it}" for kind, _, _, it in WRONG])
def test_a_rule_of_the_whole_run(kind: str, script: Program, wrong: Record, text: str) -> None:
    assert Violation(kind, text) in checks.check(script, wrong)


def test_a_select_counts_as_the_case_that_it_took() -> None:
    script = program("S: sel(get) | A: put")
    steps = record("A put A1, A ok, S select, S ok")
    select = steps.calls[1]._replace(value=(CaseText("a", "get"),), channel="")
    took = steps.events[3]._replace(outcome=Outcome("ok", (0, "A1")))
    selected = steps._replace(calls=(steps.calls[0], select), events=(*steps.events[:3], took))
    assert checks.check(script, selected) == []
    twice = selected._replace(
        calls=(*selected.calls, Call("G", "get")),
        events=(*selected.events, Event("call", 2), Event("ends", 2, Outcome("ok", "A1"))),
    )
    assert Violation("exactly once", "A1 was received 2 times") in checks.check(script, twice)
