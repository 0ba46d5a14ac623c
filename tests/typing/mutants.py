"""Mistakes in the package's own annotations, and who notices them: `python -m tests.typing.mutants`.

Each mutant is put into an installed copy of the package. A checker notices it if it then reports a line of the cases
that it should not, or misses one that it should report. Two checkers at least must notice each of them.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.typing.checkers import NAMES, Environment
from tests.typing.markers import stage
from tests.typing.run import surprises

TARGET = "3.13"


class Mutant(NamedTuple):
    """A change of the first place in a module that reads `old`; how it is broken into lines does not matter."""

    module: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """Return the changed source."""
        pattern = r"\s*".join(map(re.escape, self.old.split()))
        changed, count = re.subn(pattern, lambda _: self.new, source, count=1)
        if not count:
            raise ValueError(f"{self.module}.py does not have: {self.old}")
        return changed.replace("\nfrom typing import ", "\nfrom typing import Any, ", 1)


MUTANTS = (
    Mutant("protocols", 'TypeVar("T_contra", contravariant=True)', 'TypeVar("T_contra")'),
    Mutant("protocols", 'TypeVar("T_contra", contravariant=True)', 'TypeVar("T_contra", covariant=True)'),
    Mutant("protocols", 'TypeVar("T_co", covariant=True)', 'TypeVar("T_co")'),
    Mutant("protocols", 'TypeVar("T_co", covariant=True)', 'TypeVar("T_co", contravariant=True)'),
    Mutant("protocols", "async def put(self, item: T_contra, /)", "async def put(self, item: Any, /)"),
    Mutant("protocols", "async def put(self, item: T_contra, /)", "async def put(self, item: T_contra)"),
    Mutant("protocols", "async def put(self,", "def put(self,"),
    Mutant("protocols", "items: Iterable[T_contra]", "items: Iterable[Any]"),
    Mutant("protocols", "cause: BaseException | None = None", "cause: object = None"),
    Mutant("protocols", "def on_put(self, item: T_contra, /)", "def on_put(self, item: Any, /)"),
    Mutant("protocols", "def empty(self) -> bool:", "def close(self) -> bool: ...\n    def empty(self) -> bool:"),
    Mutant("protocols", "async def get(self) -> T_co:", "async def get(self) -> Any:"),
    Mutant("protocols", "async def get(self) -> T_co:", "def get(self) -> T_co:"),
    Mutant("protocols", "def get_nowait(self) -> T_co:", "def get_nowait(self):"),
    Mutant("protocols", "-> Sequence[T_co]:", "-> Sequence[Any]:"),
    Mutant("protocols", "-> AsyncIterator[T_co]:", "-> AsyncIterator[Any]:"),
    Mutant("protocols", "-> Case[T_co]:", "-> Case[object]:"),
    Mutant("channel", 'T = TypeVar("T")', 'T = TypeVar("T", covariant=True)'),
    Mutant("channel", "maxsize: int = 0", "maxsize: object = 0"),
    Mutant("channel", "def rendezvous(cls) -> Self:", "def rendezvous(cls):"),
    Mutant("channel", "@property def maxsize", "def maxsize"),
    Mutant("channel", "def statistics(self) -> ChannelStatistics:", "def statistics(self) -> Any:"),
    Mutant("channel", "async def put(self, item: T, /)", "async def put(self, item, /)"),
    Mutant("channel", "async def get(self) -> T:", "async def get(self):"),
    Mutant("channel", "/) -> list[T]:", "/) -> list[Any]:"),
    Mutant("channel", "async def __anext__(self) -> T:", "async def __anext__(self) -> object:"),
    Mutant("channel", "-> AsyncIterator[T]:", "-> AsyncIterator[Any]:"),
    Mutant("channel", "cause: BaseException | None = None) -> list[T]:", "cause: Any = None):"),
    Mutant("channel", "def sender(self) -> Sender[T]:", "def sender(self) -> Sender[Any]:"),
    Mutant("channel", "def receiver(self) -> Receiver[T]:", 'def receiver(self) -> "Channel[T]":'),
    Mutant("channel", "def split(self) -> tuple[Sender[T], Receiver[T]]:", "def split(self):"),
    Mutant("channel", "-> End[Sender[T]]:", "-> End[Any]:"),
    Mutant("channel", "-> End[Receiver[T]]:", "-> End[Sender[T]]:"),
    Mutant("channel", "def on_get(self) -> Case[T]:", "def on_get(self) -> Case[Any]:"),
    Mutant("handles", "TracebackType | None ) -> None:", "TracebackType | None) -> bool:"),
    Mutant("handles", "async def __aenter__(self) -> T_co:", "async def __aenter__(self) -> Any:"),
    Mutant("handles", "def __enter__(self) -> T_co:", "def __enter__(self) -> Any:"),
    Mutant("selection", 'R_co = TypeVar("R_co", covariant=True)', 'R_co = TypeVar("R_co")'),
    Mutant("selection", "@final class Case", "class Case"),
    Mutant("selection", '-> "Case[U]":', '-> "Case[Any]":'),
    Mutant("selection", '-> "Case[R_co | U]":', '-> "Case[R_co]":'),
    Mutant("selection", "def otherwise() -> Case[None]:", "def otherwise() -> Any:"),
    Mutant("selection", "case2: Case[T3],", "case2: Case[T3], dropped: str,"),
    Mutant("selection", "tuple[Literal[0], T1] | tuple[Literal[1], T2]", "tuple[int, T1] | tuple[int, T2]"),
    Mutant("selection", "T1] | tuple[Literal[1], T2]", "T2] | tuple[Literal[1], T1]"),
    Mutant("selection", "tuple[Literal[0], T1] | tuple[Literal[1], T2]", "tuple[Literal[0, 1], T1 | T2]"),
    Mutant("selection", "-> tuple[int, R]:", "-> tuple[int, Any]:"),
    Mutant("timers", "-> Receiver[float]:", "-> Receiver[Any]:"),
    Mutant("merging", "-> AsyncIterator[T]:", "-> AsyncIterator[Any]:"),
    Mutant("errors", "class ChannelFull(ChannelError):", "class ChannelFull(Exception):"),
)  # fmt: skip


def main() -> int:
    noticed = dict.fromkeys(NAMES, 0)
    survivors = 0
    with TemporaryDirectory() as folder:
        environment = Environment(Path(folder))
        if len(set(environment.package.glob("py.typed"))) != 1:
            raise ValueError("the wheel has no py.typed")
        for mutant in MUTANTS:
            noticing = notice(environment, mutant)
            survivors += len(noticing) < 2
            for name in noticing:
                noticed[name] += 1
            verdict = f"{len(noticing)} of {len(NAMES)}" if len(noticing) >= 2 else "SURVIVES"
            change = " ".join(f"{mutant.old} => {mutant.new}".split())
            print(f"{verdict:9} {' '.join(name if name in noticing else '-' * len(name) for name in NAMES)}", end="  ")
            print(f"{mutant.module}: {change}", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in noticed.items())
    print(f"type mutants: {len(MUTANTS) - survivors} of {len(MUTANTS)} noticed by two checkers or more ({counts})")
    return bool(survivors)


def notice(environment: Environment, mutant: Mutant) -> list[str]:
    """Return the checkers that notice the mutant."""
    markers = stage(environment, TARGET)
    module = environment.package / f"{mutant.module}.py"
    sound = module.read_text()
    module.write_text(mutant.apply(sound))
    try:
        reports = environment.check([TARGET])
    finally:
        module.write_text(sound)
    return [run.name for run, reported in reports.items() if any(surprises(run.name, markers, reported))]


if __name__ == "__main__":
    sys.exit(main())
