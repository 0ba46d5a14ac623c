"""Writes docs/performance.md and its plots, from one run for each Python and event loop."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.counting import alive
from benchmarks.report import beaten, goals, goals_of_all, growth, left_out, lost_items, memory, others, peers, table
from benchmarks.results import Results
from benchmarks.subjects import OURS, STDLIB

METHOD = """
A run is one process. Each workload is measured in rounds; a round measures every subject once, one after the other, so
whatever slows the machine down slows all of them. What is measured is the processor time of the process, since nothing
here sleeps: what else runs on the machine matters less. The garbage collector is off during a measurement and runs
before each. Figures are the best of all rounds unless it says median; ratios are between figures of one run. Every
subject is called through its own bound methods, kept in local variables; nothing wraps them. Tasks are made within the
measurement where there are several of them. Bytes are those of Python's allocator (`tracemalloc`).

- *put, get, nobody waits*: one task that puts and gets in turn. *async for*: over 20,000 buffered items.
- *m to n*: so many tasks that put and that get, producers started first.
- *pipeline*: 10 tasks in a row, each of which gets from one queue and puts into the next.
- *select, none ready*: a consumer loops over select, or over a plain get; the producer puts the next item when the
  consumer waits again, on each channel in turn.
- *asyncio.wait*: a task for each queue that gets, and `wait` for the first; the others are cancelled. When it returns
  they still wait on their queues, until the loop has run them. *asyncio.wait, nothing left* waits for them, too; then
  nothing is left on any queue, as after a select.
- *cancel, timeout, close, wake*: so many tasks wait in get; all are cancelled, found past their deadline, told that the
  channel is closed, or given an item each, until the last of them has ended.
- *limit: bare coroutines*: two coroutines over a deque, that never wait. *limit: raw futures*: one future a wait, and
  nothing else. No queue in Python can beat these.
- *trio* is on its own event loop, for reference. *frequenz-channels* logs when it waits; the log is off.
"""


def write_page(runs: Sequence[Results], into: Path) -> None:
    first = runs[0]
    (into / "pictures").mkdir(parents=True, exist_ok=True)
    plots = [
        (
            f"Cost of each waiter, {workload}",
            f"pictures/performance-{workload.replace(', ', '-').replace(' ', '-')}.svg",
            workload,
        )
        for workload in (
            "cancel, in order",
            "cancel, reversed",
            "cancel, shuffled",
            "timeout, shuffled",
            "close",
            "wake",
        )
    ]
    _plot_everyday(first, into / "pictures" / "performance-everyday.svg")
    for title, name, workload in plots:
        _plot_growth(first, workload, title, into / name)
    images = "\n".join(f"![{title}]({name})" for title, name, _ in plots)
    installed = table(["subject", "version"], [(name, each) for name, each in first.versions.items() if each])
    sections = [
        "# Performance",
        "Written by `python -m benchmarks page` from the runs named below; `make bench-full` makes runs and page.",
        _about(runs),
        installed,
        "## Floors and goals",
        goals(first),
        goals_of_all(runs),
        "## Where a peer is faster",
        *(f"**CPython {each.python}, {each.loop}.** {beaten(each)}" for each in runs),
        "## Beside every peer",
        f"What each costs in multiples of what {OURS} costs: above 1, {OURS} is faster. A dash: not offered, or fails.",
        "![Beside every peer](pictures/performance-everyday.svg)",
        *(f"CPython {each.python}, {each.loop}:\n\n{peers(each)}" for each in runs),
        "## Batches and select",
        others(first),
        f"A consumer of two queues that gives up now and then: {lost_items(first)}.",
        "## Memory",
        memory(first),
        _million(first),
        "## Cost of each waiter",
        "A line that is flat: the cost of one does not depend on how many wait.",
        images,
        growth(first),
        "Left out:",
        left_out(first),
        "## Method",
        METHOD.strip(),
    ]
    (into / "performance.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _about(runs: Sequence[Results]) -> str:
    first = runs[0]
    made = "; ".join(f"CPython {each.python}, {each.loop}, {each.rounds} rounds" for each in runs)
    return (
        f"Machine: {first.machine}; a shared virtual machine, so only ratios within a run count. Runs: {made}. "
        f"The tables are of the first of these unless they say otherwise. Not installed and left out: "
        f"{', '.join(first.absent) or 'none'}."
    )


def _million(results: Results) -> str:
    whats = ("GB", "seconds to make", "seconds to drop")
    lines = [
        (subject, *(f"{results.counts[alive(subject, what)]:.2f}" for what in whats))
        for subject in (OURS, STDLIB)
        if alive(subject, whats[0]) in results.counts
    ]
    if not lines:
        return "1,000,000 channels alive: not measured."
    return "1,000,000 channels alive, resident memory:\n\n" + table(["", *whats], lines)


def _plot_everyday(results: Results, path: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    names = [row.workload for row in results.rows if row.subject == OURS and row.unit.startswith("ns") and not row.size]
    names = [name for name in names if results.row(name, STDLIB) is not None]
    figure, axes = plt.subplots(figsize=(9, 6))
    axes.set_prop_cycle(color=plt.get_cmap("tab20").colors)
    markers = iter("osv^<>DPX*hp8d")
    for subject in results.versions:
        points = [(results.ratio(name, subject, OURS), place) for place, name in enumerate(names)]
        found = [(ratio, place) for ratio, place in points if ratio is not None]
        axes.scatter(
            [ratio for ratio, _ in found], [place for _, place in found], label=subject, marker=next(markers), alpha=0.8
        )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"cost in multiples of {OURS} (right of 1: {OURS} is faster)")
    axes.grid(visible=True, axis="x", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    _save(figure, path)


def _plot_growth(results: Results, workload: str, title: str, path: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.set_prop_cycle(color=plt.get_cmap("tab20").colors)
    sizes = sorted({row.size for row in results.rows if row.size})
    for subject in results.versions:
        points = [(size, results.best(workload, subject, size)) for size in sizes]
        found = [(size, cost / 1000) for size, cost in points if cost is not None]
        if found:
            style = "--" if subject.startswith("limit") else "-"
            axes.plot(
                [size for size, _ in found],
                [cost for _, cost in found],
                style,
                label=subject,
                marker="o",
                linewidth=3 if subject == OURS else 1.2,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("waiters")
    axes.set_ylabel("microseconds each")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    _save(figure, path)


def _save(figure: object, path: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    plt.rcParams["svg.hashsalt"] = path.name  # the same figures give the same file
    plt.figure(figure)
    plt.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
