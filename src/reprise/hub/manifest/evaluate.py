"""What an expression stands for."""

import ast
import builtins
import operator
import os
from collections.abc import Callable

from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.items import contains, entries_of, get_item, iterate
from reprise.hub.manifest.methods import limited
from reprise.hub.manifest.patterns import comprehension, store
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    MISSING,
    Class,
    External,
    FilePath,
    Frame,
    Function,
    Instance,
    Items,
    Table,
    Value,
    is_constant,
    settle,
    truth,
)

_BUILTINS = frozenset(dir(builtins))
_MAX_NUMBER = 2**63
_COMPARE: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def evaluate(engine: Engine, node: ast.expr, frame: Frame) -> Value:
    """Return what an expression stands for; DATA or MAYBE when that cannot be known."""
    kind = _KINDS.get(type(node))
    return kind(engine, node, frame) if kind else DATA


def _constant(_engine: Engine, node: ast.Constant, _frame: Frame) -> Value:
    return node.value


def _name(_engine: Engine, node: ast.Name, frame: Frame) -> Value:
    found = frame.lookup(node.id)
    if found is not MISSING:
        return settle(found)
    if node.id in _BUILTINS:
        return External(f"builtins.{node.id}")
    return MAYBE


def _attribute(engine: Engine, node: ast.Attribute, frame: Frame) -> Value:
    found = engine.attribute(engine.evaluate(node.value, frame), node.attr)
    return MAYBE if found is MISSING else settle(found)


