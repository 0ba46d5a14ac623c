"""Flights: how the puts of one sending end reach the server, each once, in their order.

One numbered flight is away at a time, until the server has stored all of it. Puts queue up meanwhile, and the next
flight takes them all: so many tasks share a round trip, and none waits for company.

    put          queue -> flight -> stored, or refused (the channel is closed or lost)
    withdrawn    in the queue: dropped, it never happens. In flight: the server is asked, behind the flight
    lost         after `resume`: the server has the first items of the flight, which are told again; of the rest the
                 withdrawn ones are dropped, and the others fly again

An `Entry` is one item, and a `Call` what a task waits for: one item, a batch, or a flush.
"""

from asyncio import AbstractEventLoop, Future, Task, create_task, sleep, wait
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Final, TypeAlias, final

from aiochannel.errors import ChannelError
from aiochannel.remote.broker import LARGEST_FLIGHT, Busy, Closed, Gone, SenderPort
from aiochannel.remote.errors import ChannelLost, ChannelUnavailable
from aiochannel.remote.links import Link

FLIGHT_BYTES: Final = 64 * 1024
"""The bytes of a flight, unless one item has more."""
BUSY: Final = 0.2
"""After how many seconds to try again, where the server refuses to store for a while."""

Failure: TypeAlias = Callable[[], Exception]
"""Makes the error of a put that came to nothing: each raise has its own object."""


@final
class Call:
    """What a task waits for: that a number of entries are settled."""

    __slots__ = ("future", "left")

    def __init__(self, loop: AbstractEventLoop, entries: Sequence["Entry"]) -> None:
        self.future: Future[None] = loop.create_future()
        self.left: int = len(entries)
        """How many are not settled yet."""
        own = (self,)
        for entry in entries:
            entry.calls = (*entry.calls, self) if entry.calls else own

    def end(self) -> None:
        """Note that the last one is settled."""
        if not self.future.done():
            self.future.set_result(None)


class Fate(Enum):
    """What has become of an entry."""

    OPEN = "open"
    STORED = "stored"
    NEVER = "never"
    """It is not stored, and never will be."""


