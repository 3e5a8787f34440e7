"""Columns that may live in different tables, and which of their rows are meant. Immutable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput
from reprise.data.content import content_id
from reprise.data.features import Features
from reprise.data.permutation import Indices
from reprise.data.selection import Selection, compose, whole

WINDOW = 4096  # rows gathered at once


@dataclass(frozen=True, eq=False)
class Stored:
    """A table as it lies in memory or in a mapped file; its rows have numbers, from 0.

    Attributes:
        table: The rows.
        key: What it was made from and how, as a digest; "" for tables that came as they are.
        path: The Arrow file it is mapped from.
    """

    table: pa.Table
    key: str = ""
    path: Path | None = None

    def __reduce__(self) -> Any:
        """Travel as the name of a file where there is one; rows do not go through pipes."""
        if self.path is not None and self.path.exists():
            return _reopened, (self.path, self.key)
        return Stored, (self.table, self.key)

    def on_disk(self, path: Path) -> "Stored":
        """Return the same table in a file: its own, or a new one at `path`."""
        if self.path is not None and self.path.exists():
            return self
        with pa.ipc.new_file(str(path), self.table.schema) as file:
            file.write_table(self.table, max_chunksize=1 << 17)
        return _reopened(path, self.key)

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

    def take(self, rows: Indices, names: Sequence[str]) -> pa.Table:
        """Return some columns of some rows, in the order asked for."""
        table = self.table.select(list(names))
        if not len(rows):
            return table.slice(0, 0)
        first, last = int(rows[0]), int(rows[-1])
        if last - first == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
            return table.slice(first, len(rows))
        if len(self.batches) == 1:
            return pa.Table.from_batches([self.batches[0].select(list(names)).take(pa.array(rows))])
        return self._take_scattered(rows, list(names))

    def _take_scattered(self, rows: Indices, names: list[str]) -> pa.Table:
        """Take from each batch what is wanted of it, then restore the order."""
        which = np.searchsorted(self.ends, rows, side="right")
        order = np.argsort(which, kind="stable")
        ordered, batch_of = rows[order], which[order]
        bounds = np.flatnonzero(np.diff(batch_of)) + 1
        parts = []
        for piece, number in zip(
            np.split(ordered, bounds), batch_of[np.r_[0, bounds]], strict=True
        ):
            batch = self.batches[number]
            local = piece - (self.ends[number] - batch.num_rows)
            parts.append(batch.select(names).take(pa.array(local)))
        inverse = np.empty(len(rows), np.int64)
        inverse[order] = np.arange(len(rows))
        whole_part = pa.Table.from_batches(parts).combine_chunks()
        return whole_part.take(pa.array(inverse))


def _reopened(path: Path, key: str) -> Stored:
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    return Stored(table.replace_schema_metadata(None), key, path)


@dataclass(frozen=True)
class Group:
    """Columns of one stored table under the names they go by, and the rows of it that are meant."""

    stored: Stored
    selection: Selection
    names: Mapping[str, str]  # name of the column here -> its name in the stored table


@dataclass(frozen=True)
class Frame:
    """What a data set is: features by column, groups of columns, and a number of rows."""

    features: Features
    groups: tuple[Group, ...]
    size: int
    _memo: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, table: pa.Table, *, key: str = "", path: Path | None = None) -> "Frame":
        """Make a frame of one table; features are read from its schema."""
        features = Features.from_arrow_schema(table.schema)
        stored = Stored(table.replace_schema_metadata(None), key, path)
        names = {name: name for name in features}
        if len(names) != table.num_columns:
            raise InvalidInput("Two columns have the same name; rename one.")
        return cls(features, (Group(stored, whole(table.num_rows), names),), table.num_rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.features)

    @property
    def identity(self) -> str:
        """Digest of columns, rows and their order; equal ids hold equal data."""
        if "id" not in self._memo:
            parts: list[Any] = []
            for group in self.groups:
                listed = [
                    [name, source, str(self.features.to_dict()[name])]
                    for name, source in group.names.items()
                ]
                parts.append([sorted(listed), group.stored.identity, group.selection.describe()])
            value = [self.columns, self.size, sorted(parts, key=canonical_json)]
            self._memo["id"] = sha256_hex(canonical_json(value))
        return self._memo["id"]

    def only(self, names: Sequence[str]) -> "Frame":
        """Keep some columns, in the order given.

        Raises:
            InvalidInput: A column does not exist.
        """
        self.check(names)
        groups = []
        for group in self.groups:
            kept = {name: source for name, source in group.names.items() if name in set(names)}
            if kept:
                groups.append(replace(group, names=kept))
        features = Features({name: self.features[name] for name in names})
        return Frame(features, tuple(groups), self.size)

    def without(self, names: Sequence[str]) -> "Frame":
        """Drop some columns."""
        self.check(names)
        return self.only([name for name in self.columns if name not in set(names)])

    def renamed(self, mapping: Mapping[str, str]) -> "Frame":
        """Give columns other names.

        Raises:
            InvalidInput: A column does not exist, or a name would occur twice.
        """
        self.check(list(mapping))
        new = [mapping.get(name, name) for name in self.columns]
        if len(set(new)) != len(new) or not all(new):
            raise InvalidInput(f"Columns need different names, that are not empty: {new}.")
        features = Features(
            {mapping.get(name, name): feature for name, feature in self.features.items()}
        )
        groups = tuple(
            replace(g, names={mapping.get(name, name): s for name, s in g.names.items()})
            for g in self.groups
        )
        return Frame(features, groups, self.size)

    def pick(self, selection: Selection) -> "Frame":
        """Return other rows of the same columns; nothing is copied."""
        composed: dict[int, Selection] = {}
        groups = []
        for group in self.groups:
            mark = id(group.selection)
            if mark not in composed:
                composed[mark] = compose(group.selection, selection)
            groups.append(replace(group, selection=composed[mark]))
        return Frame(self.features, tuple(groups), selection.size)

    def joined(self, other: "Frame") -> "Frame":
        """Return these columns with those of another frame of the same length, which win."""
        if other.size != self.size:
            raise InvalidInput(
                f"There are {self.size} rows on one side and {other.size} on the other."
            )
        kept = self.only([name for name in self.columns if name not in other.features])
        features = Features(
            {**{name: other.features.get(name, feature) for name, feature in self.features.items()},
             **other.features}
        )  # fmt: skip
        return Frame(features, (*kept.groups, *other.groups), self.size)

    def check(self, names: Sequence[str]) -> None:
        """Complain about columns that do not exist.

        Raises:
            InvalidInput: The message lists those that do.
        """
        for name in names:
            if name not in self.features:
                shown = ", ".join(self.columns[:20])
                raise InvalidInput(f"There is no column {name!r}; there are: {shown}.")

    def take(self, positions: Indices) -> pa.Table:
        """Return rows at some positions, all columns, in the order of the features."""
        arrays: dict[str, pa.ChunkedArray] = {}
        resolved: dict[int, Indices] = {}
        for group in self.groups:
            mark = id(group.selection)
            if mark not in resolved:
                resolved[mark] = group.selection.resolve(positions)
            table = group.stored.take(resolved[mark], list(group.names.values()))
            arrays |= dict(zip(group.names, table.columns, strict=True))
        columns = [arrays[name] for name in self.columns]
        return pa.table(columns, names=self.columns) if columns else rows_only(len(positions))

    def window(self, start: int, length: int) -> pa.Table:
        """Return some rows in a row."""
        stop = min(start + length, self.size)
        return self.take(np.arange(start, max(stop, start), dtype=np.int64))

    def windows(self, size: int = WINDOW, start: int = 0) -> Iterator[pa.Table]:
        """Yield all rows from `start` in tables of `size` rows."""
        for first in range(start, self.size, size):
            yield self.window(first, size)

    def table(self) -> pa.Table:
        """Return everything as one Arrow table, with its metadata; no copy where none is needed."""
        whole_table = self.window(0, self.size) if self._is_plain() else self._gathered()
        return whole_table.replace_schema_metadata(self.features.metadata)

    def _is_plain(self) -> bool:
        from reprise.data.selection import Span

        return all(isinstance(g.selection, Span) and g.selection.step == 1 for g in self.groups)

    def _gathered(self) -> pa.Table:
        parts = list(self.windows(1 << 16))
        return pa.concat_tables(parts) if parts else self.window(0, 0)


def rows_only(size: int) -> pa.Table:
    """Return a table of some rows without columns."""
    return pa.table({"_": pa.nulls(size)}).select([])
