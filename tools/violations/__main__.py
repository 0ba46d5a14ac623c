"""Explore every installed peer, or play the schedules of the page.

python -m tools.violations --write docs/violations.md     explores every installed peer and writes the page
python -m tools.violations --reproduce docs/violations.md plays the page's schedules on asyncio's own event loop
"""

import argparse
import sys
from pathlib import Path

from tools.peers import OURS, Peer, installed
from tools.violations.page import claims, page
from tools.violations.survey import measure, shown


def explorable() -> dict[str, Peer]:
    return {peer.title: peer for peer in installed()[0] if peer.rules is not None}


def play_again(path: Path) -> int:
    peers = explorable()
    failed = 0
    for claim in claims(path):
        if claim.peer not in peers:
            verdict = "not installed"
        else:
            verdict = "shown" if shown(claim, peers[claim.peer]) else "NOT SHOWN"
        failed += verdict == "NOT SHOWN"
        print(f"{claim.peer}: {claim.kind}: {verdict}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.violations")
    parser.add_argument("--budget", type=int, default=500, help="about as many schedules of a program")
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--reproduce", type=Path, help="the page whose schedules are played on asyncio's event loop")
    options = parser.parse_args()
    if options.reproduce:
        return play_again(options.reproduce)
    rows = []
    for name, peer in explorable().items():
        rows.append(measure(peer, options.budget))
        print(f"{name}: {rows[-1].schedules} schedules, {dict(rows[-1].counts)}", flush=True)
    if options.write:
        path: Path = options.write
        path.write_text(page(rows, options.budget), encoding="utf-8")
    return 1 if any(row.counts for row in rows if row.peer.name == OURS) else 0


if __name__ == "__main__":
    sys.exit(main())
