"""Typed, closable channels for asyncio.

Reading order: errors, lines (who waits), selection (a case, and waiting for one of several), protocols (the two sides),
handles (one-sided views and counted ends), channel (the machine), timers, merging.
"""

from aiochannel.channel import Channel, ChannelStatistics
from aiochannel.errors import ChannelClosed, ChannelEmpty, ChannelError, ChannelFull
from aiochannel.merging import merge
from aiochannel.protocols import Receiver, Sender
from aiochannel.selection import Case, otherwise, select, select_any
from aiochannel.timers import after, tick

__version__ = "2.0.0.dev0"

__all__ = [
    "Case",
    "Channel",
    "ChannelClosed",
    "ChannelEmpty",
    "ChannelError",
    "ChannelFull",
    "ChannelStatistics",
    "Receiver",
    "Sender",
    "__version__",
    "after",
    "merge",
    "otherwise",
    "select",
    "select_any",
    "tick",
]