@final
class Entry:
    """One item on its way. Most are never more than their bytes, so the rest is of the class until it is needed."""

    item: object = None
    counted = False
    """Whether it counts in the outbox."""
    reported = False
    """Whether somebody learns of a refusal, other than by `flush`."""
    calls: tuple[Call, ...] = ()
    fate = Fate.OPEN
    failure: Failure | None = None
    """Why it is not stored, unless it was withdrawn."""
    index = -1
    """Its place in the flight; -1 in the queue."""
    asked = False
    """Whether it is to be withdrawn."""
    withdrawal: Task[None] | None = None
    """Asks the server to withdraw it. If the connection is lost it ends without an answer."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


@final
class Flights:
    """The entries of one sending end."""

    def __init__(self, link: Link, port: SenderPort, freed: Callable[[], object]) -> None:
        self.queue: deque[Entry] = deque()
        self.flight: list[Entry] = []
        self.undelivered: list[object] = []
        """Items of the outbox that were refused."""
        self.closing: Future[bool | Failure] | None = None
        """Answered when the server has closed the channel for this end."""
        self._link = link
        self._port = port
        self._freed = freed
        """Called when an entry of the outbox is settled."""
        self._loop = link.connection.loop
        self._cause: str | None = None
        self._told_below = 0
        self._runs = False
        self._task: Task[None] | None = None

    # What the end asks for

    def add(self, entries: Iterable[Entry]) -> None:
        """Send entries, behind all others."""
        self.queue.extend(entries)
        self._start()

    async def store(self, entries: Sequence[Entry]) -> None:
        """Send entries, and wait until all are stored; withdraw them if the call fails."""
        self.add(entries)
        await self.stored(entries)

    async def stored(self, entries: Sequence[Entry]) -> None:
        """Wait until entries are stored; withdraw them if the call fails."""
        try:
            await self.settled(entries)
        except BaseException:
            for entry in entries:
                self.withdraw(entry)
            raise
        for entry in entries:
            if entry.failure is not None:
                raise entry.failure()

    async def settled(self, entries: Sequence[Entry]) -> None:
        """Wait until entries are settled."""
        if still_open := [entry for entry in entries if entry.fate is Fate.OPEN]:
            with self._link.waiting():
                async with self._link.connection.bounded():
                    await Call(self._loop, still_open).future

    async def closed(self) -> bool:
        """Wait until the channel is closed; return whether this end did it."""
        if self.closing is None:
            return False
        with self._link.waiting():
            async with self._link.connection.bounded():
                await wait([self.closing])
        answer = self.closing.result()
        if isinstance(answer, bool):
            return answer
        raise answer()

    def withdraw(self, entry: Entry) -> None:
        """See to it that an entry is not stored, if it is not yet."""
        if entry.fate is Fate.OPEN and not entry.asked:
            entry.asked = True
            if entry.index < 0:
                self._settle([entry], Fate.NEVER)
            elif not self._loop.is_closed():
                self._ask(entry)

    def close(self, cause: str | None) -> None:
        """Close the channel, behind all entries."""
        self._cause = cause
        self.closing = self._loop.create_future()
        self._start()

    def open_entries(self) -> list[Entry]:
        """Return the entries that are not settled, in their order."""
        return [entry for entry in (*self.flight, *self.queue) if entry.fate is Fate.OPEN]

    async def finish(self, seconds: float) -> None:
        """Wait until all is settled, for at most so many seconds, and send nothing more."""
        if self._task is not None:
            await wait([self._task], timeout=seconds)
            self._task.cancel()
            await wait([self._task])

    def leave(self) -> None:
        """Give up what is not settled. Most of it is not stored, but nobody can tell."""
        self._refuse(lambda: ChannelUnavailable(f"this sending end of {self._link.title} has left"))

    # The task that sends

    def _start(self) -> None:
        if not self._runs:
            self._runs = True
            self._task = create_task(self._run())

    async def _run(self) -> None:
        try:
            while self.queue or (self.closing is not None and not self.closing.done()):
                if self.queue or self.closing is None:
                    await self._fly()
                else:
                    await self._close(self.closing)
        except Exception as error:  # what the broker raises is what every call raises
            failure = error
            self._refuse(lambda: type(failure)(str(failure)) if isinstance(failure, ChannelError) else failure)
        finally:
            self._runs = False

    def _board(self) -> list[Entry]:
        """Take the next flight from the queue."""
        queue, flight = self.queue, list[Entry]()
        index = size = 0
        while queue and index < LARGEST_FLIGHT:
            entry = queue[0]
            size += len(entry.raw)
            if flight and size > FLIGHT_BYTES:
                break
            del queue[0]
            if entry.fate is Fate.OPEN:
                entry.index = index
                flight.append(entry)
                index += 1
        return flight

    async def _fly(self) -> None:
        self.flight = self._board()
        self._told_below = 0
        known = 0
        busy_since: float | None = None
        while self.flight:
            try:
                answer = await self._store(known)
                busy_since = None
            except Busy as busy:
                answer = known
                busy_since = self._loop.time() if busy_since is None else busy_since
                await self._withdrawals()
                await self._wait_for_room(str(busy), busy_since)
            if answer is None:
                break
            known = answer
            self._drop(known)
        self.flight = []

    async def _store(self, known: int) -> int | None:
        """Store the flight; return None if it is settled, or else of how many entries the server knows."""
        try:
            await self._port.store([entry.raw for entry in self.flight], self._told, known=known)
            self._told(len(self.flight))
        except Gone:
            return await self._resume()
        except Closed as closed:
            self._told(closed.stored)
            if not self._link.state.closed:
                self._link.changed(self._link.state._replace(closed=True, cause=closed.cause))
            refused = [entry for entry in self.flight if not entry.asked]
            self._settle(refused, Fate.NEVER, lambda: self._link.closed_error("accepts no more items"))
        return None if await self._withdrawals() else await self._resume()

    async def _resume(self) -> int:
        """Return of how many entries of the flight the server knows, once the connection is back."""
        while True:
            await self._link.connection.back()
            try:
                known = await self._port.resume()
            except Gone:
                continue
            await self._withdrawals()
            for entry in self.flight[:known]:
                if entry.asked and entry.fate is Fate.OPEN:
                    self._ask(entry)
            return known

    def _drop(self, known: int) -> None:
        """Forget the withdrawn entries of which the server does not know."""
        self._settle([entry for entry in self.flight[known:] if entry.asked], Fate.NEVER)
        self.flight[known:] = [entry for entry in self.flight[known:] if entry.fate is Fate.OPEN]
        for index, entry in enumerate(self.flight):
            entry.index = index

    async def _wait_for_room(self, reason: str, since: float) -> None:
        """Wait a little, where the server refuses to store; give up the puts whose patience is over."""
        patience = self._link.connection.patience
        if self._loop.time() >= since + patience:
            text = f"the server of {self._link.title} has refused to store for {patience:g} s: {reason}"
            waiting = [entry for entry in self.flight if not entry.counted]
            self._settle(waiting, Fate.NEVER, lambda: ChannelUnavailable(text))
        else:
            await sleep(BUSY)

    async def _close(self, closing: "Future[bool | Failure]") -> None:
        closed: bool | None = None
        while closed is None:
            try:
                closed = await self._link.broker.close(self._link.name, self._cause)
            except Gone:
                await self._link.connection.back()
        closing.set_result(closed)

    # What becomes of an entry

    def _told(self, below: int) -> None:
        """Note that the entries of the flight below this one are stored, but for withdrawn ones."""
        if below > self._told_below:
            told = self.flight[self._told_below : below]
            self._settle([entry for entry in told if not entry.asked], Fate.STORED)
            self._told_below = below

    def _ask(self, entry: Entry) -> None:
        entry.withdrawal = create_task(self._withdraw(entry))

    async def _withdraw(self, entry: Entry) -> None:
        if entry.fate is Fate.OPEN:  # or else the flight has dropped it, and its place may be another's
            with suppress(Gone, ChannelLost):  # whoever sends the flight finds that out, too
                never = await self._port.withdraw(entry.index)
                self._settle([entry], Fate.NEVER if never else Fate.STORED)

    async def _withdrawals(self) -> bool:
        """Wait for the answers about withdrawn entries; return whether there are answers for all."""
        while asking := [each.withdrawal for each in self.flight if each.withdrawal and not each.withdrawal.done()]:
            await wait(asking)
        return not [entry for entry in self.flight if entry.asked and entry.fate is Fate.OPEN]

    def _settle(self, entries: Iterable[Entry], fate: Fate, failure: Failure | None = None) -> None:
        """Say of those that are open what has become of them."""
        for entry in entries:
            if entry.fate is Fate.OPEN:
                entry.fate = fate
                entry.failure = failure
                for call in entry.calls:
                    call.left -= 1
                    if not call.left:
                        call.end()
                if entry.counted:
                    if failure is not None and not entry.reported:
                        self.undelivered.append(entry.item)
                    self._freed()

    def _refuse(self, failure: Failure) -> None:
        """Settle whatever is open: it is not known to be stored."""
        self._settle(self.open_entries(), Fate.NEVER, failure)
        self.queue.clear()
        self.flight = []
        if self.closing is not None and not self.closing.done():
            self.closing.set_result(failure)
