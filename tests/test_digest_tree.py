"""The example, run as its users run it, beside sha256sum where that is the judge."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "digest_tree.py"
# Warnings that Python hides by default, of unclosed resources and forgotten coroutines, would show on standard error.
COMMAND = (sys.executable, "-W", "default", str(EXAMPLE))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compares with POSIX tools, sends POSIX signals")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, check=False)


def coreutils(tree: Path) -> bytes:
    command = 'find "$1" -type f -print0 | xargs -0 sha256sum'
    return subprocess.run(["sh", "-c", command, "sh", tree], capture_output=True, check=True).stdout


def line(path: Path) -> bytes:
    return f"{sha256(path.read_bytes()).hexdigest()}  {path}\n".encode()


def fill(directory: Path, names: list[str]) -> list[Path]:
    """Make files that contain their names."""
    files = [directory / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    return files


@pytest.fixture(scope="module")
def standard_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python's own standard library, without what is installed into it or may be written while a test runs."""
    tree = tmp_path_factory.mktemp("standard") / "library"
    ignore = shutil.ignore_patterns("site-packages", "dist-packages", "__pycache__")
    shutil.copytree(sysconfig.get_path("stdlib"), tree, symlinks=True, ignore=ignore)
    return tree


@pytest.fixture
def long_tree(tmp_path: Path) -> Path:
    """A tree of which the output, 600 KiB, does not fit into a pipe."""
    fill(tmp_path / "a", [f"{number:04}-{'x' * 200}" for number in range(2000)])
    fill(tmp_path / "b", ["last"])
    return tmp_path


