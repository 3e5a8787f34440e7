"""Columns as other types: computed at once, in Arrow, and only those that change."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput
from reprise.data import encode
from reprise.data.convert import is_list
from reprise.data.features import Features
from reprise.data.frame import Frame, Group
from reprise.data.selection import whole
from reprise.data.stored import Stored
from reprise.data.types import ClassLabel, Json, LargeList, List, arrow_of

_SHOWN = 80  # characters of a value in a message


def cast(frame: Frame, wanted: Mapping[str, Any]) -> Frame:
    """Return a frame whose columns hold other features.

    Raises:
        InvalidInput: A value does not fit; the message names its row.
    """
    frame.check(list(wanted))
    features, made, sources = frame.features.copy(), {}, Features()
    for name, feature in wanted.items():
        old = frame.features[name]
        features[name] = feature
        if feature == old or (
            arrow_of(feature) == arrow_of(old) and not isinstance(feature, ClassLabel)
        ):
            continue
        column = frame.only([name]).table()[name]
        made[name] = _column(name, column, feature)
        sources[name] = feature
    if not made:
        return Frame(features, frame.groups, frame.size)
    key = sha256_hex(canonical_json(["cast", frame.only(list(made)).identity, sources.to_dict()]))
    table = pa.table(made)
    group = Group(Stored(table, key), whole(frame.size), {name: name for name in made})
    kept = frame.only([name for name in frame.columns if name not in made])
    return Frame(features, (*kept.groups, group), frame.size)


def _column(name: str, column: pa.ChunkedArray, feature: Any) -> pa.ChunkedArray:
    if isinstance(feature, ClassLabel):
        return _labels(name, column, feature)
    wanted = arrow_of(feature)
    if _holds_names(feature, column.type):
        return pa.chunked_array([encode.column(column.to_pylist(), feature, name=name)])
    try:
        return column.cast(wanted)
    except pa.ArrowException as error:
        if (
            pa.types.is_nested(wanted)
            or pa.types.is_nested(column.type)
            or isinstance(feature, Json)
        ):
            return pa.chunked_array([encode.column(column.to_pylist(), feature, name=name)])
        row = _first_misfit(column, wanted)
        shown = repr(column[row].as_py())[:_SHOWN]
        raise InvalidInput(
            f"Row {row}, column {name!r}: {shown} cannot be {wanted} ({_line(error)})."
        ) from None


def _holds_names(feature: Any, type_: pa.DataType) -> bool:
    """Tell whether there are texts, somewhere inside, where classes are stored by number."""
    if isinstance(feature, ClassLabel):
        return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
    if isinstance(feature, List | LargeList) and is_list(type_):
        return _holds_names(feature.feature, type_.value_type)
    if isinstance(feature, Mapping) and pa.types.is_struct(type_):
        return any(
            _holds_names(inner, type_.field(name).type)
            for name, inner in feature.items()
            if type_.get_field_index(name) >= 0
        )
    return False


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _first_misfit(column: pa.ChunkedArray, wanted: pa.DataType) -> int:
    """Return the first row that cannot be cast, by bisection."""
    low, high = 1, len(column)
    while low < high:
        middle = (low + high) // 2
        try:
            column.slice(0, middle).cast(wanted)
            low = middle + 1
        except pa.ArrowException:
            high = middle
    return low - 1


def _labels(name: str, column: pa.ChunkedArray, feature: ClassLabel) -> pa.ChunkedArray:
    """Turn names into numbers, each distinct name once."""
    if pa.types.is_integer(column.type):
        low_high = pc.min_max(column).as_py()
        if low_high["max"] is not None and (
            low_high["max"] >= len(feature.names) or low_high["min"] < -1
        ):
            encode.column(column.to_pylist(), feature, name=name)  # finds the row
        return column.cast(pa.int64())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return pa.chunked_array([encode.column(column.to_pylist(), feature, name=name)])
    distinct = column.unique()
    try:
        numbers = pa.array(feature.str2int(distinct.to_pylist()), pa.int64())
    except InvalidInput:
        encode.column(column.to_pylist(), feature, name=name)
        raise
    return pc.take(numbers, pc.index_in(column, value_set=distinct))


def batched(frame: Frame, size: int) -> Frame:
    """Make lists of every `size` rows."""
    rows = -(-frame.size // size)
    bounds = np.minimum(np.arange(rows + 1, dtype=np.int64) * size, frame.size)
    table, arrays, features = frame.table(), {}, Features()
    for name, feature in frame.features.items():
        column = table[name].combine_chunks()
        values = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
        arrays[name] = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), values)
        features[name] = List(feature)
    key = sha256_hex(canonical_json(["batch", frame.identity, size]))
    group = Group(Stored(pa.table(arrays), key), whole(rows), {name: name for name in features})
    return Frame(features, (group,), rows)


def flattened(frame: Frame) -> Frame:
    """Turn every struct into a column per field: `answers.text`."""
    while nested := [n for n, feature in frame.features.items() if isinstance(feature, dict)]:
        table = frame.only(nested).table()
        features, arrays = Features(), {}
        for name, feature in frame.features.items():
            if name not in nested:
                features[name] = feature
                continue
            fields = table[name].flatten()
            for (inner, kind), values in zip(feature.items(), fields, strict=True):
                features[f"{name}.{inner}"] = kind
                arrays[f"{name}.{inner}"] = values
        key = sha256_hex(canonical_json(["flatten", frame.only(nested).identity]))
        group = Group(Stored(pa.table(arrays), key), whole(frame.size), {n: n for n in arrays})
        kept = frame.without(nested)
        frame = Frame(features, (*kept.groups, group), frame.size)
    return frame
