"""The tables drawn: every peer beside this package, and the cost of each waiter."""

from collections import defaultdict
from importlib import import_module
from pathlib import Path

from benchmarks.report import compared
from benchmarks.results import Results
from benchmarks.running import PER_WAITER
from tools.peers import OURS


def draw(run: Results, folder: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    plots: dict[str, dict[str, list[tuple[float, float | str]]]] = defaultdict(lambda: defaultdict(list))
    for name, subjects in run.samples.items():
        kind, _, size = name.partition(": ")
        for subject in subjects:
            if run.units[name] == PER_WAITER:
                point = int(size.replace(",", "")), run.cost(name, subject)
                plots[f"{kind}, ns by number of waiters"][subject].append(point)
            elif name in compared(run):
                plots[f"cost in multiples of {OURS}"][subject].append((run.ratio(name, subject, OURS), name))
    for title, lines in plots.items():
        figure, axes = plt.subplots(figsize=(9, 6))
        axes.set_prop_cycle(color=plt.get_cmap("tab20").colors)
        for subject, points in lines.items():
            axes.plot(*zip(*points, strict=True), "o-" if "waiters" in title else "o", label=subject)
        axes.set_xscale("log")
        if "waiters" in title:
            axes.set_yscale("log")
        axes.set_title(title)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
        figure.savefig(folder / f"{title.replace(', ', '-').replace(' ', '-')}.svg", bbox_inches="tight")
        plt.close(figure)
