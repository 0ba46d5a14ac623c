"""Every example prints what it says, on a clock that does not wait."""

import asyncio
import importlib.util
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Never, Protocol

import pytest

from tests.conftest import ClockedLoop

EXAMPLES = Path(__file__).parent.parent / "examples"


class Example(Protocol):
    """What the examples define."""

    main: Callable[[], Coroutine[object, Never, None]]
    primes: Callable[[int], Coroutine[object, Never, list[int]]]


def load(name: str) -> Example:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRINTED = {
    "heartbeat": """\
1 squared is 1
2 squared is 4
3 squared is 9
still alive
stopped: enough
""",
    "request_reply": """\
spam 1
eggs 1
spam 2
nobody waits for 'ham' any more
""",
    "reload_config": """\
Ann says hello
Bob says hello
Ann says hi
Bob says hi
kept the old configuration: {'greeting': 5} is not a configuration
Ann says bye
Bob says bye
""",
    "rate_limit": """\
request 1 after 0 intervals
request 2 after 0 intervals
request 3 after 0 intervals
request 4 after 1 intervals
request 5 after 2 intervals
request 6 after 3 intervals
request 7 after 4 intervals
""",
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:
        runner.run(load(name).main())
    assert PRINTED[name] == capsys.readouterr().out


def test_the_sieve_finds_the_primes_and_leaves_no_task() -> None:
    async def find() -> tuple[list[int], int]:
        return await load("prime_sieve").primes(30), len(asyncio.all_tasks())

    expected = [n for n in range(2, 114) if all(n % d for d in range(2, n))]
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:
        assert (expected, 1) == runner.run(find())


def test_the_crawler_loads_every_page_once_and_ends() -> None:
    ran = subprocess.run(
        [sys.executable, EXAMPLES / "crawl.py"], capture_output=True, text=True, check=True, timeout=60
    )
    assert ("40 pages, 1 dead links\ndead: /missing\n", "") == (ran.stdout, ran.stderr)


def test_every_row_is_stored_once_in_batches(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, EXAMPLES / "batches.py", tmp_path / "readings.sqlite"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    with closing(sqlite3.connect(tmp_path / "readings.sqlite")) as database:
        (rows,) = database.execute("select count(distinct number) from readings").fetchall()
    assert ((1000,), "") == (rows, ran.stderr)
    stored, batches = ran.stdout.splitlines()
    assert "rows stored, different ones: (1000, 1000)" == stored
    assert int(batches.split()[-1]) in range(1, 101)


def import_rows(folder: Path, text: str) -> tuple[subprocess.Popen[str], Callable[[], int]]:
    """Start the import of a file, and return how to count what is stored."""
    source, target = folder / "payments.csv", folder / "payments.db"
    source.write_text(text)
    command = [sys.executable, str(EXAMPLES / "import_rows.py"), str(source), str(target)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=EXAMPLES.parent)

    def count() -> int:
        with closing(sqlite3.connect(target)) as database:
            ((rows,),) = database.execute("select count(*) from payments").fetchall()
        assert isinstance(rows, int)
        return rows

    return process, count


def test_rows_are_imported_to_the_last(tmp_path: Path) -> None:
    process, count = import_rows(tmp_path, "".join(f"name {number},{number}\n" for number in range(1_234)))
    output, _ = process.communicate(timeout=60)
    assert (0, "importing\nstored 1234 rows\n", 1_234) == (process.returncode, output, count())


def test_an_import_stops_at_a_row_that_is_wrong(tmp_path: Path) -> None:
    process, _ = import_rows(tmp_path, "ann,1\nbob,much\n")
    output, _ = process.communicate(timeout=60)
    assert 1 == process.returncode
    assert "failed: line 2: could not convert string to float: 'much'\n" in output


def test_an_import_of_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    process, _ = import_rows(tmp_path, "ann,1\n" + "\0")
    output, _ = process.communicate(timeout=60)
    assert 1 == process.returncode
    assert "failed: " in output


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_ctrl_c_ends_an_import_whose_thread_is_blocked(tmp_path: Path) -> None:
    process, count = import_rows(tmp_path, "".join(f"name {number},{number}\n" for number in range(300_000)))
    assert process.stdout is not None
    assert "importing\n" == process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    stored = count()
    assert (130, f"interrupted\nstored {stored} rows\n") == (process.returncode, output)
    assert stored < 300_000
