"""SQuAD 2.0: as 1.1, with questions that have no answer; and its best-threshold variant.

`squad2-best` picks the threshold on the very labels it is scored on. It is another metric, and
its numbers are never comparable with those of `squad2`.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from reprise.metrics.definition import PERCENT, RAW, Cells, Columns, Definition, Values
from reprise.metrics.definitions import squad_inputs
from reprise.metrics.definitions.squad_text import normalize, overlap
from reprise.metrics.options import Option, Options, finite_number
from reprise.metrics.table import Floats, Table, ratio, size, totals

_EXACT, _F1, _ANSWERABLE, _NO_ANSWER, _SPOKE = range(5)


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read questions with or without an answer."""
    return squad_inputs.read(predictions, references, answers_needed=False)


def golds_of(reference: tuple[str, ...]) -> tuple[str, ...]:
    """Drop golds that normalise to nothing; none left means that no answer is right."""
    return tuple(gold for gold in reference if normalize(gold)) or ("",)


def token_f1(prediction: str, gold: str) -> float:
    """F1 of two answers; equality when either has no tokens."""
    said, right = normalize(prediction).split(), normalize(gold).split()
    return overlap(said, right) if said and right else float(said == right)


def score(prediction: Any, reference: tuple[str, ...], options: Options) -> Cells:
    """Return exact match, F1 and whether there is an answer, of one question."""
    is_answerable = float(any(normalize(gold) for gold in reference))
    if prediction is None:
        return 0.0, 0.0, is_answerable
    silent = prediction.no_answer > options["no_answer_threshold"]
    text = "" if silent else prediction.text
    return (*_agreement(text, reference), is_answerable)


def _agreement(text: str, reference: tuple[str, ...]) -> tuple[float, float]:
    golds = golds_of(reference)
    said = normalize(text)
    exact = max(float(said == normalize(gold)) for gold in golds)
    return exact, max(token_f1(text, gold) for gold in golds)


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Average over all questions, over those with an answer, and over those without."""
    n, answerable = size(table), table.rows[:, [_ANSWERABLE]]
    pair = table.rows[:, :_ANSWERABLE]
    sums = totals(table, np.hstack([pair, pair * answerable, pair * (1 - answerable), answerable]))
    with_answer = sums[:, 6]
    counts = {"": n, "HasAns_": with_answer, "NoAns_": n - with_answer}
    found: Values = {}
    for number, (prefix, count) in enumerate(counts.items()):
        found[f"{prefix}exact"] = ratio(100 * sums[:, 2 * number], count)
        found[f"{prefix}f1"] = ratio(100 * sums[:, 2 * number + 1], count)
    return found


def counts(table: Table, options: Options) -> dict[str, Any]:  # noqa: ARG001
    """Count the questions of each kind."""
    n = int(size(table)[0])
    answerable = int(totals(table)[0, _ANSWERABLE])
    return {"total": n, "HasAns_total": answerable, "NoAns_total": n - answerable}


def score_best(prediction: Any, reference: tuple[str, ...], options: Options) -> Cells:  # noqa: ARG001
    """Return agreement without a threshold, and what choosing one needs."""
    is_answerable = float(any(normalize(gold) for gold in reference))
    if prediction is None:
        return 0.0, 0.0, is_answerable, 0.0, 1.0
    spoke = float(prediction.text != "")
    return (*_agreement(prediction.text, reference), is_answerable, prediction.no_answer, spoke)


def finish_best(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Try every threshold; questions of equal probability are kept or dropped together."""
    found: Values = {}
    for name, column in (("exact", _EXACT), ("f1", _F1)):
        best, threshold = _best(table, column)
        found[f"best_{name}"] = ratio(100 * best, size(table))
        found[f"best_{name}_thresh"] = threshold
    return found


def _best(table: Table, column: int) -> tuple[Floats, Floats]:
    """Return the highest sum of scores and the threshold that gives it, each (R,)."""
    rows = table.rows
    answerable, probability = rows[:, _ANSWERABLE] == 1, rows[:, _NO_ANSWER]
    # Speaking up instead of staying silent gains the score, or loses a right silence.
    gain = np.where(answerable, rows[:, column], -rows[:, _SPOKE])
    thresholds, group = np.unique(probability, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    steps = np.add.reduceat((table.weights * gain)[:, order], starts, axis=1)
    silent = (table.weights * ~answerable).sum(axis=1, keepdims=True)
    reached = silent + np.hstack([np.zeros_like(silent), np.cumsum(steps, axis=1)])
    chosen = reached.argmax(axis=1)
    at = np.concatenate([[0.0], thresholds])[chosen]
    return np.take_along_axis(reached, chosen[:, None], axis=1)[:, 0], at


SQUAD2 = Definition(
    id="squad2",
    version="1.0",
    summary="SQuAD 2.0: exact match and token F1, no-answer included.",
    unit=PERCENT,
    main="f1",
    statistics=("exact", "f1", "answerable"),
    read=read,
    score=score,
    finish=finish,
    options=(
        Option("no_answer_threshold", "silent above this probability", 1.0,
               check=finite_number, key="threshold"),
    ),
    fixed=(("norm", "en"), ("agg", "max"), ("missing", "0"), ("na", "text")),
    details=counts,
    sizes=(("dev", 11873),),
    source="https://rajpurkar.github.io/SQuAD-explorer/ (evaluate-v2.0.py)",
)  # fmt: skip
SQUAD2_BEST = replace(
    SQUAD2,
    id="squad2-best",
    summary="SQuAD 2.0 with the threshold chosen on the test labels; not comparable with squad2.",
    main="best_f1",
    statistics=("exact", "f1", "answerable", "no_answer_probability", "spoke"),
    score=score_best,
    finish=finish_best,
    options=(),
    fixed=(("norm", "en"), ("agg", "max"), ("missing", "0"), ("na", "best"), ("ties", "together")),
    details=None,
    units={"best_exact_thresh": RAW, "best_f1_thresh": RAW},
)
