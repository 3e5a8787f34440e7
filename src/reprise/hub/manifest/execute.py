"""What statements do to the names of their scope."""

import ast
from collections.abc import Callable, Sequence

from reprise.hub.manifest.branches import run_alternatives, run_loop
from reprise.hub.manifest.calls import announce_subclass, class_keywords, decorate
from reprise.hub.manifest.engine import Engine, Run
from reprise.hub.manifest.evaluate import combine, defaults_of
from reprise.hub.manifest.imports import import_from, import_plain
from reprise.hub.manifest.items import get_item, iterate, update
from reprise.hub.manifest.patterns import add_paths, store
from reprise.hub.manifest.scan import FunctionNode, never_runs
from reprise.hub.manifest.values import (
    MAYBE,
    MISSING,
    Class,
    External,
    Frame,
    Function,
    Instance,
    Items,
    Namespace,
    Table,
    Value,
    truth,
)

# Part of a problem that should never occur; the fuzz tests look for it.
NOT_FOLLOWED = "cannot be followed"


def run(engine: Engine, body: Sequence[ast.stmt], frame: Frame) -> Run:
    """Read statements in order; True when control never gets past them."""
    for node in body:
        if frame is not frame.module.frame and not engine.afford():
            return True
        try:
            simple = _SIMPLE.get(type(node))
            if simple is not None:
                simple(engine, node, frame)
                continue
            if isinstance(node, ast.Return):
                _return(engine, node, frame)
            compound = _COMPOUND.get(type(node))
            ends = (yield from compound(engine, node, frame)) if compound else _ends(node)
        except RecursionError:
            engine.note(frame.module, node.lineno, "nested too deeply to be read")
            continue
        except Exception as error:  # noqa: BLE001 - a bug of ours costs one statement, not the repo
            engine.note(frame.module, node.lineno, f"{NOT_FOLLOWED} ({type(error).__name__})")
            continue
        if ends:
            return True
    return False


def _function(engine: Engine, node: FunctionNode, frame: Frame) -> None:
    scan = frame.module.scan
    doc = scan.docs[node] if scan and node in scan.docs else ast.get_docstring(node, clean=False)
    outer = frame
    while outer.is_class and outer.outer is not None:
        outer = outer.outer
    nested = outer is not frame.module.frame and not outer.is_class
    made = Function(node.name, node, frame.module, outer if nested else None, doc)
    made.defaults.update(defaults_of(engine, node.args, frame))
    frame.bind(node.name, _decorated(engine, node, made, frame))


def _decorated(
    engine: Engine, node: FunctionNode | ast.ClassDef, made: Value, frame: Frame
) -> Value:
    for item in reversed(node.decorator_list):
        made = decorate(engine, engine.evaluate(item, frame), made, frame)
    return made


def _class(engine: Engine, node: ast.ClassDef, frame: Frame) -> Run:
    bases = tuple(engine.evaluate(base, frame) for base in node.bases)
    names: dict[str, Value] = {}
    made = Class(node.name, node, frame.module, bases, ast.get_docstring(node, clean=False), names)
    inner = Frame(frame.module, names, outer=frame, is_class=True)
    yield from engine.run(node.body, inner)
    if isinstance(names.get("__doc__"), str):
        made.doc = names["__doc__"]
    announce_subclass(engine, made, class_keywords(engine, node, frame))
    decorators = [engine.evaluate(item, frame) for item in node.decorator_list]
    made.decorators = tuple(decorators)
    value: Value = made
    for decorator in reversed(decorators):
        value = decorate(engine, decorator, value, frame)
    frame.bind(node.name, value)
    return False


def _assign(engine: Engine, node: ast.Assign, frame: Frame) -> None:
    value = engine.evaluate(node.value, frame)
    for target in node.targets:
        store(engine, target, value, frame)


