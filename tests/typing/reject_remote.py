"""Remote channels, used wrongly."""

from aiochannel import Channel, Receiver, Sender
from aiochannel.redis import connect as connect_server
from aiochannel.remote import Hub, RemoteChannel, RemoteReceiver, RemoteSender, connect


class Animal:
    pass


class Dog(Animal):
    bark: str = "woof"


async def making(hub: Hub) -> None:
    await hub.channel("jobs")  # E: a channel without a type
    await hub.channel("jobs", int, 3)  # E: maxsize given by position
    _text: RemoteChannel[str] = await hub.channel("jobs", int)  # E: a channel of another type
    hub.channel("jobs", int)  # E: a forgotten await of Hub.channel


async def a_channel_is_no_end(jobs: RemoteChannel[int]) -> None:
    await jobs.put(1)  # E: put on a RemoteChannel
    await jobs.get()  # E: get on a RemoteChannel
    _tx: Sender[int] = jobs  # E: a RemoteChannel taken for a Sender
    _rx: Receiver[int] = jobs  # E: a RemoteChannel taken for a Receiver
    jobs.receiver(ack="never")  # E: an ack that there is not


async def wrong_items(tx: RemoteSender[int], rx: RemoteReceiver[int]) -> None:
    await tx.put("1")  # E: an item of another type put into a remote channel
    tx.put_nowait("1")  # E: an item of another type put into an outbox
    tx.submit("1")  # E: an item of another type submitted
    _text: str = await rx.get()  # E: a remote item taken for another type


async def wrong_sides(tx: RemoteSender[int], rx: RemoteReceiver[int]) -> None:
    await tx.get()  # E: get on a sending end
    await rx.put(1)  # E: put on a receiving end
    _a: Sender[int] = rx  # E: a receiving end taken for a Sender
    _b: Receiver[int] = tx  # E: a sending end taken for a Receiver
    _c: Channel[int] = tx  # E: a sending end taken for a Channel
    for _ in rx:  # E: for instead of async for over a receiving end
        pass


def wrong_variance(dogs: RemoteSender[Dog], animals: RemoteReceiver[Animal]) -> None:
    _a: Sender[Animal] = dogs  # E: a sender of dogs taken for one of animals
    _b: Receiver[Dog] = animals  # E: a receiver of animals taken for one of dogs


async def forgotten_awaits(tx: RemoteSender[int], rx: RemoteReceiver[int]) -> None:
    tx.put(1)  # E: a forgotten await of a remote put
    rx.get()  # E !zuban: a forgotten await of a remote get
    tx.flush()  # E: a forgotten await of flush


async def connecting() -> None:
    connect("memory:", 3)  # E: patience given by position
    with connect("memory:"):  # E: with instead of async with
        pass
    connect_server("redis://localhost", credentials=("user", "password"))  # E: credentials that are no function
    connect_server("rediss://localhost", ssl=True)  # E: ssl that is no context