def _call(engine: Engine, node: ast.Call, frame: Frame) -> Value:
    function = engine.evaluate(node.func, frame)
    args: list[Value] = []
    for item in node.args:
        if isinstance(item, ast.Starred):
            args.extend(iterate(engine, engine.evaluate(item.value, frame))[0])
        else:
            args.append(engine.evaluate(item, frame))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = engine.evaluate(keyword.value, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        else:
            known = entries_of(engine, value)[0]
            keywords.update({key: item for key, item in known if isinstance(key, str)})
    return engine.call(function, args, keywords, frame)


def _subscript(engine: Engine, node: ast.Subscript, frame: Frame) -> Value:
    value = engine.evaluate(node.value, frame)
    if isinstance(node.slice, ast.Slice):
        return _slice(engine, value, node.slice, frame)
    if isinstance(value, Class):
        return value  # Generic[T]
    return get_item(engine, value, engine.evaluate(node.slice, frame))


def _slice(engine: Engine, value: Value, node: ast.Slice, frame: Frame) -> Value:
    bounds = [
        None if part is None else engine.evaluate(part, frame)
        for part in (node.lower, node.upper, node.step)
    ]
    if not all(isinstance(bound, int | type(None)) for bound in bounds) or bounds[2] == 0:
        return DATA
    if isinstance(value, str):
        return value[slice(*bounds)]
    if isinstance(value, Items):
        return Items(value.values[slice(*bounds)], value.kind, value.open)
    return DATA


def _sequence(engine: Engine, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Items:
    kind = "tuple" if isinstance(node, ast.Tuple) else "list"
    made = Items([], kind)
    for item in node.elts:
        if isinstance(item, ast.Starred):
            more, is_open = iterate(engine, engine.evaluate(item.value, frame))
            made.values.extend(more)
            made.open |= is_open
        else:
            made.values.append(engine.evaluate(item, frame))
    return made


def _dict(engine: Engine, node: ast.Dict, frame: Frame) -> Table:
    made = Table()
    for key, item in zip(node.keys, node.values, strict=True):
        value = engine.evaluate(item, frame)
        if key is None:
            known, is_open = entries_of(engine, value)
            made.values.update(known)
            made.open |= is_open
            continue
        name = engine.evaluate(key, frame)
        if is_constant(name) or isinstance(name, External | Class | Function):
            made.values[name] = value
        else:
            made.open = True
    return made


def _joined(engine: Engine, node: ast.JoinedStr, frame: Frame) -> Value:
    parts: list[str] = []
    for item in node.values:
        if isinstance(item, ast.FormattedValue):
            value = engine.evaluate(item.value, frame)
            if item.format_spec is not None or not isinstance(value, str | int | FilePath):
                return DATA
            parts.append(value.text if isinstance(value, FilePath) else str(value))
        else:
            parts.append(str(engine.evaluate(item, frame)))
    return limited("".join(parts))


def _binary(engine: Engine, node: ast.BinOp, frame: Frame) -> Value:
    left = engine.evaluate(node.left, frame)
    return combine(engine, type(node.op), left, engine.evaluate(node.right, frame))


def combine(engine: Engine, sign: type[ast.operator], left: Value, right: Value) -> Value:
    """Return what a binary operator gives."""
    if sign is ast.Div and isinstance(left, FilePath | str) and isinstance(right, FilePath | str):
        parts = [side.text if isinstance(side, FilePath) else side for side in (left, right)]
        return FilePath(os.path.normpath(os.path.join(*parts)))  # noqa: PTH118 - no IO
    if isinstance(left, str) and isinstance(right, str):
        return limited(left + right) if sign is ast.Add else DATA
    if isinstance(left, Items) and isinstance(right, Items) and sign in {ast.Add, ast.BitOr}:
        engine.afford(len(left.values) + len(right.values))
        values = iterate(engine, Items([*left.values, *right.values]))[0]
        return Items(values, left.kind, left.open or right.open)
    if sign is ast.BitOr and isinstance(left, Table):
        known, is_open = entries_of(engine, right)
        return Table({**left.values, **dict(known)}, left.open or is_open)
    if _is_number(left) and _is_number(right) and sign in _ARITHMETIC:
        return _number(_ARITHMETIC[sign], left, right)
    return DATA


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and abs(value) < _MAX_NUMBER


def _number(sign: Callable[[Value, Value], Value], left: Value, right: Value) -> Value:
    try:
        result = sign(left, right)
    except (ArithmeticError, ValueError):
        return DATA
    return result if _is_number(result) else DATA


def _boolean(engine: Engine, node: ast.BoolOp, frame: Frame) -> Value:
    decides = isinstance(node.op, ast.Or)
    value: Value = DATA
    for item in node.values:
        value = engine.evaluate(item, frame)
        known = truth(value)
        if known is decides:
            return value
        if known is None:
            return MAYBE if item is not node.values[-1] else value
    return value


def _unary(engine: Engine, node: ast.UnaryOp, frame: Frame) -> Value:
    value = engine.evaluate(node.operand, frame)
    if isinstance(node.op, ast.Not):
        known = truth(value)
        return DATA if known is None else not known
    if isinstance(node.op, ast.USub) and isinstance(value, int | float):
        return -value
    return DATA


def _compare(engine: Engine, node: ast.Compare, frame: Frame) -> Value:
    left = engine.evaluate(node.left, frame)
    result: Value = DATA
    for sign, item in zip(node.ops, node.comparators, strict=True):
        right = engine.evaluate(item, frame)
        result = _compare_one(engine, type(sign), left, right)
        if result is not True:
            return result
        left = right
    return result


def _compare_one(engine: Engine, sign: type[ast.cmpop], left: Value, right: Value) -> Value:
    if sign in {ast.In, ast.NotIn}:
        known = contains(engine, right, left)
        return DATA if known is None else known is (sign is ast.In)
    if sign in {ast.Is, ast.IsNot}:
        known = _same(left, right)
        return DATA if known is None else known is (sign is ast.Is)
    sides = [tuple(s.values) if isinstance(s, Items) and not s.open else s for s in (left, right)]
    if not all(is_constant(s) or isinstance(s, tuple) for s in sides):
        return DATA
    try:
        return bool(_COMPARE[sign](*sides))
    except TypeError:
        return DATA


def _same(left: Value, right: Value) -> bool | None:
    if right is None or left is None:
        other = left if right is None else right
        if other is None:
            return True
        known = is_constant(other) or truth(other) is not None or isinstance(other, Instance)
        return False if known else None
    return None


def _choice(engine: Engine, node: ast.IfExp, frame: Frame) -> Value:
    known = truth(engine.evaluate(node.test, frame))
    if known is not None:
        return engine.evaluate(node.body if known else node.orelse, frame)
    first = engine.evaluate(node.body, frame)
    second = engine.evaluate(node.orelse, frame)
    return first if first is second else MAYBE


def _lambda(engine: Engine, node: ast.Lambda, frame: Frame) -> Function:
    outer = None if frame is frame.module.frame else frame
    made = Function("<lambda>", node, frame.module, outer)
    made.defaults.update(defaults_of(engine, node.args, frame))
    return made


def defaults_of(engine: Engine, spec: ast.arguments, frame: Frame) -> dict[int, Value]:
    """Return the values of the defaults that are not plain constants, by their nodes' id."""
    return {
        id(default): engine.evaluate(default, frame)
        for default in (*spec.defaults, *spec.kw_defaults)
        if default is not None and not isinstance(default, ast.Constant)
    }


def _walrus(engine: Engine, node: ast.NamedExpr, frame: Frame) -> Value:
    value = engine.evaluate(node.value, frame)
    store(engine, node.target, value, frame)
    return value


def _maybe(_engine: Engine, _node: ast.expr, _frame: Frame) -> Value:
    return MAYBE


_KINDS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.JoinedStr: _joined,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.DictComp: comprehension,
    ast.Await: _maybe,
    ast.Yield: _maybe,
    ast.YieldFrom: _maybe,
}
