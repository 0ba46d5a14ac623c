"""The storm of signals on other queues: `python -m tests.threads.beside`, where janus and culsans are installed.

Each storm has a process of its own, which is killed if it hangs. What is printed is what happened; nothing fails.
"""

import argparse
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Final, Protocol, final

from aiochannel import ChannelClosed
from tests.threads.storm import Item, Queue, ours, storm

SIZES: Final = (1, 100)
POLL: Final = 0.05


class Blocked(Protocol):
    """What queue.Queue has, and the threads' side of janus and culsans."""

    def put(self, item: Item, /, block: bool = True, timeout: float | None = None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> Item: ...


@final
class Adapted:
    """Another queue, which has no batches and no close."""

    def __init__(self, queue: Blocked, full: type[Exception], empty: type[Exception]) -> None:
        self._queue = queue
        self._full = full
        self._empty = empty
        self._closed = False

    def put(self, item: Item, /, timeout: float | None = None) -> None:
        while not self._closed:
            try:
                self._queue.put(item, True, POLL if timeout is None else timeout)
            except self._full:
                if timeout is not None:
                    raise TimeoutError from None
            else:
                return
        raise ChannelClosed

    def put_many(self, items: Iterable[Item], /, timeout: float | None = None) -> None:
        for item in items:
            self.put(item, timeout)

    def get(self, timeout: float | None = None) -> Item:
        while True:
            try:
                return self._queue.get(True, POLL if timeout is None else timeout)
            except self._empty:
                if timeout is not None:
                    raise TimeoutError from None
                if self._closed:
                    raise ChannelClosed from None

    def get_many(self, limit: int, /, timeout: float | None = None, *, within: float | None = None) -> Sequence[Item]:
        return [self.get(timeout)]

    def __iter__(self) -> Iterator[Item]:
        while True:
            try:
                yield self.get()
            except ChannelClosed:
                return

    def close(self) -> None:
        self._closed = True


class Both(Protocol):
    @property
    def sync_q(self) -> Blocked: ...


def made_by(module: str) -> Callable[[int], Queue]:
    def make(maxsize: int) -> Queue:
        there = import_module(module)
        create: Callable[[int], Both] = there.Queue
        full: type[Exception] = there.SyncQueueFull
        empty: type[Exception] = there.SyncQueueEmpty
        return Adapted(create(maxsize).sync_q, full, empty)

    return make


def stdlib(maxsize: int) -> Queue:
    made: queue.Queue[Item] = queue.Queue(maxsize)
    return Adapted(made, queue.Full, queue.Empty)


SUBJECTS: Final[dict[str, Callable[[int], Queue]]] = {
    "ThreadChannel": ours,
    "queue.Queue": stdlib,
    "janus": made_by("janus"),
    "culsans": made_by("culsans"),
}


def tell(name: str, maxsize: int, seconds: float) -> None:
    """Print what a storm on one of the queues has shown."""
    seen = storm(SUBJECTS[name](maxsize), seconds)
    lost = sum("is lost" in fault for fault in seen.faults)
    others = [fault for fault in seen.faults if "is lost" not in fault]
    print(f"{seen.interrupted} interrupts, {seen.items} items, {lost} lost", *others[:3], sep="; ", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.threads.beside")
    parser.add_argument("--seconds", type=float, default=5, help="of each storm")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "MAXSIZE"), help="one storm in this process")
    options = parser.parse_args(argv)
    seconds: float = options.seconds
    rounds: int = options.rounds
    one: list[str] | None = options.one
    if one is not None:
        tell(one[0], int(one[1]), seconds)
        return 0
    for name in SUBJECTS:
        for maxsize in SIZES:
            for _ in range(rounds):
                command = [sys.executable, "-m", "tests.threads.beside", "--seconds", str(seconds), "--one", name]
                print(f"{name}, maxsize {maxsize}: ", end="", flush=True)
                try:
                    done = subprocess.run(
                        [*command, str(maxsize)], capture_output=True, text=True, timeout=seconds + 30, check=False
                    )
                except subprocess.TimeoutExpired:
                    print("hung")
                else:
                    print(done.stdout.strip() or done.stderr.strip().splitlines()[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
