"""Channel: what a hub knows of one channel on its server, and how the channel's scripts are called."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from aiochannel.redis.link import Link
from aiochannel.redis.replies import number, raw, several, state
from aiochannel.redis.scripts import SCRIPTS, keys
from aiochannel.redis.wire import Argument, Reply
from aiochannel.remote.broker import Busy, Gone, State
from aiochannel.remote.errors import ChannelLost, ChannelUnavailable

AT_ONCE: Final = 1000
"""How many ends one call of `resume` takes over at most: some services refuse calls with more than 3,999 arguments."""


class Sends(Protocol):
    """A sending end."""

    key: bytes
    used: bool
    """Whether the server may know it."""
    stored: int
    """The number of the last item that was told to be stored."""

    def note(self, stored: int) -> None:
        """Note how far its items are stored."""
        ...

    def resumed(self, stored: int, known: int, told: int) -> None:
        """Note what a new connection has found of it; `told` was `stored` when it asked."""
        ...

    def wake(self) -> None:
        """Let a call that waits look again."""
        ...


class Receives(Protocol):
    """A receiving end."""

    receiver: int
    chunk: int

    def accept(self, first: int, chunks: Sequence[bytes], *, puts_wait: bool) -> None:
        """Take chunks, numbered from `first`."""
        ...

    @property
    def name(self) -> str:
        """How it is named when leases are renewed."""
        ...

    def note_beat(self, name: str, *, waits: bool) -> bool:
        """Note whether it waits at the server; return whether it did not though it should, for a second time."""
        ...

    def resumed(self) -> None:
        """Note that it does not wait at the server any more."""
        ...

    def lose(self) -> None:
        """Note that the lease is lost."""
        ...

    def wake(self) -> None:
        """Let a call that waits look again."""
        ...


class RedisChannel:
    """A channel, its ends here, and its state."""

    def __init__(self, link: Link, prefix: str, name: str, changed: Callable[[State], None]) -> None:
        self.link: Final = link
        self.name: Final = name
        self.title: Final = f"the channel {name!r} on {link.where}"
        self.keys: Final = keys(prefix, name)
        self.state: State = State()
        self.changed = changed
        self.senders: dict[bytes, Sends] = {}
        self.receivers: list[Receives] = []
        self.since: int = link.epoch
        """The last epoch in which the server has answered: its leases are not of an older one."""

    def subscriptions(self) -> Sequence[str]:
        """Return its push channels: that of this hub, and that of all."""
        own = self.keys[0].decode()
        return f"{own}:n:{self.link.hub}", f"{own}:e"

    # Calls

    def command(self, script: str, *arguments: Argument) -> Sequence[Argument]:
        """Return the command that runs a script."""
        return ("EVALSHA", SCRIPTS[script].digest, len(self.keys), *self.keys, *arguments)

    async def run(self, script: str, *arguments: Argument) -> list[Reply]:
        """Run a script; return its reply, of which the first is the code.

        Raises:
            Gone, Busy, ChannelUnavailable: the server has not run it.
            ChannelLost: it has no such channel.

        Cancellation:
            The script may have run.
        """
        self.check_lost()
        reply = several(await self.link.call(*self.command(script, *arguments)))
        if reply[0] == -3:
            raise self.lose("is not there any more")
        return reply

    async def say(self, script: str, *arguments: Argument) -> None:
        """Run a script whose reply is of no interest; if it cannot be run, that is as well."""
        with suppress(Gone, Busy, ChannelLost, ChannelUnavailable):
            await self.run(script, *arguments)

    # What becomes of it

    def check_lost(self) -> None:
        """Raise ChannelLost if the channel is lost."""
        if self.state.lost is not None:
            raise ChannelLost(self.state.lost)

    def lose(self, what: str) -> ChannelLost:
        """Note that the channel is lost, and return the error that says so."""
        if self.state.lost is None:
            self.note(self.state._replace(lost=f"{self.title} is lost: the server {what}"))
        return ChannelLost(self.state.lost)

    def note(self, now: State) -> None:
        """Note what is so of the channel, and tell it if it is new.

        A reply may be older than a push that is here already, so closed and drained are for ever.
        """
        if self.state.closed:
            now = State(True, self.state.cause, now.drained or self.state.drained, now.lost)
        if now != self.state and self.state.lost is None:
            self.state = now
            self.wake()
            self.changed(now)

    def wake(self) -> None:
        """Let every call that waits look again."""
        for sender in tuple(self.senders.values()):
            sender.wake()
        for receiver in tuple(self.receivers):
            receiver.wake()

    # Pushes

    def pushed(self, body: bytes) -> None:
        """Take a push."""
        kind, rest = body.split(b" ", 1)
        if kind == b"i":
            r, chunk, puts_wait, items = rest.split(b" ", 3)
            for receiver in self.receivers:
                if receiver.receiver == int(r):
                    receiver.accept(int(chunk), [items], puts_wait=puts_wait == b"1")
        elif kind == b"a":
            key, stored = rest.split(b" ")
            if sender := self.senders.get(key):
                sender.note(int(stored))
        elif kind == b"deleted":
            self.lose("has deleted it")
        else:
            self.note(State(closed=True, cause=rest.decode() or None, drained=kind == b"drained"))

    # A new connection

    async def resume(self) -> None:
        """Take over what belongs to an older connection of this hub.

        Raises:
            Lost, Gone: the new connection is lost, too.

        Cancellation:
            It may have happened; a next connection does it again.
        """
        if self.state.lost is not None:
            return
        receivers = [(each, each.chunk) for each in self.receivers if each.receiver]
        senders = [each for each in self.senders.values() if each.used]
        parts = [(receivers[at : at + AT_ONCE], senders[at : at + AT_ONCE]) for at in self._places(receivers, senders)]
        head = (self.link.hub, self.link.epoch, self.since)
        calls = [
            self.command("resume", *head, len(some), *_pairs(some), *(each.key for each in others))
            for some, others in parts
        ]
        # Pushes may tell more before the replies come: so this has how far each end was when it asked.
        told = {each.key: each.stored for each in senders}
        for (some, others), reply in zip(parts, await self.link.first_calls(calls), strict=True):
            self._resumed(some, others, told, several(reply))
        self.since = self.link.epoch

    @staticmethod
    def _places(receivers: Sequence[object], senders: Sequence[object]) -> range:
        return range(0, max(len(receivers), len(senders), 1), AT_ONCE)

    def _resumed(
        self,
        receivers: Sequence[tuple[Receives, int]],
        senders: Sequence[Sends],
        told: Mapping[bytes, int],
        reply: list[Reply],
    ) -> None:
        if reply[0] == -3:
            self.lose("is not there any more")
            return
        _, closed, cause, drained, held, known = reply
        for (receiver, first), answer in zip(receivers, several(held), strict=True):
            code, *chunks = several(answer)
            receiver.resumed()
            if code == 1:
                receiver.accept(first, [raw(chunk) for chunk in chunks], puts_wait=False)
            else:
                receiver.lose()
        for sender, answer in zip(senders, several(known), strict=True):
            stored, upto = several(answer)
            sender.resumed(number(stored), number(upto), told[sender.key])
        self.note(state(closed, cause, drained))


def _pairs(receivers: Iterable[tuple[Receives, int]]) -> Iterable[int]:
    return (each for receiver, first in receivers for each in (receiver.receiver, first))
