"""Which mutants are made, what they are called, and how a process gets one."""

import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from operator import attrgetter
from pathlib import Path
from textwrap import indent
from types import ModuleType

import pytest

from tests.explore.judging import PACKAGE, replace
from tests.explore.mutants import BY_HAND, EQUIVALENTS, FILES, make_faults, read_equivalents
from tests.explore.mutations import Module

ROOT = Path(__file__).parents[2]

CHANGES: list[tuple[str, list[str]]] = [
    # Statements.
    ("g()", ["delete g()"]),
    ("g()\nh()", ["delete g()", "delete h()", "swap g() and h()"]),
    ("x.a = 1\nx.b = y", ["delete x.a = 1", "delete x.b = y", "2 for 1 in x.a = 1", "0 for 1 in x.a = 1"]),
    ("local = g()\nh(local)", ["delete h(local)"]),
    ("g()\nreturn x", ["delete g()"]),
    ("raise Wrong(x) from y", ["delete raise Wrong(x) from y", "raise Wrong(x) from y => raise Wrong(x)"]),
    ("if x:\n    g()", ["if x => True", "if x => False"]),
    (
        "if x:\n    g()\nelif y:\n    h()",
        ["if x => True", "if x => False", "delete g()", "elif y => if", "no else after if x", "if y => True"],
    ),
    (
        "if x:\n    g()\nelse:\n    h()",
        ["if x => True", "if x => False", "delete g()", "delete h()", "else => if True, after if x"],
    ),
    (
        "try:\n    g()\nexcept BaseException:\n    h()\n    raise",
        ["delete g()", "delete h()", "delete raise", "Exception for BaseException in try"],
    ),
    ("try:\n    g()\nfinally:\n    h()", ["delete g()", "delete h()"]),
    ("while x:\n    g()", ["delete while x", "delete g()", "break at the end of while x"]),
    ("for each in x:\n    g()", ["delete for each in x", "delete g()", "break at the end of for each in x"]),
    # Conditions.
    ("if x < y:\n    g()", ["if x < y => True", "if x < y => False", "x < y => x <= y", "x < y => x < 0"]),
    ("if x is y:\n    g()", ["if x is y => True", "if x is y => False"]),
    ("g(x is y)\n", ["delete g(x is y)", "x is y => x is not y"]),
    ("return x == y", ["x == y => True", "x == y => False"]),
    ("return x and y", ["x and y => True", "x and y => False", "x and y => y", "x and y => x"]),
    ("return [each for each in x if not each]", [
        "[each for each in x if not each] => [each for each in x if not each][::-1]",
        "[each for each in x if not each] => [each for each in x]",
        "not each => each",
    ]),
    ("return x if y else z", ["x if y else z => x", "x if y else z => z"]),
    # Numbers.
    ("return x[0]", ["1 for 0 in return x[0]", "-1 for 0 in return x[0]"]),
    ("return True", ["False for True in return True"]),
    ("return x + y", ["x + y => x", "x + y => y"]),
    ("return x - y", ["x - y => x", "x - y => x - y + 1"]),
    ("x.a += 1", ["delete x.a += 1", "x.a += 1 => x.a = 1"]),
    ("x.a = x.b = y", ["delete x.a = x.b = y", "x.a = x.b = y => x.b = y", "x.a = x.b = y => x.a = y"]),
    ("x.a = y.b", ["delete x.a = y.b", "y.b => 0"]),
    # Orders.
    ("return x.popleft()", ["x.popleft => x.pop"]),
    ("return list(x)", ["list(x) => list(x)[::-1]"]),
    # Texts and types.
    ('"""Say what it does."""\ny: int\nreturn f"{x + 1}"', []),
]  # fmt: skip


def module(body: str, parameters: str = "") -> Module:
    return Module("m.py", f"def f({parameters}):\n{indent(body, '    ')}\n")


def words(made: Module) -> list[str]:
    return [mutant.name.removeprefix("m.py:f: ") for mutant in made.distinct(made.mutants())]


