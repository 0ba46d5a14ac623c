"""What a side must not do, and what must not be put."""

from collections.abc import AsyncIterator

from aiochannel import Channel, Receiver, Sender


class Job:
    pass


class Report:
    pass


def wants_sender(_tx: Sender[Job]) -> None: ...
def wants_receiver(_rx: Receiver[Job]) -> None: ...
def wants_channel(_channel: Channel[Job]) -> None: ...


async def receiver_must_not(rx: Receiver[Job], job: Job) -> None:
    await rx.put(job)  # E: put on a receiver
    rx.put_nowait(job)  # E: put_nowait on a receiver
    await rx.put_many([job])  # E: put_many on a receiver
    rx.on_put(job)  # E: on_put on a receiver
    rx.full()  # E: full on a receiver
    rx.close()  # E: close on a receiver
    await rx.wait_closed()  # E: wait_closed on a receiver
    wants_sender(rx)  # E: a receiver passed as a sender
    wants_channel(rx)  # E: a receiver passed as a channel


async def sender_must_not(tx: Sender[Job]) -> None:
    await tx.get()  # E: get on a sender
    tx.get_nowait()  # E: get_nowait on a sender
    await tx.get_many(2)  # E: get_many on a sender
    tx.on_get()  # E: on_get on a sender
    tx.empty()  # E: empty on a sender
    await anext(tx)  # E: anext of a sender
    aiter(tx)  # E: aiter of a sender
    a: AsyncIterator[Job] = tx  # E: a sender taken for an async iterator
    async for _ in tx:  # E: iteration over a sender
        pass
    _ = a
    wants_receiver(tx)  # E: a sender passed as a receiver
    wants_channel(tx)  # E: a sender passed as a channel


async def handle_has_one_side(jobs: Channel[Job], job: Job) -> None:
    await jobs.receiver.put(job)  # E: put on the receiver of a channel
    jobs.receiver.close()  # E: close on the receiver of a channel
    await jobs.sender.get()  # E: get on the sender of a channel
    async for _ in jobs.sender:  # E: iteration over the sender of a channel
        pass
    tx, rx = jobs.split()
    rx.close()  # E: close on the receiver from split()
    tx.get_nowait()  # E: get_nowait on the sender from split()
    swapped: tuple[Receiver[Job], Sender[Job]] = jobs.split()  # E: the two sides of split() swapped
    _ = swapped


def no_way_back(jobs: Channel[Job]) -> None:
    jobs.sender.receiver  # E: from a sender to the receiver of its channel
    jobs.receiver.sender  # E: from a receiver to the sender of its channel
    jobs.sender.split()  # E: split() of a sender
    jobs.receiver.statistics()  # E: statistics() of a receiver
    jobs.receiver.abort()  # E: abort() of a receiver
    wants_channel(jobs.sender)  # E: the sender of a channel passed as the channel
    wants_channel(jobs.receiver)  # E: the receiver of a channel passed as the channel


async def wrong_item(jobs: Channel[Job], tx: Sender[Job], report: Report) -> None:
    await jobs.put(report)  # E: an item of the wrong type in put of a channel
    jobs.put_nowait(report)  # E: an item of the wrong type in put_nowait of a channel
    await jobs.put_many([report])  # E: items of the wrong type in put_many of a channel
    jobs.on_put(report)  # E: an item of the wrong type in on_put of a channel
    await tx.put(report)  # E: an item of the wrong type in put of a sender
    tx.put_nowait(report)  # E: an item of the wrong type in put_nowait of a sender
    await tx.put_many([report])  # E: items of the wrong type in put_many of a sender
    tx.on_put(report)  # E: an item of the wrong type in on_put of a sender
    await tx.put(None)  # E: None put where items are not optional
    await tx.put(Job)  # E: a class put instead of its object
    await tx.put([Job()])  # E: a list put instead of an item
    await tx.put_many(Job())  # E: one item given to put_many


async def wrong_result(jobs: Channel[Job], rx: Receiver[Job]) -> None:
    a: Report = await jobs.get()  # E: the result of get taken for another type
    b: Report = await rx.get()  # E: the result of a receiver's get taken for another type
    c: Report = rx.get_nowait()  # E: the result of get_nowait taken for another type
    d: list[Report] = list(await rx.get_many(3))  # E: the result of get_many taken for another type
    e: list[Report] = [job async for job in rx]  # E: the items of an iteration taken for another type
    h: Report = await anext(rx)  # E: the next item taken for another type
    i: AsyncIterator[Report] = rx  # E: a receiver taken for an async iterator of another type
    j: Report = await anext(jobs)  # E: the next item of a channel taken for another type
    f: Job = await rx.get_many(1)  # E: the result of get_many taken for one item
    g: list[Job] = await rx.get_many(1)  # E: the sequence of a receiver's get_many taken for a list
    _ = a, b, c, d, e, f, g, h, i, j


async def wrong_arguments(jobs: Channel[Job], tx: Sender[Job], rx: Receiver[Job], job: Job) -> None:
    await tx.put()  # E: put without an item
    await tx.put(job, job)  # E: put with two items
    await tx.put(item=job)  # E: the item given by name
    await rx.get(1)  # E: get with an argument
    await rx.get_many("10")  # E: get_many with a str
    await rx.get_many(limit=10)  # E: the limit of get_many given by name
    await rx.get_many(10, 0.5)  # E: the time of a batch given by position
    await rx.get_many(10, within="1")  # E: the time of a batch given as a str
    await rx.get_many(within=1.0)  # E: a batch without a limit
    tx.close("done")  # E: close with a cause that is no exception
    tx.close(ValueError)  # E: close with a class of exceptions as the cause
    jobs.maxsize = 3  # E: maxsize of a channel assigned
    tx.maxsize = 3  # E: maxsize of a sender assigned
    rx.closed = True  # E: a method of a receiver assigned
    jobs.sender = tx  # E: the sender of a channel assigned
    if jobs.closed:  # E !zuban: a method taken for its answer
        pass
