"""Mutants of the package, each of which the explorer, a unit test or a model must notice.

python -m tests.explore.mutants                 all of them
python -m tests.explore.mutants _grant popleft  those whose name has one of the words
python -m tests.explore.mutants --files "_core/machine.py"   those of a file that FILES does not have yet

With --all it prints the noticed ones too; with --quick it stops at the quick steps.

`mutations` makes them. One that changes nothing that a user can notice is listed in equivalents.txt, with the reason. A
mutant that survives and is not listed is a missing test or dead code, and exits with 1; so does one that is listed and
noticed, and a line of the list that names no mutant.

First come a few schedules of the programs that run the changed module and the unit tests that run the changed lines,
those that noticed most in front, and last among these tests those that play a signal handler at every place. What
escapes all this meets the models and many schedules. A mutant that is listed meets only some of the programs and tests.
"""

import argparse
import difflib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.explore.catalogue import PROGRAMS
from tests.explore.judging import (
    FIRST,
    MODELS,
    OPTIONS,
    PACKAGE,
    Fault,
    Step,
    UnitTests,
    judge,
    run_all,
    thorough_steps,
)
from tests.explore.members import MEMBERS
from tests.explore.mutations import Module

TESTS = Path(__file__).parents[1]
EQUIVALENTS = Path(__file__).with_name("equivalents.txt")

CORE = ["arguments", "closing", "ends", "gathering", "loops", "machine", "moments", "operations", "resting", "waiters"]
CORE += ["observing", "versions"]
MAIN = ["cases", "channel", "handles", "overflow", "priority", "selection", "watch"]
BROADCASTS = ["broadcast", "delivery", "feeds", "hub"]
CALLS = ["calls", "futures"]
FILES = [*(f"_core/{name}.py" for name in CORE), *(f"{name}.py" for name in [*MAIN, *BROADCASTS, *CALLS])]
"""The files of the package whose mutants have to be decided: noticed, or listed as equivalent."""

UNIT_TESTS = [
    "test_*.py", "contract/test_*.py", "explore/test_calling.py", "explore/test_watching.py",
    "interrupts/test_broadcasts.py", "interrupts/test_interrupts.py", "interrupts/test_scenes.py",
    "model/test_call_model.py", "model/test_subscriptions.py",
]  # fmt: skip

LAST = ["test_speed_guard.py", "test_interrupts.py", "test_scenes.py", "test_broadcasts.py"]
"""The slowest."""
OTHERS = {
    "test_digest_tree.py",
    "test_docs.py",
    "test_examples.py",
    "test_live_feed.py",
    "test_servers.py",
    "test_threads.py",
}
"""Tests that run other processes, threads or pages."""

FEW = 50
"""So many of its unit tests are run on a mutant that is listed, those that noticed most first."""


class ByHand(NamedTuple):
    """A fault that no general change makes: where its function reads `old`, it reads `new`."""

    module: str
    function: str
    old: str
    new: str


BY_HAND = [
    # It does not wait for promised items.
    ByHand("_core/machine.py", "Machine._is_drained", "not self._buffer", "len(self._buffer) <= self._receivers.woken"),
    # It grants nothing.
    ByHand("_core/machine.py", "Machine._take", "self._after_take()", "self._closed and self._after_take()"),
]

UNCHANGED = Fault("the package as it is", "", "", range(0), "", "")


def make_faults(package: Path, files: Iterable[str], by_hand: Iterable[ByHand]) -> tuple[list[Fault], set[str]]:
    """Return the faults in these files, each once, and the names of all mutants that there are."""
    faults: list[Fault] = []
    names: set[str] = set()
    for path in chain.from_iterable(sorted(package.glob(pattern)) for pattern in files):
        name = path.relative_to(package).as_posix()
        module = Module(name, path.read_text(encoding="utf-8"))
        mutants = [module.by_hand(each.function, each.old, each.new) for each in by_hand if each.module == name]
        mutants += module.mutants()
        names.update(mutant.name for mutant in mutants)
        for mutant in module.distinct(mutants):
            texts = module.text.decode(), mutant.apply(module.text).decode()
            faults.append(Fault(mutant.name, name, mutant.scope, mutant.lines, *texts))
    return faults, names


