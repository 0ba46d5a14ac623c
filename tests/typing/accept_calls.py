"""Call and call: the type of the answer follows from the channel."""

from typing import assert_type

from aiochannel import Call, Channel, Receiver, Sender, Watch, call, select


class Animal:
    pass


class Dog(Animal):
    pass


async def the_caller(
    calls: Sender[Call[str, int]], channel: Channel[Call[str, int]], watch: Watch[Call[str, int]]
) -> None:
    assert_type(await call(calls, "text"), int)
    assert_type(await call(channel, "text"), int)
    assert_type(await call(channel.sender, "text"), int)
    assert_type(await call(watch, "text"), int)
    n = await call(calls, "some text")
    assert_type(n, int)


async def the_caller_of_other_types(
    optional: Sender[Call[str, int | None]],
    nothing: Sender[Call[None, None]],
    many: Sender[Call[list[str], dict[str, int]]],
) -> None:
    assert_type(await call(optional, "text"), int | None)
    assert_type(await call(nothing, None), None)
    assert_type(await call(many, ["text"]), dict[str, int])


async def the_callee(calls: Receiver[Call[str, int]]) -> None:
    async for each in calls:
        assert_type(each, Call[str, int])
        with each:
            assert_type(each.request, str)
            assert_type(each.reply(len(each.request)), bool)
    each = await calls.get()
    with each as entered:
        assert_type(entered, Call[str, int])
    assert_type(each.fail(ValueError("too long")), bool)
    assert_type(each.abandoned(), bool)


async def the_callee_that_looks_whether_its_caller_is_there(each: Call[str, int], work: Channel[bytes]) -> None:
    match await select(work.on_get(), each.on_abandoned()):
        case 0, done:
            assert_type(done, bytes)
        case 1, nothing:
            assert_type(nothing, None)


async def a_call_may_ask_for_less_and_answer_more(
    dogs: Call[Dog, Animal], asks: Sender[Call[Animal, Dog]], takes: Receiver[Call[Dog, Animal]]
) -> None:
    answer(dogs)
    await serve(takes)
    assert_type(await call(asks, Animal()), Dog)


def answer(call: Call[Animal, Dog]) -> None:
    assert_type(call.request, Animal)
    call.reply(Dog())


async def serve(calls: Receiver[Call[Animal, Dog]]) -> None:
    assert_type((await calls.get()).request, Animal)


async def a_function_of_any_types(calls: Sender[Call[Animal, int]]) -> int:
    return await call(calls, Dog())