@pytest.mark.parametrize(("body", "expected"), CHANGES, ids=[body for body, _ in CHANGES])
def test_every_kind_of_change(body: str, expected: list[str]) -> None:
    assert sorted(expected) == sorted(words(module(body)))


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [("a: int", ["1 for a in return g(a)"]), ("a: X | None", ["None for a in return g(a)"]), ("a: X", [])],
)
def test_an_argument_is_replaced_by_its_type(parameter: str, expected: list[str]) -> None:
    assert expected == words(module("return g(a)", parameter))


def test_a_mutant_is_the_source_with_one_change() -> None:
    made = module("a.ä = g(x)  # why\nreturn x - y")
    (changed,) = [mutant.apply(made.text).decode() for mutant in made.mutants() if mutant.name.endswith("=> x")]
    assert "def f():\n    a.ä = g(x)  # why\n    return x\n" == changed


@pytest.mark.parametrize("body", ["g(\n    x\n)\nh(y)", "for each in x:\n    g()", "if x:\n    g()\nelif y:\n    h()"])
def test_later_functions_keep_their_lines(body: str) -> None:
    made = Module("m.py", f"def f():\n{indent(body, '    ')}\n\n\ndef later():\n    pass\n")
    line = made.text.decode().splitlines().index("def later():")
    for mutant in made.mutants():
        assert line == mutant.apply(made.text).decode().splitlines().index("def later():"), mutant.name


def test_a_branch_that_is_run_as_well_changes_its_whole_chain() -> None:
    made = module("if x:\n    g()\nelif y:\n    h()\nelif z:\n    i()\nelse:\n    j()")
    lines = {mutant.name.removeprefix("m.py:f: "): mutant.lines for mutant in made.mutants()}
    assert range(2, 10) == lines["else => if True, after if z"] == lines["elif z => if"] == lines["elif y => if"]
    assert range(6, 10) == lines["if z => True"]


def test_equal_changes_of_a_function_are_numbered() -> None:
    assert {"delete g()", "delete g() #2"} <= set(words(module("g()\nh()\ng()")))


def test_a_name_stays_when_something_else_changes() -> None:
    before = module("if x < y:\n    g()")
    after = module("h()\nif x < y:\n    # Why.\n    g()")
    assert set(words(before)) < set(words(after))


def test_a_name_has_the_class_and_the_module() -> None:
    made = Module("a/m.py", "class A:\n    def f(self):\n        g()\n")
    assert ["a/m.py:A.f: delete g()"] == [mutant.name for mutant in made.mutants()]


def test_types_are_left_alone() -> None:
    variable = "T = TypeVar('T', covariant=True)\n"
    classes = "class A(Generic[T]):\n    x: Literal[1] = 1\n"
    overloads = "@overload\ndef f(x: int = 0) -> T: ...\n"
    assert not Module("m.py", variable + classes + overloads).mutants()


def test_a_constant_of_a_module_is_changed() -> None:
    assert ["m.py:: 4 for 3 in N = 3", "m.py:: 2 for 3 in N = 3"] == [
        each.name for each in Module("m.py", "N = 3").mutants()
    ]


def test_what_a_module_does_once_at_its_import_is_left_alone() -> None:
    assert not Module("m.py", "if hasattr(os, 'x'):\n    os.x(1)\nshort.most = 100\n").mutants()


def test_a_change_by_hand_names_one_place() -> None:
    made = module("g(x)\nh(x)")
    mutant = made.by_hand("f", "g(x)", "g(y)")
    assert ("m.py:f: g(x) => g(y)", "def f():\n    g(y)\n    h(x)\n") == (mutant.name, mutant.apply(made.text).decode())
    for wrong in ("(x)", "k(x)"):
        with pytest.raises(ValueError, match="no one place"):
            made.by_hand("f", wrong, "")


# The lists.


def test_equivalents_have_a_name_and_a_reason() -> None:
    assert {"m.py:f: x => y": "why"} == read_equivalents("# A comment.\n\nm.py:f: x => y  # why\n")


@pytest.mark.parametrize("text", ["m.py:f: x => y", "m.py:f: x => y  # ", "a  # why\na  # why"])
def test_a_wrong_list_of_equivalents_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not `name  # reason`"):
        read_equivalents(text)


