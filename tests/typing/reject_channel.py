"""What a channel does not have, and what it does not take."""

import aiochannel
from aiochannel import Channel, ChannelClosed, ChannelStatistics, Overflow, PriorityChannel


async def batches(channel: Channel[int]) -> None:
    await channel.put_many(3)  # E: one item given to put_many of a channel
    await channel.put_many(["3"])  # E: items of the wrong type given to put_many
    await channel.get_many()  # E: get_many without a limit
    await channel.get_many(None)  # E: get_many with None
    channel.get_many_nowait("3")  # E: get_many_nowait with a str
    _texts: list[str] = channel.abort()  # E: what abort returns taken for another type
    _number: int = channel.get_many_nowait(1)  # E: what get_many_nowait returns taken for one item


def no_such_thing(channel: Channel[int]) -> None:
    channel.send(1)  # E: a method that a channel does not have
    channel.maxsize()  # E: a property that is called
    _snapshot: list[str] = channel.snapshot()  # E: what a snapshot has taken for another type
    channel.qsize() + "1"  # E: qsize taken for a str
    channel.closed() + "1"  # E: closed taken for a str
    channel.closed = True  # E: a method of a channel assigned
    channel.extra = 1  # E: an attribute that a channel does not have assigned


def wrong_name() -> None:
    Channel[int](name=3)  # E: a name that is no str
    Channel[int](3, None, "jobs")  # E: the name of a channel given by position


def frozen(seen: ChannelStatistics) -> None:
    seen.qsize = 3  # E: a field of the statistics assigned
    seen.size  # E: a field that the statistics do not have
    _text: str = seen.closed  # E: a field of the statistics taken for another type


def heard(item: int) -> str:
    return str(item)


def overflow() -> None:
    Channel[int](1, overflow="drop oldest")  # E: a str given as an overflow policy
    Channel[int](1, None, Overflow.DROP_OLDEST)  # E: an overflow policy given by position
    Channel[int](1, overflow=Overflow.DROP_NEWEST)  # E: a policy that there is not
    Channel[str](1, overflow=Overflow.DROP_OLDEST, on_drop=heard)  # E: on_drop for items of another type
    Channel[int](1, overflow=Overflow.DROP_OLDEST, on_drop=heard(1))  # E: the result of on_drop given in its place


def priorities(channel: PriorityChannel[str]) -> None:
    PriorityChannel[str]()  # E: a priority channel without a key
    PriorityChannel[str](1, None, len)  # E: a key given by position
    PriorityChannel[str](key=heard)  # E: a key of items of another type
    PriorityChannel[str](key=str.upper)  # E: a key that is no number
    channel.put_nowait(1)  # E: an item of another type put into a priority channel
    channel.rendezvous()  # E: a rendezvous with priorities
    PriorityChannel[str](1, key=len, overflow=Overflow.DROP_OLDEST)  # E: a priority channel with an overflow policy


class MyStatistics(ChannelStatistics):  # E: a subclass of ChannelStatistics, which is final
    pass


def no_such_name() -> None:
    aiochannel.Chan[int]()  # E: a name that the package does not have
    aiochannel.channel.T = int  # E: a type variable of the package assigned


def not_an_exception(closed: ChannelClosed) -> None:
    closed.channel  # E: an attribute that ChannelClosed does not have
    raise Channel[int]()  # E: a channel raised
