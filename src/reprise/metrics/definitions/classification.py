"""Accuracy, precision, recall, F1 and Matthews correlation of class labels.

The statistics of an example are its two labels. Definitions follow scikit-learn's; where a choice
changes the number (average, the set of classes) it is an option and stands in the signature.
"""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprise.base.errors import InvalidInput
from reprise.metrics import inputs
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.inputs import listed
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Floats, Table, count_by, ratio, size, totals

_TWO = 2  # classes of a binary task


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a label per example on both sides, of one kind."""
    if references is None:
        raise InvalidInput("references are missing.")
    left = inputs.labels(predictions, "predictions")
    right = inputs.labels(references, "references")
    inputs.check_lengths(left, right)
    if len(left) and isinstance(left, list) is not isinstance(right, list):
        kinds = ("texts", "numbers") if isinstance(left, list) else ("numbers", "texts")
        raise InvalidInput(
            f"predictions are {kinds[0]} and references are {kinds[1]}: they are never equal.",
            hint="Turn one into the other with the label names of the data set.",
        )
    return Columns(left, right, range(len(left)))


def score(prediction: Any, reference: Any, options: Options) -> Cells:  # noqa: ARG001
    """Keep both labels."""
    return prediction, reference


def score_all(columns: Columns, options: Options) -> Any:  # noqa: ARG001
    """Keep both labels of all examples."""
    if isinstance(columns.predictions, list):
        return list(zip(columns.predictions, columns.references, strict=True))
    return np.column_stack([columns.predictions, columns.references])


def encode(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[Any, ...]]:  # noqa: ARG001
    """Number text labels in alphabetical order."""
    flat = {cell for cells in statistics for cell in cells}
    if not any(isinstance(cell, str) for cell in flat):
        return np.asarray(statistics, np.float64), ()
    if not all(isinstance(cell, str) for cell in flat):
        raise InvalidInput("Some parts have texts as labels and others numbers.")
    names = tuple(sorted(flat))
    code = {name: number for number, name in enumerate(names)}
    return np.array([[code[a], code[b]] for a, b in statistics], np.float64), names


def accuracy(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Share of examples whose labels are equal."""
    right = (table.rows[:, 0] == table.rows[:, 1])[:, None]
    return {"accuracy": ratio(totals(table, right)[:, 0], size(table))}


