"""after, tick and merge, used wrongly."""

from aiochannel import Channel, Receiver, after, merge, tick


async def timers(seconds: str) -> None:
    after(seconds)  # E: after with a str
    after()  # E: after without a delay
    after(delay=1)  # E: the delay of after given by name
    tick(None)  # E: tick with None
    await after(1)  # E: after awaited as if it were sleep
    await tick(1)  # E: tick awaited
    after(1).close()  # E: close on a timer
    after(1).put_nowait(1.0)  # E: put_nowait on a timer
    _number: int = await after(1).get()  # E: the time of a timer taken for an int
    _texts: Receiver[str] = tick(1)  # E: a timer taken for a receiver of another type
    for _ in tick(1):  # E: for instead of async for over a timer
        pass


async def merged(numbers: Receiver[int], texts: Channel[str]) -> None:
    async for item in merge(numbers, texts.receiver):
        item.bit_length()  # E: an item of merged receivers taken for one of the first
    for _ in merge(numbers):  # E: for instead of async for over merge
        pass
    merge([numbers])  # E: a list given to merge
    merge(numbers, texts.sender)  # E: a sender given to merge
    await merge(numbers)  # E: merge awaited
    _words: list[str] = [item async for item in merge(numbers)]  # E: the items of merge taken for another type
    await merge(numbers).get()  # E: get on merge, which is an iterator
