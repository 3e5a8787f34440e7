"""sentence-similarity: how alike two sentences are, as one number."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows

_FIRST = ("sentence1", "sentence_1", "text1", "sentence_a", "premise")
_SECOND = ("sentence2", "sentence_2", "text2", "sentence_b", "hypothesis")
_SCORES = ("score", "similarity_score", "similarity", "label")


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read pairs of sentences, and what people thought of them."""
    one = columns.column(rows, args["first"], _FIRST, "first")
    two = columns.column(rows, args["second"], _SECOND, "second")
    label = columns.column(rows, args["label"], _SCORES, "label")
    pairs = zip(columns.texts(rows, one), columns.texts(rows, two), strict=True)
    used = {"first": one, "second": two, "label": label}
    return Examples([list(pair) for pair in pairs], columns.numbers(rows, label), used)


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model."""
    from reprise.tasks import pipeline

    pipe = pipeline("sentence-similarity", folder, engine=args["engine"], threads=args["threads"],
                    progress=False)  # fmt: skip

    def answer(pairs: list[Any]) -> list[Any]:
        asked = [{"source_sentence": one, "sentences": [two]} for one, two in pairs]
        return [found[0] for found in pipe(asked)]

    return answer


EVALUATOR = Evaluator(
    name="similarity",
    version=1,
    summary="How alike two sentences are, against what people said.",
    task="sentence-similarity",
    metric="spearmanr",
    args=(Arg("first", (str,)), Arg("second", (str,)), Arg("label", (str,)), *ENGINE),
    read=read,
    make=make,
    continuous=True,
)
