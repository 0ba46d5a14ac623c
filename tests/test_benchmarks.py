"""What may be wrong in a benchmark while its figures look right."""

import asyncio

import pytest

from benchmarks.remote.report import parts
from benchmarks.remote.worker import percentile
from benchmarks.remote.workloads import batches, split
from benchmarks.results import Results, Rounds
from benchmarks.running import Workload, run_all
from tools.peers import OURS, NotOfferedError


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)], ids="{}".format
)
def test_a_percentile_is_the_least_sample_not_below_its_share(share: float, expected: float) -> None:
    assert expected == percentile([*range(100, 0, -1)], share)


def test_a_percentile_of_one_sample_is_that_sample() -> None:
    assert 7 == percentile([7], 0.99)


def results(kind: type[Results]) -> Results:
    samples = {"work": {"slow": [2.0, 30.0, 10.0], OURS: [1.0, 10.0, 10.0]}}
    return kind("machine", "run", 3, {}, samples=samples)


def test_a_ratio_of_rounds_is_the_median_of_neighbours() -> None:
    assert 2.0 == results(Rounds).ratio("work", "slow", OURS)


def test_a_ratio_of_results_is_that_of_medians() -> None:
    assert 1.0 == results(Results).ratio("work", "slow", OURS)


def test_a_subject_that_failed_in_a_later_round_is_compared_in_the_rounds_it_has() -> None:
    run = results(Rounds)
    run.samples["work"]["slow"].pop()
    assert 2.5 == run.ratio("work", "slow", OURS)


async def test_figures_of_one_measurement_stay_together() -> None:
    calls = iter(range(10))

    async def measure() -> dict[str, float]:
        number = next(calls)
        return {"time": number, "cpu": 100 + number}

    time, cpu = split({OURS: measure}, {"time": ("t", "us"), "cpu": ("c", "us")})
    assert [0, 1] == [await time.runs[OURS](), await time.runs[OURS]()]
    assert [100, 101] == [await cpu.runs[OURS](), await cpu.runs[OURS]()]


def test_what_is_not_offered_is_left_out_without_a_word() -> None:
    async def lacks() -> float:
        raise NotOfferedError

    found = results(Rounds)
    run_all(
        [Workload("a: b", {"peer": lacks}), Workload("a: c", {"peer": lacks})],
        found,
        lambda _, run: asyncio.run(run()),
        share=1e-9,  # of which nothing is left after the first
    )
    assert ({}, {}, {}) == (found.samples["a: b"], found.samples["a: c"], found.missing)


def test_a_table_of_nothing_measured_has_dashes() -> None:
    run = Rounds(
        "machine", "run", 1, {OURS: "1"}, {batches("50 B"): "us an item"}, samples={batches("50 B"): {OURS: [1.0]}}
    )
    assert "-" in parts([run])["goals"]
