"""Replies of the scripts as what they mean."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.msgpack import Decoder

from aiochannel.redis.chunks import HEAD, attempt_of, number_of, sender_of
from aiochannel.redis.wire import Reply
from aiochannel.remote.broker import Dead, Settings, State
from aiochannel.remote.statistics import RemoteStatistics


class _Letter(NamedTuple):
    """A dead letter as it is kept."""

    item: bytes
    reason: str
    ms: int


_DEAD: Final = Decoder(_Letter)


class Unexpected(Exception):
    """The server has answered what no script of ours answers."""


def number(reply: Reply) -> int:
    """Return a reply that is a number."""
    if isinstance(reply, int):
        return reply
    if isinstance(reply, bytes) and reply.isdigit():  # of a hash
        return int(reply)
    raise Unexpected(reply)


def raw(reply: Reply) -> bytes:
    """Return a reply that is bytes."""
    if isinstance(reply, bytes):
        return reply
    raise Unexpected(reply)


def text(reply: Reply) -> str:
    """Return a reply that is text."""
    return raw(reply).decode()


def several(reply: Reply) -> list[Reply]:
    """Return a reply that has several parts."""
    if isinstance(reply, list):
        return reply
    raise Unexpected(reply)


def state(closed: Reply, cause: Reply, drained: Reply) -> State:
    """Return the state of a channel; a flag that is not there is empty or 0."""
    return State(bool(closed), text(cause) or None, bool(drained))


def settings(maxsize: Reply, tries: Reply, lease: Reply, name: Reply) -> Settings:
    """Return the settings of a channel."""
    return Settings(number(maxsize), number(tries), number(lease) / 1000, text(name))


def statistics(reply: Sequence[Reply]) -> RemoteStatistics:
    """Return what `stat` counts."""
    stored, waiting, held, delayed, dead, waiting_puts, waiting_receivers, receivers, *rest = map(number, reply[1:12])
    closed, drained, cause = reply[12:]
    now = state(closed, cause, drained)
    return RemoteStatistics(
        stored=stored,
        waiting=waiting,
        at_hand_or_held=held,
        delayed=delayed,
        dead=dead,
        waiting_puts=waiting_puts,
        waiting_receivers=waiting_receivers,
        receivers=receivers,
        accepted=rest[0],
        received=rest[1],
        redelivered=rest[2],
        closed=now.closed,
        drained=now.drained,
        cause=now.cause,
    )


def dead_letter(reply: Reply) -> Dead:
    """Read a dead letter."""
    letter = _DEAD.decode(raw(reply))
    item = letter.item
    return Dead(item[HEAD:], f"{sender_of(item)}-{number_of(item)}", letter.reason, attempt_of(item), letter.ms / 1000)
