"""Mistakes in the package's own annotations, and who notices them: `python -m tests.typing.mutants`.

Each mutant is an installed copy of the package under a name of its own, beside a copy of the cases that imports it by
this name. So a checker reads many mutants in one run, and starts once for all of them. It notices a mutant if it
reports a line of the cases that it should not, or misses one that it should report. Two checkers at least must notice
each mutant. One copy in each run has no mistake; to notice that one is an error.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from tests.typing.checkers import NAMES, Environment, Place
from tests.typing.markers import stage
from tests.typing.run import surprises

TARGET = "3.13"
BATCH = 17
"""Mutants in one run. More take less time and more memory: pyright needs about 35 MB for each."""


class Mutant(NamedTuple):
    """A change of the first place in a module that reads `old`; how it is broken into lines does not matter."""

    module: str
    """Its path in the package, without the suffix."""
    old: str
    new: str

    def apply(self, source: str) -> str:
        """Return the changed source."""
        pattern = r"\s*".join(map(re.escape, self.old.split()))
        changed, count = re.subn(pattern, lambda _: self.new, source, count=1)
        if not count:
            raise ValueError(f"{self.module}.py does not have: {self.old}")
        return changed.replace("\nfrom typing import ", "\nfrom typing import Any, ", 1)


SOUND = Mutant("__init__", "", "")

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
    Mutant("protocols", "async def __anext__(self) -> T_co:", "async def __anext__(self) -> Any:"),
    Mutant("protocols", "async def __anext__(self) -> T_co:", "def __anext__(self) -> T_co:"),
    Mutant("protocols", "@runtime_checkable class Receiver", "class Receiver"),
    Mutant("protocols", "-> Case[T_co]:", "-> Case[object]:"),
    Mutant("channel", 'T = TypeVar("T")', 'T = TypeVar("T", covariant=True)'),
    Mutant("channel", "maxsize: SupportsIndex = 0", "maxsize: object = 0"),
    Mutant("channel", "name: str | None = None) -> Self:", "name: str | None = None):"),
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
    Mutant("cases", 'R_co = TypeVar("R_co", covariant=True)', 'R_co = TypeVar("R_co")'),
    Mutant("cases", "@final class Case", "class Case"),
    Mutant("cases", '-> "Case[U]":', '-> "Case[Any]":'),
    Mutant("cases", '-> "Case[R_co | U]":', '-> "Case[R_co]":'),
    Mutant("cases", "def otherwise() -> Case[None]:", "def otherwise() -> Any:"),
    Mutant("selection", "case2: Case[T3],", "case2: Case[T3], dropped: str,"),
    Mutant("selection", "tuple[Literal[0], T1] | tuple[Literal[1], T2]", "tuple[int, T1] | tuple[int, T2]"),
    Mutant("selection", "T1] | tuple[Literal[1], T2]", "T2] | tuple[Literal[1], T1]"),
    Mutant("selection", "tuple[Literal[0], T1] | tuple[Literal[1], T2]", "tuple[Literal[0, 1], T1 | T2]"),
    Mutant("selection", "-> tuple[int, R]:", "-> tuple[int, Any]:"),
    Mutant("channel", "on_drop: Callable[[T], object]", "on_drop: Callable[..., object]"),
    Mutant("priority", "key: Callable[[T], float]", "key: Callable[..., float]"),
    Mutant("priority", "key: Callable[[T], float]", "key: Callable[[T], object]"),
    Mutant("priority", "async def get(self) -> T:", "async def get(self) -> Any:"),
    Mutant("watch", "def value(self) -> T:", "def value(self) -> Any:"),
    Mutant("watch", "def set(self, value: T, /)", "def set(self, value: Any, /)"),
    Mutant("watch", "def observe(self) -> Receiver[T]:", "def observe(self) -> Receiver[Any]:"),
    Mutant("watch", "predicate: Callable[[T], object]", "predicate: Callable[..., object]"),
    Mutant("calls", "request: Q, /) -> R:", "request: Q, /) -> Any:"),
    Mutant("calls", "request: Q, /) -> R:", "request: object, /) -> R:"),
    Mutant("calls", "def request(self) -> Q_co:", "def request(self) -> Any:"),
    Mutant("calls", "def reply(self, result: R_contra, /)", "def reply(self, result: Any, /)"),
    Mutant("calls", 'TypeVar("R_contra", contravariant=True)', 'TypeVar("R_contra", covariant=True)'),
    Mutant("calls", 'TypeVar("Q_co", covariant=True)', 'TypeVar("Q_co")'),
    Mutant("futures", "-> Case[R]:", "-> Case[Any]:"),
    Mutant("broadcast", "-> End[Subscription[T]]:", "-> End[Receiver[T]]:"),
    Mutant("broadcast", "-> End[Subscription[T]]:", "-> End[Subscription[Any]]:"),
    Mutant("broadcast", "async def put(self, item: T, /)", "async def put(self, item: Any, /)"),
    Mutant("feeds", "def missed(self) -> int:", "def missed(self) -> Any:"),
    Mutant("feeds", "class Subscription(Receiver[T_co], Protocol[T_co]):", "class Subscription(Protocol[T_co]):"),
    Mutant("tasks", "fn: Callable[[*Ts], Coroutine[", "fn: Callable[..., Coroutine["),
    Mutant("tasks", "-> asyncio.Task[T]:", "-> asyncio.Task[Any]:"),
    Mutant("threads", "def blocking(self) -> Blocking[T]:", "def blocking(self) -> Blocking[Any]:"),
    Mutant("threads", "async def put(self, item: T, /)", "async def put(self, item: Any, /)"),
    Mutant("_threads/blocking", "def put(self, item: T, /", "def put(self, item: Any, /"),
    Mutant("remote/channel", "-> RemoteSender[T]:", "-> RemoteSender[Any]:"),
    Mutant("remote/channel", "-> RemoteReceiver[T]:", "-> RemoteReceiver[Any]:"),
    Mutant("remote/channel", "-> Sequence[DeadLetter[T]]:", "-> Sequence[DeadLetter[Any]]:"),
    Mutant("remote/hub", "-> RemoteChannel[T]:", "-> RemoteChannel[Any]:"),
    Mutant("remote/receiving", "-> AsyncIterator[Delivery[T_co]]:", "-> AsyncIterator[Delivery[Any]]:"),
    Mutant("remote/sending", "async def put(self, item: T_contra, /)", "async def put(self, item: Any, /)"),
    Mutant("timers", "-> Receiver[float]:", "-> Receiver[Any]:"),
    Mutant("merging", "-> AsyncIterator[T]:", "-> AsyncIterator[Any]:"),
    Mutant("errors", "class ChannelFull(ChannelError):", "class ChannelFull(Exception):"),
)  # fmt: skip


def main() -> int:
    begin = perf_counter()
    noticed = dict.fromkeys(NAMES, 0)
    survivors, noticed_by_all = 0, 0
    with TemporaryDirectory() as folder:
        for mutant, noticing in notice(Path(folder)):
            survivors += len(noticing) < 2
            noticed_by_all += len(noticing) == len(NAMES)
            for name in noticing:
                noticed[name] += 1
            verdict = f"{len(noticing)} of {len(NAMES)}" if len(noticing) >= 2 else "SURVIVES"
            change = " ".join(f"{mutant.old} => {mutant.new}".split())
            print(f"{verdict:9} {' '.join(name if name in noticing else '-' * len(name) for name in NAMES)}", end="  ")
            print(f"{mutant.module}: {change}", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in noticed.items())
    print(
        f"type mutants: {len(MUTANTS) - survivors} of {len(MUTANTS)} noticed by two checkers or more, "
        f"{noticed_by_all} by all ({counts}), in {perf_counter() - begin:.0f} s"
    )
    return bool(survivors)


def notice(root: Path) -> Iterator[tuple[Mutant, list[str]]]:
    """Yield each mutant with the checkers that notice it."""
    environment, cases = Environment(root), root / "cases"
    markers = stage(cases, TARGET)
    for first in range(0, len(MUTANTS), BATCH):
        batch = [SOUND, *MUTANTS[first : first + BATCH]]
        copies = {f"copy_{first}_{position}": mutant for position, mutant in enumerate(batch)}
        rmtree(environment.sources(TARGET), ignore_errors=True)
        for name, mutant in copies.items():
            _copy(environment, cases, name, mutant)
        reports = {run.name: _by_copy(reported) for run, reported in environment.check([TARGET]).items()}
        for name, mutant in copies.items():
            noticing = [checker for checker in NAMES if any(surprises(checker, markers, reports[checker][name]))]
            if mutant is not SOUND:
                yield mutant, noticing
            elif noticing:
                raise ValueError(f"noticed a copy without a mistake: {', '.join(noticing)}")


def _copy(environment: Environment, cases: Path, name: str, mutant: Mutant) -> None:
    """Add the package with the mutant under this name, and a folder of this name with the cases."""
    package = environment.package.with_name(f"{environment.package.name}_{name}")
    folder = environment.sources(TARGET) / name

    def write(copy: Path, text: str) -> None:
        text = re.sub(rf"\b{environment.package.name}\b", package.name, text)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"\bfrom application\b", f"from {name}.application", text))

    for module in [*environment.package.rglob("*.py"), environment.package / "py.typed"]:
        text, path = module.read_text(), module.relative_to(environment.package)
        write(package / path, mutant.apply(text) if path.with_suffix("").as_posix() == mutant.module else text)
    for case in cases.rglob("*.py"):
        write(folder / case.relative_to(cases), case.read_text())
    write(folder / "__init__.py", "")


def _by_copy(reported: Mapping[Place, str]) -> Mapping[str, Mapping[Place, str]]:
    reports: dict[str, dict[Place, str]] = defaultdict(dict)
    for (path, line), text in reported.items():
        name, _, path_of_case = path.partition("/")
        reports[name][Place(path_of_case, line)] = text
    return reports


if __name__ == "__main__":
    sys.exit(main())
