"""Labels of a benchmark: a fixed order of names, so that 0 and 1 mean the same everywhere."""

from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics import inputs
from reprise.metrics.definition import Columns
from reprise.metrics.options import Options

_HIDDEN = -1


def read(names: tuple[str, ...], predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read labels by number or name on both sides.

    Args:
        names: Names of the labels; the first one is 0.
        predictions: One label per example.
        references: The same.
        options: None of them matters.

    Raises:
        InvalidInput: A label that the task does not have, or hidden references (-1).
    """
    if references is None:
        raise InvalidInput("references are missing.")
    left = numbered(names, predictions, "predictions")
    right = numbered(names, references, "references")
    inputs.check_lengths(left, right)
    return Columns(left, right, range(len(left)))


def numbered(names: tuple[str, ...], values: Any, what: str) -> Any:
    """Turn names into numbers and check their range."""
    found = inputs.labels(values, what)
    if isinstance(found, list):
        place = {name: number for number, name in enumerate(names)}
        for index, name in enumerate(found):
            if name not in place:
                raise InvalidInput(
                    f"{what}[{index}] is {inputs.shown(name)}; the labels are {', '.join(names)}."
                )
        return np.array([place[name] for name in found], np.int64)
    wrong = np.flatnonzero((found < 0) | (found >= len(names)))
    if len(wrong) and what == "references" and found[wrong[0]] == _HIDDEN:
        raise InvalidInput(
            f"references[{wrong[0]}] is -1: the labels of this set are hidden.",
            hint="Only the dev set can be scored here.",
        )
    if len(wrong):
        order = ", ".join(f"{number} {name}" for number, name in enumerate(names))
        raise InvalidInput(f"{what}[{wrong[0]}] is {found[wrong[0]]}; the labels are {order}.")
    return found
