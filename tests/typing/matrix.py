"""The tables that the markers make: what each checker catches, its gaps, and its false positives."""

import re
from collections import Counter
from pathlib import Path

from tests.typing.checkers import NAMES
from tests.typing.markers import CANARY, Markers

PAGE = Path(__file__).parents[2] / "docs" / "typing.md"
_TABLES = re.compile(r"(?<=<!-- made by: python -m tests.typing.run --write -->\n).*(?=<!-- end -->)", re.DOTALL)


def render(markers: Markers) -> str:
    """Return three tables in Markdown: mistakes reported by subject, the gaps, the false positives."""
    mistakes: Counter[str] = Counter()
    caught: Counter[tuple[str, str]] = Counter()
    gaps, false_positives = [], []
    for place, (reporting, reason, is_mistake) in markers.items():
        if reason in CANARY:
            continue
        if not is_mistake:
            false_positives.append(_row(reason, *("false positive" if name in reporting else "" for name in NAMES)))
            continue
        subject = place.path.split("/")[0].removesuffix(".py").removeprefix("reject_").replace("_", " ")
        mistakes[subject] += 1
        caught.update((subject, name) for name in reporting)
        if len(reporting) < len(NAMES):
            gaps.append(_row(reason, *("yes" if name in reporting else "no" for name in NAMES)))
    totals = [_row(f"{subject} ({count})", *(str(caught[subject, name]) for name in NAMES)) for subject, count in sorted(mistakes.items())]
    return "\n\n".join(
        "\n".join([_row(head, *NAMES), _row(*["---"] * (len(NAMES) + 1)), *rows])
        for head, rows in [("Mistakes", totals), ("Known gaps", gaps), ("False positives", false_positives)]
        if rows
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def summary(markers: Markers) -> str:
    """Say in a line how much there is to check."""
    files = len({place.path for place in markers})
    mistakes = [marker for marker in markers.values() if marker.is_mistake and marker.reason not in CANARY]
    complete = sum(len(marker.reporting) == len(NAMES) for marker in mistakes)
    return f"{files} files, {len(mistakes)} mistakes, {complete} of them reported by all"


def update_page(markers: Markers, *, write: bool) -> bool:
    """Bring the page up to date if told to, and say whether it is out of date."""
    page = PAGE.read_text()
    fresh = _TABLES.sub(lambda _: f"\n{render(markers)}\n\n", page)
    if write:
        PAGE.write_text(fresh)
    return not write and fresh != page
