"""The explorer on one peer: the same programs, as far as it has the verbs, and what any queue promises.

Where a peer has made another choice than this package, that is counted as a difference, and is no fault. A fault is
written down only after asyncio's own event loop has shown it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from typing_extensions import override

from aiochannel.testing.search import Choose
from tests.explore.catalogue import PROGRAMS
from tests.explore.checks import History, Violation, explained, nothing_taken_from_waiters, woken_once
from tests.explore.programs import Op, Program, program
from tests.explore.search import Explorer
from tests.explore.world import Record, World
from tests.model.reference import RENDEZVOUS
from tools.peers import OURS, Peer
from tools.violations.adapter import maker, rules
from tools.violations.faults import faults
from tools.violations.page import BARGES, OTHERWISE, Claim, Example, Row
from tools.violations.rehearsal import WRAPPERS, playable, reproduce

# Beside the catalogue: closing twice while a put waits, with nobody who gets between.
MORE: Final = [program("A: put | B: put | C: close close", cancels=1)]
PLAIN: Final = {"put", "get", "put_nowait", "get_nowait", "close"}
TRIED: Final = 12


def offers(peer: Peer, op: Op) -> bool:
    verbs = PLAIN | ({"join"} if rules(peer).join else set())
    plain = op.verb in verbs and not op.argument
    return plain or (op.verb in WRAPPERS and all(offers(peer, inner) for inner in op.inner))


def programs(peer: Peer) -> list[Program]:
    """The catalogue's programs that the peer has the verbs for, on channels of several sizes."""
    found = {
        script._replace(size=size): None
        for script in [*PROGRAMS, *MORE]
        for size in (script.size, 1, 2, RENDEZVOUS)
        if not script.any_order and (size != RENDEZVOUS or rules(peer).rendezvous)
        if all(not lane.kind.strip("!") and offers(peer, op) for lane in script.lanes for op in lane.ops)
    }
    return list(found)


def choices(script: Program, record: Record, peer: Peer) -> Iterator[str]:
    """Return the kinds of what another design may do, and this package's contract does not allow."""
    for name in script.channels():
        history = History(script, record, name)
        if not rules(peer).suspends and (any(woken_once(history)) or any(nothing_taken_from_waiters(history))):
            yield BARGES
    if any(explained(script, record)):
        yield OTHERWISE


class Survey(Explorer):
    """Plays schedules of one program to the end of the budget, and counts in how many each kind occurs."""

    def __init__(self, script: Program, peer: Peer) -> None:
        super().__init__(script, maker(peer))
        self.peer = peer
        self.wanted = ""  # while shrinking
        self.played: set[tuple[str, ...]] = set()
        self.counts: Counter[str] = Counter()
        self.shortest: dict[str, tuple[str, ...]] = {}

    @override
    def play(self, choose: Choose) -> tuple[World, tuple[Violation, ...]]:
        world, violations = super().play(choose)
        record = world.record()
        found = list(faults(record, rules(self.peer)))
        if self.wanted:
            return world, tuple(fault for fault in found if fault.kind == self.wanted)
        decisions = tuple(world.decisions)
        if decisions not in self.played:
            self.played.add(decisions)
            kinds = {fault.kind for fault in found}
            if self.peer.name == OURS:
                kinds.update(violation.kind for violation in violations)
            for kind in kinds:
                if len(decisions) < len(self.shortest.get(kind, (*decisions, ""))):
                    self.shortest[kind] = decisions
            self.counts.update(kinds)
            self.counts.update(set(choices(self.program, record, self.peer)))
        return world, ()


def measure(peer: Peer, budget: int) -> Row:
    counts: Counter[str] = Counter()
    surveys: list[Survey] = []
    schedules = 0
    for script in programs(peer):
        survey = Survey(script, peer)
        survey.explore(budget, budget)
        schedules += len(survey.played)
        counts.update(survey.counts)
        surveys.append(survey)
        survey.played.clear()
    kinds = sorted({kind for survey in surveys for kind in survey.shortest})
    examples = [example for kind in kinds if (example := shortest(surveys, kind)) is not None]
    return Row(peer, len(surveys), schedules, counts, examples)


def shortest(surveys: list[Survey], kind: str) -> Example | None:
    """The shortest schedule with a fault of this kind that asyncio's own event loop shows too."""
    shown = [survey for survey in surveys if kind in survey.shortest and playable(survey.program)]
    shown.sort(key=lambda survey: (len(survey.program.text), len(survey.shortest[kind])))
    found: list[Example] = []
    for survey in shown[:TRIED]:
        survey.wanted = kind
        failure = survey.shrink(survey.shortest[kind])
        found_again = reproduce(survey.peer, survey.program.text, survey.program.size, failure.decisions)
        text = next((fault.text for fault in found_again if fault.kind == kind), None)
        if text is not None:
            found.append(Example(kind, failure, text))
    return min(found, key=lambda one: len(one.failure.decisions) + operations(one.failure.program), default=None)


def operations(script: Program) -> int:
    return sum(len(lane.ops) for lane in script.lanes)


def shown(claim: Claim, peer: Peer) -> bool:
    """Return whether asyncio's own event loop shows what the page says."""
    found = reproduce(peer, claim.text, claim.size, claim.decisions)
    return any(fault.kind == claim.kind for fault in found)
