"""A broadcast whose calls are noted: what must be true between any two steps, and when nothing can happen any more."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiochannel import Broadcast, ChannelFull, ChannelLagged, Lag, Subscription, select
from aiochannel._core.waiters import Selection, WaitQueue
from aiochannel.feeds import Feed, LossyFeed
from aiochannel.handles import End
from aiochannel.testing import Run
from tests.model.subscriptions import Broadcasted, Cursor


class Reader:
    """A subscription, with its cursor."""

    def __init__(self, world: "World", size: int, lag: Lag) -> None:
        self.world = world
        self.lag = lag
        self.end: End[Subscription[int]] = world.hub.subscribe(size, lag=lag)
        self.feed: Feed[int] = world.hub._feeds[-1]
        self.cursor: Cursor = world.model.subscribe(size, lossy=lag is not Lag.WAIT)
        self.granted = world.hub._senders.woken
        """How many puts were granted before it came."""
        self.gets = 0
        self.most = 0
        """How many gets have waited on it at a time."""
        self.left = False

    @property
    def rx(self) -> Subscription[int]:
        return self.end._handle

    @contextmanager
    def _getting(self) -> Iterator[None]:
        self.gets += 1
        self.most = max(self.most, self.gets)
        try:
            yield
        except ChannelLagged as lagged:
            self.cursor.told += lagged.missed
        finally:
            self.gets -= 1

    async def get(self) -> None:
        with self._getting():
            self.receive(await self.rx.get())

    async def next(self) -> None:
        with self._getting():
            async for item in self.rx:
                self.receive(item)
                break

    async def get_many(self, limit: int = 2) -> None:
        with self._getting():
            for item in await self.rx.get_many(limit):
                self.receive(item)

    async def select(self) -> None:
        with self._getting():
            _, item = await select(self.rx.on_get())
            self.receive(item)

    def get_nowait(self) -> None:
        with self._getting():
            self.receive(self.rx.get_nowait())

    def receive(self, item: int) -> None:
        if self.lag is Lag.SKIP and not self.left:
            self.tell()
        self.cursor.receive(item)

    def tell(self) -> None:
        missed = self.rx.missed()
        if self.lag is not Lag.DISCONNECT:  # what it was cut off by came after its end
            self.cursor.told += missed

    def leave(self) -> None:
        if not self.left:
            self.end.leave()
            self._note_end()

    def _note_end(self) -> None:
        self.left = True
        if self.cursor.end is None:
            self.cursor.end = len(self.world.model.log)

    @contextmanager
    def entered(self) -> Iterator["Reader"]:
        try:
            with self.end:
                yield self
        finally:
            self._note_end()


class World:
    """One broadcast, and everything that was done with it."""

    def __init__(self, maxsize: int = 1, *, replay: int = 0) -> None:
        self.hub: Broadcast[int] = Broadcast(maxsize, replay=replay)
        self.model = Broadcasted(replay)
        self.readers: list[Reader] = []
        self.items = 0

    def watch(self, run: Run) -> None:
        run.always(self.check)
        run.at_rest(self.check_rest)
        run.afterwards(self.use_up)

    def subscribe(self, size: int | None = None, lag: Lag = Lag.WAIT) -> Reader:
        reader = Reader(self, self.hub.maxsize if size is None else size, lag)
        self.readers.append(reader)
        return reader

    # Calls

    def item(self) -> int:
        self.items += 1
        return self.items

    async def put(self, times: int = 1) -> None:
        for _ in range(times):
            item = self.item()
            await self.hub.put(item)
            self._accept(item)

    async def put_many(self, count: int = 2) -> None:
        given = [self.item() for _ in range(count)]
        iterator = iter(given)

        def noted() -> Iterator[int]:
            # The next one is asked for in the step in which the one before was accepted.
            for item in iterator:
                yield item
                self._accept(item)

        await self.hub.put_many(noted())

    async def select_put(self) -> None:
        item = self.item()
        await select(self.hub.on_put(item))
        self._accept(item)

    async def select_put_or_get(self, reader: Reader) -> None:
        item = self.item()
        with reader._getting():
            taken, got = await select(self.hub.on_put(item), reader.rx.on_get())
            if got is None:
                assert taken == 0
                self._accept(item)
            else:
                reader.receive(got)

    def put_nowait(self) -> None:
        item = self.item()
        self.hub.put_nowait(item)
        self._accept(item)

    def try_put(self) -> None:
        full = self.hub.full()
        try:
            self.put_nowait()
        except ChannelFull:
            assert full, "put_nowait found no room, and full() said that there was"
        else:
            assert not full, "put_nowait found room, and full() said that there was none"

    def _accept(self, item: int) -> None:
        self.model.accept(item)
        for reader in self.readers:
            cursor = reader.cursor
            if cursor.end is None and reader.lag is Lag.DISCONNECT and reader.feed._at < 0:
                cursor.end = len(self.model.log) - 1  # it was cut off by this item

    # What must be true

    def check(self) -> None:
        """Look between any two steps."""
        found = [*self._violations()]
        assert not found, "; ".join(found)

    def check_rest(self) -> None:
        """Look when nothing can happen any more."""
        found = [*self._violations(rest=True)]
        assert not found, "; ".join(found)

    def _violations(self, *, rest: bool = False) -> Iterator[str]:
        yield from self.model.violations()
        hub = self.hub
        numbers = hub.statistics()
        if _waits(hub._senders) and not hub.full() and not self._selects_itself():
            yield f"a put waits, and there is room: {numbers}"
        attached = [reader for reader in self.readers if reader.feed._at >= 0]
        if len(attached) != numbers.subscribers:
            yield f"{len(attached)} are subscribed: {numbers}"
        for reader in self.readers:
            yield from self._violations_of(reader)
        if rest and (hub._senders.woken or any(reader.feed._receivers.woken for reader in self.readers)):
            yield "a claim is left"
        if rest and hub._space > 0 and not hub.closed() and hub.full():
            yield f"there is space for {hub._space}, and no room"

    def _violations_of(self, reader: Reader) -> Iterator[str]:
        feed, cursor = reader.feed, reader.cursor
        held = len(feed._buffer)
        if held - feed._receivers.woken > 0 and _waits(feed._receivers):
            yield f"{feed} holds an item, and a receiver waits"
        untold = feed._untold if isinstance(feed, LossyFeed) and reader.lag is not Lag.DISCONNECT else 0
        if not reader.left and held + untold != cursor.held():
            yield f"{feed} holds {held} and has dropped {untold}, of {cursor.held()}"
        if held > cursor.size + reader.most + reader.granted:
            yield f"{feed} holds {held}"

    def _selects_itself(self) -> bool:
        """Return whether a select may wait to put and to get from one subscription."""
        return any(isinstance(each, Selection) for each in self.hub._senders) and any(
            _waits(reader.feed._receivers) for reader in self.readers
        )

    async def use_up(self) -> None:
        """See that everything goes on afterwards: it closes, drains, and nobody is left."""
        hub = self.hub
        hub.close()
        await hub.wait_closed()
        for reader in self.readers:
            if not reader.left:
                try:
                    async for item in reader.rx:
                        reader.receive(item)
                except ChannelLagged as lagged:
                    reader.cursor.told += lagged.missed
                    async for item in reader.rx:
                        reader.receive(item)
                except Exception:  # it was cut off
                    assert reader.lag is Lag.DISCONNECT
                self.check()
                reader.leave()
        await hub.join()
        await hub.wait_unsubscribed()
        assert not hub.subscribers
        self.check_rest()


def _waits(queue: WaitQueue) -> bool:
    """Return whether somebody waits in it who was not cancelled."""
    return not all(each.done() for each in queue)
