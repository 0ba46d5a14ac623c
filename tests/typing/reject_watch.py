"""Watch, used wrongly."""

from aiochannel import Channel, Receiver, Sender, Watch


class Animal:
    pass


class Dog(Animal):
    bark: str = "woof"


async def one_watch(limit: Watch[int]) -> None:
    limit.set("2")  # E: a value of another type set
    limit.value = 2  # E: the value of a Watch assigned
    limit.version += 1  # E: the version of a Watch assigned
    await limit.put("2")  # E: a value of another type put into a Watch
    await limit.get()  # E: get on a Watch, which has readers for that
    limit.set(value=2)  # E: the value of a set given by name
    limit.observe().put_nowait(1)  # E: put_nowait on a reader of a Watch
    limit.observe().close()  # E: close on a reader of a Watch
    _text: str = await limit.observe().get()  # E: a value of a Watch taken for another type
    await limit.wait_for(3)  # E: a value in place of a predicate
    await limit.wait_for(lambda value: value.upper())  # E: a predicate of another type
    for _ in limit.observe():  # E: for instead of async for over a reader of a Watch
        pass


def made_wrongly() -> None:
    Watch()  # E: a Watch without a value
    Watch(1, "name")  # E: the name of a Watch given by position
    Watch[int]("text")  # E: a Watch made with a value of another type


def sides(dogs: Watch[Dog], animals: Watch[Animal], numbers: Channel[int]) -> None:
    _a: Watch[Animal] = dogs  # E: a Watch of dogs taken for one of animals
    _b: Watch[Dog] = animals  # E: a Watch of animals taken for one of dogs
    _c: Sender[Animal] = dogs  # E: a Watch of dogs taken for a sender of animals
    _d: Receiver[Dog] = dogs  # E: a Watch taken for a receiver
    _e: Receiver[Dog] = animals.observe()  # E: a reader of animals taken for one of dogs
    _f: Watch[int] = numbers  # E: a Channel taken for a Watch
    animals.value.bark  # E: a value taken for a special kind of it
