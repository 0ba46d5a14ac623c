"""Every Python block of README.md and docs/ runs and prints what the page shows, on a clock that does not wait.

A block that calls `asyncio.run` or imports from `aiochannel.testing` is a program of its own. The other blocks of a
page are one session, as in `python -m asyncio`: they follow each other in one namespace on one event loop, and may
await. A text block right after a block is what it prints; without one it prints nothing. A comment right before a block
may say

    <!-- type error -->     each line with a comment `# error: ...` is that error in mypy; it is not run
    <!-- python 3.13 -->    it runs on that version and newer ones only
"""

import ast
import asyncio
import builtins
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Never

import pytest

import aiochannel.remote
import aiochannel.testing
from tests.conftest import ClockedLoop

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>.*) -->\n)?^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)

RUNS_BY_ITSELF = re.compile(r"asyncio\.run\(|^from aiochannel\.testing import", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    mark: str
    code: str
    printed: str

    @property
    def is_program(self) -> bool:
        return RUNS_BY_ITSELF.search(self.code) is not None

    @property
    def padded(self) -> str:
        """Return the code at the lines that it has in the page."""
        return "\n" * (self.line - 1) + self.code

    def runs(self) -> bool:
        version = re.fullmatch(r"python (\d+)\.(\d+)", self.mark)
        return self.mark != "type error" and (version is None or sys.version_info >= (int(version[1]), int(version[2])))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            page,
            text.count("\n", 0, match.start("code")) + 1,
            match["mark"] or "",
            match["code"],
            match["printed"] or "",
        )
        for match in BLOCK.finditer(text)
    ]
    assert len(re.findall(r"^\s*(?:```|~~~)\s*py|<pre>", text, re.MULTILINE)) == len(found), (
        f"a block of {page} is not as above"
    )
    return found


def namespace() -> dict[str, object]:
    return {"__name__": "__main__", "__builtins__": builtins}


def run(block: Block, names: dict[str, object], call: Callable[[FunctionType], object]) -> str:
    """Run a block by way of `call`, and return what it prints."""
    code = compile(block.padded, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with redirect_stdout(StringIO()) as printed:
        call(FunctionType(code, names))
    return printed.getvalue()


def run_clocked(coroutine: Coroutine[object, Never, object]) -> object:
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:
        return runner.run(coroutine)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_block_prints_what_the_page_shows(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "run", run_clocked)
    session = namespace()
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:

        async def step(function: FunctionType) -> None:
            result: object = function()
            if inspect.isawaitable(result):
                await result

        for block in filter(Block.runs, blocks(page)):
            if block.is_program:
                printed = run(block, namespace(), lambda function: function())
            else:
                printed = run(block, session, lambda function: runner.run(step(function)))
            assert block.printed == printed, f"{page}:{block.line}"


def modules(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each module that a page comes to: every program, and the session."""
    stem = re.sub(r"\W", "_", name(page))
    session = ""
    for block in blocks(page):
        if block.is_program or block.mark:
            yield f"{stem}_{block.line}.py", block.padded
        else:
            session += "\n" * (block.line - 1 - session.count("\n")) + block.code
    yield f"{stem}_session.py", session


def test_readme_links_to_files_that_exist_from_wherever_it_is_shown() -> None:
    """An index shows it, without the files beside it."""
    text = re.sub(r"```.*?```|`.*?`", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\[([^]]+)\](?:\[([^]]+)\])?(?!:)", text)
    targets = dict(re.findall(r"^\[(.+)\]: (https://.+)$", text, re.MULTILINE))
    assert targets.keys() == {name or shown for shown, name in links}
    assert [] == [to for to in targets.values() if not (ROOT / to.partition("/blob/HEAD/")[2]).is_file()]


def test_the_site_has_every_page_once_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages = [str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]]
    assert pages == sorted(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pictures_are_there_and_say_what_they_show(page: Path) -> None:
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8"))
    assert [] == [file for text, file in pictures if not (text and (page.parent / file).is_file())]


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=name)
def test_pictures_can_be_read_on_a_dark_page(picture: Path) -> None:
    assert "@media (prefers-color-scheme" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", [aiochannel, aiochannel.remote, aiochannel.testing], ids=lambda each: each.__name__)
def test_the_reference_has_every_public_name(package: ModuleType) -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    shown = {path.rpartition(".")[2] for path in re.findall(rf"^::: ({package.__name__}\.\S+)$", page, re.MULTILINE)}
    public: list[str] = package.__all__
    assert [] == [each for each in public if each not in shown and each != "__version__"]


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is in the environment of the tools only")
def test_each_block_has_the_type_errors_that_it_shows(tmp_path: Path) -> None:
    expected = []
    for page in PAGES:
        for module, text in modules(page):
            (tmp_path / module).write_text(text, encoding="utf-8")
            expected += [
                f"{module}:{number}: error: {line.partition('# error: ')[2]}"
                for number, line in enumerate(text.splitlines(), 1)
                if "# error: " in line
            ]
    options = ["--strict", "--python-version=3.13", "--allow-redefinition"]
    options += ["--config-file=", "--no-pretty", "--hide-error-codes", "--no-error-summary"]
    options += [f"--cache-dir={ROOT / '.mypy_cache' / 'docs'}"]
    command = [sys.executable, "-m", "mypy", *options, *sorted(path.name for path in tmp_path.iterdir())]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert sorted(expected) == sorted(line for line in errors if not re.search(r"outside (async )?function$", line))
    assert not checked.stderr
