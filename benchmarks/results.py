"""What was measured: samples by workload and subject, as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Self

from aiochannel._core.newer_typing import override


@dataclass(slots=True)
class Results:
    machine: str
    run: str
    """Python and event loop."""
    rounds: int
    versions: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """The names of the workloads by what they are about."""
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Why a subject of a workload has no sample, where it does not just lack the method."""

    def cost(self, workload: str, subject: str) -> float:
        """Return the median; raise LookupError where there is no sample."""
        return median(self.samples[workload][subject])

    def ratio(self, workload: str, above: str, below: str) -> float:
        """Return how many times as much `above` costs as `below`."""
        return self.cost(workload, above) / self.cost(workload, below)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


class Rounds(Results):
    """Results of which a ratio is one of neighbours: for a machine that is now slow, now fast."""

    @override
    def ratio(self, workload: str, above: str, below: str) -> float:
        """Return the median, over the rounds, of how many times as much `above` cost as `below` in the same round."""
        pairs = zip(self.samples[workload][above], self.samples[workload][below], strict=False)
        return median(one / other for one, other in pairs)


def merged(runs: Sequence[Results]) -> Results:
    """Return the samples of several processes as those of one."""
    first, *others = runs
    for other in others:
        for workload, subjects in other.samples.items():
            for subject, samples in subjects.items():
                first.samples.setdefault(workload, {}).setdefault(subject, []).extend(samples)
        first.rounds += other.rounds
    return first
