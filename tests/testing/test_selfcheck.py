"""The explorer is held to itself, and a fault in the explorer is noticed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from unittest.mock import patch

import pytest

from aiochannel.testing import Run, explore, replay
from aiochannel.testing.loops import _Ready
from aiochannel.testing.plays import Play, _Over
from aiochannel.testing.search import Diverged
from tests.testing.selfcheck import check


def no_outcome_is_lost() -> None:
    assert check(range(15), 120).programs > 0


def handles_run_first_in_first_out() -> None:
    order: list[str] = []

    def program(run: Run) -> None:
        async def begin() -> None:
            order.clear()
            loop = asyncio.get_running_loop()
            for name in "abc":
                loop.call_soon(order.append, name)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        run.actor("A", begin)
        run.at_rest(lambda: order == ["a", "b", "c"])

    assert explore(program, cancellations=0).failure is None


def time_moves_between_iterations_only() -> None:
    def program(run: Run) -> None:
        times: list[float] = []

        async def begin() -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(5, int)
            for _ in range(3):
                loop.call_soon(lambda: times.append(loop.time()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        run.actor("A", begin)
        run.at_rest(lambda: len(set(times)) == 1)

    report = explore(program, cancellations=0)
    assert report.failure is None
    assert report.schedules > 1


def what_differs_from_run_to_run_is_said() -> None:
    runs = count()

    def program(run: Run) -> None:
        for name in "AB"[: 1 + (next(runs) == 0)]:
            run.actor(name, lambda: asyncio.sleep(0))

    failure = explore(program).failure
    assert failure is not None
    assert failure.findings[0].startswith("it does not run the same way twice: at point 0 'start B'")


CHECKS = [
    no_outcome_is_lost, handles_run_first_in_first_out, time_moves_between_iterations_only,
    what_differs_from_run_to_run_is_said,
]  # fmt: skip


@pytest.mark.parametrize("holds", CHECKS)
def test_it_holds(holds: Callable[[], None]) -> None:
    holds()


def _pop_last(ready: _Ready) -> asyncio.Handle:
    ready.play.before_handle()
    return ready.pop()


def _always_the_end(_: Play) -> bool:
    return True


def _cut_always(self: Play) -> None:
    if self._offer is not None:
        self._offer[1:] = [option for option in self._offer[1:] if not self._only_appends(option)]
    self._offer = None


def _cut_everything(_: Play, option: str) -> bool:
    return True


def _do_not_say(self: Play) -> None:
    with suppress(_Over, Diverged):
        self.loop.run_forever()


MUTANTS: dict[str, tuple[Callable[[], None], object, str, object]] = {
    "last in, first out": (handles_run_first_in_first_out, _Ready, "popleft", _pop_last),
    "the clock at any handle": (
        time_moves_between_iterations_only, Play, "_boundary", property(_always_the_end, lambda *_: None),
    ),
    "the cut without its condition": (no_outcome_is_lost, Play, "_look", _cut_always),
    "the cut of what does more than append": (no_outcome_is_lost, Play, "_only_appends", _cut_everything),
    "divergence unsaid": (what_differs_from_run_to_run_is_said, Play, "_go", _do_not_say),
}  # fmt: skip


def is_noticed(name: str) -> bool:
    """Return whether the check that should see a fault does."""
    holds, owner, attribute, fault = MUTANTS[name]
    with patch.object(owner, attribute, fault, create=True):
        try:
            holds()
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_in_the_explorer_is_noticed(name: str) -> None:
    assert is_noticed(name)


def test_a_schedule_is_found_again_in_another_process() -> None:
    """The schedule of a fault does not depend on addresses, as the order of a set of tasks does."""

    def program(run: Run) -> None:
        order: list[str] = []

        async def child(name: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                order.append(name)

        async def parent() -> None:
            async with asyncio.TaskGroup() as tasks:
                for name in "abcdefgh":
                    tasks.create_task(child(name))

        run.actor("A", parent)
        run.event("check", lambda: None)
        run.at_rest(lambda: order == [])

    failures = [explore(program, cancellations=1).failure for _ in range(3)]
    assert failures[0] is not None
    assert [failures[0]] * 3 == failures
    assert failures[0] == replay(program, failures[0].schedule).failure
