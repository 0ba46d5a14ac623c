"""Channels between processes and machines, on a Redis or Valkey server.

    from aiochannel.redis import connect        # needs the extra: pip install aiochannel[redis]

    async with connect("redis://localhost:6379") as hub:
        jobs = await hub.channel("jobs", Job, maxsize=100)
        async with jobs.sender() as tx, jobs.receiver() as rx: ...

What a hub, a channel and its ends do is in `aiochannel.remote`. Reading order: scripts and `lua/` (what happens on the
server), chunks (items as they travel), wire (redis-py), line and link (the connections), replies, channel, sending and
receiving (the ends), broker, connecting.
"""

from aiochannel.redis.connecting import connect
from aiochannel.remote import (
    JSON,
    MSGPACK,
    PYDANTIC,
    BadItem,
    ChannelLost,
    ChannelMismatch,
    ChannelMissing,
    ChannelUnavailable,
    Codec,
    DeadLetter,
    Delivery,
    Format,
    Hub,
    HubStatistics,
    LeaseLost,
    ReceiverStatistics,
    RemoteCause,
    RemoteChannel,
    RemoteReceiver,
    RemoteSender,
    RemoteStatistics,
    SenderStatistics,
    Submission,
    Undelivered,
)

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
