"""Functions as bytes, for another process on this machine with the same Python.

What can be imported travels by name. Functions and classes of scripts, notebooks and other
functions (lambdas, closures) travel by value, with the globals they use.
"""

import importlib
import io
import marshal
import pickle
import sys
import types
from collections.abc import Iterator
from typing import Any

from reprise.base.errors import InvalidInput


def pack(value: Any) -> bytes:
    """Turn a value into bytes.

    Raises:
        InvalidInput: Something in it cannot travel.
    """
    file = io.BytesIO()
    try:
        _Pickler(file, protocol=5).dump(value)
    except (TypeError, pickle.PicklingError, AttributeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"This cannot be sent to another process: {error}.",
            hint="Make the object inside the function, or leave out num_proc.",
        ) from None
    return file.getvalue()


def unpack(data: bytes) -> Any:
    """Turn bytes of `pack` into the value; for bytes of this machine only."""
    return pickle.loads(data)  # noqa: S301 - from our own parent process, through a pipe


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType) and not _is_importable(value):
            return _function_parts(value)
        if isinstance(value, types.ModuleType):
            return importlib.import_module, (value.__name__,)
        if isinstance(value, type) and not _is_importable(value):
            return _class_parts(value)
        return NotImplemented


def _is_importable(value: Any) -> bool:
    module = sys.modules.get(value.__module__)
    if module is None or value.__module__ == "__main__":
        return False
    found: Any = module
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _function_parts(function: types.FunctionType) -> Any:
    code = function.__code__
    used = {n: function.__globals__[n] for n in set(_names(code)) if n in function.__globals__}
    start = (marshal.dumps(code), function.__name__, len(function.__closure__ or ()))
    state = {
        "globals": used,
        "module": function.__module__,
        "package": function.__globals__.get("__package__"),
        "cells": [_content(cell) for cell in function.__closure__ or ()],
        "defaults": function.__defaults__,
        "kwdefaults": function.__kwdefaults__,
        "attributes": dict(vars(function)),
    }
    return make_function, start, state, None, None, fill_function


def _content(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def make_function(code: bytes, name: str, cells: int) -> types.FunctionType:
    """Make a function without its globals; they may contain it."""
    space: dict[str, Any] = {"__builtins__": __builtins__}
    closure = tuple(types.CellType() for _ in range(cells))
    return types.FunctionType(marshal.loads(code), space, name, None, closure)  # noqa: S302


def fill_function(function: types.FunctionType, state: dict[str, Any]) -> None:
    """Give a function what it needs."""
    function.__globals__.update(state["globals"])
    function.__globals__["__name__"] = state["module"]
    function.__globals__["__package__"] = state["package"]
    function.__module__ = state["module"]
    function.__defaults__ = state["defaults"]
    function.__kwdefaults__ = state["kwdefaults"]
    vars(function).update(state["attributes"])
    for cell, content in zip(function.__closure__ or (), state["cells"], strict=True):
        if content:
            cell.cell_contents = content[0]


def _class_parts(kind: type) -> Any:
    skipped = {"__dict__", "__weakref__", "__module__"}
    members = {
        name: value
        for name, value in vars(kind).items()
        if name not in skipped
        and not isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)
    }
    start = (type(kind), kind.__name__, kind.__bases__, kind.__module__, kind.__qualname__)
    return make_class, start, members, None, None, fill_class


def make_class(meta: Any, name: str, bases: tuple[type, ...], module: str, qualname: str) -> type:
    """Make a class without its members; they may name it."""
    made: type = meta(name, bases, {"__module__": module, "__qualname__": qualname})
    return made


def fill_class(kind: type, members: dict[str, Any]) -> None:
    """Give a class its members."""
    for name, value in members.items():
        setattr(kind, name, value)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
