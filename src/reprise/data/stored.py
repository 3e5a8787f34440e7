"""A table as it lies in memory or in a mapped file, and how rows are taken out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data import gather
from reprise.data.content import content_id
from reprise.data.convert import as_numbers
from reprise.data.mapped import KEPT, Pages, open_mapped
from reprise.data.permutation import Indices

Rows = Indices | range

_READ_AT_ONCE = 1 << 17  # rows; more are a table that is handed out and not yet read


@dataclass(frozen=True, eq=False)
class Stored:
    """A table whose rows have numbers, from 0.

    Attributes:
        table: The rows.
        key: What it was made from and how, as a digest; "" for tables that came as they are.
        path: The Arrow file it is mapped from.
        mappings: The files that it is mapped from, if any.
        label: What people call the data set that it comes from.
    """

    table: pa.Table
    key: str = ""
    path: Path | None = None
    mappings: tuple[pa.Buffer, ...] = ()
    label: str = ""

    @classmethod
    def at(cls, path: Path, key: str = "") -> "Stored":
        """Map the table of a file."""
        opened = open_mapped(path)
        return cls(opened.table.replace_schema_metadata(None), key, path, opened.mappings)

    def __reduce__(self) -> Any:
        """Travel as the name of a file where there is one; rows do not go through pipes."""
        if self.path is not None and self.path.exists():
            return Stored.at, (self.path, self.key)
        return Stored, (self.table, self.key)

    def on_disk(self, path: Path) -> "Stored":
        """Return the same table in a file: its own, or a new one at `path`."""
        if self.path is not None and self.path.exists():
            return self
        with pa.ipc.new_file(str(path), self.table.schema) as file:
            file.write_table(self.table, max_chunksize=1 << 17)
        return Stored.at(path, self.key)

    @cached_property
    def identity(self) -> str:
        """Digest of what the table holds."""
        return self.key or content_id(self.table)

    @cached_property
    def batches(self) -> list[pa.RecordBatch]:
        """The table cut where its chunks are, without copying."""
        return list(self.table.to_batches())

    @cached_property
    def ends(self) -> Indices:
        """For each batch, the number of the row after its last."""
        return np.cumsum([batch.num_rows for batch in self.batches], dtype=np.int64)

    @cached_property
    def pages(self) -> Pages:
        """What was read of the mapped files."""
        size = max(self.table.num_rows, 1)
        widths = {name: self.table[name].nbytes / size for name in self.table.column_names}
        return Pages(self.mappings, widths, self.table.num_rows)

    @cached_property
    def row_bytes(self) -> float:
        """What a row takes, on average."""
        return float(self.table.nbytes / max(self.table.num_rows, 1))

    @cached_property
    def _matrices(self) -> dict[tuple[int, str], "np.ndarray[Any, Any] | None"]:
        return {}

    def take(self, rows: Rows, names: Sequence[str], kept: int | None = None) -> pa.Table:
        """Return some columns of some rows, in the order asked for.

        Args:
            rows: Numbers of rows; a range is one in steps of 1.
            names: Of the columns.
            kept: Bytes of the mapped file that may stay in memory; by default many.
        """
        wanted = list(names)
        if not len(rows):
            return self.table.select(wanted).slice(0, 0)
        if isinstance(rows, range) or _is_run(rows):
            if self.mappings and len(rows) <= _READ_AT_ONCE:
                self._note(rows, wanted, kept)
            return self.table.select(wanted).slice(int(rows[0]), len(rows))
        if self.mappings and kept is not None:
            return self._in_parts(rows, wanted, kept)
        return self._scattered(rows, wanted)

    def _in_parts(self, rows: Indices, names: list[str], kept: int) -> pa.Table:
        """Take rows in the order of the file, giving pages back on the way."""
        order = np.argsort(rows, kind="stable")
        ordered, parts = rows[order], []
        for part in np.split(ordered, self.pages.cuts(ordered, names, kept)):
            parts.append(self._scattered(part, names))
            self.pages.release()
        inverse = np.empty(len(rows), np.int64)
        inverse[order] = np.arange(len(rows))
        return pa.concat_tables(parts).combine_chunks().take(pa.array(inverse))

    def _note(self, rows: Rows, names: Sequence[str], kept: int | None) -> None:
        if kept is not None or not self.pages.is_small:
            self.pages.read(np.asarray(rows), names, KEPT if kept is None else kept)

    def _scattered(self, rows: Indices, names: list[str]) -> pa.Table:
        pieces = gather.pieces_of(rows, self.ends)
        columns: dict[str, Any] = {}
        for name in names:
            matrices = [self._matrix(piece.batch, name) for piece in pieces]
            shapes = {None if m is None else m.shape[1:] for m in matrices}
            if None not in shapes and len(shapes) == 1 and gather.has_room(shapes, len(rows)):
                values = gather.numbers_from(matrices, pieces)  # type: ignore[arg-type]
                columns[name] = gather.as_column(values, self.table.schema.field(name).type)
        rest = [name for name in names if name not in columns]
        taken = gather.columns_from(self.batches, rest, pieces)
        columns |= dict(zip(rest, taken.columns, strict=True))
        fields = [self.table.schema.field(name) for name in names]
        return pa.table([columns[name] for name in names], schema=pa.schema(fields))

    def _matrix(self, batch: int, name: str) -> "np.ndarray[Any, Any] | None":
        place = (batch, name)
        if place not in self._matrices:
            self._matrices[place] = as_numbers(self.batches[batch].column(name))
        return self._matrices[place]


def _is_run(rows: Indices) -> bool:
    """Tell whether rows follow each other without a gap."""
    return bool(rows[-1] - rows[0] == len(rows) - 1) and bool((np.diff(rows) == 1).all())
