"""The outcome of one run: samples by workload, size and subject, as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(slots=True)
class Row:
    workload: str
    size: int
    subject: str
    unit: str
    samples: list[float] = field(default_factory=list)
    missing: str = ""
    """Why there is no sample: the subject does not offer it, or failed."""


@dataclass(slots=True)
class Results:
    machine: str
    python: str
    loop: str
    rounds: int
    versions: dict[str, str]
    absent: list[str]
    counts: dict[str, float] = field(default_factory=dict)
    """Figures that are counted, not measured."""
    rows: list[Row] = field(default_factory=list)

    def row(self, workload: str, subject: str, size: int = 0) -> Row | None:
        for row in self.rows:
            if (row.workload, row.subject, row.size) == (workload, subject, size):
                return row
        return None

    def best(self, workload: str, subject: str, size: int = 0) -> float | None:
        row = self.row(workload, subject, size)
        return min(row.samples) if row is not None and row.samples else None

    def median(self, workload: str, subject: str, size: int = 0) -> float | None:
        row = self.row(workload, subject, size)
        return median(row.samples) if row is not None and row.samples else None

    def ratio(self, workload: str, above: str, below: str, size: int = 0) -> float | None:
        """Return how many times as much `above` costs as `below`, best to best."""
        first, second = self.best(workload, above, size), self.best(workload, below, size)
        return None if first is None or second is None else first / second

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Results":
        stored = json.loads(path.read_text(encoding="utf-8"))
        stored["rows"] = [Row(**row) for row in stored["rows"]]
        return cls(**stored)
