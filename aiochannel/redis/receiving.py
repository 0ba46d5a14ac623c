"""A receiving end at a Redis server."""

from asyncio import Future, get_running_loop
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.msgpack import Encoder

from aiochannel.redis.channel import RedisChannel
from aiochannel.redis.chunks import stored, unpack
from aiochannel.redis.replies import number, raw, text
from aiochannel.redis.wire import Reply
from aiochannel.remote.broker import Drained, Fetched, Gone, Receipt, Stored
from aiochannel.remote.errors import LeaseLost

MANY_CHUNKS: Final = 2**27
"""After so many chunks a receiver registers anew, as soon as it holds nothing: the server counts to 2**28."""
AT_ONCE: Final = 512
"""A call takes at most so many items."""
PLACE_BITS: Final = 20
"""So many of the bits of a receipt say the item's place in its chunk; those before them say which chunk."""
LAST_PLACE: Final = 2**PLACE_BITS - 1

Places: TypeAlias = tuple[int, int] | tuple[int, int, list[int]]
_ENCODER: Final = Encoder()


class _Chunk:
    """A chunk that was received, and which of its items are settled."""

    __slots__ = ("c", "count", "front", "open", "whole")

    def __init__(self, c: int, base: int, elements: Sequence[bytes]) -> None:
        self.c = c
        self.count = base + len(elements)
        self.whole = not base
        """Whether the server has it as it was delivered."""
        self.front = 0
        """So many of its first items are settled for certain."""
        self.open = {place for place, element in enumerate(elements, base) if element}
        """The places of its items that are not settled."""

    def message(self, places: Sequence[int]) -> Places:
        """Return how the server is told that these places are received."""
        if self.whole and len(places) == self.count:
            return self.c, self.count
        self.whole = False
        chosen = set(places)
        upto = self.front
        while upto in chosen or (upto < self.count and upto not in self.open):
            upto += 1
        return self.c, upto, sorted(place for place in chosen if place > upto)

    def settle(self, places: Iterable[int]) -> None:
        """Note that the server has noted these places."""
        self.open.difference_update(places)
        while self.front < self.count and self.front not in self.open:
            self.front += 1


