"""Tables from results, in Markdown, and the page made of them."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.broadcasting import QUEUES, heard_by
from benchmarks.dropping import BY_HAND, CONFLATED, ROOM
from benchmarks.goals import AWAIT, GOALS, NOWAIT, Goal
from benchmarks.measuring import GROWTH, IMPORTS, MEMBERS, MEMORY, SELECT, TASKS, THREADS
from benchmarks.results import Results
from benchmarks.selecting import IDIOM, PLAIN, select_of
from benchmarks.threads import CULSANS, JANUS, to_task
from benchmarks.watching import TWO_CHANNELS
from tools.peers import COROUTINES, FUTURES, HANDLES, OURS, STDLIB, TRIO

LEVEL: Final = 1.05
"""A difference smaller than this is no difference."""
OTHER_KINDS: Final = {OURS, HANDLES, TRIO, COROUTINES, FUTURES, PLAIN, ROOM, TWO_CHANNELS}
"""These are no peers on the same event loop."""
WORDS: Final = {"for", "unit", "beside", "subject", "version", "peer", "why"}
"""Heads of columns that have no figures."""


class Line(NamedTuple):
    """What somebody does today, and the workload that shows how much faster it gets."""

    now: str
    what: str
    peer: str
    workload: str


GLANCE: Final = [
    Line("asyncio.Queue", "put and get, nobody waits", STDLIB, AWAIT),
    Line("asyncio.Queue", "a producer and a consumer, maxsize 100", STDLIB, "1 to 1, maxsize 100"),
    Line("anyio memory streams", "a producer and a consumer, maxsize 100", "anyio", "1 to 1, maxsize 100"),
    Line("asyncio.wait over queues", "the first item of two channels, as `select`", IDIOM, select_of(2, "none")),
    Line("a list of asyncio.Queues", "each item to 10 readers, as `Broadcast`", QUEUES, heard_by(10, 100)),
    Line("a full asyncio.Queue, emptied by hand", "the latest item only, as `Overflow`", BY_HAND, CONFLATED),
    Line("janus", "a thread to a task, maxsize 100, as `ThreadChannel`", JANUS, to_task(100)),
    Line("culsans", "a thread to a task, maxsize 100, as `ThreadChannel`", CULSANS, to_task(100)),
]

EVERY_PYTHON: Final = [NOWAIT, AWAIT, *(f"1 to 1, maxsize {size}" for size in (1, 10, 100)), "50 to 50, maxsize 10"]

WHY: Final = {
    "1 to 1, rendezvous": "its channel is callbacks, and wakes both sides in one turn of the loop",
    "1,000 to 1": "a put is granted to the first sender that waits; a queue lets whoever runs next have the slot",
    "1 to 1,000": "each item is promised to the first receiver that waits; a queue lets whoever runs next have it",
    "50 to 50": "strict order costs a turn of the loop where a queue lets the running task go ahead",
    "cancel": "a waiter has to be found and marked; the costs are those of the tasks",
    "timeout": "a waiter has to be found and marked; the costs are those of the tasks",
    "close": "every waiter gets an exception of its own that names the channel",
    "wake": "each item is promised to its receiver before it runs",
    "within a time": "each put looks whether it is for the batch that waits, and lets other tasks run now and then",
    "1 to 1 threads": "strict order costs a switch of threads where a lock lets the running thread go ahead",
    "4 to 4 threads": "strict order costs a switch of threads where a lock lets the running thread go ahead",
    "ThreadChannel: put": "every call takes a lock",
    "put_nowait that is dropped": "it looks at the loop first, and counts what it drops",
    "broadcast, maxsize 1": "it never waits: its subscribers are held to no maxsize, and lose items",
    "broadcast, nobody reads": "a put looks at where the slowest subscriber is",
    "put": "a place in the order is made of the priority and a count",
    "Watch": "a reader that leaves must not stay behind, and a value is told apart from the next one",
    "Call": "a request that is dropped must be answered too, which costs a finalizer",
}


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [list(heads), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [not place or head in WORDS for place, head in enumerate(heads)]
    rows.insert(
        1, ["-" * width if left else "-" * (width - 1) + ":" for left, width in zip(words, widths, strict=True)]
    )
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, left, width in zip(row, words, widths, strict=True)
        )
        + " |"
        for row in rows
    )


def shown(figure: Callable[[], float]) -> str:
    """Return the figure as text, or a dash if it was not measured."""
    try:
        value = figure()
    except (LookupError, ZeroDivisionError):
        return "-"
    return f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:,.2f}"


def times(run: Results, workload: str, subject: str) -> str:
    """Return how many times as much as this package a subject takes."""
    ratio = partial(run.ratio, workload, subject, OURS)
    text = shown(ratio)
    return "level" if text != "-" and 1 / LEVEL < ratio() < LEVEL else text


def measured(run: Results, group: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the workloads of a group, each with its subjects beside this package."""
    for name in run.groups.get(group, ()):
        if OURS in run.samples[name]:
            yield name, [subject for subject in run.samples[name] if subject != OURS]


def glance(run: Results, lines: Iterable[Line] = GLANCE) -> str:
    rows = [
        (line.now, line.what, times(run, line.workload, line.peer))
        for line in lines
        if line.peer in run.samples.get(line.workload, ())
    ]
    return table(["what you use now", "for", "times faster"], rows)


