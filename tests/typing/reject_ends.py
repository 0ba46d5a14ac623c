"""Ends of the wrong side or item, and ends used without a block."""

from contextlib import AbstractContextManager

from aiochannel import Channel, Receiver, Sender


class Job:
    pass


async def wrong_side(jobs: Channel[Job], job: Job) -> None:
    with jobs.open_sender() as tx:
        await tx.get()  # E: get on an end that sends
        await tx.put("job")  # E: a wrong item put into an end
    with jobs.open_receiver() as rx:
        await rx.put(job)  # E: put on an end that receives
        rx.close()  # E: close on an end that receives
        _text: str = await rx.get()  # E: an item of an end taken for another type
    async with jobs.open_receiver() as arx:
        arx.put_nowait(job)  # E: put_nowait on an end that receives
    async with jobs.open_sender() as atx:
        async for _ in atx:  # E: iteration over an end that sends
            pass


async def without_a_block(jobs: Channel[Job], job: Job) -> None:
    await jobs.open_sender().put(job)  # E: put on an end that was not entered
    await jobs.open_receiver().get()  # E: get on an end that was not entered
    async for _ in jobs.open_receiver():  # E: iteration over an end that was not entered
        pass
    async with jobs as _both:  # E: a channel used as a context manager
        pass
    with jobs.sender as _tx:  # E: a handle used as a context manager
        pass


async def wrong_type(jobs: Channel[Job], tx: Sender[Job]) -> None:
    _a: AbstractContextManager[Sender[str]] = jobs.open_sender()  # E: an end for other items assigned
    _b: AbstractContextManager[Receiver[Job]] = jobs.open_sender()  # E: an end of the other side assigned
    _c: Sender[Job] = jobs.open_sender()  # E: an end that was not entered passed as a sender
    tx.open_sender()  # E: open_sender on a sender
    tx.clone()  # E: clone of a handle
