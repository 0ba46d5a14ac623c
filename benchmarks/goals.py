"""What this package promises of its speed: ratios within one run, so that the machine matters little."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.broadcasting import PEER, QUEUES, heard_by, unread
from benchmarks.dropping import BY_HAND, CONFLATED, DROPS, ROOM
from benchmarks.everyday import ITEM_BY_ITEM, WAITS
from benchmarks.gathering import ONE_BY_ONE, SIZES, collected
from benchmarks.importing import IMPORT
from benchmarks.memory import IDLE
from benchmarks.ordering import HEAP, ORDERED, ORDERED_NOWAIT
from benchmarks.results import Results
from benchmarks.selecting import IDIOM, PLAIN, TIDY, select_of
from benchmarks.threads import (
    BETWEEN_TASKS,
    CULSANS,
    JANUS,
    QUEUE,
    loop_to_loop,
    threads_only,
    to_task,
    to_thread,
)
from benchmarks.watching import (
    CACHE,
    CONDITION,
    QUEUE_AND_FUTURE,
    READERS,
    ROUND_TRIP,
    SET,
    TWO_CHANNELS,
    telling,
    waking,
)
from tools.peers import COROUTINES, FUTURES, HANDLES, OLD, OURS, STDLIB

Figure = Callable[[Results], float]
"""It raises LookupError where something was not measured."""


@dataclass(frozen=True, slots=True)
class Goal:
    title: str
    figure: Figure
    sign: str
    floor: float
    """Must hold."""
    aim: float
    """Would be good."""

    def bound(self, value: float) -> str:
        return f"{self.sign} {value:,g}"

    def verdict(self, value: float, bound: float) -> str:
        return "met" if (value <= bound if self.sign == "≤" else value >= bound) else "MISSED"


def _faster(peer: str, workload: str) -> Figure:
    return lambda results: results.ratio(workload, peer, OURS)


def _over(reference: str, workload: str, subject: str = OURS) -> Figure:
    return lambda results: results.ratio(workload, subject, reference)


def _per_wait(results: Results) -> float:
    return results.cost("1 to 1, maxsize 1", OURS) / results.cost(WAITS, OURS) / results.cost("one wait", FUTURES)


def _growth(results: Results, workload: str, subject: str) -> float:
    return results.cost(f"{workload}: 40,000", subject) / results.cost(f"{workload}: 4,000", subject)


def _shuffled(results: Results) -> float:
    """Compare with bare futures, since many tasks in no order miss the processor's caches whoever made them."""
    return _growth(results, "cancel, shuffled", OURS) / _growth(results, "cancel, shuffled", FUTURES)


def _per_arm(results: Results) -> float:
    two, ten, hundred = (results.cost(select_of(arms, "none"), OURS) for arms in (2, 10, 100))
    return ((hundred - two) / 98) / ((ten - two) / 8)


def _per_unread(results: Results) -> float:
    return (results.cost(unread(1_000), OURS) - results.cost(unread(10), OURS)) / 990


