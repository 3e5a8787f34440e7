"""Area under the ROC curve: how often a positive example scores above a negative one."""

from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics import inputs
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.options import Options
from reprise.metrics.table import Floats, Table, ratio


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a score per example and its class, 0 or 1."""
    if references is None:
        raise InvalidInput("references are missing.")
    left = inputs.numbers(predictions, "predictions")
    right = inputs.labels(references, "references")
    inputs.check_lengths(left, right)
    if isinstance(right, list) and right:
        raise InvalidInput("references must be 0 or 1, not texts.")
    wrong = np.flatnonzero(~np.isin(np.asarray(right), (0, 1)))
    if len(wrong):
        raise InvalidInput(
            f"references[{wrong[0]}] is {right[wrong[0]]}; roc_auc is for two classes, 0 and 1.",
            hint="For more classes compute it once per class, that class being 1.",
        )
    return Columns(left, right, range(len(left)))


def score(prediction: float, reference: int, options: Options) -> Cells:  # noqa: ARG001
    """Keep score and class."""
    return float(prediction), float(reference)


def score_all(columns: Columns, options: Options) -> Floats:  # noqa: ARG001
    """Keep score and class of all examples."""
    return np.column_stack([columns.predictions, columns.references])


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Count pairs in order, ties half; undefined when a class is absent."""
    values, is_positive = table.rows[:, 0], table.rows[:, 1] == 1
    _, group = np.unique(values, return_inverse=True)
    starts = np.flatnonzero(np.diff(group, prepend=-1))  # rows are sorted by score
    positive = np.add.reduceat(table.weights * is_positive, starts, axis=1)
    negative = np.add.reduceat(table.weights * ~is_positive, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    won = (positive * (below + negative / 2)).sum(axis=1)
    return {"roc_auc": ratio(won, positive.sum(axis=1) * negative.sum(axis=1))}


ROC_AUC = Definition(
    id="roc_auc",
    version="1.0",
    summary="Area under the ROC curve of two classes; undefined when one is absent.",
    unit=FRACTION,
    main="roc_auc",
    statistics=("score", "reference_label"),
    read=read,
    score=score,
    score_all=score_all,
    finish=finish,
    fixed=(("classes", "binary"), ("ties", "half")),
    aliases={"prediction_scores": "predictions"},
    source="scikit-learn roc_auc_score",
)
