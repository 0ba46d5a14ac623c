"""Link: a hub's two connections to a server, one for calls and one for pushes, made again whenever one is lost.

    connecting -> up -> lost -> connecting ...      refused: it does not try again
                                                    left: it is over

Both are given up if either is lost: a push that is missed would be missed for ever, but a new connection is told
everything. It is up when the server has all scripts, every open channel is subscribed, and only then taken over from
the older connection (`resume`), so that nothing is told between the two. A server that loads its data, or that cannot
store since it is a replica or has lost its disk or its replicas, is as good as none. The link sees by a PING that a
connection is silent for good.
"""

import os
from asyncio import Event, Task, create_task, gather, get_running_loop, sleep, timeout
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from random import SystemRandom
from string import ascii_letters, digits
from typing import Final, Protocol

from aiochannel.redis.chunks import HUB
from aiochannel.redis.line import GONE, Line
from aiochannel.redis.replies import number, raw, several, text
from aiochannel.redis.scripts import SCRIPTS
from aiochannel.redis.server import check
from aiochannel.redis.wire import CONNECTING, Argument, Lost, Refusal, Reply, Wire
from aiochannel.remote.broker import Busy, Gone
from aiochannel.remote.connection import LOG
from aiochannel.remote.errors import ChannelUnavailable

PING_SECONDS: Final = 2.0
SOONEST: Final = 0.02
LATEST: Final = 1.0
"""Between two attempts to connect."""
CHARACTERS: Final = ascii_letters + digits + "_."
CHANCE: Final = SystemRandom()
PASSING: Final = (
    "NOSCRIPT", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "TRYAGAIN", "MISCONF", "NOREPLICAS",
)  # fmt: skip
"""Refusals of a server that is of no use now, and may be later."""


class Told(Protocol):
    """What is above the link."""

    def subscriptions(self) -> Sequence[str]:
        """Return the push channels of every open channel."""
        ...

    async def resume(self) -> None:
        """Take over, by `Link.first_calls`, what belongs to the older connection."""
        ...

    def pushed(self, channel: str, body: bytes) -> None:
        """Take a push."""
        ...

    def lost(self) -> None:
        """Let every call that waits for a push look again."""
        ...


