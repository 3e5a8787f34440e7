"""Python values, arrays and tensors as Arrow columns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.types import ClassLabel, Json, LargeList, List, Media, arrow_of

_SHOWN = 80


def column(values: Any, feature: Any = None, *, name: str = "", first_row: int = 0) -> pa.Array:
    """Make one Arrow array.

    Args:
        values: A list, an array, a tensor, a series or an Arrow array.
        feature: What it should hold; by default what the values are.
        name: Of the column, for errors.
        first_row: Number of the first value's row, for errors.

    Raises:
        InvalidInput: A value does not fit; the message names its row.
    """
    array = _arrow(values)
    if array is not None:
        return array if feature is None else _cast(array, feature, name)
    if feature is None and (kind := _scalar_kind(values)) is not None:
        return pa.array(np.array(values, kind))
    values = [_plain(value) for value in values] if _has_tensors(values) else list(values)
    values = _encoded(values, feature, name=name, first_row=first_row)
    wanted = None if feature is None else arrow_of(feature)
    try:
        return pa.array(values, type=wanted)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise _misfit(values, wanted, name, first_row, error) from None


def fits(values: Any, feature: Any) -> pa.Array | None:
    """Make an array of a feature; None when the values are something else."""
    try:
        return column(values, feature)
    except InvalidInput:
        return None


def _arrow(values: Any) -> pa.Array | None:
    """Return arrays of other libraries as Arrow, without going through Python values."""
    if isinstance(values, pa.ChunkedArray):
        found = values.combine_chunks()
        return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)
    if isinstance(values, pa.Array):
        return values
    kind = type(values).__module__.partition(".")[0]
    if kind == "torch":
        values = values.detach().cpu().numpy()
    elif kind in {"pandas", "polars"}:
        values = values.to_numpy() if kind == "pandas" else values.to_arrow()
        if isinstance(values, pa.Array):
            return values
    if isinstance(values, np.ndarray) and values.dtype.kind in "biufmM" and values.ndim:
        return _nested(values)
    return None


def _nested(values: "np.ndarray[Any, Any]") -> pa.Array:
    """Turn an array of any number of dimensions into lists in lists."""
    array = pa.array(np.ascontiguousarray(values).reshape(-1))
    for axis in range(values.ndim - 1, 0, -1):
        count = int(np.prod(values.shape[:axis]))
        offsets = np.arange(count + 1, dtype=np.int64) * values.shape[axis]
        if offsets[-1] < np.iinfo(np.int32).max:
            array = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), array)
        else:
            array = pa.LargeListArray.from_arrays(pa.array(offsets), array)
    return array


def _cast(array: pa.Array, feature: Any, name: str) -> pa.Array:
    if isinstance(feature, ClassLabel) and not pa.types.is_integer(array.type):
        return column(array.to_pylist(), feature, name=name)
    try:
        return array.cast(arrow_of(feature))
    except pa.ArrowException as error:
        raise InvalidInput(f"Column {name!r} cannot become {arrow_of(feature)}: {error}.") from None


def _has_tensors(values: Sequence[Any]) -> bool:
    first = next((value for value in values if value is not None), None)
    return isinstance(first, np.ndarray | np.generic) or hasattr(first, "detach")


def _scalar_kind(values: Any) -> "np.dtype[Any] | None":
    """Return the type that all values have as numpy scalars, so that float32 stays float32."""
    if not isinstance(next(iter(values), None), np.generic):
        return None
    kinds = {value.dtype if isinstance(value, np.generic) else None for value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind is not None and kind.kind in "biuf" else None


def _plain(value: Any) -> Any:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value if value.ndim == 1 else value.tolist()
    return value


def _encoded(values: list[Any], feature: Any, *, name: str, first_row: int) -> list[Any]:
    """Write values the way a feature stores them."""
    if not is_encoded(feature):
        return values
    return [_stored(value, feature, name, first_row + n) for n, value in enumerate(values)]


def is_encoded(feature: Any) -> bool:
    """Tell whether a feature, or one inside it, stores something else than what is given."""
    if isinstance(feature, ClassLabel | Json | Media):
        return True
    if isinstance(feature, Mapping):
        return any(map(is_encoded, feature.values()))
    if isinstance(feature, list | tuple) and len(feature) == 1:
        return is_encoded(feature[0])
    return isinstance(feature, List | LargeList) and is_encoded(feature.feature)


def _stored(value: Any, feature: Any, name: str, row: int) -> Any:  # noqa: PLR0911 - a line per kind
    if value is None:
        return None
    match feature:
        case ClassLabel():
            return _label(value, feature, name, row)
        case Json():
            return json.dumps(value)
        case Media():
            return _media(value)
        case List() | LargeList():
            return _items(value, feature.feature, name, row)
        case list() | tuple():
            return _items(value, feature[0], name, row)
        case Mapping() if isinstance(value, Mapping):
            return {n: _stored(value.get(n), inner, name, row) for n, inner in feature.items()}
    return value


def _items(value: Any, feature: Any, name: str, row: int) -> Any:
    if not is_encoded(feature) or isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return [_stored(item, feature, name, row) for item in value]


def _label(value: Any, feature: ClassLabel, name: str, row: int) -> int | None:
    if value is None:
        return None
    try:
        number = feature.str2int(value) if isinstance(value, str) else int(value)
    except (InvalidInput, TypeError, ValueError) as error:
        message = error.message if isinstance(error, InvalidInput) else str(error)
        raise InvalidInput(f"Row {row}, column {name!r}: {message}") from None
    if feature.names and not -1 <= number < len(feature.names):  # -1: hidden test labels
        raise InvalidInput(
            f"Row {row}, column {name!r}: {number} is no class of {len(feature.names)}."
        )
    return int(number)


def _media(value: Any) -> Any:
    if isinstance(value, str):
        return {"path": value, "bytes": None}
    if isinstance(value, bytes):
        return {"path": None, "bytes": value}
    return value


def _misfit(
    values: list[Any], wanted: Any, name: str, first_row: int, error: Exception
) -> InvalidInput:
    """Find the first value that does not go with those before it."""
    where, shown = first_row, ""
    for number in range(len(values)):
        try:
            pa.array([values[number]] if wanted is not None else values[: number + 1], type=wanted)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            where, shown = first_row + number, repr(values[number])[:_SHOWN]
            break
    what = f"cannot be {wanted}" if wanted is not None else "is of another type than those before"
    return InvalidInput(
        f"Row {where}, column {name!r}: {shown} {what} ({str(error).splitlines()[0]}).",
        hint="Return values of one type, or say which with features=.",
    )
