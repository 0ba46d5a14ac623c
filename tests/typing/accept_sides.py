"""What each side of a channel can do, and handles to hand over."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import assert_type, final

from aiochannel import Case, Channel, Receiver, Sender


@final
class Job:
    pass


async def sender_can(tx: Sender[Job], job: Job, error: Exception) -> None:
    assert_type(tx.maxsize, int)
    assert_type(tx.qsize(), int)
    assert_type(tx.closed(), bool)
    assert_type(tx.full(), bool)
    await tx.put(job)
    tx.put_nowait(job)
    await tx.put_many([job, job])
    await tx.put_many(job for _ in range(3))
    assert_type(tx.on_put(job), Case[None])
    assert_type(tx.close(), bool)
    assert_type(tx.close(error), bool)
    assert_type(tx.close(cause=None), bool)
    await tx.join()
    await tx.wait_closed()
    assert_type(tx.on_close(), Case[None])


async def receiver_can(rx: Receiver[Job]) -> None:
    assert_type(rx.maxsize, int)
    assert_type(rx.qsize(), int)
    assert_type(rx.closed(), bool)
    assert_type(rx.empty(), bool)
    assert_type(await rx.get(), Job)
    assert_type(rx.get_nowait(), Job)
    assert_type(await rx.get_many(10), Sequence[Job])
    assert_type(await rx.get_many(10, within=0.5), Sequence[Job])
    assert_type(await rx.get_many(10, within=1), Sequence[Job])
    assert_type(rx.get_many_nowait(10), Sequence[Job])
    assert_type(rx.get_many_nowait(), Sequence[Job])
    assert_type(rx.on_get(), Case[Job])
    assert_type(rx.__aiter__(), AsyncIterator[Job])
    assert_type(aiter(rx), AsyncIterator[Job])
    assert_type(await rx.__anext__(), Job)
    assert_type(await anext(rx), Job)
    assert_type(await anext(rx, None), Job | None)
    async for job in rx:
        assert_type(job, Job)
    assert_type([job async for job in rx], list[Job])
    await rx.join()


async def second(jobs: AsyncIterator[Job]) -> Job:
    await anext(jobs)
    return await anext(jobs)


async def receiver_is_an_async_iterator(jobs: Channel[Job], rx: Receiver[Job]) -> None:
    iterator: AsyncIterator[Job] = rx
    iterable: AsyncIterable[Job] = rx
    assert_type(await second(rx), Job)
    assert_type(await second(jobs), Job)
    assert_type(await second(jobs.receiver), Job)
    assert_type([job async for job in iterator], list[Job])
    assert_type([job async for job in iterable], list[Job])


def a_side_is_told_apart_at_run_time(tx: Sender[Job] | Job, rx: Receiver[Job] | Job) -> None:
    if isinstance(tx, Sender):
        assert_type(tx, Sender[Job])
    if isinstance(rx, Receiver):
        assert_type(rx, Receiver[Job])


def handles_are_typed(jobs: Channel[Job]) -> None:
    assert_type(jobs.sender, Sender[Job])
    assert_type(jobs.receiver, Receiver[Job])
    assert_type(jobs.split(), tuple[Sender[Job], Receiver[Job]])
    tx, rx = jobs.split()
    assert_type(tx, Sender[Job])
    assert_type(rx, Receiver[Job])


@final
class Producer:
    def __init__(self, tx: Sender[Job]) -> None:
        self.tx = tx

    async def run(self) -> None:
        await self.tx.put(Job())
        self.tx.close()


@final
class Consumer:
    def __init__(self, rx: Receiver[Job]) -> None:
        self.rx = rx
        self.seen: list[Job] = []

    async def run(self) -> None:
        async for job in self.rx:
            self.seen.append(job)


def parts_get_a_handle_or_the_channel_itself(jobs: Channel[Job]) -> None:
    Producer(jobs.sender)
    Consumer(jobs.receiver)
    Producer(jobs)
    Consumer(jobs)


def handles_can_be_compared_and_kept_in_a_set(jobs: Channel[Job]) -> set[Sender[Job]]:
    assert_type(jobs.sender == jobs.sender, bool)
    return {jobs.sender}
