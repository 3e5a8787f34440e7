"""Assignment targets and comprehensions."""

import ast
import os

from reprise.hub.manifest.attributes import set_attribute
from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.items import MAX_ITEMS, get_item, is_key, iterate, set_item
from reprise.hub.manifest.values import (
    External,
    FilePath,
    Frame,
    Items,
    Module,
    Table,
    Value,
    truth,
)


def store(engine: Engine, target: ast.expr, value: Value, frame: Frame) -> None:
    """Bind what an assignment, a loop or a `with` binds."""
    if isinstance(target, ast.Name):
        frame.bind(target.id, value)
    elif isinstance(target, ast.Attribute):
        _store_attribute(engine, target, value, frame)
    elif isinstance(target, ast.Subscript):
        where = engine.evaluate(target.value, frame)
        set_item(engine, where, engine.evaluate(target.slice, frame), value)
    elif isinstance(target, ast.Starred):
        store(engine, target.value, Items([], open=True), frame)
    elif isinstance(target, ast.Tuple | ast.List):
        for place, item in enumerate(target.elts):
            store(engine, item, get_item(engine, value, place), frame)


def add_paths(engine: Engine, value: Value) -> None:
    """Search the repo's folders among `value` for modules too."""
    for item in iterate(engine, value)[0]:
        add_path(engine, item)


def add_path(engine: Engine, value: Value) -> None:
    """Search one more folder of the repo for modules."""
    engine.flags.add("path-edits")
    text = value.text if isinstance(value, FilePath) else value
    if not isinstance(text, str):
        return
    text = os.path.normpath(text)
    if engine.tree.holds(text) and text not in engine.roots:
        engine.roots.append(text)


def comprehension(
    engine: Engine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    frame: Frame,
) -> Items | Table:
    """Return what a comprehension gives, as far as its sources and conditions are known."""
    inner = Frame(frame.module, {}, outer=frame)
    if isinstance(node, ast.DictComp):
        table = Table()
        table.open = not _walk(engine, node, node.generators, inner, table)
        return table
    items = Items([])
    items.open = not _walk(engine, node, node.generators, inner, items)
    return items


def _walk(
    engine: Engine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    generators: list[ast.comprehension],
    inner: Frame,
    made: Items | Table,
) -> bool:
    """Add what the remaining loops give; False when there may be more."""
    if not generators:
        return _add(engine, node, inner, made)
    first, *rest = generators
    known, is_open = iterate(engine, engine.evaluate(first.iter, inner))
    complete = not is_open
    for item in known:
        if not engine.afford():
            return False
        store(engine, first.target, item, inner)
        wanted = [truth(engine.evaluate(test, inner)) for test in first.ifs]
        if False in wanted:
            continue
        if None in wanted:
            complete = False
            continue
        complete &= _walk(engine, node, rest, inner, made)
    return complete


def _add(
    engine: Engine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    inner: Frame,
    made: Items | Table,
) -> bool:
    if len(made.values) >= MAX_ITEMS:
        return False
    if isinstance(node, ast.DictComp) and isinstance(made, Table):
        key = engine.evaluate(node.key, inner)
        value = engine.evaluate(node.value, inner)
        if not is_key(key):
            return False
        made.values[key] = value
    elif not isinstance(node, ast.DictComp) and isinstance(made, Items):
        made.values.append(engine.evaluate(node.elt, inner))
    return True


def _store_attribute(engine: Engine, target: ast.Attribute, value: Value, frame: Frame) -> None:
    where = engine.evaluate(target.value, frame)
    if isinstance(where, External) and f"{where.dotted}.{target.attr}" == "sys.path":
        add_paths(engine, value)
        return
    certain = engine.loops == 0 or not isinstance(where, Module)
    set_attribute(where, target.attr, value, certain=certain)
