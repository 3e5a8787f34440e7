"""question-answering: the words of a context that answer a question, or that there is no answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read questions, contexts and gold answers; questions are known by their id."""
    names = {
        name: columns.column(rows, args[name], (name,), name)
        for name in ("question", "context", "answers")
    }
    questions = columns.texts(rows, names["question"])
    contexts = columns.texts(rows, names["context"])
    identity = args["id"] or ("id" if "id" in rows.columns else None)
    ids = range(len(rows))
    if identity is not None:
        names["id"] = columns.column(rows, identity, ("id",), "id")
        ids = rows.columns[identity]  # type: ignore[assignment]
    gold = rows.columns[names["answers"]]
    return Examples(
        [{"question": q, "context": c} for q, c in zip(questions, contexts, strict=True)],
        [{"id": str(key), "answers": _answers(item, at)}
         for at, (key, item) in enumerate(zip(ids, gold, strict=True))],
        names,
    )  # fmt: skip


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model."""
    from reprise.tasks import pipeline

    pipe = pipeline(
        "question-answering", folder, engine=args["engine"], threads=args["threads"],
        max_answer_len=args["max_answer_len"], doc_stride=args["doc_stride"],
        max_seq_len=args["max_seq_len"], handle_impossible_answer=args["no_answer"],
        progress=False,
    )  # fmt: skip

    def answer(inputs: list[Any]) -> list[Any]:
        return [{"answer": it["answer"], "score": it["score"]} for it in pipe(inputs)]

    return answer


def score(
    answers: Sequence[Any], examples: Examples, args: Mapping[str, Any]
) -> tuple[Any, Any]:  # fmt: skip
    """Join answers to questions by id."""
    _ = args
    references = examples.references or []
    said = [
        {"id": right["id"], "prediction_text": text}
        for text, right in zip(answers, references, strict=True)
    ]
    return said, references


def _answers(item: Any, at: int) -> list[str]:
    """Read gold answers as data sets have them: `{"text": […]}`, a list of texts, or one text."""
    if isinstance(item, Mapping):
        item = item.get("text")
    found = [item] if isinstance(item, str) else item
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise InvalidInput(f"Row {at} has no list of answers, but {str(item)[:80]!r}.")
    return found


EVALUATOR = Evaluator(
    name="question-answering",
    version=1,
    summary="The part of a context that answers a question.",
    task="question-answering",
    metric="squad1",
    args=(
        Arg("question", (str,)),
        Arg("context", (str,)),
        Arg("answers", (str,)),
        Arg("id", (str,)),
        Arg("no_answer", (bool,), False),
        Arg("max_answer_len", (int,), 30, least=1),
        Arg("doc_stride", (int,), least=0),
        Arg("max_seq_len", (int,), least=1),
        *ENGINE,
    ),
    read=read,
    make=make,
    score=score,
    batch=64,
)
