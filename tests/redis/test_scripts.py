"""The scripts do what the model does, and what the model has no word for."""

from collections.abc import Callable
from contextlib import closing
from itertools import count

import pytest
from hypothesis.stateful import run_state_machine_as_test

from aiochannel.redis.scripts import PRELUDE, SCRIPTS, load
from tests.redis.checks import CHECKS
from tests.redis.client import Client
from tests.redis.machine import CHECK, ScriptMachine
from tests.redis.subject import Subject
from tests.servers import Server

NAMES = count()


def test_scripts_do_what_the_model_does(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptMachine, "server", server, raising=False)
    run_state_machine_as_test(ScriptMachine, settings=CHECK)


@pytest.mark.parametrize("check", CHECKS, ids=lambda each: each.__name__)
def test_scripts(server: Server, check: Callable[[Subject], None]) -> None:
    with closing(Client(server.socket)) as client, closing(Client(server.socket)) as ears:
        subject = Subject(client, ears, f"check-{next(NAMES)}")
        subject.load()
        check(subject)


def test_script_has_only_what_it_uses_of_the_prelude() -> None:
    blocks = [
        "local a = 1",
        "local function one() end",
        "-- About it.\nlocal function two() one() end",
        "local function no() end",
    ]
    found = load("\n\n".join(blocks), f"#!lua\n{PRELUDE}two()\n")
    assert "\n".join(["#!lua", *blocks[:3], "two()\n"]).encode() == found.text


def test_only_scripts_that_store_need_memory() -> None:
    assert {"put", "revive"} == {name for name, script in SCRIPTS.items() if script.text.startswith(b"#!lua\n")}
