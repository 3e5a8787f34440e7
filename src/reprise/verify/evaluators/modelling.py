"""language-modelling: how likely a model finds texts, for perplexity."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read texts; those of nothing but white space are left out."""
    name = columns.column(rows, args["input"], ("text", "sentence", "content"), "input")
    texts = [text for text in columns.texts(rows, name) if text.strip()]
    if not texts:
        raise InvalidInput(f"All texts of {name} are empty.")
    return Examples(texts, texts, {"input": name})


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model."""
    from reprise.verify.evaluators.likelihood import CAUSAL, LikelihoodOptions, scorer

    options = LikelihoodOptions(args["context"], args["stride"], args["bos"])
    how = {"engine": args["engine"], "threads": args["threads"]}
    return scorer(folder, CAUSAL, options, how)


def score(
    answers: Sequence[Any], examples: Examples, args: Mapping[str, Any]
) -> tuple[Any, Any]:  # fmt: skip
    """Name the two numbers of each text; count the units of the texts themselves."""
    said = [_named(item, at) for at, item in enumerate(answers)]
    return said, None if args["level"] == "token" else examples.references


def metric_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Say how it was computed, which decides the number."""
    return {name: args[name] for name in ("level", "context", "stride", "bos")}


def _named(item: Any, at: int) -> dict[str, Any]:
    if not isinstance(item, list) or len(item) != len(("sum", "tokens")):
        raise InvalidInput(f"Answer {at} must be a log-likelihood and a number of tokens.")
    return {"log_likelihood": item[0], "tokens": item[1]}


EVALUATOR = Evaluator(
    name="language-modelling",
    version=1,
    summary="How likely a model finds texts.",
    task="text-generation",
    metric="perplexity",
    args=(
        Arg("input", (str,)),
        Arg("context", (int,), 1024, least=2),
        Arg("stride", (int,), 512, least=1),
        Arg("bos", (bool,), False),
        Arg("level", (str,), "token", ("token", "word", "character", "byte")),
        *ENGINE,
    ),
    read=read,
    make=make,
    score=score,
    metric_args=metric_args,
    batch=16,
    continuous=True,
)