def test_every_file_pattern_has_mutants_and_every_equivalent_is_one() -> None:
    faults, names = make_faults(PACKAGE, FILES, BY_HAND)
    assert FILES == [pattern for pattern in FILES if any(Path(fault.module).match(pattern) for fault in faults)]
    assert set() == set(read_equivalents(EQUIVALENTS.read_text(encoding="utf-8"))) - names


# Processes.

SOURCE = """
N = 1
class A:
    def method(self): return "old"
    @property
    def shown(self): return "old"
    @classmethod
    def made(cls): return "old"
    def text(self): return super().__repr__() and "old"
    def default(self, word="old"): return word
def function(): return "old"
a = A()
"""


@pytest.mark.parametrize("path", ["a.method", "a.made", "a.text", "a.default", "function"])
def test_a_function_is_changed_and_no_other(path: str) -> None:
    made = ModuleType("made")
    exec(SOURCE, made.__dict__)
    replace(made, path.replace("a.", "A."), SOURCE.replace("super().__repr__() and", "").replace("old", "new"))
    assert ("new", "old") == (attrgetter(path)(made)(), made.a.shown)


def test_a_property_is_changed() -> None:
    made = ModuleType("made")
    exec(SOURCE, made.__dict__)
    replace(made, "A.shown", SOURCE.replace("old", "new"))
    assert ("new", "old") == (made.a.shown, made.a.method())


def test_a_function_that_a_test_has_wrapped_is_changed_and_stays_wrapped() -> None:
    made = ModuleType("made")
    exec(SOURCE, made.__dict__)
    function: Callable[[], str] = made.function
    vars(made)["function"] = wraps(function)(lambda: f"wrapped {function()}")
    replace(made, "function", SOURCE.replace("old", "new"))
    assert "wrapped new" == made.function()


def test_a_function_that_was_imported_is_changed() -> None:
    made = ModuleType("made")
    exec(SOURCE, made.__dict__)
    imported = made.function
    replace(made, "function", SOURCE.replace("old", "new"))
    assert "new" == imported()


def test_a_changed_function_is_of_the_file_of_its_module() -> None:
    """Tests look there at the code that runs. In a process of its own, since it stays changed."""
    script = (
        "import aiochannel.channel as m; from pathlib import Path; from tests.explore.judging import replace;"
        "replace(m, 'Channel.get', Path(m.__file__).read_text().replace('popleft', 'pop'));"
        "code = m.Channel.get.__code__; print(code.co_filename == m.__file__, 'pop' in code.co_names)"
    )
    assert "True True\n" == run(script)


def test_a_constant_is_changed_wherever_the_package_has_it() -> None:
    """In a process of its own, since it stays changed."""
    script = (
        "import aiochannel, aiochannel.selection as m; from tests.explore.judging import replace;"
        "m.N = aiochannel.N = 1000; replace(m, '', 'N = 1001'); print(m.N, aiochannel.N)"
    )
    assert "1001 1001\n" == run(script)


def test_a_table_gets_its_new_values_for_its_own_keys() -> None:
    text = "class Key: pass\nTABLE = {Key: 1}\n"
    made = ModuleType("made")
    exec(text, made.__dict__)
    replace(made, "", text.replace("1", "2"))
    assert {made.Key: 2} == made.TABLE


def test_every_call_in_a_fork_comes_to_an_end() -> None:
    script = """
from tests.explore.judging import allow, run_all
def hang():
    allow(0.1, on_the_clock=10)
    while True: pass
def wrong(): raise ValueError("why")
calls = [("hangs", hang), ("raises", wrong), ("returns", lambda: "a word" * 100_000), ("grows", lambda: "x" * 2**40)]
for name, result in sorted(run_all(calls, 2)): print(name, len(result), result.partition(":")[0][:20])
"""
    expected = [
        "grows 20 raises MemoryError",
        "hangs 5 hangs",
        "raises 22 raises ValueError",
        "returns 600000 a worda worda worda ",
    ]
    assert expected == run(script).splitlines()


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
