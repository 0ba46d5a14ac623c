"""The verbs that are one call each: what is called, on what.

Each function begins a call and returns the value that the record keeps of it beside what has to be awaited, or called.

To add a verb: a function and its line in one of the two tables here; what it means, in `Reference.begin` of
tests/model/reference.py; and if it moves items, its name in `PUTS` or `GETS` of tests/ledger.py. A verb with an
argument has a line in `ARGUMENTS` of programs.py. A verb that holds others is a case of `World.perform`.
"""

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from functools import partial
from typing import Final, NamedTuple, Protocol

from aiochannel import Channel, Overflow, PriorityChannel, Receiver, Sender
from tests.model.record import Observable
from tests.model.reference import RENDEZVOUS

Coro = Coroutine[object, object, object]


class Subject(Observable, Protocol):
    """What every class under test has; what only a `Channel` has is asked for by `whole`."""

    def put(self, item: str, /) -> Coro: ...
    def put_nowait(self, item: str, /) -> None: ...
    def put_many(self, items: Iterable[str], /) -> Coro: ...
    def get(self) -> Coro: ...
    def get_nowait(self) -> str: ...
    def close(self, cause: BaseException | None = None) -> bool: ...
    def join(self) -> Coro: ...


Make = Callable[[int], Subject]


def make_channel(size: int) -> Subject:
    return Channel[str].rendezvous() if size == RENDEZVOUS else Channel[str](size)


def make_dropping(size: int, policy: str, on_drop: Callable[[str], object]) -> Subject:
    return Channel[str](size, overflow=Overflow[policy], on_drop=on_drop)


def key_of(item: object) -> float:
    """Return the key of an item: what a later lane has put leaves first, but that of B and C is equal, and so on."""
    return -(ord(str(item)[0]) // 2)


def make_ordered(size: int) -> Subject:
    return PriorityChannel[str](size, key=key_of)


def whole(subject: Subject) -> Channel[str] | PriorityChannel[str]:
    assert isinstance(subject, (Channel, PriorityChannel))
    return subject


class Crash(Exception):
    """Leaves a block by an exception, or is the cause of a close."""


class Access(NamedTuple):
    """How a lane reaches a channel: directly, or through the handles or ends that it has."""

    channel: Subject
    tx: Sender[str] | None
    rx: Receiver[str] | None
    item: Callable[[], str]  # the lane's next one

    @property
    def sender(self) -> Subject | Sender[str]:
        return self.channel if self.tx is None else self.tx

    @property
    def receiver(self) -> Subject | Receiver[str]:
        return self.channel if self.rx is None else self.rx

    @property
    def whole_receiver(self) -> Receiver[str]:
        return whole(self.channel) if self.rx is None else self.rx


Waiting = Callable[[Access, str], tuple[object, Coro]]
AtOnce = Callable[[Access, str], tuple[object, Callable[[], object]]]


def _put(to: Access, _: str) -> tuple[object, Coro]:
    item = to.item()
    return item, to.sender.put(item)


def _put_many(to: Access, argument: str) -> tuple[object, Coro]:
    batch = tuple(to.item() for _ in range(int(argument)))
    return batch, to.sender.put_many(batch)


def _get(to: Access, _: str) -> tuple[object, Coro]:
    return None, to.receiver.get()


def _get_many(to: Access, argument: str) -> tuple[object, Coro]:
    limit = int(argument)
    return limit, to.whole_receiver.get_many(limit)


def _batch(to: Access, argument: str) -> tuple[object, Coro]:
    limit = int(argument)
    return limit, to.whole_receiver.get_many(limit, within=1)


def _next(to: Access, _: str) -> tuple[object, Coro]:
    return None, _step(to.whole_receiver)


async def _step(receiver: AsyncIterable[str]) -> str:
    return await anext(aiter(receiver))


def _join(to: Access, _: str) -> tuple[object, Coro]:
    return None, to.channel.join()


def _wait_closed(to: Access, _: str) -> tuple[object, Coro]:
    return None, (whole(to.channel) if to.tx is None else to.tx).wait_closed()


def _put_nowait(to: Access, _: str) -> tuple[object, Callable[[], object]]:
    item = to.item()
    return item, partial(to.sender.put_nowait, item)


def _get_nowait(to: Access, _: str) -> tuple[object, Callable[[], object]]:
    return None, to.receiver.get_nowait


def _get_many_nowait(to: Access, argument: str) -> tuple[object, Callable[[], object]]:
    limit = int(argument)
    return limit, partial(whole(to.channel).get_many_nowait, limit)


def _close(to: Access, cause: str) -> tuple[object, Callable[[], object]]:
    return cause or None, partial(to.sender.close, Crash(cause) if cause else None)


def _abort(to: Access, cause: str) -> tuple[object, Callable[[], object]]:
    return cause or None, partial(whole(to.channel).abort, Crash(cause) if cause else None)


def _peek(to: Access, _: str) -> tuple[object, Callable[[], object]]:
    return None, partial(list[str], whole(to.channel))


WAITING: Final[dict[str, Waiting]] = {
    "put": _put, "put_many": _put_many, "get": _get, "get_many": _get_many, "batch": _batch, "next": _next,
    "join": _join, "wait_closed": _wait_closed,
}  # fmt: skip
AT_ONCE: Final[dict[str, AtOnce]] = {
    "put_nowait": _put_nowait, "get_nowait": _get_nowait, "get_many_nowait": _get_many_nowait,
    "close": _close, "abort": _abort, "peek": _peek,
}  # fmt: skip
