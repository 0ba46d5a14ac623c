"""The scripts that a server runs, one file of `lua/` each: everything that a channel does there is one of them.

A script is one step: nobody sees a channel between two of its lines, and it is safe to run again. What the keys hold is
said here, once:

    KEYS   name  type  holds
    1      P     hash  the settings (max, tries, lease in ms, format; v: the version of this), closed, cause, drained,
                       how many items were stored and have left (in, out), receivers (rc), places in the line (wt),
                       when a lease was renewed (t), redelivered, how far senders were looked through (swept)
    2      P:q   list  chunks that wait, the next one first
    3      P:p   list  puts that wait for room: sender (14), number of its last item (6), chunk
    4      P:h   zset  held chunks; the score is the receiver's number times 2**28 plus the number of its chunk
    5      P:w   zset  receivers that wait, "r:c:want:hub": the next chunk is number c, at most so many items; by place
    6      P:l   zset  leases "r:hub:epoch", by their end: ms of the server's clock, as every time here
    7      P:s   hash  sender: "stored known epoch day", then the numbers that were withdrawn of its last put
    8      P:z   zset  delayed elements, by when they are due
    9      P:d   list  dead letters: msgpack of an element, a reason and the time

where P is `prefix:{name}`: the braces put all of a channel into one slot of a cluster. An item is attempt (1), sender
(14), number (6, big-endian), payload. An element is an item as a msgpack bin. A chunk is "kind n base elements": kind 1
has new items, r one that was tried before, and x, only in P:h, has holes: empty elements where an item has left, while
base counts those that have left from its front. Of new items, a chunk has up to 256 or 64 KiB.

A hub's connections have an epoch, counted from 1. `resume` moves the hub's senders and leases to the epoch of a new
connection; from then on whatever bytes of an older one arrive late is refused, since the client may have decided
otherwise about it. That is why a number can be used again for an item that had not arrived.

The pushes: P:n:<hub> says "i r c puts-wait chunk" (receiver r now holds chunk c) or "a sender number" (stored up to
there); P:e says "closed cause", "drained cause" or "deleted ". They are sent by the script that makes them true.

A reply begins with a code: 1 done; 0 not, or waits; -1 closed; -2 drained; -3 no such channel; -4 numbers are missing:
the server has forgotten items; -5 no lease; -6 from an older connection.
"""

import re
from hashlib import sha1
from importlib.resources import files
from typing import Final, NamedTuple

VERSION: Final = 1
"""Of the layout. A channel of a greater one is left alone."""
PRELUDE: Final = "--#prelude\n"
FUNCTION: Final = re.compile("^local function ([a-z_]+)", re.MULTILINE)
KINDS: Final = ("", ":q", ":p", ":h", ":w", ":l", ":s", ":z", ":d")
NAMES: Final = (
    "open",
    "put",
    "take",
    "back",
    "renew",
    "resume",
    "close",
    "withdraw",
    "bye",
    "stat",
    "size",
    "peek",
    "dead",
    "revive",
    "drop",
    "abort",
    "delete",
)


class Script(NamedTuple):
    """A script, and what a server that has it calls it."""

    text: bytes
    digest: bytes


def load(prelude: str, body: str) -> Script:
    """Return the script of a file of `lua/`, with what it uses of the prelude: the server makes each function anew."""
    kept: list[str] = []
    if PRELUDE in body:
        used = body
        for block in reversed(prelude.strip().split("\n\n")):  # what is used stands before its use
            function = FUNCTION.search(block)
            if function is None or re.search(rf"\b{function[1]}\b", used):
                kept.insert(0, f"{block}\n")
                used += block
    text = body.replace(PRELUDE, "".join(kept)).encode()
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


def read(name: str) -> str:
    """Return the text of a file of `lua/`."""
    return files("aiochannel.redis").joinpath("lua", f"{name}.lua").read_text("ascii")


SCRIPTS: Final = {name: load(read("prelude"), read(name)) for name in NAMES}


def keys(prefix: str, name: str) -> tuple[bytes, ...]:
    """Return the keys of a channel, which each call of a script declares, in this order."""
    return tuple(f"{prefix}:{{{name}}}{kind}".encode() for kind in KINDS)
