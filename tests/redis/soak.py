"""Processes put and get while they and the server are killed, stopped and cut off; every item is accounted for.

python -m tests.redis.soak --minutes 10 --fsync always       on every server that is found, so long on each
python -m tests.redis.soak --seed 7 --events 20              one that can be played again, as far as time allows

An item whose put returned has to be received, one that was withdrawn must not be, and nobody may invent one. How many
came twice is counted: those that a consumer had when it died, stalled, failed or was cut off. With `--fsync everysec`
a server that is killed may forget what it had answered; the ends must tell (ChannelLost), and the soak goes on with a
new channel. Exits with 1 if an item is lost, invented, or if anything hangs.
"""

import argparse
import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from random import Random

from aiochannel.redis import ChannelLost, Hub, RemoteChannel, connect
from tests.ledger import Ledger
from tests.redis.proxy import Proxy, between
from tests.redis.soaker import PATIENCE
from tests.servers import MISSING, Program, Server, programs, serving

LEASE = 1.0
PRODUCERS = 2
CONSUMERS = 3
MAXSIZE = 60
HANG = 120.0
"""Seconds for what is left when the faults are over."""


@dataclass
class Account:
    """What the processes said."""

    ledger: Ledger = field(default_factory=Ledger)
    tried: dict[str, None] = field(default_factory=dict)
    told: int = 0
    failed: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        event, *items = line.split()
        match event:
            case "try":
                self.tried.update(dict.fromkeys(items))
            case "stored":
                self.ledger.accept(items)
                self.forget(items)
            case "never":
                self.forget(items)
            case "got":
                self.ledger.receive(items)
            case "lost":
                self.told += 1
            case _:
                self.failed.append(line)

    def forget(self, items: Sequence[str]) -> None:
        for item in items:
            del self.tried[item]

    def close(self) -> None:
        """What was tried, and of which nothing more was said, may have been stored or not."""
        self.ledger.doubtful += [(item,) for item in self.tried]
        self.tried.clear()

    def lost(self) -> list[object]:
        return self.ledger.lost()

    def twice(self) -> int:
        return sum(self.ledger.received.values()) - len(self.ledger.received)


