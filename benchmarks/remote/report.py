"""Tables of remote channels, in Markdown, from results."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.remote.goals import GOALS
from benchmarks.remote.peers import SUBJECTS
from benchmarks.remote.plans import BLMPOP, BRPOP, OURS, STREAMS
from benchmarks.remote.workloads import (
    BOUNDED,
    CHANNEL_FIGURES,
    CPU,
    CROWD,
    LATENCY,
    MEMORY,
    NOWAIT,
    NUMBERS,
    PACED,
    SPEED,
    TASKS,
    batches,
    one_by_one,
    opened,
    paced,
)
from benchmarks.report import Line, beaten, glance, left_out, measured, shown, table, times, verdicts
from benchmarks.results import Results

GLANCE: Final = [
    Line("redis-py, LPUSH and BLMPOP", "batches of 64", BLMPOP, batches("50 B")),
    Line("redis-py, LPUSH and BRPOP", "one by one", BRPOP, one_by_one("50 B")),
    Line("redis-py, XADD and XREADGROUP", "batches of 64", STREAMS, batches("50 B")),
    Line("taskiq on a stream", "one by one, a job that returns nothing", "taskiq, stream", one_by_one("50 B")),
    Line("saq", "the same", "saq", one_by_one("50 B")),
]
EVERY_SERVER: Final = {
    batches("50 B"): BLMPOP,
    batches("1 KB"): BLMPOP,
    batches("64 KB"): BLMPOP,
    one_by_one("50 B"): BRPOP,
    TASKS: BLMPOP,
    NOWAIT: BLMPOP,
    BOUNDED: BLMPOP,
    paced("p50"): BRPOP,
}
WHY: Final = {
    BOUNDED: "a put waits for room, and what waits is woken by the server",
    batches("64 KB"): "each item is a flight of its own, with a round trip, where a list takes 64 in one call",
    "batches": "a list has no capacity, no close, and forgets an item that a crashed process had taken",
    "one by one": "a put is a script that counts and wakes; LPUSH only pushes, and BRPOP takes without a receipt",
    TASKS: "each put wakes a task of its own, where a list has 64 connections that push at once",
    NOWAIT: "the items of an outbox travel in flights, each answered before the next",
    PACED: "an item comes with a push and a second round trip; BRPOP has the item in its first reply",
}


def per_second(run: Results, workload: str, subject: str) -> str:
    return shown(lambda: round(1e6 / run.cost(workload, subject)))


def speed(run: Results) -> str:
    """Return a row for each workload, a column for each subject, in multiples of our time."""
    subjects = [subject for subject in SUBJECTS if subject != OURS]
    lines = [
        (name, per_second(run, name, OURS), *(times(run, name, subject) for subject in subjects))
        for name, _ in measured(run, SPEED)
    ]
    return table(["", f"{OURS}, items/s", *subjects], lines)


def figures(run: Results, group: str) -> str:
    """Return a row for each workload and subject with what it costs."""
    subjects = [name for name in SUBJECTS if any(name in run.samples[each] for each in run.groups.get(group, ()))]
    lines = [
        (name, run.units[name], *(shown(partial(run.cost, name, subject)) for subject in subjects))
        for name in run.groups.get(group, ())
        if run.samples[name]
    ]
    return table(["", "unit", *subjects], lines)


def channels(run: Results) -> str:
    lines = [
        (
            f"{number:,}",
            *(shown(partial(run.cost, opened(number, figure), OURS)) for figure in CHANNEL_FIGURES),
        )
        for number in NUMBERS
        if opened(number, "connections") in run.samples
    ]
    return table(
        [
            "channels of a process",
            "connections",
            "idle process, % of a core",
            "idle server, % of a core",
            "bytes of each, server",
            "bytes of each, process",
            "ms to open all",
        ],
        lines,
    )


def servers(runs: Sequence[Results]) -> str:
    """Return our speed over that of lists, on each server."""
    lines = [(run.run, *(times(run, name, peer) for name, peer in EVERY_SERVER.items())) for run in runs]
    return table(["times as fast as lists", *EVERY_SERVER], lines)


def about(runs: Sequence[Results]) -> str:
    made = "; ".join(f"{run.run}, {run.rounds} rounds" for run in runs)
    return (
        f"Machine: {runs[0].machine}; a shared virtual machine, so only ratios within a round count. Runs: {made}. The "
        "tables are of the first of these unless they say otherwise. A ratio is the median over the rounds of the "
        "ratio within a round; a figure is the median over the rounds; a difference below 5% is called level."
    )


def parts(runs: Sequence[Results]) -> dict[str, str]:
    first = runs[0]
    return {
        "glance": glance(first, GLANCE),
        "speed": speed(first),
        "servers": servers(runs),
        "latency": figures(first, LATENCY),
        "crowd": figures(first, CROWD),
        "channels": channels(first),
        "memory": figures(first, MEMORY),
        "cpu": figures(first, CPU),
        "beaten": beaten(first, "us", (), WHY),
        "goals": "\n\n".join(f"{run.run}:\n\n{verdicts(run, GOALS)}" for run in runs),
        "runs": f"{about(runs)}\n\n{table(['subject', 'version'], first.versions.items())}",
        "missing": "\n\n".join(f"{run.run}:\n\n{left_out(run)}" for run in runs),
    }
