"""Print the SHA-256 of every regular file below a directory, in the format of sha256sum.

    walk --paths--> N digesters, in threads --outcomes--> show
      `------------------order--------------------------^

Every arrow is a channel with room for a few items, so few files are under way however large the tree is, and each stage
has only the side of a channel that it needs. A stage leaves its ends when it is done: the last one to leave closes the
channel, which ends the stage behind it, or stops the one before it. `order` lets `show` print in the order of the walk
(in each directory the files by name, then the directories by name) although digests are ready in any order.

With --output the lines go into a file, and a summary is printed: how much was read, and how many items went through
each channel.

Symbolic links are not followed. A file that cannot be read is reported on standard error; the others are still printed.
Exit status: 0, or 1 if something was reported, 2 for wrong arguments, 130 after Ctrl-C, 141 if standard output is gone.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from aiochannel import Channel, ChannelClosed, End, Receiver, Sender, TaskGroup

if TYPE_CHECKING:
    from tqdm import tqdm

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Digest:
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Failure:
    path: Path
    reason: str


Outcome = Digest | Failure


@dataclass(slots=True)
class Totals:
    """What was read, and how many items went through each channel."""

    files: int = 0
    bytes: int = 0
    through: Counter[str] = field(default_factory=Counter)
    begin: float = field(default_factory=perf_counter)

    def summary(self) -> str:
        seconds = perf_counter() - self.begin
        channels = ", ".join(f"{name} {self.through[name]:,}" for name in ("paths", "outcomes", "order"))
        return f"{self.files:,} files, {self.bytes:,} bytes, {seconds:.1f} seconds; items: {channels}"


async def walk(root: Path, order: Sender[Path], paths: Sender[Path], failures: Sender[Failure]) -> None:
    """Send every regular file below root."""
    directories = [root]
    while directories:
        directory = directories.pop()
        try:
            files, subdirectories = await asyncio.to_thread(look_into, directory)
        except OSError as error:
            await order.put(directory)
            await failures.put(Failure(directory, error.strerror or str(error)))
            continue
        for file in files:
            await order.put(file)
            await paths.put(file)
        directories.extend(reversed(subdirectories))


async def digest(paths: Receiver[Path], outcomes: Sender[Outcome], totals: Totals, stop: Event) -> None:
    """Send the digest of each path, or why there is none."""
    async for path in paths:
        totals.through["paths"] += 1
        try:
            outcome: Outcome = Digest(path, *await asyncio.to_thread(sha256, path, stop))
        except OSError as error:
            outcome = Failure(path, error.strerror or str(error))
        await outcomes.put(outcome)


async def show(
    order: Receiver[Path], outcomes: Receiver[Outcome], out: BinaryIO, totals: Totals, bar: "tqdm[NoReturn] | None"
) -> bool:
    """Write the outcomes in order, and tell whether all of them are digests."""
    good = True
    early: dict[Path, Outcome] = {}  # ready before its turn: no more than `order` holds
    async for path in order:
        totals.through["order"] += 1
        while path not in early:
            outcome = await outcomes.get()
            totals.through["outcomes"] += 1
            early[outcome.path] = outcome
        with bar.external_write_mode() if bar is not None else nullcontext():
            match early.pop(path):
                case Digest(size=size, sha256=hexdigest):
                    out.write(line(hexdigest, path))
                    out.flush()
                    totals.files += 1
                    totals.bytes += size
                case Failure(reason=reason):
                    print(f"digest_tree: {path}: {reason}", file=sys.stderr)
                    good = False
        if bar is not None:
            bar.update()
    return good


async def run(root: Path, workers: int, out: BinaryIO, totals: Totals, bar: "tqdm[NoReturn] | None") -> int:
    """Build the pipeline, run it, and return the exit status."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(workers + 1))
    stop = Event()
    order = Channel[Path](8 * workers)
    paths = Channel[Path](workers)
    outcomes = Channel[Outcome](workers)

    async def walker(order: End[Sender[Path]], paths: End[Sender[Path]], failures: End[Sender[Failure]]) -> None:
        with suppress(ChannelClosed), order as order_tx, paths as paths_tx, failures as failures_tx:
            await walk(root, order_tx, paths_tx, failures_tx)

    async def digester(paths: End[Receiver[Path]], outcomes: End[Sender[Outcome]]) -> None:
        with suppress(ChannelClosed), paths as paths_rx, outcomes as outcomes_tx:
            await digest(paths_rx, outcomes_tx, totals, stop)

    try:
        async with TaskGroup() as tasks:
            # An end counts from the moment it is opened: so before its task runs, not in it.
            tasks.start_soon(walker, order.open_sender(), paths.open_sender(), outcomes.open_sender())
            for _ in range(workers):
                tasks.start_soon(digester, paths.open_receiver(), outcomes.open_sender())
            try:
                with order.open_receiver() as order_rx, outcomes.open_receiver() as outcomes_rx:
                    return 0 if await show(order_rx, outcomes_rx, out, totals, bar) else 1
            except OSError as error:
                return output_failed(error, out)  # the ends that `show` had are closed, which stops the other stages
    finally:
        stop.set()


