"""Items as they travel: several in one chunk, which the scripts split and the ends read; see `scripts`."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.msgpack import Decoder, Encoder

from aiochannel.remote.broker import Receipt, Stored

HEAD: Final = 21
"""An item has so many bytes before its payload: attempt, sender, number."""
SENDER: Final = 14
HUB: Final = 10
NUMBER: Final = 1 + SENDER
"""Where an item has its number, behind its sender."""

_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(list[bytes])


class Chunk(NamedTuple):
    """A chunk as it was read."""

    base: int
    """The place of the first element among those that the chunk had when it was delivered."""
    elements: list[bytes]
    """Items; an empty one has left."""


def pack(sender: bytes, first: int, payloads: Sequence[bytes]) -> bytes:
    """Return a chunk of new items, which are numbered from `first`."""
    head = b"\1" + sender
    items = [head + number.to_bytes(6, "big") + payload for number, payload in enumerate(payloads, first)]
    return b"1%d 0 %b" % (len(items), _ENCODER.encode(items)[1 if len(items) < 16 else 3 :])


def unpack(chunk: bytes) -> Chunk:
    """Read a chunk."""
    count, base, elements = chunk.split(b" ", 2)
    return Chunk(int(base), _DECODER.decode(b"\xdd" + int(count[1:]).to_bytes(4, "big") + elements))


def stored(elements: Sequence[bytes], receipt: Receipt) -> list[Stored]:
    """Return the items of a chunk that have not left; that of the first element has this receipt."""
    items: list[Stored] = []
    key, sender = b"", ""
    for each, item in enumerate(elements, receipt):
        if item:
            if item[1:NUMBER] != key:  # the items of a chunk are nearly always of one sender
                key, sender = item[1:NUMBER], sender_of(item)
            # attempt_of and number_of stand here in full: this is done for each item.
            number = int.from_bytes(item[NUMBER:HEAD], "big")
            items.append(Stored(item[HEAD:], sender, number, item[0], each))
    return items


def attempt_of(item: bytes) -> int:
    """Return how often the item has been delivered, this time included."""
    return item[0]


def sender_of(item: bytes) -> str:
    """Return the sender as it is in names of items."""
    return f"{item[1:11].decode('ascii')}-{item[11:15].decode('ascii')}"


def number_of(item: bytes) -> int:
    """Return the item's number among those of its sender."""
    return int.from_bytes(item[NUMBER:HEAD], "big")


def key_of(name: str) -> bytes:
    """Return what an item of this name has between attempt and payload; empty for what is no item's name."""
    sender, _, number = name.rpartition("-")
    hub, _, end = sender.partition("-")
    if (len(hub), len(end)) == (HUB, SENDER - HUB) and name.isascii() and number.isdigit() and int(number) < 2**48:
        return f"{hub}{end}".encode() + int(number).to_bytes(6, "big")
    return b""
