"""Questions, gold answers and predictions in the shapes people have them.

References: rows `{"id", "answers": {"text": […]}}` as the data sets have them, answers also as
`[{"text": …}]` or a list of texts; a whole SQuAD file; or `{id: [texts]}`.
Predictions: rows `{"id", "prediction_text"}`, or the official prediction file `{id: text}`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import Columns
from reprise.metrics.inputs import as_list, listed, shown, unique_ids

_LARGEST = 1e9  # some write the difference of two logits instead of a probability


class Said(NamedTuple):
    """A prediction for one question."""

    text: str
    no_answer: float  # probability that there is no answer


def read(predictions: Any, references: Any, *, answers_needed: bool) -> Columns:
    """Join predictions to references by id; a question without a prediction gets None.

    Args:
        predictions: See above.
        references: See above.
        answers_needed: Whether every question must have an answer (SQuAD 1.1).

    Raises:
        InvalidInput: Something has another shape, an id comes twice, or a prediction is for a
            question that is not there.
    """
    if predictions is None or references is None:
        raise InvalidInput(f"{'predictions' if predictions is None else 'references'} are missing.")
    questions = list(_questions(references))
    unique_ids([key for key, _ in questions], "references")
    said = list(_predictions(predictions))
    unique_ids([key for key, _ in said], "predictions")
    known = dict(questions)
    if strangers := [key for key, _ in said if key not in known]:
        raise InvalidInput(
            f"{len(strangers)} predictions are for questions that are not among the references: "
            f"{listed(strangers)}.",
            hint="Leave them out, after checking that both sides are of the same data set.",
        )
    if answers_needed and (bare := [key for key, golds in questions if not golds]):
        raise InvalidInput(
            f"{len(bare)} questions have no gold answer: {listed(bare)}.",
            hint="Questions without an answer belong to SQuAD 2.0: use squad2.",
        )
    by_id = dict(said)
    return Columns(
        [by_id.get(key) for key, _ in questions],
        [golds for _, golds in questions],
        [key for key, _ in questions],
    )


def texts_of(answers: Any, place: str) -> tuple[str, ...]:
    """Read gold answers in any of their shapes."""
    found = answers.get("text") if isinstance(answers, Mapping) else answers
    if isinstance(found, str):
        found = [found]
    items = as_list(found, f"the answers of {place}")
    plain: list[Any] = [i.get("text") if isinstance(i, Mapping) else i for i in items]
    if not all(isinstance(item, str) for item in plain):
        raise InvalidInput(f"The answers of {place} must be texts, not {shown(answers)}.")
    return tuple(plain)


def _questions(references: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    if isinstance(references, Mapping) and isinstance(references.get("data"), list):
        yield from _from_file(references["data"])
        return
    if isinstance(references, Mapping):
        rows: Iterable[Any] = [{"id": k, "answers": v} for k, v in references.items()]
    else:
        rows = as_list(references, "references")
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or "id" not in row or "answers" not in row:
            raise InvalidInput(
                f"references[{index}] must have 'id' and 'answers', not {shown(row)}."
            )
        yield row["id"], texts_of(row["answers"], f"question {row['id']!r}")


def _from_file(articles: list[Any]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    place = f"question {question['id']!r}"
                    yield question["id"], texts_of(question["answers"], place)
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"references are no SQuAD file: {error!r}.") from None


def _predictions(predictions: Any) -> Iterator[tuple[Any, Said]]:
    if isinstance(predictions, Mapping):
        rows: Iterable[Any] = [
            {"id": key, "prediction_text": text} for key, text in predictions.items()
        ]
    else:
        rows = as_list(predictions, "predictions")
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or "id" not in row:
            raise InvalidInput(
                f"predictions[{index}] must have 'id' and 'prediction_text', not {shown(row)}."
            )
        yield row["id"], _said(row)


def _said(row: Mapping[str, Any]) -> Said:
    text = row.get("prediction_text")
    if not isinstance(text, str):
        raise InvalidInput(
            f"The prediction for {row['id']!r} must have a text in 'prediction_text', "
            f"not {shown(text)}.",
            hint="No answer is the empty text.",
        )
    probability = row.get("no_answer_probability", 0.0)
    is_number = isinstance(probability, int | float) and not isinstance(probability, bool)
    if not is_number or not -_LARGEST <= probability <= _LARGEST:
        raise InvalidInput(
            f"no_answer_probability of {row['id']!r} must be a number, not {shown(probability)}."
        )
    return Said(text, float(probability))
