"""Tables from results, in Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.counting import OFFERED, lost
from benchmarks.goals import GOALS, losses
from benchmarks.results import Results
from benchmarks.runner import NOT_OFFERED
from benchmarks.subjects import OURS, STDLIB


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [list(heads), *map(list, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    rows.insert(1, ["-" * width if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)])
    return "\n".join(
        "| " + " | ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ) + " |"
        for row in rows
    )  # fmt: skip


def goals(results: Results) -> str:
    lines: list[Sequence[str]] = []
    for goal in GOALS:
        value = goal.figure(results)
        if value is None:
            lines.append((goal.title, "-", goal.bound(goal.floor), "not measured", goal.bound(goal.aim), ""))
        else:
            floor, aim = ("met" if goal.met(value, bound) else "MISSED" for bound in (goal.floor, goal.aim))
            lines.append((goal.title, figure(value), goal.bound(goal.floor), floor, goal.bound(goal.aim), aim))
    return table(["ratio within one run", "value", "floor", "", "goal", ""], lines)


def goals_of_all(runs: Sequence[Results]) -> str:
    lines: list[Sequence[str]] = []
    for goal in GOALS:
        values = [goal.figure(results) for results in runs]
        lines.append((goal.title, goal.bound(goal.floor), *("-" if each is None else figure(each) for each in values)))
    return table(["ratio within one run", "floor", *(f"{each.python}, {each.loop}" for each in runs)], lines)


def figure(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def peers(results: Results) -> str:
    """One row a workload, one column a subject that has one, in multiples of our cost."""
    names = list(dict.fromkeys(row.workload for row in results.rows if not row.size and row.unit.startswith("ns")))
    subjects = [name for name in results.versions if name != OURS]
    lines: list[Sequence[str]] = []
    for name in names:
        ours, middle = results.best(name, OURS), results.median(name, OURS)
        if ours is None or middle is None or results.row(name, STDLIB) is None:
            continue
        ratios = [results.ratio(name, subject, OURS) for subject in subjects]
        lines.append(
            (name, f"{ours:,.0f}", f"{middle:,.0f}", *("-" if each is None else f"{each:.2f}" for each in ratios))
        )
    return table(["", f"{OURS}, best ns", "median ns", *subjects], lines)


def others(results: Results) -> str:
    """The workloads that compare this package with itself or with an idiom: one line a subject."""
    lines = [
        (row.workload, row.subject, f"{min(row.samples):,.0f}", row.unit)
        for row in results.rows
        if row.samples and not row.size and results.row(row.workload, STDLIB) is None
    ]
    return table(["", "subject", "best", "unit"], [(name, subject, best, unit) for name, subject, best, unit in lines])


def memory(results: Results) -> str:
    names = list(dict.fromkeys(row.workload for row in results.rows if row.unit == "bytes"))
    lines = []
    for subject in results.versions:
        found = [results.best(name, subject) for name in names]
        if any(found):
            lines.append((subject, *("-" if each is None else f"{each:,.0f}" for each in found)))
    return table(["bytes per", *names], lines)


def growth(results: Results) -> str:
    sizes = sorted({row.size for row in results.rows if row.size})
    pairs = list(dict.fromkeys((row.workload, row.subject) for row in results.rows if row.size))
    lines = []
    for workload, subject in pairs:
        found = [results.best(workload, subject, size) for size in sizes]
        if any(found):
            lines.append((workload, subject, *("-" if each is None else f"{each:,.0f}" for each in found)))
    return table(["ns a waiter, of so many", "subject", *(f"{size:,}" for size in sizes)], lines)


def lost_items(results: Results) -> str:
    lines = [
        f"{name.removeprefix(lost(''))}: {number:.0f} of {OFFERED:,} items lost"
        for name, number in results.counts.items()
        if name.startswith(lost(""))
    ]
    return "; ".join(lines)


def beaten(results: Results) -> str:
    found = losses(results)
    if not found:
        return "No peer on the same event loop is faster by more than 5% anywhere."
    lines = [f"- {workload}: {subject}, {ratio:.2f} times as fast" for workload, subject, ratio in found]
    return "A peer on the same event loop is faster by more than 5% here:\n\n" + "\n".join(lines)


def left_out(results: Results) -> str:
    """Say which figures are missing for another reason than that the peer does not offer the thing."""
    lines = {
        f"- {row.workload}{f', {row.size:,} waiters' if row.size else ''}: {row.subject} {row.missing}"
        for row in results.rows
        if row.missing and row.missing != NOT_OFFERED
    }
    return "\n".join(sorted(lines)) or "None."


def summary(results: Results) -> str:
    parts = [
        f"CPython {results.python}, {results.loop}, {results.rounds} rounds",
        f"Not installed and left out: {', '.join(results.absent) or 'none'}",
        "Cost in multiples of ours (above 1: this package is faster)",
        peers(results),
        others(results),
        memory(results),
        growth(results),
        goals(results),
        "A consumer of two queues that gives up now and then. " + lost_items(results),
        beaten(results),
    ]
    return "\n\n".join(parts)
