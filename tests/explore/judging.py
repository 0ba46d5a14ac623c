"""What notices a fault of the package: the explorer, a unit test, or a model.

One process imports the package, the tests and all that they need, once. Each fault is put into a fork of this process,
and the steps here judge it. A step has a time limit: a fault that makes the package hang is ended by a signal.
"""

import gc
import inspect
import json
import linecache
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import active_count
from types import CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import NamedTuple, TypeAlias, TypeVar

import coverage
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

import aiochannel
from tests.explore.catalogue import PROGRAMS
from tests.explore.programs import Program
from tests.explore.search import Explorer, Failure
from tests.interrupts.places import Runner, Tracer
from tests.model.machines import LoopMachine
from tests.model.test_model import CHECK, SIZES, ChannelMachine, lose_loops
from tests.model.test_priority_model import PriorityMachine
from tests.model.test_watch_model import WatchMachine

K = TypeVar("K")

Step: TypeAlias = Callable[[], str]
"""It returns what notices a fault, or nothing."""

PACKAGE = Path(aiochannel.__file__).parent
MEMORY = 2 * 1024**3
WITHOUT_SHRINKING = settings(CHECK, report_multiple_bugs=False, phases=[Phase.generate])
# Hypothesis, which is imported here, may keep its plain assertions.
OPTIONS = ["-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
MODELS: dict[str, type[LoopMachine]] = {
    "Channel": ChannelMachine, "PriorityChannel": PriorityMachine, "Watch": WatchMachine,
}  # fmt: skip
EXAMPLES = {"PriorityChannel": 60, "Watch": 60}
"""Of a model that takes longer than that of channels, so that all are done in time."""

OTHER_LOOPS = {"eager", "uvloop"}
"""In the names of tests; asyncio's plain loop is enough here."""

TRACING = ("tests/interrupts/", "at_every_place")
"""Words in the names of the tests that play a signal handler at every place."""

RECORDING = 60
"""Seconds for a test whose lines are recorded: that costs several times as much."""

FIRST = 10
"""So many programs and so many tests come before the others."""


class Fault(NamedTuple):
    """A mutant, with the whole text of its module before and after."""

    name: str
    module: str
    scope: str
    lines: range
    source: str
    changed: str

    def install(self) -> None:
        """Change the package that is imported."""
        module = import_module(".".join([PACKAGE.name, *Path(self.module).with_suffix("").parts]))
        replace(module, self.scope, self.changed)


def replace(module: ModuleType, scope: str, source: str) -> None:
    """Give a function the code and the defaults that it has in another source of its module.

    Whoever has imported the function has the changed one. Without a function, the constants get their new values. The
    code is of the file of the module, as far as tests can tell that look at the code that runs.
    """
    changed = ModuleType(module.__name__)
    file = vars(module).get("__file__") or module.__name__
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(_compiled(source, file), changed.__dict__)
    if not scope:
        _replace_constants(module, changed)
        return
    old: object = module
    new: object = changed
    name, *rest = scope.split(".")
    while inspect.isclass(vars(old)[name]):
        old, new = vars(old)[name], vars(new)[name]
        name, *rest = rest
    function, becomes = _plain(vars(old)[name]), _plain(vars(new)[name])
    try:
        function.__code__ = becomes.__code__
    except ValueError:  # it has no `super()` any more
        setattr(old, name, becomes)
    function.__defaults__, function.__kwdefaults__ = becomes.__defaults__, becomes.__kwdefaults__


@cache
def _compiled(source: str, file: str) -> CodeType:
    return compile(source, file, "exec")


def _plain(value: object) -> FunctionType:
    """Return the function in a property, a class method, or what a test has wrapped around one."""
    function: object = inspect.unwrap(value.fget if isinstance(value, property) else value)  # type: ignore[arg-type]
    assert isinstance(function, FunctionType), function
    return function


def _replace_constants(module: ModuleType, changed: ModuleType) -> None:
    """Give every module of the package that has the constant its new value."""
    for name, value in vars(changed).items():
        old = vars(module).get(name)
        if isinstance(value, dict) and isinstance(old, dict) and value != old:
            old.update(zip(old, value.values(), strict=True))  # whose keys may be of a class that the module makes
        if isinstance(value, int | tuple | MethodDescriptorType) and value != old:
            for each in list(sys.modules.values()):
                if each.__name__.partition(".")[0] == PACKAGE.name and vars(each).get(name) is old:
                    setattr(each, name, value)


# Steps.


class Noticed(Exception):
    """Ends a search at the first violation, before it is shrunk."""


class Hasty(Explorer):
    @override
    def shrink(self, decisions: Iterable[str]) -> Failure:
        _, violations = self.replay(decisions)
        raise Noticed(violations[0].kind if violations else "not a second time")


def allow(seconds: float, *, on_the_clock: float = 300) -> None:
    """Give the process so much time of the processor from now on, and so much on the clock if it idles."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, on_the_clock)


def never_wait_idly() -> None:
    """End the process where an event loop would wait for ever: no timer, and no other thread that may wake it."""
    select = DefaultSelector.select

    def watched(self: DefaultSelector, timeout: float | None = None) -> Sequence[object]:
        if timeout is None and active_count() == 1:
            signal.raise_signal(signal.SIGALRM)
        return select(self, timeout)

    pytest.MonkeyPatch().setattr(DefaultSelector, "select", watched)


def by_schedules(
    programs: Iterable[Program],
    play: Callable[[Explorer], object],
    begin: Callable[[str], object] = bool,
    seconds: float = 3,
) -> str:
    for script in programs:
        allow(seconds)
        begin(script.describe())
        try:
            play(Hasty(script))
        except Noticed as violation:
            return f"explorer: {violation}: {script.describe()}"
    return ""


def by_closing_loops() -> str:
    for size in SIZES:
        allow(60)
        try:
            lose_loops(size)
        except BaseException as error:
            return f"model: {type(error).__name__}: {', '.join(error.__notes__)}"
    return ""


def by_a_model(model: str) -> str:
    allow(60)
    examples = EXAMPLES.get(model, CHECK.max_examples)
    try:
        run_state_machine_as_test(MODELS[model], settings=settings(WITHOUT_SHRINKING, max_examples=examples))
    except BaseException as error:
        return f"model: {type(error).__name__}: {model}"
    return ""


def thorough_steps(programs: Sequence[Program], models: Iterable[str]) -> Iterator[Step]:
    for model in models:
        yield partial(by_a_model, model)
        if MODELS[model] is ChannelMachine:
            yield by_closing_loops
    yield partial(by_schedules, programs, lambda explorer: explorer.sample(draws=50))
    yield partial(by_schedules, programs, lambda explorer: explorer.explore(budget=200, draws=200))


class UnitTests:
    """A plugin of pytest that hands over the tests that pytest collects, and runs them one at a time."""

    def __init__(self, use: Callable[["UnitTests"], int]) -> None:
        self.use = use
        self.result: int | None = None
        self.failed = ""
        self.items: dict[str, pytest.Item] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item in session.items:
            if not OTHER_LOOPS.intersection(item.name.partition("[")[2].removesuffix("]").split("-")):
                self.items[item.nodeid] = item
        self.result = self.use(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def run(self, names: Iterable[str], begin: Callable[[str], object], seconds: float = 10) -> str:
        """Run these tests until one fails, each in so much time of the processor."""
        for name in names:
            allow(seconds, on_the_clock=3 * seconds)
            begin(name)
            item = self.items[name]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                return f"test: {self.failed}"
        return ""

    def record(self) -> str:
        """Return, as JSON, the tests, programs and models that run each line of each module."""
        os.environ["COVERAGE_CORE"] = "ctrace"  # the others know no contexts
        measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{PACKAGE}/*"])
        with measured.collect():
            self.run((name for name in self.items if not _traces(name)), measured.switch_context, RECORDING)
            self.failed = self.failed or by_schedules(PROGRAMS, _a_few_times, measured.switch_context, RECORDING)
            for name, model in MODELS.items():
                allow(RECORDING)
                measured.switch_context(name)
                run_state_machine_as_test(model, settings=settings(WITHOUT_SHRINKING, max_examples=10))
        allow(RECORDING)
        data = measured.get_data()
        lines = {_module(path): data.contexts_by_lineno(path) for path in sorted(data.measured_files())}
        if not self.failed:
            self._record_functions(lines)
        allow(RECORDING)
        return f"fails: {self.failed}" if self.failed else json.dumps(lines)

    def _record_functions(self, lines: dict[str, dict[int, list[str]]]) -> None:
        """Count a test that plays signal handlers, and so traces, for all lines of each function that it plays."""
        running: set[CodeType] = set()

        def play_without_a_signal(tracer: Tracer, run: Runner) -> None:
            run(0)
            running.update(event.code for event in tracer.events)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Tracer, "play_places", play_without_a_signal)
            for name in self.items:
                if _traces(name):
                    running.clear()
                    self.run([name], lambda _: None)
                    self.failed = ""  # it misses the places that were not played
                    for code in running:
                        if code.co_filename.startswith(str(PACKAGE)):
                            found = lines.setdefault(_module(code.co_filename), {})
                            for line in {line for _, _, line in code.co_lines() if line is not None}:
                                found.setdefault(line, []).append(name)


def _traces(name: str) -> bool:
    return any(word in name for word in TRACING)


def _module(path: str) -> str:
    return Path(path).relative_to(PACKAGE).as_posix()


def _a_few_times(explorer: Explorer) -> None:
    explorer.sample(draws=10)


def judge(programs: Sequence[Program], tests: UnitTests, names: Sequence[str], more: Iterable[Step]) -> str:
    """Return what notices the fault that this process has, or nothing. Those programs and tests come first that did."""

    def few(some: Iterable[Program]) -> str:
        return by_schedules(some, _a_few_times)

    def unit_tests(some: Iterable[str]) -> str:
        return tests.run(some, lambda _: None)

    steps: list[Step] = [
        partial(few, programs[:FIRST]),
        partial(unit_tests, names[:FIRST]),
        partial(few, programs[FIRST:]),
        partial(unit_tests, names[FIRST:]),
        *more,
    ]
    never_wait_idly()
    return next((noticed for step in steps if (noticed := step())), "")


# Processes.


@given(st.none())
def begin_hypothesis(_: None) -> None:
    """Let Hypothesis look at its random numbers: it does so once, and would warn of what the collector does not see."""


class Fork:
    """A call in a fork of this process."""

    def __init__(self, call: Callable[[], str]) -> None:
        self.output, write = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            _run(call, write)
        os.close(write)
        self.text = bytearray()

    def read(self) -> bool:
        """Read what there is; return whether the call is over."""
        part = os.read(self.output, 1 << 16)
        self.text += part
        return not part

    def result(self) -> str:
        """Return what the call returned, or what ended it."""
        os.close(self.output)
        _, status = os.waitpid(self.process, 0)
        if not os.WIFSIGNALED(status):
            return self.text.decode()
        ended_by = os.WTERMSIG(status)
        return "hangs" if ended_by in (signal.SIGPROF, signal.SIGALRM) else f"ended by signal {ended_by}"


def _run(call: Callable[[], str], write: int) -> None:
    try:
        for output in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            text = call()
        except BaseException as error:
            text = f"raises {type(error).__name__}: {error}"
        with os.fdopen(write, "wb") as pipe:
            pipe.write(text.encode())
    finally:
        os._exit(0)


def run_all(calls: Iterable[tuple[K, Callable[[], str]]], processes: int) -> Iterator[tuple[K, str]]:
    """Run each call in a fork, so many at a time; yield the results as they come."""
    begin_hypothesis()
    gc.collect()
    gc.freeze()  # to collect costs a fork little then, and many tests do
    waiting = iter(calls)
    running: dict[int, tuple[K, Fork]] = {}
    with DefaultSelector() as selector:
        while True:
            while len(running) < processes and (call := next(waiting, None)):
                fork = Fork(call[1])
                running[fork.output] = call[0], fork
                selector.register(fork.output, EVENT_READ)
            if not running:
                return
            for key, _ in selector.select():
                name, fork = running[key.fd]
                if fork.read():
                    selector.unregister(key.fd)
                    del running[key.fd]
                    yield name, fork.result()
