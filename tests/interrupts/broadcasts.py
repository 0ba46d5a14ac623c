"""A broadcast with three subscriptions in the place of a channel, so that all scenarios can be played on it."""

from collections.abc import Iterable, Iterator

from typing_extensions import override

from aiochannel import Broadcast, Case, Channel, ChannelStatistics, End, Lag, Sender
from tests.interrupts.scenarios import SCENARIOS, Scenario
from tests.model.reference import RENDEZVOUS


class Through(Channel[str]):
    """What is put goes to three subscriptions; what is got comes from the first. The others never make a put wait.

    The second one keeps everything, so the items of the first are always the last of its own. The third one drops.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.hub: Broadcast[str] = Broadcast(size)
        self._ends = [self.hub.subscribe(), self.hub.subscribe(0), self.hub.subscribe(1, lag=Lag.SKIP)]
        self.first, self.second, _ = self.hub._feeds

    @override
    async def put(self, item: str, /) -> None:
        await self.hub.put(item)

    @override
    def put_nowait(self, item: str, /) -> None:
        self.hub.put_nowait(item)

    @override
    async def put_many(self, items: Iterable[str], /) -> None:
        await self.hub.put_many(items)

    @override
    def on_put(self, item: str, /) -> Case[None]:
        return self.hub.on_put(item)

    @override
    async def get(self) -> str:
        return await self.first.get()

    @override
    def get_nowait(self) -> str:
        return self.first.get_nowait()

    @override
    async def get_many(self, limit: int, /, *, within: float | None = None) -> list[str]:
        return await self.first.get_many(limit, within=within)

    @override
    def get_many_nowait(self, limit: int | None = None, /) -> list[str]:
        return self.first.get_many_nowait(limit)

    @override
    async def __anext__(self) -> str:
        return await self.first.__anext__()

    @override
    def on_get(self) -> Case[str]:
        return self.first.on_get()

    @override
    async def join(self) -> None:
        await self.first.join()

    @override
    async def wait_closed(self) -> None:
        await self.hub.wait_closed()

    @override
    def on_close(self) -> Case[None]:
        return self.hub.on_close()

    @override
    def close(self, cause: BaseException | None = None) -> bool:
        return self.hub.close(cause)

    @override
    def abort(self, cause: BaseException | None = None) -> list[str]:
        self.hub.close(cause)
        return self.first._take_rest()

    @override
    def open_sender(self) -> End[Sender[str]]:
        return self.hub.open_sender()

    @override
    def closed(self) -> bool:
        return self.hub.closed()

    @override
    def qsize(self) -> int:
        return self.first.qsize()

    @override
    def empty(self) -> bool:
        return self.first.empty()

    @override
    def full(self) -> bool:
        return self.hub.full()

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.first)

    @override
    def statistics(self) -> ChannelStatistics:
        held, all_items = tuple(self.first), tuple(self.second)
        assert held == all_items[len(all_items) - len(held) :], f"one has {held}, and the other {all_items}"
        return ChannelStatistics(
            qsize=self.first.qsize(),
            maxsize=self.hub.maxsize,
            waiting_senders=self.hub.statistics().waiting_senders,
            waiting_receivers=self.first.statistics().waiting_receivers,
            open_senders=self.hub.statistics().open_senders,
            open_receivers=0,
            closed=self.hub.closed(),
        )


def fits(scenario: Scenario) -> bool:
    """Return whether a broadcast has what the scenario asks for."""
    return scenario.size != RENDEZVOUS and "openr" not in scenario.before


BROADCASTS = {name: scenario for name, scenario in SCENARIOS.items() if fits(scenario)}
