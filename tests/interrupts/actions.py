"""What is done at a place: effects of a signal handler, or of the finalizers of garbage that is collected there.

close, fail, abort, put, get     of the first channel; with .b behind, of the second
drain                            get_many_nowait
begin get (put, batch)           begin a task that calls it, eagerly; not before Python 3.12, and not on a new channel:
                                 its first wait is not whole if another one begins within it
cancel                           cancel the first task that waits, other than the one that runs
raise                            KeyboardInterrupt
look                             only ask the channels for their statistics
gc:put, gc:get, gc:close         the finalizer of a lease does it
gc:end                           an end that was not entered, the only one: its finalizer closes the channel
gc:waiting get (put, select)     a suspended coroutine that waits on the channel, and that nobody will resume
alloc: in place of gc:           the collector is not called, but runs at the next allocation, as before Python 3.12
put+get                          one after the other
"""

import sys
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from tests.interrupts.scenarios import SCENARIOS, Scenario

RAISE = "raise"
LOOK = "look"
END = "end"
CANCEL = "cancel"
PLAIN = ("close", "fail", "put", "get", "abort", "drain", CANCEL)
BEGINS = ("begin get", "begin put", "begin batch") if sys.version_info >= (3, 12) else ()
LEASES = ("put", "get", "close")
WAITS = ("waiting get", "waiting put", "waiting select")
PAIRS = (
    "put+get", "get+put", "put+close", "get+close", "put+put", "get+get",
    "close+raise", "put+raise", "get+raise", "abort+raise", "cancel+put", "cancel+drain",
)  # fmt: skip
COLLECTORS = ("gc", "alloc") if sys.version_info < (3, 12) else ("gc",)


class Effect(NamedTuple):
    word: str
    channel: str
    collector: str
    """How the garbage is collected whose finalizer has this effect; "" for an effect of a signal handler."""


class Action(NamedTuple):
    name: str
    effects: tuple[Effect, ...]

    @property
    def raises(self) -> bool:
        return any(effect.word == RAISE for effect in self.effects)

    @property
    def allocates(self) -> bool:
        return any(effect.collector == "alloc" for effect in self.effects)

    @property
    def reenters(self) -> bool:
        """Return whether it puts or takes: between `len(buffer)` and what follows, warm code looks for no signal."""
        return any(effect.word in ("put", "get", "abort", "drain", *BEGINS) for effect in self.effects)


def action(name: str) -> Action:
    """Return the action of that name."""
    return Action(name, tuple(map(_effect, name.split("+"))))


def _effect(text: str) -> Effect:
    text, _, channel = text.partition(".")
    collector, _, word = text.rpartition(":")
    if word not in (*PLAIN, *BEGINS, *LEASES, *WAITS, RAISE, LOOK, END) or collector not in ("", "gc", "alloc"):
        raise ValueError(f"{text!r} is no action")
    return Effect(word, channel or "a", collector)


def actions_on(scenario: Scenario) -> Iterator[Action]:
    """Return all the actions that a scenario is played with."""
    names = [LOOK, RAISE, *PAIRS]
    for channel in scenario.channels:
        behind = "" if channel == "a" else f".{channel}"
        names += [f"{word}{behind}" for word in (*PLAIN, *(() if scenario.is_new else BEGINS))]
        names += [f"{collector}:{word}{behind}" for collector in COLLECTORS for word in (*LEASES, *WAITS)]
    if not scenario.has_ends:
        names += [f"{collector}:{END}" for collector in COLLECTORS]
    return map(action, names)


IN_TURN = tuple(map(action, ("close", "put", "get", "drain", RAISE)))
"""The actions of the short run; each place has one of them, on each Python another one."""


def a_few_with_garbage() -> Iterator[tuple[Scenario, Action]]:
    """Return some scenarios, on each Python others, each with garbage of another kind."""
    words = list(chain(WAITS, LEASES, [END]))
    for number, scenario in enumerate(SCENARIOS.values(), sys.version_info.minor):
        if number % 6 == 0 and not scenario.has_ends:
            yield scenario, action(f"{COLLECTORS[-1]}:{words[number // 6 % len(words)]}")
