"""ThreadChannel and its sides for threads, used wrongly."""

from aiochannel import BlockingReceiver, BlockingSender, Channel, ThreadChannel


async def tasks(channel: ThreadChannel[int]) -> None:
    await channel.put("one")  # E: a str put into a channel of ints
    _text: str = await channel.get()  # E: an int taken for a str
    await channel.blocking.put(1)  # E: a blocking put awaited
    await channel.get(1.0)  # E: a timeout given to the get of a task
    ThreadChannel[int](1, True)  # E: outlives_loops by position
    ThreadChannel[int](loop=None)  # E: a loop given to a channel of all loops


def threads(channel: ThreadChannel[int], tx: BlockingSender[int], rx: BlockingReceiver[int]) -> None:
    channel.blocking.put("one")  # E: a str put by a thread
    channel.blocking.get("1")  # E: a timeout that is a str
    _text: str = channel.blocking.get()  # E: an int of a thread taken for a str
    tx.get()  # E: get on a sender
    rx.put(1)  # E: put on a receiver
    rx.close()  # E: close on a receiver
    for _ in tx:  # E: iteration over a sender
        pass
    channel.blocking.on_get()  # E: a case for a thread
    Channel[int]().blocking.get()  # E: blocking calls of a plain channel
