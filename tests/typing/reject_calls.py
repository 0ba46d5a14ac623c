"""Call and call, used wrongly."""

from aiochannel import Call, Channel, Receiver, Sender, call


async def the_caller(calls: Sender[Call[str, int]], numbers: Channel[int], receiver: Receiver[Call[str, int]]) -> None:
    _answer: str = await call(calls, "text")  # E: an answer taken for another type
    await call(calls, 5)  # E: a request of another type
    await call(calls)  # E: call without a request
    await call(calls, request="text")  # E: the request given by name
    await call(numbers, "text")  # E: call on a channel of something else
    await call(receiver, "text")  # E: call on a receiver
    (await call(calls, "text")).upper()  # E: an answer used as another type
    call(calls, "text").bit_length()  # E: await forgotten before call


async def the_callee(calls: Receiver[Call[str, int]]) -> None:
    async for each in calls:
        each.reply("text")  # E: an answer of another type
        each.reply()  # E: reply without an answer
        each.reply(result=1)  # E: the answer given by name
        each.fail("text")  # E: fail with what is no error
        each.fail(KeyboardInterrupt())  # E: fail with what ends a program
        each.request = "text"  # E: the request of a call assigned
        each.request.bit_length()  # E: a request taken for another type
        async with each:  # E: async with in place of with over a call
            pass


def of_other_types(call_of_str: Call[str, int], call_of_object: Call[object, int]) -> None:
    _a: Call[str, int] = call_of_object  # E: a call with any request taken for one with a special one
    _b: Call[str, object] = call_of_str  # E: a call that takes an int taken for one that takes anything
    _c: Call[str] = call_of_str  # E: Call with one type
