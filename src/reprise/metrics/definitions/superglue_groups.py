"""SuperGLUE tasks whose examples belong together: MultiRC, Winogender (AX-g); and ReCoRD.

The bootstrap draws whole questions of MultiRC and whole pairs of Winogender.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.definitions import named_labels
from reprise.metrics.definitions.squad_inputs import texts_of
from reprise.metrics.definitions.squad_text import best_exact, best_overlap
from reprise.metrics.inputs import check_lengths, paired, shown, unique_ids
from reprise.metrics.options import Options
from reprise.metrics.table import Floats, Table, ratio, size, totals

_SOURCE = "SuperGLUE (Wang et al. 2019)"
_PAIR = 2


def read_multirc(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read rows `{"idx": {"paragraph", "question", "answer"}, "prediction": 0 or 1}`."""
    rows, right = paired(predictions, references)
    places, labels = _said(rows, ("paragraph", "question", "answer"), "prediction")
    said = named_labels.numbered(("0", "1"), labels, "predictions")
    true = named_labels.numbered(("0", "1"), right, "references")
    return Columns(list(zip(said.tolist(), places, strict=True)), true.tolist(), places)


def _place(row: Any, place: str, names: tuple[str, ...]) -> tuple[Hashable, ...]:
    """Return where a row belongs, as its `idx` says."""
    where = row.get("idx") if isinstance(row, Mapping) else None
    if not isinstance(where, Mapping) or any(name not in where for name in names):
        raise InvalidInput(f"{place} must have 'idx' with {' and '.join(names)}, not {shown(row)}.")
    return tuple(where[name] for name in names)


def _said(rows: list[Any], names: tuple[str, ...], key: str) -> tuple[list[Any], list[Any]]:
    """Return where predictions belong, and what they say."""
    places = [_place(row, f"predictions[{index}]", names) for index, row in enumerate(rows)]
    unique_ids(places, "predictions")
    if absent := [place for row, place in zip(rows, places, strict=True) if key not in row]:
        raise InvalidInput(f"The prediction for {absent[0]} has no {key!r}.")
    return places, [row[key] for row in rows]


def score_multirc(prediction: Any, reference: int, options: Options) -> Cells:  # noqa: ARG001
    """Return the question, and whether the option is said and is right."""
    said, (paragraph, question, _) = prediction
    return f"{paragraph}/{question}", said, reference


def encode_multirc(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[Any, ...]]:  # noqa: ARG001
    """Sum up each question: all right, hits, said, true, options."""
    questions: dict[str, list[float]] = {}
    for name, said, true in statistics:
        row = questions.setdefault(name, [1, 0, 0, 0, 0])
        row[0] *= said == true
        row[1:] = [row[1] + said * true, row[2] + said, row[3] + true, row[4] + 1]
    return np.array(list(questions.values()), np.float64), ()


def finish_multirc(table: Table, options: Options) -> Values:  # noqa: ARG001
    """F1 over all options; share of questions that are right in every option."""
    sums = totals(table)
    return {
        "exact_match": ratio(sums[:, 0], size(table)),
        "f1_a": ratio(2 * sums[:, 1], sums[:, 2] + sums[:, 3], 0.0),
    }


def count_options(table: Table) -> int:
    """Count answer options."""
    return int(totals(table)[0, -1])


