"""Link: one channel as a hub has it open, with all of its ends here."""

from asyncio import Task, TimerHandle, create_task
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar, final

from aiochannel.channel import Channel
from aiochannel.errors import ChannelClosed
from aiochannel.remote.broker import Broker, Gone, Settings, State
from aiochannel.remote.connection import LOG, Connection
from aiochannel.remote.errors import ChannelLost, ChannelUnavailable, RemoteCause
from aiochannel.remote.holding import Asker

R = TypeVar("R")

LONGEST_BEAT: Final = 5.0
"""After how many seconds leases are renewed at the latest."""


class Listener(Protocol):
    """An end."""

    def _changed(self) -> None:
        """Learn that the channel is closed, drained or lost."""
        ...

    async def _leave_as(self, who: Asker, error: BaseException | None, within: float, /) -> None:
        """Leave, for a task and for the exception, if any, that ends its use.

        It waits for the server for so many seconds at most.
        """
        ...


@final
class Link:
    """What a hub knows of one of its channels."""

    def __init__(self, connection: Connection, name: str, settings: Settings, state: State) -> None:
        self.connection: Final[Connection] = connection
        self.broker: Final[Broker] = connection.broker
        self.name: Final[str] = name
        self.settings: Final[Settings] = settings
        self.title: Final[str] = f"the channel {name!r} on {connection.broker.where}"
        self.state: State = state
        self.ends: list[Listener] = []
        self._needs = 0
        """How many receiving ends are open, and how many puts and joins wait."""
        self._timer: TimerHandle | None = None
        self._renewal: Task[None] | None = None
        self._over: Channel[None] = Channel()
        """Closed when the channel is drained or lost, or the hub is left."""
        self.changed(state)

    def changed(self, state: State) -> None:
        """Note what has changed on the channel by itself."""
        self.state = state
        for end in tuple(self.ends):
            end._changed()
        if state.drained or state.lost is not None:
            self._over.close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Return a context in which leases are renewed, and it is seen whether the channel is still there."""
        self.need()
        try:
            yield
        finally:
            self.need_no_more()

    def need(self) -> None:
        """Have a beat, from now on."""
        self._needs += 1
        if self._timer is None and self._renewal is None:
            self._wait_for_beat()

    def need_no_more(self) -> None:
        """Have none, unless another still needs it."""
        self._needs -= 1

    def _wait_for_beat(self) -> None:
        loop, beat = self.connection.loop, min(self.settings.lease / 3, LONGEST_BEAT)
        # Channels with one lease renew it in one step of the loop, and so by one write, from their second beat on.
        step = beat / 4
        self._timer = loop.call_at((loop.time() + beat) // step * step, self._beat)

    def _beat(self) -> None:
        self._timer = None
        if self._needs and self.state.lost is None and not self.state.drained:
            self._renewal = create_task(self._renew())

    async def _renew(self) -> None:
        try:
            await self.broker.renew(self.name)
        except Gone:
            self.connection.note_gone()
        except ChannelUnavailable as error:  # such as a user whose rights were taken: they may come back
            LOG.warning("the leases of %s are not renewed: %s", self.title, error)
        finally:
            self._renewal = None
        self._wait_for_beat()

    def cause(self) -> RemoteCause | None:
        """Return the cause with which the channel was closed."""
        return None if self.state.cause is None else RemoteCause(self.state.cause)

    def check_lost(self) -> None:
        """Raise ChannelLost if the channel is lost."""
        if self.state.lost is not None:
            raise ChannelLost(self.state.lost)

    def closed_error(self, what: str) -> ChannelClosed:
        """Return the error that says that the channel is closed."""
        why = "it is closed" if self.state.cause is None else f"it is closed: {self.state.cause}"
        error = ChannelClosed(f"{self.title} {what}: {why}")
        error.__cause__ = self.cause()
        return error

    def check(self) -> None:
        """Raise an error if no end can be opened."""
        self.connection.check()
        if self.connection.left:
            raise RuntimeError(f"the hub of {self.title} has been left")

    async def call(self, act: Callable[[], Awaitable[R]], /) -> R:
        """Return what a call of the broker about this channel comes to."""
        self.check()
        self.check_lost()
        return await self.connection.call(act)

    async def join(self) -> None:
        """Wait until the channel is drained, as `Sender.join`."""
        self.check()
        with self.waiting():
            async with self.connection.bounded():
                await self._over.wait_closed()
        self.check_lost()
        if not self.state.drained:
            raise ChannelClosed(f"the hub of {self.title} has been left")

    def leave(self) -> None:
        """Let nobody wait any more, and renew nothing."""
        self._over.close()
        self._needs = 0
        if self._timer is not None:
            self._timer.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
