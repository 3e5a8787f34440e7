"""Word and character error rate: edits over the length of all references.

Texts are compared as they are; case, punctuation and spelling belong to whoever prepares them.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from reprise.metrics import inputs
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.options import Options
from reprise.metrics.table import Table, ratio, totals


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a transcript per example on both sides."""
    return inputs.texts(predictions, references)


def words(text: str) -> list[str]:
    """Split at white space."""
    return text.split()


def characters(text: str) -> list[str]:
    """Take all code points but white space around the text."""
    return list(text.strip())


def edits(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Count the substitutions, deletions and insertions between two sequences, at least.

    Bit-parallel (Myers 1999, Hyyrö 2003): one step of whole numbers per item of `second`.

    Example:
        >>> edits("kitten", "sitting"), edits("", "abc"), edits("abc", "")
        (3, 3, 3)
    """
    length = len(first)
    if not length:
        return len(second)
    places: dict[Hashable, int] = {}
    for number, item in enumerate(first):
        places[item] = places.get(item, 0) | 1 << number
    everything, last = (1 << length) - 1, 1 << (length - 1)
    up, down, distance = everything, 0, length
    for item in second:
        equal = places.get(item, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        right, left = down | ~(diagonal | up) & everything, up & diagonal
        distance += bool(right & last) - bool(left & last)
        right = (right << 1 | 1) & everything
        left = left << 1 & everything
        up, down = left | ~(diagonal | right) & everything, right & diagonal
    return distance


def score(split: Any, prediction: str, reference: str, options: Options) -> Cells:  # noqa: ARG001
    """Return edits and length of the reference."""
    true = split(reference)
    return edits(true, split(prediction)), len(true)


def finish(name: str, table: Table, options: Options) -> Values:  # noqa: ARG001
    """Divide all edits by all lengths; undefined when all references are empty."""
    sums = totals(table)
    return {name: ratio(sums[:, 0], sums[:, 1])}


WER = Definition(
    id="wer",
    version="1.0",
    summary="Word error rate.",
    unit=FRACTION,
    main="wer",
    statistics=("edits", "length"),
    read=read,
    score=partial(score, words),
    finish=partial(finish, "wer"),
    fixed=(("norm", "none"), ("split", "space")),
    higher_is_better=False,
    source="as jiwer 4 without transformations",
)
CER = replace(
    WER,
    id="cer",
    summary="Character error rate.",
    main="cer",
    score=partial(score, characters),
    finish=partial(finish, "cer"),
    fixed=(("norm", "none"), ("split", "codepoint")),
)
