"""Random producers, consumers, timeouts, cancels and closes on the real event loops, until the time is up.

python -m tests.soak --minutes 10

The time is shared by asyncio and uvloop. A round is some channels with some tasks; it has a seed of its own, and after
it every channel is accounted for: accepted is received and left over, the items of one producer came in their order,
nobody waits. Memory has to stay what it was after the first tenth. The first violation ends the run; `--seed` with the
seed that it prints begins with that round.
"""

import argparse
import asyncio
import gc
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import islice, product

from aiochannel import Channel, ChannelClosed, select_any
from tests.ledger import Ledger

Item = tuple[int, int]  # the producer, and its count
SIZES = (0, 1, 1, 2, 5, 20, None)
ITEMS = 300
DISTURBANCES = 30
STUCK_AFTER = 60
SAMPLES = 10  # of the memory: blocks that Python has allocated, and the most that the process ever had
SLACK = 1.1  # between the first and the last


class Account:
    """One channel and what its users were told."""

    def __init__(self, size: int | None) -> None:
        self.channel = Channel[Item].rendezvous() if size is None else Channel[Item](size)
        self.ledger = Ledger()
        self.received: list[Item] = []
        self.left: list[Item] = []

    def violations(self) -> list[str]:
        self.ledger.receive(self.received + self.left)
        found = list(self.ledger.violations())
        last: dict[int, int] = {}
        for producer, count in self.received:
            if count <= last.get(producer, 0):
                found.append(f"of producer {producer}, {count} came after {last[producer]}")
            last[producer] = count
        numbers = self.channel.statistics()
        if numbers.waiting_senders or numbers.waiting_receivers or numbers.qsize:
            found.append(f"somebody waits, or something is left: {numbers}")
        return found


class Round:
    def __init__(self, seed: int, totals: Counter[str]) -> None:
        self.random = random.Random(seed)
        self.totals = totals
        self.over = False
        self.noise: list[str] = []
        self.disturbances = DISTURBANCES
        self.accounts = [Account(self.random.choice(SIZES)) for _ in range(self.random.randint(1, 3))]
        self.workers: list[asyncio.Task[None]] = []

    async def run(self) -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.noise.append(str(context)))
        sources = [product([producer], range(1, ITEMS + 1)) for producer in range(self.random.randint(1, 6))]
        steps = [partial(self.produce, source) for source in sources]
        steps += [partial(self.consume, self.accounts.copy()) for _ in range(self.random.randint(1, 6))]
        self.workers = [asyncio.create_task(self.steadily(step)) for step in steps]
        loop.call_soon(self.disturb)
        done, pending = await asyncio.wait(self.workers, timeout=STUCK_AFTER)
        self.over = True
        found = [f"{len(pending)} tasks are stuck"] if pending else []
        found += [repr(task.exception()) for task in done if not task.cancelled() and task.exception()]
        for account in self.accounts:
            account.left.extend(account.channel.get_many_nowait(sys.maxsize) if account.channel.qsize() else [])
            if not pending:
                await account.channel.join()
            found += account.violations()
        gc.collect(0)  # hears what futures have to complain about
        return found + self.noise

    async def steadily(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Take one step after another, whatever is cancelled meanwhile, until one says that it was the last."""
        task = asyncio.current_task()
        assert task is not None
        while True:
            patience = self.random.uniform(0, 0.002) if self.random.random() < 0.2 else None
            try:
                async with asyncio.timeout(patience):
                    if not await step():
                        return
            except TimeoutError:
                self.totals["timeouts"] += 1
            except asyncio.CancelledError:
                if self.over:
                    raise
                self.totals["cancels"] += 1
                while task.uncancel():
                    pass

    def disturb(self) -> None:
        """Cancel some tasks now and then, close a channel more rarely, and all of them in the end."""
        self.disturbances -= 1
        for account in self.accounts:
            if not self.disturbances or self.random.random() < 0.02:
                self.totals["closes"] += account.channel.close()
                if self.random.random() < 0.2:
                    account.left.extend(account.channel.abort())
        if self.disturbances:
            for worker in self.random.sample(self.workers, self.random.randint(0, len(self.workers))):
                worker.cancel()
            asyncio.get_running_loop().call_later(self.random.uniform(0, 0.001), self.disturb)

    async def produce(self, numbers: Iterator[Item]) -> bool:
        account = self.random.choice(self.accounts)
        batch = list(islice(numbers, self.random.randint(1, 4)))
        if not batch:
            return False
        try:
            match self.random.randrange(4):
                case 0:
                    account.ledger.doubtful.append(tuple(batch))
                    await account.channel.put_many(batch)
                    account.ledger.doubtful.remove(tuple(batch))
                case 1:
                    del batch[1:]
                    cases = [other.channel.on_put(batch[0]) for other in self.accounts]
                    account = self.accounts[(await select_any(cases))[0]]
                case 2 if not account.channel.full():
                    del batch[1:]
                    account.channel.put_nowait(batch[0])
                case _:
                    del batch[1:]
                    await account.channel.put(batch[0])
        except ChannelClosed:
            return any(not other.channel.closed() for other in self.accounts)
        account.ledger.accept(batch)
        return True

    async def consume(self, open_ones: list[Account]) -> bool:
        account = self.random.choice(open_ones)
        channel = account.channel
        try:
            match self.random.randrange(5):
                case 0:
                    account.received.extend(await channel.get_many(self.random.randint(1, 5)))
                case 1:
                    position, item = await select_any([one.channel.on_get().or_closed(None) for one in open_ones])
                    if item is None:
                        del open_ones[position]
                    else:
                        open_ones[position].received.append(item)
                case 2:
                    async for item in channel:
                        account.received.append(item)
                        if self.random.random() < 0.3:
                            break
                    else:
                        open_ones.remove(account)
                case 3 if not channel.empty():
                    account.received.append(channel.get_nowait())
                case _:
                    account.received.append(await channel.get())
        except ChannelClosed:
            open_ones.remove(account)
        return bool(open_ones)


def soak(name: str, new_loop: Callable[[], asyncio.AbstractEventLoop], seconds: float, seed: int) -> int:
    """Run rounds for some time; the exit status."""
    totals: Counter[str] = Counter()
    samples: list[tuple[int, int]] = []
    begun = time.monotonic()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        while len(samples) < SAMPLES:
            this = Round(seed + totals["rounds"], totals)
            if found := runner.run(this.run()):
                print(f"{name}: violated with --seed {seed + totals['rounds']}:", *found, sep="\n  ")
                return 1
            totals["rounds"] += 1
            totals["items"] += sum(len(account.received) + len(account.left) for account in this.accounts)
            del this
            if (now := time.monotonic() - begun) >= seconds * (len(samples) + 1) / SAMPLES:
                gc.collect()
                samples.append((sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
                done = ", ".join(f"{count} {word}" for word, count in sorted(totals.items()))
                print(f"{name}: {now:4.0f} s: {done}; {samples[-1][0]} blocks, peak {samples[-1][1]}", flush=True)
    if any(last > SLACK * first for first, last in zip(samples[0], samples[-1], strict=True)):
        print(f"{name}: memory has grown")
        return 1
    print(f"{name}: 0 violations from --seed {seed}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10, help="in all")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first round")
    options = parser.parse_args()
    minutes: float = options.minutes
    loops = {"asyncio": asyncio.new_event_loop}
    if sys.platform != "win32":
        loops["uvloop"] = import_module("uvloop").new_event_loop
    return max(soak(name, loop, 60 * minutes / len(loops), options.seed) for name, loop in loops.items())


if __name__ == "__main__":
    sys.exit(main())