def look_into(directory: Path) -> tuple[list[Path], list[Path]]:
    """Return the regular files and the directories in a directory, by name."""
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    files = [directory / entry.name for entry in found if entry.is_file(follow_symlinks=False)]
    return files, [directory / entry.name for entry in found if entry.is_dir(follow_symlinks=False)]


def sha256(path: Path, stop: Event) -> tuple[int, str]:
    """Return size and digest of a file. A thread cannot be cancelled, so it looks at `stop` between two chunks."""
    hasher = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while not stop.is_set() and (chunk := file.read(CHUNK)):
            hasher.update(chunk)
            size += len(chunk)
    return size, hasher.hexdigest()


def line(hexdigest: str, path: Path) -> bytes:
    """Format as sha256sum does: a name with a backslash or a line end is escaped, which a leading backslash says."""
    name = os.fsencode(path)
    escaped = name.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")
    return (b"" if escaped == name else b"\\") + hexdigest.encode() + b"  " + escaped + b"\n"


def output_failed(error: OSError, out: BinaryIO) -> int:
    if out is not sys.stdout.buffer:
        print(f"digest_tree: {out.name}: {error.strerror}", file=sys.stderr)
        return 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that what is left in the buffer goes somewhere
    if isinstance(error, BrokenPipeError):
        return 141
    print(f"digest_tree: standard output: {error.strerror}", file=sys.stderr)
    return 1


def progress_bar() -> "tqdm[NoReturn] | None":
    """Return a count of files, if standard error is a terminal and tqdm is installed."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm  # noqa: PLC0415 (optional)
    except ImportError:
        return None
    return tqdm(unit=" files")


def worker_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 256")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="digest_tree", description="SHA-256 of every regular file below PATH.")
    parser.add_argument("path", metavar="PATH", type=Path)
    parser.add_argument("--workers", metavar="N", type=worker_count, default=min(os.cpu_count() or 1, 256))
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the digests there, and print a summary")
    arguments = parser.parse_args()
    root: Path = arguments.path
    workers: int = arguments.workers
    output: Path | None = arguments.output
    if not root.is_dir():
        parser.error(f"{root}: not a directory")
    try:
        # Unbuffered: when a write has failed there is nothing left that closing the file would write again.
        file = nullcontext(sys.stdout.buffer) if output is None else output.open("wb", buffering=0)
    except OSError as error:
        parser.error(f"{output}: {error.strerror}")
    bar, totals = progress_bar(), Totals()
    try:
        with file as out, bar if bar is not None else nullcontext():
            status = asyncio.run(run(root, workers, out, totals, bar))
    except KeyboardInterrupt:
        return 130
    if output is not None:
        print(totals.summary())
    return status


if __name__ == "__main__":
    sys.exit(main())
