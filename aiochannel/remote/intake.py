"""Intake: how items come to one receiving end, and how acknowledgements go.

Items are asked for when a task waits for one, or asks for its next one while at most half a window is at hand, and not
when items come: an end that nobody asks fetches nothing. At hand are the items that have come and that no task has
taken; they are in `inbox`, a local channel, and are leased to this end like those that tasks hold.

The window says how many items to have at hand. It begins at 1, doubles when an answer was full and the inbox had run
dry meanwhile, and falls to 1 when an item was at hand for a second: that one is given back. So fast consumers read
ahead, slow ones share fairly, and one that crashes again and again holds one item at a time.

Acknowledgements ride on the next fetch. Without one they go at once if the inbox is empty or puts wait for room, or
else within 5 ms. They are passed again when the connection was lost.
"""

from asyncio import Task, TimerHandle, create_task, timeout, wait
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Final, Generic, TypeVar, final

from aiochannel.channel import Channel
from aiochannel.errors import ChannelClosed
from aiochannel.remote.broker import Drained, Fetched, Gone, Receipt, ReceiverPort
from aiochannel.remote.connection import LOG
from aiochannel.remote.deliveries import Delivery
from aiochannel.remote.errors import ChannelLost, ChannelUnavailable, LeaseLost
from aiochannel.remote.links import Link

T = TypeVar("T")

AT_HAND_BYTES: Final = 2**20
"""How many bytes are at hand at most, unless one item has more."""
AT_HAND_SECONDS: Final = 1.0
"""For how long an item is at hand at most."""
ACK_SECONDS: Final = 0.005
"""For how long an acknowledgement waits for a fetch at most."""
BAD_ITEM_SECONDS: Final = 60.0
"""For how long an item that cannot be decoded is kept from the next receiver at most."""


