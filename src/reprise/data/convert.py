"""Arrow columns as Python lists."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.types import Json, List

_OBJECTS = 1024  # rows of other things than numbers that are made at once
_SHARED = 1 << 12  # whole numbers from 0 that lists share


def to_list(column: pa.ChunkedArray, feature: Any = None) -> list[Any]:
    """Return the values of a column; nested ones as lists and dicts, JSON decoded."""
    if isinstance(feature, Json) and pa.types.is_string(column.type):
        return [None if text is None else json.loads(text) for text in column.to_pylist()]
    if is_list(column.type):
        inner = feature.feature if isinstance(feature, List) else None
        return _joined([_lists(chunk, inner) for chunk in column.chunks])
    if pa.types.is_struct(column.type) and column.null_count == 0:
        return _joined([_structs(chunk, feature) for chunk in column.chunks])
    if is_plain(column):
        return _joined([_numbers(chunk.to_numpy()) for chunk in column.chunks])
    found: list[Any] = column.to_pylist()
    return found


def pieces_of(column: pa.ChunkedArray, feature: Any, size: int) -> Iterator[list[Any]]:
    """Yield the values of a column in lists of `size`, each made when it is asked for.

    Numbers are made a few at a time: those of the piece before are gone by then, and their memory
    is still in the processor's cache.
    """
    if column.num_chunks == 1 and (numbers := as_numbers(column.chunk(0))) is not None:
        shared = _shared_numbers() if _is_shared(numbers) else None
        for start in range(0, len(column), size):
            part = numbers[start : start + size]
            yield part.tolist() if shared is None else shared.take(part).tolist()
        return
    together = max(1, _OBJECTS // size) * size
    for first in range(0, len(column), together):
        values = to_list(column.slice(first, together), feature)
        for start in range(0, len(values), size):
            yield values[start : start + size]


def _is_shared(array: "np.ndarray[Any, Any]") -> bool:
    is_whole = array.dtype.kind in "iu" and array.size > 0
    return bool(is_whole and array.min() >= 0 and array.max() < _SHARED)


def _numbers(array: "np.ndarray[Any, Any]") -> list[Any]:
    """Convert numbers, or a matrix of them; small whole numbers are objects that exist already.

    Python itself shares those up to 256. Labels, and ids of small vocabularies, go beyond.
    """
    if _is_shared(array):
        array = _shared_numbers().take(array)
    found: list[Any] = array.tolist()
    return found


@cache
def _shared_numbers() -> "np.ndarray[Any, Any]":
    found = np.empty(_SHARED, object)
    found[:] = range(_SHARED)
    return found


def _joined(parts: list[list[Any]]) -> list[Any]:
    return parts[0] if len(parts) == 1 else [item for part in parts for item in part]


def is_plain(values: Any) -> bool:
    """Tell whether an array or column is numbers without nulls, which numpy converts fastest."""
    type_ = values.type
    is_number = (
        pa.types.is_integer(type_) or pa.types.is_float32(type_) or pa.types.is_float64(type_)
    )
    return bool(is_number) and values.null_count == 0


def is_list(type_: pa.DataType) -> bool:
    """Tell whether values are lists, of whatever kind."""
    return bool(
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
    )


def is_text(type_: pa.DataType) -> bool:
    """Tell whether values are texts or bytes."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_)
                or pa.types.is_string_view(type_)
                or pa.types.is_binary(type_) or pa.types.is_large_binary(type_))  # fmt: skip


def width_of(array: pa.Array) -> int | None:
    """Return how many items each list has; None when they differ, or one is null."""
    if array.null_count:
        return None
    if pa.types.is_fixed_size_list(array.type):
        return int(array.type.list_size)
    if not len(array):
        return 0
    lengths = np.diff(array.offsets.to_numpy())
    width = int(lengths[0])
    return width if bool((lengths == width).all()) else None


def as_numbers(array: pa.Array) -> "np.ndarray[Any, Any] | None":
    """Return numbers as they lie in memory, lists of equally many as a matrix; None for others."""
    if is_plain(array):
        plain: np.ndarray[Any, Any] = array.to_numpy()
        return plain
    if not is_list(array.type) or not (width := width_of(array)):
        return None
    items = array.flatten()
    if not is_plain(items):
        return None
    matrix: np.ndarray[Any, Any] = items.to_numpy().reshape(-1, width)
    return matrix


def _lists(array: pa.Array, feature: Any) -> list[Any]:
    """Convert all items at once, then cut; several times as fast as list by list."""
    if (matrix := as_numbers(array)) is not None:
        return _numbers(matrix)
    if array.null_count or pa.types.is_fixed_size_list(array.type):
        found: list[Any] = array.to_pylist()
        return found
    offsets = array.offsets.to_numpy()
    values = to_list(pa.chunked_array([array.flatten()]), feature)
    bounds = (offsets - (offsets[0] if len(offsets) else 0)).tolist()
    return [values[a:b] for a, b in pairwise(bounds)]


def _structs(array: pa.Array, feature: Any) -> list[dict[str, Any]]:
    names = [item.name for item in array.type]
    inner = feature if isinstance(feature, dict) else {}
    columns = [
        to_list(pa.chunked_array([child]), inner.get(name))
        for name, child in zip(names, array.flatten(), strict=True)
    ]
    if not columns:
        return [{} for _ in range(len(array))]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
