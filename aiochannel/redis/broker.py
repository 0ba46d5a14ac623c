"""A hub's connection to a Redis or Valkey server: a Broker."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from aiochannel.redis.channel import RedisChannel
from aiochannel.redis.chunks import HEAD, SENDER, key_of, unpack
from aiochannel.redis.link import CHARACTERS, Link
from aiochannel.redis.receiving import RedisReceiver
from aiochannel.redis.replies import dead_letter, number, raw, settings, several, state, statistics, text
from aiochannel.redis.scripts import VERSION
from aiochannel.redis.sending import RedisSender
from aiochannel.redis.wire import Reply, Wire
from aiochannel.remote.broker import Dead, Gone, Opened, Settings, State
from aiochannel.remote.errors import ChannelMismatch, ChannelMissing
from aiochannel.remote.statistics import HubStatistics, RemoteStatistics

END: Final = SENDER - 10
"""The characters of an end's name that are not its hub's."""


class RedisBroker:
    """A hub's connection to a server."""

    def __init__(self, where: str, wire: Callable[[], Wire], prefix: str) -> None:
        self.where = where
        self._link: Final = Link(where, wire, self)
        self._prefix: Final = prefix
        self._channels: dict[str, RedisChannel] = {}
        self._opening: list[RedisChannel] = []
        self._ends = count()
        self._late_wakes = 0

    # The connection

    @property
    def up(self) -> bool:
        """As `Broker.up`."""
        return self._link.up

    async def enter(self) -> None:
        """As `Broker.enter`."""
        self._link.start()

    async def connected(self) -> None:
        """As `Broker.connected`."""
        await self._link.connected()

    async def leave(self) -> None:
        """As `Broker.leave`."""
        await self._link.leave()

    def abandon(self) -> None:
        """As `Broker.abandon`."""
        self._link.cut()

    def statistics(self) -> HubStatistics:
        """As `Broker.statistics`."""
        link = self._link
        return HubStatistics(link.up, max(0, link.epoch - 1), link.calls, link.in_flight, self._late_wakes)

    def subscriptions(self) -> Sequence[str]:
        """As `Told.subscriptions`."""
        return [each for channel in self._channels.values() for each in channel.subscriptions()]

    async def resume(self) -> None:
        """As `Told.resume`."""
        for channel in tuple(self._channels.values()):
            await channel.resume()

    def pushed(self, channel: str, body: bytes) -> None:
        """As `Told.pushed`."""
        name = channel.removeprefix(f"{self._prefix}:{{").partition("}")[0]
        for each in (self._channels.get(name), *self._opening):
            if each is not None and each.name == name:
                each.pushed(body)

    def lost(self) -> None:
        """As `Told.lost`."""
        for channel in self._channels.values():
            channel.wake()

    # A channel

    async def open(self, name: str, wanted: Settings | None, changed: Callable[[State], None], /) -> Opened:
        """As `Broker.open`."""
        epoch = self._link.epoch
        fresh = RedisChannel(self._link, self._prefix, name, changed)
        self._opening.append(fresh)  # what is told from now on is heard
        try:
            if self._known(name) is None:
                await self._link.on_pushes(*(("SSUBSCRIBE", each) for each in fresh.subscriptions()))
            opened = await self._ask(fresh, wanted)
            known = self._known(name)  # another task may have opened it meanwhile
            if known is not None and known.state.closed and not opened.state.closed:
                # Its push has overtaken the reply, or it has expired, and this is another one.
                opened = replace(await self._ask(fresh, wanted), made=opened.made)
                if not opened.state.closed:
                    known.lose("is not there any more")
            if epoch != self._link.epoch:  # the subscription has been lost
                raise Gone
        finally:
            self._opening.remove(fresh)
        channel = self._channels[name] = self._known(name) or fresh
        channel.changed = changed
        channel.note(opened.state)
        return replace(opened, state=channel.state)

    async def _ask(self, channel: RedisChannel, wanted: Settings | None) -> Opened:
        """Make the channel unless it is there; return what is there."""
        arguments = () if wanted is None else (*_numbers(wanted), wanted.format, VERSION)
        code, *rest = several(await self._link.call(*channel.command("open", *arguments)))
        if code == -3:
            raise ChannelMissing(f"there is no channel {channel.name!r} on {self.where}")
        made, maxsize, tries, lease, form, version, *now = rest
        if number(version) > VERSION:
            raise ChannelMismatch(f"{channel.title} was made by a newer version of aiochannel: {number(version)}")
        return Opened(settings(maxsize, tries, lease, form), state(*now), made == 1)

    def _known(self, name: str) -> RedisChannel | None:
        channel = self._channels.get(name)
        return None if channel is None or channel.state.lost is not None else channel

    def sender(self, name: str, /) -> RedisSender:
        """As `Broker.sender`."""
        return RedisSender(self._channels[name], self._new_key)

    def _new_key(self) -> bytes:
        place, end = next(self._ends), ""
        for _ in range(END):
            place, digit = divmod(place, len(CHARACTERS))
            end = CHARACTERS[digit] + end
        if place:
            raise RuntimeError("a hub has at most 2**24 sending ends")
        return f"{self._link.hub}{end}".encode()

    def receiver(self, name: str, /) -> RedisReceiver:
        """As `Broker.receiver`."""
        return RedisReceiver(self._channels[name])

    async def renew(self, name: str, /) -> None:
        """As `Broker.renew`."""
        channel = self._channels[name]
        if channel.state.lost is not None:
            return
        own = {each.receiver: each for each in channel.receivers if each.receiver}
        names = {r: each.name for r, each in own.items()}
        reply = await self._link.call(
            *channel.command("renew", f"{self._link.hub}:{self._link.epoch}", *names.values())
        )
        code, *rest = several(reply)
        if code == -3:
            channel.lose("is not there any more")
            return
        _, lost, waits = rest
        for r in map(number, several(lost)):
            if own[r].receiver == r:
                own[r].lose()
        waiting = set(map(number, several(waits)))
        for r, each in own.items():
            self._late_wakes += each.note_beat(names[r], waits=r in waiting)

    async def close(self, name: str, cause: str | None, /) -> bool:
        """As `Broker.close`."""
        return (await self._run(name, "close", cause or ""))[0] == 1

    # Administration

    async def _run(self, name: str, script: str, *arguments: bytes | str | int) -> list[Reply]:
        return await self._channels[name].run(script, *arguments)

    async def size(self, name: str, /) -> int:
        """As `Broker.size`."""
        return number((await self._run(name, "size"))[1])

    async def show(self, name: str, /) -> RemoteStatistics:
        """As `Broker.show`."""
        return statistics(await self._run(name, "stat"))

    async def peek(self, name: str, limit: int, /) -> Sequence[bytes]:
        """As `Broker.peek`."""
        _, *chunks = await self._run(name, "peek", limit)
        return [item[HEAD:] for chunk in chunks for item in unpack(raw(chunk)).elements][:limit]

    async def abort(self, name: str, cause: str | None, /) -> int:
        """As `Broker.abort`."""
        return number((await self._run(name, "abort", cause or ""))[1])

    async def dead(self, name: str, limit: int, /) -> Sequence[Dead]:
        """As `Broker.dead`."""
        _, *letters = await self._run(name, "dead", limit)
        return [dead_letter(letter) for letter in letters]

    async def revive(self, name: str, ids: Sequence[str], /) -> int:
        """As `Broker.revive`."""
        return number((await self._run(name, "revive", *map(key_of, ids)))[1])

    async def drop_dead(self, name: str, ids: Sequence[str], /) -> int:
        """As `Broker.drop_dead`."""
        return number((await self._run(name, "drop", *map(key_of, ids)))[1])

    async def delete(self, name: str, /) -> None:
        """As `Broker.delete`."""
        await self._run(name, "delete")

    async def names(self) -> list[str]:
        """As `Broker.names`."""
        begin = f"{self._prefix}:{{"
        found: set[str] = set()
        cursor = b"0"
        while True:
            page = await self._link.call("SCAN", cursor, "MATCH", f"{begin}*}}", "COUNT", 1000)
            after, keys = several(page)
            found.update(text(key)[len(begin) : -1] for key in several(keys))
            cursor = raw(after)
            if cursor == b"0":
                return sorted(found)


def _numbers(wanted: Settings) -> tuple[int, int, int]:
    return wanted.maxsize, wanted.tries, max(1, round(wanted.lease * 1000))