@contextmanager
def stuck(tree: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the example, read one line, and no more for now: soon it waits in the middle of the tree, in a write."""
    command = [*COMMAND, "--workers", "2", str(tree)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, pipesize=4096) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == line(min((tree / "a").iterdir()))
            yield process
        finally:
            process.kill()


def on_a_terminal(tree: Path, env: dict[str, str]) -> tuple[bytes, bytes]:
    """Run the example with a terminal for standard error; return what came on standard output and there."""
    import termios  # noqa: PLC0415  # Windows has none

    terminal, standard_error = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    try:
        result = subprocess.run(
            [*COMMAND, tree], stdout=subprocess.PIPE, stderr=standard_error, env=os.environ | env, check=True
        )
        os.write(standard_error, b"END")
        shown = b""
        while not shown.endswith(b"END"):
            shown += os.read(terminal, 4096)
    finally:
        os.close(terminal)
        os.close(standard_error)
    return result.stdout, shown.removesuffix(b"END")


def test_prints_what_sha256sum_prints_for_the_standard_library(standard_library: Path) -> None:
    result = run(standard_library)

    assert (0, b"") == (result.returncode, result.stderr)
    assert sorted(coreutils(standard_library).splitlines()) == sorted(result.stdout.splitlines())
    files = [path for path in standard_library.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) == result.stdout.count(b"\n") > 0


@pytest.mark.parametrize("workers", ["1", "7"])
def test_prints_in_the_order_of_the_walk(tmp_path: Path, workers: str) -> None:
    """In each directory the files by name, then the directories by name, whichever digest is ready first."""
    files = fill(tmp_path, ["b", "c", "a/z", "a/b/c", "d/a"])
    (tmp_path / "b").write_bytes(bytes(10_000_000))

    assert b"".join(map(line, files)) == run("--workers", workers, tmp_path).stdout


@pytest.mark.parametrize("name", [rb"back\slash", b"line\nfeed", b"no text \xff\xfe", b" blanks ", b"-", b"\\\n\\n"])
def test_escapes_a_name_as_sha256sum_does(tmp_path: Path, name: bytes) -> None:
    try:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    except OSError:
        pytest.skip("this file system refuses the name")

    assert coreutils(tmp_path) == run(tmp_path).stdout


def test_escapes_a_carriage_return_as_sha256sum_does_since_coreutils_9(tmp_path: Path) -> None:
    (tmp_path / "carriage\rreturn").touch()

    expected = f"\\{sha256().hexdigest()}  {tmp_path}/carriage\\rreturn\n"
    assert expected.encode() == run(tmp_path).stdout


def test_reads_regular_files_only(tmp_path: Path) -> None:
    """A symbolic link is not followed, and a named pipe, which would never end, is not opened."""
    target, inside = fill(tmp_path, ["outside/target", "tree/inside"])
    (tmp_path / "tree" / "to_file").symlink_to(target)
    (tmp_path / "tree" / "to_directory").symlink_to(target.parent)
    (tmp_path / "tree" / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "tree" / "pipe")

    assert line(inside) == run(tmp_path / "tree").stdout


def test_prints_nothing_for_an_empty_tree(tmp_path: Path) -> None:
    result = run(tmp_path)

    assert (0, b"", b"") == (result.returncode, result.stdout, result.stderr)


def test_reports_what_cannot_be_read_and_prints_the_rest(long_tree: Path) -> None:
    """A file and a directory vanish after they were found and before they are read."""
    *rest, file = sorted((long_tree / "a").iterdir())
    expected = b"".join(map(line, rest[1:]))
    with stuck(long_tree) as process:
        file.unlink()
        shutil.rmtree(long_tree / "b")
        out, err = process.communicate()

    assert expected == out
    reason = "No such file or directory"
    assert f"digest_tree: {file}: {reason}\ndigest_tree: {long_tree / 'b'}: {reason}\n" == err.decode()
    assert process.returncode == 1


def test_stops_at_once_and_quietly_on_control_c(long_tree: Path) -> None:
    with stuck(long_tree) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    assert (130, b"") == (process.returncode, err)
    assert out.count(b"\n") < 1000


def test_stops_quietly_when_nobody_reads_on(long_tree: Path) -> None:
    with stuck(long_tree) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()

        assert process.stderr is not None
        assert (141, b"") == (process.returncode, process.stderr.read())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_reports_that_standard_output_takes_no_more(tmp_path: Path) -> None:
    fill(tmp_path, ["file"])
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*COMMAND, tmp_path], stdout=full, stderr=subprocess.PIPE, check=False)

    assert (1, b"digest_tree: standard output: No space left on device\n") == (result.returncode, result.stderr)


def test_writes_the_digests_into_a_file_and_prints_a_summary(tmp_path: Path) -> None:
    tree, output = tmp_path / "tree", tmp_path / "digests"
    files = fill(tree, ["a", "bc", "def"])

    result = run(tree, "--output", output)

    assert b"".join(map(line, files)) == output.read_bytes()
    summary = rb"3 files, 6 bytes, \d+[.]\d seconds; items: paths 3, outcomes 3, order 3\n"
    assert (0, b"") == (result.returncode, result.stderr)
    assert re.fullmatch(summary, result.stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_reports_that_the_file_for_the_digests_takes_no_more(tmp_path: Path) -> None:
    fill(tmp_path, ["file"])
    result = run(tmp_path, "--output", "/dev/full")

    assert (1, b"digest_tree: /dev/full: No space left on device\n") == (result.returncode, result.stderr)


def test_counts_files_on_a_terminal(tmp_path: Path) -> None:
    files = fill(tmp_path, ["a", "b", "c"])

    out, shown = on_a_terminal(tmp_path, {})

    assert b"".join(map(line, files)) == out
    assert b"3 files" in shown


def test_does_without_the_progress_bar_where_it_is_not_installed(tmp_path: Path) -> None:
    tree, missing = tmp_path / "tree", tmp_path / "missing"
    files = fill(tree, ["a", "b", "c"])
    fill(missing, ["tqdm.py"])
    (missing / "tqdm.py").write_text("raise ImportError")

    assert (b"".join(map(line, files)), b"") == on_a_terminal(tree, {"PYTHONPATH": str(missing)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: PATH"),
        (["/does/not/exist"], "/does/not/exist: not a directory"),
        ([EXAMPLE], f"{EXAMPLE}: not a directory"),
        ([".", "--workers", "0"], "'0' is not a whole number from 1 to 256"),
        ([".", "--workers", "257"], "'257' is not a whole number from 1 to 256"),
        ([".", "--workers", "2.5"], "'2.5' is not a whole number from 1 to 256"),
        ([".", "--workers", "many"], "'many' is not a whole number from 1 to 256"),
        ([".", "--output", "/does/not/exist"], "/does/not/exist: No such file or directory"),
    ],
)
def test_refuses_wrong_arguments(arguments: list[str | Path], message: str) -> None:
    result = run(*arguments)

    assert (2, b"") == (result.returncode, result.stdout)
    assert result.stderr.decode().endswith(f"{message}\n")
