"""The pictures of the page, for a light and a dark background."""

from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.broadcasting import NUMBERS, unread
from benchmarks.report import GLANCE
from benchmarks.results import Results
from tools.peers import OURS

GREY: Final = "#808080"
BLUE: Final = "#4c8eda"


def draw(run: Results, folder: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    plt.rcParams.update({"text.color": GREY, "axes.labelcolor": GREY, "xtick.color": GREY, "ytick.color": GREY})
    plt.rcParams.update({"axes.edgecolor": GREY, "svg.hashsalt": "same each time", "svg.fonttype": "none"})
    folder.mkdir(parents=True, exist_ok=True)

    def save(name: str) -> None:
        plt.savefig(folder / name, bbox_inches="tight", transparent=True, metadata={"Date": None})
        plt.close()

    lines = [line for line in reversed(GLANCE) if line.peer in run.samples.get(line.workload, ())]
    ratios = [run.ratio(line.workload, line.peer, OURS) for line in lines]
    axes = plt.subplots(figsize=(9, 0.45 * len(lines) + 0.6))[1]
    bars = axes.barh([f"{line.now}: {line.what}".replace("`", "") for line in lines], ratios, color=BLUE)
    axes.bar_label(bars, fmt="%.1f", padding=3, color=GREY)
    axes.axvline(1, color=GREY, linewidth=1)
    axes.set_xlabel("times as long as aiochannel")
    axes.spines[["top", "right"]].set_visible(False)
    save("speed.svg")

    axes = plt.subplots(figsize=(6, 3.5))[1]
    subjects = {subject: None for number in NUMBERS for subject in run.samples.get(unread(number), ())}
    for subject in subjects:
        axes.plot(NUMBERS, [run.cost(unread(number), subject) for number in NUMBERS], "o-", label=subject)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("subscribers that do not read")
    axes.set_ylabel("ns a put")
    legend = axes.legend(fontsize="small", framealpha=0)
    for text in legend.get_texts():
        text.set_color(GREY)
    save("broadcast-put.svg")
