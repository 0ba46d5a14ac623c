"""A peer's queue as a subject of the explorer: only the names of methods and exceptions change."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial

from aiochannel import ChannelClosed, ChannelEmpty, ChannelFull, ChannelStatistics
from tests.explore.verbs import Make, make_channel
from tests.model.reference import capacity
from tools.peers import OURS, Ends, Peer, Rules, offered


def rules(peer: Peer) -> Rules:
    return offered(peer.rules)


def maker(peer: Peer) -> Make:
    """Return what makes the subject; of this package it is the channel itself, which has every verb."""
    return make_channel if peer.name == OURS else partial(Adapter, peer)


class Adapter:
    def __init__(self, peer: Peer, size: int) -> None:
        self.peer = peer
        self.rules = rules(peer)
        self.capacity = capacity(size)
        self.is_closed = False

    @cached_property
    def ends(self) -> Ends:
        """The queue, made inside the loop that is to use it, as some must be."""
        return self.peer.make(self.capacity)

    @contextmanager
    def translated(self, theirs: type[Exception], ours: type[Exception]) -> Iterator[None]:
        try:
            yield
        except self.rules.closed:
            raise ChannelClosed from None
        except theirs:
            raise ours from None

    async def put(self, item: str) -> None:
        with self.translated(self.rules.full, ChannelFull):
            await offered(self.ends.put)(item)

    async def get(self) -> str:
        with self.translated(self.rules.empty, ChannelEmpty):
            return str(await offered(self.ends.get)())

    def put_nowait(self, item: str) -> None:
        with self.translated(self.rules.full, ChannelFull):
            offered(self.ends.put_nowait)(item)

    def get_nowait(self) -> str:
        with self.translated(self.rules.empty, ChannelEmpty):
            return str(offered(self.ends.get_nowait)())

    def close(self, cause: BaseException | None = None) -> bool:
        assert cause is None
        was_open = not self.is_closed
        self.is_closed = True
        offered(self.ends.close)()
        return was_open

    async def join(self) -> None:
        if self.ends.join is not None:
            await self.ends.join()

    async def put_many(self, items: Iterable[str]) -> None:
        raise NotImplementedError

    def qsize(self) -> int:
        return offered(self.ends.qsize)()

    def empty(self) -> bool:
        return not self.qsize()

    def full(self) -> bool:
        return offered(self.ends.full)()

    def statistics(self) -> ChannelStatistics:
        senders, receivers = offered(self.ends.waiting)()
        return ChannelStatistics(self.qsize(), 0, senders, receivers, 0, 0, self.is_closed)
