"""Mutants of a module for `checks.mutation`: one small fault each.

A mutant is identified by its module, its function, the kind of change and the text of the expression before and after,
not by a line number. So a list of explained survivors remains valid after edits elsewhere. Not changed are docstrings,
annotations, decorators, strings, `__repr__`, `__all__`, raised exceptions, and the `strict` of `zip`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

__all__ = ["Mutant", "MutatedModule"]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_DROPPED_RIGHT = (ast.Add, ast.Sub, ast.Pow)
_PAIRS = ("min max", "minimum maximum", "any all", "upper lower", "upper_float lower_float", "floor ceil")
_FUNCTIONS = {name: other for pair in _PAIRS for name, other in (tuple(pair.split()), tuple(reversed(pair.split())))}
_LONGEST_TEXT = 100
_CONTEXT = 40


@dataclass(frozen=True)
class Mutant:
    """One change; `first` and `last` are the lines of the statement, which do not identify it."""

    module: str
    function: str
    kind: str
    change: str
    first: int
    last: int
    number: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the mutant."""
        return self.module, self.function, f"{self.kind}: {self.change}"


@dataclass(frozen=True)
class _Place:
    """Position of a node in its parent."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


class MutatedModule:
    """The source of a module and all its mutants.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "toy.py")
    ...     _ = path.write_text("LIMIT = size < 3\\n")
    ...     [mutant.change for mutant in MutatedModule(path).mutants]
    ['size < 3 => size <= 3', 'size < 3 => size < 4', 'size < 3 => size < 2']
    """

    def __init__(self, path: Path):
        self.path = path
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._places: dict[ast.AST, _Place] = {}
        self._changes: list[tuple[ast.AST, ast.AST]] = []
        self.mutants: list[Mutant] = []
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._visit_children(self._tree, "<module>", None)

    def code(self, mutant: Mutant | None) -> Any:
        """The compiled module with one change, or unchanged."""
        if mutant is None:
            return compile(self._tree, str(self.path), "exec", dont_inherit=True)
        node, replacement = self._changes[mutant.number]
        self._places[node].put(_located(replacement, node))
        try:
            return compile(self._tree, str(self.path), "exec", dont_inherit=True)
        finally:
            self._places[node].put(node)

    def _visit_children(self, node: ast.AST, function: str, returns: str | None) -> None:
        for field, value in ast.iter_fields(node):
            if _is_left_alone(node, field):
                continue
            children = enumerate(value) if isinstance(value, list) else [(None, value)]
            for index, child in children:
                if isinstance(child, ast.AST):
                    self._places[child] = _Place(node, field, index)
                    self._visit(child, function, returns)

    def _visit(self, node: ast.AST, function: str, returns: str | None) -> None:
        if _is_skipped(node):
            return
        for kind, replacement in _replacements(node, returns):
            self._add(function, kind, node, replacement)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = node.name if function == "<module>" else f"{function}.{node.name}"
            returns = ast.unparse(node.returns) if isinstance(node, ast.FunctionDef) and node.returns else None
        self._visit_children(node, function, returns)

    def _add(self, function: str, kind: str, node: ast.AST, replacement: ast.AST) -> None:
        shown = self._shown(node)
        before = _text(shown)
        self._places[node].put(replacement)
        after = _text(replacement if shown is node else shown)
        self._places[node].put(node)
        change = _difference(before, after)
        if isinstance(node, ast.BoolOp) and kind == "drop condition":
            kept = replacement.values if isinstance(replacement, ast.BoolOp) else [replacement]
            change = next(_text(value) for value in node.values if value not in kept)
        key = (function, kind, change)
        self._seen[key] += 1
        if self._seen[key] > 1:
            change += f" #{self._seen[key]}"
        first, last = self._lines(node)
        self.mutants.append(Mutant(self.path.stem, function, kind, change, first, last, len(self._changes)))
        self._changes.append((node, replacement))

    def _shown(self, node: ast.AST) -> ast.AST:
        """The smallest expression or statement around a node whose text identifies the place."""
        while (isinstance(node, ast.Constant | ast.Name | ast.UnaryOp) or len(_text(node)) < 8) and not isinstance(
            node, ast.stmt
        ):
            parent = self._places[node].parent
            if not isinstance(parent, ast.expr | ast.keyword | ast.Slice | ast.Assign | ast.AnnAssign | ast.Return):
                break
            node = parent
        return node

    def _lines(self, node: ast.AST) -> tuple[int, int]:
        while not isinstance(node, ast.stmt):
            node = self._places[node].parent
        body = getattr(node, "body", None)
        last = node.end_lineno or node.lineno
        return node.lineno, max(node.lineno, body[0].lineno - 1) if body else last


def _is_left_alone(node: ast.AST, field: str) -> bool:
    match node:
        case ast.Raise():
            return True
        case ast.Subscript(slice=ast.Constant()):
            return field == "slice"  # the subscript itself is changed
    return field in ("annotation", "returns", "decorator_list", "bases")


def _is_skipped(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef():
            overloaded = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
            return node.name == "__repr__" or overloaded
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.keyword(arg="strict") | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
    return False


def _replacements(node: ast.AST, returns: str | None) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Subscript(value, ast.Constant(value=int(index))):
            yield "constant", ast.Subscript(value, ast.Constant(index - 1 if index > 0 else index + 1), node.ctx)
        case ast.Constant(value=int(value)):
            yield from (("constant", ast.Constant(value + step)) for step in (1, -1))
        case ast.Constant(value=float(value)):
            yield from (("constant", ast.Constant(other)) for other in ((2 * value, value / 2) if value else (1.0,)))
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                ops = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
                yield "comparison", ast.Compare(node.left, ops, node.comparators)
        case ast.BinOp(left, operator, right):
            if type(operator) in _OPERATORS:
                yield "operator", ast.BinOp(left, _OPERATORS[type(operator)](), right)
            if isinstance(operator, _DROPPED_RIGHT):
                yield "drop term", left
            if isinstance(operator, ast.Add):
                yield "drop term", right
        case ast.BoolOp(operator, values):
            yield "logic", ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for index in range(len(values)):
                kept = [*values[:index], *values[index + 1 :]]
                yield "drop condition", ast.BoolOp(operator, kept) if len(kept) > 1 else kept[0]
        case ast.UnaryOp(ast.Not(), operand):
            yield "not", operand
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield "sign", operand
        case ast.IfExp(_, body, other):
            yield from (("choice", chosen) for chosen in (body, other))
        case ast.comprehension(target, iterable, conditions, is_async) if conditions:
            yield "drop condition", ast.comprehension(target, iterable, [], is_async)
        case ast.Call():
            yield from _calls(node)
        case _:
            yield from _statements(node, returns)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
    if name in _FUNCTIONS:
        other = _FUNCTIONS[name]
        swapped = (
            ast.Attribute(node.func.value, other, ast.Load())
            if isinstance(node.func, ast.Attribute)
            else ast.Name(other, ast.Load())
        )
        yield "function", ast.Call(swapped, node.args, node.keywords)
    if name == "abs":
        yield "function", node.args[0]
    if name == "nextafter":
        towards = node.args[1]
        infinity = ast.Attribute(ast.Name("math", ast.Load()), "inf", ast.Load())
        zero = isinstance(towards, ast.Constant)
        yield (
            "direction",
            ast.Call(node.func, [node.args[0], infinity if zero else ast.UnaryOp(ast.USub(), towards)], []),
        )


def _statements(node: ast.AST, returns: str | None) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Return(value=ast.expr()) if returns == "bool" and not isinstance(node.value, ast.Constant):
            yield from (("return", ast.Return(ast.Constant(value))) for value in (True, False))
        case ast.If(body=[ast.Raise() | ast.Return() | ast.Continue()], orelse=[]):
            yield "drop guard", ast.Pass()
        case ast.AugAssign(target, operator, value):
            yield "drop term", ast.Pass()
            if type(operator) in _OPERATORS:
                yield "operator", ast.AugAssign(target, _OPERATORS[type(operator)](), value)
        case ast.Expr(value=ast.Call()):
            yield "drop statement", ast.Pass()


def _located(replacement: ast.AST, node: ast.AST) -> ast.AST:
    """The replacement, with a position for every part without one."""
    for part in ast.walk(replacement):
        if isinstance(part, ast.expr | ast.stmt | ast.keyword) and not hasattr(part, "lineno"):
            place = node if hasattr(node, "lineno") else getattr(node, "target", node)  # a comprehension has none
            ast.copy_location(part, place)
    return replacement


def _text(node: ast.AST) -> str:
    return f"if {ast.unparse(node.test)}" if isinstance(node, ast.If) else " ".join(ast.unparse(node).split())


def _difference(before: str, after: str) -> str:
    """Both texts; long texts are shortened to the neighbourhood of the change."""
    if len(before) <= _LONGEST_TEXT:
        return f"{before} => {after}"
    same = _common(before, after)
    rest = _common(before[same:][::-1], after[same:][::-1])
    left, right = before[:same], before[len(before) - rest :]
    left = left if len(left) <= _CONTEXT else "…" + left[-_CONTEXT:]
    right = right if len(right) <= _CONTEXT else right[:_CONTEXT] + "…"
    old, new = (text[same : len(text) - rest] for text in (before, after))
    return f"{left}{{{old} => {new}}}{right}"


def _common(first: str, second: str) -> int:
    """Length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
