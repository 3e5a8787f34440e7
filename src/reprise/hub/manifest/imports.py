"""Import statements: modules and names of the repo, and names from outside it."""

import ast
import sys
from collections.abc import Generator

from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.items import iterate
from reprise.hub.manifest.values import MAYBE, MISSING, External, Frame, Items, Late, Module, Value


def import_plain(
    engine: Engine, node: ast.Import, alias: ast.alias, frame: Frame
) -> Generator[Module, None, None]:
    """Carry out `import name` or `import name as alias`."""
    name = alias.name
    module = (yield from engine.load(name)) if engine.owns(name) else None
    if module is None:
        _note_missing(engine, frame.module, name, node.lineno)
    if alias.asname is not None:
        frame.bind(alias.asname, module if module is not None else External(name, is_module=True))
        return
    top = name.partition(".")[0]
    own = engine.module(top) if engine.owns(name) else None
    frame.bind(top, own if own is not None else External(top, is_module=True))


def import_from(
    engine: Engine, node: ast.ImportFrom, frame: Frame
) -> Generator[Module, None, None]:
    """Carry out `from … import …`."""
    name = absolute(node, frame.module)
    members = [alias.name for alias in node.names]
    own = node.level > 0 or engine.owns(name, members)
    module = (yield from engine.load(name)) if name and own else None
    if module is None:
        _note_missing(engine, frame.module, name, node.lineno)
    for alias in node.names:
        if alias.name == "*":
            yield from _star(engine, name, module, frame)
            continue
        value: Value = External(f"{name}.{alias.name}")
        if module is not None:
            value = yield from _member(engine, module, alias.name)
        if value is MISSING:
            _note_missing(engine, frame.module, f"{name}.{alias.name}", node.lineno)
            value = MAYBE
        frame.bind(alias.asname or alias.name, value)


def absolute(node: ast.ImportFrom, module: Module) -> str:
    """Return the full name of the module that `from … import` names."""
    if not node.level:
        return node.module or ""
    package = (module.name if module.folders else module.name.rpartition(".")[0]).split(".")
    base = package[: len(package) - node.level + 1]
    return ".".join(part for part in [*base, node.module or ""] if part)


def _member(engine: Engine, module: Module, name: str) -> Generator[Module, None, Value]:
    found = module.names.get(name)
    if found is not None:
        return found
    inner = yield from engine.load(f"{module.name}.{name}")
    if inner is not None:
        return inner
    if name in module.names:  # it is None
        return None
    if module.state == "running":
        return Late(module, name)
    return MAYBE if module.open or "__getattr__" in module.names else MISSING


def _note_missing(engine: Engine, module: Module, name: str, line: int) -> None:
    """Report an import that the repo's own files cannot serve, unless the code expects that."""
    if not engine.trying and not engine.depth and engine.owns(name.partition(".")[0]):
        engine.note(module, line, f"imports {name}, which the repo does not have")


def _star(
    engine: Engine, name: str, module: Module | None, frame: Frame
) -> Generator[Module, None, None]:
    if module is None:
        # The standard library has no entry points; names from elsewhere may be meant as some.
        frame.module.open |= name.partition(".")[0] not in sys.stdlib_module_names
        return
    names, is_open = public_names(engine, module)
    frame.module.open |= is_open
    for member in names:
        value = yield from _member(engine, module, member)
        if value is MISSING:
            continue
        frame.bind(member, value, certain=member not in module.uncertain)


def public_names(engine: Engine, module: Module) -> tuple[list[str], bool]:
    """Return what `from module import *` brings, and whether there may be more."""
    declared = module.names.get("__all__")
    if isinstance(declared, Items):
        known, is_open = iterate(engine, declared)
        return [name for name in known if isinstance(name, str)], is_open
    names = [name for name in module.names if not name.startswith("_")]
    return names, module.open or declared is not None
