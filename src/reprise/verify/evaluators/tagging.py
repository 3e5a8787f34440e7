"""token-classification: a label for each word, that of its first token."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done
from reprise.tasks.rows import Row
from reprise.tasks.scores import name_of
from reprise.tasks.text import Cut
from reprise.tasks.token_classification import TokenClassification, TokenOptions
from reprise.tokenizers.options import Want
from reprise.verify.evaluators import columns
from reprise.verify.evaluators.evaluator import ENGINE, Answers, Arg, Evaluator, Examples
from reprise.verify.rows import Rows

_INPUTS = ("tokens", "words", "form")
_LABELS = ("tags", "ner_tags", "labels", "pos_tags", "upos")
_OUTSIDE = "O"
_SHARED = 4  # windows of a long sentence share a quarter of their tokens


def read(rows: Rows, args: Mapping[str, Any]) -> Examples:
    """Read sentences as lists of words, and a label for each word."""
    words = columns.column(rows, args["input"], _INPUTS, "input")
    tags = columns.column(rows, args["label"], _LABELS, "label")
    inputs, references = columns.lists_of_texts(rows, words), columns.label_lists(rows, tags)
    if args["only_words"] and "id" in rows.columns:
        inputs, references = (_only_words(rows.columns["id"], it) for it in (inputs, references))
    for at, (sentence, labels) in enumerate(zip(inputs, references, strict=True)):
        if len(sentence) != len(labels):
            raise InvalidInput(
                f"Row {at} has {len(sentence)} words in {words} and {len(labels)} labels in {tags}."
            )
    more = {"known": list(rows.names.get(tags, ()))}
    return Examples(inputs, references, {"input": words, "label": tags}, more)


def make(folder: Path, args: Mapping[str, Any]) -> Answers:
    """Load the model."""
    from reprise.tasks import pipeline

    pipe = pipeline("token-classification", folder, engine=args["engine"], threads=args["threads"])
    tagger = _WordTags(pipe.parts, is_split_into_words=True, progress=False)

    def answer(sentences: list[Any]) -> list[Any]:
        spoken = [sentence for sentence in sentences if sentence]
        found = iter(tagger(spoken) if spoken else ())
        return [next(found) if sentence else [] for sentence in sentences]

    return answer


def score(answers: Sequence[Any], examples: Examples, args: Mapping[str, Any]) -> tuple[Any, Any]:
    """Give a metric sentences, or single words where that is what it counts."""
    references = examples.references or []
    for at, (said, right) in enumerate(zip(answers, references, strict=True)):
        if not isinstance(said, list) or len(said) != len(right):
            raise InvalidInput(f"Row {at} needs {len(right)} labels, one per word.")
    if args["count"] == "words":
        return list(chain.from_iterable(answers)), list(chain.from_iterable(references))
    return list(answers), references


class _WordTags(TokenClassification):
    """Gives one label per word; a long sentence is read in windows, so that no word is dropped."""

    def rows(self, items: Sequence[Any], options: TokenOptions) -> list[list[Row]]:  # noqa: ARG002
        limit = self.parts.limit if self.parts.bounded else None
        cut = Cut(truncation=limit is not None, stride=limit // _SHARED if limit else None)
        batch = self.reader.encode(items, cut, Want.WORD_IDS | Want.SPECIAL_MASK, words=True)
        return self.reader.rows(batch, ("word_ids", "special_mask"))

    def result(self, done: Done, options: TokenOptions) -> list[Any]:  # noqa: ARG002
        names = self.model.config.id2label
        found: dict[int, str] = {}
        for row, answer in zip(done.rows, done.answers, strict=True):
            words, special = row.note["word_ids"].tolist(), row.note["special_mask"].tolist()
            best = answer["logits"].argmax(-1).tolist()
            for word, skipped, label in zip(words, special, best, strict=True):
                if not skipped and word >= 0:
                    found.setdefault(word, name_of(names, label))  # the first token decides
        # A word of nothing but what the tokenizer deletes has no token, and so no label.
        return [found.get(word, _OUTSIDE) for word in range(len(done.item))]


def _only_words(ids: list[Any], rows: list[list[Any]]) -> list[list[Any]]:
    """Leave out the lines of CoNLL-U that stand for several words (`3-4`) or for none (`5.1`)."""
    if not all(isinstance(line, list) for line in ids):
        return rows
    return [
        [item for name, item in zip(line, row, strict=False) if str(name).isdigit()]
        for line, row in zip(ids, rows, strict=True)
    ]


EVALUATOR = Evaluator(
    name="tagging",
    version=1,
    summary="A label for each word of a sentence.",
    task="token-classification",
    metric="entity_f1",
    args=(
        Arg("input", (str,)),
        Arg("label", (str,)),
        Arg("count", (str,), "sentences", ("sentences", "words")),
        Arg("only_words", (bool,), True),
        *ENGINE,
    ),
    read=read,
    make=make,
    score=score,
)
