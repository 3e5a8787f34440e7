"""What `map` and `filter` do to the rows of a window: call a function and read its answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data import encode
from reprise.data.convert import to_list
from reprise.data.features import Features
from reprise.data.formats import batch_as, row_as
from reprise.data.frame import WINDOW
from reprise.data.rows import Batch, Row, Window


@dataclass(frozen=True)
class Task:
    """A function over rows and how it wants them."""

    function: Callable[..., Any]
    batched: bool = False
    batch_size: int | None = 1000
    with_indices: bool = False
    input_columns: tuple[str, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    features: Features | None = None
    format: str | None = None
    format_options: Mapping[str, Any] = field(default_factory=dict)
    seen: tuple[str, ...] | None = None  # columns that are passed on; None for all

    @property
    def name(self) -> str:
        """What to call it: the function's name."""
        found = getattr(self.function, "__name__", None)
        return str(found or type(self.function).__name__)

    def window_size(self, total: int) -> int:
        """How many rows are looked at together."""
        if not self.batched:
            return WINDOW
        return self.batch_size if self.batch_size and self.batch_size > 0 else max(total, 1)

    def parameters(self) -> list[Any]:
        """Return, as plain data, everything but the function that decides the result."""
        by_batch = [self.batch_size] if self.batched else []
        columns = self.features.to_dict() if self.features is not None else None
        return [
            self.batched, by_batch, self.with_indices, list(self.input_columns),
            sorted(self.removed), columns, self.format,
            sorted(map(str, self.format_options.items())),
            None if self.seen is None else list(self.seen),
        ]  # fmt: skip


@dataclass
class Calls:
    """Calls a task's function on window after window; remembers which columns it touches."""

    task: Task
    _touched: tuple[str, ...] = ()

    def run(self, table: pa.Table, features: Features, first_row: int) -> "Answers":
        """Call the function on every row, or on the batch.

        Raises:
            Exception: Whatever the function raises, with a note that names the row.
        """
        window = Window(table, features)
        if self.task.batched:
            return Answers(window, first_row, batch=self._batch(window, first_row))
        return Answers(window, first_row, rows=self._rows(window, first_row))

    def _rows(self, window: Window, first_row: int) -> list[Any]:
        task, found = self.task, []
        call, kwargs = task.function, dict(task.kwargs)
        if kwargs:
            call = partial(call, **kwargs)
        try:
            if task.input_columns or task.format or task.with_indices:
                for number, arguments in enumerate(self._arguments(window)):
                    extra = (first_row + number,) if task.with_indices else ()
                    found.append(call(*arguments, *extra))
            elif window.table.num_rows:
                if not self._touched:
                    first = Row.at(window, 0)
                    found.append(call(first))
                    self._touched = tuple(n for n in first.touched if n in window.columns)
                window.call(call, self._touched, found)
        except Exception as error:
            error.add_note(f"in row {first_row + len(found)}, given to {task.name}")
            raise
        return found

    def _arguments(self, window: Window) -> Iterator[tuple[Any, ...]]:
        task = self.task
        if task.input_columns:
            yield from zip(*(window.values(name) for name in task.input_columns), strict=True)
        elif task.format:
            for number in range(window.table.num_rows):
                one = window.table.slice(number, 1)
                yield (row_as(one, window.features, task.format, task.format_options),)
        else:
            yield from ((row,) for row in window.rows())

    def _batch(self, window: Window, first_row: int) -> Any:
        task, size = self.task, window.table.num_rows
        extra = (list(range(first_row, first_row + size)),) if task.with_indices else ()
        try:
            if task.input_columns:
                given = [window.values(name) for name in task.input_columns]
            elif task.format:
                given = [batch_as(window.table, window.features, task.format, task.format_options)]
            else:
                given = [Batch.of(window)]  # type: ignore[list-item]
            return task.function(*given, *extra, **task.kwargs)
        except Exception as error:
            error.add_note(f"in rows {first_row} to {first_row + size - 1}, given to {task.name}")
            raise


