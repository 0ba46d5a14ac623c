"""A measurement: a server, the process that puts and those that take, all of them made for it and ended after it."""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Final

from benchmarks.remote.peers import SUBJECTS
from benchmarks.remote.plans import Plan, cpu_of, info
from tests.servers import Program, serving
from tools.peers import NotOfferedError

TIMEOUT: Final = 60.0
"""Seconds after which a measurement has failed."""
ROOT: Final = Path(__file__).resolve().parents[2]


TIME: Final = "time"
CLIENTS: Final = "CPU of both processes"
SERVER: Final = "CPU of the server"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement is made."""

    program: Program
    fsync: str
    older: Path | None
    """The Python of the environment that has an older redis-py."""
    effort: float = 1.0
    """Share of the items."""

    @property
    def title(self) -> str:
        return f"{self.program.name}, appendfsync {self.fsync}"

    def python(self, subject: str) -> str:
        if not SUBJECTS[subject].older:
            return sys.executable
        if self.older is None:
            raise NotOfferedError
        return str(self.older)


class Worker:
    """A process of a measurement."""

    def __init__(self, process: Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    async def hear(self) -> dict[str, float]:
        """Return the next line that it says."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(self._errors.read().decode(errors="replace").strip() or "a process has ended")
        said: dict[str, float] = json.loads(line)
        if "lacks" in said:
            raise NotOfferedError
        return said

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()
        self._errors.close()


@asynccontextmanager
async def workers(place: Place, plans: Sequence[Plan]) -> AsyncIterator[list[Worker]]:
    """Start a process for each plan; end them all."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    started: list[Worker] = []
    try:
        async with asyncio.timeout(TIMEOUT):
            for plan in plans:
                command = [place.python(plan.subject), "-m", "benchmarks.remote.worker", json.dumps(asdict(plan))]
                errors = tempfile.TemporaryFile()  # noqa: SIM115  # until the process has ended
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=PIPE, stdout=PIPE, stderr=errors, env=environment, limit=2**24
                )
                started.append(Worker(process, errors))
            yield started  # within the time, too
    finally:
        for worker in started:
            await worker.end()


def _scaled(place: Place, plan: Plan) -> Plan:
    """Return the plan with as many items as its subject gets, in whole batches for each task."""
    step = plan.batch * plan.senders * plan.tasks
    count = min(plan.count * place.effort, SUBJECTS[plan.subject].most)
    return replace(plan, count=max(1, round(count / step)) * step)


async def sent(place: Place, plan: Plan) -> dict[str, float]:
    """Send items from one process to another: microseconds an item, and how long they took to arrive."""
    plan = _scaled(place, plan)
    with serving(place.program, "--appendfsync", place.fsync, tcp=True) as server:
        plan = replace(plan, url=server.tcp_url)
        async with workers(place, [plan, replace(plan, do="take")]) as (putter, taker):
            for worker in (taker, putter):
                await worker.hear()
            before = cpu_of(info(plan.url))
            putter.go()
            put, taken = await putter.hear(), await taker.hear()
            served = cpu_of(info(plan.url)) - before
    return {
        TIME: (taken["end"] - put["start"]) / 1e3 / plan.count,
        CLIENTS: 1e6 * (put["cpu"] + taken["cpu"]) / plan.count,
        SERVER: 1e6 * served / plan.count,
        **{name: figure for name, figure in taken.items() if name.startswith("p")},
    }


async def shared_out(place: Place, plan: Plan, takers: int) -> dict[str, float]:
    """Put items at once to so many slow processes: the time over the ideal one, and what the least and the most got."""
    with serving(place.program, "--appendfsync", place.fsync, tcp=True) as server:
        plan = replace(plan, url=server.tcp_url)
        async with workers(place, [plan, *[replace(plan, do="take")] * takers]) as (putter, *all_takers):
            for worker in (*all_takers, putter):
                await worker.hear()
            putter.go()
            ends: list[list[float]] = [[] for _ in all_takers]

            async def listen(worker: Worker, into: list[float]) -> None:
                while True:
                    into.append((await worker.hear())["end"])
                    if sum(map(len, ends)) == plan.count:
                        everything.set()

            everything = asyncio.Event()
            listeners = [asyncio.create_task(listen(*pair)) for pair in zip(all_takers, ends, strict=True)]
            start = (await putter.hear())["start"]
            await everything.wait()
            for listener in listeners:
                listener.cancel()
    ideal = plan.pause * plan.count / takers
    fair = plan.count / takers
    counts = [len(each) for each in ends]
    return {
        "time over ideal": (max(map(max, filter(None, ends))) - start) / 1e9 / ideal,
        "most of one": max(counts) / fair,
        "least of one": min(counts) / fair,
    }


async def alone(place: Place, plan: Plan) -> dict[str, float]:
    """Let one process say what it found."""
    with serving(place.program, "--appendfsync", place.fsync, tcp=True) as server:
        async with workers(place, [replace(plan, url=server.tcp_url)]) as (worker,):
            return await worker.hear()
