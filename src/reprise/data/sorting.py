"""The order of rows by columns: in memory, or in files by DuckDB where memory is too small."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.data.frame import Frame
from reprise.data.mapped import open_mapped
from reprise.data.row_numbers import RowNumbers
from reprise.data.selection import Picked, Selection, picked
from reprise.data.store import Store

_PLACES = {"at_end": "at_end", "last": "at_end", "at_start": "at_start", "first": "at_start"}
_BATCH = 1 << 14  # rows that DuckDB is given, or gives, at once


@dataclass(frozen=True)
class Order:
    """What to sort by.

    Attributes:
        names: Columns, the most important first.
        falling: For each, whether the largest comes first.
        nulls: at_end or at_start.
    """

    names: tuple[str, ...]
    falling: tuple[bool, ...]
    nulls: str = "at_end"

    def __post_init__(self) -> None:
        if self.nulls not in _PLACES:
            raise InvalidInput(f"null_placement is 'at_end' or 'at_start', not {self.nulls!r}.")
        object.__setattr__(self, "nulls", _PLACES[self.nulls])

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """The form that Arrow takes."""
        last = () if self.nulls == "at_end" else ("at_start",)  # at the end they go by themselves
        return [
            (name, "descending" if falls else "ascending", *last)
            for name, falls in zip(self.names, self.falling, strict=True)
        ]


def rows_in_order(frame: Frame, order: Order) -> Selection:
    """Return the rows sorted by columns; rows that are equal keep their order.

    Raises:
        InvalidInput: A column does not exist, or cannot be sorted by.
    """
    rows = _sorted(_keys(frame, order).table(), order)
    return picked(rows.to_numpy().astype(np.int64), frame.size)


def sorted_within(frame: Frame, order: Order, memory: int, store: Store) -> Frame:
    """Sort with a limit on memory; the order itself is a mapped file, 8 bytes a row.

    Args:
        frame: The rows.
        order: What to sort by.
        memory: Bytes.
        store: Where the files are while they are needed.

    Raises:
        InvalidInput: A column does not exist, or cannot be sorted by.
    """
    keys = _keys(frame, order)
    kept = frame.keeping(memory // 4)
    if 3 * (keys.row_bytes + 16) * frame.size < memory:
        return kept.pick(rows_in_order(frame, order))
    _sorted(keys.window(0, 1), order)  # the same errors as in memory
    staged = store.staging()
    try:
        _sort_in_files(keys.keeping(memory // 8), order, memory // 2, staged)
        rows = open_mapped(staged).table["row"].to_numpy()
    finally:
        staged.unlink(missing_ok=True)
    return kept.pick(Picked(rows))


def _keys(frame: Frame, order: Order) -> Frame:
    frame.check(order.names)
    return frame.only(list(dict.fromkeys(order.names)))


def _sorted(table: pa.Table, order: Order) -> pa.Array:
    try:
        return pc.sort_indices(table, sort_keys=order.keys)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidInput(f"These columns cannot be sorted by: {error}.") from None


def _sort_in_files(keys: Frame, order: Order, memory: int, path: Path) -> None:
    """Sort with DuckDB, which writes what it cannot hold, and write the numbers of the rows."""
    duckdb = require("duckdb", extra="data")
    folder = path.with_suffix(".sorting")
    settings = {
        "memory_limit": f"{memory // 1_000_000}MB", "temp_directory": str(folder),
        "threads": "1", "preserve_insertion_order": "false",
    }  # fmt: skip
    try:
        with duckdb.connect(":memory:", config=settings) as con, RowNumbers(path) as rows:
            con.register("keys", _reader(keys))
            found = con.sql(f"SELECT row FROM keys ORDER BY {_clause(keys, order)}, row")  # noqa: S608 - our own names
            for batch in found.to_arrow_reader(_BATCH):
                rows.add(batch.column(0).to_numpy())
    finally:
        _remove(folder)


def _reader(keys: Frame) -> pa.RecordBatchReader:
    """Return the columns to sort by, as k0, k1 …, with the numbers of their rows."""
    fields = [(f"k{n}", _plain(item.type)) for n, item in enumerate(keys.features.bare_schema)]
    schema = pa.schema([*fields, ("row", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for table in keys.windows(keys.rows_within(1 << 20, _BATCH)):
            columns = [
                column.cast(kind) for column, (_, kind) in zip(table.columns, fields, strict=True)
            ]
            numbers = pa.array(np.arange(start, start + table.num_rows))
            yield from pa.table([*columns, numbers], schema=schema).to_batches()
            start += table.num_rows

    return pa.RecordBatchReader.from_batches(schema, batches())


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return a type of the same order that every database knows: numbers for times."""
    if pa.types.is_date32(type_) or pa.types.is_time32(type_):
        return pa.int32()
    return pa.int64() if pa.types.is_temporal(type_) else type_


def _clause(keys: Frame, order: Order) -> str:
    """Return what stands after ORDER BY; NaN lies between the numbers and what is null."""
    place = "LAST" if order.nulls == "at_end" else "FIRST"
    parts = []
    for name, falls in zip(order.names, order.falling, strict=True):
        column = f"k{keys.columns.index(name)}"
        if pa.types.is_floating(keys.features.bare_schema.field(name).type):
            way = "ASC" if order.nulls == "at_end" else "DESC"
            parts.append(f"isnan({column}) {way} NULLS {place}")
        parts.append(f"{column} {'DESC' if falls else 'ASC'} NULLS {place}")
    return ", ".join(parts)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
