"""The pictures of the page. Each follows the reader's choice of light or dark, on a background of its own."""

import re
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Final

from benchmarks.broadcasting import NUMBERS, unread
from benchmarks.report import GLANCE
from benchmarks.results import Results
from tools.peers import OURS

INK: Final = "#123456"
"""Stands for the colour of text and lines, which the style below sets."""

BLUE: Final = "#4c8eda"

# A picture in an <img> knows whether the reader prefers dark, and not what the page looks like: so it has a background.
STYLE: Final = """\
*{stroke-linejoin: round; stroke-linecap: butt}
svg{--ink: #3b4650; background: #fff}
@media (prefers-color-scheme: dark) {svg{--ink: #c3c9d4; background: #1e2129}}
"""


def light_and_dark(svg: str) -> str:
    """Return a picture of matplotlib with the colours of the style."""
    return re.sub('(?<=<style type="text/css">).*?(?=</style>)', STYLE, svg, count=1).replace(INK, "var(--ink)")


def draw(run: Results, folder: Path) -> None:
    plt = import_module("matplotlib.pyplot")
    plt.rcParams.update({"text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK})
    plt.rcParams.update({"axes.edgecolor": INK, "svg.hashsalt": "same each time", "svg.fonttype": "none"})
    folder.mkdir(parents=True, exist_ok=True)

    def save(name: str) -> None:
        svg = StringIO()
        plt.savefig(svg, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
        plt.close()
        (folder / name).write_text(light_and_dark(svg.getvalue()), encoding="utf-8")

    lines = [line for line in reversed(GLANCE) if line.peer in run.samples.get(line.workload, ())]
    ratios = [run.ratio(line.workload, line.peer, OURS) for line in lines]
    axes = plt.subplots(figsize=(6, 0.5 * len(lines) + 0.6))[1]
    bars = axes.barh([f"{line.now}:\n{line.what}".replace("`", "") for line in lines], ratios, color=BLUE)
    axes.bar_label(bars, fmt="%.1f", padding=3, color=INK)
    axes.axvline(1, color=INK, linewidth=1)
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
        text.set_color(INK)
    save("broadcast-put.svg")