class Crew:
    """The processes of one channel, and what they say."""

    def __init__(self, name: str, urls: Sequence[str], random: Random) -> None:
        self.account = Account()
        self.name = name
        self.urls = urls
        self.random = random
        self.producers: list[Process] = []
        self.consumers: list[Process] = []
        self.killed: set[Process] = set()
        self.readers: list[asyncio.Task[None]] = []
        self.lost = asyncio.Event()

    async def start(self, doing: str) -> Process:
        seed = f"{self.name}.{len(self.readers)}"
        url = self.urls[len(self.readers) % len(self.urls)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.redis.soaker", doing, url, self.name, seed, stdin=PIPE, stdout=PIPE
        )
        self.readers.append(asyncio.create_task(self.read(process)))
        return process

    async def read(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if line.endswith(b"\n"):  # or it died in the middle of a word
                self.account.note(line.decode())
            if self.account.told:
                self.lost.set()
        status = await process.wait()
        if status and process not in self.killed:
            self.account.failed.append(f"a process ended with status {status}")

    async def begin(self) -> None:
        self.producers = [await self.start("produce") for _ in range(PRODUCERS)]
        self.consumers = [await self.start("consume") for _ in range(CONSUMERS)]

    async def kill(self, process: Process) -> None:
        self.killed.add(process)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def kill_all(self) -> None:
        for process in (*self.producers, *self.consumers):
            await self.kill(process)

    async def replace(self, processes: list[Process], doing: str) -> None:
        victim = processes.pop(self.random.randrange(len(processes)))
        await self.kill(victim)
        processes.append(await self.start(doing))

    async def stop_producers(self) -> None:
        for process in self.producers:
            assert process.stdin is not None
            process.stdin.close()
        for process in self.producers:
            await process.wait()


class Soak:
    """One server, its faults, and channels on it, one after the other."""

    def __init__(self, server: Server, proxy: Proxy, hub: Hub, random: Random) -> None:
        self.server = server
        self.proxy = proxy
        self.hub = hub
        self.random = random
        self.events: Counter[str] = Counter()
        self.accounts: list[Account] = []
        self.wrong: list[str] = []

    # Faults

    async def kill_server(self) -> None:
        self.server.kill()
        await asyncio.sleep(0.5 * self.random.random())
        await asyncio.to_thread(self.server.start)

    async def stop_server(self) -> None:
        self.server.signal(signal.SIGSTOP)
        await asyncio.sleep(self.random.random())
        self.server.signal(signal.SIGCONT)

    async def cut(self) -> None:
        self.proxy.cut()

    async def part(self) -> None:
        self.proxy.dig(for_new_ones=self.random.random() < 0.5)
        await asyncio.sleep(2 * LEASE * self.random.random())
        self.proxy.fill()
        self.proxy.cut()

    async def stall(self, crew: Crew) -> None:
        victim = self.random.choice(crew.consumers)
        victim.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2 * LEASE * self.random.random())
        with suppress(ProcessLookupError):
            victim.send_signal(signal.SIGCONT)

    async def strike(self, crew: Crew) -> None:
        """Let one thing happen, and wait a moment."""
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "server killed": self.kill_server,
            "server stopped": self.stop_server,
            "consumer killed": lambda: crew.replace(crew.consumers, "consume"),
            "producer killed": lambda: crew.replace(crew.producers, "produce"),
            "consumer stopped": lambda: self.stall(crew),
            "connections cut": self.cut,
            "partition": self.part,
        }
        name = self.random.choice([*faults, "server killed", "consumer killed"])
        self.events[name] += 1
        await faults[name]()
        await asyncio.sleep(self.random.random())

    # Runs

    async def play(self, goes_on: Callable[[], bool]) -> None:
        """Have one channel until it is lost or the faults are over."""
        name = f"soak-{len(self.accounts)}"
        channel = await self.hub.channel(name, str, maxsize=MAXSIZE, tries=10_000, lease=LEASE)
        crew = Crew(name, [self.server.url, self.proxy.url], self.random)
        self.accounts.append(crew.account)
        try:
            await crew.begin()
            while goes_on() and not crew.lost.is_set():
                await self.strike(crew)
            async with asyncio.timeout(HANG):
                await self.finish(channel, crew)
        except TimeoutError:
            self.wrong.append(f"{name} hangs: {await channel.statistics()}")
        except ChannelLost:
            crew.account.told += 1
        finally:
            await crew.kill_all()
            await asyncio.gather(*crew.readers)
        self.judge(crew.account)

    async def finish(self, channel: RemoteChannel[str], crew: Crew) -> None:
        """Let the producers end, and the consumers drain the channel."""
        if crew.lost.is_set():
            return
        await crew.stop_producers()
        await channel.close()
        for process in crew.consumers:
            await process.wait()
        await channel.join()
        found = await channel.statistics()
        if found.stored or found.dead or not found.drained:
            self.wrong.append(f"not drained: {found}")

    def judge(self, account: Account) -> None:
        account.close()
        self.wrong += account.failed
        if account.told:
            return  # what was not received is lost, and the ends have said so
        self.wrong += [each for each in account.ledger.violations() if "times" not in each]

    def report(self) -> str:
        accepted = sum(sum(each.ledger.accepted.values()) for each in self.accounts)
        twice = sum(each.twice() for each in self.accounts)
        silent = sum(len(each.lost()) for each in self.accounts if not each.told)
        told = [len(each.lost()) for each in self.accounts if each.told]
        events = ", ".join(f"{name} {times}" for name, times in sorted(self.events.items()))
        said = f", {len(told)} channels told lost with {sum(told)} items not received" if told else ""
        return f"{accepted} items stored, {silent} lost, {twice} received twice{said}; {events}"


async def soak(server: Server, seed: str, goes_on: Callable[[Soak], bool]) -> Soak:
    """Play on a server as long as `goes_on` says so."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(between(server))
        hub = await stack.enter_async_context(connect(server.url, patience=PATIENCE))
        running = Soak(server, proxy, hub, Random(seed))
        while goes_on(running) and not running.wrong:
            await running.play(lambda: goes_on(running))
    return running


def run(program: Program, fsync: str, seed: str, goes_on: Callable[[Soak], bool]) -> bool:
    begin = time.monotonic()
    with serving(program, "--appendfsync", fsync) as server:
        running = asyncio.run(soak(server, seed, goes_on))
    print(f"{program.name}, fsync {fsync}, {time.monotonic() - begin:.0f} s: {running.report()}", flush=True)
    for each in running.wrong[:20]:
        print(f"WRONG: {each}")
    if fsync != "everysec" and any(each.told for each in running.accounts):
        print("WRONG: told that items are lost, with this fsync")
        return False
    return not running.wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.redis.soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--events", type=int, help="so many faults, in place of minutes")
    parser.add_argument("--fsync", choices=["always", "everysec", "no"], default="always")
    parser.add_argument("--seed", default=str(time.time_ns()))
    arguments = parser.parse_args()
    minutes: float = arguments.minutes
    events: int | None = arguments.events
    fsync: str = arguments.fsync
    seed: str = arguments.seed
    if not programs():
        print(MISSING)
        return 1
    print(f"seed {seed}", flush=True)
    good = True
    for program in programs():
        end = time.monotonic() + 60 * minutes

        def goes_on(running: Soak, end: float = end) -> bool:
            return time.monotonic() < end if events is None else running.events.total() < events

        good = run(program, fsync, seed, goes_on) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
