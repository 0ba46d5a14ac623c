"""How each subject puts and takes: the server's own commands through redis-py, and libraries.

Nothing is imported before it is used: saq and arq have an environment of their own, without the others, and no peer has
to be installed to type-check this file. A job of a library returns nothing. Every library has its own defaults, except
that results are not kept.

To add a peer, write a side that puts and one that takes, and add both to SUBJECTS. The group `bench-remote` of
`pyproject.toml` and `constraints.txt` install it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Final, NamedTuple

from benchmarks.remote.plans import (
    BLMPOP,
    BRPOP,
    NAME,
    OURS,
    STREAMS,
    STREAMS_ONE,
    Plan,
    PutSide,
    Putting,
    Ready,
    Seen,
    Taking,
)

BATCH: Final = 64
GROUP: Final = "group"
FIELD: Final = b"item"
SLOW: Final = 640


class Subject(NamedTuple):
    """One way to send items."""

    put: Putting
    take: Taking
    package: str
    most: int = 1_000_000
    """Items of a measurement at most, for one that is slow."""
    older: bool = False
    """It needs a redis-py that is older than that of the others."""


# The server's own commands


@asynccontextmanager
async def put_in_list(plan: Plan) -> AsyncIterator[PutSide]:
    encode = import_module("msgspec").msgpack.Encoder().encode
    async with import_module("redis.asyncio").Redis.from_url(plan.url) as client:
        await client.ping()
        push = client.lpush
        yield PutSide(lambda item: push(NAME, encode(item)), lambda items: push(NAME, *map(encode, items)))


@asynccontextmanager
async def put_in_stream(plan: Plan) -> AsyncIterator[PutSide]:
    encode = import_module("msgspec").msgpack.Encoder().encode
    async with import_module("redis.asyncio").Redis.from_url(plan.url) as client:
        await client.ping()

        async def put_many(items: Sequence[str]) -> None:
            async with client.pipeline(transaction=False) as pipe:
                for item in items:
                    pipe.xadd(NAME, {FIELD: encode(item)})
                await pipe.execute()

        yield PutSide(lambda item: client.xadd(NAME, {FIELD: encode(item)}), put_many)


async def from_list(plan: Plan, ready: Ready) -> AsyncIterator[Sequence[bytes]]:
    async with import_module("redis.asyncio").Redis.from_url(plan.url) as client:
        await client.ping()
        ready()
        while True:
            yield (await client.brpop([NAME], 0))[1:]


async def from_list_many(plan: Plan, ready: Ready) -> AsyncIterator[Sequence[bytes]]:
    async with import_module("redis.asyncio").Redis.from_url(plan.url) as client:
        await client.ping()
        ready()
        while True:
            yield (await client.blmpop(0, 1, NAME, direction="RIGHT", count=BATCH))[1]


async def from_stream(count: int, plan: Plan, ready: Ready) -> AsyncIterator[Sequence[bytes]]:
    """Take some, and when the work on them is done acknowledge and delete them, in one round trip."""
    async with import_module("redis.asyncio").Redis.from_url(plan.url, protocol=2) as client:
        await client.xgroup_create(NAME, GROUP, "0", mkstream=True)
        ready()
        while True:
            found = (await client.xreadgroup(GROUP, "one", {NAME: ">"}, count=count, block=0))[0][1]
            yield [fields[FIELD] for _, fields in found]
            numbers = [number for number, _ in found]
            async with client.pipeline(transaction=False) as pipe:
                await pipe.xack(NAME, GROUP, *numbers).xdel(NAME, *numbers).execute()


async def take_from(
    batches: Callable[[Plan, Ready], AsyncIterator[Sequence[bytes]]], plan: Plan, seen: Seen, ready: Ready
) -> None:
    decode = import_module("msgspec").msgpack.Decoder(str).decode
    pause = plan.pause
    async for batch in batches(plan, ready):
        for raw in batch:
            item = decode(raw)
            if pause:
                await asyncio.sleep(pause)
            seen(item)


# This package


@asynccontextmanager
async def put_in_channel(plan: Plan) -> AsyncIterator[PutSide]:
    async with import_module("benchmarks.remote.ours").putting(plan) as side:
        yield side


async def take_from_channel(plan: Plan, seen: Seen, ready: Ready) -> None:
    await import_module("benchmarks.remote.ours").taking(plan, seen, ready)


# Libraries


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _job(seen: Seen) -> Callable[[str], object]:
    async def job(item: str) -> None:
        seen(item)

    return job


@asynccontextmanager
async def put_with_taskiq(kind: str, plan: Plan) -> AsyncIterator[PutSide]:
    broker = getattr(import_module("taskiq_redis"), kind)(plan.url)
    job = broker.task(task_name=NAME)(_job(print))
    await broker.startup()
    yield PutSide(job.kiq)
    await broker.shutdown()


async def take_with_taskiq(kind: str, plan: Plan, seen: Seen, ready: Ready) -> None:
    broker = getattr(import_module("taskiq_redis"), kind)(plan.url)
    broker.task(task_name=NAME)(_job(seen))
    await broker.startup()
    ready()
    await import_module("taskiq.api").run_receiver_task(broker)


@asynccontextmanager
async def put_with_faststream(kind: str, plan: Plan) -> AsyncIterator[PutSide]:
    async with import_module("faststream.redis").RedisBroker(plan.url, logger=None) as broker:
        many = partial(broker.publish_batch, list=NAME) if kind == "list" else None
        yield PutSide(partial(broker.publish, **{kind: NAME}), many and (lambda items: many(*items)))


async def take_with_faststream(kind: str, plan: Plan, seen: Seen, ready: Ready) -> None:
    module = import_module("faststream.redis")
    broker = module.RedisBroker(plan.url, logger=None)
    sub = NAME if kind == "list" else module.StreamSub(NAME, group=GROUP, consumer="one")
    broker.subscriber(**{kind: sub})(_job(seen))
    await broker.start()
    ready()
    await for_ever()


@asynccontextmanager
async def put_with_streaq(plan: Plan) -> AsyncIterator[PutSide]:
    worker = import_module("streaq").Worker(redis_url=plan.url)
    job = worker.task(name=NAME)(_job(print))

    async def put(item: str) -> None:
        await job.enqueue(item)

    async with worker:
        yield PutSide(put, lambda items: worker.enqueue_many([job.enqueue(item) for item in items]))


async def take_with_streaq(plan: Plan, seen: Seen, ready: Ready) -> None:
    worker = import_module("streaq").Worker(redis_url=plan.url, handle_signals=False)
    worker.task(name=NAME, ttl=0)(_job(seen))
    ready()
    await worker.run_async()


@asynccontextmanager
async def put_with_saq(plan: Plan) -> AsyncIterator[PutSide]:
    queue = import_module("saq").Queue.from_url(plan.url)
    await queue.connect()
    yield PutSide(lambda item: queue.enqueue(NAME, item=item, ttl=-1))
    await queue.disconnect()


async def take_with_saq(plan: Plan, seen: Seen, ready: Ready) -> None:
    saq = import_module("saq")

    async def job(_: object, *, item: str) -> None:
        seen(item)

    async def startup(_: object) -> None:
        ready()

    await saq.Worker(saq.Queue.from_url(plan.url), [(NAME, job)], startup=startup).start()


def _arq_settings(plan: Plan) -> object:
    return import_module("arq.connections").RedisSettings.from_dsn(plan.url)


@asynccontextmanager
async def put_with_arq(plan: Plan) -> AsyncIterator[PutSide]:
    pool = await import_module("arq").create_pool(_arq_settings(plan))
    yield PutSide(partial(pool.enqueue_job, NAME))
    await pool.aclose()


async def take_with_arq(plan: Plan, seen: Seen, ready: Ready) -> None:
    module = import_module("arq.worker")

    async def job(_: object, item: str) -> None:
        seen(item)

    async def startup(_: object) -> None:
        ready()

    functions = [module.func(job, name=NAME, keep_result=0)]
    await module.Worker(functions, redis_settings=_arq_settings(plan), on_startup=startup).async_run()


SUBJECTS: Final = {
    OURS: Subject(put_in_channel, take_from_channel, "aiochannel"),
    BLMPOP: Subject(put_in_list, partial(take_from, from_list_many), "redis"),
    BRPOP: Subject(put_in_list, partial(take_from, from_list), "redis", 4_000),
    STREAMS: Subject(put_in_stream, partial(take_from, partial(from_stream, BATCH)), "redis", 32_000),
    STREAMS_ONE: Subject(put_in_stream, partial(take_from, partial(from_stream, 1)), "redis", 4_000),
    "taskiq, list": Subject(
        partial(put_with_taskiq, "ListQueueBroker"), partial(take_with_taskiq, "ListQueueBroker"), "taskiq-redis", SLOW
    ),
    "taskiq, stream": Subject(
        partial(put_with_taskiq, "RedisStreamBroker"),
        partial(take_with_taskiq, "RedisStreamBroker"),
        "taskiq-redis",
        SLOW,
    ),
    "faststream, list": Subject(
        partial(put_with_faststream, "list"), partial(take_with_faststream, "list"), "faststream", SLOW
    ),
    "faststream, stream": Subject(
        partial(put_with_faststream, "stream"), partial(take_with_faststream, "stream"), "faststream", SLOW
    ),
    "streaq": Subject(put_with_streaq, take_with_streaq, "streaq", SLOW),
    "saq": Subject(put_with_saq, take_with_saq, "saq", SLOW, older=True),
    "arq": Subject(put_with_arq, take_with_arq, "arq", SLOW // 8, older=True),
}