@dataclass
class Answers:
    """What a function returned for a window of rows."""

    window: Window
    first_row: int
    rows: list[Any] | None = None
    batch: Any = None

    def table(self, task: Task) -> pa.Table | None:
        """Return the new and changed columns; None when the function returned nothing.

        Raises:
            InvalidInput: The answers are no mappings, or their values do not fit.
        """
        columns = self._by_row() if self.rows is not None else self._by_batch()
        if columns is None:
            return None
        arrays = {}
        for name, values in columns.items():
            if not self._is_unchanged(name, values, task):
                arrays[name] = self._array(name, values, task)
        sizes = {name: len(array) for name, array in arrays.items()}
        if len(set(sizes.values())) > 1:
            raise InvalidInput(f"{task.name} returned columns of different lengths: {sizes}.")
        return pa.table(arrays)

    def flags(self, task: Task) -> "np.ndarray[Any, Any]":
        """Return the answers of a filter.

        Raises:
            InvalidInput: There are too many or too few.
        """
        given = self.rows if self.rows is not None else self.batch
        if isinstance(given, pa.Array | pa.ChunkedArray):
            given = given.to_numpy(zero_copy_only=False)
        flags = np.fromiter(map(bool, given), bool)
        if len(flags) != self.window.table.num_rows:
            raise InvalidInput(
                f"{task.name} answered {len(flags)} times for {self.window.table.num_rows} rows; "
                "a filter over batches returns one true or false for each row."
            )
        return flags

    def _by_row(self) -> dict[str, list[Any]] | None:
        rows = self.rows or []
        if all(row is None for row in rows):
            return None if rows else {}
        plain = [self._checked(row, number) for number, row in enumerate(rows)]
        names = list(plain[0])
        if all(len(row) == len(names) for row in plain):
            try:
                return {name: [row[name] for row in plain] for name in names}
            except KeyError:
                pass
        names = list(dict.fromkeys(name for row in plain for name in row))
        return {
            name: [row.get(name, self._old(name, n)) for n, row in enumerate(plain)]
            for name in names
        }

    def _old(self, name: str, number: int) -> Any:
        return self.window.values(name)[number] if name in self.window.columns else None

    def _checked(self, row: Any, number: int) -> dict[str, Any]:
        if type(row) is dict:
            return row
        if isinstance(row, Row):
            return {name: dict.__getitem__(row, name) for name in row.touched}
        if isinstance(row, Mapping):
            return dict(row)
        if isinstance(row, pa.Table):
            return {name: row[name].to_pylist()[0] for name in row.column_names}
        raise InvalidInput(
            f"Row {self.first_row + number}: the function returned {type(row).__name__}, "
            "not a dict of columns."
        )

    def _by_batch(self) -> dict[str, Any] | None:
        batch = self.batch
        if batch is None:
            return None
        if isinstance(batch, Batch):
            return {name: dict.__getitem__(batch, name) for name in batch.touched}
        if isinstance(batch, pa.Table):
            return dict(zip(batch.column_names, batch.columns, strict=True))
        if type(batch).__module__.startswith("polars"):
            batch = batch.to_dict(as_series=True)
        if hasattr(batch, "items"):  # dicts, BatchEncoding, pandas frames
            return {str(name): values for name, values in batch.items()}
        raise InvalidInput(
            f"Rows {self.first_row} and after: the function returned {type(batch).__name__}, "
            "not a dict of columns."
        )

    def _is_unchanged(self, name: str, values: Any, task: Task) -> bool:
        """Tell whether a column is as it was, so that nothing has to be stored."""
        if name in task.removed or name not in self.window.columns:
            return False
        if task.features is not None and task.features.get(name) != self.window.features[name]:
            return False
        known = self.window.lists.get(name)
        if known is None or not isinstance(values, list) or len(values) != len(known):
            return False
        if values is not known and not all(map(_is, values, known)):
            return False
        if known and isinstance(known[0], str | int | float) and values is not known:
            return True
        fresh = to_list(self.window.table[name], self.window.features.get(name))
        return values == fresh  # lists and dicts may have been changed in place

    def _array(self, name: str, values: Any, task: Task) -> pa.Array:
        wanted = None
        if task.features is not None:
            task_feature = task.features.get(name)
            if task_feature is None:
                raise InvalidInput(f"{task.name} returned {name!r}, which features= does not name.")
            wanted = task_feature
        elif name in self.window.features:
            kept = encode.fits(values, self.window.features[name])
            if kept is not None:
                return kept
        return encode.column(values, wanted, name=name, first_row=self.first_row)


def _is(a: Any, b: Any) -> bool:
    return a is b
