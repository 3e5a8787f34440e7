"""Statistics of many examples as numbers, each distinct row once with how often it occurs.

Rows are sorted and distinct, so that sums do not depend on the order in which examples arrived or
in which parts were merged. A bootstrap replicate is the same rows with other weights.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Distinct rows of statistics.

    Attributes:
        rows: Statistics, shape (M, K): M distinct rows of K numbers.
        weights: How often each row occurs, shape (R, M): one line per replicate; whole numbers.
        labels: What the codes in the rows stand for, where rows hold codes.
        order: Original row number -> row of `rows`, shape (N,).
    """

    rows: Floats
    weights: Floats
    labels: tuple[Hashable, ...] = ()
    order: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))


def collapse(rows: Floats, labels: tuple[Hashable, ...] = ()) -> Table:
    """Sort rows, keep each distinct one once and count it.

    Args:
        rows: Shape (N, K), float64.
        labels: What codes in the rows stand for.
    """
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(len(rows))
    ordered = rows[order]
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    group = np.cumsum(is_new) - 1
    counts = np.bincount(group).astype(np.float64)
    inverse = np.empty(len(rows), np.intp)
    inverse[order] = group
    return Table(ordered[is_new], counts[None, :], labels, inverse)


def narrow(table: Table, columns: slice, labels: tuple[Hashable, ...] = ()) -> Table:
    """Return some columns of a table; rows are sorted and distinct again, weights added up."""
    rows = collapse(table.rows[:, columns])
    weights = np.zeros((len(table.weights), len(rows.rows)))
    np.add.at(weights.T, rows.order, table.weights.T)
    return Table(rows.rows, weights, labels)


def totals(table: Table, columns: Any = None) -> Floats:
    """Sum statistics over examples, shape (R, K).

    One line of weights is summed exactly (then rounded once): the published value is the same on
    every machine. Replicates are summed by matrix product.

    Args:
        table: The statistics.
        columns: Numbers to sum instead of `table.rows`, shape (M, K).
    """
    rows = table.rows if columns is None else np.asarray(columns, np.float64)
    if len(table.weights) > 1:
        return table.weights @ rows
    weighted = rows * table.weights[0][:, None]
    return np.array([[math.fsum(column) for column in weighted.T.tolist()]], np.float64)


def size(table: Table) -> Floats:
    """Count examples, shape (R,)."""
    total: Floats = table.weights.sum(axis=1)
    return total


def ratio(above: Any, below: Any, otherwise: float = math.nan) -> Floats:
    """Divide; where the divisor is 0 the result is `otherwise`."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    out = np.full(above.shape, otherwise, np.float64)
    np.divide(above, below, out=out, where=below != 0)
    return out


def count_by(codes: NDArray[np.intp], weights: Floats, size: int) -> Floats:
    """Add up weights by code, shape (R, size).

    Args:
        codes: Shape (M,), each in [0, size).
        weights: Shape (R, M).
        size: How many codes there are.
    """
    return np.stack([np.bincount(codes, line, size) for line in weights])
