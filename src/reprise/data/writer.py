"""Write columns window by window, when nobody knows their types before the last one.

Windows wait in memory until there are many; then a file is begun. A later window of another type
makes the file be written again with a type that holds both, or is an error that says which row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.mapped import open_arrow

BUFFER = 64 << 20  # bytes that wait in memory, if nobody asks for less

# Makes the values of a column that was left as it is so far, for rows from … to.
Backfill = Callable[[str, int, int], pa.Array]


@dataclass
class Writer:
    """Collects tables into one Arrow file.

    Attributes:
        path: Where the file will be.
        backfill: Gives the earlier values of a column that first appears late.
        annotate: Gives a schema the metadata that belongs to it.
        step: What errors call the work.
        most: Bytes that may wait in memory.
    """

    path: Path
    backfill: Backfill
    annotate: Callable[[pa.Schema], pa.Schema]
    step: str = "This step"
    most: int = BUFFER
    rows: int = 0
    _waiting: list[pa.Table] = field(default_factory=list)
    _bytes: int = 0
    _file: Any = None
    _current: pa.Schema | None = None

    def write(self, table: pa.Table) -> None:
        """Add the next rows."""
        fitted = self._fit(table)
        self._waiting.append(fitted)
        self._bytes += fitted.nbytes
        self.rows += fitted.num_rows
        if self._bytes > self.most:
            self._flush()

    def close(self) -> pa.Schema:
        """Finish the file and return its schema."""
        if self._current is None:
            self._current = pa.schema([])
        self._flush()
        self._file.close()
        self._file = None
        return self._current

    def abandon(self) -> None:
        """Remove what was written, after an error."""
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._file is None:
            self._open()
        if self._waiting and len(self._current or ()):
            joined = pa.concat_tables(self._waiting).combine_chunks()
            self._put(joined)
        self._waiting, self._bytes = [], 0

    def _open(self) -> None:
        assert self._current is not None
        self._file = pa.ipc.new_file(str(self.path), self.annotate(self._current))

    def _put(self, table: pa.Table) -> None:
        metadata = self.annotate(table.schema).metadata
        self._file.write_table(table.replace_schema_metadata(metadata), max_chunksize=1 << 17)

    def _fit(self, table: pa.Table) -> pa.Table:
        """Return the table with the types and columns of all before; change those if need be."""
        if self._current is None:
            self._current = table.schema
            return table
        if table.schema == self._current:
            return table
        merged = self._merged(table)
        if merged != self._current:
            self._widen(merged)
        return self._complete(table, merged, self.rows)

    def _merged(self, table: pa.Table) -> pa.Schema:
        assert self._current is not None
        fields = {item.name: item for item in self._current}
        for item in table.schema:
            old = fields.get(item.name)
            fields[item.name] = item if old is None else self._wider(old, item)
        return pa.schema(list(fields.values()))

    def _wider(self, old: pa.Field, new: pa.Field) -> pa.Field:
        if old.type == new.type:
            return old
        try:
            found = pa.unify_schemas(
                [pa.schema([old]), pa.schema([new])], promote_options="permissive"
            )
        except pa.ArrowException:
            raise InvalidInput(
                f"{self.step} gives {old.type} for column {old.name!r} at first and {new.type} in "
                f"rows {self.rows} and after.",
                hint="Return values of one type, or pass features= with the type you want.",
            ) from None
        return found.field(0)

    def _widen(self, merged: pa.Schema) -> None:
        """Write again, with wider types, what was written."""
        self._waiting = self._rewritten(
            self._waiting, merged, self.rows - sum(map(len, self._waiting))
        )
        self._current = merged
        if self._file is None:
            return
        self._file.close()
        old = self.path.with_suffix(".old")
        self.path.replace(old)
        written = open_arrow(old)
        self._open()
        position = 0
        for batch in written.to_batches():
            table = pa.Table.from_batches([batch])
            self._put(self._complete(table, merged, position))
            position += len(table)
        old.unlink()

    def _rewritten(self, tables: list[pa.Table], merged: pa.Schema, start: int) -> list[pa.Table]:
        found = []
        for table in tables:
            found.append(self._complete(table, merged, start))
            start += len(table)
        return found

    def _complete(self, table: pa.Table, merged: pa.Schema, start: int) -> pa.Table:
        columns = []
        for item in merged:
            if item.name in table.column_names:
                columns.append(table[item.name].cast(item.type))
            else:
                filled = self.backfill(item.name, start, len(table))
                columns.append(filled.cast(item.type))
        return pa.table(columns, schema=merged)
