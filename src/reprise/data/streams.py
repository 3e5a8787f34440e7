"""Rows as they come: a chain of stages, each of which can start again exactly where it was.

A stage yields tables, each with a cursor: plain data from which the stage can yield that table
again and go on. So the state of a stream is the cursor of the table being read and how many of
its rows were taken; nothing is lost or seen twice, whatever the stages are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.features import Features
from reprise.data.frame import WINDOW, Frame
from reprise.data.permutation import Permutation
from reprise.data.task import Calls, Task

Cursor = Any  # JSON values
Chunk = tuple[Cursor, pa.Table]


class Stage(Protocol):
    """A source of tables that remembers where it is."""

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield tables from a cursor on; None is the beginning."""
        ...


@dataclass(frozen=True)
class Shards:
    """Tables from pieces that are read one at a time: files, parts of a frame.

    Attributes:
        readers: Each returns the whole of one piece.
        seed: Draws the order of the pieces anew in every epoch; None keeps it.
    """

    readers: tuple[Callable[[], Frame], ...]
    seed: int | None = None

    @property
    def pieces(self) -> int:
        """How many there are."""
        return len(self.readers)

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield windows of rows; the cursor is [piece, row]."""
        start, row = cursor or (0, 0)
        order = np.arange(len(self.readers), dtype=np.int64)
        if self.seed is not None:
            order = Permutation(len(order), self.seed, epoch).apply(order)
        for number in range(start, len(order)):
            frame = self.readers[int(order[number])]()
            for first in range(row, frame.size, WINDOW):
                table = frame.window(first, WINDOW)
                yield [number, first], table.replace_schema_metadata(frame.features.metadata)
            row = 0


@dataclass(frozen=True)
class Mapped:
    """A function over the tables of a stage."""

    before: Stage
    change: Callable[[pa.Table, int], pa.Table]

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield what the function makes; the cursor is [before, rows before]."""
        at, row = cursor or (None, 0)
        for place, table in self.before.chunks(at, epoch):
            yield [place, row], self.change(table, row)
            row += table.num_rows


@dataclass(frozen=True)
class Cut:
    """Windows of a fixed number of rows, across the tables of a stage."""

    before: Stage
    size: int

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield windows; the cursor is [before, rows of its table that are gone]."""
        at, skipped = cursor or (None, 0)
        waiting: list[tuple[Cursor, int, pa.Table]] = []
        rows = 0
        for place, table in self.before.chunks(at, epoch):
            gone = min(skipped, table.num_rows)
            skipped -= gone
            waiting.append((place, gone, table.slice(gone)))
            rows += waiting[-1][2].num_rows
            while rows >= self.size:
                yield self._next(waiting)
                rows -= self.size
        if rows:
            yield self._next(waiting)

    def _next(self, waiting: list[tuple[Cursor, int, pa.Table]]) -> Chunk:
        while not waiting[0][2].num_rows:
            waiting.pop(0)
        cursor, parts, wanted = [waiting[0][0], waiting[0][1]], [], self.size
        while wanted and waiting:
            place, gone, table = waiting.pop(0)
            part = table.slice(0, wanted)
            parts.append(part)
            wanted -= part.num_rows
            if part.num_rows < table.num_rows:
                waiting.insert(0, (place, gone + part.num_rows, table.slice(part.num_rows)))
        return cursor, pa.concat_tables(parts, promote_options="permissive")


@dataclass(frozen=True)
class Mixed:
    """The rows of each window in a drawn order, which the window's number decides."""

    before: Cut
    seed: int

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield shuffled windows; the cursor is [before, number of the window]."""
        at, number = cursor or (None, 0)
        for place, table in self.before.chunks(at, epoch):
            order = Permutation(table.num_rows, hash_of(self.seed, number), epoch)
            rows = order.apply(np.arange(table.num_rows, dtype=np.int64))
            yield [place, number], table.combine_chunks().take(pa.array(rows))
            number += 1


@dataclass(frozen=True)
class Sliced:
    """Rows from … to of a stage; `stop` None is the end."""

    before: Stage
    start: int
    stop: int | None

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield what lies between; the cursor is [before, rows before]."""
        at, row = cursor or (None, 0)
        for place, table in self.before.chunks(at, epoch):
            if self.stop is not None and row >= self.stop:
                return
            first = max(0, self.start - row)
            last = table.num_rows if self.stop is None else min(table.num_rows, self.stop - row)
            yield [place, row], table.slice(first, max(0, last - first))
            row += table.num_rows


@dataclass(frozen=True)
class Strided:
    """Every `count`-th row, from `index` on: the part of one worker."""

    before: Stage
    count: int
    index: int

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield this worker's rows; the cursor is [before, rows before]."""
        at, row = cursor or (None, 0)
        for place, table in self.before.chunks(at, epoch):
            first = (self.index - row) % self.count
            rows = np.arange(first, table.num_rows, self.count, dtype=np.int64)
            yield [place, row], table.combine_chunks().take(pa.array(rows))
            row += table.num_rows


@dataclass(frozen=True)
class Following:
    """Stages one after the other."""

    stages: tuple[Stage, ...]

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield the tables of all; the cursor is [stage, its cursor]."""
        start, at = cursor or (0, None)
        for number in range(start, len(self.stages)):
            for place, table in self.stages[number].chunks(at, epoch):
                yield [number, place], table
            at = None


def hash_of(seed: int, number: int) -> int:
    """Return a seed for one window."""
    return (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9) % 2**63


def mapping(task: Task, features: Features) -> Callable[[pa.Table, int], pa.Table]:
    """Return what `map` does to a table; results have the columns of `datasets`' streams."""
    calls = Calls(task)

    def change(table: pa.Table, row: int) -> pa.Table:
        parts = []
        size = task.window_size(table.num_rows)
        for first in range(0, table.num_rows, size):
            part = table.slice(first, size)
            parts.append(_merged(calls.run(part, features, row + first).table(task), part, task))
        return pa.concat_tables(parts, promote_options="permissive") if parts else table

    return change


def _merged(new: pa.Table | None, old: pa.Table, task: Task) -> pa.Table:
    kept = {n: old[n] for n in old.column_names if n not in task.removed}
    if new is None:
        return pa.table(kept)
    if new.num_columns and new.num_rows != old.num_rows:
        return new
    merged = pa.table({**kept, **{name: new[name] for name in new.column_names}})
    return merged.replace_schema_metadata(old.schema.metadata)


def filtering(task: Task, features: Features) -> Callable[[pa.Table, int], pa.Table]:
    """Return what `filter` does to a table."""
    calls = Calls(task)

    def change(table: pa.Table, row: int) -> pa.Table:
        size = task.window_size(table.num_rows)
        flags = [
            calls.run(table.slice(first, size), features, row + first).flags(task)
            for first in range(0, table.num_rows, size)
        ]
        return table.filter(pa.array(np.concatenate(flags))) if flags else table

    return change
