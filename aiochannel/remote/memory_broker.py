"""The broker of `memory:`: the same as to a real server, but that the server is in this process, in the same loop.

A call reaches the server in the next step of the loop, and its answer comes in that step: so calls take effect in the
order in which they were made, whether or not their callers still wait.
"""

from asyncio import AbstractEventLoop, Event, Future, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import SystemRandom
from string import ascii_lowercase, digits
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from aiochannel.remote.broker import (
    Dead,
    Gone,
    Opened,
    Settings,
    State,
)
from aiochannel.remote.errors import ChannelLost, ChannelMissing
from aiochannel.remote.memory import HUB, KEPT, Items, MemoryChannel, Push, StoredUpTo
from aiochannel.remote.memory_ports import MemoryReceiver, MemorySender
from aiochannel.remote.statistics import HubStatistics, RemoteStatistics

R = TypeVar("R")

CHARACTERS: Final = ascii_lowercase + digits
CHANCE: Final = SystemRandom()


class _Answer(Protocol):
    def done(self) -> bool: ...

    def set_exception(self, exception: Exception, /) -> None: ...


class MemoryServer:
    """The channels of one server, and the hubs that are connected to it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock: Callable[[], float] = clock
        self.channels: dict[str, MemoryChannel] = {}
        self.hubs: dict[str, Callable[[str, Push], None]] = {}
        self.refusal: str = ""
        """Why it refuses to store, as a server does that has no memory left; "" if it does not."""

    def make(self, name: str, settings: Settings) -> MemoryChannel:
        """Make a channel."""
        self.channels[name] = made = MemoryChannel(settings, lambda hub, push: self.tell(name, hub, push), self.clock)
        return made

    def find(self, name: str) -> MemoryChannel | None:
        """Return the channel; one that was drained long ago is no more."""
        found = self.channels.get(name)
        if found is not None and found.state.drained and self.clock() > found.drained_at + KEPT:
            del self.channels[name]
            return None
        return found

    def delete(self, name: str) -> None:
        """Remove a channel, and tell everybody."""
        del self.channels[name]
        self.tell(name, "", State(lost="deleted"))

    def tell(self, name: str, hub: str, push: Push) -> bool:
        """Send a push to one hub, or to all; return whether anybody is there."""
        told = [each for key, each in self.hubs.items() if hub in ("", key)]
        for each in told:
            each(name, push)
        return bool(told)


def loop_time() -> float:
    """Return the time of the running loop. A clock that belongs to one loop would keep it alive."""
    return get_running_loop().time()


SERVERS: Final[WeakKeyDictionary[AbstractEventLoop, dict[str, MemoryServer]]] = WeakKeyDictionary()
"""The servers of each event loop, by their urls."""


class MemoryBroker:
    """A hub's connection to a server in this process: a Broker."""

    def __init__(self, where: str) -> None:
        self.where: str = where
        self.server: MemoryServer = MemoryServer(loop_time)
        self.hub: str = "".join(CHANCE.choices(CHARACTERS, k=HUB))
        self.epoch: int = 0
        """How often it was connected."""
        self.up: bool = False
        self.states: dict[str, State] = {}
        self.receivers: list[MemoryReceiver] = []
        self.senders: dict[str, MemorySender] = {}
        self._made = 0
        self._changed: dict[str, Callable[[State], None]] = {}
        self._answers: set[_Answer] = set()
        self._calls = 0
        self._connected = Event()

    def title(self, name: str) -> str:
        """Return the channel for messages."""
        return f"the channel {name!r} on {self.where}"

    # The connection

    async def enter(self) -> None:
        """As `Broker.enter`."""
        loop = get_running_loop()
        self.server = SERVERS.setdefault(loop, {}).setdefault(self.where, MemoryServer(loop_time))
        self.connect()

    async def connected(self) -> None:
        """As `Broker.connected`."""
        await self._connected.wait()

    def connect(self) -> None:
        """Be connected, from now on."""
        self.epoch += 1
        self.up = True
        self.server.hubs[self.hub] = self._on_push
        for name in self._changed:
            if channel := self.server.find(name):
                receivers = [each.receiver for each in self.receivers if each.name == name]
                senders = [key for key, each in self.senders.items() if each.name == name]
                channel.resume(receivers, senders, self.epoch)
                self._note(name, channel.state)
            else:
                self.lose(name, "does not have it any more")
        self._connected.set()

    def abandon(self) -> None:
        """As `Broker.abandon`."""
        self.up = False
        self._connected.clear()
        self.server.hubs.pop(self.hub, None)
        for answer in tuple(self._answers):
            if not answer.done():
                answer.set_exception(Gone())

    async def leave(self) -> None:
        """As `Broker.leave`."""
        self.abandon()

    def statistics(self) -> HubStatistics:
        """As `Broker.statistics`."""
        return HubStatistics(self.up, max(0, self.epoch - 1), self._calls, len(self._answers))

    # Calls and pushes

    def pending(self) -> "Future[R]":
        """Return a future that fails when the connection is lost."""
        if not self.up:
            raise Gone
        answer: Future[R] = get_running_loop().create_future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        return answer

    def send(self, act: Callable[[], R]) -> "Future[R]":
        """Send a call to the server; return its answer."""
        answer: Future[R] = self.pending()
        self._calls += 1
        get_running_loop().call_soon(self._serve, act, answer, self.epoch)
        return answer

    def _serve(self, act: Callable[[], R], answer: "Future[R]", epoch: int) -> None:
        if self.up and epoch == self.epoch:
            result = act()
            if not answer.done():
                answer.set_result(result)

    async def call_on(self, name: str, act: Callable[[MemoryChannel], R]) -> R:
        """Call the server about a channel."""

        def find_and_act() -> tuple[R] | None:
            channel = self.server.find(name)
            return None if channel is None else (act(channel),)

        if reply := await self.send(find_and_act):
            return reply[0]
        raise self.lose(name, "does not have it any more")

    async def say(self, name: str, act: Callable[[MemoryChannel], object]) -> None:
        """Call the server about a channel; if it cannot be told, that is as well."""
        with suppress(Gone, ChannelLost):
            await self.call_on(name, act)

    def _on_push(self, name: str, push: Push) -> None:
        if name not in self._changed:
            return
        if isinstance(push, Items):
            for receiver in self.receivers:
                receiver.accept(push, name)
        elif isinstance(push, StoredUpTo):
            if push.sender in self.senders:
                self.senders[push.sender].note(push.number)
        elif push.lost is None:
            self._note(name, push)
        else:
            self.lose(name, "has deleted it")

    def _note(self, name: str, state: State) -> None:
        """Note what is so of a channel, and tell it if it is new."""
        if name in self._changed and state != self.states[name] and not self.states[name].lost:
            self.states[name] = state
            for receiver in self.receivers:
                receiver.wake()
            for sender in self.senders.values():
                sender.wake()
            self._changed[name](state)

    def state(self, name: str) -> State:
        """Return the state of a channel; raise ChannelLost if it is lost."""
        state = self.states[name]
        if state.lost is not None:
            raise ChannelLost(state.lost)
        return state

    def lose(self, name: str, what: str) -> ChannelLost:
        """Note that a channel is lost, and return the error that says so."""
        text = f"{self.title(name)} is lost: the server {what}"
        self._note(name, self.states[name]._replace(lost=text))
        return ChannelLost(self.states[name].lost)

    # A channel

    async def open(self, name: str, settings: Settings | None, changed: Callable[[State], None], /) -> Opened:
        """As `Broker.open`."""

        def find_or_make() -> Opened | None:
            found = self.server.find(name)
            channel = found or (settings and self.server.make(name, settings))
            if channel is None:
                return None
            self._changed[name] = changed
            self.states[name] = channel.state
            return Opened(channel.settings, channel.state, found is None)

        if opened := await self.send(find_or_make):
            return opened
        raise ChannelMissing(f"there is no channel {name!r} on {self.where}")

    def sender(self, name: str, /) -> MemorySender:
        """As `Broker.sender`."""
        self._made += 1
        made = MemorySender(self, name, f"{self.hub}-{self._made}")
        self.senders[made.sender] = made
        return made

    def receiver(self, name: str, /) -> MemoryReceiver:
        """As `Broker.receiver`."""
        made = MemoryReceiver(self, name)
        self.receivers.append(made)
        return made

    async def renew(self, name: str, /) -> None:
        """As `Broker.renew`."""
        own = {each.receiver: each for each in self.receivers if each.name == name and each.receiver}
        try:
            lost = await self.call_on(name, lambda channel: channel.renew(tuple(own))[0])
        except ChannelLost:  # `changed` has told it
            return
        for receiver in lost:
            own[receiver].lose_unasked(receiver)

    async def close(self, name: str, cause: str | None, /) -> bool:
        """As `Broker.close`."""
        return await self.call_on(name, lambda channel: channel.close(cause))

    # Administration

    async def size(self, name: str, /) -> int:
        """As `Broker.size`."""
        return await self.call_on(name, MemoryChannel.stored)

    async def show(self, name: str, /) -> RemoteStatistics:
        """As `Broker.show`."""
        return await self.call_on(name, MemoryChannel.statistics)

    async def peek(self, name: str, limit: int, /) -> Sequence[bytes]:
        """As `Broker.peek`."""
        return await self.call_on(name, lambda channel: [each.payload for each in channel.queue][:limit])

    async def abort(self, name: str, cause: str | None, /) -> int:
        """As `Broker.abort`."""
        return await self.call_on(name, lambda channel: channel.abort(cause))

    async def dead(self, name: str, limit: int, /) -> Sequence[Dead]:
        """As `Broker.dead`."""
        return await self.call_on(name, lambda channel: channel.dead[:limit])

    async def revive(self, name: str, ids: Sequence[str], /) -> int:
        """As `Broker.revive`."""
        return await self.call_on(name, lambda channel: channel.revive(ids))

    async def drop_dead(self, name: str, ids: Sequence[str], /) -> int:
        """As `Broker.drop_dead`."""
        return await self.call_on(name, lambda channel: channel.drop_dead(ids))

    async def delete(self, name: str, /) -> None:
        """As `Broker.delete`."""
        await self.call_on(name, lambda _: self.server.delete(name))

    async def names(self) -> list[str]:
        """As `Broker.names`."""
        return await self.send(lambda: sorted(filter(self.server.find, tuple(self.server.channels))))
