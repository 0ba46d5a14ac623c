"""Where CPython runs signal handlers, found by asking CPython.

Which instructions look for signals differs from version to version, so nothing here knows them. A run is traced
instruction by instruction. Before the instruction of a given number a signal is made pending, in C and without a
Python frame in between, and tracing ends; the interpreter then calls the handler at the next instruction that looks for
signals, as it would for a signal from outside. An exception that the handler raises comes out of just that instruction.

`Tracer.play_places` steps through a run so, and plays it once for each place within a call of the package.
"""

import ctypes
import gc
import linecache
import signal
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dis import get_instructions
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple, Protocol

from typing_extensions import override

import aiochannel

TraceFunction = Callable[[FrameType, str, object], object]

PACKAGE = Path(aiochannel.__file__).parent
TESTING = str(PACKAGE / "testing")
FILES = (str(PACKAGE), str(Path(__file__).with_name("sketch.py")))

if sys.platform == "win32":
    SIGNAL = signal.SIGBREAK
else:
    SIGNAL = signal.SIGUSR1


class Event(NamedTuple):
    """An instruction about to run, or the beginning of a frame; at a root, nothing of the package ran before it."""

    code: CodeType
    offset: int
    root: bool


class Place(NamedTuple):
    """An instruction of the package after which a handler runs, or a call during which it does."""

    code: CodeType
    offset: int
    callee: CodeType | None
    """The function outside the package on entry of which it runs, if there is one."""

    @classmethod
    def of(cls, frame: FrameType) -> "Place | None":
        """Return where a handler interrupts this frame, if that is within a call of the package."""
        caller: FrameType | None = frame
        while caller is not None and not in_package(caller):
            caller = caller.f_back
        if caller is None:
            return None
        return cls(caller.f_code, _instruction(caller), None if caller is frame else frame.f_code)

    @property
    def inside(self) -> bool:
        """Return whether it is in the package itself."""
        return self.callee is None

    @property
    def source(self) -> str:
        """Return the expression, or its first line, that ends here or is the call."""
        line, end_line, column, end_column = self._position
        if line is None or self.offset == 0:
            return ""
        text = linecache.getline(self.code.co_filename, line).rstrip()
        return text[column:end_column] if line == end_line else text[column:]

    def is_entry_of(self, name: str) -> bool:
        """Return whether it is on entry of the function of this qualified name."""
        return self.code.co_qualname == name and not self.source

    @property
    def is_len(self) -> bool:
        return self.source.startswith("len(")

    @property
    def _position(self) -> tuple[int | None, int | None, int | None, int | None]:
        return next(islice(self.code.co_positions(), self.offset // 2, None))

    @override
    def __str__(self) -> str:
        line = self._position[0] or self.code.co_firstlineno
        file = Path(self.code.co_filename).relative_to(PACKAGE.parent)
        how = "after" if self.callee is None else f"in {self.callee.co_qualname}, called by"
        return f"{file}:{line} in {self.code.co_qualname}, " + (f"{how} {self.source}" if self.source else "on entry")


@cache
def _offsets(code: CodeType) -> list[int]:
    """Return where the instructions begin. Python 3.11 has two for a call, and either may do it: they count as one."""
    instructions = list(get_instructions(code))
    return [each.offset for before, each in pairwise([instructions[0], *instructions]) if before.opname != "PRECALL"]


def _instruction(frame: FrameType) -> int:
    """Return the offset of the instruction that runs in a frame; of a call, `f_lasti` may be the end."""
    offsets = _offsets(frame.f_code)
    return offsets[bisect_right(offsets, frame.f_lasti) - 1]


def in_package(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(FILES) and not file.startswith(TESTING)


class Runner(Protocol):
    """Plays the traced part of a run; a signal comes before the event of this number, none if it is 0."""

    def __call__(self, number: int, /) -> Place | None:
        """Return the place of the handler, if it ran within a call of the package."""
        ...


class Tracer:
    """Numbers the instructions of a run, and makes the signal pending before one of them, or lets the collector run."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        """Those of the last run without a signal."""
        self.count = 0
        self.armed = 0
        self.astray = False
        self.local: TraceFunction = _pend

    def run(self, function: Callable[[], object], number: int, *, collects: bool = False) -> None:
        """Call the function; before the event of this number a signal becomes pending, or a collection due."""
        self.count = 0
        self.armed = number
        if not number:
            self.events = []
        self.local = self._collect if collects else _pend
        _Signal.tracer = self
        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for such a frame when tracing begins
        sys.settrace(self._enter)
        try:
            function()
        finally:
            sys.settrace(before)
            gc.disable()

    def _enter(self, frame: FrameType, event: str, arg: object) -> None:
        """Trace the instructions of the package, and the return of what it calls: a signal may come before that too."""
        caller = frame.f_back
        root = caller is None or not in_package(caller)
        if in_package(frame):
            frame.f_trace = self.local
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
        elif not root:
            frame.f_trace = self.local
            frame.f_trace_lines = False
        else:
            return
        self.count += 1
        if not self.armed:
            self.events.append(Event(frame.f_code, _instruction(frame), root))

    def step(self, frame: FrameType) -> bool:
        """Count an instruction, and return whether the signal has to come before it."""
        self.count += 1
        if not self.armed:
            self.events.append(Event(frame.f_code, _instruction(frame), False))
        elif self.count >= self.armed:
            sys.settrace(None)
            self.astray = self.events[self.count - 1 : self.count] != [Event(frame.f_code, _instruction(frame), False)]
            return True
        return False

    def _collect(self, frame: FrameType, event: str, arg: object) -> None:
        if self.step(frame):
            gc.enable()  # the next object that the collector keeps track of makes it run

    def play_places(self, run: Runner) -> None:
        """Run once without a signal, and then again and again, with a signal at one place after the other."""
        run(0)
        events = self.events
        number = 1
        while number <= len(events):
            place = run(number)
            assert not self.astray, "a number means the same in every run"
            if place is not None:
                number = _behind(events, place, number)
            else:
                # The package returned before the interpreter looked. So it does from all later events of this root.
                number = next((n for n in range(number + 1, len(events) + 1) if events[n - 1].root), len(events) + 1)


def _behind(events: Sequence[Event], place: Place, number: int) -> int:
    """Return the number of the first event after the instruction that looked for the signal."""
    later = range(number, len(events) + 1)
    looked = next((n for n in later if events[n - 1][:2] == place[:2]), 0)
    if looked:
        return next((n for n in range(looked, len(events) + 1) if events[n - 1][:2] != place[:2]), len(events) + 1)
    if place.inside:
        # A call that began before: its own frame goes on behind it.
        return next((n for n in later if n > number and events[n - 1].code is place.code), len(events) + 1)
    return number + 1


class _Signal(ctypes.c_int):
    """The argument of `PyErr_SetInterruptEx`: made from the frame that a trace function is called with."""

    tracer: Tracer

    @classmethod
    def from_param(cls, frame: FrameType) -> "_Signal":
        return _SIGNAL if cls.tracer.step(frame) else _NO_SIGNAL


_SIGNAL = _Signal(SIGNAL)
_NO_SIGNAL = _Signal(0)

# A trace function of Python could not make a signal pending: it would handle it itself before it returned.
_pend = ctypes.pythonapi.PyErr_SetInterruptEx
_pend.argtypes = [_Signal, ctypes.py_object, ctypes.py_object]  # it looks at the first
_pend.restype = None


@contextmanager
def handled_by(handler: Callable[[FrameType], None]) -> Iterator[None]:
    """Call the handler with the interrupted frame for each signal."""

    def handle(_: int, frame: FrameType | None) -> None:
        if frame is not None:
            handler(frame)

    before = signal.signal(SIGNAL, handle)
    try:
        yield
    finally:
        signal.signal(SIGNAL, before)


@contextmanager
def own_garbage(begins: Callable[[FrameType], None]) -> Iterator[None]:
    """Collect what is garbage from here on only, and only when told to: so a collection takes microseconds.

    `begins` is called with the frame in which a collection begins.
    """

    def note(phase: str, info: object) -> None:
        if phase == "start":
            gc.disable()
            begins(sys._getframe(1))

    was_enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.disable()
    gc.freeze()
    gc.set_threshold(1)
    gc.callbacks.append(note)
    try:
        yield
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        if was_enabled:
            gc.enable()
