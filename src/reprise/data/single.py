"""One row as a dict, in the shortest way: straight from the bytes of Arrow's buffers.

An Arrow scalar for every cell takes several times as long as the value itself.
"""

import json
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.convert import is_plain
from reprise.data.frame import Frame, Group
from reprise.data.selection import Span
from reprise.data.types import Json

Read = Callable[[int], Any]
_CODES = {
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q", "float": "f", "double": "d",
}  # fmt: skip


def row_reader(frame: Frame) -> Callable[[int], dict[str, Any]]:
    """Return a function from the number of a row, from 0, to the row as Python values."""
    parts = [_part_reader(group, frame) for group in frame.groups if group.names]
    names = frame.columns
    if len(parts) == 1:
        return parts[0]

    def row(number: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in parts:
            found |= part(number)
        return {name: found[name] for name in names}

    return row


def _part_reader(group: Group, frame: Frame) -> Callable[[int], dict[str, Any]]:
    """Return a function from the number of a row to the values of a group's columns."""
    locate, stored = _locator(group), group.stored
    ends: list[int] = stored.ends.tolist()
    known: dict[int, list[tuple[str, Read]]] = {}

    def readers(batch: int) -> list[tuple[str, Read]]:
        found = []
        for name in (name for name in frame.columns if name in group.names):
            read = value_reader(stored.batches[batch].column(group.names[name]))
            is_json = isinstance(frame.features[name], Json)
            found.append((name, _decoded(read) if is_json else read))
        known[batch] = found
        return found

    def cells(number: int) -> dict[str, Any]:
        row = number if locate is None else locate(number)
        batch = bisect_right(ends, row)
        if batch:
            row -= ends[batch - 1]
        return {name: read(row) for name, read in known.get(batch) or readers(batch)}

    return cells


def _locator(group: Group) -> Callable[[int], int] | None:
    """Return a function from a place in the order to a row; None where they are the same."""
    selection = group.selection
    if isinstance(selection, Span):
        start, step = selection.start, selection.step
        if start == 0 and step == 1:
            return None
        return lambda number: start + number * step
    return lambda number: int(selection.resolve(np.array([number], np.int64))[0])


def _decoded(read: Read) -> Read:
    def decoded(row: int) -> Any:
        text = read(row)
        return None if text is None else json.loads(text)

    return decoded


def value_reader(array: pa.Array) -> Read:
    """Return a function from a place in an array to the value there."""
    type_ = array.type
    if array.null_count == 0:
        if is_plain(array):
            return _numbers(array).__getitem__
        if pa.types.is_string(type_) or pa.types.is_large_string(type_):
            return _text_reader(array)
        is_variable = pa.types.is_list(type_) or pa.types.is_large_list(type_)
        if is_variable and is_plain(array.values):
            return _list_reader(array)
    return lambda row: array[row].as_py()


def _numbers(array: pa.Array) -> "memoryview[Any]":
    """Return numbers as they lie in memory."""
    width = array.type.bit_width // 8
    start, stop = array.offset * width, (array.offset + len(array)) * width
    if start == stop:
        return memoryview(b"")
    code: Any = _CODES[str(array.type)]
    view: memoryview[Any] = memoryview(array.buffers()[1])[start:stop].cast(code)
    return view


def _offsets(array: pa.Array, *, is_large: bool) -> "memoryview[int]":
    width = 8 if is_large else 4
    start, stop = array.offset * width, (array.offset + len(array) + 1) * width
    return memoryview(array.buffers()[1])[start:stop].cast("q" if is_large else "i")


def _text_reader(array: pa.Array) -> Read:
    offsets = _offsets(array, is_large=pa.types.is_large_string(array.type))
    data = memoryview(array.buffers()[2] or b"")
    return lambda row: str(data[offsets[row] : offsets[row + 1]], "utf-8")


def _list_reader(array: pa.Array) -> Read:
    offsets = _offsets(array, is_large=pa.types.is_large_list(array.type))
    values = _numbers(array.values)
    return lambda row: values[offsets[row] : offsets[row + 1]].tolist()
