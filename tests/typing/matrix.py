"""The tables that the markers make: what each checker catches, its gaps, and its false positives."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from tests.typing.checkers import NAMES
from tests.typing.markers import CANARY, PAGE, Marker, Markers

_TABLES = re.compile(r"(?<=<!-- made by: python -m tests.typing.run --write -->\n).*?(?=<!-- end -->)", re.DOTALL)


def render(markers: Markers) -> str:
    """Return three tables in Markdown: mistakes reported by subject, the gaps, the false positives."""
    seen = {place: marker for place, marker in markers.items() if marker.reason not in CANARY}
    mistakes: Counter[str] = Counter()
    caught: Counter[tuple[str, str]] = Counter()
    for place, marker in seen.items():
        if marker.is_mistake:
            subject = place.path.split("/")[0].removesuffix(".py").removeprefix("reject_").replace("_", " ")
            mistakes[subject] += 1
            caught.update((subject, name) for name in marker.reporting)
    subjects = [
        _row(f"{subject}: {mistakes[subject]}", *(str(caught[subject, name]) for name in NAMES))
        for subject in sorted(mistakes)
    ]
    gaps = (marker for marker in seen.values() if marker.is_mistake and len(marker.reporting) < len(NAMES))
    false_positives = (marker for marker in seen.values() if not marker.is_mistake)
    return "\n\n".join(
        [
            _table("Mistakes", subjects),
            _table("Not reported by every checker", _rows(gaps, "yes", "**no**")),
            _table("Correct, and reported all the same", _rows(false_positives, "**error**", "")),
        ]
    )


def _rows(markers: Iterable[Marker], yes: str, no: str) -> list[str]:
    rows = [_row(reason, *(yes if name in reporting else no for name in NAMES)) for reporting, reason, _ in markers]
    return list(dict.fromkeys(rows))


def _table(head: str, rows: Collection[str]) -> str:
    return "\n".join([_row(head, *NAMES), _row("---", *(":-:" for _ in NAMES)), *rows])


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
