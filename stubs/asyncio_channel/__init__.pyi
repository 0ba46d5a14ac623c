# What is used of asyncio-channel, whose annotations do not count for type checkers: it has no py.typed.

from ._create_channel import create_channel as create_channel
