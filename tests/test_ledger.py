"""What a ledger finds in accounts that do not add up, and that it finds nothing in one that does."""

from collections.abc import Hashable

import pytest

from tests.ledger import Ledger, could_go_on
from tests.model.record import Seen
from tests.model.reference import EMPTY, FULL, Outcome

OPEN_AND_EMPTY = Seen(qsize=0, empty=True, full=False, closed=False, senders=0, receivers=0, open_ends=(0, 0))
FILLED = OPEN_AND_EMPTY._replace(qsize=1, empty=False, full=True)
DRAINED = OPEN_AND_EMPTY._replace(closed=True)


def ledger(accepted: list[Hashable], received: list[Hashable], *doubtful: tuple[Hashable, ...]) -> Ledger:
    made = Ledger()
    for item in accepted:
        made.note("put", item, Outcome("ok"))
    for batch in doubtful:
        made.note("put_many", batch, Outcome("cancelled"))
    for item in received:
        made.note("get", None, Outcome("ok", item))
    return made


@pytest.mark.parametrize(
    ("account", "violations"),
    [
        (ledger([1, 2], [1]), ["2 was accepted and is lost"]),
        (ledger([1, 1], [1]), ["1 was accepted and is lost"]),
        (ledger([1], [1, 1]), ["1 was received 2 times"]),
        (ledger([], [1, 1], (1, 2)), ["1 was received 2 times"]),
        (ledger([1], [1, 2]), ["2 was received, and no put of it returned"]),
        (ledger([], [2], (1, 2)), ["of (1, 2) later items were accepted and earlier ones not"]),
        (ledger([], [1, 3], (1, 2, 3)), ["of (1, 2, 3) later items were accepted and earlier ones not"]),
    ],
)  # fmt: skip
def test_an_account_that_does_not_add_up(account: Ledger, violations: list[str]) -> None:
    assert list(account.violations()) == violations


@pytest.mark.parametrize(
    "account",
    [
        ledger([], []),
        ledger([1, 2, None, 0], [0, None, 2, 1]),
        ledger([1, 1], [1, 1]),
        ledger([], [], (1, 2)),
        ledger([], [1], (1, 2)),
        ledger([3], [3, 1, 2], (1, 2)),
        ledger([2], [2, 2], (1, 2, 2)),  # which of the equal items came cannot be told
    ],
)
def test_an_account_that_adds_up(account: Ledger) -> None:
    assert list(account.violations()) == []


@pytest.mark.parametrize("verb", ["put", "put_nowait"])
def test_a_put_that_raised_put_nothing(verb: str) -> None:
    account = Ledger()
    account.note(verb, 1, FULL)
    assert account.lost() == []
    account.note("get_nowait", None, Outcome("ok", 1))
    assert account.invented() == [1]


@pytest.mark.parametrize("verb", ["get_many", "get_many_nowait", "abort"])
def test_a_batch_taken_is_each_of_its_items(verb: str) -> None:
    account = Ledger()
    account.note("put_many", (1, 2), Outcome("ok"))
    account.note(verb, None, EMPTY)
    assert account.lost() == [1, 2]
    account.note(verb, None, Outcome("ok", (1, 2)))
    assert list(account.violations()) == []


def test_calls_that_move_nothing_do_not_count() -> None:
    account = Ledger()
    for verb in ("peek", "close", "join"):
        account.note(verb, None, Outcome("ok", (1,)))
    assert list(account.violations()) == []


@pytest.mark.parametrize(
    ("verb", "seen", "expected"),
    [
        ("put", OPEN_AND_EMPTY, True), ("put", FILLED, False), ("put", DRAINED._replace(full=True), True),
        ("put_many", OPEN_AND_EMPTY, True), ("put_many", FILLED, False),
        ("get", OPEN_AND_EMPTY, False), ("get", FILLED, True), ("next", DRAINED, True),
        ("join", OPEN_AND_EMPTY, False), ("join", FILLED._replace(closed=True), False), ("join", DRAINED, True),
    ],
)  # fmt: skip
def test_who_waits_though_it_could_go_on(verb: str, seen: Seen, expected: bool) -> None:
    assert could_go_on(verb, seen) is expected
