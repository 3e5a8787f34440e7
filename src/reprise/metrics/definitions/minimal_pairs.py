"""BLiMP accuracy: how often the acceptable sentence of a minimal pair is the likelier one.

Predictions are pairs of log-likelihoods: `(good, bad)` or `{"good": …, "bad": …}`. A tie is
wrong: a model that cannot tell the two apart earns nothing.
"""

from collections.abc import Mapping
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.inputs import as_list, numbers, shown
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Table, ratio, size, totals

_PAIR = 2


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a pair of log-likelihoods per example."""
    if references is not None:
        raise InvalidInput("blimp takes no references: each prediction is a (good, bad) pair.")
    pairs = [_pair(item, index) for index, item in enumerate(as_list(predictions, "predictions"))]
    return Columns(pairs, [None] * len(pairs), range(len(pairs)))


def _pair(item: Any, index: int) -> tuple[float, float]:
    if isinstance(item, Mapping):
        item = [item.get("good"), item.get("bad")]
    parts = as_list(item, f"predictions[{index}]")
    if len(parts) != _PAIR:
        raise InvalidInput(f"predictions[{index}] must be a (good, bad) pair, not {shown(item)}.")
    good, bad = numbers(parts, f"predictions[{index}]").tolist()
    return good, bad


def score(prediction: tuple[float, float], reference: Any, options: Options) -> Cells:  # noqa: ARG001
    """Return whether the good sentence is likelier, and by how much."""
    good, bad = prediction
    return float(good > bad), good - bad


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Share of pairs that are right."""
    return {"accuracy": ratio(totals(table)[:, 0], size(table))}


BLIMP = Definition(
    id="blimp",
    version="1.0",
    summary="Accuracy on minimal pairs: the acceptable sentence must be likelier.",
    unit=FRACTION,
    main="accuracy",
    statistics=("right", "margin"),
    read=read,
    score=score,
    finish=finish,
    options=(
        Option("likelihood", "of the sentence, or its mean per token", "sum", ("sum", "mean")),
    ),
    fixed=(("ties", "wrong"),),
    referenceless=True,
    source="Warstadt et al. 2020, https://doi.org/10.1162/tacl_a_00321",
)
