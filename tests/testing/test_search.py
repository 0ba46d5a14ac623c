"""The search over schedules, on games that are no programs."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from aiochannel.testing import Run, explore
from aiochannel.testing.search import (
    Choose,
    Deviating,
    Diverged,
    Priorities,
    Script,
    by_deviations,
    depth_first,
    shortest,
)  # fmt: skip


class Letters:
    """Letters are drawn until none is left, the first of the alphabet by default."""

    def __init__(self, letters: str) -> None:
        self.left = letters
        self.drawn = ""

    def options(self) -> Sequence[str]:
        return [f"draw {letter}" for letter in self.left]

    def mark(self) -> int:
        return len(self.left)


def play(choose: Choose) -> str:
    game = Letters("abcd")
    while game.left:
        letter = choose(game)[-1]
        game.left = game.left.replace(letter, "")
        game.drawn += letter
    return game.drawn


def test_both_orders_play_every_schedule_once() -> None:
    fewest = [drawn for _, drawn in by_deviations(play)]
    deepest = [drawn for _, drawn in depth_first(play)]
    assert 24 == len(fewest) == len(set(fewest))
    assert sorted(fewest) == sorted(deepest)


def test_the_fewest_deviations_come_first() -> None:
    counts = [len(script.deviations) for script, _ in by_deviations(play)]
    assert sorted(counts) == counts
    assert [1, 6, 11, 6] == [counts.count(number) for number in range(4)]


def test_a_schedule_is_its_deviations() -> None:
    for script, drawn in by_deviations(play):
        choose = Deviating(dict(script.deviations))
        assert drawn == play(choose)
        assert dict(script.deviations) == choose.deviations


def test_what_cannot_be_decided_is_refused_or_left_out() -> None:
    with pytest.raises(Diverged, match="at point 1 'draw a' is not one of draw b, draw c, draw d"):
        play(Deviating({1: "draw a"}))
    choose = Deviating({0: "draw c", 1: "draw c", 2: "draw d"}, strict=False)
    assert "cadb" == play(choose)
    assert {0: "draw c", 2: "draw d"} == choose.deviations


def test_an_offer_that_is_gone_is_noticed() -> None:
    script = Script(["draw a", "draw b"], [4, 3], ["draw b", "draw e"])
    with pytest.raises(Diverged, match="at point 1 'draw e' could be decided before, and cannot now"):
        play(script)


def test_a_game_that_stands_otherwise_is_noticed() -> None:
    with pytest.raises(Diverged, match="at point 1 it stood otherwise before the same decisions were taken again"):
        play(Script(["draw a", "draw b", "draw c"], [4, 2, 1]))


def test_priorities_reach_every_order_and_say_how() -> None:
    source = Random(0)
    orders = set()
    for _ in range(500):
        choose = Priorities(source, 4, "draw d", 1)
        drawn = play(choose)
        orders.add(drawn)
        assert drawn == play(Deviating(choose.deviations))
    assert 24 == len(orders)


def test_what_is_rare_comes_at_the_end_if_there_is_nothing_else() -> None:
    assert {"d"} == {play(Priorities(Random(seed), 4, "draw d", 0))[-1] for seed in range(20)}


def test_what_need_not_be_there_is_left_out() -> None:
    tries: list[Sequence[int]] = []

    def fails(items: Sequence[int]) -> bool:
        tries.append(items)
        return {3, 7} <= set(items)

    assert [3, 7] == shortest(range(10), fails)
    assert [] == shortest([], fails)
    assert len(tries) < 60


def test_a_set_of_futures_has_one_order() -> None:
    orders: set[tuple[int, ...]] = set()

    def program(run: Run) -> None:
        async def work() -> None:
            loop = asyncio.get_running_loop()
            futures = [loop.create_future() for _ in range(20)]
            tasks = [loop.create_task(run.outside(None, "x")) for _ in range(20)]
            kept = futures + [object()] * (len(orders) % 3)  # other addresses
            orders.add(tuple(futures.index(each) for each in set(futures)) + tuple(map(tasks.index, set(tasks))))
            await asyncio.gather(*tasks)
            assert kept

        run.actor("A", work)

    explore(program, budget=20)
    assert 1 == len(orders)
