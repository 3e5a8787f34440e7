"""The content id of a table: equal for equal rows, however they are cut into chunks or stored."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json

_WINDOW = 65_536  # rows hashed at once; part of the definition, do not change


def content_id(table: pa.Table) -> str:
    """Return the SHA-256 of a table's names, types and rows, as hex digits."""
    columns = [
        [name, str(column.type)]
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    state = hashlib.sha256(canonical_json(["reprise-content/1", table.num_rows, columns]))
    for start in range(0, table.num_rows, _WINDOW):
        window = table.slice(start, _WINDOW)
        for column in window.columns:
            _feed(state, _flat(column))
    return state.hexdigest()


def _flat(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], column.type)
    return found


def _feed(state: Any, array: pa.Array) -> None:
    """Hash the values of an array; what lies beneath nulls and outside slices does not count."""
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        return _feed(state, array.storage)
    if pa.types.is_dictionary(type_):
        return _feed(state, array.dictionary_decode())
    state.update(len(array).to_bytes(8, "little"))
    if pa.types.is_null(type_):
        return None
    if array.null_count:
        state.update(np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).tobytes())
    else:
        state.update(b"+")
    return _feed_values(state, array)


def _feed_values(state: Any, array: pa.Array) -> None:
    type_ = array.type
    if pa.types.is_struct(type_):
        for child in array.flatten():  # with the struct's own nulls put into the child
            _feed(state, child)
        return
    if pa.types.is_map(type_):
        array = array.drop_null()
        _numbers(state, np.diff(array.offsets.to_numpy()))
        _feed(state, array.keys.slice(array.offsets[0].as_py() if len(array) else 0))
        _feed(state, array.items)
        return
    if (
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
    ):
        array = array.drop_null() if array.null_count else array
        if len(array):
            _numbers(state, pc.list_value_length(array).to_numpy(zero_copy_only=False))
            _feed(state, array.flatten())
        return
    _feed_scalars(state, array)


def _feed_scalars(state: Any, array: pa.Array) -> None:
    type_ = array.type
    array = array.drop_null() if array.null_count else array
    if pa.types.is_boolean(type_):
        state.update(np.packbits(array.to_numpy(zero_copy_only=False)).tobytes())
    elif _is_wide(type_):
        text = array.cast(pa.large_binary())
        _numbers(state, pc.binary_length(text).to_numpy(zero_copy_only=False))
        offsets = np.frombuffer(text.buffers()[1], np.int64)[
            text.offset : text.offset + len(text) + 1
        ]
        if len(text) and text.buffers()[2] is not None:
            state.update(memoryview(text.buffers()[2])[int(offsets[0]) : int(offsets[-1])])
    else:
        width = type_.bit_width // 8
        values = array.buffers()[1]
        if len(array):
            state.update(
                memoryview(values)[array.offset * width : (array.offset + len(array)) * width]
            )


def _is_wide(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(type_)
        or pa.types.is_string(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_string_view(type_)
        or pa.types.is_binary_view(type_)
        or pa.types.is_fixed_size_binary(type_)
    )


def _numbers(state: Any, values: Any) -> None:
    state.update(np.ascontiguousarray(values, "<i8").tobytes())