def read_pairs(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read labels of sentence pairs 2k and 2k+1; rows `{"idx", "prediction"}` in any order."""
    rows, right = paired(predictions, references)
    is_named = [isinstance(row, Mapping) for row in rows]
    if any(is_named) and not all("idx" in row and "prediction" in row for row in rows
                                 if isinstance(row, Mapping)):  # fmt: skip
        raise InvalidInput("Every prediction needs 'idx' and 'prediction'.")
    if any(is_named) and not all(is_named):
        raise InvalidInput("Some predictions have 'idx' and others do not.")
    places = [row["idx"] for row in rows] if any(is_named) else list(range(len(rows)))
    for place in places:
        if isinstance(place, bool) or not isinstance(place, int):
            raise InvalidInput(f"idx must be a whole number, not {shown(place)}.")
    unique_ids(places, "predictions")
    names = ("entailment", "not_entailment")
    plain = [row["prediction"] for row in rows] if any(is_named) else rows
    said = named_labels.numbered(names, plain, "predictions").tolist()
    true = named_labels.numbered(names, right, "references").tolist()
    check_lengths(said, true)
    return Columns(list(zip(said, places, strict=True)), true, places)


def score_pair(prediction: Any, reference: int, options: Options) -> Cells:  # noqa: ARG001
    """Return the pair, and both labels."""
    said, place = prediction
    return place // _PAIR, said, reference


def encode_pairs(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[Any, ...]]:  # noqa: ARG001
    """Sum up each pair: same prediction for both, right ones, sentences."""
    pairs: dict[int, list[tuple[int, int]]] = {}
    for number, said, true in statistics:
        pairs.setdefault(int(number), []).append((said, true))
    wrong = [number for number, both in pairs.items() if len(both) != _PAIR]
    if wrong:
        raise InvalidInput(
            f"Pair {wrong[0]} has {len(pairs[wrong[0]])} sentences instead of 2.",
            hint="Give 'idx' with each prediction; idx 2k and 2k+1 belong together.",
        )
    rows = [[a[0] == b[0], (a[0] == a[1]) + (b[0] == b[1]), _PAIR] for a, b in pairs.values()]
    return np.array(rows, np.float64), ()


def finish_pairs(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Accuracy over sentences; share of pairs that get one and the same label."""
    sums = totals(table)
    return {
        "accuracy": ratio(sums[:, 1], sums[:, 2]),
        "gender_parity": ratio(sums[:, 0], size(table)),
    }


def read_record(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read `{"idx": {"passage", "query"}, "prediction_text"}` and `{"idx", "answers"}`."""
    rows, golds = paired(predictions, references)
    names = ("passage", "query")
    places, texts = _said(rows, names, "prediction_text")
    if bad := [text for text in texts if not isinstance(text, str)]:
        raise InvalidInput(f"prediction_text must be a text, not {shown(bad[0])}.")
    true = [_place(row, f"references[{index}]", names) for index, row in enumerate(golds)]
    unique_ids(true, "references")
    by_place = {place: _answers(row, place) for place, row in zip(true, golds, strict=True)}
    if missing := [place for place in places if place not in by_place]:
        raise InvalidInput(f"Query {missing[0]} has a prediction and no reference.")
    return Columns(texts, [by_place[place] for place in places], places)


def _answers(row: Mapping[str, Any], place: Hashable) -> tuple[str, ...]:
    if "answers" not in row:
        raise InvalidInput(f"The reference of query {place} has no 'answers'.")
    return texts_of(row["answers"], f"query {place}")


def score_record(prediction: str, reference: tuple[str, ...], options: Options) -> Cells:  # noqa: ARG001
    """Return exact match and F1, each the best over the golds."""
    return best_exact(prediction, reference), best_overlap(prediction, reference)


def finish_record(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Average over queries."""
    means = ratio(totals(table), size(table)[:, None])
    return {"exact_match": means[:, 0], "f1": means[:, 1]}


MULTIRC = Definition(
    id="superglue-multirc",
    version="1.0",
    summary="MultiRC: F1 over all answer options, exact match per question.",
    unit=FRACTION,
    main="f1_a",
    statistics=("question", "said", "true"),
    read=read_multirc,
    score=score_multirc,
    encode=encode_multirc,
    finish=finish_multirc,
    examples=count_options,
    fixed=(("drawn", "questions"),),
    sizes=(("dev", 4848),),
    source=_SOURCE,
)
AXG = Definition(
    id="superglue-axg",
    version="1.0",
    summary="Winogender diagnostic: accuracy and gender parity.",
    unit=FRACTION,
    main="accuracy",
    statistics=("pair", "said", "true"),
    read=read_pairs,
    score=score_pair,
    encode=encode_pairs,
    finish=finish_pairs,
    examples=count_options,
    fixed=(("labels", "entailment,not_entailment"), ("drawn", "pairs")),
    sizes=(("diagnostic", 356),),
    source=_SOURCE,
)
RECORD = Definition(
    id="superglue-record",
    version="1.0",
    summary="ReCoRD: token F1 and exact match, best over the golds.",
    unit=FRACTION,
    main="f1",
    statistics=("exact_match", "f1"),
    read=read_record,
    score=score_record,
    finish=finish_record,
    fixed=(("norm", "en"), ("agg", "max")),
    sizes=(("dev", 10000),),
    source=_SOURCE,
)
