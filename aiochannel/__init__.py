"""Typed, closable channels for asyncio.

Reading order: errors, protocols (the two sides), channel, `_core` (how a channel works), overflow, cases and selection
(waiting for one of several), handles (one-sided views and counted ends), tasks (ends that leave with a task), timers,
futures, merging, priority, watch (a value that changes), calls (a request and its reply), broadcast with feeds,
delivery and hub (every subscription gets every item), threads. By itself, and not imported here: `aiochannel.remote`,
channels between processes, and `aiochannel.redis`.
"""

from typing import TYPE_CHECKING

from aiochannel.cases import Case, otherwise
from aiochannel.channel import Channel, ChannelStatistics
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, ChannelLagged, NoReply
from aiochannel.handles import End
from aiochannel.overflow import Overflow
from aiochannel.protocols import Receiver, Sender

if TYPE_CHECKING:
    from aiochannel.broadcast import Broadcast, BroadcastStatistics
    from aiochannel.calls import Call, call
    from aiochannel.feeds import Lag, Subscription
    from aiochannel.futures import on_done
    from aiochannel.merging import merge
    from aiochannel.priority import PriorityChannel
    from aiochannel.selection import select, select_any
    from aiochannel.tasks import TaskGroup, origins
    from aiochannel.threads import Blocking, BlockingReceiver, BlockingSender, ThreadChannel
    from aiochannel.timers import after, tick
    from aiochannel.watch import Watch, WatchStatistics
else:
    # Each is imported when it is asked for first: most programs use few of them.
    _LATER = {
        "broadcast": ("Broadcast", "BroadcastStatistics"),
        "calls": ("Call", "call"),
        "feeds": ("Lag", "Subscription"),
        "futures": ("on_done",),
        "merging": ("merge",),
        "priority": ("PriorityChannel",),
        "selection": ("select", "select_any"),
        "tasks": ("TaskGroup", "origins"),
        "threads": ("Blocking", "BlockingReceiver", "BlockingSender", "ThreadChannel"),
        "timers": ("after", "tick"),
        "watch": ("Watch", "WatchStatistics"),
    }
    _MODULES = {name: module for module, names in _LATER.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Not import_module, which would have to be imported.
        module = __import__(f"{__name__}.{_MODULES[name]}", fromlist=[name])
        found = globals()[name] = getattr(module, name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


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
