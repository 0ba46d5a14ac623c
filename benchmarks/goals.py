"""What this package promises of its speed: ratios within one run, so that the machine matters little."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.counting import waits
from benchmarks.memory import IDLE
from benchmarks.results import Results
from benchmarks.selecting import IDIOM, PLAIN, TIDY, all_ready, blocking, one_ready
from benchmarks.subjects import COROUTINES, FUTURES, HANDLES, OLD, OURS, STDLIB, TRIO

NOISE: Final = 1.05

Figure = Callable[[Results], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    title: str
    figure: Figure
    floor: float
    """Must hold."""
    aim: float
    """Would be good."""
    at_most: bool = False

    def bound(self, value: float) -> str:
        return f"{'≤' if self.at_most else '≥'} {value:,g}"

    def met(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


def _faster_than(peer: str, workload: str, size: int = 0) -> Figure:
    return lambda results: results.ratio(workload, peer, OURS, size)


def _cost_over(reference: str, workload: str) -> Figure:
    return lambda results: results.ratio(workload, OURS, reference)


def _handles(workload: str) -> Figure:
    return lambda results: results.ratio(workload, HANDLES, OURS)


def _per_wait(results: Results) -> float | None:
    cost, wait = results.best("1 to 1, maxsize 1", OURS), results.best("one wait", FUTURES)
    each = results.counts.get(waits(OURS))
    return None if cost is None or wait is None or not each else cost / each / wait


def _growth(workload: str, subject: str, low: int, high: int) -> Figure:
    def figure(results: Results) -> float | None:
        first, last = results.best(workload, subject, low), results.best(workload, subject, high)
        return None if first is None or last is None else last / first

    return figure


def _beside_futures(workload: str, low: int, high: int) -> Figure:
    """Compare with bare futures, since many tasks in no order miss the processor's caches whoever made them."""

    def figure(results: Results) -> float | None:
        ours = _growth(workload, OURS, low, high)(results)
        bare = _growth(workload, FUTURES, low, high)(results)
        return None if ours is None or bare is None else ours / bare

    return figure


def _per_arm(kind: Callable[[int], str]) -> Figure:
    def figure(results: Results) -> float | None:
        two, ten, hundred = (results.best(kind(arms), OURS) for arms in (2, 10, 100))
        return None if two is None or ten is None or hundred is None else ((hundred - two) / 98) / ((ten - two) / 8)

    return figure


def _idle(results: Results) -> float | None:
    return results.best(IDLE, OURS)


def _batch(workload: str) -> Figure:
    return lambda results: results.ratio(workload, "item by item", OURS)


GOALS: Final = [
    Goal(
        "put_nowait, get_nowait: times faster than asyncio.Queue",
        _faster_than(STDLIB, "put_nowait, get_nowait"),
        1.6,
        1.8,
    ),
    Goal("put, get, nobody waits: times faster", _faster_than(STDLIB, "put, get, nobody waits"), 1.8, 2.0),
    Goal("1 to 1, maxsize 1: times faster", _faster_than(STDLIB, "1 to 1, maxsize 1"), 1.7, 1.9),
    Goal("1 to 1, maxsize 100: times faster", _faster_than(STDLIB, "1 to 1, maxsize 100"), 1.8, 2.0),
    Goal("50 to 50, maxsize 10: times faster", _faster_than(STDLIB, "50 to 50, maxsize 10"), 1.0, 1.2),
    Goal("async for: times faster than aiochannel 1.4.1", _faster_than(OLD, "async for, nobody waits"), 1.8, 1.8),
    Goal(
        "cancelling 4,000 waiting gets, shuffled: times faster", _faster_than(STDLIB, "cancel, shuffled", 4_000), 4, 4
    ),
    Goal(
        "cancel in order: 40,000 over 4,000", _growth("cancel, in order", OURS, 4_000, 40_000), 1.5, 1.3, at_most=True
    ),
    Goal(
        "cancel shuffled, 40,000 over 4,000, over the same of raw futures",
        _beside_futures("cancel, shuffled", 4_000, 40_000),
        1.5,
        1.3,
        at_most=True,
    ),
    Goal("bytes of an idle channel", _idle, 1_300, 1_300, at_most=True),
    Goal(
        "handles over the channel: put_nowait, get_nowait", _handles("put_nowait, get_nowait"), 1.05, 1.05, at_most=True
    ),
    Goal("handles over the channel: put, get", _handles("put, get, nobody waits"), 1.05, 1.05, at_most=True),
    Goal("handles over the channel: async for", _handles("async for, nobody waits"), 1.05, 1.05, at_most=True),
    Goal(
        "put, get over bare coroutines and a deque",
        _cost_over(COROUTINES, "put, get, nobody waits"),
        1.5,
        1.5,
        at_most=True,
    ),
    Goal("1 to 1, maxsize 1: a wait over a raw future's", _per_wait, 1.4, 1.4, at_most=True),
    Goal("select of 2, one ready, over a plain get", _cost_over(PLAIN, one_ready(2)), 4, 4, at_most=True),
    Goal("select of 2, both ready, over a plain get", _cost_over(PLAIN, all_ready(2)), 4, 4, at_most=True),
    Goal("select of 2 that waits, over a get that waits", _cost_over(PLAIN, blocking(2)), 1.6, 1.6, at_most=True),
    Goal("select that waits: an arm of 100 over an arm of 10", _per_arm(blocking), 1.25, 1.1, at_most=True),
    Goal("select of 2, one ready: times faster than asyncio.wait", _faster_than(IDIOM, one_ready(2)), 5, 5),
    Goal("select of 2 that waits: times faster than asyncio.wait", _faster_than(IDIOM, blocking(2)), 5, 5),
    Goal("select of 2 that waits: times faster than the same with nothing left", _faster_than(TIDY, blocking(2)), 5, 5),
    Goal("batches of 64: times faster than item by item, unbounded", _batch("batches of 64, unbounded"), 3, 3),
    Goal("batches of 64: the same at maxsize 64", _batch("batches of 64, maxsize 64"), 3, 3),
]


def losses(results: Results) -> list[tuple[str, str, float]]:
    """Return where a peer on the same event loop is faster by more than noise: workload, peer, our cost over its."""
    found: list[tuple[str, str, float]] = []
    for row in results.rows:
        if not row.samples or row.subject not in results.versions or not row.unit.startswith("ns"):
            continue
        if row.subject in {OURS, HANDLES, TRIO, COROUTINES, FUTURES}:
            continue
        best = results.ratio(row.workload, OURS, row.subject, row.size)
        middle = results.median(row.workload, OURS, row.size)
        if best is not None and middle is not None and min(best, middle / median(row.samples)) > NOISE:
            found.append((f"{row.workload}{f', {row.size:,} waiters' if row.size else ''}", row.subject, best))
    return found
