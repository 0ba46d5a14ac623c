"""Hold six type checkers to the markers in the cases: `python -m tests.typing.run`.

It fails on a report that is missing and on one that no marker names. So a gap that has closed and a false positive that
has gone are failures too: the markers, and the tables made of them in docs/typing.md, say what is true.
"""

import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.typing import matrix
from tests.typing.checkers import NAMES, Environment, Place, Run
from tests.typing.markers import NONE, TARGETS, Markers, stage


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.typing.run", description="Hold six type checkers to the cases.")
    parser.add_argument("--matrix", action="store_true", help="print what each checker reports of each file")
    parser.add_argument("--write", action="store_true", help="write the tables in docs/typing.md anew")
    options = parser.parse_args(namespace=_Options())
    begin = perf_counter()
    with TemporaryDirectory() as folder:
        environment = Environment(Path(folder))
        markers = {target: stage(environment.sources(target), target) for target in TARGETS}
        reports = environment.check(TARGETS)
    runs_of: dict[str, list[Run]] = defaultdict(list)
    for run, reported in reports.items():
        for surprise in surprises(run.name, markers[run.target], reported):
            runs_of[surprise].append(run)
    for surprise in sorted(runs_of):
        print(surprise, f"[{', '.join(f'{name} {target}' for name, target in runs_of[surprise])}]")
    page_is_stale = matrix.update_page(markers[TARGETS[-1]], write=options.write)
    if page_is_stale:
        print("docs/typing.md does not show what the markers say: python -m tests.typing.run --write")
    if options.matrix:
        print(matrix.render(markers[TARGETS[-1]]))
    print(
        f"typing: {len(NAMES)} checkers for Python {' and '.join(TARGETS)}, {matrix.summary(markers[TARGETS[-1]])}: "
        f"{len(runs_of) or 'no'} surprises in {perf_counter() - begin:.0f} s"
    )
    return bool(runs_of) or page_is_stale


class _Options:
    matrix = False
    write = False


def surprises(name: str, markers: Markers, reported: Mapping[Place, str]) -> Iterator[str]:
    """Say where a checker does not do what the markers say."""
    for place in markers.keys() | reported.keys():
        marker = markers.get(place, NONE)
        where = f"tests/typing/{place.path}:{place.line}"
        if place in reported and name not in marker.reporting:
            closed = " (a known gap has closed)" if marker.is_mistake else ""
            yield f"{where}: reported, and no marker says so{closed}: {reported[place]}"
        if place not in reported and name in marker.reporting:
            gone = "" if marker.is_mistake else " (a known false positive has gone)"
            yield f"{where}: not reported{gone}: {marker.reason}"


if __name__ == "__main__":
    sys.exit(main())
