"""text-classification: a label for each text, or for each pair of texts."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows

_INPUTS = ("text", "sentence", "question", "query", "review", "content", "input")
_LABELS = ("label", "labels", "category", "intent", "class", "target")
_PAIR = 2
_BEST = 2  # the second best says how clear a decision was
_UNNAMED = re.compile(r"LABEL_(\d+)")


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read texts or pairs, and their labels."""
    given = args["input"]
    named = list(given) if isinstance(given, list) else [given]
    if not 1 <= len(named) <= _PAIR:
        raise InvalidInput("input must name one column of texts, or two for pairs.")
    inputs = [columns.column(rows, name, _INPUTS, "input") for name in named]
    label = columns.column(rows, args["label"], _LABELS, "label")
    texts = [columns.texts(rows, name) for name in inputs]
    asked: list[Any] = texts[0]
    if len(texts) == _PAIR:
        asked = [{"text": a, "text_pair": b} for a, b in zip(*texts, strict=True)]
    used = {"input": inputs if len(inputs) == _PAIR else inputs[0], "label": label}
    more = {"known": list(rows.names.get(label, ()))}
    return Examples(asked, columns.labels(rows, label), used, more)


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model; its labels are named by it, else by `labels`, else by the data."""
    from reprise.tasks import pipeline

    pipe = pipeline(
        "text-classification", folder, engine=args["engine"], threads=args["threads"],
        truncation=args["truncation"], top_k=_BEST, progress=False,
    )  # fmt: skip
    ids = {name: number for number, name in pipe.model.config.id2label.items()}
    order, known = args["labels"] or [], args.get("known") or []
    if order and len(order) != len(ids):
        raise InvalidInput(f"labels has {len(order)} names, and the model has {len(ids)} labels.")
    names = {name: _name(name, ids[name], order, known) for name in ids}

    def answer(inputs: list[Any]) -> list[Any]:
        return [[{"label": names[one["label"]], "score": one["score"]} for one in best]
                for best in pipe(inputs)]  # fmt: skip

    return answer


def _name(name: str, number: int, order: list[str], known: list[str]) -> str:
    """Name a label: as the caller says, as the model does, or as the data where the model does not.

    A model that was saved without names calls its labels LABEL_0, LABEL_1.
    """
    if order:
        return order[number]
    is_unnamed = _UNNAMED.fullmatch(name) is not None
    return known[number] if is_unnamed and number < len(known) else name


EVALUATOR = Evaluator(
    name="text-classification",
    version=1,
    summary="A label for each text or pair of texts.",
    task="text-classification",
    metric="accuracy",
    args=(
        Arg("input", (str, list)),
        Arg("label", (str,)),
        Arg("labels", (list,)),
        Arg("truncation", (bool,), True),
        *ENGINE,
    ),
    read=read,
    make=make,
)
