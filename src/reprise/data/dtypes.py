"""Names of scalar types as `datasets` writes them, and the Arrow types they stand for."""

import re

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput

_SIMPLE = {
    "null": pa.null(), "bool": pa.bool_(), "int8": pa.int8(), "int16": pa.int16(),
    "int32": pa.int32(), "int64": pa.int64(), "uint8": pa.uint8(), "uint16": pa.uint16(),
    "uint32": pa.uint32(), "uint64": pa.uint64(), "float16": pa.float16(),
    "float32": pa.float32(), "float": pa.float32(), "float64": pa.float64(),
    "double": pa.float64(), "date32": pa.date32(), "date64": pa.date64(),
    "binary": pa.binary(), "large_binary": pa.large_binary(), "string": pa.string(),
    "large_string": pa.large_string(), "string_view": pa.string_view(),
    "binary_view": pa.binary_view(),
}  # fmt: skip
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, ?tz=([\w/+:-]+))?\]")
_TIME = re.compile(r"time(32|64)\[(s|ms|us|ns)\]")
_DURATION = re.compile(r"duration\[(s|ms|us|ns)\]")
_DECIMAL = re.compile(r"decimal(128|256)\((\d+), ?(-?\d+)\)")
_NAMES = {pa.float32(): "float32", pa.float64(): "float64", pa.float16(): "float16"}
_DATES = {pa.date32(): "date32", pa.date64(): "date64"}


def arrow_type(dtype: str) -> pa.DataType:
    """Return the Arrow type of a name.

    Raises:
        InvalidInput: There is no such type.
    """
    if dtype in _SIMPLE:
        return _SIMPLE[dtype]
    try:
        return _parametric(str(dtype))
    except (ValueError, pa.ArrowInvalid):
        known = "int64, float32, string, bool, timestamp[us], decimal128(10, 2)"
        raise InvalidInput(
            f"There is no type {dtype!r}; types are {known} and their like."
        ) from None


def _parametric(dtype: str) -> pa.DataType:
    if match := _TIMESTAMP.fullmatch(dtype):
        return pa.timestamp(match[1], match[2])
    if match := _TIME.fullmatch(dtype):
        return (pa.time32 if match[1] == "32" else pa.time64)(match[2])
    if match := _DURATION.fullmatch(dtype):
        return pa.duration(match[1])
    if match := _DECIMAL.fullmatch(dtype):
        kind = pa.decimal128 if match[1] == "128" else pa.decimal256
        return kind(int(match[2]), int(match[3]))
    raise ValueError(dtype)


def dtype_name(type_: pa.DataType) -> str:
    """Return the name of an Arrow scalar type.

    Raises:
        InvalidInput: It has none.
    """
    name = _NAMES.get(type_) or _DATES.get(type_) or str(type_)
    if pa.types.is_fixed_size_binary(type_):
        return "binary"
    if arrow_type(name) != type_:
        raise InvalidInput(f"Columns of type {type_} are not supported; cast them first.")
    return str(name)
