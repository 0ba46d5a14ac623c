"""What is measured of remote channels. A measurement has several figures; each is a workload of its own."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.remote.peers import SUBJECTS
from benchmarks.remote.plans import BLMPOP, BRPOP, OURS, STREAMS, STREAMS_ONE, Plan
from benchmarks.remote.processes import CLIENTS, SERVER, TIME, Place, alone, sent, shared_out
from benchmarks.running import BYTES, Run, Workload

SPEED: Final = "speed"
CPU: Final = "cpu"
LATENCY: Final = "latency"
CROWD: Final = "crowd"
CHANNELS: Final = "channels"
MEMORY: Final = "memory"

ITEM: Final = "us an item"
SIZES: Final = {"50 B": 50, "1 KB": 1_000, "64 KB": 64_000}
MANY: Final = dict(zip(SIZES, (96_000, 32_000, 1_280), strict=True))
SINGLE: Final = dict(zip(SIZES, (4_000, 4_000, 1_000), strict=True))
BY_HAND: Final = (OURS, BLMPOP, BRPOP, STREAMS, STREAMS_ONE)
FEW: Final = (OURS, BLMPOP, STREAMS)

TASKS: Final = "64 tasks that put one by one"
NOWAIT: Final = "put_nowait beside batches of 64"
BOUNDED: Final = "batches of 64, maxsize 1,000, beside lists without one"
PACED: Final = "300 a second"
SLOT: Final = "16 senders, one slot"
SHARED: Final = "400 items at once to 4 workers of 5 ms"
SHARES: Final = {"time over ideal": "times", "least of one": "of a fair share", "most of one": "of a fair share"}
NUMBERS: Final = (1, 10, 100, 1_000)
CHANNEL_FIGURES: Final = {
    "connections": "connections",
    "client_idle": "% of a core",
    "server_idle": "% of a core",
    "server_bytes": BYTES,
    "client_bytes": BYTES,
    "ms": "ms",
}
ENCODED: Final = 56

Figures = Callable[[], Awaitable[Mapping[str, float]]]


def batches(size: str) -> str:
    return f"batches of 64, {size}"


def one_by_one(size: str) -> str:
    return f"one by one, {size}"


def opened(number: int, figure: str) -> str:
    return f"{number:,} channels: {figure}"


def shared(figure: str) -> str:
    return f"{SHARED}: {figure}"


def paced(figure: str) -> str:
    return f"{PACED}: {figure}"


def memory_of(batch: int) -> str:
    return f"an item of {ENCODED} bytes, put in batches of {batch}" if batch > 1 else f"an item of {ENCODED} bytes"


class Kept:
    """A measurement, of which one workload takes one figure, and the next workload another."""

    def __init__(self, measure: Figures) -> None:
        self._measure = measure
        self._kept: dict[str, deque[float]] = defaultdict(deque)

    async def take(self, name: str) -> float:
        if not self._kept[name]:
            for each, figure in (await self._measure()).items():
                self._kept[each].append(figure)
        return self._kept[name].popleft()


def split(
    measures: Mapping[str, Figures], figures: Mapping[str, tuple[str, str]], rounds: float = 1.0
) -> list[Workload]:
    """Make a workload of each figure: from its name in the measurement to the workload's, and the unit."""
    kept = {subject: Kept(measure) for subject, measure in measures.items()}

    def runs(name: str) -> dict[str, Run]:
        return {subject: partial(each.take, name) for subject, each in kept.items()}

    return [Workload(title, runs(name), unit, rounds) for name, (title, unit) in figures.items()]


def sending(place: Place, name: str, plan: Plan, subjects: Iterable[str]) -> list[Workload]:
    measures = {subject: partial(sent, place, replace(plan, subject=subject)) for subject in subjects}
    units = {TIME: ITEM, CLIENTS: "CPU us an item", SERVER: "CPU us an item"}
    return split(measures, {each: (name if each == TIME else f"{name}: {each}", unit) for each, unit in units.items()})


def against_lists(place: Place, name: str, plan: Plan) -> Workload:
    """Measure a plan of ours beside batches of 64 into a list."""
    batch = Plan(BLMPOP, "", MANY["50 B"], 50, batch=64)
    measures = {OURS: partial(sent, place, plan), BLMPOP: partial(sent, place, batch)}
    return split(measures, {TIME: (name, ITEM)})[0]


def speed(place: Place, subjects: Sequence[str], sizes: Sequence[str]) -> list[Workload]:
    plans = [
        (name, Plan(OURS, "", counts[size], SIZES[size], batch=batch), subjects if size == "50 B" else BY_HAND)
        for name_of, counts, batch in ((batches, MANY, 64), (one_by_one, SINGLE, 1))
        for size in sizes
        for name in [name_of(size)]
    ]
    plans.append((TASKS, Plan(OURS, "", 12_800, 50, tasks=64), subjects))
    many = Plan(OURS, "", MANY["50 B"], 50)
    return [
        *(workload for plan in plans for workload in sending(place, *plan)),
        against_lists(place, NOWAIT, replace(many, nowait=True)),
        against_lists(place, BOUNDED, replace(many, batch=64, maxsize=1_000)),
    ]


def latency(place: Place, subjects: Iterable[str]) -> list[Workload]:
    plan = Plan(OURS, "", 600, 50, rate=300)
    measures = {subject: partial(sent, place, replace(plan, subject=subject)) for subject in subjects}
    return split(measures, {name: (paced(name), "us") for name in ("p50", "p99")})


def crowd(place: Place) -> list[Workload]:
    slot = Plan(OURS, "", 3_200, 50, senders=16, maxsize=1)
    slow = Plan(OURS, "", 400, 50, batch=400, pause=0.005)
    measures = {
        subject: partial(shared_out, place, replace(slow, subject=subject), 4) for subject in (OURS, BRPOP, BLMPOP)
    }
    figures = {name: (shared(name), unit) for name, unit in SHARES.items()}
    return [*split({OURS: partial(sent, place, slot)}, {TIME: (SLOT, ITEM)}), *split(measures, figures)]


def channels(place: Place, numbers: Iterable[int]) -> list[Workload]:
    return [
        workload
        for number in numbers
        for workload in split(
            {OURS: partial(alone, place, Plan(OURS, "", number, 50, do="open"))},
            {name: (opened(number, name), unit) for name, unit in CHANNEL_FIGURES.items()},
            0.4,
        )
    ]


def memory(place: Place) -> list[Workload]:
    size = ENCODED - 2  # MessagePack has a head of two bytes
    return [
        workload
        for batch, count in ((64, 64_000), (1, 6_400))
        for workload in split(
            {subject: partial(alone, place, Plan(subject, "", count, size, do="fill", batch=batch)) for subject in FEW},
            {"bytes": (memory_of(batch), BYTES)},
            0.2,
        )
    ]


def groups(place: Place, *, few: bool) -> dict[str, list[Workload]]:
    subjects = [*SUBJECTS]
    sizes = [*SIZES][:1] if few else [*SIZES]
    every = speed(place, subjects, sizes)
    return {
        SPEED: [each for each in every if "CPU" not in each.name],
        CPU: [each for each in every if "CPU" in each.name],
        LATENCY: latency(place, subjects),
        CROWD: crowd(place),
        CHANNELS: channels(place, NUMBERS[-1:] if few else NUMBERS),
        MEMORY: memory(place),
    }
