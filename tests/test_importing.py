"""What `import aiochannel` loads, and what it loads when it is asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import aiochannel


def later() -> dict[str, str]:
    """Return the names that checkers see and that the package does not import, with the modules that have them."""
    tree = ast.parse(Path(aiochannel.__file__).read_text(encoding="utf-8"))
    (block,) = (each for each in tree.body if isinstance(each, ast.If))
    imports = [each for each in block.body if isinstance(each, ast.ImportFrom)]
    assert len(block.body) == len(imports)
    return {alias.name: str(each.module) for each in imports for alias in each.names}


def printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_what_most_programs_do_not_use_is_loaded_when_it_is_asked_for() -> None:
    loaded = "sorted({name for name in sys.modules if name in " + repr({*later().values()}) + "})"
    code = f"import sys, aiochannel; print({loaded}); from aiochannel import on_done; print({loaded})"
    assert "[]\n['aiochannel.futures']\n" == printed(code)


def test_each_is_there_at_first_and_later() -> None:
    code = "import aiochannel; print({*aiochannel.__all__} <= {*dir(aiochannel)});"
    code += "print(*[getattr(aiochannel, name) is getattr(aiochannel, name) for name in aiochannel.__all__])"
    assert ["True"] * (1 + len(aiochannel.__all__)) == printed(code).split()


@pytest.mark.parametrize("name", later())
def test_each_is_what_checkers_see(name: str) -> None:
    assert getattr(aiochannel, name) is getattr(import_module(later()[name]), name)


def test_all_of_it_has_a_name() -> None:
    assert {*later()} < {*aiochannel.__all__} < {*dir(aiochannel)}
    namespace: dict[str, object] = {}
    exec("from aiochannel import *", namespace)
    assert {*aiochannel.__all__} == namespace.keys() - {"__builtins__"}


def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match="module 'aiochannel' has no attribute 'Topic'"):
        getattr(aiochannel, "Topic")  # noqa: B009
