"""Entity precision, recall and F1 over tagged sentences.

Scheme and mode have no default: on one and the same file conlleval says 74.35, strict IOB2 70.46.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.definitions.entity_spans import MODES, SCHEMES, parse, spans
from reprise.metrics.inputs import as_list, paired, shown
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Floats, Table, ratio, totals

_PER_TYPE = 3  # right, predicted, gold


def read(predictions: Any, references: Any, options: Options) -> Columns:
    """Read one list of tags per sentence on both sides, of equal lengths."""
    left, right = paired(predictions, references)
    said = [_tags(row, f"predictions[{i}]", options["scheme"]) for i, row in enumerate(left)]
    true = [_tags(row, f"references[{i}]", options["scheme"]) for i, row in enumerate(right)]
    for index, (a, b) in enumerate(zip(said, true, strict=True)):
        if len(a) != len(b):
            raise InvalidInput(
                f"Sentence {index} has {len(a)} predicted tags and {len(b)} reference tags.",
                hint="Give one tag per word; long sentences may have been cut by the model.",
            )
    return Columns(said, true, range(len(said)))


def _tags(row: Any, place: str, scheme: str) -> list[str]:
    tags = as_list(row, place)
    for number, tag in enumerate(tags):
        if not isinstance(tag, str):
            raise InvalidInput(
                f"{place}[{number}] must be a tag such as 'B-PER', not {shown(tag)}.",
                hint="Turn class numbers into tags, and leave out ignored positions (-100).",
            )
        try:
            parse(tag, scheme)
        except ValueError:
            raise InvalidInput(
                f"{place}[{number}] is {shown(tag)}, which is no tag of {scheme}.",
                hint=f"Choose the scheme of the data: {', '.join(SCHEMES)}.",
            ) from None
    return tags


def score(prediction: Sequence[str], reference: Sequence[str], options: Options) -> Cells:
    """Return right, predicted and gold entities per type; right tags; tags."""
    mode, scheme = options["mode"], options["scheme"]
    said = spans([parse(tag, scheme) for tag in prediction], mode, scheme)
    true = spans([parse(tag, scheme) for tag in reference], mode, scheme)
    counts = [Counter(span.type for span in found) for found in (said & true, said, true)]
    types = sorted(counts[1].keys() | counts[2].keys())
    by_type = {name: [count[name] for count in counts] for name in types}
    right = sum(a == b for a, b in zip(prediction, reference, strict=True))
    return by_type, right, len(reference)


def encode(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[str, ...]]:  # noqa: ARG001
    """Lay out counts: right tags, tags, then three columns per type."""
    types = tuple(sorted({name for by_type, _, _ in statistics for name in by_type}))
    nothing = [0] * _PER_TYPE
    rows = [
        [right, tags, *(count for name in types for count in by_type.get(name, nothing))]
        for by_type, right, tags in statistics
    ]
    return np.array(rows, np.float64), types


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Sum over all types and sentences."""
    sums = totals(table)
    right, said, true = (sums[:, 2 + k :: _PER_TYPE].sum(axis=1) for k in range(_PER_TYPE))
    return {
        "overall_precision": ratio(right, said, 0.0),
        "overall_recall": ratio(right, true, 0.0),
        "overall_f1": ratio(2 * right, said + true, 0.0),
        "overall_accuracy": ratio(sums[:, 0], sums[:, 1]),
    }


def by_type(table: Table, options: Options) -> dict[str, Any]:  # noqa: ARG001
    """Return the same for each type, and how many entities it has in the references."""
    counts = totals(table)[0, 2:].reshape(-1, _PER_TYPE)
    return {str(name): _entry(*counts[k]) for k, name in enumerate(table.labels)}


def _entry(right: float, said: float, true: float) -> dict[str, Any]:
    return {
        "precision": float(ratio(right, said, 0.0)),
        "recall": float(ratio(right, true, 0.0)),
        "f1": float(ratio(2 * right, said + true, 0.0)),
        "number": int(true),
    }


ENTITY_F1 = Definition(
    id="entity_f1",
    version="1.0",
    summary="Entity precision, recall and F1 of tagged sentences.",
    unit=FRACTION,
    main="overall_f1",
    statistics=("entities", "right_tags", "tags"),
    read=read,
    score=score,
    encode=encode,
    finish=finish,
    details=by_type,
    options=(
        Option("scheme", "how tags mark entities", choices=tuple(SCHEMES)),
        Option("mode", "conlleval forgives malformed sequences, strict does not", choices=MODES),
    ),
    fixed=(("avg", "micro"),),
    source="conlleval 2004-01-26 (E. Tjong Kim Sang); seqeval 1.2.2 for strict",
)