def read_equivalents(text: str) -> dict[str, str]:
    """Return the reason for each name, of lines `name  # reason`; lines that begin with # are comments."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, reason = line.partition("  # ")
        if line and not line.startswith("#"):
            if not reason or name in found:
                raise ValueError(f"not `name  # reason`, or there twice: {line}")
            found[name] = reason
    return found


def diff(fault: Fault) -> str:
    lines = difflib.unified_diff(fault.source.splitlines(), fault.changed.splitlines(), n=0, lineterm="")
    return "\n".join(f"    {line}" for line in list(lines)[2:])


def unit_tests() -> list[str]:
    found = sorted(chain.from_iterable(TESTS.glob(pattern) for pattern in UNIT_TESTS))
    paths = [path for path in found if path.name not in OTHERS]
    return [str(path) for path in sorted(paths, key=lambda path: LAST.index(path.name) if path.name in LAST else -1)]


class Judges:
    """Choose what each mutant has to pass, and learn from what noticed those before it."""

    def __init__(self, tests: UnitTests, recorded: str, listed: Collection[str], *, thorough: bool) -> None:
        self.tests = tests
        self.lines: dict[str, dict[str, list[str]]] = json.loads(recorded)
        self.listed = listed
        self.thorough = thorough
        self.same: list[Fault] = []
        """The functions of the faults as they are, put into the package as a fault is: nothing may notice that."""
        self.noticed: Counter[tuple[str, str]] = Counter()
        self.breadth = Counter(name for lines in self.lines.values() for names in lines.values() for name in names)
        """How many lines each test runs: a test of little is quick, and made for it."""

    def call(self, fault: Fault) -> Callable[[], str]:
        """Return what judges a fault, for a process of its own."""
        place = _place(fault)

        def first(name: str) -> int:
            return -1000 * self.noticed[place, name] - self.noticed["", name]

        others = self.others(fault)
        programs = [script for script in PROGRAMS if script.describe() in others]
        programs.sort(key=lambda script: first(script.describe()))
        names = sorted(self.names(fault), key=lambda name: (first(name), self.breadth[name]))
        more: list[Step] = []
        if fault.name in self.listed:
            programs, names = programs[:FIRST], names[:FEW]
        elif self.thorough:
            models = [name for name in MODELS if name in others]
            more = [*thorough_steps(programs, models), *MEMBERS.get(fault.module, ())]

        def run() -> str:
            for each in self.same if fault is UNCHANGED else (fault,):
                each.install()
            return judge(programs, self.tests, names, more)

        return run

    def names(self, fault: Fault) -> list[str]:
        """Return the tests that run one of the changed lines; all, if these are not in a function."""
        if not fault.scope:
            return list(self.tests.items)
        lines = self.lines.get(fault.module, {})
        found = {test for line in fault.lines for test in lines.get(str(line), ())}
        return [name for name in self.tests.items if name in found]

    def others(self, fault: Fault) -> Collection[str]:
        """Return the programs and models that run anything of the changed module."""
        if fault is UNCHANGED:
            return {*MODELS, *(script.describe() for script in PROGRAMS)}
        return set(chain.from_iterable(self.lines.get(fault.module, {}).values()))

    def learn(self, fault: Fault, verdict: str) -> None:
        kind, _, name = verdict.partition(": ")
        name = name.partition(": ")[2] if kind == "explorer" else name
        self.noticed.update([(_place(fault), name), ("", name)])


def _place(fault: Fault) -> str:
    return f"{fault.module}:{fault.scope}"


class Report:
    """Counts the verdicts, and prints those that matter."""

    def __init__(self, equivalents: Collection[str], *, everything: bool) -> None:
        self.equivalents = equivalents
        self.everything = everything
        self.noticed = self.listed = self.survivors = 0
        self.wrong: list[str] = []

    def add(self, fault: Fault, verdict: str) -> None:
        listed = fault.name in self.equivalents
        self.noticed += bool(verdict)
        self.listed += listed and not verdict
        if verdict and listed:
            self.wrong.append(f"equivalents.txt lists one that is noticed: {fault.name}  {verdict}")
        elif verdict and self.everything:
            print(f"{fault.name}  {verdict}", flush=True)
        elif not verdict and not listed:
            self.survivors += 1
            print(f"survives: {fault.name}\n{diff(fault)}", flush=True)


def try_all(faults: Collection[Fault], report: Report, processes: int, thorough: bool, tests: UnitTests) -> int:
    ((_, recorded),) = run_all([("", tests.record)], 1)
    if not recorded.startswith("{"):
        print(f"the tests do not run on {UNCHANGED.name}: {recorded}")
        return 2
    judges = Judges(tests, recorded, report.equivalents, thorough=thorough)
    functions = {(fault.module, fault.scope): fault for fault in faults}
    judges.same = [fault._replace(changed=fault.source) for fault in functions.values()]
    # What the unchanged package does not pass would notice every mutant.
    calls = ((fault, judges.call(fault)) for fault in chain([UNCHANGED], faults))
    for fault, verdict in run_all(calls, processes):
        judges.learn(fault, verdict)
        if fault is not UNCHANGED:
            report.add(fault, verdict)
        elif verdict:
            print(f"{fault.name}: {verdict}; so no verdict means anything")
            return 2
    return 1 if report.survivors or report.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explore.mutants")
    parser.add_argument("words", nargs="*", help="only the mutants whose name has one of these")
    parser.add_argument("--files", nargs="+", default=FILES, help="of these files of the package, in place of FILES")
    parser.add_argument("--all", action="store_true", help="print those that are noticed, too")
    parser.add_argument("--quick", action="store_true", help="without the model and without many schedules")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    words: list[str] = options.words
    files: list[str] = options.files
    begun = time.perf_counter()
    faults, names = make_faults(PACKAGE, files, BY_HAND)
    chosen = [fault for fault in faults if not words or any(word in fault.name for word in words)]
    equivalents = read_equivalents(EQUIVALENTS.read_text(encoding="utf-8"))
    report = Report(equivalents, everything=options.all)
    if files == FILES:
        gone = [name for name in equivalents if name not in names]
        report.wrong += [f"equivalents.txt lists one that does not exist: {name}" for name in gone]
    tests = UnitTests(partial(try_all, chosen, report, options.processes, not options.quick))
    collected = pytest.main([*OPTIONS, *unit_tests()], [tests])
    if tests.result is None:
        print(f"pytest does not get so far as to run the tests: {collected!r}")
        return 2
    print(*report.wrong, sep="\n", end="\n" if report.wrong else "")
    seconds = time.perf_counter() - begun
    print(f"mutants: {report.noticed} of {len(chosen)} noticed, {report.listed} equivalent, {seconds:.0f} s")
    return tests.result


if __name__ == "__main__":
    sys.exit(main())
