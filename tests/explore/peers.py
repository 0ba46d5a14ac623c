"""The explorer on other libraries: the same programs, as far as a peer has the verbs, and what any queue promises.

python -m tests.explore.peers --write docs/violations.md     explores every installed peer and writes the page
python -m tests.explore.peers --reproduce docs/violations.md plays the page's schedules on asyncio's own event loop

Where a peer has made another choice than this package, that is counted as a difference, and is no fault. A fault is
written down only after asyncio's own event loop has shown it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from typing_extensions import override

from tests.explore.adapters import Peer, installed
from tests.explore.catalogue import PROGRAMS
from tests.explore.checks import (
    Ledger,
    Violation,
    explained,
    nothing_taken_from_waiters,
    woken_once,
)
from tests.explore.faults import Run, faults
from tests.explore.programs import RENDEZVOUS, Op, Program, World, make_channel, program
from tests.explore.rehearsal import WRAPPERS, playable, reproduce
from tests.explore.search import Choose, Explorer
from tests.explore.violations_page import BARGES, OTHERWISE, Claim, Example, Row, claims, page

# Beside the catalogue: closing twice while a put waits, with nobody who gets between.
MORE: Final = [program("A: put | B: put | C: close close", cancels=1)]
PLAIN: Final = {"put", "get", "put_nowait", "get_nowait", "close"}
TRIED: Final = 12


def offers(peer: Peer, op: Op) -> bool:
    verbs = PLAIN | ({"join"} if peer.join else set())
    plain = op.verb in verbs and not op.argument
    return plain or (op.verb in WRAPPERS and all(offers(peer, inner) for inner in op.inner))


def programs(peer: Peer) -> list[Program]:
    """The catalogue's programs that the peer has the verbs for, on channels of several sizes."""
    found = {
        script._replace(size=size): None
        for script in [*PROGRAMS, *MORE]
        for size in (script.size, 1, 2, RENDEZVOUS)
        if not script.any_order and (size != RENDEZVOUS or peer.rendezvous)
        if all(not lane.kind.strip("!") and offers(peer, op) for lane in script.lanes for op in lane.ops)
    }
    return list(found)


def differences(world: World, peer: Peer) -> Iterator[str]:
    """The kinds of what another design may do, and this package's contract does not allow."""
    for name in world.program.channels():
        ledger = Ledger(world, name)
        if not peer.suspends and (any(woken_once(ledger)) or any(nothing_taken_from_waiters(ledger))):
            yield BARGES
    if any(explained(world)):
        yield OTHERWISE


class Tally(Explorer):
    """Plays schedules of one program to the end of the budget, and counts in how many each kind occurs."""

    def __init__(self, script: Program, peer: Peer) -> None:
        super().__init__(script, peer.make)
        self.peer = peer
        self.wanted = ""  # while shrinking
        self.played: set[tuple[str, ...]] = set()
        self.counts: Counter[str] = Counter()
        self.shortest: dict[str, tuple[str, ...]] = {}

    @override
    def play(self, choose: Choose) -> tuple[World, tuple[Violation, ...]]:
        world, violations = super().play(choose)
        run = Run(world.recorder, world.stuck, world.at_rest, world.emptied, world.loop.complaints, world.failure)
        found = list(faults(run, self.peer))
        if self.wanted:
            return world, tuple(fault for fault in found if fault.kind == self.wanted)
        decisions = tuple(world.decisions)
        if decisions not in self.played:
            self.played.add(decisions)
            kinds = {fault.kind for fault in found}
            if self.peer.make is make_channel:
                kinds.update(violation.kind for violation in violations)
            for kind in kinds:
                if len(decisions) < len(self.shortest.get(kind, (*decisions, ""))):
                    self.shortest[kind] = decisions
            self.counts.update(kinds)
            self.counts.update(set(differences(world, self.peer)))
        return world, ()


def measure(peer: Peer, budget: int) -> Row:
    counts: Counter[str] = Counter()
    tallies: list[Tally] = []
    schedules = 0
    for script in programs(peer):
        tally = Tally(script, peer)
        tally.explore(budget, budget)
        schedules += len(tally.played)
        counts.update(tally.counts)
        tallies.append(tally)
        tally.played.clear()
    kinds = sorted({kind for tally in tallies for kind in tally.shortest})
    examples = [example for kind in kinds if (example := shortest(tallies, kind)) is not None]
    return Row(peer, len(tallies), schedules, counts, examples)


def shortest(tallies: list[Tally], kind: str) -> Example | None:
    """The shortest schedule with a fault of this kind that asyncio's own event loop shows too."""
    shown = [tally for tally in tallies if kind in tally.shortest and playable(tally.program)]
    shown.sort(key=lambda tally: (len(tally.program.text), len(tally.shortest[kind])))
    found: list[Example] = []
    for tally in shown[:TRIED]:
        tally.wanted = kind
        failure = tally.shrink(tally.shortest[kind])
        told = reproduce(tally.peer, tally.program.text, tally.program.size, failure.decisions)
        text = next((fault.text for fault in told if fault.kind == kind), None)
        if text is not None:
            found.append(Example(kind, failure, text))
    return min(found, key=lambda one: len(one.failure.decisions) + operations(one.failure.program), default=None)


def operations(script: Program) -> int:
    return sum(len(lane.ops) for lane in script.lanes)


def shown(claim: Claim, peer: Peer) -> bool:
    """Tell whether asyncio's own event loop shows what the page says."""
    found = reproduce(peer, claim.text, claim.size, claim.decisions)
    return any(fault.kind == claim.kind for fault in found)


def play_again(path: Path) -> int:
    peers = installed()
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
    parser = argparse.ArgumentParser(prog="python -m tests.explore.peers")
    parser.add_argument("--budget", type=int, default=500, help="about as many schedules of a program")
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--reproduce", type=Path, help="the page whose schedules are played on asyncio's event loop")
    options = parser.parse_args()
    if options.reproduce:
        return play_again(options.reproduce)
    rows = []
    for name, peer in installed().items():
        rows.append(measure(peer, options.budget))
        print(f"{name}: {rows[-1].schedules} schedules, {dict(rows[-1].counts)}", flush=True)
    if options.write:
        path: Path = options.write
        path.write_text(page(rows, options.budget), encoding="utf-8")
    return 1 if any(row.counts for row in rows if row.peer.make is make_channel) else 0


if __name__ == "__main__":
    sys.exit(main())
