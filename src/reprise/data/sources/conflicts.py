"""Values of different types in one column: named with file and line, or settled as asked."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.data.features import Features
from reprise.data.types import Json

MODES = ("error", "null", "string", "json")
_SHOWN = 60


def check_mode(mode: str) -> str:
    """Return a way to settle conflicts.

    Raises:
        InvalidInput: There is no such way.
    """
    if mode not in MODES:
        raise InvalidInput(f"on_conflict is one of {', '.join(MODES)}, not {mode!r}.")
    return mode


def settle(values: list[Any], name: str, mode: str, where: Callable[[int], str]) -> pa.Array:
    """Make a column of values that may not have one type.

    Args:
        values: JSON values.
        name: Of the column.
        mode: What to do about a value of another type than those before it.
        where: From the number of a value to the file and line it stands in.

    Raises:
        InvalidFormat: There is a conflict and `mode` is "error".
    """
    try:
        return _uniform(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass
    if (broken := next((n for n, v in enumerate(values) if not _is_text(v)), None)) is not None:
        raise InvalidFormat(
            f"{where(broken)}, column {name!r}: {_shown(values[broken])} holds half of a surrogate "
            "pair, which is no character.",
            hint="Correct the file.",
        )
    if mode == "json":
        return pa.array([None if v is None else json.dumps(v, ensure_ascii=False) for v in values])
    if mode == "string":
        return pa.array([as_text(value) for value in values], pa.string())
    first = _first_odd(values)
    if mode == "error":
        before = next((v for v in values[:first] if v is not None), None)
        raise InvalidFormat(
            f"{where(first)}, column {name!r}: {_shown(values[first])} where earlier rows hold "
            f"{_kind(before)} such as {_shown(before)}.",
            hint=_WAYS,
        )
    return _kept(values, _uniform(values[:first]).type)


def _is_text(value: Any) -> bool:
    """Tell whether the texts in a JSON value can be written down."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except (TypeError, ValueError):  # no JSON value; whoever uses it says so
        pass
    return True


_WAYS = (
    'Correct the file, or pass on_conflict="string", "json" (text of JSON) or "null" (drop such '
    "values), or features= to say what the column holds."
)


def _uniform(values: list[Any]) -> pa.Array:
    """Make an array of one type; booleans are not numbers, and texts are not dates."""
    kinds = {type(value) for value in values}
    if bool in kinds and kinds & {int, float}:
        raise TypeError("booleans among numbers")
    return pa.array(values)


def _first_odd(values: list[Any]) -> int:
    """Return the first value that does not go with those before it, by bisection."""
    low, high = 1, len(values)
    while low < high:
        middle = (low + high) // 2
        try:
            _uniform(values[:middle])
            low = middle + 1
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            high = middle
    return low - 1


def _kept(values: list[Any], type_: pa.DataType) -> pa.Array:
    found = []
    for value in values:
        try:
            found.append(pa.array([value], type=type_)[0])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            found.append(pa.scalar(None, type_))
    return pa.array([scalar.as_py() for scalar in found], type=type_)


def as_text(value: Any) -> str | None:
    """Write a JSON value as text; texts stay as they are."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def united(tables: Sequence[pa.Table], names: Sequence[str], mode: str) -> pa.Table:
    """Put the rows of several files together, columns by name; absent ones are null.

    Raises:
        InvalidFormat: A column has types in two files that do not go together.
    """
    if len(tables) == 1:
        return tables[0]
    fields: dict[str, pa.Field] = {}
    owner: dict[str, str] = {}
    clashes: set[str] = set()
    for table, file in zip(tables, names, strict=True):
        for item in table.schema:
            old = fields.setdefault(item.name, item)
            owner.setdefault(item.name, file)
            wider = _wider(old, item)
            if wider is None:
                clashes.add(item.name)
                if mode == "error":
                    raise InvalidFormat(
                        f"{file}: column {item.name!r} holds {item.type}, but {old.type} in "
                        f"{owner[item.name]}.",
                        hint=_WAYS,
                    )
            else:
                fields[item.name] = wider
    if mode in {"string", "json"}:
        fields |= {name: pa.field(name, pa.string()) for name in clashes}
    schema = pa.schema(list(fields.values()))
    metadata = next((t.schema.metadata for t in tables if t.schema.metadata), None)
    parts = [_conform(table, schema, clashes, mode) for table in tables]
    return pa.concat_tables(parts).replace_schema_metadata(metadata)


def _wider(a: pa.Field, b: pa.Field) -> pa.Field | None:
    if a.type == b.type:
        return a
    booleans = pa.types.is_boolean(a.type) + pa.types.is_boolean(b.type)
    if booleans == 1 and not (pa.types.is_null(a.type) or pa.types.is_null(b.type)):
        return None
    try:
        return pa.unify_schemas(
            [pa.schema([a]), pa.schema([b])], promote_options="permissive"
        ).field(0)
    except pa.ArrowException:
        return None


def _conform(table: pa.Table, schema: pa.Schema, clashes: set[str], mode: str) -> pa.Table:
    columns = []
    for item in schema:
        if item.name not in table.column_names:
            columns.append(pa.nulls(len(table), item.type))
            continue
        column = table[item.name]
        if item.name in clashes and column.type != item.type:
            column = _settled(column, item.type, mode)
        columns.append(column.cast(item.type))
    return pa.table(columns, schema=schema)


def _settled(column: pa.ChunkedArray, type_: pa.DataType, mode: str) -> pa.ChunkedArray:
    if mode == "null":
        return pa.chunked_array([pa.nulls(len(column), type_)])
    write = as_text if mode == "string" else json.dumps
    values = [None if value is None else write(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def with_json(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Mark columns as text of JSON."""
    features = Features.from_arrow_schema(table.schema)
    for name in names:
        features[name] = Json()
    return table.replace_schema_metadata(features.metadata)


def _kind(value: Any) -> str:
    names = {
        str: "texts",
        bool: "true or false",
        int: "whole numbers",
        float: "numbers",
        list: "lists",
        dict: "objects",
    }
    return names.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
