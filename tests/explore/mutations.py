"""Small changes of a module, made from its syntax tree: each is a fault, or changes nothing that a user can notice.

    a statement     deleted; two neighbours in the other order; a body, an `elif` or an `else` left out, or run as well
    a condition     True, False, negated, without one of its parts; with or without equality; compared with 0
    a number        one more, one less; a sum without one of its parts; an assignment in place of an addition
    an order        the other end of a queue; a list backwards
    a loop          left after its first pass
    an exception    Exception caught in place of BaseException; raised without its cause
    an argument     None in place of an optional one, 1 in place of an int

Three kinds are left out. One is what every run would notice: a variable without a value. One contains another mutant:
the negated test of an `if` contains both the test made True and the test made False. One is what a module does at its
import, but for its constants: a process that gets a mutant has imported the module before.

A mutant is named after its function and what changes there, so a change elsewhere does not rename it.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from itertools import pairwise
from types import CodeType
from typing import NamedTuple, TypeAlias, TypeGuard

from typing_extensions import override

Located: TypeAlias = ast.stmt | ast.expr | ast.excepthandler
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete)
DELETED = (*SIMPLE, ast.Return, ast.Raise, ast.Continue, ast.Break, ast.For, ast.While)
COMPARED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(), ast.NotIn: ast.In(),
}  # fmt: skip
CONTAINING = (ast.If, ast.IfExp, ast.BoolOp, ast.UnaryOp, ast.Assign, ast.Return, ast.keyword)
"""Around a condition: their own changes are contained in the condition turned round."""
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
OTHER_END = {
    "popleft": "pop", "pop": "popleft", "append": "appendleft", "appendleft": "append",
    "extend": "extendleft", "extendleft": "extend",
}  # fmt: skip
NOT_RUN = ("annotation", "returns", "decorator_list", "bases", "type_params")
PURE = ("len", "min", "max", "list", "tuple", "range", "deque", "Future", "get_running_loop", "get_ident")
"""Functions with a result and no effect."""


class Mutant(NamedTuple):
    name: str
    scope: str
    """The names of its class and function."""
    start: int
    end: int
    new: str
    lines: range
    """The lines of the statement that changes; what runs none of them cannot notice it."""
    unit: tuple[int, int]
    """Where its function begins and ends, or the module."""

    def apply(self, source: bytes) -> bytes:
        """Return the changed source; places are counted in bytes. Later functions keep their lines, if they can."""
        new, behind = self.new.encode(), source[self.unit[1] :]
        more = new.count(b"\n") - source[self.start : self.end].count(b"\n")
        if more < 0:
            behind = b"\n" * -more + behind
        elif behind.startswith(b"\n" * (more + 1)):
            behind = behind[more:]
        return source[: self.start] + new + source[self.end : self.unit[1]] + behind

    def apply_to_unit(self, source: bytes) -> bytes:
        begin, end = self.unit
        return source[begin : self.start] + self.new.encode() + source[self.end : end]


class Context(NamedTuple):
    """Where a node is."""

    scope: str = ""
    function: Function | None = None
    parameters: Mapping[str, str] = {}
    """The types of the function's parameters."""
    bound_once: Set[str] = frozenset()
    """The function's variables that one statement binds: without it every run fails."""
    statement: ast.stmt | None = None
    parent: ast.AST | None = None

    def enter(self, node: ast.AST, parent: ast.AST) -> "Context":
        if not isinstance(node, Function | ast.ClassDef):
            return self._replace(statement=node if isinstance(node, ast.stmt) else self.statement, parent=parent)
        scope = f"{self.scope}.{node.name}".lstrip(".")
        if isinstance(node, ast.ClassDef):
            return Context(scope, statement=node)
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        types = {each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation}
        bound = Counter(each.id for each in _variables(node, ast.Store))
        return Context(scope, node, types, {name for name in bound if bound[name] == 1}, node)


class Change(NamedTuple):
    words: str
    start: int
    end: int
    new: str
    statement: ast.stmt
    """The statement that runs differently."""


