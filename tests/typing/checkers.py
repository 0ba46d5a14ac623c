"""The six type checkers, each as strict as an application can set it, and the lines that they report.

A checker sees what an application has: its own sources, and an environment in which aiochannel is installed.
"""

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import environ, pathsep
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import typing_extensions

NAMES = ("mypy", "pyright", "basedpyright", "pyrefly", "ty", "zuban")

MYPY_INI = """\
[mypy]
strict = True
disallow_any_decorated = True
disallow_any_explicit = True
disallow_any_unimported = True
strict_equality_for_none = True
warn_unreachable = True
enable_error_code = deprecated, exhaustive-match, explicit-override, mutable-override, possibly-undefined,
    redundant-expr, redundant-self, truthy-bool, truthy-iterable, unused-awaitable
"""

# Not for zuban: it takes the Any of an unawaited `async def`, Coroutine[Any, Any, T], for one of the caller.
MYPY_INI_FOR_MYPY = MYPY_INI + "disallow_any_expr = True\n"

PYRIGHT_JSON = {"include": ["."], "typeCheckingMode": "strict"}

BASEDPYRIGHT_JSON = {
    "include": ["."],
    "typeCheckingMode": "recommended",
    "reportUnusedCallResult": False,  # `channel.close()` need not be asked whether it was the first
    "reportUnusedParameter": False,  # a case may only declare what it gets
}

# `path:line`, between what else a checker prints. A note belongs to an error, which has a line of its own.
_REPORT = re.compile(
    r"^ *(?:(?:ERROR|WARN) )?(?P<path>\S+\.py):(?P<line>\d+)\b(?!.* note: )(?P<text>.*)$", re.MULTILINE
)


class Place(NamedTuple):
    """A line of a file, whose path begins at the checked folder."""

    path: str
    line: int


class Run(NamedTuple):
    """One checker, and the Python that the code is meant for."""

    name: str
    target: str


class Environment:
    """A virtual environment with the package's wheel, and beside it a folder of sources for each target."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._venv = self._root / "venv"
        self._python = self._venv / "bin" / "python"
        self.package = Path(sysconfig.get_path("purelib", vars={"base": str(self._venv)})) / "aiochannel"
        python, repository = [sys.executable, "-m"], Path(__file__).parents[2]
        _run([*python, "hatchling", "build", "-t", "wheel", "-d", str(self._root)], repository)
        _run([*python, "venv", "--without-pip", str(self._venv)], self._root)
        pip = [*python, "pip", "--python", str(self._python), "install", "--no-deps", "--no-index"]
        _run([*pip, str(next(self._root.glob("*.whl")))], self._root)
        copy(typing_extensions.__file__, self.package.parent)  # its one dependency is one file

    def sources(self, target: str) -> Path:
        """Return the folder with the sources for one target."""
        return self._root / target

    def check(self, targets: Iterable[str]) -> dict[Run, dict[Place, str]]:
        """Return what each checker reports for each target, two checkers running at a time."""
        runs = [Run(name, target) for name in NAMES for target in targets]
        with ThreadPoolExecutor(max_workers=2) as pool:
            return dict(zip(runs, pool.map(self._check, runs), strict=True))

    def _check(self, run: Run) -> dict[Place, str]:
        name, target = run
        sources, python = self.sources(target), self._python
        (sources / "mypy.ini").write_text(MYPY_INI_FOR_MYPY)
        (sources / "zuban.ini").write_text(MYPY_INI)
        # pyright looks for what to check beside its settings.
        (sources / "pyright.json").write_text(json.dumps(PYRIGHT_JSON))
        (sources / "basedpyright.json").write_text(json.dumps(BASEDPYRIGHT_JSON))
        arguments = {
            "mypy": [f"--python-executable={python}", "--config-file=mypy.ini", f"--cache-dir={self._root}/mypy", "."],
            "pyright": ["--project=pyright.json", f"--pythonpath={python}"],
            "basedpyright": ["--project=basedpyright.json", f"--pythonpath={python}"],
            "pyrefly": ["check", "--preset=strict", "--min-severity=warn", "--output-format=min-text", "."],
            "ty": ["check", f"--python={self._venv}", "--output-format=concise", "."],
            "zuban": ["mypy", f"--python-executable={python}", "--config-file=zuban.ini", "."],
        }[name]
        arguments.append(f"--{'pythonversion' if 'pyright' in name else 'python-version'}={target}")
        if name == "pyrefly":
            arguments.append(f"--python-interpreter-path={python}")
        output = _run([str(Path(sys.executable).with_name(name)), *arguments], sources, allowed=1)
        reports: dict[Place, str] = {}
        for found in _REPORT.finditer(output):
            path = (sources / found["path"]).relative_to(sources).as_posix()
            reports.setdefault(Place(path, int(found["line"])), found["text"].strip(" :-"))
        return reports


def _run(command: Sequence[str], folder: Path, *, allowed: int = 0) -> str:
    # The wheels of pyright and basedpyright come with a node of their own, beside the interpreter.
    path = str(Path(sys.executable).parent) + pathsep + environ["PATH"]
    done = subprocess.run(
        command, cwd=folder, env={**environ, "PATH": path, "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, allowed):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
