"""The prime sieve of the Go tour: every prime found adds a filter to a chain of channels.

python examples/prime_sieve.py [COUNT]
"""

import asyncio
import sys
from itertools import count

from aiochannel import Channel, ChannelClosed, Receiver, Sender


async def generate(numbers: Sender[int]) -> None:
    """Send 2, 3, 4, ... until nobody listens."""
    try:
        for number in count(2):
            await numbers.put(number)
    except ChannelClosed:
        pass


async def sieve(numbers: Channel[int], survivors: Sender[int], prime: int) -> None:
    """Pass on the numbers that the prime does not divide; when nobody listens any more, say so to the other side."""
    try:
        async for number in numbers:
            if number % prime:
                await survivors.put(number)
    except ChannelClosed:
        numbers.close()


async def primes(wanted: int) -> list[int]:
    """Return the first primes, by a chain of as many rendezvous channels."""
    found: list[int] = []
    async with asyncio.TaskGroup() as group:
        last: Channel[int] = Channel.rendezvous()
        group.create_task(generate(last.sender))
        while len(found) < wanted:
            found.append(await first(last.receiver))
            numbers, last = last, Channel[int].rendezvous()
            group.create_task(sieve(numbers, last.sender, found[-1]))
        last.close()
    return found


async def first(numbers: Receiver[int]) -> int:
    """Return the first number that has passed all filters: it is a prime."""
    return await numbers.get()


if __name__ == "__main__":
    print(*asyncio.run(primes(int(sys.argv[1]) if len(sys.argv) > 1 else 10)))