class Module:
    """A module's source, and its tree."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.text = source.encode()
        self.tree = ast.parse(source)
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.chains: dict[ast.AST, ast.If] = {}
        """For each `elif`, the `if` that its chain begins with."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.If) and self.is_elif(node):
                self.chains[node.orelse[0]] = self.chains.get(node, node)

    def is_elif(self, node: ast.If | ast.Try | ast.For | ast.While) -> bool:
        """Return whether what stands for the `else` of this one is an `elif`."""
        return bool(node.orelse) and self.text.startswith(b"elif", self.span(node.orelse[0])[0])

    def mutants(self) -> list[Mutant]:
        """Return all mutants; no two have one name."""
        found: list[Mutant] = []
        names: Counter[str] = Counter()
        for context, node in self.nodes(self.tree, Context()):
            if context.function is None and not _is_constant(context):
                continue
            unit = self.span(context.function) if context.function is not None else (0, len(self.text))
            for words, start, end, new, statement in self.changes(node, context):
                name = f"{self.name}:{context.scope}: {words}"
                names[name] += 1
                numbered = name if names[name] == 1 else f"{name} #{names[name]}"
                found.append(Mutant(numbered, context.scope, start, end, new, _lines(statement), unit))
        return found

    def by_hand(self, function: str, old: str, new: str) -> Mutant:
        """Return the mutant of a function with `new` at the one place that reads `old`."""
        for context, node in self.nodes(self.tree, Context()):
            if context.scope == function and node is context.function:
                start, end = self.span(node)
                text = self.text[start:end].decode()
                if text.count(old) == 1:
                    words = f"{self.name}:{function}: {old} => {new}"
                    return Mutant(words, function, start, end, text.replace(old, new), _lines(node), (start, end))
        raise ValueError(f"no one place in {self.name}:{function} reads {old!r}")

    def distinct(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Leave out what does not compile, or compiles to the code of the module or of a mutant before it."""
        seen = {(unit, _meaning(self.text[slice(*unit)])) for unit in {mutant.unit for mutant in mutants}}
        kept: list[Mutant] = []
        for mutant in mutants:
            with suppress(SyntaxError):
                meaning = mutant.unit, _meaning(mutant.apply_to_unit(self.text))
                if meaning not in seen:
                    seen.add(meaning)
                    kept.append(mutant)
        return kept

    def nodes(self, parent: ast.AST, context: Context) -> Iterator[tuple[Context, ast.AST]]:
        """Yield what runs, parents first."""
        for field in parent._fields:
            value: object = getattr(parent, field, None)
            for node in value if isinstance(value, list) else [value]:
                if isinstance(node, ast.AST) and field not in NOT_RUN and not _is_left_out(node):
                    inner = context.enter(node, parent)
                    yield inner, node
                    yield from self.nodes(node, inner)

    def changes(self, node: ast.AST, context: Context) -> Iterator[Change]:
        whole = context.statement
        assert whole is not None
        for old, new in _replacements(node, context):
            text = new if isinstance(new, str) else ast.unparse(new)
            words = f"{ast.unparse(old)} => {text}"
            if isinstance(node, ast.If):
                words = f"{_head(node)} => {text}"
            elif isinstance(old, ast.Constant | ast.Name):
                words = f"{text} for {ast.unparse(old)} in {_head(whole)}"
            yield Change(words, *self.span(old), text, whole)
        if context.function is not None and isinstance(node, ast.stmt | ast.excepthandler):
            for field in ("body", "orelse", "finalbody"):
                block = [each for each in getattr(node, field, ()) if isinstance(each, ast.stmt) and not _is_text(each)]
                if len(block) > 1 or not isinstance(node, ast.If) or node.orelse:  # or else the test is made False
                    yield from self.of_block(block, context, whole)
            yield from self.of_branches(node, whole)

    def of_block(self, block: Sequence[ast.stmt], context: Context, whole: ast.stmt) -> Iterator[Change]:
        """Delete a statement; take two in the other order."""
        assert context.function is not None
        for each in block:
            result = isinstance(each, ast.Return) and each is context.function.body[-1]
            needed = isinstance(each, SIMPLE) and context.bound_once & _names(each, ast.Store)
            if isinstance(each, DELETED) and not result and not needed:
                yield Change(f"delete {_head(each)}", *self.span(each), "pass", each)
        for first, second in pairwise(block):
            needed = context.bound_once & _names(first, ast.Store) & _names(second, ast.Load)
            if isinstance(first, SIMPLE) and isinstance(second, SIMPLE) and not needed and not _commute(first, second):
                start, end = self.span(first, second)
                between = self.text[self.span(first)[1] : self.span(second)[0]].decode()
                words = f"swap {_head(first)} and {_head(second)}"
                yield Change(words, start, end, f"{self.cut(second)}{between}{self.cut(first)}", whole)

    def of_branches(self, node: ast.AST, whole: ast.stmt) -> Iterator[Change]:
        """Leave out a body or an `else`, run both, or leave a loop after its first pass."""
        if isinstance(node, ast.For | ast.While):
            last = node.body[-1]
            new = f"{self.cut(last)}\n{' ' * last.col_offset}break"
            yield Change(f"break at the end of {_head(node)}", *self.span(last), new, whole)
        if not isinstance(node, ast.If | ast.Try | ast.For | ast.While) or not node.orelse:
            return
        before, orelse = node.handlers[-1] if isinstance(node, ast.Try) else node.body[-1], node.orelse
        start, end = self.span(orelse[0], orelse[-1])
        chain = self.chains.get(node, whole)
        if self.is_elif(node):
            yield Change(f"el{_head(orelse[0])} => if", start, start + 4, "if", chain)
            yield Change(f"no else after {_head(node)}", start, end, f"else:\n{' ' * node.col_offset}    pass", whole)
        else:
            keyword = self.text.rindex(b"else", self.span(before)[1], start)
            yield Change(f"else => if True, after {_head(node)}", keyword, keyword + 4, "if True", chain)
            yield Change(f"no else after {_head(node)}", start, end, "pass", whole)
        if isinstance(node, ast.If):
            yield Change(f"no body of {_head(node)}", *self.span(node.body[0], node.body[-1]), "pass", whole)

    def span(self, first: ast.AST, last: ast.AST | None = None) -> tuple[int, int]:
        """Return where a node begins, and where it or a later one ends."""
        last = last or first
        assert isinstance(first, Located)
        assert isinstance(last, Located)
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        return self.starts[first.lineno - 1] + first.col_offset, self.starts[last.end_lineno - 1] + last.end_col_offset

    def cut(self, node: Located) -> str:
        start, end = self.span(node)
        return self.text[start:end].decode()


def _replacements(node: ast.AST, context: Context) -> Iterator[tuple[Located, ast.AST | str]]:
    """Yield a node or a part of it, and what may stand in its place."""
    contained = isinstance(context.parent, CONTAINING)
    match node:
        case ast.If(test=test):
            yield from ((test, "True"), (test, "False"))
        case ast.Assign(value=value) | ast.Return(value=value) | ast.keyword(value=value) if _is_condition(value):
            yield from ((value, "True"), (value, "False"))
        case ast.Assign(targets=[_, _, *_] as targets, value=value):
            for place in range(len(targets)):
                yield node, ast.Assign([*targets[:place], *targets[place + 1 :]], value, lineno=0)
        case ast.Assign(targets=[ast.Attribute()], value=ast.Attribute() as value):
            yield value, "0"
        case ast.AugAssign(target=target, value=value):
            yield node, ast.Assign([target], value, lineno=0)
        case ast.Raise(exc=ast.expr() as exc, cause=ast.expr()):
            yield node, ast.Raise(exc)
        case ast.ExceptHandler(type=ast.Name(id="BaseException") as caught):
            yield caught, "Exception"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if isinstance(op, ORDERED) or not contained:
                yield node, ast.Compare(left, [COMPARED[type(op)]], [right])
            if isinstance(op, ORDERED) and not isinstance(right, ast.Constant):
                yield node, ast.Compare(left, [op], [ast.Constant(0)])
        case ast.BoolOp(op=op, values=values):
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield node, rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if not contained:
            yield node, operand
        case ast.IfExp(body=body, orelse=orelse):
            yield from ((node, body), (node, orelse))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from ((node, left), (node, right))
        case ast.BinOp(left=left, op=ast.Sub()):
            yield from ((node, left), (node, ast.BinOp(node, ast.Add(), ast.Constant(1))))
        case ast.Constant(value=bool() as truth):
            yield node, str(not truth)
        case ast.Constant(value=int() as number) if not isinstance(context.statement, ast.AugAssign):
            yield from ((node, str(number + 1)), (node, str(number - 1)))
        case ast.Attribute(attr=name) if name in OTHER_END:
            yield node, ast.Attribute(node.value, OTHER_END[name])
        case ast.Call(func=ast.Name(id="list" | "tuple")):
            yield node, f"{ast.unparse(node)}[::-1]"
        case ast.ListComp(elt=element, generators=generators):
            yield node, f"{ast.unparse(node)}[::-1]"
            if generators[0].ifs:
                bare = [ast.comprehension(each.target, each.iter, [], each.is_async) for each in generators]
                yield node, ast.ListComp(element, bare)
        case ast.Name(id=name, ctx=ast.Load()) if context.parameters.get(name, "").endswith("| None"):
            yield node, "None"
        case ast.Name(id=name, ctx=ast.Load()) if context.parameters.get(name) == "int":
            yield node, "1"
        case _:
            pass


def _meaning(source: bytes) -> object:
    """Return all that a source does, and nothing of how it is written."""

    def contents(code: CodeType) -> object:
        constants = tuple(contents(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts)
        names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
        return code.co_name, code.co_code, code.co_exceptiontable, names, constants

    return contents(compile(_Folded().visit(ast.parse(source)), "", "exec", dont_inherit=True))


class _Folded(ast.NodeTransformer):
    """Takes out `pass`, and replaces an `if True` or an `if False` by what it runs: both leave traces in code."""

    @override
    def generic_visit(self, node: ast.AST) -> ast.AST:
        needed = [field for field in ("body", "finalbody") if getattr(node, field, None)]
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                kept = [each for each in block if not isinstance(each, ast.Pass)]
                setattr(node, field, kept if kept or field not in needed else [ast.Pass(lineno=1, col_offset=0)])
        return node

    @override
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return (node.body if node.test.value else node.orelse) if isinstance(node.test, ast.Constant) else node


def _lines(statement: ast.stmt) -> range:
    assert statement.end_lineno is not None
    return range(statement.lineno, statement.end_lineno + 1)


def _head(statement: ast.stmt) -> str:
    return ast.unparse(statement).splitlines()[0].rstrip(":")


def _variables(node: ast.AST, use: type[ast.expr_context]) -> Iterator[ast.Name]:
    """Yield where a node, or anything in it, binds or reads a variable."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, use):
            yield each


def _names(node: ast.AST, use: type[ast.expr_context]) -> Set[str]:
    return {each.id for each in _variables(node, use)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(context: Context) -> bool:
    """Return whether a node outside of functions is in a constant of the module.

    A class has types there. What else a module does runs once, at its import, before a process can get a mutant.
    """
    statement = context.statement
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return not context.scope and isinstance(target, ast.Name)


def _is_condition(value: object) -> TypeGuard[ast.expr]:
    return isinstance(value, ast.Compare | ast.BoolOp) or (
        isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)
    )


def _is_left_out(node: ast.AST) -> bool:
    """Return whether a change in a node would be one of a text or of types."""
    if isinstance(node, Function):
        return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)
    call = node.value if isinstance(node, ast.Assign) else None
    return isinstance(node, ast.JoinedStr) or (isinstance(call, ast.Call) and ast.unparse(call.func) == "TypeVar")


def _commute(first: ast.stmt, second: ast.stmt) -> bool:
    """Return whether nobody can tell the order of two statements: no effects, and neither sets what the other uses."""
    used: list[set[str]] = []
    stored: list[set[str]] = []
    for statement in (first, second):
        nodes = list(ast.walk(statement))
        if isinstance(statement, ast.AnnAssign):
            nodes = [each for part in (statement.target, statement.value) if part for each in ast.walk(part)]
        places = [each for each in nodes if isinstance(each, ast.Name | ast.Attribute)]
        used.append({ast.unparse(each) for each in places})
        stored.append({ast.unparse(each) for each in places if isinstance(each.ctx, ast.Store)})
        for each in nodes:
            if isinstance(each, ast.Await | ast.Delete | ast.Subscript):
                return False
            if isinstance(each, ast.Call) and not (isinstance(each.func, ast.Name) and each.func.id in PURE):
                return False
    return not (stored[0] & used[1] or stored[1] & used[0])
