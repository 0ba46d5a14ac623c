from asyncio import Queue

from ._channel import Channel

def create_channel(buffer: int | Queue[object] = 1) -> Channel: ...
