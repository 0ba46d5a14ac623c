"""What remote channels promise of their speed."""

from typing import Final

from benchmarks.goals import Figure, Goal
from benchmarks.remote.plans import BLMPOP, BRPOP, OURS, STREAMS, STREAMS_ONE
from benchmarks.remote.workloads import SHARES, SLOT, batches, memory_of, one_by_one, opened, paced, shared


def _faster(workload: str, peer: str) -> Figure:
    return lambda results: results.ratio(workload, peer, OURS)


def _of(workload: str) -> Figure:
    return lambda results: results.cost(workload, OURS)


def _per_second(workload: str) -> Figure:
    return lambda results: 1e6 / results.cost(workload, OURS)


OVER_IDEAL, LEAST, MOST = map(shared, SHARES)
GOALS: Final = [
    Goal("batches of 64: speed over lists, BLMPOP", _faster(batches("50 B"), BLMPOP), "≥", 0.75, 0.9),
    Goal("one by one: speed over lists, BRPOP", _faster(one_by_one("50 B"), BRPOP), "≥", 0.6, 0.75),
    Goal("batches of 64: speed over streams, 64 at a time", _faster(batches("50 B"), STREAMS), "≥", 3.3, 3.3),
    Goal("one by one: speed over streams, one at a time", _faster(one_by_one("50 B"), STREAMS_ONE), "≥", 1.6, 1.6),
    Goal(
        "300 a second: p50 over that of lists, BRPOP",
        lambda results: results.ratio(paced("p50"), OURS, BRPOP),
        "≤",
        1.5,
        1.2,
    ),
    Goal("16 senders, one slot: items a second", _per_second(SLOT), "≥", 2_000, 2_000),
    Goal("4 workers of 5 ms: time over the ideal one", _of(OVER_IDEAL), "≤", 1.25, 1.25),
    Goal("4 workers of 5 ms: least of one, of a fair share", _of(LEAST), "≥", 0.9, 0.95),
    Goal("4 workers of 5 ms: most of one, of a fair share", _of(MOST), "≤", 1.1, 1.05),
    Goal("1,000 channels: connections", _of(opened(1_000, "connections")), "≤", 2, 2),
    Goal("1,000 idle channels: % of a core, process", _of(opened(1_000, "client_idle")), "≤", 3, 2),
    Goal("1,000 idle channels: % of a core, server", _of(opened(1_000, "server_idle")), "≤", 3, 2),
    Goal("1,000 channels: bytes of each on the server", _of(opened(1_000, "server_bytes")), "≤", 1_000, 1_000),
    Goal("an item of 56 bytes: bytes on the server, batches of 64", _of(memory_of(64)), "≤", 100, 80),
]
