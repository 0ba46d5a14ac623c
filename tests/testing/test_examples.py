"""The example that explores another one says what it says, and would notice a fault in it."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copy

EXAMPLES = Path(__file__).parents[2] / "examples"


def explored(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "request_reply_explored.py")]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_explored_server_has_no_fault() -> None:
    done = explored(EXAMPLES)
    assert "52 schedules, all: nothing wrong\n" == done.stdout, done.stderr


def test_a_server_that_tells_two_callers_the_same_is_noticed(tmp_path: Path) -> None:
    copy(EXAMPLES / "request_reply_explored.py", tmp_path)
    text = (EXAMPLES / "request_reply.py").read_text(encoding="utf-8")
    fault = text.replace("counts.get(each.request, 0) + 1", "1")
    assert fault != text
    (tmp_path / "request_reply.py").write_text(fault, encoding="utf-8")
    done = explored(tmp_path)
    assert "always: " in done.stderr
    assert "replay(program, '1c in-order:')" in done.stderr
