"""Which names a file imports, and which it reads itself."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from reprise.hub.manifest.scan import FunctionNode

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass
class Usage:
    """How a file uses the names of its own top level.

    Attributes:
        imported: Bound by import statements outside functions and classes, without `*`.
        repeated: Among these, the ones imported as themselves: `from m import x as x`.
        read: Read anywhere in the file, where no function has a variable of that name.
    """

    imported: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)


def usage_of(tree: ast.Module) -> Usage:
    """Look through a whole file, function bodies included."""
    found = Usage()
    pending: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while pending:
        scope, hidden = pending.pop()
        inner = hidden | _locals(scope) if _is_function(scope) else hidden
        for node in _own_nodes(scope):
            if isinstance(node, _SCOPES):
                pending.append((node, inner))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id not in inner:
                    found.read.add(node.id)
            elif scope is tree and isinstance(node, ast.Import | ast.ImportFrom):
                _note_import(node, found)
    return found


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, FunctionNode | ast.Lambda)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope; inner scopes are yielded, not entered."""
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _SCOPES):
            # Decorators, defaults and bases belong to the scope around.
            pending.extend(_outside(node))
        else:
            pending.extend(ast.iter_child_nodes(node))


def _outside(node: ast.AST) -> list[ast.AST]:
    args = getattr(node, "args", None)
    defaults = [*args.defaults, *args.kw_defaults] if isinstance(args, ast.arguments) else []
    around = [*getattr(node, "decorator_list", []), *getattr(node, "bases", []), *defaults]
    return [item for item in around if item is not None]


def _locals(function: ast.AST) -> frozenset[str]:
    names: set[str] = set()
    shared: set[str] = set()
    for node in _own_nodes(function):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(_bound(alias) for alias in node.names)
        elif isinstance(node, ast.Global):
            shared.update(node.names)
        elif isinstance(node, FunctionNode | ast.ClassDef):
            names.add(node.name)
    return frozenset(names - shared)


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _note_import(node: ast.Import | ast.ImportFrom, found: Usage) -> None:
    for alias in node.names:
        if alias.name == "*":
            continue
        found.imported.add(_bound(alias))
        if alias.asname is not None and alias.asname == alias.name:
            found.repeated.add(alias.name)
