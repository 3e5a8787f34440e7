"""Trying a model on its page: which fields a task has, what is asked, how an answer is shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WRITTEN = 40  # tokens that a model writes for a page
_MAX_ROWS = 50
_TEXTS = ("generated_text", "summary_text", "translation_text", "text")


@dataclass(frozen=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    lines: int = 1
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """One line of an answer: what, how sure, and what else is known of it."""

    label: str
    score: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Shown:
    """An answer as the page shows it."""

    rows: Sequence[Row] = ()
    text: str = ""
    error: str = ""
    commit: str = ""


_TEXT = Field("inputs", "Text", 4)
_PASSAGE = Field("inputs", "Text", 8)
_SIMILAR = (
    Field("source", "Sentence"),
    Field("sentences", "Compare with", 4, "One sentence a line"),
)
FORMS: dict[str, tuple[Field, ...]] = {
    "text-classification": (_TEXT,),
    "token-classification": (_TEXT,),
    "fill-mask": (Field("inputs", "Text with a gap", 2, "The model's mask stands for the gap"),),
    "summarization": (_PASSAGE,),
    "translation": (_TEXT,),
    "text2text-generation": (_TEXT,),
    "text-generation": (_TEXT,),
    "question-answering": (Field("question", "Question"), Field("context", "Text", 8)),
    "zero-shot-classification": (_TEXT, Field("labels", "Labels", 1, "Separated by commas")),
    "sentence-similarity": _SIMILAR,
    "feature-extraction": _SIMILAR,
}


def can_try(task: str | None) -> bool:
    """Tell whether there is a form for a task."""
    return task in FORMS


def question(task: str, sent: Mapping[str, str]) -> dict[str, Any]:
    """Build what a form asks, in the shape of the Inference API."""
    fields = {field.name: sent.get(field.name, "").strip() for field in FORMS[task]}
    match task:
        case "question-answering":
            return {"inputs": fields}
        case "sentence-similarity" | "feature-extraction":
            others = _parts(fields["sentences"], "\n")
            return {"inputs": {"source_sentence": fields["source"], "sentences": others}}
        case "zero-shot-classification":
            labels = _parts(fields["labels"], ",")
            return {"inputs": fields["inputs"], "parameters": {"candidate_labels": labels}}
        case "text-generation":
            return {"inputs": fields["inputs"], "parameters": {"max_new_tokens": _WRITTEN}}
    return {"inputs": fields["inputs"]}


def shown(status: int, body: bytes, asked: Mapping[str, Any], commit: str) -> Shown:
    """Read an answer. Whatever a worker says, it becomes text."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = body.decode("utf-8", "replace")
    if status != 200:  # noqa: PLR2004 - the only status of an answer that is none of an error
        told = value.get("error") if isinstance(value, dict) else value
        return Shown(error=str(told or value), commit=commit)
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    rows = _rows(value, asked)
    if rows:
        return Shown(rows=rows[:_MAX_ROWS], commit=commit)
    return Shown(text=_text(value), commit=commit)


def _rows(value: Any, asked: Mapping[str, Any]) -> list[Row]:
    inputs = asked.get("inputs")
    if isinstance(inputs, dict) and "sentences" in inputs and isinstance(value, list):
        pairs = zip(inputs["sentences"], value, strict=False)
        return [Row(str(text), _number(score)) for text, score in pairs]
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list) or not all(isinstance(it, dict) for it in items):
        return []
    return [_row(it) for it in items if _number(it.get("score")) is not None]


def _row(item: Mapping[str, Any]) -> Row:
    names = ("sequence", "answer", "word", "label")
    label = next((str(item[name]) for name in names if name in item), "")
    note = str(item.get("entity_group") or item.get("entity") or "")
    return Row(label, _number(item["score"]), note)


def _text(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict):
        for name in _TEXTS:
            if isinstance(first.get(name), str):
                return str(first[name])
    return json.dumps(value, ensure_ascii=False, indent=1)


def _number(value: Any) -> float | None:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if real else None


def _parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]