class RedisReceiver:
    """A receiving end: a ReceiverPort."""

    def __init__(self, channel: RedisChannel) -> None:
        self.receiver: int = 0
        """Its number at the server; 0: not registered."""
        self.chunk: int = 0
        """The number of the next chunk."""
        self._channel = channel
        self._serial = 0
        """How many chunks have come, of all registrations."""
        self._chunks: dict[int, _Chunk] = {}
        """Those with open items, by their serial number."""
        self._want = 0
        """For how many items it may wait at the server."""
        self._missed = 0
        """For how many beats it has waited though the server does not say so."""
        self._come: list[Stored] = []
        self._puts_wait = False
        self._arrival: Future[None] | None = None
        self._lost: LeaseLost | None = None
        """To be raised by the next call, or by the fetch that waits."""
        channel.receivers.append(self)

    # Fetching

    async def fetch(self, limit: int, size: int, done: Sequence[Receipt], /) -> Fetched:
        """As `ReceiverPort.fetch`."""
        self._check()
        if self._come:
            await self.settle(done)
        else:
            await self._register(done)
            await self._take(limit, size, done)
        while not self._come:
            await self._next_arrival()
            if self._missed > 1:
                self._missed = 0
                await self._take(limit, size, ())
        items, self._come = self._come[:limit], self._come[limit:]
        return Fetched(items, self._puts_wait)

    async def _register(self, done: Sequence[Receipt]) -> None:
        if self.chunk > MANY_CHUNKS and set(done).issuperset(self._receipts()):
            await self.settle(done)
            await self._back(how=1)
            self.receiver = 0
        if not self.receiver:
            link = self._channel.link
            code, r_or_cause = await self._channel.run("renew", f"{link.hub}:{link.epoch}", 0)
            if code == -2:
                raise Drained(text(r_or_cause) or None)
            self.receiver, self.chunk = number(r_or_cause), 0

    async def _take(self, limit: int, size: int, done: Sequence[Receipt]) -> None:
        """Acknowledge, and ask for items."""
        r, first = self.receiver, self.chunk
        again, self._want = int(self._want > 0), min(limit, AT_ONCE)
        code, *rest = await self._call_take(r, first, self._want, size, again, done)
        if code == -2:
            raise Drained(text(rest[0]) or None)
        if code == 1 and r == self.receiver:
            self.accept(first, [raw(chunk) for chunk in rest[1:]], puts_wait=rest[0] == 1)

    async def _call_take(
        self, r: int, c: int, want: int, size: int, again: int, done: Sequence[Receipt]
    ) -> list[Reply]:
        by_chunk = self._by_chunk(done)
        messages = [self._chunks[serial].message(places) for serial, places in by_chunk.items()]
        acks = _ENCODER.encode(messages) if messages else b""
        link = self._channel.link
        reply = await self._channel.run("take", r, link.hub, c, want, size, again, acks, link.epoch)
        if reply[0] == -5:
            raise self._lease_lost(r)
        self._settled(by_chunk)
        return reply

    async def _next_arrival(self) -> None:
        """Wait for a push; raise what it comes to instead."""
        epoch = self._channel.link.epoch
        self._arrival = get_running_loop().create_future()
        await self._arrival
        self._check()
        if not self._come:
            if self._channel.state.drained:
                raise Drained(self._channel.state.cause)
            if not self._channel.link.up or self._channel.link.epoch != epoch:
                raise Gone

    def accept(self, first: int, chunks: Sequence[bytes], *, puts_wait: bool) -> None:
        """Note chunks that have come, by a reply, by a push, or by both."""
        for c, packed in enumerate(chunks, first):
            if c == self.chunk:
                self._accept_one(packed)
                self._puts_wait = puts_wait
        if self._come:
            self.wake()

    def _accept_one(self, packed: bytes) -> None:
        base, elements = unpack(packed)
        self._serial += 1
        self._chunks[self._serial] = _Chunk(self.chunk, base, elements)
        self._come += stored(elements, (self._serial << PLACE_BITS) + base)
        self.chunk += 1
        self._want = self._missed = 0

    def wake(self) -> None:
        """Let a fetch that waits look again."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    # Leases

    @property
    def name(self) -> str:
        """How it is named when leases are renewed."""
        return f"{self.receiver}:{self.chunk}:{self._want}" if self._want else str(self.receiver)

    def note_beat(self, name: str, *, waits: bool) -> bool:
        """Note whether it waits at the server; return whether it did not though it should, for a second time."""
        if self.name == name and self._want and not waits and self._arrival is not None and not self._arrival.done():
            self._missed += 1
            if self._missed > 1:
                self.wake()
                return True
        else:
            self._missed = 0
        return False

    def resumed(self) -> None:
        """Note that it does not wait at the server any more."""
        self._want = 0

    def lose(self) -> None:
        """Note that the lease is lost; the fetch that waits says so, or else the next call."""
        if self.receiver:
            self._lost = self._lease_lost(self.receiver)
            self.wake()

    def _lease_lost(self, receiver: int) -> LeaseLost:
        if receiver == self.receiver:
            self.receiver = self._want = self._missed = 0
            self._chunks.clear()
            self._come.clear()
        return LeaseLost(f"a receiver of {self._channel.title} has lost its lease")

    def _check(self) -> None:
        self._channel.check_lost()
        error, self._lost = self._lost, None
        if error is not None:
            raise error

    # Acknowledging and giving back

    def _receipts(self) -> Iterator[Receipt]:
        """Return those of the items that are not settled."""
        return ((serial << PLACE_BITS) + place for serial, chunk in self._chunks.items() for place in chunk.open)

    def _by_chunk(self, receipts: Iterable[Receipt]) -> dict[int, list[int]]:
        """Return the places of items by chunk, in their order; those that are settled already are passed over."""
        found: dict[int, list[int]] = {}
        last, places, open_ones = 0, list[int](), set[int]()
        for receipt in receipts:
            serial, place = receipt >> PLACE_BITS, receipt & LAST_PLACE
            if serial != last:
                last, chunk = serial, self._chunks.get(serial)
                open_ones = set() if chunk is None else chunk.open
                places = found.setdefault(serial, [])
            if place in open_ones:
                places.append(place)
        return {serial: places for serial, places in found.items() if places}

    def _settled(self, by_chunk: Mapping[int, Sequence[int]]) -> None:
        for serial, places in by_chunk.items():
            chunk = self._chunks.get(serial)
            if chunk is not None:  # or else another call has settled it meanwhile
                chunk.settle(places)
                if not chunk.open:
                    del self._chunks[serial]

    async def settle(self, done: Sequence[Receipt], /) -> None:
        """As `ReceiverPort.settle`."""
        self._check()
        if self.receiver and done:
            await self._call_take(self.receiver, self.chunk, 0, 0, 0, done)

    async def give_back(self, which: Sequence[Receipt], /, *, count: bool, reason: str, delay: float | None) -> None:
        """As `ReceiverPort.give_back`."""
        self._check()
        by_chunk = self._by_chunk(which)
        if by_chunk:
            named: list[tuple[int, list[int]]] = []
            for serial, places in by_chunk.items():
                chunk = self._chunks[serial]
                chunk.whole = False
                named.append((chunk.c, places))
            r = self.receiver
            spec = _ENCODER.encode(named)
            if not await self._back(how=0, count=count, reason=reason, delay=delay or 0.0, spec=spec):
                raise self._lease_lost(r)
            self._settled(by_chunk)

    async def _back(
        self, *, how: int, count: bool = False, reason: str = "", delay: float = 0.0, spec: bytes = b""
    ) -> bool:
        link = self._channel.link
        ms = int(delay * 1000)
        (code,) = await self._channel.run(
            "back", self.receiver, link.hub, link.epoch, int(count), reason, ms, how, spec
        )
        return code == 1

    async def leave(self) -> None:
        """As `ReceiverPort.leave`."""
        if self in self._channel.receivers:
            self._channel.receivers.remove(self)
        if self.receiver:
            link = self._channel.link
            await self._channel.say("back", self.receiver, link.hub, link.epoch, 0, "", 0, 1, b"")
