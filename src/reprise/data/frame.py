"""Columns that may live in different tables, and which of their rows are meant. Immutable."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput
from reprise.data.features import Features
from reprise.data.permutation import Indices
from reprise.data.selection import Selection, Span, compose, whole
from reprise.data.stored import Rows, Stored

WINDOW = 4096  # rows gathered at once
_RESOLVED = 1 << 15  # rows whose numbers are worked out at once
_NO_ROWS = np.array([], np.int64)
_TOGETHER = 256 << 20  # bytes gathered at once; a column of texts holds 2 GB at most


@dataclass(frozen=True)
class Group:
    """Columns of one stored table under the names they go by, and the rows of it that are meant.

    Attributes:
        stored: The table.
        selection: Which rows.
        names: Name of the column here -> its name in the stored table.
        kept: Bytes of a mapped table that reading may leave in memory; None for the usual.
    """

    stored: Stored
    selection: Selection
    names: Mapping[str, str]
    kept: int | None = None


@dataclass(frozen=True)
class Frame:
    """What a data set is: features by column, groups of columns, and a number of rows."""

    features: Features
    groups: tuple[Group, ...]
    size: int
    _memo: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls, table: pa.Table, *, key: str = "", path: Path | None = None,
        mappings: tuple[pa.Buffer, ...] = (),
    ) -> "Frame":  # fmt: skip
        """Make a frame of one table; features are read from its schema."""
        features = Features.from_arrow_schema(table.schema)
        stored = Stored(table.replace_schema_metadata(None), key, path, mappings)
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
        groups, wanted = [], set(names)
        for group in self.groups:
            kept = {name: source for name, source in group.names.items() if name in wanted}
            if kept:
                groups.append(replace(group, names=kept))
        features = Features({name: self.features[name] for name in names})
        return Frame(features, tuple(groups), self.size)

    def without(self, names: Sequence[str]) -> "Frame":
        """Drop some columns."""
        self.check(names)
        dropped = set(names)
        return self.only([name for name in self.columns if name not in dropped])

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
        return self._collected(self._resolved(positions), slice(None), len(positions))

    def window(self, start: int, length: int) -> pa.Table:
        """Return some rows in a row."""
        stop = max(min(start + length, self.size), start)
        return next(self._windows(start, stop, max(stop - start, 1)), None) or self.take(_NO_ROWS)

    def windows(self, size: int = WINDOW, start: int = 0) -> Iterator[pa.Table]:
        """Yield all rows from `start` in tables of `size` rows."""
        return self._windows(start, self.size, size)

    def _windows(self, start: int, stop: int, size: int) -> Iterator[pa.Table]:
        """Yield rows from … to; their numbers are worked out for several tables at once."""
        together = max(1, _RESOLVED // size) * size
        for first in range(start, stop, together):
            count = min(together, stop - first)
            resolved: dict[int, Rows] = {
                id(s): range(s.start + first, s.start + first + count)
                for s in self._selections if isinstance(s, Span) and s.step == 1
            }  # fmt: skip
            if len(resolved) < len(self._selections):
                positions = np.arange(first, first + count, dtype=np.int64)
                resolved |= self._resolved(positions, set(resolved))
            for at in range(0, count, size):
                length = min(size, count - at)
                yield self._collected(resolved, slice(at, at + length), length)

    @property
    def _selections(self) -> list[Selection]:
        return list({id(g.selection): g.selection for g in self.groups}.values())

    def _resolved(self, positions: Indices, known: Collection[int] = ()) -> "dict[int, Rows]":
        return {id(s): s.resolve(positions) for s in self._selections if id(s) not in known}

    def _collected(self, resolved: "Mapping[int, Rows]", part: slice, count: int) -> pa.Table:
        """Return the rows whose numbers are in a part of what was resolved."""
        arrays: dict[str, pa.ChunkedArray] = {}
        for group in self.groups:
            rows = resolved[id(group.selection)][part]
            table = group.stored.take(rows, list(group.names.values()), group.kept)
            arrays |= dict(zip(group.names, table.columns, strict=True))
        columns = [arrays[name] for name in self.columns]
        return pa.table(columns, names=self.columns) if columns else rows_only(count)

    def table(self) -> pa.Table:
        """Return everything as one Arrow table, with its metadata; no copy where none is needed."""
        whole_table = self.window(0, self.size) if self._is_plain() else self._gathered()
        return whole_table.replace_schema_metadata(self.features.metadata)

    @property
    def label(self) -> str:
        """What people call the data set that most columns come from; "" when nobody said."""
        return next((group.stored.label for group in self.groups if group.stored.label), "")

    def labelled(self, label: str) -> "Frame":
        """Say what people call the data set, for lists of what its steps keep."""
        groups = tuple(replace(g, stored=replace(g.stored, label=label)) for g in self.groups)
        return replace(self, groups=groups)

    @property
    def row_bytes(self) -> float:
        """What a row takes in the tables it is stored in, on average."""
        return sum(
            group.stored.pages.widths[source]
            for group in self.groups
            for source in group.names.values()
        )

    def rows_within(self, size: int, most: int) -> int:
        """Return how many rows go into so many bytes: one or more, `most` at most."""
        return max(1, min(most, int(size / max(self.row_bytes, 1.0))))

    def keeping(self, kept: int) -> "Frame":
        """Leave no more than so many bytes of mapped tables in memory when rows are read."""
        share = kept // max(len(self.groups), 1)
        return replace(self, groups=tuple(replace(g, kept=share) for g in self.groups))

    def release(self) -> None:
        """Give back the pages of mapped tables that were read."""
        for group in self.groups:
            group.stored.pages.release()

    def _is_plain(self) -> bool:
        return all(isinstance(g.selection, Span) and g.selection.step == 1 for g in self.groups)

    def _gathered(self) -> pa.Table:
        parts = list(self.windows(self.rows_within(_TOGETHER, 1 << 16)))
        return pa.concat_tables(parts) if parts else self.window(0, 0)


def rows_only(size: int) -> pa.Table:
    """Return a table of some rows without columns."""
    return pa.table({"_": pa.nulls(size)}).select([])
