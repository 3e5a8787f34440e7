"""generation: a text that a model writes, compared with texts that are right."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows

_INPUTS = ("text", "prompt", "question", "input", "source", "document", "article")
_LABELS = ("target", "reference", "references", "summary", "answer", "label", "translation")
_PLACE = re.compile(r"\{([^{}]+)\}")
_MOST_PLACES = 32
_TASKS = ("auto", "text-generation", "text2text-generation", "summarization", "translation")
_WRITTEN = ("generated_text", "summary_text", "translation_text")


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Fill the prompt with each row's columns; read what is right, one text or several."""
    label = columns.column(rows, args["label"], _LABELS, "label")
    prompt, used = args["prompt"], {"label": label}
    if prompt is None:
        used["prompt"] = f"{{{columns.column(rows, None, _INPUTS, 'prompt')}}}"
        prompt = used["prompt"]
    places = _PLACE.findall(prompt)
    if len(places) > _MOST_PLACES:  # a short prompt must not make a long text of every row
        raise InvalidInput(f"prompt names {len(places)} columns; it may name {_MOST_PLACES}.")
    if not places:
        raise InvalidInput("prompt names no column; write {name} where a row's text goes.")
    for name in sorted(set(places)):
        columns.column(rows, name, (), "prompt")
    filled = [
        _PLACE.sub(lambda place, at=at: str(rows.columns[place[1]][at]), prompt)  # type: ignore[misc]
        for at in range(len(rows))
    ]
    return Examples(filled, columns.text_or_texts(rows, label), used)


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model; it writes what is likeliest, without drawing."""
    from reprise.tasks import pipeline

    given: dict[str, Any] = {"max_new_tokens": args["max_new_tokens"], "do_sample": False}
    given |= {"num_beams": args["beams"]} if args["beams"] > 1 else {}
    task = None if args["task"] == "auto" else args["task"]
    pipe = pipeline(task, folder, engine=args["engine"], threads=args["threads"], progress=False)
    if pipe.task == "text-generation":
        given["return_full_text"] = False

    def answer(inputs: list[Any]) -> list[Any]:
        return [_cut(_text(found), args) for found in pipe(inputs, **given)]

    return answer


def _text(found: Any) -> str:
    first = found[0] if isinstance(found, list) else found
    return str(next(first[name] for name in _WRITTEN if name in first))


def _cut(text: str, args: Mapping[str, Any]) -> str:
    """Keep what stands before the first of the stop words."""
    for stop in args["stop"]:
        text = text.partition(stop)[0]
    return text.strip() if args["strip"] else text


EVALUATOR = Evaluator(
    name="generation",
    version=1,
    summary="A text that a model writes.",
    task="text-generation",
    metric="exact_match",
    args=(
        Arg("prompt", (str,)),
        Arg("label", (str,)),
        Arg("task", (str,), "auto", _TASKS),
        Arg("max_new_tokens", (int,), 64, least=1),
        Arg("beams", (int,), 1, least=1),
        Arg("stop", (list,), []),
        Arg("strip", (bool,), True),
        *ENGINE,
    ),
    read=read,
    make=make,
    batch=32,
)
