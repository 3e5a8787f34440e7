"""Tables as numpy arrays, torch tensors, pandas or polars frames; copied only where needed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.data.convert import is_list, is_text, pieces_of, to_list, width_of
from reprise.data.features import Features

NAMES = (None, "python", "numpy", "torch", "pandas", "polars", "arrow")
_ALIASES = {
    "np": "numpy",
    "pt": "torch",
    "pytorch": "torch",
    "pd": "pandas",
    "pl": "polars",
    "pa": "arrow",
}


def check_name(name: str | None) -> str | None:
    """Return the full name of a format; None for plain Python.

    Raises:
        InvalidInput: There is no such format.
    """
    found = _ALIASES.get(name or "", name)
    if found not in NAMES:
        known = ", ".join(str(item) for item in NAMES[1:])
        raise InvalidInput(f"There is no format {name!r}; use one of {known} or None.")
    return None if found == "python" else found


def batch_as(
    table: pa.Table, features: Features, name: str | None, options: Mapping[str, Any]
) -> Any:
    """Return rows in a format: a dict of lists or arrays, or a frame.

    Args:
        table: The rows.
        features: What the columns hold.
        name: The format.
        options: `dtype` and `device` for torch, `dtype` for numpy.
    """
    match name:
        case None:
            return {n: to_list(table[n], features.get(n)) for n in table.column_names}
        case "arrow":
            return table
        case "pandas":
            require("pandas", extra="tables")
            return table.to_pandas()
        case "polars":
            return require("polars", extra="tables").from_arrow(table)
    return {n: array_as(table[n], name, options) for n in table.column_names}


def cut(
    table: pa.Table, features: Features, name: str | None, options: Mapping[str, Any], size: int
) -> Iterator[dict[str, Any]]:
    """Yield batches of a window in Python, numpy or torch, each made when it is asked for.

    Args:
        table: The rows.
        features: What the columns hold.
        name: None, numpy or torch.
        options: See `batch_as`.
        size: Rows of a batch.
    """
    names = table.column_names
    columns = [
        pieces_of(table[n], features.get(n), size) if name is None
        else _arrays(table[n], name, options, size)
        for n in names
    ]  # fmt: skip
    return (dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True))


def _arrays(
    column: pa.ChunkedArray, name: str, options: Mapping[str, Any], size: int
) -> Iterable[Any]:
    starts = range(0, len(column), size)
    if name == "numpy" and _is_string(column.type) and not column.null_count:
        # An array of texts is as wide as its longest one: of this batch, not of the window.
        texts = to_list(column)
        return (as_texts(texts[start : start + size]) for start in starts)
    whole = array_as(column, name, options)
    if hasattr(whole, "split"):  # a tensor; one call makes all views
        parts: tuple[Any, ...] = whole.split(size)
        return parts
    return (whole[start : start + size] for start in starts)


def row_as(
    table: pa.Table, features: Features, name: str | None, options: Mapping[str, Any]
) -> Any:
    """Return the only row of a table in a format."""
    whole = batch_as(table, features, name, options)
    if not isinstance(whole, dict):
        return whole
    return {key: values[0] for key, values in whole.items()}


def array_as(column: pa.ChunkedArray, name: str, options: Mapping[str, Any]) -> Any:
    """Return one column as an array or tensor; a list where rows differ in shape or are texts."""
    if name == "torch" and is_text(column.type):
        return to_list(column)
    array = numbers(column)
    if array.dtype.kind == "O":
        return _ragged(array, name, options)
    if name == "numpy":
        return array.astype(options["dtype"]) if "dtype" in options else array
    return _tensor(array, options)


def numbers(column: pa.ChunkedArray) -> "np.ndarray[Any, Any]":
    """Return a column as a numpy array, of as many dimensions as its lists are deep."""
    array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) \
        if column.num_chunks else pa.array([], column.type)  # fmt: skip
    shape = [len(array)]
    while is_list(array.type):
        width = width_of(array)
        if width is None:
            return _objects(column)
        shape.append(width)
        array = array.flatten()
    if array.null_count and not pa.types.is_floating(array.type):
        return _objects(column) if len(shape) > 1 else _with_nulls(array)
    if pa.types.is_dictionary(array.type) or pa.types.is_nested(array.type):
        return _objects(column)
    if is_text(array.type):
        return _objects(column) if len(shape) > 1 else _texts(array)
    flat = array.to_numpy(zero_copy_only=False)
    found: np.ndarray[Any, Any] = flat.reshape(shape)
    return found


def _objects(column: pa.ChunkedArray) -> "np.ndarray[Any, Any]":
    """Return a column whose rows differ in shape, as an array of objects."""
    found = np.empty(len(column), object)
    if is_list(column.type) and not column.null_count and column.num_chunks == 1:
        chunk = column.chunk(0)
        inner = numbers(pa.chunked_array([chunk.flatten()]))
        if pa.types.is_fixed_size_list(chunk.type):
            bounds = np.arange(len(chunk) + 1) * chunk.type.list_size
        else:
            bounds = chunk.offsets.to_numpy() - (chunk.offsets[0].as_py() if len(chunk) else 0)
        for number in range(len(column)):
            found[number] = inner[bounds[number] : bounds[number + 1]]
        return found
    for number, value in enumerate(to_list(column)):
        found[number] = np.asarray(value) if isinstance(value, list) else value
    return found


def _with_nulls(array: pa.Array) -> "np.ndarray[Any, Any]":
    if pa.types.is_integer(array.type):
        found: np.ndarray[Any, Any] = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return found  # NaN stands for null, as in pandas
    objects: np.ndarray[Any, Any] = array.to_numpy(zero_copy_only=False)
    return objects


def _texts(array: pa.Array) -> "np.ndarray[Any, Any]":
    objects: np.ndarray[Any, Any] = array.to_numpy(zero_copy_only=False)
    if array.null_count or not _is_string(array.type):
        return objects
    return as_texts(objects.tolist())


def _is_string(type_: pa.DataType) -> bool:
    return is_text(type_) and not pa.types.is_binary(type_) and not pa.types.is_large_binary(type_)


def as_texts(values: list[str]) -> "np.ndarray[Any, Any]":
    """Return texts as an array that is as wide as the longest."""
    return np.array(values, dtype=str) if values else np.array([], dtype="<U1")


def _ragged(array: "np.ndarray[Any, Any]", name: str, options: Mapping[str, Any]) -> Any:
    if name == "numpy":
        return array
    return [
        _tensor(item, options)
        if isinstance(item, np.ndarray) and item.dtype.kind in "biuf"
        else item
        for item in array
    ]


def _tensor(array: "np.ndarray[Any, Any]", options: Mapping[str, Any]) -> Any:
    if array.dtype.kind in "USmMO":
        return array.tolist()
    torch = require("torch", extra="torch")
    if not array.flags.writeable:  # mapped files must stay as they are
        array = array.copy()
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    found = torch.from_numpy(array)
    if "dtype" not in options:  # the types that models expect, as in `datasets`
        usual = torch.float32 if found.is_floating_point() else torch.int64
        found = found if found.dtype is torch.bool else found.to(usual)
    return found.to(**options) if options else found
