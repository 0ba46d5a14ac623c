"""The markers in the cases: what each line must get from each checker.

A marker is the last comment of a line:

    a: Receiver[Dog] = animals     # E: why                  every checker must report this line
    ch = Channel(10)               # E !ty !pyrefly: why     all but these must, and these do not: a gap of theirs
    assert_type(s, str)            # X pyrefly zuban: why    only these do, and should not: a false positive of theirs

Every other line must be clean. A file that begins with `# For Python 3.12 and newer` is left out for older targets.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tests.typing.checkers import NAMES, Place

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "typing.md"
TARGETS = ("3.11", "3.15")
CANARY = '\n_canary: int = ""  # E: canary\n'

_MARKER = re.compile(r"# (?P<kind>[EX])(?P<names>(?: !?[a-z]+)*): (?P<reason>\S.*)$")
_EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"# For Python 3\.(\d+) and newer")


class Marker(NamedTuple):
    """A report from each of these checkers, and from no other."""

    reporting: frozenset[str]
    reason: str
    is_mistake: bool


Markers: TypeAlias = Mapping[Place, Marker]
NONE = Marker(frozenset(), "", is_mistake=False)


def stage(folder: Path, target: str) -> Markers:
    """Copy the cases, the applications and the examples of docs/typing.md into a folder, and return their markers.

    Every copy gets a wrong line at its end, so that no checker can pass by not looking.
    """
    markers: dict[Place, Marker] = {}
    for path, source in _sources():
        text = source + CANARY
        begins = _TARGET.match(text)
        if begins and int(begins[1]) > int(target.removeprefix("3.")):
            continue
        copy = folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        for number, line in enumerate(text.splitlines(), 1):
            if marker := _MARKER.search(line):
                markers[Place(path, number)] = _read(marker)
    return markers


def _sources() -> Iterator[tuple[str, str]]:
    for path in sorted([*HERE.glob("accept_*.py"), *HERE.glob("reject_*.py"), *HERE.glob("*application/**/*.py")]):
        yield path.relative_to(HERE).as_posix(), path.read_text()
    page = PAGE.read_text()
    for number, example in enumerate(_EXAMPLE.finditer(page), 1):
        # Empty lines before it, so that a line has its number in the page.
        yield f"page_{number}.py", "\n" * page.count("\n", 0, example.start(1)) + example[1]


def _read(marker: re.Match[str]) -> Marker:
    is_mistake = marker["kind"] == "E"
    words = marker["names"].split()
    named = frozenset(name for name in NAMES if ("!" if is_mistake else "") + name in words)
    if len(named) != len(words):
        raise ValueError(f"names no checker, or one twice: {marker[0]}")
    return Marker(frozenset(NAMES) - named if is_mistake else named, marker["reason"], is_mistake)
