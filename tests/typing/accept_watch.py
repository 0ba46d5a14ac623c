"""Watch, its readers, and what a Watch is as a Sender."""

from typing import assert_type

from aiochannel import Channel, Receiver, Sender, Watch, WatchStatistics, after, select


class Animal:
    pass


class Dog(Animal):
    pass


async def one_watch(limit: Watch[int]) -> None:
    assert_type(Watch(1), Watch[int])
    assert_type(limit.value, int)
    assert_type(limit.version, int)
    limit.set(2)
    assert_type(limit.observe(), Receiver[int])
    assert_type(await limit.observe().get(), int)
    assert_type(await limit.wait_for(lambda value: value > 2), int)
    assert_type(limit.statistics(), WatchStatistics)
    assert_type(limit.statistics().name, str | None)
    assert_type(limit.sender, Sender[int])
    async for value in limit.observe():
        assert_type(value, int)


async def made_with_more(name: str) -> None:
    assert_type(Watch("text", name=name), Watch[str])
    optional: Watch[int | None] = Watch(None)
    assert_type(optional.value, int | None)
    assert_type(Watch[Animal](Dog()), Watch[Animal])


async def a_watch_is_a_sender(animals: Watch[Animal]) -> None:
    anybody: Sender[Animal] = animals
    dogs: Sender[Dog] = animals
    await dogs.put(Dog())
    await anybody.put_many([Animal(), Dog()])
    put(animals, Dog())


def put(sender: Sender[Dog], dog: Dog) -> None:
    sender.put_nowait(dog)


async def readers_are_receivers(dogs: Watch[Dog], jobs: Channel[str]) -> None:
    await look(dogs.observe())
    match await select(dogs.observe().on_get(), jobs.on_get(), dogs.on_close(), after(1).on_get()):
        case 0, dog:
            assert_type(dog, Dog)
        case 1, job:
            assert_type(job, str)
        case 2, nothing:
            assert_type(nothing, None)
        case 3, time:
            assert_type(time, float)


async def look(animals: Receiver[Animal]) -> None:
    assert_type(await animals.get(), Animal)


async def the_close(limit: Watch[int]) -> None:
    assert_type(limit.close(), bool)
    assert_type(await limit.wait_closed(), None)
    assert_type(limit.closed(), bool)
