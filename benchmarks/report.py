"""Tables from results, in Markdown, and the page made of them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.goals import GOALS
from benchmarks.results import Results
from benchmarks.running import BYTES, PER_WAITER
from tools.peers import COROUTINES, FUTURES, HANDLES, OURS, TRIO

LEVEL: Final = 1.05
"""A difference smaller than this is no difference."""
OTHER_KINDS: Final = {OURS, HANDLES, TRIO, COROUTINES, FUTURES}
"""These are no peers on the same event loop."""


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [list(heads), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        f"| {row[0].ljust(widths[0])} | "
        + " | ".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        + " |"
        for row in rows
    )


def shown(figure: Callable[[], float]) -> str:
    """Return the figure as text, or a dash if it was not measured."""
    try:
        value = figure()
    except LookupError:
        return "-"
    return f"{value:,.0f}" if value >= 100 or isinstance(value, int) else f"{value:,.2f}"


def level(figure: Callable[[], float]) -> str:
    text = shown(figure)
    return "level" if text != "-" and 1 / LEVEL < figure() < LEVEL else text


def verdicts(run: Results) -> str:
    lines: list[Sequence[str]] = []
    for goal in GOALS:
        value = shown(partial(goal.figure, run))
        floor, aim = ("" if value == "-" else goal.verdict(goal.figure(run), bound) for bound in (goal.floor, goal.aim))
        lines.append((goal.title, value, goal.bound(goal.floor), floor, goal.bound(goal.aim), aim))
    return table(["ratio within one run", "value", "floor", "", "goal", ""], lines)


def verdicts_of_all(runs: Sequence[Results]) -> str:
    lines = [
        (goal.title, goal.bound(goal.floor), *(shown(partial(goal.figure, run)) for run in runs)) for goal in GOALS
    ]
    return table(["ratio within one run", "floor", *(run.run for run in runs)], lines)


def compared(run: Results) -> list[str]:
    """Return the everyday workloads, which `asyncio.Queue` or another peer has too."""
    return [
        name
        for name, unit in run.units.items()
        if unit.startswith("ns") and unit != PER_WAITER and HANDLES in run.samples[name]
    ]


def peers(run: Results) -> str:
    """Return a row for each workload, and a column for each subject in multiples of our cost."""
    subjects = [subject for subject in run.versions if subject != OURS]
    lines = [
        (
            name,
            shown(partial(run.cost, name, OURS)),
            f"{min(run.samples[name][OURS]):,.0f}",
            *(level(partial(run.ratio, name, subject, OURS)) for subject in subjects),
        )
        for name in compared(run)
    ]
    return table(["", f"{OURS}, median ns", "best ns", *subjects], lines)


def memory(run: Results) -> str:
    names = [name for name, unit in run.units.items() if unit == BYTES]
    lines = [(subject, *(shown(partial(run.cost, name, subject)) for name in names)) for subject in run.versions]
    return table(["bytes per", *names], [line for line in lines if {*line[1:]} != {"-"}])


def growth(run: Results) -> str:
    names = [name for name, unit in run.units.items() if unit == PER_WAITER]
    sizes = dict.fromkeys(name.partition(": ")[2] for name in names)
    pairs = sorted({(name.partition(": ")[0], subject) for name in names for subject in run.samples[name]})
    lines = [
        (kind, subject, *(shown(partial(run.cost, f"{kind}: {size}", subject)) for size in sizes))
        for kind, subject in pairs
    ]
    return table(["ns a waiter, of so many", "subject", *sizes], lines)


def others(run: Results) -> str:
    """Return whatever is in no other table: this package beside itself or an idiom, and what was counted."""
    told = {*compared(run), *(name for name, unit in run.units.items() if unit in (BYTES, PER_WAITER))}
    lines = [
        (name, subject, shown(partial(run.cost, name, subject)), run.units[name])
        for name, subjects in run.samples.items()
        for subject in subjects
        if name not in told
    ]
    return table(["", "subject", "median", "unit"], lines)


def beaten(run: Results) -> str:
    lines = [
        f"- {name}: {subject}, {run.ratio(name, OURS, subject):.2f} times as fast"
        for name, subjects in run.samples.items()
        for subject in subjects
        if subject in {*run.versions} - OTHER_KINDS and run.units[name].startswith("ns")
        if run.ratio(name, OURS, subject) > LEVEL
    ]
    if not lines:
        return "No peer on the same event loop is faster by more than 5% anywhere."
    return "A peer on the same event loop is faster by more than 5% here:\n\n" + "\n".join(lines)


def left_out(run: Results) -> str:
    return "\n".join(f"- {what} {why}" for what, why in run.missing.items()) or "None."


def about(runs: Sequence[Results]) -> str:
    made = "; ".join(f"CPython {run.run}, {run.rounds} rounds" for run in runs)
    return (
        f"Machine: {runs[0].machine}; a shared virtual machine, so only ratios within a run count. Runs: {made}. The "
        "tables are of the first of these unless they say otherwise. A figure is the median over the rounds of some "
        "processes; a difference below 5% is called level."
    )


def summary(run: Results) -> str:
    parts = (peers, others, memory, growth, verdicts, beaten, left_out)
    return "\n\n".join([about([run]), *(part(run) for part in parts)])


def write_page(runs: Sequence[Results], page: Path) -> None:
    """Write each table between its two marks; the rest of the page is written by hand."""
    first = runs[0]
    versions = [(subject, version) for subject, version in first.versions.items() if version]
    tables = {
        "runs": f"{about(runs)}\n\n{table(['subject', 'version'], versions)}",
        "goals": f"{verdicts(first)}\n\n{verdicts_of_all(runs)}",
        "beaten": "\n\n".join(f"**CPython {run.run}.** {beaten(run)}" for run in runs),
        "peers": "\n\n".join(f"CPython {run.run}:\n\n{peers(run)}" for run in runs),
        "others": others(first),
        "memory": memory(first),
        "waiters": growth(first),
        "missing": left_out(first),
    }
    text = page.read_text(encoding="utf-8")
    for name, made in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("\n<!-- end -->")
        if not end:
            raise ValueError(f"{page} has no {name}")
        text = f"{before}{begin}\n{made}\n{end}{after}"
    page.write_text(text, encoding="utf-8")
