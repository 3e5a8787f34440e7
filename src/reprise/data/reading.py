"""The reading half of a data set: rows, batches, columns, formats, other libraries."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.column import Column
from reprise.data.convert import pieces_of
from reprise.data.features import Features
from reprise.data.formats import array_as, batch_as, cut, row_as
from reprise.data.frame import WINDOW, Frame
from reprise.data.single import row_reader

_ROWS = 64  # rows made into Python objects at once when they are handed out one by one


@dataclass(frozen=True)
class Format:
    """How rows leave a data set.

    Attributes:
        name: None (Python), numpy, torch, pandas, polars or arrow.
        columns: Which columns; None for all.
        options: For the format: `dtype`, `device`.
        transform: Called on every batch, in place of a format.
    """

    name: str | None = None
    columns: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    transform: Callable[[dict[str, Any]], Any] | None = None

    def columns_of(self, frame: Frame) -> Frame:
        """Return the part of a frame that leaves it."""
        if self.columns is None or list(self.columns) == frame.columns:
            return frame
        return frame.only([name for name in self.columns if name in frame.features])

    def batch(self, table: pa.Table, features: Features) -> Any:
        """Return rows together."""
        if self.transform is not None:
            return self.transform(batch_as(table, features, None, {}))
        return batch_as(table, features, self.name, self.options)

    def batches(self, table: pa.Table, features: Features, size: int) -> Iterator[dict[str, Any]]:
        """Yield batches of rows that are converted together; in Python, numpy or torch."""
        return cut(table, features, self.name, self.options, size)

    def row(self, table: pa.Table, features: Features) -> Any:
        """Return the only row of a table."""
        if self.transform is not None:
            return {key: values[0] for key, values in self.batch(table, features).items()}
        return row_as(table, features, self.name, self.options)

    def values(self, table: pa.Table, features: Features, name: str) -> Any:
        """Return the values of the one column."""
        if self.name in {"numpy", "torch"}:
            return array_as(table[name], str(self.name), self.options)
        found = self.batch(table, features)
        return found[name]


class Readable:
    """Rows of a frame in some format."""

    def __init__(self, frame: Frame, format_: Format) -> None:
        self._frame = frame
        self._format = format_
        self._shown = format_.columns_of(frame)
        self._single: Callable[[int], dict[str, Any]] | None = None

    def __len__(self) -> int:
        return self._frame.size

    def __iter__(self) -> Iterator[Any]:
        shown, format_ = self._shown, self._format
        for table in shown.windows(WINDOW):
            if format_.name is None and format_.transform is None:
                yield from _dicts(table, shown.features)
            elif format_.name in {"numpy", "torch"} and format_.transform is None:
                yield from _unzipped(format_.batch(table, shown.features), table.num_rows)
            else:
                for number in range(table.num_rows):
                    yield format_.row(table.slice(number, 1), shown.features)

    def __getitem__(self, key: Any) -> Any:
        """Return a row (number), rows (slice, list, range, array) or a column (name)."""
        if self._single is not None and type(key) is int and 0 <= key < self._frame.size:
            return self._single(key)
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            return self._row(int(key))
        return self._format.batch(self._rows(key), self._shown.features)

    def __getitems__(self, keys: list[int]) -> list[Any]:
        """Return several rows one by one; torch's DataLoader asks this way."""
        table = self._rows(keys)
        if self._format.name is None and self._format.transform is None:
            return list(_dicts(table, self._shown.features))
        batch = self._format.batch(table, self._shown.features)
        return list(_unzipped(batch, len(keys)))

    def iter(
        self, batch_size: int, *, drop_last_batch: bool = False, start: int = 0
    ) -> Iterator[Any]:
        """Yield batches.

        Rows are gathered some thousands at a time, whatever their order, and handed out in
        slices.

        Args:
            batch_size: Rows in each.
            drop_last_batch: Leave out a last batch that is smaller.
            start: The first row, to go on where somebody stopped.
        """
        if batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more, not {batch_size}.")
        shown = self._shown
        size = max(1, WINDOW // batch_size) * batch_size
        if self._format.transform is None and self._format.name in {None, "numpy", "torch"}:
            for table in shown.windows(size, start):
                batches = self._format.batches(table, shown.features, batch_size)
                full = table.num_rows // batch_size
                yield from islice(batches, full if drop_last_batch else None)
            return
        for table in shown.windows(size, start):
            for first in range(0, table.num_rows, batch_size):
                part = table.slice(first, batch_size)
                if drop_last_batch and part.num_rows < batch_size:
                    return
                yield self._format.batch(part, shown.features)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return everything as lists by column."""
        found: dict[str, list[Any]] = batch_as(self._frame.table(), self._frame.features, None, {})
        return found

    def to_list(self) -> list[dict[str, Any]]:
        """Return everything as a list of rows."""
        return list(_dicts(self._frame.table(), self._frame.features))

    def to_arrow(self) -> pa.Table:
        """Return everything as an Arrow table with the `huggingface` metadata."""
        return self._frame.table()

    def to_pandas(self) -> Any:
        """Return everything as a pandas DataFrame."""
        return batch_as(self._frame.table(), self._frame.features, "pandas", {})

    def to_polars(self) -> Any:
        """Return everything as a polars DataFrame."""
        return batch_as(self._frame.table(), self._frame.features, "polars", {})

    def _rows(self, key: Any) -> pa.Table:
        size = len(self)
        if isinstance(key, slice):
            span = range(size)[key]
            if span.step == 1:
                return self._shown.window(span.start, len(span))
            return self._shown.take(np.asarray(span, dtype=np.int64))
        rows = np.asarray(list(key) if not isinstance(key, np.ndarray) else key)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.size and rows.dtype.kind not in "iu":
            raise InvalidInput(f"Rows are numbered by integers, columns named by texts: {key!r}.")
        rows = rows.astype(np.int64)
        if rows.size and (rows.min() < -size or rows.max() >= size):
            raise IndexError(f"Some rows do not exist: the data set has {size} rows.")
        return self._shown.take(np.where(rows < 0, rows + size, rows))

    def _column(self, name: str) -> Column:
        self._frame.check([name])
        frame = self._frame.only([name])
        return Column(frame, name, lambda table: self._format.values(table, frame.features, name))

    def _row(self, number: int) -> Any:
        size = self._frame.size
        if not -size <= number < size:
            raise IndexError(f"There is no row {number}: the data set has {size} rows.")
        number = number + size if number < 0 else number
        if self._format.name is not None or self._format.transform is not None:
            return self._format.row(self._shown.window(number, 1), self._shown.features)
        if self._single is None:
            self._single = row_reader(self._shown)
        return self._single(number)


def _dicts(table: pa.Table, features: Features) -> Iterator[dict[str, Any]]:
    """Yield rows as dicts."""
    names = table.column_names
    if not names:
        return iter([{} for _ in range(table.num_rows)])
    columns = [chain.from_iterable(pieces_of(table[n], features.get(n), _ROWS)) for n in names]
    return (dict(zip(names, cells, strict=False)) for cells in zip(*columns, strict=True))


def _unzipped(batch: Any, size: int) -> Iterator[Any]:
    if not isinstance(batch, dict):
        return (batch[number : number + 1] for number in range(size))
    return ({key: values[number] for key, values in batch.items()} for number in range(size))
