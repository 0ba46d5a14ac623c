"""The examples of remote channels, run as their users run them."""

import ast
import asyncio
import os
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.redis.world import SOON, World, eventually
from tests.servers import Server

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DIGEST = (sys.executable, "-B", str(EXAMPLES / "remote_digest.py"))
MINUTE = 60.0
"""Seconds for processes that start, work and end; none takes a tenth of it."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder of 300 files, some with names that want care."""
    (tmp_path / "below").mkdir()
    for number in range(300):
        (tmp_path / ("below" if number % 3 else ".") / f"{number}.txt").write_text(f"{number}\n" * number)
    for name in ("two words", "back\\slash", "line\nend", os.fsdecode(b"\xff"), "umläut"):
        (tmp_path / name).write_text(name, errors="surrogateescape")
    return tmp_path


def expected(tree: Path) -> bytes:
    paths = sorted(os.fsencode(path) for path in tree.rglob("*") if path.is_file())
    return b"".join(_line(path) for path in paths)


def _line(path: bytes) -> bytes:
    escaped = path.replace(b"\\", rb"\\").replace(b"\n", rb"\n")
    digest = sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest().encode()
    return (b"" if escaped == path else b"\\") + digest + b"  " + escaped + b"\n"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*DIGEST, *arguments], capture_output=True, check=False, timeout=MINUTE)


def test_digests_by_workers_are_those_of_sha256sum(server: Server, tree: Path) -> None:
    ended = run("--url", server.url, tree)
    assert (expected(tree), 0) == (ended.stdout, ended.returncode)
    assert b"305 files, 4 workers, 0 killed, 0 received twice\n" == ended.stderr


def test_a_killed_worker_changes_no_digest(server: Server, tree: Path) -> None:
    ended = run("--url", server.url, "--kill", "--workers", "3", tree)
    assert (expected(tree), 0) == (ended.stdout, ended.returncode)
    assert ended.stderr.startswith(b"305 files, 3 workers, 1 killed, ")


def test_digests_with_a_server_of_their_own(tree: Path) -> None:
    ended = run(tree)
    assert (expected(tree), 0) == (ended.stdout, ended.returncode)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_named(server: Server, tree: Path) -> None:
    (tree / "0.txt").chmod(0)
    ended = run("--url", server.url, tree)
    assert 1 == ended.returncode
    assert f"remote_digest: {tree}/0.txt: Permission denied\n".encode() in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere: not a directory"),
        (["--kill", "--workers", "1", "."], "--kill needs two workers: one has to be left"),
        (["--workers", "0", "."], "'0' is not a whole number from 1 to 256"),
        (["--url", "ftp://localhost", "."], "the address of a server begins with"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: list[str], says: str) -> None:
    ended = run(*arguments)
    assert 2 == ended.returncode
    assert says in ended.stderr.decode()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A folder with a file that takes very long to read."""
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(1 << 42)
    return tmp_path


async def begin(world: World, tree: Path) -> tuple[asyncio.subprocess.Process, str]:
    """Start it; return it and the name of its run when a worker has received a file."""
    process = await asyncio.create_subprocess_exec(*DIGEST, "--url", world.server.url, tree, stderr=subprocess.PIPE)
    hub = await world.hub()
    runs: list[str] = []

    async def begun() -> bool:
        runs[:] = [name for name in await hub.names() if name.startswith("digest.") and name.endswith(".files")]
        found = [await (await hub.existing(name, bytes)).statistics() for name in runs]
        return any(each.at_hand_or_held for each in found)

    await eventually(begun)
    return process, runs[0].split(".")[1]


async def delete(world: World, run: str) -> None:
    """Delete the channels that a run which did not end well leaves."""
    for name in ("files", "sums"):
        await (await world.hubs[-1].existing(f"digest.{run}.{name}", bytes)).delete()


def workers(run: str) -> list[str]:
    """Return the workers of a run, which has its name in their command line."""
    found = subprocess.run(["pgrep", "-f", run], capture_output=True, text=True, check=False)
    return found.stdout.split()


needs_pgrep = pytest.mark.skipif(shutil.which("pgrep") is None, reason="finds the workers by pgrep")


@needs_pgrep
async def test_control_c_ends_parent_and_workers(world: World, endless: Path) -> None:
    process, run = await begin(world, endless)
    assert 4 == len(workers(run))
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(MINUTE):
        _, said = await process.communicate()
    assert (130, b"") == (process.returncode, said)
    assert [] == workers(run)
    await delete(world, run)


@needs_pgrep
async def test_a_worker_that_fails_ends_the_run(world: World, endless: Path) -> None:
    process, run = await begin(world, endless)
    os.kill(int(workers(run)[0]), signal.SIGKILL)
    async with asyncio.timeout(MINUTE):
        _, said = await process.communicate()
    assert (3, b"remote_digest: a worker ended with status -9\n") == (process.returncode, said)
    assert [] == workers(run)
    await delete(world, run)


async def test_pipeline_of_two_programs(world: World) -> None:
    command = (sys.executable, str(EXAMPLES / "remote_pipeline.py"))
    url = ("--url", world.server.url)
    async with asyncio.timeout(MINUTE):
        for _ in range(2):  # it leaves nothing that a second run would find
            measuring = await asyncio.create_subprocess_exec(*command, "measure", *url, stdout=subprocess.PIPE)
            producing = await asyncio.create_subprocess_exec(*command, "produce", *url)
            said, _ = await measuring.communicate()
            assert (0, 0, b"5\n8\n8\n") == (await producing.wait(), measuring.returncode, said)
    hub = await world.hub()
    async with asyncio.timeout(SOON):
        assert "words" not in await hub.names()


def functions(source: str) -> dict[str, str]:
    found = [each for each in ast.parse(source).body if isinstance(each, ast.AsyncFunctionDef)]
    return {each.name: ast.get_source_segment(source, each) or "" for each in found}


def test_pipeline_has_the_functions_of_the_readme() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").partition("## A first pipeline\n\n```python\n")[2]
    of_readme = functions(first.partition("```")[0])
    of_example = functions((EXAMPLES / "remote_pipeline.py").read_text(encoding="utf-8"))
    for name in ("produce", "measure"):
        assert of_readme[name] == of_example[name]
