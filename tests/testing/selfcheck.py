"""Random programs, on which the explorer is held to itself.

Without the reduction, no program has another outcome; and on a selector event loop every schedule has the same one. An
outcome is what each actor saw, in the order in which it was seen, and what was found wrong.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random
from typing import NamedTuple

from aiochannel import Channel
from aiochannel.testing import Run
from aiochannel.testing.plays import Play, Settings
from aiochannel.testing.schedules import Player
from aiochannel.testing.search import by_deviations

Outcome = tuple[tuple[str, ...], tuple[str, ...]]
VERBS = (
    "section",
    "wait",
    "set",
    "put",
    "get",
    "send",
    "receive",
    "listen",
    "notify",
    "timeout",
    "gather",
    "child",
    "ask",
)


class Things:
    """What the actors of a program share."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.seen: list[str] = []
        self.lock = asyncio.Lock()
        self.event = asyncio.Event()
        self.queue = asyncio.Queue[int](1)
        self.channel = Channel[int](1)
        self.condition = asyncio.Condition()

    async def act(self, name: str, verbs: list[str]) -> None:
        for verb in verbs:
            try:
                self.seen.append(f"{name} {verb}: {await self.do(verb)}")
            except BaseException as error:
                self.seen.append(f"{name} {verb}: {type(error).__name__}")
                raise

    async def do(self, verb: str) -> object:
        match verb:
            case "section":
                async with self.lock:
                    await asyncio.sleep(0)
            case "wait":
                await self.event.wait()
            case "set":
                self.event.set()
            case "put":
                await self.queue.put(1)
            case "get":
                return await self.queue.get()
            case "send":
                await self.channel.put(1)
            case "receive":
                return await self.channel.get()
            case "listen":
                async with self.condition:
                    await self.condition.wait()
            case "notify":
                async with self.condition:
                    self.condition.notify()
            case "timeout":
                try:
                    async with asyncio.timeout(1):
                        await self.event.wait()
                except TimeoutError:
                    return "late"
            case "gather":
                await asyncio.gather(asyncio.sleep(0), asyncio.sleep(1))
            case "child":
                await asyncio.create_task(self.do("section"))
            case _:
                return await self.run.outside(verb)
        return "done"


class Compared(NamedTuple):
    schedules: int
    unreduced: int
    lost: set[Outcome]
    differing: list[str]


def compare(seed: int, limit: int) -> Compared | None:
    """Compare the schedules of a random program; None if it has more than `limit`."""
    source = Random(seed)
    actors = {name: source.choices(VERBS, k=source.randint(1, 2)) for name in "ABC"[: source.randint(2, 3)]}
    current: list[Things] = []

    def program(run: Run) -> None:
        current[:] = [things] = [Things(run)]
        for name, verbs in actors.items():
            run.actor(name, lambda name=name, verbs=verbs: things.act(name, verbs))  # type: ignore[misc]

    def outcome(play: Play) -> Outcome:
        return tuple(current[0].seen), tuple(play.findings)

    with Player(program, Settings()) as player:

        def outcomes() -> dict[tuple[tuple[int, str], ...], Outcome]:
            played = by_deviations(player.play)
            return {tuple(script.deviations): outcome(play) for script, play in islice(played, limit)}

        with unreduced():
            every = outcomes()
        if len(every) == limit:
            return None
        reduced = outcomes()
        differing = [
            f"{actors} {deviations}: {there}, {here}"
            for deviations, here in reduced.items()
            if (there := outcome(player.play_for_real(dict(deviations)))) != here
        ]
    return Compared(len(reduced), len(every), set(every.values()) - set(reduced.values()), differing)


@contextmanager
def unreduced() -> Iterator[None]:
    """Offer what leads to the same as something else, too."""
    before = Play._only_appends
    Play._only_appends = _never  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Play._only_appends = before  # type: ignore[method-assign]


def _never(_: Play, option: str) -> bool:
    return False


class Checked(NamedTuple):
    programs: int
    schedules: int
    unreduced: int


def check(seeds: range, limit: int) -> Checked:
    """Compare the programs of the seeds, as far as they have no more than `limit` schedules.

    Raises:
        AssertionError: an outcome is lost, or a selector event loop has another one.
    """
    compared = [found for seed in seeds if (found := compare(seed, limit)) is not None]
    lost = [outcome for each in compared for outcome in each.lost]
    differing = [text for each in compared for text in each.differing]
    assert not lost, lost[:3]
    assert not differing, differing[:3]
    return Checked(len(compared), sum(each.schedules for each in compared), sum(each.unreduced for each in compared))
