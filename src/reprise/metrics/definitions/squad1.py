"""SQuAD 1.1: exact match and token F1, each the best over the gold answers, in percent."""

from typing import Any

from reprise.metrics.definition import PERCENT, Cells, Columns, Definition, Values
from reprise.metrics.definitions import squad_inputs
from reprise.metrics.definitions.squad_text import best_exact, best_overlap
from reprise.metrics.options import Options
from reprise.metrics.table import Table, ratio, size, totals


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read questions that all have an answer."""
    return squad_inputs.read(predictions, references, answers_needed=True)


def score(prediction: Any, reference: tuple[str, ...], options: Options) -> Cells:  # noqa: ARG001
    """Return exact match and F1 of one question; 0 without a prediction."""
    if prediction is None:
        return 0.0, 0.0
    return best_exact(prediction.text, reference), best_overlap(prediction.text, reference)


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Average over all questions."""
    means = ratio(100 * totals(table), size(table)[:, None])
    return {"exact_match": means[:, 0], "f1": means[:, 1]}


SQUAD1 = Definition(
    id="squad1",
    version="1.0",
    summary="SQuAD 1.1: exact match and token F1.",
    unit=PERCENT,
    main="f1",
    statistics=("exact_match", "f1"),
    read=read,
    score=score,
    finish=finish,
    fixed=(("norm", "en"), ("agg", "max"), ("missing", "0"), ("empty", "0")),
    source="https://github.com/allenai/bi-att-flow/blob/master/squad/evaluate-v1.1.py",
)
