"""The calls of a scenario: what a step says, and what it calls."""

from collections.abc import Callable, Coroutine, Mapping
from math import inf
from typing import Never, TypeVar

from typing_extensions import override

from aiochannel import Case, Channel, PriorityChannel, otherwise, select_any
from tests.model.reference import Outcome

T = TypeVar("T")
Subject = Channel[str] | PriorityChannel[str]
Channels = Mapping[str, Subject]
Begin = Callable[[], Coroutine[object, Never, object]]

INTERRUPTED = Outcome("interrupted")
UNDER_WAY = Outcome("under way")


class Call:
    """One call: its verb on its channel, the items that it puts, and how it ended."""

    def __init__(self, lane: str, verb: str, channel: str, items: tuple[str, ...] = ()) -> None:
        self.lane = lane
        self.verb = verb
        self.channel = channel
        self.items = items
        self.parts: list[Call] = []  # of a select: its cases, as calls of their own
        self.cancelled = False
        self.outcome = UNDER_WAY

    @override
    def __str__(self) -> str:
        return f"{self.lane}'s {self.verb}{'' if self.channel == 'a' else '.' + self.channel}"

    @property
    def sides(self) -> list["Call"]:
        return self.parts or [self]


def carried_out(call: Call, channels: Channels) -> object:
    """Carry out a call that does not wait, and return what it returns."""
    channel = channels[call.channel]
    match call.verb:
        case "put_nowait":
            channel.put_nowait(*call.items)
            return None
        case "get_nowait":
            return channel.get_nowait()
        case "get_many_nowait":
            return channel.get_many_nowait(2)
        case "close":
            return channel.close()
        case "fail":
            return channel.close(ValueError("the cause"))
        case "abort":
            return channel.abort()
        case _:
            raise AssertionError(call.verb)


def described(lane: str, text: str, channels: Channels, item: Callable[[str], str]) -> tuple[Call, Begin]:
    """Return the call that a text describes, and what begins it."""
    if text.startswith("sel("):
        call = Call(lane, text, "a")
        cases = [_case(call, each, channels, item) for each in text[4:-1].split(",")]
        return call, lambda: select_any([case() for case in cases], biased=True)
    verb, _, name = text.partition(".")
    count = {"put": 1, "put_many": 3, "put_iter": 3}.get(verb, 0)
    call = Call(lane, verb, name or "a", tuple(item(lane) for _ in range(count)))
    channel = channels[call.channel]
    begins: dict[str, Begin] = {
        "put": lambda: channel.put(*call.items),
        "put_many": lambda: channel.put_many(call.items),
        "put_iter": lambda: channel.put_many(iter(call.items)),
        "get": channel.get,
        "get_many": lambda: channel.get_many(2),
        "batch": lambda: channel.get_many(3, within=inf),
        "batch_now": lambda: channel.get_many(3, within=0),
        "next": channel.__anext__,
        "join": channel.join,
        "wait_closed": channel.wait_closed,
    }
    return call, begins[verb]


def _case(call: Call, text: str, channels: Channels, item: Callable[[str], str]) -> Callable[[], Case[object]]:
    text, _, wrapped = text.partition("+")
    verb, _, name = text.partition(".")
    part = Call(call.lane, verb, name or "a", (item(call.lane),) if verb == "put" else ())
    call.parts.append(part)
    channel = channels[part.channel]

    def case() -> Case[object]:
        if verb == "otherwise":
            return otherwise()
        if verb == "closed":
            return channel.on_close()
        made: Case[object] = channel.on_get() if verb == "get" else channel.on_put(*part.items)
        return made.map(_same) if wrapped == "map" else made.or_closed("instead") if wrapped == "or" else made

    return case


def _same(value: T) -> T:
    return value