@final
class Intake(Generic[T]):
    """The items and the acknowledgements of one receiving end."""

    def __init__(self, link: Link, port: ReceiverPort, decode: Callable[[bytes], T], prefetch: int) -> None:
        self.inbox: Channel[Delivery[T]] = Channel(name=f"items at hand of {link.title}")
        self.generation: int = 0
        self.window: int = 1
        self.bad_items: int = 0
        self.failure: Exception | None = None
        """What every call raises, since the inbox is closed for it."""
        self.least: list[int] = []
        """How many items those batches ask for that wait."""
        self._link = link
        self._port = port
        self._decode = decode
        self._prefetch = prefetch
        self._bytes = 0
        self._done: list[Receipt] = []
        self._hurry = False
        self._boarding = False
        """Whether a fetch is about to take the acknowledgements along."""
        self._fetch: Task[None] | None = None
        self._timer: TimerHandle | None = None
        self._tidying: TimerHandle | None = None
        self._tasks: set[Task[None]] = set()

    # Fetching

    def ask(self) -> None:
        """Fetch items, if they are not being fetched: a task asks for its next one."""
        if self._fetch is not None:
            return
        at_hand = len(self.inbox._buffer) - self.inbox._receivers.woken
        if at_hand * 2 <= self.window and not self.inbox.closed():
            if at_hand > 0 and self._bytes >= AT_HAND_BYTES:
                return
            self._boarding = True
            fetch = create_task(self._fetch_items())
            if not fetch.done():  # an eager one may be
                self._fetch = fetch

    async def _fetch_items(self) -> None:
        try:
            again = True
            while again:
                lost = await self._fetch_once()
                again = not self.inbox.closed() and (lost or self.inbox.statistics().waiting_receivers > 0)
        except ChannelUnavailable as error:
            if not self._link.connection.is_lost():  # or else every call that waits raises it by itself
                self.break_down(error)
        except Exception as error:  # what the broker raises is what every call raises
            self.break_down(error)
        finally:
            self._fetch = None
            self._boarding = False
            if self._done:  # it could not take them along
                self._send_acknowledgements()

    async def _fetch_once(self) -> bool:
        """Fetch items; return whether the lease was lost, so that it is to be tried again."""
        at_hand = self.inbox.qsize()
        waiting = self.inbox.statistics().waiting_receivers
        want = max(1, self.window - at_hand, waiting, max(self.least, default=0) - at_hand)
        done, self._done = self._done, []
        self._boarding = False
        generation = self.generation
        try:
            fetched = await self._port.fetch(want, AT_HAND_BYTES - self._bytes, done)
        except Gone:
            self._done[:0] = done
            await self._link.connection.back()
        except Drained as drained:
            if not self._link.state.drained:
                self._link.changed(self._link.state._replace(closed=True, drained=True, cause=drained.cause))
        except LeaseLost as error:
            self._lose_lease(generation, error)
            return True
        except BaseException:  # it has left
            self._done[:0] = done
            raise
        else:
            self._arrive(fetched, want)
        return False

    def _arrive(self, fetched: Fetched, want: int) -> None:
        if self.inbox.closed():  # for an error that came by another call
            return
        if len(fetched.items) == want and not self.inbox.qsize():
            self.window = min(self._prefetch, self.window * 2)
        self._hurry = fetched.puts_wait
        now = self._link.connection.loop.time()
        for stored in fetched.items:
            try:
                item = self._decode(stored.item)
            except Exception as error:  # a codec may raise anything
                self.bad_items += 1
                reason = f"cannot be decoded: {type(error).__name__}: {error}"
                LOG.warning("item %s of %s %s", stored.id, self._link.title, reason)
                self._start(self._back([stored.receipt], True, reason, min(2.0**stored.attempt, BAD_ITEM_SECONDS)))
                self._log_dead(stored.attempt, stored.id, reason)
            else:
                delivery = Delivery(item, stored, self, now)
                self._bytes += delivery._size
                self.inbox.put_nowait(delivery)
        if self._tidying is None:
            self._tidy_after(AT_HAND_SECONDS)

    def take(self) -> Delivery[T] | None:
        """Remove and return the next delivery, if one is at hand, and ask for more if it is time."""
        inbox = self.inbox
        buffer = inbox._buffer
        while len(buffer) > inbox._get_above:
            # It came at most a window ago: the event loop has its turns.
            delivery = buffer.popleft()
            self._bytes -= delivery._size
            if self._fetch is None:
                self.ask()
            if delivery._generation == self.generation:
                return delivery
        return None

    def taken(self, deliveries: Sequence[Delivery[T]]) -> None:
        """Note that items were taken from the inbox."""
        for delivery in deliveries:
            self._bytes -= delivery._size

    def changed(self) -> None:
        """Learn that the channel is drained or lost."""
        if self._link.state.lost is not None:
            self.break_down(ChannelLost(self._link.state.lost))
        elif self._link.state.drained:
            self.inbox.close(self._link.cause())

    def break_down(self, error: Exception) -> None:
        """Let every call raise the error."""
        self.failure = error
        self.inbox.close(error)

    # What is at hand for too long

    def _tidy_after(self, seconds: float) -> None:
        self._tidying = self._link.connection.loop.call_later(seconds, self._tidy)

    def _tidy(self) -> None:
        """Give back what is at hand if that is for too long."""
        self._tidying = None
        if self.inbox.qsize():
            oldest = next(iter(self.inbox))._since + AT_HAND_SECONDS
            now = self._link.connection.loop.time()
            if oldest > now:
                self._tidy_after(oldest - now)
            else:
                self.window = 1
                self.give_back(())

    def give_back(self, held: Sequence[Delivery[T]]) -> None:
        """Give back, uncounted, what is at hand, and what tasks hold that will do nothing with it."""
        open_ones = [each for each in (*held, *self._empty()) if each._open and not each._lost]
        for each in open_ones:
            each._open = False
        if open_ones:
            self._start(self._back(sorted(each._receipt for each in open_ones), False, "", None))

    def _empty(self) -> Sequence[Delivery[T]]:
        """Remove and return what is at hand."""
        with suppress(ChannelClosed):
            at_hand = self.inbox.get_many_nowait()
            self.taken(at_hand)
            return at_hand
        return ()

    def _lose_lease(self, generation: int, error: LeaseLost) -> None:
        """Drop what is at hand: it was given back already. What tasks hold is lost, too."""
        if generation == self.generation:
            LOG.warning("%s", error)
            self.generation += 1
            self.window = 1
            self._done.clear()
            self._empty()

    # Acknowledging and giving back

    def acknowledge(self, deliveries: Sequence[Delivery[T]]) -> None:
        """Note that items are received; the server is told soon."""
        for delivery in deliveries:
            if delivery._open and delivery._generation == self.generation:
                self._done.append(delivery._receipt)
            delivery._open = False
        if self._done and not self._boarding:
            self._send_acknowledgements()

    def _send_acknowledgements(self) -> None:
        soon = self._hurry or len(self.inbox._buffer) <= self.inbox._receivers.woken
        timer, loop = self._timer, self._link.connection.loop
        if timer is not None:
            if not soon or timer.when() <= loop.time():
                return
            timer.cancel()
        self._timer = loop.call_later(0 if soon else ACK_SECONDS, self._settle_soon)

    def _settle_soon(self) -> None:
        self._timer = None
        if self._done and not self._boarding:
            done, self._done = self._done, []
            self._start(self._until_done(lambda: self._port.settle(done)))

    def fail(self, delivery: Delivery[object], reason: str, /) -> None:
        """As `Delivery.fail`."""
        self.fault((delivery,), reason)

    def fault(self, deliveries: Sequence[Delivery[object]], reason: str) -> None:
        """Give items back: this attempt has failed."""
        receipts = []
        for delivery in deliveries:
            if delivery._open and not delivery._lost:
                receipts.append(delivery._receipt)
                self._log_dead(delivery.attempt, delivery.id, reason)
            delivery._open = False
        if receipts:
            self._start(self._back(receipts, True, reason, None))

    def _log_dead(self, attempt: int, name: str, reason: str) -> None:
        if attempt >= self._link.settings.tries:
            LOG.error("item %s of %s is a dead letter: %s", name, self._link.title, reason)

    async def _back(self, receipts: Sequence[Receipt], count: bool, reason: str, delay: float | None) -> None:
        await self._until_done(lambda: self._port.give_back(receipts, count=count, reason=reason, delay=delay))

    async def _until_done(self, act: Callable[[], Coroutine[object, None, None]]) -> None:
        """Tell the server, again and again until it has answered."""
        while True:
            generation = self.generation
            try:
                await act()
            except Gone:
                try:
                    await self._link.connection.back()
                except ChannelUnavailable:
                    return  # the lease tells it
            except LeaseLost as error:
                self._lose_lease(generation, error)
                return
            except Exception as error:  # what the broker raises is what every call raises
                self.break_down(error)
                return
            else:
                return

    def _start(self, work: Coroutine[object, None, None]) -> None:
        task = create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # By hand

    async def settle(self, delivery: Delivery[object], /) -> None:
        """As `Delivery.ack`."""
        await self._by_hand(delivery, lambda: self._port.settle([delivery._receipt]))

    async def release(self, delivery: Delivery[object], reason: str, delay: float, /) -> None:
        """As `Delivery.release`."""
        receipts = [delivery._receipt]
        await self._by_hand(
            delivery, lambda: self._port.give_back(receipts, count=True, reason=reason, delay=delay or None)
        )

    async def _by_hand(self, delivery: Delivery[object], act: Callable[[], Coroutine[object, None, None]]) -> None:
        generation = self.generation
        if delivery._open:
            if not delivery._lost:
                try:
                    await self._link.connection.call(act)
                except LeaseLost as error:
                    self._lose_lease(generation, error)
            if delivery._lost:
                raise LeaseLost(f"item {delivery.id} of {self._link.title} was given back: its lease is lost")
            delivery._open = False

    # Leaving

    async def leave(self, within: float) -> None:
        """Send what is to be said, for so many seconds at most, and leave; what is open is given back."""
        for timer in (self._timer, self._tidying):
            if timer is not None:
                timer.cancel()
        if self._fetch is not None:
            self._fetch.cancel()
            await wait([self._fetch])
        self._settle_soon()
        with suppress(TimeoutError):
            async with timeout(within):
                while self._tasks:
                    await wait(self._tasks)
                await self._port.leave()
        for task in self._tasks:
            task.cancel()
        self.inbox.close()
        self._empty()
