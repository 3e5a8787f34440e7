"""Exact match of texts, with what is ignored said in the signature."""

import string
from typing import Any

from reprise.metrics import inputs
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Table, ratio, size, totals

_PUNCTUATION = str.maketrans("", "", string.punctuation)  # ASCII
_DIGITS = str.maketrans("", "", string.digits)


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a text per example on both sides."""
    return inputs.texts(predictions, references)


def reduced(text: str, options: Options) -> str:
    """Return a text without what is ignored."""
    text = text.lower() if options["ignore_case"] else text
    text = text.translate(_PUNCTUATION) if options["ignore_punctuation"] else text
    return text.translate(_DIGITS) if options["ignore_numbers"] else text


def score(prediction: str, reference: str, options: Options) -> Cells:
    """Return whether the texts are equal."""
    return (float(reduced(prediction, options) == reduced(reference, options)),)


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Share of examples that are equal."""
    return {"exact_match": ratio(totals(table)[:, 0], size(table))}


def _flag(name: str, summary: str, key: str) -> Option:
    return Option(name, summary, False, (True, False), key=key)


EXACT_MATCH = Definition(
    id="exact_match",
    version="1.0",
    summary="Share of texts that are equal to their reference.",
    unit=FRACTION,
    main="exact_match",
    statistics=("equal",),
    read=read,
    score=score,
    finish=finish,
    options=(
        _flag("ignore_case", "compare lower case", "nocase"),
        _flag("ignore_punctuation", "leave out ASCII punctuation", "nopunct"),
        _flag("ignore_numbers", "leave out ASCII digits", "nonum"),
    ),
)
