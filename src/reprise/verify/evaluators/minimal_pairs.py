"""minimal-pairs: whether a model finds the acceptable one of two sentences likelier (BLiMP)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read pairs of sentences."""
    good = columns.column(rows, args["good"], ("sentence_good", "good"), "good")
    bad = columns.column(rows, args["bad"], ("sentence_bad", "bad"), "bad")
    pairs = zip(columns.texts(rows, good), columns.texts(rows, bad), strict=True)
    return Examples([list(pair) for pair in pairs], None, {"good": good, "bad": bad})


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model."""
    from reprise.verify.evaluators.likelihood import LikelihoodOptions, scorer

    how = {"engine": args["engine"], "threads": args["threads"]}
    found = scorer(folder, args["method"], LikelihoodOptions(bos=args["bos"]), how)
    is_mean = args["likelihood"] == "mean"

    def answer(pairs: list[Any]) -> list[Any]:
        sums = found([sentence for pair in pairs for sentence in pair])
        values = [total / max(1, count) if is_mean else total for total, count in sums]
        return [list(pair) for pair in zip(values[::2], values[1::2], strict=True)]

    return answer


def score(
    answers: Sequence[Any], examples: Examples, args: Mapping[str, Any]
) -> tuple[Any, Any]:  # fmt: skip
    """Give the metric pairs; it needs no references."""
    _ = examples, args
    return list(answers), None


EVALUATOR = Evaluator(
    name="minimal-pairs",
    version=1,
    summary="Which of two sentences is likelier.",
    task="text-generation",
    metric="blimp",
    args=(
        Arg("good", (str,)),
        Arg("bad", (str,)),
        Arg("method", (str,), "auto", ("auto", "causal", "masked")),
        Arg("likelihood", (str,), "sum", ("sum", "mean")),
        Arg("bos", (bool,), True),
        *ENGINE,
    ),
    read=read,
    make=make,
    score=score,
    metric_args=lambda args: {"likelihood": args["likelihood"]},
    continuous=True,
)
