"""Programs at random: two to four tasks over one broadcast, of a few calls each, and somebody who leaves."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from aiochannel import ChannelEmpty, ChannelFull, Lag
from aiochannel.testing import Report, Run, explore
from tests.broadcast.programs import END, Step
from tests.broadcast.world import Reader, World

PUTS = ("put", "put", "put", "put_many", "put_nowait", "select_put")
GETS = ("get", "get", "get_many", "next", "select", "get_nowait")
LAGS = (Lag.WAIT, Lag.WAIT, Lag.WAIT, Lag.RAISE, Lag.SKIP, Lag.DISCONNECT)


async def puts(world: World, words: list[str]) -> None:
    calls: dict[str, Step] = {"put": world.put, "put_many": world.put_many, "select_put": world.select_put}
    for word in words:
        with suppress(ChannelFull):
            if word in calls:
                await calls[word]()
            else:
                world.put_nowait()


async def gets(reader: Reader, words: list[str]) -> None:
    calls: dict[str, Step] = {
        "get": reader.get, "get_many": reader.get_many, "next": reader.next, "select": reader.select,
    }  # fmt: skip
    for word in words:
        with suppress(ChannelEmpty):
            if word in calls:
                await calls[word]()
            elif word == "tell":
                reader.tell()
            else:
                reader.get_nowait()


async def comes(world: World, size: int, lag: Lag, words: list[str]) -> None:
    with world.subscribe(size, lag).entered() as reader:
        await gets(reader, words)


async def both(world: World, reader: Reader, words: list[str]) -> None:
    await world.select_put_or_get(reader)
    await gets(reader, words)


def program(seed: int) -> Callable[[Run], None]:
    """Return the random program of this number."""

    def build(run: Run) -> None:
        chance = Random(seed)
        replay = chance.choice((0, 0, 0, 1, 2))
        world = World(chance.choice([size for size in (0, 1, 1, 1, 2, 3) if not size or size >= replay]), replay=replay)

        def size_and_lag() -> tuple[int, Lag]:
            lag = chance.choice(LAGS)
            sizes = [size for size in (0, 1, 1, 2, 3) if (size and size >= replay) or (not size and lag is Lag.WAIT)]
            return chance.choice(sizes), lag

        for _ in range(chance.choice((0, 0, 1, 2))):
            world.try_put()
        readers = [world.subscribe(*size_and_lag()) for _ in range(chance.choice((1, 1, 2, 3)))]
        for number in range(chance.choice((2, 2, 3, 4))):
            words = chance.choices(PUTS, k=chance.randint(1, 3))
            takes = chance.choices((*GETS, "tell"), k=chance.randint(1, 3))
            step = (
                partial(puts, world, words),
                partial(puts, world, words),
                partial(gets, chance.choice(readers), takes),
                partial(gets, chance.choice(readers), takes),
                partial(comes, world, *size_and_lag(), takes),
                partial(both, world, chance.choice(readers), takes),
            )[0 if number == 0 else chance.randrange(6)]
            run.actor(f"{'ABCD'[number]}", step, expect=END)
        if chance.random() < 0.5:
            run.event("leave", chance.choice(readers).leave)
        run.event("close", world.hub.close)
        world.watch(run)

    return build


def play(seed: int, schedules: int) -> Report:
    return explore(program(seed), cancellations=2, budget=schedules, seed=seed, eager=False)
