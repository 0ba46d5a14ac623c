"""Typed, closable channels for asyncio.

Reading order: errors, protocols (the two sides), channel, `_core` (how a channel works), overflow, cases and selection
(waiting for one of several), handles (one-sided views and counted ends), tasks (ends that leave with a task), timers,
futures, merging, priority, watch (a value that changes), calls (a request and its reply), broadcast with feeds,
delivery and hub (every subscription gets every item), threads. By itself, and not imported here: `aiochannel.remote`,
channels between processes, and `aiochannel.redis`.
"""

from aiochannel.broadcast import Broadcast, BroadcastStatistics
from aiochannel.calls import Call, call
from aiochannel.cases import Case, otherwise
from aiochannel.channel import Channel, ChannelStatistics
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, ChannelLagged, NoReply
from aiochannel.feeds import Lag, Subscription
from aiochannel.futures import on_done
from aiochannel.handles import End
from aiochannel.merging import merge
from aiochannel.overflow import Overflow
from aiochannel.priority import PriorityChannel
from aiochannel.protocols import Receiver, Sender
from aiochannel.selection import select, select_any
from aiochannel.tasks import TaskGroup, origins
from aiochannel.threads import Blocking, BlockingReceiver, BlockingSender, ThreadChannel
from aiochannel.timers import after, tick
from aiochannel.watch import Watch, WatchStatistics

__version__ = "2.0.0.dev0"

__all__ = [
    "Blocking",
    "BlockingReceiver",
    "BlockingSender",
    "Broadcast",
    "BroadcastStatistics",
    "Call",
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
    "NoReply",
    "Overflow",
    "PriorityChannel",
    "Receiver",
    "Sender",
    "Subscription",
    "TaskGroup",
    "ThreadChannel",
    "Watch",
    "WatchStatistics",
    "__version__",
    "after",
    "call",
    "merge",
    "on_done",
    "origins",
    "otherwise",
    "select",
    "select_any",
    "tick",
]
