"""The scripts of one channel, called as the methods of the model are; what the keys hold, in the words of the model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.msgpack import Decoder, encode

from aiochannel.redis.chunks import attempt_of, key_of, number_of, pack, sender_of, unpack
from aiochannel.redis.scripts import SCRIPTS, Script, keys
from aiochannel.redis.wire import Reply
from aiochannel.remote.broker import Receipt, Settings
from aiochannel.remote.memory import Item
from tests.redis.client import Argument, Client, array, mapping, text, texts, whole

FAR = 1000
"""Seconds: no test takes so long."""


class Delivered(NamedTuple):
    """A push or a reply with items: whose, from which receipt on."""

    receiver: int
    first: Receipt
    items: list[Item]


class Snapshot(NamedTuple):
    """All that a channel is."""

    queue: list[Item]
    puts: list[list[Item]]
    held: dict[tuple[int, Receipt], Item]
    line: list[tuple[int, int]]
    delayed: list[Item]
    dead: list[tuple[Item, str]]
    senders: dict[str, tuple[int, int]]
    leases: dict[int, int]
    stored: int
    counts: tuple[int, int, int]
    closed: bool
    cause: str | None
    drained: bool


@dataclass
class Receiver:
    """What a receiver knows: which chunk, and which receipt, is the next; where each chunk began."""

    hub: str
    chunk: int = 0
    receipt: Receipt = 1
    chunks: dict[int, tuple[Receipt, int]] = field(default_factory=dict)

    def place(self, receipt: Receipt) -> tuple[int, int]:
        """Return the chunk, and the place in it, of an item."""
        for c, (first, count) in self.chunks.items():
            if first <= receipt < first + count:
                return c, receipt - first
        raise KeyError(receipt)


def items_in(elements: Iterable[bytes]) -> list[Item]:
    return [Item(sender_of(one), number_of(one), one[21:], attempt_of(one)) for one in elements if one]


def raw(sender: str) -> str:
    """Return a sender as the keys have it."""
    return sender.replace("-", "", 1)


class Subject:
    """A channel on a server."""

    def __init__(self, client: Client, ears: Client, name: str, scripts: dict[str, Script] = SCRIPTS) -> None:
        self.client = client
        self.ears = ears
        self.keys = keys("test", name)
        self.scripts = scripts
        self.receivers: dict[int, Receiver] = {}
        self.made = 0

    def run(self, script: str, *arguments: Argument) -> list[Reply]:
        return array(self.client("EVALSHA", self.scripts[script].digest, 9, *self.keys, *arguments))

    def load(self) -> None:
        for script in self.scripts.values():
            self.client("SCRIPT", "LOAD", script.text)

    # What the model does too

    def open(self, settings: Settings) -> list[Reply]:
        lease = int(settings.lease * 1000)
        return self.run("open", settings.maxsize, settings.tries, lease, settings.format, 1)

    def put(self, sender: str, first: int, payloads: Sequence[bytes], epoch: int) -> list[int]:
        chunk = pack(raw(sender).encode(), first, payloads)
        reply = self.run("put", raw(sender), first, len(payloads), chunk, epoch, 10**6)
        return [part for part in reply if isinstance(part, int)]

    def withdraw(self, sender: str, number: int, epoch: int) -> bool:
        return self.run("withdraw", raw(sender), number, epoch) == [1]

    def bye(self, sender: str, epoch: int, *, forget: bool) -> list[Reply]:
        return self.run("bye", raw(sender), epoch, int(forget))

    def register(self, hub: str, epoch: int) -> int:
        _, receiver = self.run("renew", f"{hub}:{epoch}", 0)
        self.receivers[whole(receiver)] = Receiver(hub)
        return whole(receiver)

    def take(
        self, r: int, first: Receipt, want: int, done: Sequence[Receipt], epoch: int, *, again: bool, whole_chunks: bool
    ) -> tuple[int, list[Item]]:
        own = self.receivers[r]
        c = next((c for c, (begin, _) in own.chunks.items() if begin == first), own.chunk)
        acks = encode(self.acks(own, done, whole_chunks=whole_chunks)) if done else b""
        reply = self.run("take", r, own.hub, c, want, 2**20, int(again), acks, epoch)
        chunks = [text(chunk) for chunk in reply[2:]] if reply[0] == 1 else []
        items: list[Item] = []
        for c_new, chunk in enumerate(chunks, c):
            items += self.accept(r, c_new, chunk)
        return whole(reply[0]), items

    def acks(self, own: Receiver, done: Sequence[Receipt], *, whole_chunks: bool) -> list[list[int | list[int]]]:
        """Name items by chunk: a whole one by its count, else a prefix and what is scattered."""
        places: dict[int, set[int]] = {}
        for receipt in done:
            c, place = own.place(receipt)
            places.setdefault(c, set()).add(place)
        result: list[list[int | list[int]]] = []
        for c, chosen in places.items():
            count = own.chunks[c][1]
            upto = next(place for place in range(count + 1) if place not in chosen)
            if whole_chunks and upto == count:
                result.append([c, count])
            else:
                result.append([c, upto, sorted(place for place in chosen if place > upto)])
        return result

    def accept(self, r: int, c: int, chunk: bytes) -> list[Item]:
        """Note a chunk that has come."""
        own = self.receivers[r]
        base, elements = unpack(chunk)
        if c not in own.chunks:
            own.chunks[c] = own.receipt, len(elements)
        own.chunk, own.receipt = c + 1, own.chunks[c][0] + own.chunks[c][1]
        assert base + len(elements) <= own.chunks[c][1]
        return items_in(elements)

    def back(self, r: int, which: Sequence[Receipt], epoch: int, *, count: bool, delay: float | None) -> int:
        own = self.receivers[r]
        spec: list[tuple[int, list[int]]] = []
        for receipt in which:
            c, place = own.place(receipt)
            if spec and spec[-1][0] == c and spec[-1][1][-1] < place:
                spec[-1][1].append(place)
            else:
                spec.append((c, [place]))
        ms = int(1000 * (delay or 0))
        return whole(self.run("back", r, own.hub, epoch, int(count), "why", ms, 0, encode(spec))[0])

    def leave(self, r: int, epoch: int) -> int:
        return whole(self.run("back", r, self.receivers[r].hub, epoch, 0, "", 0, 1, "")[0])

    def leave_line(self, r: int, want: int, epoch: int) -> int:
        own = self.receivers[r]
        return whole(self.run("back", r, own.hub, epoch, 0, "", 0, 2, f"{own.chunk}:{want}")[0])

    def renew(self, hub: str, epoch: int, receivers: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
        """Renew the leases of receivers, each with the number of items that it waits for, or 0."""
        named = [f"{r}:{self.receivers[r].chunk}:{want}" if want else str(r) for r, want in receivers]
        _, _, lost, waits = self.run("renew", f"{hub}:{epoch}", *named)
        return [whole(r) for r in array(lost)], [whole(r) for r in array(waits)]

    def resume(
        self, hub: str, epoch: int, since: int, receivers: Sequence[tuple[int, Receipt]], senders: Sequence[str]
    ) -> tuple[list[list[Item] | None], list[tuple[int, int]]]:
        pairs: list[int] = []
        for r, first in receivers:
            own = self.receivers[r]
            pairs += [r, next((c for c, (begin, _) in own.chunks.items() if begin == first), own.chunk)]
        reply = self.run("resume", hub, epoch, since, len(receivers), *pairs, *map(raw, senders))
        held: list[list[Item] | None] = []
        for (r, _), c, answer in zip(receivers, pairs[1::2], array(reply[4]), strict=True):
            code, *chunks = array(answer)
            found = [item for at, one in enumerate(chunks, c) for item in self.accept(r, at, text(one))]
            held.append(found if code == 1 else None)
        known = [(whole(array(one)[0]), whole(array(one)[1])) for one in array(reply[5])]
        return held, known

    def close(self, cause: str | None) -> bool:
        return self.run("close", cause or "") == [1]

    def abort(self, cause: str | None) -> int:
        return whole(self.run("abort", cause or "")[1])

    def revive(self, ids: Sequence[str]) -> int:
        return whole(self.run("revive", *map(key_of, ids))[1])

    def drop_dead(self, ids: Sequence[str]) -> int:
        return whole(self.run("drop", *map(key_of, ids))[1])

    # What only a test does

    def end_lease(self, r: int) -> None:
        """Let a lease have ended."""
        for entry in texts(self.client("ZRANGE", self.keys[5], 0, -1)):
            if entry.startswith(b"%d:" % r):
                self.client("ZADD", self.keys[5], "XX", r, entry)

    def long_ago(self) -> None:
        """Let nobody have renewed for a long time."""
        self.client("HSET", self.keys[0], "t", 0)

    def all_due(self) -> None:
        """Let the delays be over."""
        for place, element in enumerate(texts(self.client("ZRANGE", self.keys[7], 0, -1))):
            self.client("ZADD", self.keys[7], "XX", place, element)

    def pushes(self) -> list[tuple[str, object]]:
        """Return the pushes that have come since the last call, with the hub that they are for."""
        found: list[tuple[str, object]] = []
        for message in self.heard():
            kind, channel, body = (text(part) for part in message)
            assert kind == b"smessage"
            hub = channel.removeprefix(self.keys[0]).removeprefix(b":n:").decode()
            found.append(("", body.decode()) if hub == ":e" else (hub, self.read_push(body)))
        return found

    def heard(self) -> list[list[Reply]]:
        self.ears.socket.sendall(b"*1\r\n$4\r\nPING\r\n")
        messages: list[list[Reply]] = []
        while array(message := self.ears.read())[0] != b"pong":
            messages.append(array(message))
        return messages

    def read_push(self, body: bytes) -> object:
        if body.startswith(b"a "):
            _, sender, number = body.decode().split(" ")
            return f"{sender[:10]}-{sender[10:]}", int(number)
        _, r, c, _, chunk = body.split(b" ", 4)
        items = self.accept(int(r), int(c), chunk)  # a reply may have said it, too
        return Delivered(int(r), self.receivers[int(r)].chunks[int(c)][0], items)

    def snapshot(self) -> Snapshot:
        m, q, p, h, w, lease, s, z, d = self.client.all(
            ("HGETALL", self.keys[0]),
            ("LRANGE", self.keys[1], 0, -1),
            ("LRANGE", self.keys[2], 0, -1),
            ("ZRANGE", self.keys[3], 0, -1, "WITHSCORES"),
            ("ZRANGE", self.keys[4], 0, -1),
            ("ZRANGE", self.keys[5], 0, -1),
            ("HGETALL", self.keys[6]),
            ("ZRANGE", self.keys[7], 0, -1),
            ("LRANGE", self.keys[8], 0, -1),
        )
        fields = mapping(m)
        accepted, left, redelivered = (int(fields[name]) for name in (b"in", b"out", b"redelivered"))
        return Snapshot(
            [item for chunk in texts(q) for item in items_in(unpack(chunk).elements)],
            [items_in(unpack(put[20:]).elements) for put in texts(p)],
            self._held(mapping(h)),
            [self._waiting(entry) for entry in texts(w)],
            [item for one in texts(z) for item in items_in(elements(one))],
            [dead_letter(one) for one in texts(d)],
            {self._sender(key): self._numbers(value) for key, value in mapping(s).items()},
            {int(entry.split(b":")[0]): int(entry.split(b":")[2]) for entry in texts(lease)},
            accepted - left,
            (accepted, left, redelivered),
            b"closed" in fields,
            fields.get(b"cause", b"").decode() or None,
            b"drained" in fields,
        )

    def _held(self, chunks: dict[bytes, bytes]) -> dict[tuple[int, Receipt], Item]:
        held: dict[tuple[int, Receipt], Item] = {}
        for chunk, score in chunks.items():
            r, c = divmod(int(score), 2**28)
            base, found = unpack(chunk)
            for place, element in enumerate(found, base):
                for item in items_in([element]):
                    held[r, self.receivers[r].chunks[c][0] + place] = item
        return held

    @staticmethod
    def _waiting(entry: bytes) -> tuple[int, int]:
        r, _, want, _ = entry.split(b":")
        return int(r), int(want)

    @staticmethod
    def _sender(key: bytes) -> str:
        return f"{key[:10].decode()}-{key[10:].decode()}"

    @staticmethod
    def _numbers(value: bytes) -> tuple[int, int]:
        stored, known, *_ = value.split(b" ")
        return int(stored), int(known)


def elements(packed: bytes) -> list[bytes]:
    """Read one element."""
    return unpack(b"11 0 " + packed).elements


def dead_letter(packed: bytes) -> tuple[Item, str]:
    item, reason, _ = Decoder(tuple[bytes, str, int]).decode(packed)
    (one,) = items_in([item])
    return one, reason
