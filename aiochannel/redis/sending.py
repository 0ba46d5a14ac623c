"""A sending end at a Redis server."""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from typing import Final

from aiochannel.redis.channel import RedisChannel
from aiochannel.redis.chunks import pack
from aiochannel.redis.replies import number
from aiochannel.remote.broker import Closed, Gone

DAY: Final = 86400.0


class RedisSender:
    """A sending end: a SenderPort. Its items are numbered, and the server knows how far it has them.

    Of a flight, the first item has the number `_base` + 1. The server stores up to a number, and knows up to a number:
    what is between waits for room. Numbers above are free: after `resume` they are given again.
    """

    def __init__(self, channel: RedisChannel, make_key: Callable[[], bytes]) -> None:
        self.key: bytes = make_key()
        self.used: bool = False
        self.stored: int = 0
        """The number of the last item that was told to be stored."""
        self._channel = channel
        self._make_key = make_key
        self._born = 0
        """The epoch of the first put."""
        self._last = 0.0
        """When it has put, by the clock of the loop."""
        self._base = self._known = self._count = 0
        self._withdrawn: set[int] = set()
        self._told: Callable[[int], object] = int  # nobody asks yet
        self._change: Future[None] | None = None
        channel.senders[self.key] = self

    async def store(self, items: Sequence[bytes], told: Callable[[int], None], /, *, known: int = 0) -> None:
        """As `SenderPort.store`."""
        self._channel.check_lost()
        link = self._channel.link
        if not known:
            self._begin()
        self._withdrawn = {index for index in self._withdrawn if index < known}
        self._count, self._told = len(items), told
        first, epoch, day = self._base + 1, link.epoch, link.day()
        chunk = pack(self.key, first, items)
        while True:
            self.used = True
            code, *rest = await self._channel.run("put", self.key, first, len(items), chunk, epoch, day)
            if code == -4:
                raise self._channel.lose("has forgotten items that it had stored")
            if code == -6:  # the connection has been replaced
                raise Gone
            self.note(number(rest[0]))
            if code == -1:
                raise Closed(self.stored - self._base, self._channel.state.cause)
            self._known = max(self._known, self._base + len(items))
            while not self._is_done() and not self._channel.state.closed:
                await self._next_change(epoch)
            if self._is_done():
                return

    def _begin(self) -> None:
        """Begin a new flight; with a new name, if the server may be about to forget the old one."""
        now = get_running_loop().time()
        if self.used and now - self._last > DAY:
            del self._channel.senders[self.key]
            self.key = self._make_key()
            self._channel.senders[self.key] = self
            self.used = False
            self.stored = self._known = 0
        if not self.used:
            self._born = self._channel.link.epoch
        self._last = now
        self._base = self._known

    async def _next_change(self, epoch: int) -> None:
        """Wait until something has changed; raise Gone if the connection is not the one of this epoch any more."""
        self._change = get_running_loop().create_future()
        await self._change
        self._channel.check_lost()
        if not self._channel.link.up or self._channel.link.epoch != epoch:
            raise Gone

    def _is_done(self) -> bool:
        return all(index in self._withdrawn for index in range(max(0, self.stored - self._base), self._count))

    def note(self, stored: int) -> None:
        """Note how far this sender's items are stored."""
        if stored > self.stored:
            self.stored = stored
            self._told(stored - self._base)
        self.wake()

    def wake(self) -> None:
        """Let a call that waits look again."""
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def resumed(self, stored: int, known: int, told: int) -> None:
        """Note what a new connection has found: up to where items are stored, and known; `told` were stored before."""
        if stored < told or known < self._base:
            self._channel.lose("has forgotten items that it had stored")
        else:
            self._known = known
            self.note(stored)

    async def resume(self) -> int:
        """As `SenderPort.resume`. The new connection has asked already."""
        self._channel.check_lost()
        if not self._channel.link.up:
            raise Gone
        return self._known - self._base

    async def withdraw(self, index: int, /) -> bool:
        """As `SenderPort.withdraw`."""
        number_of = self._base + index + 1
        (code,) = await self._channel.run("withdraw", self.key, number_of, self._channel.link.epoch)
        if code == -6:
            raise Gone
        if code == 1:
            self._withdrawn.add(index)
            self.wake()
        return code == 1

    async def leave(self) -> None:
        """As `SenderPort.leave`.

        A sender that has outlived a connection is not forgotten at once: bytes of its first put may still arrive, and
        nobody would know better. The server forgets it after a week.
        """
        self._channel.senders.pop(self.key, None)
        if self.used:
            epoch = self._channel.link.epoch
            await self._channel.say("bye", self.key, epoch, int(self._born == epoch))
