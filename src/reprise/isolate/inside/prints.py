"""Fingerprints of values: a digest of every bit, and a few numbers to compare when bits differ."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import re
from typing import TYPE_CHECKING, Any

from .values import KIND, MAX_DEPTH, CannotTravel, Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_FORM = 400  # characters
_MAX_ITEMS = 4  # of a container that its form names
_PER_LEAF = 16  # numbers taken from one array
_MAX_NUMBERS = 64


def print_of(value: Any) -> dict[str, Any]:
    """Return what tells whether a value is the same another time.

    `sha256` is of every bit, `outline` of all but fractional numbers, `form` says types and shapes
    in words, and `sample` has numbers evenly out of it.
    """
    numbers = (number for leaf in _leaves(value) for number in _numbers(leaf))
    sample = list(itertools.islice(numbers, _MAX_NUMBERS))
    outline = digest_of(_outlined(_ordered(value)))
    return {
        "sha256": digest_of(value), "outline": outline, "form": form_of(value), "sample": sample,
    }  # fmt: skip


def digest_of(value: Any) -> str:
    """Return the SHA-256 of every bit of a value, its types and shapes."""
    encoder = Encoder(_named)
    facts = encoder.encode(_ordered(value))
    data = bytearray(encoder.size)
    if data:
        encoder.write(memoryview(data))
    text = json.dumps(facts, sort_keys=True).encode("utf-8", "replace")
    digest = hashlib.sha256(text)
    digest.update(data)
    return digest.hexdigest()


def state_of(value: Any) -> dict[str, Any] | None:
    """Return the digest of a module's weights and how many there are; None for what has none."""
    state_dict = getattr(value, "state_dict", None)
    if not callable(state_dict):
        return None
    digest, tensors, numbers = hashlib.sha256(), 0, 0
    for name, tensor in sorted(state_dict().items(), key=lambda item: str(item[0])):
        digest.update(json.dumps([str(name), digest_of(tensor)]).encode())
        tensors += 1
        numbers += int(getattr(tensor, "numel", int)())
    return {"sha256": digest.hexdigest(), "tensors": tensors, "numbers": numbers}


def form_of(value: Any, depth: int = 0) -> str:
    """Describe a value by types and shapes: `list of 2: float32[1, 77]`."""
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        name = str(value.dtype).rpartition(".")[2]
        return "{}[{}]".format(name, ", ".join(map(str, shape)))[:_MAX_FORM]
    if depth >= _MAX_ITEMS:
        return type(value).__name__
    if isinstance(value, dict):
        parts = [f"{key}: {form_of(item, depth + 1)}" for key, item in list(value.items())[:4]]
        return "{} of {}: {}".format(type(value).__name__, len(value), ", ".join(parts))[:_MAX_FORM]
    if isinstance(value, (list, tuple)):
        first = form_of(value[0], depth + 1) if value else "nothing"
        return f"{type(value).__name__} of {len(value)}: {first}"[:_MAX_FORM]
    return type(value).__name__


def _ordered(value: Any, depth: int = 0) -> Any:
    """Give sets an order, and open what only groups values; else digests differ by chance."""
    if depth > MAX_DEPTH:
        raise CannotTravel("A value is nested too deeply, or contains itself.")
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(repr(item) for item in value)]
    if isinstance(value, dict):
        return {key: _ordered(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: _ordered(getattr(value, name, None), depth + 1) for name in names}
    return value


def _outlined(value: Any) -> Any:
    """Replace what is computed in fractions by its type and shape."""
    if isinstance(value, list):
        return [_outlined(item) for item in value]
    if isinstance(value, dict):
        return {key: _outlined(item) for key, item in value.items()}
    if isinstance(value, (float, complex)):
        return type(value).__name__
    is_exact = re.match(r"(torch\.)?(bool|u?int|[<>=]?U)", str(getattr(value, "dtype", "int")))
    return value if is_exact else form_of(value)


def _named(value: Any) -> dict[str, Any]:
    """Stand for an object that has no form of its own: its class is all that can be compared."""
    return {KIND: "object", "type": type_name(value)}


def type_name(value: Any) -> str:
    """Return the dotted name of a value's class."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield numbers and arrays in a value, from left to right."""
    if depth > MAX_DEPTH or isinstance(value, (bool, str, bytes)):
        return
    if isinstance(value, (int, float)) or (hasattr(value, "dtype") and hasattr(value, "shape")):
        yield value
        return
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    for item in inner:
        yield from _leaves(item, depth + 1)


def _numbers(value: Any) -> list[float | None]:
    if isinstance(value, (int, float)):
        return [_number(value)]
    try:
        flat = value.detach().reshape(-1) if hasattr(value, "detach") else value.reshape(-1)
        size = len(flat)
        chosen = sorted({size * index // _PER_LEAF for index in range(_PER_LEAF)}) if size else []
        return [_number(flat[index].item()) for index in chosen]
    except (TypeError, ValueError, AttributeError, RuntimeError, NotImplementedError):
        return []  # texts, records, sparse tensors: the digest alone has to do


def _number(value: Any) -> float | None:
    number = float(value.real) if isinstance(value, complex) else float(value)
    return number if math.isfinite(number) else None
