"""Build wheel and sdist into dist/, and use the wheel as a user does: `python -m tools.dist PYTHON ...`.

The wheel has the package and nothing else, the sdist what the tests need, and an index can show the page of both.
On each PYTHON the wheel is installed into a new environment, with what it depends on. There the programs of README.md
print what it shows, and mypy --strict finds nothing in them, nor in an application.
"""

import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from tests.test_docs import ROOT, Block, blocks

DIST = ROOT / "dist"
APPLICATION = ROOT / "tests" / "typing" / "application"
OF_THE_SDIST = (
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "PKG-INFO",
    "README.md",
    "aiochannel/py.typed",
    "constraints.txt",
    "docs/index.md",
    "pyproject.toml",
    "stubs/aiochan/__init__.pyi",
    "tests/test_channel.py",
)
NOT_OF_THE_SDIST = {".git", "__pycache__", "build", "dist"}


def main() -> None:
    wheel, sdist = build()
    run([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist])
    look_into_wheel(wheel)
    look_into_sdist(sdist)
    programs = [block for block in blocks(ROOT / "README.md") if block.is_program]
    versions = [use(wheel, python, programs) for python in sys.argv[1:]]
    where = f" on Python {' and '.join(versions)}" if versions else ""
    print(f"dist: {wheel.name} and {sdist.name}; {len(programs)} programs and an application use the wheel{where}")


def build() -> tuple[Path, Path]:
    """Return the new wheel, which is made from the new sdist, and that."""
    rmtree(DIST, ignore_errors=True)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT])
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


def look_into_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "aiochannel").rglob("*") if path.is_file()}
    expect({path for path in package if "__pycache__" not in path}, packed, wheel)


def look_into_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    expect(set(OF_THE_SDIST), packed & set(OF_THE_SDIST), sdist)
    folders = {folder for name in packed for folder in name.split("/")[:-1]}
    expect(set(), {name for name in folders if name in NOT_OF_THE_SDIST or name.startswith(".venv")}, sdist)


def use(wheel: Path, python: str, programs: Sequence[Block]) -> str:
    """Install the wheel into a new environment, use it there, and return the version of Python."""
    with TemporaryDirectory() as folder:
        venv, work = Path(folder) / "venv", Path(folder) / "work"
        run([python, "-m", "venv", venv])
        own = venv / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        install = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*install, "--constraint", ROOT / "constraints.txt", wheel])
        copytree(APPLICATION, work / "application", ignore=lambda *_: ["__pycache__"])
        for file, block in saved(programs, work):
            expect(block.printed, run([own, "-W", "error", file], work), file)
        run([own, "-m", "application.main"], work)
        strict = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--python-executable={own}"]
        run([*strict, "--cache-dir=../mypy", "."], work)
        return run([own, "-c", "import sys; print(sys.version_info[0], sys.version_info[1], sep='.')"]).strip()


def saved(programs: Sequence[Block], folder: Path) -> Iterator[tuple[Path, Block]]:
    """Save each program in a file of the folder."""
    for block in programs:
        file = folder / f"readme_{block.line}.py"
        file.write_text(block.code, encoding="utf-8")
        yield file, block


def run(command: Sequence[object], folder: Path = ROOT) -> str:
    """Return what a command prints, if it ends well."""
    words = list(map(str, command))
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(expected: object, found: object, what: Path) -> None:
    if expected != found:
        sys.exit(f"{what.name}:\nexpected {expected!r}\nfound    {found!r}")


if __name__ == "__main__":
    main()
