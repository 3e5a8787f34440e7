"""Arguments to trace a module with, and which of their axes may have other sizes later."""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from typing import Any

from .export_failures import NotExportable

_SHAPE = re.compile(r"(\d+(?:x\d+)*)(?::(\w+))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SEED = 0

# Argument -> axis -> name.
Axes = "dict[str, dict[int, str]]"


def arguments(example: Any, torch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and keyword arguments from what somebody gave as an example."""
    generator = torch.Generator().manual_seed(_SEED)

    def made(value: Any) -> Any:
        if isinstance(value, str):
            return _random(value, generator, torch)
        return _as_tensor(value, torch)

    if isinstance(example, dict):
        return (), {name: made(value) for name, value in example.items()}
    if isinstance(example, tuple):
        return tuple(made(value) for value in example), {}
    return (made(example),), {}


def named_axes(module: Any, args: Any, kwargs: Any, dynamic: Any) -> dict[str, dict[int, str]]:
    """Return which axes of which argument of `forward` have a name, which is: a size of their own.

    Raises:
        NotExportable: There is no such argument, or what is said about it makes no sense.
    """
    bound = _bound(module, args, kwargs)
    if dynamic is None:
        return {}
    if isinstance(dynamic, str):
        dynamic = {name: {0: dynamic} for name, value in bound.items() if _has_tensors(value)}
    if not isinstance(dynamic, dict):
        raise NotExportable(f"dynamic is {dynamic!r}.", _HOW)
    for name, axes in dynamic.items():
        if name not in bound:
            raise NotExportable(
                f"forward has no argument {name!r}; it got {', '.join(bound) or 'none'}.", _HOW
            )
        fine = isinstance(axes, dict) and all(
            type(axis) is int and axis >= 0 and isinstance(word, str) and _NAME.fullmatch(word)
            for axis, word in axes.items()
        )
        if not fine:
            raise NotExportable(f"dynamic says {axes!r} of {name!r}.", _HOW)
    return dynamic


_HOW = "Name axes: dynamic='batch' for the first of every tensor, or dynamic={'x': {0: 'batch'}}."


def widened(module: Any, example: Any, axes: Any, *, at_least: int) -> Any:
    """Return arguments whose named axes have at least this size: of 1, tracing would make a rule.

    Axes grow by repeating what is there. Arguments become positional where they can be.
    """
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")

    args, kwargs = example
    bound = inspect.signature(module.forward).bind(*args, **kwargs)

    def grown(value: Any, names: dict[int, str]) -> Any:
        for axis in names if isinstance(value, torch.Tensor) else ():
            size = value.shape[axis] if axis < value.dim() else at_least
            if 0 < size < at_least:
                rows = torch.arange(at_least) % size
                value = value.index_select(axis, rows.to(value.device))
        return value

    for name, names in axes.items():
        bound.arguments[name] = pytree.tree_map(
            lambda leaf, names=names: grown(leaf, names), bound.arguments[name]
        )
    return bound.args, bound.kwargs


def positional(module: Any) -> list[str] | None:
    """Return the names of the arguments that can be given by place, None where there is no end."""
    found = []
    for name, parameter in inspect.signature(module.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return None
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            found.append(name)
    return found


def dimensions(module: Any, args: Any, kwargs: Any, axes: Any) -> tuple[Any, Any]:
    """Return the axes in the form that torch.export takes: by name, and free of any promise."""
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")
    if not axes:
        return None, None
    words = sorted({word for names in axes.values() for word in names.values()})
    known = {word: torch.export.Dim(word) for word in words}
    bound = _bound(module, args, kwargs)

    def specs(value: Any, sizes: dict[int, Any]) -> Any:
        return pytree.tree_map(lambda leaf: _of_tensor(leaf, sizes), value)

    named, free = {}, {}
    for name, value in bound.items():
        sizes = {axis: known[word] for axis, word in axes.get(name, {}).items()}
        named[name] = specs(value, sizes)
        free[name] = specs(value, dict.fromkeys(sizes, torch.export.Dim.DYNAMIC))
    return named, free


def _of_tensor(leaf: Any, sizes: dict[int, Any]) -> Any:
    if not hasattr(leaf, "dim"):
        return None
    return {axis: size for axis, size in sizes.items() if axis < leaf.dim()}


def _bound(module: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        return dict(inspect.signature(module.forward).bind(*args, **kwargs).arguments)
    except TypeError as error:
        raise NotExportable(
            f"The example does not fit forward{inspect.signature(module.forward)}: {error}.",
            "Give a tuple for positional arguments, a dictionary for keyword arguments.",
        ) from None


def _random(text: str, generator: Any, torch: Any) -> Any:
    found = _SHAPE.fullmatch(text)
    dtype = getattr(torch, found[2] or "float32", None) if found else None
    if found is None or not isinstance(dtype, torch.dtype):
        raise NotExportable(
            f"The example {text!r} is no shape.", "Write sizes and perhaps a type: 2x3:int64"
        )
    shape = [int(size) for size in found[1].split("x")]
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)


def _as_tensor(value: Any, torch: Any) -> Any:
    """Return a value with tensors in place of arrays."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, torch.Tensor):
        return value.clone()  # not a view of memory that is lent to us
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_as_tensor(item, torch) for item in value)
    if type(value) is dict:
        return {name: _as_tensor(item, torch) for name, item in value.items()}
    return value


def _has_tensors(value: Any) -> bool:
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")

    leaves = pytree.tree_leaves(value)
    return any(isinstance(leaf, torch.Tensor) and leaf.dim() for leaf in leaves)
