"""Rows of Arrow columns in any order: numbers through numpy, everything else by Arrow's `take`.

Arrow takes a list by taking its items one by one; numpy copies whole rows of a matrix. Rows of
several batches are put where they belong at once, without a second pass to restore the order.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.permutation import Indices

_FEW = 8  # batches; among so few, looking for each is quicker than sorting
_MOST_ITEMS = 2**31 - 1  # that offsets of 32 bits can count


@dataclass(frozen=True)
class Piece:
    """Rows that lie in one batch.

    Attributes:
        batch: Its number.
        rows: Their numbers within the batch.
        places: Where they go in the result; None for all of it, in this order.
    """

    batch: int
    rows: Indices
    places: Indices | None


def pieces_of(rows: Indices, ends: Indices) -> list[Piece]:
    """Find the batches in which rows lie.

    Args:
        rows: Numbers of rows; at least one.
        ends: For each batch, the number of the row after its last.
    """
    if len(ends) == 1:
        return [Piece(0, rows, None)]
    starts = np.r_[0, ends[:-1]]
    found = []
    for number, places in _by_batch(rows, ends):
        found.append(Piece(number, rows[places] - starts[number], places))
    if len(found) == 1:
        return [Piece(found[0].batch, rows - starts[found[0].batch], None)]
    return found


def _by_batch(rows: Indices, ends: Indices) -> Iterator[tuple[int, Indices]]:
    """Yield the batches that hold rows, and which rows each holds."""
    which = np.searchsorted(ends, rows, side="right")
    if len(ends) <= _FEW:
        for number in range(len(ends)):
            if len(places := np.flatnonzero(which == number)):
                yield number, places
        return
    order = np.argsort(which, kind="stable")
    numbers = which[order]
    bounds = np.flatnonzero(np.diff(numbers)) + 1
    for number, places in zip(numbers[np.r_[0, bounds]], np.split(order, bounds), strict=True):
        yield int(number), places


def has_room(shapes: Iterable[tuple[int, ...] | None], count: int) -> bool:
    """Tell whether so many rows of such shapes go into one column of lists."""
    return all(count * math.prod(shape or ()) <= _MOST_ITEMS for shape in shapes)


def numbers_from(matrices: Sequence["np.ndarray[Any, Any]"], pieces: Sequence[Piece]) -> Any:
    """Gather rows of arrays of numbers, one array for each piece."""
    if pieces[0].places is None:
        return matrices[0].take(pieces[0].rows, axis=0)
    count = sum(len(piece.rows) for piece in pieces)
    found = np.empty((count, *matrices[0].shape[1:]), matrices[0].dtype)
    for matrix, piece in zip(matrices, pieces, strict=True):
        found[piece.places] = matrix.take(piece.rows, axis=0)
    return found


def as_column(values: "np.ndarray[Any, Any]", type_: pa.DataType) -> pa.Array:
    """Return an array of numbers as Arrow, a matrix as lists; no copy."""
    items = pa.array(values.reshape(-1))
    if values.ndim == 1:
        return items
    if pa.types.is_fixed_size_list(type_):
        return pa.FixedSizeListArray.from_arrays(items, type=type_)
    offsets = np.arange(len(values) + 1) * values.shape[1]
    if pa.types.is_large_list(type_):
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), items, type=type_)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, type=type_)


def columns_from(
    batches: Sequence[pa.RecordBatch], names: Sequence[str], pieces: Sequence[Piece]
) -> pa.Table:
    """Take rows of columns of any kind."""
    if not names:
        return pa.table({})
    parts = [
        batches[piece.batch].select(list(names)).take(pa.array(piece.rows)) for piece in pieces
    ]
    if pieces[0].places is None:
        return pa.Table.from_batches(parts)
    places = np.concatenate([piece.places for piece in pieces])
    inverse = np.empty(len(places), np.int64)
    inverse[places] = np.arange(len(places))
    return pa.Table.from_batches(parts).combine_chunks().take(pa.array(inverse))
