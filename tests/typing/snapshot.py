"""The public API as text, so that a change of a public type is seen in review: `python -m tests.typing.snapshot`.

It writes `api.txt`: what stands behind each public name, without bodies and docstrings. With `--check` it only
compares. It reads the source and imports nothing, so every Python gives the same text.
"""

import ast
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "aiochannel"
PACKAGES = (PACKAGE, PACKAGE / "redis", PACKAGE / "remote", PACKAGE / "testing")
SNAPSHOT = Path(__file__).with_name("api.txt")


def main() -> int:
    fresh = snapshot()
    if sys.argv[1:] != ["--check"]:
        SNAPSHOT.write_text(fresh)
        return 0
    known = SNAPSHOT.read_text()
    if fresh == known:
        print(f"api: as in tests/typing/{SNAPSHOT.name}")
        return 0
    print(*unified_diff(known.splitlines(), fresh.splitlines(), SNAPSHOT.name, "the source", lineterm=""), sep="\n")
    print("The public API has changed. If that is meant: python -m tests.typing.snapshot")
    return 1


def snapshot() -> str:
    """Return the definitions of the public names of the package and of its parts, sorted by module."""
    return "\n".join(_show_package(package) for package in PACKAGES)


def _show_package(package: Path) -> str:
    modules = {path.stem: ast.parse(path.read_text()) for path in sorted(package.glob("*.py"))}
    listed = next(
        node for node in modules["__init__"].body if isinstance(node, ast.Assign) and _name(node) == "__all__"
    )
    names = {name.value for name in ast.walk(listed.value) if isinstance(name, ast.Constant)}
    public = {name for name in names if isinstance(name, str) and name != "__version__"}
    title = ".".join(package.relative_to(PACKAGE.parent).parts)
    lines = [f"{title}: {', '.join(sorted(public))}"]
    for name, module in modules.items():
        shown = [line for node in module.body if _name(node) in public or _is_variable(node) for line in _show(node)]
        if shown:
            lines += ["", f"# {name}", *shown]
    return "\n".join(lines) + "\n"


def _show(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef():
            members = [
                f"    {line}"
                for member in node.body
                if not _name(member).startswith("_")
                or (_name(member).endswith("__") and not isinstance(member, ast.Assign))
                for line in _show(member)
            ]
            node.body = [ast.Expr(ast.Constant(...))]
            *head, _ = ast.unparse(node).splitlines()
            yield from [*head, *members] if members else [*head[:-1], f"{head[-1]} ..."]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            node.body = [ast.Expr(ast.Constant(...))]
            *head, _ = ast.unparse(node).splitlines()
            yield from [*head[:-1], f"{head[-1]} ..."]
        case ast.Assign() | ast.AnnAssign():
            yield ast.unparse(node)
        case _:
            pass


def _name(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
            return name
        case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
            return name
        case _:
            return "_"


def _is_variable(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("TypeVar(")


if __name__ == "__main__":
    sys.exit(main())
