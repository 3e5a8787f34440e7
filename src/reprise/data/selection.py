"""Which rows, in which order: a value, not a copy. Composed without touching any row."""

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reprise.base.errors import InvalidInput
from reprise.data.permutation import Indices, Permutation


class Selection(Protocol):
    """A sequence of row numbers that may be computed."""

    @property
    def size(self) -> int:
        """How many rows."""
        ...

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        ...

    def describe(self) -> object:
        """Return plain data that is equal exactly for equal selections, for cache keys."""
        ...


@dataclass(frozen=True)
class Span:
    """Rows at even steps: start, start + step and so on."""

    start: int
    size: int
    step: int = 1

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        if self.start == 0 and self.step == 1:
            return positions
        return positions * self.step + self.start

    def describe(self) -> object:
        """Return plain data."""
        return ["span", self.start, self.size, self.step if self.size > 1 else 1]


@dataclass(frozen=True, eq=False)
class Picked:
    """Rows that are listed."""

    rows: NDArray[np.signedinteger]
    _digest: list[str] = field(default_factory=list, repr=False)

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.rows)

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        return self.rows[positions].astype(np.int64, copy=False)

    def describe(self) -> object:
        """Return plain data."""
        if not self._digest:
            data = np.ascontiguousarray(self.rows, "<i8")
            self._digest.append(hashlib.sha256(data.tobytes()).hexdigest())
        return ["picked", self._digest[0]]


@dataclass(frozen=True)
class Shuffled:
    """All rows in a drawn order."""

    permutation: Permutation

    @property
    def size(self) -> int:
        """How many rows."""
        return self.permutation.size

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        return self.permutation.apply(positions)

    def describe(self) -> object:
        """Return plain data."""
        drawn = self.permutation
        return ["shuffled", str(drawn.seed), drawn.epoch, drawn.size]


@dataclass(frozen=True)
class Chained:
    """Rows of a selection of rows."""

    inner: Selection
    outer: Selection

    @property
    def size(self) -> int:
        """How many rows."""
        return self.outer.size

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        return self.inner.resolve(self.outer.resolve(positions))

    def describe(self) -> object:
        """Return plain data."""
        return ["chained", self.inner.describe(), self.outer.describe()]


@dataclass(frozen=True)
class Joined:
    """Selections one after the other, each over rows that start further down."""

    parts: tuple[tuple[int, Selection], ...]  # (first row of the table it is of, selection)

    @property
    def size(self) -> int:
        """How many rows."""
        return sum(part.size for _, part in self.parts)

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        ends = np.cumsum([part.size for _, part in self.parts])
        which = np.searchsorted(ends, positions, side="right")
        found = np.empty(len(positions), np.int64)
        for number in np.unique(which):
            offset, part = self.parts[number]
            here = which == number
            found[here] = part.resolve(positions[here] - (ends[number] - part.size)) + offset
        return found

    def describe(self) -> object:
        """Return plain data."""
        return ["joined", *([offset, part.describe()] for offset, part in self.parts)]


def whole(size: int) -> Span:
    """Return the selection of all rows in their order."""
    return Span(0, size)


def compose(inner: Selection, outer: Selection) -> Selection:  # noqa: PLR0911 - a line per pair
    """Return the rows that `outer` picks of what `inner` picked."""
    if isinstance(inner, Span) and isinstance(outer, Span):
        if inner.start == 0 and inner.step == 1:
            return outer
        return Span(inner.start + outer.start * inner.step, outer.size, inner.step * outer.step)
    if isinstance(inner, Span) and inner.start == 0 and inner.step == 1:
        return outer
    if isinstance(outer, Span) and outer == whole(inner.size):
        return inner
    if isinstance(inner, Picked) and isinstance(outer, Span):
        stop = outer.start + outer.size * outer.step
        return Picked(inner.rows[outer.start : stop if stop >= 0 else None : outer.step])
    if isinstance(outer, Picked):
        return Picked(inner.resolve(outer.rows.astype(np.int64, copy=False)))
    return Chained(inner, outer)


def resolve_all(selection: Selection) -> Indices:
    """Return every row number of a selection."""
    return selection.resolve(np.arange(selection.size, dtype=np.int64))


def picked(rows: Indices, size: int) -> Selection:
    """Return the selection of listed rows; negative numbers count from the end.

    Raises:
        InvalidInput: A row does not exist.
    """
    if len(rows) and (int(rows.min()) < -size or int(rows.max()) >= size):
        wrong = int(rows.min()) if int(rows.min()) < -size else int(rows.max())
        raise InvalidInput(f"There is no row {wrong}: the data set has {size} rows.")
    if len(rows) and int(rows.min()) < 0:
        rows = np.where(rows < 0, rows + size, rows)
    if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1 and _is_run(rows):
        return Span(int(rows[0]), len(rows))
    return Picked(rows)


def _is_run(rows: Indices) -> bool:
    return bool((np.diff(rows) == 1).all())
