"""The definition hash: what a metric's code says, without positions, comments or type hints.

It covers the functions of a definition, every function, class and constant of this room that they
reach by name, the definition's own data, and its test vectors. Two equal hashes are the same
definition; another hash with the same test vectors is the same metric written differently.
"""

import ast
import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from reprise.metrics.definition import Definition
from reprise.metrics.options import Option
from reprise.metrics.vectors import recorded_hash, vectors_of

_ROOM = __name__.rpartition(".")[0]
_LENGTH = 8  # hex digits
_UNSEEN = frozenset({"annotation", "returns", "type_comment", "ctx", "kind", "type_params"})
_NOT_VALUES = frozenset({"summary", "source", "sizes", "requires"})  # no number depends on them


def fingerprint(definition: Definition, vectors: Any) -> str:
    """Return the hash of a definition, 8 hex digits.

    Args:
        definition: The definition.
        vectors: Its test vectors, plain data.
    """
    seen: dict[str, Any] = {}
    whole = {"definition": _data(definition, seen), "code": seen, "vectors": vectors}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def definition_hash(definition: Definition) -> str:
    """Return the hash of a definition with its test vectors; the recorded one without sources."""
    try:
        return fingerprint(definition, vectors_of(definition))
    except OSError:  # compiled files alone were installed
        return recorded_hash(definition) or "unknown"


def _describe(value: Any, seen: dict[str, Any]) -> Any:  # noqa: PLR0911 - a line per kind
    """Turn a value into plain data; functions are named here and go into `seen` with their code."""
    value = inspect.unwrap(value) if callable(value) else value
    match value:
        case partial():
            parts = (value.func, value.args, value.keywords)
            return [_describe(part, seen) for part in parts]
        case FunctionType() | type() | ModuleType() | BuiltinFunctionType():
            return _named(value, seen)
        case Option():
            facts = (value.name, repr(value.default), repr(value.choices), value.check)
            return [_describe(fact, seen) for fact in facts]
        case tuple() | list():
            return [_describe(item, seen) for item in value]
        case frozenset():
            return sorted(repr(item) for item in value)
        case Mapping():
            return {str(key): _describe(item, seen) for key, item in value.items()}
        case str() | int() | float() | None:
            return value
    if is_dataclass(value):
        return _data(value, seen)
    text = repr(value)
    if " at 0x" in text:
        raise LookupError(f"{text} has no description that two processes share")
    return text


def _data(value: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """Describe the fields of a dataclass that are set; a new field with a default changes none."""
    return {
        field.name: _describe(getattr(value, field.name), seen)
        for field in fields(value)
        if field.name not in _NOT_VALUES and not _is_default(field, getattr(value, field.name))
    }


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)


def _named(value: Any, seen: dict[str, Any]) -> str:
    """Name a function, class or module; those of this room are followed."""
    if not isinstance(value, FunctionType | type) or not _is_ours(value):
        return str(getattr(value, "__qualname__", getattr(value, "__name__", "")))
    _reach(value, seen)
    return f"{value.__module__}.{value.__qualname__}"


def _is_ours(value: Any) -> bool:
    return f"{value.__module__}.".startswith(f"{_ROOM}.")


def _reach(value: Any, seen: dict[str, Any]) -> None:
    """Add the code of a function or class, and of all of this room that it names."""
    name = f"{value.__module__}.{value.__qualname__}"
    if name in seen:
        return
    seen[name] = None
    seen[name] = _tree(value)
    if isinstance(value, type):
        functions = [item for item in vars(value).values() if isinstance(item, FunctionType)]
    else:
        functions = [value]
    for function in functions:
        for used in sorted(_names(function.__code__)):
            if used in function.__globals__:
                _global(used, function, seen)


def _global(name: str, function: FunctionType, seen: dict[str, Any]) -> None:
    value = function.__globals__[name]
    if isinstance(value, FunctionType | type):
        _describe(value, seen)
    elif not isinstance(value, ModuleType):
        place = f"{function.__module__}:{name}"
        if place not in seen:
            seen[place] = None
            seen[place] = _describe(value, seen)


def _names(code: CodeType) -> set[str]:
    """Return the global names that code and the functions inside it use."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _tree(value: Any) -> Any:
    """Return the syntax of a function or class as plain data."""
    for node in ast.walk(_module(inspect.getsourcefile(value) or "")):
        is_definition = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if is_definition and node.name == value.__qualname__:  # type: ignore[attr-defined]
            return _plain(node)
    raise LookupError(f"{value.__qualname__} is not at the top of its module")


@cache
def _module(path: str) -> ast.Module:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a name from the interpreter
        return ast.parse(file.read())


def _plain(node: Any) -> Any:
    """Reduce a syntax node to what decides behaviour, equal in all versions of Python."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = {}
    for name, value in ast.iter_fields(node):
        if name in _UNSEEN or value is None or value == []:
            continue
        if name == "body" and isinstance(node, ast.FunctionDef | ast.ClassDef):
            value = value[_has_docstring(node) :]  # noqa: PLW2901
        parts[name] = _plain(value)
    return [type(node).__name__, parts]


def _has_docstring(node: ast.FunctionDef | ast.ClassDef) -> int:
    return int(ast.get_docstring(node, clean=False) is not None)
