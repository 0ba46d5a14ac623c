"""Typed, closable channels for asyncio.

Reading order: errors, protocols (the two sides), channel, `_core` (how a channel works), cases and selection (waiting
for one of several), handles (one-sided views and counted ends), tasks (ends that leave with a task), timers, merging,
broadcast with hub and feeds (every subscription gets every item).
"""

from aiochannel.broadcast import Broadcast, BroadcastStatistics
from aiochannel.cases import Case, otherwise
from aiochannel.channel import Channel, ChannelStatistics
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, ChannelLagged
from aiochannel.feeds import Lag, Subscription
from aiochannel.handles import End
from aiochannel.merging import merge
from aiochannel.protocols import Receiver, Sender
from aiochannel.selection import select, select_any
from aiochannel.tasks import TaskGroup, origins
from aiochannel.timers import after, tick

__version__ = "2.0.0.dev0"

__all__ = [
    "Broadcast",
    "BroadcastStatistics",
    "Case",
    "Channel",
    "ChannelClosed",
    "ChannelEmpty",
    "ChannelError",
    "ChannelFull",
    "ChannelLagged",
    "ChannelStatistics",
    "End",
    "Lag",
    "Receiver",
    "Sender",
    "Subscription",
    "TaskGroup",
    "__version__",
    "after",
    "merge",
    "origins",
    "otherwise",
    "select",
    "select_any",
    "tick",
]
