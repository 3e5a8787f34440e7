"""Pearson and Spearman correlation, in float64 throughout; undefined when one side is constant."""

from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics import inputs
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.options import Options
from reprise.metrics.table import Floats, Table, ratio, size, totals

_FLAT = 1e-26  # variance of numbers up to 1 that is rounding alone


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a finite number per example on both sides."""
    if references is None:
        raise InvalidInput("references are missing.")
    left = inputs.numbers(predictions, "predictions")
    right = inputs.numbers(references, "references")
    inputs.check_lengths(left, right)
    return Columns(left, right, range(len(left)))


def score(prediction: float, reference: float, options: Options) -> Cells:  # noqa: ARG001
    """Keep both numbers."""
    return float(prediction), float(reference)


def score_all(columns: Columns, options: Options) -> Floats:  # noqa: ARG001
    """Keep both numbers of all examples."""
    return np.column_stack([columns.predictions, columns.references])


def pearson(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Linear correlation."""
    return {"pearsonr": correlate(table, table.rows)}


def spearman(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Linear correlation of ranks; equal values share the mean of their ranks."""
    return {"spearmanr": rank_correlation(table)}


def correlate(table: Table, columns: Floats) -> Floats:
    """Return the correlation of two columns, shape (R,)."""
    # Brought below 1 by a power of two, which loses no bit, and then to the origin: squares
    # neither overflow nor cancel.
    scaled = np.ldexp(columns, -np.frexp(np.abs(columns).max(axis=0))[1])
    moved = scaled - scaled.mean(axis=0)
    x, y = moved.T
    sums = totals(table, np.column_stack([x, y, x * x, y * y, x * y]))
    n = size(table)
    within_x = sums[:, 2] - sums[:, 0] ** 2 / n
    within_y = sums[:, 3] - sums[:, 1] ** 2 / n
    both = sums[:, 4] - sums[:, 0] * sums[:, 1] / n
    flat = (within_x <= _FLAT * n) | (within_y <= _FLAT * n)
    found = ratio(both, np.sqrt(within_x.clip(0)) * np.sqrt(within_y.clip(0)))
    return np.where(flat, np.nan, found.clip(-1, 1))


def rank_correlation(table: Table) -> Floats:
    """Return Spearman's correlation of both columns, shape (R,)."""
    middle = (size(table)[:, None] + 1) / 2  # the mean of all ranks, ties or not
    x, y = (midranks(column, table.weights) - middle for column in table.rows.T)
    weights = table.weights
    both = (weights * x * y).sum(axis=1)
    spread = np.sqrt((weights * x * x).sum(axis=1)) * np.sqrt((weights * y * y).sum(axis=1))
    return ratio(both, spread).clip(-1, 1)


def midranks(values: Floats, weights: Floats) -> Floats:
    """Rank values that occur as often as the weights say, from 1, shape (R, M).

    Args:
        values: Shape (M,).
        weights: Whole numbers, shape (R, M).
    """
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    together = np.add.reduceat(weights[:, order], starts, axis=1)
    up_to = np.cumsum(together, axis=1)
    ranks: Floats = (up_to - (together - 1) / 2)[:, group]
    return ranks


PEARSON = Definition(
    id="pearsonr",
    version="1.0",
    summary="Pearson correlation; undefined for constant numbers.",
    unit=FRACTION,
    main="pearsonr",
    statistics=("prediction_value", "reference_value"),
    read=read,
    score=score,
    score_all=score_all,
    finish=pearson,
    source="scipy.stats.pearsonr",
)
SPEARMAN = Definition(
    id="spearmanr",
    version="1.0",
    summary="Spearman rank correlation with mid-ranks; undefined for constant numbers.",
    unit=FRACTION,
    main="spearmanr",
    statistics=("prediction_value", "reference_value"),
    read=read,
    score=score,
    score_all=score_all,
    finish=spearman,
    fixed=(("ties", "mean"),),
    source="scipy.stats.spearmanr",
)
