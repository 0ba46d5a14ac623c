"""Channels between processes and machines: the part that knows no server.

Reading order: errors, broker (what a server must do), memory (what one does, as lists and ifs), memory_broker and
memory_ports (the same behind the broker's interface), formats, holding (when an item is received), connection and links
(what ends share), flights and sending, deliveries, intake and receiving, channel, hub.

`connect("memory:")` runs a server within the process: for tests. `aiochannel.redis` connects to a Redis or Valkey
server.
"""

from contextlib import AbstractAsyncContextManager

from aiochannel.remote.channel import DeadLetter, RemoteChannel
from aiochannel.remote.deliveries import Delivery
from aiochannel.remote.errors import (
    BadItem,
    ChannelLost,
    ChannelMismatch,
    ChannelMissing,
    ChannelUnavailable,
    LeaseLost,
    RemoteCause,
    Undelivered,
)
from aiochannel.remote.formats import JSON, MSGPACK, PYDANTIC, Codec, Format
from aiochannel.remote.hub import Hub, patience_of
from aiochannel.remote.memory_broker import MemoryBroker
from aiochannel.remote.receiving import RemoteReceiver
from aiochannel.remote.sending import RemoteSender, Submission
from aiochannel.remote.statistics import HubStatistics, ReceiverStatistics, RemoteStatistics, SenderStatistics

__all__ = [
    "JSON",
    "MSGPACK",
    "PYDANTIC",
    "BadItem",
    "ChannelLost",
    "ChannelMismatch",
    "ChannelMissing",
    "ChannelUnavailable",
    "Codec",
    "DeadLetter",
    "Delivery",
    "Format",
    "Hub",
    "HubStatistics",
    "LeaseLost",
    "ReceiverStatistics",
    "RemoteCause",
    "RemoteChannel",
    "RemoteReceiver",
    "RemoteSender",
    "RemoteStatistics",
    "SenderStatistics",
    "Submission",
    "Undelivered",
    "connect",
]


def connect(url: str, /, *, patience: float = 30.0) -> AbstractAsyncContextManager[Hub]:
    """Return a hub of a server within this process, to be entered with `async with`.

    The url is "memory:" or "memory:NAME". In one event loop the same url is the same server, with all that it stores.
    While the server is out of reach, calls wait for `patience` seconds, and then raise ChannelUnavailable.

    Raises:
        TypeError: `patience` is not a number.
        ValueError: it is negative or nan, or the url has another scheme. For redis, rediss, valkey, valkeys and unix
            use `aiochannel.redis.connect`.
    """
    if not url.startswith("memory:"):
        raise ValueError(f"the url must begin with memory:, not {url!r}; aiochannel.redis connects to other servers")
    return Hub(MemoryBroker(url), patience_of(patience))
