"""Accuracy over groups of examples: subjects of MMLU, sets of BLiMP.

The mean over examples and the mean over groups are two numbers with one name in most tables, so the
average has no default.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.definitions import classification
from reprise.metrics.inputs import as_list, shown
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Floats, Table, count_by, ratio


def read(predictions: Any, references: Any, options: Options) -> Columns:
    """Read a label per example, and rows `{"group", "label"}` as references."""
    if references is None:
        raise InvalidInput("references are missing.")
    rows = as_list(references, "references")
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or not isinstance(row.get("group"), str):
            raise InvalidInput(
                f"references[{index}] must have a text in 'group' and 'label', not {shown(row)}."
            )
    labels = [row.get("label") for row in rows]
    said, true, ids = classification.read(predictions, labels, options)
    groups = [row["group"] for row in rows]
    pairs = zip(as_list(true, "references"), groups, strict=True)
    return Columns(as_list(said, "predictions"), list(pairs), ids)


def score(prediction: Any, reference: Any, options: Options) -> Cells:  # noqa: ARG001
    """Return the group, and whether the label is right."""
    label, group = reference
    return group, float(prediction == label)


def encode(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[str, ...]]:  # noqa: ARG001
    """Number the groups in alphabetical order."""
    names = tuple(sorted({group for group, _ in statistics}))
    code = {name: number for number, name in enumerate(names)}
    return np.array([[code[group], right] for group, right in statistics], np.float64), names


def finish(table: Table, options: Options) -> Values:
    """Average over examples, or over the groups that have some."""
    right, count = _counts(table)
    if options["average"] == "micro":
        return {"accuracy": ratio(right.sum(axis=1), count.sum(axis=1))}
    share = ratio(right, count, 0.0)
    return {"accuracy": ratio(share.sum(axis=1), (count > 0).sum(axis=1))}


def by_group(table: Table, options: Options) -> dict[str, Any]:  # noqa: ARG001
    """Return the accuracy of each group."""
    right, count = _counts(table)
    shares = ratio(right, count)[0].tolist()
    return {"groups": dict(zip(map(str, table.labels), shares, strict=True))}


def count_groups(table: Table, options: Options) -> tuple[tuple[str, object], ...]:  # noqa: ARG001
    """Say how many groups there are."""
    return (("groups", len(table.labels)),)


def _counts(table: Table) -> tuple[Floats, Floats]:
    group, right = table.rows[:, 0].astype(int), table.rows[:, 1]
    groups = len(table.labels)
    return count_by(group, table.weights * right, groups), count_by(group, table.weights, groups)


GROUPED_ACCURACY = Definition(
    id="grouped_accuracy",
    version="1.0",
    summary="Accuracy over groups of examples (subjects), per example or per group.",
    unit=FRACTION,
    main="accuracy",
    statistics=("group", "right"),
    read=read,
    score=score,
    encode=encode,
    finish=finish,
    details=by_group,
    noted=count_groups,
    options=(Option("average", "mean over examples or over groups", choices=("micro", "macro")),),
)