def tasks(run: Results) -> str:
    """Return a row for each workload between tasks, and a column for each peer in multiples of our cost."""
    names = [name for name, _ in measured(run, TASKS) if STDLIB in run.samples[name] or HANDLES in run.samples[name]]
    subjects = [subject for subject in run.versions if subject != OURS]
    lines = [
        (
            name,
            shown(partial(run.cost, name, OURS)),
            *(times(run, name, subject) for subject in subjects),
        )
        for name in names
    ]
    return table(["", f"{OURS}, ns", *subjects], lines)


def beside(run: Results, group: str) -> str:
    """Return a row for each workload of a group and each subject beside this package."""
    lines = [
        (
            name,
            run.units[name],
            shown(partial(run.cost, name, OURS)),
            subject,
            shown(partial(run.cost, name, subject)),
            times(run, name, subject),
        )
        for name, subjects in measured(run, group)
        for subject in subjects
    ]
    return table(["", "unit", OURS, "beside", "its", "times as much"], lines)


def pythons(runs: Sequence[Results]) -> str:
    """Return how many times faster than asyncio.Queue this package is, by Python and event loop."""
    lines = [
        (run.run, *(times(run, name, STDLIB) for name in EVERY_PYTHON)) for run in sorted(runs, key=lambda run: run.run)
    ]
    return table(["times faster than asyncio.Queue", *EVERY_PYTHON], lines)


def verdicts(run: Results, goals: Iterable[Goal] = GOALS) -> str:
    lines: list[Sequence[str]] = []
    for goal in goals:
        value = shown(partial(goal.figure, run))
        floor, aim = ("" if value == "-" else goal.verdict(goal.figure(run), bound) for bound in (goal.floor, goal.aim))
        lines.append((goal.title, value, goal.bound(goal.floor), floor, goal.bound(goal.aim), aim))
    return table(["ratio within one run", "value", "floor", "", "goal", ""], lines)


def memory(run: Results) -> str:
    names = run.groups.get(MEMORY, [])
    lines = [(subject, *(shown(partial(run.cost, name, subject)) for name in names)) for subject in run.versions]
    return table(["", *names], [line for line in lines if {*line[1:]} != {"-"}])


def growth(run: Results) -> str:
    names = run.groups.get(GROWTH, [])
    sizes = dict.fromkeys(name.partition(": ")[2] for name in names)
    pairs = sorted({(name.partition(": ")[0], subject) for name in names for subject in run.samples[name]})
    lines = [
        (kind, subject, *(shown(partial(run.cost, f"{kind}: {size}", subject)) for size in sizes))
        for kind, subject in pairs
    ]
    return table(["ns a waiter, of so many", "subject", *sizes], lines)


def beaten(run: Results, unit: str = "ns", others: Collection[str] = OTHER_KINDS, whys: Mapping[str, str] = WHY) -> str:
    """Return where a peer is faster, and why: of the workloads whose unit begins so."""
    lines: list[Sequence[str]] = []
    for name, subjects in run.samples.items():
        if not run.units[name].startswith(unit) or OURS not in subjects or name in run.groups.get(MEMORY, ()):
            continue
        why = next((why for start, why in whys.items() if name.startswith(start)), "")
        lines += [
            (name, subject, f"{run.ratio(name, OURS, subject):.2f}", why)
            for subject in subjects
            if subject not in others and run.ratio(name, OURS, subject) > LEVEL
        ]
    if not lines:
        return "No peer on the same event loop is faster by more than 5% anywhere."
    return table(["", "peer", "times as fast", "why"], lines)


def left_out(run: Results) -> str:
    return "\n".join(f"- {what} {why}" for what, why in run.missing.items()) or "None."


def about(runs: Sequence[Results]) -> str:
    made = "; ".join(f"CPython {run.run}, {run.rounds} rounds" for run in runs)
    return (
        f"Machine: {runs[0].machine}; a shared virtual machine, so only ratios within a run count. Runs: {made}. The "
        "tables are of the first of these unless they say otherwise. A figure is the median over the rounds of some "
        "processes; a difference below 5% is called level."
    )


def parts(runs: Sequence[Results]) -> dict[str, str]:
    first = runs[0]
    versions = [(subject, version) for subject, version in first.versions.items() if version]
    return {
        "glance": glance(first),
        "tasks": tasks(first),
        "pythons": pythons(runs),
        "select": beside(first, SELECT),
        "members": beside(first, MEMBERS),
        "threads": beside(first, THREADS),
        "memory": memory(first),
        "imports": beside(first, IMPORTS),
        "growth": growth(first),
        "beaten": beaten(first),
        "goals": verdicts(first),
        "runs": f"{about(runs)}\n\n{table(['subject', 'version'], versions)}",
        "missing": "\n\n".join(f"CPython {run.run}:\n\n{left_out(run)}" for run in runs),
    }


def summary(run: Results) -> str:
    return "\n\n".join(parts([run]).values())


def write_page(tables: Mapping[str, str], page: Path) -> None:
    """Write each table between its two marks; the rest of the page is written by hand."""
    text = page.read_text(encoding="utf-8")
    for name, made in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("\n<!-- end -->")
        if not end:
            raise ValueError(f"{page} has no {name}")
        text = f"{before}{begin}\n{made}\n{end}{after}"
    page.write_text(text, encoding="utf-8")


def write_data(runs: Sequence[Results], path: Path, run_is: str = "python, loop") -> None:
    """Write every median, with the least and the greatest sample."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([run_is, "workload", "subject", "unit", "median", "least", "greatest", "samples"])
        for run in runs:
            for name, subjects in run.samples.items():
                for subject, samples in subjects.items():
                    figures = [f"{value:.5g}" for value in (run.cost(name, subject), min(samples), max(samples))]
                    rows.writerow([run.run, name, subject, run.units[name], *figures, len(samples)])
