"""Real signals at random moments: a main thread that is interrupted all the time, beside two threads that are not."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType
from typing import NamedTuple, Protocol

from aiochannel import ChannelClosed, ThreadChannel

Item = tuple[str, int]


class Queue(Protocol):
    """What a storm needs: `channel.blocking` has it."""

    def put(self, item: Item, /, timeout: float | None = None) -> None: ...
    def put_many(self, items: Iterable[Item], /, timeout: float | None = None) -> None: ...
    def get(self, timeout: float | None = None) -> Item: ...
    def get_many(
        self, limit: int, /, timeout: float | None = None, *, within: float | None = None
    ) -> Sequence[Item]: ...
    def __iter__(self) -> Iterator[Item]: ...
    def close(self) -> object: ...


PATIENCE = 60.0
"""A thread that has not ended after so many seconds hangs."""


class Storm(NamedTuple):
    """What a storm has shown."""

    calls: int
    interrupted: int
    puts: int
    """How many of these were puts of one item."""
    in_doubt: int
    """How many of those items were accepted all the same."""
    overtaken: int
    """Items that came after a later one of the same producer: an interrupted get has put them back too late."""
    items: int
    faults: tuple[str, ...]


class Target:
    """Lets signals raise KeyboardInterrupt in the main thread while a call is under way, and only then."""

    def __init__(self, pause: float) -> None:
        self.armed = False
        self.over = False
        self.strikes = 0
        self._pause = pause
        self._chance = random.Random(1)

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.armed:
            self.strikes += 1
            raise KeyboardInterrupt

    def shoot(self) -> None:
        me = os.getpid()
        while not self.over:
            os.kill(me, signal.SIGINT)
            time.sleep(self._chance.random() * self._pause)


@contextmanager
def shooting(pause: float) -> Iterator[Target]:
    target = Target(pause)
    before = signal.signal(signal.SIGINT, target.handle)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    shooter = threading.Thread(target=target.shoot, daemon=True)
    shooter.start()
    try:
        yield target
    finally:
        target.over = True
        shooter.join(PATIENCE)
        sys.setswitchinterval(switch)
        signal.signal(signal.SIGINT, before)


class Main:
    """The interrupted thread: what it has put for sure, perhaps, and what it has got."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._number = 0
        self.put: list[Item] = []
        self.perhaps: list[Item] = []
        self.interrupted: list[Item] = []
        self.got: list[Item] = []

    def call(self, kind: int, target: Target) -> None:
        """Make one call, with signals."""
        items: Sequence[Item] | None = None
        done = interrupted = False
        number = self._number = self._number + 3
        mine = [("main", number), ("main", number + 1), ("main", number + 2)]
        try:
            try:
                target.armed = True
                match kind:
                    case 0 | 1:
                        self._queue.put(mine[0], 0.001)
                        done = True
                    case 2:
                        self._queue.put_many(mine, 0.001)
                        done = True
                    case 3 | 4:
                        items = [self._queue.get(0.001)]
                    case 5:
                        items = self._queue.get_many(3, 0.001)
                    case _:
                        items = self._queue.get_many(3, 0.001, within=0.0005)
            finally:
                target.armed = False
        except KeyboardInterrupt:
            interrupted = True
        except TimeoutError:
            pass
        self.got += items or []
        if kind == 2:
            (self.put if done else self.perhaps).extend(mine)
        elif kind < 2:
            if done:
                self.put.append(mine[0])
            elif interrupted:
                self.interrupted.append(mine[0])


def ours(maxsize: int) -> Queue:
    """Return a new ThreadChannel for threads; -1 is a rendezvous."""
    channel: ThreadChannel[Item] = ThreadChannel.rendezvous() if maxsize < 0 else ThreadChannel(maxsize)
    return channel.blocking


def storm(queue: Queue, seconds: float, pause: float = 0.0004) -> Storm:
    """Let main make calls for so long, with a signal every so many seconds at most."""
    put: list[Item] = []
    got: list[Item] = []
    main = Main(queue)
    threads = [threading.Thread(target=work, args=(queue, into), daemon=True) for work, into in
               ((_produce, put), (_consume, got))]  # fmt: skip
    for thread in threads:
        thread.start()
    chance = random.Random(2)
    calls = 0
    with shooting(pause) as target:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            main.call(chance.randrange(7), target)
            calls += 1
    faults = _end(queue, threads)
    faults += _compare(put + main.put, main.perhaps + main.interrupted, got + main.got)
    accepted = set(got + main.got)
    return Storm(
        calls,
        target.strikes,
        len(main.interrupted),
        sum(item in accepted for item in main.interrupted),
        sum(_overtaken(each, who) for each in (got, main.got) for who in ("main", "other")),
        len(got) + len(main.got),
        tuple(faults),
    )


def _produce(queue: Queue, put: list[Item]) -> None:
    number = 0
    while True:
        number += 1
        try:
            queue.put(("other", number))
        except ChannelClosed:
            return
        put.append(("other", number))


def _consume(queue: Queue, got: list[Item]) -> None:
    got.extend(queue)


def _end(queue: Queue, threads: list[threading.Thread]) -> list[str]:
    """Close; return what hangs."""
    ending: list[Callable[[], object]] = [queue.close, *[lambda t=thread: t.join(PATIENCE) for thread in threads]]
    closer = threading.Thread(target=lambda: [end() for end in ending], daemon=True)
    closer.start()
    closer.join(3 * PATIENCE)
    return [f"{thread.name} hangs" for thread in (*threads, closer) if thread.is_alive()]


def _compare(put: list[Item], perhaps: list[Item], got: list[Item]) -> list[str]:
    received = Counter(got)
    possible = {*put, *perhaps}
    return [
        *[f"{item} was accepted and is lost" for item in put if item not in received],
        *[f"{item} was received {times} times" for item, times in received.items() if times > 1],
        *[f"{item} was received and never put" for item in received if item not in possible],
    ]


def _overtaken(items: list[Item], who: str) -> int:
    """Return how many items of a producer came directly after a later one."""
    numbers = [number for name, number in items if name == who]
    return sum(later < earlier for earlier, later in pairwise(numbers))
