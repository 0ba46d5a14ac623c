"""The world of `tests.remote` on a real server, on a loop whose seconds are shorter; tests that are used again."""

import asyncio
import selectors
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from types import ModuleType

from typing_extensions import override

from aiochannel.redis.broker import RedisBroker
from aiochannel.redis.link import Link
from aiochannel.redis.receiving import RedisReceiver
from aiochannel.redis.wire import Argument, Lost, Reply, Wire, open_wire, parse
from aiochannel.remote.broker import Gone, Opened, Receipt, Settings, State
from tests.redis.client import Client
from tests.remote.world import DOWN, Hubs
from tests.servers import Server

SPEED = 10
PREFIXES = count()


class FastLoop(asyncio.SelectorEventLoop):
    """Its seconds are shorter."""

    def __init__(self) -> None:
        selector = selectors.DefaultSelector()
        select = selector.select
        vars(selector)["select"] = lambda timeout: select(timeout / SPEED if timeout else timeout)
        super().__init__(selector)

    @override
    def time(self) -> float:
        return super().time() * SPEED


def borrowed(module: ModuleType, *but: str) -> dict[str, object]:
    """Return the tests of another module, but for some."""
    return {name: test for name, test in vars(module).items() if name.startswith("test_") and name not in but}


class FastReceiver(RedisReceiver):
    @override
    async def give_back(self, which: Sequence[Receipt], /, *, count: bool, reason: str, delay: float | None) -> None:
        await super().give_back(which, count=count, reason=reason, delay=None if delay is None else delay / SPEED)


class FaultyLink(Link):
    """A connection that loses calls as it is told to; see `tests.remote.world.Broker`."""

    faults: Iterator[str] = iter(())
    late: Callable[[Sequence[Argument]], object]

    @override
    async def call(self, *command: Argument) -> Reply:
        fault = next(self.faults, "")
        if not fault:
            return await super().call(*command)
        if not self.up:
            raise Gone
        if fault == "reply":
            await super().call(*command)
        if fault == "stale":
            asyncio.get_running_loop().call_later(2 * DOWN, self.late, command)
        self.lose()
        raise Gone

    def lose(self) -> None:
        self._lose(self._over)


class Broker(RedisBroker):
    """A broker whose connection can be cut."""

    def __init__(self, server: Server, prefix: str) -> None:
        super().__init__("memory:", self.wire, prefix)
        self.faulty = FaultyLink("memory:", self.wire, self)
        self.faulty.late = self.send_late
        vars(self)["_link"] = self.faulty
        self.server = server
        self.away = False

    def wire(self) -> Wire:
        if self.away:
            return Nowhere()
        return open_wire(parse(self.server.url), None, None)

    @property
    def faults(self) -> Iterator[str]:
        return self.faulty.faults

    @faults.setter
    def faults(self, faults: Iterator[str]) -> None:
        self.faulty.faults = faults

    def send_late(self, command: Sequence[Argument]) -> None:
        client = Client(self.server.socket)
        client.all(command)
        client.close()

    @override
    async def open(self, name: str, wanted: Settings | None, changed: Callable[[State], None], /) -> Opened:
        opened = await super().open(name, wanted and wanted._replace(lease=wanted.lease / SPEED), changed)
        lease = round(opened.settings.lease * SPEED, 6)
        return Opened(opened.settings._replace(lease=lease), opened.state, opened.made)

    @override
    def receiver(self, name: str, /) -> RedisReceiver:
        return FastReceiver(self._channels[name])

    def cut(self, seconds: float | None = None) -> None:
        self.away = True
        self.faulty.lose()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.connect_again)

    def connect_again(self) -> None:
        self.away = False


class Nowhere:
    """A wire to a server that is out of reach."""

    def pack(self, *command: Argument) -> Sequence[bytes]:
        return ()

    async def connect(self) -> None:
        raise Lost

    async def write(self, parts: Sequence[bytes]) -> None:
        raise Lost

    async def read(self) -> Reply:
        raise Lost

    def cut(self) -> None:
        pass


class FastWorld(Hubs[Broker]):
    """Hubs of a real server."""

    def __init__(self, server: Server) -> None:
        prefix = f"fast-{next(PREFIXES)}"
        super().__init__(lambda: Broker(server, prefix))
