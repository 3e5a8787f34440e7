"""Rows that are in memory already."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data import casting, encode
from reprise.data.features import Features
from reprise.data.frame import Frame

_AT_ONCE = 10_000  # rows of a generator turned into Arrow together


def from_table(
    table: pa.Table, features: Features | None = None, mappings: tuple[pa.Buffer, ...] = ()
) -> Frame:
    """Make a frame of an Arrow table.

    Args:
        table: The rows.
        features: What the columns hold.
        mappings: The files that the table is mapped from, if any.

    Raises:
        InvalidInput: The features name other columns, or values do not fit.
    """
    frame = Frame.of(_plain(table), mappings=mappings)
    if features is None:
        return frame
    if set(features) != set(frame.features):
        odd = sorted(set(features) ^ set(frame.features))
        raise InvalidInput(f"The features and the columns differ: {', '.join(odd)}.")
    return casting.cast(frame, features).only(list(features))


def from_dict(
    columns: Mapping[str, Any], features: Features | None = None, *, first_row: int = 0
) -> Frame:
    """Make a frame of columns; errors count rows from `first_row`.

    Raises:
        InvalidInput: They differ in length, or values do not fit.
    """
    if features is not None and (odd := set(features) ^ set(columns)):
        raise InvalidInput(f"The features and the columns differ: {', '.join(sorted(odd))}.")
    names = list(features or columns)
    arrays = {
        str(name): encode.column(
            columns[name], (features or Features()).get(name), name=str(name), first_row=first_row
        )
        for name in names
    }
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise InvalidInput(f"The columns have different lengths: {sizes}.")
    table = pa.table(arrays)
    return Frame.of(table if features is None else table.cast(features.arrow_schema))


def from_rows(
    rows: Sequence[Mapping[str, Any]], features: Features | None = None, *, first_row: int = 0
) -> Frame:
    """Make a frame of rows; columns are those of any row, in the order they first appear."""
    names = (
        list(features) if features is not None else list(dict.fromkeys(n for r in rows for n in r))
    )
    columns = {name: [row.get(name) for row in rows] for name in names}
    return from_dict(columns, features, first_row=first_row)


def checked_rows(rows: Sequence[Any], first_row: int) -> Sequence[Mapping[str, Any]]:
    """Return rows that are dicts.

    Raises:
        InvalidInput: One is something else; the message names it.
    """
    for number, row in enumerate(rows, first_row):
        if not isinstance(row, Mapping):
            raise InvalidInput(f"Row {number} is a {type(row).__name__}, not a dict.")
    return rows


def from_iterable(rows: Iterable[Mapping[str, Any]], features: Features | None = None) -> Frame:
    """Make a frame of rows that come one by one.

    Raises:
        InvalidInput: Something else than a dict comes, or types change on the way.
    """
    tables, source, start = [], iter(rows), 0
    while part := list(islice(source, _AT_ONCE)):
        tables.append(from_rows(checked_rows(part, start), features, first_row=start).table())
        start += len(part)
    if not tables:
        return from_dict({name: [] for name in features or {}}, features)
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise InvalidInput(
            f"The rows do not have one type: {error}.", hint="Pass features=."
        ) from None
    return Frame.of(table if features is None else table.cast(features.arrow_schema))


def _plain(table: pa.Table) -> pa.Table:
    """Replace types that only Arrow knows: dictionaries, maps, views of strings."""
    fields = [item.with_type(_simple(item.type)) for item in table.schema]
    schema = pa.schema(fields, metadata=table.schema.metadata)
    return table if schema == table.schema else table.cast(schema)


def _simple(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return _simple(type_.value_type)
    if isinstance(type_, pa.BaseExtensionType):
        return _simple(type_.storage_type)
    if pa.types.is_string_view(type_):
        return pa.large_string()
    if pa.types.is_binary_view(type_):
        return pa.large_binary()
    return type_