def matthews(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Matthews correlation for any number of classes; 0 when one side is constant."""
    classes, predicted, true = _codes(table, None)
    hit, found, wanted = _counts(table, predicted, true, len(classes))
    n = size(table)
    c = hit.sum(axis=1)
    both = c * n - (found * wanted).sum(axis=1)
    spread = (n * n - (found**2).sum(axis=1)) * (n * n - (wanted**2).sum(axis=1))
    return {"matthews_correlation": ratio(both, np.sqrt(spread), 0.0)}


def averaged(name: str, table: Table, options: Options) -> Values:
    """Precision, recall or F1, averaged as the option says."""
    classes, predicted, true = _codes(table, options.get("labels"))
    counts: Sequence[Floats] = _counts(table, predicted, true, len(classes))
    average, otherwise = options["average"], float(options["zero_division"])
    if average == "binary":
        positive = _positive(classes, options["pos_label"])
        counts = [np.pad(count, ((0, 0), (0, 1)))[:, [positive]] for count in counts]
    if average in {"binary", "micro"}:
        return {name: _rate(name, [count.sum(axis=1) for count in counts], otherwise)}
    per_class = _rate(name, counts, otherwise)
    if average is None:
        return {name: per_class}
    weights = counts[2] if average == "weighted" else np.ones_like(per_class)
    mean = ratio((per_class * weights).sum(axis=1), weights.sum(axis=1), otherwise)
    return {name: mean}


def classes_averaged(table: Table, options: Options) -> tuple[tuple[str, object], ...]:
    """Say how many classes an average is over, when the examples decide that."""
    if options["labels"] is not None or options["average"] in {"binary", "micro"}:
        return ()
    return (("classes", len(_codes(table, None)[0])),)


def _rate(name: str, counts: Sequence[Floats], otherwise: float) -> Floats:
    hit, found, wanted = counts
    if name == "precision":
        return ratio(hit, found, otherwise)
    if name == "recall":
        return ratio(hit, wanted, otherwise)
    return ratio(2 * hit, found + wanted, otherwise)


def _codes(
    table: Table, chosen: tuple[Hashable, ...] | None
) -> tuple[tuple[Hashable, ...], NDArray[np.intp], NDArray[np.intp]]:
    """Return the classes and both columns as positions among them; all others come last."""
    if table.labels:
        names: tuple[Hashable, ...] = table.labels
        columns = table.rows.astype(np.intp)
    else:
        values, flat = np.unique(table.rows, return_inverse=True)
        names = tuple(int(value) for value in values)
        columns = flat.reshape(table.rows.shape)
    if chosen is None:
        return names, columns[:, 0], columns[:, 1]
    if isinstance(chosen[0], str) is not isinstance(names[0], str):
        raise InvalidInput(f"labels {listed(chosen)} are of another kind than {listed(names)}.")
    place = {name: number for number, name in enumerate(chosen)}
    moved = np.array([place.get(name, len(chosen)) for name in names], np.intp)[columns]
    return chosen, moved[:, 0], moved[:, 1]


def _counts(
    table: Table, predicted: NDArray[np.intp], true: NDArray[np.intp], classes: int
) -> tuple[Floats, Floats, Floats]:
    """Count hits, predictions and references per class, each (R, classes)."""
    same = predicted == true
    columns = (
        (predicted[same], table.weights[:, same]),
        (predicted, table.weights),
        (true, table.weights),
    )
    hit, found, wanted = (count_by(codes, w, classes + 1)[:, :classes] for codes, w in columns)
    return hit, found, wanted


def _positive(classes: tuple[Hashable, ...], positive: Hashable) -> int:
    if len(classes) > _TWO:
        raise InvalidInput(
            f"average='binary' needs two classes; there are {len(classes)}: {listed(classes)}.",
            hint="Choose average='macro', 'micro', 'weighted' or None.",
        )
    if positive in classes:
        return classes.index(positive)
    if len(classes) == _TWO or isinstance(positive, str) is not isinstance(classes[0], str):
        raise InvalidInput(
            f"pos_label={positive!r} is none of the classes {listed(classes)}.",
            hint="Say which class counts: pos_label=…",
        )
    return len(classes)  # nobody is, or is said to be, of the positive class


def _labels(value: Any) -> tuple[Hashable, ...] | None:
    if value is None:
        return None
    found = tuple(inputs.as_list(value, "labels"))
    if not found or len(set(found)) != len(found):
        raise ValueError("a list of different labels is needed")
    if {type(item) for item in found} not in ({int}, {str}):
        raise ValueError("labels are all whole numbers or all texts")
    return found


def _label(value: Any) -> Hashable:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"a label is a whole number or a text, not {value!r}")
    return value


_AVERAGES = ("binary", "micro", "macro", "weighted", None)
_OPTIONS = (
    Option("average", "how classes are joined", "binary", _AVERAGES),
    Option("pos_label", "the class that counts when binary", 1, check=_label, key="pos"),
    Option("labels", "classes to include; None: all that occur", None, check=_labels),
    Option("zero_division", "value of 0/0", 0, (0, 1), key="zero"),
)
_BINARY = Definition(
    id="f1",
    version="1.0",
    summary="Harmonic mean of precision and recall.",
    unit=FRACTION,
    main="f1",
    statistics=("prediction_label", "reference_label"),
    read=read,
    score=score,
    score_all=score_all,
    encode=encode,
    finish=partial(averaged, "f1"),
    options=_OPTIONS,
    noted=classes_averaged,
    source="scikit-learn f1_score, precision_score, recall_score",
)


def _like(identity: str, summary: str, **changes: Any) -> Definition:
    from dataclasses import replace

    return replace(_BINARY, id=identity, main=changes.pop("main", identity), summary=summary,
                   **changes)  # fmt: skip


F1 = _BINARY
PRECISION = _like(
    "precision", "Share of predictions that are right.", finish=partial(averaged, "precision")
)
RECALL = _like("recall", "Share of references that are found.", finish=partial(averaged, "recall"))
ACCURACY = _like(
    "accuracy",
    "Share of examples that are right.",
    finish=accuracy,
    options=(),
    noted=None,
    source="scikit-learn accuracy_score",
)
MATTHEWS = _like(
    "matthews_correlation",
    "Matthews correlation; 0 for constant predictions.",
    finish=matthews,
    options=(),
    noted=None,
    source="scikit-learn matthews_corrcoef",
)