def _annotated(engine: Engine, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        store(engine, node.target, engine.evaluate(node.value, frame), frame)


def _augmented(engine: Engine, node: ast.AugAssign, frame: Frame) -> None:
    value = engine.evaluate(node.value, frame)
    before = engine.evaluate(node.target, frame)
    if before == External("sys.path"):
        add_paths(engine, value)
    elif isinstance(before, Items) and isinstance(node.op, ast.Add):
        more, is_open = iterate(engine, value)
        before.values.extend(more)
        before.open |= is_open
    elif isinstance(before, Table | Namespace) and isinstance(node.op, ast.BitOr):
        update(engine, before, value)
    else:
        store(engine, node.target, combine(engine, type(node.op), before, value), frame)


def _expression(engine: Engine, node: ast.Expr, frame: Frame) -> None:
    engine.evaluate(node.value, frame)


def _import(engine: Engine, node: ast.Import, frame: Frame) -> Run:
    for alias in node.names:
        yield from import_plain(engine, node, alias, frame)
    return False


def _import_from(engine: Engine, node: ast.ImportFrom, frame: Frame) -> Run:
    yield from import_from(engine, node, frame)
    return False


def _if(engine: Engine, node: ast.If, frame: Frame) -> Run:
    # `elif` chains nest: walk down them instead of recursing.
    while True:
        known = False if never_runs(node.test) else truth(engine.evaluate(node.test, frame))
        if known is True:
            return (yield from engine.run(node.body, frame))
        if known is None:
            return (yield from run_alternatives(engine, [node.body, node.orelse], frame))
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]
            continue
        return (yield from engine.run(node.orelse, frame))


def _try(engine: Engine, node: ast.Try, frame: Frame) -> Run:
    engine.trying += 1
    try:
        blocks = [[*node.body, *node.orelse], *(handler.body for handler in node.handlers)]
        ends = yield from run_alternatives(engine, blocks, frame, first_is_likely=True)
    finally:
        engine.trying -= 1
    return (yield from engine.run(node.finalbody, frame)) or ends


def _for(engine: Engine, node: ast.For, frame: Frame) -> Run:
    known, is_open = iterate(engine, engine.evaluate(node.iter, frame))
    values = [*known, MAYBE] if is_open else known
    yield from run_loop(engine, node, values, frame)
    return (yield from engine.run(node.orelse, frame))


def _while(engine: Engine, node: ast.While, frame: Frame) -> Run:
    if truth(engine.evaluate(node.test, frame)) is not False:
        engine.loops += 1
        try:
            yield from engine.run(node.body, frame)
        finally:
            engine.loops -= 1
    return False


def _with(engine: Engine, node: ast.With, frame: Frame) -> Run:
    for item in node.items:
        value = engine.evaluate(item.context_expr, frame)
        entered: Value = value
        if isinstance(value, Instance):
            enter = engine.attribute(value, "__enter__")
            entered = engine.call(enter, [], {}, frame) if enter is not MISSING else MAYBE
        if item.optional_vars is not None:
            store(engine, item.optional_vars, entered, frame)
    return (yield from engine.run(node.body, frame))


def _match(engine: Engine, node: ast.Match, frame: Frame) -> Run:
    blocks = [case.body for case in node.cases]
    return (yield from run_alternatives(engine, [*blocks, []], frame))


def _return(engine: Engine, node: ast.Return, frame: Frame) -> None:
    value = None if node.value is None else engine.evaluate(node.value, frame)
    frame.results.append(value)


def _ends(node: ast.stmt) -> bool:
    return isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue)


def _delete(engine: Engine, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            frame.names.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            where = engine.evaluate(target.value, frame)
            key = engine.evaluate(target.slice, frame)
            if isinstance(where, Namespace) and isinstance(key, str):
                where.of.names.pop(key, None)
            elif isinstance(where, Table) and get_item(engine, where, key) is not MAYBE:
                where.values.pop(key, None)


def _global(_engine: Engine, node: ast.Global, frame: Frame) -> None:
    frame.globals.update(node.names)


_SIMPLE: dict[type[ast.stmt], Callable[..., None]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.Delete: _delete,
    ast.Global: _global,
}
# Statements that may ask for modules or end their block.
_COMPOUND: dict[type[ast.stmt], Callable[..., Run]] = {
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.If: _if,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.For: _for,
    ast.While: _while,
    ast.With: _with,
    ast.Match: _match,
}
