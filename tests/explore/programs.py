"""Small programs in one line each: the language, and what is wrong with a line that is not in it.

    A: put put | G: get~ get | !C: close

Lanes run side by side. A lane is a task that stops before each operation until the schedule lets it go on; `!C` is a
plain callback instead; `A>` holds a counted sending end from the beginning and `G<` a receiving one. An operation is
`verb:argument(inner,...)@channel`, all but the verb optional. After a cancelled operation a lane ends, with `~` it goes
on; any other failure is noted, and the lane goes on.

    put get next put_nowait get_nowait join       one call                  close:why abort:why  with a cause
    put_many:3 get_many:2 get_many_nowait:2       batches                   iter iter:1          async for, with break
    batch:2                                       get_many(2, within=1)     wait_closed              of the close itself
    timeout(get) timeout:2(get) timeout:0(get)    asyncio.timeout           wait_for(get)        asyncio.wait_for
    group(put,get) group(get,crash)               a TaskGroup               eager(get)           an eager task
    tx(put) rx(get)                               through a handle          peek                 a snapshot
    sending(put,crash) receiving(get)             inside a counted end
    sel(get,put@b,closed) sel(get:or,otherwise)   select, biased; `or` gives a word where the channel is closed
    sel(get:map,put:fail)                         mapped, by a function that changes the result, or raises

One decision is the name of a lane (it goes on), `run` (the loop runs its next callback), `run 1` (it runs the callback
after that, where woken tasks run in any order), `clock` (time moves to the next timer), `cancel A`, or `end` (nothing
is left that could happen by itself).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from tests.explore.verbs import AT_ONCE, WAITING, key_of
from tests.model.reference import RENDEZVOUS, Reference

HOLDING: Final = ("timeout", "wait_for", "group", "eager", "tx", "rx", "sending", "receiving", "sel")
VERBS: Final = (*WAITING, *AT_ONCE, *HOLDING, "iter", "crash")
CASES: Final = ("get", "put", "closed", "otherwise")  # of a sel
NUMBER = (r"\d+", "a number")
MAYBE = (r"\d*", "a number or nothing")
CAUSE = (r"\w*", "a word or nothing")
HOW = (r"(or|map|fail)?", "or, map, fail or nothing")
ARGUMENTS: Final = {  # what may follow the colon, and in words; a verb that is not here has no argument
    **dict.fromkeys(("put_many", "get_many", "get_many_nowait", "batch"), NUMBER),
    **dict.fromkeys(("iter", "timeout", "wait_for"), MAYBE),
    **dict.fromkeys(("close", "abort"), CAUSE),
}
DECISIONS: Final = ("run", "clock", "cancel", "end")


def size_word(size: int) -> str:
    return {RENDEZVOUS: "rendezvous", 0: "unbounded"}.get(size, str(size))


class Op(NamedTuple):
    verb: str
    argument: str
    inner: tuple["Op", ...]
    channel: str
    goes_on: bool


class LaneText(NamedTuple):
    name: str
    kind: str
    ops: tuple[Op, ...]


class Program(NamedTuple):
    text: str
    size: int
    cancels: int
    any_order: bool
    lanes: tuple[LaneText, ...]
    rests: bool = False  # calls let other tasks run after one or two, not a thousand
    policy: str = ""  # of the channels, if a put is not to wait
    ordered: bool = False  # the items of later lanes leave first

    def describe(self) -> str:
        size = f"maxsize {self.size}" if self.size > 0 else size_word(self.size)
        words = [size, f"{self.cancels} cancels"] + ["any order"] * self.any_order + ["rests"] * self.rests
        words += [self.policy] * bool(self.policy) + ["ordered"] * self.ordered
        return f"{self.text}  [{', '.join(words)}]"

    def channels(self) -> list[str]:
        return _channels(self.lanes)

    def machines(self) -> dict[str, Reference]:
        key = key_of if self.ordered else None
        return {name: Reference(self.size, self.policy, key) for name in self.channels()}


@cache
def _channels(lanes: tuple[LaneText, ...]) -> list[str]:
    found = {"a"}
    waiting = [op for lane in lanes for op in lane.ops]
    while waiting:
        op = waiting.pop()
        found.add(op.channel)
        waiting.extend(op.inner)
    return sorted(found)


def program(
    text: str,
    size: int = 1,
    *,
    cancels: int = 2,
    any_order: bool = False,
    rests: bool = False,
    policy: str = "",
    ordered: bool = False,
) -> Program:
    """Read a program.

    Raises:
        ValueError: it is not one; the message says in one line why.
    """
    lanes = tuple(_lane(part) for part in text.split("|"))
    names = [lane.name for lane in lanes]
    for name in names:
        if name in DECISIONS:
            raise ValueError(f"no lane can have the name {name}: it is a decision")
        if names.count(name) > 1:
            raise ValueError(f"{names.count(name)} lanes have the name {name}")
    return Program(text, size, cancels, any_order, lanes, rests, policy, ordered)


def _lane(text: str) -> LaneText:
    name, _, words = text.partition(":")
    match = re.fullmatch(r"(?:(!?)(\w+)|(\w+)([<>]))", name.strip())
    if match is None or not words.strip():
        raise ValueError(f"{text.strip()!r} is no lane: it reads 'A: put get', 'A> : put', 'G< : get' or '!C: close'")
    callback, plain, with_end, end = match.groups(default="")
    ops = tuple(_op(word, "a") for word in words.split())
    for op in ops:
        if callback and op.verb not in AT_ONCE:
            raise ValueError(f"{op.verb!r} cannot stand in !{plain}: a callback has only {', '.join(AT_ONCE)}")
    return LaneText(plain or with_end, callback or end, ops)


def _op(text: str, channel: str, verbs: tuple[str, ...] = VERBS) -> Op:
    match = re.fullmatch(r"(\w+)(?::(\w+))?(?:\((.*)\))?(?:@(\w+))?(~?)", text)
    if match is None:
        raise ValueError(f"{text!r} is no operation: it reads verb:argument(inner,...)@channel, without spaces")
    verb, argument, inner, own, goes_on = match.groups(default="")
    if verb not in verbs:
        raise ValueError(f"{verb!r} is no verb here: there are {', '.join(verbs)}")
    pattern, words = HOW if verbs is CASES else ARGUMENTS.get(verb, ("", "nothing"))
    if not re.fullmatch(pattern, argument):
        raise ValueError(f"{text!r}: after the colon of {verb} stands {words}")
    if bool(inner) != (verb in HOLDING):
        raise ValueError(f"{text!r}: {verb} {'holds operations in brackets' if verb in HOLDING else 'holds nothing'}")
    channel = own or channel
    held = CASES if verb == "sel" else VERBS
    return Op(verb, argument, tuple(_op(part, channel, held) for part in _parts(inner)), channel, bool(goes_on))


def _parts(text: str) -> Iterator[str]:
    depth, part = 0, ""
    for letter in text + ",":
        if letter == "," and not depth:
            if part:
                yield part
            part = ""
        else:
            depth += (letter == "(") - (letter == ")")
            part += letter
