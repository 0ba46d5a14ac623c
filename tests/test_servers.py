"""The servers of the tests do not outlive them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import MISSING, Program, Server, excused, programs, serving

PARENT = """
import sys
from pathlib import Path
from tests.servers import Server, programs
server = Server(programs()[0], Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def first() -> Program:
    if not programs():
        assert excused(), MISSING
        pytest.skip(MISSING)
    return programs()[0]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_server_ends_with_its_block() -> None:
    with serving(first()) as server:
        assert lives(server.pid)
    assert not lives(server.pid)
    assert not server.folder.exists()


def test_killed_server_starts_again() -> None:
    with serving(first()) as server:
        before = server.pid
        server.kill()
        server.start()
        assert before != server.pid
        assert lives(server.pid)


def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Server(first(), tmp_path, ("--no-such-option", "1"))
    with pytest.raises(RuntimeError, match="no-such-option"):
        server.start()


def test_server_dies_with_a_killed_test_run(tmp_path: Path) -> None:
    first()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        parent.kill()
    # The guard is an orphan now: its end is the end of its socket, which it holds open as long as the server lives.
    while lives(server):
        pass
