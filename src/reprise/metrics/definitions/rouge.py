"""ROUGE by rouge-score, with stemmer and sentence split said in the signature.

ROUGE-Lsum compares sentence by sentence; the same texts score 45.5 with sentences on one line and
71.6 with one per line. So `split` says where sentences end: "newline" takes lines as they are,
"punctuation" ends sentences after `.`, `!` or `?` and white space. No data of nltk is used.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from reprise.base.optional import require
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.definitions import translation
from reprise.metrics.options import Option, Options
from reprise.metrics.table import Table, ratio, size, totals

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def read(predictions: Any, references: Any, options: Options) -> Columns:
    """Read a text per example and one or several references for it."""
    return translation.read(predictions, references, options)


@lru_cache(maxsize=2)
def _scorer(use_stemmer: bool) -> Any:
    module = require("rouge_score.rouge_scorer", extra="metrics")
    return module.RougeScorer(list(TYPES), use_stemmer=use_stemmer)


def lines(text: str, split: str) -> str:
    """Put every sentence on a line of its own."""
    if split == "newline":
        return text
    return "\n".join(part for line in text.split("\n") for part in _SENTENCE_END.split(line))


def score(prediction: str, reference: Sequence[str], options: Options) -> Cells:
    """Return the F-measure of each type, each the best over the references."""
    scorer, split = _scorer(options["use_stemmer"]), options["split"]
    said = lines(prediction, split)
    found = [scorer.score(lines(gold, split), said) for gold in reference]
    return tuple(max(float(one[name].fmeasure) for one in found) for name in TYPES)


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Average over examples."""
    means = ratio(totals(table), size(table)[:, None])
    return {name: means[:, k] for k, name in enumerate(TYPES)}


def upstream(table: Table, options: Options) -> str:  # noqa: ARG001
    """Name the library that computed."""
    from importlib.metadata import version

    return f"rouge-score|version:{version('rouge-score')}"


ROUGE = Definition(
    id="rouge",
    version="1.0",
    summary="ROUGE-1, 2, L and Lsum by rouge-score.",
    unit=FRACTION,
    main="rougeL",
    statistics=TYPES,
    read=read,
    score=score,
    finish=finish,
    upstream=upstream,
    options=(
        Option("use_stemmer", "compare word stems (Porter)", False, (True, False), key="stem"),
        Option("split", "where sentences end, for rougeLsum", "newline",
               ("newline", "punctuation")),
    ),
    fixed=(("measure", "f"), ("agg", "max")),
    source="rouge-score 0.1.2 (Lin 2004)",
    requires=("rouge_score", "metrics"),
)  # fmt: skip
