"""A short soak: what `make soak-remote` plays for longer. The ledger of the soak notices what goes wrong."""

import asyncio

import pytest

from tests.redis.soak import Account, soak
from tests.servers import Program, serving


def test_processes_and_server_that_are_killed_lose_nothing(found: Program) -> None:
    with serving(found, "--appendfsync", "always") as server:
        running = asyncio.run(soak(server, "one", lambda running: running.events.total() < 6))
    assert [] == running.wrong
    (account,) = running.accounts
    assert (0, []) == (account.told, account.lost())
    assert account.ledger.accepted
    assert 6 == running.events.total()


@pytest.mark.parametrize(
    ("said", "violations"),
    [
        (["try a", "stored a", "got a"], []),
        (["try a", "stored a", "got a", "got a"], ["a was received 2 times"]),
        (["try a b", "stored a b", "got b"], ["a was accepted and is lost"]),
        (["try a", "got a"], []),  # whether it was stored is not known
        (["try a"], []),
        (["try a", "never a", "got a"], ["a was received, and no put of it returned"]),
        (["got a"], ["a was received, and no put of it returned"]),
    ],
)
def test_account_of_what_processes_said(said: list[str], violations: list[str]) -> None:
    account = Account()
    for line in said:
        account.note(line)
    account.close()
    assert violations == [*account.ledger.violations()]