NOWAIT, AWAIT, ITERATE = "put_nowait, get_nowait", "put, get, nobody waits", "async for, nobody waits"
GOALS: Final = [
    Goal("put_nowait, get_nowait: times faster than asyncio.Queue", _faster(STDLIB, NOWAIT), "≥", 1.6, 2.2),
    Goal("put, get, nobody waits: times faster", _faster(STDLIB, AWAIT), "≥", 1.8, 2.1),
    Goal("1 to 1, maxsize 1: times faster", _faster(STDLIB, "1 to 1, maxsize 1"), "≥", 1.7, 1.9),
    Goal("1 to 1, maxsize 100: times faster", _faster(STDLIB, "1 to 1, maxsize 100"), "≥", 1.8, 2.0),
    Goal("1 to 1, maxsize 10: times faster", _faster(STDLIB, "1 to 1, maxsize 10"), "≥", 1.2, 1.6),
    Goal("50 to 50, maxsize 10: times faster", _faster(STDLIB, "50 to 50, maxsize 10"), "≥", 1.0, 1.3),
    Goal("1,000 to 1, maxsize 10: times faster", _faster(STDLIB, "1,000 to 1, maxsize 10"), "≥", 0.9, 1.1),
    Goal("async for: times faster than aiochannel 1.4.1", _faster(OLD, ITERATE), "≥", 1.8, 1.8),
    Goal("cancelling 4,000 gets, shuffled: times faster", _faster(STDLIB, "cancel, shuffled: 4,000"), "≥", 4, 4),
    Goal("cancel in order: 40,000 over 4,000", lambda each: _growth(each, "cancel, in order", OURS), "≤", 1.5, 1.3),
    Goal("cancel shuffled, 40,000 over 4,000, over the same of raw futures", _shuffled, "≤", 1.5, 1.3),
    Goal("bytes of an idle channel", lambda each: each.cost(IDLE, OURS), "≤", 1_050, 1_050),
    Goal("bytes of an idle channel with both handles", lambda each: each.cost(IDLE, HANDLES), "≤", 1_600, 1_536),
    Goal("making it with both handles over making it", _over(OURS, "creation", HANDLES), "≤", 3, 2),
    Goal("ms to import it, asyncio is imported", lambda each: each.cost(IMPORT, OURS), "≤", 20, 10),
    Goal("handles over the channel: put_nowait, get_nowait", _over(OURS, NOWAIT, HANDLES), "≤", 1.05, 1.05),
    Goal("handles over the channel: put, get", _over(OURS, AWAIT, HANDLES), "≤", 1.05, 1.05),
    Goal("handles over the channel: async for", _over(OURS, ITERATE, HANDLES), "≤", 1.05, 1.05),
    Goal("put, get over bare coroutines and a deque", _over(COROUTINES, AWAIT), "≤", 1.5, 1.5),
    Goal("1 to 1, maxsize 1: a wait over a raw future's", _per_wait, "≤", 1.4, 1.4),
    Goal("select of 2, one ready, over a plain get", _over(PLAIN, select_of(2, "one")), "≤", 4, 4),
    Goal("select of 2, both ready, over a plain get", _over(PLAIN, select_of(2, "all")), "≤", 4, 4),
    Goal("select of 2 that waits, over a get that waits", _over(PLAIN, select_of(2, "none")), "≤", 1.6, 1.6),
    Goal("select that waits: an arm of 100 over an arm of 10", _per_arm, "≤", 1.25, 1.1),
    Goal("select of 2, one ready: times faster than asyncio.wait", _faster(IDIOM, select_of(2, "one")), "≥", 5, 5),
    Goal("select of 2 that waits: times faster than asyncio.wait", _faster(IDIOM, select_of(2, "none")), "≥", 5, 5.5),
    Goal("select of 2 that waits: times faster, nothing left", _faster(TIDY, select_of(2, "none")), "≥", 5, 5.5),
    Goal("batches of 64: times faster than item by item", _faster(ITEM_BY_ITEM, "batches of 64, unbounded"), "≥", 3, 3),
    Goal("Watch: ns of a set, nobody waits", lambda each: each.cost(SET, OURS), "≤", 250, 120),
    Goal("Watch: waking 10 readers over setting 10 futures", _over(FUTURES, waking(10)), "≤", 1.35, 1.2),
    Goal("Watch: waking 100 readers over setting 100 futures", _over(FUTURES, waking(100)), "≤", 1.3, 1.2),
    *(
        Goal(f"Watch, {n} readers: times faster than {subject}", _faster(subject, telling(n)), "≥", 1.2, 2)
        for n in READERS
        for subject in (CONDITION, CACHE)
    ),
    Goal("Call: a round trip over one over two channels", _over(TWO_CHANNELS, ROUND_TRIP), "≤", 1.35, 1.35),
    Goal("Call: times faster than asyncio.Queue with a Future", _faster(QUEUE_AND_FUTURE, ROUND_TRIP), "≥", 0.75, 1),
    Goal("batches of 64: the same at maxsize 64", _faster(ITEM_BY_ITEM, "batches of 64, maxsize 64"), "≥", 3, 3),
    *(
        Goal(f"{collected(*sizes)}: over by hand", _over(ONE_BY_ONE, collected(*sizes)), "≤", 1.3, 1.0)
        for sizes in SIZES
    ),
    Goal("a put that drops, maxsize 1: times faster than by hand", _faster(BY_HAND, CONFLATED), "≥", 1.3, 1.5),
    Goal("a put that drops, maxsize 100: times faster than by hand", _faster(BY_HAND, DROPS), "≥", 1.3, 1.5),
    Goal("PriorityChannel over asyncio.PriorityQueue: put, get", _over(HEAP, ORDERED), "≤", 1.4, 1.2),
    Goal("PriorityChannel over asyncio.PriorityQueue: nowait", _over(HEAP, ORDERED_NOWAIT), "≤", 1.4, 1.2),
    Goal("a put that drops over one that has room", _over(ROOM, CONFLATED), "≤", 3.5, 2.5),
    *(
        Goal(
            f"broadcast to {number:,}, maxsize {maxsize}: times faster than {title}",
            _faster(peer, workload),
            "≥",
            *both,
        )
        for number in (10, 100)
        for maxsize, title, peer, both in (
            (100, "a list of Queues", QUEUES, (2.0, 2.5)),
            (100, "frequenz-channels", PEER, (1.8, 2.5)),
            (1, "a list of Queues", QUEUES, (1.1, 1.3)),
        )
        for workload in [heard_by(number, maxsize)]
    ),
    Goal("ns of a put for each subscriber that does not read", _per_unread, "≤", 70, 70),
    *(
        Goal(f"{workload}: times faster than {peer}", _faster(peer, workload), "≥", *both)
        for maxsize, peers in (
            (1, ((JANUS, (1.0, 2.0)), (CULSANS, (1.0, 2.0)))),
            (100, ((JANUS, (4.0, 6.0)), (CULSANS, (1.3, 1.8)))),
        )
        for workload in (to_task(maxsize), to_thread(maxsize))
        for peer, both in peers
    ),
    *(
        Goal(f"{threads_only(pairs, size)}: times faster than queue.Queue", _faster(QUEUE, workload), "≥", *both)
        for pairs, size, both in (
            (1, 1, (1.0, 1.4)),
            (1, 10, (0.8, 1.0)),
            (1, 100, (1.0, 1.4)),
            (1, 0, (1.0, 1.4)),
            (4, 1, (0.6, 0.8)),
        )
        for workload in [threads_only(pairs, size)]
    ),
    *(
        Goal(f"{loop_to_loop(size)}: times faster than culsans", _faster(CULSANS, loop_to_loop(size)), "≥", 1.3, 1.8)
        for size in (1, 100, 0)
    ),
    Goal(f"{BETWEEN_TASKS}: over asyncio.Queue", _over(STDLIB, BETWEEN_TASKS), "≤", 2.0, 1.0),
]