class Link:
    """The connections of a hub."""

    def __init__(self, where: str, wire: Callable[[], Wire], told: Told) -> None:
        self.where: Final = where
        self.hub: Final = "".join(CHANCE.choices(CHARACTERS, k=HUB))
        """The hub's name among all hubs, which its senders' names begin with."""
        self.epoch: int = 0
        """How often it was connected."""
        self.up: bool = False
        self.calls: int = 0
        self._wire = wire
        self._told = told
        self._process = os.getpid()
        self._commands: Line | None = None
        self._pushes: Line | None = None
        self._over = Event()
        """Set when a connection is lost."""
        self._settled = Event()
        """Set while it is up, and when it is refused or left."""
        self._refusal: str | None = None
        self._task: Task[None] | None = None
        self._warned = False
        self._trouble = ""
        """Why it was of no use the last time, if that was told."""
        self._server_time = 0.0

    # The life of the connections

    def start(self) -> None:
        """Begin to connect."""
        self._task = create_task(self._keep())

    async def connected(self) -> None:
        """As `Broker.connected`."""
        while not self.up:
            if self._refusal is not None:
                raise ChannelUnavailable(self._refusal)
            await self._settled.wait()

    async def _keep(self) -> None:
        pause = SOONEST
        while True:
            try:
                async with timeout(CONNECTING):
                    await self._connect()
            except (Lost, Gone, Busy, TimeoutError):
                pass
            except Exception as error:  # one that nobody expects must be told, too: calls wait for the connection
                self._down()
                self._refusal = (
                    str(error) if isinstance(error, ChannelUnavailable) else f"{self.where} refuses: {error}"
                )
                self._settled.set()
                return
            else:
                pause = SOONEST
                await self._watch()
            self._down()
            await sleep(pause * CHANCE.uniform(0.5, 1))
            pause = min(pause * 2, LATEST)

    async def _connect(self) -> None:
        self._over = over = Event()
        lose = partial(self._lose, over)
        self._commands = commands = Line(self._wire(), lose)
        self._pushes = pushes = Line(self._wire(), lose, self._pushed)
        await gather(commands.open(), pushes.open())
        info, now, *loaded = await commands.all(
            [("INFO",), ("TIME",), *(("SCRIPT", "LOAD", script.text) for script in SCRIPTS.values())]
        )
        for reply in (info, now, *loaded):
            if isinstance(reply, Refusal):
                raise self._problem(reply)
        check(self.where, raw(info).decode(errors="replace"), quiet=self._warned)
        self._warned = True
        seconds, _ = several(now)
        self._server_time = number(seconds) - get_running_loop().time()
        for reply in await pushes.all([("SSUBSCRIBE", channel) for channel in self._told.subscriptions()]):
            if isinstance(reply, Refusal):
                raise self._problem(reply)
        self.epoch += 1
        await self._told.resume()
        if self._over.is_set():
            raise Lost
        self.up = True
        self._trouble = ""
        self._settled.set()

    async def _watch(self) -> None:
        """Return when a connection is lost, or silent for too long."""
        assert self._commands is not None
        assert self._pushes is not None
        lines = (self._commands, self._pushes)
        while True:
            with suppress(TimeoutError):
                async with timeout(PING_SECONDS):
                    await self._over.wait()
                    return
            before = [(line, line.heard, line.call("PING")) for line in lines]
            with suppress(TimeoutError):
                async with timeout(PING_SECONDS):
                    await gather(*(ping for _, _, ping in before))
            if any(ping.cancelled() and line.heard == heard for line, heard, ping in before):
                return

    def _lose(self, over: Event) -> None:
        """Note that a connection is lost, before a call that it answers with GONE goes on.

        Else that call would take the link for the next one, and what is known here for what the server has found.
        """
        over.set()
        if self.up and over is self._over:
            self._down()

    def _down(self) -> None:
        self.up = False
        self._settled.clear()
        for line in (self._commands, self._pushes):
            if line is not None:
                line.end()
        self._told.lost()

    async def leave(self) -> None:
        """As `Broker.leave`."""
        if self.up and self._commands is not None:
            await self._commands.call("PING")  # its reply is behind those of all others
        self.cut()

    def cut(self) -> None:
        """As `Broker.abandon`."""
        if os.getpid() != self._process:
            for line in (self._commands, self._pushes):
                if line is not None:
                    line.drop()
            return
        if self._task is not None:
            self._task.cancel()
        self._down()
        self._refusal = f"the hub of {self.where} has been left"
        self._settled.set()

    # Calls

    @property
    def in_flight(self) -> int:
        """How many calls are not answered yet."""
        return self._commands.in_flight if self._commands is not None else 0

    def day(self) -> int:
        """Return the day, by the clock of the server."""
        return int(self._server_time + get_running_loop().time()) // 86400

    async def first_calls(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """Send calls on a connection that is not up yet; return the replies."""
        assert self._commands is not None
        self.calls += len(commands)
        replies = await self._commands.all(commands)
        for reply in replies:
            if isinstance(reply, Refusal):
                raise self._problem(reply)
        return replies

    async def call(self, *command: Argument) -> Reply:
        """Send a call; return the reply.

        Raises:
            Gone, Busy, ChannelUnavailable: there is none.

        Cancellation:
            The call may have taken effect.
        """
        if not self.up or self._commands is None:
            raise Gone
        self.calls += 1
        return self._answered(await self._commands.call(*command))

    async def on_pushes(self, *commands: Sequence[Argument]) -> None:
        """Send commands on the connection for pushes.

        Raises:
            Gone, ChannelUnavailable: they were refused.

        Cancellation:
            They may have taken effect.
        """
        if not self.up or self._pushes is None:
            raise Gone
        for answer in [self._pushes.call(*command) for command in commands]:
            self._answered(await answer)

    def _answered(self, reply: Reply) -> Reply:
        if isinstance(reply, Refusal):
            raise self._problem(reply)
        return reply

    def _problem(self, refusal: Refusal) -> Exception:
        """Return what a refusal means for its call. That of a server that is of no use now ends the connection."""
        if refusal == GONE:
            return Gone()
        if refusal.kind == "OOM":
            return Busy(refusal.text)
        if refusal.kind in PASSING:
            if refusal.kind != "NOSCRIPT" and refusal.text != self._trouble:
                LOG.warning("%s refuses: %s", self.where, refusal.text)
                self._trouble = refusal.text
            self._lose(self._over)
            return Gone()
        return ChannelUnavailable(f"{self.where} refuses: {refusal.text}")

    def _pushed(self, message: list[Reply]) -> None:
        _, channel, body = message
        self._told.pushed(text(channel), raw(body))
